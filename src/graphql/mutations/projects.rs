//! Mutations of projects.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::{run, run_once};
use crate::{
    error::Result,
    graphql::{
        input::{OrganizationRefInput, ProjectRefInput, RoleRefInput, UserRefInput},
        list::List,
        semantic_non_null,
        types::{
            api_key::ApiKeyChange, organization::Organization, project::Project, project_member::ProjectMember,
            user_error::UserError,
        },
    },
    operations::projects,
};

/// Input of `projectCreate`.
#[derive(InputObject)]
pub struct ProjectCreateInput {
    /// The organization.
    organization: OrganizationRefInput,
    /// Name to show, 1–100 characters.
    name: String,
    /// Wanted slug; made from the name when absent.
    slug: Option<String>,
    /// Description, up to 2000 characters.
    description: Option<String>,
    /// Makes retries safe for 24 hours: the same key and input returns the first result.
    idempotency_key: Option<String>,
}

/// Result of `projectCreate`.
#[derive(SimpleObject, Default)]
pub struct ProjectCreatePayload {
    /// The new project.
    project: Option<Project>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `projectUpdate`.
#[derive(InputObject)]
pub struct ProjectUpdateInput {
    /// The project.
    project: ProjectRefInput,
    /// Name to show.
    name: MaybeUndefined<String>,
    /// New slug.
    slug: MaybeUndefined<String>,
    /// Description.
    description: MaybeUndefined<String>,
    /// Refuse with `STALE_VERSION` unless this is the current version.
    expected_version: Option<i32>,
}

/// Result of `projectUpdate`.
#[derive(SimpleObject, Default)]
pub struct ProjectUpdatePayload {
    /// The project.
    project: Option<Project>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `projectDelete`.
#[derive(InputObject)]
pub struct ProjectDeleteInput {
    /// The project.
    project: ProjectRefInput,
    /// Refuse with `STALE_VERSION` unless this is the current version.
    expected_version: Option<i32>,
}

/// Result of `projectDelete`.
#[derive(SimpleObject, Default)]
pub struct ProjectDeletePayload {
    /// The organization.
    organization: Option<Organization>,
    /// ID of the deleted project.
    deleted_project_id: Option<ID>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `projectLeave`.
#[derive(InputObject)]
pub struct ProjectLeaveInput {
    /// The project.
    project: ProjectRefInput,
    /// Tell what it would do, but change nothing.
    #[graphql(default = false)]
    dry_run: bool,
}

/// Result of `projectLeave`.
#[derive(SimpleObject, Default)]
pub struct ProjectLeavePayload {
    /// The project, null if no longer visible.
    project: Option<Project>,
    /// ID of the ended membership.
    removed_project_member_id: Option<ID>,
    /// API keys that the viewer answers for and that end or can do less by it.
    api_key_changes: List<ApiKeyChange>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `projectOwnershipTransfer`.
#[derive(InputObject)]
pub struct ProjectOwnershipTransferInput {
    /// The project.
    project: ProjectRefInput,
    /// Who becomes owner.
    new_owner: UserRefInput,
    /// Role of the previous owner afterwards; built-in Admin when absent.
    previous_owner_role: Option<RoleRefInput>,
    /// Refuse with `STALE_VERSION` unless this is the current version.
    expected_version: Option<i32>,
    /// Tell what it would do, but change nothing.
    #[graphql(default = false)]
    dry_run: bool,
}

/// Result of `projectOwnershipTransfer`.
#[derive(SimpleObject, Default)]
pub struct ProjectOwnershipTransferPayload {
    /// The project.
    project: Option<Project>,
    /// The new owner.
    new_owner: Option<ProjectMember>,
    /// The previous owner; null when the new one was it already.
    previous_owner: Option<ProjectMember>,
    /// API keys that the previous owner answers for and that end or can do less by it.
    api_key_changes: List<ApiKeyChange>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Mutations of projects.
#[derive(Default)]
pub struct ProjectMutations;

#[Object]
impl ProjectMutations {
    /// Creates a project, owned by the viewer or, for a backend, by the organization's owner. Requires projects.create. Codes: NOT_FOUND, FORBIDDEN, BLANK, TOO_LONG, INVALID, TAKEN, LIMIT_REACHED, IDEMPOTENCY_KEY_REUSED.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn project_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ProjectCreateInput,
    ) -> Option<Result<ProjectCreatePayload>> {
        Some(create(ctx, input).await)
    }

    /// Changes a project; absent fields stay, null clears. Requires project.update. Codes: NOT_FOUND, FORBIDDEN, BLANK, TOO_LONG, INVALID, TAKEN, STALE_VERSION.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn project_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ProjectUpdateInput,
    ) -> Option<Result<ProjectUpdatePayload>> {
        Some(update(ctx, input).await)
    }

