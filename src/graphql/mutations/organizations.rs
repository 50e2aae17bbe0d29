//! Mutations of organizations.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::{run, run_once};
use crate::{
    error::Result,
    graphql::{
        input::{OrganizationRefInput, RoleRefInput, UserRefInput},
        list::List,
        scalars::DateTime,
        semantic_non_null,
        types::{
            api_key::ApiKeyChange,
            organization::{Organization, OrganizationVisibility},
            organization_member::OrganizationMember,
            plan::PlanTier,
            user_error::UserError,
        },
    },
    operations::organizations,
};

/// Input of `organizationCreate`.
#[derive(InputObject)]
pub struct OrganizationCreateInput {
    /// Name to show, 1–100 characters.
    name: String,
    /// Wanted slug; made from the name when absent.
    slug: Option<String>,
    /// Description, up to 2000 characters.
    description: Option<String>,
    /// Logo.
    logo_url: Option<String>,
    /// Website.
    website: Option<String>,
    /// Key from `industries`.
    industry: Option<String>,
    /// Contact email.
    email: Option<String>,
    /// Contact phone, in its international form: `+49 30 901820`.
    phone: Option<String>,
    /// Who can see the profile.
    #[graphql(default_with = "OrganizationVisibility::Private")]
    visibility: OrganizationVisibility,
    /// Who will own it; the viewer when absent. Operators only.
    owner: Option<UserRefInput>,
    /// Makes retries safe for 24 hours: the same key and input returns the first result.
    idempotency_key: Option<String>,
}

/// Result of `organizationCreate`.
#[derive(SimpleObject, Default)]
pub struct OrganizationCreatePayload {
    /// The new organization.
    organization: Option<Organization>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `organizationUpdate`.
#[derive(InputObject)]
pub struct OrganizationUpdateInput {
    /// The organization.
    organization: OrganizationRefInput,
    /// Name to show.
    name: MaybeUndefined<String>,
    /// New slug; the old one keeps resolving.
    slug: MaybeUndefined<String>,
    /// Description.
    description: MaybeUndefined<String>,
    /// Logo.
    logo_url: MaybeUndefined<String>,
    /// Website.
    website: MaybeUndefined<String>,
    /// Key from `industries`.
    industry: MaybeUndefined<String>,
    /// Contact email.
    email: MaybeUndefined<String>,
    /// Contact phone, in its international form: `+49 30 901820`.
    phone: MaybeUndefined<String>,
    /// Who can see the profile.
    visibility: MaybeUndefined<OrganizationVisibility>,
    /// Refuse with `STALE_VERSION` unless this is the current version.
    expected_version: Option<i32>,
}

/// Result of `organizationUpdate`.
#[derive(SimpleObject, Default)]
pub struct OrganizationUpdatePayload {
    /// The organization.
    organization: Option<Organization>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `organizationDelete`.
#[derive(InputObject)]
pub struct OrganizationDeleteInput {
    /// The organization.
    organization: OrganizationRefInput,
    /// Refuse with `STALE_VERSION` unless this is the current version.
    expected_version: Option<i32>,
}

/// Result of `organizationDelete`.
#[derive(SimpleObject, Default)]
pub struct OrganizationDeletePayload {
    /// ID of the deleted organization.
    deleted_organization_id: Option<ID>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `organizationLeave`.
#[derive(InputObject)]
pub struct OrganizationLeaveInput {
    /// The organization.
    organization: OrganizationRefInput,
    /// Tell what it would do, but change nothing.
    #[graphql(default = false)]
    dry_run: bool,
}

/// Result of `organizationLeave`.
#[derive(SimpleObject, Default)]
pub struct OrganizationLeavePayload {
    /// The organization, null if no longer visible.
    organization: Option<Organization>,
    /// ID of the ended membership.
    removed_organization_member_id: Option<ID>,
    /// API keys that the viewer answers for and that end or can do less by it.
    api_key_changes: List<ApiKeyChange>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `organizationOwnershipTransfer`.
#[derive(InputObject)]
pub struct OrganizationOwnershipTransferInput {
    /// The organization.
    organization: OrganizationRefInput,
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

/// Result of `organizationOwnershipTransfer`.
#[derive(SimpleObject, Default)]
pub struct OrganizationOwnershipTransferPayload {
    /// The organization.
    organization: Option<Organization>,
    /// The new owner.
    new_owner: Option<OrganizationMember>,
    /// The previous owner; null when the new one was it already.
    previous_owner: Option<OrganizationMember>,
    /// API keys that the previous owner answers for and that end or can do less by it.
    api_key_changes: List<ApiKeyChange>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `organizationPlanUpdate`. It replaces the whole plan.
#[derive(InputObject)]
pub struct OrganizationPlanUpdateInput {
    /// The organization.
    organization: OrganizationRefInput,
    /// New plan.
    tier: PlanTier,
    /// Seats of the plan, 0 or more; null for unlimited.
    seats: Option<i32>,
    /// End of the trial; null for no trial.
    trial_ends_at: Option<DateTime>,
}

/// Result of `organizationPlanUpdate`.
#[derive(SimpleObject, Default)]
pub struct OrganizationPlanUpdatePayload {
    /// The organization.
    organization: Option<Organization>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Mutations of organizations.
#[derive(Default)]
pub struct OrganizationMutations;

#[Object]
impl OrganizationMutations {
    /// Creates an organization owned by the viewer. Codes: BLANK, TOO_LONG, INVALID, TAKEN, LIMIT_REACHED, IDEMPOTENCY_KEY_REUSED; NOT_FOUND and FORBIDDEN for `owner`, FORBIDDEN for API keys.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn organization_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: OrganizationCreateInput,
    ) -> Option<Result<OrganizationCreatePayload>> {
        Some(create(ctx, input).await)
    }

