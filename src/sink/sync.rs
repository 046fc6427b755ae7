//! What a channel is made of. The model checker in `tests/loom` puts its own here.

pub(super) use std::sync::{Condvar, Mutex, MutexGuard};
