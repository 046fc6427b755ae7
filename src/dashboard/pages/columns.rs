//! The columns of the table of users.

use super::super::amount;
use super::super::params::Params;
use super::super::problem::Problem;
use crate::report::Measure;

/// All columns, those first that people look at first.
pub(super) const ORDER: [Measure; 31] = [
    Measure::Requests,
    Measure::InputTokens,
    Measure::OutputTokens,
    Measure::Cost,
    Measure::ErrorRate,
    Measure::ActiveDays,
    Measure::RequestsPerActiveDay,
    Measure::LastActive,
    Measure::FirstActive,
    Measure::Tokens,
    Measure::TokensPerRequest,
    Measure::CostPerRequest,
    Measure::CacheReadTokens,
    Measure::CacheWriteTokens,
    Measure::ReasoningTokens,
    Measure::Models,
    Measure::MedianLatency,
    Measure::P95Latency,
    Measure::MedianFirstToken,
    Measure::P95FirstToken,
    Measure::Completed,
    Measure::Failed,
    Measure::Aborted,
    Measure::Cancelled,
    Measure::Broken,
    Measure::Priced,
    Measure::Unpriced,
    Measure::WithoutUsage,
    Measure::Estimated,
    Measure::Free,
    Measure::Repeated,
];

/// How many of them are shown unless others are chosen.
const UNLESS_CHOSEN: usize = 8;

/// The chosen columns.
pub(super) fn chosen(params: &Params) -> Result<Vec<Measure>, Problem> {
    let mut named = Vec::new();
    for name in params.all("columns") {
        named.push(amount::measure("columns", name)?);
    }
    if named.is_empty() {
        return Ok(ORDER.iter().take(UNLESS_CHOSEN).copied().collect());
    }
    Ok(ORDER.iter().filter(|measure| named.contains(measure)).copied().collect())
}

/// What people call a measure.
pub(super) const fn label(measure: Measure) -> &'static str {
    match measure {
        Measure::Requests => "Requests",
        Measure::Completed => "Completed",
        Measure::Failed => "Failed",
        Measure::Aborted => "Aborted",
        Measure::Cancelled => "Cancelled",
        Measure::Broken => "Broken",
        Measure::ErrorRate => "Error rate",
        Measure::FirstActive => "First active",
        Measure::LastActive => "Last active",
        Measure::ActiveDays => "Active days",
        Measure::RequestsPerActiveDay => "Requests / day",
        Measure::Tokens => "Tokens",
        Measure::InputTokens => "Tokens in",
        Measure::CacheReadTokens => "Cache read",
        Measure::CacheWriteTokens => "Cache write",
        Measure::OutputTokens => "Tokens out",
        Measure::ReasoningTokens => "Reasoning",
        Measure::TokensPerRequest => "Tokens / request",
        Measure::Cost => "Cost",
        Measure::CostPerRequest => "Cost / request",
        Measure::Models => "Models",
        Measure::MedianLatency => "Latency p50",
        Measure::P95Latency => "Latency p95",
        Measure::MedianFirstToken => "First token p50",
        Measure::P95FirstToken => "First token p95",
        Measure::Priced => "Priced",
        Measure::Unpriced => "Unpriced",
        Measure::WithoutUsage => "Without usage",
        Measure::Estimated => "Estimated",
        Measure::Free => "Free",
        Measure::Repeated => "Repeated",
    }
}

/// What a measure means.
pub(super) const fn hint(measure: Measure) -> &'static str {
    match measure {
        Measure::Requests => "All requests, however they ended",
        Measure::Completed => "Requests whose answer was read to its end",
        Measure::Failed => "Requests that the server failed",
        Measure::Aborted => "Requests whose answer the caller dropped",
        Measure::Cancelled => "Requests that the caller dropped before there was an answer",
        Measure::Broken => "Requests that the transport failed",
        Measure::ErrorRate => "Failed and broken requests over all requests",
        Measure::FirstActive => "The start of the earliest request",
        Measure::LastActive => "The start of the latest request",
        Measure::ActiveDays => "Distinct days with at least one request",
        Measure::RequestsPerActiveDay => "Requests over active days",
        Measure::Tokens => "Tokens in and out",
        Measure::InputTokens => "Tokens in, cached ones included",
        Measure::CacheReadTokens => "Of the input: read from a cache",
        Measure::CacheWriteTokens => "Of the input: written to a cache",
        Measure::OutputTokens => "Tokens out, reasoning included",
        Measure::ReasoningTokens => "Of the output: reasoning",
        Measure::TokensPerRequest => "Tokens over the requests that spoke of them",
        Measure::Cost => "What the priced requests cost",
        Measure::CostPerRequest => "The cost over the priced requests",
        Measure::Models => "How many models answered",
        Measure::MedianLatency => "Half of the requests took no longer",
        Measure::P95Latency => "95 % of the requests took no longer",
        Measure::MedianFirstToken => "For half of the requests the first content took no longer",
        Measure::P95FirstToken => "For 95 % of the requests the first content took no longer",
        Measure::Priced => "Requests with a cost",
        Measure::Unpriced => "Requests with usage and no price",
        Measure::WithoutUsage => "Requests of which neither usage nor cost is known",
        Measure::Estimated => "Requests whose tokens are an estimate",
        Measure::Free => "Requests that consumed nothing",
        Measure::Repeated => "Requests that repeat what another record carries",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_those_that_were_chosen_and_none_is_left_out() {
        let columns = |query: &str| chosen(&Params::parse(query));
        assert_eq!(columns("columns=cost_usd&columns=requests").unwrap(), [Measure::Requests, Measure::Cost]);
        assert_eq!(columns("").unwrap().len(), UNLESS_CHOSEN);
        assert_eq!(columns("columns=mood").unwrap_err().field.as_deref(), Some("columns"));
        assert!(
            Measure::ALL.iter().all(|measure| ORDER.contains(measure)) && ORDER.len() == Measure::ALL.len()
        );
    }

    #[test]
    fn no_two_columns_are_called_the_same() {
        let mut labels: Vec<_> = Measure::ALL.iter().map(|&measure| label(measure)).collect();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), Measure::ALL.len());
    }
}
