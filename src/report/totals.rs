//! What calls add up to.

use super::instant::{from_micros, to_micros};
use super::quantiles::{Durations, Quantiles};
use super::ratio::{MeanCost, Ratio};
use crate::record::{Cost, Outcome, Record, UsageState, Usd};
use std::time::SystemTime;

/// What a set of calls adds up to. Sums are exact; they stop at the largest number rather than wrap.
///
/// * Every record is one request, however it ended.
/// * Tokens are those of records whose usage is reported, partial or estimated ([`estimated`](Self::estimated) counts these),
///   the billed passes beside the wholes included. The tokens of a [`Repeated`](UsageState::Repeated) record are another
///   record's, and are not counted. A kind of tokens that no record has is `None`, never 0.
/// * Cost is the sum over priced requests; `None` if there are none, never 0.
/// * Every request is in exactly one of [`priced`](Self::priced), [`unpriced`](Self::unpriced),
///   [`without_usage`](Self::without_usage), [`free`](Self::free) and [`repeated`](Self::repeated).
///
/// ```
/// use std::time::SystemTime;
/// use tower_llm_metrics::report::Totals;
/// use tower_llm_metrics::{Outcome, Record};
///
/// let mut record = Record::new(SystemTime::now());
/// record.outcome = Outcome::Completed;
/// let totals: Totals = [&record, &record].into_iter().collect();
/// assert_eq!((totals.requests(), totals.completed()), (2, 2));
/// assert_eq!((totals.input_tokens(), totals.cost()), (None, None)); // not known
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    // By `Outcome`.
    completed: u64,
    failed: u64,
    aborted: u64,
    cancelled: u64,
    broken: u64,
    // By what is known of the cost; all others are repeated.
    priced: u64,
    unpriced: u64,
    without_usage: u64,
    free: u64,
    // The number of records with tokens.
    with_tokens: u64,
    // By `TokenKind`.
    tokens: [u64; 5],
    cost: PackedUsd,
    activity: Activity,
    durations: Durations,
    // Fills padding, to keep a row in memory within its cache lines.
    estimated: u32,
    // The token sums that at least one record has.
    known: u8,
}

/// The starts of the earliest and the latest request, in microseconds. The first is after the last if there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Activity {
    first: i64,
    last: i64,
}

/// Money aligned to eight bytes, which leaves no padding around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(Rust, packed(8))]
struct PackedUsd(Usd);

impl PackedUsd {
    #[inline]
    fn add(&mut self, cost: Usd) {
        let mut sum = self.0;
        sum += cost;
        self.0 = sum;
    }
}

/// A kind of tokens, and the place of its sum.
#[derive(Clone, Copy)]
enum TokenKind {
    Input,
    Output,
    CacheRead,
    CacheWrite,
    Reasoning,
}

impl Default for Activity {
    fn default() -> Self {
        Self { first: i64::MAX, last: i64::MIN }
    }
}

impl Totals {
    /// Adds one record.
    pub fn add(&mut self, record: &Record) {
        self.add_at(record, to_micros(record.time), true);
    }

    /// Adds one record, whose time in microseconds is known already, with or without its durations.
    #[inline]
    pub(crate) fn add_at(&mut self, record: &Record, micros: i64, durations: bool) {
        match record.outcome {
            Outcome::Completed => self.completed += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Aborted => self.aborted += 1,
            Outcome::Cancelled => self.cancelled += 1,
            Outcome::Broken => self.broken += 1,
        }
        self.activity.first = self.activity.first.min(micros);
        self.activity.last = self.activity.last.max(micros);
        if durations {
            self.durations.add(record.latency, record.first_token);
        }
        if record.usage_state == UsageState::Repeated {
            return;
        }
        match &record.cost {
            Cost::Priced(priced) => {
                self.priced += 1;
                self.cost.add(priced.total);
            }
            Cost::Reported { total, .. } => {
                self.priced += 1;
                self.cost.add(*total);
            }
            Cost::Unpriced(_) if record.usage_state == UsageState::Absent => self.without_usage += 1,
            Cost::Unpriced(_) => self.unpriced += 1,
            Cost::None => self.free += 1,
        }
        if record.usage_state != UsageState::Absent {
            self.add_tokens(record);
        }
        if record.usage_state == UsageState::Estimated {
            self.estimated = self.estimated.saturating_add(1);
        }
    }

