//! JSON whose numbers are the exact decimals that they are given as.

use crate::report::Table;
use crate::report::export::json_object;
use std::fmt::{Display, Write};

/// An object in the making. Names are ours.
#[derive(Debug)]
pub(super) struct Object(String);

impl Object {
    pub(super) fn new() -> Self {
        Self("{".to_owned())
    }

    /// A member that is JSON already: a number, an array, an object.
    pub(super) fn raw(mut self, name: &str, json: impl Display) -> Self {
        let comma = if self.0.len() > 1 { "," } else { "" };
        // A string takes everything.
        let _ = write!(self.0, "{comma}\"{name}\":{json}");
        self
    }

    pub(super) fn text(self, name: &str, text: &str) -> Self {
        let json = string(text);
        self.raw(name, json)
    }

    /// A member that is left out where it is not known.
    pub(super) fn maybe(self, name: &str, json: Option<impl Display>) -> Self {
        match json {
            Some(json) => self.raw(name, json),
            None => self,
        }
    }

    pub(super) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

pub(super) fn string(text: &str) -> String {
    // A string is always JSON.
    serde_json::to_string(text).unwrap_or_default()
}

pub(super) fn array(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<_> = items.into_iter().collect();
    format!("[{}]", items.join(","))
}

/// The rows of a table, as its export as JSON lines has them.
pub(super) fn rows(table: &(impl Table + ?Sized)) -> Vec<String> {
    let columns = table.columns();
    let mut rows = Vec::new();
    // Memory takes everything.
    let _ = table.rows(&mut |row| {
        rows.push(json_object(&columns, &row)?);
        Ok(())
    });
    rows
}
