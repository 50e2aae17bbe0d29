//! Makes another member the owner of an organization.

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
    access::{OrganizationAccess, OrganizationRef, Permission},
    domain::{
        event::EventKind,
        id::{OrganizationId, OrganizationMemberId},
        role::RoleScope,
    },
    error::{Error, Refusal, Result},
    store::{
        organization_members::{self, OrganizationMember},
        organizations::{self, Organization},
        roles, users,
    },
};

/// Makes another member the owner. Where they are it already, it succeeds and nothing happens.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct OwnershipTransfer {
    pub organization: OrganizationRef,
    pub new_owner: UserRef,
    pub previous_owner_role: Option<RoleRef>,
    pub expected_version: Option<i32>,
}

/// Who owns an organization now.
#[derive(Clone, Debug)]
pub struct Transferred {
    /// The organization.
    pub organization: OrganizationId,
    /// The new owner.
    pub new_owner: OrganizationMemberId,
    /// The owner before; none when nothing happened.
    pub previous_owner: Option<OrganizationMemberId>,
}

impl Operation for OwnershipTransfer {
    type Output = Transferred;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Transferred> {
        let access = OrganizationAccess::lock_visible(tx.conn, &tx.app.policy, tx.viewer, &self.organization).await?;
        may::transfer_ownership(&access)?;
        let id = access.organization.id;
        let roles = roles::of_organizations(tx.conn, &[id]).await?;
        let version = check_version(self.expected_version, access.organization.version);
        let role = previous_owner_role(self.previous_owner_role.as_ref(), &roles, RoleScope::Organization);
        let (role, new) = match (version, role, self.new_owner(tx, &access).await?) {
            (Ok(()), Ok(role), Ok(new)) => (role, new),
            (version, role, new) => {
                return Err(Error::Refused([version.err(), role.err(), new.err()].into_iter().flatten().collect()));
            }
        };
        if new.is_owner {
            return Ok(Transferred { organization: id, new_owner: new.id, previous_owner: None });
        }
        users::lock(tx.conn, new.user_id).await?;
        let owned = users::owned_organizations(tx.conn, new.user_id).await?;
        may::own(&tx.app.limits, owned).map_err(|refusal| refusal.at(["newOwner"]))?;

        let previous = organization_members::owners(tx.conn, &[id]).await?.pop();
        let previous = previous.ok_or_else(|| Error::internal("an organization has no owner"))?;
        organization_members::set_role(tx.conn, previous.id, role, tx.now).await?;
        organization_members::set_role(tx.conn, new.id, roles::owner(&roles, RoleScope::Organization)?, tx.now).await?;
        organizations::update(tx.conn, &Organization { updated_at: tx.now, ..access.organization.clone() }).await?;
        revoke_ungivable(tx, id, previous.user_id.0).await?;
        let data = json!({
            "user": new.user_id.to_string(),
            "previousOwner": previous.user_id.to_string(),
            "previousOwnerRole": role.key,
        });
        tx.happened(id, EventKind::OrganizationOwnershipTransferred, id.0, None, data)?;
        Ok(Transferred { organization: id, new_owner: new.id, previous_owner: Some(previous.id) })
    }
}

impl OwnershipTransfer {
    async fn new_owner(
        &self,
        tx: &mut Transaction<'_>,
        access: &OrganizationAccess,
    ) -> Result<Result<OrganizationMember, Refusal>> {
        let user = user_by_ref(tx.conn, &self.new_owner).await?;
        let found = match user {
            Some(user) => organization_members::with_role(tx.conn, access.organization.id, user.id).await?,
            None => None,
        };
        let sees_members = access.permissions.has(Permission::MembersRead);
        Ok(found.map(|(member, _)| member).ok_or_else(|| {
            let why = "Only a member of the organization can become its owner; invite this person first.";
            not_member(&self.new_owner, sees_members, why).at(["newOwner"])
        }))
    }
}
