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
mod markup;
mod matcher;
mod memo;
mod names;
mod overrides;
mod pricer;
mod quantities;
mod regex;
mod reprice;
mod resolve;
mod shared;
mod sheet;
mod snapshot;
mod window;

pub use book::PriceBook;
pub use builder::PriceBookBuilder;
pub use compare::Disagreement;
pub use error::{PriceError, Problem, Refused};
pub use markup::Markup;
pub use overrides::PriceOverride;
pub use pricer::{PricedCall, Pricer};
pub use reprice::{Repriced, reprice};
pub use shared::SharedPriceBook;
