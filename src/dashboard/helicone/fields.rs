//! The members of a JSON object, by name, each read when it is asked for, so that what is wrong with one is told by its name.

use super::super::problem::Problem;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The members of an object, of which `path` says where it is.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    path: String,
    members: BTreeMap<String, &'a RawValue>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(path: impl Into<String>, value: &'a RawValue) -> Result<Self, Problem> {
        let path = path.into();
        let members: Result<BTreeMap<String, &'a RawValue>, _> = serde_json::from_str(value.get());
        let members = members.map_err(|_| Problem::of(path.clone(), "must be an object"))?;
        // As in Helicone's types, `null` is a member that is not there.
        Ok(Self { path, members: members.into_iter().filter(|(_, value)| value.get() != "null").collect() })
    }

    /// The conditions that `value` holds. A condition that is `null` is none, and no condition at all would be about
    /// everybody, who is spelled `"all"`.
    pub(super) fn conditions(path: impl Into<String>, value: &'a RawValue) -> Result<Self, Problem> {
        let fields = Self::of(path, value)?;
        if fields.members.is_empty() {
            return Err(Problem::of(fields.path, r#"holds no condition; everybody is spelled "all""#));
        }
        Ok(fields)
    }

    /// The path of a member. Members of the body itself have their name alone.
    pub(super) fn path(&self, name: &str) -> String {
        if self.path == "body" { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.members.get(name).copied()
    }

    pub(super) fn required(&self, name: &str) -> Result<&'a RawValue, Problem> {
        self.get(name).ok_or_else(|| Problem::of(self.path(name), "is missing"))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.members.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// A whole number within a range; `1e3` and `10.0` are whole.
    pub(super) fn whole(&self, name: &str, least: i64, most: i64) -> Result<i64, Problem> {
        let value = whole(self.required(name)?.get());
        value.filter(|value| (least..=most).contains(value)).ok_or_else(|| {
            let what = format_args!("must be a whole number from {least} to {most}");
            Problem::of(self.path(name), what)
        })
    }

    pub(super) fn text(&self, name: &str) -> Result<String, Problem> {
        text(&self.path(name), self.required(name)?)
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.required(name)?.get() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Problem::of(self.path(name), "must be true or false")),
        }
    }
}

pub(super) fn text(path: &str, value: &RawValue) -> Result<String, Problem> {
    serde_json::from_str(value.get()).map_err(|_| Problem::of(path, "must be a string"))
}

/// A number that is whole, from its text.
fn whole(text: &str) -> Option<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (number, 0) = crate::record::Rate::from_decimal(digits).ok()?.parts() else { return None };
    let number = i64::try_from(number).ok()?;
    Some(if negative { -number } else { number })
}

/// A number of seconds, rounded down (`up`: away from it), from its text; what is too large is the largest.
pub(super) fn seconds(path: &str, value: &RawValue, up: bool) -> Result<i64, Problem> {
    let text = value.get();
    let wrong = || Problem::of(path, "must be a number of seconds since 1970");
    // Dollars are decimals of twelve places: more than a moment has.
    if !text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        return Err(wrong());
    }
    let Ok(exact) = crate::record::Usd::from_decimal(text) else {
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
