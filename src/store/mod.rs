//! All SQL, one file per table. Functions take a connection first, plain values, and answer absence with
//! `Option`; they know no permissions: what writes takes a
//! [`permit`] from above. What reads from a connection that others read from at the same time takes
//! `&Connection`.
//!
//! Simple statements are diesel's DSL. What is batched, paged or lateral is written SQL ([`query`]).

pub mod api_keys;
pub mod connect;
pub mod database;
pub mod events;
pub mod feed;
pub mod idempotency;
pub mod invitation_projects;
pub mod invitation_teams;
pub mod invitations;
pub mod mails;
pub mod organization_members;
pub mod organizations;
pub mod paging;
pub mod permit;
pub mod project_members;
pub mod projects;
pub mod query;
pub mod roles;
#[expect(missing_docs, reason = "generated")]
pub mod schema;
pub mod shared;
pub mod team_members;
pub mod teams;
mod types;
pub mod users;

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use crate::error::Error;

/// A connection to PostgreSQL.
pub type Connection = diesel_async::AsyncPgConnection;

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(
                DatabaseErrorKind::SerializationFailure
                | DatabaseErrorKind::UnableToSendCommand
                | DatabaseErrorKind::ClosedConnection
                // Among others deadlock, lock timeout and statement timeout, which diesel does not tell apart.
                | DatabaseErrorKind::Unknown,
                _,
            ) => Self::Transient(error.to_string().into()),
            _ => Self::internal(error),
        }
    }
}
