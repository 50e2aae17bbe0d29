//! Gives a project member another role.

use serde_json::json;

use super::{
    super::{
        Operation, Transaction,
        input::{ProjectMemberRef, RoleRef, check_version, role_not_assignable},
        invitations::revoke_ungivable,
    },
    check_manageable, lock,
};
use crate::{
    domain::{event::EventKind, id::ProjectMemberId, role::RoleScope},
    error::{Refusal, Result},
    store::{project_members, roles},
};

/// Gives a project member another role, no stronger than the viewer's own.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct UpdateRole {
    pub member: ProjectMemberRef,
    pub role: RoleRef,
    pub expected_version: Option<i32>,
}

impl Operation for UpdateRole {
    type Output = ProjectMemberId;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<ProjectMemberId> {
        let managed = lock(tx, &self.member).await?;
        let organization = managed.project.project.organization_id;
        let (member, old) = managed.member.ok_or_else(|| Refusal::not_found("member").at(["member"]))?;
        let roles = roles::of_organizations(tx.conn, &[organization]).await?;
        let role = self.role.among(&roles, RoleScope::Project).map_err(|refusal| refusal.at(["role"]))?;
        check_manageable(&managed.project, &old)?;
        if !managed.project.may_give(role) {
            return Err(role_not_assignable(role).at(["role"]).into());
        }
        check_version(self.expected_version, member.version)?;
        if role.id == member.role_id {
            return Ok(member.id);
        }
        project_members::set_role(tx.conn, member.id, role, tx.now).await?;
        revoke_ungivable(tx, organization, member.user_id.0).await?;
        let data = json!({ "user": member.user_id.to_string(), "before": old.key, "after": role.key });
        tx.happened(organization, EventKind::ProjectMemberRoleUpdated, member.id.0, Some(member.project_id), data)?;
        Ok(member.id)
    }
}
