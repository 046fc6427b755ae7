//! What the examples share: the local server, and the table of users at the end.

#[path = "../../support/upstream/mod.rs"]
mod upstream;

use std::net::SocketAddr;
use tower_llm_metrics::MemorySink;
use tower_llm_metrics::report::{SortBy, UserQuery};

/// Starts a server that answers like OpenAI, Anthropic and Google.
///
/// # Errors
/// When no port is free.
pub async fn start_upstream() -> std::io::Result<SocketAddr> {
    upstream::start().await
}

/// Prints the users by cost, and fails where they are not `expected`: a user and the number of their calls.
///
/// # Errors
/// When others called, or another number of times, or when a call has no tokens or no price.
pub fn print_users(users: &MemorySink, expected: &[(&str, u64)]) -> Result<(), String> {
    let page = users.report().users(&UserQuery::new().sort(SortBy::Cost).limit(usize::MAX));
    for user in &page.rows {
        println!("{user}");
    }
    for row in &page.rows {
        if row.totals.output_tokens().is_none() || row.totals.cost().is_none() {
            return Err(format!("calls of {} have no tokens or no price", row.who));
        }
    }
    let mut found: Vec<(String, u64)> =
        page.rows.iter().map(|row| (row.who.to_string(), row.totals.requests())).collect();
    let mut expected: Vec<(String, u64)> =
        expected.iter().map(|&(user, calls)| (user.to_owned(), calls)).collect();
    found.sort();
    expected.sort();
    if found == expected { Ok(()) } else { Err(format!("found {found:?}, not {expected:?}")) }
}
