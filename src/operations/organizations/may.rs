//! What stands before a change of an organization, whatever its input. The mutation asks after its lock, and
//! `viewerCan` shows the same answer.

use crate::{
    access::{Allowed, OrganizationAccess, Permission},
    app::Limits,
    error::{Code, Detail, Refusal},
};

/// Before `organizationUpdate`.
///
/// # Errors
/// `FORBIDDEN`; so do all in this file.
pub fn update(access: &OrganizationAccess) -> Result<Allowed, Refusal> {
    access.may(Permission::OrganizationUpdate)
}

/// Before `organizationDelete`.
///
/// # Errors
/// As [`update`].
pub fn delete(access: &OrganizationAccess) -> Result<Allowed, Refusal> {
    access.may(Permission::OrganizationDelete)
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
