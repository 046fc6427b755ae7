//! Writing a record as JSON.

use super::key::Key;
use super::time::write_time;
use super::{Cost, Pass, Priced, Properties, Record, Usage, Usd};
use crate::json::plain_length;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use std::time::Duration;

impl Record {
    /// The record as one flat JSON object of version 1.
    ///
    /// Keys that do not apply are absent; the others stand in this order:
    ///
    /// | key | value |
    /// |---|---|
    /// | `v` | 1 |
    /// | `id` | the record's own id, a version 7 UUID |
    /// | `time` | start of the call, RFC 3339 in UTC with microseconds |
    /// | `latency_us`, `first_token_us` | the whole call; up to the first frame with content of a stream; microseconds |
    /// | `user`, `user_source`, `user_issue` | the end user's id; `verified` `header` `body` `custom`; why a candidate was refused: `too_long` `control_character` `not_utf8` `panicked` |
    /// | `provider`, `provider_source`, `host` | `openai` `anthropic` `google` …, the ids of the price data; `host` `setting` `model`; where the request went |
    /// | `operation`, `api` | OpenTelemetry's value or `other`, see [`Operation`](super::Operation); the dialect, see [`Api`](super::Api) |
    /// | `model`, `response_model` | asked for; answered by |
    /// | `stream`, `status`, `outcome`, `error` | whether the answer was a stream of events; HTTP status; `completed` `failed` `aborted` `cancelled` `broken`; the provider's error type or code |
    /// | `usage_state`, `usage_reason` | `reported` `repeated` `partial` `estimated` `absent`; why, see [`UsageReason`](super::UsageReason) |
    /// | `input_tokens` | all tokens that went in |
    /// | `cache_read_tokens`, `cache_write_tokens`, `cache_write_5m_tokens`, `cache_write_1h_tokens`, `input_audio_tokens`, `input_image_tokens`, `cache_read_audio_tokens`, `cache_read_image_tokens` | parts of the input; the 5m and 1h ones are parts of the cache writes, the last two of the cache reads |
    /// | `output_tokens` | all tokens that came out |
    /// | `reasoning_tokens`, `output_audio_tokens`, `output_image_tokens` | parts of the output |
    /// | `passes` | array of objects with `model` and the keys from `input_tokens` to `cache_write_1h_tokens`, `input_image_tokens`, `output_tokens` and `output_image_tokens`: billed beside the wholes above, which do not include them |
    /// | `web_searches`, `file_searches`, `map_queries`, `search_units`, `seconds`, `images`, `characters`, `pages`, `annotated_pages` | counted things that are not tokens; `seconds` is a decimal |
    /// | `service_tier`, `batch`, `region` | as answered; `true` for a batch API; where the price depends on it |
    /// | `cost_state`, `cost_reason` | `priced` `reported` `unpriced` `none` (nothing was consumed); why, see [`UnpricedReason`](super::UnpricedReason) |
    /// | `cost_usd`, `computed_cost_usd` | the amount that counts, an exact decimal; our own figure where the provider reported one |
    /// | `charge_usd` | what the application asks its own customer, where a [`Markup`](crate::price::Markup) says so |
    /// | `priced_as`, `price_match`, `tier_applied`, `price_version` | `provider/entry`; `exact` `alias` `pattern` `ambiguous`; the tier, when it was not the default one; version of the price data |
    /// | `request_id`, `client_request_id`, `session` | the provider's id; `Helicone-Request-Id`; `Helicone-Session-Id` |
    /// | `properties`, `properties_dropped` | object of strings; how many were over the bounds |
    ///
    /// Times are cut to microseconds, and one outside the years 1970 to 9999 is written as the nearest within.
    /// [`Record::from_json`] reads it back.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use tower_llm_metrics::Record;
    ///
    /// let record = Record::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_750_000_000));
    /// assert!(record.to_json().contains(r#""time":"2025-06-15T15:06:40.000000Z","latency_us":0,"#));
    /// assert_eq!(Record::from_json(record.to_json().as_bytes()), Ok(record));
    /// ```
    pub fn to_json(&self) -> String {
        let mut out = Vec::with_capacity(1024);
        self.write_json(&mut out);
        // Everything that was written is text, so nothing is replaced.
        String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
    }

