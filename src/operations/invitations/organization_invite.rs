//! Invites people to an organization.

use std::{borrow::Cow, sync::Arc};

use super::{
    super::{
        Locked, Operation, Transaction,
        input::{RoleRef, role_not_assignable},
    },
    GrantInput, check_seats,
    invite::{Invited, ItemResult, Known, Letter, NewInvitations, Terms, aborted_results},
    may_invite,
    teams::{TeamGrantInput, team_grants},
};
use crate::{
    access::{OrganizationAccess, OrganizationRef, Permission, ProjectAccess, ProjectRef},
    consequences::invitations::expire_lapsed,
    domain::{
        id::{ProjectId, RoleId},
        role::{BuiltInRole, RoleScope},
    },
    error::{Code, Error, Refusal, Result},
    store::roles::{self, Role},
};

/// Invites up to 100 addresses to an organization and, with it, to projects.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct OrganizationInvite {
    pub organization: OrganizationRef,
    pub role: Option<RoleRef>,
    pub teams: Vec<TeamGrantInput>,
    pub projects: Vec<GrantInput>,
    pub letter: Letter,
}

impl Operation for OrganizationInvite {
    type Output = Invited;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Invited> {
        let access = Locked::<Arc<OrganizationAccess>>::lock(tx, &self.organization).await?;
        let permit = access.permit(may_invite(&access, tx.app.trial_days, tx.now))?;
        let organization = &access.target.organization;
        let message = self.letter.check()?;
        let roles = roles::of_organizations(tx.conn, &[organization.id]).await?;
        let role = role_of_invitees(&access, &roles, self.role.as_ref())?.id;
        let grants = project_grants(tx, &access, &roles, &self.projects).await?;
        let teams = team_grants(tx, &access, &self.teams).await?;

        if self.letter.dry_run {
            tx.discard();
        }
        let pending = expire_lapsed(tx, &permit, organization).await?;
        let known = self.letter.look_up(tx, organization.id).await?;
        let invited = |items| Invited { organization: organization.id, project: None, items };
        if self.letter.is_aborted(&known) {
            tx.discard();
            return Ok(invited(aborted_results(known)));
        }
        let new = known.iter().filter(|item| matches!(item, Known::New(_))).count();
        check_seats(organization, pending, new)?;

        let terms = Terms { role, project: None, grants, teams, message };
        let mut rows = NewInvitations::default();
        let mut items = Vec::with_capacity(known.len());
        for (index, item) in known.into_iter().enumerate() {
            items.push(match item {
                Known::Settled(result) => result,
                Known::Member(email, _) => {
                    ItemResult::skipped(&email, index, Code::AlreadyMember, "This address belongs to a member already.")
                }
                Known::Pending(email, there) => ItemResult {
                    invitation: Some(there.id),
                    ..ItemResult::skipped(
                        &email,
                        index,
                        Code::AlreadyInvited,
                        "This address has a pending invitation already; resend it instead.",
                    )
                },
                Known::New(email) if self.letter.dry_run => ItemResult::succeeded(&email),
                Known::New(email) => rows.add(tx, organization.id, email, &self.letter, &terms)?,
            });
        }
        rows.write(tx, &permit).await?;
        Ok(invited(items))
    }
}

/// The role of those who are invited to the organization: Member unless another is wanted.
///
/// # Errors
/// As [`RoleRef::among`], or `ROLE_NOT_ASSIGNABLE`.
pub fn role_of_invitees<'a>(
    access: &OrganizationAccess,
    roles: &'a [Role],
    wanted: Option<&RoleRef>,
) -> Result<&'a Role, Refusal> {
    let wanted = wanted.cloned().unwrap_or_else(|| RoleRef::built_in(BuiltInRole::Member));
    let role = wanted.among(access, roles, RoleScope::Organization).map_err(|refusal| refusal.at(["role"]))?;
    if access.may_give(role) { Ok(role) } else { Err(role_not_assignable(role).at(["role"])) }
}

/// The projects, each with a role that the viewer may give there.
pub async fn project_grants(
    tx: &mut Transaction<'_>,
    access: &Arc<OrganizationAccess>,
    roles: &[Role],
    projects: &[GrantInput],
) -> Result<Vec<(ProjectId, RoleId)>> {
    let mut grants: Vec<(ProjectId, RoleId)> = Vec::new();
    for (index, input) in projects.iter().enumerate() {
        let at = |refusal: Refusal| {
            let path = ["projects".into(), index.to_string().into()].into_iter().chain(refusal.path.clone());
            refusal.at(path.collect::<Vec<Cow<'static, str>>>())
        };
        let project = find_project(tx, access, &input.project).await?;
        let (project, role) = project_grant(project.as_ref(), roles, input.role.as_ref()).map_err(at)?;
        if grants.iter().any(|(known, _)| *known == project) {
            let twice = Refusal::new(Code::Duplicate, "This project is already in the list.");
            return Err(at(twice.at(["project"])).into());
        }
        grants.push((project, role));
    }
    Ok(grants)
}

/// A project with a role that the viewer may give there: Member unless another is wanted.
///
/// # Errors
/// `NOT_FOUND`, `FORBIDDEN`, as [`RoleRef::among`], or `ROLE_NOT_ASSIGNABLE`.
pub fn project_grant(
    project: Option<&ProjectAccess>,
    roles: &[Role],
    wanted: Option<&RoleRef>,
) -> Result<(ProjectId, RoleId), Refusal> {
    let project = project.ok_or_else(|| Refusal::not_found("project").at(["project"]))?;
    if !project.permissions.has(Permission::ProjectInvitationsManage) {
        return Err(Refusal::forbidden(Permission::ProjectInvitationsManage.key()).at(["project"]));
    }
    let wanted = wanted.cloned().unwrap_or_else(|| RoleRef::built_in(BuiltInRole::Member));
    let role =
        wanted.among(&project.organization, roles, RoleScope::Project).map_err(|refusal| refusal.at(["role"]))?;
    if !project.may_give(role) {
        return Err(role_not_assignable(role).at(["role"]));
    }
    Ok((project.project.id, role.id))
}

/// A project of this organization; one of another is not found.
async fn find_project(
    tx: &mut Transaction<'_>,
    access: &Arc<OrganizationAccess>,
    by: &ProjectRef,
) -> Result<Option<ProjectAccess>, Error> {
    let found = ProjectAccess::find(tx.conn, &tx.app.policy, &tx.viewer, by).await?;
    Ok(found.filter(|project| project.project.organization_id == access.organization.id))
}
