//! `UserError`: expected failures, as data.

use async_graphql::{Enum, Interface, SimpleObject};

use super::plan::PlanTier;
use crate::{
    error::{Code, Detail, Refusal},
    graphql::scalars::DateTime,
};

/// Reasons a mutation, or one item of it, was refused. Open set.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "Code")]
pub enum UserErrorCode {
    /// Not applied because another item failed and `mode` is `ATOMIC`.
    Aborted,
    /// A pending invitation for this email and scope exists.
    AlreadyInvited,
    /// Already a member.
    AlreadyMember,
    /// Required text is empty.
    Blank,
    /// Built-in roles cannot be changed or deleted.
    BuiltInRole,
    /// Too soon; see `CooldownUserError`.
    Cooldown,
    /// The same item appears twice in the input.
    Duplicate,
    /// The actor may see the object but not do this.
    Forbidden,
    /// The idempotency key was used with different input.
    IdempotencyKeyReused,
    /// The value is malformed or outside its range.
    Invalid,
    /// The invitation was sent to an email the actor has not verified.
    InvitationEmailMismatch,
    /// The invitation has expired.
    InvitationExpired,
    /// The invitation is no longer pending.
    InvitationNotPending,
    /// A newer link was sent; this one no longer works.
    InvitationSuperseded,
    /// A quota or seat limit; see `LimitUserError`.
    LimitReached,
    /// No such object, or not visible to the actor.
    NotFound,
    /// The user must be an organization member first.
    NotMember,
    /// The owner cannot be removed, demoted or leave; transfer ownership first.
    OwnerProtected,
    /// Not in the current plan; see `PlanUserError`.
    PlanRequired,
    /// The role is in use and no replacement was given.
    RoleInUse,
    /// The role cannot be assigned: it is Owner, or outranks the actor's own.
    RoleNotAssignable,
    /// An organization role where a project role is needed, or the reverse.
    RoleScopeMismatch,
    /// See `VersionUserError`.
    StaleVersion,
    /// Another object already uses this unique value.
    Taken,
    /// Text exceeds its maximum length.
    TooLong,
    /// List exceeds its maximum length; see `LimitUserError`.
    TooMany,
}

/// An expected failure. New implementing types and codes may be added at any time: always handle an unknown `code`.
#[derive(Interface, Clone)]
#[expect(clippy::enum_variant_names, reason = "the names are those of the types")]
#[graphql(
    field(name = "code", ty = "&UserErrorCode", desc = "Machine-readable reason."),
    field(name = "message", ty = "&String", desc = "Human-readable reason in English."),
    field(
        name = "path",
        ty = "&Option<Vec<String>>",
        desc = "Path of the offending input, starting at `input`: `[\"input\", \"emails\", \"2\"]`. Null when no input is to blame."
    )
)]
pub enum UserError {
    /// Without further data.
    BasicUserError(BasicUserError),
    /// With the permission that is missing.
    PermissionUserError(PermissionUserError),
    /// With the limit.
    LimitUserError(LimitUserError),
    /// With the plan that is needed.
    PlanUserError(PlanUserError),
    /// With the current version.
    VersionUserError(VersionUserError),
    /// With the time of the next try.
    CooldownUserError(CooldownUserError),
}

macro_rules! user_errors {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(SimpleObject, Clone)]
            pub struct $name {
                /// Machine-readable reason.
                pub code: UserErrorCode,
                /// Human-readable reason in English.
                pub message: String,
                /// Path of the offending input.
                pub path: Option<Vec<String>>,
                $($(#[$field_doc])* $field: $type,)*
            }
        )*
    };
}

user_errors! {
    /// A failure without further data.
    BasicUserError {}
    /// `FORBIDDEN`: the actor lacks a permission.
    PermissionUserError {
        /// Permission that would be needed.
        required_permission: Option<String>,
    }
    /// `LIMIT_REACHED` or `TOO_MANY`: a quota, seat or size limit.
    LimitUserError {
        /// The limit.
        limit: i32,
        /// What is used or was asked for.
        actual: i32,
    }
    /// `PLAN_REQUIRED`: the plan does not include this and no trial is active.
    PlanUserError {
        /// Smallest plan that includes it.
        required_tier: PlanTier,
    }
    /// `STALE_VERSION`: `expectedVersion` is not the current version; refetch, merge, retry.
    VersionUserError {
        /// The current version.
        current_version: i32,
    }
    /// `COOLDOWN`: too soon, for example a second resend within a minute.
    CooldownUserError {
        /// When it is allowed again.
        retry_at: DateTime,
    }
}

impl From<Refusal> for UserError {
    fn from(refusal: Refusal) -> Self {
        let (code, message) = (refusal.code.into(), refusal.message.into_owned());
        let path = (!refusal.path.is_empty())
            .then(|| std::iter::once("input".to_owned()).chain(refusal.path.into_iter().map(Into::into)).collect());
        match refusal.detail {
            Detail::None => BasicUserError { code, message, path }.into(),
            Detail::Permission(key) => {
                PermissionUserError { code, message, path, required_permission: Some(key.into_owned()) }.into()
            }
            Detail::Limit { limit, actual } => LimitUserError { code, message, path, limit, actual }.into(),
            Detail::Plan => PlanUserError { code, message, path, required_tier: PlanTier::Starter }.into(),
            Detail::Version(current_version) => VersionUserError { code, message, path, current_version }.into(),
            Detail::RetryAt(retry_at) => CooldownUserError { code, message, path, retry_at: retry_at.into() }.into(),
        }
    }
}

/// User errors of refusals.
pub fn user_errors(refusals: Vec<Refusal>) -> Vec<UserError> {
    refusals.into_iter().map(Into::into).collect()
}
