//! Old price data says so, once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};
use tower_llm_metrics::record::Usage;
use tower_llm_metrics::{PriceBook, PricedCall, Pricer};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

static WARNINGS: AtomicUsize = AtomicUsize::new(0);

/// Counts warnings of this crate.
struct Counter;

impl Subscriber for Counter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("tower_llm_metrics")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        if *event.metadata().level() == Level::WARN {
            WARNINGS.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn a_book_that_is_too_old_warns_once() {
    let day = Duration::from_secs(86_400);
    let date = SystemTime::UNIX_EPOCH + day * 20_000;
    let book = PriceBook::builder().dated(date).stale_after(day * 30).build();
    let usage = Usage::default();
    tracing::subscriber::with_default(Counter, || {
        book.price(&PricedCall::new(&usage, date + day * 29));
        assert_eq!(WARNINGS.load(Ordering::Relaxed), 0);
        for days in 30..40 {
            book.price(&PricedCall::new(&usage, date + day * days));
        }
        assert_eq!(WARNINGS.load(Ordering::Relaxed), 1);
    });
}
