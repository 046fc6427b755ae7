//! The figures of a row, in one table.

use super::amount::{Amount, Known};
use super::summary::UserSummary;
use super::totals::Totals;

/// Defines the measures, one row each: the meaning, the variant, the name of the column, the label for people, the unit, and the
/// getter of the figure, on the totals of any calls or on the row of a user.
macro_rules! measures {
    ($(#[doc = $hint:literal] $variant:ident = $name:literal, $label:literal, $unit:ident, $of:ident => $get:expr;)*) => {
        /// A figure of a row: what rows are sorted and filtered by, and a column of an export.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Measure {
            $(#[doc = $hint] $variant,)*
        }

        impl Measure {
            /// Every measure, in the order of an export's columns.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the name of the column.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Returns a short label for people.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)*
                }
            }

            /// Returns the meaning, in a few words for people.
            pub fn hint(self) -> &'static str {
                let sentence = match self {
                    $(Self::$variant => $hint,)*
                };
                sentence.trim().trim_end_matches('.')
            }

            /// Returns the unit of its amounts.
            pub const fn unit(self) -> MeasureUnit {
                match self {
                    $(Self::$variant => MeasureUnit::$unit,)*
                }
            }

            /// Whether only the row of a user has it, because it takes a look at single days and models.
            pub(crate) const fn needs_cells(self) -> bool {
                match self {
                    $(Self::$variant => measures!(@is_of_user $of),)*
                }
            }

            #[inline]
            fn amount(self, of_totals: &Totals, of_user: Option<&UserSummary>) -> Option<Amount> {
                match self {
                    $(Self::$variant => $of($get, of_totals, of_user),)*
                }
            }
        }
    };
    (@is_of_user totals) => { false };
    (@is_of_user user) => { true };
}

measures! {
    /// All requests, however they ended.
    Requests = "requests", "Requests", Count, totals => Totals::requests;
    /// Requests whose answer was read to its end.
    Completed = "completed", "Completed", Count, totals => Totals::completed;
    /// Requests that the server failed.
    Failed = "failed", "Failed", Count, totals => Totals::failed;
    /// Requests whose answer the caller dropped.
    Aborted = "aborted", "Aborted", Count, totals => Totals::aborted;
    /// Requests that the caller dropped before there was an answer.
    Cancelled = "cancelled", "Cancelled", Count, totals => Totals::cancelled;
    /// Requests that the transport failed.
    Broken = "broken", "Broken", Count, totals => Totals::broken;
    /// Failed and broken requests over all requests.
    ErrorRate = "error_rate", "Error rate", Share, totals => Totals::error_rate;
    /// The start of the earliest request.
    FirstActive = "first_active", "First active", Time, totals => Totals::first;
    /// The start of the latest request.
    LastActive = "last_active", "Last active", Time, totals => Totals::last;
    /// Distinct days in the question's zone with at least one request.
    ActiveDays = "active_days", "Active days", Count, user => |row| row.active_days;
    /// Requests over active days.
    RequestsPerActiveDay = "requests_per_active_day", "Requests / day", Average, user => UserSummary::requests_per_active_day;
    /// Tokens in and out.
    Tokens = "tokens", "Tokens", Count, totals => Totals::tokens;
    /// Tokens in, cached ones included.
    InputTokens = "input_tokens", "Tokens in", Count, totals => Totals::input_tokens;
    /// Input tokens read from a cache.
    CacheReadTokens = "cache_read_tokens", "Cache read", Count, totals => Totals::cache_read_tokens;
    /// Input tokens written to a cache.
    CacheWriteTokens = "cache_write_tokens", "Cache write", Count, totals => Totals::cache_write_tokens;
    /// Tokens out, reasoning included.
    OutputTokens = "output_tokens", "Tokens out", Count, totals => Totals::output_tokens;
    /// Output tokens spent on reasoning.
    ReasoningTokens = "reasoning_tokens", "Reasoning", Count, totals => Totals::reasoning_tokens;
    /// Tokens over the requests whose tokens are known.
    TokensPerRequest = "tokens_per_request", "Tokens / request", Average, totals => Totals::tokens_per_request;
    /// The cost of the priced requests.
    Cost = "cost_usd", "Cost", Dollars, totals => Totals::cost;
    /// The cost over the priced requests.
    CostPerRequest = "cost_usd_per_priced_request", "Cost / request", AverageDollars, totals => Totals::cost_per_request;
    /// The number of models that answered.
    Models = "models", "Models", Count, user => |row| row.models.len() as u64;
    /// Half of the requests took no longer.
    MedianLatency = "latency_p50_us", "Latency p50", Microseconds, totals => |totals| totals.latency().at(50);
    /// 95 % of the requests took no longer.
    P95Latency = "latency_p95_us", "Latency p95", Microseconds, totals => |totals| totals.latency().at(95);
    /// For half of the requests the first frame with content took no longer.
    MedianFirstToken = "first_token_p50_us", "First token p50", Microseconds, totals => |totals| totals.first_token().at(50);
    /// For 95 % of the requests the first frame with content took no longer.
    P95FirstToken = "first_token_p95_us", "First token p95", Microseconds, totals => |totals| totals.first_token().at(95);
    /// Requests with a cost.
    Priced = "priced", "Priced", Count, totals => Totals::priced;
    /// Requests with usage and no price.
    Unpriced = "unpriced", "Unpriced", Count, totals => Totals::unpriced;
    /// Requests with neither usage nor cost known.
    WithoutUsage = "without_usage", "Without usage", Count, totals => Totals::without_usage;
    /// Requests whose tokens are an estimate.
    Estimated = "estimated", "Estimated", Count, totals => Totals::estimated;
    /// Requests that consumed nothing.
    Free = "free", "Free", Count, totals => Totals::free;
    /// Requests that repeat what another record carries.
    Repeated = "repeated", "Repeated", Count, totals => Totals::repeated;
}

