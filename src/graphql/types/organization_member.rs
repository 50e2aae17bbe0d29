//! `OrganizationMember`.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, ScalarType, parser::types::Field};

use super::{
    actor::Actor,
    organization::Organization,
    project,
    project_member::{self, ProjectMemberConnection, ProjectMemberOrder},
    role::{Role, roles_of},
    team,
    team_member::{self, TeamMemberConnection, TeamMemberOrder},
    user::User,
    viewer_can::OrganizationMemberViewerCan,
};
use crate::{
    access::{OrganizationAccess, Permission},
    domain::{
        id::{OrganizationMemberId, RoleId, UserId},
        role::RoleScope,
        text::fold,
    },
    error::Result,
    graphql::{
        at_hand::{AtHand, Writer},
        connection::{self, Connection, PageArguments, fingerprint},
        context::RequestContext,
        input::{DateTimeRangeInput, OrderDirection, ProjectRefInput, RoleRefInput, TeamRefInput, order_input},
        loaders::{MemberById, MemberOf, OrganizationById, page_of},
        scalars::DateTime,
    },
    operations::input::RoleRef,
    store::{
        organization_members::{self, Found, Of, Rest},
        project_members, team_members,
    },
};

/// Conditions on organization members.
#[derive(InputObject, Clone, Debug, Default)]
pub struct OrganizationMemberFilter {
    /// Part of the name or email, ignoring case and accents.
    search: Option<String>,
    /// Has one of these roles.
    roles: Option<Vec<RoleRefInput>>,
    /// Is in one of these teams.
    teams: Option<Vec<TeamRefInput>>,
    /// Is in one of these projects.
    projects: Option<Vec<ProjectRefInput>>,
    /// Joined in this range.
    joined_at: Option<DateTimeRangeInput>,
}

order_input! {
    /// Ordering of organization members. Ties are always broken by `id`, so cursors are stable.
    OrganizationMemberOrder = Name Asc;
    /// Fields organization members can be ordered by.
    OrganizationMemberOrderField of organization_members::OrderField = "organization_members::OrderField" {
        /// Email.
        Email,
        /// Time of joining.
        JoinedAt,
        /// Name, ignoring case and accents.
        Name,
        /// Rank of the role, highest first when ascending.
        Role,
    }
}

impl OrganizationMemberOrder {
    /// The order in which somebody joined organizations.
    pub fn by_joining() -> Self {
        Self { field: OrganizationMemberOrderField::JoinedAt, direction: OrderDirection::Asc }
    }
}

/// One page of organization members.
pub type OrganizationMemberConnection = connection::Connection<OrganizationMember>;

/// A membership in an organization that the viewer may know of.
#[derive(Clone, Debug)]
pub struct OrganizationMember {
    /// The membership.
    pub found: Arc<Found>,
    /// The organization.
    pub organization: Arc<OrganizationAccess>,
}

impl OrganizationMember {
    /// A membership that the viewer may see: their own, or any where they may list members.
    pub async fn find(ctx: &Context<'_>, id: OrganizationMemberId) -> Result<Option<Self>> {
        let Some(found) = ctx.load(MemberById(id)).await? else { return Ok(None) };
        let Some(organization) = ctx.load(OrganizationById(found.organization_id)).await? else { return Ok(None) };
        let sees = Self::sees(ctx, &organization, found.user_id);
        Ok(sees.then(|| Self { found: Arc::new(found.into()), organization }))
    }

    /// Somebody's membership, if the viewer may see it.
    pub async fn of_user(
        ctx: &Context<'_>,
        organization: &Arc<OrganizationAccess>,
        user: UserId,
    ) -> Result<Option<Self>> {
        if !Self::sees(ctx, organization, user) {
            return Ok(None);
        }
        let found = ctx.load(MemberOf(organization.organization.id, user)).await?;
        Ok(found.map(|found| Self { found: Arc::new(found.into()), organization: organization.clone() }))
    }

    fn sees(ctx: &Context<'_>, organization: &OrganizationAccess, user: UserId) -> bool {
        ctx.viewer().user_id() == Some(user) || organization.permissions.has(Permission::MembersRead)
    }

