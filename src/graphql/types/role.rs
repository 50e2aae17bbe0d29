//! `Role`.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};

use super::{
    organization::Organization,
    permission::{Permission, RoleScope},
};
use crate::{
    access::OrganizationAccess,
    domain::{
        id::{OrganizationId, RoleId},
        role,
    },
    error::Result,
    graphql::{
        connection,
        context::RequestContext,
        input::order_input,
        loaders::{RoleMembers, RolesOf},
        scalars::DateTime,
    },
    store::roles,
};

/// Roles every organization has, at both scopes.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "role::BuiltInRole")]
pub enum BuiltInRole {
    /// Everything except what only the owner may do.
    Admin,
    /// Everyday work.
    Member,
    /// Everything, including deletion and transfer. Exactly one per organization or project; never assignable, only transferable.
    Owner,
    /// Read only.
    Viewer,
}

/// Conditions on roles.
#[derive(InputObject, Clone, Debug, Default)]
pub struct RoleFilter {
    /// Level.
    pub scope: Option<RoleScope>,
    /// True: only built-in; false: only custom.
    pub built_in: Option<bool>,
}

order_input! {
    /// Ordering of roles. Ties are always broken by `id`, so cursors are stable.
    RoleOrder = Rank Asc;
    /// Fields roles can be ordered by.
    RoleOrderField of roles::OrderField = "roles::OrderField" {
        /// Creation time.
        CreatedAt,
        /// Name, ignoring case.
        Name,
        /// Built-in roles from Owner to Viewer, then custom ones.
        Rank,
    }
}

/// One page of roles.
pub type RoleConnection = connection::Connection<Role>;

/// A role and its organization.
#[derive(Clone, Debug)]
pub struct Role {
    /// The role.
    pub role: roles::Role,
    /// Its organization.
    pub organization: Arc<OrganizationAccess>,
}

impl Role {
    /// A role of an organization.
    pub async fn find(ctx: &Context<'_>, organization: &Arc<OrganizationAccess>, id: RoleId) -> Result<Self> {
        let role = role_of(ctx, organization.organization.id, id).await?;
        Ok(Self { role, organization: organization.clone() })
    }
}

async fn role_of(ctx: &Context<'_>, organization: OrganizationId, id: RoleId) -> Result<roles::Role> {
    let roles = ctx.load_present(RolesOf(organization)).await?;
    let found = roles.iter().find(|role| role.id == id).cloned();
    found.ok_or_else(|| crate::error::Error::internal("a row names a role that is not there"))
}

/// A named set of permissions, built in or custom.
#[Object]
impl Role {
    /// Opaque ID, `rol_…`.
    pub async fn id(&self) -> ID {
        self.role.id.to_string().into()
    }

    /// Stable key, unique per organization and scope: `admin`, `billing-admin`.
    async fn key(&self) -> &str {
        &self.role.key
    }

    /// Name to show.
    async fn name(&self) -> &str {
        &self.role.name
    }

    /// Description.
    async fn description(&self) -> Option<&str> {
        self.role.description.as_deref()
    }

    /// Level.
    async fn scope(&self) -> RoleScope {
        self.role.scope.into()
    }

    /// Which built-in role this is, null for a custom role.
    async fn built_in(&self) -> Option<BuiltInRole> {
        self.role.built_in.map(Into::into)
    }

    /// The organization.
    async fn organization(&self) -> Organization {
        Organization(self.organization.clone())
    }

    /// Permissions.
    async fn permissions(&self) -> Vec<Permission> {
        let policy = &self.organization.policy;
        policy.held(policy.of_role(&self.role)).cloned().map(Permission).collect()
    }

    /// Members that have it.
    async fn member_count(&self, ctx: &Context<'_>) -> Result<i32> {
        let count = ctx.load_present(RoleMembers(self.role.organization_id, self.role.id)).await?;
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }

    /// Grows by one with each change; for `expectedVersion`.
    async fn version(&self) -> i32 {
        self.role.version
    }

    /// Creation time.
    async fn created_at(&self) -> DateTime {
        self.role.created_at.into()
    }

    /// Last change.
    async fn updated_at(&self) -> DateTime {
        self.role.updated_at.into()
    }
}
