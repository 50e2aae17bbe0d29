//! `Invitation`.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};

use super::{
    actor::Actor,
    invitation_viewer_can::InvitationViewerCan,
    organization::Organization,
    organization_member::role_ids,
    project::{self, Project},
    role::Role,
    team::{self, Team},
    team_member::TeamMemberRole,
    user::User,
};
use crate::{
    access::{OrganizationAccess, Permission},
    domain::{
        email::Email,
        id::{InvitationId, OrganizationId, RoleId},
        invitation,
        role::RoleScope,
        secret::InvitationToken,
    },
    error::Result,
    graphql::{
        at_hand::AtHand,
        connection::{self, Connection, PageArguments, fingerprint},
        context::RequestContext,
        input::{DateTimeRangeInput, ProjectRefInput, RoleRefInput, TeamRefInput, order_input},
        list::List,
        loaders::{
            GrantsOf, InvitationById, InviteeOf, OrganizationById, OrganizationNameOf, ProjectById, ProjectNameOf,
            RoleById, TeamGrantsOf, TeamNameOf, page_of,
        },
        scalars::{DateTime, Url},
    },
    store::{
        invitation_projects::ProjectGrant,
        invitation_teams::TeamGrant,
        invitations::{self, InvitationAndMail, Of},
        organizations::OrganizationName,
        paging::Slice,
    },
};

/// State of an invitation. Only `PENDING` can change, and only once.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "invitation::InvitationStatus")]
pub enum InvitationStatus {
    /// The invitee joined.
    Accepted,
    /// The invitee refused.
    Declined,
    /// Time ran out.
    Expired,
    /// Waiting for the invitee.
    Pending,
    /// Taken back by the organization.
    Revoked,
}

/// What an invitation is for.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvitationScope {
    /// The organization.
    Organization,
    /// One project; accepting also joins its organization if needed.
    Project,
}

/// State of an email.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// Given up after repeated failures; see `error`.
    Failed,
    /// No email was asked for: the link is handed over by hand.
    NotRequested,
    /// Waiting to be sent or retried.
    Queued,
    /// Accepted by the mail server.
    Sent,
}

/// Conditions on invitations.
#[derive(InputObject, Clone, Debug, Default)]
pub struct InvitationFilter {
    /// Part of the email, ignoring case.
    search: Option<String>,
    /// Organization or project invitations.
    scope: Option<InvitationScope>,
    /// Grants one of these organization roles.
    roles: Option<Vec<RoleRefInput>>,
    /// Grants one of these projects.
    projects: Option<Vec<ProjectRefInput>>,
    /// Grants one of these teams.
    teams: Option<Vec<TeamRefInput>>,
    /// Created in this range.
    created_at: Option<DateTimeRangeInput>,
    /// Expires in this range.
    expires_at: Option<DateTimeRangeInput>,
}

order_input! {
    /// Ordering of invitations. Ties are always broken by `id`, so cursors are stable.
    InvitationOrder = CreatedAt Desc;
    /// Fields invitations can be ordered by.
    InvitationOrderField of invitations::OrderField = "invitations::OrderField" {
        /// Creation time.
        CreatedAt,
        /// Email.
        Email,
        /// Expiry.
        ExpiresAt,
        /// Status, pending first when ascending.
        Status,
    }
}

/// One page of invitations.
pub type InvitationConnection = connection::Connection<Invitation>;

impl AtHand for Invitation {}

/// An invitation that the viewer may see.
#[derive(Clone, Debug)]
pub struct Invitation(pub Arc<InvitationAndMail>);

impl Invitation {
    /// An invitation that the viewer may see: as the invitee, or as one who manages it.
    pub async fn find(ctx: &Context<'_>, id: InvitationId) -> Result<Option<Self>> {
        let Some(found) = ctx.load(InvitationById(id)).await? else { return Ok(None) };
        let row = &found.invitation;
        let is_invitee = ctx.viewer().verified_email() == Some(&row.email);
        let sees = is_invitee
            || sees_all(ctx, row.organization_id).await?
            || manages_a_grant(ctx, row.organization_id, id).await?;
        Ok(sees.then(|| Self(Arc::new(found))))
    }

