//! Connections, and their end.

use super::signals::StopSignals;
use axum::Router;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Serves until the first signal, then waits for open calls until they have ended, the time is up or a second signal comes.
/// The rest is dropped then, and `tell` is told why right before.
pub(crate) async fn serve(
    traffic: TcpListener,
    router: Router,
    stop: &mut StopSignals,
    grace: Duration,
    tell: impl FnOnce(&str),
) {
    let tasks = Tasks::default();
    let mut server = auto::Builder::new(tasks.clone());
    // Heads keep their spelling, for whoever takes it to matter.
    server.http1().preserve_header_case(true);
    let open = GracefulShutdown::new();
    loop {
        let connection = tokio::select! {
            accepted = traffic.accept() => accepted,
            () = stop.next() => break,
        };
        let Ok((connection, _)) = connection else {
            // It broke off at once, or there is no file left for it. Those that are open go on.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        // Events are small, and wait for nothing.
        let _ = connection.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let serving = server.serve_connection(TokioIo::new(connection), service).into_owned();
        let serving = open.watch(serving);
        // How a connection ends is told by the records of its calls.
        tasks.spawn(async move { drop(serving.await) });
    }
    drop(traffic);
    let why = tokio::select! {
        () = open.shutdown() => return,
        () = tokio::time::sleep(grace) => "the time for them is up",
        () = stop.next() => "a second signal came",
    };
    tell(why);
    tasks.end().await;
}

/// All tasks of the server. They are dropped while the client's still run: else a call that we drop could look as if the
/// upstream had broken it.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<JoinSet<()>>>);

impl Tasks {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    async fn end(self) {
        let mut tasks = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
    }
}

impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.spawn(async { drop(task.await) });
    }
}
