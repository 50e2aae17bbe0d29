//! Removes a member from an organization, and ends whatever rests on the membership.

use super::{
    super::{Locked, Operation, Transaction, input::OrganizationMemberRef},
    ManagedMember, may_manage, may_manage_members,
};
use crate::{
    access::{OrganizationAccess, Permission, Viewer},
    consequences::{
        keys::check_strength,
        memberships::{Ended, FateOfKeys, end_organization_membership},
    },
    domain::id::{OrganizationId, OrganizationMemberId, UserId},
    error::{Code, Refusal, Result},
    store::api_keys::{self, Which},
};

/// Removes a member. Done again, it succeeds and nothing happens.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Remove {
    pub member: OrganizationMemberRef,
    pub api_keys: FateOfKeys,
    pub dry_run: bool,
}

/// What ended.
#[derive(Clone, Debug)]
pub struct Removed {
    /// The organization.
    pub organization: OrganizationId,
    /// The membership, and what ended with it; none when it had ended before.
    pub member: Option<(OrganizationMemberId, Ended)>,
}

impl Operation for Remove {
    type Output = Removed;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Removed> {
        let locked = Locked::<ManagedMember>::lock(tx, &self.member).await?;
        let organization = locked.organization.organization.id;
        let Some((member, role)) = &locked.target.0 else {
            let _allowed = may_manage_members(&locked.organization)?;
            return Ok(Removed { organization, member: None });
        };
        let permit = locked.permit(may_manage(&locked.organization, role))?;
        if self.api_keys == FateOfKeys::TakeOver {
            check_take_over(tx, &locked, member.user_id).await?;
        }
        if self.dry_run {
            tx.discard();
        }
        let ended = end_organization_membership(tx, &permit, member, role, self.api_keys).await?;
        Ok(Removed { organization, member: Some((member.id, ended)) })
    }
}

/// Whoever takes the keys of the member over may answer for each.
async fn check_take_over(tx: &mut Transaction<'_>, locked: &Locked<ManagedMember>, member: UserId) -> Result<()> {
    let at = |refusal: Refusal| refusal.at(["apiKeys"]);
    may_take_over_keys(&tx.viewer, &locked.organization)?;
    let organization = locked.organization.organization.id;
    for found in api_keys::with_roles(tx.conn, Which::AnsweredForBy(organization, member)).await? {
        if found.key.is_active(tx.now) {
            check_strength(tx, &locked.organization, &found.key).await?.map_err(at)?;
        }
    }
    Ok(())
}

/// The viewer may come to answer for keys of others, whichever these are.
///
/// # Errors
/// `FORBIDDEN`.
pub fn may_take_over_keys(viewer: &Viewer, organization: &OrganizationAccess) -> Result<(), Refusal> {
    let at = |refusal: Refusal| refusal.at(["apiKeys"]);
    let _allowed = organization.may(Permission::ApiKeysManage).map_err(at)?;
    if matches!(viewer, Viewer::Key(_)) {
        let message = "A person or the operator answers for API keys, not another key.";
        return Err(at(Refusal::new(Code::Forbidden, message)));
    }
    Ok(())
}