    /// An invitation to the viewer.
    pub async fn find_own(ctx: &Context<'_>, id: InvitationId) -> Result<Option<Self>> {
        let found = ctx.load(InvitationById(id)).await?.map(|found| Self(Arc::new(found)));
        Ok(found.filter(|found| found.is_to_viewer(ctx)))
    }

    fn row(&self) -> &invitations::Invitation {
        &self.0.invitation
    }

    async fn find_invitee(&self, ctx: &Context<'_>) -> Result<Option<User<'static>>> {
        match ctx.load(InviteeOf(self.row().email.clone())).await? {
            Some(user) => User::find(ctx, user.id).await,
            None => Ok(None),
        }
    }

    async fn organization_name(&self, ctx: &Context<'_>) -> Result<OrganizationName> {
        ctx.load_present(OrganizationNameOf(self.row().organization_id)).await
    }

    fn is_to_viewer(&self, ctx: &Context<'_>) -> bool {
        ctx.viewer().verified_email() == Some(&self.row().email)
    }

    /// Whether the viewer knows it as one of those who manage it, and not as its invitee alone.
    async fn is_managed(&self, ctx: &Context<'_>) -> Result<bool> {
        let (organization, id) = (self.row().organization_id, self.row().id);
        Ok(sees_all(ctx, organization).await? || manages_a_grant(ctx, organization, id).await?)
    }

    /// Whether the viewer knows what it is beyond the projects of theirs that it grants: as its invitee, or as one who
    /// manages the invitations of the organization or of the invited project.
    async fn tells_terms(&self, ctx: &Context<'_>) -> Result<bool> {
        if self.is_to_viewer(ctx) || sees_all(ctx, self.row().organization_id).await? {
            return Ok(true);
        }
        let Some(project) = self.row().project_id else { return Ok(false) };
        let project = ctx.load(ProjectById(project)).await?;
        Ok(project.is_some_and(|project| project.permissions.has(Permission::ProjectInvitationsManage)))
    }

    async fn find_delivery(&self, ctx: &Context<'_>) -> Result<InvitationDelivery> {
        let status = match self.0.mail_status {
            None => DeliveryStatus::NotRequested,
            Some(invitation::MailStatus::Queued) => DeliveryStatus::Queued,
            Some(invitation::MailStatus::Sent) => DeliveryStatus::Sent,
            Some(invitation::MailStatus::Failed) => DeliveryStatus::Failed,
        };
        let error = match &self.0.mail_error {
            Some(error) if self.is_managed(ctx).await? => Some(error.clone()),
            _ => None,
        };
        Ok(InvitationDelivery { status, attempts: self.0.mail_attempts.unwrap_or(0), error })
    }

    /// A role of its organization, and what it is called.
    async fn find_role(&self, ctx: &Context<'_>, id: RoleId) -> Result<(Option<Role>, String)> {
        let role = ctx.load_present(RoleById(id)).await?;
        Ok((Role::find_by_id(ctx, id).await?, role.name))
    }

    async fn find_project(&self, ctx: &Context<'_>, row: &ProjectGrant) -> Result<InvitationProjectGrant> {
        let (project, name, (role, role_name)) = futures_util::try_join!(
            Project::find(ctx, row.project_id),
            ctx.load_present(ProjectNameOf(row.project_id)),
            self.find_role(ctx, row.role_id)
        )?;
        let is_told = project.is_some() || self.is_to_viewer(ctx);
        Ok(InvitationProjectGrant { project, project_name: is_told.then_some(name), role, role_name })
    }

    async fn find_team(&self, ctx: &Context<'_>, row: &TeamGrant) -> Result<InvitationTeamGrant> {
        let (team, name) =
            futures_util::try_join!(Team::find(ctx, row.team_id), ctx.load_present(TeamNameOf(row.team_id)))?;
        let is_told = team.is_some() || self.is_to_viewer(ctx);
        Ok(InvitationTeamGrant { team, team_name: is_told.then_some(name), role: row.role.into() })
    }
}

async fn sees_all(ctx: &Context<'_>, organization: OrganizationId) -> Result<bool> {
    let found = ctx.load(OrganizationById(organization)).await?;
    let sees = [Permission::InvitationsRead, Permission::InvitationsManage];
    Ok(found.is_some_and(|organization| sees.into_iter().any(|permission| organization.permissions.has(permission))))
}

async fn manages_a_grant(ctx: &Context<'_>, organization: OrganizationId, id: InvitationId) -> Result<bool> {
    let grants = ctx.load_present(GrantsOf(organization, id)).await?;
    let projects = ctx.load_many(grants.iter().map(|grant| ProjectById(grant.project_id)).collect()).await?;
    Ok(projects.values().any(|project| project.permissions.has(Permission::ProjectInvitationsManage)))
}

/// An invitation by email to an organization or one of its projects.
#[Object]
impl Invitation {
    /// Opaque ID, `inv_…`.
    pub async fn id(&self) -> ID {
        self.row().id.to_string().into()
    }

