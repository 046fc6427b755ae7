//! Reading of JSON objects that takes what it can.
//!
//! A provider's usage object is read for the members that are known. A member of an unexpected type counts as
//! absent and never affects the others, unknown members are passed over, and of a repeated key the last counts.

use super::flaws::Flaws;
use crate::json::{Kind, Reader, Scanned};
use crate::record::{Text, Usd};
use std::borrow::Cow;
use std::time::Duration;

/// Declares a struct whose JSON form is read leniently: `field: Type = "key"`. In a struct that is marked `: billed`, each
/// figure is billed by itself, so that an unknown one matters whatever its name.
macro_rules! lenient {
    (@is_billed) => { false };
    (@is_billed billed) => { true };
    ($($(#[$meta:meta])* struct $name:ident $(: $mark:ident)? { $($field:ident: $type:ty = $key:literal,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default)]
        pub(super) struct $name {
            $(pub(super) $field: $type,)*
        }

        impl $crate::api::lenient::Lenient for $name {
            fn read(source: &mut $crate::api::lenient::Source<'_>) -> $crate::json::Scanned<Self> {
                let mut object = Self::default();
                object.fill(source)?;
                Ok(object)
            }

            fn fill(&mut self, source: &mut $crate::api::lenient::Source<'_>) -> $crate::json::Scanned<()> {
                *self = Self::default();
                source.members(|source, key| match key {
                    $($key => $crate::api::lenient::Lenient::fill(&mut self.$field, source),)*
                    _ => source.pass_over(key, lenient!(@is_billed $($mark)?)),
                })
            }
        }
    )*};
}
pub(super) use lenient;

/// What any JSON value can be read as. A value of another type is read as the default.
pub(super) trait Lenient: Default {
    /// Reads the next value.
    ///
    /// # Errors
    /// When it is not JSON.
    fn read(source: &mut Source<'_>) -> Scanned<Self>;

    /// Reads the next value into the place of this one: a large object is not copied out of its members' readers.
    ///
    /// # Errors
    /// When it is not JSON.
    fn fill(&mut self, source: &mut Source<'_>) -> Scanned<()> {
        *self = Self::read(source)?;
        Ok(())
    }
}

/// JSON that is being read.
pub(super) struct Source<'a> {
    reader: Reader<'a>,
    flaws: Flaws,
}

impl<'a> Source<'a> {
    /// Whether the next value is of this kind.
    pub(super) fn is(&mut self, kind: Kind) -> bool {
        self.reader.kind() == Some(kind)
    }

    /// Steps over the next value and returns its text.
    pub(super) fn skip(&mut self) -> Scanned<&'a str> {
        self.reader.skip()
    }

    /// Steps over what stands in the place of a figure, or of what holds figures. A `null` says nothing, and so does an
    /// object or a list.
    fn skip_instead(&mut self) -> Scanned<()> {
        self.flaws.unreadable |= !matches!(self.reader.kind(), Some(Kind::Null | Kind::Object | Kind::Array));
        self.skip().map(drop)
    }

    /// Steps over the value of a member that is not known. `is_billed` says whether any figure in it is billed by itself.
    pub(super) fn pass_over(&mut self, key: &str, is_billed: bool) -> Scanned<()> {
        let value = self.skip()?;
        self.flaws.check(key, value, is_billed);
        Ok(())
    }

    /// Calls `member` with the keys of the next value, where that is an object, to read the values.
    #[inline]
    pub(super) fn members(&mut self, mut member: impl FnMut(&mut Self, &str) -> Scanned<()>) -> Scanned<()> {
        if !self.is(Kind::Object) {
            return self.skip_instead();
        }
        // An object is read through the source that holds its reader.
        let mut members = self.reader.members()?;
        while let Some(key) = members.next(&mut self.reader)? {
            member(self, &key)?;
        }
        Ok(())
    }
}

/// Reads `T` from the text of a complete JSON value, and what keeps it from being complete. `None` when it is not JSON.
pub(super) fn read<T: Lenient>(json: &[u8]) -> Option<(T, Flaws)> {
    let text = text(json);
    let mut source = Source { reader: Reader::new(&text), flaws: Flaws::default() };
    source.flaws.unreadable = matches!(text, Cow::Owned(_));
    let mut value = T::default();
    value.fill(&mut source).ok()?;
    source.reader.is_done().then_some((value, source.flaws))
}

