//! The recorded exchanges that stand beside the repository where it is developed.

use serde_json::Value;

/// Those exchanges whose bodies are framed like this; none, with a message, where the folder is not there.
pub fn exchanges(framing: &str) -> Vec<Value> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/exchanges.jsonl");
    let Ok(lines) = std::fs::read_to_string(file) else {
        println!("skipped: there is no {file}");
        return Vec::new();
    };
    let exchanges = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line is JSON"));
    exchanges.filter(|exchange| exchange["framing"] == framing).collect()
}
