//! The pool, and the one way to write.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bb8::QueueStrategy;
use diesel::{
    IntoSql,
    connection::{Instrumentation, InstrumentationEvent},
    result::Error as DieselError,
    sql_types::Integer,
};
use diesel_async::{
    AsyncConnection, AsyncMigrationHarness, RunQueryDsl, SimpleAsyncConnection, TransactionManager,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, PoolableConnection, RecyclingMethod,
        bb8::{Pool, PooledConnection},
    },
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use futures_util::FutureExt;
use tokio::time::timeout;

use super::Connection;
use crate::{
    error::{Error, Result},
    store::{
        connect::ConnectionUrl,
        shared::{SharedConnection, SharedConnections},
    },
};

/// The steps that make the tables, in order.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// One of so many connections is shared.
const SHARE: u32 = 8;

/// How long a request waits for a free connection.
const POOL_WAIT: Duration = Duration::from_secs(2);

/// The connections of one server.
#[derive(Clone)]
pub struct Database {
    pool: Pool<Connection>,
    shared: Arc<SharedConnections>,
    statements: Arc<AtomicU64>,
}

impl Database {
    /// Opens a pool of at most `size` connections, an eighth of which is shared; the first is made when it is needed.
    pub fn open(url: &ConnectionUrl, size: u32) -> Self {
        let statements = Arc::new(AtomicU64::new(0));
        let mut config = ManagerConfig::<Connection>::default();
        config.custom_setup = {
            let (url, statements) = (url.clone(), statements.clone());
            Box::new(move |_| {
                let (url, statements) = (url.clone(), statements.clone());
                async move {
                    let mut connection = url.connect().await?;
                    connection.set_instrumentation(CountStatements(statements));
                    Ok(connection)
                }
                .boxed()
            })
        };
        // A round trip before every use would halve the throughput; whether the connection is still there
        // and outside of a transaction is known without.
        config.recycling_method = RecyclingMethod::CustomFunction(Box::new(|connection| {
            let broken = connection.is_broken();
            async move { if broken { Err(DieselError::BrokenTransactionManager) } else { Ok(()) } }.boxed()
        }));
        let shared = SharedConnections::new(url, size.div_ceil(SHARE), statements.clone());
        let manager = AsyncDieselConnectionManager::new_with_config(String::new(), config);
        let pool = Pool::builder()
            .max_size((size - size.div_ceil(SHARE)).max(1))
            .connection_timeout(POOL_WAIT)
            // The one that was used last: few processes of PostgreSQL with warm caches in place of many with cold ones.
            .queue_strategy(QueueStrategy::Lifo)
            .test_on_check_out(true)
            .build_unchecked(manager);
        Self { pool, shared: Arc::new(shared), statements }
    }

    /// A connection that all read from at the same time, for what an index leads to; waits at most two seconds for it.
    pub async fn shared(&self) -> Result<SharedConnection> {
        let connection = timeout(POOL_WAIT, self.shared.next()).await;
        connection.map_err(|error| Error::Unavailable(error.to_string().into()))?
    }

    /// A connection for reading; waits at most two seconds for one.
    pub async fn read(&self) -> Result<PooledConnection<'_, Connection>> {
        self.pool.get().await.map_err(|error| Error::Unavailable(error.to_string().into()))
    }

    /// A connection inside a new transaction, to be ended by [`commit`] or [`rollback`]. Dropped before, the
    /// connection is closed rather than handed to the next user with the transaction open.
    pub async fn begin(&self) -> Result<PooledConnection<'_, Connection>> {
        let mut connection = self.read().await?;
        Transactions::begin_transaction(&mut *connection).await?;
        Ok(connection)
    }

    /// Statements sent since the start, those of transactions included.
    pub fn statements(&self) -> u64 {
        AtomicU64::load(&self.statements, Ordering::Relaxed)
    }
}

/// Makes the changes of the transaction visible to all.
///
/// PostgreSQL answers COMMIT of a failed transaction with a rollback and no error; the statement before it
/// fails in that case, so that nothing is called committed that is not.
///
/// # Errors
/// When the transaction has failed, or the server did not say whether it committed.
pub async fn commit(connection: &mut Connection) -> Result<()> {
    diesel::select(1.into_sql::<Integer>()).execute(connection).await?;
    // Once COMMIT is sent nobody can tell whether it happened: that failure is not one to run again.
    Transactions::commit_transaction(connection).await.map_err(Error::internal)
}

/// Undoes the transaction.
///
/// # Errors
/// When the connection is lost, which undoes it as well.
pub async fn rollback(connection: &mut Connection) -> Result<()> {
    Ok(Transactions::rollback_transaction(connection).await?)
}

type Transactions = <Connection as AsyncConnection>::TransactionManager;

/// Counts the statements of connections.
pub struct CountStatements(pub Arc<AtomicU64>);

impl Instrumentation for CountStatements {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if matches!(event, InstrumentationEvent::StartQuery { .. }) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Brings the database to the newest migration and tells how many steps that took. Blocks the thread it
/// runs on, and needs a runtime of several.
///
/// # Errors
/// When the database cannot be reached, or a step fails; those before it stay.
pub async fn migrate(url: &ConnectionUrl) -> Result<usize> {
    let mut connection = url.connect().await.map_err(|error| Error::Unavailable(error.to_string().into()))?;
    // A step may go through every row there is.
    connection.batch_execute("SET statement_timeout = 0").await?;
    let steps =
        AsyncMigrationHarness::new(connection).run_pending_migrations(MIGRATIONS).map_err(Error::internal)?.len();
    Ok(steps)
}

/// Whether every migration has been run.
///
/// # Errors
/// When the database cannot be reached.
pub async fn is_migrated(url: &ConnectionUrl) -> Result<bool> {
    let connection = url.connect().await.map_err(|error| Error::Unavailable(error.to_string().into()))?;
    let pending = AsyncMigrationHarness::new(connection).has_pending_migration(MIGRATIONS).map_err(Error::internal)?;
    Ok(!pending)
}
