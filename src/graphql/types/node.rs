//! `Node`: refetching any object by id.

use async_graphql::{Context, ID, Interface};

use super::{
    api_key::ApiKey, invitation::Invitation, organization::Organization, organization_member::OrganizationMember,
    project::Project, project_member::ProjectMember, role::Role, team::Team, team_member::TeamMember, user::User,
};
use crate::{
    domain::id::{
        ApiKeyId, InvitationId, OrganizationId, OrganizationMemberId, ProjectId, ProjectMemberId, RoleId, TeamId,
        TeamMemberId, UserId,
    },
    error::Result,
};

/// An object that can be refetched by ID.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Opaque, typed, globally unique ID."))]
pub enum Node {
    /// A person.
    User(User<'static>),
    /// An organization.
    Organization(Organization),
    /// A membership of an organization.
    OrganizationMember(OrganizationMember),
    /// A project.
    Project(Project),
    /// A membership of a project.
    ProjectMember(ProjectMember),
    /// A team.
    Team(Team),
    /// A membership of a team.
    TeamMember(TeamMember),
    /// A role.
    Role(Role),
    /// An invitation.
    Invitation(Invitation),
    /// An API key.
    ApiKey(ApiKey),
}

impl Node {
    /// The object with this id; none when there is none that the viewer may see.
    pub async fn find(ctx: &Context<'_>, id: &str) -> Result<Option<Self>> {
        if let Some(id) = UserId::parse(id) {
            return Ok(User::find(ctx, id).await?.map(Self::User));
        }
        if let Some(id) = OrganizationId::parse(id) {
            return Ok(Organization::find(ctx, id).await?.map(Self::Organization));
        }
        if let Some(id) = OrganizationMemberId::parse(id) {
            return Ok(OrganizationMember::find(ctx, id).await?.map(Self::OrganizationMember));
        }
        if let Some(id) = ProjectId::parse(id) {
            return Ok(Project::find(ctx, id).await?.map(Self::Project));
        }
        if let Some(id) = ProjectMemberId::parse(id) {
            return Ok(ProjectMember::find(ctx, id).await?.map(Self::ProjectMember));
        }
        if let Some(id) = TeamId::parse(id) {
            return Ok(Team::find(ctx, id).await?.map(Self::Team));
        }
        if let Some(id) = TeamMemberId::parse(id) {
            return Ok(TeamMember::find(ctx, id).await?.map(Self::TeamMember));
        }
        if let Some(id) = RoleId::parse(id) {
            return Ok(Role::find_by_id(ctx, id).await?.map(Self::Role));
        }
        if let Some(id) = InvitationId::parse(id) {
            return Ok(Invitation::find(ctx, id).await?.map(Self::Invitation));
        }
        if let Some(id) = ApiKeyId::parse(id) {
            return Ok(ApiKey::find(ctx, id).await?.map(Self::ApiKey));
        }
        Ok(None)
    }
}
