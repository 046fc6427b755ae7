//! A price book that can be replaced while calls are priced.

use super::book::PriceBook;
use super::pricer::{PricedCall, Pricer};
use crate::record::Cost;
use arc_swap::ArcSwap;
use std::fmt;
use std::sync::Arc;

/// A price book that can be replaced while calls are priced by it, without a lock on their way. A clone is another
/// handle to the same place.
///
/// ```
/// use tower_llm_metrics::PriceBook;
/// use tower_llm_metrics::price::SharedPriceBook;
///
/// let book = SharedPriceBook::new(PriceBook::empty());
/// // Give `book.clone()` to the layer, and later:
/// let error = book.reload(|| PriceBook::from_json(b"<html>502</html>")).unwrap_err();
/// assert!(error.to_string().contains("shape"));
/// assert!(book.load().is_empty(), "the old book is kept");
/// ```
#[derive(Clone)]
pub struct SharedPriceBook(Arc<ArcSwap<PriceBook>>);

impl SharedPriceBook {
    /// A place that holds `book`.
    pub fn new(book: PriceBook) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(book)))
    }

    /// The book that is there now.
    pub fn load(&self) -> PriceBook {
        self.0.load().as_ref().clone()
    }

    /// Puts `book` in the place of the one that is there, which is returned. Calls that are being priced go on with
    /// the old one.
    pub fn replace(&self, book: PriceBook) -> PriceBook {
        self.0.swap(Arc::new(book)).as_ref().clone()
    }

    /// Puts the book that `load` makes in the place of the one that is there.
    ///
    /// # Errors
    /// Those of `load`; the old book stays.
    pub fn reload<E>(&self, load: impl FnOnce() -> Result<PriceBook, E>) -> Result<(), E> {
        self.0.store(Arc::new(load()?));
        Ok(())
    }
}

impl From<PriceBook> for SharedPriceBook {
    fn from(book: PriceBook) -> Self {
        Self::new(book)
    }
}

impl fmt::Debug for SharedPriceBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedPriceBook").field(&*self.0.load()).finish()
    }
}

impl Pricer for SharedPriceBook {
    fn price(&self, call: &PricedCall<'_>) -> Cost {
        self.0.load().price(call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Provider, Rate, Text, Unit, Usage, Usd};

    #[test]
    fn calls_are_priced_by_the_book_that_is_there() {
        let book = |rate| {
            let price =
                super::super::PriceOverride::new("acme", "m").rate(Unit::Input, Rate::from_parts(rate, 6));
            PriceBook::empty().with_overrides([price]).unwrap()
        };
        let (provider, model) = (Provider::new("acme").unwrap(), Text::new("m").unwrap());
        let usage = Usage { input_tokens: Some(1), ..Usage::default() };
        let mut call = PricedCall::new(&usage, std::time::UNIX_EPOCH);
        (call.provider, call.model) = (Some(&provider), Some(&model));

        let shared = SharedPriceBook::new(book(1));
        let other = shared.clone();
        assert_eq!(other.price(&call).total().map(Usd::picos), Some(1_000_000));
        let old = shared.replace(book(2));
        assert_eq!(other.price(&call).total().map(Usd::picos), Some(2_000_000));
        assert_eq!(old.price(&call).total().map(Usd::picos), Some(1_000_000));
        assert!(shared.reload(|| PriceBook::from_json(b"[{}]")).is_err());
        assert_eq!(other.price(&call).total().map(Usd::picos), Some(2_000_000));
    }
}
