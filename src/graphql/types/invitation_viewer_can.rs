//! `InvitationViewerCan`.

use std::sync::Arc;

use async_graphql::{Context, Object};

use super::{capability::Capability, role::roles_of};
use crate::{
    domain::invitation::InvitationStatus,
    error::{Refusal, Result},
    graphql::{
        context::RequestContext,
        loaders::{
            AcceptanceOf, GrantsOf, OrganizationById, ProjectById, RequestsOf, RevivalOf, TeamById, TeamGrantsOf,
        },
    },
    operations::{
        Target,
        invitations::{ManagedInvitation, ReceivedInvitation},
    },
    store::invitations::{Invitation, InvitationAndMail, Revival},
};

/// An invitation, by what the viewer can do with it.
pub struct InvitationViewerCan(pub Arc<InvitationAndMail>);

/// What the viewer can do with an invitation now.
#[Object]
impl InvitationViewerCan {
    /// May call `invitationAccept`.
    // Judged one by one, with the rights of whoever invited.
    async fn accept(&self, ctx: &Context<'_>) -> Result<Capability> {
        let refusal = ctx.load_present(AcceptanceOf(self.row().id)).await?;
        Ok(Capability::of(ctx.viewer(), refusal.map_or(Ok(()), Err)))
    }

    /// May call `invitationDecline`.
    async fn decline(&self, ctx: &Context<'_>) -> Capability {
        let received = ReceivedInvitation::of(ctx.viewer(), self.row().clone(), None);
        Capability::of(ctx.viewer(), received.and_then(|received| received.may_decline(ctx.reader().now)))
    }

    /// May call `invitationUpdate`.
    async fn update(&self, ctx: &Context<'_>) -> Result<Capability> {
        let managed = self.managed(ctx).await?;
        Ok(Capability::of(ctx.viewer(), managed.and_then(|managed| managed.may_update(ctx.reader().now))))
    }

    /// May call `invitationResend`.
    async fn resend(&self, ctx: &Context<'_>) -> Result<Capability> {
        let (row, now) = (self.row(), ctx.reader().now);
        let requested = ctx.load_present(RequestsOf(row.organization_id, row.id)).await?;
        let (is_member, revival) = if row.status_at(now) == InvitationStatus::Expired {
            ctx.load_present(RevivalOf(row.organization_id, row.email.clone())).await?
        } else {
            (false, Revival::default())
        };
        let managed = self.managed(ctx).await?;
        let may =
            managed.and_then(|managed| managed.may_resend(ctx.app().trial_days, now, &requested, is_member, revival));
        Ok(Capability::of(ctx.viewer(), may))
    }

    /// May call `invitationRevoke`.
    async fn revoke(&self, ctx: &Context<'_>) -> Result<Capability> {
        let managed = self.managed(ctx).await?;
        Ok(Capability::of(ctx.viewer(), managed.and_then(|managed| managed.may_revoke(ctx.reader().now))))
    }
}

impl InvitationViewerCan {
    fn row(&self) -> &Invitation {
        &self.0.invitation
    }

    /// The invitation as those have it who manage it; to an invitee who knows nothing of the organization it
    /// is not there.
    async fn managed(&self, ctx: &Context<'_>) -> Result<Result<ManagedInvitation, Refusal>> {
        let row = self.row();
        let Some(organization) = ctx.load(OrganizationById(row.organization_id)).await? else {
            return Ok(Err(ManagedInvitation::missing()));
        };
        let grants = ctx.load_present(GrantsOf(row.organization_id, row.id)).await?;
        let projects = grants.iter().map(|grant| grant.project_id).chain(row.project_id).map(ProjectById);
        let projects = ctx.load_many(projects.collect()).await?;
        let visible = projects.into_iter().map(|(key, project)| (key.0, project));
        let team_grants = ctx.load_present(TeamGrantsOf(row.organization_id, row.id)).await?;
        let teams = ctx.load_many(team_grants.iter().map(|grant| TeamById(grant.team_id)).collect()).await?;
        let managed_teams = teams.into_iter().filter(|(_, team)| team.may_manage_members().is_ok());
        let managed_teams = managed_teams.map(|(key, _)| key.0).collect();
        let roles = roles_of(ctx, &organization).await?;
        let (invitation, projects) = (row.clone(), visible.collect());
        Ok(Ok(ManagedInvitation { organization, invitation, grants, projects, team_grants, managed_teams, roles }))
    }
}
