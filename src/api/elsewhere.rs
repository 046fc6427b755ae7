//! Figures that few answers have, beside a usage object or in place of it.

use super::carrier::Carrier;
use super::counted::Counted;
use super::fields::Member;
use super::hosted::Hosted;
use super::usage::{Reading, Speaker};

/// Figures that few answers have.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    /// A usage object that counts where there is no other.
    usage: Carrier,
    /// Bedrock's own counters beside those of the model.
    pub(super) metrics: Carrier,
    pub(super) counted: Counted,
    pub(super) hosted: Hosted,
}

impl Elsewhere {
    /// Takes note of a member.
    pub(super) fn note(&mut self, member: Member, raw: &[u8]) {
        match member {
            Member::UsageElsewhere => drop(self.usage.replace(raw)),
            Member::InvocationMetrics => drop(self.metrics.replace(raw)),
            _ => self.counted.note(member, raw),
        }
    }

    /// What it says where the usage object says nothing.
    pub(super) fn read(&self, speaker: Speaker) -> Option<Reading> {
        let counted = self.counted.tokens();
        counted.or_else(|| self.metrics.read(speaker)).or_else(|| self.usage.read(speaker))
    }

    /// Whether there was something that cannot be read.
    pub(super) fn is_malformed(&self, speaker: Speaker) -> bool {
        self.metrics.is_malformed(speaker) || self.usage.is_malformed(speaker)
    }
}
