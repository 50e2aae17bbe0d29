//! Ends an API key.

use serde_json::json;

use super::{
    super::{Operation, Transaction, invitations::revoke_ungivable_by},
    lock,
};
use crate::{
    domain::{event::EventKind, id::ApiKeyId, organization::ActorKind},
    error::Result,
    store::api_keys,
};

/// Ends a key at once, however much it can do: whoever sees a key leak stops it. Done again, it succeeds and
/// nothing happens.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Revoke {
    pub key: Option<ApiKeyId>,
}

impl Operation for Revoke {
    type Output = ApiKeyId;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<ApiKeyId> {
        let key = lock(tx, self.key).await?.key;
        if key.revoked_at.is_some() {
            return Ok(key.id);
        }
        api_keys::revoke(tx.conn, &key, tx.now).await?;
        tx.sign_out(key.id.0);
        revoke_ungivable_by(tx, key.organization_id, (ActorKind::ApiKey, key.id.0)).await?;
        let data = json!({ "name": key.name, "prefix": key.prefix });
        tx.happened(key.organization_id, EventKind::ApiKeyRevoked, key.id.0, key.project_id, data)?;
        Ok(key.id)
    }
}
