//! The levels roles apply to, and the roles every organization has.

text_enum! {
    /// Level a role or permission applies to.
    pub enum RoleScope {
        /// The whole organization.
        Organization = "ORGANIZATION",
        /// One project.
        Project = "PROJECT",
    }
}

text_enum! {
    /// Roles every organization has, at both levels but for Guest.
    pub enum BuiltInRole {
        /// Everything. Exactly one per organization and project; only ever transferred.
        Owner = "OWNER",
        /// Everything except what only the owner may do.
        Admin = "ADMIN",
        /// Everyday work.
        Member = "MEMBER",
        /// Read only.
        Viewer = "VIEWER",
        /// Belongs to the organization and may do nothing in it; no role of projects.
        Guest = "GUEST",
    }
}

impl BuiltInRole {
    /// The built-in roles of a level, strongest first.
    pub fn of(scope: RoleScope) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |role| scope == RoleScope::Organization || *role != Self::Guest)
    }

    /// Key by which input names the role.
    pub fn key(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Viewer => "viewer",
            Self::Guest => "guest",
        }
    }

    /// Name to show.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "Owner",
            Self::Admin => "Admin",
            Self::Member => "Member",
            Self::Viewer => "Viewer",
            Self::Guest => "Guest",
        }
    }

    /// Place in lists: Owner first.
    pub fn rank(self) -> i16 {
        self as i16
    }
}

/// Place of custom roles in lists: behind the built-in ones.
pub const CUSTOM_RANK: i16 = 5;
