//! `TeamMember`.

use std::sync::Arc;

use async_graphql::{
    Context, Enum, ID, InputObject, Object, ScalarType, parser::types::Field, resolver_utils::enum_value,
};

use super::{
    capability::Capability, invitation::Invitation, organization_member::OrganizationMember, team::Team, user::User,
};
use crate::{
    access::{OrganizationAccess, TeamAccess},
    domain::{email::Email, id::TeamMemberId, team, text::fold},
    error::Result,
    graphql::{
        at_hand::{AtHand, Writer},
        connection::{self, Connection, PageArguments, fingerprint},
        context::RequestContext,
        input::{OrderDirection, order_input},
        loaders::{TeamById, TeamMemberById, page_of},
        scalars::DateTime,
    },
    store::{
        paging::Slice,
        team_members::{self, Of},
    },
};

/// Role within a team.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "team::TeamMemberRole")]
pub enum TeamMemberRole {
    /// Manages the members of the team.
    Lead,
    /// Ordinary member.
    Member,
}

/// Whether a team member has joined the organization yet.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "team_members::Status")]
pub enum TeamMemberStatus {
    /// Is an organization member.
    Accepted,
    /// Has a pending invitation.
    Pending,
}

/// Conditions on team members.
#[derive(InputObject, Clone, Debug, Default)]
pub struct TeamMemberFilter {
    /// Part of the name or email, ignoring case and accents.
    search: Option<String>,
    /// Has one of these roles.
    roles: Option<Vec<TeamMemberRole>>,
    /// Has one of these statuses.
    statuses: Option<Vec<TeamMemberStatus>>,
}

order_input! {
    /// Ordering of team members. Ties are always broken by `id`, so cursors are stable.
    TeamMemberOrder = Name Asc;
    /// Fields team members can be ordered by.
    TeamMemberOrderField of team_members::OrderField = "team_members::OrderField" {
        /// Time of being added.
        AddedAt,
        /// Email.
        Email,
        /// Name, ignoring case and accents; email while pending.
        Name,
        /// Leads first when ascending.
        Role,
    }
}

impl TeamMemberOrder {
    /// The order in which somebody was added to teams.
    pub fn by_adding() -> Self {
        Self { field: TeamMemberOrderField::AddedAt, direction: OrderDirection::Asc }
    }
}

/// One page of team members.
pub type TeamMemberConnection = connection::Connection<TeamMember>;

/// A membership in a team that the viewer may know of.
#[derive(Clone, Debug)]
pub struct TeamMember {
    /// The membership.
    pub found: Arc<team_members::TeamMember>,
    /// The team.
    pub team: Arc<TeamAccess>,
}

impl TeamMember {
    /// A membership that the viewer may see.
    pub async fn find(ctx: &Context<'_>, id: TeamMemberId) -> Result<Option<Self>> {
        let Some(found) = ctx.load(TeamMemberById(id)).await? else { return Ok(None) };
        if !found.stands_at(ctx.reader().now) {
            return Ok(None);
        }
        let is_own = found.user_id.is_some() && found.user_id == ctx.viewer().user_id();
        let team = ctx.load(TeamById(found.team_id)).await?;
        let team = team.filter(|team| is_own || TeamAccess::sees(&team.organization));
        Ok(team.map(|team| Self { found: Arc::new(found), team }))
    }

    fn status_now(&self) -> TeamMemberStatus {
        if self.found.user_id.is_some() { TeamMemberStatus::Accepted } else { TeamMemberStatus::Pending }
    }

    fn person(&self) -> Option<User<'_>> {
        self.found.user_id.map(|id| User::Named(id, &self.found.email, &self.found.display_name))
    }

    async fn find_organization_member(&self, ctx: &Context<'_>) -> Result<Option<OrganizationMember>> {
        match self.found.user_id {
            Some(user) => OrganizationMember::of_user(ctx, &self.team.organization, user).await,
            None => Ok(None),
        }
    }

    async fn find_invitation(&self, ctx: &Context<'_>) -> Result<Option<Invitation>> {
        match self.found.invitation_id {
            Some(invitation) => Invitation::find(ctx, invitation).await,
            None => Ok(None),
        }
    }
}

impl AtHand for TeamMember {
    fn write(&self, field: &Field, to: &mut Writer<'_>) -> Option<()> {
        match field.name.node.as_str() {
            "id" => to.word(self.found.id),
            "status" => to.value(&enum_value(self.status_now())),
            "role" => to.value(&enum_value(TeamMemberRole::from(self.found.role))),
            "email" => to.value(&self.found.email.get().map(Email::as_str)),
            "user" => match self.person() {
                Some(user) => to.object(&user, field),
                None => to.value(&()),
            },
            "addedAt" => to.value(&DateTime::from(self.found.added_at).to_value()),
            _ => None,
        }
    }
}

