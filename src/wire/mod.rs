//! Push parsers: bytes in, chosen fields out.
//!
//! A body passes in pieces of any size. Each parser here takes the pieces as they come, never needs a byte twice, keeps
//! a small bounded state between them and gives the same answer however the body was cut. None of them knows what the
//! fields mean, and none of them panics, whatever it is fed.

#[cfg(test)]
mod chunking_tests;
pub(crate) mod encoding;
pub(crate) mod event_stream;
pub(crate) mod json;
pub(crate) mod lines;
pub(crate) mod multipart;
mod scalar;
pub(crate) mod select;
mod skip;
pub(crate) mod sse;
pub(crate) mod text;
