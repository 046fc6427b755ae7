//! Calls that are easy to vary.

use std::time::SystemTime;
use tower_llm_metrics::record::{Priced, ProviderSource, Text, UnpricedReason, Usage};
use tower_llm_metrics::{Cost, PriceBook, PricedCall, Pricer, Provider, Usd};

#[derive(Clone)]
pub(super) struct Call {
    pub(super) book: fn() -> PriceBook,
    pub(super) provider: &'static str,
    /// The provider is known by the model's name.
    pub(super) by_name: bool,
    pub(super) host: Option<&'static str>,
    pub(super) model: &'static str,
    pub(super) answered_by: Option<&'static str>,
    pub(super) tier: Option<&'static str>,
    pub(super) batch: bool,
    pub(super) region: Option<&'static str>,
    pub(super) time: &'static str,
    pub(super) usage: Usage,
}

impl Call {
    /// A call of a million tokens.
    pub(super) fn new(book: fn() -> PriceBook, provider: &'static str, model: &'static str) -> Self {
        Self {
            book,
            provider,
            by_name: false,
            host: None,
            model,
            answered_by: None,
            tier: None,
            batch: false,
            region: None,
            time: "2026-11-23T12:00:00Z",
            usage: tokens(1_000_000, 0),
        }
    }

    pub(super) fn at(self, host: &'static str) -> Self {
        Self { host: Some(host), ..self }
    }

    pub(super) fn using(mut self, set: impl FnOnce(&mut Usage)) -> Self {
        set(&mut self.usage);
        self
    }

    pub(super) fn price(&self, pricer: &dyn Pricer) -> Cost {
        let text = |text: &str| Text::new(text).unwrap();
        let (provider, model) = (Provider::new(self.provider).unwrap(), text(self.model));
        let (host, answered) = (self.host.map(text), self.answered_by.map(text));
        let (tier, region) = (self.tier.map(text), self.region.map(text));
        let time = SystemTime::try_from(self.time.parse::<jiff::Timestamp>().unwrap()).unwrap();
        let mut call = PricedCall::new(&self.usage, time);
        (call.provider, call.host) = (Some(&provider), host.as_ref());
        call.provider_source = self.by_name.then_some(ProviderSource::Model);
        (call.model, call.response_model) = (Some(&model), answered.as_ref());
        (call.service_tier, call.batch, call.region) = (tier.as_ref(), self.batch, region.as_ref());
        pricer.price(&call)
    }

    #[track_caller]
    pub(super) fn priced(&self) -> Priced {
        match self.price(&(self.book)()) {
            Cost::Priced(priced) => priced,
            other => panic!("{}/{}: {other:?}", self.provider, self.model),
        }
    }

    #[track_caller]
    pub(super) fn costs(&self, expected: &str) {
        assert_eq!(self.priced().total, usd(expected));
    }

    #[track_caller]
    pub(super) fn has_no_price(&self, reason: UnpricedReason) {
        assert_eq!(self.price(&(self.book)()), Cost::Unpriced(reason));
    }
}

pub(super) fn tokens(input: u64, output: u64) -> Usage {
    let mut usage = Usage::default();
    (usage.input_tokens, usage.output_tokens) = (Some(input), Some(output));
    usage
}

pub(super) fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}
