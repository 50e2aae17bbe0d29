//! How input names people.

use crate::{
    domain::{email::Email, id::UserId},
    error::Result,
    store::{
        Connection,
        users::{self, User},
    },
};

/// Names a person.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum UserRef {
    /// By id.
    Id(UserId),
    /// By verified address.
    Email(Email),
    /// By something that cannot be one.
    Unknown,
}

impl UserRef {
    /// The person that is named; whoever asks decides whether the viewer may know of them.
    pub async fn find(&self, conn: &Connection) -> Result<Option<User>> {
        match self {
            Self::Id(id) => Ok(users::by_ids(conn, &[*id]).await?.pop()),
            Self::Email(email) => users::holder(conn, email).await,
            Self::Unknown => Ok(None),
        }
    }
}
