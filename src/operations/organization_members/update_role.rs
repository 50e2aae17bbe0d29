//! Gives an organization member another role.

use serde_json::json;

use super::{
    super::{
        Operation, Transaction,
        input::{OrganizationMemberRef, RoleRef, check_version, role_not_assignable},
        invitations::revoke_ungivable,
    },
    check_manageable, lock,
};
use crate::{
    domain::{event::EventKind, id::OrganizationMemberId, role::RoleScope},
    error::{Refusal, Result},
    store::{organization_members, roles},
};

/// Gives an organization member another role, no stronger than the viewer's own.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct UpdateRole {
    pub member: OrganizationMemberRef,
    pub role: RoleRef,
    pub expected_version: Option<i32>,
}

impl Operation for UpdateRole {
    type Output = OrganizationMemberId;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<OrganizationMemberId> {
        let managed = lock(tx, &self.member).await?;
        let organization = managed.organization.organization.id;
        let (member, old) = managed.member.ok_or_else(|| Refusal::not_found("member").at(["member"]))?;
        let roles = roles::of_organizations(tx.conn, &[organization]).await?;
        let role = self.role.among(&roles, RoleScope::Organization).map_err(|refusal| refusal.at(["role"]))?;
        check_manageable(&managed.organization, &old)?;
        if !managed.organization.may_give(role) {
            return Err(role_not_assignable(role).at(["role"]).into());
        }
        check_version(self.expected_version, member.version)?;
        if role.id == member.role_id {
            return Ok(member.id);
        }
        organization_members::set_role(tx.conn, member.id, role, tx.now).await?;
        revoke_ungivable(tx, organization, member.user_id.0).await?;
        let data = json!({ "user": member.user_id.to_string(), "before": old.key, "after": role.key });
        tx.happened(organization, EventKind::MemberRoleUpdated, member.id.0, None, data)?;
        Ok(member.id)
    }
}
