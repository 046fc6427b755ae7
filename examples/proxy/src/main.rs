//! A metering reverse proxy: point any client at it, whatever its language.
//!
//! ```text
//! cargo run -p proxy -- --listen 127.0.0.1:8080 --upstream https://api.openai.com --records records
//! curl http://127.0.0.1:8080/v1/chat/completions -H "Authorization: Bearer $OPENAI_API_KEY" \
//!     -H 'Helicone-User-Id: "alice"' -H 'Content-Type: application/json' \
//!     -d '{"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hello"}]}'
//! curl http://127.0.0.1:8081/metrics/users
//! ```
//!
//! With `--dashboard` the pages for people are on the admin address too, under `/usage`: keep it on the loopback interface, or put your
//! own authentication before it.
//!
//! Both directions stream. The upstream's host tells the provider; `--provider` overrides it. The table of users is answered
//! on the admin address (`--admin`) only, which answers to `localhost`, to its own address and to the names of `--admin-host`, lest a
//! page in a browser asks it under a name of its own. On SIGINT and SIGTERM the proxy takes no more connections, waits for open calls (up
//! to `--grace` seconds, or until a second signal), and ends when every record is on disk.
//!
//! There are at most `--connections` of them at once, by default half of the files that the process may have open. One without an open call
//! is closed after `--idle` seconds (120), or earlier when there is no room for another; so is a request that stops short of its end.
//! Paths with `..` are refused where the upstream has a path, and nothing is tunnelled.
//!
//! Compressed answers are read in all encodings that the library knows. The proxy takes others out of the clients' `Accept-Encoding`,
//! so that no answer passes unread.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program, not the library")]

use std::process::ExitCode;

fn main() -> ExitCode {
    match proxy::Options::parse(std::env::args_os().skip(1)).and_then(proxy::run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("proxy: {error}");
            ExitCode::FAILURE
        }
    }
}
