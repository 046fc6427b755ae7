//! What keeps the figures that were read from being all that was counted.
//!
//! A price for the known figures alone would be too low where another is billed beside them, so each member of a usage
//! object that no reader knows is checked for such a figure.

use crate::json::{Kind, Reader};
use std::ops::BitOrAssign;

/// What keeps the figures that were read from being all that was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flaws {
    /// A figure is there and cannot be read.
    pub(super) unreadable: bool,
    /// There are tokens of a kind that is not known. A total shows whether they are within the known ones.
    unknown_tokens: bool,
    /// Something that is not known is counted beside the tokens.
    pub(super) unknown_fee: bool,
}

impl Flaws {
    /// Checks a member that is not known. `is_billed` says whether any figure in it is billed by itself.
    pub(super) fn check(&mut self, name: &str, value: &str, is_billed: bool) {
        if is_billed {
            self.unknown_fee |= states_a_figure(value);
        } else {
            self.check_within(name, FigureNames::default(), &mut Reader::new(value));
        }
    }

    /// Checks the figures in the value that comes next, whose name is `name`. `within` is what the names around it say that it
    /// stands in.
    fn check_within(&mut self, name: &str, within: FigureNames, reader: &mut Reader<'_>) {
        let found = within.with(name);
        match reader.kind() {
            _ if found.measure => {}
            Some(Kind::Number) if reader.skip().is_ok_and(states_a_figure) => {
                self.unknown_tokens |= found.tokens;
                self.unknown_fee |= !found.tokens;
            }
            // What is nested deeper than this is checked as a whole.
            Some(Kind::Object | Kind::Array) if found.depth > MAX_DEPTH => {
                self.unknown_fee |= reader.skip().is_ok_and(states_a_figure);
            }
            Some(Kind::Object) => {
                let Ok(mut members) = reader.members() else { return };
                while let Ok(Some(key)) = members.next(reader) {
                    let Ok(value) = reader.skip() else { return };
                    self.check_within(&key, found, &mut Reader::new(value));
                }
            }
            Some(Kind::Array) => {
                let Ok(mut elements) = reader.elements() else { return };
                while let Ok(true) = elements.next(reader) {
                    let Ok(value) = reader.skip() else { return };
                    self.check_within("", found, &mut Reader::new(value));
                }
            }
            _ => {}
        }
    }

    /// Whether something was counted that is not in the figures. `known` is the sum of all tokens that were read, `total`
    /// what the provider states as that sum.
    pub(super) fn leave_unread(self, known: u64, total: Option<u64>) -> bool {
        self.unknown_fee || total.map_or(self.unknown_tokens, |total| total > known)
    }
}

/// No provider nests its usage objects deeper.
const MAX_DEPTH: u8 = 8;

/// What a figure is by its name and by the names of the objects around it.
#[derive(Clone, Copy, Debug, Default)]
struct FigureNames {
    depth: u8,
    /// It is a time, a rate, a size, a price or the like, which nothing is billed by.
    measure: bool,
    /// It counts tokens.
    tokens: bool,
}

impl FigureNames {
    fn with(self, name: &str) -> Self {
        const MEASURES: &str = "_time latency _per_ persecond speed _ms _rate size bytes version cost price \
                                checkpoint perf acceptance request_count";
        let name = name.to_ascii_lowercase();
        let is_length = name.contains("duration") && !["audio", "video"].iter().any(|of| name.contains(of));
        let is_measure = MEASURES.split_whitespace().any(|word| name.contains(word));
        Self {
            depth: self.depth.saturating_add(1),
            measure: self.measure || is_measure || is_length || name.starts_with("time"),
            // Tokens of a cache have a price of their own.
            tokens: (self.tokens || name.contains("token")) && !name.contains("cache"),
        }
    }
}

impl BitOrAssign for Flaws {
    fn bitor_assign(&mut self, other: Self) {
        self.unreadable |= other.unreadable;
        self.unknown_tokens |= other.unknown_tokens;
        self.unknown_fee |= other.unknown_fee;
    }
}

/// Whether a JSON value has a number above zero in it, outside of its strings.
fn states_a_figure(json: &str) -> bool {
    let (mut in_string, mut escaped, mut negative) = (false, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'-' => negative = true,
            b'1'..=b'9' if !negative => return true,
            b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' => {}
            _ => negative = false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flaws(name: &str, value: &str) -> Flaws {
        let mut flaws = Flaws::default();
        flaws.check(name, value, false);
        flaws
    }

    #[test]
    fn tokens_of_an_unknown_kind_are_missing_unless_the_total_has_room_for_them_only_within_the_known_ones() {
        let unknown = flaws("wizard_tokens", "1");
        assert!(unknown.leave_unread(10, None));
        assert!(unknown.leave_unread(10, Some(11)));
        assert!(!unknown.leave_unread(10, Some(10)));
        assert!(Flaws::default().leave_unread(10, Some(11)));
        assert!(!Flaws::default().leave_unread(10, None));
    }

    #[test]
    fn what_is_not_known_is_a_fee_however_deep_it_stands_and_measures_are_none() {
        for (name, value) in [
            ("num_image_requests", "1"),
            ("container_sessions", "1"),
            ("video_seconds", "1"),
            ("audio_duration", "1"),
            ("x_tools", r#"{"web_search":{"count":2}}"#),
            ("tools", r#"[{"count":2}]"#),
            ("cache_write_1h_tokens", "1"),
        ] {
            assert!(flaws(name, value).leave_unread(10, Some(10)), "{name}");
        }
        let deep = format!("{}1{}", "{\"a\":".repeat(100), "}".repeat(100));
        assert!(flaws("deep", &deep).leave_unread(10, Some(10)));
        for (name, value) in [
            ("total_time", "1"),
            ("tokens_per_second", "1"),
            ("queue_duration", "1"),
            ("image_size", "1"),
            ("acceptance_rate", "1"),
            ("request_cost", "1"),
            ("latency_checkpoint", r#"{"ttft":5}"#),
            ("perf_metrics", r#"{"speculation-prompt-tokens":10}"#),
            ("search_context_size", "\"low\""),
            ("tools", r#"[{"count":0}]"#),
            ("is_byok", "true"),
        ] {
            assert!(!flaws(name, value).leave_unread(10, Some(10)), "{name}");
            assert!(!flaws(name, value).leave_unread(10, None), "{name}");
        }
        assert!(flaws("realtime_tokens", "1").leave_unread(1, None));
    }

    #[test]
    fn a_figure_is_a_number_above_zero_outside_of_strings() {
        for json in ["1", "0.5", "[0,{\"a\":[20]}]", "{\"a\":\"\\\"1\",\"b\":2}", "[-1,1]"] {
            assert!(states_a_figure(json), "{json}");
        }
        for json in ["0", "0.0", "-1", "-3.5e7", "\"12\"", "{\"a1\":0}", "null", "[]", "{\"a\":\"\\\"1\"}"] {
            assert!(!states_a_figure(json), "{json}");
        }
    }
}
