//! Changes of API keys.

mod create;
mod revoke;
mod rotate;
mod take_over;

pub use create::{Create, Issued, may_create};
pub use revoke::Revoke;
pub use rotate::Rotate;
pub use take_over::TakeOver;

use std::sync::Arc;

use super::{Locked, Target, Transaction};
use crate::{
    access::{Allowed, OrganizationAccess, Permission, Viewer},
    domain::id::{ApiKeyId, OrganizationId},
    error::{Refusal, Result},
    store::{
        Connection,
        api_keys::{self, ApiKey},
    },
};

/// A key, locked with its organization, as those find it who manage the keys. Others know of no key but themselves.
struct ManagedKey(ApiKey);

impl Target for ManagedKey {
    type By = Option<ApiKeyId>;

    fn missing() -> Refusal {
        Refusal::not_found("API key").at(["apiKeyId"])
    }

    async fn organization_of(conn: &Connection, by: &Option<ApiKeyId>) -> Result<Option<OrganizationId>> {
        let Some(id) = by else { return Ok(None) };
        Ok(api_keys::by_ids(conn, &[*id]).await?.pop().map(|key| key.organization_id))
    }

    async fn find(
        tx: &mut Transaction<'_>,
        organization: &Arc<OrganizationAccess>,
        by: &Option<ApiKeyId>,
    ) -> Result<Option<Self>> {
        let is_viewer = matches!(&tx.viewer, Viewer::Key(own) if Some(own.id) == *by);
        let knows = is_viewer || organization.permissions.has(Permission::ApiKeysManage);
        let Some(id) = by.filter(|_| knows) else { return Ok(None) };
        Ok(api_keys::lock(tx.conn, organization.organization.id, id).await?.map(Self))
    }
}

/// Before any change of a key that is there.
fn may_manage(locked: &Locked<ManagedKey>) -> Result<Allowed, Refusal> {
    locked.organization.may(Permission::ApiKeysManage).map_err(|refusal| refusal.at(["apiKeyId"]))
}
