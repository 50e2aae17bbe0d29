//! Organizations, by what the viewer is in them.

use std::sync::Arc;

use super::{
    permission::{Permission, PermissionSet},
    permit::Allowed,
    policy::Policy,
    project::ProjectAccess,
    viewer::Viewer,
};
use crate::{
    domain::{
        id::{OrganizationId, ProjectId},
        organization::Visibility,
        role::{BuiltInRole, RoleScope},
        slug::Slug,
    },
    error::{Code, Error, Refusal, Result},
    store::{
        Connection,
        api_keys::ApiKey,
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

impl OrganizationRef {
    /// The organization that is named, whether or not the viewer may know of it.
    pub async fn id(&self, conn: &Connection) -> Result<Option<OrganizationId>> {
        match self {
            Self::Id(id) => Ok(Some(*id)),
            Self::Slug(slug) => organizations::id_by_slug(conn, slug).await,
            Self::Unknown => Ok(None),
        }
    }
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
    /// Whether the viewer is of the organization: a member, a key of it, or the operator.
    pub belongs: bool,
    /// Whether the viewer sees what every member sees. Guests, and keys that are limited to a project, know the
    /// organization by its name and logo.
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
            Viewer::Key(key) if key.organization_id == organization.id => Some(key.effective),
            Viewer::Key(_) | Viewer::Nobody => None,
        };
        let belongs = permissions.is_some();
        let is_inside = belongs && built_in != Some(BuiltInRole::Guest) && only_project.is_none();
        let permissions = permissions.unwrap_or(PermissionSet::NONE);
        let is_visible = belongs || organization.visibility == Visibility::Public;
        is_visible.then(|| {
            let policy = policy.clone();
            Arc::new(Self { organization, membership, permissions, only_project, belongs, is_inside, policy })
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

    /// Whether the viewer sees the profile, and not the name alone.
    pub fn shows_profile(&self) -> bool {
        self.is_inside || self.organization.visibility == Visibility::Public
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

    /// For reading what whoever belongs to the organization sees a part of.
    ///
    /// # Errors
    /// `Forbidden`, or `Unauthenticated` where signing in may help.
    pub fn require_membership(&self, viewer: &Viewer) -> Result<()> {
        match viewer {
            _ if self.belongs => Ok(()),
            Viewer::Nobody => Err(Error::Unauthenticated),
            _ => Err(Error::Forbidden { permission: None }),
        }
    }

    /// For changing: the permission is held, or the mutation is refused.
    ///
    /// # Errors
    /// Refused as forbidden.
    pub fn may(&self, permission: Permission) -> Result<Allowed, Refusal> {
        if self.permissions.has(permission) { Ok(self.allowed()) } else { Err(Refusal::forbidden(permission.key())) }
    }

    /// For the operator alone.
    ///
    /// # Errors
    /// Refused as forbidden, with this message.
    pub fn may_operate(&self, viewer: &Viewer, message: &'static str) -> Result<Allowed, Refusal> {
        if matches!(viewer, Viewer::Operator) {
            Ok(self.allowed())
        } else {
            Err(Refusal::new(Code::Forbidden, message))
        }
    }

    /// For leaving: the viewer's own membership, which is not the owner's.
    ///
    /// # Errors
    /// `NOT_FOUND` for those who are no members, `OWNER_PROTECTED`.
    pub fn may_leave(&self) -> Result<(Allowed, &Membership), Refusal> {
        let member = self.membership.as_ref().ok_or_else(|| Refusal::not_found("membership").at(["organization"]))?;
        if member.rest.is_owner {
            let protected = "The owner cannot leave; transfer the ownership first.";
            return Err(Refusal::new(Code::OwnerProtected, protected).at(["organization"]));
        }
        Ok((self.allowed(), member))
    }

    /// For making somebody else the owner: nobody gives more than they have, so that it takes all that the owner may do.
    ///
    /// # Errors
    /// Refused as forbidden.
    pub fn may_transfer(&self) -> Result<Allowed, Refusal> {
        let allowed = self.may(Permission::OrganizationTransfer)?;
        let owner = self.policy.of_built_in(RoleScope::Organization, BuiltInRole::Owner);
        if self.permissions.covers(owner) {
            Ok(allowed)
        } else {
            Err(Refusal::new(
                Code::Forbidden,
                "The owner can do more than you can, so you cannot make somebody the owner.",
            ))
        }
    }

    /// For holding a key, or answering for it: it takes all that the key was given, in the project that it is limited to
    /// or in all of them.
    ///
    /// # Errors
    /// Refused as forbidden.
    pub fn may_hold(&self, project: Option<&ProjectAccess>, key: &ApiKey) -> Result<(), Refusal> {
        let granted = self.policy.granted(key);
        let in_project = match key.project_id {
            Some(_) => project.map(|project| project.permissions).unwrap_or_default(),
            None => self.everywhere(RoleScope::Project),
        };
        let covered = self.permissions.covers(self.policy.at(granted, RoleScope::Organization))
            && in_project.covers(self.policy.at(granted, RoleScope::Project));
        if covered { Ok(()) } else { Err(Refusal::new(Code::Forbidden, "This API key can do more than you can.")) }
    }

    pub(super) fn allowed(&self) -> Allowed {
        Allowed::in_organization(self.organization.id)
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

    /// Whether the viewer may know of a role: whoever is inside knows all; guests and keys of a project those of projects,
    /// and guests their own.
    pub fn shows_role(&self, role: &Role) -> bool {
        let is_own = self.membership.as_ref().is_some_and(|own| own.role_id == role.id);
        self.is_inside || is_own || (self.belongs && role.scope == RoleScope::Project)
    }

    /// Whether the viewer may give this role of the organization: it is not Owner and no stronger than theirs.
    pub fn may_give(&self, role: &Role) -> bool {
        !role.is_owner() && self.outranks(role)
    }

    /// Whether the viewer may do all that this role of the organization may, and sees what it shows: every role but Guest
    /// shows what all members see, whatever it permits.
    pub fn outranks(&self, role: &Role) -> bool {
        let shows_all = role.built_in != Some(BuiltInRole::Guest);
        (self.is_inside || !shows_all) && self.permissions.covers(self.policy.of_role(role))
    }
}
