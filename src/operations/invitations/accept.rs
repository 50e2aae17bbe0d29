//! Joins, as the invited person.

use serde_json::json;

use super::{
    super::{Operation, Transaction},
    Held, InvitationRef,
    giver::Giver,
    held::Acceptance,
    teams::{join_teams, standing_teams},
};
use crate::{
    domain::{
        event::EventKind,
        id::{InvitationId, OrganizationMemberId, ProjectMemberId, TeamMemberId},
        invitation::InvitationStatus,
    },
    error::{Error, Result},
    store::{
        invitation_projects::ProjectGrant,
        invitations::{self, Invitation, Resolution},
        organization_members::{self, OrganizationMember},
        organizations::Counts,
        project_members::{self, ProjectMember},
        roles::{self, Role},
        users::User,
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
        let held = Held::lock(tx, &self.invitation).await?;
        let (invitation, user) = (&held.invitation, &held.user);
        let Acceptance { membership, grants, team_grants } = held.may_accept(tx.conn, &tx.app.policy, tx.now).await?;
        if let Some(member) = membership.as_ref().filter(|_| held.was_accepted()) {
            return Ok(Accepted {
                invitation: invitation.id,
                organization_member: member.id,
                project_members: Vec::new(),
                team_members: Vec::new(),
            });
        }
        let grants = standing(tx, grants).await?;
        let team_grants = standing_teams(tx, team_grants).await?;

        let resolution = Resolution { status: InvitationStatus::Accepted, by: tx.viewer.actor()?, at: tx.now };
        if invitations::resolve(tx.conn, invitation.organization_id, &[invitation.id], resolution).await?.is_empty() {
            return Err(Error::Transient("an invitation changed under its lock".into()));
        }
        tx.count(invitation.organization_id, Counts { pending_invitations: -1, ..Counts::default() });
        let data = json!({ "email": invitation.email.as_str() });
        tx.happened(
            invitation.organization_id,
            EventKind::InvitationAccepted,
            invitation.id.0,
            invitation.project_id,
            data,
        )?;

        let roles = roles::of_organizations(tx.conn, &[invitation.organization_id]).await?;
        let organization_member = match membership {
            Some(member) => member.id,
            None => join_organization(tx, invitation, user, &roles).await?,
        };
        let project_members = join_projects(tx, user, &grants, &roles).await?;
        let team_members = join_teams(tx, invitation, user, &team_grants).await?;
        Ok(Accepted { invitation: invitation.id, organization_member, project_members, team_members })
    }
}

/// The grants without those that somebody added who may no longer give them.
async fn standing(tx: &mut Transaction<'_>, grants: Vec<ProjectGrant>) -> Result<Vec<ProjectGrant>> {
    let mut standing = Vec::with_capacity(grants.len());
    for grant in grants {
        let stands = match grant.added_by_kind {
            None => true,
            Some(kind) => {
                let mut giver =
                    Giver::load(tx.conn, &tx.app.policy, tx.now, grant.organization_id, (kind, grant.added_by_id))
                        .await?;
                giver.may_grant(tx.conn, &grant).await?
            }
        };
        if stands {
            standing.push(grant);
        }
    }
    Ok(standing)
}

async fn join_organization(
    tx: &mut Transaction<'_>,
    invitation: &Invitation,
    user: &User,
    roles: &[Role],
) -> Result<OrganizationMemberId> {
    let role = roles
        .iter()
        .find(|role| role.id == invitation.role_id)
        .ok_or_else(|| Error::internal("an invitation has no role"))?;
    let member = OrganizationMember {
        invited_by_kind: Some(invitation.invited_by_kind),
        invited_by_id: invitation.invited_by_id,
        ..OrganizationMember::new(OrganizationMemberId(tx.id()), user, role, tx.now)
    };
    organization_members::insert(tx.conn, std::slice::from_ref(&member)).await?;
    tx.count(invitation.organization_id, Counts { members: 1, ..Counts::default() });
    let data = json!({ "user": user.id.to_string(), "role": role.key });
    tx.happened(invitation.organization_id, EventKind::MemberJoined, member.id.0, None, data)?;
    Ok(member.id)
}

/// Adds the projects that are granted; those the person is in already stay as they are.
async fn join_projects(
    tx: &mut Transaction<'_>,
    user: &User,
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
    let added = project_members::insert(tx.conn, &rows).await?;
    for member in &added {
        tx.count_project_members(member.organization_id, member.project_id, 1);
        let data = json!({ "user": user.id.to_string() });
        tx.happened(member.organization_id, EventKind::ProjectMemberAdded, member.id.0, Some(member.project_id), data)?;
    }
    Ok(added.into_iter().map(|member| member.id).collect())
}
