//! What is wrong with a request, in words for whoever made it.

use crate::report::QueryError;
use http::StatusCode;
use std::fmt;

/// Why a request is not answered: the field that is at fault, where there is one, and what is wrong with it.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) field: Option<String>,
    pub(super) message: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, field: None, message: message.into() }
    }

    /// A field of the request is not as it should be.
    pub(super) fn of(field: impl Into<String>, message: impl fmt::Display) -> Self {
        Self { status: StatusCode::BAD_REQUEST, field: Some(field.into()), message: message.to_string() }
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is nothing at this address")
    }
}

impl Problem {
    /// What a report could not answer, of a window that `field` asked for.
    pub(super) fn of_window(field: &'static str, error: QueryError) -> Self {
        let problem = Self::from(error);
        let named = problem.field.is_some();
        Self { field: if named { Some(field.to_owned()) } else { None }, ..problem }
    }
}

/// A window that is finer than what is kept is the request's fault; a store that failed is not.
impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Store(_) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the store failed to answer")
            }
            QueryError::TooManyPoints { .. } => Self::of("step", error),
            QueryError::WithinQuarter | QueryError::TooFine { .. } | QueryError::OutOfRange => {
                Self::of("from", error)
            }
        }
    }
}

/// `limit: at most 1000`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}