    /// Invited address.
    async fn email(&self) -> &str {
        self.row().email.as_str()
    }

    /// State.
    async fn status(&self, ctx: &Context<'_>) -> InvitationStatus {
        self.row().status_at(ctx.reader().now).into()
    }

    /// What it is for.
    async fn scope(&self) -> InvitationScope {
        if self.row().project_id.is_some() { InvitationScope::Project } else { InvitationScope::Organization }
    }

    /// The organization, null where the viewer may not see it: invitees are told its name and logo here.
    async fn organization(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        Organization::find(ctx, self.row().organization_id).await.transpose()
    }

    /// Name of the organization.
    #[graphql(name = "organizationName")]
    async fn name_of_organization(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.organization_name(ctx).await?.name)
    }

    /// Logo of the organization.
    async fn organization_logo_url(&self, ctx: &Context<'_>) -> Option<Result<Url>> {
        self.organization_name(ctx).await.map(|organization| organization.logo_url.map(Url)).transpose()
    }

    /// The project, null for an organization invitation, and where the viewer may not see it: see `projects`.
    async fn project(&self, ctx: &Context<'_>) -> Option<Result<Project>> {
        Project::find(ctx, self.row().project_id?).await.transpose()
    }

    /// Organization role the invitee gets; ignored if already a member. Null where the viewer may not see it, and once an invitation has ended whose role was deleted.
    async fn role(&self, ctx: &Context<'_>) -> Option<Result<Role>> {
        Role::find_by_id(ctx, self.row().role_id?).await.transpose()
    }

    /// Name of the organization role; null once an invitation has ended whose role was deleted, and for those who manage no more than a project that was added to it.
    async fn role_name(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        match self.row().role_id {
            Some(id) if self.tells_terms(ctx).await? => self.find_role(ctx, id).await.map(|(_, name)| Some(name)),
            _ => Ok(None),
        }
    }

    /// Teams the invitee joins.
    async fn teams(&self, ctx: &Context<'_>) -> Result<List<InvitationTeamGrant>> {
        let rows = ctx.load_present(TeamGrantsOf(self.row().organization_id, self.row().id)).await?;
        let grants = rows.iter().map(|row| self.find_team(ctx, row));
        futures_util::future::try_join_all(grants).await.map(List)
    }

    /// Projects the invitee joins; the invited project comes first.
    async fn projects(&self, ctx: &Context<'_>) -> Result<List<InvitationProjectGrant>> {
        let rows = ctx.load_present(GrantsOf(self.row().organization_id, self.row().id)).await?;
        let grants = rows.iter().map(|row| self.find_project(ctx, row));
        futures_util::future::try_join_all(grants).await.map(List)
    }

