//! Why price data was refused.

use crate::record::ParseRateError;
use std::fmt;

/// Why price data could not be loaded. Where one entry is at fault, it is named.
#[derive(Debug)]
pub struct PriceError(PriceErrorKind);

#[derive(Debug)]
enum PriceErrorKind {
    Json(serde_json::Error),
    Shape(&'static str),
    Entry(Refused),
}

impl PriceError {
    pub(super) const fn shape(expected: &'static str) -> Self {
        Self(PriceErrorKind::Shape(expected))
    }

    pub(super) fn snapshot(problem: Problem) -> Self {
        Self(PriceErrorKind::Entry(Refused { entry: "snapshot".to_owned(), problem }))
    }

    pub(super) const fn entry(refused: Refused) -> Self {
        Self(PriceErrorKind::Entry(refused))
    }

    /// Returns the entry that was refused, where the rest of the data was in order.
    pub fn refused(&self) -> Option<&Refused> {
        match &self.0 {
            PriceErrorKind::Entry(refused) => Some(refused),
            PriceErrorKind::Json(_) | PriceErrorKind::Shape(_) => None,
        }
    }
}

impl From<serde_json::Error> for PriceError {
    fn from(error: serde_json::Error) -> Self {
        Self(PriceErrorKind::Json(error))
    }
}

impl fmt::Display for PriceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            PriceErrorKind::Json(error) => write!(f, "price data is not the JSON expected: {error}"),
            PriceErrorKind::Shape(expected) => {
                write!(f, "price data does not have the shape expected: {expected}")
            }
            PriceErrorKind::Entry(refused) => refused.fmt(f),
        }
    }
}

impl std::error::Error for PriceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            PriceErrorKind::Json(error) => Some(error),
            PriceErrorKind::Shape(_) | PriceErrorKind::Entry(_) => None,
        }
    }
}

/// An entry of price data that is not used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// The entry, as `provider/entry`.
    pub entry: String,
    /// What is wrong with the entry.
    pub problem: Problem,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.entry, self.problem)
    }
}

/// What is wrong with an entry of price data.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// A rate is not a number that can be held.
    Rate {
        /// The key of the rate in the data.
        key: String,
        /// What is wrong with the entry.
        error: ParseRateError,
    },
    /// A rate is so high that it must be a mistake, as rates entered a thousand times too high are.
    AboveCeiling {
        /// The key of the rate in the data.
        key: String,
    },
    /// The entry is not shaped as expected.
    Shape(String),
    /// A pattern cannot be read.
    Pattern(String),
    /// A date, a time of day or a weekday cannot be read.
    Time(String),
    /// The entry has no rate that this library could apply.
    NoRates,
    /// The entry describes no model.
    NoModel,
    /// Another entry has the same name, at another price.
    Duplicate,
    /// The entry is another name of one that is not there.
    NoTarget(String),
}

impl Problem {
    /// Returns the problem without what is particular to one entry, to count entries by.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Rate { .. } => "a rate is not a number that can be held",
            Self::AboveCeiling { .. } => "a rate is above what can be right",
            Self::Shape(_) => "not shaped as expected",
            Self::Pattern(_) => "a pattern cannot be read",
            Self::Time(_) => "a date or time cannot be read",
            Self::NoRates => "no rate that could be applied",
            Self::NoModel => "describes no model",
            Self::Duplicate => "another entry has the same name",
            Self::NoTarget(_) => "another name of an entry that is not there",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate { key, error } => write!(f, "the rate {key} is refused: {error}"),
            Self::AboveCeiling { key } => write!(f, "the rate {key} is above what can be right"),
            Self::Shape(what) | Self::Pattern(what) | Self::Time(what) => {
                write!(f, "{}: {what}", self.reason())
            }
            Self::NoTarget(target) => write!(f, "another name of {target}, which is not there"),
            Self::NoRates | Self::NoModel | Self::Duplicate => f.write_str(self.reason()),
        }
    }
}
