//! Makes a team member its lead, or one no more.

use super::{
    super::{Operation, Transaction, input::TeamMemberRef},
    lock,
    replace::set_roles,
};
use crate::{
    domain::{id::TeamMemberId, team::TeamMemberRole},
    error::{Refusal, Result},
};

/// Gives a team member another role.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct UpdateRole {
    pub member: TeamMemberRef,
    pub role: TeamMemberRole,
}

impl Operation for UpdateRole {
    type Output = TeamMemberId;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<TeamMemberId> {
        let managed = lock(tx, &self.member).await?;
        let member = managed.member.ok_or_else(|| Refusal::not_found("member").at(["member"]))?;
        if member.role != self.role {
            set_roles(tx, &managed.team, &[(&member, self.role)]).await?;
        }
        Ok(member.id)
    }
}
