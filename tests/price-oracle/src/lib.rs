//! The price book beside the [`genai_prices`] crate, on the same data: the folder `../shared/prices` next to the project.
//!
//! `cargo test` compares them on all models, `cargo bench` measures them in one run.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The data of genai-prices, where the folder is there.
pub fn data() -> Option<Vec<u8>> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/prices/genai_v2_from_py_0.2.3.json");
    let data = std::fs::read(file).ok();
    if data.is_none() {
        println!("skipped: there is no {file}");
    }
    data
}

/// Every provider and its models, by id.
pub fn models(data: &[u8]) -> Vec<(String, String)> {
    let json: serde_json::Value = serde_json::from_slice(data).expect("the data is JSON");
    let text = |value: &serde_json::Value| value["id"].as_str().expect("an id").to_owned();
    let providers = json.as_array().into_iter().flatten();
    let of = |provider: &serde_json::Value| {
        let models = provider["models"].as_array().cloned().unwrap_or_default();
        models.iter().map(|model| (text(provider), text(model))).collect::<Vec<_>>()
    };
    providers.flat_map(of).collect()
}

/// Some moments: before and after start dates, in and out of peak hours.
pub fn moments() -> [SystemTime; 4] {
    // 2026-03-01T02:00, 2026-10-13T12:00, 2026-11-23T08:00 and 2026-11-23T23:30, all UTC.
    [1_772_330_400, 1_791_892_800, 1_795_420_800, 1_795_476_600]
        .map(|at| UNIX_EPOCH + Duration::from_secs(at))
}

/// A generator of numbers that look random and are the same in every run (splitmix64).
pub struct Numbers(pub u64);

impl Numbers {
    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
