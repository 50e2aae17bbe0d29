//! `Organization`.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};

use super::{
    access::Access,
    api_key::{self, ApiKeyConnection, ApiKeyFilter, ApiKeyOrder},
    industry::Industry,
    invitation::{self, InvitationConnection, InvitationFilter, InvitationOrder, InvitationStatus},
    organization_member::{
        self, OrganizationMember, OrganizationMemberConnection, OrganizationMemberFilter, OrganizationMemberOrder,
    },
    plan::OrganizationPlan,
    project::{self, Project, ProjectConnection, ProjectFilter, ProjectOrder},
    role::{self, BuiltInRole, RoleConnection, RoleFilter, RoleOrder},
    team::{self, Team, TeamConnection, TeamFilter, TeamOrder},
    viewer_can::OrganizationViewerCan,
};
use crate::{
    access::{OrganizationAccess, OrganizationRef, Permission, ProjectRef, TeamRef, Viewer},
    domain::{
        self,
        email::Email,
        id::{OrganizationId, UserId},
        phone::Phone,
        slug::Slug,
        text::fold,
    },
    error::{Error, Result},
    graphql::{
        at_hand::AtHand,
        connection::{self, Connection, PageArguments, fingerprint},
        context::RequestContext,
        input::{UserRefInput, order_input},
        loaders::{InviteeOf, MemberOf, OrganizationById, OwnerOf, page_of},
        scalars::{DateTime, Url},
        semantic_non_null,
    },
    operations::input::UserRef,
    store::{invitations, organization_members, organizations},
};

/// Who can see the profile of an organization.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "domain::organization::Visibility")]
pub enum OrganizationVisibility {
    /// Members only.
    Private,
    /// Everyone; members, teams and projects stay visible to members only.
    Public,
}

/// Conditions on organizations.
#[derive(InputObject, Clone, Debug, Default)]
pub struct OrganizationFilter {
    /// Part of the name or slug, ignoring case.
    search: Option<String>,
    /// Visibility.
    visibility: Option<OrganizationVisibility>,
    /// Only where the viewer has one of these roles.
    viewer_roles: Option<Vec<BuiltInRole>>,
}

order_input! {
    /// Ordering of organizations. Ties are always broken by `id`, so cursors are stable.
    OrganizationOrder = Name Asc;
    /// Fields organizations can be ordered by.
    OrganizationOrderField of organizations::OrderField = "organizations::OrderField" {
        /// Creation time.
        CreatedAt,
        /// Name, ignoring case.
        Name,
        /// Slug.
        Slug,
    }
}

/// One page of organizations.
pub type OrganizationConnection = connection::Connection<Organization>;

impl AtHand for Organization {}

/// An organization that the viewer may know of.
#[derive(Clone, Debug)]
pub struct Organization(pub Arc<OrganizationAccess>);

impl Organization {
    /// An organization that the viewer may know of.
    pub async fn find(ctx: &Context<'_>, id: OrganizationId) -> Result<Option<Self>> {
        Ok(ctx.load(OrganizationById(id)).await?.map(Self))
    }

    /// Something that those who only know the name do not see.
    fn of_profile<'a, T>(&'a self, part: impl FnOnce(&'a organizations::Organization) -> Option<T>) -> Option<T> {
        if self.0.shows_profile() { part(&self.0.organization) } else { None }
    }

    fn key(&self) -> OrganizationId {
        self.0.organization.id
    }
}

/// The top-level tenant. Guests, and API keys that are limited to a project, know a private organization by its name and
/// logo: for them `description`, `website`, `industry`, `email` and `phone` are null.
#[Object]
impl Organization {
    /// Opaque ID, `org_…`.
    pub async fn id(&self) -> ID {
        self.key().to_string().into()
    }

    /// Unique, URL-safe name. Previous slugs keep resolving.
    async fn slug(&self) -> &str {
        &self.0.organization.slug
    }

    /// Name to show.
    async fn name(&self) -> &str {
        &self.0.organization.name
    }

    /// Description.
    async fn description(&self) -> Option<&str> {
        self.of_profile(|organization| organization.description.as_deref())
    }

    /// Logo.
    async fn logo_url(&self) -> Option<Url> {
        self.0.organization.logo_url.clone().map(Url)
    }

    /// Website.
    async fn website(&self) -> Option<Url> {
        self.of_profile(|organization| organization.website.clone().map(Url))
    }

    /// Industry.
    async fn industry(&self) -> Option<Industry> {
        self.of_profile(|organization| organization.industry.as_deref().and_then(Industry::find))
    }

    /// Contact email.
    async fn email(&self) -> Option<&str> {
        self.of_profile(|organization| organization.email.as_ref().map(Email::as_str))
    }

    /// Contact phone, in the form of E.164.
    async fn phone(&self) -> Option<&str> {
        self.of_profile(|organization| organization.phone.as_ref().map(Phone::as_str))
    }

