//! Mutations of memberships of organizations.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};

use super::run;
use crate::{
    consequences::memberships::FateOfKeys,
    error::Result,
    graphql::{
        input::{OrganizationMemberRefInput, RoleRefInput},
        list::List,
        semantic_non_null,
        types::{
            api_key::ApiKeyChange, organization::Organization, organization_member::OrganizationMember,
            user_error::UserError,
        },
    },
    operations::organization_members,
};

/// Input of `organizationMemberUpdateRole`.
#[derive(InputObject)]
pub struct OrganizationMemberUpdateRoleInput {
    /// The member.
    member: OrganizationMemberRefInput,
    /// New role.
    role: RoleRefInput,
    /// Refuse with `STALE_VERSION` unless this is the current version.
    expected_version: Option<i32>,
    /// Tell what it would do, but change nothing.
    #[graphql(default = false)]
    dry_run: bool,
}

/// Result of `organizationMemberUpdateRole`.
#[derive(SimpleObject, Default)]
pub struct OrganizationMemberUpdateRolePayload {
    /// The member.
    member: Option<OrganizationMember>,
    /// API keys that the member answers for and that end or can do less by it.
    api_key_changes: List<ApiKeyChange>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// What becomes of the API keys that a removed member answers for.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "FateOfKeys")]
pub enum ApiKeysOnRemoval {
    /// They end.
    End,
    /// The viewer answers for them. Requires api_keys.manage and every permission of each.
    TakeOver,
}

/// Input of `organizationMemberRemove`.
#[derive(InputObject)]
pub struct OrganizationMemberRemoveInput {
    /// The member.
    member: OrganizationMemberRefInput,
    /// What becomes of the API keys that they answer for.
    #[graphql(default_with = "ApiKeysOnRemoval::End")]
    api_keys: ApiKeysOnRemoval,
    /// Tell what it would do, but change nothing.
    #[graphql(default = false)]
    dry_run: bool,
}

/// Result of `organizationMemberRemove`.
#[derive(SimpleObject, Default)]
pub struct OrganizationMemberRemovePayload {
    /// The organization.
    organization: Option<Organization>,
    /// ID of the ended membership, null if it had ended before.
    removed_organization_member_id: Option<ID>,
    /// IDs of the project memberships that ended with it.
    removed_project_member_ids: Option<Vec<ID>>,
    /// IDs of the team memberships that ended with it.
    removed_team_member_ids: Option<Vec<ID>>,
    /// API keys that the member answers for and that end or can do less by it.
    api_key_changes: List<ApiKeyChange>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Mutations of memberships of organizations.
#[derive(Default)]
pub struct OrganizationMemberMutations;

#[Object]
impl OrganizationMemberMutations {
    /// Changes an organization role. Requires members.manage. Codes: NOT_FOUND, FORBIDDEN, OWNER_PROTECTED, ROLE_NOT_ASSIGNABLE, ROLE_SCOPE_MISMATCH, STALE_VERSION.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn organization_member_update_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: OrganizationMemberUpdateRoleInput,
    ) -> Option<Result<OrganizationMemberUpdateRolePayload>> {
        Some(update_role(ctx, input).await)
    }

    /// Removes a member from the organization, its projects and teams, and ends the API keys that they answer for, unless the viewer takes these over. Requires members.manage. Codes: NOT_FOUND, FORBIDDEN, OWNER_PROTECTED.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn organization_member_remove(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: OrganizationMemberRemoveInput,
    ) -> Option<Result<OrganizationMemberRemovePayload>> {
        Some(remove(ctx, input).await)
    }
}

async fn update_role(
    ctx: &Context<'_>,
    input: OrganizationMemberUpdateRoleInput,
) -> Result<OrganizationMemberUpdateRolePayload> {
    let operation = organization_members::UpdateRole {
        member: input.member.into(),
        role: input.role.into(),
        expected_version: input.expected_version,
        dry_run: input.dry_run,
    };
    Ok(match run(ctx, operation).await? {
        Ok(updated) => OrganizationMemberUpdateRolePayload {
            member: OrganizationMember::find(ctx, updated.member).await?,
            api_key_changes: ApiKeyChange::all(ctx, updated.keys).await?,
            user_errors: Vec::new(),
        },
        Err(user_errors) => OrganizationMemberUpdateRolePayload { user_errors, ..Default::default() },
    })
}

async fn remove(ctx: &Context<'_>, input: OrganizationMemberRemoveInput) -> Result<OrganizationMemberRemovePayload> {
    let operation = organization_members::Remove {
        member: input.member.into(),
        api_keys: input.api_keys.into(),
        dry_run: input.dry_run,
    };
    let removed = match run(ctx, operation).await? {
        Ok(removed) => removed,
        Err(user_errors) => return Ok(OrganizationMemberRemovePayload { user_errors, ..Default::default() }),
    };
    let (id, ended) = removed.member.unzip();
    let (project_members, team_members, keys) =
        ended.map(|ended| (ended.project_members, ended.team_members, ended.keys)).unwrap_or_default();
    Ok(OrganizationMemberRemovePayload {
        organization: Organization::find(ctx, removed.organization).await?,
        removed_organization_member_id: id.map(|id| id.to_string().into()),
        removed_project_member_ids: Some(project_members.iter().map(|id| id.to_string().into()).collect()),
        removed_team_member_ids: Some(team_members.iter().map(|id| id.to_string().into()).collect()),
        api_key_changes: ApiKeyChange::all(ctx, keys).await?,
        user_errors: Vec::new(),
    })
}
