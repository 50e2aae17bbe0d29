//! Changes of API keys.

mod create;
mod revoke;
mod rotate;

pub use create::{Create, Issued, may_create};
pub use revoke::Revoke;
pub use rotate::Rotate;

use std::sync::Arc;

use super::Transaction;
use crate::{
    access::{OrganizationAccess, OrganizationRef, Permission, Viewer},
    domain::id::ApiKeyId,
    error::{Error, Refusal, Result},
    store::api_keys::{self, ApiKey},
};

/// A key as the viewer manages it, locked with its organization.
struct Managed {
    organization: Arc<OrganizationAccess>,
    key: ApiKey,
}

/// Locks a key for those who manage the keys of its organization. Others know of no key but themselves.
async fn lock(tx: &mut Transaction<'_>, id: Option<ApiKeyId>) -> Result<Managed> {
    let missing = || Error::from(Refusal::not_found("API key").at(["apiKeyId"]));
    let id = id.ok_or_else(missing)?;
    let found = api_keys::by_ids(tx.conn, &[id]).await?.pop().ok_or_else(missing)?;
    let by = OrganizationRef::Id(found.organization_id);
    let organization = OrganizationAccess::lock_visible(tx.conn, &tx.app.policy, tx.viewer, &by).await;
    let organization =
        organization.map_err(|error| if matches!(error, Error::Refused(_)) { missing() } else { error })?;
    let is_viewer = matches!(tx.viewer, Viewer::Key(own) if own.id == id);
    match organization.may(Permission::ApiKeysManage) {
        Err(forbidden) if is_viewer => return Err(forbidden.at(["apiKeyId"]).into()),
        Err(_) => return Err(missing()),
        Ok(()) => {}
    }
    let key = api_keys::lock(tx.conn, found.organization_id, id).await?.ok_or_else(missing)?;
    Ok(Managed { organization, key })
}
