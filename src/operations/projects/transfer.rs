//! Makes another member the owner of a project.

use super::super::{
    Locked, Operation, Transaction,
    input::{RoleRef, UserRef, check_version, not_member, previous_owner_role},
};
use crate::{
    access::{Permission, ProjectAccess, ProjectRef},
    consequences::{keys::KeyChange, memberships::transfer_project},
    domain::{
        id::{ProjectId, ProjectMemberId},
        role::RoleScope,
    },
    error::{Error, Refusal, Result},
    store::{
        project_members::{self, ProjectMember},
        roles,
    },
};

/// Makes another member of a project its owner. Where they are it already, it succeeds and nothing happens.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct OwnershipTransfer {
    pub project: ProjectRef,
    pub new_owner: UserRef,
    pub previous_owner_role: Option<RoleRef>,
    pub expected_version: Option<i32>,
    pub dry_run: bool,
}

/// Who owns a project now.
#[derive(Clone, Debug)]
pub struct Transferred {
    /// The project.
    pub project: ProjectId,
    /// The new owner.
    pub new_owner: ProjectMemberId,
    /// The owner before; none when nothing happened.
    pub previous_owner: Option<ProjectMemberId>,
    /// API keys of the owner before that can do less.
    pub keys: Vec<KeyChange>,
}

impl Operation for OwnershipTransfer {
    type Output = Transferred;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Transferred> {
        let access = Locked::<ProjectAccess>::lock(tx, &self.project).await?;
        let permit = access.permit(access.may_transfer())?;
        let (organization, id) = (access.project.organization_id, access.project.id);
        let roles = roles::of_organizations(tx.conn, &[organization]).await?;
        let version = check_version(self.expected_version, access.project.version);
        let role =
            previous_owner_role(self.previous_owner_role.as_ref(), &access.organization, &roles, RoleScope::Project);
        let (role, new) = match (version, role, self.new_owner(tx, &access).await?) {
            (Ok(()), Ok(role), Ok(new)) => (role, new),
            (version, role, new) => {
                return Err(Error::Refused([version.err(), role.err(), new.err()].into_iter().flatten().collect()));
            }
        };
        if new.is_owner {
            return Ok(Transferred { project: id, new_owner: new.id, previous_owner: None, keys: Vec::new() });
        }

        if self.dry_run {
            tx.discard();
        }
        let owner = roles::owner(&roles, RoleScope::Project)?;
        let (previous, keys) = transfer_project(tx, &permit, &new, (owner, role)).await?;
        Ok(Transferred { project: id, new_owner: new.id, previous_owner: Some(previous), keys })
    }
}

impl OwnershipTransfer {
    async fn new_owner(
        &self,
        tx: &mut Transaction<'_>,
        access: &ProjectAccess,
    ) -> Result<Result<ProjectMember, Refusal>> {
        let (organization, project) = (access.project.organization_id, access.project.id);
        let found = match self.new_owner.find(tx.conn).await? {
            Some(user) => project_members::among(tx.conn, organization, project, &[user.id]).await?.pop(),
            None => None,
        };
        let sees_members = access.permissions.has(Permission::ProjectMembersRead);
        Ok(found.ok_or_else(|| {
            let why = "Only a member of the project can become its owner; add this person first.";
            not_member(&self.new_owner, sees_members, why).at(["newOwner"])
        }))
    }
}
