//! The two taps: bodies that pass every frame on, and show it to the meter.

mod request;
mod response;

pub use request::RequestBody;
pub use response::ResponseBody;

use bytes::{Buf, Bytes};
use http_body::Frame;

/// The frame with its data in one piece, which `look` is shown. For `Bytes` this is free, as it is for most others; only
/// data in several pieces is put together.
fn shown<D: Buf>(frame: Frame<D>, look: impl FnOnce(&Bytes)) -> Frame<Bytes> {
    frame.map_data(|mut data| {
        let bytes = data.copy_to_bytes(data.remaining());
        look(&bytes);
        bytes
    })
}
