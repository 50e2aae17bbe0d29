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
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
};

use super::{Connection, connect::ConnectionUrl, database::CountStatements};
use crate::error::{Error, Result};

/// Most statements that are on their way through one of them; more wait their turn outside, where they can give up.
const AT_A_TIME: usize = 32;

/// Those of a server.
pub struct SharedConnections {
    url: ConnectionUrl,
    statements: Arc<AtomicU64>,
    places: Vec<Place>,
    turn: AtomicUsize,
}

struct Place {
    open: Mutex<Option<Arc<Open>>>,
    turns: Arc<Semaphore>,
}

struct Open {
    connection: Connection,
    task: JoinHandle<()>,
}

/// A turn on one of them.
pub struct SharedConnection {
    open: Arc<Open>,
    _turn: OwnedSemaphorePermit,
}

impl Deref for SharedConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.open.connection
    }
}

impl SharedConnections {
    /// So many, each opened when it is needed first, and again when it is lost.
    pub fn new(url: &ConnectionUrl, count: u32, statements: Arc<AtomicU64>) -> Self {
        // An index leads to what is read here whatever its values are. Left to itself, PostgreSQL plans many of these
        // statements anew each time, which takes longer than to answer them.
        let url = url.with_setting("plan_cache_mode=force_generic_plan");
        let place = |_| Place { open: Mutex::default(), turns: Arc::new(Semaphore::new(AT_A_TIME)) };
        Self { url, statements, places: (0..count).map(place).collect(), turn: AtomicUsize::new(0) }
    }

    /// A turn on the next of them, as soon as there is one.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached.
    pub async fn next(&self) -> Result<SharedConnection> {
        let number = self.turn.fetch_add(1, Ordering::Relaxed);
        let place = self.places.get(number % self.places.len().max(1));
        let place = place.ok_or_else(|| Error::internal("no connection is shared"))?;
        let turn = place.turns.clone().acquire_owned().await.map_err(Error::internal)?;
        Ok(SharedConnection { open: self.open(place).await?, _turn: turn })
    }

    async fn open(&self, place: &Place) -> Result<Arc<Open>> {
        let mut open = place.open.lock().await;
        if let Some(open) = open.as_ref().filter(|open| !open.task.is_finished()) {
            return Ok(open.clone());
        }
        let opened = self.url.connect_watched().await;
        let (mut connection, task) = opened.map_err(|error| Error::Unavailable(error.to_string().into()))?;
        connection.set_instrumentation(CountStatements(self.statements.clone()));
        Ok(open.insert(Arc::new(Open { connection, task })).clone())
    }
}
