//! Changes of roles.

mod create;
mod delete;
mod permissions;
mod update;

pub use create::{Create, may_create};
pub use delete::{Delete, Deleted, check_unused};
pub(super) use permissions::{Wanted, check_permissions};
pub use update::Update;

use std::sync::Arc;

use super::{Transaction, input::role_not_assignable};
use crate::{
    access::{OrganizationAccess, OrganizationRef, Permission, PermissionSet},
    domain::{id::RoleId, role::RoleScope},
    error::{Code, Error, Refusal, Result},
    store::roles::{self, Role},
};

/// A role as the viewer finds it, with the organization locked, and all roles beside it.
struct Managed {
    organization: Arc<OrganizationAccess>,
    role: Role,
    roles: Vec<Role>,
}

/// Locks the organization of a role. Whoever is inside knows its roles.
async fn lock(tx: &mut Transaction<'_>, id: Option<RoleId>) -> Result<Managed> {
    let missing = || Error::from(Refusal::not_found("role").at(["roleId"]));
    let id = id.ok_or_else(missing)?;
    let found = roles::by_ids(tx.conn, &[id]).await?.pop().ok_or_else(missing)?;
    let by = OrganizationRef::Id(found.organization_id);
    let organization = OrganizationAccess::lock_visible(tx.conn, &tx.app.policy, tx.viewer, &by).await;
    let organization =
        organization.map_err(|error| if matches!(error, Error::Refused(_)) { missing() } else { error })?;
    if !organization.is_inside {
        return Err(missing());
    }
    let roles = roles::of_organizations(tx.conn, &[found.organization_id]).await?;
    let role = roles.iter().find(|role| role.id == id).cloned().ok_or_else(missing)?;
    Ok(Managed { organization, role, roles })
}

/// The viewer may change or delete this role: it is one of the organization's own, and holds nothing that
/// they lack.
///
/// # Errors
/// `FORBIDDEN` or `BUILT_IN_ROLE`.
pub fn may_change(organization: &OrganizationAccess, role: &Role) -> Result<(), Refusal> {
    organization.may(Permission::RolesManage).map_err(|refusal| refusal.at(["roleId"]))?;
    if role.built_in.is_some() {
        let message = format!("{} is built in: it cannot be changed or deleted.", role.name);
        return Err(Refusal::new(Code::BuiltInRole, message).at(["roleId"]));
    }
    if organization.everywhere(role.scope).covers(organization.policy.of_role(role)) {
        Ok(())
    } else {
        Err(Refusal::new(Code::Forbidden, format!("{} can do more than you can.", role.name)).at(["roleId"]))
    }
}

/// The viewer may give this role: to somebody in the organization, or in at least one project, given what
/// they may do in each.
///
/// # Errors
/// `FORBIDDEN` or `ROLE_NOT_ASSIGNABLE`.
pub fn may_assign(organization: &OrganizationAccess, projects: &[PermissionSet], role: &Role) -> Result<(), Refusal> {
    let (needed, places) = match role.scope {
        RoleScope::Organization => (
            [Permission::MembersManage, Permission::InvitationsManage],
            std::slice::from_ref(&organization.permissions),
        ),
        RoleScope::Project => ([Permission::ProjectMembersManage, Permission::ProjectInvitationsManage], projects),
    };
    let [first, _] = needed;
    let mut places = places.iter().filter(|place| needed.iter().any(|permission| place.has(*permission))).peekable();
    if places.peek().is_none() {
        return Err(Refusal::forbidden(first.key()));
    }
    let permissions = organization.policy.of_role(role);
    if !role.is_owner() && places.any(|place| place.covers(permissions)) {
        Ok(())
    } else {
        Err(role_not_assignable(role))
    }
}
