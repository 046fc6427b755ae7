//! A compact text form of a price book, which loads about ten times faster than what it was made from.
//!
//! It is lines of fields, in this order:
//!
//! ```text
//! # a comment
//! v VERSION
//! d SECONDS        the date of the data, since 1970
//! n NAMES          how many names follow, so that tables have the right size at once
//! t NAME           a tier; standard and batch have the numbers 0 and 1, the next one 2
//! c RATES          a card: unit letter and rate (a25e-7), `-` for one that is known to be missing,
//!                  `>272000` before the rates for larger requests; the first card has the number 0
//! p ID             a provider
//! a RULE           its other names
//! f ID ID …        the providers whose models it resells
//! g NAME…          an entry of the provider above from genai-prices; `l` from LiteLLM, `o` from the application
//! .                the end
//! ```
//!
//! An entry's fields are divided by tabs: its name (`~` before it where callers do not send it), its prices, other names
//! (`=name`), a rule. A price is `C` and the number of its card, with `T` and a tier, `F` and its first second or `D` and days, first
//! second, last second and zone before it; beside prices stand `U`, a region and a factor, `S` and the least seconds billed, and `W` where an answer is
//! billed once for its searches.
//! A rule is `=` `^` `$` `*` or `/` (a regular expression) and a text, or `&` or `|` and the number of the rules that follow in
//! fields of their own.

mod read;
mod write;

pub(super) use read::read;
pub(super) use write::write;

use super::catalog::Source;
use crate::record::Unit;

/// The letter of a unit.
fn letter(unit: Unit) -> char {
    char::from(b'a' + unit as u8)
}

/// The unit of a letter.
fn unit(letter: u8) -> Option<Unit> {
    Unit::from_index(usize::from(letter.checked_sub(b'a')?))
}

/// The mark of a line with an entry.
const fn mark(source: Source) -> &'static str {
    match source {
        Source::Override => "o",
        Source::GenAi => "g",
        Source::LiteLlm => "l",
    }
}

/// The source of a line with that mark.
fn source(of: &str) -> Option<Source> {
    Source::ALL.into_iter().find(|source| mark(*source) == of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_marks_read_back_as_what_they_stand_for() {
        for known in Unit::ALL {
            assert_eq!(unit(letter(*known) as u8), Some(*known));
        }
        assert_eq!((unit(b'z'), unit(b'A')), (None, None));
        for known in Source::ALL {
            assert_eq!(source(mark(known)), Some(known));
        }
        assert_eq!(source("x"), None);
    }
}
