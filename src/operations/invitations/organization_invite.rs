//! Invites people to an organization.

use std::sync::Arc;

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
        let permit = access.permit(may_invite(&access, tx.app, tx.now))?;
        let organization = &access.target.organization;
        let message = self.letter.check()?;
        let roles = roles::of_organizations(tx.conn, &[organization.id]).await?;
        let role = self.role(&access, &roles)?;
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

impl OrganizationInvite {
    fn role(&self, access: &OrganizationAccess, roles: &[Role]) -> Result<RoleId, Refusal> {
        let wanted = self.role.clone().unwrap_or_else(|| RoleRef::built_in(BuiltInRole::Member));
        let role = wanted.among(roles, RoleScope::Organization).map_err(|refusal| refusal.at(["role"]))?;
        if access.may_give(role) { Ok(role.id) } else { Err(role_not_assignable(role).at(["role"])) }
    }
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
        let at = |field: &'static str| ["projects".to_owned(), index.to_string(), field.to_owned()];
        let project = find_project(tx, access, &input.project)
            .await?
            .ok_or_else(|| Refusal::not_found("project").at(at("project")))?;
        if !project.permissions.has(Permission::ProjectInvitationsManage) {
            return Err(Refusal::forbidden(Permission::ProjectInvitationsManage.key()).at(at("project")).into());
        }
        let wanted = input.role.clone().unwrap_or_else(|| RoleRef::built_in(BuiltInRole::Member));
        let role = wanted.among(roles, RoleScope::Project).map_err(|refusal| refusal.at(at("role")))?;
        if !project.may_give(role) {
            return Err(role_not_assignable(role).at(at("role")).into());
        }
        if grants.iter().any(|(known, _)| *known == project.project.id) {
            return Err(Refusal::new(Code::Duplicate, "This project is already in the list.").at(at("project")).into());
        }
        grants.push((project.project.id, role.id));
    }
    Ok(grants)
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
