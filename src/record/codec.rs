//! How the values of a record's JSON are written and read.

use super::decimal::FixedPoint;
use super::listed::Listed;
use super::properties::Properties;
use super::text::{Text, TextError};
use super::time::{parse_time, write_time};
use super::{Provider, RecordId, Usd, UserId};
use crate::json::{Reader, Unexpected};
use std::io::Write;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A value is not what its key stands for.
#[derive(Debug)]
pub(super) struct Invalid;

impl From<Unexpected> for Invalid {
    fn from(_: Unexpected) -> Self {
        Self
    }
}

impl From<TextError> for Invalid {
    fn from(_: TextError) -> Self {
        Self
    }
}

/// One way to write a value, and to read it back.
pub(super) trait Codec {
    type Value;

    /// Returns whether the key is left out.
    fn is_absent(_: &Self::Value) -> bool {
        false
    }

    fn write(value: &Self::Value, out: &mut Vec<u8>);

    /// Reads what is not `null`.
    fn read(reader: &mut Reader<'_>) -> Result<Self::Value, Invalid>;
}

/// An optional value, whose key is left out where it is absent.
pub(super) struct Opt<C>(PhantomData<C>);

impl<C: Codec> Codec for Opt<C> {
    type Value = Option<C::Value>;

    fn is_absent(value: &Self::Value) -> bool {
        value.is_none()
    }

