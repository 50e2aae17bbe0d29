//! The one table of what the built-in roles may do.

use super::permission::{Permission, PermissionSet};
use crate::domain::role::{BuiltInRole, RoleScope};

use BuiltInRole::{Admin, Member, Owner, Viewer};
use Permission as P;

/// Which built-in roles hold a permission, at the permission's own level.
pub const POLICY: &[(Permission, &[BuiltInRole])] = &[
    (P::OrganizationUpdate, &[Owner, Admin]),
    (P::OrganizationDelete, &[Owner]),
    (P::OrganizationTransfer, &[Owner]),
    (P::MembersRead, &[Owner, Admin, Member, Viewer]),
    (P::MembersManage, &[Owner, Admin]),
    (P::InvitationsRead, &[Owner, Admin, Member]),
    (P::InvitationsManage, &[Owner, Admin]),
    (P::RolesManage, &[Owner, Admin]),
    (P::TeamsManage, &[Owner, Admin]),
    (P::ApiKeysManage, &[Owner, Admin]),
    (P::ProjectsCreate, &[Owner, Admin, Member]),
    (P::ProjectsRead, &[Owner, Admin]),
    (P::ProjectsManage, &[Owner, Admin]),
    (P::ProjectsOwn, &[Owner]),
    (P::ProjectRead, &[Owner, Admin, Member, Viewer]),
    (P::ProjectUpdate, &[Owner, Admin]),
    (P::ProjectDelete, &[Owner]),
    (P::ProjectTransfer, &[Owner]),
    (P::ProjectMembersRead, &[Owner, Admin, Member, Viewer]),
    (P::ProjectMembersManage, &[Owner, Admin]),
    (P::ProjectInvitationsManage, &[Owner, Admin]),
];

/// What an organization permission gives in every project: as much as these roles of the project do.
const IN_EVERY_PROJECT: &[(Permission, BuiltInRole)] =
    &[(P::ProjectsRead, Viewer), (P::ProjectsManage, Admin), (P::ProjectsOwn, Owner)];

/// The permissions of a built-in role.
pub fn of_built_in(scope: RoleScope, role: BuiltInRole) -> PermissionSet {
    POLICY
        .iter()
        .filter(|(permission, roles)| permission.scope() == scope && roles.contains(&role))
        .map(|(permission, _)| *permission)
        .collect()
}

/// What permissions of an organization give in each of its projects.
pub fn in_projects(organization: PermissionSet) -> PermissionSet {
    IN_EVERY_PROJECT
        .iter()
        .filter(|(permission, _)| organization.has(*permission))
        .fold(PermissionSet::NONE, |set, (_, role)| set.union(of_built_in(RoleScope::Project, *role)))
}
