//! The table of a record's fields, from which writing, reading and documentation come.
//!
//! A row has the key in the JSON, how its value is written and read, where it stands, and what it means. What stands in
//! another shape than the flat JSON, the user and the cost, is reached through [`Flat`].

use super::codec::{
    Bool, Codec, DecimalSeconds, Dollars, Id, Integer, Invalid, Micros, Opt, OptTerm, Str, Strings, Term,
    TermOrDefault, Time, UnlessDefault, write_member,
};
use super::flat::{CostState, Flat};
use super::passes::Passes;
use super::{
    Api, Operation, Outcome, PriceMatch, Provider, ProviderSource, Record, Text, UnpricedReason, UsageReason,
    UsageState, UserId, UserIssue, UserSource,
};
use crate::json::Reader;
use std::sync::Arc;

/// Calls a macro with the rows of a record, in the order in which they are written.
macro_rules! record_fields {
    ($callback:ident) => {
        $callback! {
            "id": Id = record.id, "the record's own id, a version 7 UUID";
            "time": Time = record.time, "start of the call, RFC 3339 in UTC with microseconds";
            "latency_us": Micros = record.latency, "the whole call, in microseconds";
            "first_token_us": Opt<Micros> = record.first_token, "up to the first frame with content of a stream, in microseconds";

            "user": Opt<Str<UserId>> = flat.user, "the end user's id";
            "user_source": OptTerm<UserSource> = flat.user_source, "where it came from: `verified` `header` `body` `custom`";
            "user_issue": OptTerm<UserIssue> = record.user_issue, "why a candidate was refused: `too_long` `control_character` `not_utf8` `panicked`";

            "provider": Opt<Str<Provider>> = record.provider, "the provider: `openai` `anthropic` `google` …, the ids of the price data";
            "provider_source": OptTerm<ProviderSource> = record.provider_source, "how that was found out: `host` `setting` `model`";
            "host": Opt<Str<Text>> = record.host, "where the request went";
            "operation": TermOrDefault<Operation> = record.operation, "OpenTelemetry's value or `other`, see [`Operation`](super::Operation)";
            "api": OptTerm<Api> = record.api, "the dialect, see [`Api`](super::Api)";
            "model": Opt<Str<Text>> = record.model, "the requested model";
            "response_model": Opt<Str<Text>> = record.response_model, "the model that answered";
            "stream": Bool = record.stream, "whether the answer was a stream of events";
            "status": Opt<Integer<u16>> = record.status, "the HTTP status";
            "outcome": Term<Outcome> = record.outcome, "`completed` `failed` `aborted` `cancelled` `broken`, see [`Outcome`](super::Outcome)";
            "error": Opt<Str<Text>> = record.error, "the provider's error type or code";

            "usage_state": Term<UsageState> = record.usage_state, "`reported` `repeated` `partial` `estimated` `absent`, see [`UsageState`](super::UsageState)";
            "usage_reason": OptTerm<UsageReason> = record.usage_reason, "why it is absent or what is wrong with it, see [`UsageReason`](super::UsageReason)";
            "input_tokens": Opt<Integer<u64>> = record.usage.input_tokens, "all tokens that went in";
            "cache_read_tokens": Opt<Integer<u64>> = record.usage.cache_read_tokens, "the part of the input that was read from a cache";
            "cache_write_tokens": Opt<Integer<u64>> = record.usage.cache_write_tokens, "the part of the input that was written to a cache";
            "cache_write_5m_tokens": Opt<Integer<u64>> = record.usage.cache_write_5m_tokens, "the part of the cache writes that is kept for five minutes";
            "cache_write_1h_tokens": Opt<Integer<u64>> = record.usage.cache_write_1h_tokens, "the part of the cache writes that is kept for an hour";
            "input_audio_tokens": Opt<Integer<u64>> = record.usage.input_audio_tokens, "the part of the input that is audio";
            "input_image_tokens": Opt<Integer<u64>> = record.usage.input_image_tokens, "the part of the input that is images";
            "cache_read_audio_tokens": Opt<Integer<u64>> = record.usage.cache_read_audio_tokens, "the part of the cache reads that is audio";
            "cache_read_image_tokens": Opt<Integer<u64>> = record.usage.cache_read_image_tokens, "the part of the cache reads that is images";
            "output_tokens": Opt<Integer<u64>> = record.usage.output_tokens, "all tokens that came out";
            "reasoning_tokens": Opt<Integer<u64>> = record.usage.reasoning_tokens, "the part of the output that is reasoning";
            "output_audio_tokens": Opt<Integer<u64>> = record.usage.output_audio_tokens, "the part of the output that is audio";
            "output_image_tokens": Opt<Integer<u64>> = record.usage.output_image_tokens, "the part of the output that is images";
            "passes": Passes = record.usage.passes, "objects with the keys of a [`Pass`](super::Pass), billed beside the wholes above, which do not include them";
            "web_searches": Opt<Integer<u64>> = record.usage.web_searches, "web searches made by the provider";
            "file_searches": Opt<Integer<u64>> = record.usage.file_searches, "searches in the caller's files, made by the provider";
            "map_queries": Opt<Integer<u64>> = record.usage.map_queries, "queries to a map that grounded the answer";
            "search_units": Opt<Integer<u64>> = record.usage.search_units, "search units of a reranker";
            "seconds": Opt<DecimalSeconds> = record.usage.seconds, "length of audio, a decimal";
            "images": Opt<Integer<u64>> = record.usage.images, "images, where these are billed";
            "characters": Opt<Integer<u64>> = record.usage.characters, "characters, where these are billed";
            "pages": Opt<Integer<u64>> = record.usage.pages, "pages of documents";
            "annotated_pages": Opt<Integer<u64>> = record.usage.annotated_pages, "pages that were annotated";
            "service_tier": Opt<Str<Text>> = record.service_tier, "the service tier of the answer, or else of the request";
            "batch": UnlessDefault<Bool> = record.batch, "`true` for a batch API";
            "region": Opt<Str<Text>> = record.region, "the region, where the price depends on it";

            "cost_state": Opt<Term<CostState>> = flat.cost_state, "`priced` `reported` `unpriced` `none` (nothing was consumed)";
            "cost_reason": Opt<Term<UnpricedReason>> = flat.cost_reason, "why there is no price, see [`UnpricedReason`](super::UnpricedReason)";
            "cost_usd": Opt<Dollars> = flat.cost, "the amount that counts, an exact decimal";
            "computed_cost_usd": Opt<Dollars> = flat.computed_cost, "our own figure, where the provider reported one";
            "charge_usd": Opt<Dollars> = flat.charge, "what the application charges its own customer, where a [`Markup`](crate::price::Markup) says so";
            "priced_as": Opt<Str<Arc<str>>> = flat.priced_as, "the entry of the price list, as `provider/entry`";
            "price_match": OptTerm<PriceMatch> = flat.price_match, "how the model led to it, see [`PriceMatch`](super::PriceMatch)";
            "tier_applied": Opt<Str<Text>> = flat.tier_applied, "the tier, when it was not the default one";
            "price_version": Opt<Str<Arc<str>>> = flat.price_version, "the version of the price data";

            "request_id": Opt<Str<Text>> = record.request_id, "the provider's id of the request";
            "client_request_id": Opt<Str<Text>> = record.client_request_id, "`Helicone-Request-Id`";
            "session": Opt<Str<Text>> = record.session, "`Helicone-Session-Id`";
            "properties": Strings = record.properties, "object of strings: the `Helicone-Property-*` headers";
            "properties_dropped": UnlessDefault<Integer<u32>> = flat.properties_dropped, "how many of these were over the bounds";
        }
    };
}
pub(super) use record_fields;

