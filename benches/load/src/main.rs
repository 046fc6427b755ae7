//! `load PROXY` prints the table of README.md; `PROXY` is the program of `examples/proxy`. The other forms are the servers
//! that it starts: `load upstream ADDR`, `load plain|filtered|metered|memory|file ADDR UPSTREAM [RECORDS]`.

mod drive;
mod proxy;
mod servers;
mod table;
mod upstream;

use std::error::Error;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["upstream", address] => upstream::serve(address.parse()?).await,
        [name, address, upstream, ref records @ ..] => {
            proxy::serve_as(name, address.parse()?, upstream.parse()?, records.first().copied()).await
        }
        [proxy] => table::print(proxy).await,
        _ => Err("load PROXY".into()),
    }
}
