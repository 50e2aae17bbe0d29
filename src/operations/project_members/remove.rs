//! Removes a member from a project.

use super::{
    super::{Locked, Operation, Transaction, input::ProjectMemberRef},
    ManagedMember, may_manage, may_manage_members,
};
use crate::{
    consequences::{keys::KeyChange, memberships::end_project_membership},
    domain::id::{ProjectId, ProjectMemberId},
    error::Result,
};

/// Removes a member from a project. Done again, it succeeds and nothing happens.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Remove {
    pub member: ProjectMemberRef,
    pub dry_run: bool,
}

/// What ended.
#[derive(Clone, Debug)]
pub struct Removed {
    /// The project.
    pub project: ProjectId,
    /// The membership; none when it had ended before.
    pub member: Option<ProjectMemberId>,
    /// API keys of the person that can do less.
    pub keys: Vec<KeyChange>,
}

impl Operation for Remove {
    type Output = Removed;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Removed> {
        let locked = Locked::<ManagedMember>::lock(tx, &self.member).await?;
        let project = locked.project.project.id;
        let Some((member, role)) = &locked.member else {
            let _allowed = may_manage_members(&locked.project)?;
            return Ok(Removed { project, member: None, keys: Vec::new() });
        };
        let permit = locked.permit(may_manage(&locked.project, role))?;
        if self.dry_run {
            tx.discard();
        }
        let keys = end_project_membership(tx, &permit, member, role).await?;
        Ok(Removed { project, member: Some(member.id), keys })
    }
}
