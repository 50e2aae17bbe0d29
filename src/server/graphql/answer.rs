//! Answers of HTTP, in the form that the client takes.

use async_graphql::{ServerError, parser::types::OperationType};
use async_graphql_axum::GraphQLResponse;
use axum::{
    body::HttpBody,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::negotiation::Json;
use crate::{
    graphql::{RequestError, internal, with_code},
    server::{authentication::Refused, request_id::RequestId},
};

/// Largest answer, in bytes.
const MAX_ANSWER: u64 = 4 << 20;

/// How a request is answered.
pub struct Answers {
    /// The kind of JSON.
    pub json: Json,
    /// The request.
    pub id: RequestId,
}

impl Answers {
    /// What was executed, with or without errors.
    pub fn response(&self, kind: OperationType, response: async_graphql::Response) -> Response {
        let answer = GraphQLResponse::from(response).into_response();
        // A mutation is made: its caller has to know, however long the answer is.
        if kind == OperationType::Query && answer.body().size_hint().lower() > MAX_ANSWER {
            let message = "The answer would be larger than 4 MiB: ask for smaller pages, or for less of each item.";
            return self.failure(StatusCode::OK, "QUERY_TOO_COMPLEX", message);
        }
        self.typed(answer)
    }

    /// A request of which nothing ran.
    pub fn refusal(&self, refused: &RequestError) -> Response {
        self.errors(self.json.status(refused.code), refused.errors())
    }

    /// A failure for one reason.
    pub fn failure(&self, status: StatusCode, code: &str, message: &str) -> Response {
        self.errors(status, &[with_code(message, None, code)])
    }

    /// A method that is not for this.
    pub fn not_allowed(&self, message: &str, allowed: &'static str) -> Response {
        let mut answer = self.failure(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message);
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
        answer
    }

    /// A credential that is not good, or cannot be judged.
    pub fn unauthenticated(&self, refused: &Refused) -> Response {
        match refused {
            Refused::Invalid(why) => {
                let mut answer = self.failure(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", why);
                answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                answer
            }
            Refused::Unavailable => {
                self.failure(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", refused.message())
            }
        }
    }

    /// More requests at the same time than there are places.
    pub fn busy(&self) -> Response {
        let message = "The server has too much to do; try again.";
        let mut answer = self.failure(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", message);
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        answer
    }

    /// A fault of ours.
    pub fn sorry(&self) -> Response {
        self.errors(StatusCode::INTERNAL_SERVER_ERROR, &[internal(self.id.as_str())])
    }

    /// Errors without data.
    pub fn errors(&self, status: StatusCode, errors: &[ServerError]) -> Response {
        self.typed((status, axum::Json(Refusal { errors })).into_response())
    }

    fn typed(&self, mut answer: Response) -> Response {
        answer.headers_mut().insert(header::CONTENT_TYPE, self.json.content_type());
        answer
    }
}

/// A failure of anything but `/graphql`.
pub fn failure(status: StatusCode, message: &str) -> Response {
    let errors = &[with_code(message, None, "BAD_REQUEST")];
    let mut answer = (status, axum::Json(Refusal { errors })).into_response();
    answer.headers_mut().insert(header::CONTENT_TYPE, Json::Plain.content_type());
    answer
}

/// An answer without data.
#[derive(Serialize)]
struct Refusal<'a> {
    errors: &'a [ServerError],
}
