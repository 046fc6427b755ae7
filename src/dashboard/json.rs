//! Parts of JSON answers.

use crate::report::Value;
use serde::{Serialize, Serializer};
use serde_json::Value as Json;
use std::fmt::Display;

/// A flat JSON object whose numbers are exact decimals. What is not known has no key.
#[derive(Debug)]
pub(super) struct FlatObject<const N: usize>(pub(super) [(&'static str, Value); N]);

impl<const N: usize> Serialize for FlatObject<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let known = self.0.iter().filter(|(_, value)| *value != Value::Unknown);
        serializer.collect_map(known.map(|(name, value)| (name, value)))
    }
}

/// Adds a member to a JSON object.
pub(super) fn set(object: &mut Json, name: &str, value: impl Into<Json>) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value.into());
    }
}

/// Returns a number as an exact decimal.
pub(super) fn number(number: impl Display) -> Value {
    Value::Number(number.to_string())
}
