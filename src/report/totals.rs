//! What calls add up to.

use super::instant::{from_micros, to_micros};
use super::quantiles::{Durations, Quantiles};
use super::ratio::{MeanCost, Ratio};
use crate::record::{Cost, Outcome, Record, UsageState, Usd};
use std::time::SystemTime;

/// What a set of calls adds up to. Sums are exact; they stop at the largest number rather than wrap.
///
/// * Every record is one request, however it ended.
/// * Tokens are those of records whose usage is reported, partial or estimated ([`estimated`](Self::estimated) tells how
///   many these are), the billed passes beside the wholes included. The tokens of a [`Repeated`](UsageState::Repeated) record are another record's, and count
///   nowhere. A kind of tokens that no record spoke of is `None`, never 0.
/// * Cost is the sum over priced requests; `None` when there is none, never 0.
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
/// assert_eq!((totals.input_tokens(), totals.cost()), (None, None)); // nobody said
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    // By `Outcome`.
    completed: u64,
    failed: u64,
    aborted: u64,
    cancelled: u64,
    broken: u64,
    // By what is known of the cost; the rest is repeated.
    priced: u64,
    unpriced: u64,
    without_usage: u64,
    free: u64,
    // How many spoke of tokens.
    with_tokens: u64,
    input: u64,
    output: u64,
    cache_read: u64,
    cache_write: u64,
    reasoning: u64,
    cost: Sum,
    // Microseconds; the first is above the last when there is nothing.
    first: i64,
    last: i64,
    durations: Durations,
    // In a place that would be empty: a row in memory stays within its lines of the cache.
    estimated: u32,
    // Which of the token sums were spoken of.
    spoken: u8,
}

/// Money at eight bytes' alignment, so that there are no gaps around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(Rust, packed(8))]
struct Sum(Usd);

impl Sum {
    #[inline]
    fn add(&mut self, cost: Usd) {
        let mut sum = self.0;
        sum += cost;
        self.0 = sum;
    }
}

const INPUT: u8 = 1;
const OUTPUT: u8 = 1 << 1;
const CACHE_READ: u8 = 1 << 2;
const CACHE_WRITE: u8 = 1 << 3;
const REASONING: u8 = 1 << 4;

impl Default for Totals {
    fn default() -> Self {
        Self {
            completed: 0,
            failed: 0,
            aborted: 0,
            cancelled: 0,
            broken: 0,
            priced: 0,
            unpriced: 0,
            without_usage: 0,
            free: 0,
            with_tokens: 0,
            input: 0,
            output: 0,
            cache_read: 0,
            cache_write: 0,
            reasoning: 0,
            cost: Sum(Usd::ZERO),
            first: i64::MAX,
            last: i64::MIN,
            durations: Durations::default(),
            estimated: 0,
            spoken: 0,
        }
    }
}

impl Totals {
    /// Adds one record.
    pub fn add(&mut self, record: &Record) {
        self.add_at(record, to_micros(record.time), true);
    }

    /// Adds one record whose time in microseconds is known already; its durations only where they are wanted.
    #[inline]
    pub(crate) fn add_at(&mut self, record: &Record, micros: i64, durations: bool) {
        match record.outcome {
            Outcome::Completed => self.completed += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Aborted => self.aborted += 1,
            Outcome::Cancelled => self.cancelled += 1,
            Outcome::Broken => self.broken += 1,
        }
        self.first = self.first.min(micros);
        self.last = self.last.max(micros);
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
        let before = self.spoken;
        self.spoken = 0;
        let usage = &record.usage;
        self.speak(INPUT, usage.input_tokens);
        self.speak(OUTPUT, usage.output_tokens);
        self.speak(CACHE_READ, usage.cache_read_tokens);
        self.speak(CACHE_WRITE, usage.cache_write_tokens);
        self.speak(REASONING, usage.reasoning_tokens);
        for pass in &usage.passes {
            self.speak(INPUT, pass.input_tokens);
            self.speak(OUTPUT, pass.output_tokens);
            self.speak(CACHE_READ, pass.cache_read_tokens);
            self.speak(CACHE_WRITE, pass.cache_write_tokens);
        }
        self.with_tokens += u64::from(self.spoken & (INPUT | OUTPUT) != 0);
        self.spoken |= before;
    }

    #[inline]
    fn speak(&mut self, kind: u8, tokens: Option<u64>) {
        let Some(tokens) = tokens else { return };
        let sum = match kind {
            INPUT => &mut self.input,
            OUTPUT => &mut self.output,
            CACHE_READ => &mut self.cache_read,
            CACHE_WRITE => &mut self.cache_write,
            _ => &mut self.reasoning,
        };
        *sum = sum.saturating_add(tokens);
        self.spoken |= kind;
    }

    /// Adds what another set of calls adds up to.
    pub fn merge(&mut self, other: &Self) {
        self.merge_sums(other);
        self.durations.merge(&other.durations);
    }

