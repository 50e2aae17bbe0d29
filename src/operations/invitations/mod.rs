//! Changes of invitations.

mod accept;
mod decline;
mod giver;
mod invite;
mod organization_invite;
mod project_invite;
mod resend;
mod revoke;
mod teams;

pub use accept::{Accept, Accepted};
pub use decline::Decline;
pub use invite::{Invited, ItemResult, Letter};
pub use organization_invite::OrganizationInvite;
pub use project_invite::ProjectInvite;
pub use resend::{Resend, Resent};
pub use revoke::Revoke;
pub use teams::TeamGrantInput;

use std::{collections::HashMap, sync::Arc};

use serde_json::json;
use uuid::Uuid;

use super::Transaction;
use crate::{
    access::{OrganizationAccess, OrganizationRef, Permission, ProjectAccess, Viewer},
    domain::{
        event::EventKind,
        id::{InvitationId, OrganizationId, ProjectId},
        invitation::InvitationStatus,
        organization::{ActorKind, PlanTier},
        secret::InvitationToken,
    },
    error::{Code, Detail, Error, Refusal, Result},
    store::{
        invitations::{self, Invitation, ProjectGrant, Resolution, TeamGrant},
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

/// An invitation that the viewer manages, with everything locked that decides.
struct Managed {
    organization: Arc<OrganizationAccess>,
    invitation: Invitation,
    grants: Vec<ProjectGrant>,
}

/// Locks an invitation for those who manage the invitations of its organization or of its project.
async fn lock_managed(tx: &mut Transaction<'_>, id: Option<InvitationId>) -> Result<Managed> {
    let missing = || Error::from(Refusal::not_found("invitation").at(["invitationId"]));
    let id = id.ok_or_else(missing)?;
    let found = invitations::find(tx.conn, id).await?.ok_or_else(missing)?;
    let by = OrganizationRef::Id(found.organization_id);
    let organization = OrganizationAccess::lock_visible(tx.conn, &tx.app.policy, tx.viewer, &by).await;
    let organization =
        organization.map_err(|error| if matches!(error, Error::Refused(_)) { missing() } else { error })?;
    let invitation = invitations::lock(tx.conn, found.organization_id, id).await?.ok_or_else(missing)?;

    let project = match invitation.project_id {
        Some(project) => ProjectAccess::in_locked(tx.conn, tx.viewer, &organization, project).await?,
        None => None,
    };
    let manages_project = project.is_some_and(|project| project.permissions.has(Permission::ProjectInvitationsManage));
    let sees = manages_project || organization.permissions.has(Permission::InvitationsRead);
    if !manages_project && !organization.permissions.has(Permission::InvitationsManage) {
        let forbidden = Refusal::forbidden(Permission::InvitationsManage.key()).at(["invitationId"]);
        return Err(if sees { forbidden.into() } else { missing() });
    }
    let grants = invitations::grants(tx.conn, &[id]).await?;
    Ok(Managed { organization, invitation, grants })
}

/// An invitation in the hands of its invitee, locked, and not judged yet.
struct Held {
    invitation: Invitation,
    /// Number of the link that was used; none when named by id.
    link: Option<i32>,
}

/// Locks the organization and the invitation for the person it was sent to.
async fn lock_held(tx: &mut Transaction<'_>, by: &InvitationRef) -> Result<Held> {
    let missing = || Error::from(Refusal::not_found("invitation").at(["invitation"]));
    if let Viewer::Key(_) | Viewer::Operator = tx.viewer {
        return Err(Refusal::new(Code::Forbidden, "Only the invited person answers an invitation.").into());
    }
    let (organization, id, link) = match by {
        InvitationRef::Token(token) => {
            let token = InvitationToken::verify(token, &tx.app.token_key).ok_or_else(missing)?;
            (token.organization, token.invitation, Some(token.version))
        }
        InvitationRef::Id(id) => {
            let found = invitations::find(tx.conn, *id).await?.ok_or_else(missing)?;
            (found.organization_id, *id, None)
        }
        InvitationRef::Unknown => return Err(missing()),
    };
    if !crate::store::organizations::lock(tx.conn, organization).await? {
        return Err(missing());
    }
    let invitation = invitations::lock(tx.conn, organization, id).await?.ok_or_else(missing)?;
    if tx.viewer.verified_email() == Some(&invitation.email) {
        return Ok(Held { invitation, link });
    }
    // Who holds the token knows that the invitation exists; who only guesses an id does not.
    match link {
        Some(_) => Err(Refusal::new(
            Code::InvitationEmailMismatch,
            format!("This invitation was sent to {}; sign in with that address, verified.", invitation.email.masked()),
        )
        .at(["invitation"])
        .into()),
        None => Err(missing()),
    }
}

impl Held {
    /// The invitation can still be answered, by this link.
    fn check_open(&self, tx: &Transaction<'_>) -> Result<(), Refusal> {
        if self.link.is_some_and(|link| link < self.invitation.token_version) {
            let superseded =
                Refusal::new(Code::InvitationSuperseded, "A newer link was sent to you; this one no longer works.");
            return Err(superseded.at(["invitation"]));
        }
        match self.invitation.status_at(tx.now) {
            InvitationStatus::Pending => Ok(()),
            InvitationStatus::Expired => {
                Err(Refusal::new(Code::InvitationExpired, "This invitation has expired; ask for a new one.")
                    .at(["invitation"]))
            }
            status => Err(not_pending(status).at(["invitation"])),
        }
    }
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

/// Inviting is part of the plan, or of a trial that is not over.
fn check_plan(tx: &Transaction<'_>, organization: &Organization) -> Result<(), Refusal> {
    let in_trial = organization.trial_ends_at.is_some_and(|end| end > tx.now);
    if tx.app.trial_days.is_none() || organization.plan_tier != PlanTier::Free || in_trial {
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
async fn expire_lapsed(tx: &mut Transaction<'_>, organization: &Organization) -> Result<i32> {
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

/// Takes back what somebody invited to, or added to the invitations of others, and after a change of their
/// own rights could no longer give.
pub(super) async fn revoke_ungivable(
    tx: &mut Transaction<'_>,
    organization: OrganizationId,
    inviter: Uuid,
) -> Result<()> {
    let pending = invitations::pending_from(tx.conn, organization, ActorKind::User, inviter).await?;
    let added = invitations::grants_added_by(tx.conn, organization, ActorKind::User, inviter).await?;
    let added_teams = invitations::team_grants_added_by(tx.conn, organization, ActorKind::User, inviter).await?;
    if pending.is_empty() && added.is_empty() && added_teams.is_empty() {
        return Ok(());
    }
    let mut giver = Giver::load(tx, organization, (ActorKind::User, Some(inviter))).await?;
    for grant in &added {
        if !giver.may_grant(tx, grant).await? {
            invitations::delete_grant(tx.conn, grant).await?;
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
    for grant in invitations::grants(tx.conn, &ids).await? {
        grants.entry(grant.invitation_id).or_default().push(grant);
    }
    let mut team_grants: HashMap<InvitationId, Vec<TeamGrant>> = HashMap::new();
    for grant in invitations::team_grants(tx.conn, &ids).await? {
        if grant.added_by_kind.is_none() {
            team_grants.entry(grant.invitation_id).or_default().push(grant);
        }
    }
    let mut ungivable = Vec::new();
    for invitation in &pending {
        let grants = grants.remove(&invitation.id).unwrap_or_default();
        let teams = team_grants.remove(&invitation.id).unwrap_or_default();
        if !giver.may_give(tx, invitation, &grants).await? || !giver.may_give_teams(tx.conn, &teams).await? {
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
fn grant_row(
    invitation: &Invitation,
    project: ProjectId,
    role: crate::domain::id::RoleId,
    position: usize,
) -> ProjectGrant {
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
