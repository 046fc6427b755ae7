//! What keeps the figures that were read from being all that was counted.
//!
//! A price for the known figures alone would be too low where another is billed beside them, so each member of a usage
//! object that no reader knows is looked at for whether it may be such a figure.

use std::ops::BitOrAssign;

/// What keeps the figures that were read from being all that was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flaws {
    /// A figure is there and cannot be read.
    pub(super) unreadable: bool,
    /// There are tokens of a kind that is not known. A total tells whether they are within the known ones.
    unknown_tokens: bool,
    /// Something that is not known is counted beside the tokens.
    pub(super) unknown_fee: bool,
}

impl Flaws {
    /// Takes note of a figure that is not zero and whose name is not known. Times, rates, sizes and prices are not billed.
    pub(super) fn note(&mut self, name: &str) {
        const MEASURES: &str =
            "_time duration latency _per_ persecond speed _ms _rate size bytes version cost";
        const THINGS: &str = "search quer call image page character second unit credit source audio video";
        let name = name.to_ascii_lowercase();
        let has = |words: &str| words.split(' ').any(|word| name.contains(word));
        if has(MEASURES) || name.starts_with("time") {
            return;
        }
        if name.contains("token") {
            self.unknown_tokens = true;
        } else if has(THINGS) {
            self.unknown_fee = true;
        }
    }

    /// Whether something was counted that is not in the figures. `known` is the sum of all tokens that were read, `total`
    /// what the provider says that it is.
    pub(super) fn leave_unread(self, known: u64, total: Option<u64>) -> bool {
        self.unknown_fee || total.map_or(self.unknown_tokens, |total| total > known)
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
pub(super) fn states_a_figure(json: &str) -> bool {
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

    fn flaws(name: &str) -> Flaws {
        let mut flaws = Flaws::default();
        flaws.note(name);
        flaws
    }

    #[test]
    fn tokens_of_an_unknown_kind_are_missing_unless_the_total_has_room_for_them_only_within_the_known_ones() {
        let unknown = flaws("wizard_tokens");
        assert!(unknown.leave_unread(10, None));
        assert!(unknown.leave_unread(10, Some(11)));
        assert!(!unknown.leave_unread(10, Some(10)));
        assert!(Flaws::default().leave_unread(10, Some(11)));
        assert!(!Flaws::default().leave_unread(10, None));
    }

    #[test]
    fn unknown_things_are_fees_and_measures_are_none() {
        for name in
            ["num_image_requests", "pagesOcred", "video_seconds", "generated_images", "num_sources_used"]
        {
            assert!(flaws(name).leave_unread(10, Some(10)), "{name}");
        }
        for name in [
            "total_time",
            "tokens_per_second",
            "request_cost",
            "queue_duration",
            "image_size",
            "acceptance_rate",
            "choices",
        ] {
            assert!(!flaws(name).leave_unread(10, Some(10)), "{name}");
            assert!(!flaws(name).leave_unread(10, None), "{name}");
        }
        assert!(flaws("realtime_tokens").leave_unread(1, None));
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
