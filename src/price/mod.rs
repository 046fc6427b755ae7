//! What usage costs.

mod bill;
mod book;
mod build;
mod builder;
mod catalog;
mod compare;
mod error;
mod genai;
mod index;
mod litellm;
mod matcher;
mod memo;
mod names;
mod pricer;
mod quantities;
mod regex;
mod resolve;
mod sheet;
mod snapshot;
mod window;

pub use book::PriceBook;
pub use builder::PriceBookBuilder;
pub use compare::Disagreement;
pub use error::{PriceError, Problem, Refused};
pub use pricer::{PricedCall, Pricer};
