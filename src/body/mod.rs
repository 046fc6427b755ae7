//! The two taps: bodies that pass every frame on and show it to the meter.

mod request;
mod response;

pub use request::RequestBody;
pub use response::ResponseBody;

use bytes::{Buf, Bytes};
use http_body::Frame;

/// Puts the data of a frame in one piece. For `Bytes` and most others this is free; only data in several pieces is copied.
pub(crate) fn in_one_piece<D: Buf>(frame: Frame<D>) -> Frame<Bytes> {
    frame.map_data(|mut data| data.copy_to_bytes(data.remaining()))
}
