//! Requests and answers as they are.

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use serde_json::Value;

use super::Roster;

/// What a server answered, with all around it.
pub struct Sent {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Sent {
    /// The body, which has to be JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    /// The code of the first error.
    pub fn code(&self) -> Value {
        self.json()["errors"][0]["extensions"]["code"].clone()
    }

    /// A header; empty when absent.
    pub fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Sends a request as it is.
pub async fn send(roster: &Roster, request: Request<Body>) -> Sent {
    let response = roster.send(request).await;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    Sent { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

/// A GraphQL request with this body.
pub fn post(body: impl Into<Body>) -> Request<Body> {
    Request::post("/graphql").header(header::CONTENT_TYPE, "application/json").body(body.into()).unwrap()
}
