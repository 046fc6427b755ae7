//! What the benchmark and the test of allocations share.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use tower_llm_metrics::record::{
    Api, Cost, Operation, Outcome, Priced, Provider, ProviderSource, Record, Text, UsageState, Usd, User,
    UserId, UserSource,
};

/// A record as a chat call through the layer leaves it, with most fields set: about 830 bytes of JSON.
pub fn full_record(number: u64) -> Record {
    let text = |text: &str| Text::new(text).ok();
    let mut record =
        Record::new(SystemTime::UNIX_EPOCH + Duration::from_micros(1_750_000_000_000_000 + number * 137));
    record.latency = Duration::from_micros(1_234_567 + number % 1000);
    record.first_token = Some(Duration::from_micros(234_567));
    let id = UserId::new(&format!("user-{}@example.com", number % 1000)).expect("a valid id");
    record.user = Some(User::new(id, UserSource::Header));
    (record.provider, record.provider_source) = (Some(Provider::OPENAI), Some(ProviderSource::Host));
    record.host = text("api.openai.com");
    (record.operation, record.api) = (Operation::Chat, Some(Api::ChatCompletions));
    (record.model, record.response_model) = (text("gpt-5-mini"), text("gpt-5-mini-2025-08-07"));
    (record.stream, record.status, record.outcome) = (true, Some(200), Outcome::Completed);
    record.usage_state = UsageState::Reported;
    record.usage.input_tokens = Some(12_345 + number % 100);
    record.usage.cache_read_tokens = Some(10_240);
    record.usage.output_tokens = Some(678);
    record.usage.reasoning_tokens = Some(512);
    record.service_tier = text("default");
    let total = Usd::from_picos(2_138_250_000 + i128::from(number % 1000) * 250_000);
    record.cost = Cost::Priced(Priced::new(total, "openai/gpt-5-mini", "2026-02-01"));
    record.request_id = text(&format!("req_0123456789abcdef{number:016x}"));
    record.session = text(&format!("01f3c1de-5a4e-4a52-a6b1-{:012x}", number / 4));
    record.properties.insert("team", "search");
    record
}

/// A directory for `name` on the disk that the package is on, empty.
pub fn empty_dir(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/log").join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("a directory in the target folder");
    dir
}
