//! Gives an API key another secret.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{
    super::{Locked, Operation, Transaction},
    Issued, ManagedKey, may_manage,
};
use crate::{
    access::Viewer,
    consequences::keys::{self, check_strength},
    domain::{event::EventKind, id::ApiKeyId, secret::ApiKeySecret},
    error::{Code, Refusal, Result},
    store::api_keys::{self, ApiKey},
};

/// Longest time that the old secret keeps working, in minutes: a day.
const GRACE_MAX: i32 = 1440;

/// Gives a key another secret. The one before keeps working for a while, so that a backend can be changed over
/// without a pause; the one before that does not. Whoever gets the secret answers for the key.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Rotate {
    pub key: Option<ApiKeyId>,
    pub grace_minutes: i32,
}

impl Operation for Rotate {
    type Output = Issued;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Issued> {
        let locked = Locked::<ManagedKey>::lock(tx, &self.key).await?;
        let permit = locked.permit(may_manage(&locked.organization))?;
        let key = &locked.target.0;
        check_strength(tx, &locked.organization, key).await?.map_err(|refusal| refusal.at(["apiKeyId"]))?;
        let made = match &tx.viewer {
            Viewer::Key(own) => api_keys::descendants(tx.conn, key.organization_id, &[own.id]).await?,
            _ => Vec::new(),
        };
        check_in_hand(&tx.viewer, key, &made)?;
        check_active(key, tx.now)?;
        if !(0..=GRACE_MAX).contains(&self.grace_minutes) {
            let message = format!("The old secret may keep working for 0 to {GRACE_MAX} minutes.");
            return Err(Refusal::new(Code::Invalid, message).at(["graceMinutes"]).into());
        }
        let until = (self.grace_minutes > 0).then(|| tx.now + TimeDelta::minutes(self.grace_minutes.into()));
        let secret = ApiKeySecret::new(key.organization_id, key.id, tx.app.random()?);
        api_keys::rotate(tx.conn, &permit, key, &secret, until).await?;
        tx.sign_out(key.id.0);
        if matches!(tx.viewer, Viewer::Person(_)) {
            keys::take_over(tx, &permit, std::slice::from_ref(key)).await?;
        }
        let data = json!({ "name": key.name, "prefix": secret.prefix(), "grace_minutes": self.grace_minutes });
        tx.happened(key.organization_id, EventKind::ApiKeyRotated, key.id.0, key.project_id, data)?;
        Ok(Issued { key: key.id, secret })
    }
}

/// A key gets no secret that outlives it: only its own, or that of a key that ends with it. `made` are the keys that the
/// viewer made, directly or not.
///
/// # Errors
/// `FORBIDDEN`.
pub fn check_in_hand(viewer: &Viewer, key: &ApiKey, made: &[ApiKey]) -> Result<(), Refusal> {
    match viewer {
        Viewer::Key(own) if own.id != key.id && made.iter().all(|made| made.id != key.id) => {
            let message = "An API key rotates itself and the keys that it made; a person rotates all others.";
            Err(Refusal::new(Code::Forbidden, message).at(["apiKeyId"]))
        }
        _ => Ok(()),
    }
}

/// A key that is revoked or has expired stays so.
///
/// # Errors
/// `INVALID`.
pub fn check_active(key: &ApiKey, now: DateTime<Utc>) -> Result<(), Refusal> {
    if key.is_active(now) {
        return Ok(());
    }
    let message = "This key is revoked or has expired; create a new one instead.";
    Err(Refusal::new(Code::Invalid, message).at(["apiKeyId"]))
}
