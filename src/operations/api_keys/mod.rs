//! Changes of API keys.

mod create;
mod revoke;
mod rotate;
mod take_over;

pub use create::{Create, Issued, may_create, responsible};
pub use revoke::Revoke;
pub use rotate::{Rotate, check_active, check_in_hand};
pub use take_over::{TakeOver, check_person};

use std::sync::Arc;

use super::{Target, Transaction};
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
        let Some(id) = by.filter(|id| knows(&tx.viewer, organization, *id)) else { return Ok(None) };
        Ok(api_keys::lock(tx.conn, organization.organization.id, id).await?.map(Self))
    }
}

/// Whether the viewer may know of a key.
pub fn knows(viewer: &Viewer, organization: &OrganizationAccess, id: ApiKeyId) -> bool {
    let is_viewer = matches!(viewer, Viewer::Key(own) if own.id == id);
    is_viewer || organization.permissions.has(Permission::ApiKeysManage)
}

/// Before any change of a key that is there.
///
/// # Errors
/// `FORBIDDEN`.
pub fn may_manage(organization: &OrganizationAccess) -> Result<Allowed, Refusal> {
    organization.may(Permission::ApiKeysManage).map_err(|refusal| refusal.at(["apiKeyId"]))
}
