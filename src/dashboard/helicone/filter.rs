//! Filter trees.
//!
//! A tree has conditions on calls (`request_response_rmt`) and on what a user's calls add up to (`users_view`). The report applies
//! these one after the other, like the `WHERE` and `HAVING` of Helicone's queries. So `and` may join both, and `or` may not.

use super::super::condition;
use super::super::rejection::Rejection;
use super::fields::{JsonMembers, text};
use crate::record::{Provider, Text, UserId};
use crate::report::{Amount, CallFilter, Measure, MeasureUnit, Pattern, UserFilter, Window};
use jiff::Timestamp;
use serde_json::value::RawValue;
use std::time::SystemTime;

/// What a tree selects: which calls, when, and which of their users.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FilterTree {
    pub(super) calls: CallFilter,
    pub(super) users: UserFilter,
    pub(super) window: Window,
}

const ALL: FilterTree = FilterTree { calls: CallFilter::All, users: UserFilter::All, window: Window::ALL };

/// The deepest nesting of a tree, and the most leaves.
const MAX_DEPTH: usize = 32;
const MAX_LEAVES: usize = 256;

/// Reads a tree.
pub(super) fn read(path: &str, tree: &RawValue) -> Result<FilterTree, Rejection> {
    let mut leaves = 0;
    node(path, tree, MAX_DEPTH, &mut leaves)
}

