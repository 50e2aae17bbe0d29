//! Makes another member the owner of an organization.

use std::sync::Arc;

use super::{
    super::{
        Locked, Operation, Transaction,
        input::{RoleRef, UserRef, check_version, not_member, previous_owner_role},
    },
    may,
};
use crate::{
    access::{OrganizationAccess, OrganizationRef, Permission},
    consequences::{keys::KeyChange, memberships::transfer_organization},
    domain::{
        id::{OrganizationId, OrganizationMemberId},
        role::RoleScope,
    },
    error::{Error, Refusal, Result},
    store::{
        organization_members::{self, OrganizationMember},
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
    pub dry_run: bool,
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
    /// API keys of the owner before that can do less.
    pub keys: Vec<KeyChange>,
}

impl Operation for OwnershipTransfer {
    type Output = Transferred;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Transferred> {
        let access = Locked::<Arc<OrganizationAccess>>::lock(tx, &self.organization).await?;
        let permit = access.permit(access.may_transfer())?;
        let organization = &access.target.organization;
        let id = organization.id;
        let roles = roles::of_organizations(tx.conn, &[id]).await?;
        let version = check_version(self.expected_version, organization.version);
        let role =
            previous_owner_role(self.previous_owner_role.as_ref(), &access.target, &roles, RoleScope::Organization);
        let (role, new) = match (version, role, self.new_owner(tx, &access).await?) {
            (Ok(()), Ok(role), Ok(new)) => (role, new),
            (version, role, new) => {
                return Err(Error::Refused([version.err(), role.err(), new.err()].into_iter().flatten().collect()));
            }
        };
        if new.is_owner {
            return Ok(Transferred { organization: id, new_owner: new.id, previous_owner: None, keys: Vec::new() });
        }
        users::lock(tx.conn, new.user_id).await?;
        let owned = users::owned_organizations(tx.conn, new.user_id).await?;
        may::own(&tx.app.limits, owned).map_err(|refusal| refusal.at(["newOwner"]))?;
        if self.dry_run {
            tx.discard();
        }
        let owner = roles::owner(&roles, RoleScope::Organization)?;
        let (previous, keys) = transfer_organization(tx, &permit, organization, &new, (owner, role)).await?;
        Ok(Transferred { organization: id, new_owner: new.id, previous_owner: Some(previous.id), keys })
    }
}

impl OwnershipTransfer {
    async fn new_owner(
        &self,
        tx: &mut Transaction<'_>,
        access: &OrganizationAccess,
    ) -> Result<Result<OrganizationMember, Refusal>> {
        let found = match self.new_owner.find(tx.conn).await? {
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
