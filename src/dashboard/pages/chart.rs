//! Bar charts, drawn on the server as SVG.

use askama::Template;

/// A bar chart. A table beside it has the same figures, so that for a screen reader its title is enough.
#[derive(Debug, Template)]
#[template(path = "chart.html")]
pub(super) struct Chart {
    pub(super) id: &'static str,
    pub(super) title: String,
    /// The total, or why there is nothing to see.
    pub(super) note: String,
    pub(super) legend: Vec<(usize, &'static str)>,
    height: i64,
    bars: Vec<Bar>,
    ticks: Vec<Tick>,
    labels: Vec<Label>,
}

#[derive(Debug)]
struct Bar {
    title: String,
    x: String,
    width: String,
    parts: Vec<BarSegment>,
}

#[derive(Debug)]
struct BarSegment {
    class: usize,
    y: String,
    height: String,
}

#[derive(Debug)]
struct Tick {
    y: String,
    text_y: String,
    text: String,
}

#[derive(Debug)]
struct Label {
    x: String,
    text: String,
}

/// The data of a bar: its label, its parts from the bottom up, and its title, which browsers show when it is pointed at.
#[derive(Debug)]
pub(super) struct BarData {
    pub(super) label: String,
    pub(super) parts: Vec<i128>,
    pub(super) title: String,
}

const WIDTH: i64 = 480;
const HEIGHT: i64 = 180;
const LEFT: i64 = 56;
const RIGHT: i64 = 8;
const TOP: i64 = 12;
const BOTTOM: i64 = 26;

/// Formats hundredths as a decimal.
fn fixed(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let (whole, rest) = (hundredths.unsigned_abs() / 100, hundredths.unsigned_abs() % 100);
    if rest == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest:02}") }
}

impl Chart {
    /// Draws bars from 0 up. Negative parts have no height.
    pub(super) fn new(
        id: &'static str,
        title: impl Into<String>,
        legend: &[&'static str],
        points: Vec<BarData>,
        show: impl Fn(i128) -> String,
    ) -> Self {
        let total =
            |point: &BarData| point.parts.iter().fold(0i128, |sum, &part| sum.saturating_add(part.max(0)));
        let most = points.iter().map(total).max().unwrap_or(0);
        let (step, top) = scale(most);
        let plot = (HEIGHT - TOP - BOTTOM) * 100;
        let of_plot = |value: i128| share(value, top, plot);
        let count = i64::try_from(points.len()).unwrap_or(i64::MAX).max(1);
        let room = (WIDTH - LEFT - RIGHT) * 100;
        // A bar takes four fifths of its room, and is at most 40 wide.
        let wide = (room / count * 4 / 5).clamp(20, 4_000);
        let middle = |at: usize| {
            let at = i64::try_from(at).unwrap_or(count);
            LEFT * 100 + room * (2 * at + 1) / (2 * count)
        };
        let labels = labels(&points).map(|(at, text)| Label { x: fixed(middle(at)), text });
        let ticks =
            (0..=4).map(|at| step.saturating_mul(at)).take_while(|value| *value <= top).map(|value| {
                let y = (HEIGHT - BOTTOM) * 100 - of_plot(value);
                Tick { y: fixed(y), text_y: fixed(y + 450), text: show(value) }
            });
        let labels = labels.collect();
        let ticks = if most > 0 { ticks.collect() } else { Vec::new() };
        let bars = points.into_iter().enumerate().map(|(at, point)| {
            let mut floor = (HEIGHT - BOTTOM) * 100;
            let parts =
                point.parts.iter().enumerate().filter(|(_, part)| **part > 0).map(|(class, &part)| {
                    // However small, a part is to be seen.
                    let height = of_plot(part).max(100);
                    floor -= height;
                    BarSegment { class, y: fixed(floor), height: fixed(height) }
                });
            let parts = parts.collect();
            Bar { title: point.title, x: fixed(middle(at) - wide / 2), width: fixed(wide), parts }
        });
        Self {
            id,
            title: title.into(),
            note: if most > 0 { String::new() } else { "Nothing in this range.".to_owned() },
            legend: legend.iter().copied().enumerate().collect(),
            height: HEIGHT,
            bars: bars.collect(),
            ticks,
            labels,
        }
    }

    pub(super) fn note(mut self, note: String) -> Self {
        if self.note.is_empty() {
            self.note = note;
        }
        self
    }
}

/// Returns the distance of the ticks, which is 1, 2 or 5 times a power of ten, and the top of the scale, at most four ticks up.
fn scale(most: i128) -> (i128, i128) {
    let mut power = 1i128;
    loop {
        for factor in [1, 2, 5] {
            let step = power.saturating_mul(factor);
            if most <= step.saturating_mul(4) {
                return (
                    step,
                    step.saturating_mul(most.max(1).div_euclid(step) + i128::from(most.max(1) % step != 0)),
                );
            }
        }
        power = power.saturating_mul(10);
    }
}

/// Returns the part of `whole` that `value` is of `top`.
fn share(value: i128, top: i128, whole: i64) -> i64 {
    let exact = value.checked_mul(whole.into()).and_then(|product| product.checked_div(top));
    // Beyond 128 bits, a hundredth of the plot does not matter.
    let rough = || value.checked_div((top / i128::from(whole)).max(1));
    i64::try_from(exact.or_else(rough).unwrap_or(0)).unwrap_or(0).clamp(0, whole)
}

/// Returns at most five labels, evenly spaced.
fn labels(points: &[BarData]) -> impl Iterator<Item = (usize, String)> {
    let every = points.len().div_ceil(5).max(1);
    points.iter().enumerate().step_by(every).map(|(at, point)| (at, point.label.clone()))
}

/// Shortens the label of a step: `17:00`, `Mar 1`, `2026-03`.
pub(super) fn short_label(label: &str) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    if let Some((_, time)) = label.split_once('T') {
        return time.to_owned();
    }
    let mut parts = label.rsplitn(3, '-');
    let short = match (parts.next(), parts.next(), parts.next()) {
        (Some(day), Some(month), Some(_)) => {
            let month = month.parse::<usize>().ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
            month.map(|month| format!("{month} {}", day.trim_start_matches('0')))
        }
        _ => None,
    };
    short.unwrap_or_else(|| label.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(parts: &[i128]) -> String {
        let points =
            parts.iter().map(|&part| BarData { label: "<b>".into(), parts: vec![part], title: "\"&".into() });
        Chart::new("c", "t", &[], points.collect(), |value| value.to_string()).render().unwrap()
    }

    #[test]
    fn scales_end_at_a_round_number_that_holds_everything() {
        assert_eq!(
            [scale(0), scale(1), scale(4), scale(5), scale(9), scale(41)],
            [(1, 1), (1, 1), (1, 4), (2, 6), (5, 10), (20, 60)]
        );
        let (step, top) = scale(i128::MAX);
        assert!(step > 0 && top >= step);
    }

    #[test]
    fn what_comes_from_outside_is_escaped_and_no_number_breaks_the_drawing() {
        for parts in [&[1, 2, 3][..], &[], &[0], &[-5, i128::MIN, i128::MAX]] {
            let svg = chart(parts);
            assert!(!svg.contains("<b>") && !svg.contains("style="), "{svg}");
        }
        assert!(chart(&[]).contains("Nothing in this range"));
    }

    #[test]
    fn labels_are_short() {
        assert_eq!(
            ["2026-03-01T17:00", "2026-03-01", "2026-03", "x"].map(short_label),
            ["17:00", "Mar 1", "2026-03", "x"]
        );
    }
}
