//! `Role`.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, parser::types::Field};

use super::{
    capability::Capability,
    organization::Organization,
    permission::{Permission, RoleScope},
};
use crate::{
    access::{OrganizationAccess, PermissionSet},
    domain::{id::RoleId, role},
    error::{Error, Result},
    graphql::{
        at_hand::{AtHand, Writer},
        connection::{self, Connection, PageArguments, fingerprint},
        context::{Reader, RequestContext},
        input::order_input,
        loaders::{OrganizationById, RoleById, RoleMembers, RoleUses, RolesOf, ViewerProjectRoles, page_of},
        scalars::DateTime,
        semantic_non_null,
    },
    operations,
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
    /// Belongs to the organization and may do nothing in it: sees its name and logo, and the projects and teams they are in. No role of projects.
    Guest,
}

/// Conditions on roles.
#[derive(InputObject, Clone, Debug, Default)]
pub struct RoleFilter {
    /// Level.
    pub scope: Option<RoleScope>,
    /// True: only built-in; false: only custom.
    pub built_in: Option<bool>,
    /// Only roles the viewer may assign.
    pub assignable: Option<bool>,
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
        /// Built-in roles from Owner to Guest, then custom ones.
        Rank,
    }
}

/// One page of roles.
pub type RoleConnection = connection::Connection<Role>;

/// A role and its organization.
#[derive(Clone, Debug)]
pub struct Role {
    among: Arc<Vec<roles::Role>>,
    index: usize,
    /// Its organization.
    pub organization: Arc<OrganizationAccess>,
}

impl Role {
    /// A role of an organization.
    pub async fn find(ctx: &Context<'_>, organization: &Arc<OrganizationAccess>, id: RoleId) -> Result<Self> {
        let place = |among: &[roles::Role]| among.iter().position(|role| role.id == id);
        let mut among = roles_of(ctx, organization).await?;
        if place(&among).is_none() {
            // Made after the organization was read, or by a server that does not tell the version yet.
            among = ctx.load_present(RolesOf(organization.organization.id)).await?;
        }
        let index = place(&among).ok_or_else(|| Error::internal("a row names a role that is not there"))?;
        Ok(Self { among, index, organization: organization.clone() })
    }

    /// A role of an organization whose roles are known.
    pub fn known(reader: &Reader, organization: &Arc<OrganizationAccess>, id: RoleId) -> Option<Self> {
        let among = reader.app.roles.of(&organization.organization)?;
        let index = among.iter().position(|role| role.id == id)?;
        Some(Self { among, index, organization: organization.clone() })
    }

    /// One role alone.
    fn one(role: roles::Role, organization: Arc<OrganizationAccess>) -> Self {
        Self { among: Arc::new(vec![role]), index: 0, organization }
    }

    /// The role.
    #[expect(clippy::indexing_slicing, reason = "the index is that of a role")]
    pub fn role(&self) -> &roles::Role {
        &self.among[self.index]
    }

    /// A role that the viewer may know of.
    pub async fn find_by_id(ctx: &Context<'_>, id: RoleId) -> Result<Option<Self>> {
        let Some(role) = ctx.load(RoleById(id)).await? else { return Ok(None) };
        let organization = ctx.load(OrganizationById(role.organization_id)).await?;
        let organization = organization.filter(|organization| organization.shows_role(&role));
        Ok(organization.map(|organization| Self::one(role, organization)))
    }
}

impl Role {
    async fn count_members(&self, ctx: &Context<'_>) -> Result<i32> {
        self.organization.require_inside(ctx.viewer())?;
        let count = ctx.load_present(RoleMembers(self.role().organization_id, self.role().id)).await?;
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }
}

/// What the viewer may do in each place where a role of this level could be given, as far as the places differ.
async fn places(
    ctx: &Context<'_>,
    organization: &OrganizationAccess,
    roles: &[roles::Role],
) -> Result<Vec<PermissionSet>> {
    let everywhere = organization.everywhere(role::RoleScope::Project);
    let own = ctx.load_present(ViewerProjectRoles(organization.organization.id)).await?;
    let own = roles.iter().filter(|role| own.contains(&role.id));
    let places = own.map(|role| organization.policy.of_role(role).union(everywhere));
    Ok(std::iter::once(everywhere).chain(places).collect())
}

