//! Answers to changes that their callers gave a key.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Bytea, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{Connection, query::Query, schema::idempotency_keys as keys};
use crate::{domain::organization::ActorKind, error::Result};

/// Who gave a key, and the key.
pub struct Key<'a> {
    /// What kind of actor.
    pub actor_kind: ActorKind,
    /// Which; nil for the operator.
    pub actor_id: Uuid,
    /// What they called the change.
    pub key: &'a str,
}

/// What a key was used for.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = keys)]
pub struct Used {
    /// Hash of what was asked for.
    pub request_hash: Vec<u8>,
    /// What was answered.
    pub answer: Option<serde_json::Value>,
}

/// Takes a key for a change, or tells what it was used for since `oldest`. Waits for whoever takes the same
/// key just now.
pub async fn take(
    conn: &mut Connection,
    key: &Key<'_>,
    request_hash: &[u8],
    now: DateTime<Utc>,
    oldest: DateTime<Utc>,
) -> Result<Option<Used>> {
    let mut query = Query::new(
        "INSERT INTO idempotency_keys AS used (actor_kind, actor_id, key, request_hash, created_at) VALUES (",
    );
    query.bind::<Text, _>(key.actor_kind).sql(", ").bind::<SqlUuid, _>(key.actor_id);
    query.sql(", ").bind::<Text, _>(key.key.to_owned()).sql(", ").bind::<Bytea, _>(request_hash.to_vec());
    query.sql(", ").bind::<Timestamptz, _>(now);
    query.sql(
        ") ON CONFLICT (actor_kind, actor_id, key) DO UPDATE SET request_hash = excluded.request_hash, answer = NULL, \
         created_at = excluded.created_at WHERE used.created_at < ",
    );
    query.bind::<Timestamptz, _>(oldest);
    if query.execute(conn).await? == 1 {
        return Ok(None);
    }
    let row = keys::table.find((key.actor_kind, key.actor_id, key.key));
    Ok(Some(row.select(Used::as_select()).first(conn).await?))
}

/// Keeps the answer of a change whose key was taken.
pub async fn keep(conn: &mut Connection, key: &Key<'_>, answer: &serde_json::Value) -> Result<()> {
    let row = keys::table.find((key.actor_kind, key.actor_id, key.key));
    diesel::update(row).set(keys::answer.eq(answer)).execute(conn).await?;
    Ok(())
}

/// Forgets what was answered before `oldest`.
pub async fn forget(conn: &mut Connection, oldest: DateTime<Utc>) -> Result<usize> {
    Ok(diesel::delete(keys::table.filter(keys::created_at.lt(oldest))).execute(conn).await?)
}
