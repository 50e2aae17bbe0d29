//! Removes a member from a project.

use serde_json::json;

use super::{
    super::{Operation, Transaction, input::ProjectMemberRef, invitations::revoke_ungivable},
    check_manageable, lock,
};
use crate::{
    domain::{
        event::EventKind,
        id::{ProjectId, ProjectMemberId},
    },
    error::Result,
    store::{
        project_members::{self, ProjectMember},
        roles::Role,
    },
};

/// Removes a member from a project. Done again, it succeeds and nothing happens.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Remove {
    pub member: ProjectMemberRef,
}

/// What ended.
#[derive(Clone, Debug)]
pub struct Removed {
    /// The project.
    pub project: ProjectId,
    /// The membership; none when it had ended before.
    pub member: Option<ProjectMemberId>,
}

impl Operation for Remove {
    type Output = Removed;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Removed> {
        let managed = lock(tx, &self.member).await?;
        let project = managed.project.project.id;
        let Some((member, role)) = managed.member else { return Ok(Removed { project, member: None }) };
        check_manageable(&managed.project, &role)?;
        end_membership(tx, &member, Some(&role)).await?;
        Ok(Removed { project, member: Some(member.id) })
    }
}

/// Ends a membership that is not the owner's, and takes back what the member could not invite to without.
/// The organization is locked.
pub async fn end_membership(tx: &mut Transaction<'_>, member: &ProjectMember, role: Option<&Role>) -> Result<()> {
    let (organization, project) = (member.organization_id, member.project_id);
    project_members::delete(tx.conn, organization, &[member.id]).await?;
    tx.count_project_members(organization, project, -1);
    revoke_ungivable(tx, organization, member.user_id.0).await?;
    let data = json!({ "user": member.user_id.to_string(), "role": role.map(|role| &role.key) });
    tx.happened(organization, EventKind::ProjectMemberRemoved, member.id.0, Some(project), data)
}
