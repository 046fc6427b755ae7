//! Why a request is not answered.

use crate::report::QueryError;
use http::StatusCode;
use std::fmt;

/// The reason why a request is not answered, and the field that is invalid, if it is one.
#[derive(Debug)]
pub(super) struct Rejection {
    pub(super) status: StatusCode,
    pub(super) field: Option<String>,
    pub(super) message: String,
}

impl Rejection {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, field: None, message: message.into() }
    }

    /// Rejects a field of the request.
    pub(super) fn of(field: impl Into<String>, message: impl fmt::Display) -> Self {
        Self { status: StatusCode::BAD_REQUEST, field: Some(field.into()), message: message.to_string() }
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is nothing at this address")
    }

    /// Rejects a question about a window that `field` asked for.
    pub(super) fn of_window(field: &'static str, error: QueryError) -> Self {
        let rejection = Self::from(error);
        Self { field: rejection.field.map(|_| field.to_owned()), ..rejection }
    }
}

/// A window that is finer than what is kept is the request's fault; a store that failed is not.
impl From<QueryError> for Rejection {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Store(_) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the store failed to answer")
            }
            QueryError::TooManyPoints { .. } => Self::of("step", error),
            _ => Self::of("from", error),
        }
    }
}

/// Displays `limit: at most 1000`.
impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}
