//! The units that have rates, each with one row of facts.
//!
//! A new unit is a row here, a field of [`Usage`] with its row in the table of the record, and the reader of the API that reports it.

use super::rate::Rate;
use super::usage::Usage;

/// How a unit is billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Billing {
    /// Counted on top of the work: where there is some, it must have a rate.
    Extra,
    /// One of several ways to measure a piece of work, beside tokens.
    Measure,
    /// Tokens of audio or of images.
    Media,
    /// Other tokens.
    Token,
}

/// The facts about a unit.
pub(crate) struct UnitRow {
    name: &'static str,
    pub(crate) billing: Billing,
    /// The highest rate that is believed. The dearest token of 2026 costs 600 dollars a million; prices entered a thousand times too
    /// high have been seen in every public list.
    pub(crate) ceiling: Rate,
    /// How much of it was used, for [`Billing::Extra`] and [`Billing::Measure`]: tokens are split, and the length is a duration.
    pub(crate) count: fn(&Usage) -> Option<u64>,
    /// Its keys in the data of genai-prices, and the power of ten of units that the rate is for.
    pub(crate) genai: &'static [(&'static str, u8)],
    /// Its keys in LiteLLM's map. Of units other than tokens the first that has a rate counts.
    pub(crate) litellm: &'static [LiteLlmKey],
}

/// A key of LiteLLM's map.
pub(crate) struct LiteLlmKey {
    pub(crate) key: &'static str,
    /// The modes of models that the key is read for; none for all.
    pub(crate) modes: &'static [&'static str],
    /// What its rate is to be multiplied with.
    pub(crate) factor: Rate,
}

const fn key(key: &'static str) -> LiteLlmKey {
    LiteLlmKey { key, modes: &[], factor: Rate::ONE }
}

const fn for_modes(key: &'static str, modes: &'static [&'static str]) -> LiteLlmKey {
    LiteLlmKey { key, modes, factor: Rate::ONE }
}

const fn for_second(key: &'static str) -> LiteLlmKey {
    LiteLlmKey { key, modes: SOUND, factor: Rate::from_parts(3600, 0) }
}

const SOUND: &[&str] = &["audio_transcription", "audio_speech", "video_generation", "realtime"];
/// A thousand dollars a million.
const MILLI: Rate = Rate::from_parts(1, 3);
const CENT: Rate = Rate::from_parts(1, 2);
const TEN: Rate = Rate::from_parts(10, 0);

macro_rules! units {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $billing:ident, up to $ceiling:expr, $count:expr,
        genai $genai:expr, litellm $litellm:expr;)*) => {
        /// What a rate is for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Unit {
            $($(#[$doc])* $variant,)*
        }

        const ROWS: [UnitRow; Unit::ALL.len()] = [$(UnitRow {
            name: $name,
            billing: Billing::$billing,
            ceiling: $ceiling,
            count: $count,
            genai: &$genai,
            litellm: &$litellm,
        }),*];

        impl Unit {
            /// All units.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the facts about the unit.
            pub(crate) const fn row(self) -> &'static UnitRow {
                static TABLE: [UnitRow; Unit::ALL.len()] = ROWS;
                #[allow(clippy::indexing_slicing, reason = "there is a row for each")]
                &TABLE[self as usize]
            }
        }
    };
}

