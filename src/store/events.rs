//! The stream of what happened: audit log and outbox, written by the transaction that did it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{Connection, schema::events};
use crate::{
    domain::{
        id::{OrganizationId, ProjectId},
        organization::ActorKind,
    },
    error::Result,
};

/// Something that happened in an organization.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = events)]
#[expect(missing_docs, reason = "the columns are described in the migration")]
pub struct Event {
    pub organization_id: OrganizationId,
    pub version: i64,
    pub id: Uuid,
    #[diesel(column_name = type_)]
    pub kind: String,
    pub actor_kind: ActorKind,
    pub actor_id: Option<Uuid>,
    pub subject_id: Uuid,
    pub project_id: Option<ProjectId>,
    pub data: serde_json::Value,
    pub occurred_at: DateTime<Utc>,
}

/// Adds events, whose versions were given out under the organization's lock.
pub async fn insert(conn: &mut Connection, rows: &[Event]) -> Result<()> {
    // A statement takes no more than 65 535 values.
    for rows in rows.chunks(5_000) {
        diesel::insert_into(events::table).values(rows).execute(conn).await?;
    }
    Ok(())
}

/// What was told of a removal.
pub async fn removal_data(mut conn: &Connection, kind: &str, subject: Uuid) -> Result<Option<serde_json::Value>> {
    let found = events::table.filter(events::subject_id.eq(subject)).filter(events::type_.eq(kind));
    Ok(found.select(events::data).first(&mut conn).await.optional()?)
}

/// The organization, and the project, that something was removed from.
pub async fn removal(
    mut conn: &Connection,
    kind: &str,
    subject: Uuid,
) -> Result<Option<(OrganizationId, Option<ProjectId>)>> {
    let found = events::table.filter(events::subject_id.eq(subject)).filter(events::type_.eq(kind));
    Ok(found.select((events::organization_id, events::project_id)).first(&mut conn).await.optional()?)
}