/// A page of the roles of an organization.
pub async fn list(
    ctx: &Context<'_>,
    organization: &Arc<OrganizationAccess>,
    filter: Option<RoleFilter>,
    order_by: Option<RoleOrder>,
    page: &PageArguments,
) -> Result<RoleConnection> {
    let filter = filter.unwrap_or_default();
    let (field, descending) = RoleOrder::sort(order_by);
    let is_assignable = filter.assignable == Some(true);
    let filter = roles::Filter { scope: filter.scope.map(Into::into), built_in: filter.built_in };
    let is_narrowed = is_assignable || !organization.is_inside;
    let fingerprint = fingerprint(ctx, "Organization")?;
    let page = page.page(fingerprint)?;
    let id = organization.organization.id;
    let of = if is_narrowed {
        let all = roles_of(ctx, organization).await?;
        let places = places(ctx, organization, &all).await?;
        let is_listed = |role: &&roles::Role| {
            let may_assign = || operations::roles::may_assign(organization, &places, role).is_ok();
            organization.shows_role(role) && (!is_assignable || may_assign())
        };
        roles::Of::Among(id, all.iter().filter(is_listed).map(|role| role.id).collect())
    } else {
        roles::Of::Organization(id)
    };
    let found = page_of(ctx, of, filter, (field, descending), page, None).await?;
    let node = |role| Role::one(role, organization.clone());
    Ok(Connection::new(found.slice.map(node), fingerprint, found.total))
}

/// The roles of an organization: few, so all of them.
pub async fn roles_of(ctx: &Context<'_>, organization: &OrganizationAccess) -> Result<Arc<Vec<roles::Role>>> {
    let (known, organization) = (&ctx.app().roles, &organization.organization);
    if let Some(roles) = known.of(organization) {
        return Ok(roles);
    }
    let roles = ctx.load_present(RolesOf(organization.id)).await?;
    known.keep(organization, roles.clone());
    Ok(roles)
}

impl AtHand for Role {
    fn write(&self, field: &Field, to: &mut Writer<'_>) -> Option<()> {
        let role = self.role();
        match field.name.node.as_str() {
            "id" => to.word(role.id),
            "key" => to.value(&role.key),
            "name" => to.value(&role.name),
            "description" => to.value(&role.description),
            "version" => to.value(&role.version),
            _ => None,
        }
    }
}

/// A named set of permissions, built in or custom.
#[Object]
impl Role {
    /// Opaque ID, `rol_…`.
    pub async fn id(&self) -> ID {
        self.role().id.to_string().into()
    }

    /// Stable key, unique per organization and scope: `admin`, `billing-admin`.
    async fn key(&self) -> &str {
        &self.role().key
    }

    /// Name to show.
    async fn name(&self) -> &str {
        &self.role().name
    }

    /// Description.
    async fn description(&self) -> Option<&str> {
        self.role().description.as_deref()
    }

    /// Level.
    async fn scope(&self) -> RoleScope {
        self.role().scope.into()
    }

    /// Which built-in role this is, null for a custom role.
    async fn built_in(&self) -> Option<BuiltInRole> {
        self.role().built_in.map(Into::into)
    }

    /// The organization.
    async fn organization(&self) -> Organization {
        Organization(self.organization.clone())
    }

    /// Permissions.
    async fn permissions(&self) -> Vec<Permission> {
        let policy = &self.organization.policy;
        policy.held(policy.of_role(self.role())).cloned().map(Permission).collect()
    }

    /// Members that have it. Members only, and no guests.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn member_count(&self, ctx: &Context<'_>) -> Option<Result<i32>> {
        Some(self.count_members(ctx).await)
    }

    /// Grows by one with each change; for `expectedVersion`.
    async fn version(&self) -> i32 {
        self.role().version
    }

    /// Creation time.
    async fn created_at(&self) -> DateTime {
        self.role().created_at.into()
    }

    /// Last change.
    async fn updated_at(&self) -> DateTime {
        self.role().updated_at.into()
    }

    /// What the viewer can do with this role now.
    async fn viewer_can(&self) -> RoleViewerCan {
        RoleViewerCan(self.clone())
    }
}

/// What the viewer can do with a role.
pub struct RoleViewerCan(Role);

/// What the viewer can do with a role now.
#[Object]
impl RoleViewerCan {
    /// Give it to members or invitees: in the organization or, a project role, in at least one project.
    async fn assign(&self, ctx: &Context<'_>) -> Result<Capability> {
        let (role, organization) = (self.0.role(), &self.0.organization);
        let places = match role.scope {
            role::RoleScope::Organization => Vec::new(),
            role::RoleScope::Project => places(ctx, organization, &roles_of(ctx, organization).await?).await?,
        };
        Ok(Capability::of(ctx.viewer(), operations::roles::may_assign(organization, &places, role)))
    }

    /// May call `roleUpdate`.
    async fn update(&self, ctx: &Context<'_>) -> Capability {
        Capability::of(ctx.viewer(), operations::roles::may_change(&self.0.organization, self.0.role()))
    }

    /// May call `roleDelete` without a replacement.
    async fn delete(&self, ctx: &Context<'_>) -> Result<Capability> {
        let (role, organization) = (self.0.role(), &self.0.organization);
        let mut checked = operations::roles::may_change(organization, role).map(drop);
        if checked.is_ok() {
            let uses = ctx.load_present(RoleUses(role.organization_id, role.id)).await?;
            checked = operations::roles::check_unused(role, uses);
        }
        Ok(Capability::of(ctx.viewer(), checked))
    }
}
