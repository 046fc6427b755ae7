//! JSON: the same however it is cut; of what `serde_json` takes for an object, the members that it has.

#![no_main]

use differential::{JsonEnd, json};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use tower_llm_metrics_fuzz::{bounded, cut, split};

const PATHS: [&str; 7] =
    ["user", "model", "usage", "usage.cost", "metadata.user_id", "choices[].delta", "a[][].b"];
/// How many of the first paths are members of the document itself.
const TOP: usize = 3;
const LIMIT: usize = 64;

type Found = Vec<(u8, Option<Vec<u8>>)>;

fn scan<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Found, u64, JsonEnd) {
    let mut values = Found::new();
    let (documents, end) =
        json(&PATHS, LIMIT, pieces, |field, raw| values.push((field, raw.map(<[u8]>::to_vec))));
    (values, documents, end)
}

fuzz_target!(|input: &[u8]| {
    let Some((lengths, text)) = split(input) else { return };
    let whole = scan([text].into_iter());
    assert_eq!(scan(cut(text, lengths)), whole);
    // A value or a key may be held, with each byte of the key as an escape of six. The paths take some memory too.
    json(&PATHS, LIMIT, bounded(cut(text, lengths), 8 << 10), |_, _| {});

    let Ok(members) = serde_json::from_slice::<BTreeMap<String, &RawValue>>(text) else { return };
    assert_eq!((whole.1, whole.2), (1, JsonEnd::Complete));
    for (path, field) in PATHS.iter().zip(0..).take(TOP) {
        let expected = members.get(*path).map(|raw| raw.get().as_bytes());
        let expected = expected.map(|raw| Some(raw.to_vec()).filter(|raw| raw.len() <= LIMIT));
        let last = whole.0.iter().rev().find(|(found, _)| *found == field).map(|(_, raw)| raw.clone());
        assert_eq!(last, expected, "{path}");
    }
});
