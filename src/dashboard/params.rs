//! Query strings, read and written.

use super::problem::Problem;
use crate::record::Text;
use std::borrow::Cow;

/// The parameters of a query string, in their order. Those without a value are as if they were not there: that is how forms
/// send fields that were left empty.
#[derive(Clone, Debug, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    pub(super) fn parse(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes());
        Self(
            pairs
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// The value of a parameter; the last one where there are more.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A short text.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<Text>, Problem> {
        self.get(name).map(|value| Text::new(value).map_err(|error| Problem::of(name, error))).transpose()
    }

    /// A whole number up to a limit, or what it is unless told.
    pub(super) fn number(&self, name: &'static str, unless: usize, limit: usize) -> Result<usize, Problem> {
        let Some(value) = self.get(name) else { return Ok(unless) };
        let digits = value.bytes().all(|byte| byte.is_ascii_digit());
        let number = value.parse().ok().filter(|number| digits && *number <= limit);
        number.ok_or_else(|| Problem::of(name, format_args!("must be a whole number of at most {limit}")))
    }

    /// The same parameters, but for those of a name, which are these.
    pub(super) fn with<'a>(&self, name: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        let others = self.0.iter().filter(|(known, _)| known != name).cloned();
        let new = values.into_iter().map(|value| (name.to_owned(), value.to_owned()));
        Self(others.chain(new).collect())
    }

    /// The same parameters, but for those that are called one of `names`.
    pub(super) fn without(&self, names: &[&str]) -> Self {
        Self(self.0.iter().filter(|(known, _)| !names.contains(&known.as_str())).cloned().collect())
    }

    /// Only the parameters that are called one of `names`.
    pub(super) fn only(&self, names: &[&str]) -> Self {
        Self(self.0.iter().filter(|(known, _)| names.contains(&known.as_str())).cloned().collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A link to `page` with these parameters.
    pub(super) fn link(&self, page: &str) -> String {
        if self.0.is_empty() {
            return page.to_owned();
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.0);
        format!("{page}?{}", query.finish())
    }
}

/// One of a list of names.
pub(super) fn one_of<T: Copy>(
    field: &'static str,
    value: &str,
    names: impl IntoIterator<Item = (&'static str, T)> + Clone,
) -> Result<T, Problem> {
    let found = names.clone().into_iter().find(|(name, _)| *name == value);
    found.map(|(_, of)| of).ok_or_else(|| {
        let names: Vec<Cow<'_, str>> = names.into_iter().map(|(name, _)| name.into()).collect();
        Problem::of(field, format_args!("must be one of {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_reads_back_as_what_it_was_made_of() {
        let id = "<script>&=+ %/?#\u{1f600}";
        let params = Params::parse("a=1&a=2&empty=").with("id", [id]);
        let link = params.link("user");
        assert!(link.is_ascii() && !link.contains('<'), "{link}");
        let read = Params::parse(link.split_once('?').unwrap().1);
        assert_eq!(read.get("id"), Some(id));
        assert_eq!((read.get("a"), read.all("a").count(), read.get("empty")), (Some("2"), 2, None));
        assert_eq!(read.without(&["a", "id"]).link("users"), "users");
    }

    #[test]
    fn an_error_names_the_parameter_and_its_limit() {
        let params = Params::parse("limit=1001&offset=-1&text=a%00b");
        assert_eq!(
            params.number("limit", 10, 1_000).unwrap_err().to_string(),
            "limit: must be a whole number of at most 1000"
        );
        assert!(params.number("offset", 0, 10).is_err());
        assert_eq!(params.number("other", 7, 10).unwrap(), 7);
        assert_eq!(params.text("text").unwrap_err().field.as_deref(), Some("text"));
        assert_eq!(
            one_of("step", "year", [("day", 1), ("week", 2)]).unwrap_err().to_string(),
            "step: must be one of day, week"
        );
    }
}
