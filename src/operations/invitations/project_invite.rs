//! Invites people to a project, and to its organization where they are not in it.

use std::collections::{HashMap, HashSet};

use serde_json::json;

use super::{
    super::{
        Locked, Operation, Transaction,
        input::{RoleRef, role_not_assignable},
    },
    check_plan, check_seats, grant_row,
    invite::{Invited, ItemResult, Known, Letter, NewInvitations, Terms, aborted_results},
};
use crate::{
    access::{Allowed, Permission, Permit, ProjectAccess, ProjectRef},
    consequences::invitations::expire_lapsed,
    domain::{
        event::EventKind,
        id::{InvitationId, ProjectMemberId, UserId},
        role::{BuiltInRole, RoleScope},
    },
    error::{Code, Error, Refusal, Result},
    store::{
        invitation_projects::{self, ProjectGrant},
        project_members::{self, ProjectMember},
        roles::{self, Role},
        users::{self, Listed, Pinned},
    },
};

/// Invites up to 100 addresses to a project: members of the organization join at once, invitees get the
/// project added to their invitation, everybody else is invited to both.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct ProjectInvite {
    pub project: ProjectRef,
    pub role: Option<RoleRef>,
    pub organization_role: Option<RoleRef>,
    pub letter: Letter,
}

impl Operation for ProjectInvite {
    type Output = Invited;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Invited> {
        let access = Locked::<ProjectAccess>::lock(tx, &self.project).await?;
        let permit = access.permit(may_invite_to_project(&access))?;
        let (organization, project) = (&access.organization.organization, access.project.id);
        let message = self.letter.check()?;
        let roles = roles::of_organizations(tx.conn, &[organization.id]).await?;
        let role = project_role(&access, &roles, self.role.as_ref())?;
        let organization_role = organization_role(&access, &roles, self.organization_role.as_ref())?;

        if self.letter.dry_run {
            tx.discard();
        }
        let pending = expire_lapsed(tx, &permit, organization).await?;
        let known = self.letter.look_up(tx, organization.id).await?;
        let invited = |items| Invited { organization: organization.id, project: Some(project), items };
        if self.letter.is_aborted(&known) {
            tx.discard();
            return Ok(invited(aborted_results(known)));
        }
        let new = known.iter().filter(|item| matches!(item, Known::New(_))).count();
        if new > 0 {
            check_plan(tx.app.trial_days, tx.now, organization)?;
            check_seats(organization, pending, new)?;
        }
        let there = There::load(tx, &access, &known).await?;

        let grants = vec![(project, role.id)];
        let terms = Terms { role: organization_role.id, project: Some(project), grants, teams: Vec::new(), message };
        let mut rows = NewInvitations::default();
        let mut items = Vec::with_capacity(known.len());
        for (index, item) in known.into_iter().enumerate() {
            items.push(match item {
                Known::Settled(result) => result,
                Known::Member(email, user) if there.in_project.contains(&user) => ItemResult::skipped(
                    &email,
                    index,
                    Code::AlreadyMember,
                    "This address belongs to a member of the project already.",
                ),
                Known::Pending(email, invitation) if there.granted.contains(&invitation.id) => ItemResult {
                    invitation: Some(invitation.id),
                    ..ItemResult::skipped(
                        &email,
                        index,
                        Code::AlreadyInvited,
                        "This address has a pending invitation to the project already; resend it instead.",
                    )
                },
                Known::Member(email, _) | Known::New(email) if self.letter.dry_run => ItemResult::succeeded(&email),
                Known::Pending(email, invitation) if self.letter.dry_run => {
                    ItemResult { invitation: Some(invitation.id), ..ItemResult::succeeded(&email) }
                }
                Known::Member(email, user) => {
                    let member = join(tx, &permit, &access, (there.person(user)?, role)).await?;
                    ItemResult { project_member: Some(member), ..ItemResult::succeeded(&email) }
                }
                Known::Pending(email, invitation) => {
                    // Behind whatever the invitation grants already.
                    let (kind, id) = tx.viewer.actor()?;
                    let grant = ProjectGrant {
                        added_by_kind: Some(kind),
                        added_by_id: id,
                        ..grant_row(&invitation, project, role.id, usize::from(u16::MAX))
                    };
                    invitation_projects::add(tx.conn, &permit, &[grant]).await?;
                    let data = json!({ "email": email.as_str() });
                    tx.happened(organization.id, EventKind::InvitationUpdated, invitation.id.0, Some(project), data)?;
                    ItemResult { invitation: Some(invitation.id), ..ItemResult::succeeded(&email) }
                }
                Known::New(email) => rows.add(tx, organization.id, email, &self.letter, &terms)?,
            });
        }
        rows.write(tx, &permit).await?;
        Ok(invited(items))
    }
}

