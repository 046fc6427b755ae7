//! Counting tokens where the provider does not report them.

use crate::panics::Panics;
use std::fmt;
use std::sync::Arc;

/// Counts the tokens of calls whose usage is absent: streams whose usage was not asked for, and those that were left
/// before it came.
///
/// Nothing is ever estimated unless a counter is plugged in with
/// [`UserMetricsLayer::token_counter`](crate::UserMetricsLayer::token_counter). It is called when such a call has ended,
/// on the task that drove it, with the texts that the request and the answer held: messages, instructions, prompts and
/// the calls and definitions of tools, one after the other. What is not text (images, audio) is not counted, nor is what
/// a provider puts around the messages, so an estimate is mostly somewhat low. The record says
/// [`Estimated`](crate::record::UsageState::Estimated) and keeps the reason why the usage was absent.
///
/// Of a call in flight at most 32 KiB of text are held in each direction. A longer text is counted while it passes, in
/// segments of that size that are cut at white space where there is some, whether or not the provider says in the end
/// how many tokens there were.
///
/// Implemented for closures. A panic in it is caught and leaves the usage absent.
///
/// ```
/// use tower_llm_metrics::{Record, UserMetricsLayer};
///
/// // Four bytes are a token, more or less. See `examples/estimate` for one that counts with a tokenizer.
/// let layer = UserMetricsLayer::new(|_: &Record| ())
///     .token_counter(|text: &str, _model: Option<&str>| text.len().div_ceil(4) as u64);
/// # drop(layer);
/// ```
pub trait TokenCounter: Send + Sync + 'static {
    /// Returns how many tokens `text` is. `model` is the one that answers, or else the one asked for. It is not known while a long
    /// request passes that names it at its end.
    fn count_tokens(&self, text: &str, model: Option<&str>) -> u64;
}

impl<F> TokenCounter for F
where
    F: Fn(&str, Option<&str>) -> u64 + Send + Sync + 'static,
{
    fn count_tokens(&self, text: &str, model: Option<&str>) -> u64 {
        self(text, model)
    }
}

/// The application's counter, and where its panics are counted.
#[derive(Clone)]
pub(crate) struct Counter {
    counter: Arc<dyn TokenCounter>,
    panics: Arc<Panics>,
}

impl Counter {
    pub(crate) fn new(counter: impl TokenCounter, panics: &Arc<Panics>) -> Self {
        Self { counter: Arc::new(counter), panics: Arc::clone(panics) }
    }

    /// Returns how many tokens `text` is, or `None` when the counter panicked.
    pub(crate) fn count(&self, text: &str, model: Option<&str>) -> Option<u64> {
        self.panics.catch(|| self.counter.count_tokens(text, model))
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counter").finish_non_exhaustive()
    }
}
