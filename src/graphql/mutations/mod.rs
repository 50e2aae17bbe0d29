//! Writes: inputs, payloads and resolvers of four lines, one file per area.
//!
//! A resolver reads its input, runs an operation, and shows what it answered; what the payload contains is
//! read again after the commit.

mod api_keys;
mod invitations;
mod organization_members;
mod organizations;
mod project_members;
mod projects;
mod roles;
mod team_members;
mod teams;

use async_graphql::{Context, Enum, Interface, MergedObject, SimpleObject};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    context::RequestContext,
    request_hash::request_hash,
    types::user_error::{UserError, user_errors},
};
use crate::{
    error::{Error, Result},
    operations::{
        self, IdempotencyKey, Operation,
        input::{self, ItemStatus},
    },
};
use api_keys::{ApiKeyCreatePayload, ApiKeyMutations, ApiKeyRevokePayload, ApiKeyRotatePayload, ApiKeyTakeOverPayload};
use invitations::{
    InvitationAcceptPayload, InvitationDeclinePayload, InvitationMutations, InvitationResendPayload, InvitationResult,
    InvitationRevokePayload, InvitationUpdatePayload, OrganizationInvitePayload, ProjectInvitePayload,
};
use organization_members::{
    OrganizationMemberMutations, OrganizationMemberRemovePayload, OrganizationMemberUpdateRolePayload,
};
use organizations::{
    OrganizationCreatePayload, OrganizationDeletePayload, OrganizationLeavePayload, OrganizationMutations,
    OrganizationOwnershipTransferPayload, OrganizationPlanUpdatePayload, OrganizationUpdatePayload,
};
use project_members::{
    ProjectMemberMutations, ProjectMemberRemovePayload, ProjectMemberResult, ProjectMemberUpdateRolePayload,
    ProjectMembersAddPayload,
};
use projects::{
    ProjectCreatePayload, ProjectDeletePayload, ProjectLeavePayload, ProjectMutations, ProjectOwnershipTransferPayload,
    ProjectUpdatePayload,
};
use roles::{RoleCreatePayload, RoleDeletePayload, RoleMutations, RoleUpdatePayload};
use team_members::{
    TeamMemberMutations, TeamMemberRemovePayload, TeamMemberResult, TeamMemberUpdateRolePayload, TeamMembersAddPayload,
    TeamMembersReplacePayload,
};
use teams::{TeamCreatePayload, TeamDeletePayload, TeamLeavePayload, TeamMutations, TeamUpdatePayload};

/// Writes. Named object first, so related mutations sort together. Fields run one after another; a payload is null only on an unexpected error.
#[derive(MergedObject, Default)]
pub struct Mutation(
    OrganizationMutations,
    OrganizationMemberMutations,
    InvitationMutations,
    ProjectMutations,
    ProjectMemberMutations,
    RoleMutations,
    ApiKeyMutations,
    TeamMutations,
    TeamMemberMutations,
);

/// Implemented by every mutation payload, so one fragment can read errors of any mutation.
#[derive(Interface)]
#[graphql(field(
    name = "user_errors",
    ty = "&Vec<UserError>",
    desc = "Why nothing, or not everything, was done. Empty on success."
))]
#[expect(clippy::enum_variant_names, reason = "the names are those of the types")]
pub enum MutationPayload {
    /// Of `organizationCreate`.
    OrganizationCreatePayload(OrganizationCreatePayload),
    /// Of `organizationUpdate`.
    OrganizationUpdatePayload(OrganizationUpdatePayload),
    /// Of `organizationDelete`.
    OrganizationDeletePayload(OrganizationDeletePayload),
    /// Of `organizationLeave`.
    OrganizationLeavePayload(OrganizationLeavePayload),
    /// Of `organizationOwnershipTransfer`.
    OrganizationOwnershipTransferPayload(OrganizationOwnershipTransferPayload),
    /// Of `organizationPlanUpdate`.
    OrganizationPlanUpdatePayload(OrganizationPlanUpdatePayload),
    /// Of `organizationMemberUpdateRole`.
    OrganizationMemberUpdateRolePayload(OrganizationMemberUpdateRolePayload),
    /// Of `organizationMemberRemove`.
    OrganizationMemberRemovePayload(OrganizationMemberRemovePayload),
    /// Of `organizationInvite`.
    OrganizationInvitePayload(OrganizationInvitePayload),
    /// Of `projectInvite`.
    ProjectInvitePayload(ProjectInvitePayload),
    /// Of `invitationUpdate`.
    InvitationUpdatePayload(InvitationUpdatePayload),
    /// Of `invitationResend`.
    InvitationResendPayload(InvitationResendPayload),
    /// Of `invitationRevoke`.
    InvitationRevokePayload(InvitationRevokePayload),
    /// Of `invitationAccept`.
    InvitationAcceptPayload(InvitationAcceptPayload),
    /// Of `invitationDecline`.
    InvitationDeclinePayload(InvitationDeclinePayload),
    /// Of `projectCreate`.
    ProjectCreatePayload(ProjectCreatePayload),
    /// Of `projectUpdate`.
    ProjectUpdatePayload(ProjectUpdatePayload),
    /// Of `projectDelete`.
    ProjectDeletePayload(ProjectDeletePayload),
    /// Of `projectLeave`.
    ProjectLeavePayload(ProjectLeavePayload),
    /// Of `projectOwnershipTransfer`.
    ProjectOwnershipTransferPayload(ProjectOwnershipTransferPayload),
    /// Of `projectMembersAdd`.
    ProjectMembersAddPayload(ProjectMembersAddPayload),
    /// Of `projectMemberUpdateRole`.
    ProjectMemberUpdateRolePayload(ProjectMemberUpdateRolePayload),
    /// Of `projectMemberRemove`.
    ProjectMemberRemovePayload(ProjectMemberRemovePayload),
    /// Of `roleCreate`.
    RoleCreatePayload(RoleCreatePayload),
    /// Of `roleUpdate`.
    RoleUpdatePayload(RoleUpdatePayload),
    /// Of `roleDelete`.
    RoleDeletePayload(RoleDeletePayload),
    /// Of `apiKeyCreate`.
    ApiKeyCreatePayload(ApiKeyCreatePayload),
    /// Of `apiKeyRotate`.
    ApiKeyRotatePayload(ApiKeyRotatePayload),
    /// Of `apiKeyTakeOver`.
    ApiKeyTakeOverPayload(ApiKeyTakeOverPayload),
    /// Of `apiKeyRevoke`.
    ApiKeyRevokePayload(ApiKeyRevokePayload),
    /// Of `teamCreate`.
    TeamCreatePayload(TeamCreatePayload),
    /// Of `teamUpdate`.
    TeamUpdatePayload(TeamUpdatePayload),
    /// Of `teamDelete`.
    TeamDeletePayload(TeamDeletePayload),
    /// Of `teamLeave`.
    TeamLeavePayload(TeamLeavePayload),
    /// Of `teamMembersAdd`.
    TeamMembersAddPayload(TeamMembersAddPayload),
    /// Of `teamMembersReplace`.
    TeamMembersReplacePayload(TeamMembersReplacePayload),
    /// Of `teamMemberUpdateRole`.
    TeamMemberUpdateRolePayload(TeamMemberUpdateRolePayload),
    /// Of `teamMemberRemove`.
    TeamMemberRemovePayload(TeamMemberRemovePayload),
}

