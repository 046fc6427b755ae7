//! The rules by which an entry of price data covers names.

use fancy_regex::{BytesMode, RegexBuilder};
use serde::{Deserialize, Deserializer, Serialize};

/// A rule over a name in lower case, as genai-prices writes it: an object with one of these keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum NamePattern {
    Equals(#[serde(deserialize_with = "lowercase")] Box<str>),
    StartsWith(#[serde(deserialize_with = "lowercase")] Box<str>),
    EndsWith(#[serde(deserialize_with = "lowercase")] Box<str>),
    Contains(#[serde(deserialize_with = "lowercase")] Box<str>),
    Regex(Box<Regex>),
    And(Vec<Self>),
    Or(Vec<Self>),
}

fn lowercase<'de, D: Deserializer<'de>>(text: D) -> Result<Box<str>, D::Error> {
    Ok(String::deserialize(text)?.to_lowercase().into())
}

impl NamePattern {
    /// Returns whether the rule covers `name`, which is in lower case.
    pub(super) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Equals(text) => name == &**text,
            Self::StartsWith(text) => name.starts_with(&**text),
            Self::EndsWith(text) => name.ends_with(&**text),
            Self::Contains(text) => name.contains(&**text),
            Self::Regex(regex) => regex.is_match(name),
            Self::And(rules) => rules.iter().all(|rule| rule.matches(name)),
            Self::Or(rules) => rules.iter().any(|rule| rule.matches(name)),
        }
    }

    /// Takes out the names that the rule spells in full, which are looked up by hash; what is left, if anything, are
    /// patterns.
    pub(super) fn split_names(self, names: &mut Vec<Box<str>>) -> Option<Self> {
        match self {
            Self::Equals(name) => {
                names.push(name);
                None
            }
            Self::Or(rules) => {
                let mut left: Vec<_> = rules.into_iter().filter_map(|rule| rule.split_names(names)).collect();
                if left.len() > 1 { Some(Self::Or(left)) } else { left.pop() }
            }
            pattern => Some(pattern),
        }
    }
}

/// The longest pattern that is read; those of the data have less than two hundred bytes.
const MAX_LEN: usize = 1024;
/// The most groups and classes, which bounds how deep they are nested; those of the data have six.
const MAX_GROUPS: usize = 32;
/// The most bytes of memory that a part of a pattern may take; those of the data take a few thousand.
const MAX_SIZE: usize = 1 << 16;
/// The most steps that looking ahead may take back in one match. Patterns of the data take less than a thousand, for names of at most 256 bytes.
const MAX_STEPS: usize = 10_000;

/// A regular expression of price data, bounded: a file of prices must not be able to take a process's stack, memory or time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Regex(fancy_regex::Regex);

impl Regex {
    /// Compiles a pattern; `None` for what cannot be read, or is too large.
    fn new(source: &str) -> Option<Self> {
        if source.len() > MAX_LEN || !is_plain(source) {
            return None;
        }
        RegexBuilder::new(source)
            // Classes like `\d` are of ASCII, and need no tables.
            .bytes_mode(BytesMode::Ascii)
            .delegate_size_limit(MAX_SIZE)
            .delegate_dfa_size_limit(MAX_SIZE)
            .delegate_dfa_skip_cache_capacity_check(false)
            .max_prog_size(MAX_SIZE)
            .backtrack_limit(MAX_STEPS)
            .build()
            .ok()
            .map(Self)
    }

    /// Returns whether the pattern is found anywhere in `text`. A match that takes too many steps counts as none.
    fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text.as_bytes()).unwrap_or(false)
    }
}

/// Returns whether a pattern is of the kinds that price data needs, and has few groups. Patterns that refer to their own parts are not: a group may
/// call itself, and is then compiled until a limit is met, on the stack.
fn is_plain(source: &str) -> bool {
    let mut groups = 0;
    let mut rest = source;
    while let Some(next) = rest.chars().next() {
        rest = rest.get(next.len_utf8()..).unwrap_or_default();
        match next {
            '\\' => {
                let escaped = rest.chars().next();
                if !escaped
                    .is_some_and(|escaped| escaped.is_ascii_punctuation() || "dDwWsSbB".contains(escaped))
                {
                    return false;
                }
                rest = rest.get(1..).unwrap_or_default();
            }
            '(' | '[' => {
                groups += 1;
                let known = |rest: &str| ["?:", "?=", "?!"].iter().any(|kind| rest.starts_with(kind));
                if next == '(' && rest.starts_with('?') && !known(rest) {
                    return false;
                }
            }
            _ => {}
        }
    }
    groups <= MAX_GROUPS
}

impl TryFrom<String> for Regex {
    type Error = String;

    fn try_from(source: String) -> Result<Self, String> {
        Self::new(&source).ok_or(source)
    }
}

impl From<Regex> for String {
    fn from(regex: Regex) -> Self {
        regex.0.as_str().to_owned()
    }
}

