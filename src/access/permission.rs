//! Permissions and sets of them.

use crate::{
    domain::role::{BuiltInRole, RoleScope},
    store::{api_keys::ApiKey, roles::Role},
};

use super::policy;

macro_rules! permissions {
    ($($name:ident = $key:literal, $scope:ident, $title:literal, $group:literal, $description:literal;)*) => {
        /// A single permission that this server enforces.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Permission {
            $(#[doc = $description] $name,)*
        }

        impl Permission {
            /// All permissions, in the order they are shown.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Stable key.
            pub fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)* }
            }

            /// Level it applies to.
            pub fn scope(self) -> RoleScope {
                match self { $(Self::$name => RoleScope::$scope,)* }
            }

            /// Name to show.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// Heading to group by.
            pub fn group(self) -> &'static str {
                match self { $(Self::$name => $group,)* }
            }

            /// What it allows.
            pub fn description(self) -> &'static str {
                match self { $(Self::$name => $description,)* }
            }

            /// The permission with this key.
            pub fn parse(key: &str) -> Option<Self> {
                match key { $($key => Some(Self::$name),)* _ => None }
            }
        }
    };
}

permissions! {
    OrganizationUpdate = "organization.update", Organization, "Edit organization", "Organization", "Change the profile and the slug.";
    OrganizationDelete = "organization.delete", Organization, "Delete organization", "Organization", "Delete the organization and everything in it.";
    OrganizationTransfer = "organization.transfer", Organization, "Transfer ownership", "Organization", "Make another member the owner.";
    MembersRead = "members.read", Organization, "See members", "Members", "List the members and their roles.";
    MembersManage = "members.manage", Organization, "Manage members", "Members", "Change roles and remove members, up to one's own strength.";
    InvitationsRead = "invitations.read", Organization, "See invitations", "Invitations", "List the invitations and their states.";
    InvitationsManage = "invitations.manage", Organization, "Manage invitations", "Invitations", "Invite, resend and revoke, up to one's own strength.";
    RolesManage = "roles.manage", Organization, "Manage roles", "Roles", "Create, change and delete custom roles.";
    TeamsManage = "teams.manage", Organization, "Manage teams", "Teams", "Create, change and delete teams and their memberships.";
    ApiKeysManage = "api_keys.manage", Organization, "Manage API keys", "API keys", "Create, rotate and revoke API keys.";
    ProjectsCreate = "projects.create", Organization, "Create projects", "Projects", "Create projects and own them.";
    ProjectsRead = "projects.read", Organization, "See all projects", "Projects", "See every project and its members without being in it.";
    ProjectsManage = "projects.manage", Organization, "Manage all projects", "Projects", "Do in every project what its admins may.";
    ProjectsOwn = "projects.own", Organization, "Own all projects", "Projects", "Do in every project what its owner may.";
    ProjectRead = "project.read", Project, "See project", "Project", "See the project.";
    ProjectUpdate = "project.update", Project, "Edit project", "Project", "Change name, slug and description.";
    ProjectDelete = "project.delete", Project, "Delete project", "Project", "Delete the project and everything in it.";
    ProjectTransfer = "project.transfer", Project, "Transfer project", "Project", "Make another project member the owner.";
    ProjectMembersRead = "project.members.read", Project, "See project members", "Project members", "List the members and their roles.";
    ProjectMembersManage = "project.members.manage", Project, "Manage project members", "Project members", "Add and remove members and change their roles, up to one's own strength.";
    ProjectInvitationsManage = "project.invitations.manage", Project, "Invite to project", "Project members", "See, send and withdraw invitations to the project.";
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PermissionSet(u64);

impl PermissionSet {
    /// No permission.
    pub const NONE: Self = Self(0);

    /// Every permission of both levels.
    pub fn all() -> Self {
        Permission::ALL.iter().copied().collect()
    }

    /// The permissions of a role: those of the policy for a built-in role, its own otherwise.
    pub fn of_role(role: &Role) -> Self {
        Self::of_stored(role.scope, role.built_in, &role.permissions)
    }

    /// The permissions of a role, given what is stored of it.
    pub fn of_stored(scope: RoleScope, built_in: Option<BuiltInRole>, keys: &[String]) -> Self {
        match built_in {
            Some(built_in) => policy::of_built_in(scope, built_in),
            None => Self::of_keys(keys),
        }
    }

    /// The permissions of an API key: of one that is limited to a project, those of that level only.
    pub fn of_key(key: &ApiKey) -> Self {
        let permissions = Self::of_keys(&key.permissions);
        if key.project_id.is_some() { permissions.at(RoleScope::Project) } else { permissions }
    }

    /// The permissions with these keys; keys that this server does not know are passed over.
    pub fn of_keys(keys: &[String]) -> Self {
        keys.iter().filter_map(|key| Permission::parse(key)).collect()
    }

    /// Whether a permission is held.
    pub fn has(self, permission: Permission) -> bool {
        self.0 & bit(permission) != 0
    }

    /// Whether every permission of `other` is held: `other` is no stronger.
    pub fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What is held in either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is held and of this level.
    #[must_use]
    pub fn at(self, scope: RoleScope) -> Self {
        self.iter().filter(|permission| permission.scope() == scope).collect()
    }

    /// The permissions, in the order they are shown.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.has(*permission))
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |bits, permission| bits | bit(permission)))
    }
}

fn bit(permission: Permission) -> u64 {
    1 << permission as u64
}
