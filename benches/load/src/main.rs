//! `load upstream ADDR`, `load plain ADDR UPSTREAM`, `load layered ADDR UPSTREAM RECORDS`, `load drive NAME ADDR KIND CONNECTIONS SECONDS [PID]`.

mod drive;
mod proxy;
mod upstream;

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["upstream", address] => upstream::serve(address.parse()?).await,
        ["plain", address, upstream] => proxy::plain(address.parse()?, upstream.parse()?).await,
        ["layered", address, upstream, records] => {
            proxy::layered(address.parse()?, upstream.parse()?, records.into()).await
        }
        ["drive", name, address, kind, connections, seconds, ref pid @ ..] => {
            let load = drive::Load {
                address: address.parse::<SocketAddr>()?,
                stream: kind == "stream",
                connections: connections.parse()?,
                time: Duration::from_secs(seconds.parse()?),
                pid: pid.first().map(|pid| pid.parse()).transpose()?,
            };
            println!("| {name} | {kind} | {connections} | {} |", drive::run(load).await?);
            Ok(())
        }
        _ => Err("load upstream ADDR | plain ADDR UPSTREAM | layered ADDR UPSTREAM RECORDS | \
                  drive NAME ADDR KIND CONNECTIONS SECONDS [PID]"
            .into()),
    }
}
