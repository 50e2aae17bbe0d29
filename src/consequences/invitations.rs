//! Invitations that end, whoever or whatever ends them, and what ends with them.

use std::collections::HashMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Following, Transaction,
    grants::{end_pending, withdraw},
};
use crate::{
    access::{ActorRef, Inviter, Permit},
    domain::{
        event::EventKind,
        id::{InvitationId, ProjectId, TeamId, UserId},
        invitation::InvitationStatus,
        organization::ActorKind,
    },
    error::{Error, Result},
    store::{
        invitation_projects::{self, ProjectGrant},
        invitation_teams::{self, TeamGrant},
        invitations::{self, Invitation, Resolution},
        organizations::{Counts, Organization},
        permit::Permit as _,
        users,
    },
};

/// Writes down which invitations of an organization have run out of time, so that they hold no seats and no addresses;
/// tells how many stay pending.
pub async fn expire_lapsed(tx: &mut Transaction<'_>, permit: &Permit, organization: &Organization) -> Result<i32> {
    const SYSTEM: ActorRef = (ActorKind::System, None);
    let lapsed = invitations::expire(tx.conn, &Following(permit), tx.now).await?;
    for id in &lapsed {
        tx.happened_by(SYSTEM, organization.id, EventKind::InvitationExpired, id.0, None, json!({}));
    }
    end_pending(tx, permit, &lapsed, SYSTEM).await?;
    let lapsed = i32::try_from(lapsed.len()).unwrap_or_default();
    tx.count(organization.id, Counts { pending_invitations: -lapsed, ..Counts::default() });
    Ok(organization.pending_invitation_count - lapsed)
}

/// Ends a pending invitation as whoever asks answers it or takes it back. What it granted in teams ends with it, unless
/// it was accepted: then it becomes the person's.
pub async fn resolve(
    tx: &mut Transaction<'_>,
    permit: &Permit,
    invitation: &Invitation,
    (status, kind): (InvitationStatus, EventKind),
) -> Result<()> {
    let resolution = Resolution { status, by: tx.viewer.actor()?, at: tx.now };
    let resolved = invitations::resolve(tx.conn, &Following(permit), &[invitation.id], resolution).await?;
    if resolved.is_empty() {
        return Err(Error::Transient("an invitation changed under its lock".into()));
    }
    if status != InvitationStatus::Accepted {
        end_pending(tx, permit, &resolved, resolution.by).await?;
    }
    tx.count(invitation.organization_id, Counts { pending_invitations: -1, ..Counts::default() });
    let data = json!({ "email": invitation.email.as_str() });
    tx.happened(invitation.organization_id, kind, invitation.id.0, invitation.project_id, data)
}

/// Takes back those of the invitations that are pending.
pub async fn revoke_all(
    tx: &mut Transaction<'_>,
    permit: &Permit,
    ids: &[InvitationId],
    why: &'static str,
) -> Result<()> {
    let organization = permit.organization();
    let resolution = Resolution { status: InvitationStatus::Revoked, by: tx.viewer.actor()?, at: tx.now };
    let revoked = invitations::resolve(tx.conn, &Following(permit), ids, resolution).await?;
    for id in &revoked {
        tx.happened(organization, EventKind::InvitationRevoked, id.0, None, json!({ "because": why }))?;
    }
    end_pending(tx, permit, &revoked, resolution.by).await?;
    let revoked = i32::try_from(revoked.len()).unwrap_or_default();
    tx.count(organization, Counts { pending_invitations: -revoked, ..Counts::default() });
    Ok(())
}

/// Takes back what is pending to the address of a person, if one is theirs.
pub(super) async fn revoke_pending_to(
    tx: &mut Transaction<'_>,
    permit: &Permit,
    person: UserId,
    why: &'static str,
) -> Result<()> {
    let user = users::by_ids(tx.conn, &[person]).await?.pop().filter(|user| user.email_verified);
    let Some(email) = user.and_then(|user| user.email.get().cloned()) else { return Ok(()) };
    let to_them = invitations::pending_to(tx.conn, permit.organization(), &[email]).await?;
    let ids: Vec<InvitationId> = to_them.into_iter().map(|invitation| invitation.id).collect();
    revoke_all(tx, permit, &ids, why).await
}

/// Takes back what somebody invited to, or added to the invitations of others, and after a change of their own rights
/// could no longer give.
pub(super) async fn revoke_ungivable(
    tx: &mut Transaction<'_>,
    permit: &Permit,
    (kind, giver): (ActorKind, Uuid),
) -> Result<()> {
    let organization = permit.organization();
    let pending = invitations::pending_from(tx.conn, organization, kind, giver).await?;
    let added = invitation_projects::added_by(tx.conn, organization, kind, giver).await?;
    let added_teams = invitation_teams::added_by(tx.conn, organization, kind, giver).await?;
    if pending.is_empty() && added.is_empty() && added_teams.is_empty() {
        return Ok(());
    }
    let ids: Vec<InvitationId> = pending.iter().map(|invitation| invitation.id).collect();
    let own = invitation_projects::of(tx.conn, &[organization], &ids).await?;
    let own_teams = invitation_teams::of(tx.conn, &[organization], &ids).await?;
    let projects: Vec<ProjectId> = own.iter().chain(&added).map(|grant| grant.project_id).collect();
    let teams: Vec<TeamId> = own_teams.iter().chain(&added_teams).map(|grant| grant.team_id).collect();
    let (policy, by) = (&tx.app.policy, (kind, Some(giver)));
    let inviter = Inviter::load(tx.conn, policy, tx.now, organization, by, &projects, &teams).await?;

    for grant in added.iter().filter(|grant| !inviter.can_grant_project(grant)) {
        invitation_projects::delete(tx.conn, permit, grant).await?;
        updated(tx, grant.invitation_id, permit, Some(grant.project_id), "project")?;
    }
    for grant in added_teams.iter().filter(|grant| !inviter.can_grant_team(grant)) {
        withdraw(tx, permit, grant).await?;
        updated(tx, grant.invitation_id, permit, None, "team")?;
    }
    let mut grants: HashMap<InvitationId, Vec<ProjectGrant>> = HashMap::new();
    for grant in own {
        grants.entry(grant.invitation_id).or_default().push(grant);
    }
    let mut team_grants: HashMap<InvitationId, Vec<TeamGrant>> = HashMap::new();
    for grant in own_teams {
        team_grants.entry(grant.invitation_id).or_default().push(grant);
    }
    let stands = |invitation: &&Invitation| {
        let grants = grants.get(&invitation.id).map_or(&[][..], Vec::as_slice);
        let teams = team_grants.get(&invitation.id).map_or(&[][..], Vec::as_slice);
        inviter.can_invite(invitation, grants, teams)
    };
    let ungivable: Vec<InvitationId> =
        pending.iter().filter(|invitation| !stands(invitation)).map(|invitation| invitation.id).collect();
    revoke_all(tx, permit, &ungivable, "the inviter may no longer give this").await
}

fn updated(
    tx: &mut Transaction<'_>,
    invitation: InvitationId,
    permit: &Permit,
    project: Option<ProjectId>,
    what: &str,
) -> Result<()> {
    let data: Value = json!({ "because": format!("whoever added the {what} may no longer give it") });
    tx.happened(permit.organization(), EventKind::InvitationUpdated, invitation.0, project, data)
}
