//! A record that is being read.

use super::head::Head;
use super::key::{Key, KeyFinder};
use super::parse::{Reading, RecordError, VERSION};
use super::time::parse_time;
use super::{
    Api, Cost, Operation, Outcome, Pass, PriceMatch, Priced, Properties, Provider, ProviderSource, Record,
    Text, UnpricedReason, UsageReason, UsageState, Usd, User, UserId, UserIssue, UserSource,
};
use crate::json::{Members, Reader, Unexpected};
use std::sync::Arc;
use std::time::Duration;

/// What is wrong with one value.
pub(super) enum Bad {
    Value,
    Version(u64),
}

impl Bad {
    pub(super) fn at(self, key: Key) -> RecordError {
        match self {
            Self::Value => RecordError::invalid(key),
            Self::Version(version) => RecordError::version(version),
        }
    }
}

impl From<Unexpected> for Bad {
    fn from(_: Unexpected) -> Self {
        Self::Value
    }
}

/// A record that is being read, and what must be put together from several keys.
pub(super) struct Draft<'r> {
    record: &'r mut Record,
    version: bool,
    id: bool,
    time: bool,
    outcome: bool,
    usage_state: bool,
    user: Option<UserId>,
    user_source: UserSource,
    cost_state: Option<CostState>,
    cost_reason: Option<UnpricedReason>,
    cost: Option<Usd>,
    computed_cost: Option<Usd>,
    charge: Option<Usd>,
    priced_as: Option<Arc<str>>,
    price_match: PriceMatch,
    tier: Option<Text>,
    price_version: Option<Arc<str>>,
    properties_dropped: u32,
}

#[derive(Clone, Copy)]
enum CostState {
    Priced,
    Reported,
    Unpriced,
    None,
}

impl<'r> Draft<'r> {
    /// Reads into the room of `record`.
    pub(super) fn new(record: &'r mut Record) -> Self {
        let mut properties = std::mem::take(&mut record.properties);
        properties.clear();
        *record = Record { properties, ..Record::blank() };
        Self {
            record,
            version: false,
            id: false,
            time: false,
            outcome: false,
            usage_state: false,
            user: None,
            user_source: UserSource::Custom,
            cost_state: None,
            cost_reason: None,
            cost: None,
            computed_cost: None,
            charge: None,
            priced_as: None,
            price_match: PriceMatch::Pattern,
            tier: None,
            price_version: None,
            properties_dropped: 0,
        }
    }

    /// The same, for a record that begins with `head`.
    pub(super) fn after(head: Head, record: &'r mut Record) -> Self {
        let mut draft = Self::new(record);
        (draft.record.id, draft.record.time) = (head.id(), head.time());
        (draft.version, draft.id, draft.time) = (true, true, true);
        draft
    }

    /// Reads the members of an object, which ends the text. Those up to the key `after` have been read.
    pub(super) fn read_all(
        mut self,
        mut reader: Reader<'_>,
        mut members: Members,
        after: Option<Key>,
        reading: &mut Reading,
    ) -> Result<(), RecordError> {
        reading.keys.begin_after(after);
        loop {
            let key = match members.next_known(&mut reader, |text| reading.keys.find_next(text)) {
                Some(key) => key,
                None => match members.next(&mut reader)? {
                    None => break,
                    Some(text) => match reading.keys.find(&text) {
                        Some(key) => key,
                        None => {
                            reader.skip()?;
                            continue;
                        }
                    },
                },
            };
            if !reader.null() {
                self.read(key, &mut reader, reading).map_err(|e| e.at(key))?;
            }
        }
        if !reader.is_done() {
            return Err(RecordError::NOT_JSON);
        }
        self.finish()
    }

