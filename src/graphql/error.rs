//! How outcomes read in a GraphQL answer. The one place that gives them codes and wording.

use async_graphql::{Error as GraphqlError, ErrorExtensions};

use crate::error::Error;

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
            Error::Internal(_) | Error::Refused(_) => ("INTERNAL_SERVER_ERROR", "Something went wrong on our side."),
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
