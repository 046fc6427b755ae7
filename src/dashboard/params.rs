//! The query strings of addresses, which hold all state of the pages.

use super::rejection::Rejection;
use super::route::DashboardRoute;
use crate::record::Text;

/// The parameters that say from when to when. They go along from page to page.
pub(super) const RANGE: [&str; 4] = ["range", "from", "to", "zone"];
/// The parameters that say which calls count.
pub(super) const CALLS: [&str; 4] = ["model", "provider", "operation", "property"];

/// The parameters of a query string, in their order. Those without a value are left out, because forms send fields that were
/// left empty.
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

    /// Returns the value of a parameter, the last one if there are several.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns all values of a parameter.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Reads a short text.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<Text>, Rejection> {
        self.get(name).map(|value| Text::new(value).map_err(|error| Rejection::of(name, error))).transpose()
    }

    /// Reads a whole number up to a limit.
    pub(super) fn number(
        &self,
        name: &'static str,
        default: usize,
        limit: usize,
    ) -> Result<usize, Rejection> {
        let Some(value) = self.get(name) else { return Ok(default) };
        let digits = value.bytes().all(|byte| byte.is_ascii_digit());
        let number = value.parse().ok().filter(|number| digits && *number <= limit);
        number.ok_or_else(|| Rejection::of(name, format_args!("must be a whole number of at most {limit}")))
    }

    /// Replaces the values of a parameter.
    pub(super) fn with<'a>(&self, name: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        let others = self.0.iter().filter(|(known, _)| known != name).cloned();
        let new = values.into_iter().map(|value| (name.to_owned(), value.to_owned()));
        Self(others.chain(new).collect())
    }

    /// Removes the parameters called one of `names`.
    pub(super) fn without(&self, names: &[&str]) -> Self {
        Self(self.0.iter().filter(|(known, _)| !names.contains(&known.as_str())).cloned().collect())
    }

    /// Keeps only the parameters called one of `names`.
    pub(super) fn only(&self, names: &[&str]) -> Self {
        Self(self.0.iter().filter(|(known, _)| names.contains(&known.as_str())).cloned().collect())
    }

    /// Returns the parameters as the hidden fields of a form.
    pub(super) fn fields(&self) -> Vec<(String, String)> {
        self.0.clone()
    }

    /// Returns a relative link to `route` with these parameters.
    pub(super) fn link(&self, route: impl Into<DashboardRoute>) -> String {
        let path = route.into().relative();
        if self.0.is_empty() {
            return path.to_owned();
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.0);
        format!("{path}?{}", query.finish())
    }
}

/// Finds a value by its name in a list.
pub(super) fn one_of<T: Copy>(
    field: &'static str,
    value: &str,
    names: impl IntoIterator<Item = (&'static str, T)> + Clone,
) -> Result<T, Rejection> {
    let found = names.clone().into_iter().find(|(name, _)| *name == value);
    found.map(|(_, of)| of).ok_or_else(|| {
        let names: Vec<_> = names.into_iter().map(|(name, _)| name).collect();
        Rejection::of(field, format_args!("must be one of {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::super::route::Page;
    use super::*;

    #[test]
    fn a_link_reads_back_as_what_it_was_made_of() {
        let id = "<script>&=+ %/?#\u{1f600}";
        let params = Params::parse("a=1&a=2&empty=").with("id", [id]);
        let link = params.link(Page::User);
        assert!(link.is_ascii() && !link.contains('<'), "{link}");
        let read = Params::parse(link.split_once('?').unwrap().1);
        assert_eq!(read.get("id"), Some(id));
        assert_eq!((read.get("a"), read.all("a").count(), read.get("empty")), (Some("2"), 2, None));
        assert_eq!(read.without(&["a", "id"]).link(Page::Users), "users");
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
