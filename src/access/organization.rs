//! Organizations, by what the viewer is in them.

use std::sync::Arc;

use super::{
    permission::{Permission, PermissionSet},
    policy::Policy,
    viewer::Viewer,
};
use crate::{
    domain::{
        id::{OrganizationId, ProjectId},
        organization::Visibility,
        role::RoleScope,
        slug::Slug,
    },
    error::{Error, Refusal, Result},
    store::{
        Connection,
        organization_members::Membership,
        organizations::{self, Organization, WithMembership},
        roles::Role,
    },
};

/// Names an organization in input.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OrganizationRef {
    /// By id.
    Id(OrganizationId),
    /// By slug, current or previous.
    Slug(Slug),
    /// By something that cannot be one.
    Unknown,
}

/// An organization that the viewer may know of, and what they may do in it.
#[derive(Clone, Debug)]
pub struct OrganizationAccess {
    /// The organization.
    pub organization: Organization,
    /// The viewer's membership.
    pub membership: Option<Membership>,
    /// What the viewer may do, of the organization's level; of an API key of the organization, both levels.
    pub permissions: PermissionSet,
    /// The only project the viewer can see: that of a key limited to it.
    pub only_project: Option<ProjectId>,
    /// Whether the viewer sees more than a public profile.
    pub is_inside: bool,
    /// What roles give.
    pub policy: Arc<Policy>,
}

impl OrganizationAccess {
    /// The organization as `viewer` finds it; `None` when they may not know of it.
    pub fn of(policy: &Arc<Policy>, viewer: &Viewer, found: WithMembership) -> Option<Arc<Self>> {
        let WithMembership { organization, membership, built_in, permissions: stored } = found;
        let only_project = if let Viewer::Key(key) = viewer { key.project_id } else { None };
        let permissions = match viewer {
            Viewer::Operator => Some(policy.everything()),
            Viewer::Person(_) => stored.map(|keys| policy.of_stored(RoleScope::Organization, built_in, &keys)),
            Viewer::Key(key) if key.organization_id == organization.id => Some(policy.of_key(key)),
            Viewer::Key(_) | Viewer::Nobody => None,
        };
        let is_inside = permissions.is_some();
        let permissions = permissions.unwrap_or(PermissionSet::NONE);
        let is_visible = is_inside || organization.visibility == Visibility::Public;
        is_visible.then(|| {
            let policy = policy.clone();
            Arc::new(Self { organization, membership, permissions, only_project, is_inside, policy })
        })
    }

    /// What somebody who holds an invitation may know of an organization that is hidden from them.
    pub fn profile(policy: &Arc<Policy>, organization: Organization) -> Arc<Self> {
        Arc::new(Self {
            organization,
            membership: None,
            permissions: PermissionSet::NONE,
            only_project: None,
            is_inside: false,
            policy: policy.clone(),
        })
    }

    /// Loads what the viewer may know of. Reading under a permission goes on with [`Self::require`].
    pub async fn find(
        conn: &Connection,
        policy: &Arc<Policy>,
        viewer: &Viewer,
        by: &OrganizationRef,
    ) -> Result<Option<Arc<Self>>> {
        let found = match by {
            OrganizationRef::Id(id) => organizations::with_membership(conn, &[*id], viewer.user_id()).await?.pop(),
            OrganizationRef::Slug(slug) => organizations::with_membership_by_slug(conn, slug, viewer.user_id()).await?,
            OrganizationRef::Unknown => None,
        };
        Ok(found.and_then(|row| Self::of(policy, viewer, row)))
    }

    /// Locks an organization and loads it for a change that takes `permission`. Everything that decides is
    /// read after the lock.
    ///
    /// # Errors
    /// Refused as not found or forbidden, without blaming an input.
    pub async fn lock(
        conn: &mut Connection,
        policy: &Arc<Policy>,
        viewer: &Viewer,
        by: &OrganizationRef,
        permission: Permission,
    ) -> Result<Arc<Self>> {
        let access = Self::lock_visible(conn, policy, viewer, by).await?;
        access.may(permission)?;
        Ok(access)
    }

    /// Locks an organization that the viewer may know of, for changes that decide themselves what they take.
    pub async fn lock_visible(
        conn: &mut Connection,
        policy: &Arc<Policy>,
        viewer: &Viewer,
        by: &OrganizationRef,
    ) -> Result<Arc<Self>> {
        viewer.signed_in()?;
        let missing = || Error::from(Refusal::not_found("organization"));
        let id = match by {
            OrganizationRef::Id(id) => Some(*id),
            OrganizationRef::Slug(slug) => organizations::id_by_slug(conn, slug).await?,
            OrganizationRef::Unknown => None,
        };
        let id = id.ok_or_else(missing)?;
        if !organizations::lock(conn, id).await? {
            return Err(missing());
        }
        Self::find(conn, policy, viewer, &OrganizationRef::Id(id)).await?.ok_or_else(missing)
    }

    /// For reading: the permission is held, or the field is forbidden.
    ///
    /// # Errors
    /// `Forbidden`, or `Unauthenticated` where signing in may help.
    pub fn require(&self, viewer: &Viewer, permission: Permission) -> Result<()> {
        match viewer {
            _ if self.permissions.has(permission) => Ok(()),
            Viewer::Nobody => Err(Error::Unauthenticated),
            _ => Err(Error::Forbidden { permission: Some(permission.key()) }),
        }
    }

    /// For reading what all members see.
    ///
    /// # Errors
    /// `Forbidden`, or `Unauthenticated` where signing in may help.
    pub fn require_inside(&self, viewer: &Viewer) -> Result<()> {
        match viewer {
            _ if self.is_inside => Ok(()),
            Viewer::Nobody => Err(Error::Unauthenticated),
            _ => Err(Error::Forbidden { permission: None }),
        }
    }

    /// For changing: the permission is held, or the mutation is refused.
    ///
    /// # Errors
    /// Refused as forbidden; as not found where somebody holds an invitation and may know no more.
    pub fn may(&self, permission: Permission) -> Result<(), Refusal> {
        if !self.is_inside && self.organization.visibility == Visibility::Private {
            return Err(Refusal::not_found("organization"));
        }
        if self.permissions.has(permission) { Ok(()) } else { Err(Refusal::forbidden(permission.key())) }
    }

    /// What the viewer may do at a level: in the organization, or in every one of its projects.
    pub fn everywhere(&self, scope: RoleScope) -> PermissionSet {
        match scope {
            RoleScope::Organization => self.permissions,
            RoleScope::Project => {
                self.policy.in_projects(self.permissions).union(self.policy.at(self.permissions, RoleScope::Project))
            }
        }
    }

    /// Whether the viewer may give this role of the organization: it is not Owner and no stronger than theirs.
    pub fn may_give(&self, role: &Role) -> bool {
        !role.is_owner() && self.outranks(role)
    }

    /// Whether the viewer may do all that this role of the organization may.
    pub fn outranks(&self, role: &Role) -> bool {
        self.permissions.covers(self.policy.of_role(role))
    }
}