/// A person in a team.
#[Object]
impl TeamMember {
    /// Opaque ID, `tme_…`.
    pub async fn id(&self) -> ID {
        self.found.id.to_string().into()
    }

    /// The team.
    async fn team(&self) -> Team {
        Team(self.team.clone())
    }

    /// Accepted or pending.
    async fn status(&self) -> TeamMemberStatus {
        self.status_now()
    }

    /// Role in the team.
    async fn role(&self) -> TeamMemberRole {
        self.found.role.into()
    }

    /// Email, known even while pending; null for a person who has none, as `User.email`.
    async fn email(&self) -> Option<&str> {
        self.found.email.get().map(Email::as_str)
    }

    /// The person, null while pending.
    async fn user(&self) -> Option<User<'_>> {
        self.person()
    }

    /// Organization membership, null while pending.
    async fn organization_member(&self, ctx: &Context<'_>) -> Option<Result<OrganizationMember>> {
        self.find_organization_member(ctx).await.transpose()
    }

    /// The invitation that will make them a member, null once accepted or if the viewer may not see it.
    async fn invitation(&self, ctx: &Context<'_>) -> Option<Result<Invitation>> {
        self.find_invitation(ctx).await.transpose()
    }

    /// When they were added.
    async fn added_at(&self) -> DateTime {
        self.found.added_at.into()
    }

    /// What the viewer can do with this member now.
    async fn viewer_can(&self) -> TeamMemberViewerCan {
        TeamMemberViewerCan(self.team.clone())
    }
}

/// What the viewer can do with a team member now.
pub struct TeamMemberViewerCan(Arc<TeamAccess>);

/// What the viewer can do with a team member now.
#[Object]
impl TeamMemberViewerCan {
    /// May call `teamMemberUpdateRole`.
    async fn update_role(&self, ctx: &Context<'_>) -> Capability {
        Capability::of(ctx.viewer(), self.0.may_manage_members())
    }

    /// May call `teamMemberRemove`.
    async fn remove(&self, ctx: &Context<'_>) -> Capability {
        Capability::of(ctx.viewer(), self.0.may_manage_members())
    }
}

/// The filter in terms of what is stored.
pub fn filter(ctx: &Context<'_>, filter: Option<TeamMemberFilter>) -> team_members::Filter {
    let filter = filter.unwrap_or_default();
    team_members::Filter {
        now: ctx.reader().now,
        search: filter.search.as_deref().map(fold).filter(|search| !search.is_empty()),
        roles: filter.roles.map(|roles| roles.into_iter().map(Into::into).collect()),
        statuses: filter.statuses.map(|statuses| statuses.into_iter().map(Into::into).collect()),
    }
}

/// A page of members: of one team, or of the teams one person is in.
pub async fn list(
    ctx: &Context<'_>,
    of: Of,
    team: Option<&Arc<TeamAccess>>,
    filter: team_members::Filter,
    order_by: Option<TeamMemberOrder>,
    page: &PageArguments,
) -> Result<TeamMemberConnection> {
    let (field, descending) = TeamMemberOrder::sort(order_by);
    let parent = match of {
        Of::Team(..) => "Team",
        Of::User(..) => "OrganizationMember",
    };
    let fingerprint = fingerprint(ctx, parent)?;
    let page = page.page(fingerprint)?;
    let found = page_of(ctx, of, filter, (field, descending), page, None).await?;
    let teams = match team {
        Some(_) => std::collections::HashMap::new(),
        None => ctx.load_many(found.slice.rows.iter().map(|(_, row)| TeamById(row.team_id)).collect()).await?,
    };
    let slice = found.slice.filter_map(|row| {
        let team = match team {
            Some(team) => team.clone(),
            None => teams.get(&TeamById(row.team_id))?.clone(),
        };
        Some(TeamMember { found: Arc::new(row), team })
    });
    Ok(Connection::new(slice, fingerprint, found.total))
}

/// A page of the teams one person is in: none for those who see no teams but their own.
pub async fn list_of_person(
    ctx: &Context<'_>,
    of: Of,
    organization: &OrganizationAccess,
    order_by: TeamMemberOrder,
    page: &PageArguments,
) -> Result<TeamMemberConnection> {
    let filter = filter(ctx, None);
    let is_own = matches!(of, Of::User(_, user) if Some(user) == ctx.viewer().user_id());
    if is_own || TeamAccess::sees(organization) {
        return list(ctx, of, None, filter, Some(order_by), page).await;
    }
    let fingerprint = fingerprint(ctx, "OrganizationMember")?;
    page.page(fingerprint)?;
    Ok(Connection::new(Slice::empty(), fingerprint, Some(0)))
}
