//! Projects, by what the viewer is in them and in their organization.

use std::sync::Arc;

use super::{
    organization::{OrganizationAccess, OrganizationRef},
    permission::{Permission, PermissionSet},
    policy::Policy,
    viewer::Viewer,
};
use crate::{
    domain::{id::ProjectId, role::RoleScope, slug::Slug},
    error::{Error, Refusal, Result},
    store::{
        Connection,
        projects::{self, Project},
        roles::Role,
    },
};

/// Names a project in input.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ProjectRef {
    /// By id.
    Id(ProjectId),
    /// By the slugs of its organization and its own.
    Path(Slug, Slug),
    /// By something that cannot be one.
    Unknown,
}

/// A project that the viewer may know of, and what they may do in it.
#[derive(Clone, Debug)]
pub struct ProjectAccess {
    /// The project.
    pub project: Project,
    /// Its organization.
    pub organization: Arc<OrganizationAccess>,
    /// Whether the viewer is a member.
    pub is_member: bool,
    /// What the viewer may do: the union of what both roles give.
    pub permissions: PermissionSet,
}

impl ProjectAccess {
    /// The project as the viewer finds it, given what their role in it allows, if they are in it; `None` when
    /// they may not know of it.
    pub fn of(organization: &Arc<OrganizationAccess>, project: Project, own: Option<PermissionSet>) -> Option<Self> {
        let hidden = organization.only_project.is_some_and(|only| only != project.id);
        let permissions = own.unwrap_or_default().union(organization.everywhere(RoleScope::Project));
        let is_visible = !hidden && permissions.has(Permission::ProjectRead);
        is_visible.then(|| Self { project, organization: organization.clone(), is_member: own.is_some(), permissions })
    }

    /// What somebody who holds an invitation may know of a project that is hidden from them.
    pub fn profile(organization: Arc<OrganizationAccess>, project: Project) -> Self {
        Self { project, organization, is_member: false, permissions: PermissionSet::NONE }
    }

    /// Loads what the viewer may know of.
    pub async fn find(
        conn: &Connection,
        policy: &Arc<Policy>,
        viewer: &Viewer,
        by: &ProjectRef,
    ) -> Result<Option<Self>> {
        let Some(id) = id_of(conn, by).await? else { return Ok(None) };
        let Some((project, _, role)) = projects::with_membership(conn, &[id], viewer.user_id()).await?.pop() else {
            return Ok(None);
        };
        let organization =
            OrganizationAccess::find(conn, policy, viewer, &OrganizationRef::Id(project.organization_id)).await?;
        Ok(organization.and_then(|organization| {
            Self::of(&organization, project, role.as_ref().map(|role| organization.policy.of_role(role)))
        }))
    }

    /// Locks the organization of a project and loads the project for a change that takes `permission`.
    ///
    /// # Errors
    /// Refused as not found or forbidden, without blaming an input.
    pub async fn lock(
        conn: &mut Connection,
        policy: &Arc<Policy>,
        viewer: &Viewer,
        by: &ProjectRef,
        permission: Permission,
    ) -> Result<Self> {
        viewer.signed_in()?;
        let missing = || Error::from(Refusal::not_found("project"));
        let id = id_of(conn, by).await?.ok_or_else(missing)?;
        let organization = projects::organization_of(conn, id).await?.ok_or_else(missing)?;
        let organization =
            OrganizationAccess::lock_visible(conn, policy, viewer, &OrganizationRef::Id(organization)).await;
        let organization =
            organization.map_err(|error| if matches!(error, Error::Refused(_)) { missing() } else { error })?;
        let access = Self::in_locked(conn, viewer, &organization, &[id]).await?.pop().ok_or_else(missing)?;
        access.may(permission)?;
        Ok(access)
    }

    /// Those of the projects that are of an organization that is locked already, and that the viewer may know of.
    pub async fn in_locked(
        conn: &mut Connection,
        viewer: &Viewer,
        organization: &Arc<OrganizationAccess>,
        ids: &[ProjectId],
    ) -> Result<Vec<Self>> {
        let found = projects::with_membership(conn, ids, viewer.user_id()).await?;
        let of_it = found.into_iter().filter(|(project, ..)| project.organization_id == organization.organization.id);
        let known = of_it.filter_map(|(project, _, role)| {
            Self::of(organization, project, role.as_ref().map(|role| organization.policy.of_role(role)))
        });
        Ok(known.collect())
    }

    /// For reading: the permission is held, or the field is forbidden.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.permissions.has(permission) {
            Ok(())
        } else {
            Err(Error::Forbidden { permission: Some(permission.key()) })
        }
    }

    /// For changing: the permission is held, or the mutation is refused.
    ///
    /// # Errors
    /// Refused as forbidden; as not found where somebody holds an invitation and may know no more.
    pub fn may(&self, permission: Permission) -> Result<(), Refusal> {
        if !self.permissions.has(Permission::ProjectRead) {
            return Err(Refusal::not_found("project"));
        }
        if self.permissions.has(permission) { Ok(()) } else { Err(Refusal::forbidden(permission.key())) }
    }

    /// Whether the viewer may give this role of the project: it is not Owner and no stronger than theirs.
    pub fn may_give(&self, role: &Role) -> bool {
        !role.is_owner() && self.outranks(role)
    }

    /// Whether the viewer may do all that this role of the project may.
    pub fn outranks(&self, role: &Role) -> bool {
        self.permissions.covers(self.organization.policy.of_role(role))
    }
}

/// The project that input names, whether or not the viewer may know of it.
async fn id_of(conn: &Connection, by: &ProjectRef) -> Result<Option<ProjectId>> {
    match by {
        ProjectRef::Id(id) => Ok(Some(*id)),
        ProjectRef::Path(organization, project) => {
            match crate::store::organizations::id_by_slug(conn, organization).await? {
                Some(organization) => projects::id_by_slug(conn, organization, project).await,
                None => Ok(None),
            }
        }
        ProjectRef::Unknown => Ok(None),
    }
}
