//! `Node`: refetching any object by id.

use async_graphql::{Context, ID, Interface};

use super::{
    api_key::ApiKey, invitation::Invitation, organization::Organization, organization_member::OrganizationMember,
    project::Project, project_member::ProjectMember, role::Role, team::Team, team_member::TeamMember, user::User,
};
use crate::{
    access::{Permission, Viewer},
    domain::id::{
        ApiKeyId, InvitationId, OrganizationId, OrganizationMemberId, ProjectId, ProjectMemberId, RoleId, TeamId,
        TeamMemberId, UserId,
    },
    error::Result,
    graphql::{
        context::RequestContext,
        loaders::{ApiKeyById, OrganizationById, RoleById},
    },
};

/// An object that can be refetched by ID.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Opaque, typed, globally unique ID."))]
pub enum Node {
    /// A person.
    User(User),
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
            return Ok(role(ctx, id).await?.map(Self::Role));
        }
        if let Some(id) = InvitationId::parse(id) {
            return Ok(Invitation::find(ctx, id).await?.map(Self::Invitation));
        }
        if let Some(id) = ApiKeyId::parse(id) {
            return Ok(api_key(ctx, id).await?.map(Self::ApiKey));
        }
        Ok(None)
    }
}

async fn role(ctx: &Context<'_>, id: RoleId) -> Result<Option<Role>> {
    let Some(role) = ctx.load(RoleById(id)).await? else { return Ok(None) };
    let organization = ctx.load(OrganizationById(role.organization_id)).await?.and_then(|found| found.visible);
    Ok(organization.filter(|organization| organization.is_inside).map(|organization| Role { role, organization }))
}

/// Keys are visible to those who manage them, and to themselves.
async fn api_key(ctx: &Context<'_>, id: ApiKeyId) -> Result<Option<ApiKey>> {
    let Some(key) = ctx.load(ApiKeyById(id)).await? else { return Ok(None) };
    let is_viewer = matches!(ctx.viewer().as_ref(), Viewer::Key(own) if own.id == id);
    let organization = ctx.load(OrganizationById(key.organization_id)).await?.and_then(|found| found.visible);
    let manages = organization.is_some_and(|organization| organization.permissions.has(Permission::ApiKeysManage));
    Ok((is_viewer || manages).then_some(ApiKey(key)))
}
