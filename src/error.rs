//! Every outcome a request can end in. Knows no HTTP, GraphQL or SQL: codes and wording are mapped to
//! those at the edges.

use std::{borrow::Cow, sync::Arc};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What operations and loads return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request, a field or a mutation did not get what it asked for.
///
/// It has no `Display`, on purpose: nothing can print it to a client but the file that maps it.
#[derive(Clone, Debug)]
pub enum Error {
    /// Nobody is signed in where somebody has to be.
    Unauthenticated,
    /// The viewer sees the object but may not do this.
    Forbidden {
        /// The permission that is missing, when that is the reason.
        permission: Option<&'static str>,
    },
    /// An argument of a query is malformed; the text says what to give instead.
    BadInput(String),
    /// A mutation was refused; nothing was changed.
    Refused(Vec<Refusal>),
    /// The database failed in a way that may pass: worth running the transaction again.
    Transient(Arc<str>),
    /// The database cannot be had just now.
    Unavailable(Arc<str>),
    /// Took too long.
    Timeout,
    /// A fault of ours. The text is for the log only.
    Internal(Arc<str>),
}

impl Error {
    /// A fault of ours, described for the log.
    pub fn internal(what: impl std::fmt::Display) -> Self {
        Self::Internal(what.to_string().into())
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(vec![refusal])
    }
}

/// Why a mutation, or one item of it, was refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// Machine-readable reason.
    pub code: Code,
    /// Reason in words.
    pub message: Cow<'static, str>,
    /// Where in the input, without the leading `input`. Empty when no input is to blame.
    pub path: Vec<Cow<'static, str>>,
    /// What the reader needs beyond the code.
    pub detail: Detail,
}

/// What belongs to some of the codes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Detail {
    /// Nothing.
    None,
    /// The permission that would be needed.
    Permission(Cow<'static, str>),
    /// A limit, and what is used or was asked for.
    Limit {
        /// The limit.
        limit: i32,
        /// What is used or was asked for.
        actual: i32,
    },
    /// The plan does not include this.
    Plan,
    /// The current version.
    Version(i32),
    /// When it is allowed again.
    RetryAt(DateTime<Utc>),
}

impl Refusal {
    /// A refusal that blames no particular input.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), path: Vec::new(), detail: Detail::None }
    }

    /// Names the input to blame.
    #[must_use]
    pub fn at<P: Into<Cow<'static, str>>>(mut self, path: impl IntoIterator<Item = P>) -> Self {
        self.path = path.into_iter().map(Into::into).collect();
        self
    }

    /// Adds what belongs to the code.
    #[must_use]
    pub fn with(mut self, detail: Detail) -> Self {
        self.detail = detail;
        self
    }

    /// There is no such thing, or the viewer may not know of it.
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("There is no such {what}, or you cannot see it."))
    }

    /// An item is not applied because another one failed.
    pub fn aborted() -> Self {
        Self::new(Code::Aborted, "Not applied because another item failed and mode is ATOMIC.")
    }

    /// The viewer lacks a permission.
    pub fn forbidden(permission: &'static str) -> Self {
        Self::new(Code::Forbidden, format!("You need the permission {permission} for this."))
            .with(Detail::Permission(permission.into()))
    }
}

/// Reasons for a refusal; each is described where clients read it, in the GraphQL schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the schema, where each is described")]
pub enum Code {
    Aborted,
    AlreadyInvited,
    AlreadyMember,
    Blank,
    BuiltInRole,
    Cooldown,
    Duplicate,
    Forbidden,
    IdempotencyKeyReused,
    Invalid,
    InvitationEmailMismatch,
    InvitationExpired,
    InvitationNotPending,
    InvitationSuperseded,
    LimitReached,
    NotFound,
    NotMember,
    OwnerProtected,
    PlanRequired,
    RoleInUse,
    RoleNotAssignable,
    RoleScopeMismatch,
    StaleVersion,
    Taken,
    TooLong,
    TooMany,
}
