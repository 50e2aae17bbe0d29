//! Changes of memberships of organizations.

mod remove;
mod update_role;

pub use remove::{Remove, Removed, may_take_over_keys};
pub use update_role::{UpdateRole, may_update_role};

use std::sync::Arc;

use super::{
    Target, Transaction,
    input::{OrganizationMemberRef, outranked},
};
use crate::{
    access::{Allowed, OrganizationAccess, Permission},
    domain::{event::EventKind, id::OrganizationId},
    error::{Code, Refusal, Result},
    store::{
        Connection, events,
        organization_members::{self, OrganizationMember},
        roles::Role,
    },
};

/// A member as those find them who may know who is one; nobody when they are gone already.
struct ManagedMember(Option<(OrganizationMember, Role)>);

impl Target for ManagedMember {
    type By = OrganizationMemberRef;

    fn missing() -> Refusal {
        Refusal::not_found("member").at(["member"])
    }

    async fn organization_of(conn: &Connection, by: &OrganizationMemberRef) -> Result<Option<OrganizationId>> {
        match by {
            OrganizationMemberRef::Lookup(organization, _) => organization.id(conn).await,
            OrganizationMemberRef::Id(id) => match organization_members::by_ids(conn, &[*id]).await?.pop() {
                Some(found) => Ok(Some(found.organization_id)),
                None => Ok(events::removal(conn, EventKind::MemberRemoved.as_str(), id.0).await?.map(|(of, _)| of)),
            },
            OrganizationMemberRef::Unknown => Ok(None),
        }
    }

    async fn find(
        tx: &mut Transaction<'_>,
        organization: &Arc<OrganizationAccess>,
        by: &OrganizationMemberRef,
    ) -> Result<Option<Self>> {
        if !knows_members(organization) {
            return Ok(None);
        }
        let user = match by {
            OrganizationMemberRef::Lookup(_, user) => user.find(tx.conn).await?.map(|user| user.id),
            OrganizationMemberRef::Id(id) => {
                let found = organization_members::by_ids(tx.conn, &[*id]).await?.pop();
                found.map(|found| found.user_id)
            }
            OrganizationMemberRef::Unknown => None,
        };
        Ok(Some(Self(match user {
            Some(user) => organization_members::with_role(tx.conn, organization.organization.id, user).await?,
            None => None,
        })))
    }
}

/// Who may not list the members does not learn who is one.
fn knows_members(organization: &OrganizationAccess) -> bool {
    let may_know = [Permission::MembersRead, Permission::MembersManage];
    may_know.into_iter().any(|permission| organization.permissions.has(permission))
}

/// Before a member is changed or removed who is gone, perhaps.
fn may_manage_members(organization: &OrganizationAccess) -> Result<Allowed, Refusal> {
    organization.may(Permission::MembersManage)
}

/// Before `organizationMemberUpdateRole` and `organizationMemberRemove`, whatever their input: what the mutations ask
/// after their lock, and `viewerCan` shows.
///
/// # Errors
/// `NOT_FOUND`, `FORBIDDEN` or `OWNER_PROTECTED`.
pub fn may_manage(organization: &OrganizationAccess, role: &Role) -> Result<Allowed, Refusal> {
    if !knows_members(organization) {
        return Err(ManagedMember::missing());
    }
    let allowed = may_manage_members(organization)?;
    // The owner stays, and nobody manages who is stronger than they are.
    if role.is_owner() {
        let protected = "The owner cannot be removed or demoted; transfer the ownership first.";
        return Err(Refusal::new(Code::OwnerProtected, protected).at(["member"]));
    }
    if organization.outranks(role) { Ok(allowed) } else { Err(outranked().at(["member"])) }
}
