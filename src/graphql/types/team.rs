//! `Team`.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object};

use super::{
    capability::Capability,
    organization::{Organization, user_id},
    team_member::{self, TeamMember, TeamMemberConnection, TeamMemberFilter, TeamMemberOrder},
};
use crate::{
    access::{OrganizationAccess, TeamAccess, TeamRef},
    domain::{
        id::{TeamId, UserId},
        text::fold,
    },
    error::{Error, Result},
    graphql::{
        at_hand::AtHand,
        connection::{self, Connection, PageArguments, fingerprint},
        context::RequestContext,
        input::{TeamRefInput, UserRefInput, order_input},
        loaders::{TeamById, TeamMemberOf, page_of},
        scalars::DateTime,
        semantic_non_null,
    },
    store::{
        team_members,
        teams::{self, Of},
    },
};

/// Conditions on teams.
#[derive(InputObject, Clone, Debug, Default)]
pub struct TeamFilter {
    /// Part of the name or slug, ignoring case.
    search: Option<String>,
    /// Has this member.
    member: Option<UserRefInput>,
}

order_input! {
    /// Ordering of teams. Ties are always broken by `id`, so cursors are stable.
    TeamOrder = Name Asc;
    /// Fields teams can be ordered by.
    TeamOrderField of teams::OrderField = "teams::OrderField" {
        /// Creation time.
        CreatedAt,
        /// Number of members, accepted and pending.
        MemberCount,
        /// Name, ignoring case.
        Name,
    }
}

/// One page of teams.
pub type TeamConnection = connection::Connection<Team>;

impl AtHand for Team {}

/// A team that the viewer may know of.
#[derive(Clone, Debug)]
pub struct Team(pub Arc<TeamAccess>);

impl Team {
    /// A team that the viewer may know of.
    pub async fn find(ctx: &Context<'_>, id: TeamId) -> Result<Option<Self>> {
        Ok(ctx.load(TeamById(id)).await?.map(Self))
    }

    /// The team that a query names.
    pub async fn find_by(ctx: &Context<'_>, by: &TeamRef) -> Result<Option<Self>> {
        if let TeamRef::Id(id) = by {
            return Self::find(ctx, *id).await;
        }
        let conn = ctx.app().db.shared().await?;
        Ok(TeamAccess::find(&conn, &ctx.app().policy, ctx.viewer(), by).await?.map(Arc::new).map(Self))
    }

    async fn find_viewer(&self, ctx: &Context<'_>) -> Result<Option<TeamMember>> {
        let Some(viewer) = ctx.viewer().user_id().filter(|_| self.0.own.is_some()) else { return Ok(None) };
        let found = ctx.load(TeamMemberOf(self.0.team.id, viewer)).await?;
        Ok(found.map(|found| TeamMember { found: Arc::new(found), team: self.0.clone() }))
    }
}

/// A group of people in an organization. Whoever has `members.read` or `teams.manage` knows every team, and everybody those they are in; who is in them takes `members.read`.
#[Object]
impl Team {
    /// Opaque ID, `tea_…`.
    pub async fn id(&self) -> ID {
        self.0.team.id.to_string().into()
    }

    /// Unique within the organization.
    async fn slug(&self) -> &str {
        &self.0.team.slug
    }

    /// Name to show.
    async fn name(&self) -> &str {
        &self.0.team.name
    }

    /// Description.
    async fn description(&self) -> Option<&str> {
        self.0.team.description.as_deref()
    }

    /// Color, `#RRGGBB`.
    async fn color(&self) -> &str {
        &self.0.team.color
    }

    /// The organization.
    async fn organization(&self) -> Organization {
        Organization(self.0.organization.clone())
    }

