//! Changes of memberships of projects.

mod add;
mod remove;
mod update_role;

pub use add::{Add, Added, ItemResult, MemberInput, assignable, may_add};
pub use remove::{Remove, Removed};
pub use update_role::{UpdateRole, may_update_role};

use std::sync::Arc;

use super::{
    Target, Transaction,
    input::{ProjectMemberRef, outranked},
};
use crate::{
    access::{Allowed, OrganizationAccess, Permission, ProjectAccess, ProjectRef},
    domain::{event::EventKind, id::OrganizationId},
    error::{Code, Error, Refusal, Result},
    store::{
        Connection, events,
        project_members::{self, ProjectMember},
        roles::{self, Role},
    },
};

/// A member of a project that the viewer sees; nobody when they are gone already.
struct ManagedMember {
    project: ProjectAccess,
    member: Option<(ProjectMember, Role)>,
}

impl Target for ManagedMember {
    type By = ProjectMemberRef;

    fn missing() -> Refusal {
        Refusal::not_found("member").at(["member"])
    }

    async fn organization_of(conn: &Connection, by: &ProjectMemberRef) -> Result<Option<OrganizationId>> {
        match project_of(conn, by).await? {
            Some(project) => ProjectAccess::organization_of(conn, &project).await,
            None => Ok(None),
        }
    }

    async fn find(
        tx: &mut Transaction<'_>,
        organization: &Arc<OrganizationAccess>,
        by: &ProjectMemberRef,
    ) -> Result<Option<Self>> {
        let Some(project) = project_of(tx.conn, by).await? else { return Ok(None) };
        let Some(project) = <ProjectAccess as Target>::find(tx, organization, &project).await? else { return Ok(None) };
        let user = match by {
            ProjectMemberRef::Lookup(_, user) => user.find(tx.conn).await?.map(|user| user.id),
            ProjectMemberRef::Id(id) => {
                let found = project_members::by_ids(tx.conn, &[*id]).await?.pop();
                found.map(|found| found.user_id)
            }
            ProjectMemberRef::Unknown => None,
        };
        let Some(user) = user else { return Ok(Some(Self { project, member: None })) };
        let (organization, id) = (project.project.organization_id, project.project.id);
        let Some(member) = project_members::among(tx.conn, organization, id, &[user]).await?.pop() else {
            return Ok(Some(Self { project, member: None }));
        };
        let role = roles::by_ids(tx.conn, &[member.role_id]).await?.pop();
        let role = role.ok_or_else(|| Error::internal("a project member has no role"))?;
        Ok(Some(Self { project, member: Some((member, role)) }))
    }
}

/// The project that a member is, or was, in.
async fn project_of(conn: &Connection, by: &ProjectMemberRef) -> Result<Option<ProjectRef>> {
    Ok(match by {
        ProjectMemberRef::Lookup(project, _) => Some(project.clone()),
        ProjectMemberRef::Id(id) => {
            if let Some(found) = project_members::by_ids(conn, &[*id]).await?.pop() {
                return Ok(Some(ProjectRef::Id(found.project_id)));
            }
            let removed = events::removal(conn, EventKind::ProjectMemberRemoved.as_str(), id.0).await?;
            removed.and_then(|(_, project)| project).map(ProjectRef::Id)
        }
        ProjectMemberRef::Unknown => None,
    })
}

/// Before a member is changed or removed who is gone, perhaps.
fn may_manage_members(project: &ProjectAccess) -> Result<Allowed, Refusal> {
    project.may(Permission::ProjectMembersManage)
}

/// Before `projectMemberUpdateRole` and `projectMemberRemove`, whatever their input: what the mutations ask after
/// their lock, and `viewerCan` shows.
///
/// # Errors
/// `FORBIDDEN` or `OWNER_PROTECTED`.
pub fn may_manage(project: &ProjectAccess, role: &Role) -> Result<Allowed, Refusal> {
    let allowed = may_manage_members(project)?;
    // The owner stays, and nobody manages who is stronger than they are.
    if role.is_owner() {
        let protected = "The owner of a project cannot be removed or demoted; transfer the ownership first.";
        return Err(Refusal::new(Code::OwnerProtected, protected).at(["member"]));
    }
    if project.outranks(role) { Ok(allowed) } else { Err(outranked().at(["member"])) }
}