/// The role in the project of those who are invited to it: Member unless another is wanted.
///
/// # Errors
/// As [`RoleRef::among`], or `ROLE_NOT_ASSIGNABLE`.
pub fn project_role<'a>(
    access: &ProjectAccess,
    roles: &'a [Role],
    wanted: Option<&RoleRef>,
) -> Result<&'a Role, Refusal> {
    let wanted = wanted.cloned().unwrap_or_else(|| RoleRef::built_in(BuiltInRole::Member));
    let role = wanted.among(&access.organization, roles, RoleScope::Project).map_err(|refusal| refusal.at(["role"]))?;
    if access.may_give(role) { Ok(role) } else { Err(role_not_assignable(role).at(["role"])) }
}

/// The role in the organization of those who are new to it: the one that is wanted; without one Member, or Guest where
/// the inviter may not give that.
///
/// # Errors
/// As [`RoleRef::among`], or `ROLE_NOT_ASSIGNABLE`.
pub fn organization_role<'a>(
    access: &ProjectAccess,
    roles: &'a [Role],
    wanted: Option<&RoleRef>,
) -> Result<&'a Role, Refusal> {
    let named = |role: &RoleRef| role.among(&access.organization, roles, RoleScope::Organization);
    if let Some(wanted) = wanted {
        let role = named(wanted).map_err(|refusal| refusal.at(["organizationRole"]))?;
        let refuse = || role_not_assignable(role).at(["organizationRole"]);
        return access.organization.may_give(role).then_some(role).ok_or_else(refuse);
    }
    let member = named(&RoleRef::built_in(BuiltInRole::Member))?;
    if access.organization.may_give(member) { Ok(member) } else { named(&RoleRef::built_in(BuiltInRole::Guest)) }
}

/// Before `projectInvite`, whatever its input: what the mutation asks after its lock, and `viewerCan` shows. Plan and
/// seats count only for those who are new to the organization.
///
/// # Errors
/// `FORBIDDEN`.
pub fn may_invite_to_project(access: &ProjectAccess) -> Result<Allowed, Refusal> {
    access.may(Permission::ProjectInvitationsManage)
}

/// Who of the addressed is in the project or invited to it, and who the members are.
struct There {
    in_project: HashSet<UserId>,
    granted: HashSet<InvitationId>,
    people: HashMap<UserId, Pinned>,
}

impl There {
    async fn load(tx: &mut Transaction<'_>, access: &ProjectAccess, known: &[Known]) -> Result<Self> {
        let (mut members, mut pending) = (Vec::new(), Vec::new());
        for item in known {
            match item {
                Known::Member(_, user) => members.push(*user),
                Known::Pending(_, invitation) => pending.push(invitation.id),
                Known::Settled(_) | Known::New(_) => {}
            }
        }
        let project = access.project.id;
        let in_project = project_members::among(tx.conn, access.project.organization_id, project, &members).await?;
        let granted = invitation_projects::of(tx.conn, &[access.project.organization_id], &pending).await?;
        Ok(Self {
            in_project: in_project.into_iter().map(|member| member.user_id).collect(),
            granted: granted
                .into_iter()
                .filter(|grant| grant.project_id == project)
                .map(|grant| grant.invitation_id)
                .collect(),
            people: users::pin(tx.conn, &members).await?,
        })
    }

    fn person(&self, id: UserId) -> Result<&Pinned> {
        self.people.get(&id).ok_or_else(|| Error::internal("a member is no person"))
    }
}

async fn join(
    tx: &mut Transaction<'_>,
    permit: &Permit,
    access: &ProjectAccess,
    (user, role): (&Pinned, &Role),
) -> Result<ProjectMemberId> {
    let member = ProjectMember::new(ProjectMemberId(tx.id()), access.project.id, user, role, tx.now);
    project_members::insert(tx.conn, permit, std::slice::from_ref(&member)).await?;
    tx.count_project_members(member.organization_id, member.project_id, 1);
    let data = json!({ "user": user.id().to_string(), "role": role.key });
    tx.happened(member.organization_id, EventKind::ProjectMemberAdded, member.id.0, Some(member.project_id), data)?;
    Ok(member.id)
}
