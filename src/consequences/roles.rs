//! Roles that change or go, and what rests on them.

use super::{
    Following, Transaction,
    invitations::{expire_lapsed, revoke_ungivable},
};
use crate::{
    access::{OrganizationAccess, Permit},
    domain::id::RoleId,
    error::Result,
    store::{
        api_keys, invitations,
        permit::Permit as _,
        roles::{self, Role},
    },
};

/// Writes what changed of a role. Whoever has it, and the keys they answer for, can do more or less from then on.
pub async fn update(tx: &mut Transaction<'_>, permit: &Permit, before: &Role, after: &Role) -> Result<()> {
    roles::update(tx.conn, &Following(permit), after, tx.now).await?;
    if after.permissions == before.permissions {
        return Ok(());
    }
    changed(tx, permit, before.id).await
}

/// Deletes a role; those who have it, or are invited to it, get another one, which is needed where there are some. What
/// has run out of time gives nothing any more. Tells how many members there were.
pub async fn delete(
    tx: &mut Transaction<'_>,
    permit: &Permit,
    organization: &OrganizationAccess,
    role: &Role,
    replacement: Option<&Role>,
) -> Result<usize> {
    expire_lapsed(tx, permit, &organization.organization).await?;
    let mut members = 0;
    if let Some(replacement) = replacement {
        members = roles::replace_in_memberships(tx.conn, &Following(permit), role, replacement, tx.now).await?;
    }
    roles::replace_in_invitations(tx.conn, &Following(permit), role, replacement, tx.now).await?;
    roles::delete(tx.conn, &Following(permit), role).await?;
    if let Some(replacement) = replacement {
        changed(tx, permit, replacement.id).await?;
    }
    Ok(members)
}

/// Everybody whom a change of a role concerns: who has it, with the keys they answer for, and who invited to it.
async fn changed(tx: &mut Transaction<'_>, permit: &Permit, role: RoleId) -> Result<()> {
    let organization = permit.organization();
    if api_keys::has_answered_for(tx.conn, organization).await? {
        tx.sign_out(organization.0);
    }
    for giver in invitations::givers_touched_by(tx.conn, organization, role).await? {
        revoke_ungivable(tx, permit, giver).await?;
    }
    Ok(())
}
