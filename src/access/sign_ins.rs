//! Who signed in lately, so that not every request has to ask the database.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};
use quick_cache::sync::Cache;
use uuid::Uuid;

use super::Viewer;
use crate::store::feed::SignOut;

/// How long a sign-in is taken for known. A revocation is heard of at once; this is for the case that it is not.
const KEPT: TimeDelta = TimeDelta::seconds(5);
/// Credentials that are kept.
const CREDENTIALS: usize = 10_000;

/// SHA-256 of a credential.
pub type CredentialHash = [u8; 32];

/// Who is calling, and for how long that is known.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub viewer: Arc<Viewer>,
    /// When the credential expires.
    pub until: Option<DateTime<Utc>>,
}

/// Who signed in lately, by the credential.
///
/// Every server hears when a person or their rights changed, a role did, or a key was ended, rotated or deleted, and
/// forgets whom that concerns.
pub struct SignIns {
    known: Cache<CredentialHash, (DateTime<Utc>, SignedIn)>,
    forgotten: AtomicU64,
}

/// How often somebody was forgotten, at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(u64);

impl Default for SignIns {
    fn default() -> Self {
        Self { known: Cache::new(CREDENTIALS), forgotten: AtomicU64::new(0) }
    }
}

impl SignIns {
    /// Whose credential this is, if that is known.
    pub fn get(&self, credential: &CredentialHash, now: DateTime<Utc>) -> Option<SignedIn> {
        let (at, signed_in) = self.known.get(credential)?;
        let is_good = now < at + KEPT && signed_in.until.is_none_or(|until| now < until);
        is_good.then_some(signed_in)
    }

    /// The moment, to be asked for before a credential is judged.
    pub fn moment(&self) -> Moment {
        Moment(self.forgotten.load(Ordering::SeqCst))
    }

    /// Keeps whose credential this is, unless somebody was forgotten since: what was read before may be out of date.
    pub fn keep(&self, credential: CredentialHash, signed_in: &SignedIn, now: DateTime<Utc>, since: Moment) {
        self.known.insert(credential, (now, signed_in.clone()));
        if self.moment() != since {
            self.known.remove(&credential);
        }
    }

    /// Forgets a person with the keys that they answer for, a key, or the keys of an organization or a project.
    pub fn forget(&self, who: Uuid) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.known.retain(|_, (_, signed_in)| match signed_in.viewer.as_ref() {
            Viewer::Person(user) => user.id.0 != who,
            Viewer::Key(key) => {
                let its = [Some(key.organization_id.0), key.project_id.map(|project| project.0), key.responsible_id];
                key.id.0 != who && !its.contains(&Some(who))
            }
            Viewer::Nobody | Viewer::Operator => true,
        });
    }

    /// Forgets whom it is told to: everybody, when it is not said who.
    pub fn listener(self: Arc<Self>) -> Box<SignOut> {
        Box::new(move |who| match who {
            Some(who) => self.forget(who),
            None => self.forget_all(),
        })
    }

    /// Forgets everybody.
    pub fn forget_all(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.known.clear();
    }
}