    /// Deletes a project. Requires project.delete. Codes: NOT_FOUND, FORBIDDEN, STALE_VERSION.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn project_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ProjectDeleteInput,
    ) -> Option<Result<ProjectDeletePayload>> {
        Some(delete(ctx, input).await)
    }

    /// Ends the viewer's own project membership. Codes: NOT_FOUND, OWNER_PROTECTED.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn project_leave(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ProjectLeaveInput,
    ) -> Option<Result<ProjectLeavePayload>> {
        Some(leave(ctx, input).await)
    }

    /// Makes another project member the owner of a project. Requires project.transfer, and everything that its owner may do. Codes: NOT_FOUND, FORBIDDEN, NOT_MEMBER, ROLE_NOT_ASSIGNABLE, ROLE_SCOPE_MISMATCH, STALE_VERSION.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn project_ownership_transfer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ProjectOwnershipTransferInput,
    ) -> Option<Result<ProjectOwnershipTransferPayload>> {
        Some(transfer_ownership(ctx, input).await)
    }
}

async fn update(ctx: &Context<'_>, input: ProjectUpdateInput) -> Result<ProjectUpdatePayload> {
    let operation = projects::Update {
        project: input.project.into(),
        name: input.name.into(),
        slug: input.slug.into(),
        description: input.description.into(),
        expected_version: input.expected_version,
    };
    Ok(match run(ctx, operation).await? {
        Ok(id) => ProjectUpdatePayload { project: Project::find(ctx, id).await?, user_errors: Vec::new() },
        Err(user_errors) => ProjectUpdatePayload { user_errors, ..Default::default() },
    })
}

async fn delete(ctx: &Context<'_>, input: ProjectDeleteInput) -> Result<ProjectDeletePayload> {
    let operation = projects::Delete { project: input.project.into(), expected_version: input.expected_version };
    Ok(match run(ctx, operation).await? {
        Ok(deleted) => ProjectDeletePayload {
            organization: Organization::find(ctx, deleted.organization).await?,
            deleted_project_id: Some(deleted.project.to_string().into()),
            user_errors: Vec::new(),
        },
        Err(user_errors) => ProjectDeletePayload { user_errors, ..Default::default() },
    })
}

async fn transfer_ownership(
    ctx: &Context<'_>,
    input: ProjectOwnershipTransferInput,
) -> Result<ProjectOwnershipTransferPayload> {
    let operation = projects::OwnershipTransfer {
        project: input.project.into(),
        new_owner: input.new_owner.into(),
        previous_owner_role: input.previous_owner_role.map(Into::into),
        expected_version: input.expected_version,
        dry_run: input.dry_run,
    };
    Ok(match run(ctx, operation).await? {
        Ok(transferred) => ProjectOwnershipTransferPayload {
            project: Project::find(ctx, transferred.project).await?,
            new_owner: ProjectMember::find(ctx, transferred.new_owner).await?,
            previous_owner: match transferred.previous_owner {
                Some(previous) => ProjectMember::find(ctx, previous).await?,
                None => None,
            },
            api_key_changes: ApiKeyChange::all(ctx, transferred.keys).await?,
            user_errors: Vec::new(),
        },
        Err(user_errors) => ProjectOwnershipTransferPayload { user_errors, ..Default::default() },
    })
}

async fn leave(ctx: &Context<'_>, input: ProjectLeaveInput) -> Result<ProjectLeavePayload> {
    let operation = projects::Leave { project: input.project.into(), dry_run: input.dry_run };
    Ok(match run(ctx, operation).await? {
        Ok(left) => ProjectLeavePayload {
            project: Project::find(ctx, left.project).await?,
            removed_project_member_id: Some(left.member.to_string().into()),
            api_key_changes: ApiKeyChange::all(ctx, left.keys).await?,
            user_errors: Vec::new(),
        },
        Err(user_errors) => ProjectLeavePayload { user_errors, ..Default::default() },
    })
}

async fn create(ctx: &Context<'_>, input: ProjectCreateInput) -> Result<ProjectCreatePayload> {
    let operation = projects::Create {
        organization: input.organization.into(),
        name: input.name,
        slug: input.slug,
        description: input.description.filter(|text| !text.trim().is_empty()),
    };
    Ok(match run_once(ctx, input.idempotency_key, operation).await? {
        Ok(id) => ProjectCreatePayload { project: Project::find(ctx, id).await?, user_errors: Vec::new() },
        Err(user_errors) => ProjectCreatePayload { user_errors, ..Default::default() },
    })
}
