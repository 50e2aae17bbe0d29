//! Makes or refreshes the row of a person from the claims their identity provider signed.
//!
//! Newer claims win: what is stored tells when the provider said it, and an older token changes nothing, however long it
//! is good. An address belongs to the person for whom it was verified last.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Operation, Transaction};
use crate::{
    access::Viewer,
    app::App,
    domain::{
        email::{Address, Email},
        id::UserId,
    },
    error::{Error, Result},
    store::users::{self, User},
};

/// Without the time of issue, claims are taken for new this long after the last that were applied; and newer claims that
/// change nothing are noted this far apart, so that a token made for every request is no write for every request.
const PAUSE: TimeDelta = TimeDelta::minutes(1);
/// What somebody is called who has neither a name nor an address.
const NAMELESS: &str = "No name";

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
    /// When the provider said so; unknown where the token does not tell.
    pub issued_at: Option<DateTime<Utc>>,
}

/// The person whom `profile` describes; `None` for one who was never seen and brings no address. One statement unless
/// something changed.
///
/// # Errors
/// When the database fails.
pub async fn sign_in(app: &Arc<App>, profile: Profile) -> Result<Option<User>> {
    {
        let mut conn = app.db.read().await?;
        let known = users::by_subject(&mut conn, &profile.issuer, &profile.subject).await?;
        if let Some(known) = known.filter(|known| !profile.changes(known, app.now())) {
            if let Some(at) = profile.worth_noting(&known) {
                users::note_claims(&mut conn, known.id, at).await?;
            }
            return Ok(Some(known));
        }
    }
    // The operator, as nobody is signed in yet.
    super::execute(app, &Arc::new(Viewer::Operator), Refresh { profile }).await
}

struct Refresh {
    profile: Profile,
}

impl Operation for Refresh {
    type Output = Option<User>;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Option<User>> {
        let profile = &self.profile;
        let known = users::by_subject(tx.conn, &profile.issuer, &profile.subject).await?;
        let claimed = profile.email.as_ref().filter(|_| profile.email_verified);
        let holder = match claimed {
            Some(email) => users::holder(tx.conn, email).await?,
            None => None,
        };
        let ids: Vec<UserId> = [&known, &holder].into_iter().flatten().map(|user| user.id).collect();
        let locked = users::lock_for_claims(tx.conn, &ids).await?;
        let again = |before: Option<User>| before.and_then(|before| locked.iter().find(|user| user.id == before.id));
        let (known, holder) = (again(known), again(holder));
        let Some(email) = profile.email.clone().or_else(|| known.and_then(|known| known.email.get().cloned())) else {
            // Whoever has no address signs in, once they are known.
            return Ok(known.cloned());
        };
        if let Some(known) = known.filter(|known| !profile.changes(known, tx.now)) {
            return Ok(Some(known.clone()));
        }
        let base = known.cloned().unwrap_or_else(|| profile.unknown(UserId(tx.id()), &email, tx.now));
        let mut user = profile.applied_to(base, tx.now);
        let other = holder.filter(|holder| holder.id != user.id && holder.email == user.email && user.email_verified);
        match other {
            // It was verified for somebody else since.
            Some(holder) if holder.claims_at > user.claims_at => user = without_address(user),
            Some(holder) => {
                let released =
                    User { claims_at: user.claims_at, updated_at: tx.now, ..without_address(holder.clone()) };
                users::update(tx.conn, &released).await?;
                tx.sign_out(holder.id.0);
            }
            None => {}
        }
        if known.is_some() {
            users::update(tx.conn, &user).await?;
            tx.sign_out(user.id.0);
        } else if !users::insert(tx.conn, &user).await? {
            // Another request made the row just now, or took the address: their first two arrived together.
            return Err(Error::Transient("two first requests signed in at once".into()));
        }
        Ok(Some(user))
    }
}

/// Somebody whose address is another's now.
fn without_address(user: User) -> User {
    let is_nameless = user.display_name == user.email.as_str();
    User {
        display_name: if is_nameless { NAMELESS.to_owned() } else { user.display_name },
        email: Address::NONE,
        email_verified: false,
        ..user
    }
}

impl Profile {
    fn unknown(&self, id: UserId, email: &Email, now: DateTime<Utc>) -> User {
        User {
            id,
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
            email: email.clone().into(),
            email_verified: self.email_verified,
            display_name: String::new(),
            first_name: None,
            last_name: None,
            avatar_url: None,
            created_at: now,
            updated_at: now,
            claims_at: DateTime::UNIX_EPOCH,
        }
    }

    /// Whether this is newer than what is stored, and says something else.
    fn changes(&self, known: &User, now: DateTime<Utc>) -> bool {
        let is_newer = match self.issued_at {
            Some(issued) => issued > known.claims_at,
            None => now >= known.claims_at + PAUSE,
        };
        let applied = self.applied_to(known.clone(), known.updated_at);
        is_newer && User { claims_at: known.claims_at, ..applied } != *known
    }

    /// The time of issue of a token that says nothing new, where an older one could still change something back.
    fn worth_noting(&self, known: &User) -> Option<DateTime<Utc>> {
        self.issued_at.filter(|issued| *issued >= known.claims_at + PAUSE)
    }

    /// The person with what the provider says now; what it does not say stays.
    fn applied_to(&self, user: User, now: DateTime<Utc>) -> User {
        let is_nameless = ["", NAMELESS, user.email.as_str()].contains(&user.display_name.as_str());
        let (email, email_verified) = match &self.email {
            Some(email) => (email.clone().into(), self.email_verified),
            None => (user.email, user.email_verified),
        };
        let known_name = match email.get() {
            Some(email) if is_nameless => email.to_string(),
            _ => user.display_name,
        };
        User {
            email,
            email_verified,
            display_name: self.name.clone().unwrap_or(known_name),
            first_name: self.first_name.clone().or(user.first_name),
            last_name: self.last_name.clone().or(user.last_name),
            avatar_url: self.avatar_url.clone().or(user.avatar_url),
            updated_at: now,
            claims_at: self.issued_at.unwrap_or(now),
            ..user
        }
    }
}
