//! What is wrong with a line, without a word of it: it may hold a prompt or a key.

use serde_json::error::Category;

/// Names the kind and the place of a JSON error. Its own message may quote the value.
pub(crate) fn of_json(error: &serde_json::Error) -> String {
    let kind = match error.classify() {
        Category::Data => "a member is missing or has the wrong type",
        Category::Syntax => "not JSON",
        Category::Eof => "the JSON is cut off",
        Category::Io => "it could not be read",
    };
    format!("{kind}, at column {}", error.column())
}