    /// Reads the value of `key`.
    fn read(&mut self, key: Key, reader: &mut Reader<'_>, reading: &mut Reading) -> Result<(), Bad> {
        let record = &mut *self.record;
        match key {
            Key::V => {
                let version = reader.integer()?;
                self.version = version == VERSION;
                return if self.version { Ok(()) } else { Err(Bad::Version(version)) };
            }
            Key::Id => {
                record.id = reader.string()?.parse().map_err(|_| Bad::Value)?;
                self.id = true;
            }
            Key::Time => {
                let time = parse_time(reader.string()?.as_bytes()).ok_or(Bad::Value)?;
                record.time = time.try_into().map_err(|_| Bad::Value)?;
                self.time = true;
            }
            Key::LatencyUs => record.latency = Duration::from_micros(reader.integer()?),
            Key::FirstTokenUs => record.first_token = Some(Duration::from_micros(reader.integer()?)),
            Key::User => self.user = Some(UserId::verbatim(&reader.string()?).map_err(|_| Bad::Value)?),
            Key::UserSource => {
                self.user_source =
                    listed(reader, &UserSource::ALL, UserSource::as_str)?.unwrap_or(UserSource::Custom);
            }
            Key::UserIssue => record.user_issue = listed(reader, &UserIssue::ALL, UserIssue::as_str)?,
            Key::Provider => {
                record.provider = Some(Provider::new(&reader.string()?).map_err(|_| Bad::Value)?);
            }
            Key::ProviderSource => {
                record.provider_source = listed(reader, &ProviderSource::ALL, ProviderSource::as_str)?;
            }
            Key::Host => record.host = aside(reader, reading)?,
            Key::Operation => {
                record.operation =
                    listed(reader, Operation::ALL, Operation::as_str)?.unwrap_or(Operation::Other);
            }
            Key::Api => record.api = listed(reader, Api::ALL, Api::as_str)?,
            Key::Model => record.model = text(reader)?,
            Key::ResponseModel => record.response_model = text(reader)?,
            Key::Stream => record.stream = reader.boolean()?,
            Key::Status => {
                record.status = Some(u16::try_from(reader.integer()?).map_err(|_| Bad::Value)?);
            }
            Key::Outcome => {
                record.outcome = listed(reader, &Outcome::ALL, Outcome::as_str)?.ok_or(Bad::Value)?;
                self.outcome = true;
            }
            Key::Error => record.error = aside(reader, reading)?,
            Key::UsageState => {
                record.usage_state =
                    listed(reader, UsageState::ALL, UsageState::as_str)?.ok_or(Bad::Value)?;
                self.usage_state = true;
            }
            Key::UsageReason => record.usage_reason = listed(reader, UsageReason::ALL, UsageReason::as_str)?,
            Key::ServiceTier => record.service_tier = aside(reader, reading)?,
            Key::Batch => record.batch = reader.boolean()?,
            Key::Region => record.region = aside(reader, reading)?,
            Key::RequestId => record.request_id = aside(reader, reading)?,
            Key::ClientRequestId => record.client_request_id = aside(reader, reading)?,
            Key::Session => record.session = aside(reader, reading)?,
            Key::Properties => properties(reader, &mut record.properties)?,
            Key::PropertiesDropped => {
                self.properties_dropped = u32::try_from(reader.integer()?).map_err(|_| Bad::Value)?;
            }
            Key::CostState
            | Key::CostReason
            | Key::CostUsd
            | Key::ComputedCostUsd
            | Key::ChargeUsd
            | Key::PricedAs
            | Key::PriceMatch
            | Key::TierApplied
            | Key::PriceVersion => return self.read_cost(key, reader, reading),
            Key::InputTokens
            | Key::CacheReadTokens
            | Key::CacheWriteTokens
            | Key::CacheWrite5mTokens
            | Key::CacheWrite1hTokens
            | Key::InputAudioTokens
            | Key::InputImageTokens
            | Key::CacheReadAudioTokens
            | Key::CacheReadImageTokens
            | Key::OutputTokens
            | Key::ReasoningTokens
            | Key::OutputAudioTokens
            | Key::OutputImageTokens
            | Key::Passes
            | Key::WebSearches
            | Key::FileSearches
            | Key::MapQueries
            | Key::SearchUnits
            | Key::Seconds
            | Key::Images
            | Key::Characters
            | Key::Pages
            | Key::AnnotatedPages => return self.read_usage(key, reader),
        }
        Ok(())
    }

