//! Mutations of memberships of projects.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use futures_util::future::try_join_all;

use super::{BulkItemStatus, BulkMode, BulkSummary, run};
use crate::{
    error::{Error, Result},
    graphql::{
        input::{ProjectMemberRefInput, ProjectRefInput, RoleRefInput, UserRefInput},
        list::List,
        semantic_non_null,
        types::{
            api_key::ApiKeyChange,
            project::Project,
            project_member::ProjectMember,
            user_error::{UserError, user_errors},
        },
    },
    operations::project_members,
};

/// A person to put in a project.
#[derive(InputObject)]
pub struct ProjectMemberInput {
    /// The person, an organization member.
    user: UserRefInput,
    /// Project role; built-in Member when absent.
    role: Option<RoleRefInput>,
}

/// Input of `projectMembersAdd`.
#[derive(InputObject)]
pub struct ProjectMembersAddInput {
    /// The project.
    project: ProjectRefInput,
    /// The people and their roles, 1–100.
    members: Vec<ProjectMemberInput>,
    /// What to do when some items fail.
    #[graphql(default_with = "BulkMode::Partial")]
    mode: BulkMode,
}

/// Outcome for one project member.
#[derive(SimpleObject)]
pub struct ProjectMemberResult {
    /// Index in the input list.
    pub index: Option<i32>,
    /// Outcome.
    pub status: BulkItemStatus,
    /// Why it was skipped or refused.
    pub user_errors: Vec<UserError>,
    /// The membership, null if refused.
    member: Option<ProjectMember>,
}

/// Result of `projectMembersAdd`.
#[derive(SimpleObject, Default)]
pub struct ProjectMembersAddPayload {
    /// The project.
    project: Option<Project>,
    /// One per person.
    results: Option<List<ProjectMemberResult>>,
    /// Counts.
    summary: Option<BulkSummary>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `projectMemberUpdateRole`.
#[derive(InputObject)]
pub struct ProjectMemberUpdateRoleInput {
    /// The member.
    member: ProjectMemberRefInput,
    /// New role.
    role: RoleRefInput,
    /// Refuse with `STALE_VERSION` unless this is the current version.
    expected_version: Option<i32>,
    /// Tell what it would do, but change nothing.
    #[graphql(default = false)]
    dry_run: bool,
}

/// Result of `projectMemberUpdateRole`.
#[derive(SimpleObject, Default)]
pub struct ProjectMemberUpdateRolePayload {
    /// The member.
    member: Option<ProjectMember>,
    /// API keys that the member answers for and that end or can do less by it.
    api_key_changes: List<ApiKeyChange>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `projectMemberRemove`.
#[derive(InputObject)]
pub struct ProjectMemberRemoveInput {
    /// The member.
    member: ProjectMemberRefInput,
    /// Tell what it would do, but change nothing.
    #[graphql(default = false)]
    dry_run: bool,
}

/// Result of `projectMemberRemove`.
#[derive(SimpleObject, Default)]
pub struct ProjectMemberRemovePayload {
    /// The project.
    project: Option<Project>,
    /// ID of the ended membership, null if it had ended before.
    removed_project_member_id: Option<ID>,
    /// API keys that the member answers for and that end or can do less by it.
    api_key_changes: List<ApiKeyChange>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Mutations of memberships of projects.
#[derive(Default)]
pub struct ProjectMemberMutations;

#[Object]
impl ProjectMemberMutations {
    /// Adds up to 100 organization members. Requires project.members.manage. Item codes: NOT_FOUND, NOT_MEMBER, ALREADY_MEMBER (skipped), ROLE_NOT_ASSIGNABLE, ROLE_SCOPE_MISMATCH, DUPLICATE (skipped), ABORTED; for the call NOT_FOUND, FORBIDDEN, INVALID, TOO_MANY.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn project_members_add(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ProjectMembersAddInput,
    ) -> Option<Result<ProjectMembersAddPayload>> {
        Some(add(ctx, input).await)
    }

    /// Changes a project role. Requires project.members.manage. Codes: NOT_FOUND, FORBIDDEN, OWNER_PROTECTED, ROLE_NOT_ASSIGNABLE, ROLE_SCOPE_MISMATCH, STALE_VERSION.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn project_member_update_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ProjectMemberUpdateRoleInput,
    ) -> Option<Result<ProjectMemberUpdateRolePayload>> {
        Some(update_role(ctx, input).await)
    }

    /// Removes a member from a project. Requires project.members.manage. Codes: NOT_FOUND, FORBIDDEN, OWNER_PROTECTED.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn project_member_remove(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ProjectMemberRemoveInput,
    ) -> Option<Result<ProjectMemberRemovePayload>> {
        Some(remove(ctx, input).await)
    }
}

async fn add(ctx: &Context<'_>, input: ProjectMembersAddInput) -> Result<ProjectMembersAddPayload> {
    let member = |member: ProjectMemberInput| project_members::MemberInput {
        user: member.user.into(),
        role: member.role.map(Into::into),
    };
    let operation = project_members::Add {
        project: input.project.into(),
        members: input.members.into_iter().map(member).collect(),
        mode: input.mode.into(),
    };
    let added = match run(ctx, operation).await? {
        Ok(added) => added,
        Err(user_errors) => return Ok(ProjectMembersAddPayload { user_errors, ..Default::default() }),
    };
    let summary = BulkSummary::of(added.items.iter().map(|item| item.status));
    let results = added.items.into_iter().zip(0..).map(|(item, index)| async move {
        let member = match item.member {
            Some(id) => ProjectMember::find(ctx, id).await?,
            None => None,
        };
        Ok::<_, Error>(ProjectMemberResult {
            index: Some(index),
            status: item.status.into(),
            user_errors: user_errors(item.refusals),
            member,
        })
    });
    Ok(ProjectMembersAddPayload {
        results: Some(List(try_join_all(results).await?)),
        project: Project::find(ctx, added.project).await?,
        summary: Some(summary),
        user_errors: Vec::new(),
    })
}

async fn update_role(ctx: &Context<'_>, input: ProjectMemberUpdateRoleInput) -> Result<ProjectMemberUpdateRolePayload> {
    let operation = project_members::UpdateRole {
        member: input.member.into(),
        role: input.role.into(),
        expected_version: input.expected_version,
        dry_run: input.dry_run,
    };
    Ok(match run(ctx, operation).await? {
        Ok(updated) => ProjectMemberUpdateRolePayload {
            member: ProjectMember::find(ctx, updated.member).await?,
            api_key_changes: ApiKeyChange::all(ctx, updated.keys).await?,
            user_errors: Vec::new(),
        },
        Err(user_errors) => ProjectMemberUpdateRolePayload { user_errors, ..Default::default() },
    })
}

async fn remove(ctx: &Context<'_>, input: ProjectMemberRemoveInput) -> Result<ProjectMemberRemovePayload> {
    let operation = project_members::Remove { member: input.member.into(), dry_run: input.dry_run };
    Ok(match run(ctx, operation).await? {
        Ok(removed) => ProjectMemberRemovePayload {
            project: Project::find(ctx, removed.project).await?,
            removed_project_member_id: removed.member.map(|id| id.to_string().into()),
            api_key_changes: ApiKeyChange::all(ctx, removed.keys).await?,
            user_errors: Vec::new(),
        },
        Err(user_errors) => ProjectMemberRemovePayload { user_errors, ..Default::default() },
    })
}
