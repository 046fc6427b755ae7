//! Patterns of texts.

use crate::record::Text;

/// A pattern of texts, like that of SQL's `LIKE`: `%` stands for any characters, `_` for one, and `\` before a character
/// for that character.
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
    parts: Vec<PatternPart>,
    ignore_case: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PatternPart {
    Any,
    One,
    Is(char),
}

impl Pattern {
    /// Reads a pattern.
    pub fn new(pattern: &Text) -> Self {
        let mut characters = pattern.chars();
        let mut parts = Vec::new();
        while let Some(character) = characters.next() {
            parts.push(match character {
                '%' => PatternPart::Any,
                '_' => PatternPart::One,
                '\\' => PatternPart::Is(characters.next().unwrap_or('\\')),
                other => PatternPart::Is(other),
            });
        }
        Self { parts, ignore_case: false }
    }

    /// Creates the pattern of all texts that contain this one.
    pub fn containing(text: &Text) -> Self {
        let within = text.chars().map(PatternPart::Is);
        Self {
            parts: [PatternPart::Any].into_iter().chain(within).chain([PatternPart::Any]).collect(),
            ignore_case: false,
        }
    }

    /// Makes the pattern ignore the case of characters whose lower case is a single character.
    #[must_use]
    pub fn ignore_case(mut self) -> Self {
        self.ignore_case = true;
        for piece in &mut self.parts {
            if let PatternPart::Is(character) = piece {
                *character = lower(*character);
            }
        }
        self
    }

    /// Whether a text matches the pattern.
    pub fn matches(&self, text: &str) -> bool {
        let mut parts = self.parts.as_slice();
        let mut rest = text.chars();
        // What follows the last `%` in the pattern, and what of the text the `%` has not taken yet.
        let mut retry = None;
        loop {
            match parts.split_first() {
                Some((PatternPart::Any, after)) => {
                    parts = after;
                    retry = Some((after, rest.clone()));
                    continue;
                }
                Some((piece, after)) => {
                    let mut ahead = rest.clone();
                    if let Some(character) = ahead.next()
                        && self.takes(*piece, character)
                    {
                        (parts, rest) = (after, ahead);
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
            (parts, rest) = (*after, taken.clone());
        }
    }

    fn takes(&self, piece: PatternPart, character: char) -> bool {
        match piece {
            PatternPart::Any | PatternPart::One => true,
            PatternPart::Is(wanted) => {
                wanted == character || (self.ignore_case && wanted == lower(character))
            }
        }
    }
}

/// Returns the lower case of a character, if that is a single character.
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
