//! What ends with a membership of a team, whoever ends it.

use serde_json::json;

use super::{
    super::{Transaction, invitations::revoke_ungivable},
    told,
};
use crate::{
    access::TeamAccess,
    domain::{event::EventKind, id::OrganizationId, team::TeamMemberRole},
    error::Result,
    store::{
        invitation_teams,
        team_members::{self, TeamMember},
    },
};

/// Ends memberships of a team; the invitations of invitees grant it no more. The organization is locked.
pub async fn end_memberships(tx: &mut Transaction<'_>, team: &TeamAccess, ended: &[TeamMember]) -> Result<()> {
    if ended.is_empty() {
        return Ok(());
    }
    let (organization, team) = team.key();
    let ids: Vec<_> = ended.iter().map(|member| member.id).collect();
    team_members::delete(tx.conn, organization, &ids).await?;
    let invited: Vec<_> = ended.iter().filter_map(|member| member.invitation_id).collect();
    if !invited.is_empty() {
        invitation_teams::delete(tx.conn, organization, &invited, &[team]).await?;
    }
    for member in ended {
        tx.count_team_members(organization, team, -1);
        tx.happened(organization, EventKind::TeamMemberRemoved, member.id.0, None, told(member))?;
        if let Some(invitation) = member.invitation_id {
            let data = json!({ "email": member.email.as_str(), "team": team.to_string() });
            tx.happened(organization, EventKind::InvitationUpdated, invitation.0, None, data)?;
        }
    }
    take_back_of(tx, organization, ended).await
}

/// Takes back what those of the members who led the team invited to and could not any more.
pub async fn take_back_of(tx: &mut Transaction<'_>, organization: OrganizationId, were: &[TeamMember]) -> Result<()> {
    let led = were.iter().filter(|member| member.role == TeamMemberRole::Lead);
    let leads: Vec<_> = led.filter_map(|member| member.user_id).map(|user| user.0).collect();
    if leads.is_empty() {
        return Ok(());
    }
    for giver in invitation_teams::givers_among(tx.conn, organization, &leads).await? {
        revoke_ungivable(tx, organization, giver).await?;
    }
    Ok(())
}
