//! Mutations of memberships of teams.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use futures_util::future::try_join_all;

use super::{BulkItemStatus, BulkMode, BulkSummary, run};
use crate::{
    error::{Error, Result},
    graphql::{
        input::{TeamMemberRefInput, TeamRefInput, UserRefInput},
        list::List,
        semantic_non_null,
        types::{
            team::Team,
            team_member::{TeamMember, TeamMemberRole},
            user_error::{UserError, user_errors},
        },
    },
    operations::team_members::{self, Change, ItemResult, MemberInput},
};

/// A person to put in a team.
#[derive(InputObject)]
pub struct TeamMemberInput {
    /// The person; `email` may also name someone with a pending invitation.
    user: UserRefInput,
    /// Role in the team.
    #[graphql(default_with = "TeamMemberRole::Member")]
    role: TeamMemberRole,
}

impl From<TeamMemberInput> for MemberInput {
    fn from(input: TeamMemberInput) -> Self {
        Self { user: input.user.into(), role: input.role.into() }
    }
}

/// What happened to a membership.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "Change")]
pub enum MembershipChange {
    /// New.
    Added,
    /// Gone.
    Removed,
    /// As before.
    Unchanged,
    /// Role changed.
    Updated,
}

/// Outcome for one team member.
#[derive(SimpleObject)]
pub struct TeamMemberResult {
    /// Index in the input list; null for members removed because the input did not name them.
    pub index: Option<i32>,
    /// Outcome.
    pub status: BulkItemStatus,
    /// Why it was skipped or refused.
    pub user_errors: Vec<UserError>,
    /// What happened; in a dry run, what would.
    change: Option<MembershipChange>,
    /// The membership, null if removed or refused.
    member: Option<TeamMember>,
    /// ID of the removed membership.
    removed_team_member_id: Option<ID>,
}

/// Input of `teamMembersAdd`.
#[derive(InputObject)]
pub struct TeamMembersAddInput {
    /// The team.
    team: TeamRefInput,
    /// The people and their roles, 1–100.
    members: Vec<TeamMemberInput>,
    /// What to do when some items fail.
    #[graphql(default_with = "BulkMode::Partial")]
    mode: BulkMode,
}

/// Result of `teamMembersAdd`.
#[derive(SimpleObject, Default)]
pub struct TeamMembersAddPayload {
    /// The team.
    team: Option<Team>,
    /// One per person.
    results: Option<List<TeamMemberResult>>,
    /// Counts.
    summary: Option<BulkSummary>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `teamMembersReplace`.
#[derive(InputObject)]
pub struct TeamMembersReplaceInput {
    /// The team.
    team: TeamRefInput,
    /// Everyone who shall be in the team, up to 500.
    members: Vec<TeamMemberInput>,
    /// What to do when some items fail.
    #[graphql(default_with = "BulkMode::Atomic")]
    mode: BulkMode,
    /// Check and report, but change nothing.
    #[graphql(default = false)]
    dry_run: bool,
    /// Refuse with `STALE_VERSION` unless this is the current version.
    expected_version: Option<i32>,
}

/// Result of `teamMembersReplace`.
#[derive(SimpleObject, Default)]
pub struct TeamMembersReplacePayload {
    /// The team.
    team: Option<Team>,
    /// One per person in the input, then one per removed member.
    results: Option<List<TeamMemberResult>>,
    /// Counts over the people in the input; those who are as before are skipped.
    summary: Option<BulkSummary>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `teamMemberUpdateRole`.
#[derive(InputObject)]
pub struct TeamMemberUpdateRoleInput {
    /// The member.
    member: TeamMemberRefInput,
    /// New role.
    role: TeamMemberRole,
}

/// Result of `teamMemberUpdateRole`.
#[derive(SimpleObject, Default)]
pub struct TeamMemberUpdateRolePayload {
    /// The member.
    member: Option<TeamMember>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `teamMemberRemove`.
#[derive(InputObject)]
pub struct TeamMemberRemoveInput {
    /// The member.
    member: TeamMemberRefInput,
}

/// Result of `teamMemberRemove`.
#[derive(SimpleObject, Default)]
pub struct TeamMemberRemovePayload {
    /// The team.
    team: Option<Team>,
    /// ID of the ended membership, null if it had ended before.
    removed_team_member_id: Option<ID>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Mutations of memberships of teams.
#[derive(Default)]
pub struct TeamMemberMutations;

#[Object]
impl TeamMemberMutations {
    /// Adds up to 100 organization members or pending invitees; the invitation of an invitee grants the team from then on. Requires teams.manage or being lead. Item codes: NOT_FOUND, NOT_MEMBER, ALREADY_MEMBER (skipped), DUPLICATE (skipped), ABORTED; for the call NOT_FOUND, FORBIDDEN, INVALID, TOO_MANY.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn team_members_add(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: TeamMembersAddInput,
    ) -> Option<Result<TeamMembersAddPayload>> {
        Some(add(ctx, input).await)
    }