    fn write(value: &Self::Value, out: &mut Vec<u8>) {
        if let Some(value) = value {
            C::write(value, out);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self::Value, Invalid> {
        C::read(reader).map(Some)
    }
}

/// A value of a closed list that sums depend on: one that is not known is an error.
pub(super) struct Term<T>(PhantomData<T>);

impl<T: Listed> Codec for Term<T> {
    type Value = T;

    fn write(value: &T, out: &mut Vec<u8>) {
        // There is nothing to escape in it.
        write_quoted(out, |out| out.extend_from_slice(value.name().as_bytes()));
    }

    fn read(reader: &mut Reader<'_>) -> Result<T, Invalid> {
        let name = reader.string()?;
        T::ALL.iter().copied().find(|value| value.name() == name).ok_or(Invalid)
    }
}

/// A value of a closed list, or none: one that a later version added is read as none.
pub(super) struct OptTerm<T>(PhantomData<T>);

impl<T: Listed> Codec for OptTerm<T> {
    type Value = Option<T>;

    fn is_absent(value: &Self::Value) -> bool {
        value.is_none()
    }

    fn write(value: &Self::Value, out: &mut Vec<u8>) {
        Opt::<Term<T>>::write(value, out);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self::Value, Invalid> {
        let name = reader.string()?;
        Ok(T::ALL.iter().copied().find(|value| value.name() == name))
    }
}

/// A value of a closed list: one that a later version added is read as the default.
pub(super) struct TermOrDefault<T>(PhantomData<T>);

impl<T: Listed + Default> Codec for TermOrDefault<T> {
    type Value = T;

    fn write(value: &T, out: &mut Vec<u8>) {
        Term::write(value, out);
    }

    fn read(reader: &mut Reader<'_>) -> Result<T, Invalid> {
        OptTerm::read(reader).map(Option::unwrap_or_default)
    }
}

/// A string that stands for a value.
pub(super) struct Str<T>(PhantomData<T>);

/// What a string can stand for.
pub(super) trait FromText: Sized {
    fn text(&self) -> &str;

    fn from_text(text: &str) -> Result<Self, Invalid>;
}

impl<T: FromText> Codec for Str<T> {
    type Value = T;

    fn write(value: &T, out: &mut Vec<u8>) {
        write_string(out, value.text());
    }

    fn read(reader: &mut Reader<'_>) -> Result<T, Invalid> {
        T::from_text(&reader.string()?)
    }
}

impl FromText for Text {
    fn text(&self) -> &str {
        self
    }

    fn from_text(text: &str) -> Result<Self, Invalid> {
        Ok(Self::new(text)?)
    }
}

impl FromText for UserId {
    fn text(&self) -> &str {
        self.as_str()
    }

    fn from_text(text: &str) -> Result<Self, Invalid> {
        Ok(Self::verbatim(text)?)
    }
}

impl FromText for Provider {
    fn text(&self) -> &str {
        self.as_str()
    }

    fn from_text(text: &str) -> Result<Self, Invalid> {
        Ok(Self::new(text)?)
    }
}

impl FromText for Arc<str> {
    fn text(&self) -> &str {
        self
    }

    fn from_text(text: &str) -> Result<Self, Invalid> {
        Ok(Self::from(text))
    }
}

/// A natural number.
pub(super) struct Integer<T>(PhantomData<T>);

impl<T: Copy + Into<u64> + TryFrom<u64>> Codec for Integer<T> {
    type Value = T;

    fn write(value: &T, out: &mut Vec<u8>) {
        write_integer(out, (*value).into());
    }

    fn read(reader: &mut Reader<'_>) -> Result<T, Invalid> {
        reader.integer()?.try_into().map_err(|_| Invalid)
    }
}

/// A value whose key is left out where it is the default.
pub(super) struct UnlessDefault<C>(PhantomData<C>);

impl<C: Codec<Value: Default + PartialEq>> Codec for UnlessDefault<C> {
    type Value = C::Value;

    fn is_absent(value: &Self::Value) -> bool {
        *value == Self::Value::default()
    }

    fn write(value: &Self::Value, out: &mut Vec<u8>) {
        C::write(value, out);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self::Value, Invalid> {
        C::read(reader)
    }
}

/// `true` or `false`.
pub(super) struct Bool;

impl Codec for Bool {
    type Value = bool;

    fn write(value: &bool, out: &mut Vec<u8>) {
        out.extend_from_slice(if *value { b"true" } else { b"false" });
    }

    fn read(reader: &mut Reader<'_>) -> Result<bool, Invalid> {
        Ok(reader.boolean()?)
    }
}

/// The id of a record.
pub(super) struct Id;

impl Codec for Id {
    type Value = RecordId;

    fn write(id: &RecordId, out: &mut Vec<u8>) {
        let id = uuid::Uuid::from_u128(id.as_u128());
        let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
        let id = id.hyphenated().encode_lower(&mut buffer);
        write_quoted(out, |out| out.extend_from_slice(id.as_bytes()));
    }

    fn read(reader: &mut Reader<'_>) -> Result<RecordId, Invalid> {
        reader.string()?.parse().map_err(|_| Invalid)
    }
}

/// A time, to the microsecond.
pub(super) struct Time;

impl Codec for Time {
    type Value = SystemTime;

    fn write(time: &SystemTime, out: &mut Vec<u8>) {
        write_quoted(out, |out| write_time(out, *time));
    }

    fn read(reader: &mut Reader<'_>) -> Result<SystemTime, Invalid> {
        parse_time(&reader.string()?).ok_or(Invalid)
    }
}

/// A length of time in whole microseconds.
pub(super) struct Micros;

impl Codec for Micros {
    type Value = Duration;

    fn write(length: &Duration, out: &mut Vec<u8>) {
        write_integer(out, u64::try_from(length.as_micros()).unwrap_or(u64::MAX));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Duration, Invalid> {
        Ok(Duration::from_micros(reader.integer()?))
    }
}

/// A length of time in seconds, a decimal that is exact to the nanosecond.
pub(super) struct DecimalSeconds;

impl Codec for DecimalSeconds {
    type Value = Duration;

    fn write(length: &Duration, out: &mut Vec<u8>) {
        write_decimal(out, length.as_nanos(), 9);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Duration, Invalid> {
        const NANOS: i128 = 1_000_000_000;
        // An amount is a decimal that is exact to 1e-12, which holds every duration.
        let nanos = Usd::from_decimal(reader.number()?).map_err(|_| Invalid)?.picos() / 1000;
        let whole = u64::try_from(nanos / NANOS).map_err(|_| Invalid)?;
        let part = u32::try_from(nanos % NANOS).map_err(|_| Invalid)?;
        Ok(Duration::new(whole, part))
    }
}

/// An amount of money, an exact decimal of dollars.
pub(super) struct Dollars;

impl Codec for Dollars {
    type Value = Usd;

    fn write(amount: &Usd, out: &mut Vec<u8>) {
        // The lowest amount has no positive counterpart and would not read back.
        let picos = amount.picos().max(-i128::MAX);
        if picos < 0 {
            out.push(b'-');
        }
        write_decimal(out, picos.unsigned_abs(), 12);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Usd, Invalid> {
        Usd::from_decimal(reader.number()?).map_err(|_| Invalid)
    }
}

/// The properties of a call, an object of strings.
pub(super) struct Strings;

impl Codec for Strings {
    type Value = Properties;

    fn is_absent(properties: &Properties) -> bool {
        properties.is_empty()
    }

    fn write(properties: &Properties, out: &mut Vec<u8>) {
        let mut before = b'{';
        for (name, value) in properties.iter() {
            out.push(before);
            write_string(out, name);
            out.push(b':');
            write_string(out, value);
            before = b',';
        }
        out.push(b'}');
    }

    fn read(reader: &mut Reader<'_>) -> Result<Properties, Invalid> {
        let mut properties = Properties::default();
        reader.object(|reader, name| {
            properties.insert(name, &reader.string()?);
            Ok::<(), Invalid>(())
        })?;
        Ok(properties)
    }
}

/// Writes a key and its value, unless that is one that is left out.
#[inline]
pub(super) fn write_member<C: Codec>(key: &str, value: &C::Value, out: &mut Vec<u8>) {
    if !C::is_absent(value) {
        out.extend_from_slice(key.as_bytes());
        C::write(value, out);
    }
}

fn write_integer(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Writes `value` with its last `places` digits behind the decimal point.
fn write_decimal(out: &mut Vec<u8>, value: u128, places: usize) {
    // Writing to a `Vec` does not fail.
    let _ = write!(out, "{}", FixedPoint::new(value, places).trimmed());
}

fn write_quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    write(out);
    out.push(b'"');
}

/// Writes a string in quotes, with what needs it escaped.
pub(super) fn write_string(out: &mut Vec<u8>, value: &str) {
    // Writing to a `Vec` does not fail.
    let _ = serde_json::to_writer(out, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written<C: Codec>(value: &C::Value) -> String {
        let mut out = Vec::new();
        C::write(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn amounts_are_exact_decimals_without_trailing_zeros() {
        for (picos, expected) in [
            (0, "0"),
            (1, "0.000000000001"),
            (112_000_000, "0.000112"),
            (-1_500_000_000_000, "-1.5"),
            (3_000_000_000_000, "3"),
            (i128::MAX, "170141183460469231731687303.715884105727"),
            (i128::MIN, "-170141183460469231731687303.715884105727"),
        ] {
            assert_eq!(written::<Dollars>(&Usd::from_picos(picos)), expected);
        }
    }

    #[test]
    fn seconds_are_decimals_that_are_exact_to_the_nanosecond() {
        for (length, json) in [
            (Duration::ZERO, "0"),
            (Duration::from_millis(61_250), "61.25"),
            (Duration::new(3, 7), "3.000000007"),
            (Duration::MAX, "18446744073709551615.999999999"),
        ] {
            assert_eq!(written::<DecimalSeconds>(&length), json);
            assert_eq!(DecimalSeconds::read(&mut Reader::new(json)).unwrap(), length);
        }
        for wrong in ["-1", "\"1\"", "18446744073709551616"] {
            assert!(DecimalSeconds::read(&mut Reader::new(wrong)).is_err(), "{wrong}");
        }
    }
}
