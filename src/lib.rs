#![doc = "Work in progress."]

mod api;
pub mod price;
pub mod record;
pub mod report;
pub mod sink;
mod wire;

pub use price::{PriceBook, PricedCall, Pricer};
pub use record::{Cost, Operation, Outcome, Provider, Record, Usage, Usd, User, UserId, UserSource};
pub use sink::MetricsSink;
pub use sink::file::FileSink;
pub use sink::memory::MemorySink;
