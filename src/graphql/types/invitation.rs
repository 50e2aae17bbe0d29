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
    access::{OrganizationAccess, Permission, ProjectAccess},
    domain::{
        email::Email,
        id::{InvitationId, OrganizationId},
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
        loaders::{GrantsOf, InvitationById, InviteeOf, OrganizationById, ProjectById, TeamGrantsOf, page_of},
        scalars::{DateTime, Url},
    },
    store::{
        invitations::{self, InvitationAndMail, Of},
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
        let found = ctx.load(InvitationById(id)).await?;
        let is_own = |found: &InvitationAndMail| ctx.viewer().verified_email() == Some(&found.invitation.email);
        Ok(found.filter(is_own).map(|found| Self(Arc::new(found))))
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

    async fn organization_access(&self, ctx: &Context<'_>) -> Result<Arc<OrganizationAccess>> {
        Ok(Organization::of_invitation(ctx, self.row().organization_id).await?.0)
    }
}

async fn sees_all(ctx: &Context<'_>, organization: OrganizationId) -> Result<bool> {
    let found = ctx.load(OrganizationById(organization)).await?.and_then(|found| found.visible);
    let sees = [Permission::InvitationsRead, Permission::InvitationsManage];
    Ok(found.is_some_and(|organization| sees.into_iter().any(|permission| organization.permissions.has(permission))))
}

async fn manages_a_grant(ctx: &Context<'_>, organization: OrganizationId, id: InvitationId) -> Result<bool> {
    let grants = ctx.load_present(GrantsOf(organization, id)).await?;
    let projects = ctx.load_many(grants.iter().map(|grant| ProjectById(grant.project_id)).collect()).await?;
    let manages = |project: &ProjectAccess| project.permissions.has(Permission::ProjectInvitationsManage);
    Ok(projects.values().any(|found| found.visible.as_deref().is_some_and(manages)))
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

    /// The organization.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(Organization(self.organization_access(ctx).await?))
    }

    /// The project, null for an organization invitation.
    async fn project(&self, ctx: &Context<'_>) -> Option<Result<Project>> {
        Some(Project::of_invitation(ctx, self.row().project_id?).await)
    }

    /// Organization role the invitee gets; ignored if already a member.
    async fn role(&self, ctx: &Context<'_>) -> Result<Role> {
        Role::find(ctx, &self.organization_access(ctx).await?, self.row().role_id).await
    }

    /// Teams the invitee joins.
    async fn teams(&self, ctx: &Context<'_>) -> Result<List<InvitationTeamGrant>> {
        let rows = ctx.load_present(TeamGrantsOf(self.row().organization_id, self.row().id)).await?;
        let grants = rows.iter().map(|row| async {
            Ok(InvitationTeamGrant { team: Team::of_invitation(ctx, row.team_id).await?, role: row.role.into() })
        });
        futures_util::future::try_join_all(grants).await.map(List)
    }

    /// Projects the invitee joins; the invited project comes first.
    async fn projects(&self, ctx: &Context<'_>) -> Result<List<InvitationProjectGrant>> {
        let organization = self.organization_access(ctx).await?;
        let rows = ctx.load_present(GrantsOf(self.row().organization_id, self.row().id)).await?;
        let grants = rows.iter().map(|row| async {
            let (project, role) = futures_util::try_join!(
                Project::of_invitation(ctx, row.project_id),
                Role::find(ctx, &organization, row.role_id)
            )?;
            Ok(InvitationProjectGrant { project, role })
        });
        futures_util::future::try_join_all(grants).await.map(List)
    }

    /// Personal message.
    async fn message(&self) -> Option<&str> {
        self.row().message.as_deref()
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
    async fn delivery(&self) -> InvitationDelivery {
        let status = match self.0.mail_status {
            None => DeliveryStatus::NotRequested,
            Some(invitation::MailStatus::Queued) => DeliveryStatus::Queued,
            Some(invitation::MailStatus::Sent) => DeliveryStatus::Sent,
            Some(invitation::MailStatus::Failed) => DeliveryStatus::Failed,
        };
        InvitationDelivery { status, attempts: self.0.mail_attempts.unwrap_or(0), error: self.0.mail_error.clone() }
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
    /// Last answer of the mail server that was no success.
    error: Option<String>,
}

/// A team an invitee will join.
#[derive(SimpleObject)]
pub struct InvitationTeamGrant {
    /// The team.
    team: Team,
    /// Role in the team.
    role: TeamMemberRole,
}

/// A project an invitee will join.
#[derive(SimpleObject)]
pub struct InvitationProjectGrant {
    /// The project.
    project: Project,
    /// Role in the project.
    role: Role,
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
    /// Name of the role.
    role_name: String,
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
        let organization = invitation.organization_access(ctx).await?;
        let (mut project_name, mut role_id) = (None, row.role_id);
        if let Some(project) = row.project_id {
            project_name = Some(Project::of_invitation(ctx, project).await?.0.project.name.clone());
            let grants = ctx.load_present(GrantsOf(row.organization_id, row.id)).await?;
            role_id = grants.iter().find(|grant| grant.project_id == project).map_or(role_id, |grant| grant.role_id);
        }
        Ok(Some(Self {
            status: row.status_at(ctx.reader().now).into(),
            masked_email: row.email.masked(),
            organization_name: organization.organization.name.clone(),
            organization_logo_url: organization.organization.logo_url.clone().map(Url),
            project_name,
            inviter_name: Actor::find(ctx, row.invited_by_kind, row.invited_by_id).await?.name().to_owned(),
            role_name: Role::find(ctx, &organization, role_id).await?.role().name.clone(),
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
            Some(projects) => Some(project::visible_ids(ctx, projects).await?),
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
