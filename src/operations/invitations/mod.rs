//! Changes of invitations.

mod accept;
mod decline;
mod giver;
mod held;
mod invite;
mod managed;
mod organization_invite;
mod project_invite;
mod resend;
mod revoke;
mod teams;
mod update;

pub use accept::{Accept, Accepted};
pub use decline::Decline;
pub use held::Held;
pub use invite::{Invited, ItemResult, Letter};
pub use managed::Managed;
pub use organization_invite::OrganizationInvite;
pub use project_invite::ProjectInvite;
pub use resend::{Resend, Resent};
pub use revoke::Revoke;
pub use teams::TeamGrantInput;
pub use update::Update;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::Transaction;
use crate::{
    access::{OrganizationAccess, Permission},
    app::App,
    domain::{
        event::EventKind,
        id::{InvitationId, OrganizationId, ProjectId, RoleId},
        invitation::InvitationStatus,
        organization::{ActorKind, PlanTier},
    },
    error::{Code, Detail, Refusal, Result},
    store::{
        invitation_projects::{self, ProjectGrant},
        invitation_teams::{self, TeamGrant},
        invitations::{self, Invitation, Resolution},
        organizations::{Counts, Organization},
    },
};
use giver::Giver;

/// Names an invitation to its invitee.
#[derive(Clone, Debug)]
pub enum InvitationRef {
    /// By id; the invitee's verified address must match.
    Id(InvitationId),
    /// By the token of the link.
    Token(String),
    /// By something that cannot be one.
    Unknown,
}

/// The invitation has left PENDING.
fn not_pending(status: InvitationStatus) -> Refusal {
    let message = match status {
        InvitationStatus::Accepted => "This invitation was accepted.",
        InvitationStatus::Declined => "This invitation was declined.",
        InvitationStatus::Revoked => "This invitation was taken back.",
        InvitationStatus::Expired => "This invitation has expired.",
        InvitationStatus::Pending => "This invitation is pending.",
    };
    Refusal::new(Code::InvitationNotPending, message)
}

/// Before `organizationInvite`, whatever its input: what the mutation asks after its lock, and `viewerCan` shows.
///
/// # Errors
/// `FORBIDDEN`, `NOT_FOUND` or `PLAN_REQUIRED`.
pub fn may_invite(access: &OrganizationAccess, app: &App, now: DateTime<Utc>) -> Result<(), Refusal> {
    access.may(Permission::InvitationsManage)?;
    check_plan(app, now, &access.organization)
}

/// Inviting is part of the plan, or of a trial that is not over.
fn check_plan(app: &App, now: DateTime<Utc>, organization: &Organization) -> Result<(), Refusal> {
    let in_trial = organization.trial_ends_at.is_some_and(|end| end > now);
    if app.trial_days.is_none() || organization.plan_tier != PlanTier::Free || in_trial {
        return Ok(());
    }
    Err(Refusal::new(Code::PlanRequired, "The Free plan includes no invitations outside a trial.").with(Detail::Plan))
}

/// `more` people fit beside the members and those with a pending invitation.
fn check_seats(organization: &Organization, pending: i32, more: usize) -> Result<(), Refusal> {
    let actual =
        i32::try_from(more).unwrap_or(i32::MAX).saturating_add(organization.member_count).saturating_add(pending);
    match organization.seat_limit {
        Some(limit) if more > 0 && actual > limit => {
            let message = format!("The plan has {limit} seats; members and pending invitations would take {actual}.");
            Err(Refusal::new(Code::LimitReached, message).with(Detail::Limit { limit, actual }))
        }
        _ => Ok(()),
    }
}

/// Writes down which invitations of an organization have run out of time, so that they hold no seats and
/// no addresses; tells how many stay pending.
pub(super) async fn expire_lapsed(tx: &mut Transaction<'_>, organization: &Organization) -> Result<i32> {
    let lapsed = invitations::expire(tx.conn, organization.id, tx.now).await?;
    for id in &lapsed {
        tx.happened_by((ActorKind::System, None), organization.id, EventKind::InvitationExpired, id.0, None, json!({}));
    }
    teams::end_pending(tx, organization.id, &lapsed, (ActorKind::System, None)).await?;
    let lapsed = i32::try_from(lapsed.len()).unwrap_or_default();
    tx.count(organization.id, Counts { pending_invitations: -lapsed, ..Counts::default() });
    Ok(organization.pending_invitation_count - lapsed)
}

