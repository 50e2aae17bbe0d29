//! Mutations of API keys.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::run;
use crate::{
    domain::id::ApiKeyId,
    error::Result,
    graphql::{
        input::{OrganizationRefInput, ProjectRefInput},
        scalars::DateTime,
        semantic_non_null,
        types::{api_key::ApiKey, user_error::UserError},
    },
    operations::api_keys,
};

/// Input of `apiKeyCreate`.
#[derive(InputObject)]
pub struct ApiKeyCreateInput {
    /// The organization.
    organization: OrganizationRefInput,
    /// Limit to this project.
    project: Option<ProjectRefInput>,
    /// Name to show, 1–60 characters.
    name: String,
    /// Keys of its permissions.
    permissions: Vec<String>,
    /// Expiry; never when absent.
    expires_at: Option<DateTime>,
}

/// Result of `apiKeyCreate`.
#[derive(SimpleObject, Default)]
pub struct ApiKeyCreatePayload {
    /// The new key.
    api_key: Option<ApiKey>,
    /// The secret. Shown once.
    secret: Option<String>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `apiKeyRotate`.
#[derive(InputObject)]
pub struct ApiKeyRotateInput {
    /// The key.
    api_key_id: ID,
    /// Minutes the old secret keeps working, 0–1440.
    #[graphql(default = 0)]
    grace_minutes: i32,
}

/// Result of `apiKeyRotate`.
#[derive(SimpleObject, Default)]
pub struct ApiKeyRotatePayload {
    /// The key.
    api_key: Option<ApiKey>,
    /// The new secret. Shown once.
    secret: Option<String>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `apiKeyRevoke`.
#[derive(InputObject)]
pub struct ApiKeyRevokeInput {
    /// The key.
    api_key_id: ID,
}

/// Result of `apiKeyRevoke`.
#[derive(SimpleObject, Default)]
pub struct ApiKeyRevokePayload {
    /// The key.
    api_key: Option<ApiKey>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `apiKeyTakeOver`.
#[derive(InputObject)]
pub struct ApiKeyTakeOverInput {
    /// The key.
    api_key_id: ID,
}

/// Result of `apiKeyTakeOver`.
#[derive(SimpleObject, Default)]
pub struct ApiKeyTakeOverPayload {
    /// The key.
    api_key: Option<ApiKey>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Mutations of API keys.
#[derive(Default)]
pub struct ApiKeyMutations;

#[Object]
impl ApiKeyMutations {
    /// Creates an API key, for which the viewer answers: it can never do more than they can. Requires api_keys.manage; only permissions the actor has, and neither organization.transfer nor organization.delete. A key that is limited to a project holds project permissions only. A key made by a key expires no later than it and ends with it. Codes: NOT_FOUND, FORBIDDEN, BLANK, TOO_LONG, TOO_MANY, INVALID, LIMIT_REACHED.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn api_key_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ApiKeyCreateInput,
    ) -> Option<Result<ApiKeyCreatePayload>> {
        Some(create(ctx, input).await)
    }

    /// Replaces the secret; the old one works for the grace period. The person who gets the secret answers for the key from then on. Requires api_keys.manage and every permission of the key; an API key rotates itself and the keys that it made. A key that is revoked or expired is INVALID. Codes: NOT_FOUND, FORBIDDEN, INVALID.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn api_key_rotate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ApiKeyRotateInput,
    ) -> Option<Result<ApiKeyRotatePayload>> {
        Some(rotate(ctx, input).await)
    }

    /// Makes the viewer, a person or the operator, answer for an API key: it can do what it was granted as far as they hold that. The keys that it made go with it, and it ends no more with the key that made it. Done again, it succeeds. Requires api_keys.manage and every permission of the key. A key that is revoked or expired is INVALID. Codes: NOT_FOUND, FORBIDDEN, INVALID.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn api_key_take_over(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ApiKeyTakeOverInput,
    ) -> Option<Result<ApiKeyTakeOverPayload>> {
        Some(take_over(ctx, input).await)
    }

    /// Ends an API key at once, with its grace period, the keys that it made, and the pending invitations of all of these. Requires api_keys.manage. Codes: NOT_FOUND, FORBIDDEN.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn api_key_revoke(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ApiKeyRevokeInput,
    ) -> Option<Result<ApiKeyRevokePayload>> {
        Some(revoke(ctx, input).await)
    }
}

async fn create(ctx: &Context<'_>, input: ApiKeyCreateInput) -> Result<ApiKeyCreatePayload> {
    let operation = api_keys::Create {
        organization: input.organization.into(),
        project: input.project.map(Into::into),
        name: input.name,
        permissions: input.permissions,
        expires_at: input.expires_at.map(|time| time.0),
    };
    Ok(match run(ctx, operation).await? {
        Ok(issued) => ApiKeyCreatePayload {
            api_key: ApiKey::find(ctx, issued.key).await?,
            secret: Some(issued.secret.expose().to_owned()),
            user_errors: Vec::new(),
        },
        Err(user_errors) => ApiKeyCreatePayload { user_errors, ..Default::default() },
    })
}

async fn rotate(ctx: &Context<'_>, input: ApiKeyRotateInput) -> Result<ApiKeyRotatePayload> {
    let operation = api_keys::Rotate { key: ApiKeyId::parse(&input.api_key_id), grace_minutes: input.grace_minutes };
    Ok(match run(ctx, operation).await? {
        Ok(issued) => ApiKeyRotatePayload {
            api_key: ApiKey::find(ctx, issued.key).await?,
            secret: Some(issued.secret.expose().to_owned()),
            user_errors: Vec::new(),
        },
        Err(user_errors) => ApiKeyRotatePayload { user_errors, ..Default::default() },
    })
}

async fn take_over(ctx: &Context<'_>, input: ApiKeyTakeOverInput) -> Result<ApiKeyTakeOverPayload> {
    Ok(match run(ctx, api_keys::TakeOver { key: ApiKeyId::parse(&input.api_key_id) }).await? {
        Ok(key) => ApiKeyTakeOverPayload { api_key: ApiKey::find(ctx, key).await?, user_errors: Vec::new() },
        Err(user_errors) => ApiKeyTakeOverPayload { user_errors, ..Default::default() },
    })
}

async fn revoke(ctx: &Context<'_>, input: ApiKeyRevokeInput) -> Result<ApiKeyRevokePayload> {
    Ok(match run(ctx, api_keys::Revoke { key: ApiKeyId::parse(&input.api_key_id) }).await? {
        Ok(key) => ApiKeyRevokePayload { api_key: ApiKey::find(ctx, key).await?, user_errors: Vec::new() },
        Err(user_errors) => ApiKeyRevokePayload { user_errors, ..Default::default() },
    })
}
