//! Ends the viewer's own membership of a team.

use super::super::{Locked, Operation, Transaction};
use crate::{
    access::{TeamAccess, TeamRef},
    consequences::teams::end_memberships,
    domain::id::{TeamId, TeamMemberId},
    error::{Error, Result},
    store::team_members,
};

/// Ends the viewer's own membership of a team.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Leave {
    pub team: TeamRef,
}

/// What ended.
#[derive(Clone, Debug)]
pub struct Left {
    /// The team.
    pub team: TeamId,
    /// The membership.
    pub member: TeamMemberId,
}

impl Operation for Leave {
    type Output = Left;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Left> {
        let access = Locked::<TeamAccess>::lock(tx, &self.team).await?;
        let permit = access.permit(access.may_leave())?;
        let (organization, team) = access.key();
        let own = match tx.viewer.user_id() {
            Some(user) => team_members::among(tx.conn, organization, team, &[user], &[]).await?,
            None => Vec::new(),
        };
        let member = own.first().ok_or_else(|| Error::internal("a role in a team without a membership"))?.id;
        end_memberships(tx, &permit, &access, &own).await?;
        Ok(Left { team, member })
    }
}
