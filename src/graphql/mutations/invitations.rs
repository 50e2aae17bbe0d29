//! Mutations of invitations.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use futures_util::future::try_join_all;

use super::{BulkItemStatus, BulkMode, BulkSummary, run, run_once};
use crate::{
    domain::id::{InvitationId, OrganizationId},
    error::{Error, Result},
    graphql::{
        context::RequestContext,
        input::{InvitationRefInput, OrganizationRefInput, ProjectRefInput, RoleRefInput, TeamRefInput},
        list::List,
        scalars::Url,
        semantic_non_null,
        types::{
            invitation::Invitation,
            organization::Organization,
            organization_member::OrganizationMember,
            project::Project,
            project_member::ProjectMember,
            team_member::{TeamMember, TeamMemberRole},
            user_error::{UserError, user_errors},
        },
    },
    operations::invitations::{self, GrantInput, ItemResult, Letter, TeamGrantInput},
};

/// A team to join on acceptance.
#[derive(InputObject)]
pub struct InvitationTeamGrantInput {
    /// The team.
    team: TeamRefInput,
    /// Role in the team.
    #[graphql(default_with = "TeamMemberRole::Member")]
    role: TeamMemberRole,
}

impl From<InvitationTeamGrantInput> for TeamGrantInput {
    fn from(input: InvitationTeamGrantInput) -> Self {
        Self { team: input.team.into(), role: input.role.into() }
    }
}

/// A project to join on acceptance.
#[derive(InputObject)]
pub struct InvitationProjectGrantInput {
    /// The project.
    project: ProjectRefInput,
    /// Project role; built-in Member when absent.
    role: Option<RoleRefInput>,
}

impl From<InvitationProjectGrantInput> for GrantInput {
    fn from(input: InvitationProjectGrantInput) -> Self {
        Self { project: input.project.into(), role: input.role.map(Into::into) }
    }
}

/// Input of `organizationInvite`.
#[derive(InputObject)]
pub struct OrganizationInviteInput {
    /// The organization.
    organization: OrganizationRefInput,
    /// Addresses, 1–100.
    emails: Vec<String>,
    /// Organization role; built-in Member when absent.
    role: Option<RoleRefInput>,
    /// Teams to join, up to 100. Takes teams.manage, or being lead of each.
    teams: Option<Vec<InvitationTeamGrantInput>>,
    /// Projects to join.
    projects: Option<Vec<InvitationProjectGrantInput>>,
    /// Personal message, up to 1000 characters.
    message: Option<String>,
    /// Days until expiry, 1–90.
    #[graphql(default = 7)]
    expires_in_days: i32,
    /// Send the email; otherwise hand over `acceptUrl` yourself.
    #[graphql(default = true)]
    send_email: bool,
    /// What to do when some items fail.
    #[graphql(default_with = "BulkMode::Partial")]
    mode: BulkMode,
    /// Check and report, but change nothing.
    #[graphql(default = false)]
    dry_run: bool,
    /// Makes retries safe for 24 hours: the same key and input returns the first result.
    idempotency_key: Option<String>,
}

/// Input of `projectInvite`.
#[derive(InputObject)]
pub struct ProjectInviteInput {
    /// The project.
    project: ProjectRefInput,
    /// Addresses, 1–100.
    emails: Vec<String>,
    /// Project role; built-in Member when absent.
    role: Option<RoleRefInput>,
    /// Organization role of those who are not members yet, no stronger than one's own. When absent, built-in Member or, where one may not give that, Guest.
    organization_role: Option<RoleRefInput>,
    /// Personal message, up to 1000 characters.
    message: Option<String>,
    /// Days until expiry, 1–90.
    #[graphql(default = 7)]
    expires_in_days: i32,
    /// Send the email; otherwise hand over `acceptUrl` yourself.
    #[graphql(default = true)]
    send_email: bool,
    /// What to do when some items fail.
    #[graphql(default_with = "BulkMode::Partial")]
    mode: BulkMode,
    /// Check and report, but change nothing.
    #[graphql(default = false)]
    dry_run: bool,
    /// Makes retries safe for 24 hours: the same key and input returns the first result.
    idempotency_key: Option<String>,
}