/// Takes back those of the invitations that are pending.
pub(super) async fn revoke_all(
    tx: &mut Transaction<'_>,
    organization: OrganizationId,
    ids: &[InvitationId],
    why: &'static str,
) -> Result<()> {
    let resolution = Resolution { status: InvitationStatus::Revoked, by: tx.viewer.actor()?, at: tx.now };
    let revoked = invitations::resolve(tx.conn, organization, ids, resolution).await?;
    for id in &revoked {
        tx.happened(organization, EventKind::InvitationRevoked, id.0, None, json!({ "because": why }))?;
    }
    teams::end_pending(tx, organization, &revoked, tx.viewer.actor()?).await?;
    let revoked = i32::try_from(revoked.len()).unwrap_or_default();
    tx.count(organization, Counts { pending_invitations: -revoked, ..Counts::default() });
    Ok(())
}

/// Takes back what a person invited to, or added to the invitations of others, and after a change of their
/// own rights could no longer give.
pub(super) async fn revoke_ungivable(
    tx: &mut Transaction<'_>,
    organization: OrganizationId,
    inviter: Uuid,
) -> Result<()> {
    revoke_ungivable_by(tx, organization, (ActorKind::User, inviter)).await
}

/// As [`revoke_ungivable`], for everybody whom a change of `role` concerns: those who have it, and those who
/// invited to it.
pub(super) async fn revoke_ungivable_after(
    tx: &mut Transaction<'_>,
    organization: OrganizationId,
    role: RoleId,
) -> Result<()> {
    for giver in invitations::givers_touched_by(tx.conn, organization, role).await? {
        revoke_ungivable_by(tx, organization, giver).await?;
    }
    Ok(())
}

/// As [`revoke_ungivable`], for a person or an API key.
pub(super) async fn revoke_ungivable_by(
    tx: &mut Transaction<'_>,
    organization: OrganizationId,
    (kind, inviter): (ActorKind, Uuid),
) -> Result<()> {
    let pending = invitations::pending_from(tx.conn, organization, kind, inviter).await?;
    let added = invitation_projects::added_by(tx.conn, organization, kind, inviter).await?;
    let added_teams = invitation_teams::added_by(tx.conn, organization, kind, inviter).await?;
    if pending.is_empty() && added.is_empty() && added_teams.is_empty() {
        return Ok(());
    }
    let mut giver = Giver::load(tx.conn, &tx.app.policy, tx.now, organization, (kind, Some(inviter))).await?;
    for grant in &added {
        if !giver.may_grant(tx.conn, grant).await? {
            invitation_projects::delete(tx.conn, grant).await?;
            let data = json!({ "because": "whoever added the project may no longer give it" });
            let project = Some(grant.project_id);
            tx.happened(organization, EventKind::InvitationUpdated, grant.invitation_id.0, project, data)?;
        }
    }
    for grant in &added_teams {
        if !giver.may_give_teams(tx.conn, std::slice::from_ref(grant)).await? {
            teams::withdraw(tx, grant).await?;
            let data = json!({ "because": "whoever added the team may no longer give it" });
            tx.happened(organization, EventKind::InvitationUpdated, grant.invitation_id.0, None, data)?;
        }
    }
    let ids: Vec<InvitationId> = pending.iter().map(|invitation| invitation.id).collect();
    let mut grants: HashMap<InvitationId, Vec<ProjectGrant>> = HashMap::new();
    for grant in invitation_projects::of(tx.conn, &[organization], &ids).await? {
        grants.entry(grant.invitation_id).or_default().push(grant);
    }
    let mut team_grants: HashMap<InvitationId, Vec<TeamGrant>> = HashMap::new();
    for grant in invitation_teams::of(tx.conn, &[organization], &ids).await? {
        if grant.added_by_kind.is_none() {
            team_grants.entry(grant.invitation_id).or_default().push(grant);
        }
    }
    let mut ungivable = Vec::new();
    for invitation in &pending {
        let grants = grants.remove(&invitation.id).unwrap_or_default();
        let teams = team_grants.remove(&invitation.id).unwrap_or_default();
        if !giver.may_give(tx.conn, invitation, &grants).await? || !giver.may_give_teams(tx.conn, &teams).await? {
            ungivable.push(invitation.id);
        }
    }
    revoke_all(tx, organization, &ungivable, "the inviter may no longer give this").await
}

/// A project that an invitation grants, in input.
#[derive(Clone, Debug)]
pub struct GrantInput {
    /// The project.
    pub project: crate::access::ProjectRef,
    /// Role in it; Member when absent.
    pub role: Option<super::input::RoleRef>,
}

/// The grant of a project by the one who invites, as a row.
fn grant_row(invitation: &Invitation, project: ProjectId, role: RoleId, position: usize) -> ProjectGrant {
    ProjectGrant {
        organization_id: invitation.organization_id,
        invitation_id: invitation.id,
        project_id: project,
        role_id: role,
        position: i16::try_from(position).unwrap_or(i16::MAX),
        added_by_kind: None,
        added_by_id: None,
    }
}
