//! One file per GraphQL object: a thin layer over a stored row and what the viewer may do with it.

pub mod access;
pub mod actor;
pub mod api_key;
pub mod capability;
pub mod industry;
pub mod invitation;
mod invitation_viewer_can;
pub mod node;
pub mod organization;
pub mod organization_member;
pub mod permission;
pub mod plan;
pub mod project;
pub mod project_member;
pub mod role;
pub mod team;
pub mod team_member;
pub mod user;
pub mod user_error;
pub mod viewer;
pub mod viewer_can;