    /// Appends what [`Record::to_json`] returns, without allocating when `out` has room.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"v\":1");
        self.write_call(out);
        write_usage(out, &self.usage);
        opt_text(out, Key::ServiceTier, self.service_tier.as_deref());
        if self.batch {
            lead(out, Key::Batch);
            out.extend_from_slice(b"true");
        }
        opt_text(out, Key::Region, self.region.as_deref());
        write_cost(out, &self.cost);
        opt_text(out, Key::RequestId, self.request_id.as_deref());
        opt_text(out, Key::ClientRequestId, self.client_request_id.as_deref());
        opt_text(out, Key::Session, self.session.as_deref());
        write_properties(out, &self.properties);
        out.push(b'}');
    }

    /// From the id to the state of the usage.
    fn write_call(&self, out: &mut Vec<u8>) {
        lead(out, Key::Id);
        out.push(b'"');
        let id = uuid::Uuid::from_u128(self.id.as_u128());
        out.extend_from_slice(
            id.hyphenated().encode_lower(&mut [0; uuid::fmt::Hyphenated::LENGTH]).as_bytes(),
        );
        out.push(b'"');
        lead(out, Key::Time);
        write_time(out, self.time);
        count(out, Key::LatencyUs, micros(self.latency));
        opt_count(out, Key::FirstTokenUs, self.first_token.map(micros));
        if let Some(user) = &self.user {
            text(out, Key::User, user.id.as_str());
            word(out, Key::UserSource, user.source.as_str());
        }
        opt_word(out, Key::UserIssue, self.user_issue.map(super::UserIssue::as_str));
        opt_text(out, Key::Provider, self.provider.as_ref().map(super::Provider::as_str));
        opt_word(out, Key::ProviderSource, self.provider_source.map(super::ProviderSource::as_str));
        opt_text(out, Key::Host, self.host.as_deref());
        word(out, Key::Operation, self.operation.as_str());
        opt_word(out, Key::Api, self.api.map(super::Api::as_str));
        opt_text(out, Key::Model, self.model.as_deref());
        opt_text(out, Key::ResponseModel, self.response_model.as_deref());
        lead(out, Key::Stream);
        out.extend_from_slice(if self.stream { b"true" } else { b"false" });
        opt_count(out, Key::Status, self.status.map(u64::from));
        word(out, Key::Outcome, self.outcome.as_str());
        opt_text(out, Key::Error, self.error.as_deref());
        word(out, Key::UsageState, self.usage_state.as_str());
        opt_word(out, Key::UsageReason, self.usage_reason.map(super::UsageReason::as_str));
    }
}

/// The same text as [`Record::to_json`], through `serde_json`; other formats are not supported.
impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_json()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

