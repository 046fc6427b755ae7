//! A local server that answers like OpenAI, Anthropic and Google, to try the proxy without a network and without a key.
//!
//! ```text
//! cargo run --example upstream -- --listen 127.0.0.1:9090
//! cargo run -p proxy -- --listen 127.0.0.1:8080 --upstream http://127.0.0.1:9090 --records target/records
//! ```
//!
//! It compresses its answers for clients that ask for that, as the real ones do.

#![allow(clippy::print_stdout, reason = "it is a program, not the library")]

#[path = "support/upstream/mod.rs"]
mod upstream;

use std::error::Error;
use std::net::SocketAddr;
use tower_http::compression::CompressionLayer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    use lexopt::prelude::{Long, ValueExt};
    let mut address = SocketAddr::from(([127, 0, 0, 1], 9090));
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("listen") => address = arguments.value()?.parse()?,
            _ => return Err(argument.unexpected().into()),
        }
    }
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("upstream on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, upstream::router().layer(CompressionLayer::new())).await?)
}
