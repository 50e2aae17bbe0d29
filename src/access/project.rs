//! Projects, by what the viewer is in them and in their organization.

use std::sync::Arc;

use super::{
    organization::{OrganizationAccess, OrganizationRef},
    permission::{Permission, PermissionSet},
    permit::Allowed,
    policy::Policy,
    viewer::Viewer,
};
use crate::{
    domain::{
        id::ProjectId,
        role::{BuiltInRole, RoleScope},
        slug::Slug,
    },
    error::{Code, Error, Refusal, Result},
    store::{
        Connection, organizations,
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

impl ProjectRef {
    /// The project that is named, whether or not the viewer may know of it.
    pub async fn id(&self, conn: &Connection) -> Result<Option<ProjectId>> {
        match self {
            Self::Id(id) => Ok(Some(*id)),
            Self::Path(organization, project) => match organizations::id_by_slug(conn, organization).await? {
                Some(organization) => projects::id_by_slug(conn, organization, project).await,
                None => Ok(None),
            },
            Self::Unknown => Ok(None),
        }
    }
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

    /// Loads what the viewer may know of.
    pub async fn find(
        conn: &Connection,
        policy: &Arc<Policy>,
        viewer: &Viewer,
        by: &ProjectRef,
    ) -> Result<Option<Self>> {
        let Some(id) = by.id(conn).await? else { return Ok(None) };
        let Some((project, _, role)) = projects::with_membership(conn, &[id], viewer.user_id()).await?.pop() else {
            return Ok(None);
        };
        let organization =
            OrganizationAccess::find(conn, policy, viewer, &OrganizationRef::Id(project.organization_id)).await?;
        Ok(organization.and_then(|organization| {
            Self::of(&organization, project, role.as_ref().map(|role| organization.policy.of_role(role)))
        }))
    }

    /// Those of the projects that are of an organization that is locked already, and that the viewer may know of.
    pub async fn in_locked(
        conn: &Connection,
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
    /// Refused as forbidden.
    pub fn may(&self, permission: Permission) -> Result<Allowed, Refusal> {
        if self.permissions.has(permission) {
            Ok(self.organization.allowed())
        } else {
            Err(Refusal::forbidden(permission.key()))
        }
    }

    /// For leaving, given the viewer's own membership and whether it is the owner's.
    ///
    /// # Errors
    /// `NOT_FOUND` for those who are no members, `OWNER_PROTECTED`.
    pub fn may_leave<M>(&self, own: Option<(M, bool)>) -> Result<(Allowed, M), Refusal> {
        let (member, is_owner) = own.ok_or_else(|| Refusal::not_found("membership").at(["project"]))?;
        if is_owner {
            let protected = "The owner of a project cannot leave; transfer the ownership first.";
            return Err(Refusal::new(Code::OwnerProtected, protected).at(["project"]));
        }
        Ok((self.organization.allowed(), member))
    }

    /// For making somebody else the owner: it takes all that the owner may do.
    ///
    /// # Errors
    /// Refused as forbidden.
    pub fn may_transfer(&self) -> Result<Allowed, Refusal> {
        let allowed = self.may(Permission::ProjectTransfer)?;
        let owner = self.organization.policy.of_built_in(RoleScope::Project, BuiltInRole::Owner);
        if self.permissions.covers(owner) {
            Ok(allowed)
        } else {
            Err(Refusal::new(
                Code::Forbidden,
                "The owner can do more than you can, so you cannot make somebody the owner.",
            ))
        }
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
