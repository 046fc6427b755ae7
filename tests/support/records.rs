//! Arbitrary records, for property tests of whatever takes them.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use std::time::{Duration, SystemTime};
use tower_llm_metrics::record::{
    Api, Cost, Operation, Outcome, Pass, PriceMatch, Priced, Properties, Provider, ProviderSource, Record,
    Text, UnpricedReason, Usage, UsageReason, UsageState, Usd, User, UserId, UserIssue, UserSource,
};

/// Any record that JSON can tell apart: times are of whole microseconds.
pub(crate) fn record() -> impl Strategy<Value = Record> {
    let call =
        (time(), micros(), option::of(micros()), option::of(user()), option::of(select(UserIssue::ALL)));
    let provider = (option::of(text()), option::of(select(ProviderSource::ALL)), option::of(text()));
    let api = (select(Operation::ALL), option::of(select(Api::ALL)), option::of(text()), option::of(text()));
    let ending = (any::<bool>(), option::of(any::<u16>()), select(Outcome::ALL), option::of(text()));
    let used = (usage(), select(UsageState::ALL), option::of(select(UsageReason::ALL)));
    let priced = (option::of(text()), any::<bool>(), option::of(text()), cost());
    let ids = (option::of(text()), option::of(text()), option::of(text()), properties());
    (call, provider, api, ending, used, priced, ids).prop_map(
        |(call, provider, api, ending, used, priced, ids)| {
            let mut record = Record::new(call.0);
            (record.latency, record.first_token, record.user, record.user_issue) =
                (call.1, call.2, call.3, call.4);
            record.provider = provider.0.map(|id| Provider::new(&id).unwrap());
            (record.provider_source, record.host) = (provider.1, provider.2);
            (record.operation, record.api, record.model, record.response_model) = api;
            (record.stream, record.status, record.outcome, record.error) = ending;
            (record.usage, record.usage_state, record.usage_reason) = used;
            (record.service_tier, record.batch, record.region, record.cost) = priced;
            (record.request_id, record.client_request_id, record.session, record.properties) = ids;
            record
        },
    )
}

/// A text, short and long, with what JSON must escape and with what is not ASCII.
pub(crate) fn text() -> impl Strategy<Value = Text> {
    prop_oneof!["[a-z0-9.-]{1,40}", "[\"\\\\/a{}:,]{1,12}", "\\PC{1,24}"]
        .prop_filter_map("a text", |text| Text::new(&text).ok())
}

pub(crate) fn usage() -> impl Strategy<Value = Usage> {
    let counts = vec(option::weighted(0.4, any::<u64>()), 21);
    let seconds = option::weighted(0.2, (any::<u64>(), 0..1_000_000_000u32));
    (counts, seconds, vec(pass(), 0..3)).prop_map(|(counts, seconds, passes)| {
        let mut counts = counts.into_iter();
        let mut next = || counts.next().unwrap();
        let mut usage = Usage::default();
        usage.input_tokens = next();
        usage.cache_read_tokens = next();
        usage.cache_write_tokens = next();
        usage.cache_write_5m_tokens = next();
        usage.cache_write_1h_tokens = next();
        usage.input_audio_tokens = next();
        usage.input_image_tokens = next();
        usage.cache_read_audio_tokens = next();
        usage.cache_read_image_tokens = next();
        usage.output_tokens = next();
        usage.reasoning_tokens = next();
        usage.output_audio_tokens = next();
        usage.output_image_tokens = next();
        usage.web_searches = next();
        usage.file_searches = next();
        usage.map_queries = next();
        usage.search_units = next();
        usage.images = next();
        usage.characters = next();
        usage.pages = next();
        usage.annotated_pages = next();
        usage.seconds = seconds.map(|(whole, nanos)| Duration::new(whole, nanos));
        usage.passes = passes;
        usage
    })
}

pub(crate) fn cost() -> impl Strategy<Value = Cost> {
    prop_oneof![
        priced().prop_map(Cost::Priced),
        (usd(), option::of(priced())).prop_map(|(total, computed)| Cost::Reported { total, computed }),
        select(UnpricedReason::ALL).prop_map(Cost::Unpriced),
        Just(Cost::None),
    ]
}

pub(crate) fn usd() -> impl Strategy<Value = Usd> {
    prop_oneof![-1_000_000_000_000_000..=1_000_000_000_000_000i128, -i128::MAX..=i128::MAX]
        .prop_map(Usd::from_picos)
}

fn priced() -> impl Strategy<Value = Priced> {
    (usd(), ".{0,20}", ".{0,20}", select(PriceMatch::ALL), option::of(text())).prop_map(
        |(total, entry, version, matched, tier)| {
            let mut priced = Priced::new(total, entry, version);
            (priced.matched, priced.tier) = (matched, tier);
            priced
        },
    )
}

fn pass() -> impl Strategy<Value = Pass> {
    (option::of(text()), vec(option::of(any::<u64>()), 8)).prop_map(|(model, counts)| {
        let mut pass = Pass::default();
        pass.model = model;
        pass.input_tokens = counts[0];
        pass.cache_read_tokens = counts[1];
        pass.cache_write_tokens = counts[2];
        pass.cache_write_5m_tokens = counts[3];
        pass.cache_write_1h_tokens = counts[4];
        pass.output_tokens = counts[5];
        pass.input_image_tokens = counts[6];
        pass.output_image_tokens = counts[7];
        pass
    })
}

fn user() -> impl Strategy<Value = User> {
    (text(), select(UserSource::ALL))
        .prop_map(|(id, source)| User::new(UserId::verbatim(&id).unwrap(), source))
}

fn properties() -> impl Strategy<Value = Properties> {
    (vec((text(), text()), 0..4), 0..3).prop_map(|(entries, refused)| {
        let mut properties = Properties::default();
        for (name, value) in entries {
            properties.insert(&name, &value);
        }
        (0..refused).for_each(|_| properties.refuse());
        properties
    })
}

fn micros() -> impl Strategy<Value = Duration> {
    any::<u64>().prop_map(Duration::from_micros)
}

/// From 1970 to the end of what jiff can tell.
fn time() -> impl Strategy<Value = SystemTime> {
    prop_oneof![
        1_700_000_000_000_000..1_800_000_000_000_000u64,
        0..jiff::Timestamp::MAX.as_microsecond().unsigned_abs()
    ]
    .prop_map(|micros| SystemTime::UNIX_EPOCH + Duration::from_micros(micros))
}