    #[inline]
    fn add_tokens(&mut self, record: &Record) {
        let usage = &record.usage;
        let mut has_tokens = usage.input_tokens.or(usage.output_tokens).is_some();
        self.add_sum(TokenKind::Input, usage.input_tokens);
        self.add_sum(TokenKind::Output, usage.output_tokens);
        self.add_sum(TokenKind::CacheRead, usage.cache_read_tokens);
        self.add_sum(TokenKind::CacheWrite, usage.cache_write_tokens);
        self.add_sum(TokenKind::Reasoning, usage.reasoning_tokens);
        for pass in &usage.passes {
            has_tokens |= pass.input_tokens.or(pass.output_tokens).is_some();
            self.add_sum(TokenKind::Input, pass.input_tokens);
            self.add_sum(TokenKind::Output, pass.output_tokens);
            self.add_sum(TokenKind::CacheRead, pass.cache_read_tokens);
            self.add_sum(TokenKind::CacheWrite, pass.cache_write_tokens);
        }
        self.with_tokens += u64::from(has_tokens);
    }

    #[inline]
    fn add_sum(&mut self, kind: TokenKind, tokens: Option<u64>) {
        if let Some((sum, tokens)) = self.tokens.get_mut(kind as usize).zip(tokens) {
            *sum = sum.saturating_add(tokens);
            self.known |= 1 << kind as u8;
        }
    }

    #[inline]
    fn sum(&self, kind: TokenKind) -> Option<u64> {
        let is_known = self.known & 1 << kind as u8 != 0;
        self.tokens.get(kind as usize).copied().filter(|_| is_known)
    }

    /// Adds the totals of other calls.
    pub fn merge(&mut self, other: &Self) {
        self.merge_sums(other);
        self.durations.merge(&other.durations);
    }

    /// Like [`merge`](Self::merge), but without the durations, for questions that do not need them.
    pub(crate) fn merge_sums(&mut self, other: &Self) {
        for (sum, part) in [
            (&mut self.completed, other.completed),
            (&mut self.failed, other.failed),
            (&mut self.aborted, other.aborted),
            (&mut self.cancelled, other.cancelled),
            (&mut self.broken, other.broken),
            (&mut self.priced, other.priced),
            (&mut self.unpriced, other.unpriced),
            (&mut self.without_usage, other.without_usage),
            (&mut self.free, other.free),
            (&mut self.with_tokens, other.with_tokens),
        ] {
            *sum = sum.saturating_add(part);
        }
        for (sum, part) in self.tokens.iter_mut().zip(other.tokens) {
            *sum = sum.saturating_add(part);
        }
        self.cost.add(other.cost.0);
        self.estimated = self.estimated.saturating_add(other.estimated);
        self.activity.first = self.activity.first.min(other.activity.first);
        self.activity.last = self.activity.last.max(other.activity.last);
        self.known |= other.known;
    }

    /// Returns the number of all requests, however they ended.
    pub fn requests(&self) -> u64 {
        [self.completed, self.failed, self.aborted, self.cancelled, self.broken]
            .iter()
            .fold(0, |sum, &count| sum.saturating_add(count))
    }