    /// What is shown besides; read now, if the list did without.
    pub async fn rest(&self, ctx: &Context<'_>) -> Result<Rest> {
        match self.found.rest {
            Some(rest) => Ok(rest),
            None => Ok(ctx.load_present(MemberById(self.found.id)).await?.rest),
        }
    }

    async fn find_inviter(&self, ctx: &Context<'_>) -> Result<Option<Actor>> {
        let rest = self.rest(ctx).await?;
        match rest.invited_by_kind {
            Some(kind) => Actor::find(ctx, kind, rest.invited_by_id).await.map(Some),
            None => Ok(None),
        }
    }
}

impl AtHand for OrganizationMember {
    fn write(&self, field: &Field, to: &mut Writer<'_>) -> Option<()> {
        match field.name.node.as_str() {
            "id" => to.word(self.found.id),
            "user" => to.object(&User::from(&self.found.entry), field),
            "role" => to.object(&Role::known(to.reader, &self.organization, self.found.role_id)?, field),
            "isOwner" => to.value(&self.found.rest?.is_owner),
            "joinedAt" => to.value(&DateTime::from(self.found.rest?.joined_at).to_value()),
            "version" => to.value(&self.found.rest?.version),
            _ => None,
        }
    }
}

/// A person in an organization.
#[Object]
impl OrganizationMember {
    /// Opaque ID, `mem_…`.
    pub async fn id(&self) -> ID {
        self.found.id.to_string().into()
    }

    /// The organization.
    async fn organization(&self) -> Organization {
        Organization(self.organization.clone())
    }

    /// The person.
    async fn user(&self) -> User<'_> {
        (&self.found.entry).into()
    }

    /// Organization-level role.
    async fn role(&self, ctx: &Context<'_>) -> Result<Role> {
        Role::find(ctx, &self.organization, self.found.role_id).await
    }

    /// This is the owner.
    async fn is_owner(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(self.rest(ctx).await?.is_owner)
    }

    /// When the person joined.
    async fn joined_at(&self, ctx: &Context<'_>) -> Result<DateTime> {
        Ok(self.rest(ctx).await?.joined_at.into())
    }

    /// Last change of role.
    async fn updated_at(&self, ctx: &Context<'_>) -> Result<DateTime> {
        Ok(self.rest(ctx).await?.updated_at.into())
    }

    /// Who invited them, null if unknown.
    async fn invited_by(&self, ctx: &Context<'_>) -> Option<Result<Actor>> {
        self.find_inviter(ctx).await.transpose()
    }

    /// Grows by one with each change; for `expectedVersion`.
    async fn version(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(self.rest(ctx).await?.version)
    }

    /// What the viewer can do with this member now.
    async fn viewer_can(&self) -> OrganizationMemberViewerCan {
        OrganizationMemberViewerCan(self.clone())
    }

    /// Projects the person is in, with the role in each. Only projects the viewer can see.
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn project_memberships(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "First *n* items, 0–100 (0: just count). 25 when neither `first` nor `last` is given.")] first: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Last *n* items, 0–100. Not with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
        #[graphql(
            desc = "Skip *n* items (0–10000) counted from the start or from `after`: numbered pages. Not with `last`."
        )]
        offset: Option<i32>,
        #[graphql(desc = "Order.", default_with = "Some(ProjectMemberOrder::by_joining())")] order_by: Option<
            ProjectMemberOrder,
        >,
    ) -> Result<ProjectMemberConnection> {
        let page = PageArguments { first, after, last, before, offset };
        let of = project_members::Of::User(self.organization.organization.id, self.found.user_id);
        // Everybody sees their own memberships, in projects that they see.
        let is_own = ctx.viewer().user_id() == Some(self.found.user_id);
        let needed = [Permission::ProjectRead, Permission::ProjectMembersRead];
        let visible = project::visible(ctx, &self.organization, if is_own { &needed[..1] } else { &needed });
        let filter = project_members::Filter { visible_to: visible.to, only: visible.only, ..Default::default() };
        let order_by = order_by.unwrap_or(ProjectMemberOrder::by_joining());
        project_member::list(ctx, of, None, filter, Some(order_by), &page).await
    }

    /// Teams the person is in, with the role in each. Only teams the viewer can see.
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn team_memberships(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "First *n* items, 0–100 (0: just count). 25 when neither `first` nor `last` is given.")] first: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Last *n* items, 0–100. Not with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
        #[graphql(
            desc = "Skip *n* items (0–10000) counted from the start or from `after`: numbered pages. Not with `last`."
        )]
        offset: Option<i32>,
        #[graphql(desc = "Order.", default_with = "Some(TeamMemberOrder::by_adding())")] order_by: Option<
            TeamMemberOrder,
        >,
    ) -> Result<TeamMemberConnection> {
        let page = PageArguments { first, after, last, before, offset };
        let order_by = order_by.unwrap_or(TeamMemberOrder::by_adding());
        let of = team_members::Of::User(self.organization.organization.id, self.found.user_id);
        team_member::list_of_person(ctx, of, &self.organization, order_by, &page).await
    }
}

