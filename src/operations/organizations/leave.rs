//! Ends the viewer's own membership of an organization.

use std::sync::Arc;

use super::super::{Locked, Operation, Transaction};
use crate::{
    access::{OrganizationAccess, OrganizationRef},
    consequences::memberships::{Ended, FateOfKeys, end_organization_membership},
    domain::id::{OrganizationId, OrganizationMemberId},
    error::{Error, Result},
    store::organization_members,
};

/// Ends the viewer's own membership, and whatever rests on it: the API keys that they answer for as well.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Leave {
    pub organization: OrganizationRef,
    pub dry_run: bool,
}

/// What ended.
#[derive(Clone, Debug)]
pub struct Left {
    /// The organization.
    pub organization: OrganizationId,
    /// The membership.
    pub member: OrganizationMemberId,
    /// What ended with it.
    pub ended: Ended,
}

impl Operation for Leave {
    type Output = Left;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Left> {
        let access = Locked::<Arc<OrganizationAccess>>::lock(tx, &self.organization).await?;
        let (allowed, member) = access.may_leave()?;
        let permit = access.permit(Ok(allowed))?;
        let found = organization_members::with_role(tx.conn, member.organization_id, member.user_id).await?;
        let (member, role) = found.ok_or_else(|| Error::internal("a membership is gone in spite of the lock"))?;
        if self.dry_run {
            tx.discard();
        }
        let ended = end_organization_membership(tx, &permit, &member, &role, FateOfKeys::End).await?;
        Ok(Left { organization: member.organization_id, member: member.id, ended })
    }
}