/// What to do when some items of a bulk mutation fail.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "input::BulkMode")]
pub enum BulkMode {
    /// All items or none: one failure aborts the rest with `ABORTED`.
    Atomic,
    /// Apply what can be applied; report each item.
    Partial,
}

/// Outcome of one item of a bulk mutation.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "ItemStatus")]
pub enum BulkItemStatus {
    /// Refused; see the item's `userErrors`.
    Failed,
    /// Nothing to do, for example already a member; `userErrors` says why.
    Skipped,
    /// Applied.
    Succeeded,
}

/// Outcome of one item of a bulk mutation, in input order.
#[derive(Interface)]
#[graphql(
    field(
        name = "index",
        ty = "&Option<i32>",
        desc = "Index in the input list; null for items the input did not name."
    ),
    field(name = "status", ty = "&BulkItemStatus", desc = "Outcome."),
    field(name = "user_errors", ty = "&Vec<UserError>", desc = "Why it was skipped or refused.")
)]
#[expect(clippy::enum_variant_names, reason = "the names are those of the types")]
pub enum BulkItemResult {
    /// Of inviting.
    InvitationResult(InvitationResult),
    /// Of adding project members.
    ProjectMemberResult(ProjectMemberResult),
    /// Of changing team members.
    TeamMemberResult(TeamMemberResult),
}

/// Counts over the items of a bulk mutation.
#[derive(SimpleObject, Clone, Copy)]
pub struct BulkSummary {
    /// Items in the input.
    total: i32,
    /// Applied.
    succeeded: i32,
    /// Skipped.
    skipped: i32,
    /// Refused.
    failed: i32,
}

impl BulkSummary {
    fn of(statuses: impl Iterator<Item = ItemStatus>) -> Self {
        let mut summary = Self { total: 0, succeeded: 0, skipped: 0, failed: 0 };
        for status in statuses {
            summary.total += 1;
            *match status {
                ItemStatus::Succeeded => &mut summary.succeeded,
                ItemStatus::Skipped => &mut summary.skipped,
                ItemStatus::Failed => &mut summary.failed,
            } += 1;
        }
        summary
    }
}

/// Runs an operation that its caller may have given a key: what it answers or answered, or why it was refused.
async fn run_once<O>(ctx: &Context<'_>, key: Option<String>, operation: O) -> Result<Result<O::Output, Vec<UserError>>>
where
    O: Operation,
    O::Output: Serialize + DeserializeOwned + Sync,
{
    let with_hash = |text| Ok::<_, Error>(IdempotencyKey { text, request_hash: request_hash(ctx, "Mutation")? });
    let key = key.map(with_hash).transpose()?;
    refusals(operations::execute_once(ctx.app(), ctx.viewer(), key, operation).await)
}

/// Runs an operation for the viewer: what it answered, or why it was refused.
async fn run<O: Operation>(ctx: &Context<'_>, operation: O) -> Result<Result<O::Output, Vec<UserError>>> {
    refusals(operations::execute(ctx.app(), ctx.viewer(), operation).await)
}

/// Refusals are data of the payload; everything else is an error of the field.
fn refusals<T>(ended: Result<T>) -> Result<Result<T, Vec<UserError>>> {
    match ended {
        Ok(output) => Ok(Ok(output)),
        Err(Error::Refused(refusals)) => Ok(Err(user_errors(refusals))),
        Err(error) => Err(error),
    }
}