impl PartialEq for Regex {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Regex {}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(json: &str) -> NamePattern {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn rules_cover_what_they_say_in_any_case_of_the_data() {
        let rule = rule(
            r#"{"or":[{"equals":"GLM-5.3"},{"and":[{"starts_with":"glm-4"},{"ends_with":"v"}]},
                {"contains":"air"},{"regex":"^x\\d$"}]}"#,
        );
        for name in ["glm-5.3", "glm-4.5v", "the-air-one", "x7"] {
            assert!(rule.matches(name), "{name}");
        }
        for name in ["glm-5.30", "glm-4.5", "x77"] {
            assert!(!rule.matches(name), "{name}");
        }
    }

    #[test]
    fn names_spelt_in_full_are_taken_out_of_the_patterns() {
        let mut names = Vec::new();
        let left = rule(r#"{"or":[{"equals":"a"},{"starts_with":"b"},{"or":[{"equals":"c"}]}]}"#)
            .split_names(&mut names);
        assert_eq!(names, ["a".into(), "c".into()]);
        assert_eq!(left, Some(NamePattern::StartsWith("b".into())));
        assert_eq!(rule(r#"{"equals":"a"}"#).split_names(&mut names), None);
    }

    #[test]
    fn a_rule_that_is_not_known_is_an_error() {
        for bad in [
            r#"{"not":"a"}"#,
            r#"{"equals":"a","contains":"b"}"#,
            r#"{}"#,
            r#"{"or":"a"}"#,
            r#"{"regex":"(a"}"#,
        ] {
            assert!(serde_json::from_str::<NamePattern>(bad).is_err(), "{bad}");
        }
    }

    fn matches(pattern: &str, text: &str) -> bool {
        Regex::new(pattern).unwrap_or_else(|| panic!("{pattern}")).is_match(text)
    }

    #[test]
    fn the_shapes_that_the_data_uses_match_as_they_should() {
        assert!(matches(r"^gpt-6-sol-\d{4}-\d{2}-\d{2}$", "gpt-6-sol-2026-09-22"));
        assert!(!matches(r"^gpt-6-sol-\d{4}-\d{2}-\d{2}$", "gpt-6-sol-2026-09-22x"));
        assert!(matches(r"^claude-opus-5[-@]\d{8}$", "claude-opus-5@20260101"));
        assert!(matches(r"^composer-2\.5\[fast=true\]$", "composer-2.5[fast=true]"));
        assert!(matches(r"^(typesafe/)?jev-1\.13(-\d{8})?$", "typesafe/jev-1.13"));
        let no_speech = r"^(?!.*-[tT][tT][sS](?:$|-))";
        assert!(matches(no_speech, "gemini-2.5-pro-preview"));
        assert!(!matches(no_speech, "gemini-2.5-pro-preview-tts"));
        assert!(!matches(no_speech, "gemini-2.5-pro-tts-01"));
        let mistral = "^(?![^/]+/)(?:labs-)?(?:(?:mi|code|dev)stral|mixtral|open-(?:mistral|mixtral))";
        assert!(matches(mistral, "codestral-2508") && !matches(mistral, "x/codestral-2508"));
        assert!(matches("^o[134]", "o3-pro") && !matches("^o[134]", "gpt-o3"));
        assert!(matches("b{2,3}c", "aabbbc") && !matches("^ab{2,3}c", "abc"));
        assert!(matches("(?=.*z)a+?b", "aab-z") && !matches("(?=.*z)ab", "ab"));
        assert!(matches("^[^/]+$", "modèle") && !matches("^\\w+$", "modèle"));
    }

    #[test]
    fn what_cannot_be_read_or_is_too_large_is_refused() {
        let long = "a".repeat(MAX_LEN + 1);
        let many = "(a)".repeat(MAX_GROUPS + 1);
        for pattern in ["(", ")", "[", "[z-a]", "*", "(a{999}){999}", &long, &many] {
            assert_eq!(Regex::new(pattern), None, "{pattern}");
        }
        for pattern in
            [r"\", r"\p{Greek}", r"(a)\1", r"(?<r>a\g<r>?)", "(?i)a", "(?<n>a)", "(?<!a)b", "(?>a)"]
        {
            assert_eq!(Regex::new(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn no_pattern_overflows_a_small_stack_or_runs_without_bound() {
        let patterns = || {
            let nested = |open: &str, close: &str| open.repeat(MAX_GROUPS) + "a" + &close.repeat(MAX_GROUPS);
            [
                "((a{0}){256}){24}".to_owned(),
                "(?=((a{0}){256}){24})".to_owned(),
                "(?:(?:(?:(?=a)b){1000}){1000}){1000}".to_owned(),
                r"(?<r>a\g<r>?\g<r>?)(?=b)".to_owned(),
                "^(a+)+$".to_owned(),
                "^(?=(a+)+$)b".to_owned(),
                "(x*)*y".to_owned(),
                "a*".repeat(20) + "(?=b)c",
                "(?:a|a)*".repeat(20) + "(?!a)c",
                nested("(", ")"),
                nested("(?=", ")"),
                nested("(?:", ")*"),
                nested("[", "]"),
                "|".repeat(1_000),
            ]
        };
        let run = move || {
            for pattern in patterns() {
                let Some(regex) = Regex::new(&pattern) else { continue };
                for text in ["a".repeat(256), "a".repeat(255) + "b", "x".repeat(256)] {
                    let _ = regex.is_match(&text);
                }
            }
        };
        // Half of what a worker of tokio has.
        std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
    }
}
