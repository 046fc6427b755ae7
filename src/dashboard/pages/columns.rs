//! The columns of the table of users.

use super::super::condition;
use super::super::params::Params;
use super::super::rejection::Rejection;
use crate::report::Measure;

/// The columns that are shown unless others are chosen. They come first.
const DEFAULT: [Measure; 8] = [
    Measure::Requests,
    Measure::InputTokens,
    Measure::OutputTokens,
    Measure::Cost,
    Measure::ErrorRate,
    Measure::ActiveDays,
    Measure::RequestsPerActiveDay,
    Measure::LastActive,
];

/// Returns all columns in their order.
pub(super) fn all() -> impl Iterator<Item = Measure> {
    let others = Measure::ALL.iter().filter(|measure| !DEFAULT.contains(measure));
    DEFAULT.into_iter().chain(others.copied())
}

/// Reads the chosen columns.
pub(super) fn chosen(params: &Params) -> Result<Vec<Measure>, Rejection> {
    let named = params.all("columns").map(|name| condition::measure("columns", name));
    let named = named.collect::<Result<Vec<_>, _>>()?;
    if named.is_empty() {
        return Ok(DEFAULT.to_vec());
    }
    Ok(all().filter(|measure| named.contains(measure)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_those_that_were_chosen_and_none_is_left_out() {
        let columns = |query: &str| chosen(&Params::parse(query));
        assert_eq!(columns("columns=cost_usd&columns=requests").unwrap(), [Measure::Requests, Measure::Cost]);
        assert_eq!(columns("").unwrap(), DEFAULT);
        assert_eq!(columns("columns=mood").unwrap_err().field.as_deref(), Some("columns"));
        assert_eq!(all().count(), Measure::ALL.len());
    }
}
