//! Questions about users, their answers, and the arithmetic between them.
//!
//! Answers are folds over records: a report contains nothing that is not in the records.
//!
//! # What the figures mean
//!
//! * A **request** is a record: one call that was dispatched, however it ended. It belongs to the moment at which it
//!   *started*, rounded down to the microsecond.
//! * **First and last active** are the starts of the earliest and the latest request.
//! * **Active days** are distinct days, *in the zone of the question*, with at least one request.
//! * **Requests per active day**: requests over active days. **Tokens per request**: tokens over the requests whose
//!   tokens are known. **Cost per request**: cost over the priced requests. **Error rate**: failed and broken requests
//!   over all requests. An average over nothing is not known, which is not 0.
//! * **Latency** quantiles are over all requests, those of the **first token** over the requests that had one, both
//!   by nearest rank and within 1 %.
//! * **Tokens, cost and coverage** are described at [`Totals`].
//! * The **model** of a call is the one that answered, or else the one asked for.
//! * **Money** is exact.
//!
//! # Asking
//!
//! Every question is about a [`Selection`] of calls. Stores answer the questions of the trait [`Report`] in futures;
//! [`MemorySink::report`](crate::MemorySink::report) answers the same ones at once. Each answer is a [`Table`], which exports it
//! as CSV and JSON lines.

mod amount;
mod breakdown;
mod error;
mod export;
mod filter;
mod gaps;
mod histogram;
pub(crate) mod instant;
mod measure;
mod overview;
mod pattern;
mod quantiles;
mod ratio;
mod selection;
mod series;
mod source;
mod summary;
mod totals;
mod user_query;
mod users;
mod who;
mod window;
mod zone;

pub use amount::Amount;
pub use breakdown::{Breakdown, Group, GroupBy, GroupName};
pub use error::QueryError;
pub use export::{Table, Value};
pub use filter::{CallFilter, Scope, UserFilter};
pub use gaps::Gaps;
pub use histogram::{Bin, Histogram, HistogramQuery};
pub use measure::{Measure, MeasureUnit};
pub use overview::Overview;
pub use pattern::Pattern;
pub use quantiles::Quantiles;
pub use ratio::{MeanCost, Ratio};
pub use selection::Selection;
pub use series::{Cohort, Point, Retention, Series};
pub use source::{Report, Scoped};
pub use summary::UserSummary;
pub use totals::Totals;
pub(crate) use user_query::RowOrder;
pub use user_query::{Cursor, UserQuery};
pub use users::{Sums, UserPage};
pub use who::Who;
pub use window::{Step, Window};
pub use zone::{Zone, ZoneError};

/// The measure that rows are sorted by: any [`Measure`].
pub type SortBy = Measure;
