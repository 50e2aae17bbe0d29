//! Connections that all read from at the same time.
//!
//! A statement is sent while others are still being answered, so that PostgreSQL and the server wake up once for several
//! of them. They are answered one after the other: what takes long has a connection of its own.

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use diesel_async::AsyncConnection;
use tokio::{sync::Mutex, task::JoinHandle};

use super::{Connection, connect::ConnectionUrl, database::CountStatements};
use crate::error::{Error, Result};

/// Those of a server.
pub struct SharedConnections {
    url: ConnectionUrl,
    statements: Arc<AtomicU64>,
    connections: Vec<Mutex<Option<Arc<SharedConnection>>>>,
    turn: AtomicUsize,
}

/// One of them.
pub struct SharedConnection {
    connection: Connection,
    task: JoinHandle<()>,
}

impl Deref for SharedConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl SharedConnections {
    /// So many, each opened when it is needed first, and again when it is lost.
    pub fn new(url: &ConnectionUrl, count: u32, statements: Arc<AtomicU64>) -> Self {
        // An index leads to what is read here whatever its values are. Left to itself, PostgreSQL plans many of these
        // statements anew each time, which takes longer than to answer them.
        let url = url.with_setting("plan_cache_mode=force_generic_plan");
        let connections = (0..count).map(|_| Mutex::default()).collect();
        Self { url, statements, connections, turn: AtomicUsize::new(0) }
    }

    /// The one whose turn it is.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached.
    pub async fn next(&self) -> Result<Arc<SharedConnection>> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let place = self.connections.get(turn % self.connections.len().max(1));
        let mut place = place.ok_or_else(|| Error::internal("no connection is shared"))?.lock().await;
        if let Some(open) = place.as_ref().filter(|connection| !connection.task.is_finished()) {
            return Ok(open.clone());
        }
        let opened = Arc::new(self.open().await?);
        *place = Some(opened.clone());
        Ok(opened)
    }

    async fn open(&self) -> Result<SharedConnection> {
        let opened = self.url.connect_watched().await;
        let (mut connection, task) = opened.map_err(|error| Error::Unavailable(error.to_string().into()))?;
        connection.set_instrumentation(CountStatements(self.statements.clone()));
        Ok(SharedConnection { connection, task })
    }
}
