//! What the proxy is told on its command line, and what is wrong with it.

use super::{connections, prices};
use axum::http::Uri;
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tower_llm_metrics::{PriceBook, Provider};

/// What the proxy is told on its command line.
#[derive(Debug)]
pub struct Options {
    pub(crate) listen: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// Names by which the admin address is asked, beside its own and those of the loopback interface.
    pub(crate) admin_hosts: Vec<String>,
    pub(crate) upstream: Uri,
    pub(crate) records: PathBuf,
    pub(crate) prices: Option<PriceBook>,
    pub(crate) provider: Option<Provider>,
    pub(crate) grace: Duration,
    /// How long a connection may have no open call, and a request may stop short of its end.
    pub(crate) idle: Duration,
    /// How many connections there may be at once.
    pub(crate) connections: usize,
    pub(crate) dashboard: bool,
}

impl Options {
    /// Reads the arguments that follow the program's name.
    ///
    /// # Errors
    /// When one is missing, unknown or of a value that it cannot have.
    pub fn parse(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Self, Box<dyn Error>> {
        use lexopt::prelude::{Long, Value, ValueExt};
        let (mut listen, mut upstream, mut records) = (None, None, None);
        let (mut prices, mut provider) = (None, None);
        let mut admin = SocketAddr::from(([127, 0, 0, 1], 8081));
        let mut admin_hosts = Vec::new();
        let mut grace = Duration::from_secs(30);
        let mut idle = Duration::from_secs(120);
        let mut connections = connections::usual_limit();
        let mut dashboard = false;
        let mut arguments = lexopt::Parser::from_args(arguments);
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("listen") => listen = Some(address("--listen", &arguments.value()?)?),
                Long("admin") => admin = address("--admin", &arguments.value()?)?,
                Long("admin-host") => admin_hosts.push(arguments.value()?.string()?),
                Long("upstream") => upstream = Some(upstream_of(&arguments.value()?)?),
                Long("records") => records = Some(arguments.value()?.into()),
                Long("prices") => prices = Some(prices_of(&arguments.value()?)?),
                Long("provider") => {
                    let value = arguments.value()?.string()?;
                    provider =
                        Some(Provider::new(&value).map_err(|error| wrong("--provider", &value, error))?);
                }
                Long("dashboard") => dashboard = true,
                Long("grace") => grace = seconds("--grace", &arguments.value()?)?,
                Long("idle") => idle = seconds("--idle", &arguments.value()?)?,
                Long("connections") => {
                    let value = arguments.value()?.string()?;
                    connections =
                        value.parse().map_err(|_| wrong("--connections", &value, "not a whole number"))?;
                }
                Value(_) => return Err("an argument stands without its option (it is not shown here)".into()),
                _ => return Err(argument.unexpected().into()),
            }
        }
        Ok(Self {
            listen: listen.ok_or("--listen ADDR is missing")?,
            admin,
            admin_hosts,
            upstream: upstream.ok_or("--upstream URL is missing")?,
            records: records.ok_or("--records DIR is missing")?,
            prices,
            provider,
            grace,
            idle,
            connections,
            dashboard,
        })
    }
}

/// Names the option, its value and what is wrong with it.
pub(crate) fn wrong(option: &str, value: impl Display, error: impl Display) -> String {
    format!("{option} {value}: {error}")
}

fn seconds(option: &str, value: &OsStr) -> Result<Duration, String> {
    let value = value.to_string_lossy();
    let seconds = value.parse().map_err(|_| wrong(option, &value, "not whole seconds"))?;
    Ok(Duration::from_secs(seconds))
}

fn address(option: &str, value: &OsStr) -> Result<SocketAddr, Box<dyn Error>> {
    let value = value.to_string_lossy();
    let address = value.parse();
    Ok(address.map_err(|_| wrong(option, &value, "not an address with a port, such as 127.0.0.1:8080"))?)
}

/// The upstream's URL. It may hold a password by mistake, so that no error shows it.
fn upstream_of(value: &OsStr) -> Result<Uri, &'static str> {
    let url = value.to_str().and_then(|value| value.parse::<Uri>().ok());
    let url = url.ok_or("--upstream: not a URL, such as https://api.openai.com (it is not shown here)")?;
    let authority = url.authority().map_or("", |authority| authority.as_str());
    match url.scheme_str() {
        Some("http" | "https") if !authority.is_empty() => {}
        _ => return Err("--upstream wants http:// or https:// and a host, such as https://api.openai.com"),
    }
    if authority.contains('@') {
        return Err("--upstream has a user or a password in it; callers send theirs in a header");
    }
    if authority.starts_with(':') {
        return Err("--upstream has no host");
    }
    if url.query().is_some() {
        return Err("--upstream has a query; only a path is put before the paths of requests");
    }
    Ok(url)
}

fn prices_of(file: &OsStr) -> Result<PriceBook, String> {
    prices::load(file.as_ref()).map_err(|error| format!("--prices {error}"))
}
