//! Whether the one who invited could still do so: checked when their rights change, and at acceptance.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use chrono::{DateTime, Utc};

use super::teams;
use crate::{
    access::{ActorRef, OrganizationAccess, OrganizationRef, Permission, Policy, ProjectAccess, Viewer},
    domain::{
        id::{ApiKeyId, OrganizationId, ProjectId, RoleId, UserId},
        organization::ActorKind,
        role::BuiltInRole,
    },
    error::Result,
    store::{
        Connection, api_keys,
        invitation_projects::ProjectGrant,
        invitation_teams::TeamGrant,
        invitations::Invitation,
        roles::{self, Role},
        users,
    },
};

/// Somebody who invited, or added to an invitation, with their rights as they are now.
pub struct Giver {
    viewer: Viewer,
    organization: Option<Arc<OrganizationAccess>>,
    projects: HashMap<ProjectId, Option<ProjectAccess>>,
    roles: Vec<Role>,
}

impl Giver {
    /// What they are in an organization.
    pub async fn load(
        conn: &mut Connection,
        policy: &Arc<Policy>,
        now: DateTime<Utc>,
        organization: OrganizationId,
        giver: ActorRef,
    ) -> Result<Self> {
        let viewer = viewer(conn, now, organization, giver).await?;
        let roles = roles::of_organizations(conn, &[organization]).await?;
        let access = OrganizationAccess::find(conn, policy, &viewer, &OrganizationRef::Id(organization)).await?;
        let organization = access.filter(|organization| organization.is_inside);
        Ok(Self { viewer, organization, projects: HashMap::new(), roles })
    }

    /// Whether they may give all that they gave with `invitation`; what others added to it is not theirs.
    pub async fn may_give(
        &mut self,
        conn: &mut Connection,
        invitation: &Invitation,
        grants: &[ProjectGrant],
    ) -> Result<bool> {
        for grant in grants.iter().filter(|grant| grant.added_by_kind.is_none()) {
            if !self.may_grant(conn, grant).await? {
                return Ok(false);
            }
        }
        let Some(organization) = &self.organization else { return Ok(false) };
        let Some(role) = self.role(invitation.role_id) else { return Ok(false) };
        Ok(match invitation.project_id {
            // Whoever may invite to a project may bring its people into the organization as plain members.
            Some(_) => is_plain(&role) || organization.may_give(&role),
            None => organization.permissions.has(Permission::InvitationsManage) && organization.may_give(&role),
        })
    }

    /// Whether they may give a project with that role in it.
    pub async fn may_grant(&mut self, conn: &mut Connection, grant: &ProjectGrant) -> Result<bool> {
        let Some(organization) = self.organization.clone() else { return Ok(false) };
        let Some(role) = self.role(grant.role_id) else { return Ok(false) };
        let project = self.project(conn, &organization, grant.project_id).await?;
        Ok(project.is_some_and(|project| {
            project.permissions.has(Permission::ProjectInvitationsManage) && project.may_give(&role)
        }))
    }

    /// Whether they may give all of these teams.
    pub async fn may_give_teams(&self, conn: &mut Connection, grants: &[TeamGrant]) -> Result<bool> {
        match &self.organization {
            Some(organization) => teams::may_give_teams(conn, &self.viewer, organization, grants).await,
            None => Ok(grants.is_empty()),
        }
    }

    fn role(&self, id: RoleId) -> Option<Role> {
        self.roles.iter().find(|role| role.id == id).cloned()
    }

    async fn project(
        &mut self,
        conn: &mut Connection,
        organization: &Arc<OrganizationAccess>,
        id: ProjectId,
    ) -> Result<Option<ProjectAccess>> {
        Ok(match self.projects.entry(id) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(unknown) => {
                unknown.insert(ProjectAccess::in_locked(conn, &self.viewer, organization, &[id]).await?.pop()).clone()
            }
        })
    }
}

/// The organization roles that a project invitation may bring without the right to give them.
pub fn is_plain(role: &Role) -> bool {
    matches!(role.built_in, Some(BuiltInRole::Member | BuiltInRole::Viewer))
}

async fn viewer(
    conn: &mut Connection,
    now: DateTime<Utc>,
    organization: OrganizationId,
    (kind, id): ActorRef,
) -> Result<Viewer> {
    let id = id.unwrap_or_default();
    Ok(match kind {
        ActorKind::User => users::by_ids(conn, &[UserId(id)]).await?.pop().map_or(Viewer::Nobody, Viewer::Person),
        ActorKind::ApiKey => {
            let key = api_keys::find(conn, organization, ApiKeyId(id)).await?;
            key.filter(|key| key.is_active(now)).map_or(Viewer::Nobody, Viewer::Key)
        }
        ActorKind::Operator | ActorKind::System => Viewer::Operator,
    })
}
