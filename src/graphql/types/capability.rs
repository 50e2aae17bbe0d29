//! `Capability`: whether the viewer may do something, in the words of the mutation itself.

use async_graphql::SimpleObject;

use super::user_error::UserErrorCode;
use crate::{
    access::Viewer,
    error::{Code, Detail, Refusal},
};

/// Whether the viewer may do something now and, if not, the error the mutation would return. Mutations ask for a
/// signed-in viewer first: to nobody, everything is FORBIDDEN.
#[derive(SimpleObject)]
pub struct Capability {
    /// The mutation would be accepted now.
    allowed: bool,
    /// Code the mutation would return; null when allowed.
    code: Option<UserErrorCode>,
    /// Reason to show; null when allowed.
    message: Option<String>,
    /// Permission that is missing, when that is the reason.
    required_permission: Option<String>,
}

impl Capability {
    /// What the check of a mutation said.
    pub fn of<T>(viewer: &Viewer, checked: Result<T, Refusal>) -> Self {
        let checked = match viewer {
            Viewer::Nobody => Err(Refusal::new(Code::Forbidden, "Sign in for this.")),
            _ => checked.map(drop),
        };
        match checked {
            Ok(()) => Self { allowed: true, code: None, message: None, required_permission: None },
            Err(refusal) => Self {
                allowed: false,
                code: Some(refusal.code.into()),
                required_permission: match refusal.detail {
                    Detail::Permission(key) => Some(key.into_owned()),
                    _ => None,
                },
                message: Some(refusal.message.into_owned()),
            },
        }
    }
}