    /// Who can see the profile.
    async fn visibility(&self) -> OrganizationVisibility {
        self.0.organization.visibility.into()
    }

    /// Plan, trial and seats. Members only, and no guests.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn plan(&self, ctx: &Context<'_>) -> Option<Result<OrganizationPlan>> {
        Some(self.0.require_inside(ctx.viewer()).map(|()| OrganizationPlan(self.0.organization.clone())))
    }

    /// The one owner. Requires `members.read`.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn owner(&self, ctx: &Context<'_>) -> Option<Result<OrganizationMember>> {
        Some(self.find_owner(ctx).await)
    }

    /// Grows by one with each change to the fields above; for `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.organization.version
    }

    /// Creation time.
    async fn created_at(&self) -> DateTime {
        self.0.organization.created_at.into()
    }

    /// Last change to the fields above.
    async fn updated_at(&self) -> DateTime {
        self.0.organization.updated_at.into()
    }

    /// The viewer's membership, null if not a member.
    async fn viewer_membership(&self) -> Option<OrganizationMember> {
        Some(self.member_of(self.0.membership.clone()?))
    }

    /// Permissions the viewer has here.
    async fn viewer_permissions(&self) -> Vec<&str> {
        self.0.policy.held(self.0.permissions).map(|held| held.key.as_ref()).collect()
    }

    /// What the viewer can do here now.
    async fn viewer_can(&self) -> OrganizationViewerCan {
        OrganizationViewerCan(self.0.clone())
    }

    /// One member. Requires `members.read`.
    async fn member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user.")] user: UserRefInput,
    ) -> Option<Result<OrganizationMember>> {
        self.find_member(ctx, user).await.transpose()
    }

    /// Members. Requires `members.read`.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn members(
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
        #[graphql(desc = "Filter; all given conditions must hold.")] filter: Option<OrganizationMemberFilter>,
        #[graphql(desc = "Order.", default_with = "Some(OrganizationMemberOrder::default())")] order_by: Option<
            OrganizationMemberOrder,
        >,
    ) -> Option<Result<OrganizationMemberConnection>> {
        let page = PageArguments { first, after, last, before, offset };
        Some(
            async {
                self.0.require(ctx.viewer(), Permission::MembersRead)?;
                let filter = organization_member::filter(ctx, &self.0, filter).await?;
                let of = organization_members::Of::Organization(self.key());
                organization_member::list(ctx, of, Some(&self.0), filter, order_by, &page).await
            }
            .await,
        )
    }

    /// Invitations to the organization and its projects. Requires `invitations.read`.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn invitations(
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
        #[graphql(desc = "Only these statuses.", default_with = "Some(vec![InvitationStatus::Pending])")]
        statuses: Option<Vec<InvitationStatus>>,
        #[graphql(desc = "Filter; all given conditions must hold.")] filter: Option<InvitationFilter>,
        #[graphql(desc = "Order.", default_with = "Some(InvitationOrder::default())")] order_by: Option<
            InvitationOrder,
        >,
    ) -> Option<Result<InvitationConnection>> {
        let page = PageArguments { first, after, last, before, offset };
        Some(
            async {
                self.0.require(ctx.viewer(), Permission::InvitationsRead)?;
                let filter = invitation::filter(ctx, Some(&self.0), statuses, filter).await?;
                invitation::list(ctx, invitations::Of::Organization(self.key()), filter, order_by, &page).await
            }
            .await,
        )
    }

    /// What a person may do here, and why. Null when they are no member. Requires `members.read`, or that it is the viewer.
    async fn access(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The person.")] user: UserRefInput,
    ) -> Option<Result<Access>> {
        Access::in_organization(ctx, &self.0, user).await.transpose()
    }

    /// API keys. Requires `api_keys.manage`.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn api_keys(
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
        #[graphql(desc = "Filter; all given conditions must hold.")] filter: Option<ApiKeyFilter>,
        #[graphql(desc = "Order.", default_with = "Some(ApiKeyOrder::default())")] order_by: Option<ApiKeyOrder>,
    ) -> Option<Result<ApiKeyConnection>> {
        let page = PageArguments { first, after, last, before, offset };
        Some(
            async {
                self.0.require(ctx.viewer(), Permission::ApiKeysManage)?;
                api_key::list(ctx, self.key(), filter, order_by, &page).await
            }
            .await,
        )
    }

    /// One project the viewer can see.
    async fn project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Slug of the project.")] slug: String,
    ) -> Option<Result<Project>> {
        let organization = Slug::parse(&self.0.organization.slug)?;
        let by = ProjectRef::Path(organization, Slug::parse(&slug)?);
        Project::find_by(ctx, &by).await.transpose()
    }

    /// Projects the viewer can see.
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn projects(
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
        #[graphql(desc = "Filter; all given conditions must hold.")] filter: Option<ProjectFilter>,
        #[graphql(desc = "Order.", default_with = "Some(ProjectOrder::default())")] order_by: Option<ProjectOrder>,
    ) -> Result<ProjectConnection> {
        let page = PageArguments { first, after, last, before, offset };
        project::list(ctx, &self.0, filter, order_by, &page).await
    }

    /// One team, null if it does not exist. Requires `members.read` or `teams.manage`, or to be in it.
    async fn team(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Slug of the team.")] slug: String,
    ) -> Option<Result<Team>> {
        let organization = Slug::parse(&self.0.organization.slug)?;
        let by = TeamRef::Path(organization, Slug::parse(&slug)?);
        Team::find_by(ctx, &by).await.transpose()
    }

    /// Teams. Requires `members.read`.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn teams(
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
        #[graphql(desc = "Filter; all given conditions must hold.")] filter: Option<TeamFilter>,
        #[graphql(desc = "Order.", default_with = "Some(TeamOrder::default())")] order_by: Option<TeamOrder>,
    ) -> Option<Result<TeamConnection>> {
        let page = PageArguments { first, after, last, before, offset };
        Some(team::list(ctx, &self.0, filter, order_by, &page).await)
    }

    /// Built-in and custom roles. Members only; guests, and API keys that are limited to a project, see project roles, and guests their own.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn roles(
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
        #[graphql(desc = "Filter; all given conditions must hold.")] filter: Option<RoleFilter>,
        #[graphql(desc = "Order.", default_with = "Some(RoleOrder::default())")] order_by: Option<RoleOrder>,
    ) -> Option<Result<RoleConnection>> {
        let page = PageArguments { first, after, last, before, offset };
        Some(
            async {
                self.0.require_membership(ctx.viewer())?;
                role::list(ctx, &self.0, filter, order_by, &page).await
            }
            .await,
        )
    }
}