    /// Makes the given list, up to 500, the whole membership: adds, changes and removes as needed. Requires teams.manage or being lead. Item codes: NOT_FOUND, NOT_MEMBER, ALREADY_MEMBER (skipped, as before), DUPLICATE (skipped), ABORTED; for the call NOT_FOUND, FORBIDDEN, TOO_MANY, STALE_VERSION.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn team_members_replace(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: TeamMembersReplaceInput,
    ) -> Option<Result<TeamMembersReplacePayload>> {
        Some(replace(ctx, input).await)
    }

    /// Changes a team role. Requires teams.manage or being lead. Codes: NOT_FOUND, FORBIDDEN.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn team_member_update_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: TeamMemberUpdateRoleInput,
    ) -> Option<Result<TeamMemberUpdateRolePayload>> {
        Some(update_role(ctx, input).await)
    }

    /// Removes a member from a team, and the team from the invitation of a pending one. Requires teams.manage or being lead. Codes: NOT_FOUND, FORBIDDEN.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn team_member_remove(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: TeamMemberRemoveInput,
    ) -> Option<Result<TeamMemberRemovePayload>> {
        Some(remove(ctx, input).await)
    }
}

async fn results(ctx: &Context<'_>, items: Vec<ItemResult>) -> Result<List<TeamMemberResult>> {
    let results = items.into_iter().map(|item| async move {
        let (removed, kept) = match item.change {
            Some(Change::Removed) => (item.member, None),
            _ => (None, item.member),
        };
        Ok::<_, Error>(TeamMemberResult {
            index: item.index.map(|index| i32::try_from(index).unwrap_or(i32::MAX)),
            status: item.status.into(),
            user_errors: user_errors(item.refusals),
            change: item.change.map(Into::into),
            member: match kept {
                Some(id) => TeamMember::find(ctx, id).await?,
                None => None,
            },
            removed_team_member_id: removed.map(|id| id.to_string().into()),
        })
    });
    try_join_all(results).await.map(List)
}

async fn add(ctx: &Context<'_>, input: TeamMembersAddInput) -> Result<TeamMembersAddPayload> {
    let operation = team_members::Add {
        team: input.team.into(),
        members: input.members.into_iter().map(Into::into).collect(),
        mode: input.mode.into(),
    };
    Ok(match run(ctx, operation).await? {
        Ok(added) => TeamMembersAddPayload {
            team: Team::find(ctx, added.team).await?,
            summary: Some(BulkSummary::of(added.named())),
            results: Some(results(ctx, added.items).await?),
            user_errors: Vec::new(),
        },
        Err(user_errors) => TeamMembersAddPayload { user_errors, ..Default::default() },
    })
}

async fn replace(ctx: &Context<'_>, input: TeamMembersReplaceInput) -> Result<TeamMembersReplacePayload> {
    let operation = team_members::Replace {
        team: input.team.into(),
        members: input.members.into_iter().map(Into::into).collect(),
        mode: input.mode.into(),
        dry_run: input.dry_run,
        expected_version: input.expected_version,
    };
    Ok(match run(ctx, operation).await? {
        Ok(replaced) => TeamMembersReplacePayload {
            team: Team::find(ctx, replaced.team).await?,
            summary: Some(BulkSummary::of(replaced.named())),
            results: Some(results(ctx, replaced.items).await?),
            user_errors: Vec::new(),
        },
        Err(user_errors) => TeamMembersReplacePayload { user_errors, ..Default::default() },
    })
}

async fn update_role(ctx: &Context<'_>, input: TeamMemberUpdateRoleInput) -> Result<TeamMemberUpdateRolePayload> {
    let operation = team_members::UpdateRole { member: input.member.into(), role: input.role.into() };
    Ok(match run(ctx, operation).await? {
        Ok(id) => TeamMemberUpdateRolePayload { member: TeamMember::find(ctx, id).await?, user_errors: Vec::new() },
        Err(user_errors) => TeamMemberUpdateRolePayload { user_errors, ..Default::default() },
    })
}

async fn remove(ctx: &Context<'_>, input: TeamMemberRemoveInput) -> Result<TeamMemberRemovePayload> {
    Ok(match run(ctx, team_members::Remove { member: input.member.into() }).await? {
        Ok(removed) => TeamMemberRemovePayload {
            team: Team::find(ctx, removed.team).await?,
            removed_team_member_id: removed.member.map(|id| id.to_string().into()),
            user_errors: Vec::new(),
        },
        Err(user_errors) => TeamMemberRemovePayload { user_errors, ..Default::default() },
    })
}
