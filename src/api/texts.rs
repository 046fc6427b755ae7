//! The texts of a call, for the application's token counter.

use super::dialects;
use crate::token_counter::Counter;
use crate::wire::json::{Scanner, Value};
use crate::wire::select::Select;
use crate::wire::text::Unescape;
use std::sync::LazyLock;

/// How much text is counted in one go, in bytes. No more is held.
const SEGMENT: usize = 32 * 1024;

/// Counts the tokens of texts that come in pieces: the last segment when they have ended, those before it as they pass.
#[derive(Clone, Debug)]
pub(super) struct Texts {
    counter: Counter,
    unescape: Unescape,
    segment: String,
    /// The tokens of the segments before. `None` once the counter has panicked.
    counted: Option<u64>,
    any: bool,
}

impl Texts {
    pub(super) fn new(counter: Counter) -> Self {
        Self { counter, unescape: Unescape::default(), segment: String::new(), counted: Some(0), any: false }
    }

    /// Takes a piece of a text as it stands in JSON.
    pub(super) fn push(&mut self, raw: &[u8], last: bool, model: Option<&str>) {
        let mut unescape = std::mem::take(&mut self.unescape);
        unescape.push(raw, &mut |text| self.add(text, model));
        if last {
            unescape.finish(&mut |text| self.add(text, model));
        }
        self.unescape = unescape;
    }

    /// Separates the text that has ended from the one that comes next.
    fn part(&mut self, model: Option<&str>) {
        if !self.segment.is_empty() {
            self.add("\n", model);
        }
    }

    fn add(&mut self, text: &str, model: Option<&str>) {
        self.any = true;
        let mut rest = text;
        while !rest.is_empty() {
            let room = SEGMENT.saturating_sub(self.segment.len()).min(rest.len());
            // Not within a character.
            let (fits, after) = (0..=room).rev().find_map(|at| rest.split_at_checked(at)).unwrap_or_default();
            self.segment.push_str(fits);
            rest = after;
            if !rest.is_empty() {
                self.count_segment(model);
            }
        }
    }

    /// Counts what is held, up to the last white space in it.
    fn count_segment(&mut self, model: Option<&str>) {
        let cut =
            self.segment.rfind(char::is_whitespace).filter(|cut| *cut > 0).unwrap_or(self.segment.len());
        let rest = self.segment.split_off(cut);
        self.count(model);
        self.segment = rest;
    }

    fn count(&mut self, model: Option<&str>) {
        let tokens = self.counter.count(&self.segment, model);
        self.counted = self.counted.zip(tokens).map(|(before, tokens)| before.saturating_add(tokens));
    }

    /// Returns how many tokens all of it is, or `None` when the counter panicked.
    pub(crate) fn total(mut self, model: Option<&str>) -> Option<u64> {
        if !self.segment.is_empty() {
            self.count(model);
        }
        self.counted
    }
}

/// Finds the texts in the body of a request.
#[derive(Clone, Debug)]
pub(crate) struct RequestTexts {
    scanner: Scanner,
    texts: Texts,
}

impl RequestTexts {
    pub(super) fn new(counter: Counter) -> Self {
        Self { scanner: Scanner::single(), texts: Texts::new(counter) }
    }

    /// Takes the next piece of the body, of any length.
    pub(super) fn push(&mut self, bytes: &[u8], model: Option<&str>) {
        let Self { scanner, texts } = self;
        scanner.push(&REQUEST, bytes, &mut |_, value| {
            if let Value::Piece { raw, last } = value {
                texts.push(raw, last, model);
                if last {
                    texts.part(model);
                }
            }
        });
    }

    /// Returns how many tokens they are, or `None` when there was no text or the counter panicked.
    pub(crate) fn total(self, model: Option<&str>) -> Option<u64> {
        if self.texts.any { self.texts.total(model) } else { None }
    }
}

