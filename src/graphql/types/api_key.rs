//! `ApiKey`.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::{actor::Actor, organization::Organization, permission::Permission, project::Project};
use crate::{
    access::{Backend, Permission as Needed, Viewer},
    consequences::keys::KeyChange,
    domain::{
        id::{ApiKeyId, OrganizationId, ProjectId},
        text::fold,
    },
    error::Result,
    graphql::{
        at_hand::AtHand,
        connection::{self, Connection, PageArguments, fingerprint},
        context::RequestContext,
        input::{ProjectRefInput, order_input},
        list::List,
        loaders::{ApiKeyById, OrganizationById, page_of},
        scalars::DateTime,
    },
    store::api_keys,
};

/// Conditions on API keys.
#[derive(InputObject, Clone, Debug, Default)]
pub struct ApiKeyFilter {
    /// Part of the name or prefix, ignoring case.
    search: Option<String>,
    /// Limited to this project.
    project: Option<ProjectRefInput>,
    /// Also expired and revoked keys.
    #[graphql(default)]
    include_inactive: bool,
}

order_input! {
    /// Ordering of API keys. Ties are always broken by `id`, so cursors are stable.
    ApiKeyOrder = CreatedAt Desc;
    /// Fields API keys can be ordered by.
    ApiKeyOrderField of api_keys::OrderField = "api_keys::OrderField" {
        /// Creation time.
        CreatedAt,
        /// Last use.
        LastUsedAt,
        /// Name, ignoring case.
        Name,
    }
}

/// One page of API keys.
pub type ApiKeyConnection = connection::Connection<ApiKey>;

impl AtHand for ApiKey {}

/// A credential.
#[derive(Clone, Debug)]
pub struct ApiKey(pub Arc<Backend>);

impl ApiKey {
    /// A key that the viewer may know of: those who manage the keys do, and the key itself.
    pub async fn find(ctx: &Context<'_>, id: ApiKeyId) -> Result<Option<Self>> {
        let Some(key) = ctx.load(ApiKeyById(id)).await? else { return Ok(None) };
        let is_viewer = matches!(ctx.viewer().as_ref(), Viewer::Key(own) if own.id == id);
        let organization = ctx.load(OrganizationById(key.organization_id)).await?;
        let manages = organization.is_some_and(|organization| organization.permissions.has(Needed::ApiKeysManage));
        Ok((is_viewer || manages).then_some(Self(key)))
    }
}

/// A page of the API keys of an organization.
pub async fn list(
    ctx: &Context<'_>,
    organization: OrganizationId,
    filter: Option<ApiKeyFilter>,
    order_by: Option<ApiKeyOrder>,
    page: &PageArguments,
) -> Result<ApiKeyConnection> {
    let filter = filter.unwrap_or_default();
    let nothing = || ProjectId(uuid::Uuid::nil());
    let filter = api_keys::Filter {
        search: filter.search.as_deref().map(fold).filter(|search| !search.is_empty()),
        project: match filter.project {
            Some(project) => {
                Some(Project::find_by(ctx, &project.into()).await?.map_or_else(nothing, |found| found.0.project.id))
            }
            None => None,
        },
        active_at: (!filter.include_inactive).then_some(ctx.reader().now),
    };
    let (field, descending) = ApiKeyOrder::sort(order_by);
    let fingerprint = fingerprint(ctx, "Organization")?;
    let page = page.page(fingerprint)?;
    let of = api_keys::Of(organization);
    let found = page_of(ctx, of, filter, (field, descending), page, None).await?;
    let mut keys = ctx.load_many(found.slice.rows.iter().map(|(_, row)| ApiKeyById(row.id)).collect()).await?;
    let slice = found.slice.filter_map(|row| keys.remove(&ApiKeyById(row.id)).map(ApiKey));
    Ok(Connection::new(slice, fingerprint, found.total))
}

/// What a change of somebody's rights does to an API key that they answer for.
#[derive(SimpleObject)]
pub struct ApiKeyChange {
    /// The key, null where the viewer may not see it.
    api_key: Option<ApiKey>,
    /// Its name.
    name: String,
    /// It can do nothing any more.
    ends: bool,
    /// Keys of the permissions it loses.
    lost_permissions: Vec<String>,
}

impl ApiKeyChange {
    /// What a change does to keys, each shown as far as the viewer may see it.
    pub async fn all(ctx: &Context<'_>, changes: Vec<KeyChange>) -> Result<List<Self>> {
        let shown = changes.into_iter().map(|change| async move {
            let api_key = ApiKey::find(ctx, change.key).await?;
            let (name, ends, lost_permissions) = (change.name, change.ends, change.lost);
            Ok(Self { api_key, name, ends, lost_permissions })
        });
        futures_util::future::try_join_all(shown).await.map(List)
    }
}

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
        ctx.load_present(OrganizationById(self.0.organization_id)).await.map(Organization)
    }

    /// The only project it works in, null for the whole organization.
    async fn project(&self, ctx: &Context<'_>) -> Option<Result<Project>> {
        Project::find(ctx, self.0.project_id?).await.transpose()
    }

    /// What it can do now: what it was granted, as far as whoever answers for it holds that now. A key without any is refused at sign-in.
    async fn permissions(&self, ctx: &Context<'_>) -> Vec<Permission> {
        ctx.app().policy.held(self.0.effective).cloned().map(Permission).collect()
    }

    /// What it was granted when it was created.
    async fn granted_permissions(&self, ctx: &Context<'_>) -> Vec<Permission> {
        let policy = &ctx.app().policy;
        policy.held(policy.granted(&self.0)).cloned().map(Permission).collect()
    }

    /// Who answers for it: a person, whose rights are the most that it can do, or the operator. Whoever creates, rotates or takes over a key answers for it and for the keys that it makes.
    async fn responsible(&self, ctx: &Context<'_>) -> Result<Actor> {
        Actor::find(ctx, self.0.responsible_kind, self.0.responsible_id).await
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
