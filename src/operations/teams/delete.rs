//! Deletes a team.

use super::super::{Locked, Operation, Transaction, input::check_version};
use crate::{
    access::{TeamAccess, TeamRef},
    consequences,
    domain::id::{OrganizationId, TeamId},
    error::Result,
};

/// Deletes a team with its memberships; invitations grant it no more.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Delete {
    pub team: TeamRef,
    pub expected_version: Option<i32>,
}

/// What is gone.
#[derive(Clone, Debug)]
pub struct Deleted {
    /// The organization.
    pub organization: OrganizationId,
    /// The team.
    pub team: TeamId,
}

impl Operation for Delete {
    type Output = Deleted;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Deleted> {
        let access = Locked::<TeamAccess>::lock(tx, &self.team).await?;
        let permit = access.permit(access.may_manage())?;
        check_version(self.expected_version, access.team.version)?;
        consequences::teams::delete(tx, &permit, &access).await?;
        let (organization, team) = access.key();
        Ok(Deleted { organization, team })
    }
}
