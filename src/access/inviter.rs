//! Whether whoever invited could still do so: asked when their rights change, and when the invitation is accepted.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};

use super::{
    organization::{OrganizationAccess, OrganizationRef},
    permission::Permission,
    policy::Policy,
    project::ProjectAccess,
    team::TeamAccess,
    viewer::{ActorRef, Viewer},
};
use crate::{
    domain::id::{OrganizationId, ProjectId, RoleId, TeamId},
    error::Result,
    store::{
        Connection,
        invitation_projects::ProjectGrant,
        invitation_teams::TeamGrant,
        invitations::Invitation,
        roles::{self, Role},
    },
};

/// Somebody who invited, or added to an invitation, with what they are now in the places that it concerns.
#[derive(Clone, Debug, Default)]
pub struct Inviter {
    /// The organization; absent when they are not of it any more.
    pub organization: Option<Arc<OrganizationAccess>>,
    /// The projects, as far as they see them.
    pub projects: HashMap<ProjectId, ProjectAccess>,
    /// The teams whose members they manage.
    pub teams: HashSet<TeamId>,
    /// All roles of the organization.
    pub roles: Vec<Role>,
}

impl Inviter {
    /// What somebody is now in an organization, and in these projects and teams of it.
    pub async fn load(
        conn: &Connection,
        policy: &Arc<Policy>,
        now: DateTime<Utc>,
        organization: OrganizationId,
        inviter: ActorRef,
        projects: &[ProjectId],
        teams: &[TeamId],
    ) -> Result<Self> {
        let viewer = Viewer::stored(conn, policy, now, organization, inviter).await?;
        let found = OrganizationAccess::find(conn, policy, &viewer, &OrganizationRef::Id(organization)).await?;
        let Some(access) = found.filter(|access| access.belongs) else { return Ok(Self::default()) };
        let projects = match projects {
            [] => Vec::new(),
            _ => ProjectAccess::in_locked(conn, &viewer, &access, projects).await?,
        };
        let teams = match teams {
            [] => Vec::new(),
            _ => TeamAccess::in_locked(conn, &viewer, &access, teams).await?,
        };
        let roles = roles::of_organizations(conn, &[organization]).await?;
        Ok(Self::of(access, projects, &teams, roles))
    }

    /// What somebody is in an organization that they are of, in those of the projects and teams that they know of.
    pub fn of(
        access: Arc<OrganizationAccess>,
        projects: Vec<ProjectAccess>,
        teams: &[TeamAccess],
        roles: Vec<Role>,
    ) -> Self {
        let managed = teams.iter().filter(|team| team.may_manage_members().is_ok());
        Self {
            projects: projects.into_iter().map(|project| (project.project.id, project)).collect(),
            teams: managed.map(|team| team.team.id).collect(),
            roles,
            organization: Some(access),
        }
    }

    /// Whether they could invite like this; what others added to the invitation is not theirs.
    pub fn can_invite(&self, invitation: &Invitation, grants: &[ProjectGrant], teams: &[TeamGrant]) -> bool {
        let Some(organization) = &self.organization else { return false };
        let Some(role) = invitation.role_id.and_then(|id| self.role(id)) else { return false };
        // Whoever invites to a project brings people in as well, with a role no stronger than their own: Guest at least.
        let invites = invitation.project_id.is_some() || organization.permissions.has(Permission::InvitationsManage);
        invites
            && organization.may_give(role)
            && grants.iter().filter(|grant| grant.added_by_kind.is_none()).all(|grant| self.can_grant_project(grant))
            && teams.iter().filter(|grant| grant.added_by_kind.is_none()).all(|grant| self.can_grant_team(grant))
    }

    /// Whether they could give this project, with this role in it.
    pub fn can_grant_project(&self, grant: &ProjectGrant) -> bool {
        let (project, role) = (self.projects.get(&grant.project_id), self.role(grant.role_id));
        let (Some(project), Some(role)) = (project, role) else { return false };
        project.permissions.has(Permission::ProjectInvitationsManage) && project.may_give(role)
    }

    /// Whether they could give this team, with either role in it.
    pub fn can_grant_team(&self, grant: &TeamGrant) -> bool {
        self.teams.contains(&grant.team_id)
    }

    fn role(&self, id: RoleId) -> Option<&Role> {
        self.roles.iter().find(|role| role.id == id)
    }
}