    fn read_usage(&mut self, key: Key, reader: &mut Reader<'_>) -> Result<(), Bad> {
        let usage = &mut self.record.usage;
        let count = match key {
            Key::InputTokens => &mut usage.input_tokens,
            Key::CacheReadTokens => &mut usage.cache_read_tokens,
            Key::CacheWriteTokens => &mut usage.cache_write_tokens,
            Key::CacheWrite5mTokens => &mut usage.cache_write_5m_tokens,
            Key::CacheWrite1hTokens => &mut usage.cache_write_1h_tokens,
            Key::InputAudioTokens => &mut usage.input_audio_tokens,
            Key::InputImageTokens => &mut usage.input_image_tokens,
            Key::CacheReadAudioTokens => &mut usage.cache_read_audio_tokens,
            Key::CacheReadImageTokens => &mut usage.cache_read_image_tokens,
            Key::OutputTokens => &mut usage.output_tokens,
            Key::ReasoningTokens => &mut usage.reasoning_tokens,
            Key::OutputAudioTokens => &mut usage.output_audio_tokens,
            Key::OutputImageTokens => &mut usage.output_image_tokens,
            Key::WebSearches => &mut usage.web_searches,
            Key::FileSearches => &mut usage.file_searches,
            Key::MapQueries => &mut usage.map_queries,
            Key::SearchUnits => &mut usage.search_units,
            Key::Images => &mut usage.images,
            Key::Characters => &mut usage.characters,
            Key::Pages => &mut usage.pages,
            Key::AnnotatedPages => &mut usage.annotated_pages,
            Key::Seconds => {
                usage.seconds = Some(seconds(reader.number()?)?);
                return Ok(());
            }
            Key::Passes => {
                usage.passes.clear();
                return reader.array(|reader| {
                    usage.passes.push(pass(reader)?);
                    Ok(())
                });
            }
            _ => return Err(Bad::Value),
        };
        *count = Some(reader.integer()?);
        Ok(())
    }

