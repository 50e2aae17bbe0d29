//! Who is asking.

use std::ops::Deref;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{permission::PermissionSet, permit::Allowed, policy::Policy};
use crate::{
    domain::{
        email::Email,
        id::{ApiKeyId, OrganizationId, UserId},
        organization::ActorKind,
        secret::ApiKeySecret,
    },
    error::{Code, Error, Refusal, Result},
    store::{
        Connection,
        api_keys::{self, ApiKey, KeyAndRoles, Which},
        invitations::Invitation,
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
    Key(Backend),
    /// The operator of this server.
    Operator,
}

/// An API key, and what it may do now.
#[derive(Clone, Debug)]
pub struct Backend {
    /// The key.
    pub key: ApiKey,
    /// Hash of the secret that it was presented with, or of the one that it has.
    pub secret_hash: Vec<u8>,
    /// What it was given, as far as whoever answers for it holds that now.
    pub effective: PermissionSet,
}

impl Deref for Backend {
    type Target = ApiKey;

    fn deref(&self) -> &ApiKey {
        &self.key
    }
}

impl Backend {
    /// A key as its roles let it be.
    pub fn of(policy: &Policy, found: KeyAndRoles) -> Self {
        let effective = policy.of_key(&found);
        Self { secret_hash: found.key.secret_hash.clone(), key: found.key, effective }
    }

    /// The same, presented with this secret of it.
    #[must_use]
    pub fn presented(self, secret: &ApiKeySecret) -> Self {
        Self { secret_hash: secret.hash(), ..self }
    }
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
        self.person().filter(|user| user.email_verified).and_then(|user| user.email.get())
    }

    /// The same viewer as they are now; none when they are no more, or hold nothing any more.
    pub async fn again(&self, conn: &Connection, policy: &Policy, now: DateTime<Utc>) -> Result<Option<Self>> {
        Ok(match self {
            Self::Nobody | Self::Operator => Some(self.clone()),
            Self::Person(user) => users::by_ids(conn, &[user.id]).await?.pop().map(Self::Person),
            Self::Key(key) => {
                let found = Self::backend(conn, policy, now, key.organization_id, key.id).await?;
                let found = found.filter(|found| found.has_hash(&key.secret_hash, now) && !found.effective.is_empty());
                found.map(|found| Self::Key(Backend { secret_hash: key.secret_hash.clone(), ..found }))
            }
        })
    }

    /// Somebody of whom it is stored that they did something, as they are now: nobody when they are no more.
    pub async fn stored(
        conn: &Connection,
        policy: &Policy,
        now: DateTime<Utc>,
        organization: OrganizationId,
        (kind, id): ActorRef,
    ) -> Result<Self> {
        let id = id.unwrap_or_default();
        Ok(match kind {
            ActorKind::User => users::by_ids(conn, &[UserId(id)]).await?.pop().map_or(Self::Nobody, Self::Person),
            ActorKind::ApiKey => {
                let found = Self::backend(conn, policy, now, organization, ApiKeyId(id)).await?;
                found.map_or(Self::Nobody, Self::Key)
            }
            ActorKind::Operator | ActorKind::System => Self::Operator,
        })
    }

    /// A key that is neither expired nor revoked.
    async fn backend(
        conn: &Connection,
        policy: &Policy,
        now: DateTime<Utc>,
        organization: OrganizationId,
        id: ApiKeyId,
    ) -> Result<Option<Backend>> {
        let found = api_keys::with_roles(conn, Which::One(organization, id)).await?.pop();
        Ok(found.filter(|found| found.key.is_active(now)).map(|found| Backend::of(policy, found)))
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

    /// The viewer makes a new organization: people do, and the operator for others.
    ///
    /// # Errors
    /// Refused as forbidden.
    pub fn may_found(&self, organization: OrganizationId) -> Result<Allowed, Refusal> {
        match self {
            Self::Person(_) | Self::Operator => Ok(Allowed::in_organization(organization)),
            Self::Key(_) => {
                Err(Refusal::new(Code::Forbidden, "An API key belongs to one organization and creates no others."))
            }
            Self::Nobody => Err(Refusal::new(Code::Forbidden, "Sign in for this.")),
        }
    }

    /// The viewer answers an invitation: it was sent to an address that is theirs. Whoever holds the token knows that it
    /// exists; whoever only guesses an id does not.
    ///
    /// # Errors
    /// Refused as forbidden for keys and the operator, as not found, or with a hint at the address.
    pub fn may_answer(&self, invitation: &Invitation, has_token: bool) -> Result<(Allowed, &User), Refusal> {
        self.may_answer_any()?;
        match self.person().filter(|_| self.verified_email() == Some(&invitation.email)) {
            Some(user) => Ok((Allowed::in_organization(invitation.organization_id), user)),
            None if has_token => Err(Refusal::new(
                Code::InvitationEmailMismatch,
                format!(
                    "This invitation was sent to {}; sign in with that address, verified.",
                    invitation.email.masked()
                ),
            )
            .at(["invitation"])),
            None => Err(Refusal::not_found("invitation").at(["invitation"])),
        }
    }

    /// Keys and the operator answer no invitations.
    ///
    /// # Errors
    /// Refused as forbidden.
    pub fn may_answer_any(&self) -> Result<(), Refusal> {
        match self {
            Self::Key(_) | Self::Operator => {
                Err(Refusal::new(Code::Forbidden, "Only the invited person answers an invitation."))
            }
            Self::Person(_) | Self::Nobody => Ok(()),
        }
    }
}
