//! The kinds of calls, which calls are filtered and broken down by.

use crate::record::{Operation, Provider, Record, Text, UsageReason, UsageState};
use crate::report::CallFilter;

/// A name that a store may have been unable to keep.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Name<T> {
    /// The call had none.
    #[default]
    Absent,
    Is(T),
    /// It had one that the store could not keep apart from others.
    Other,
}

impl<T> Name<T> {
    fn of(name: Option<T>) -> Self {
        name.map_or(Self::Absent, Self::Is)
    }

    /// Returns whether it is a name that `wanted` accepts; `None` where the store can't say.
    fn is(&self, wanted: impl FnOnce(&T) -> bool) -> Option<bool> {
        match self {
            Self::Absent => Some(false),
            Self::Is(name) => Some(wanted(name)),
            Self::Other => None,
        }
    }
}

/// Which dimensions a store keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dimensions {
    pub(crate) models: bool,
    pub(crate) operations: bool,
    pub(crate) properties: bool,
}

/// The kind of a call. The model is the one that answered, or else the one asked for, which is also the one that is priced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Facet {
    pub(crate) provider: Name<Provider>,
    pub(crate) model: Name<Text>,
    pub(crate) operation: Name<Operation>,
    /// Why the usage is absent.
    pub(crate) absent_usage: Name<UsageReason>,
    /// Sorted by name.
    pub(crate) properties: Vec<(Text, Name<Text>)>,
    /// Whether there were properties whose names were not kept.
    pub(crate) more_properties: bool,
}

impl Facet {
    /// The kind of calls about which nothing was kept.
    pub(crate) const OTHER: Self = Self {
        provider: Name::Other,
        model: Name::Other,
        operation: Name::Other,
        absent_usage: Name::Other,
        properties: Vec::new(),
        more_properties: true,
    };

    pub(crate) fn of(record: &Record, keep: Dimensions) -> Self {
        let mut facet = Self { absent_usage: Name::of(absent_usage_of(record)), ..Self::OTHER };
        if keep.models {
            facet.provider = Name::of(record.provider.clone());
            facet.model = Name::of(record.answering_model().cloned());
        }
        if keep.operations {
            facet.operation = Name::Is(record.operation);
        }
        if keep.properties {
            // Names and values were texts in the record, so none is left out.
            let kept = record
                .properties
                .iter()
                .filter_map(|(name, value)| Some((Text::new(name).ok()?, Name::Is(Text::new(value).ok()?))));
            facet.properties = kept.collect();
            facet.more_properties = record.properties.dropped() != 0;
        }
        facet
    }

    /// Returns whether [`Facet::of`] the record is this one, without making it.
    #[inline]
    pub(crate) fn is_of(&self, record: &Record, keep: Dimensions) -> bool {
        fn same<T: PartialEq>(kept: &Name<T>, given: Option<&T>) -> bool {
            match kept {
                Name::Absent => given.is_none(),
                Name::Is(name) => given == Some(name),
                Name::Other => false,
            }
        }
        same(&self.absent_usage, absent_usage_of(record).as_ref())
            && (!keep.operations || self.operation == Name::Is(record.operation))
            && (!keep.models
                || (same(&self.model, record.answering_model())
                    && same(&self.provider, record.provider.as_ref())))
            && (!keep.properties
                || (self.properties.len() == record.properties.len()
                    && self.more_properties == (record.properties.dropped() != 0)
                    && self.properties.iter().zip(record.properties.iter()).all(
                        |((name, value), (given_name, given))| {
                            name == given_name && matches!(value, Name::Is(value) if value == given)
                        },
                    )))
    }

    /// Returns a coarser kind: first without the properties, then without the name of the model, then
    /// [`Facet::OTHER`], and `None` for that.
    pub(crate) fn coarser(&self) -> Option<Self> {
        let mut coarser = Self { properties: Vec::new(), more_properties: true, ..self.clone() };
        if coarser == *self {
            coarser = match self.model {
                Name::Is(_) => Self { model: Name::Other, ..coarser },
                Name::Absent | Name::Other => Self::OTHER,
            };
        }
        (coarser != *self).then_some(coarser)
    }

    /// Returns whether calls of this kind count; `None` where too little was kept to say.
    pub(crate) fn counts(&self, filter: &CallFilter) -> Option<bool> {
        filter.decide(&|single| match single {
            CallFilter::Model(model) => self.has_model(model),
            CallFilter::ModelLike(pattern) => self.model.is(|name| pattern.matches(name)),
            CallFilter::Provider(provider) => self.provider.is(|name| name == provider),
            CallFilter::Operation(operation) => self.operation.is(|name| name == operation),
            CallFilter::HasProperty(name) => self.has_property(name, None),
            CallFilter::Property(name, value) => self.has_property(name, Some(value)),
            CallFilter::All | CallFilter::And(_) | CallFilter::Or(_) | CallFilter::Not(_) => None,
        })
    }

    pub(crate) fn has_model(&self, model: &str) -> Option<bool> {
        self.model.is(|name| name == model)
    }

    /// Returns whether the call had the property, with the given value if there is one.
    fn has_property(&self, name: &str, value: Option<&str>) -> Option<bool> {
        match (self.properties.iter().find(|(known, _)| known == name), value) {
            (Some((_, held)), Some(value)) => held.is(|held| held == value),
            (Some(_), None) => Some(true),
            (None, _) if self.more_properties => None,
            (None, _) => Some(false),
        }
    }
}

/// Returns why the usage is absent, if it is.
fn absent_usage_of(record: &Record) -> Option<UsageReason> {
    record.usage_reason.filter(|_| record.usage_state == UsageState::Absent)
}
