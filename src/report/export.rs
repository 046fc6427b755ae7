//! Answers as CSV and as JSON lines.

use super::instant::rfc3339;
use super::{
    Amount, Breakdown, GroupName, Histogram, Measure, Overview, Ratio, Retention, Series, Totals, UserPage,
    UserSummary, Who,
};
use crate::record::{Record, Text, Usd};
use serde::ser::{Error, Serialize, Serializer};
use serde_json::value::RawValue;
use std::io::{self, Write};
use std::time::SystemTime;

/// A cell of a [`Table`]. It serializes as JSON, numbers as the decimals that they are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// A value that is not known: an empty cell in CSV, no key in JSON.
    Unknown,
    /// A number, as an exact decimal.
    Number(String),
    /// A text, which may come from outside.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
}

/// An answer as a table, from which all its exports are made.
pub trait Table {
    /// Returns the names of the columns.
    fn columns(&self) -> Vec<&'static str>;

    /// Calls `row` with one row after the other, each with a value for each column.
    ///
    /// # Errors
    /// The first error of `row`.
    fn rows(&self, row: &mut dyn FnMut(Vec<Value>) -> io::Result<()>) -> io::Result<()>;

    /// Writes CSV ([RFC 4180](https://www.rfc-editor.org/rfc/rfc4180)) with a line of names first.
    ///
    /// A text that a spreadsheet would take for a formula (one that begins with `=`, `+`, `-`, `@` or their full-width forms,
    /// after white space or quotes) gets an apostrophe before it, as
    /// [OWASP](https://owasp.org/www-community/attacks/CSV_Injection) recommends. Use JSON if ids must stay as they are.
    ///
    /// # Errors
    /// Those of `out`.
    fn write_csv(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.columns().join(",").as_bytes())?;
        out.write_all(b"\r\n")?;
        self.rows(&mut |row| out.write_all(csv_line(&row).as_bytes()))
    }

    /// Writes one flat JSON object per row and line. Unknown values have no key. Numbers are exact decimals.
    ///
    /// # Errors
    /// Those of `out`.
    fn write_json_lines(&self, out: &mut dyn Write) -> io::Result<()> {
        let columns = self.columns();
        self.rows(&mut |row| {
            serde_json::to_writer(&mut *out, &JsonRow(&columns, &row))?;
            out.write_all(b"\n")
        })
    }

    /// Returns what [`Table::write_csv`] writes.
    fn to_csv(&self) -> String {
        to_string(|out| self.write_csv(out))
    }

    /// Returns what [`Table::write_json_lines`] writes.
    fn to_json_lines(&self) -> String {
        to_string(|out| self.write_json_lines(out))
    }
}

fn to_string(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    // Writing to memory does not fail, and everything that is written is text.
    let _ = write(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// A row as a line of CSV, with its end.
fn csv_line(row: &[Value]) -> String {
    let cells: Vec<_> = row.iter().map(csv).collect();
    cells.join(",") + "\r\n"
}

/// A row as a flat JSON object. What is not known has no key.
struct JsonRow<'a>(&'a [&'static str], &'a [Value]);

impl Serialize for JsonRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().zip(self.1).filter(|(_, value)| **value != Value::Unknown))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unknown => serializer.serialize_unit(),
            Self::Number(number) => {
                serde_json::from_str::<&RawValue>(number).map_err(S::Error::custom)?.serialize(serializer)
            }
            Self::Text(text) => serializer.serialize_str(text),
            Self::Texts(texts) => texts.serialize(serializer),
        }
    }
}

fn csv(value: &Value) -> String {
    match value {
        Value::Unknown => String::new(),
        Value::Number(number) => number.clone(),
        Value::Text(text) => quoted(text),
        Value::Texts(texts) => quoted(&texts.join(" ")),
    }
}

fn quoted(text: &str) -> String {
    const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    // A spreadsheet may skip these before it looks for a formula.
    let skipped = |c: char| c.is_whitespace() || c.is_control() || c == '"' || c == '\'' || c == '\u{feff}';
    let guard = |text: &str| if text.trim_start_matches(skipped).starts_with(FORMULA) { "'" } else { "" };
    let mut cell = String::from('"');
    // If its separator is the semicolon or the tab, a spreadsheet takes what follows one for a cell.
    cell.push_str(guard(text));
    for (at, part) in text.split_inclusive([';', '\t']).enumerate() {
        cell.push_str(if at == 0 { "" } else { guard(part) });
        cell.push_str(&part.replace('"', "\"\""));
    }
    cell.push('"');
    cell
}