fn write_usage(out: &mut Vec<u8>, usage: &Usage) {
    opt_count(out, Key::InputTokens, usage.input_tokens);
    opt_count(out, Key::CacheReadTokens, usage.cache_read_tokens);
    opt_count(out, Key::CacheWriteTokens, usage.cache_write_tokens);
    opt_count(out, Key::CacheWrite5mTokens, usage.cache_write_5m_tokens);
    opt_count(out, Key::CacheWrite1hTokens, usage.cache_write_1h_tokens);
    opt_count(out, Key::InputAudioTokens, usage.input_audio_tokens);
    opt_count(out, Key::InputImageTokens, usage.input_image_tokens);
    opt_count(out, Key::CacheReadAudioTokens, usage.cache_read_audio_tokens);
    opt_count(out, Key::CacheReadImageTokens, usage.cache_read_image_tokens);
    opt_count(out, Key::OutputTokens, usage.output_tokens);
    opt_count(out, Key::ReasoningTokens, usage.reasoning_tokens);
    opt_count(out, Key::OutputAudioTokens, usage.output_audio_tokens);
    opt_count(out, Key::OutputImageTokens, usage.output_image_tokens);
    if !usage.passes.is_empty() {
        lead(out, Key::Passes);
        let mut between = b'[';
        for pass in &usage.passes {
            out.push(between);
            object(out, |out| write_pass(out, pass));
            between = b',';
        }
        out.push(b']');
    }
    opt_count(out, Key::WebSearches, usage.web_searches);
    opt_count(out, Key::FileSearches, usage.file_searches);
    opt_count(out, Key::MapQueries, usage.map_queries);
    opt_count(out, Key::SearchUnits, usage.search_units);
    if let Some(length) = usage.seconds {
        lead(out, Key::Seconds);
        integer(out, length.as_secs());
        fraction(out, length.subsec_nanos().into(), 9);
    }
    opt_count(out, Key::Images, usage.images);
    opt_count(out, Key::Characters, usage.characters);
    opt_count(out, Key::Pages, usage.pages);
    opt_count(out, Key::AnnotatedPages, usage.annotated_pages);
}

fn write_pass(out: &mut Vec<u8>, pass: &Pass) {
    opt_text(out, Key::Model, pass.model.as_deref());
    opt_count(out, Key::InputTokens, pass.input_tokens);
    opt_count(out, Key::CacheReadTokens, pass.cache_read_tokens);
    opt_count(out, Key::CacheWriteTokens, pass.cache_write_tokens);
    opt_count(out, Key::CacheWrite5mTokens, pass.cache_write_5m_tokens);
    opt_count(out, Key::CacheWrite1hTokens, pass.cache_write_1h_tokens);
    opt_count(out, Key::InputImageTokens, pass.input_image_tokens);
    opt_count(out, Key::OutputTokens, pass.output_tokens);
    opt_count(out, Key::OutputImageTokens, pass.output_image_tokens);
}

fn write_cost(out: &mut Vec<u8>, cost: &Cost) {
    word(out, Key::CostState, cost.state());
    if let Cost::Unpriced(reason) = cost {
        word(out, Key::CostReason, reason.as_str());
    }
    if let Some(total) = cost.total() {
        lead(out, Key::CostUsd);
        write_usd(out, total);
    }
    let Some(priced) = cost.computed() else { return };
    if let Cost::Reported { .. } = cost {
        lead(out, Key::ComputedCostUsd);
        write_usd(out, priced.total);
    }
    if let Some(charge) = priced.charge() {
        lead(out, Key::ChargeUsd);
        write_usd(out, charge);
    }
    let Priced { entry, matched, tier, version, .. } = priced;
    text(out, Key::PricedAs, entry);
    word(out, Key::PriceMatch, matched.as_str());
    opt_text(out, Key::TierApplied, tier.as_deref());
    text(out, Key::PriceVersion, version);
}

fn write_properties(out: &mut Vec<u8>, properties: &Properties) {
    if !properties.is_empty() {
        lead(out, Key::Properties);
        object(out, |out| {
            for (name, value) in properties.iter() {
                out.push(b',');
                string(out, name);
                out.push(b':');
                string(out, value);
            }
        });
    }
    if properties.dropped() > 0 {
        count(out, Key::PropertiesDropped, properties.dropped().into());
    }
}

/// Writes an object whose members each begin with a comma; the first comma becomes the opening brace.
fn object(out: &mut Vec<u8>, members: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    members(out);
    match out.get_mut(start) {
        Some(comma) => *comma = b'{',
        None => out.push(b'{'),
    }
    out.push(b'}');
}

#[inline]
fn lead(out: &mut Vec<u8>, key: Key) {
    out.extend_from_slice(key.lead());
}

