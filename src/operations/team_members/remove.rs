//! Removes a member from a team.

use super::{
    super::{Operation, Transaction, input::TeamMemberRef},
    end_memberships, lock,
};
use crate::{
    domain::id::{TeamId, TeamMemberId},
    error::Result,
};

/// Removes a member, or an invitee, from a team. Done again, it succeeds and nothing happens.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Remove {
    pub member: TeamMemberRef,
}

/// What ended.
#[derive(Clone, Debug)]
pub struct Removed {
    /// The team.
    pub team: TeamId,
    /// The membership; none when it had ended before.
    pub member: Option<TeamMemberId>,
}

impl Operation for Remove {
    type Output = Removed;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Removed> {
        let managed = lock(tx, &self.member).await?;
        let team = managed.team.team.id;
        let Some(member) = managed.member else { return Ok(Removed { team, member: None }) };
        end_memberships(tx, &managed.team, std::slice::from_ref(&member)).await?;
        Ok(Removed { team, member: Some(member.id) })
    }
}