/// Outcome for one invitation or email.
#[derive(SimpleObject)]
pub struct InvitationResult {
    /// Index in the input list.
    pub index: Option<i32>,
    /// Outcome.
    pub status: BulkItemStatus,
    /// Why it was skipped or refused.
    pub user_errors: Vec<UserError>,
    /// The email, normalized.
    email: String,
    /// The invitation; for `ALREADY_INVITED`, the existing one.
    invitation: Option<Invitation>,
    /// The project membership, when the email is an organization member's, who joined at once.
    project_member: Option<ProjectMember>,
    /// Link to accept it. Only here, only after creating or resending; it contains the secret.
    accept_url: Option<Url>,
}

/// Result of `organizationInvite`.
#[derive(SimpleObject, Default)]
pub struct OrganizationInvitePayload {
    /// The organization.
    organization: Option<Organization>,
    /// One per email.
    results: Option<List<InvitationResult>>,
    /// Counts.
    summary: Option<BulkSummary>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Result of `projectInvite`.
#[derive(SimpleObject, Default)]
pub struct ProjectInvitePayload {
    /// The project.
    project: Option<Project>,
    /// One per email.
    results: Option<List<InvitationResult>>,
    /// Counts.
    summary: Option<BulkSummary>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `invitationUpdate`.
#[derive(InputObject)]
pub struct InvitationUpdateInput {
    /// The invitation.
    invitation_id: ID,
    /// Organization role.
    role: Option<RoleRefInput>,
    /// All teams to join.
    teams: Option<Vec<InvitationTeamGrantInput>>,
    /// All projects to join.
    projects: Option<Vec<InvitationProjectGrantInput>>,
}

/// Result of `invitationUpdate`.
#[derive(SimpleObject, Default)]
pub struct InvitationUpdatePayload {
    /// The invitation in its new state.
    invitation: Option<Invitation>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `invitationResend`.
#[derive(InputObject)]
pub struct InvitationResendInput {
    /// The invitation.
    invitation_id: ID,
    /// Days until expiry, 1–90.
    #[graphql(default = 7)]
    expires_in_days: i32,
    /// Makes retries safe for 24 hours: the same key and input returns the first result.
    idempotency_key: Option<String>,
}

/// Result of `invitationResend`.
#[derive(SimpleObject, Default)]
pub struct InvitationResendPayload {
    /// The invitation in its new state.
    invitation: Option<Invitation>,
    /// New link to accept it; it contains the secret.
    accept_url: Option<Url>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `invitationRevoke`.
#[derive(InputObject)]
pub struct InvitationRevokeInput {
    /// The invitation.
    invitation_id: ID,
}

/// Result of `invitationRevoke`.
#[derive(SimpleObject, Default)]
pub struct InvitationRevokePayload {
    /// The invitation in its new state.
    invitation: Option<Invitation>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `invitationAccept`.
#[derive(InputObject)]
pub struct InvitationAcceptInput {
    /// The invitation.
    invitation: InvitationRefInput,
}

/// Result of `invitationAccept`.
#[derive(SimpleObject, Default)]
pub struct InvitationAcceptPayload {
    /// The invitation in its new state.
    invitation: Option<Invitation>,
    /// The organization membership.
    organization_member: Option<OrganizationMember>,
    /// The project memberships that were created.
    project_members: Option<List<ProjectMember>>,
    /// The team memberships that were created or accepted.
    team_members: Option<List<TeamMember>>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `invitationDecline`.
#[derive(InputObject)]
pub struct InvitationDeclineInput {
    /// The invitation.
    invitation: InvitationRefInput,
}

/// Result of `invitationDecline`.
#[derive(SimpleObject, Default)]
pub struct InvitationDeclinePayload {
    /// The invitation in its new state.
    invitation: Option<Invitation>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Mutations of invitations.
#[derive(Default)]
pub struct InvitationMutations;

#[Object]
impl InvitationMutations {
    /// Invites up to 100 emails. Members and pending invitees are SKIPPED (ALREADY_MEMBER, ALREADY_INVITED), repetitions too (DUPLICATE). Requires invitations.manage. Item codes also INVALID, ABORTED; for the call NOT_FOUND, FORBIDDEN, INVALID, TOO_LONG, DUPLICATE, PLAN_REQUIRED, LIMIT_REACHED, ROLE_NOT_ASSIGNABLE, ROLE_SCOPE_MISMATCH, TOO_MANY, IDEMPOTENCY_KEY_REUSED.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn organization_invite(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: OrganizationInviteInput,
    ) -> Option<Result<OrganizationInvitePayload>> {
        Some(organization_invite(ctx, input).await)
    }

    /// Invites up to 100 emails to a project, and to its organization where needed. Organization members join at once; a pending invitation gets the project added. Requires project.invitations.manage. Codes as `organizationInvite`.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn project_invite(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ProjectInviteInput,
    ) -> Option<Result<ProjectInvitePayload>> {
        Some(project_invite(ctx, input).await)
    }

