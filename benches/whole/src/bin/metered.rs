//! A call with the layer and both of its sinks, to see what the layer adds to a binary: see `size`.

use tower::{Layer, service_fn};
use tower_llm_metrics::{FileSink, MemorySink, RequestBody, UserMetricsLayer};
use whole::body::{Frames, answer, call};
use whole::cases;

fn main() -> std::io::Result<()> {
    let dir = std::env::args_os().nth(1).unwrap_or_else(|| "records".into());
    let layer = UserMetricsLayer::new((MemorySink::new(), FileSink::new(dir)?));
    let mut service = layer.layer(service_fn(answer::<RequestBody<Frames>>));
    cases::all().iter().for_each(|case| call(&mut service, case.request()));
    Ok(())
}