units! {
    /// Input tokens that are none of the kinds below.
    Input = "input", Token, up to MILLI, |_| None,
        genai [("input_mtok", 6)], litellm [key("input_cost_per_token")];
    /// Input tokens read from a cache.
    CacheRead = "cache_read", Token, up to MILLI, |_| None,
        // The second key is that of DeepSeek's older entries.
        genai [("cache_read_mtok", 6)], litellm [key("cache_read_input_token_cost"), key("input_cost_per_token_cache_hit")];
    /// Input tokens written to a cache, for five minutes where there is a choice.
    CacheWrite = "cache_write", Token, up to MILLI, |_| None,
        genai [("cache_write_mtok", 6), ("cache_write_5m_mtok", 6)], litellm [key("cache_creation_input_token_cost")];
    /// Input tokens written to a cache for an hour.
    CacheWrite1h = "cache_write_1h", Token, up to MILLI, |_| None,
        genai [("cache_write_1h_mtok", 6)], litellm [key("cache_creation_input_token_cost_above_1hr")];
    /// Audio tokens that went in.
    InputAudio = "input_audio", Media, up to MILLI, |_| None,
        genai [("input_audio_mtok", 6)], litellm [key("input_cost_per_audio_token")];
    /// Audio tokens read from a cache.
    CacheReadAudio = "cache_read_audio", Media, up to MILLI, |_| None,
        genai [("cache_audio_read_mtok", 6)], litellm [key("cache_read_input_audio_token_cost")];
    /// Image tokens that went in.
    InputImage = "input_image", Media, up to MILLI, |_| None,
        genai [("input_image_mtok", 6)], litellm [key("input_cost_per_image_token")];
    /// Image tokens read from a cache.
    CacheReadImage = "cache_read_image", Media, up to MILLI, |_| None,
        genai [("cache_image_read_mtok", 6)], litellm [key("cache_read_input_image_token_cost")];
    /// Output tokens that are none of the kinds below.
    Output = "output", Token, up to MILLI, |_| None,
        genai [("output_mtok", 6)], litellm [key("output_cost_per_token")];
    /// Reasoning tokens, where they have a price of their own.
    Reasoning = "reasoning", Token, up to MILLI, |_| None,
        genai [("output_reasoning_mtok", 6)], litellm [key("output_cost_per_reasoning_token")];
    /// Audio tokens that came out.
    OutputAudio = "output_audio", Media, up to MILLI, |_| None,
        genai [("output_audio_mtok", 6)], litellm [key("output_cost_per_audio_token")];
    /// Image tokens that came out.
    OutputImage = "output_image", Media, up to MILLI, |_| None,
        genai [("output_image_mtok", 6)], litellm [key("output_cost_per_image_token")];
    /// Web searches.
    WebSearches = "web_searches", Extra, up to Rate::ONE, |usage| usage.web_searches,
        genai [("web_searches_kcount", 3)], litellm [];
    /// Search units of a reranker.
    SearchUnits = "search_units", Measure, up to Rate::ONE, |usage| usage.search_units,
        genai [("rerank_searches_kcount", 3)], litellm [for_modes("input_cost_per_query", &["rerank", "search"])];
    /// Length of audio or video: the quantity is in nanoseconds, the rate is per hour.
    Seconds = "seconds", Measure, up to Rate::from_parts(36_000, 0), |_| None,
        // Where there are two, the one for what went in stands.
        genai [("audio_hours", 0), ("input_audio_hours", 0)],
        litellm [for_second("output_cost_per_second"), for_second("input_cost_per_second")];
    /// Images.
    Images = "images", Measure, up to TEN, |usage| usage.images,
        genai [("image_kcount", 3)],
        litellm [
            for_modes("output_cost_per_image", &["image_generation", "image_edit"]),
            for_modes("input_cost_per_image", &["image_generation", "image_edit", "embedding"]),
        ];
    /// Characters.
    Characters = "characters", Measure, up to CENT, |usage| usage.characters,
        genai [("input_mchars", 6)],
        litellm [for_modes("input_cost_per_character", SOUND), for_modes("output_cost_per_character", SOUND)];
    /// Pages of documents.
    Pages = "pages", Measure, up to TEN, |usage| usage.pages,
        genai [("input_document_kpages", 3)], litellm [key("ocr_cost_per_page")];
    /// The fee for the call itself.
    Requests = "requests", Extra, up to Rate::from_parts(100, 0), |_| None,
        genai [("requests_kcount", 3)], litellm [key("input_cost_per_request")];
    /// Searches in the caller's own files.
    FileSearches = "file_searches", Extra, up to Rate::ONE, |usage| usage.file_searches,
        genai [("storage_searches_kcount", 3)],
        litellm [LiteLlmKey { key: "file_search_cost_per_1k_calls", modes: &[], factor: MILLI }];
    /// Queries to a map.
    MapQueries = "map_queries", Extra, up to Rate::ONE, |usage| usage.map_queries,
        genai [], litellm [key("google_maps_grounding_cost_per_query")];
    /// Pages of documents that were annotated, beside their reading.
    AnnotatedPages = "annotated_pages", Extra, up to TEN, |usage| usage.annotated_pages,
        genai [("input_annotated_document_kpages", 3)], litellm [key("annotation_cost_per_page")];
}

#[allow(clippy::indexing_slicing, reason = "it runs when the crate is compiled")]
const fn count_of(billing: Billing) -> usize {
    let (mut at, mut count) = (0, 0);
    while at < ROWS.len() {
        if ROWS[at].billing as u8 == billing as u8 {
            count += 1;
        }
        at += 1;
    }
    count
}

#[allow(clippy::indexing_slicing, reason = "it runs when the crate is compiled")]
const fn all_of<const N: usize>(billing: Billing) -> [Unit; N] {
    let (mut at, mut found, mut count) = (0, [Unit::Input; N], 0);
    while at < ROWS.len() {
        if ROWS[at].billing as u8 == billing as u8 {
            found[count] = Unit::ALL[at];
            count += 1;
        }
        at += 1;
    }
    found
}

impl Unit {
    /// The units that are counted on top of the work.
    pub(crate) const EXTRAS: [Self; count_of(Billing::Extra)] = all_of(Billing::Extra);
    /// The units that measure a piece of work beside tokens.
    pub(crate) const MEASURES: [Self; count_of(Billing::Measure)] = all_of(Billing::Measure);

    /// Returns a short name, such as `input` or `cache_read`.
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// Returns the unit of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|unit| unit.as_str() == name)
    }

    /// Returns whether the unit is a kind of token.
    pub(crate) const fn is_token(self) -> bool {
        matches!(self.row().billing, Billing::Token | Billing::Media)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_has_its_row_and_a_name_of_its_own() {
        for (index, unit) in Unit::ALL.iter().enumerate() {
            assert_eq!(*unit as usize, index);
            assert_eq!(Unit::from_name(unit.as_str()), Some(*unit));
        }
        assert_eq!(Unit::from_name("inputs"), None);
    }

    #[test]
    fn every_key_of_a_price_list_is_that_of_one_unit() {
        let genai = Unit::ALL.iter().flat_map(|unit| unit.row().genai.iter().map(|(key, _)| *key));
        let litellm = Unit::ALL.iter().flat_map(|unit| unit.row().litellm.iter().map(|known| known.key));
        for keys in [genai.collect::<Vec<_>>(), litellm.collect()] {
            let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
            assert_eq!(distinct.len(), keys.len(), "{keys:?}");
        }
    }
}