/// Converts `json` to text. Only strings can hold bytes that are not UTF-8, which are replaced.
pub(super) fn text(json: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(json).map_or_else(|_| String::from_utf8_lossy(json), Cow::Borrowed)
}

/// Whether an object has a member that is not `null`. What is not JSON counts as having one.
pub(super) fn says_something(json: &[u8]) -> bool {
    let mut any = false;
    let read: Scanned<()> = Reader::new(&text(json)).object(|reader, _| {
        any |= reader.kind() != Some(Kind::Null);
        reader.skip().map(drop)
    });
    any || read.is_err()
}

/// Converts a float that is a whole number, as Titan's streams spell their counts (`28.0`). Beyond 2^53 a
/// float no longer says which number was meant.
fn integral(number: f64) -> Option<u64> {
    const EXACT: f64 = (1u64 << 53) as f64;
    (number.trunc() == number && (0.0..=EXACT).contains(&number)).then_some(number as u64)
}

/// Reads a number that should be a natural one.
fn natural(reader: &mut Reader<'_>) -> Scanned<Option<u64>> {
    match reader.integer() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Ok(reader.number()?.parse().ok().and_then(integral)),
    }
}

/// A count: a natural number, also when it is spelled `28.0`. Everything else is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Natural(pub(super) Option<u64>);

impl Lenient for Natural {
    fn read(source: &mut Source<'_>) -> Scanned<Self> {
        if !source.is(Kind::Number) {
            return source.skip_instead().map(|()| Self(None));
        }
        let count = natural(&mut source.reader)?;
        source.flaws.unreadable |= count.is_none();
        Ok(Self(count))
    }
}

/// A short string, or a number where a client asked for enums as numbers. Everything else is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum ShortText {
    /// Neither of the two.
    #[default]
    Absent,
    /// A string that is a [`Text`].
    Text(Text),
    /// The number of an enum's variant.
    Number(u64),
}

impl ShortText {
    /// Returns the string, if it is one.
    pub(super) fn text(self) -> Option<Text> {
        match self {
            Self::Text(text) => Some(text),
            Self::Absent | Self::Number(_) => None,
        }
    }

    /// Whether it is `name`, or the variant `number`.
    pub(super) fn is(&self, name: &str, number: u64) -> bool {
        match self {
            Self::Text(text) => text.eq_ignore_ascii_case(name),
            Self::Number(known) => *known == number,
            Self::Absent => false,
        }
    }
}

impl Lenient for ShortText {
    fn read(source: &mut Source<'_>) -> Scanned<Self> {
        Ok(match source.reader.kind() {
            Some(Kind::String) => Text::new(&source.reader.string()?).map_or(Self::Absent, Self::Text),
            Some(Kind::Number) => natural(&mut source.reader)?.map_or(Self::Absent, Self::Number),
            _ => source.skip().map(|_| Self::Absent)?,
        })
    }
}

/// A list; anything else is an empty one.
#[derive(Clone, Debug)]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Lenient> Lenient for List<T> {
    fn read(source: &mut Source<'_>) -> Scanned<Self> {
        let mut list = Vec::new();
        if !source.is(Kind::Array) {
            return source.skip_instead().map(|()| Self(list));
        }
        let mut elements = source.reader.elements()?;
        while elements.next(&mut source.reader)? {
            list.push(T::read(source)?);
        }
        Ok(Self(list))
    }
}

/// A member that is known and does not matter.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ignored;

impl Lenient for Ignored {
    fn read(source: &mut Source<'_>) -> Scanned<Self> {
        source.skip().map(|_| Self)
    }
}

/// Figures that are billed each by itself, in ways that are not known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fees;

impl Lenient for Fees {
    fn read(source: &mut Source<'_>) -> Scanned<Self> {
        source.pass_over("", true).map(|()| Self)
    }
}

/// `true`; everything else is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flag(pub(super) bool);

impl Lenient for Flag {
    fn read(source: &mut Source<'_>) -> Scanned<Self> {
        Ok(Self(source.skip()? == "true"))
    }
}

/// An amount of dollars, read from the text of the number. Everything else, and what is below zero, is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct UsdAmount(pub(super) Option<Usd>);

