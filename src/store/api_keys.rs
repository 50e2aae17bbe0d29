//! API keys.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    prelude::*,
    sql_types::{Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{
    Connection,
    paging::{self, Listing, Page, Parent, Slice, Sort},
    query::{Query, contains},
    schema::api_keys,
};
use crate::{
    domain::{
        id::{ApiKeyId, OrganizationId, ProjectId},
        organization::ActorKind,
        secret::{ApiKeySecret, equal},
        text::fold,
    },
    error::Result,
};

/// A credential of an organization.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = api_keys)]
#[expect(missing_docs, reason = "the columns are described in the migration and in the schema")]
pub struct ApiKey {
    pub organization_id: OrganizationId,
    pub id: ApiKeyId,
    pub name: String,
    pub sort_name: String,
    pub search_text: String,
    pub prefix: String,
    pub secret_hash: Vec<u8>,
    pub previous_hash: Option<Vec<u8>>,
    pub previous_until: Option<DateTime<Utc>>,
    pub project_id: Option<ProjectId>,
    pub permissions: Vec<String>,
    pub created_by_kind: ActorKind,
    pub created_by_id: Option<uuid::Uuid>,
    pub created_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

impl ApiKey {
    /// What lists of keys are searched by.
    pub fn searched_by(name: &str, prefix: &str) -> String {
        format!("{} {}", fold(name), fold(prefix))
    }

    /// Whether this is the secret of the key, or the one before while that still works. The time it takes tells
    /// nothing of either.
    pub fn has_secret(&self, secret: &ApiKeySecret, now: DateTime<Utc>) -> bool {
        let hash = secret.hash();
        let in_grace = self.previous_until.is_some_and(|end| end > now);
        let previous = self.previous_hash.as_deref().unwrap_or_default();
        equal(&self.secret_hash, &hash) | (equal(previous, &hash) & in_grace)
    }

    /// When a secret stops working because the key has a newer one.
    pub fn end_of(&self, secret: &ApiKeySecret) -> Option<DateTime<Utc>> {
        self.previous_until.filter(|_| !equal(&self.secret_hash, &secret.hash()))
    }

    /// Whether the secret of the key as it was earlier works still.
    pub fn keeps_secret_of(&self, earlier: &Self, now: DateTime<Utc>) -> bool {
        let in_grace = self.previous_until.is_some_and(|end| end > now);
        self.secret_hash == earlier.secret_hash || in_grace && self.previous_hash.as_ref() == Some(&earlier.secret_hash)
    }

    /// Neither expired nor revoked.
    pub fn is_active(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| end > now)
    }
}

/// Adds a key.
pub async fn insert(conn: &mut Connection, row: &ApiKey) -> Result<()> {
    diesel::insert_into(api_keys::table).values(row).execute(conn).await?;
    Ok(())
}

/// A key.
pub async fn find(conn: &mut Connection, organization: OrganizationId, id: ApiKeyId) -> Result<Option<ApiKey>> {
    Ok(api_keys::table.find((organization, id)).select(ApiKey::as_select()).first(conn).await.optional()?)
}

/// Keys by id, of whatever organization.
pub async fn by_ids(mut conn: &Connection, ids: &[ApiKeyId]) -> Result<Vec<ApiKey>> {
    Ok(api_keys::table.filter(api_keys::id.eq_any(ids)).select(ApiKey::as_select()).load(&mut conn).await?)
}

/// A key, locked. The organization is locked before.
pub async fn lock(conn: &mut Connection, organization: OrganizationId, id: ApiKeyId) -> Result<Option<ApiKey>> {
    let row = api_keys::table.find((organization, id)).for_no_key_update();
    Ok(row.select(ApiKey::as_select()).first(conn).await.optional()?)
}

/// How many keys of an organization work.
pub async fn active_count(conn: &mut Connection, organization: OrganizationId, now: DateTime<Utc>) -> Result<i64> {
    Ok(active_counts(conn, &[organization], now).await?.pop().map_or(0, |(_, count)| count))
}

/// How many keys of each of these organizations work; one without any is left out.
pub async fn active_counts(
    conn: &mut Connection,
    organizations: &[OrganizationId],
    now: DateTime<Utc>,
) -> Result<Vec<(OrganizationId, i64)>> {
    let active = api_keys::table
        .filter(api_keys::organization_id.eq_any(organizations))
        .filter(api_keys::revoked_at.is_null())
        .filter(api_keys::expires_at.is_null().or(api_keys::expires_at.gt(now)))
        .group_by(api_keys::organization_id);
    Ok(active.select((api_keys::organization_id, diesel::dsl::count_star())).load(conn).await?)
}

/// Gives a key another secret; the one it has works until `until`, where that is given.
pub async fn rotate(
    conn: &mut Connection,
    key: &ApiKey,
    secret: &ApiKeySecret,
    until: Option<DateTime<Utc>>,
) -> Result<()> {
    let change = (
        api_keys::prefix.eq(secret.prefix()),
        api_keys::search_text.eq(ApiKey::searched_by(&key.name, &secret.prefix())),
        api_keys::secret_hash.eq(secret.hash()),
        api_keys::previous_hash.eq(until.map(|_| &key.secret_hash)),
        api_keys::previous_until.eq(until),
    );
    diesel::update(api_keys::table.find((key.organization_id, key.id))).set(change).execute(conn).await?;
    Ok(())
}

/// Ends a key, and with it whatever secret it had before.
pub async fn revoke(conn: &mut Connection, key: &ApiKey, now: DateTime<Utc>) -> Result<()> {
    let change = (
        api_keys::revoked_at.eq(now),
        api_keys::previous_hash.eq(None::<Vec<u8>>),
        api_keys::previous_until.eq(None::<DateTime<Utc>>),
    );
    diesel::update(api_keys::table.find((key.organization_id, key.id))).set(change).execute(conn).await?;
    Ok(())
}

/// Notes that a key was used; written at most once a minute.
pub async fn touch(conn: &mut Connection, key: &ApiKey, now: DateTime<Utc>) -> Result<()> {
    let row = api_keys::table
        .find((key.organization_id, key.id))
        .filter(api_keys::last_used_at.is_null().or(api_keys::last_used_at.lt(now - TimeDelta::minutes(1))));
    diesel::update(row).set(api_keys::last_used_at.eq(now)).execute(conn).await?;
    Ok(())
}

/// The keys of an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Of(pub OrganizationId);

/// What a list of keys is narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Part of the name or the prefix, folded.
    pub search: Option<String>,
    /// Limited to this project.
    pub project: Option<ProjectId>,
    /// Neither expired nor revoked at this moment.
    pub active_at: Option<DateTime<Utc>>,
}