fn node(path: &str, tree: &RawValue, depth: usize, leaves: &mut usize) -> Result<FilterTree, Rejection> {
    if depth == 0 {
        return Err(Rejection::of(path, format_args!("is nested deeper than {MAX_DEPTH}")));
    }
    if tree.get().starts_with('"') {
        return match text(path, tree)?.as_str() {
            "all" => Ok(ALL),
            _ => Err(Rejection::of(path, r#"must be "all", a leaf, or a branch"#)),
        };
    }
    let fields = JsonMembers::conditions(path, tree)?;
    if let Some(operator) = fields.get("operator") {
        let operator = text(&fields.path("operator"), operator)?;
        let side = |name: &str, leaves: &mut usize| {
            node(&fields.path(name), fields.required(name)?, depth - 1, leaves)
        };
        let (left, right) = (side("left", leaves)?, side("right", leaves)?);
        return match operator.as_str() {
            "and" => Ok(and(left, right)),
            "or" => or(path, left, right),
            _ => Err(Rejection::of(fields.path("operator"), "must be and or or")),
        };
    }
    let mut all = ALL;
    for (table, value) in fields.iter() {
        for (column, value) in JsonMembers::conditions(fields.path(table), value)?.iter() {
            *leaves += 1;
            if *leaves > MAX_LEAVES {
                return Err(Rejection::of(path, format_args!("has more than {MAX_LEAVES} leaves")));
            }
            let path = format!("{path}.{table}.{column}");
            let leaf = match table {
                "users_view" => of_users(&path, column, value)?,
                "request_response_rmt" => of_calls(&path, column, value)?,
                _ => return Err(Rejection::of(path, "must be in users_view or request_response_rmt")),
            };
            all = and(all, leaf);
        }
    }
    Ok(all)
}

fn and(left: FilterTree, right: FilterTree) -> FilterTree {
    FilterTree {
        calls: left.calls.and(right.calls),
        users: left.users.and(right.users),
        window: left.window.and(&right.window),
    }
}

fn or(path: &str, left: FilterTree, right: FilterTree) -> Result<FilterTree, Rejection> {
    let only_calls = |filter: &FilterTree| filter.users == UserFilter::All && filter.window == Window::ALL;
    let only_users = |filter: &FilterTree| filter.calls == CallFilter::All && filter.window == Window::ALL;
    if left == ALL || right == ALL {
        Ok(ALL)
    } else if only_calls(&left) && only_calls(&right) {
        Ok(FilterTree { calls: left.calls.or(right.calls), ..ALL })
    } else if only_users(&left) && only_users(&right) {
        Ok(FilterTree { users: left.users.or(right.users), ..ALL })
    } else {
        Err(Rejection::of(path, "or joins users with users, or calls with calls, and no times"))
    }
}

/// Reads a condition on what a user's calls add up to.
fn of_users(path: &str, column: &str, value: &RawValue) -> Result<FilterTree, Rejection> {
    let users = match column {
        "user_user_id" => user_id(path, value)?,
        "user_active_for" => number(path, Measure::ActiveDays, value)?,
        "user_first_active" => number(path, Measure::FirstActive, value)?,
        "user_last_active" => number(path, Measure::LastActive, value)?,
        "user_total_requests" => number(path, Measure::Requests, value)?,
        "user_average_requests_per_day_active" => number(path, Measure::RequestsPerActiveDay, value)?,
        "user_average_tokens_per_request" => number(path, Measure::TokensPerRequest, value)?,
        "user_total_completion_tokens" => number(path, Measure::OutputTokens, value)?,
        "user_total_prompt_tokens" => number(path, Measure::InputTokens, value)?,
        "user_cost" => number(path, Measure::Cost, value)?,
        _ => return Err(Rejection::of(path, "is no column of users_view")),
    };
    Ok(FilterTree { users, ..ALL })
}

/// Reads a condition on calls.
fn of_calls(path: &str, column: &str, value: &RawValue) -> Result<FilterTree, Rejection> {
    match column {
        "user_id" => Ok(FilterTree { users: user_id(path, value)?, ..ALL }),
        "request_created_at" => Ok(FilterTree { window: time(path, value)?, ..ALL }),
        "model" => calls(path, value, |operator, text| {
            Ok(Some(match operator {
                "equals" => CallFilter::Model(text.clone()),
                "not-equals" => CallFilter::Model(text.clone()).negate(),
                _ => {
                    let Some((pattern, negated)) = pattern(operator, text) else { return Ok(None) };
                    let like = CallFilter::ModelLike(pattern);
                    if negated { like.negate() } else { like }
                }
            }))
        }),
        "provider" => calls(path, value, |operator, text| {
            // Helicone spells them in capitals.
            let id = text.to_ascii_lowercase();
            let provider = Provider::new(&id).map_err(|error| Rejection::of(path, error))?;
            Ok(equality(operator, CallFilter::Provider(provider)))
        }),
        "properties" => {
            let mut all = ALL;
            for (name, value) in JsonMembers::conditions(path, value)?.iter() {
                let key = Text::new(name).map_err(|error| Rejection::of(path, error))?;
                let path = format!("{path}.{name}");
                let leaf = calls(&path, value, |operator, text| {
                    Ok(equality(operator, CallFilter::Property(key.clone(), text.clone())))
                })?;
                all = and(all, leaf);
            }
            Ok(all)
        }
        _ => Err(Rejection::of(
            path,
            "is not kept for each call: model, provider, user_id, properties and request_created_at are",
        )),
    }
}

fn equality(operator: &str, filter: CallFilter) -> Option<CallFilter> {
    match operator {
        "equals" => Some(filter),
        "not-equals" => Some(filter.negate()),
        _ => None,
    }
}

fn calls(
    path: &str,
    value: &RawValue,
    mut of: impl FnMut(&str, &Text) -> Result<Option<CallFilter>, Rejection>,
) -> Result<FilterTree, Rejection> {
    let mut all = ALL;
    for (operator, value) in JsonMembers::conditions(path, value)?.iter() {
        let text = short(path, operator, value)?;
        let filter = of(operator, &text)?.ok_or_else(|| unknown(path, operator))?;
        all = and(all, FilterTree { calls: filter, ..ALL });
    }
    Ok(all)
}

fn short(path: &str, operator: &str, value: &RawValue) -> Result<Text, Rejection> {
    let path = format!("{path}.{operator}");
    Text::new(&text(&path, value)?).map_err(|error| Rejection::of(path, error))
}

fn unknown(path: &str, operator: &str) -> Rejection {
    Rejection::of(format!("{path}.{operator}"), "is no operator of this column")
}

/// Returns the pattern of an operator on texts, and whether it must not match.
fn pattern(operator: &str, text: &Text) -> Option<(Pattern, bool)> {
    Some(match operator {
        "like" => (Pattern::new(text), false),
        "ilike" => (Pattern::new(text).ignore_case(), false),
        "contains" => (Pattern::containing(text).ignore_case(), false),
        "not-contains" => (Pattern::containing(text).ignore_case(), true),
        _ => return None,
    })
}

/// Reads conditions on the id. The empty one stands for calls without a user.
fn user_id(path: &str, value: &RawValue) -> Result<UserFilter, Rejection> {
    let mut all = UserFilter::All;
    for (operator, value) in JsonMembers::conditions(path, value)?.iter() {
        let at = format!("{path}.{operator}");
        let one = match operator {
            "equals" => is(&at, &text(&at, value)?)?,
            "not-equals" => is(&at, &text(&at, value)?)?.negate(),
            _ => {
                let (pattern, negated) = pattern(operator, &short(path, operator, value)?)
                    .ok_or_else(|| unknown(path, operator))?;
                let like = UserFilter::Like(pattern);
                if negated { like.negate() } else { like }
            }
        };
        all = all.and(one);
    }
    Ok(all)
}

/// Selects one user by id, or the calls without a user if it is empty.
pub(super) fn is(path: &str, id: &str) -> Result<UserFilter, Rejection> {
    if id.is_empty() {
        return Ok(UserFilter::Nobody);
    }
    UserId::verbatim(id).map(UserFilter::Is).map_err(|error| Rejection::of(path, error))
}

/// Reads conditions on a figure.
fn number(path: &str, measure: Measure, value: &RawValue) -> Result<UserFilter, Rejection> {
    let mut all = UserFilter::All;
    for (operator, value) in JsonMembers::conditions(path, value)?.iter() {
        let at = format!("{path}.{operator}");
        let quoted = measure.unit() == MeasureUnit::Time;
        let amount: Amount = if quoted {
            condition::amount(&at, measure, &text(&at, value)?)?
        } else {
            condition::amount(&at, measure, value.get())?
        };
        let (least, most) = (UserFilter::AtLeast(measure, amount), UserFilter::AtMost(measure, amount));
        let one = match operator {
            "gte" => least,
            "lte" => most,
            // If the figure is not known, neither matches.
            "gt" => least.and(most.negate()),
            "lt" => most.and(least.negate()),
            "equals" => least.and(most),
            "not-equals" => least.and(most).negate(),
            _ => return Err(unknown(path, operator)),
        };
        all = all.and(one);
    }
    Ok(all)
}

/// Reads conditions on when a call was made, widened to whole quarters of an hour.
fn time(path: &str, value: &RawValue) -> Result<Window, Rejection> {
    let mut window = Window::ALL;
    for (operator, value) in JsonMembers::conditions(path, value)?.iter() {
        let at = format!("{path}.{operator}");
        let time =
            text(&at, value)?.parse::<Timestamp>().ok().and_then(|time| SystemTime::try_from(time).ok());
        let time =
            time.ok_or_else(|| Rejection::of(at, "must be a time with an offset (2026-03-01T00:00:00Z)"))?;
        window = window.and(&match operator {
            "gte" | "gt" => Window::since(time),
            "lte" | "lt" => Window::until(time),
            _ => return Err(unknown(path, operator)),
        });
    }
    Ok(window.to_quarters())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Usd;

    fn of(tree: &str) -> Result<FilterTree, String> {
        read("filter", serde_json::from_str(tree).unwrap()).map_err(|problem| problem.to_string())
    }

    #[test]
    fn a_tree_is_parted_into_calls_users_and_time() {
        let filter = of(r#"{
            "operator": "and",
            "left": {"request_response_rmt": {"model": {"equals": "gpt-5"},
                     "request_created_at": {"gt": "2026-03-01T00:07:00Z", "lt": "2026-03-02T00:00:00Z"}}},
            "right": {"operator": "or",
                "left": {"users_view": {"user_cost": {"gte": 0.1}}},
                "right": {"users_view": {"user_user_id": {"equals": "alice"}}}}
        }"#)
        .unwrap();
        assert_eq!(filter.calls, CallFilter::Model(Text::new("gpt-5").unwrap()));
        let costly = UserFilter::AtLeast(Measure::Cost, Usd::from_picos(100_000_000_000).into());
        assert_eq!(filter.users, costly.or(UserFilter::Is(UserId::new("alice").unwrap())));
        let at = |text: &str| SystemTime::try_from(text.parse::<Timestamp>().unwrap()).unwrap();
        assert_eq!(filter.window, Window::new(at("2026-03-01T00:00:00Z"), at("2026-03-02T00:00:00Z")));
        assert_eq!(of("\"all\"").unwrap(), ALL);
        for nothing in [
            "{}",
            r#"{"users_view":{}}"#,
            r#"{"users_view":{"user_user_id":{}}}"#,
            r#"{"users_view":{"user_user_id":null}}"#,
            r#"{"users_view":{"user_user_id":{"equals":null}}}"#,
            r#"{"request_response_rmt":{"model":{"equals":null}}}"#,
            r#"{"operator":"or","left":{"users_view":{"user_user_id":{"equals":"a"}}},"right":{}}"#,
        ] {
            assert!(of(nothing).unwrap_err().contains("everybody"), "{nothing}");
        }
    }

    #[test]
    fn what_cannot_be_asked_is_named() {
        let nested =
            format!("{}\"all\"{}", r#"{"operator":"and","left":"all","right":"#.repeat(40), "}".repeat(40));
        for (tree, wanted) in [
            ("\"none\"", "filter: must be \"all\""),
            ("1", "filter: must be an object"),
            (r#"{"operator":"xor","left":"all","right":"all"}"#, "filter.operator: must be"),
            (r#"{"operator":"and","left":"all"}"#, "filter.right: is missing"),
            (r#"{"sessions":{"x":{}}}"#, "filter.sessions.x: must be in"),
            (r#"{"users_view":{"user_mood":{"equals":"x"}}}"#, "filter.users_view.user_mood: is no column"),
            (
                r#"{"users_view":{"user_cost":{"about":1}}}"#,
                "filter.users_view.user_cost.about: is no operator",
            ),
            (r#"{"users_view":{"user_cost":{"gte":"1"}}}"#, "filter.users_view.user_cost.gte: must be"),
            (
                r#"{"request_response_rmt":{"latency":{"gt":1}}}"#,
                "filter.request_response_rmt.latency: is not kept",
            ),
            (
                r#"{"operator":"or","left":{"users_view":{"user_cost":{"gte":1}}},"right":{"request_response_rmt":{"model":{"equals":"m"}}}}"#,
                "filter: or joins",
            ),
            (nested.as_str(), "is nested deeper than 32"),
        ] {
            let error = of(tree).unwrap_err();
            assert!(error.contains(wanted), "{tree}: {error}");
        }
    }

    #[test]
    fn models_and_ids_are_compared_as_the_operators_say() {
        let model = |operator: &str, text: &str| {
            let tree = format!(r#"{{"request_response_rmt":{{"model":{{"{operator}":"{text}"}}}}}}"#);
            of(&tree).unwrap().calls
        };
        let mut record = crate::Record::new(SystemTime::UNIX_EPOCH);
        record.model = Some(Text::new("GPT-5").unwrap());
        for (operator, text) in [
            ("equals", "GPT-5"),
            ("like", "GPT%"),
            ("ilike", "gpt__"),
            ("contains", "pt-"),
            ("not-contains", "x"),
            ("not-equals", "y"),
        ] {
            assert!(model(operator, text).matches(&record), "{operator}");
        }
        assert_eq!(
            of(r#"{"request_response_rmt":{"user_id":{"equals":""}}}"#).unwrap().users,
            UserFilter::Nobody
        );
    }
}
