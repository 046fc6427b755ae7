//! Connections, and their end.

use super::connections::Connections;
use super::signals::StopSignals;
use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tower::ServiceExt;

/// A server, with all its connections.
#[derive(Debug)]
pub struct Server {
    connections: Arc<Connections>,
    tasks: Tasks,
    builder: auto::Builder<Tasks>,
    open: GracefulShutdown,
}

impl Server {
    /// Creates a server that has no connection yet.
    #[must_use]
    pub fn new(connections: Arc<Connections>) -> Self {
        let tasks = Tasks::default();
        let mut builder = auto::Builder::new(tasks.clone());
        // Heads keep their spelling, for whoever takes it to matter.
        builder.http1().preserve_header_case(true);
        Self { connections, tasks, builder, open: GracefulShutdown::new() }
    }

    /// Serves until the first signal, then waits for open calls until they have ended, the time is up or a second signal comes.
    /// The rest is dropped then, and `tell` is told why right before.
    pub(crate) async fn serve(
        self,
        traffic: TcpListener,
        router: &Router,
        stop: &mut StopSignals,
        grace: Duration,
        tell: impl FnOnce(&str),
    ) {
        tokio::select! {
            () = self.accept(&traffic, router) => {}
            () = stop.next() => {}
        }
        drop(traffic);
        self.connections.close_unused();
        let why = tokio::select! {
            () = self.open.shutdown() => return,
            () = tokio::time::sleep(grace) => "the time for them is up",
            () = stop.next() => "a second signal came",
        };
        tell(why);
        self.tasks.end().await;
    }

    /// Takes connections and serves them, without end.
    pub async fn accept(&self, listener: &TcpListener, router: &Router) {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                // It broke off at once, or there is no file left for it. Those that are open go on.
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            self.connect(stream, router.clone()).await;
        }
    }

    /// Serves one more connection, when there is room for it.
    async fn connect(&self, stream: TcpStream, router: Router) {
        let connection = self.connections.admit().await;
        // Events are small, and wait for nothing.
        let _ = stream.set_nodelay(true);
        let place = Arc::clone(&connection);
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let call = place.call();
            let answer = router.clone().oneshot(request.map(Body::new));
            async move { Ok::<_, Infallible>(answer.await?.map(|body| call.until_the_end_of(body))) }
        });
        let serving =
            self.open.watch(self.builder.serve_connection(TokioIo::new(stream), service).into_owned());
        self.tasks.spawn(async move {
            tokio::select! {
                // How a connection ends is told by the records of its calls.
                _ = serving => {}
                () = connection.is_to_be_closed() => {}
            }
        });
    }
}

/// All tasks of the server. They are dropped while the client's still run: else a call that we drop could look as if the
/// upstream had broken it.
#[derive(Clone, Debug, Default)]
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
