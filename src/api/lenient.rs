//! Reading of JSON objects that takes what it can.
//!
//! A provider's usage object is read for the members that are known. A member of an unexpected type counts as
//! absent and never spoils the others, unknown members are passed over, and of a repeated key the last counts.

use crate::record::{Text, Usd};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// Declares a struct whose JSON form is read leniently: `field: Type = "key"`.
macro_rules! lenient {
    ($($(#[$meta:meta])* struct $name:ident { $($field:ident: $type:ty = $key:literal,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default)]
        pub(super) struct $name {
            $(pub(super) $field: $type,)*
        }

        impl $crate::api::lenient::Fields for $name {
            fn setter<'de, A: serde::de::MapAccess<'de>>(
                key: &str,
            ) -> Option<$crate::api::lenient::Setter<Self, A, A::Error>> {
                match key {
                    $($key => Some(|object, map| {
                        object.$field = map.next_value()?;
                        Ok(())
                    }),)*
                    _ => None,
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::api::lenient::object(deserializer)
            }
        }
    )*};
}
pub(super) use lenient;

/// Reads the next value of a map into a field.
pub(super) type Setter<T, A, E> = fn(&mut T, &mut A) -> Result<(), E>;

/// A struct that [`lenient!`] declared.
pub(super) trait Fields: Default {
    /// What reads the value of the member `key`, if that is known.
    fn setter<'de, A: MapAccess<'de>>(key: &str) -> Option<Setter<Self, A, A::Error>>;
}

/// Reads `T` from an object; from anything else, the default.
pub(super) fn object<'de, T: Fields, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(Lenient(Object::<T>(PhantomData)))
}

/// Reads `T` from the text of a complete JSON value; `None` when it is not JSON at all.
pub(super) fn read<T: for<'de> Deserialize<'de>>(json: &[u8]) -> Option<T> {
    serde_json::from_slice(json).ok()
}

/// Whether the text of an object has a member that is not `null`. What is no JSON says something.
pub(super) fn says_something(json: &[u8]) -> bool {
    struct Members;
    impl<'de> Interest<'de> for Members {
        type Value = bool;
        fn map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
            let mut any = false;
            while let Some((_, value)) = map.next_entry::<IgnoredAny, Option<IgnoredAny>>()? {
                any |= value.is_some();
            }
            Ok(any)
        }
    }
    serde_json::Deserializer::from_slice(json).deserialize_any(Lenient(Members)).unwrap_or(true)
}

/// Calls `seen` with the keys at the top of the text of an object, up to a syntax error. Whether a figure in it, at any
/// depth, is there and cannot be read, or the text is no JSON object: what the other figures say is not all then.
pub(super) fn survey(json: &[u8], seen: impl FnMut(&str)) -> bool {
    struct Survey<F>(F);
    impl<'de, F: FnMut(&str)> Interest<'de> for Survey<F> {
        type Value = bool;
        fn map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<bool, A::Error> {
            let mut unreadable = false;
            let mut expected = |key: &str| {
                (self.0)(key);
                Expected::of(key)
            };
            while let Some(expected) = map.next_key_seed(Key(&mut expected))? {
                unreadable |= map.next_value_seed(Unreadable { expected })?;
            }
            Ok(unreadable)
        }
    }
    if json.first() != Some(&b'{') {
        return true;
    }
    serde_json::Deserializer::from_slice(json).deserialize_any(Lenient(Survey(seen))).unwrap_or(true)
}

/// Looks for a value that should be a figure, or hold some, and does not. A `null` says nothing, and so does an object or
/// a list in place of a count.
#[derive(Clone, Copy)]
struct Unreadable {
    expected: Expected,
}

/// What a member should be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Anything,
    Count,
    /// A length of time, which may have a fraction.
    Length,
    /// An object or a list of figures.
    Figures,
}

