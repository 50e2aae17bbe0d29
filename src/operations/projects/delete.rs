//! Deletes a project with everything in it.

use serde_json::json;

use super::{
    super::{Operation, Transaction, input::check_version, invitations::revoke_all},
    may,
};
use crate::{
    access::{Permission, ProjectAccess, ProjectRef},
    domain::{
        event::EventKind,
        id::{OrganizationId, ProjectId},
    },
    error::Result,
    store::{invitations, organizations::Counts, projects},
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
        let access =
            ProjectAccess::lock(tx.conn, &tx.app.policy, tx.viewer, &self.project, Permission::ProjectRead).await?;
        may::delete(&access)?;
        let project = &access.project;
        let (organization, id) = (project.organization_id, project.id);
        check_version(self.expected_version, project.version)?;

        let to_it = invitations::pending_to_project(tx.conn, organization, id).await?;
        revoke_all(tx, organization, &to_it, "the project was deleted").await?;
        for invitation in invitations::forget_project(tx.conn, organization, id).await? {
            let data = json!({ "because": "the project was deleted" });
            tx.happened(organization, EventKind::InvitationUpdated, invitation.0, Some(id), data)?;
        }
        projects::delete(tx.conn, organization, id).await?;
        tx.sign_out(id.0);
        tx.count(organization, Counts { projects: -1, ..Counts::default() });
        let data = json!({ "slug": project.slug, "name": project.name, "members": project.member_count });
        tx.happened(organization, EventKind::ProjectDeleted, id.0, Some(id), data)?;
        Ok(Deleted { organization, project: id })
    }
}