    /// Whether there was no request at all.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.activity.first > self.activity.last
    }

    /// Returns the number of requests whose answer was read to its end.
    pub fn completed(&self) -> u64 {
        self.completed
    }

    /// Returns the number of requests that the server refused, or broke off with an error of its own.
    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// Returns the number of requests whose answer the caller dropped before its end.
    pub fn aborted(&self) -> u64 {
        self.aborted
    }

    /// Returns the number of requests that the caller dropped before there was an answer.
    pub fn cancelled(&self) -> u64 {
        self.cancelled
    }

    /// Returns the number of requests that the transport failed.
    pub fn broken(&self) -> u64 {
        self.broken
    }

    /// Returns the failed and broken requests over all requests.
    pub fn error_rate(&self) -> Ratio {
        Ratio::new(self.failed.saturating_add(self.broken), self.requests())
    }

    /// Returns the number of requests with a cost, computed or reported.
    pub fn priced(&self) -> u64 {
        self.priced
    }

    /// Returns the number of requests with usage and no price for it.
    pub fn unpriced(&self) -> u64 {
        self.unpriced
    }

    /// Returns the number of requests with neither usage nor cost known.
    pub fn without_usage(&self) -> u64 {
        self.without_usage
    }

    /// Returns the number of requests whose tokens, and the cost of these, are estimates by the application's own counter. They
    /// are included in the other figures, which are then not measurements alone. The count stops at `u32::MAX`.
    pub fn estimated(&self) -> u64 {
        self.estimated.into()
    }

    /// Returns the number of requests that consumed nothing: lists, token counts, refused requests.
    pub fn free(&self) -> u64 {
        self.free
    }

    /// Returns the number of requests that repeat what another record carries.
    pub fn repeated(&self) -> u64 {
        let others = [self.priced, self.unpriced, self.without_usage, self.free];
        others.iter().fold(self.requests(), |rest, &count| rest.saturating_sub(count))
    }

    /// Returns the priced requests over those that consumed something, or may have: all but the free and the repeated.
    pub fn coverage(&self) -> Ratio {
        let known = self.priced;
        Ratio::new(known, known.saturating_add(self.unpriced).saturating_add(self.without_usage))
    }

    /// Returns the number of requests whose tokens are in the sums: the denominator of
    /// [`tokens_per_request`](Self::tokens_per_request).
    pub fn with_tokens(&self) -> u64 {
        self.with_tokens
    }

    /// Returns the tokens in, cached ones included.
    pub fn input_tokens(&self) -> Option<u64> {
        self.sum(TokenKind::Input)
    }

    /// Returns the tokens out, reasoning included.
    pub fn output_tokens(&self) -> Option<u64> {
        self.sum(TokenKind::Output)
    }

    /// Returns the tokens in and out; those of one direction alone if those of the other are not known.
    pub fn tokens(&self) -> Option<u64> {
        match (self.input_tokens(), self.output_tokens()) {
            (Some(input), Some(output)) => Some(input.saturating_add(output)),
            (input, output) => input.or(output),
        }
    }

    /// Returns the input tokens read from a cache.
    pub fn cache_read_tokens(&self) -> Option<u64> {
        self.sum(TokenKind::CacheRead)
    }

    /// Returns the input tokens written to a cache.
    pub fn cache_write_tokens(&self) -> Option<u64> {
        self.sum(TokenKind::CacheWrite)
    }

    /// Returns the output tokens spent on reasoning.
    pub fn reasoning_tokens(&self) -> Option<u64> {
        self.sum(TokenKind::Reasoning)
    }

    /// Returns the tokens in and out over the requests whose tokens are known.
    pub fn tokens_per_request(&self) -> Ratio {
        Ratio::new(self.tokens().unwrap_or(0), self.with_tokens)
    }

    /// Returns the cost of the priced requests.
    pub fn cost(&self) -> Option<Usd> {
        (self.priced != 0).then_some(self.cost.0)
    }

    /// Returns the cost over the priced requests.
    pub fn cost_per_request(&self) -> MeanCost {
        MeanCost::new(self.cost.0, self.priced)
    }

    /// Returns the start of the earliest request, to the microsecond.
    pub fn first(&self) -> Option<SystemTime> {
        self.first_micros().map(from_micros)
    }

    /// Returns the start of the latest request, to the microsecond.
    pub fn last(&self) -> Option<SystemTime> {
        self.last_micros().map(from_micros)
    }

    pub(crate) fn first_micros(&self) -> Option<i64> {
        (!self.is_empty()).then_some(self.activity.first)
    }

    pub(crate) fn last_micros(&self) -> Option<i64> {
        (!self.is_empty()).then_some(self.activity.last)
    }

    /// Returns the durations of all requests.
    pub fn latency(&self) -> Quantiles {
        self.durations.latency()
    }

    /// Returns the times to the first frame with content, of the requests that had one.
    pub fn first_token(&self) -> Quantiles {
        self.durations.first_token()
    }

    /// Whether merging the durations takes longer than merging everything else.
    #[inline]
    pub(crate) fn have_many_durations(&self) -> bool {
        self.durations.are_many()
    }

    /// Returns the number of bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.durations.heap_bytes()
    }
}

