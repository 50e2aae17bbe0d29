//! Deletes a project with everything in it.

use super::{
    super::{Locked, Operation, Transaction, input::check_version},
    may,
};
use crate::{
    access::{ProjectAccess, ProjectRef},
    consequences::memberships::delete_project,
    domain::id::{OrganizationId, ProjectId},
    error::Result,
};

/// Deletes a project. Invitations to it are taken back and stay as what happened; those that granted it beside
/// other things go on without it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Delete {
    pub project: ProjectRef,
    pub expected_version: Option<i32>,
}

/// What was deleted.
#[derive(Clone, Debug)]
pub struct Deleted {
    /// The organization.
    pub organization: OrganizationId,
    /// The project.
    pub project: ProjectId,
}

impl Operation for Delete {
    type Output = Deleted;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Deleted> {
        let access = Locked::<ProjectAccess>::lock(tx, &self.project).await?;
        let permit = access.permit(may::delete(&access))?;
        let project = &access.project;
        check_version(self.expected_version, project.version)?;
        delete_project(tx, &permit, project).await?;
        Ok(Deleted { organization: project.organization_id, project: project.id })
    }
}