    /// Changes what a pending invitation grants; whoever does answers for all of it, as if they had invited. Absent fields stay. Requires invitations.manage. Codes: NOT_FOUND, FORBIDDEN, INVALID, TOO_MANY, DUPLICATE, INVITATION_NOT_PENDING, ROLE_NOT_ASSIGNABLE, ROLE_SCOPE_MISMATCH.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn invitation_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: InvitationUpdateInput,
    ) -> Option<Result<InvitationUpdatePayload>> {
        Some(update(ctx, input).await)
    }

    /// Sends the email again with a new token and a new expiry; also revives an expired invitation. At least 60 seconds apart and 5 times a day. Requires invitations.manage or project.invitations.manage. Codes: NOT_FOUND, FORBIDDEN, INVALID, INVITATION_NOT_PENDING, COOLDOWN, PLAN_REQUIRED, IDEMPOTENCY_KEY_REUSED; when reviving also ALREADY_MEMBER, ALREADY_INVITED, LIMIT_REACHED, and ROLE_NOT_ASSIGNABLE where its role was deleted.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn invitation_resend(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: InvitationResendInput,
    ) -> Option<Result<InvitationResendPayload>> {
        Some(resend(ctx, input).await)
    }

    /// Takes a pending invitation back. Requires invitations.manage or project.invitations.manage. Codes: NOT_FOUND, FORBIDDEN, INVITATION_NOT_PENDING.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn invitation_revoke(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: InvitationRevokeInput,
    ) -> Option<Result<InvitationRevokePayload>> {
        Some(revoke(ctx, &input).await)
    }

    /// Joins as the invited person. Codes: NOT_FOUND, INVITATION_EXPIRED, INVITATION_NOT_PENDING, INVITATION_SUPERSEDED, INVITATION_EMAIL_MISMATCH, LIMIT_REACHED, FORBIDDEN for API keys.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn invitation_accept(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: InvitationAcceptInput,
    ) -> Option<Result<InvitationAcceptPayload>> {
        Some(accept(ctx, input).await)
    }

    /// Refuses as the invited person. Codes as `invitationAccept`.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn invitation_decline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: InvitationDeclineInput,
    ) -> Option<Result<InvitationDeclinePayload>> {
        Some(decline(ctx, input).await)
    }
}

async fn organization_invite(ctx: &Context<'_>, input: OrganizationInviteInput) -> Result<OrganizationInvitePayload> {
    let operation = invitations::OrganizationInvite {
        organization: input.organization.into(),
        role: input.role.map(Into::into),
        teams: input.teams.unwrap_or_default().into_iter().map(Into::into).collect(),
        projects: input.projects.unwrap_or_default().into_iter().map(Into::into).collect(),
        letter: Letter {
            emails: input.emails,
            message: input.message,
            expires_in_days: input.expires_in_days,
            send_email: input.send_email,
            mode: input.mode.into(),
            dry_run: input.dry_run,
        },
    };
    Ok(match run_once(ctx, input.idempotency_key, operation).await? {
        Ok(invited) => OrganizationInvitePayload {
            organization: Organization::find(ctx, invited.organization).await?,
            summary: Some(BulkSummary::of(invited.items.iter().map(|item| item.status))),
            results: Some(results(ctx, invited.organization, invited.items).await?),
            user_errors: Vec::new(),
        },
        Err(user_errors) => OrganizationInvitePayload { user_errors, ..Default::default() },
    })
}

async fn project_invite(ctx: &Context<'_>, input: ProjectInviteInput) -> Result<ProjectInvitePayload> {
    let operation = invitations::ProjectInvite {
        project: input.project.into(),
        role: input.role.map(Into::into),
        organization_role: input.organization_role.map(Into::into),
        letter: Letter {
            emails: input.emails,
            message: input.message,
            expires_in_days: input.expires_in_days,
            send_email: input.send_email,
            mode: input.mode.into(),
            dry_run: input.dry_run,
        },
    };
    Ok(match run_once(ctx, input.idempotency_key, operation).await? {
        Ok(invited) => ProjectInvitePayload {
            project: match invited.project {
                Some(project) => Project::find(ctx, project).await?,
                None => None,
            },
            summary: Some(BulkSummary::of(invited.items.iter().map(|item| item.status))),
            results: Some(results(ctx, invited.organization, invited.items).await?),
            user_errors: Vec::new(),
        },
        Err(user_errors) => ProjectInvitePayload { user_errors, ..Default::default() },
    })
}