/// The table as Markdown.
macro_rules! documentation {
    ($($key:literal: $codec:ty = $base:ident $(.$field:ident)+, $meaning:literal;)*) => {
        concat!("| key | value |\n|---|---|\n| `v` | 1 |\n", $("| `", $key, "` | ", $meaning, " |\n"),*)
    };
}
pub(super) use documentation;

/// A record whose fields are read one by one.
#[derive(Debug)]
pub(super) struct Draft<'r> {
    pub(super) record: &'r mut Record,
    pub(super) flat: Flat,
}

/// Reads the value of one key.
type Read = fn(&mut Draft<'_>, &mut Reader<'_>) -> Result<(), Invalid>;

macro_rules! define_record {
    ($($key:literal: $codec:ty = $base:ident $(.$field:ident)+, $meaning:literal;)*) => {
        /// Writes all fields, each after a comma.
        pub(super) fn write_fields(record: &Record, out: &mut Vec<u8>) {
            struct Written<'a> {
                record: &'a Record,
                flat: Flat,
            }
            let written = Written { record, flat: Flat::of(record) };
            $(write_member::<$codec>(concat!(",\"", $key, "\":"), &written.$base$(.$field)+, out);)*
        }

        /// The keys, in the order in which they are written, and how the value of each is read.
        pub(super) const FIELDS: &[(&str, Read)] = &[
            $(($key, |draft, reader| {
                draft.$base$(.$field)+ = <$codec>::read(reader)?;
                Ok(())
            }),)*
        ];
    };
}
record_fields!(define_record);