    /// Changes the profile; absent fields stay, null clears. Requires organization.update. Codes: NOT_FOUND, FORBIDDEN, BLANK, TOO_LONG, INVALID, TAKEN, STALE_VERSION.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn organization_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: OrganizationUpdateInput,
    ) -> Option<Result<OrganizationUpdatePayload>> {
        Some(update(ctx, input).await)
    }

    /// Deletes an organization and everything in it. Requires organization.delete. Codes: NOT_FOUND, FORBIDDEN, STALE_VERSION.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn organization_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: OrganizationDeleteInput,
    ) -> Option<Result<OrganizationDeletePayload>> {
        Some(delete(ctx, input).await)
    }

    /// Ends the viewer's own membership, with its projects and teams and the API keys that they answer for. Codes: NOT_FOUND, OWNER_PROTECTED.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn organization_leave(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: OrganizationLeaveInput,
    ) -> Option<Result<OrganizationLeavePayload>> {
        Some(leave(ctx, input).await)
    }

    /// Makes another member the owner. Requires organization.transfer, and everything that the owner may do. Codes: NOT_FOUND, FORBIDDEN, NOT_MEMBER, ROLE_NOT_ASSIGNABLE, ROLE_SCOPE_MISMATCH, LIMIT_REACHED, STALE_VERSION.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn organization_ownership_transfer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: OrganizationOwnershipTransferInput,
    ) -> Option<Result<OrganizationOwnershipTransferPayload>> {
        Some(transfer_ownership(ctx, input).await)
    }

