//! Removes a member from a team.

use super::{
    super::{Locked, Operation, Transaction, input::TeamMemberRef},
    ManagedMember,
};
use crate::{
    consequences::teams::end_memberships,
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
        let locked = Locked::<ManagedMember>::lock(tx, &self.member).await?;
        let permit = locked.permit(locked.may_manage())?;
        let team = locked.team.team.id;
        let Some(member) = &locked.member else { return Ok(Removed { team, member: None }) };
        end_memberships(tx, &permit, &locked.team, std::slice::from_ref(member)).await?;
        Ok(Removed { team, member: Some(member.id) })
    }
}
