//! Removes a member from an organization, and ends whatever rests on the membership.

use super::{
    super::{Operation, Transaction, input::OrganizationMemberRef},
    check_manageable,
    end::{Ended, end_membership},
    lock,
};
use crate::{
    domain::id::{OrganizationId, OrganizationMemberId, ProjectMemberId, TeamMemberId},
    error::Result,
};

/// Removes a member. Done again, it succeeds and nothing happens.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Remove {
    pub member: OrganizationMemberRef,
}

/// What ended.
#[derive(Clone, Debug)]
pub struct Removed {
    /// The organization.
    pub organization: OrganizationId,
    /// The membership; none when it had ended before.
    pub member: Option<OrganizationMemberId>,
    /// The project memberships that ended with it.
    pub project_members: Vec<ProjectMemberId>,
    /// The team memberships that ended with it.
    pub team_members: Vec<TeamMemberId>,
}

impl Operation for Remove {
    type Output = Removed;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Removed> {
        let managed = lock(tx, &self.member).await?;
        let organization = managed.organization.organization.id;
        let Some((member, role)) = managed.member else {
            return Ok(Removed { organization, member: None, project_members: Vec::new(), team_members: Vec::new() });
        };
        check_manageable(&managed.organization, &role)?;
        let Ended { project_members, team_members } = end_membership(tx, &member, &role).await?;
        Ok(Removed { organization, member: Some(member.id), project_members, team_members })
    }
}
