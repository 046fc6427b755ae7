//! Adapters for clients that are not services over `http` types.

#[cfg(feature = "reqwest")]
mod reqwest;