/// The filter in terms of what is stored.
pub async fn filter(
    ctx: &Context<'_>,
    organization: &Arc<OrganizationAccess>,
    filter: Option<OrganizationMemberFilter>,
) -> Result<organization_members::Filter> {
    let filter = filter.unwrap_or_default();
    let joined = DateTimeRangeInput::range(filter.joined_at);
    Ok(organization_members::Filter {
        search: filter.search.as_deref().map(fold).filter(|search| !search.is_empty()),
        roles: match filter.roles {
            Some(roles) => Some(role_ids(ctx, organization, roles, RoleScope::Organization).await?),
            None => None,
        },
        projects: match filter.projects {
            Some(projects) => Some(project::visible_ids(ctx, projects, Permission::ProjectMembersRead).await?),
            None => None,
        },
        teams: match filter.teams {
            Some(teams) => Some(team::visible_ids(ctx, teams).await?),
            None => None,
        },
        joined_from: joined.from,
        joined_to: joined.to,
    })
}

/// The roles that a filter names; those that are not there match nothing.
pub async fn role_ids(
    ctx: &Context<'_>,
    organization: &OrganizationAccess,
    roles: Vec<RoleRefInput>,
    scope: RoleScope,
) -> Result<Vec<RoleId>> {
    let known = roles_of(ctx, organization).await?;
    let named = roles
        .into_iter()
        .filter_map(|role| RoleRef::from(role).among(organization, &known, scope).ok().map(|role| role.id));
    Ok(named.collect())
}

/// A page of members: of one organization, or of one person's organizations.
pub async fn list(
    ctx: &Context<'_>,
    of: Of,
    organization: Option<&Arc<OrganizationAccess>>,
    filter: organization_members::Filter,
    order_by: Option<OrganizationMemberOrder>,
    page: &PageArguments,
) -> Result<OrganizationMemberConnection> {
    let (field, descending) = OrganizationMemberOrder::sort(order_by);
    let parent = match of {
        Of::Organization(_) => "Organization",
        Of::User(_) => "Viewer",
    };
    let fingerprint = fingerprint(ctx, parent)?;
    let page = page.page(fingerprint)?;
    // An organization knows how many members it has; everything else is counted.
    let known = organization.filter(|_| filter.is_empty()).map(|access| i64::from(access.organization.member_count));
    let found = page_of(ctx, of, filter, (field, descending), page, known).await?;
    let total = found.total;
    let organizations = match organization {
        Some(_) => std::collections::HashMap::new(),
        None => {
            ctx.load_many(found.slice.rows.iter().map(|(_, row)| OrganizationById(row.organization_id)).collect())
                .await?
        }
    };
    let slice = found.slice.filter_map(|row| {
        let organization = match organization {
            Some(organization) => organization.clone(),
            None => organizations.get(&OrganizationById(row.organization_id))?.clone(),
        };
        Some(OrganizationMember { found: Arc::new(row), organization })
    });
    Ok(Connection::new(slice, fingerprint, total))
}
