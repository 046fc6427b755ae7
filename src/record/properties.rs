//! Free-form properties of a call.

use super::text::Text;

/// The properties that a caller attached to a call, bounded in number and size.
///
/// ```
/// use tower_llm_metrics::record::Properties;
///
/// let mut properties = Properties::default();
/// properties.insert("team", "search");
/// properties.insert("notes", &"x".repeat(10_000)); // too long: refused, and counted
/// assert_eq!(properties.get("team"), Some("search"));
/// assert_eq!((properties.len(), properties.dropped()), (1, 1));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    // Sorted by name.
    entries: Vec<(Text, Text)>,
    dropped: u32,
}

impl Properties {
    /// The largest number of properties that are kept. More are refused and counted.
    pub const MAX: usize = 16;

    /// Adds a property, or replaces the one of that name. A name or value that [`Text::new`] refuses, and a new
    /// name beyond [`Properties::MAX`], is left out and counted.
    pub fn insert(&mut self, name: &str, value: &str) {
        let (Ok(name), Ok(value)) = (Text::new(name), Text::new(value)) else { return self.refuse() };
        match self.entries.binary_search_by(|(known, _)| known.cmp(&name)) {
            Ok(at) => {
                if let Some(entry) = self.entries.get_mut(at) {
                    entry.1 = value;
                }
            }
            Err(_) if self.entries.len() == Self::MAX => self.refuse(),
            Err(at) => self.entries.insert(at, (name, value)),
        }
    }

    /// Counts a property that could not be read.
    pub fn refuse(&mut self) {
        self.add_dropped(1);
    }

    pub(crate) fn add_dropped(&mut self, count: u32) {
        self.dropped = self.dropped.saturating_add(count);
    }

    /// Returns the value of the property `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find_map(|(known, value)| (known == name).then_some(value))
    }

    /// Returns the properties, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the number of properties that were kept.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether no property was kept.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the number of properties that were refused.
    pub fn dropped(&self) -> u32 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_beyond_the_bound_are_counted_not_kept() {
        let mut properties = Properties::default();
        for n in 0..Properties::MAX + 3 {
            properties.insert(&format!("p{n:02}"), "v");
        }
        properties.insert("p00", "replaced");
        properties.insert("", "nameless");
        assert_eq!(properties.len(), Properties::MAX);
        assert_eq!(properties.dropped(), 4);
        assert_eq!(properties.get("p00"), Some("replaced"));
    }
}