impl Lenient for UsdAmount {
    fn read(source: &mut Source<'_>) -> Scanned<Self> {
        Ok(Self(Usd::from_decimal(source.skip()?).ok().filter(|amount| *amount >= Usd::ZERO)))
    }
}

/// A length of time in seconds, read from the text of the number. Everything else is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Length(pub(super) Option<Duration>);

impl Lenient for Length {
    fn read(source: &mut Source<'_>) -> Scanned<Self> {
        if !source.is(Kind::Number) {
            return source.skip_instead().map(|()| Self(None));
        }
        let length = seconds(source.reader.number()?);
        source.flaws.unreadable |= length.is_none();
        Ok(Self(length))
    }
}

/// Reads a decimal as amounts of money are read, which have three digits more than a clock needs.
fn seconds(text: &str) -> Option<Duration> {
    let picos = Usd::from_decimal(text).ok()?.picos();
    u64::try_from(picos / 1000).ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    lenient! {
        struct Outer { count: Natural = "count", inner: Inner = "inner", list: List<Inner> = "list", word: ShortText = "word", }
        struct Inner { a: Natural = "a", cost: UsdAmount = "cost", length: Length = "length", flag: Flag = "flag", }
    }

    fn outer(json: &str) -> Outer {
        read(json.as_bytes()).unwrap().0
    }

    #[test]
    fn a_count_is_a_natural_number_and_everything_else_is_absent() {
        for (json, count) in [
            ("28", Some(28)),
            ("28.0", Some(28)),
            ("2.8e1", Some(28)),
            ("0", Some(0)),
            ("-0.0", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("-1", None),
            ("28.5", None),
            ("1e30", None),
            ("\"28\"", None),
            ("null", None),
            ("true", None),
            ("[28]", None),
            ("{\"count\":28}", None),
        ] {
            assert_eq!(outer(&format!("{{\"count\":{json}}}")).count.0, count, "{json}");
        }
    }

    #[test]
    fn a_member_of_a_wrong_type_does_not_spoil_the_others() {
        for wrong in ["null", "7", "-7", "1.5", "\"x\"", "true", "[[1],{}]"] {
            let read =
                outer(&format!("{{\"inner\":{wrong},\"list\":{wrong},\"word\":{{\"x\":[]}},\"count\":3}}"));
            assert_eq!(
                (read.count.0, read.inner.a.0, &read.word),
                (Some(3), None, &ShortText::Absent),
                "{wrong}"
            );
        }
        assert_eq!(read::<Outer>(b"[1,2]").unwrap().0.count.0, None);
        assert!(read::<Outer>(b"{\"count\":").is_none());
    }

    #[test]
    fn of_a_repeated_key_the_last_counts_however_it_is_spelt() {
        assert_eq!(outer(r#"{"count":1,"\u0063ount":2}"#).count.0, Some(2));
        assert_eq!(outer(r#"{"count":1,"count":null}"#).count.0, None);
    }

    #[test]
    fn amounts_and_lengths_are_read_from_their_text() {
        let inner = |json: &str| read::<Inner>(json.as_bytes()).unwrap().0;
        assert_eq!(inner(r#"{"cost":5.952e-05}"#).cost.0, Some(Usd::from_picos(59_520_000)));
        assert_eq!(inner(r#"{"cost":0.1}"#).cost.0, Some(Usd::from_picos(100_000_000_000)));
        assert_eq!(inner(r#"{"cost":-1}"#).cost.0, None);
        assert_eq!(inner(r#"{"cost":"1"}"#).cost.0, None);
        assert_eq!(inner(r#"{"length":3.7}"#).length.0, Some(Duration::from_millis(3700)));
        assert_eq!(inner(r#"{"length":6,"flag":true}"#).length.0, Some(Duration::from_secs(6)));
        assert!(inner(r#"{"flag":true}"#).flag.0);
        assert!(!inner(r#"{"flag":1}"#).flag.0);
    }

    #[test]
    fn deep_nesting_where_a_number_was_expected_is_passed_over() {
        let deep = format!("{{\"count\":{}{},\"word\":\"w\"}}", "[".repeat(100), "]".repeat(100));
        assert_eq!(outer(&deep).word.text().unwrap(), "w");
    }
}
