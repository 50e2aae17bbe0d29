//! One name for a request in its answer, in the log and in the caller's own log.

use std::sync::Arc;

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
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
    /// As its caller names it, or else a new name.
    pub fn of(request: &Request, app: &App) -> Self {
        let given = request.headers().get(X_REQUEST_ID).filter(|id| id.len() <= MAX_LENGTH);
        let given = given.and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
        Self(given.map_or_else(|| app.id().to_string().into(), Into::into))
    }

    /// As it stands in header and log.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it is sent along with the answer.
    pub fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}
