//! What stands before a change of a project, whatever its input. The mutation asks after its lock, and `viewerCan`
//! shows the same answer.

use crate::{
    access::{Allowed, OrganizationAccess, Permission, ProjectAccess},
    app::Limits,
    error::{Code, Detail, Refusal},
};

/// Before `projectCreate`.
///
/// # Errors
/// `FORBIDDEN`, as all in this file; `LIMIT_REACHED`.
pub fn create(access: &OrganizationAccess, limits: &Limits) -> Result<Allowed, Refusal> {
    let allowed = access.may(Permission::ProjectsCreate)?;
    let (limit, actual) = (limits.projects, access.organization.project_count);
    if actual < limit {
        return Ok(allowed);
    }
    let refusal = Refusal::new(Code::LimitReached, format!("An organization may have {limit} projects."));
    Err(refusal.with(Detail::Limit { limit, actual }))
}

/// Before `projectUpdate`.
///
/// # Errors
/// `FORBIDDEN`.
pub fn update(access: &ProjectAccess) -> Result<Allowed, Refusal> {
    access.may(Permission::ProjectUpdate)
}

/// Before `projectDelete`.
///
/// # Errors
/// `FORBIDDEN`.
pub fn delete(access: &ProjectAccess) -> Result<Allowed, Refusal> {
    access.may(Permission::ProjectDelete)
}
