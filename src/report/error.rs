//! Why a question has no answer.

use super::instant::{from_micros, rfc3339};
use std::error::Error;
use std::fmt;
use std::time::SystemTime;

/// The reason why a question has no answer. A store never answers a similar question instead.
#[derive(Debug)]
#[non_exhaustive]
pub enum QueryError {
    /// A window begins or ends within a quarter of an hour (UTC), the finest resolution of any store.
    WithinQuarter,
    /// A window, or a step of it, is finer than what the store still keeps of that time.
    TooFine {
        /// The bound that is too fine.
        at: SystemTime,
        /// From here on, quarters of an hour are kept; before, whole days of UTC.
        quarters_from: SystemTime,
        /// From here on, days of UTC are kept; before, only totals.
        days_from: SystemTime,
    },
    /// The answer would have more points than a series may have.
    TooManyPoints {
        /// The most points of a series.
        limit: usize,
    },
    /// A moment is outside of the years -9999 to 9999.
    OutOfRange,
    /// The store failed.
    Store(Box<dyn Error + Send + Sync>),
}

impl QueryError {
    pub(crate) fn too_fine(at: i64, quarters_from: i64, days_from: i64) -> Self {
        Self::TooFine {
            at: from_micros(at),
            quarters_from: from_micros(quarters_from),
            days_from: from_micros(days_from),
        }
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WithinQuarter => f.write_str("a window begins and ends at whole quarters of an hour"),
            Self::TooFine { at, quarters_from, days_from } => write!(
                f,
                "{} is finer than what is kept: quarters of an hour from {}, days of UTC from {}",
                rfc3339(*at),
                rfc3339(*quarters_from),
                rfc3339(*days_from)
            ),
            Self::TooManyPoints { limit } => write!(f, "the answer would have more than {limit} points"),
            Self::OutOfRange => f.write_str("a moment is outside of the years -9999 to 9999"),
            Self::Store(error) => write!(f, "the store failed: {error}"),
        }
    }
}

impl Error for QueryError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Store(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}
