//! What ends with a membership of an organization, whoever ends it.

use serde_json::json;

use super::super::{
    Transaction,
    invitations::{revoke_all, revoke_ungivable},
    team_members::told,
};
use crate::{
    domain::{
        event::EventKind,
        id::{OrganizationId, ProjectId, ProjectMemberId, TeamMemberId},
        role::RoleScope,
    },
    error::{Error, Result},
    store::{
        invitations,
        organization_members::{self, OrganizationMember},
        organizations::Counts,
        project_members::{self, ProjectMember},
        projects,
        roles::{self, Role},
        team_members,
    },
};

/// What ended with a membership of an organization.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Memberships of projects.
    pub project_members: Vec<ProjectMemberId>,
    /// Memberships of teams.
    pub team_members: Vec<TeamMemberId>,
}

/// Ends a membership that is not the owner's, and whatever rests on it. The organization is locked.
pub async fn end_membership(tx: &mut Transaction<'_>, member: &OrganizationMember, role: &Role) -> Result<Ended> {
    let organization = member.organization_id;
    let project_members = end_projects(tx, member).await?;
    let team_members = end_teams(tx, member).await?;
    organization_members::delete(tx.conn, organization, member.id).await?;
    tx.count(organization, Counts { members: -1, ..Counts::default() });
    end_invitations(tx, member).await?;
    let data = json!({ "user": member.user_id.to_string(), "email": member.email.as_str(), "role": role.key });
    tx.happened(organization, EventKind::MemberRemoved, member.id.0, None, data)?;
    Ok(Ended { project_members, team_members })
}

/// Ends the project memberships; projects that the member owned pass to the organization's owner.
async fn end_projects(tx: &mut Transaction<'_>, member: &OrganizationMember) -> Result<Vec<ProjectMemberId>> {
    let organization = member.organization_id;
    let ended = project_members::of_user(tx.conn, organization, member.user_id).await?;
    let ids: Vec<ProjectMemberId> = ended.iter().map(|ended| ended.id).collect();
    project_members::delete(tx.conn, organization, &ids).await?;
    for ended in &ended {
        tx.count_project_members(organization, ended.project_id, -1);
        let data = json!({ "user": member.user_id.to_string() });
        tx.happened(organization, EventKind::ProjectMemberRemoved, ended.id.0, Some(ended.project_id), data)?;
    }
    let owned: Vec<&ProjectMember> = ended.iter().filter(|ended| ended.is_owner).collect();
    if !owned.is_empty() {
        inherit(tx, organization, &owned).await?;
    }
    Ok(ids)
}

async fn end_teams(tx: &mut Transaction<'_>, member: &OrganizationMember) -> Result<Vec<TeamMemberId>> {
    let organization = member.organization_id;
    let ended = team_members::of_user(tx.conn, organization, member.user_id).await?;
    if ended.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<TeamMemberId> = ended.iter().map(|ended| ended.id).collect();
    team_members::delete(tx.conn, organization, &ids).await?;
    for ended in &ended {
        tx.count_team_members(organization, ended.team_id, -1);
        tx.happened(organization, EventKind::TeamMemberRemoved, ended.id.0, None, told(ended))?;
    }
    Ok(ids)
}

async fn inherit(tx: &mut Transaction<'_>, organization: OrganizationId, owned: &[&ProjectMember]) -> Result<()> {
    let heir = organization_members::owners(tx.conn, &[organization]).await?.pop();
    let heir = heir.ok_or_else(|| Error::internal("an organization has no owner"))?;
    let roles = roles::of_organizations(tx.conn, &[organization]).await?;
    let owner = roles::owner(&roles, RoleScope::Project)?;
    let ids: Vec<ProjectId> = owned.iter().map(|ended| ended.project_id).collect();
    projects::touch(tx.conn, organization, &ids, tx.now).await?;
    for ended in owned {
        let row = ProjectMember::new(ProjectMemberId(tx.id()), ended.project_id, &heir.entry, owner, tx.now);
        if project_members::make_owner(tx.conn, &row).await? {
            tx.count_project_members(organization, ended.project_id, 1);
        }
        let data = json!({ "user": heir.user_id.to_string(), "previousOwner": ended.user_id.to_string() });
        tx.happened(
            organization,
            EventKind::ProjectOwnershipTransferred,
            ended.project_id.0,
            Some(ended.project_id),
            data,
        )?;
    }
    Ok(())
}

/// Takes back what is pending to the member's address, and what they invited to and can no longer give.
async fn end_invitations(tx: &mut Transaction<'_>, member: &OrganizationMember) -> Result<()> {
    let organization = member.organization_id;
    let to_them = invitations::pending_to(tx.conn, organization, std::slice::from_ref(&member.email)).await?;
    let ids: Vec<_> = to_them.into_iter().map(|invitation| invitation.id).collect();
    revoke_all(tx, organization, &ids, "the invitee left or was removed").await?;
    revoke_ungivable(tx, organization, member.user_id.0).await
}
