//! The teams that invitations grant, and the pending memberships that rest on them.

use super::{
    Following, Transaction,
    teams::{event_data, role_event_data},
};
use crate::{
    access::{ActorRef, Permit},
    domain::{
        event::EventKind,
        id::{InvitationId, TeamId, TeamMemberId},
        team::TeamMemberRole,
    },
    error::Result,
    store::{
        invitation_teams::{self, TeamGrant},
        invitations::Invitation,
        permit::Permit as _,
        team_members::{self, TeamMember},
        users::{Listed, Pinned},
    },
};

/// The grant of a team by the one who invites, as a row.
pub fn team_grant_row(invitation: &Invitation, team: TeamId, role: TeamMemberRole) -> TeamGrant {
    TeamGrant {
        organization_id: invitation.organization_id,
        invitation_id: invitation.id,
        team_id: team,
        role,
        added_by_kind: None,
        added_by_id: None,
    }
}

/// The pending membership that rests on a grant; it is counted and told.
pub fn pending_row(
    tx: &mut Transaction<'_>,
    invitation: &Invitation,
    team: TeamId,
    role: TeamMemberRole,
) -> Result<TeamMember> {
    let row = TeamMember::of_invitee(TeamMemberId(tx.id()), team, invitation, role, tx.now);
    tx.count_team_members(invitation.organization_id, team, 1);
    tx.happened(invitation.organization_id, EventKind::TeamMemberAdded, row.id.0, None, event_data(&row))?;
    Ok(row)
}

/// Makes these all the teams that a pending invitation grants, given by the one who invited; tells whether
/// that changed anything. The invitation is locked, and the teams are checked.
pub async fn set_team_grants(
    tx: &mut Transaction<'_>,
    permit: &Permit,
    invitation: &Invitation,
    wanted: &[(TeamId, TeamMemberRole)],
) -> Result<bool> {
    let (organization, id) = (invitation.organization_id, invitation.id);
    let old = invitation_teams::of(tx.conn, &[organization], &[id]).await?;
    let is_same = |grant: &TeamGrant| grant.added_by_kind.is_none() && wanted.contains(&(grant.team_id, grant.role));
    if old.len() == wanted.len() && old.iter().all(is_same) {
        return Ok(false);
    }
    let teams: Vec<TeamId> = old.iter().map(|grant| grant.team_id).collect();
    invitation_teams::delete(tx.conn, permit, &[id], &teams).await?;
    let rows: Vec<TeamGrant> = wanted.iter().map(|(team, role)| team_grant_row(invitation, *team, *role)).collect();
    invitation_teams::add(tx.conn, permit, &rows).await?;

    let there = team_members::of_invitations(tx.conn, organization, &[id]).await?;
    let (kept, gone): (Vec<TeamMember>, Vec<TeamMember>) =
        there.into_iter().partition(|row| wanted.iter().any(|(team, _)| *team == row.team_id));
    let by = tx.viewer.actor()?;
    delete(tx, permit, &gone, by).await?;
    let mut new = Vec::new();
    for (team, role) in wanted {
        match kept.iter().find(|row| row.team_id == *team) {
            None => new.push(pending_row(tx, invitation, *team, *role)?),
            Some(row) if row.role != *role => {
                team_members::set_role(tx.conn, &Following(permit), &[row.id], *role).await?;
                tx.count_team_members(organization, *team, 0);
                let data = role_event_data(row, *role);
                tx.happened(organization, EventKind::TeamMemberRoleUpdated, row.id.0, None, data)?;
            }
            Some(_) => {}
        }
    }
    team_members::insert(tx.conn, permit, &new).await?;
    Ok(true)
}

/// Ends the pending memberships that rest on invitations that are pending no more; what these granted stays
/// on record.
pub async fn end_pending(tx: &mut Transaction<'_>, permit: &Permit, ids: &[InvitationId], by: ActorRef) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let ended = team_members::of_invitations(tx.conn, permit.organization(), ids).await?;
    delete(tx, permit, &ended, by).await
}

