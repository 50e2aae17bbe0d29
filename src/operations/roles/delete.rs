//! Deletes a role of an organization's own; those who have it get another one.

use serde_json::json;

use super::{
    super::{
        Locked, Operation, Transaction,
        input::{RoleRef, check_version, role_not_assignable},
    },
    ManagedRole, may_change,
};
use crate::{
    access::OrganizationAccess,
    consequences,
    domain::{event::EventKind, id::RoleId},
    error::{Code, Error, Refusal, Result},
    store::roles::{self, Role, Uses},
};

/// Deletes a role. Where members or pending invitations have it, `replacement` is what they get.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Delete {
    pub role: Option<RoleId>,
    pub replacement: Option<RoleRef>,
    pub expected_version: Option<i32>,
}

/// A deleted role.
#[derive(Clone, Copy, Debug)]
pub struct Deleted {
    /// The role.
    pub role: RoleId,
    /// Members that got the replacement.
    pub members: usize,
}

impl Operation for Delete {
    type Output = Deleted;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Deleted> {
        let locked = Locked::<ManagedRole>::lock(tx, &self.role).await?;
        let (organization, role) = (locked.organization.organization.id, &locked.role);
        let permit = locked.permit(may_change(&locked.organization, role))?;
        check_version(self.expected_version, role.version)?;
        let replacement =
            self.replacement.as_ref().map(|by| check_replacement(&locked.organization, &locked.roles, role, by));
        let replacement = replacement.transpose()?;
        if replacement.is_none() {
            let uses = roles::uses(tx.conn, &[(organization, role.id)], tx.now).await?.pop();
            check_unused(role, uses.ok_or_else(|| Error::internal("a role was not counted"))?)?;
        }
        let members = consequences::roles::delete(tx, &permit, &locked.organization, role, replacement).await?;
        let data = json!({
            "key": role.key,
            "scope": role.scope.as_str(),
            "name": role.name,
            "replacement": replacement.map(|replacement| &replacement.key),
            "reassigned_members": members,
        });
        tx.happened(organization, EventKind::RoleDeleted, role.id.0, None, data)?;
        Ok(Deleted { role: role.id, members })
    }
}

/// Nobody has the role, and nobody is invited to it.
///
/// # Errors
/// `ROLE_IN_USE`.
pub fn check_unused(role: &Role, uses: Uses) -> Result<(), Refusal> {
    if uses.members == 0 && uses.invitations == 0 {
        return Ok(());
    }
    let some = |count: i64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let (members, invitations) = (some(uses.members, "member"), some(uses.invitations, "pending invitation"));
    let message = format!("{} is in use by {members} and {invitations}; name the role that replaces it.", role.name);
    Err(Refusal::new(Code::RoleInUse, message).at(["replacementRoleId"]))
}

/// The role that replaces another one: the viewer can do as much as it, wherever it may be held.
///
/// # Errors
/// As [`RoleRef::among`], `INVALID` or `ROLE_NOT_ASSIGNABLE`.
pub fn check_replacement<'a>(
    organization: &OrganizationAccess,
    roles: &'a [Role],
    role: &Role,
    replacement: &RoleRef,
) -> Result<&'a Role, Refusal> {
    let at = |refusal: Refusal| refusal.at(["replacementRoleId"]);
    let found = replacement.among(organization, roles, role.scope).map_err(at)?;
    if found.id == role.id {
        return Err(at(Refusal::new(Code::Invalid, "A role cannot replace itself.")));
    }
    let may_do_as_much = organization.everywhere(found.scope).covers(organization.policy.of_role(found));
    if found.is_owner() || !may_do_as_much { Err(at(role_not_assignable(found))) } else { Ok(found) }
}
