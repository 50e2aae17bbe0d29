//! One key type per question that resolvers ask while they read; each is answered for all who ask at once
//! by one statement.

mod pages;
mod rows;

pub use pages::page_of;
pub use rows::{
    AcceptanceOf, ActiveKeysOf, ApiKeyById, GrantsOf, InvitationById, InviteeOf, MemberById, MemberOf,
    OrganizationById, OrganizationNameOf, OwnedBy, OwnerOf, ProjectById, ProjectMemberById, ProjectMemberOf,
    ProjectNameOf, ProjectOwnerOf, RequestsOf, RevivalOf, RoleById, RoleMembers, RoleUses, RolesOf, Sees, TeamById,
    TeamGrantsOf, TeamMemberById, TeamMemberOf, TeamNameOf, UserById, ViewerProjectRoles,
};
