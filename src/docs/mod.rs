//! Guides: pages without code of their own, whose samples are compiled.

#[doc = include_str!("ordering.md")]
pub mod ordering {}
