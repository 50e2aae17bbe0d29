//! What stands before a change of an organization, whatever its input. The mutation asks after its lock, and
//! `viewerCan` shows the same answer.

use crate::{
    access::{OrganizationAccess, Permission},
    app::Limits,
    error::{Code, Detail, Refusal},
    store::organization_members::Membership,
};

/// Before `organizationUpdate`.
///
/// # Errors
/// `FORBIDDEN`, or `NOT_FOUND` for those who only know the profile; so do all in this file.
pub fn update(access: &OrganizationAccess) -> Result<(), Refusal> {
    access.may(Permission::OrganizationUpdate)
}

/// Before `organizationDelete`.
///
/// # Errors
/// As [`update`].
pub fn delete(access: &OrganizationAccess) -> Result<(), Refusal> {
    access.may(Permission::OrganizationDelete)
}

/// Before `organizationLeave`: the membership that ends.
///
/// # Errors
/// `NOT_FOUND` for those who are no members, `OWNER_PROTECTED`.
pub fn leave(access: &OrganizationAccess) -> Result<&Membership, Refusal> {
    let member = access.membership.as_ref().ok_or_else(|| Refusal::not_found("membership").at(["organization"]))?;
    if member.rest.is_owner {
        let protected = "The owner cannot leave; transfer the ownership first.";
        return Err(Refusal::new(Code::OwnerProtected, protected).at(["organization"]));
    }
    Ok(member)
}

/// Before `organizationOwnershipTransfer`.
///
/// # Errors
/// As [`update`].
pub fn transfer_ownership(access: &OrganizationAccess) -> Result<(), Refusal> {
    access.may(Permission::OrganizationTransfer)
}

/// Before somebody comes to own one more organization than they do.
///
/// # Errors
/// `LIMIT_REACHED`.
pub fn own(limits: &Limits, owned: i64) -> Result<(), Refusal> {
    let limit = limits.owned_organizations;
    if owned < i64::from(limit) {
        return Ok(());
    }
    let actual = i32::try_from(owned).unwrap_or(i32::MAX);
    let refusal = Refusal::new(Code::LimitReached, format!("One person may own {limit} organizations."));
    Err(refusal.with(Detail::Limit { limit, actual }))
}

/// Before `projectCreate`.
///
/// # Errors
/// As [`update`]; `LIMIT_REACHED`.
pub fn create_projects(access: &OrganizationAccess, limits: &Limits) -> Result<(), Refusal> {
    access.may(Permission::ProjectsCreate)?;
    let (limit, actual) = (limits.projects, access.organization.project_count);
    if actual < limit {
        return Ok(());
    }
    let refusal = Refusal::new(Code::LimitReached, format!("An organization may have {limit} projects."));
    Err(refusal.with(Detail::Limit { limit, actual }))
}