impl<'a> FromIterator<&'a Record> for Totals {
    fn from_iter<I: IntoIterator<Item = &'a Record>>(records: I) -> Self {
        let mut totals = Self::default();
        records.into_iter().for_each(|record| totals.add(record));
        totals
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Pass, Priced, UnpricedReason, Usage};
    use std::time::Duration;

    fn record(state: UsageState, cost: Cost) -> Record {
        let mut record = Record::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000));
        record.usage_state = state;
        record.usage = Usage { input_tokens: Some(10), output_tokens: Some(5), ..Usage::default() };
        record.cost = cost;
        record
    }

    fn priced(picos: i128) -> Cost {
        Cost::Priced(Priced::new(Usd::from_picos(picos), "p/m", "v"))
    }

    #[test]
    fn every_request_has_one_place_in_the_coverage() {
        let records = [
            record(UsageState::Reported, priced(1)),
            record(UsageState::Partial, Cost::Reported { total: Usd::from_picos(2), computed: None }),
            record(UsageState::Estimated, Cost::Unpriced(UnpricedReason::UnknownModel)),
            record(UsageState::Absent, Cost::Unpriced(UnpricedReason::NoUsage)),
            record(UsageState::Absent, Cost::None),
            record(UsageState::Repeated, Cost::Unpriced(UnpricedReason::Repeated)),
            record(UsageState::Repeated, priced(1_000)),
        ];
        let totals: Totals = records.iter().collect();
        let places =
            [totals.priced(), totals.unpriced(), totals.without_usage(), totals.free(), totals.repeated()];
        assert_eq!(places, [2, 1, 1, 1, 2]);
        assert_eq!(places.iter().sum::<u64>(), totals.requests());
        assert_eq!(totals.cost(), Some(Usd::from_picos(3)));
        assert_eq!((totals.tokens(), totals.with_tokens()), (Some(45), 3));
        assert_eq!(totals.coverage(), Ratio::new(2, 4));
        assert_eq!(totals.estimated(), 1);
        let mut twice = totals.clone();
        twice.merge(&totals);
        assert_eq!(twice.estimated(), 2);
    }

    #[test]
    fn what_nobody_spoke_of_is_none_and_zero_is_zero() {
        let mut silent = record(UsageState::Reported, Cost::None);
        silent.usage = Usage { input_tokens: Some(0), ..Usage::default() };
        let totals: Totals = [&silent].into_iter().collect();
        assert_eq!((totals.input_tokens(), totals.output_tokens()), (Some(0), None));
        assert_eq!((totals.cache_read_tokens(), totals.cost()), (None, None));
        let nothing = Totals::default();
        assert_eq!((nothing.first(), nothing.last(), nothing.latency().at(50)), (None, None, None));
    }

    #[test]
    fn billed_passes_stand_beside_the_wholes_and_count() {
        let mut call = record(UsageState::Reported, Cost::None);
        call.usage.passes = vec![Pass { input_tokens: Some(100), output_tokens: Some(1), ..Pass::default() }];
        let totals: Totals = [&call].into_iter().collect();
        assert_eq!((totals.input_tokens(), totals.output_tokens()), (Some(110), Some(6)));
        assert_eq!(totals.with_tokens(), 1);
    }

    #[test]
    fn hostile_figures_stop_at_the_largest_number() {
        let mut call = record(UsageState::Reported, Cost::None);
        call.usage.input_tokens = Some(u64::MAX);
        let totals: Totals = [&call, &call].into_iter().collect();
        assert_eq!(totals.tokens(), Some(u64::MAX));
    }

    #[test]
    fn merging_is_the_same_as_adding_all() {
        let records = [
            record(UsageState::Reported, priced(7)),
            record(UsageState::Absent, Cost::None),
            record(UsageState::Repeated, Cost::None),
        ];
        let all: Totals = records.iter().collect();
        let mut merged: Totals = records[..1].iter().collect();
        merged.merge(&records[1..].iter().collect());
        merged.merge(&Totals::default());
        assert_eq!(merged, all);
    }
}
