//! Joins, as the invited person.

use std::collections::HashMap;

use serde_json::json;

use super::{
    super::{Operation, Transaction},
    InvitationRef, ReceivedInvitation,
    received::Acceptance,
};
use crate::{
    access::{ActorRef, Inviter, Permit},
    consequences::{grants::join_teams, invitations::resolve},
    domain::{
        event::EventKind,
        id::{InvitationId, OrganizationId, OrganizationMemberId, ProjectId, ProjectMemberId, TeamId, TeamMemberId},
        invitation::InvitationStatus,
    },
    error::{Error, Result},
    store::{
        invitation_projects::ProjectGrant,
        invitations::Invitation,
        organization_members::{self, OrganizationMember},
        organizations::Counts,
        project_members::{self, ProjectMember},
        roles::{self, Role},
        users::{self, Listed, Pinned},
    },
};

/// Accepts an invitation. Done again by the same person, it succeeds and nothing happens.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Accept {
    pub invitation: InvitationRef,
}

/// An accepted invitation.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The invitation.
    pub invitation: InvitationId,
    /// The membership, new or kept.
    pub organization_member: OrganizationMemberId,
    /// Project memberships that are new.
    pub project_members: Vec<ProjectMemberId>,
    /// Team memberships that are the person's by it.
    pub team_members: Vec<TeamMemberId>,
}

impl Operation for Accept {
    type Output = Accepted;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Accepted> {
        let (received, permit) = ReceivedInvitation::lock(tx, &self.invitation).await?;
        let invitation = &received.invitation;
        let acceptance = received.may_accept(tx.conn, &tx.app.policy, tx.now).await?;
        if let Some(member) = acceptance.membership.as_ref().filter(|_| received.was_accepted()) {
            return Ok(Accepted {
                invitation: invitation.id,
                organization_member: member.id,
                project_members: Vec::new(),
                team_members: Vec::new(),
            });
        }
        let Acceptance { membership, grants, team_grants } =
            standing(tx, invitation.organization_id, acceptance).await?;
        let person = users::pin_one(tx.conn, received.user.id).await?;
        resolve(tx, &permit, invitation, (InvitationStatus::Accepted, EventKind::InvitationAccepted)).await?;

        let roles = roles::of_organizations(tx.conn, &[invitation.organization_id]).await?;
        let organization_member = match membership {
            Some(member) => member.id,
            None => join_organization(tx, &permit, invitation, &person, &roles).await?,
        };
        let project_members = join_projects(tx, &permit, &person, &grants, &roles).await?;
        let team_members = join_teams(tx, &permit, invitation, &person, &team_grants).await?;
        Ok(Accepted { invitation: invitation.id, organization_member, project_members, team_members })
    }
}

/// What an invitation comes to without what somebody added who may no longer give it.
async fn standing(
    tx: &mut Transaction<'_>,
    organization: OrganizationId,
    acceptance: Acceptance,
) -> Result<Acceptance> {
    let projects: Vec<ProjectId> = acceptance.grants.iter().map(|grant| grant.project_id).collect();
    let teams: Vec<TeamId> = acceptance.team_grants.iter().map(|grant| grant.team_id).collect();
    let mut adders: HashMap<ActorRef, Inviter> = HashMap::new();
    for by in acceptance.adders() {
        let policy = &tx.app.policy;
        let adder = Inviter::load(tx.conn, policy, tx.now, organization, by, &projects, &teams).await?;
        adders.insert(by, adder);
    }
    let adder = |by: ActorRef| adders.get(&by);
    Ok(acceptance.standing(
        |by, grant| adder(by).is_some_and(|adder| adder.can_grant_project(grant)),
        |by, grant| adder(by).is_some_and(|adder| adder.can_grant_team(grant)),
    ))
}

async fn join_organization(
    tx: &mut Transaction<'_>,
    permit: &Permit,
    invitation: &Invitation,
    user: &Pinned,
    roles: &[Role],
) -> Result<OrganizationMemberId> {
    let role = roles
        .iter()
        .find(|role| Some(role.id) == invitation.role_id)
        .ok_or_else(|| Error::internal("an invitation has no role"))?;
    let member = OrganizationMember {
        invited_by_kind: Some(invitation.invited_by_kind),
        invited_by_id: invitation.invited_by_id,
        ..OrganizationMember::new(OrganizationMemberId(tx.id()), user, role, tx.now)
    };
    organization_members::insert(tx.conn, permit, std::slice::from_ref(&member)).await?;
    tx.count(invitation.organization_id, Counts { members: 1, ..Counts::default() });
    let data = json!({ "user": user.id().to_string(), "role": role.key });
    tx.happened(invitation.organization_id, EventKind::MemberJoined, member.id.0, None, data)?;
    Ok(member.id)
}

/// Adds the projects that are granted; those the person is in already stay as they are.
async fn join_projects(
    tx: &mut Transaction<'_>,
    permit: &Permit,
    user: &Pinned,
    grants: &[ProjectGrant],
    roles: &[Role],
) -> Result<Vec<ProjectMemberId>> {
    let rows: Vec<ProjectMember> = grants
        .iter()
        .filter_map(|grant| {
            let role = roles.iter().find(|role| role.id == grant.role_id)?;
            Some(ProjectMember::new(ProjectMemberId(tx.id()), grant.project_id, user, role, tx.now))
        })
        .collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let added = project_members::insert(tx.conn, permit, &rows).await?;
    for member in &added {
        tx.count_project_members(member.organization_id, member.project_id, 1);
        let data = json!({ "user": user.id().to_string() });
        tx.happened(member.organization_id, EventKind::ProjectMemberAdded, member.id.0, Some(member.project_id), data)?;
    }
    Ok(added.into_iter().map(|member| member.id).collect())
}