    /// The same without the durations, for questions that do not need them.
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
            (&mut self.input, other.input),
            (&mut self.output, other.output),
            (&mut self.cache_read, other.cache_read),
            (&mut self.cache_write, other.cache_write),
            (&mut self.reasoning, other.reasoning),
        ] {
            *sum = sum.saturating_add(part);
        }
        self.cost.add(other.cost.0);
        self.estimated = self.estimated.saturating_add(other.estimated);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.spoken |= other.spoken;
    }

    /// All requests, however they ended.
    pub fn requests(&self) -> u64 {
        [self.completed, self.failed, self.aborted, self.cancelled, self.broken]
            .iter()
            .fold(0, |sum, &count| sum.saturating_add(count))
    }

    /// Whether there was no request at all.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.first > self.last
    }

    /// Requests whose answer was read to its end.
    pub fn completed(&self) -> u64 {
        self.completed
    }

    /// Requests that the server refused or broke off with an error of its own.
    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// Requests whose answer the caller dropped before its end.
    pub fn aborted(&self) -> u64 {
        self.aborted
    }

    /// Requests that the caller dropped before there was an answer.
    pub fn cancelled(&self) -> u64 {
        self.cancelled
    }

    /// Requests that the transport failed.
    pub fn broken(&self) -> u64 {
        self.broken
    }

    /// Failed and broken requests, over all requests.
    pub fn error_rate(&self) -> Ratio {
        Ratio::new(self.failed.saturating_add(self.broken), self.requests())
    }

    /// Requests with a cost, computed or reported.
    pub fn priced(&self) -> u64 {
        self.priced
    }

    /// Requests with usage and no price for it.
    pub fn unpriced(&self) -> u64 {
        self.unpriced
    }

    /// Requests of which neither usage nor cost is known.
    pub fn without_usage(&self) -> u64 {
        self.without_usage
    }

    /// Requests whose tokens, and the cost of these, are an estimate by the application's own counter. They are within the
    /// other figures; where there are any, those are no mere measurement. The count stops at `u32::MAX`.
    pub fn estimated(&self) -> u64 {
        self.estimated.into()
    }

    /// Requests that consumed nothing: lists, token counts, refused requests.
    pub fn free(&self) -> u64 {
        self.free
    }

    /// Requests that repeat what another record carries.
    pub fn repeated(&self) -> u64 {
        let others = [self.priced, self.unpriced, self.without_usage, self.free];
        others.iter().fold(self.requests(), |rest, &count| rest.saturating_sub(count))
    }

    /// Priced requests, over those that consumed something, or may have: all but the free and the repeated.
    pub fn coverage(&self) -> Ratio {
        let known = self.priced;
        Ratio::new(known, known.saturating_add(self.unpriced).saturating_add(self.without_usage))
    }

    /// Requests whose tokens are in the sums: the denominator of [`tokens_per_request`](Self::tokens_per_request).
    pub fn with_tokens(&self) -> u64 {
        self.with_tokens
    }

    /// Tokens in, cached ones included.
    pub fn input_tokens(&self) -> Option<u64> {
        (self.spoken & INPUT != 0).then_some(self.input)
    }

    /// Tokens out, reasoning included.
    pub fn output_tokens(&self) -> Option<u64> {
        (self.spoken & OUTPUT != 0).then_some(self.output)
    }

    /// Tokens in and out; one of them alone where nobody spoke of the other.
    pub fn tokens(&self) -> Option<u64> {
        (self.spoken & (INPUT | OUTPUT) != 0).then_some(self.input.saturating_add(self.output))
    }

    /// Of the input: read from a cache.
    pub fn cache_read_tokens(&self) -> Option<u64> {
        (self.spoken & CACHE_READ != 0).then_some(self.cache_read)
    }

    /// Of the input: written to a cache.
    pub fn cache_write_tokens(&self) -> Option<u64> {
        (self.spoken & CACHE_WRITE != 0).then_some(self.cache_write)
    }

    /// Of the output: reasoning.
    pub fn reasoning_tokens(&self) -> Option<u64> {
        (self.spoken & REASONING != 0).then_some(self.reasoning)
    }

    /// Tokens in and out, over the requests that spoke of them.
    pub fn tokens_per_request(&self) -> Ratio {
        Ratio::new(self.input.saturating_add(self.output), self.with_tokens)
    }

    /// What the priced requests cost.
    pub fn cost(&self) -> Option<Usd> {
        (self.priced != 0).then_some(self.cost.0)
    }

    /// The cost, over the priced requests.
    pub fn cost_per_request(&self) -> MeanCost {
        MeanCost::new(self.cost.0, self.priced)
    }

    /// The start of the earliest request, to the microsecond.
    pub fn first(&self) -> Option<SystemTime> {
        self.first_micros().map(from_micros)
    }

    /// The start of the latest request, to the microsecond.
    pub fn last(&self) -> Option<SystemTime> {
        self.last_micros().map(from_micros)
    }

    pub(crate) fn first_micros(&self) -> Option<i64> {
        (!self.is_empty()).then_some(self.first)
    }

    pub(crate) fn last_micros(&self) -> Option<i64> {
        (!self.is_empty()).then_some(self.last)
    }

    /// How long the calls took, over all requests.
    pub fn latency(&self) -> Quantiles {
        self.durations.latency()
    }

    /// How long the first frame with content took, over the requests that had one.
    pub fn first_token(&self) -> Quantiles {
        self.durations.first_token()
    }

    /// Whether adding them up takes longer than all the rest.
    #[inline]
    pub(crate) fn have_many_durations(&self) -> bool {
        self.durations.are_many()
    }

    /// Bytes on the heap.
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
