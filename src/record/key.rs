//! The keys of a record's JSON, in the order in which they are written.

macro_rules! keys {
    ($($variant:ident = $text:literal,)*) => {
        /// A key of a record's JSON.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Key {
            $($variant,)*
        }

        impl Key {
            /// All of them, in the order in which they are written.
            const ALL: &'static [Self] = &[$(Self::$variant,)*];
            const NAMES: &'static [&'static str] = &[$($text,)*];
            const BEGINNINGS: &'static [Beginning] = &[$(Beginning::of(Self::$variant.lead()),)*];

            pub(super) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// The key as it stands within an object: after a comma, in quotes, before its colon.
            #[inline]
            pub(super) const fn lead(self) -> &'static [u8] {
                match self {
                    $(Self::$variant => concat!(",\"", $text, "\":").as_bytes(),)*
                }
            }
        }
    };
}

keys! {
    V = "v",
    Id = "id",
    Time = "time",
    LatencyUs = "latency_us",
    FirstTokenUs = "first_token_us",
    User = "user",
    UserSource = "user_source",
    UserIssue = "user_issue",
    Provider = "provider",
    ProviderSource = "provider_source",
    Host = "host",
    Operation = "operation",
    Api = "api",
    Model = "model",
    ResponseModel = "response_model",
    Stream = "stream",
    Status = "status",
    Outcome = "outcome",
    Error = "error",
    UsageState = "usage_state",
    UsageReason = "usage_reason",
    InputTokens = "input_tokens",
    CacheReadTokens = "cache_read_tokens",
    CacheWriteTokens = "cache_write_tokens",
    CacheWrite5mTokens = "cache_write_5m_tokens",
    CacheWrite1hTokens = "cache_write_1h_tokens",
    InputAudioTokens = "input_audio_tokens",
    InputImageTokens = "input_image_tokens",
    CacheReadAudioTokens = "cache_read_audio_tokens",
    CacheReadImageTokens = "cache_read_image_tokens",
    OutputTokens = "output_tokens",
    ReasoningTokens = "reasoning_tokens",
    OutputAudioTokens = "output_audio_tokens",
    OutputImageTokens = "output_image_tokens",
    Passes = "passes",
    WebSearches = "web_searches",
    FileSearches = "file_searches",
    MapQueries = "map_queries",
    SearchUnits = "search_units",
    Seconds = "seconds",
    Images = "images",
    Characters = "characters",
    Pages = "pages",
    AnnotatedPages = "annotated_pages",
    ServiceTier = "service_tier",
    Batch = "batch",
    Region = "region",
    CostState = "cost_state",
    CostReason = "cost_reason",
    CostUsd = "cost_usd",
    ComputedCostUsd = "computed_cost_usd",
    ChargeUsd = "charge_usd",
    PricedAs = "priced_as",
    PriceMatch = "price_match",
    TierApplied = "tier_applied",
    PriceVersion = "price_version",
    RequestId = "request_id",
    ClientRequestId = "client_request_id",
    Session = "session",
    Properties = "properties",
    PropertiesDropped = "properties_dropped",
}

/// Finds keys by their text. Records are written in one order, so the next key is looked for where the last one was
/// found: a hit within a few comparisons, whatever the order turns out to be. It learns from one record for the next.
#[derive(Debug)]
pub(super) struct KeyFinder {
    next: usize,
    /// By the place from which one was looked for: where it was found the last time, never before that. Records of one
    /// log mostly have the same keys.
    found: [u8; Key::ALL.len()],
}

/// The beginning of a key's [`lead`](Key::lead), behind what all leads begin with.
#[derive(Clone, Copy)]
struct Beginning {
    word: u128,
    /// Which of the word's bytes the lead has.
    mask: u128,
}

/// What all leads begin with.
const SAME: &[u8] = b",\"";

impl Beginning {
    const fn of(lead: &[u8]) -> Self {
        let mut beginning = Self { word: 0, mask: 0 };
        let (_, mut rest) = lead.split_at(SAME.len());
        let mut shift = 0;
        while let Some((&byte, after)) = rest.split_first()
            && shift < u128::BITS
        {
            beginning.word |= (byte as u128) << shift;
            beginning.mask |= 0xff << shift;
            rest = after;
            shift += u8::BITS;
        }
        beginning
    }

