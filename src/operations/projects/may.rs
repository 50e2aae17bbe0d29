//! What stands before a change of a project, whatever its input. The mutation asks after its lock, and `viewerCan`
//! shows the same answer.

use crate::{
    access::{Permission, ProjectAccess},
    error::{Code, Refusal},
};

/// Before `projectUpdate`.
///
/// # Errors
/// `FORBIDDEN`, or `NOT_FOUND` for those who only know of it; so do all in this file.
pub fn update(access: &ProjectAccess) -> Result<(), Refusal> {
    access.may(Permission::ProjectUpdate)
}

/// Before `projectDelete`.
///
/// # Errors
/// As [`update`].
pub fn delete(access: &ProjectAccess) -> Result<(), Refusal> {
    access.may(Permission::ProjectDelete)
}

/// Before `projectLeave`, given the viewer's own membership, and whether it is the owner's: the membership that ends.
///
/// # Errors
/// `NOT_FOUND` for those who are no members, `OWNER_PROTECTED`.
pub fn leave<M>(own: Option<(M, bool)>) -> Result<M, Refusal> {
    let (member, is_owner) = own.ok_or_else(|| Refusal::not_found("membership").at(["project"]))?;
    if is_owner {
        let protected = "The owner of a project cannot leave; transfer the ownership first.";
        return Err(Refusal::new(Code::OwnerProtected, protected).at(["project"]));
    }
    Ok(member)
}

/// Before `projectOwnershipTransfer`.
///
/// # Errors
/// As [`update`].
pub fn transfer_ownership(access: &ProjectAccess) -> Result<(), Refusal> {
    access.may(Permission::ProjectTransfer)
}

/// Before `projectInvite`. Plan and seats count only for those who are new to the organization.
///
/// # Errors
/// As [`update`].
pub fn invite_members(access: &ProjectAccess) -> Result<(), Refusal> {
    access.may(Permission::ProjectInvitationsManage)
}

/// Before `projectMembersAdd`.
///
/// # Errors
/// As [`update`].
pub fn add_members(access: &ProjectAccess) -> Result<(), Refusal> {
    access.may(Permission::ProjectMembersManage)
}