impl Expected {
    /// What a member of this name should be: only those that some convention reads are expected to be anything.
    fn of(key: &str) -> Self {
        match key {
            "prompt_tokens"
            | "completion_tokens"
            | "input_tokens"
            | "output_tokens"
            | "total_tokens"
            | "audio_tokens"
            | "image_tokens"
            | "reasoning_tokens"
            | "thinking_tokens"
            | "cached_tokens"
            | "num_cached_tokens"
            | "prompt_cache_hit_tokens"
            | "cache_write_tokens"
            | "cache_read_input_tokens"
            | "cache_creation_input_tokens"
            | "ephemeral_5m_input_tokens"
            | "ephemeral_1h_input_tokens"
            | "total_input_tokens"
            | "total_output_tokens"
            | "total_cached_tokens"
            | "total_thought_tokens"
            | "total_tool_use_tokens"
            | "tokens"
            | "promptTokenCount"
            | "candidatesTokenCount"
            | "thoughtsTokenCount"
            | "cachedContentTokenCount"
            | "toolUsePromptTokenCount"
            | "totalTokenCount"
            | "tokenCount"
            | "inputTokens"
            | "outputTokens"
            | "cacheReadInputTokens"
            | "cacheWriteInputTokens"
            | "inputTokenCount"
            | "outputTokenCount"
            | "cacheReadInputTokenCount"
            | "cacheWriteInputTokenCount"
            | "web_search_requests"
            | "web_search_calls"
            | "num_search_queries"
            | "search_units"
            | "images" => Self::Count,
            "seconds" | "prompt_audio_seconds" => Self::Length,
            "prompt_tokens_details"
            | "prompt_token_details"
            | "input_tokens_details"
            | "input_token_details"
            | "completion_tokens_details"
            | "completion_token_details"
            | "output_tokens_details"
            | "output_token_details"
            | "cache_creation"
            | "iterations"
            | "server_tool_use"
            | "billed_units"
            | "promptTokensDetails"
            | "candidatesTokensDetails" => Self::Figures,
            _ => Self::Anything,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Unreadable {
    type Value = bool;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unreadable {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
        Ok(self.expected != Expected::Anything)
    }
    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(self.expected == Expected::Figures)
    }
    fn visit_i64<E>(self, number: i64) -> Result<bool, E> {
        Ok(self.expected == Expected::Figures || (self.expected != Expected::Anything && number < 0))
    }
    fn visit_f64<E>(self, number: f64) -> Result<bool, E> {
        Ok(match self.expected {
            Expected::Anything => false,
            Expected::Count => integral(number).is_none(),
            Expected::Length => number < 0.0,
            Expected::Figures => true,
        })
    }
    fn visit_str<E>(self, _: &str) -> Result<bool, E> {
        Ok(self.expected != Expected::Anything)
    }
    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        let mut unreadable = false;
        while let Some(found) = list.next_element_seed(Self { expected: Expected::Anything })? {
            unreadable |= found;
        }
        Ok(unreadable)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut unreadable = false;
        while let Some(expected) = map.next_key_seed(Key(Expected::of))? {
            unreadable |= map.next_value_seed(Self { expected })?;
        }
        Ok(unreadable)
    }
}

/// What to make of the values that are of interest; all others become the default.
trait Interest<'de>: Sized {
    type Value: Default;

    fn natural(self, _: u64) -> Self::Value {
        Self::Value::default()
    }
    fn text(self, _: &str) -> Self::Value {
        Self::Value::default()
    }
    fn map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::Value::default())
    }
    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::Value::default())
    }
}

struct Lenient<I>(I);

impl<'de, I: Interest<'de>> Visitor<'de> for Lenient<I> {
    type Value = I::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(I::Value::default())
    }
    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(self.0.natural(number))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(u64::try_from(number).map_or_else(|_| I::Value::default(), |number| self.0.natural(number)))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(match integral(number) {
            Some(number) => self.0.natural(number),
            None => I::Value::default(),
        })
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.0.text(text))
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(I::Value::default())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        self.0.list(list)
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        self.0.map(map)
    }
}

/// The value of a float that is a whole number, as Titan's streams spell their counts (`28.0`). Beyond 2^53 a
/// float no longer says which number was meant.
fn integral(number: f64) -> Option<u64> {
    const EXACT: f64 = (1u64 << 53) as f64;
    (number.trunc() == number && (0.0..=EXACT).contains(&number)).then_some(number as u64)
}