fn number(number: impl std::fmt::Display) -> Value {
    Value::Number(format!("{number}"))
}

fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

fn time(time: SystemTime) -> Value {
    Value::Text(rfc3339(time))
}

fn cost(cost: Option<Usd>) -> Value {
    cost.map_or(Value::Unknown, number)
}

fn ratio(ratio: Ratio) -> Value {
    if ratio.over == 0 { Value::Unknown } else { Value::Number(format!("{ratio:.6}")) }
}

impl Amount {
    fn value(self) -> Value {
        match self {
            Self::Count(count) => number(count),
            Self::Ratio(of) => ratio(of),
            Self::Cost(of) => number(of),
            Self::MeanCost(mean) => cost(mean.value()),
            Self::Duration(duration) => number(duration.as_micros()),
            Self::Time(of) => time(of),
        }
    }
}

/// Returns the measures that totals have, in the order of the columns.
fn of_totals() -> impl Iterator<Item = Measure> {
    Measure::ALL.iter().copied().filter(|measure| !measure.needs_cells())
}

fn totals_values(totals: &Totals) -> impl Iterator<Item = Value> + '_ {
    of_totals().map(|measure| totals.measure(measure).map_or(Value::Unknown, Amount::value))
}

fn who(who: &Who) -> [Value; 2] {
    [text(who.kind()), who.user().map_or(Value::Unknown, |id| text(id.as_str()))]
}

impl UserSummary {
    fn values(&self) -> Vec<Value> {
        let models = self.models.iter().map(|model| model.as_str().to_owned()).collect();
        let measures = Measure::ALL.iter().map(|&m| self.measure(m).map_or(Value::Unknown, Amount::value));
        let rest = [Value::Texts(models), number(self.other_models), number(self.in_other)];
        who(&self.who).into_iter().chain(measures).chain(rest).collect()
    }
}

/// One row per user, and the row of the other users last, if there is one.
impl Table for UserPage {
    fn columns(&self) -> Vec<&'static str> {
        let measures = Measure::ALL.iter().map(|measure| measure.as_str());
        let rest = ["model_names", "requests_of_other_models", "earlier_requests_in_other"];
        ["row", "user"].into_iter().chain(measures).chain(rest).collect()
    }

    fn rows(&self, row: &mut dyn FnMut(Vec<Value>) -> io::Result<()>) -> io::Result<()> {
        self.rows.iter().chain(&self.other).try_for_each(|summary| row(summary.values()))
    }
}

/// One row per step.
impl Table for Series {
    fn columns(&self) -> Vec<&'static str> {
        let before = ["step", "label", "start", "end", "active_users", "new_users"];
        before.into_iter().chain(of_totals().map(Measure::as_str)).collect()
    }

    fn rows(&self, row: &mut dyn FnMut(Vec<Value>) -> io::Result<()>) -> io::Result<()> {
        self.points.iter().try_for_each(|point| {
            let before = [
                text(self.step.as_str()),
                text(&point.label),
                time(point.start),
                time(point.end),
                number(point.active_users),
                number(point.new_users),
            ];
            row(before.into_iter().chain(totals_values(&point.totals)).collect())
        })
    }
}

/// One row per group.
impl Table for Breakdown {
    fn columns(&self) -> Vec<&'static str> {
        let before = ["by", "group", "name", "users"];
        before.into_iter().chain(of_totals().map(Measure::as_str)).collect()
    }

    fn rows(&self, row: &mut dyn FnMut(Vec<Value>) -> io::Result<()>) -> io::Result<()> {
        self.groups.iter().try_for_each(|group| {
            let name = match &group.name {
                GroupName::Is(name) => text(name.as_str()),
                GroupName::Absent | GroupName::Other => Value::Unknown,
            };
            let before = [text(self.by.to_string()), text(group.name.kind()), name, number(group.users)];
            row(before.into_iter().chain(totals_values(&group.totals)).collect())
        })
    }
}

