//! Whole calls: what is asked and answered, and who stands in between.

pub mod body;
pub mod cases;
pub mod cold;
pub mod naive;
