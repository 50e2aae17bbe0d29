//! HTTP: the GraphQL endpoint, who is calling, and the pages around it.

pub mod authentication;
pub mod connections;
pub mod graphiql;
mod graphql;
mod local_only;
pub mod mailbox;
mod request_id;
pub mod tokens;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use chrono::{DateTime, Utc};
use tokio::{sync::Semaphore, time::sleep};
use tower_http::cors::{AllowOrigin, CorsLayer};

pub use self::{graphql::SocketLimits, local_only::local_only};

use self::{
    authentication::Authentication,
    connections::Stopping,
    request_id::{RequestId, X_REQUEST_ID},
};
use crate::{app::App, graphql::document::Documents};

/// What the router is made of.
#[derive(Clone)]
pub struct Server {
    /// What all requests share.
    pub app: Arc<App>,
    /// The documents that were seen.
    pub documents: Arc<Documents>,
    /// Who is let in.
    pub authentication: Arc<Authentication>,
    /// Origins whose pages may call from a browser.
    pub allowed_origins: Vec<HeaderValue>,
    /// Places for requests that are answered at the same time. Who finds none is sent away at once: all others are
    /// answered as fast as before.
    pub places: Arc<Semaphore>,
    /// What a WebSocket may do.
    pub socket_limits: SocketLimits,
    /// How far the stop of the server has come.
    pub stopping: Stopping,
}

impl Server {
    /// `/graphql`, `GET /schema.graphql`, `GET /health/live` and `GET /health/ready`.
    pub fn router(self) -> Router {
        let cors = CorsLayer::new()
            .allow_origin(AllowOrigin::list(self.allowed_origins.clone()))
            .allow_methods([Method::GET, Method::POST])
            .allow_headers([header::ACCEPT, header::AUTHORIZATION, header::CONTENT_TYPE, X_REQUEST_ID])
            .expose_headers([header::RETRY_AFTER, X_REQUEST_ID])
            .max_age(Duration::from_hours(1));
        let server = Arc::new(self);
        Router::new()
            .route("/graphql", any(graphql::serve).layer(cors))
            .route("/schema.graphql", get(sdl))
            .route("/health/live", get(async || "ok\n"))
            .route("/health/ready", get(ready))
            .method_not_allowed_fallback(async || {
                graphql::failure(StatusCode::METHOD_NOT_ALLOWED, "This is not the method for this address.")
            })
            .fallback(async || graphql::failure(StatusCode::NOT_FOUND, "There is nothing at this address."))
            .with_state(server.clone())
            .layer(from_fn_with_state(server, frame))
    }

    /// Comes when the server stops, or a credential expires.
    fn ended(&self, until: Option<DateTime<Utc>>) -> impl Future<Output = ()> + Send + use<> {
        let stopped = self.stopping.begun.clone().cancelled_owned();
        let left = until.map(|until| (until - self.app.now()).to_std().unwrap_or_default());
        async move {
            match left {
                None => stopped.await,
                Some(left) => tokio::select! {
                    () = stopped => {}
                    () = sleep(left) => {}
                },
            }
        }
    }
}

/// The schema definition language, for generators of typed clients.
async fn sdl() -> ([(HeaderName, &'static str); 1], String) {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], crate::graphql::sdl())
}

/// 200 when requests can be answered, 503 when they cannot: the server stops, or the database does not answer.
async fn ready(State(server): State<Arc<Server>>) -> Response {
    if server.stopping.announced.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the server stops\n").into_response();
    }
    match server.app.db.read().await {
        Ok(_) => "ok\n".into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database cannot be reached\n").into_response(),
    }
}

/// What every request and answer has: a name, headers that keep browsers and caches from harm, and from a server that is
/// to stop the wish to connect elsewhere.
async fn frame(State(server): State<Arc<Server>>, mut request: Request, next: Next) -> Response {
    let id = RequestId::of(&request, &server.app);
    let name = id.header();
    request.extensions_mut().insert(id);
    let mut response = next.run(request).await;
    let is_upgrade = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    if server.stopping.announced.is_cancelled() && !is_upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.extend(name.map(|name| (X_REQUEST_ID, name)));
    response
}