fn totals<T: Known>(get: impl Fn(&Totals) -> T, totals: &Totals, _: Option<&UserSummary>) -> Option<Amount> {
    get(totals).known()
}

fn user<T: Known>(get: impl Fn(&UserSummary) -> T, _: &Totals, user: Option<&UserSummary>) -> Option<Amount> {
    get(user?).known()
}

/// The unit of a [`Measure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MeasureUnit {
    /// A whole number.
    Count,
    /// A number on average.
    Average,
    /// A share of one.
    Share,
    /// US dollars.
    Dollars,
    /// US dollars on average.
    AverageDollars,
    /// Microseconds.
    Microseconds,
    /// A moment.
    Time,
}

impl Measure {
    /// Finds the measure of a column's name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|measure| measure.as_str() == name)
    }

    /// Whether a [`HistogramQuery`](super::HistogramQuery) can show how it is spread over users: counts, tokens and the cost.
    pub const fn has_histogram(self) -> bool {
        matches!(self.unit(), MeasureUnit::Count | MeasureUnit::Dollars) && !self.needs_cells()
    }

    /// Whether it takes the histograms of durations.
    pub(crate) const fn needs_durations(self) -> bool {
        matches!(self.unit(), MeasureUnit::Microseconds)
    }
}

impl UserSummary {
    /// Returns a figure of this row; `None` if it is not known.
    pub fn measure(&self, measure: Measure) -> Option<Amount> {
        measure.amount(&self.totals, Some(self))
    }
}

impl Totals {
    /// Returns a figure; `None` if it is not known, or if only the row of a user has it: the active days, the models.
    pub fn measure(&self, measure: Measure) -> Option<Amount> {
        measure.amount(self, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_distinct_names() {
        let mut names: Vec<_> = Measure::ALL.iter().map(|measure| measure.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Measure::ALL.len());
        assert!(Measure::ALL.iter().all(|&measure| Measure::named(measure.as_str()) == Some(measure)));
        assert_eq!(Measure::named("Requests"), None);
    }

    #[test]
    fn labels_are_distinct_and_every_measure_is_explained() {
        let labels: std::collections::BTreeSet<_> =
            Measure::ALL.iter().map(|measure| measure.label()).collect();
        assert_eq!(labels.len(), Measure::ALL.len());
        assert!(
            Measure::ALL.iter().all(|measure| measure.hint().len() > 8 && !measure.hint().ends_with('.'))
        );
    }
}
