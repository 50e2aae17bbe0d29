//! Ends the viewer's own membership of an organization.

use super::{
    super::{Operation, Transaction, organization_members::end_membership},
    may,
};
use crate::{
    access::{OrganizationAccess, OrganizationRef},
    domain::id::{OrganizationId, OrganizationMemberId},
    error::Result,
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
        let (member, role) = may::leave(&access)?;
        end_membership(tx, member, role).await?;
        Ok(Left { organization: member.organization_id, member: member.id })
    }
}
