//! Who is asking.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    domain::{email::Email, id::UserId, organization::ActorKind},
    error::{Error, Result},
    store::{
        Connection,
        api_keys::{self, ApiKey},
        users::{self, User},
    },
};

/// Who is asking.
#[derive(Clone, Debug)]
pub enum Viewer {
    /// Nobody is signed in.
    Nobody,
    /// A person.
    Person(User),
    /// A backend, by an API key of its organization.
    Key(ApiKey),
    /// The operator of this server.
    Operator,
}

/// Who did something, as it is stored.
pub type ActorRef = (ActorKind, Option<Uuid>);

impl Viewer {
    /// The person, if it is one.
    pub fn person(&self) -> Option<&User> {
        if let Self::Person(user) = self { Some(user) } else { None }
    }

    /// The person's id, if it is one.
    pub fn user_id(&self) -> Option<UserId> {
        self.person().map(|user| user.id)
    }

    /// The address that invitations to this person carry; none unless the identity provider vouches for it.
    pub fn verified_email(&self) -> Option<&Email> {
        self.person().filter(|user| user.email_verified).map(|user| &user.email)
    }

    /// The same viewer as they are now; none when they are no more.
    pub async fn again(&self, conn: &mut Connection, now: DateTime<Utc>) -> Result<Option<Self>> {
        Ok(match self {
            Self::Nobody | Self::Operator => Some(self.clone()),
            Self::Person(user) => users::by_ids(conn, &[user.id]).await?.pop().map(Self::Person),
            Self::Key(key) => {
                let found = api_keys::find(conn, key.organization_id, key.id).await?;
                found.filter(|found| found.is_active(now) && found.keeps_secret_of(key, now)).map(Self::Key)
            }
        })
    }

    /// What is stored of who did something.
    ///
    /// # Errors
    /// `Unauthenticated` for nobody, who does nothing.
    pub fn actor(&self) -> Result<ActorRef> {
        match self {
            Self::Nobody => Err(Error::Unauthenticated),
            Self::Person(user) => Ok((ActorKind::User, Some(user.id.0))),
            Self::Key(key) => Ok((ActorKind::ApiKey, Some(key.id.0))),
            Self::Operator => Ok((ActorKind::Operator, None)),
        }
    }

    /// Ends in `Unauthenticated` unless somebody is signed in.
    pub fn signed_in(&self) -> Result<&Self> {
        self.actor().map(|_| self)
    }
}
