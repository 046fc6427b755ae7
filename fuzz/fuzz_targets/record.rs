//! Stored records: what is read is JSON, and what is written of it is read as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use tower_llm_metrics::Record;

fuzz_target!(|input: &[u8]| {
    let Ok(mut record) = Record::from_json(input) else { return };
    serde_json::from_slice::<BTreeMap<String, &RawValue>>(input).expect("what is read is an object");
    let json = record.to_json();
    serde_json::from_str::<BTreeMap<String, &RawValue>>(&json).expect("what is written is an object");
    let again = Record::from_json(json.as_bytes()).expect("what is written is read");
    // A time is written in microseconds and from 1970 on.
    record.time = again.time;
    assert_eq!(again, record);
    assert_eq!(again.to_json(), json);
});
