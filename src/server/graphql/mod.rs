//! `/graphql`: GraphQL over HTTP, as events, and over WebSockets.

mod answer;
mod events;
mod negotiation;
mod socket;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use async_graphql::parser::types::OperationType;
use axum::{
    Extension,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};
use futures_util::FutureExt;
use http_body_util::LengthLimitError;
use url::form_urlencoded;

use self::{
    answer::Answers,
    negotiation::{Json, accepted},
};
pub use self::{answer::failure, socket::Limits as SocketLimits};
use super::{Server, authentication::Refused, connections::Place, request_id::RequestId};
use crate::graphql::{self, document::Params};

/// Longest time that a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(10);

/// Answers a request, or makes it a WebSocket. A panic is answered too.
pub async fn serve(
    State(server): State<Arc<Server>>,
    Extension(id): Extension<RequestId>,
    place: Option<Extension<Place>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Response {
    let (Parts { method, uri, headers, .. }, body) = request.into_parts();
    if let Ok(upgrade) = upgrade {
        return socket::upgrade(server, &headers, id, place, upgrade);
    }
    let accepted = accepted(&headers);
    // Whoever takes events alone shall not have to look into an error to know it for one.
    let otherwise = if accepted.events { Json::GraphqlResponse } else { Json::Plain };
    let answers = Answers { json: accepted.json.unwrap_or(otherwise), id };
    let answer = async {
        if accepted.json.is_none() && !accepted.events {
            let message = "Answers come as application/graphql-response+json, application/json or text/event-stream.";
            return Err(answers.failure(StatusCode::NOT_ACCEPTABLE, "BAD_REQUEST", message));
        }
        let params = match method {
            Method::GET => Params::from_pairs(pairs(uri.query().unwrap_or_default())),
            Method::POST => Params::from_json(&body_of(&server, &headers, body, &answers).await?),
            _ => return Err(answers.not_allowed("Send GraphQL requests with POST, or queries with GET.", "GET, POST")),
        };
        // Whoever sends slowly takes no place meanwhile.
        let Ok(_place) = server.places.try_acquire() else { return Err(answers.busy()) };
        let operation = params.and_then(|params| server.documents.operation(&params));
        let operation = operation.map_err(|refused| answers.refusal(&refused))?;
        if method == Method::GET && operation.kind != OperationType::Query {
            return Err(answers.not_allowed("Only queries can be sent with GET: send this with POST.", "POST"));
        }
        if operation.kind == OperationType::Subscription && !accepted.events {
            let message = "Subscriptions come over a WebSocket (graphql-transport-ws), or as text/event-stream.";
            return Err(answers.failure(StatusCode::NOT_ACCEPTABLE, "BAD_REQUEST", message));
        }
        let signed_in = server.authentication.sign_in(&server.app, headers.get(header::AUTHORIZATION)).await;
        let signed_in = signed_in.map_err(|refused| answers.unauthenticated(&refused))?;
        if accepted.json.is_none() || operation.kind == OperationType::Subscription {
            return Ok(events::answer(&server, signed_in, operation, &answers).await);
        }
        let kind = operation.kind;
        let executed = graphql::execute(&server.app, signed_in.viewer, operation, answers.id.as_str()).await;
        executed
            .map(|response| answers.response(kind, response))
            .map_err(|error| answers.errors(StatusCode::SERVICE_UNAVAILABLE, &[error]))
    };
    match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(Ok(answer) | Err(answer)) => answer,
        Err(_panic) => answers.sorry(),
    }
}

/// The parameters in an address.
fn pairs(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

/// The body of a request.
async fn body_of(server: &Server, headers: &HeaderMap, body: Body, answers: &Answers) -> Result<Bytes, Response> {
    // Pages of other sites can post forms and text, but not JSON: this is what keeps them out.
    if !is_json(headers.get(header::CONTENT_TYPE)) {
        let message = "Send the request as Content-Type: application/json.";
        return Err(answers.failure(StatusCode::UNSUPPORTED_MEDIA_TYPE, "BAD_REQUEST", message));
    }
    let most = server.app.limits.max_body;
    match tokio::time::timeout(BODY_TIME, to_bytes(body, most)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if is_too_large(&error) => {
            let message = format!("The body may have {most} bytes.");
            Err(answers.failure(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", &message))
        }
        Ok(Err(_broken)) => {
            Err(answers.failure(StatusCode::BAD_REQUEST, "BAD_REQUEST", "The body did not arrive whole."))
        }
        Err(_elapsed) => {
            let message = "The body took too long to arrive.";
            let mut answer = answers.failure(StatusCode::REQUEST_TIMEOUT, "BAD_REQUEST", message);
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            Err(answer)
        }
    }
}

fn is_json(content_type: Option<&HeaderValue>) -> bool {
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
}

fn is_too_large(error: &axum::Error) -> bool {
    let mut causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.any(<dyn std::error::Error>::is::<LengthLimitError>)
}

impl Refused {
    /// What a client may know of it.
    fn message(&self) -> &'static str {
        match self {
            Self::Invalid(why) => why,
            Self::Unavailable => "Who you are cannot be checked just now; try again.",
        }
    }
}