#[inline]
fn opt_text(out: &mut Vec<u8>, key: Key, value: Option<&str>) {
    if let Some(value) = value {
        text(out, key, value);
    }
}

#[inline]
fn text(out: &mut Vec<u8>, key: Key, value: &str) {
    lead(out, key);
    string(out, value);
}

#[inline]
fn opt_word(out: &mut Vec<u8>, key: Key, value: Option<&'static str>) {
    if let Some(value) = value {
        word(out, key, value);
    }
}

/// A value of a closed list: there is nothing to escape in it.
#[inline]
fn word(out: &mut Vec<u8>, key: Key, value: &'static str) {
    lead(out, key);
    out.push(b'"');
    out.extend_from_slice(value.as_bytes());
    out.push(b'"');
}

#[inline]
fn opt_count(out: &mut Vec<u8>, key: Key, value: Option<u64>) {
    if let Some(value) = value {
        count(out, key, value);
    }
}

#[inline]
fn count(out: &mut Vec<u8>, key: Key, value: u64) {
    lead(out, key);
    integer(out, value);
}

fn integer(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// A decimal point and `value` as the `places` digits after it, without trailing zeros; nothing for 0.
fn fraction(out: &mut Vec<u8>, value: u64, places: u32) {
    if value == 0 {
        return;
    }
    // With a one before them the digits keep their leading zeros.
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(10u64.pow(places).saturating_add(value)).trim_end_matches('0');
    out.push(b'.');
    out.extend_from_slice(digits.get(1..).unwrap_or_default().as_bytes());
}

fn write_usd(out: &mut Vec<u8>, amount: Usd) {
    const PICOS: u128 = 1_000_000_000_000;
    // The lowest amount has no positive counterpart and would not read back.
    let picos = amount.picos().max(-i128::MAX);
    if picos < 0 {
        out.push(b'-');
    }
    let picos = picos.unsigned_abs();
    match u64::try_from(picos) {
        Ok(picos) => {
            integer(out, picos / PICOS as u64);
            fraction(out, picos % PICOS as u64, 12);
        }
        Err(_) => {
            out.extend_from_slice(itoa::Buffer::new().format(picos / PICOS).as_bytes());
            fraction(out, (picos % PICOS) as u64, 12);
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A string in quotes. What needs no escape is copied in runs.
pub(super) fn string(out: &mut Vec<u8>, value: &str) {
    out.push(b'"');
    let mut rest = value.as_bytes();
    loop {
        let (plain, tail) = rest.split_at_checked(plain_length(rest)).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let Some((&byte, tail)) = tail.split_first() else { break };
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            _ => {
                let low = byte & 15;
                let low = low + if low < 10 { b'0' } else { b'a' - 10 };
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', b'0' + (byte >> 4), low]);
            }
        }
        rest = tail;
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn amounts_are_exact_decimals_without_trailing_zeros() {
        for (picos, expected) in [
            (0, "0"),
            (1, "0.000000000001"),
            (112_000_000, "0.000112"),
            (-1_500_000_000_000, "-1.5"),
            (3_000_000_000_000, "3"),
            (i128::MAX, "170141183460469231731687303.715884105727"),
            (i128::MIN, "-170141183460469231731687303.715884105727"),
        ] {
            assert_eq!(written(|out| write_usd(out, Usd::from_picos(picos))), expected);
        }
    }

    #[test]
    fn strings_are_escaped_as_serde_json_reads_them() {
        for text in
            ["", "plain", "\"quoted\"", "back\\slash", "\u{0}\u{1f}\n", "Zoë 😀 \u{7f}\u{85}\u{2028}", "\""]
        {
            let json = written(|out| string(out, text));
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }

    #[test]
    fn an_object_without_members_is_an_object() {
        assert_eq!(written(|out| object(out, |_| ())), "{}");
    }
}
