//! Puts organization members into a project.

use std::collections::{HashMap, HashSet};

use serde_json::json;

use super::super::{
    Locked, Operation, Transaction,
    input::{BulkMode, ItemStatus, RoleRef, UserRef, check_bulk_size, role_not_assignable},
};
use crate::{
    access::{Allowed, Permission, ProjectAccess, ProjectRef},
    domain::{
        email::Email,
        event::EventKind,
        id::{ProjectId, ProjectMemberId, UserId},
        role::{BuiltInRole, RoleScope},
    },
    error::{Code, Error, Refusal, Result},
    store::{
        organization_members::{self, Membership},
        project_members::{self, ProjectMember},
        roles::{self, Role},
        users::{self, Pinned},
    },
};

/// Puts up to 100 organization members into a project.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Add {
    pub project: ProjectRef,
    pub members: Vec<MemberInput>,
    pub mode: BulkMode,
}

/// One person to put into a project.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct MemberInput {
    pub user: UserRef,
    pub role: Option<RoleRef>,
}

/// What became of adding many.
#[derive(Clone, Debug)]
pub struct Added {
    /// The project.
    pub project: ProjectId,
    /// One per person, in order.
    pub items: Vec<ItemResult>,
}

/// What became of one person.
#[derive(Clone, Debug)]
pub struct ItemResult {
    /// Outcome.
    pub status: ItemStatus,
    /// Why they were skipped or refused.
    pub refusals: Vec<Refusal>,
    /// The membership, new or kept.
    pub member: Option<ProjectMemberId>,
}

impl Operation for Add {
    type Output = Added;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Added> {
        let access = Locked::<ProjectAccess>::lock(tx, &self.project).await?;
        let permit = access.permit(may_add(&access))?;
        check_bulk_size("members", self.members.len())?;
        let (organization, project) = (access.project.organization_id, access.project.id);
        let roles = roles::of_organizations(tx.conn, &[organization]).await?;
        let people = People::load(tx, &access, &self.members).await?;
        let mut seen = HashSet::new();
        let judged: Vec<Result<Judged<'_>, Refusal>> = self
            .members
            .iter()
            .enumerate()
            .map(|(index, input)| {
                judge(&access, &roles, &people, &mut seen, input).map_err(|refusal| at_item(refusal, index))
            })
            .collect();
        if self.mode == BulkMode::Atomic && judged.iter().any(Result::is_err) {
            return Ok(Added {
                project,
                items: judged.into_iter().enumerate().map(|(index, item)| aborted_item(index, item.err())).collect(),
            });
        }

        let (mut rows, mut items) = (Vec::new(), Vec::with_capacity(judged.len()));
        for (index, item) in judged.into_iter().enumerate() {
            items.push(match item {
                Err(refusal) => ItemResult { status: ItemStatus::Failed, refusals: vec![refusal], member: None },
                Ok(Judged::Skip(refusal, member)) => {
                    ItemResult { status: ItemStatus::Skipped, refusals: vec![at_item(refusal, index)], member }
                }
                Ok(Judged::Add(user, role)) => {
                    let member =
                        ProjectMember::new(ProjectMemberId(tx.id()), project, people.pinned(user)?, role, tx.now);
                    let data = json!({ "user": user.user_id.to_string(), "role": role.key });
                    tx.happened(organization, EventKind::ProjectMemberAdded, member.id.0, Some(project), data)?;
                    tx.count_project_members(organization, project, 1);
                    let member_id = member.id;
                    rows.push(member);
                    ItemResult { status: ItemStatus::Succeeded, refusals: Vec::new(), member: Some(member_id) }
                }
            });
        }
        if !rows.is_empty() {
            project_members::insert(tx.conn, &permit, &rows).await?;
        }
        Ok(Added { project, items })
    }
}

/// Before `projectMembersAdd`, whatever its input: what the mutation asks after its lock, and `viewerCan` shows.
///
/// # Errors
/// `FORBIDDEN`.
pub fn may_add(access: &ProjectAccess) -> Result<Allowed, Refusal> {
    access.may(Permission::ProjectMembersManage)
}

/// What is to be done with one person.
enum Judged<'a> {
    Add(&'a Membership, &'a Role),
    Skip(Refusal, Option<ProjectMemberId>),
}

