//! Memberships of organizations and projects that end, or whose role changes.

use serde_json::json;

use super::{
    Following, Transaction,
    invitations::{revoke_all, revoke_pending_to},
    keys::{self, KeyChange},
    rights::Rights,
    teams::event_data,
};
use crate::{
    access::Permit,
    domain::{
        event::EventKind,
        id::{OrganizationId, ProjectId, ProjectMemberId, TeamMemberId},
        role::RoleScope,
    },
    error::{Error, Result},
    store::{
        api_keys::ApiKey,
        invitations,
        organization_members::{self, OrganizationMember},
        organizations::{self, Counts, Organization},
        project_members::{self, ProjectMember},
        projects::{self, Project},
        roles::{self, Role},
        team_members, users,
    },
};

/// Gives a member of the organization another role.
pub async fn change_organization_role(
    tx: &mut Transaction<'_>,
    permit: &Permit,
    member: &OrganizationMember,
    (before, after): (&Role, &Role),
) -> Result<Vec<KeyChange>> {
    let rights = Rights::of(tx, permit, member.user_id).await?;
    organization_members::set_role(tx.conn, &Following(permit), member.id, after, tx.now).await?;
    let keys = rights.changed(tx, permit).await?;
    let data = json!({ "user": member.user_id.to_string(), "before": before.key, "after": after.key });
    tx.happened(member.organization_id, EventKind::MemberRoleUpdated, member.id.0, None, data)?;
    Ok(keys)
}

/// Makes another member the owner of an organization; whoever was it gets `role`.
pub async fn transfer_organization(
    tx: &mut Transaction<'_>,
    permit: &Permit,
    organization: &Organization,
    new: &OrganizationMember,
    (owner, role): (&Role, &Role),
) -> Result<(OrganizationMember, Vec<KeyChange>)> {
    let id = organization.id;
    let previous = organization_members::owners(tx.conn, &[id]).await?.pop();
    let previous = previous.ok_or_else(|| Error::internal("an organization has no owner"))?;
    let previous = organization_members::with_role(tx.conn, id, previous.user_id).await?;
    let (previous, _) = previous.ok_or_else(|| Error::internal("an owner has no role"))?;
    let losing = Rights::of(tx, permit, previous.user_id).await?;
    let gaining = Rights::of(tx, permit, new.user_id).await?;
    organization_members::set_role(tx.conn, &Following(permit), previous.id, role, tx.now).await?;
    organization_members::set_role(tx.conn, &Following(permit), new.id, owner, tx.now).await?;
    organizations::update(tx.conn, permit, &Organization { updated_at: tx.now, ..organization.clone() }).await?;
    gaining.changed(tx, permit).await?;
    let keys = losing.changed(tx, permit).await?;
    let data = json!({
        "user": new.user_id.to_string(),
        "previousOwner": previous.user_id.to_string(),
        "previousOwnerRole": role.key,
    });
    tx.happened(id, EventKind::OrganizationOwnershipTransferred, id.0, None, data)?;
    Ok((previous, keys))
}

/// Deletes an organization with everything in it, and signs its keys out. What happened in it stays in the audit log.
pub async fn delete_organization(tx: &mut Transaction<'_>, permit: &Permit, organization: &Organization) -> Result<()> {
    let data = json!({
        "slug": organization.slug,
        "name": organization.name,
        "members": organization.member_count,
        "projects": organization.project_count,
    });
    tx.happened(organization.id, EventKind::OrganizationDeleted, organization.id.0, None, data)?;
    tx.sign_out(organization.id.0);
    // The event gets its number from the row that goes.
    tx.write_last().await?;
    organizations::delete(tx.conn, &Following(permit)).await
}

