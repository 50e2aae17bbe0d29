//! The connections of the server: how many, how long they may take, and how they end.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

/// What connections are held to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most connections at the same time, WebSockets included.
    pub connections: usize,
    /// How long a connection may be idle, or take to send the head of a request.
    pub idle: Duration,
    /// How long a client may take nothing of what is sent.
    pub write: Duration,
    /// How long everything is answered as before once the server is asked to stop and says that it is not ready.
    pub notice: Duration,
    /// How long requests under way are waited for after that.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            idle: Duration::from_secs(10),
            write: Duration::from_secs(30),
            notice: Duration::ZERO,
            drain: Duration::from_secs(25),
        }
    }
}

/// How far the stop of a server has come.
#[derive(Clone, Default)]
pub struct Stopping {
    /// It is asked to stop: not ready for more, it still answers everything.
    pub announced: CancellationToken,
    /// It takes no more connections, and ends what would not end by itself.
    pub begun: CancellationToken,
}

/// A place among the connections of a server, given back when the last holder drops it.
#[derive(Clone)]
pub struct Place {
    _permit: Arc<OwnedSemaphorePermit>,
}

/// What a client hears for whom there is no place.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json; charset=utf-8\r\nRetry-After: 1\r\nConnection: close\r\n\r\n{\"errors\":[{\"message\":\"Too many connections; try again.\",\"extensions\":{\"code\":\"SERVICE_UNAVAILABLE\"}}]}\n";
/// Pause after a connection that could not be accepted, as when files have run out.
const PAUSE: Duration = Duration::from_millis(50);
/// Largest head of a request, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// Serves until `stop` comes; then gives notice, finishes what was begun, and ends. `tasks` are waited for too.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stopping: Stopping,
    tasks: TaskTracker,
    stop: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let connections = Connections { router, limits, places, stop: stopping.begun.clone(), open: TaskTracker::new() };
    tokio::select! {
        () = connections.accept(&listener) => {}
        () = async {
            stop.await;
            stopping.announced.cancel();
            sleep(limits.notice).await;
        } => {}
    }
    drop(listener);
    stopping.begun.cancel();
    connections.open.close();
    let drained = async {
        connections.open.wait().await;
        tasks.close();
        tasks.wait().await;
    };
    if timeout(limits.drain, drained).await.is_err() {
        tracing::warn!("some requests were not finished in time");
    }
}

struct Connections {
    router: Router,
    limits: Limits,
    places: Arc<Semaphore>,
    stop: CancellationToken,
    open: TaskTracker,
}

impl Connections {
    async fn accept(&self, listener: &TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => match self.places.clone().try_acquire_owned() {
                    Ok(permit) => self.answer(stream, Place { _permit: Arc::new(permit) }),
                    Err(_full) => drop(tokio::spawn(refuse(stream))),
                },
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    fn answer(&self, stream: TcpStream, place: Place) {
        stream.set_nodelay(true).ok();
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.limits.write));
        let router = self.router.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let (router, place) = (router.clone(), place.clone());
            async move {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(place);
                Ok::<_, Infallible>(router.oneshot(request).await.unwrap_or_else(|never| match never {}))
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.idle)
            .max_header_size(MAX_HEAD)
            // Some clients look for names as they are written here.
            .title_case_headers(true)
            .serve_connection(TokioIo::new(Box::pin(stream)), service)
            .with_upgrades();
        let stop = self.stop.clone();
        self.open.spawn(async move {
            let mut connection = pin!(connection);
            // A client that goes away, or takes too long, is no fault.
            tokio::select! {
                _ = &mut connection => {}
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await.ok();
                }
            }
        });
    }
}

async fn refuse(mut stream: TcpStream) {
    let refused = async {
        stream.write_all(FULL).await?;
        stream.shutdown().await
    };
    timeout(Duration::from_secs(1), refused).await.ok();
}