fn judge<'a>(
    access: &ProjectAccess,
    roles: &'a [Role],
    people: &'a People,
    seen: &mut HashSet<UserId>,
    input: &MemberInput,
) -> Result<Judged<'a>, Refusal> {
    let user = people.find(&input.user)?;
    if !seen.insert(user.user_id) {
        return Ok(Judged::Skip(
            Refusal::new(Code::Duplicate, "This person is already in the list.").at(["user"]),
            None,
        ));
    }
    if let Some(member) = people.in_project.get(&user.user_id) {
        let already = Refusal::new(Code::AlreadyMember, "This person is in the project already.").at(["user"]);
        return Ok(Judged::Skip(already, Some(*member)));
    }
    let wanted = input.role.clone().unwrap_or_else(|| RoleRef::built_in(BuiltInRole::Member));
    let role = wanted.among(&access.organization, roles, RoleScope::Project).map_err(|refusal| refusal.at(["role"]))?;
    Ok(Judged::Add(user, assignable(access, role)?))
}

/// The role that a new member shall have.
///
/// # Errors
/// `ROLE_NOT_ASSIGNABLE`.
pub fn assignable<'a>(access: &ProjectAccess, role: &'a Role) -> Result<&'a Role, Refusal> {
    if access.may_give(role) { Ok(role) } else { Err(role_not_assignable(role).at(["role"])) }
}

fn at_item(refusal: Refusal, index: usize) -> Refusal {
    let path = ["members".into(), index.to_string().into()].into_iter().chain(refusal.path.clone());
    refusal.at(path.collect::<Vec<std::borrow::Cow<'static, str>>>())
}

fn aborted_item(index: usize, refusal: Option<Refusal>) -> ItemResult {
    let refusal = refusal.unwrap_or_else(|| at_item(Refusal::aborted(), index));
    ItemResult { status: ItemStatus::Failed, refusals: vec![refusal], member: None }
}

/// Everybody who was named, as far as they are members of the organization.
struct People {
    members: HashMap<UserId, Membership>,
    pinned: HashMap<UserId, Pinned>,
    by_email: HashMap<Email, UserId>,
    in_project: HashMap<UserId, ProjectMemberId>,
    sees_members: bool,
}

impl People {
    async fn load(tx: &mut Transaction<'_>, access: &ProjectAccess, inputs: &[MemberInput]) -> Result<Self> {
        let (mut ids, mut emails): (Vec<UserId>, Vec<Email>) = (Vec::new(), Vec::new());
        for input in inputs {
            match &input.user {
                UserRef::Id(id) => ids.push(*id),
                UserRef::Email(email) => emails.push(email.clone()),
                UserRef::Unknown => {}
            }
        }
        let organization = access.project.organization_id;
        let named = users::holders(tx.conn, &emails).await?;
        let by_email: HashMap<Email, UserId> = named.into_iter().map(|(email, user)| (email, user.id)).collect();
        ids.extend(by_email.values().copied());
        let keys: Vec<_> = ids.into_iter().map(|id| (organization, id)).collect();
        let members = organization_members::by_users(tx.conn, &keys).await?;
        let members: HashMap<UserId, Membership> = members.into_iter().map(|found| (found.user_id, found)).collect();
        let among: Vec<UserId> = members.keys().copied().collect();
        let pinned = users::pin(tx.conn, &among).await?;
        let in_project = project_members::among(tx.conn, organization, access.project.id, &among).await?;
        let in_project = in_project.into_iter().map(|member| (member.user_id, member.id)).collect();
        Ok(Self {
            members,
            pinned,
            by_email,
            in_project,
            sees_members: access.organization.permissions.has(Permission::MembersRead),
        })
    }

    fn pinned(&self, user: &Membership) -> Result<&Pinned> {
        self.pinned.get(&user.user_id).ok_or_else(|| Error::internal("a member is no person"))
    }

    /// Whoever is no member is not there, whether or not they have an account.
    fn find(&self, user: &UserRef) -> Result<&Membership, Refusal> {
        let found = match user {
            UserRef::Id(id) => self.members.get(id),
            UserRef::Email(email) => self.by_email.get(email).and_then(|id| self.members.get(id)),
            UserRef::Unknown => return Err(Refusal::not_found("person").at(["user"])),
        };
        found.ok_or_else(|| {
            if self.sees_members {
                Refusal::new(
                    Code::NotMember,
                    "Only members of the organization can be in its projects; invite this person instead.",
                )
                .at(["user"])
            } else {
                Refusal::not_found("person").at(["user"])
            }
        })
    }
}