static REQUEST: LazyLock<Select> = LazyLock::new(|| {
    Select::new([]).with_pieces(dialects::texts_of_request().map(|(path, which)| (path, 0, which)))
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panics::Panics;
    use std::sync::{Arc, Mutex};

    /// A counter of words that notes what it was asked for.
    fn words() -> (Counter, Arc<Mutex<Vec<usize>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&asked);
        let counter = move |text: &str, _: Option<&str>| {
            notes.lock().unwrap().push(text.len());
            text.split_whitespace().count() as u64
        };
        (Counter::new(counter, &Arc::default()), asked)
    }

    fn count(body: &str, size: usize) -> (Option<u64>, Vec<usize>) {
        let (counter, asked) = words();
        let mut texts = RequestTexts::new(counter);
        for bytes in body.as_bytes().chunks(size) {
            texts.push(bytes, None);
        }
        let total = texts.total(None);
        (total, asked.lock().unwrap().clone())
    }

    #[test]
    fn every_dialect_s_texts_are_counted_and_nothing_else() {
        for (body, words) in [
            (
                r#"{"model":"a b c","messages":[{"role":"user","content":"one two"},{"content":[{"type":"text","text":"three"},{"image_url":{"url":"data: x y"}}]}]}"#,
                Some(3),
            ),
            (
                r#"{"system":"one","messages":[{"content":[{"type":"tool_result","content":"two three"}]}]}"#,
                Some(3),
            ),
            (
                r#"{"instructions":"one","input":[{"content":[{"type":"input_text","text":"two"}]},{"output":"three"}]}"#,
                Some(3),
            ),
            (r#"{"input":["one","two three"]}"#, Some(3)),
            (r#"{"prompt":"one \u0074wo"}"#, Some(2)),
            (
                r#"{"contents":[{"parts":[{"text":"one"}]}],"systemInstruction":{"parts":[{"text":"two"}]}}"#,
                Some(2),
            ),
            (r#"{"tools":[{"name":"one two"}]}"#, Some(2)),
            (r#"{"message":"one","chat_history":[{"message":"two"}]}"#, Some(2)),
            (r#"{"input":[1,2,3]}"#, None),
            ("{}", None),
        ] {
            for size in [1, 7, usize::MAX] {
                assert_eq!(count(body, size).0, words, "{body} in pieces of {size}");
            }
        }
    }

    #[test]
    fn a_long_text_is_counted_in_segments_that_do_not_depend_on_its_pieces() {
        let body = format!(r#"{{"prompt":"{}"}}"#, "word ".repeat(20_000));
        let whole = count(&body, usize::MAX);
        assert_eq!(whole.0, Some(20_000));
        assert!(whole.1.len() == 4 && whole.1.iter().all(|length| *length <= SEGMENT), "{:?}", whole.1);
        for size in [1, 7, 4096] {
            assert_eq!(count(&body, size), whole, "in pieces of {size}");
        }
        // Without white space, and with characters of several bytes.
        let body = format!(r#"{{"prompt":"{}"}}"#, "😀".repeat(20_000));
        assert!(count(&body, 7).1.iter().all(|length| *length <= SEGMENT));
        assert_eq!(count(&body, 7).1, count(&body, usize::MAX).1);
    }

    #[test]
    fn a_short_text_is_not_counted_unless_the_total_is_asked_for() {
        let (counter, asked) = words();
        let mut texts = Texts::new(counter);
        texts.push(b"one two", true, None);
        assert!(asked.lock().unwrap().is_empty());
        assert_eq!(texts.total(None), Some(2));
    }

    #[test]
    fn a_counter_that_panics_counts_nothing() {
        let panics = Arc::new(Panics::default());
        let counter = Counter::new(|_: &str, _: Option<&str>| panic!("of the application"), &panics);
        let mut texts = Texts::new(counter);
        texts.push(b"one two", true, None);
        assert_eq!((texts.total(None), panics.count()), (None, 1));
    }
}