/// One row per cohort and week.
impl Table for Retention {
    fn columns(&self) -> Vec<&'static str> {
        vec!["cohort", "users", "week", "active_users", "share"]
    }

    fn rows(&self, row: &mut dyn FnMut(Vec<Value>) -> io::Result<()>) -> io::Result<()> {
        self.cohorts.iter().try_for_each(|cohort| {
            cohort.active.iter().enumerate().try_for_each(|(week, &active)| {
                let share = ratio(Ratio::new(active, cohort.users));
                row(vec![text(&cohort.label), number(cohort.users), number(week), number(active), share])
            })
        })
    }
}

/// One row per bin.
impl Table for Histogram {
    fn columns(&self) -> Vec<&'static str> {
        vec!["measure", "from", "to", "users"]
    }

    fn rows(&self, row: &mut dyn FnMut(Vec<Value>) -> io::Result<()>) -> io::Result<()> {
        let value = |value: i128| match self.measure {
            Measure::Cost => number(Usd::from_picos(value)),
            _ => number(value),
        };
        self.bins.iter().try_for_each(|bin| {
            row(vec![text(self.measure.as_str()), value(bin.from), value(bin.to), number(bin.users)])
        })
    }
}

/// Three rows: all, today, this month.
impl Table for Overview {
    fn columns(&self) -> Vec<&'static str> {
        let before = ["window", "users", "projected_cost_usd", "unpriced_models", "dropped_records"];
        before.into_iter().chain(of_totals().map(Measure::as_str)).collect()
    }

    fn rows(&self, row: &mut dyn FnMut(Vec<Value>) -> io::Result<()>) -> io::Result<()> {
        let models = self.unpriced_models.iter().filter_map(|(model, _)| model.as_ref());
        let models = Value::Texts(models.map(|model: &Text| model.as_str().to_owned()).collect());
        let (unknown, projection) = (|| Value::Unknown, cost(self.month_projection));
        for (name, users, extra, totals) in [
            ("all", self.users, [unknown(), models, number(self.dropped)], &self.totals),
            ("today", self.users_today, [unknown(), unknown(), unknown()], &self.today),
            ("month", self.users_this_month, [projection, unknown(), unknown()], &self.month),
        ] {
            let before = [text(name), number(users)].into_iter().chain(extra);
            row(before.chain(totals_values(totals)).collect())?;
        }
        Ok(())
    }
}

/// One row per call, with the main figures; [`Record::to_json`] has all of them.
impl Table for [Record] {
    fn columns(&self) -> Vec<&'static str> {
        vec![
            "id",
            "time",
            "user",
            "provider",
            "operation",
            "model",
            "outcome",
            "status",
            "input_tokens",
            "output_tokens",
            "cost_usd",
            "latency_us",
            "first_token_us",
        ]
    }

    fn rows(&self, row: &mut dyn FnMut(Vec<Value>) -> io::Result<()>) -> io::Result<()> {
        self.iter().try_for_each(|record| {
            let model = record.answering_model();
            let count = |count: Option<u64>| count.map_or(Value::Unknown, number);
            row(vec![
                text(record.id.to_string()),
                time(record.time),
                record.user_id().map_or(Value::Unknown, |id| text(id.as_str())),
                record.provider.as_ref().map_or(Value::Unknown, |provider| text(provider.as_str())),
                text(record.operation.as_str()),
                model.map_or(Value::Unknown, |model| text(model.as_str())),
                text(record.outcome.as_str()),
                record.status.map_or(Value::Unknown, number),
                count(record.usage.input_tokens),
                count(record.usage.output_tokens),
                cost(record.cost.total()),
                number(record.latency.as_micros()),
                record.first_token.map_or(Value::Unknown, |first| number(first.as_micros())),
            ])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_a_spreadsheet_would_run_are_defused() {
        for bad in
            ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\"=1", "＝1", "'=1", "\u{feff}=1", "\u{a0}-1"]
        {
            let cell = quoted(bad);
            assert!(cell.starts_with("\"'"), "{cell}");
        }
        assert_eq!(quoted("a=1, \"b\""), "\"a=1, \"\"b\"\"\"");
        // With another separator, these are cells of their own.
        assert_eq!(quoted(";=1+1;a\t@x"), "\";'=1+1;a\t'@x\"");
        assert_eq!(csv(&number(-5)), "-5", "numbers of ours are numbers");
    }
}
