//! Deletes an organization with everything in it.

use serde_json::json;

use super::{
    super::{Operation, Transaction, input::check_version},
    may,
};
use crate::{
    access::{OrganizationAccess, OrganizationRef},
    domain::{event::EventKind, id::OrganizationId},
    error::Result,
    store::organizations,
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
        let access = OrganizationAccess::lock_visible(tx.conn, &tx.app.policy, tx.viewer, &self.organization).await?;
        may::delete(&access)?;
        let organization = &access.organization;
        check_version(self.expected_version, organization.version)?;

        let data = json!({
            "slug": organization.slug,
            "name": organization.name,
            "members": organization.member_count,
            "projects": organization.project_count,
        });
        tx.happened(organization.id, EventKind::OrganizationDeleted, organization.id.0, None, data)?;
        // The event gets its number from the row that goes.
        tx.sign_out(organization.id.0);
        tx.write_last().await?;
        organizations::delete(tx.conn, organization.id).await?;
        Ok(organization.id)
    }
}