async fn results(
    ctx: &Context<'_>,
    organization: OrganizationId,
    items: Vec<ItemResult>,
) -> Result<List<InvitationResult>> {
    let results = items.into_iter().zip(0..).map(|(item, index)| async move {
        let project_member = match item.project_member {
            Some(id) => ProjectMember::find(ctx, id).await?,
            None => None,
        };
        let link = item.invitation.zip(item.link);
        let accept_url = link.map(|(id, number)| ctx.app().invitation_link(organization, id, number).into());
        Ok::<_, Error>(InvitationResult {
            index: Some(index),
            status: item.status.into(),
            user_errors: user_errors(item.refusals),
            email: item.email,
            invitation: find(ctx, item.invitation).await?,
            project_member,
            accept_url,
        })
    });
    try_join_all(results).await.map(List)
}

async fn update(ctx: &Context<'_>, input: InvitationUpdateInput) -> Result<InvitationUpdatePayload> {
    let operation = invitations::Update {
        invitation: InvitationId::parse(&input.invitation_id),
        role: input.role.map(Into::into),
        teams: input.teams.map(|teams| teams.into_iter().map(Into::into).collect()),
        projects: input.projects.map(|projects| projects.into_iter().map(Into::into).collect()),
    };
    Ok(match run(ctx, operation).await? {
        Ok(id) => InvitationUpdatePayload { invitation: find(ctx, Some(id)).await?, user_errors: Vec::new() },
        Err(user_errors) => InvitationUpdatePayload { user_errors, ..Default::default() },
    })
}

async fn resend(ctx: &Context<'_>, input: InvitationResendInput) -> Result<InvitationResendPayload> {
    let operation = invitations::Resend {
        invitation: InvitationId::parse(&input.invitation_id),
        expires_in_days: input.expires_in_days,
    };
    Ok(match run_once(ctx, input.idempotency_key, operation).await? {
        Ok(resent) => InvitationResendPayload {
            invitation: find(ctx, Some(resent.invitation)).await?,
            accept_url: Some(ctx.app().invitation_link(resent.organization, resent.invitation, resent.link).into()),
            user_errors: Vec::new(),
        },
        Err(user_errors) => InvitationResendPayload { user_errors, ..Default::default() },
    })
}

async fn revoke(ctx: &Context<'_>, input: &InvitationRevokeInput) -> Result<InvitationRevokePayload> {
    let operation = invitations::Revoke { invitation: InvitationId::parse(&input.invitation_id) };
    Ok(match run(ctx, operation).await? {
        Ok(id) => InvitationRevokePayload { invitation: find(ctx, Some(id)).await?, user_errors: Vec::new() },
        Err(user_errors) => InvitationRevokePayload { user_errors, ..Default::default() },
    })
}

async fn accept(ctx: &Context<'_>, input: InvitationAcceptInput) -> Result<InvitationAcceptPayload> {
    Ok(match run(ctx, invitations::Accept { invitation: input.invitation.into() }).await? {
        Ok(accepted) => {
            let members = accepted.project_members.iter().map(|id| ProjectMember::find(ctx, *id));
            let team_members = accepted.team_members.iter().map(|id| TeamMember::find(ctx, *id));
            InvitationAcceptPayload {
                invitation: find(ctx, Some(accepted.invitation)).await?,
                organization_member: OrganizationMember::find(ctx, accepted.organization_member).await?,
                project_members: Some(try_join_all(members).await?.into_iter().flatten().collect()),
                team_members: Some(try_join_all(team_members).await?.into_iter().flatten().collect()),
                user_errors: Vec::new(),
            }
        }
        Err(user_errors) => InvitationAcceptPayload { user_errors, ..Default::default() },
    })
}

async fn decline(ctx: &Context<'_>, input: InvitationDeclineInput) -> Result<InvitationDeclinePayload> {
    Ok(match run(ctx, invitations::Decline { invitation: input.invitation.into() }).await? {
        Ok(id) => InvitationDeclinePayload { invitation: find(ctx, Some(id)).await?, user_errors: Vec::new() },
        Err(user_errors) => InvitationDeclinePayload { user_errors, ..Default::default() },
    })
}

async fn find(ctx: &Context<'_>, id: Option<InvitationId>) -> Result<Option<Invitation>> {
    match id {
        Some(id) => Invitation::find(ctx, id).await,
        None => Ok(None),
    }
}
