//! Mutations of projects.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::{run, run_once};
use crate::{
    error::Result,
    graphql::{
        input::{OrganizationRefInput, ProjectRefInput},
        semantic_non_null,
        types::{project::Project, user_error::UserError},
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

/// Input of `projectLeave`.
#[derive(InputObject)]
pub struct ProjectLeaveInput {
    /// The project.
    project: ProjectRefInput,
}

/// Result of `projectLeave`.
#[derive(SimpleObject, Default)]
pub struct ProjectLeavePayload {
    /// The project, null if no longer visible.
    project: Option<Project>,
    /// ID of the ended membership.
    removed_project_member_id: Option<ID>,
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

    /// Ends the viewer's own project membership. Codes: NOT_FOUND, OWNER_PROTECTED.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn project_leave(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ProjectLeaveInput,
    ) -> Option<Result<ProjectLeavePayload>> {
        Some(leave(ctx, input).await)
    }
}

async fn leave(ctx: &Context<'_>, input: ProjectLeaveInput) -> Result<ProjectLeavePayload> {
    Ok(match run(ctx, projects::Leave { project: input.project.into() }).await? {
        Ok(left) => ProjectLeavePayload {
            project: Project::find(ctx, left.project).await?,
            removed_project_member_id: Some(left.member.to_string().into()),
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