    /// Records what billing decided. Operators only. Codes: NOT_FOUND, FORBIDDEN, INVALID.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn organization_plan_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: OrganizationPlanUpdateInput,
    ) -> Option<Result<OrganizationPlanUpdatePayload>> {
        Some(update_plan(ctx, input).await)
    }
}

async fn update(ctx: &Context<'_>, input: OrganizationUpdateInput) -> Result<OrganizationUpdatePayload> {
    let operation = organizations::Update {
        organization: input.organization.into(),
        name: input.name.into(),
        slug: input.slug.into(),
        description: input.description.into(),
        logo_url: input.logo_url.into(),
        website: input.website.into(),
        industry: input.industry.into(),
        email: input.email.into(),
        phone: input.phone.into(),
        visibility: input.visibility.into(),
        expected_version: input.expected_version,
    };
    Ok(match run(ctx, operation).await? {
        Ok(id) => {
            OrganizationUpdatePayload { organization: Organization::find(ctx, id).await?, user_errors: Vec::new() }
        }
        Err(user_errors) => OrganizationUpdatePayload { user_errors, ..Default::default() },
    })
}

async fn delete(ctx: &Context<'_>, input: OrganizationDeleteInput) -> Result<OrganizationDeletePayload> {
    let operation =
        organizations::Delete { organization: input.organization.into(), expected_version: input.expected_version };
    Ok(match run(ctx, operation).await? {
        Ok(id) => {
            OrganizationDeletePayload { deleted_organization_id: Some(id.to_string().into()), user_errors: Vec::new() }
        }
        Err(user_errors) => OrganizationDeletePayload { user_errors, ..Default::default() },
    })
}

async fn transfer_ownership(
    ctx: &Context<'_>,
    input: OrganizationOwnershipTransferInput,
) -> Result<OrganizationOwnershipTransferPayload> {
    let operation = organizations::OwnershipTransfer {
        organization: input.organization.into(),
        new_owner: input.new_owner.into(),
        previous_owner_role: input.previous_owner_role.map(Into::into),
        expected_version: input.expected_version,
        dry_run: input.dry_run,
    };
    Ok(match run(ctx, operation).await? {
        Ok(transferred) => OrganizationOwnershipTransferPayload {
            organization: Organization::find(ctx, transferred.organization).await?,
            new_owner: OrganizationMember::find(ctx, transferred.new_owner).await?,
            previous_owner: match transferred.previous_owner {
                Some(previous) => OrganizationMember::find(ctx, previous).await?,
                None => None,
            },
            api_key_changes: ApiKeyChange::all(ctx, transferred.keys).await?,
            user_errors: Vec::new(),
        },
        Err(user_errors) => OrganizationOwnershipTransferPayload { user_errors, ..Default::default() },
    })
}

async fn update_plan(ctx: &Context<'_>, input: OrganizationPlanUpdateInput) -> Result<OrganizationPlanUpdatePayload> {
    let operation = organizations::PlanUpdate {
        organization: input.organization.into(),
        tier: input.tier.into(),
        seats: input.seats,
        trial_ends_at: input.trial_ends_at.map(|end| end.0),
    };
    Ok(match run(ctx, operation).await? {
        Ok(id) => {
            OrganizationPlanUpdatePayload { organization: Organization::find(ctx, id).await?, user_errors: Vec::new() }
        }
        Err(user_errors) => OrganizationPlanUpdatePayload { user_errors, ..Default::default() },
    })
}

async fn leave(ctx: &Context<'_>, input: OrganizationLeaveInput) -> Result<OrganizationLeavePayload> {
    let operation = organizations::Leave { organization: input.organization.into(), dry_run: input.dry_run };
    Ok(match run(ctx, operation).await? {
        Ok(left) => OrganizationLeavePayload {
            organization: Organization::find(ctx, left.organization).await?,
            removed_organization_member_id: Some(left.member.to_string().into()),
            api_key_changes: ApiKeyChange::all(ctx, left.ended.keys).await?,
            user_errors: Vec::new(),
        },
        Err(user_errors) => OrganizationLeavePayload { user_errors, ..Default::default() },
    })
}

async fn create(ctx: &Context<'_>, input: OrganizationCreateInput) -> Result<OrganizationCreatePayload> {
    let operation = organizations::Create {
        name: input.name,
        slug: input.slug,
        description: input.description.filter(|text| !text.trim().is_empty()),
        logo_url: input.logo_url,
        website: input.website,
        industry: input.industry,
        email: input.email,
        phone: input.phone,
        visibility: input.visibility.into(),
        owner: input.owner.map(Into::into),
    };
    Ok(match run_once(ctx, input.idempotency_key, operation).await? {
        Ok(id) => {
            OrganizationCreatePayload { organization: Organization::find(ctx, id).await?, user_errors: Vec::new() }
        }
        Err(user_errors) => OrganizationCreatePayload { user_errors, ..Default::default() },
    })
}
