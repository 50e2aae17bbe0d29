//! Mutations of memberships of organizations.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::run;
use crate::{
    error::Result,
    graphql::{
        input::{OrganizationMemberRefInput, RoleRefInput},
        semantic_non_null,
        types::{organization::Organization, organization_member::OrganizationMember, user_error::UserError},
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
}

/// Result of `organizationMemberUpdateRole`.
#[derive(SimpleObject, Default)]
pub struct OrganizationMemberUpdateRolePayload {
    /// The member.
    member: Option<OrganizationMember>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `organizationMemberRemove`.
#[derive(InputObject)]
pub struct OrganizationMemberRemoveInput {
    /// The member.
    member: OrganizationMemberRefInput,
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

    /// Removes a member from the organization, its projects and teams. Requires members.manage. Codes: NOT_FOUND, FORBIDDEN, OWNER_PROTECTED.
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
    };
    Ok(match run(ctx, operation).await? {
        Ok(id) => OrganizationMemberUpdateRolePayload {
            member: OrganizationMember::find(ctx, id).await?,
            user_errors: Vec::new(),
        },
        Err(user_errors) => OrganizationMemberUpdateRolePayload { user_errors, ..Default::default() },
    })
}

async fn remove(ctx: &Context<'_>, input: OrganizationMemberRemoveInput) -> Result<OrganizationMemberRemovePayload> {
    Ok(match run(ctx, organization_members::Remove { member: input.member.into() }).await? {
        Ok(removed) => OrganizationMemberRemovePayload {
            organization: Organization::find(ctx, removed.organization).await?,
            removed_organization_member_id: removed.member.map(|id| id.to_string().into()),
            removed_project_member_ids: Some(removed.project_members.iter().map(|id| id.to_string().into()).collect()),
            removed_team_member_ids: Some(removed.team_members.iter().map(|id| id.to_string().into()).collect()),
            user_errors: Vec::new(),
        },
        Err(user_errors) => OrganizationMemberRemovePayload { user_errors, ..Default::default() },
    })
}
