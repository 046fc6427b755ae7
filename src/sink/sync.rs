//! The locks of a channel. The model checker in `tests/loom` replaces them by its own.

pub(super) use std::sync::{Condvar, Mutex, MutexGuard};