    fn read_cost(&mut self, key: Key, reader: &mut Reader<'_>, reading: &mut Reading) -> Result<(), Bad> {
        match key {
            Key::CostState => {
                self.cost_state = Some(match &*reader.string()? {
                    "priced" => CostState::Priced,
                    "reported" => CostState::Reported,
                    "unpriced" => CostState::Unpriced,
                    "none" => CostState::None,
                    _ => return Err(Bad::Value),
                });
            }
            Key::CostReason => {
                let reason = listed(reader, UnpricedReason::ALL, UnpricedReason::as_str)?;
                self.cost_reason = Some(reason.ok_or(Bad::Value)?);
            }
            Key::CostUsd => self.cost = Some(amount(reader)?),
            Key::ComputedCostUsd => self.computed_cost = Some(amount(reader)?),
            Key::ChargeUsd => self.charge = Some(amount(reader)?),
            Key::PricedAs => self.priced_as = Some(shared(&reader.string()?, &mut reading.entry)),
            Key::PriceMatch => {
                self.price_match =
                    listed(reader, PriceMatch::ALL, PriceMatch::as_str)?.unwrap_or(PriceMatch::Pattern);
            }
            Key::TierApplied => self.tier = text(reader)?,
            Key::PriceVersion => self.price_version = Some(shared(&reader.string()?, &mut reading.version)),
            _ => return Err(Bad::Value),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), RecordError> {
        for (found, key) in [
            (self.version, Key::V),
            (self.id, Key::Id),
            (self.time, Key::Time),
            (self.outcome, Key::Outcome),
            (self.usage_state, Key::UsageState),
        ] {
            if !found {
                return Err(RecordError::missing(key));
            }
        }
        self.record.user = self.user.take().map(|id| User::new(id, self.user_source));
        self.record.properties.add_dropped(self.properties_dropped);
        self.record.cost = match self.cost_state.ok_or(RecordError::missing(Key::CostState))? {
            CostState::Priced => Cost::Priced(self.priced(self.cost)?),
            CostState::Reported => Cost::Reported {
                total: self.cost.ok_or(RecordError::missing(Key::CostUsd))?,
                computed: match self.computed_cost {
                    Some(total) => Some(self.priced(Some(total))?),
                    None => None,
                },
            },
            CostState::Unpriced => {
                Cost::Unpriced(self.cost_reason.ok_or(RecordError::missing(Key::CostReason))?)
            }
            CostState::None => Cost::None,
        };
        Ok(())
    }

    /// Our own computation, as far as a record keeps it.
    fn priced(&mut self, total: Option<Usd>) -> Result<Priced, RecordError> {
        let mut priced = Priced::new(
            total.ok_or(RecordError::missing(Key::CostUsd))?,
            self.priced_as.take().ok_or(RecordError::missing(Key::PricedAs))?,
            self.price_version.take().ok_or(RecordError::missing(Key::PriceVersion))?,
        );
        priced.matched = self.price_match;
        priced.tier = self.tier.take();
        Ok(match self.charge {
            Some(charge) => priced.with_charge(charge),
            None => priced,
        })
    }
}

/// `text`, shared with the last one if it is the same.
fn shared(text: &str, last: &mut Option<Arc<str>>) -> Arc<str> {
    match last {
        Some(last) if **last == *text => Arc::clone(last),
        _ => Arc::clone(last.insert(Arc::from(text))),
    }
}

fn text(reader: &mut Reader<'_>) -> Result<Option<Text>, Bad> {
    Text::new(&reader.string()?).map(Some).map_err(|_| Bad::Value)
}

/// A text that no sum depends on.
fn aside(reader: &mut Reader<'_>, reading: &Reading) -> Result<Option<Text>, Bad> {
    if !reading.for_sums {
        return text(reader);
    }
    Text::check(&reader.string()?).map_err(|_| Bad::Value)?;
    Ok(None)
}

/// A value of a closed list; `None` for one that a later version added.
fn listed<T: Copy>(
    reader: &mut Reader<'_>,
    all: &[T],
    as_str: impl Fn(T) -> &'static str,
) -> Result<Option<T>, Bad> {
    let text = reader.string()?;
    Ok(all.iter().copied().find(|&value| as_str(value) == text))
}

fn amount(reader: &mut Reader<'_>) -> Result<Usd, Bad> {
    let text = reader.number()?;
    match small_amount(text.as_bytes()) {
        Some(amount) => Ok(amount),
        None => Usd::from_decimal(text).map_err(|_| Bad::Value),
    }
}

/// The amount of a call as we write it, quickly: digits that fit, a point, and at most twelve digits more.
fn small_amount(text: &[u8]) -> Option<Usd> {
    const FIT: usize = 18;
    let point = text.iter().position(|&byte| byte == b'.').unwrap_or(text.len());
    let (whole, fraction) = text.split_at_checked(point)?;
    let fraction = fraction.strip_prefix(b".").unwrap_or(b"0");
    let missing = 12usize.checked_sub(fraction.len())?;
    if whole.is_empty() || fraction.is_empty() || whole.len() + 12 > FIT {
        return None;
    }
    let picos = whole.iter().chain(fraction).try_fold(0i64, |picos, byte| match byte {
        b'0'..=b'9' => Some(picos * 10 + i64::from(byte - b'0')),
        _ => None,
    })?;
    Some(Usd::from_picos(i128::from(picos * 10i64.pow(u32::try_from(missing).ok()?))))
}

/// A decimal number of seconds, to the nanosecond.
fn seconds(text: &str) -> Result<Duration, Bad> {
    const NANOS: i128 = 1_000_000_000;
    // An amount is a decimal that is exact to 1e-12, which holds every duration.
    let picos = Usd::from_decimal(text).map_err(|_| Bad::Value)?.picos();
    let nanos = picos / 1000;
    let whole = u64::try_from(nanos / NANOS).map_err(|_| Bad::Value)?;
    let part = u32::try_from(nanos % NANOS).map_err(|_| Bad::Value)?;
    Ok(Duration::new(whole, part))
}

fn pass(reader: &mut Reader<'_>) -> Result<Pass, Bad> {
    let mut pass = Pass::default();
    let mut keys = KeyFinder::default();
    reader.object(|reader, key| {
        let key = keys.find(key);
        if reader.null() {
            return Ok(());
        }
        let count = match key {
            Some(Key::InputTokens) => &mut pass.input_tokens,
            Some(Key::CacheReadTokens) => &mut pass.cache_read_tokens,
            Some(Key::CacheWriteTokens) => &mut pass.cache_write_tokens,
            Some(Key::CacheWrite5mTokens) => &mut pass.cache_write_5m_tokens,
            Some(Key::CacheWrite1hTokens) => &mut pass.cache_write_1h_tokens,
            Some(Key::InputImageTokens) => &mut pass.input_image_tokens,
            Some(Key::OutputTokens) => &mut pass.output_tokens,
            Some(Key::OutputImageTokens) => &mut pass.output_image_tokens,
            Some(Key::Model) => {
                pass.model = text(reader)?;
                return Ok(());
            }
            _ => return reader.skip().map(drop).map_err(Bad::from),
        };
        *count = Some(reader.integer()?);
        Ok(())
    })?;
    Ok(pass)
}

fn properties(reader: &mut Reader<'_>, properties: &mut Properties) -> Result<(), Bad> {
    properties.clear();
    reader.object(|reader, name| {
        properties.insert(name, &reader.string()?);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_amounts_are_read_as_all_amounts_are() {
        for text in ["0", "0.1", "12.000000000001", "999999.999999999999", "7", "0.000000000000"] {
            assert_eq!(small_amount(text.as_bytes()), Usd::from_decimal(text).ok(), "{text}");
        }
        for other in ["", "-1", "1.", ".5", "1e3", "0.0000000000001", "1000000", "1.2.3", "1.-2"] {
            assert_eq!(small_amount(other.as_bytes()), None, "{other}");
        }
    }
}
