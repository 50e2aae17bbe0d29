//! Memberships of teams that end or change, whoever ends or changes them, and teams that go.

use serde_json::{Value, json};

use super::{Following, Transaction, invitations::revoke_ungivable};
use crate::{
    access::{Permit, TeamAccess},
    domain::{event::EventKind, organization::ActorKind, team::TeamMemberRole},
    error::Result,
    store::{
        invitation_teams,
        organizations::Counts,
        team_members::{self, TeamMember},
        teams,
    },
};

/// What an event of a membership says of it.
pub fn event_data(member: &TeamMember) -> Value {
    let (team, role) = (member.team_id.to_string(), member.role.as_str());
    match (member.user_id, member.invitation_id) {
        (Some(user), _) => json!({ "team": team, "user": user.to_string(), "role": role }),
        (None, Some(invitation)) => {
            let invitation = invitation.to_string();
            json!({ "team": team, "invitation": invitation, "email": member.email.as_str(), "role": role })
        }
        (None, None) => json!({ "team": team, "role": role }),
    }
}

/// What an event says of a membership whose role changes.
pub fn role_event_data(member: &TeamMember, role: TeamMemberRole) -> Value {
    let mut data = event_data(member);
    if let Some(data) = data.as_object_mut() {
        data.remove("role");
        data.insert("before".to_owned(), member.role.as_str().into());
        data.insert("after".to_owned(), role.as_str().into());
    }
    data
}

/// Ends memberships of a team; the invitations of invitees grant it no more. The organization is locked.
pub async fn end_memberships(
    tx: &mut Transaction<'_>,
    permit: &Permit,
    team: &TeamAccess,
    ended: &[TeamMember],
) -> Result<()> {
    if ended.is_empty() {
        return Ok(());
    }
    let (organization, team) = team.key();
    let ids: Vec<_> = ended.iter().map(|member| member.id).collect();
    team_members::delete(tx.conn, &Following(permit), &ids).await?;
    let invited: Vec<_> = ended.iter().filter_map(|member| member.invitation_id).collect();
    if !invited.is_empty() {
        invitation_teams::delete(tx.conn, permit, &invited, &[team]).await?;
    }
    for member in ended {
        tx.count_team_members(organization, team, -1);
        tx.happened(organization, EventKind::TeamMemberRemoved, member.id.0, None, event_data(member))?;
        if let Some(invitation) = member.invitation_id {
            let data = json!({ "email": member.email.as_str(), "team": team.to_string() });
            tx.happened(organization, EventKind::InvitationUpdated, invitation.0, None, data)?;
        }
    }
    lead_no_more(tx, permit, ended).await
}

/// Takes back what those of the members who led a team invited to and could not any more. Keys lead no teams.
async fn lead_no_more(tx: &mut Transaction<'_>, permit: &Permit, were: &[TeamMember]) -> Result<()> {
    let led = were.iter().filter(|member| member.role == TeamMemberRole::Lead);
    for person in led.filter_map(|member| member.user_id) {
        revoke_ungivable(tx, permit, (ActorKind::User, person.0)).await?;
    }
    Ok(())
}

/// Gives members of a team, and the invitations of those who are invitees, other roles.
pub async fn set_roles(
    tx: &mut Transaction<'_>,
    permit: &Permit,
    access: &TeamAccess,
    changes: &[(&TeamMember, TeamMemberRole)],
) -> Result<()> {
    let (organization, team) = access.key();
    for role in TeamMemberRole::ALL {
        let changed = || changes.iter().filter(|(_, new)| new == role).map(|(row, _)| row);
        let ids: Vec<_> = changed().map(|row| row.id).collect();
        if ids.is_empty() {
            continue;
        }
        team_members::set_role(tx.conn, &Following(permit), &ids, *role).await?;
        let invited: Vec<_> = changed().filter_map(|row| row.invitation_id).collect();
        if !invited.is_empty() {
            invitation_teams::set_role(tx.conn, permit, &invited, team, *role).await?;
        }
        tx.count_team_members(organization, team, 0);
    }
    for (row, role) in changes {
        let data = role_event_data(row, *role);
        tx.happened(organization, EventKind::TeamMemberRoleUpdated, row.id.0, None, data)?;
        if let Some(invitation) = row.invitation_id {
            let data = json!({ "email": row.email.as_str(), "team": team.to_string() });
            tx.happened(organization, EventKind::InvitationUpdated, invitation.0, None, data)?;
        }
    }
    let changed: Vec<TeamMember> = changes.iter().map(|(row, _)| (*row).clone()).collect();
    lead_no_more(tx, permit, &changed).await
}

/// Deletes a team with its memberships; invitations grant it no more.
pub async fn delete(tx: &mut Transaction<'_>, permit: &Permit, access: &TeamAccess) -> Result<()> {
    let (organization, team) = access.key();
    for invitation in invitation_teams::granting(tx.conn, organization, team).await? {
        let data = json!({ "because": "the team was deleted", "team": team.to_string() });
        tx.happened(organization, EventKind::InvitationUpdated, invitation.0, None, data)?;
    }
    teams::delete(tx.conn, &Following(permit), team).await?;
    tx.count(organization, Counts { teams: -1, ..Counts::default() });
    let data = json!({ "slug": access.team.slug, "name": access.team.name });
    tx.happened(organization, EventKind::TeamDeleted, team.0, None, data)
}
