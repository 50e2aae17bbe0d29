//! Loading an empty database as a whole: without the indexes and references, which are made at the end.
//! Kept in step row by row they take nearly three times as long.

use diesel::{
    prelude::*,
    sql_types::{Array, Text},
};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};

use super::insert::TABLES;
use crate::{
    error::Result,
    store::{Connection, organizations, query::Query},
};

/// Something that is taken away, and made again.
#[derive(QueryableByName)]
struct Part {
    #[diesel(sql_type = Text)]
    removal: String,
    #[diesel(sql_type = Text)]
    creation: String,
}

/// Locks the tables for all others and takes indexes and references away. Gives the statements that make
/// them again; `None` when there is an organization already. To be called in a transaction.
pub async fn prepare(conn: &mut Connection) -> Result<Option<Vec<String>>> {
    // Building an index takes longer than any request may.
    let tables = TABLES.join(", ");
    conn.batch_execute(&format!(
        "SET LOCAL statement_timeout = 0; SET LOCAL maintenance_work_mem = '256MB'; LOCK TABLE {tables}"
    ))
    .await?;
    let everyone = [organizations::Of::Everyone];
    if organizations::counts(conn, &everyone, &organizations::Filter::default()).await? != [0] {
        return Ok(None);
    }
    let parts = parts(conn).await?;
    let removals: Vec<&str> = parts.iter().map(|part| part.removal.as_str()).collect();
    conn.batch_execute(&removals.join("; ")).await?;
    Ok(Some(parts.into_iter().rev().map(|part| part.creation).collect()))
}

/// References first, as they rest on indexes. Primary keys and unique constraints stay.
async fn parts(conn: &mut Connection) -> Result<Vec<Part>> {
    let tables = || TABLES.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut query = Query::new(
        "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS removal, \
         format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS creation \
         FROM pg_constraint WHERE contype = 'f' AND conrelid = ANY(",
    );
    query.bind::<Array<Text>, _>(tables()).sql("::regclass[]) UNION ALL (");
    query.sql(
        "SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid) FROM pg_index i \
         WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype <> 'f') AND indrelid = ANY(",
    );
    query.bind::<Array<Text>, _>(tables()).sql("::regclass[]) ORDER BY indexrelid)");
    Ok(query.load(conn).await?)
}

/// Tells the planner what is in the tables, and spares the first readers to do so for themselves.
pub async fn analyze(conn: &mut Connection) -> Result<()> {
    conn.batch_execute("SET statement_timeout = 0").await?;
    Ok(conn.batch_execute(&format!("VACUUM (ANALYZE) {}", TABLES.join(", "))).await?)
}
