//! Mutations of teams.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::{run, run_once, team_members::TeamMemberInput};
use crate::{
    error::Result,
    graphql::{
        input::{OrganizationRefInput, TeamRefInput},
        semantic_non_null,
        types::{organization::Organization, team::Team, user_error::UserError},
    },
    operations::teams,
};

/// Input of `teamCreate`.
#[derive(InputObject)]
pub struct TeamCreateInput {
    /// The organization.
    organization: OrganizationRefInput,
    /// Name to show, 1–100 characters.
    name: String,
    /// Wanted slug; made from the name when absent.
    slug: Option<String>,
    /// Description, up to 2000 characters.
    description: Option<String>,
    /// Color, `#RRGGBB`; picked when absent.
    color: Option<String>,
    /// First members, up to 100. One who cannot be in the team keeps it from being created.
    members: Option<Vec<TeamMemberInput>>,
    /// Makes retries safe for 24 hours: the same key and input returns the first result.
    idempotency_key: Option<String>,
}

/// Result of `teamCreate`.
#[derive(SimpleObject, Default)]
pub struct TeamCreatePayload {
    /// The new team.
    team: Option<Team>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `teamUpdate`.
#[derive(InputObject)]
pub struct TeamUpdateInput {
    /// The team.
    team: TeamRefInput,
    /// Name to show, 1–100 characters.
    name: MaybeUndefined<String>,
    /// New slug. The old one is free again.
    slug: MaybeUndefined<String>,
    /// Description, up to 2000 characters.
    description: MaybeUndefined<String>,
    /// Color, `#RRGGBB`.
    color: MaybeUndefined<String>,
    /// Refuse with `STALE_VERSION` unless this is the current version.
    expected_version: Option<i32>,
}

/// Result of `teamUpdate`.
#[derive(SimpleObject, Default)]
pub struct TeamUpdatePayload {
    /// The team.
    team: Option<Team>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `teamDelete`.
#[derive(InputObject)]
pub struct TeamDeleteInput {
    /// The team.
    team: TeamRefInput,
    /// Refuse with `STALE_VERSION` unless this is the current version.
    expected_version: Option<i32>,
}

/// Result of `teamDelete`.
#[derive(SimpleObject, Default)]
pub struct TeamDeletePayload {
    /// The organization.
    organization: Option<Organization>,
    /// ID of the deleted team.
    deleted_team_id: Option<ID>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `teamLeave`.
#[derive(InputObject)]
pub struct TeamLeaveInput {
    /// The team.
    team: TeamRefInput,
}

/// Result of `teamLeave`.
#[derive(SimpleObject, Default)]
pub struct TeamLeavePayload {
    /// The team, null if not visible.
    team: Option<Team>,
    /// ID of the ended membership.
    removed_team_member_id: Option<ID>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Mutations of teams.
#[derive(Default)]
pub struct TeamMutations;

#[Object]
impl TeamMutations {
    /// Creates a team. Requires teams.manage. Codes: NOT_FOUND, FORBIDDEN, BLANK, TOO_LONG, INVALID, TAKEN, LIMIT_REACHED, IDEMPOTENCY_KEY_REUSED; for its members NOT_FOUND, NOT_MEMBER, DUPLICATE, TOO_MANY.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn team_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: TeamCreateInput,
    ) -> Option<Result<TeamCreatePayload>> {
        Some(create(ctx, input).await)
    }

    /// Changes a team; absent fields stay, null clears. Requires teams.manage. Codes: NOT_FOUND, FORBIDDEN, BLANK, TOO_LONG, INVALID, TAKEN, STALE_VERSION.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn team_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: TeamUpdateInput,
    ) -> Option<Result<TeamUpdatePayload>> {
        Some(update(ctx, input).await)
    }

    /// Deletes a team. Requires teams.manage. Codes: NOT_FOUND, FORBIDDEN, STALE_VERSION.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn team_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: TeamDeleteInput,
    ) -> Option<Result<TeamDeletePayload>> {
        Some(delete(ctx, input).await)
    }

    /// Ends the viewer's own team membership. Codes: NOT_FOUND.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn team_leave(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: TeamLeaveInput,
    ) -> Option<Result<TeamLeavePayload>> {
        Some(leave(ctx, input).await)
    }
}

async fn create(ctx: &Context<'_>, input: TeamCreateInput) -> Result<TeamCreatePayload> {
    let operation = teams::Create {
        organization: input.organization.into(),
        name: input.name,
        slug: input.slug,
        description: input.description,
        color: input.color,
        members: input.members.unwrap_or_default().into_iter().map(Into::into).collect(),
    };
    Ok(match run_once(ctx, input.idempotency_key, operation).await? {
        Ok(id) => TeamCreatePayload { team: Team::find(ctx, id).await?, user_errors: Vec::new() },
        Err(user_errors) => TeamCreatePayload { user_errors, ..Default::default() },
    })
}

async fn update(ctx: &Context<'_>, input: TeamUpdateInput) -> Result<TeamUpdatePayload> {
    let operation = teams::Update {
        team: input.team.into(),
        name: input.name.into(),
        slug: input.slug.into(),
        description: input.description.into(),
        color: input.color.into(),
        expected_version: input.expected_version,
    };
    Ok(match run(ctx, operation).await? {
        Ok(id) => TeamUpdatePayload { team: Team::find(ctx, id).await?, user_errors: Vec::new() },
        Err(user_errors) => TeamUpdatePayload { user_errors, ..Default::default() },
    })
}

async fn delete(ctx: &Context<'_>, input: TeamDeleteInput) -> Result<TeamDeletePayload> {
    let operation = teams::Delete { team: input.team.into(), expected_version: input.expected_version };
    Ok(match run(ctx, operation).await? {
        Ok(deleted) => TeamDeletePayload {
            organization: Organization::find(ctx, deleted.organization).await?,
            deleted_team_id: Some(deleted.team.to_string().into()),
            user_errors: Vec::new(),
        },
        Err(user_errors) => TeamDeletePayload { user_errors, ..Default::default() },
    })
}

async fn leave(ctx: &Context<'_>, input: TeamLeaveInput) -> Result<TeamLeavePayload> {
    Ok(match run(ctx, teams::Leave { team: input.team.into() }).await? {
        Ok(left) => TeamLeavePayload {
            team: Team::find(ctx, left.team).await?,
            removed_team_member_id: Some(left.member.to_string().into()),
            user_errors: Vec::new(),
        },
        Err(user_errors) => TeamLeavePayload { user_errors, ..Default::default() },
    })
}
