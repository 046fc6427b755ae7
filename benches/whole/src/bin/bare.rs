//! A call without the layer, to see what the layer adds to a binary: see `size`.

use tower::service_fn;
use whole::body::{Frames, answer, call};
use whole::cases;

fn main() {
    let mut service = service_fn(answer::<Frames>);
    cases::all().iter().for_each(|case| call(&mut service, case.request()));
}
