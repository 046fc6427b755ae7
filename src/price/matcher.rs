//! The rules by which price data says which names an entry covers.

use super::regex::Regex;
use serde::Deserialize;

/// A rule over a lower-cased name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Matcher {
    Equals(Box<str>),
    StartsWith(Box<str>),
    EndsWith(Box<str>),
    Contains(Box<str>),
    Regex(Box<Regex>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

impl Matcher {
    /// Whether the rule covers `name`, which is in lower case.
    pub(super) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Equals(text) => name == &**text,
            Self::StartsWith(text) => name.starts_with(&**text),
            Self::EndsWith(text) => name.ends_with(&**text),
            Self::Contains(text) => name.contains(&**text),
            Self::Regex(regex) => regex.is_match(name),
            Self::All(rules) => rules.iter().all(|rule| rule.matches(name)),
            Self::Any(rules) => rules.iter().any(|rule| rule.matches(name)),
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
            Self::Any(rules) => {
                let mut left: Vec<_> = rules.into_iter().filter_map(|rule| rule.split_names(names)).collect();
                if left.len() > 1 { Some(Self::Any(left)) } else { left.pop() }
            }
            pattern => Some(pattern),
        }
    }
}

/// A rule as the genai-prices data writes it: an object with one of these keys.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Written {
    Equals(String),
    StartsWith(String),
    EndsWith(String),
    Contains(String),
    Regex(String),
    And(Vec<Self>),
    Or(Vec<Self>),
}

impl Written {
    /// The rule, or the pattern in it that cannot be read.
    pub(super) fn compile(self) -> Result<Matcher, String> {
        // A name has no control characters, and a snapshot could not hold them.
        let lower = |text: String| match text.contains(char::is_control) {
            true => Err(text),
            false => Ok(text.to_lowercase().into_boxed_str()),
        };
        let all = |rules: Vec<Self>| rules.into_iter().map(Self::compile).collect::<Result<Vec<_>, _>>();
        Ok(match self {
            Self::Equals(text) => Matcher::Equals(lower(text)?),
            Self::StartsWith(text) => Matcher::StartsWith(lower(text)?),
            Self::EndsWith(text) => Matcher::EndsWith(lower(text)?),
            Self::Contains(text) => Matcher::Contains(lower(text)?),
            Self::Regex(text) if text.contains(char::is_control) => return Err(text),
            Self::Regex(text) => Matcher::Regex(Box::new(Regex::new(&text).ok_or(text)?)),
            Self::And(rules) => Matcher::All(all(rules)?),
            Self::Or(rules) => Matcher::Any(all(rules)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(json: &str) -> Matcher {
        serde_json::from_str::<Written>(json).unwrap().compile().unwrap()
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
        assert_eq!(left, Some(Matcher::StartsWith("b".into())));
        assert_eq!(rule(r#"{"equals":"a"}"#).split_names(&mut names), None);
    }

    #[test]
    fn a_rule_that_is_not_known_is_an_error() {
        for bad in [r#"{"not":"a"}"#, r#"{"equals":"a","contains":"b"}"#, r#"{}"#, r#"{"or":"a"}"#] {
            assert!(serde_json::from_str::<Written>(bad).is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<Written>(r#"{"regex":"(a"}"#).unwrap().compile().is_err());
    }
}
