//! How outcomes read in a GraphQL answer. The one place that gives them codes and wording.

use std::collections::HashSet;

use async_graphql::{Error as GraphqlError, ErrorExtensions, PathSegment, Pos, Response, ServerError};

use super::document::Places;
use crate::error::Error;

/// Most errors told of a request that is refused.
const MAX_ERRORS: usize = 5;
/// Longest message, in characters: some repeat what the client sent.
const MAX_MESSAGE: usize = 300;
/// The code of our own faults.
const INTERNAL: &str = "INTERNAL_SERVER_ERROR";
const SORRY: &str = "Something went wrong on our side.";

/// Why a request is refused before anything of it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those that clients read")]
pub enum RequestCode {
    BadRequest,
    BadUserInput,
    GraphqlParseFailed,
    GraphqlValidationFailed,
    OperationNotAllowed,
    OperationResolutionFailure,
    PersistedQueryNotFound,
    QueryTooComplex,
    QueryTooDeep,
}

impl RequestCode {
    /// As clients read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "BAD_REQUEST",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::OperationNotAllowed => "OPERATION_NOT_ALLOWED",
            Self::OperationResolutionFailure => "OPERATION_RESOLUTION_FAILURE",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::QueryTooComplex => "QUERY_TOO_COMPLEX",
            Self::QueryTooDeep => "QUERY_TOO_DEEP",
        }
    }
}

/// A request that is refused before anything of it runs.
#[derive(Clone, Debug)]
pub struct RequestError {
    /// Why.
    pub code: RequestCode,
    errors: Vec<ServerError>,
}

impl RequestError {
    /// A refusal for one reason.
    pub fn new(code: RequestCode, message: impl Into<String>) -> Self {
        Self::several(code, [(message.into(), None)])
    }

    /// A refusal for several reasons, of which the first are told.
    pub fn several(code: RequestCode, reasons: impl IntoIterator<Item = (String, Option<Pos>)>) -> Self {
        let error = |(message, place): (String, Option<Pos>)| with_code(shortened(&message), place, code.as_str());
        Self { code, errors: reasons.into_iter().take(MAX_ERRORS).map(error).collect() }
    }

    /// Adds where in the document.
    #[must_use]
    pub fn at(mut self, place: Pos) -> Self {
        if let Some(error) = self.errors.first_mut() {
            error.locations.push(place);
        }
        self
    }

    /// The first reason.
    pub fn message(&self) -> &str {
        self.errors.first().map_or("", |error| &error.message)
    }

    /// The reasons, as clients get them.
    pub fn errors(&self) -> &[ServerError] {
        &self.errors
    }
}

/// An error with a code.
pub fn with_code(message: impl Into<String>, place: Option<Pos>, code: &str) -> ServerError {
    let mut error = ServerError::new(message, place);
    error.extensions.get_or_insert_default().set("code", code);
    error
}

/// A fault of ours, by the name under which the log has more of it.
pub fn internal(request_id: &str) -> ServerError {
    let mut error = with_code(SORRY, None, INTERNAL);
    set(&mut error, "requestId", request_id);
    error
}

fn shortened(message: &str) -> String {
    match message.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", message.get(..end).unwrap_or_default()),
        None => message.to_owned(),
    }
}

/// Makes the errors of an answer to `text` fit to be sent: each has a code, tells nothing of our insides, names the line
/// of its field, and stands once.
pub fn finish(response: &mut Response, text: &str, request_id: &str) {
    if response.errors.is_empty() {
        return;
    }
    let mut told = HashSet::new();
    response.errors.retain(|error| told.insert(format!("{:?} {}", error.path, error.message)));
    for error in &mut response.errors {
        let code = error.extensions.get_or_insert_default().get("code").cloned();
        if code.is_none() {
            // Resolvers give codes, and what the library could refuse was refused before.
            tracing::error!(message = %error.message, path = ?error.path, "an error without a code");
            SORRY.clone_into(&mut error.message);
            set(error, "code", INTERNAL);
        }
        if error.message == SORRY {
            set(error, "requestId", request_id);
        }
    }
    // In the order of the document, as they would be without concurrency.
    response.errors.sort_by_key(place);
    let mut places = Places::of(text);
    for location in response.errors.iter_mut().flat_map(|error| &mut error.locations) {
        *location = places.next(*location);
    }
}

fn set(error: &mut ServerError, name: &str, value: &str) {
    error.extensions.get_or_insert_default().set(name, value);
}

fn place(error: &ServerError) -> (Option<Pos>, Vec<usize>) {
    let index = |segment: &PathSegment| if let PathSegment::Index(index) = segment { Some(*index) } else { None };
    (error.locations.first().copied(), error.path.iter().filter_map(index).collect())
}

impl From<Error> for GraphqlError {
    fn from(error: Error) -> Self {
        let (code, message) = match &error {
            Error::Unauthenticated => ("UNAUTHENTICATED", "Sign in to see this: send an Authorization header."),
            Error::Forbidden { .. } => ("FORBIDDEN", "You may not see this."),
            Error::BadInput(message) => ("BAD_USER_INPUT", message.as_str()),
            Error::Timeout => ("TIMEOUT", "This took too long and was given up; nothing was changed."),
            Error::Transient(_) | Error::Unavailable(_) => {
                ("SERVICE_UNAVAILABLE", "The database cannot be reached just now; try again.")
            }
            Error::Internal(_) | Error::Refused(_) => (INTERNAL, SORRY),
        };
        match &error {
            Error::Transient(what) | Error::Unavailable(what) => tracing::warn!(%what, "unavailable"),
            Error::Internal(what) => tracing::error!(%what, "internal error"),
            Error::Refused(refusals) => tracing::error!(?refusals, "a refusal was not shown as a user error"),
            _ => {}
        }
        GraphqlError::new(message).extend_with(|_, extensions| {
            extensions.set("code", code);
            if let Error::Forbidden { permission: Some(permission) } = error {
                extensions.set("requiredPermission", permission);
            }
        })
    }
}
