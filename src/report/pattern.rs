//! Texts that are like others.

use crate::record::Text;

/// What texts are compared with, as SQL's `LIKE` has it: `%` stands for any characters, `_` for one, and `\` before a
/// character for that one.
///
/// ```
/// use tower_llm_metrics::record::Text;
/// use tower_llm_metrics::report::Pattern;
///
/// let mini = Pattern::new(&Text::new("gpt-_%-mini").unwrap());
/// assert!(mini.matches("gpt-5-mini") && !mini.matches("GPT-5-mini"));
/// assert!(mini.ignore_case().matches("GPT-5-mini"));
/// let whole = Pattern::containing(&Text::new("100%").unwrap());
/// assert!(whole.matches("at 100% of it") && !whole.matches("at 1000 of it"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    pieces: Vec<Piece>,
    ignore_case: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Any,
    One,
    Is(char),
}

impl Pattern {
    /// The pattern that a text spells.
    pub fn new(pattern: &Text) -> Self {
        let mut characters = pattern.chars();
        let mut pieces = Vec::new();
        while let Some(character) = characters.next() {
            pieces.push(match character {
                '%' => Piece::Any,
                '_' => Piece::One,
                '\\' => Piece::Is(characters.next().unwrap_or('\\')),
                other => Piece::Is(other),
            });
        }
        Self { pieces, ignore_case: false }
    }

    /// The pattern of everything that holds a text as it is.
    pub fn containing(text: &Text) -> Self {
        let within = text.chars().map(Piece::Is);
        Self {
            pieces: [Piece::Any].into_iter().chain(within).chain([Piece::Any]).collect(),
            ignore_case: false,
        }
    }

    /// The same without a difference between upper and lower case, where one character is the other's case.
    #[must_use]
    pub fn ignore_case(mut self) -> Self {
        self.ignore_case = true;
        for piece in &mut self.pieces {
            if let Piece::Is(character) = piece {
                *character = lower(*character);
            }
        }
        self
    }

    /// Whether a text is like it.
    pub fn matches(&self, text: &str) -> bool {
        let mut pieces = self.pieces.as_slice();
        let mut rest = text.chars();
        // After the last `%`: what follows it in the pattern, and in the text as far as it has taken it.
        let mut retry = None;
        loop {
            match pieces.split_first() {
                Some((Piece::Any, after)) => {
                    pieces = after;
                    retry = Some((after, rest.clone()));
                    continue;
                }
                Some((piece, after)) => {
                    let mut ahead = rest.clone();
                    if let Some(character) = ahead.next()
                        && self.takes(*piece, character)
                    {
                        (pieces, rest) = (after, ahead);
                        continue;
                    }
                }
                None if rest.as_str().is_empty() => return true,
                None => {}
            }
            let Some((after, taken)) = &mut retry else { return false };
            if taken.next().is_none() {
                return false;
            }
            (pieces, rest) = (*after, taken.clone());
        }
    }

    fn takes(&self, piece: Piece, character: char) -> bool {
        match piece {
            Piece::Any | Piece::One => true,
            Piece::Is(wanted) => wanted == character || (self.ignore_case && wanted == lower(character)),
        }
    }
}

/// The lower case of a character, where that is one character.
fn lower(character: char) -> char {
    let mut lower = character.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(pattern: &str, text: &str) -> bool {
        Pattern::new(&Text::new(pattern).unwrap()).matches(text)
    }

    #[test]
    fn signs_stand_for_what_sql_says() {
        for (pattern, text) in [
            ("%", ""),
            ("a%c", "abbc"),
            ("%b%b%", "abcb"),
            ("_b", "éb"),
            ("%ab", "aab"),
            (r"100\%", "100%"),
            (r"a\", r"a\"),
            ("a%%b", "ab"),
        ] {
            assert!(like(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("_", ""), ("a%c", "abd"), ("%b%b%", "abc"), (r"100\%", "1000"), ("a", "A")] {
            assert!(!like(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_text_within_is_taken_as_it_is_and_case_can_be_ignored() {
        let within = |text| Pattern::containing(&Text::new(text).unwrap());
        assert!(within("_%").matches("a_%b") && !within("_%").matches("abcd"));
        assert!(within("ÄB").ignore_case().matches("xäbx") && !within("ÄB").matches("xäbx"));
    }

    #[test]
    fn many_signs_take_no_longer_than_the_texts_are_long() {
        let pattern = "%a".repeat(120) + "b";
        assert!(!like(&pattern, &"a".repeat(256)));
    }
}
