//! API keys.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{Connection, schema::api_keys};
use crate::{
    domain::{
        id::{ApiKeyId, OrganizationId, ProjectId},
        organization::ActorKind,
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
pub async fn by_ids(conn: &mut Connection, ids: &[ApiKeyId]) -> Result<Vec<ApiKey>> {
    Ok(api_keys::table.filter(api_keys::id.eq_any(ids)).select(ApiKey::as_select()).load(conn).await?)
}

/// Notes that a key was used; written at most once a minute.
pub async fn touch(conn: &mut Connection, key: &ApiKey, now: DateTime<Utc>) -> Result<()> {
    let row = api_keys::table
        .find((key.organization_id, key.id))
        .filter(api_keys::last_used_at.is_null().or(api_keys::last_used_at.lt(now - TimeDelta::minutes(1))));
    diesel::update(row).set(api_keys::last_used_at.eq(now)).execute(conn).await?;
    Ok(())
}