/// Takes a team out of an invitation, and the invitee out of the team.
pub async fn withdraw(tx: &mut Transaction<'_>, permit: &Permit, grant: &TeamGrant) -> Result<()> {
    let invitation = [grant.invitation_id];
    invitation_teams::delete(tx.conn, permit, &invitation, &[grant.team_id]).await?;
    let mut ended = team_members::of_invitations(tx.conn, permit.organization(), &invitation).await?;
    ended.retain(|row| row.team_id == grant.team_id);
    let by = tx.viewer.actor()?;
    delete(tx, permit, &ended, by).await
}

async fn delete(tx: &mut Transaction<'_>, permit: &Permit, ended: &[TeamMember], by: ActorRef) -> Result<()> {
    if ended.is_empty() {
        return Ok(());
    }
    let organization = permit.organization();
    let ids: Vec<TeamMemberId> = ended.iter().map(|row| row.id).collect();
    team_members::delete(tx.conn, &Following(permit), &ids).await?;
    for row in ended {
        tx.count_team_members(organization, row.team_id, -1);
        tx.happened_by(by, organization, EventKind::TeamMemberRemoved, row.id.0, None, event_data(row));
    }
    Ok(())
}

/// Lets the pending memberships of an invitation that was sent again stand as long as it does, and puts those
/// back that had ended with it.
pub async fn renew_pending(tx: &mut Transaction<'_>, permit: &Permit, invitation: &Invitation) -> Result<()> {
    let organization = invitation.organization_id;
    let grants = invitation_teams::of(tx.conn, &[organization], &[invitation.id]).await?;
    if grants.is_empty() {
        return Ok(());
    }
    team_members::postpone(tx.conn, permit, invitation.id, invitation.expires_at).await?;
    let there = team_members::of_invitations(tx.conn, organization, &[invitation.id]).await?;
    let mut rows = Vec::new();
    for grant in grants.iter().filter(|grant| there.iter().all(|row| row.team_id != grant.team_id)) {
        rows.push(pending_row(tx, invitation, grant.team_id, grant.role)?);
    }
    team_members::insert(tx.conn, permit, &rows).await?;
    Ok(())
}

/// Makes the pending memberships of an accepted invitation those of the person; teams they are in already
/// stay as they are, as do those that nobody may give any more. Tells which memberships are theirs by it.
pub async fn join_teams(
    tx: &mut Transaction<'_>,
    permit: &Permit,
    invitation: &Invitation,
    user: &Pinned,
    grants: &[TeamGrant],
) -> Result<Vec<TeamMemberId>> {
    let organization = invitation.organization_id;
    let pending = team_members::of_invitations(tx.conn, organization, &[invitation.id]).await?;
    if pending.is_empty() && grants.is_empty() {
        return Ok(Vec::new());
    }
    let own = team_members::of_user(tx.conn, organization, user.id()).await?;
    let is_in = |team: TeamId| own.iter().any(|row| row.team_id == team);
    let is_granted = |team: TeamId| grants.iter().any(|grant| grant.team_id == team);
    let (mut accepted, gone): (Vec<TeamMember>, Vec<TeamMember>) =
        pending.into_iter().partition(|row| is_granted(row.team_id) && !is_in(row.team_id));
    let by = tx.viewer.actor()?;
    delete(tx, permit, &gone, by).await?;
    let ids: Vec<TeamMemberId> = accepted.iter().map(|row| row.id).collect();
    team_members::accept(tx.conn, permit, &ids, user).await?;
    for row in &mut accepted {
        row.user_id = Some(user.id());
        tx.count_team_members(organization, row.team_id, 0);
        tx.happened(organization, EventKind::TeamMemberAdded, row.id.0, None, event_data(row))?;
    }
    Ok(ids)
}
