//! What a record holds in another shape than its flat JSON: the user, the cost, and what of the properties was dropped.

use super::listed::closed_list;
use super::{
    Cost, PriceMatch, Priced, Record, RecordError, Text, UnpricedReason, Usd, User, UserId, UserSource,
};
use std::sync::Arc;

closed_list! {
    /// Which of the variants of [`Cost`] it is.
    pub(super) CostState, "cost_state" {
        Priced = "priced",
        Reported = "reported",
        Unpriced = "unpriced",
        None = "none",
    }
}

/// The user, the cost and the count of dropped properties, key by key.
#[derive(Debug, Default)]
pub(super) struct Flat {
    pub(super) user: Option<UserId>,
    pub(super) user_source: Option<UserSource>,
    pub(super) cost_state: Option<CostState>,
    pub(super) cost_reason: Option<UnpricedReason>,
    pub(super) cost: Option<Usd>,
    pub(super) computed_cost: Option<Usd>,
    pub(super) charge: Option<Usd>,
    pub(super) priced_as: Option<Arc<str>>,
    pub(super) price_match: Option<PriceMatch>,
    pub(super) tier_applied: Option<Text>,
    pub(super) price_version: Option<Arc<str>>,
    pub(super) properties_dropped: u32,
}

impl Flat {
    /// Returns the values of `record` at these keys.
    pub(super) fn of(record: &Record) -> Self {
        let mut flat = Self {
            user: record.user.as_ref().map(|user| user.id.clone()),
            user_source: record.user.as_ref().map(|user| user.source),
            cost: record.cost.total(),
            properties_dropped: record.properties.dropped(),
            ..Self::default()
        };
        flat.cost_state = Some(match &record.cost {
            Cost::Priced(_) => CostState::Priced,
            Cost::Reported { computed, .. } => {
                flat.computed_cost = computed.as_ref().map(|priced| priced.total);
                CostState::Reported
            }
            Cost::Unpriced(reason) => {
                flat.cost_reason = Some(*reason);
                CostState::Unpriced
            }
            Cost::None => CostState::None,
        });
        if let Some(priced) = record.cost.computed() {
            flat.charge = priced.charge();
            flat.priced_as = Some(Arc::clone(&priced.entry));
            flat.price_match = Some(priced.matched);
            flat.tier_applied = priced.tier.clone();
            flat.price_version = Some(Arc::clone(&priced.version));
        }
        flat
    }

    /// Puts what was read into `record`.
    pub(super) fn put_into(mut self, record: &mut Record) -> Result<(), RecordError> {
        let source = self.user_source.unwrap_or(UserSource::Custom);
        record.user = self.user.take().map(|id| User::new(id, source));
        record.properties.add_dropped(self.properties_dropped);
        let total = self.cost.ok_or(RecordError::missing("cost_usd"));
        record.cost = match self.cost_state.ok_or(RecordError::missing("cost_state"))? {
            CostState::Priced => Cost::Priced(self.priced(total?)?),
            CostState::Reported => Cost::Reported {
                total: total?,
                computed: match self.computed_cost {
                    Some(computed) => Some(self.priced(computed)?),
                    None => None,
                },
            },
            CostState::Unpriced => {
                Cost::Unpriced(self.cost_reason.ok_or(RecordError::missing("cost_reason"))?)
            }
            CostState::None => Cost::None,
        };
        Ok(())
    }

    /// Returns our own computation, as far as a record keeps it.
    fn priced(self, total: Usd) -> Result<Priced, RecordError> {
        let mut priced = Priced::new(
            total,
            self.priced_as.ok_or(RecordError::missing("priced_as"))?,
            self.price_version.ok_or(RecordError::missing("price_version"))?,
        );
        priced.matched = self.price_match.unwrap_or(PriceMatch::Pattern);
        priced.tier = self.tier_applied;
        Ok(match self.charge {
            Some(charge) => priced.with_charge(charge),
            None => priced,
        })
    }
}
