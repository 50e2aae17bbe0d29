//! HTTP: the GraphQL endpoint, who is calling, and the pages around it.

pub mod authentication;
pub mod graphiql;
mod graphql;
mod local_only;
pub mod mailbox;
pub mod tokens;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::map_response,
    response::Response,
    routing::{get, post},
};
use tokio::net::TcpListener;
use tower_http::cors::{AllowOrigin, CorsLayer};

pub use self::local_only::local_only;

use self::authentication::Authentication;
use crate::{app::App, graphql::Schema};

/// How long requests under way are waited for when the server stops.
const DRAIN: Duration = Duration::from_secs(25);

/// What the router is made of.
#[derive(Clone)]
pub struct Server {
    /// What all requests share.
    pub app: Arc<App>,
    /// The schema.
    pub schema: Schema,
    /// Who is let in.
    pub authentication: Arc<Authentication>,
    /// Origins whose pages may call from a browser.
    pub allowed_origins: Vec<HeaderValue>,
}

impl Server {
    /// `POST /graphql`, `GET /schema.graphql` and `GET /health`.
    pub fn router(self) -> Router {
        let cors = CorsLayer::new()
            .allow_origin(AllowOrigin::list(self.allowed_origins.clone()))
            .allow_methods([Method::POST])
            .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
            .max_age(Duration::from_hours(1));
        Router::new()
            .route("/graphql", post(graphql::answer).fallback(graphql::post_only).layer(cors))
            .route("/schema.graphql", get(sdl))
            .route("/health", get(health))
            .with_state(self)
            .layer(map_response(harden))
    }
}

/// The schema definition language, for generators of typed clients.
async fn sdl() -> ([(HeaderName, &'static str); 1], String) {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], crate::graphql::sdl())
}

/// 200 when the database answers, 503 when it does not.
async fn health(State(server): State<Server>) -> (StatusCode, &'static str) {
    match server.app.db.read().await {
        Ok(_) => (StatusCode::OK, "ok\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database cannot be reached\n"),
    }
}

async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Serves until `stop` comes, then finishes what was begun, for at most 25 seconds.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    app: Arc<App>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let stopping = Arc::new(tokio::sync::Notify::new());
    let stopped = stopping.clone();
    let serving = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async move {
            stop.await;
            stopping.notify_one();
        });
    tokio::select! {
        served = serving => served?,
        // A client that keeps its connection open does not keep the server.
        () = async { stopped.notified().await; tokio::time::sleep(DRAIN).await } => {}
    }
    app.tasks.close();
    tokio::time::timeout(DRAIN, app.tasks.wait()).await.ok();
    Ok(())
}
