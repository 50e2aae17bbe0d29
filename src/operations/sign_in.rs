//! Makes or refreshes the row of a person from the claims their identity provider signed.

use chrono::{DateTime, Utc};

use super::{Operation, Transaction};
use crate::{
    access::Viewer,
    app::App,
    domain::{email::Email, id::UserId},
    error::{Error, Result},
    store::users::{self, User},
};

/// What an identity provider says of a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The provider.
    pub issuer: String,
    /// Who they are there.
    pub subject: String,
    /// Address; when absent, the one known before stays.
    pub email: Option<Email>,
    /// Whether the provider vouches for the address.
    pub email_verified: bool,
    /// Full name.
    pub name: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Picture.
    pub avatar_url: Option<String>,
}

/// The person whom `profile` describes; `None` for one who was never seen and brings no address. One
/// statement unless something changed.
///
/// # Errors
/// When the database fails.
pub async fn sign_in(app: &std::sync::Arc<App>, profile: Profile) -> Result<Option<User>> {
    let known = {
        let mut conn = app.db.read().await?;
        users::by_subject(&mut conn, &profile.issuer, &profile.subject).await?
    };
    if let Some(known) = &known
        && profile.applied_to(known.clone(), known.updated_at) == *known
    {
        return Ok(Some(known.clone()));
    }
    // The operator, as nobody is signed in yet.
    super::execute(app, &std::sync::Arc::new(Viewer::Operator), Refresh { profile }).await
}

struct Refresh {
    profile: Profile,
}

impl Operation for Refresh {
    type Output = Option<User>;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Option<User>> {
        let known = users::by_subject(tx.conn, &self.profile.issuer, &self.profile.subject).await?;
        let is_new = known.is_none();
        let base = match known {
            Some(known) => known,
            None => match &self.profile.email {
                Some(email) => self.profile.unknown(UserId(tx.id()), email.clone(), tx.now),
                None => return Ok(None),
            },
        };
        let user = self.profile.applied_to(base, tx.now);
        if user.email_verified {
            for previous in users::release_email(tx.conn, &user.email, user.id).await? {
                tx.sign_out(previous.0);
            }
        }
        if !is_new {
            users::update(tx.conn, &user).await?;
            tx.sign_out(user.id.0);
        } else if !users::insert(tx.conn, &user).await? {
            // Another request made the row just now, or took the address: their first two arrived together.
            return Err(Error::Transient("two first requests signed in at once".into()));
        }
        Ok(Some(user))
    }
}

impl Profile {
    fn unknown(&self, id: UserId, email: Email, now: DateTime<Utc>) -> User {
        User {
            id,
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
            email,
            email_verified: self.email_verified,
            display_name: String::new(),
            first_name: None,
            last_name: None,
            avatar_url: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// The person with what the provider says now; what it does not say stays.
    fn applied_to(&self, user: User, now: DateTime<Utc>) -> User {
        let is_nameless = user.display_name.is_empty() || user.display_name == user.email.as_str();
        let (email, email_verified) = match &self.email {
            Some(email) => (email.clone(), self.email_verified),
            None => (user.email, user.email_verified),
        };
        let known_name = if is_nameless { email.to_string() } else { user.display_name };
        User {
            email,
            email_verified,
            display_name: self.name.clone().unwrap_or(known_name),
            first_name: self.first_name.clone().or(user.first_name),
            last_name: self.last_name.clone().or(user.last_name),
            avatar_url: self.avatar_url.clone().or(user.avatar_url),
            updated_at: now,
            ..user
        }
    }
}