    /// Whether a text may begin with the lead whose word, behind what all leads begin with, is this.
    fn may_begin(self, word: u128) -> bool {
        word & self.mask == self.word
    }
}

impl Default for KeyFinder {
    fn default() -> Self {
        Self { next: 0, found: std::array::from_fn(|place| place as u8) }
    }
}

impl KeyFinder {
    /// Begins with another object: looks for those first that come after `key`.
    pub(super) fn begin_after(&mut self, key: Option<Key>) {
        self.next = key.map_or(0, |key| key as usize + 1);
    }

    /// The key whose [`lead`](Key::lead) `text` begins with, and the lead's length, if it comes after the last one.
    #[inline]
    pub(super) fn find_next(&mut self, text: &[u8]) -> Option<(usize, Key)> {
        let word = u128::from_le_bytes(*text.get(SAME.len()..)?.first_chunk()?);
        let place = self.found.get_mut(self.next)?;
        let mut found = usize::from(*place);
        if !Key::BEGINNINGS.get(found)?.may_begin(word) {
            let candidates = Key::BEGINNINGS.get(self.next..)?.iter();
            found = self.next + candidates.take_while(|beginning| !beginning.may_begin(word)).count();
        }
        let key = *Key::ALL.get(found)?;
        let lead = key.lead();
        let compared = SAME.len() + size_of::<u128>();
        let is_it = text.starts_with(SAME) && (lead.len() <= compared || text.starts_with(lead));
        if !is_it {
            return None;
        }
        *place = u8::try_from(found).ok()?;
        self.next = found + 1;
        Some((lead.len(), key))
    }

    pub(super) fn find(&mut self, text: &str) -> Option<Key> {
        let (before, after) = Key::NAMES.split_at_checked(self.next)?;
        let found = after
            .iter()
            .position(|&name| name == text)
            .map(|at| self.next + at)
            .or_else(|| before.iter().position(|&name| name == text))?;
        self.next = found + 1;
        Key::ALL.get(found).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_comes_after_the_last_one_is_found_by_what_the_text_begins_with() {
        let mut finder = KeyFinder::default();
        for key in Key::ALL {
            let text = [key.lead(), b"0123456789abcdef"].concat();
            assert_eq!(finder.find_next(&text), Some((key.lead().len(), *key)));
            assert_eq!(finder.find_next(&text), None, "it comes before");
        }
        let mut finder = KeyFinder::default();
        for other in [
            &b""[..],
            b",\"us",
            b",\"users\":0123456789abcdef",
            b" ,\"v\":0123456789abcdef",
            b"x\"v\":0123456789abcdef",
        ] {
            assert_eq!(finder.find_next(other), None);
        }
        for _ in 0..2 {
            finder.begin_after(Some(Key::Time));
            for (text, key) in [
                (&b",\"user\":\"0123456789abc"[..], Key::User),
                (b",\"user_issue\":\"0123456789", Key::UserIssue),
                (b",\"host\":\"0123456789abc", Key::Host),
            ] {
                assert_eq!(finder.find_next(text), Some((key.lead().len(), key)));
            }
            finder.begin_after(Some(Key::Time));
            let text = b",\"latency_us\":0123456789abcdef";
            assert_eq!(finder.find_next(text), Some((14, Key::LatencyUs)), "another than the last time");
            finder.begin_after(None);
        }
        let (length, key) = finder.find_next(b",\"cache_write_1h_tokens\":1").unwrap();
        assert_eq!((length, key), (25, Key::CacheWrite1hTokens));
    }

    #[test]
    fn keys_are_found_in_any_order_and_unknown_ones_are_not() {
        let mut finder = KeyFinder::default();
        for key in Key::ALL.iter().chain(Key::ALL.iter().rev()) {
            assert_eq!(finder.find(key.as_str()), Some(*key));
        }
        assert_eq!(finder.find("tomorrow"), None);
        assert_eq!(finder.find(""), None);
        assert_eq!(finder.find("v"), Some(Key::V));
    }
}