struct Object<T>(PhantomData<T>);

impl<'de, T: Fields> Interest<'de> for Object<T> {
    type Value = T;

    fn map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut object = T::default();
        while let Some(setter) = map.next_key_seed(Key(T::setter::<A>))? {
            match setter {
                Some(set) => set(&mut object, &mut map)?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(object)
    }
}

/// Looks a key up without keeping it.
struct Key<F>(F);

impl<'de, T, F: FnOnce(&str) -> T> DeserializeSeed<'de> for Key<F> {
    type Value = T;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<T, F: FnOnce(&str) -> T> Visitor<'_> for Key<F> {
    type Value = T;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_str<E>(self, key: &str) -> Result<T, E> {
        Ok((self.0)(key))
    }
}

/// A count: a natural number, also when it is spelled `28.0`. Everything else is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count(pub(super) Option<u64>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Natural;
        impl Interest<'_> for Natural {
            type Value = Count;
            fn natural(self, number: u64) -> Count {
                Count(Some(number))
            }
        }
        deserializer.deserialize_any(Lenient(Natural))
    }
}

/// A short string, or a number where a client asked for enums as numbers. Everything else is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Word {
    /// None of the two.
    #[default]
    Absent,
    /// A string that is a [`Text`].
    Text(Text),
    /// The number of an enum's variant.
    Number(u64),
}

impl Word {
    /// The string, if it is one.
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

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Short;
        impl Interest<'_> for Short {
            type Value = Word;
            fn natural(self, number: u64) -> Word {
                Word::Number(number)
            }
            fn text(self, text: &str) -> Word {
                Text::new(text).map_or(Word::Absent, Word::Text)
            }
        }
        deserializer.deserialize_any(Lenient(Short))
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

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Interest<'de> for Elements<T> {
            type Value = List<T>;
            fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<List<T>, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = list.next_element()? {
                    elements.push(element);
                }
                Ok(List(elements))
            }
        }
        deserializer.deserialize_any(Lenient(Elements(PhantomData)))
    }
}

/// `true`; everything else is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flag(pub(super) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: &RawValue = Deserialize::deserialize(deserializer)?;
        Ok(Self(raw.get() == "true"))
    }
}

/// An amount of dollars, read from the text of the number. Everything else, and what is below zero, is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amount(pub(super) Option<Usd>);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: &RawValue = Deserialize::deserialize(deserializer)?;
        Ok(Self(Usd::from_decimal(raw.get()).ok().filter(|amount| *amount >= Usd::ZERO)))
    }
}

/// A length of time in seconds, read from the text of the number. Everything else is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seconds(pub(super) Option<Duration>);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: &RawValue = Deserialize::deserialize(deserializer)?;
        Ok(Self(seconds(raw.get())))
    }
}

/// The same decimals that amounts of money are, with three digits more than a clock needs.
fn seconds(text: &str) -> Option<Duration> {
    let picos = Usd::from_decimal(text).ok()?.picos();
    u64::try_from(picos / 1000).ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    lenient! {
        struct Outer { count: Count = "count", inner: Inner = "inner", list: List<Inner> = "list", word: Word = "word", }
        struct Inner { a: Count = "a", cost: Amount = "cost", length: Seconds = "length", flag: Flag = "flag", }
    }

    fn outer(json: &str) -> Outer {
        read(json.as_bytes()).unwrap()
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
            assert_eq!((read.count.0, read.inner.a.0, &read.word), (Some(3), None, &Word::Absent), "{wrong}");
        }
        assert_eq!(read::<Outer>(b"[1,2]").unwrap().count.0, None);
        assert!(read::<Outer>(b"{\"count\":").is_none());
    }

    #[test]
    fn of_a_repeated_key_the_last_counts_however_it_is_spelt() {
        assert_eq!(outer(r#"{"count":1,"\u0063ount":2}"#).count.0, Some(2));
        assert_eq!(outer(r#"{"count":1,"count":null}"#).count.0, None);
    }

    #[test]
    fn amounts_and_lengths_are_read_from_their_text() {
        let inner = |json: &str| read::<Inner>(json.as_bytes()).unwrap();
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
