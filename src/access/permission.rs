//! Permissions and sets of them.

use std::borrow::Cow;

use crate::domain::role::{BuiltInRole, RoleScope};

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

/// A permission of this server, or of the operator's own product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Stable key.
    pub key: Cow<'static, str>,
    /// Level it applies to.
    pub scope: RoleScope,
    /// Name to show.
    pub name: Cow<'static, str>,
    /// What it allows.
    pub description: Cow<'static, str>,
    /// Heading to group by.
    pub group: Cow<'static, str>,
    /// Built-in roles that hold it.
    pub roles: Cow<'static, [BuiltInRole]>,
    /// Enforced by this server.
    pub built_in: bool,
}

/// Most permissions of the operator's own product.
pub const MAX_OWN: usize = 256;
/// The first bits are those of this server, however many it comes to have.
const FIRST_OWN: usize = 64;
const WORDS: usize = (FIRST_OWN + MAX_OWN) / 64;

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PermissionSet([u64; WORDS]);

impl PermissionSet {
    /// No permission.
    pub const NONE: Self = Self([0; WORDS]);

    /// Whether a permission of this server is held.
    pub fn has(self, permission: Permission) -> bool {
        self.has_bit(permission as usize)
    }

    /// Whether every permission of `other` is held: `other` is no stronger.
    pub fn covers(self, other: Self) -> bool {
        self.union(other) == self
    }

    /// What is held in either.
    #[must_use]
    pub fn union(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, more)| *word |= more);
        self
    }

    /// What is held in both.
    #[must_use]
    pub fn intersection(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, more)| *word &= more);
        self
    }

    /// What is held here and not in `other`.
    #[must_use]
    pub fn without(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, less)| *word &= !less);
        self
    }

    /// Whether nothing is held.
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    pub(super) fn has_bit(self, bit: usize) -> bool {
        self.0.get(bit / 64).is_some_and(|word| word & (1 << (bit % 64)) != 0)
    }

    pub(super) fn of(permissions: &[Permission]) -> Self {
        Self::of_bits(permissions.iter().map(|permission| *permission as usize))
    }

    pub(super) fn of_bits(bits: impl Iterator<Item = usize>) -> Self {
        let mut set = Self::NONE;
        for bit in bits {
            if let Some(word) = set.0.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
        }
        set
    }
}

/// The bit of the operator's own permission with this place in the catalogue.
pub(super) fn own_bit(place: usize) -> usize {
    FIRST_OWN + place
}
