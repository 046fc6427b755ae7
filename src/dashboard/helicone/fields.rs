//! The members of a JSON object, each read when it is asked for, so that an error can name it.

use super::super::rejection::Rejection;
use crate::record::Usd;
use crate::report::Ratio;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The members of the object at `path`.
#[derive(Debug)]
pub(super) struct JsonMembers<'a> {
    path: String,
    members: BTreeMap<String, &'a RawValue>,
}

impl<'a> JsonMembers<'a> {
    pub(super) fn of(path: impl Into<String>, value: &'a RawValue) -> Result<Self, Rejection> {
        let path = path.into();
        let members: Result<BTreeMap<String, &'a RawValue>, _> = serde_json::from_str(value.get());
        let members = members.map_err(|_| Rejection::of(path.clone(), "must be an object"))?;
        // As in Helicone's types, a member that is `null` is absent.
        Ok(Self { path, members: members.into_iter().filter(|(_, value)| value.get() != "null").collect() })
    }

    /// Reads an object of conditions. It is an error if there are none, as that would select everybody, which is spelled `"all"`.
    pub(super) fn conditions(path: impl Into<String>, value: &'a RawValue) -> Result<Self, Rejection> {
        let fields = Self::of(path, value)?;
        if fields.members.is_empty() {
            return Err(Rejection::of(fields.path, r#"holds no condition; everybody is spelled "all""#));
        }
        Ok(fields)
    }

    /// Returns the path of a member, which for members of the body is the name alone.
    pub(super) fn path(&self, name: &str) -> String {
        if self.path == "body" { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.members.get(name).copied()
    }

    pub(super) fn required(&self, name: &str) -> Result<&'a RawValue, Rejection> {
        self.get(name).ok_or_else(|| Rejection::of(self.path(name), "is missing"))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.members.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// Reads a whole number within a range; `1e3` and `10.0` are whole.
    pub(super) fn whole(&self, name: &str, least: i64, most: i64) -> Result<i64, Rejection> {
        let value = whole(self.required(name)?.get());
        value.filter(|value| (least..=most).contains(value)).ok_or_else(|| {
            let what = format_args!("must be a whole number from {least} to {most}");
            Rejection::of(self.path(name), what)
        })
    }

    pub(super) fn text(&self, name: &str) -> Result<String, Rejection> {
        text(&self.path(name), self.required(name)?)
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Rejection> {
        match self.required(name)?.get() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Rejection::of(self.path(name), "must be true or false")),
        }
    }
}

pub(super) fn text(path: &str, value: &RawValue) -> Result<String, Rejection> {
    serde_json::from_str(value.get()).map_err(|_| Rejection::of(path, "must be a string"))
}

/// Reads a whole number.
fn whole(text: &str) -> Option<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let number = Ratio::from_decimal(digits).filter(|number| number.over == 1)?;
    let number = i64::try_from(number.sum).ok()?;
    Some(if negative { -number } else { number })
}

/// Reads a number of seconds, rounded down or up. It saturates.
pub(super) fn seconds(path: &str, value: &RawValue, up: bool) -> Result<i64, Rejection> {
    let text = value.get();
    let wrong = || Rejection::of(path, "must be a number of seconds since 1970");
    // Dollars are read as decimals of twelve places, which is more than a time has.
    if !text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        return Err(wrong());
    }
    let Ok(exact) = Usd::from_decimal(text) else {
        return Ok(if text.starts_with('-') { i64::MIN } else { i64::MAX });
    };
    const UNIT: i128 = 1_000_000_000_000;
    let seconds = if up { -(-exact.picos()).div_euclid(UNIT) } else { exact.picos().div_euclid(UNIT) };
    Ok(seconds.clamp(i64::MIN.into(), i64::MAX.into()).try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole_when_their_value_is() {
        let values = ["10", "10.0", "1e1", "-3", "0", "10.5", "1e40", "\"1\"", "null"].map(whole);
        assert_eq!(values, [Some(10), Some(10), Some(10), Some(-3), Some(0), None, None, None, None]);
    }

    #[test]
    fn seconds_are_widened_and_never_overflow() {
        let read = |text: &str, up| seconds("t", serde_json::from_str(text).unwrap(), up).unwrap();
        assert_eq!(
            [read("1.5", false), read("1.5", true), read("-1.5", false), read("-1.5", true)],
            [1, 2, -2, -1]
        );
        assert_eq!([read("1e300", true), read("-1e300", false)], [i64::MAX, i64::MIN]);
        assert!(seconds("t", serde_json::from_str("\"now\"").unwrap(), true).is_err());
    }
}
