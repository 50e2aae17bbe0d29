//! `ApiKey`.

use async_graphql::{Context, ID, Object};

use super::{actor::Actor, organization::Organization, permission::Permission, project::Project};
use crate::{
    error::Result,
    graphql::{context::RequestContext, scalars::DateTime},
    store::api_keys,
};

/// A credential.
#[derive(Clone, Debug)]
pub struct ApiKey(pub api_keys::ApiKey);

/// A credential of an organization, optionally limited to one project.
#[Object]
impl ApiKey {
    /// Opaque ID, `key_…`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Name to show.
    pub async fn display_name(&self) -> &String {
        &self.0.name
    }

    /// First characters of the secret, to recognize it.
    async fn prefix(&self) -> &str {
        &self.0.prefix
    }

    /// The organization.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Organization::of_invitation(ctx, self.0.organization_id).await
    }

    /// The only project it works in, null for the whole organization.
    async fn project(&self, ctx: &Context<'_>) -> Option<Result<Project>> {
        Project::find(ctx, self.0.project_id?).await.transpose()
    }

    /// Permissions.
    async fn permissions(&self, ctx: &Context<'_>) -> Vec<Permission> {
        let policy = &ctx.app().policy;
        policy.held(policy.of_key(&self.0)).cloned().map(Permission).collect()
    }

    /// Neither expired nor revoked.
    async fn is_active(&self, ctx: &Context<'_>) -> bool {
        self.0.is_active(ctx.reader().now)
    }

    /// Who created it.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Actor> {
        Actor::find(ctx, self.0.created_by_kind, self.0.created_by_id).await
    }

    /// Creation time.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// Last use, to the minute.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.0.last_used_at.map(DateTime)
    }

    /// Expiry, null if it never expires.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(DateTime)
    }

    /// Time of revocation.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.0.revoked_at.map(DateTime)
    }
}
