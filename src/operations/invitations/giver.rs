//! Whether the one who invited could still do so: checked when their rights change, and at acceptance.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use super::super::Transaction;
use crate::{
    access::{OrganizationAccess, OrganizationRef, Permission, ProjectAccess, Viewer},
    domain::{
        id::{ApiKeyId, ProjectId, RoleId, UserId},
        organization::ActorKind,
        role::BuiltInRole,
    },
    error::Result,
    store::{
        api_keys,
        invitations::{Invitation, ProjectGrant},
        roles::{self, Role},
        users,
    },
};

/// Somebody who invited, with their rights as they are now.
pub struct Giver {
    viewer: Viewer,
    organization: Option<Arc<OrganizationAccess>>,
    projects: HashMap<ProjectId, Option<ProjectAccess>>,
    roles: Vec<Role>,
}

impl Giver {
    /// Whoever sent `invitation`.
    pub async fn load(tx: &mut Transaction<'_>, invitation: &Invitation) -> Result<Self> {
        let viewer = viewer(tx, invitation).await?;
        let by = OrganizationRef::Id(invitation.organization_id);
        let organization = OrganizationAccess::find(tx.conn, &viewer, &by).await?;
        let roles = roles::of_organizations(tx.conn, &[invitation.organization_id]).await?;
        Ok(Self { viewer, organization, projects: HashMap::new(), roles })
    }

    /// Whether they may give all that `invitation` gives.
    pub async fn may_give(
        &mut self,
        tx: &mut Transaction<'_>,
        invitation: &Invitation,
        grants: &[ProjectGrant],
    ) -> Result<bool> {
        let Some(organization) = self.organization.clone().filter(|organization| organization.is_inside) else {
            return Ok(false);
        };
        for grant in grants {
            let Some(role) = self.role(grant.role_id) else { return Ok(false) };
            let project = self.project(tx, &organization, grant.project_id).await?;
            let may = |project: &ProjectAccess| {
                project.permissions.has(Permission::ProjectInvitationsManage) && project.may_give(&role)
            };
            if !project.as_ref().is_some_and(may) {
                return Ok(false);
            }
        }
        let Some(role) = self.role(invitation.role_id) else { return Ok(false) };
        Ok(match invitation.project_id {
            // Whoever may invite to a project may bring its people into the organization as plain members.
            Some(_) => is_plain(&role) || organization.may_give(&role),
            None => organization.permissions.has(Permission::InvitationsManage) && organization.may_give(&role),
        })
    }

    fn role(&self, id: RoleId) -> Option<Role> {
        self.roles.iter().find(|role| role.id == id).cloned()
    }

    async fn project(
        &mut self,
        tx: &mut Transaction<'_>,
        organization: &Arc<OrganizationAccess>,
        id: ProjectId,
    ) -> Result<Option<ProjectAccess>> {
        Ok(match self.projects.entry(id) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(unknown) => {
                unknown.insert(ProjectAccess::in_locked(tx.conn, &self.viewer, organization, id).await?).clone()
            }
        })
    }
}

/// The organization roles that a project invitation may bring without the right to give them.
pub fn is_plain(role: &Role) -> bool {
    matches!(role.built_in, Some(BuiltInRole::Member | BuiltInRole::Viewer))
}

async fn viewer(tx: &mut Transaction<'_>, invitation: &Invitation) -> Result<Viewer> {
    let id = invitation.invited_by_id.unwrap_or_default();
    Ok(match invitation.invited_by_kind {
        ActorKind::User => users::by_ids(tx.conn, &[UserId(id)]).await?.pop().map_or(Viewer::Nobody, Viewer::Person),
        ActorKind::ApiKey => {
            let key = api_keys::find(tx.conn, invitation.organization_id, ApiKeyId(id)).await?;
            key.filter(|key| key.is_active(tx.now)).map_or(Viewer::Nobody, Viewer::Key)
        }
        ActorKind::Operator | ActorKind::System => Viewer::Operator,
    })
}
