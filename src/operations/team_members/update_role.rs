//! Makes a team member its lead, or one no more.

use super::{
    super::{Locked, Operation, Target, Transaction, input::TeamMemberRef},
    ManagedMember,
};
use crate::{
    consequences::teams::set_roles,
    domain::{id::TeamMemberId, team::TeamMemberRole},
    error::Result,
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
        let locked = Locked::<ManagedMember>::lock(tx, &self.member).await?;
        let permit = locked.permit(locked.may_manage())?;
        let member = locked.member.as_ref().ok_or_else(ManagedMember::missing)?;
        if member.role != self.role {
            set_roles(tx, &permit, &locked.team, &[(member, self.role)]).await?;
        }
        Ok(member.id)
    }
}