    /// Personal message; null for those who manage no more than a project that was added to the invitation.
    async fn message(&self, ctx: &Context<'_>) -> Result<Option<&str>> {
        match &self.row().message {
            Some(message) if self.tells_terms(ctx).await? => Ok(Some(message)),
            _ => Ok(None),
        }
    }

    /// Who invited, or last changed what it grants.
    async fn invited_by(&self, ctx: &Context<'_>) -> Result<Actor> {
        Actor::find(ctx, self.row().invited_by_kind, self.row().invited_by_id).await
    }

    /// Account with this verified email, null if there is none yet or the viewer may not see the person.
    async fn invitee(&self, ctx: &Context<'_>) -> Option<Result<User<'static>>> {
        self.find_invitee(ctx).await.transpose()
    }

    /// How often the email was sent.
    async fn send_count(&self) -> i32 {
        self.0.send_count
    }

    /// When the email was last sent, null if never.
    async fn last_sent_at(&self) -> Option<DateTime> {
        self.0.last_sent_at.map(DateTime)
    }

    /// What became of the latest email.
    async fn delivery(&self, ctx: &Context<'_>) -> Result<InvitationDelivery> {
        self.find_delivery(ctx).await
    }

    /// Creation time.
    async fn created_at(&self) -> DateTime {
        self.row().created_at.into()
    }

    /// Last change.
    async fn updated_at(&self) -> DateTime {
        self.row().updated_at.into()
    }

    /// When it stops being acceptable.
    async fn expires_at(&self) -> DateTime {
        self.row().expires_at.into()
    }

    /// When it left `PENDING`.
    async fn resolved_at(&self, ctx: &Context<'_>) -> Option<DateTime> {
        let row = self.row();
        let lapsed = (row.expires_at <= ctx.reader().now).then_some(row.expires_at);
        row.resolved_at.or(lapsed).map(DateTime)
    }

    /// Who accepted, declined or revoked it.
    async fn resolved_by(&self, ctx: &Context<'_>) -> Option<Result<Actor>> {
        Some(Actor::find(ctx, self.row().resolved_by_kind?, self.row().resolved_by_id).await)
    }

    /// What the viewer can do with it now.
    async fn viewer_can(&self) -> InvitationViewerCan {
        InvitationViewerCan(self.0.clone())
    }
}

/// What became of the latest email of an invitation.
#[derive(SimpleObject)]
pub struct InvitationDelivery {
    /// State.
    status: DeliveryStatus,
    /// How often sending was tried.
    attempts: i32,
    /// Last answer of the mail server that was no success; null for the invitee, whom it does not concern.
    error: Option<String>,
}

/// A team an invitee will join.
#[derive(SimpleObject)]
pub struct InvitationTeamGrant {
    /// The team, null where the viewer may not see it.
    team: Option<Team>,
    /// Name of the team, for the invitee and for those who see it.
    team_name: Option<String>,
    /// Role in the team.
    role: TeamMemberRole,
}

/// A project an invitee will join.
#[derive(SimpleObject)]
pub struct InvitationProjectGrant {
    /// The project, null where the viewer may not see it.
    project: Option<Project>,
    /// Name of the project, for the invitee and for those who see it.
    project_name: Option<String>,
    /// Role in the project, null where the viewer may not see it.
    role: Option<Role>,
    /// Name of the role.
    role_name: String,
}

/// What the holder of an invitation token may know before signing in.
#[derive(SimpleObject)]
pub struct InvitationPreview {
    /// State.
    status: InvitationStatus,
    /// Invited address, partly masked.
    masked_email: String,
    /// Name of the organization.
    organization_name: String,
    /// Logo of the organization.
    organization_logo_url: Option<Url>,
    /// Name of the project, null for an organization invitation.
    project_name: Option<String>,
    /// Name of the inviter.
    inviter_name: String,
    /// Name of the role; null once an invitation has ended whose role was deleted.
    role_name: Option<String>,
    /// When it expires.
    expires_at: DateTime,
}

impl InvitationPreview {
    /// What a token shows; nothing when it is not genuine.
    pub async fn find(ctx: &Context<'_>, token: &str) -> Result<Option<Self>> {
        let Some(token) = InvitationToken::verify(token, &ctx.app().token_key) else { return Ok(None) };
        let Some(found) = ctx.load(InvitationById(token.invitation)).await? else { return Ok(None) };
        let invitation = Invitation(Arc::new(found));
        let row = invitation.row();
        let organization = invitation.organization_name(ctx).await?;
        let (mut project_name, mut role_id) = (None, row.role_id);
        if let Some(project) = row.project_id {
            project_name = Some(ctx.load_present(ProjectNameOf(project)).await?);
            let grants = ctx.load_present(GrantsOf(row.organization_id, row.id)).await?;
            let invited = grants.iter().find(|grant| grant.project_id == project);
            role_id = invited.map(|grant| grant.role_id).or(role_id);
        }
        let role_name = match role_id {
            Some(id) => Some(invitation.find_role(ctx, id).await?.1),
            None => None,
        };
        Ok(Some(Self {
            status: row.status_at(ctx.reader().now).into(),
            masked_email: row.email.masked(),
            organization_name: organization.name,
            organization_logo_url: organization.logo_url.map(Url),
            project_name,
            inviter_name: Actor::find(ctx, row.invited_by_kind, row.invited_by_id).await?.name().to_owned(),
            role_name,
            expires_at: row.expires_at.into(),
        }))
    }
}

/// The filter in terms of what is stored. Roles are those of `organization`.
pub async fn filter(
    ctx: &Context<'_>,
    organization: Option<&Arc<OrganizationAccess>>,
    statuses: Option<Vec<InvitationStatus>>,
    filter: Option<InvitationFilter>,
) -> Result<invitations::Filter> {
    let filter = filter.unwrap_or_default();
    Ok(invitations::Filter {
        statuses: statuses.map(|statuses| statuses.into_iter().map(Into::into).collect()),
        now: ctx.reader().now,
        search: filter.search.as_deref().map(Email::part).filter(|search| !search.is_empty()),
        to_project: filter.scope.map(|scope| scope == InvitationScope::Project),
        roles: match (filter.roles, organization) {
            (Some(roles), Some(organization)) => {
                Some(role_ids(ctx, organization, roles, RoleScope::Organization).await?)
            }
            _ => None,
        },
        projects: match filter.projects {
            Some(projects) => Some(project::visible_ids(ctx, projects, Permission::ProjectRead).await?),
            None => None,
        },
        teams: match filter.teams {
            Some(teams) => Some(team::visible_ids(ctx, teams).await?),
            None => None,
        },
        created: DateTimeRangeInput::range(filter.created_at),
        expires: DateTimeRangeInput::range(filter.expires_at),
    })
}

/// A page of invitations.
pub async fn list(
    ctx: &Context<'_>,
    of: Of,
    filter: invitations::Filter,
    order_by: Option<InvitationOrder>,
    page: &PageArguments,
) -> Result<InvitationConnection> {
    let (field, descending) = InvitationOrder::sort(order_by);
    let parent = match of {
        Of::Organization(_) => "Organization",
        Of::Project(..) => "Project",
        Of::Invitee(_) => "Viewer",
    };
    let fingerprint = fingerprint(ctx, parent)?;
    let page = page.page(fingerprint)?;
    let found = page_of(ctx, of, filter, (field, descending), page, None).await?;
    Ok(Connection::new(found.slice.map(|row| Invitation(Arc::new(row))), fingerprint, found.total))
}

/// The page of somebody who has no inbox.
pub fn none(ctx: &Context<'_>, page: &PageArguments) -> Result<InvitationConnection> {
    let fingerprint = fingerprint(ctx, "Viewer")?;
    page.page(fingerprint)?;
    Ok(Connection::new(Slice::empty(), fingerprint, Some(0)))
}
