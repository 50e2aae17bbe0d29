//! Ends the viewer's own membership of a project.

use super::{
    super::{Operation, Transaction, project_members::end_membership},
    may,
};
use crate::{
    access::{Permission, ProjectAccess, ProjectRef},
    domain::id::{ProjectId, ProjectMemberId},
    error::Result,
    store::{project_members, roles},
};

/// Ends the viewer's own membership of a project.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Leave {
    pub project: ProjectRef,
}

/// What ended.
#[derive(Clone, Debug)]
pub struct Left {
    /// The project.
    pub project: ProjectId,
    /// The membership.
    pub member: ProjectMemberId,
}

impl Operation for Leave {
    type Output = Left;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Left> {
        let access =
            ProjectAccess::lock(tx.conn, &tx.app.policy, tx.viewer, &self.project, Permission::ProjectRead).await?;
        let (organization, project) = (access.project.organization_id, access.project.id);
        let own = match tx.viewer.user_id() {
            Some(user) => project_members::among(tx.conn, organization, project, &[user]).await?.pop(),
            None => None,
        };
        let member = may::leave(own.as_ref().map(|own| (own, own.is_owner)))?;
        let role = roles::by_ids(tx.conn, &[member.role_id]).await?.pop();
        end_membership(tx, member, role.as_ref()).await?;
        Ok(Left { project, member: member.id })
    }
}
