//! Changes of memberships of projects.

mod add;
mod remove;
mod update_role;

pub use add::{Add, Added, ItemResult, MemberInput};
pub(super) use remove::end_membership;
pub use remove::{Remove, Removed};
pub use update_role::UpdateRole;

use super::{
    Transaction,
    input::{ProjectMemberRef, outranked, user_by_ref},
};
use crate::{
    access::{Permission, ProjectAccess, ProjectRef},
    domain::event::EventKind,
    error::{Code, Error, Refusal, Result},
    store::{
        events,
        project_members::{self, ProjectMember},
        roles::{self, Role},
    },
};

/// A member as the viewer manages them, with the organization locked.
struct Managed {
    project: ProjectAccess,
    /// Nobody when they are gone already.
    member: Option<(ProjectMember, Role)>,
}

/// Locks the organization of a project member, for those who manage the project's members.
async fn lock(tx: &mut Transaction<'_>, member: &ProjectMemberRef) -> Result<Managed> {
    let missing = || Error::from(Refusal::not_found("member").at(["member"]));
    let (by, user) = match member {
        ProjectMemberRef::Lookup(project, user) => {
            (project.clone(), user_by_ref(tx.conn, user).await?.map(|user| user.id))
        }
        ProjectMemberRef::Id(id) => {
            if let Some(found) = project_members::by_ids(tx.conn, &[*id]).await?.pop() {
                (ProjectRef::Id(found.project_id), Some(found.user_id))
            } else {
                let removed = events::removal(tx.conn, EventKind::ProjectMemberRemoved.as_str(), id.0).await?;
                (ProjectRef::Id(removed.and_then(|(_, project)| project).ok_or_else(missing)?), None)
            }
        }
        ProjectMemberRef::Unknown => return Err(missing()),
    };
    let project = ProjectAccess::lock(tx.conn, &tx.app.policy, tx.viewer, &by, Permission::ProjectMembersManage).await;
    let project = project.map_err(|error| match error {
        Error::Refused(refusals) if refusals.iter().any(|refusal| refusal.code == Code::NotFound) => missing(),
        error => error,
    })?;
    let member = match user {
        Some(user) => {
            project_members::among(tx.conn, project.project.organization_id, project.project.id, &[user]).await?.pop()
        }
        None => None,
    };
    let member = match member {
        Some(member) => {
            let role = roles::by_ids(tx.conn, &[member.role_id]).await?.pop();
            Some((member, role.ok_or_else(|| Error::internal("a project member has no role"))?))
        }
        None => None,
    };
    Ok(Managed { project, member })
}

/// Before `projectMemberUpdateRole` and `projectMemberRemove`, whatever their input: what the mutations ask after
/// their lock, and `viewerCan` shows.
///
/// # Errors
/// `NOT_FOUND`, `FORBIDDEN` or `OWNER_PROTECTED`.
pub fn may_manage(project: &ProjectAccess, role: &Role) -> Result<(), Refusal> {
    project.may(Permission::ProjectMembersManage)?;
    check_manageable(project, role)
}

/// The owner stays, and nobody manages who is stronger than they are.
fn check_manageable(project: &ProjectAccess, role: &Role) -> Result<(), Refusal> {
    if role.is_owner() {
        let protected = "The owner of a project cannot be removed or demoted; transfer the ownership first.";
        return Err(Refusal::new(Code::OwnerProtected, protected).at(["member"]));
    }
    if project.outranks(role) { Ok(()) } else { Err(outranked().at(["member"])) }
}
