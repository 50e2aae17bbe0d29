//! The teams that invitations grant, and the pending memberships that rest on them.

use std::{collections::HashSet, sync::Arc};

use super::{
    super::{
        Transaction,
        input::check_most,
        team_members::{told, told_of_role},
    },
    giver::Giver,
};
use crate::{
    access::{ActorRef, OrganizationAccess, TeamAccess, TeamRef, Viewer},
    domain::{
        event::EventKind,
        id::{InvitationId, OrganizationId, TeamId, TeamMemberId},
        invitation::BULK_MAX,
        team::TeamMemberRole,
    },
    error::{Code, Error, Refusal, Result},
    store::{
        Connection,
        invitation_teams::{self, TeamGrant},
        invitations::Invitation,
        team_members::{self, TeamMember},
        users::User,
    },
};

/// A team that an invitation grants, in input.
#[derive(Clone, Debug)]
pub struct TeamGrantInput {
    /// The team.
    pub team: TeamRef,
    /// Role in it.
    pub role: TeamMemberRole,
}

/// The teams, which the viewer may all give.
///
/// # Errors
/// All that is wrong, with the path of each.
pub async fn team_grants(
    tx: &mut Transaction<'_>,
    access: &Arc<OrganizationAccess>,
    inputs: &[TeamGrantInput],
) -> Result<Vec<(TeamId, TeamMemberRole)>> {
    if inputs.is_empty() {
        return Ok(Vec::new());
    }
    check_most("teams", inputs.len(), BULK_MAX)?;
    let mut named = Vec::with_capacity(inputs.len());
    for input in inputs {
        named.push(input.team.id(tx.conn).await?);
    }
    let ids: Vec<TeamId> = named.iter().flatten().copied().collect();
    let known = TeamAccess::in_locked(tx.conn, tx.viewer, access, &ids).await?;
    let mut seen = HashSet::new();
    let (mut grants, mut refusals) = (Vec::with_capacity(inputs.len()), Vec::new());
    for (index, (id, input)) in named.into_iter().zip(inputs).enumerate() {
        let team = known.iter().find(|team| Some(team.team.id) == id);
        let checked = match team {
            None => Err(Refusal::not_found("team")),
            Some(team) => team.may_manage_members().and_then(|()| {
                if seen.insert(team.team.id) {
                    Ok((team.team.id, input.role))
                } else {
                    Err(Refusal::new(Code::Duplicate, "This team stands in the list before."))
                }
            }),
        };
        match checked {
            Ok(grant) => grants.push(grant),
            Err(refusal) => refusals.push(refusal.at(["teams".to_owned(), index.to_string(), "team".to_owned()])),
        }
    }
    if refusals.is_empty() { Ok(grants) } else { Err(Error::Refused(refusals)) }
}

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
    tx.happened(invitation.organization_id, EventKind::TeamMemberAdded, row.id.0, None, told(&row))?;
    Ok(row)
}

/// Makes these all the teams that a pending invitation grants, given by the one who invited; tells whether
/// that changed anything. The invitation is locked, and the teams are checked.
pub async fn set_team_grants(
    tx: &mut Transaction<'_>,
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
    invitation_teams::delete(tx.conn, organization, &[id], &teams).await?;
    let rows: Vec<TeamGrant> = wanted.iter().map(|(team, role)| team_grant_row(invitation, *team, *role)).collect();
    invitation_teams::add(tx.conn, &rows).await?;

    let there = team_members::of_invitations(tx.conn, organization, &[id]).await?;
    let (kept, gone): (Vec<TeamMember>, Vec<TeamMember>) =
        there.into_iter().partition(|row| wanted.iter().any(|(team, _)| *team == row.team_id));
    delete(tx, organization, &gone, tx.viewer.actor()?).await?;
    let mut new = Vec::new();
    for (team, role) in wanted {
        match kept.iter().find(|row| row.team_id == *team) {
            None => new.push(pending_row(tx, invitation, *team, *role)?),
            Some(row) if row.role != *role => {
                team_members::set_role(tx.conn, organization, &[row.id], *role).await?;
                tx.count_team_members(organization, *team, 0);
                let data = told_of_role(row, *role);
                tx.happened(organization, EventKind::TeamMemberRoleUpdated, row.id.0, None, data)?;
            }
            Some(_) => {}
        }
    }
    team_members::insert(tx.conn, &new).await?;
    Ok(true)
}

/// Ends the pending memberships that rest on invitations that are pending no more; what these granted stays
/// on record.
pub async fn end_pending(
    tx: &mut Transaction<'_>,
    organization: OrganizationId,
    ids: &[InvitationId],
    by: ActorRef,
) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let ended = team_members::of_invitations(tx.conn, organization, ids).await?;
    delete(tx, organization, &ended, by).await
}