/// Deletes a project with its members and the keys that are limited to it. Invitations to it are taken back and stay as
/// what happened; those that granted it beside other things go on without it.
pub async fn delete_project(tx: &mut Transaction<'_>, permit: &Permit, project: &Project) -> Result<()> {
    let (organization, id) = (project.organization_id, project.id);
    let to_it = invitations::pending_to_project(tx.conn, organization, id).await?;
    revoke_all(tx, permit, &to_it, "the project was deleted").await?;
    for invitation in invitations::forget_project(tx.conn, &Following(permit), id).await? {
        let data = json!({ "because": "the project was deleted" });
        tx.happened(organization, EventKind::InvitationUpdated, invitation.0, Some(id), data)?;
    }
    projects::delete(tx.conn, &Following(permit), id).await?;
    tx.sign_out(id.0);
    tx.count(organization, Counts { projects: -1, ..Counts::default() });
    let data = json!({ "slug": project.slug, "name": project.name, "members": project.member_count });
    tx.happened(organization, EventKind::ProjectDeleted, id.0, Some(id), data)
}

/// What becomes of the keys that somebody answers for when their membership ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FateOfKeys {
    /// They end.
    End,
    /// Whoever ends the membership answers for them.
    TakeOver,
}

/// What ended with a membership of an organization.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Memberships of projects.
    pub project_members: Vec<ProjectMemberId>,
    /// Memberships of teams.
    pub team_members: Vec<TeamMemberId>,
    /// API keys that ended, or can do less in other hands.
    pub keys: Vec<KeyChange>,
}

/// Ends a membership that is not the owner's, and whatever rests on it.
pub async fn end_organization_membership(
    tx: &mut Transaction<'_>,
    permit: &Permit,
    member: &OrganizationMember,
    role: &Role,
    fate: FateOfKeys,
) -> Result<Ended> {
    let organization = member.organization_id;
    let before = keys::answered_for(tx, organization, member.user_id).await?;
    let answered_for: Vec<ApiKey> = before.iter().map(|key| key.key.clone()).collect();
    let project_members = end_projects(tx, permit, member).await?;
    let team_members = end_teams(tx, permit, member).await?;
    organization_members::delete(tx.conn, &Following(permit), member.id).await?;
    tx.count(organization, Counts { members: -1, ..Counts::default() });
    match fate {
        FateOfKeys::End => keys::end(tx, permit, &answered_for).await?,
        FateOfKeys::TakeOver => keys::take_over(tx, permit, &answered_for).await?,
    }
    let ids: Vec<_> = answered_for.iter().map(|key| key.id).collect();
    let after = keys::working(tx, &ids).await?;
    let keys = keys::compare(&tx.app.policy, &before, &after);
    revoke_pending_to(tx, permit, member.user_id, "the invitee left or was removed").await?;
    Rights::of(tx, permit, member.user_id).await?.changed(tx, permit).await?;
    let data = json!({ "user": member.user_id.to_string(), "email": member.email.as_str(), "role": role.key });
    tx.happened(organization, EventKind::MemberRemoved, member.id.0, None, data)?;
    Ok(Ended { project_members, team_members, keys })
}

/// Ends the project memberships; projects that the member owned pass to the organization's owner.
async fn end_projects(
    tx: &mut Transaction<'_>,
    permit: &Permit,
    member: &OrganizationMember,
) -> Result<Vec<ProjectMemberId>> {
    let organization = member.organization_id;
    let ended = project_members::of_user(tx.conn, organization, member.user_id).await?;
    let ids: Vec<ProjectMemberId> = ended.iter().map(|ended| ended.id).collect();
    project_members::delete(tx.conn, &Following(permit), &ids).await?;
    for ended in &ended {
        tx.count_project_members(organization, ended.project_id, -1);
        let data = json!({ "user": member.user_id.to_string() });
        tx.happened(organization, EventKind::ProjectMemberRemoved, ended.id.0, Some(ended.project_id), data)?;
    }
    let owned: Vec<&ProjectMember> = ended.iter().filter(|ended| ended.is_owner).collect();
    if !owned.is_empty() {
        inherit(tx, permit, organization, &owned).await?;
    }
    Ok(ids)
}

async fn end_teams(
    tx: &mut Transaction<'_>,
    permit: &Permit,
    member: &OrganizationMember,
) -> Result<Vec<TeamMemberId>> {
    let organization = member.organization_id;
    let ended = team_members::of_user(tx.conn, organization, member.user_id).await?;
    if ended.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<TeamMemberId> = ended.iter().map(|ended| ended.id).collect();
    team_members::delete(tx.conn, &Following(permit), &ids).await?;
    for ended in &ended {
        tx.count_team_members(organization, ended.team_id, -1);
        tx.happened(organization, EventKind::TeamMemberRemoved, ended.id.0, None, event_data(ended))?;
    }
    Ok(ids)
}

