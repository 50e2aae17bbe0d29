//! Makes another member the owner of a project.

use serde_json::json;

use super::{
    super::{
        Operation, Transaction,
        input::{RoleRef, UserRef, check_version, not_member, previous_owner_role, user_by_ref},
        invitations::revoke_ungivable,
    },
    may,
};
use crate::{
    access::{Permission, ProjectAccess, ProjectRef},
    domain::{
        event::EventKind,
        id::{ProjectId, ProjectMemberId},
        role::RoleScope,
    },
    error::{Error, Refusal, Result},
    store::{
        project_members::{self, ProjectMember},
        projects, roles,
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
}

impl Operation for OwnershipTransfer {
    type Output = Transferred;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Transferred> {
        let access =
            ProjectAccess::lock(tx.conn, &tx.app.policy, tx.viewer, &self.project, Permission::ProjectRead).await?;
        may::transfer_ownership(&access)?;
        let (organization, id) = (access.project.organization_id, access.project.id);
        let roles = roles::of_organizations(tx.conn, &[organization]).await?;
        let version = check_version(self.expected_version, access.project.version);
        let role = previous_owner_role(self.previous_owner_role.as_ref(), &roles, RoleScope::Project);
        let (role, new) = match (version, role, self.new_owner(tx, &access).await?) {
            (Ok(()), Ok(role), Ok(new)) => (role, new),
            (version, role, new) => {
                return Err(Error::Refused([version.err(), role.err(), new.err()].into_iter().flatten().collect()));
            }
        };
        if new.is_owner {
            return Ok(Transferred { project: id, new_owner: new.id, previous_owner: None });
        }

        let previous = project_members::owners(tx.conn, &[(organization, id)]).await?.pop();
        let previous = previous.ok_or_else(|| Error::internal("a project has no owner"))?;
        project_members::set_role(tx.conn, previous.id, role, tx.now).await?;
        project_members::set_role(tx.conn, new.id, roles::owner(&roles, RoleScope::Project)?, tx.now).await?;
        projects::touch(tx.conn, organization, &[id], tx.now).await?;
        revoke_ungivable(tx, organization, previous.user_id.0).await?;
        let data = json!({
            "user": new.user_id.to_string(),
            "previousOwner": previous.user_id.to_string(),
            "previousOwnerRole": role.key,
        });
        tx.happened(organization, EventKind::ProjectOwnershipTransferred, id.0, Some(id), data)?;
        Ok(Transferred { project: id, new_owner: new.id, previous_owner: Some(previous.id) })
    }
}

impl OwnershipTransfer {
    async fn new_owner(
        &self,
        tx: &mut Transaction<'_>,
        access: &ProjectAccess,
    ) -> Result<Result<ProjectMember, Refusal>> {
        let (organization, project) = (access.project.organization_id, access.project.id);
        let found = match user_by_ref(tx.conn, &self.new_owner).await? {
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
