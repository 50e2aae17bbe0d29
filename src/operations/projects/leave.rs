//! Ends the viewer's own membership of a project.

use super::super::{Locked, Operation, Transaction};
use crate::{
    access::{ProjectAccess, ProjectRef},
    consequences::{keys::KeyChange, memberships::end_project_membership},
    domain::id::{ProjectId, ProjectMemberId},
    error::{Error, Result},
    store::{project_members, roles},
};

/// Ends the viewer's own membership of a project.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Leave {
    pub project: ProjectRef,
    pub dry_run: bool,
}

/// What ended.
#[derive(Clone, Debug)]
pub struct Left {
    /// The project.
    pub project: ProjectId,
    /// The membership.
    pub member: ProjectMemberId,
    /// The viewer's API keys that can do less.
    pub keys: Vec<KeyChange>,
}

impl Operation for Leave {
    type Output = Left;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Left> {
        let access = Locked::<ProjectAccess>::lock(tx, &self.project).await?;
        let (organization, project) = (access.project.organization_id, access.project.id);
        let own = match tx.viewer.user_id() {
            Some(user) => project_members::among(tx.conn, organization, project, &[user]).await?.pop(),
            None => None,
        };
        let (allowed, member) = access.may_leave(own.as_ref().map(|own| (own, own.is_owner)))?;
        let permit = access.permit(Ok(allowed))?;
        let role = roles::by_ids(tx.conn, &[member.role_id]).await?.pop();
        let role = role.ok_or_else(|| Error::internal("a project member has no role"))?;
        if self.dry_run {
            tx.discard();
        }
        let keys = end_project_membership(tx, &permit, member, &role).await?;
        Ok(Left { project, member: member.id, keys })
    }
}
