//! Gives a project member another role.

use super::{
    super::{
        Locked, Operation, Target, Transaction,
        input::{ProjectMemberRef, RoleRef, RoleUpdated, check_version, role_not_assignable},
    },
    ManagedMember, may_manage, may_manage_members,
};
use crate::{
    access::{Allowed, ProjectAccess},
    consequences::memberships::change_project_role,
    domain::{id::ProjectMemberId, role::RoleScope},
    error::{Refusal, Result},
    store::roles::{self, Role},
};

/// Gives a project member another role, no stronger than the viewer's own.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct UpdateRole {
    pub member: ProjectMemberRef,
    pub role: RoleRef,
    pub expected_version: Option<i32>,
    pub dry_run: bool,
}

impl Operation for UpdateRole {
    type Output = RoleUpdated<ProjectMemberId>;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Self::Output> {
        let locked = Locked::<ManagedMember>::lock(tx, &self.member).await?;
        let organization = locked.organization.organization.id;
        // Before the role that is wanted: who may not manage members learns nothing of roles.
        let _allowed = may_manage_members(&locked.project)?;
        let Some((member, old)) = &locked.member else { return Err(ManagedMember::missing().into()) };
        let roles = roles::of_organizations(tx.conn, &[organization]).await?;
        let role = self.role.among(&locked.organization, &roles, RoleScope::Project);
        let role = role.map_err(|refusal| refusal.at(["role"]))?;
        let permit = locked.permit(may_update_role(&locked.project, old, role))?;
        check_version(self.expected_version, member.version)?;
        if role.id == member.role_id {
            return Ok(RoleUpdated { member: member.id, keys: Vec::new() });
        }
        if self.dry_run {
            tx.discard();
        }
        let keys = change_project_role(tx, &permit, member, (old, role)).await?;
        Ok(RoleUpdated { member: member.id, keys })
    }
}

/// The viewer may give a member who has a role another one.
///
/// # Errors
/// As [`may_manage`], or `ROLE_NOT_ASSIGNABLE`.
pub fn may_update_role(project: &ProjectAccess, old: &Role, new: &Role) -> Result<Allowed, Refusal> {
    let allowed = may_manage(project, old)?;
    if project.may_give(new) { Ok(allowed) } else { Err(role_not_assignable(new).at(["role"])) }
}
