//! Ends the viewer's own membership of an organization.

use super::{
    super::{Operation, Transaction, organization_members::end_membership},
    may,
};
use crate::{
    access::{OrganizationAccess, OrganizationRef},
    domain::id::{OrganizationId, OrganizationMemberId},
    error::{Error, Result},
    store::organization_members,
};

/// Ends the viewer's own membership, and whatever rests on it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Leave {
    pub organization: OrganizationRef,
}

/// What ended.
#[derive(Clone, Debug)]
pub struct Left {
    /// The organization.
    pub organization: OrganizationId,
    /// The membership.
    pub member: OrganizationMemberId,
}

impl Operation for Leave {
    type Output = Left;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Left> {
        let access = OrganizationAccess::lock_visible(tx.conn, &tx.app.policy, tx.viewer, &self.organization).await?;
        let member = may::leave(&access)?;
        let found = organization_members::with_role(tx.conn, member.organization_id, member.user_id).await?;
        let (member, role) = found.ok_or_else(|| Error::internal("a membership is gone in spite of the lock"))?;
        end_membership(tx, &member, &role).await?;
        Ok(Left { organization: member.organization_id, member: member.id })
    }
}
