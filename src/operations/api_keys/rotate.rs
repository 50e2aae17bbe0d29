//! Gives an API key another secret.

use chrono::TimeDelta;
use serde_json::json;

use super::{
    super::{Operation, Transaction},
    Issued, Managed, lock,
};
use crate::{
    access::ProjectAccess,
    domain::{event::EventKind, id::ApiKeyId, role::RoleScope, secret::ApiKeySecret},
    error::{Code, Refusal, Result},
    store::api_keys,
};

/// Longest time that the old secret keeps working, in minutes: a day.
const GRACE_MAX: i32 = 1440;

/// Gives a key another secret. The one before keeps working for a while, so that a backend can be changed over
/// without a pause; the one before that does not.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Rotate {
    pub key: Option<ApiKeyId>,
    pub grace_minutes: i32,
}

impl Operation for Rotate {
    type Output = Issued;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Issued> {
        let managed = lock(tx, self.key).await?;
        let key = &managed.key;
        check_strength(tx, &managed).await?;
        if !key.is_active(tx.now) {
            let message = "This key is revoked or has expired; create a new one instead.";
            return Err(Refusal::new(Code::Invalid, message).at(["apiKeyId"]).into());
        }
        if !(0..=GRACE_MAX).contains(&self.grace_minutes) {
            let message = format!("The old secret may keep working for 0 to {GRACE_MAX} minutes.");
            return Err(Refusal::new(Code::Invalid, message).at(["graceMinutes"]).into());
        }
        let until = (self.grace_minutes > 0).then(|| tx.now + TimeDelta::minutes(self.grace_minutes.into()));
        let secret = ApiKeySecret::new(key.organization_id, key.id, tx.app.random()?);
        api_keys::rotate(tx.conn, key, &secret, until).await?;
        tx.sign_out(key.id.0);
        let data = json!({ "name": key.name, "prefix": secret.prefix(), "grace_minutes": self.grace_minutes });
        tx.happened(key.organization_id, EventKind::ApiKeyRotated, key.id.0, key.project_id, data)?;
        Ok(Issued { key: key.id, secret })
    }
}

/// Who gets the secret of a key can do what the key can: it must be no more than they can do.
async fn check_strength(tx: &mut Transaction<'_>, managed: &Managed) -> Result<()> {
    let (organization, key) = (&managed.organization, &managed.key);
    let policy = &organization.policy;
    let permissions = policy.of_key(key);
    let in_project = match key.project_id {
        Some(project) => ProjectAccess::in_locked(tx.conn, tx.viewer, organization, &[project])
            .await?
            .pop()
            .map_or_else(Default::default, |project| project.permissions),
        None => organization.everywhere(RoleScope::Project),
    };
    let covered = organization.permissions.covers(policy.at(permissions, RoleScope::Organization))
        && in_project.covers(policy.at(permissions, RoleScope::Project));
    if covered {
        Ok(())
    } else {
        Err(Refusal::new(Code::Forbidden, "This API key can do more than you can.").at(["apiKeyId"]).into())
    }
}
