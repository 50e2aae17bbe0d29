//! Changes of memberships of organizations.

mod end;
mod remove;
mod update_role;

pub(super) use end::end_membership;
pub use remove::{Remove, Removed};
pub use update_role::UpdateRole;

use std::sync::Arc;

use super::{
    Transaction,
    input::{OrganizationMemberRef, outranked, user_by_ref},
};
use crate::{
    access::{OrganizationAccess, OrganizationRef, Permission},
    domain::event::EventKind,
    error::{Code, Error, Refusal, Result},
    store::{
        events,
        organization_members::{self, OrganizationMember},
        roles::Role,
    },
};

/// A member as the viewer manages them, with the organization locked.
struct Managed {
    organization: Arc<OrganizationAccess>,
    /// Nobody when they are gone already.
    member: Option<(OrganizationMember, Role)>,
}

/// Locks the organization of a member, for those who manage its members.
async fn lock(tx: &mut Transaction<'_>, member: &OrganizationMemberRef) -> Result<Managed> {
    let missing = || Error::from(Refusal::not_found("member").at(["member"]));
    let (by, user) = match member {
        OrganizationMemberRef::Lookup(organization, user) => {
            (organization.clone(), user_by_ref(tx.conn, user).await?.map(|user| user.id))
        }
        OrganizationMemberRef::Id(id) => {
            if let Some(found) = organization_members::by_ids(tx.conn, &[*id]).await?.pop() {
                (OrganizationRef::Id(found.organization_id), Some(found.user_id))
            } else {
                let removed = events::removal(tx.conn, EventKind::MemberRemoved.as_str(), id.0).await?;
                (OrganizationRef::Id(removed.ok_or_else(missing)?.0), None)
            }
        }
        OrganizationMemberRef::Unknown => return Err(missing()),
    };
    let organization = OrganizationAccess::lock_visible(tx.conn, &tx.app.policy, tx.viewer, &by).await;
    let organization =
        organization.map_err(|error| if matches!(error, Error::Refused(_)) { missing() } else { error })?;
    may_manage_members(&organization)?;
    let member = match user {
        Some(user) => organization_members::with_role(tx.conn, organization.organization.id, user).await?,
        None => None,
    };
    Ok(Managed { organization, member })
}

/// Before a member is changed or removed, whoever it is. Who may not list the members does not learn who is one.
fn may_manage_members(organization: &OrganizationAccess) -> Result<(), Refusal> {
    let may_know = [Permission::MembersRead, Permission::MembersManage];
    if !may_know.into_iter().any(|permission| organization.permissions.has(permission)) {
        return Err(Refusal::not_found("member").at(["member"]));
    }
    organization.may(Permission::MembersManage)
}

/// Before `organizationMemberUpdateRole` and `organizationMemberRemove`, whatever their input: what the mutations ask
/// after their lock, and `viewerCan` shows.
///
/// # Errors
/// `NOT_FOUND`, `FORBIDDEN` or `OWNER_PROTECTED`.
pub fn may_manage(organization: &OrganizationAccess, role: &Role) -> Result<(), Refusal> {
    may_manage_members(organization)?;
    check_manageable(organization, role)
}

/// The owner stays, and nobody manages who is stronger than they are.
fn check_manageable(organization: &OrganizationAccess, role: &Role) -> Result<(), Refusal> {
    if role.is_owner() {
        let protected = "The owner cannot be removed or demoted; transfer the ownership first.";
        return Err(Refusal::new(Code::OwnerProtected, protected).at(["member"]));
    }
    if organization.outranks(role) { Ok(()) } else { Err(outranked().at(["member"])) }
}