/// What a list of keys is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named after the columns")]
pub enum OrderField {
    CreatedAt,
    LastUsedAt,
    Name,
}

impl OrderField {
    fn column(self) -> &'static str {
        match self {
            Self::CreatedAt => "api_keys.created_at",
            // As the index has it: never used stands before all others.
            Self::LastUsedAt => "COALESCE(api_keys.last_used_at, '1970-01-01 00:00:00+00'::timestamptz)",
            Self::Name => "api_keys.sort_name",
        }
    }
}

/// One page of each list.
pub async fn pages(
    conn: &Connection,
    of: &[Of],
    filter: &Filter,
    field: OrderField,
    descending: bool,
    page: &Page,
) -> Result<Vec<Slice<ApiKey>>> {
    let rows = |query: &mut Query| push_rows(query, filter);
    let listing = Listing { id: "api_keys.id", rows: &rows };
    let sort = Sort { column: field.column(), descending };
    paging::pages(conn, &parents(of), &listing, sort, page, filter.search.is_some()).await
}

/// How long each list is.
pub async fn counts(conn: &mut Connection, of: &[Of], filter: &Filter) -> Result<Vec<i64>> {
    let rows = |query: &mut Query| push_rows(query, filter);
    let listing = Listing { id: "api_keys.id", rows: &rows };
    paging::counts(conn, &parents(of), &listing, filter.search.is_some()).await
}

fn parents(of: &[Of]) -> Vec<Parent> {
    of.iter().map(|of| (of.0, of.0.0)).collect()
}

fn push_rows(query: &mut Query, filter: &Filter) {
    query.sql("api_keys WHERE api_keys.organization_id = parent.organization_id");
    if let Some(search) = &filter.search {
        query.sql(" AND api_keys.search_text LIKE ").bind::<Text, _>(contains(search));
    }
    if let Some(project) = filter.project {
        query.sql(" AND api_keys.project_id = ").bind::<SqlUuid, _>(project);
    }
    if let Some(now) = filter.active_at {
        query.sql(" AND api_keys.revoked_at IS NULL AND (api_keys.expires_at IS NULL OR api_keys.expires_at > ");
        query.bind::<Timestamptz, _>(now).sql(")");
    }
}