    /// Grows by one with each change of the team or its members; for `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.team.version
    }

    /// Creation time.
    async fn created_at(&self) -> DateTime {
        self.0.team.created_at.into()
    }

    /// Last change.
    async fn updated_at(&self) -> DateTime {
        self.0.team.updated_at.into()
    }

    /// The viewer's membership.
    async fn viewer_membership(&self, ctx: &Context<'_>) -> Option<Result<TeamMember>> {
        self.find_viewer(ctx).await.transpose()
    }

    /// What the viewer can do with this team now.
    async fn viewer_can(&self) -> TeamViewerCan {
        TeamViewerCan(self.0.clone())
    }

    /// Members, accepted and pending. Requires `members.read`: invitees do not see them yet.
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
        #[graphql(desc = "Filter; all given conditions must hold.")] filter: Option<TeamMemberFilter>,
        #[graphql(desc = "Order.", default_with = "Some(TeamMemberOrder::default())")] order_by: Option<
            TeamMemberOrder,
        >,
    ) -> Option<Result<TeamMemberConnection>> {
        let page = PageArguments { first, after, last, before, offset };
        Some(
            async {
                TeamAccess::require_sight(&self.0.organization, ctx.viewer())?;
                let (organization, team) = self.0.key();
                let filter = team_member::filter(ctx, filter);
                let of = team_members::Of::Team(organization, team);
                team_member::list(ctx, of, Some(&self.0), filter, order_by, &page).await
            }
            .await,
        )
    }
}

/// What the viewer can do with a team now.
pub struct TeamViewerCan(Arc<TeamAccess>);

/// What the viewer can do with a team now.
#[Object]
impl TeamViewerCan {
    /// May call `teamUpdate`.
    async fn update(&self, ctx: &Context<'_>) -> Capability {
        Capability::of(ctx.viewer(), self.0.may_manage())
    }

    /// May call `teamDelete`.
    async fn delete(&self, ctx: &Context<'_>) -> Capability {
        Capability::of(ctx.viewer(), self.0.may_manage())
    }

    /// May call `teamMembersAdd` and `teamMembersReplace`.
    async fn manage_members(&self, ctx: &Context<'_>) -> Capability {
        Capability::of(ctx.viewer(), self.0.may_manage_members())
    }

    /// May call `teamLeave`.
    async fn leave(&self, ctx: &Context<'_>) -> Capability {
        Capability::of(ctx.viewer(), self.0.may_leave())
    }
}

/// Most teams of one filter.
const MAX_NAMED: usize = 100;

/// The teams that a filter names, as far as the viewer can see them.
pub async fn visible_ids(ctx: &Context<'_>, teams: Vec<TeamRefInput>) -> Result<Vec<TeamId>> {
    if teams.len() > MAX_NAMED {
        return Err(Error::BadInput(format!("`teams` has {} items; it may have {MAX_NAMED}.", teams.len())));
    }
    let found = teams.into_iter().map(|team| async move { Team::find_by(ctx, &team.into()).await });
    let found = futures_util::future::try_join_all(found).await?;
    Ok(found.into_iter().flatten().map(|team| team.0.team.id).collect())
}

/// A page of the teams of an organization.
pub async fn list(
    ctx: &Context<'_>,
    organization: &Arc<OrganizationAccess>,
    filter: Option<TeamFilter>,
    order_by: Option<TeamOrder>,
    page: &PageArguments,
) -> Result<TeamConnection> {
    TeamAccess::require_sight(organization, ctx.viewer())?;
    let filter = filter.unwrap_or_default();
    // Nobody has the nil id.
    let nobody = || UserId(uuid::Uuid::nil());
    let filter = teams::Filter {
        search: filter.search.as_deref().map(fold).filter(|search| !search.is_empty()),
        member: match filter.member {
            Some(member) => Some(user_id(ctx, member).await?.unwrap_or_else(nobody)),
            None => None,
        },
    };
    let (field, descending) = TeamOrder::sort(order_by);
    let fingerprint = fingerprint(ctx, "Organization")?;
    let page = page.page(fingerprint)?;
    let known = filter.is_empty().then_some(i64::from(organization.organization.team_count));
    let of = Of { organization: organization.organization.id, viewer: ctx.viewer().user_id() };
    let found = page_of(ctx, of, filter, (field, descending), page, known).await?;
    let slice = found.slice.filter_map(|row| TeamAccess::of(organization, row).map(Arc::new).map(Team));
    Ok(Connection::new(slice, fingerprint, found.total))
}
