//! Deletes an organization with everything in it.

use std::sync::Arc;

use super::{
    super::{Locked, Operation, Transaction, input::check_version},
    may,
};
use crate::{
    access::{OrganizationAccess, OrganizationRef},
    consequences,
    domain::id::OrganizationId,
    error::Result,
};

/// Deletes an organization with everything in it. What happened in it stays in the audit log.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Delete {
    pub organization: OrganizationRef,
    pub expected_version: Option<i32>,
}

impl Operation for Delete {
    type Output = OrganizationId;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<OrganizationId> {
        let access = Locked::<Arc<OrganizationAccess>>::lock(tx, &self.organization).await?;
        let permit = access.permit(may::delete(&access))?;
        let organization = &access.target.organization;
        check_version(self.expected_version, organization.version)?;

        consequences::memberships::delete_organization(tx, &permit, organization).await?;
        Ok(organization.id)
    }
}