impl Organization {
    fn member_of(&self, found: organization_members::Membership) -> OrganizationMember {
        OrganizationMember { found: Arc::new(found.into()), organization: self.0.clone() }
    }

    async fn find_owner(&self, ctx: &Context<'_>) -> Result<OrganizationMember> {
        self.0.require(ctx.viewer(), Permission::MembersRead)?;
        Ok(self.member_of(ctx.load_present(OwnerOf(self.key())).await?))
    }

    async fn find_member(&self, ctx: &Context<'_>, user: UserRefInput) -> Result<Option<OrganizationMember>> {
        self.0.require(ctx.viewer(), Permission::MembersRead)?;
        let Some(user) = user_id(ctx, user).await? else { return Ok(None) };
        Ok(ctx.load(MemberOf(self.key(), user)).await?.map(|found| self.member_of(found)))
    }
}

/// The person that input names, if there is one.
pub async fn user_id(ctx: &Context<'_>, user: UserRefInput) -> Result<Option<UserId>> {
    Ok(match user.into() {
        UserRef::Id(id) => Some(id),
        UserRef::Email(email) => ctx.load(InviteeOf(email)).await?.map(|user| user.id),
        UserRef::Unknown => None,
    })
}

/// The organizations the viewer has access to.
pub async fn list(
    ctx: &Context<'_>,
    filter: Option<OrganizationFilter>,
    order_by: Option<OrganizationOrder>,
    page: &PageArguments,
) -> Result<OrganizationConnection> {
    let viewer = ctx.viewer();
    let of = match viewer.as_ref() {
        Viewer::Nobody => return Err(Error::Unauthenticated),
        Viewer::Person(user) => organizations::Of::Member(user.id),
        Viewer::Key(key) => organizations::Of::Key(key.organization_id),
        Viewer::Operator => organizations::Of::Everyone,
    };
    let filter = filter.unwrap_or_default();
    let filter = organizations::Filter {
        search: filter.search.as_deref().map(fold).filter(|search| !search.is_empty()),
        visibility: filter.visibility.map(Into::into),
        viewer_roles: filter.viewer_roles.map(|roles| roles.into_iter().map(Into::into).collect()),
    };
    let (field, descending) = OrganizationOrder::sort(order_by);
    let fingerprint = fingerprint(ctx, "Query")?;
    let page = page.page(fingerprint)?;
    let found = page_of(ctx, of, filter, (field, descending), page, None).await?;
    let (slice, total) = (found.slice, found.total);
    let ids = slice.rows.iter().map(|(_, row)| OrganizationById(row.id)).collect();
    let mut found = ctx.load_many(ids).await?;
    let slice = slice.filter_map(|row| found.remove(&OrganizationById(row.id)).map(Organization));
    Ok(Connection::new(slice, fingerprint, total))
}

/// The organization that a query names; none when the viewer may not know of it.
pub async fn find_by(ctx: &Context<'_>, by: &OrganizationRef) -> Result<Option<Organization>> {
    if let OrganizationRef::Id(id) = by {
        return Organization::find(ctx, *id).await;
    }
    let conn = ctx.app().db.shared().await?;
    Ok(OrganizationAccess::find(&conn, &ctx.app().policy, ctx.viewer(), by).await?.map(Organization))
}
