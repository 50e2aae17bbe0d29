//! Ends an API key.

use super::{
    super::{Locked, Operation, Transaction},
    ManagedKey, may_manage,
};
use crate::{consequences::keys, domain::id::ApiKeyId, error::Result};

/// Ends a key at once, however much it can do, and the keys that it made: whoever sees a key leak stops it. Done again,
/// it succeeds and nothing happens.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Revoke {
    pub key: Option<ApiKeyId>,
}

impl Operation for Revoke {
    type Output = ApiKeyId;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<ApiKeyId> {
        let locked = Locked::<ManagedKey>::lock(tx, &self.key).await?;
        let permit = locked.permit(may_manage(&locked.organization))?;
        let key = &locked.target.0;
        if key.revoked_at.is_none() {
            keys::end(tx, &permit, std::slice::from_ref(key)).await?;
        }
        Ok(key.id)
    }
}
