//! Changes of roles.

mod create;
mod delete;
mod update;

pub use create::{Create, check_given, may_create};
pub use delete::{Delete, Deleted, check_replacement, check_unused};
pub use update::Update;

use std::sync::Arc;

use super::{Target, Transaction, input::role_not_assignable};
use crate::{
    access::{Allowed, OrganizationAccess, Permission, PermissionSet},
    domain::{
        id::{OrganizationId, RoleId},
        role::RoleScope,
    },
    error::{Code, Refusal, Result},
    store::{
        Connection,
        roles::{self, Role},
    },
};

/// A role as the viewer finds it, and all roles beside it. Whoever is inside of the organization knows them.
struct ManagedRole {
    role: Role,
    roles: Vec<Role>,
}

impl Target for ManagedRole {
    type By = Option<RoleId>;

    fn missing() -> Refusal {
        Refusal::not_found("role").at(["roleId"])
    }

    async fn organization_of(conn: &Connection, by: &Option<RoleId>) -> Result<Option<OrganizationId>> {
        let Some(id) = by else { return Ok(None) };
        Ok(roles::by_ids(conn, &[*id]).await?.pop().map(|role| role.organization_id))
    }

    async fn find(
        tx: &mut Transaction<'_>,
        organization: &Arc<OrganizationAccess>,
        by: &Option<RoleId>,
    ) -> Result<Option<Self>> {
        let roles = roles::of_organizations(tx.conn, &[organization.organization.id]).await?;
        let role = roles.iter().find(|role| Some(role.id) == *by && organization.shows_role(role)).cloned();
        Ok(role.map(|role| Self { role, roles }))
    }
}

/// The viewer may change or delete this role: it is one of the organization's own, and holds nothing that
/// they lack.
///
/// # Errors
/// `FORBIDDEN` or `BUILT_IN_ROLE`.
pub fn may_change(organization: &OrganizationAccess, role: &Role) -> Result<Allowed, Refusal> {
    let allowed = organization.may(Permission::RolesManage).map_err(|refusal| refusal.at(["roleId"]))?;
    if role.built_in.is_some() {
        let message = format!("{} is built in: it cannot be changed or deleted.", role.name);
        return Err(Refusal::new(Code::BuiltInRole, message).at(["roleId"]));
    }
    if organization.everywhere(role.scope).covers(organization.policy.of_role(role)) {
        Ok(allowed)
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