/// Takes a team out of an invitation, and the invitee out of the team.
pub async fn withdraw(tx: &mut Transaction<'_>, grant: &TeamGrant) -> Result<()> {
    let (organization, invitation) = (grant.organization_id, [grant.invitation_id]);
    invitation_teams::delete(tx.conn, organization, &invitation, &[grant.team_id]).await?;
    let mut ended = team_members::of_invitations(tx.conn, organization, &invitation).await?;
    ended.retain(|row| row.team_id == grant.team_id);
    let by = tx.viewer.actor()?;
    delete(tx, organization, &ended, by).await
}

async fn delete(
    tx: &mut Transaction<'_>,
    organization: OrganizationId,
    ended: &[TeamMember],
    by: ActorRef,
) -> Result<()> {
    if ended.is_empty() {
        return Ok(());
    }
    let ids: Vec<TeamMemberId> = ended.iter().map(|row| row.id).collect();
    team_members::delete(tx.conn, organization, &ids).await?;
    for row in ended {
        tx.count_team_members(organization, row.team_id, -1);
        tx.happened_by(by, organization, EventKind::TeamMemberRemoved, row.id.0, None, told(row));
    }
    Ok(())
}

/// Lets the pending memberships of an invitation that was sent again stand as long as it does, and puts those
/// back that had ended with it.
pub async fn renew_pending(tx: &mut Transaction<'_>, invitation: &Invitation) -> Result<()> {
    let organization = invitation.organization_id;
    let grants = invitation_teams::of(tx.conn, &[organization], &[invitation.id]).await?;
    if grants.is_empty() {
        return Ok(());
    }
    team_members::postpone(tx.conn, organization, invitation.id, invitation.expires_at).await?;
    let there = team_members::of_invitations(tx.conn, organization, &[invitation.id]).await?;
    let mut rows = Vec::new();
    for grant in grants.iter().filter(|grant| there.iter().all(|row| row.team_id != grant.team_id)) {
        rows.push(pending_row(tx, invitation, grant.team_id, grant.role)?);
    }
    team_members::insert(tx.conn, &rows).await?;
    Ok(())
}

/// Makes the pending memberships of an accepted invitation those of the person; teams they are in already
/// stay as they are, as do those that nobody may give any more. Tells which memberships are theirs by it.
pub async fn join_teams(
    tx: &mut Transaction<'_>,
    invitation: &Invitation,
    user: &User,
    grants: &[TeamGrant],
) -> Result<Vec<TeamMemberId>> {
    let organization = invitation.organization_id;
    let pending = team_members::of_invitations(tx.conn, organization, &[invitation.id]).await?;
    if pending.is_empty() && grants.is_empty() {
        return Ok(Vec::new());
    }
    let own = team_members::of_user(tx.conn, organization, user.id).await?;
    let is_in = |team: TeamId| own.iter().any(|row| row.team_id == team);
    let is_granted = |team: TeamId| grants.iter().any(|grant| grant.team_id == team);
    let (mut accepted, gone): (Vec<TeamMember>, Vec<TeamMember>) =
        pending.into_iter().partition(|row| is_granted(row.team_id) && !is_in(row.team_id));
    delete(tx, organization, &gone, tx.viewer.actor()?).await?;
    let ids: Vec<TeamMemberId> = accepted.iter().map(|row| row.id).collect();
    team_members::accept(tx.conn, organization, &ids, user).await?;
    for row in &mut accepted {
        row.user_id = Some(user.id);
        tx.count_team_members(organization, row.team_id, 0);
        tx.happened(organization, EventKind::TeamMemberAdded, row.id.0, None, told(row))?;
    }
    Ok(ids)
}

/// The grants without those that somebody added who may no longer give them.
pub async fn standing_teams(tx: &mut Transaction<'_>, grants: Vec<TeamGrant>) -> Result<Vec<TeamGrant>> {
    let mut standing = Vec::with_capacity(grants.len());
    for grant in grants {
        let stands = match grant.added_by_kind {
            None => true,
            Some(kind) => {
                let giver =
                    Giver::load(tx.conn, &tx.app.policy, tx.now, grant.organization_id, (kind, grant.added_by_id))
                        .await?;
                giver.may_give_teams(tx.conn, std::slice::from_ref(&grant)).await?
            }
        };
        if stands {
            standing.push(grant);
        }
    }
    Ok(standing)
}

/// Whether `viewer` may give all of these teams, in an organization that is locked.
pub async fn may_give_teams(
    conn: &mut Connection,
    viewer: &Viewer,
    organization: &Arc<OrganizationAccess>,
    grants: &[TeamGrant],
) -> Result<bool> {
    if grants.is_empty() {
        return Ok(true);
    }
    let mut ids: Vec<TeamId> = grants.iter().map(|grant| grant.team_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let known = TeamAccess::in_locked(conn, viewer, organization, &ids).await?;
    Ok(known.iter().filter(|team| team.may_manage_members().is_ok()).count() == ids.len())
}
