//! Mutations of organizations.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::{run, run_once};
use crate::{
    error::Result,
    graphql::{
        input::{OrganizationRefInput, UserRefInput},
        semantic_non_null,
        types::{
            organization::{Organization, OrganizationVisibility},
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
    /// Contact email.
    email: Option<String>,
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

/// Input of `organizationLeave`.
#[derive(InputObject)]
pub struct OrganizationLeaveInput {
    /// The organization.
    organization: OrganizationRefInput,
}

/// Result of `organizationLeave`.
#[derive(SimpleObject, Default)]
pub struct OrganizationLeavePayload {
    /// The organization, null if no longer visible.
    organization: Option<Organization>,
    /// ID of the ended membership.
    removed_organization_member_id: Option<ID>,
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

    /// Ends the viewer's own membership, with its projects and teams. Codes: NOT_FOUND, OWNER_PROTECTED.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn organization_leave(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: OrganizationLeaveInput,
    ) -> Option<Result<OrganizationLeavePayload>> {
        Some(leave(ctx, input).await)
    }
}

async fn leave(ctx: &Context<'_>, input: OrganizationLeaveInput) -> Result<OrganizationLeavePayload> {
    Ok(match run(ctx, organizations::Leave { organization: input.organization.into() }).await? {
        Ok(left) => OrganizationLeavePayload {
            organization: Organization::find(ctx, left.organization).await?,
            removed_organization_member_id: Some(left.member.to_string().into()),
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
        email: input.email,
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
