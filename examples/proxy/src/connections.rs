//! How many connections there may be, and which of them are closed for want of use or of room.

use axum::body::Body;
use http_body::{Frame, SizeHint};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

/// All connections of a listener.
///
/// A connection is in use while a call on it is open. One that has none may be waiting for a caller, or may be held by somebody
/// who sends half a head: it is closed when its time is up, or when it is the one that has waited longest and there is no room
/// for another.
#[derive(Debug)]
pub struct Connections {
    room: Arc<Semaphore>,
    patience: Duration,
    unused: Mutex<Unused>,
    one_more_is_unused: Notify,
}

#[derive(Debug, Default)]
struct Unused {
    next: u64,
    by_age: BTreeMap<u64, Arc<Notify>>,
}

impl Connections {
    /// Allows at most `max` of them, of which each may be unused for the time of `patience`.
    #[must_use]
    pub fn new(max: usize, patience: Duration) -> Arc<Self> {
        Arc::new(Self {
            room: Arc::new(Semaphore::new(max.clamp(1, Semaphore::MAX_PERMITS))),
            patience,
            unused: Mutex::default(),
            one_more_is_unused: Notify::new(),
        })
    }

    /// A place for one more, as soon as there is room.
    pub(crate) async fn admit(self: &Arc<Self>) -> Arc<Connection> {
        let room = loop {
            if let Ok(room) = Arc::clone(&self.room).try_acquire_owned() {
                break room;
            }
            let one_more_is_unused = self.one_more_is_unused.notified();
            let mut one_more_is_unused = std::pin::pin!(one_more_is_unused);
            one_more_is_unused.as_mut().enable();
            let oldest = self.unused().by_age.pop_first();
            let is_closing = oldest.is_some();
            if let Some((_, close)) = oldest {
                close.notify_one();
            }
            tokio::select! {
                Ok(room) = Arc::clone(&self.room).acquire_owned() => break room,
                () = one_more_is_unused, if !is_closing => {}
            }
        };
        let connection = Connection {
            all: Arc::clone(self),
            close: Arc::default(),
            calls: watch::Sender::new(0),
            age: Mutex::default(),
            _room: room,
        };
        connection.is_unused_again(&mut self.unused());
        Arc::new(connection)
    }

    /// Closes those that have no open call.
    pub(crate) fn close_unused(&self) {
        for close in std::mem::take(&mut self.unused().by_age).into_values() {
            close.notify_one();
        }
    }

    fn unused(&self) -> MutexGuard<'_, Unused> {
        self.unused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection, until it is dropped.
pub(crate) struct Connection {
    all: Arc<Connections>,
    close: Arc<Notify>,
    calls: watch::Sender<usize>,
    /// Its number among the unused ones. Written under their lock.
    age: Mutex<Option<u64>>,
    _room: OwnedSemaphorePermit,
}

impl Connection {
    /// Begins a call, which is open until what this returns is dropped.
    pub(crate) fn call(self: &Arc<Self>) -> OpenCall {
        let mut unused = self.all.unused();
        self.is_used(&mut unused);
        self.calls.send_modify(|calls| *calls += 1);
        OpenCall(Arc::clone(self))
    }

    /// Waits until the connection is to be closed.
    pub(crate) async fn is_to_be_closed(&self) {
        let mut calls = self.calls.subscribe();
        let unused_for_long = async {
            while calls.wait_for(|calls| *calls == 0).await.is_ok() {
                tokio::select! {
                    _ = calls.changed() => {}
                    () = tokio::time::sleep(self.all.patience) => break,
                }
            }
        };
        tokio::select! {
            () = unused_for_long => {}
            () = self.close.notified() => {}
        }
    }

    fn age(&self) -> MutexGuard<'_, Option<u64>> {
        self.age.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_used(&self, unused: &mut Unused) {
        if let Some(age) = self.age().take() {
            unused.by_age.remove(&age);
        }
    }

    fn is_unused_again(&self, unused: &mut Unused) {
        *self.age() = Some(unused.next);
        unused.by_age.insert(unused.next, Arc::clone(&self.close));
        unused.next += 1;
        self.all.one_more_is_unused.notify_waiters();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.is_used(&mut self.all.unused());
    }
}

/// An open call.
pub(crate) struct OpenCall(Arc<Connection>);

impl OpenCall {
    /// The body of the call's answer: with its end the call ends.
    pub(crate) fn until_the_end_of(self, body: Body) -> Body {
        Body::new(Answer { body, _call: self })
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        let connection = &self.0;
        let mut unused = connection.all.unused();
        connection.calls.send_modify(|calls| *calls -= 1);
        if *connection.calls.borrow() == 0 {
            connection.is_unused_again(&mut unused);
        }
    }
}

/// A body that keeps its call open.
struct Answer {
    body: Body,
    _call: OpenCall,
}

impl http_body::Body for Answer {
    type Data = bytes::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Half of the files that this process may have open, since a call has a connection on each side of the proxy.
pub(crate) fn usual_limit() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files =
        limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
    // Where nobody tells, what systems have by default.
    let files = files.map_or(256, |files| files.parse().unwrap_or(usize::MAX));
    (files / 2).saturating_sub(32).clamp(16, 10_000)
}
