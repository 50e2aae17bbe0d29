//! `POST /graphql`.

use std::{panic::AssertUnwindSafe, time::Duration};

use async_graphql::{Request, ServerError};
use async_graphql_axum::GraphQLResponse;
use axum::{
    Json,
    body::{Body, to_bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use serde_json::json;

use super::{Server, authentication::Refused};
use crate::graphql;

/// Largest body, in bytes.
const MAX_BODY: usize = 256 * 1024;
/// Longest time a request may take.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// Answers a GraphQL request.
pub async fn answer(State(server): State<Server>, headers: HeaderMap, body: Body) -> Response {
    // Pages of other sites can post forms and text, but not JSON: this is what keeps them out.
    if !is_json(&headers) {
        return failure(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "BAD_REQUEST",
            "Send the request as Content-Type: application/json.",
        );
    }
    let viewer = match server.authentication.viewer(&server.app, &headers).await {
        Ok(viewer) => viewer,
        Err(Refused::Invalid(why)) => return unauthenticated(why),
        Err(Refused::Unavailable) => {
            return failure(
                StatusCode::SERVICE_UNAVAILABLE,
                "SERVICE_UNAVAILABLE",
                "Who you are cannot be checked just now; try again.",
            );
        }
    };
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return failure(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", "The body may have 256 KiB.");
    };
    let Some(request) = read(&body) else {
        return failure(
            StatusCode::BAD_REQUEST,
            "BAD_REQUEST",
            "The body is no GraphQL request: {\"query\": …, \"variables\": …}.",
        );
    };
    let execution = graphql::request(&server.schema, server.app.clone(), viewer.into(), request);
    match tokio::time::timeout(TIME_LIMIT, AssertUnwindSafe(execution).catch_unwind()).await {
        Ok(Ok(mut response)) => {
            response.errors.iter_mut().for_each(add_code);
            GraphQLResponse::from(response).into_response()
        }
        Ok(Err(_panic)) => {
            failure(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR", "Something went wrong on our side.")
        }
        Err(_elapsed) => failure(StatusCode::SERVICE_UNAVAILABLE, "TIMEOUT", "This took too long and was given up."),
    }
}

/// Any method but POST.
pub async fn post_only() -> Response {
    let mut response =
        failure(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "Send GraphQL requests with POST.");
    response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("POST"));
    response
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
        || media_type.eq_ignore_ascii_case("application/graphql-response+json")
}

/// A request is an object; the library would read one from a list of its values as well.
fn read(body: &[u8]) -> Option<Request> {
    body.trim_ascii_start().starts_with(b"{").then(|| serde_json::from_slice(body).ok()).flatten()
}

/// Errors of the document come from the library without a code.
fn add_code(error: &mut ServerError) {
    let extensions = error.extensions.get_or_insert_default();
    if extensions.get("code").is_none() {
        let code = match error.message.as_str() {
            "Query is nested too deep." => "QUERY_TOO_DEEP",
            "Query is too complex." => "QUERY_TOO_COMPLEX",
            _ if error.path.is_empty() => "GRAPHQL_VALIDATION_FAILED",
            _ => "BAD_USER_INPUT",
        };
        extensions.set("code", code);
    }
}

fn unauthenticated(why: &str) -> Response {
    let mut response = failure(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", why);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    response
}

fn failure(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({ "errors": [{ "message": message, "extensions": { "code": code } }] }))).into_response()
}