async fn inherit(
    tx: &mut Transaction<'_>,
    permit: &Permit,
    organization: OrganizationId,
    owned: &[&ProjectMember],
) -> Result<()> {
    let heir = organization_members::owners(tx.conn, &[organization]).await?.pop();
    let heir = heir.ok_or_else(|| Error::internal("an organization has no owner"))?;
    let person = users::pin_one(tx.conn, heir.user_id).await?;
    let roles = roles::of_organizations(tx.conn, &[organization]).await?;
    let owner = roles::owner(&roles, RoleScope::Project)?;
    let ids: Vec<ProjectId> = owned.iter().map(|ended| ended.project_id).collect();
    projects::touch(tx.conn, permit, &ids, tx.now).await?;
    for ended in owned {
        let row = ProjectMember::new(ProjectMemberId(tx.id()), ended.project_id, &person, owner, tx.now);
        if project_members::make_owner(tx.conn, &Following(permit), &row).await? {
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

/// Gives a member of a project another role.
pub async fn change_project_role(
    tx: &mut Transaction<'_>,
    permit: &Permit,
    member: &ProjectMember,
    (before, after): (&Role, &Role),
) -> Result<Vec<KeyChange>> {
    let rights = Rights::of(tx, permit, member.user_id).await?;
    project_members::set_role(tx.conn, &Following(permit), member.id, after, tx.now).await?;
    let keys = rights.changed(tx, permit).await?;
    let data = json!({ "user": member.user_id.to_string(), "before": before.key, "after": after.key });
    let project = Some(member.project_id);
    tx.happened(member.organization_id, EventKind::ProjectMemberRoleUpdated, member.id.0, project, data)?;
    Ok(keys)
}

/// Makes another member the owner of a project; whoever was it gets `role`.
pub async fn transfer_project(
    tx: &mut Transaction<'_>,
    permit: &Permit,
    new: &ProjectMember,
    (owner, role): (&Role, &Role),
) -> Result<(ProjectMemberId, Vec<KeyChange>)> {
    let (organization, project) = (new.organization_id, new.project_id);
    let previous = project_members::owners(tx.conn, &[(organization, project)]).await?.pop();
    let previous = previous.ok_or_else(|| Error::internal("a project has no owner"))?;
    let losing = Rights::of(tx, permit, previous.user_id).await?;
    let gaining = Rights::of(tx, permit, new.user_id).await?;
    project_members::set_role(tx.conn, &Following(permit), previous.id, role, tx.now).await?;
    project_members::set_role(tx.conn, &Following(permit), new.id, owner, tx.now).await?;
    projects::touch(tx.conn, permit, &[project], tx.now).await?;
    gaining.changed(tx, permit).await?;
    let keys = losing.changed(tx, permit).await?;
    let data = json!({
        "user": new.user_id.to_string(),
        "previousOwner": previous.user_id.to_string(),
        "previousOwnerRole": role.key,
    });
    tx.happened(organization, EventKind::ProjectOwnershipTransferred, project.0, Some(project), data)?;
    Ok((previous.id, keys))
}

/// Ends a membership of a project that is not the owner's.
pub async fn end_project_membership(
    tx: &mut Transaction<'_>,
    permit: &Permit,
    member: &ProjectMember,
    role: &Role,
) -> Result<Vec<KeyChange>> {
    let (organization, project) = (member.organization_id, member.project_id);
    let rights = Rights::of(tx, permit, member.user_id).await?;
    project_members::delete(tx.conn, &Following(permit), &[member.id]).await?;
    tx.count_project_members(organization, project, -1);
    let keys = rights.changed(tx, permit).await?;
    let data = json!({ "user": member.user_id.to_string(), "role": role.key });
    tx.happened(organization, EventKind::ProjectMemberRemoved, member.id.0, Some(project), data)?;
    Ok(keys)
}
