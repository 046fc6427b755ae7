//! Server-sent events: the same however they are cut, and what the standard's own algorithm makes of them.

#![no_main]

use differential::{Sse, sse};
use libfuzzer_sys::fuzz_target;
use tower_llm_metrics_fuzz::{bounded, cut, split};

/// Name, data, and the values of fields that the standard does not know.
type Event = (Vec<u8>, Vec<u8>, Vec<u8>);

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Event> {
    let (mut events, mut data, mut others) = (Vec::new(), Vec::new(), Vec::new());
    sse(pieces, |event| match event {
        Sse::Data(piece) => data.extend_from_slice(piece),
        Sse::Other(piece) => others.extend_from_slice(piece),
        Sse::End(name) => {
            events.push((name.to_vec(), std::mem::take(&mut data), std::mem::take(&mut others)));
        }
    });
    events
}

/// The algorithm in the words of the standard, on a whole text.
fn standard(text: &str) -> Vec<Event> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
    let (mut events, mut name, mut data, mut others) = (Vec::new(), "", None::<String>, None::<String>);
    // The last event counts without its blank line too.
    for line in text.split('\n').chain([""]) {
        if line.is_empty() {
            if data.is_some() || others.is_some() {
                let mut data = data.take().unwrap_or_default();
                data.pop();
                let name = name.bytes().take(64).collect();
                events.push((name, data.into_bytes(), others.take().unwrap_or_default().into_bytes()));
            }
            name = "";
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => *data.get_or_insert_default() += &format!("{value}\n"),
            "event" => name = value,
            "" | "id" | "retry" => {}
            _ if field.len() > 32 => {}
            _ => *others.get_or_insert_default() += value,
        }
    }
    events
}

fuzz_target!(|input: &[u8]| {
    let Some((lengths, text)) = split(input) else { return };
    let whole = read([text].into_iter());
    assert_eq!(read(cut(text, lengths)), whole);
    sse(bounded(cut(text, lengths), 0), |_| {});
    if let Ok(text) = std::str::from_utf8(text) {
        assert_eq!(whole, standard(text));
    }
});
