//! One name for a request in its answer, in the log and in the caller's own log.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};

use crate::app::App;

/// The header that names a request.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest name that is taken over from a caller, in bytes.
const MAX_LENGTH: usize = 128;

/// The name of a request.
#[derive(Clone, Debug)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// As it stands in header and log.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Names a request as its caller does, or else anew, and sends the name along with the answer.
pub async fn name(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let given = request.headers().get(X_REQUEST_ID).filter(|id| id.len() <= MAX_LENGTH).and_then(|id| id.to_str().ok());
    let id = given.filter(|id| !id.is_empty()).map_or_else(|| app.id().to_string(), str::to_owned);
    let value = HeaderValue::from_str(&id);
    request.extensions_mut().insert(RequestId(id.into()));
    let mut answer = next.run(request).await;
    if let Ok(value) = value {
        answer.headers_mut().insert(X_REQUEST_ID, value);
    }
    answer
}
