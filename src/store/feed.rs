//! The order in which all servers tell what happened, and the bell that says there is more of it.

use std::{convert::Infallible, time::Duration};

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use futures_util::StreamExt;
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};
use tokio_postgres::AsyncMessage;
use uuid::Uuid;

use super::{
    Connection,
    connect::ConnectionUrl,
    database::{self, Database},
    query::Query,
    schema::{events, feed},
};
use crate::{
    domain::{email::Email, id::OrganizationId},
    error::{Error, Result},
};

/// Events that are read or dispatched at once.
const BATCH: i64 = 1_000;
/// The channel on which servers tell each other that there is more to read.
const CHANNEL: &str = "roster_feed";
/// The channel on which servers tell each other whose credentials are to be judged anew.
const SIGN_OUTS: &str = "roster_sign_outs";
/// How often it is looked whether the connection that listens is still there.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Hears whose credentials are to be judged anew: those of one person, key, organization or project, or all.
pub type SignOut = dyn Fn(Option<Uuid>) + Send + Sync;

/// Something that happened, as far as it matters who wants to hear of it.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct Notice {
    /// Place in the feed.
    #[diesel(sql_type = BigInt)]
    pub position: i64,
    /// The organization it happened in.
    #[diesel(sql_type = SqlUuid)]
    pub organization_id: OrganizationId,
    /// What happened; see [`crate::domain::event::EventKind`].
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// The object concerned.
    #[diesel(sql_type = SqlUuid)]
    pub subject_id: Uuid,
    /// Whom the invitation is to, if it is about one that is there still.
    #[diesel(sql_type = Nullable<Text>)]
    pub invitee: Option<Email>,
}

/// Gives positions to all events that have none, and tells all servers. Any number of servers may do so.
///
/// # Errors
/// When the database fails; the rest is dispatched the next time.
pub async fn dispatch(db: &Database) -> Result<()> {
    while has_more(&mut *db.read().await?).await? {
        let mut conn = db.begin().await?;
        dispatch_some(&mut conn).await?;
        database::commit(&mut conn).await?;
    }
    Ok(())
}

async fn has_more(conn: &mut Connection) -> Result<bool> {
    Ok(diesel::select(diesel::dsl::exists(events::table.filter(events::position.is_null()))).get_result(conn).await?)
}

async fn dispatch_some(conn: &mut Connection) -> Result<()> {
    let last: i64 = feed::table.select(feed::last_position).for_no_key_update().first(conn).await?;
    // As a statement of its own, it sees what others committed before they let go of the lock.
    let mut query = Query::new(
        "UPDATE events e SET position = n.position FROM (SELECT organization_id, version, row_number() OVER (ORDER BY organization_id, version) + ",
    );
    query.bind::<BigInt, _>(last);
    query.sql(" AS position FROM events WHERE position IS NULL ORDER BY organization_id, version LIMIT ");
    query.bind::<BigInt, _>(BATCH);
    query.sql(") n WHERE e.organization_id = n.organization_id AND e.version = n.version");
    let count = i64::try_from(query.execute(conn).await?).unwrap_or(BATCH);
    diesel::update(feed::table).set(feed::last_position.eq(last + count)).execute(conn).await?;
    let mut query = Query::new("SELECT pg_notify(");
    query.bind::<Text, _>(CHANNEL);
    query.sql(", '')");
    query.execute(conn).await?;
    Ok(())
}

/// Tells all servers whose credentials are to be judged anew, once the transaction is committed.
pub async fn tell_signed_out(conn: &mut Connection, who: &[Uuid]) -> Result<()> {
    if !who.is_empty() {
        let mut query = Query::new("SELECT pg_notify(");
        query.bind::<Text, _>(SIGN_OUTS).sql(", who::text) FROM unnest(").bind::<Array<SqlUuid>, _>(who.to_vec());
        query.sql(") AS who");
        query.execute(conn).await?;
    }
    Ok(())
}

/// The last position that was given.
pub async fn last_position(conn: &mut Connection) -> Result<i64> {
    Ok(feed::table.select(feed::last_position).first(conn).await?)
}

/// What comes after a position, in order.
pub async fn after(conn: &mut Connection, position: i64) -> Result<Vec<Notice>> {
    let mut query = Query::new(
        "SELECT e.position, e.organization_id, e.type AS kind, e.subject_id, i.email AS invitee FROM events e \
         LEFT JOIN invitations i ON i.organization_id = e.organization_id AND i.id = e.subject_id WHERE e.position > ",
    );
    query.bind::<BigInt, _>(position);
    query.sql(" ORDER BY e.position LIMIT ");
    query.bind::<BigInt, _>(BATCH);
    Ok(query.load(conn).await?)
}

/// Rings `bell` whenever any server has dispatched something and tells `sign_out` whose credentials are to be judged
/// anew, until the connection is lost; then it tells why.
pub async fn listen(url: &ConnectionUrl, bell: &Notify, sign_out: &SignOut) -> Error {
    let lost = |error: tokio_postgres::Error| Error::Unavailable(error.to_string().into());
    let (client, mut messages) = match url.connect_to_listen().await {
        Ok(connected) => connected,
        Err(error) => return lost(error),
    };
    let listening = async {
        client.batch_execute(&format!("LISTEN {CHANNEL}; LISTEN {SIGN_OUTS}")).await.map_err(lost)?;
        // What was told before is not heard any more.
        sign_out(None);
        loop {
            bell.notify_one();
            sleep(HEARTBEAT).await;
            let silent = |_elapsed| Error::Unavailable("no heartbeat".into());
            timeout(HEARTBEAT, client.batch_execute("")).await.map_err(silent)?.map_err(lost)?;
        }
    };
    let hearing = async {
        while let Some(message) = messages.next().await {
            if let AsyncMessage::Notification(told) = message.map_err(lost)? {
                match told.payload().parse() {
                    Ok(who) if told.channel() == SIGN_OUTS => sign_out(Some(who)),
                    _ => bell.notify_one(),
                }
            }
        }
        Err(Error::Unavailable("the connection was closed".into()))
    };
    let ended: Result<Infallible> = tokio::select! {
        ended = listening => ended,
        ended = hearing => ended,
    };
    match ended {
        Err(error) => error,
        Ok(never) => match never {},
    }
}
