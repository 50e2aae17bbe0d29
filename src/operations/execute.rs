//! The one way to change something.

use std::sync::Arc;

use crate::{
    access::Viewer,
    app::App,
    consequences::Transaction,
    error::{Error, Result},
    store::database::{commit, rollback},
};

/// A change, with its input. It runs in one transaction and may run again, so it touches nothing else.
pub trait Operation: Send + Sync + 'static {
    /// What it answers.
    type Output: Send + 'static;

    /// Makes the change. An error undoes all of it.
    fn run(&self, tx: &mut Transaction<'_>) -> impl Future<Output = Result<Self::Output>> + Send;
}

/// How often a transaction is run that the database gave up.
const ATTEMPTS: u32 = 3;

/// Runs an operation to its end, whether or not the caller still waits for it, and commits.
///
/// # Errors
/// What the operation ends in; `Unauthenticated` for nobody, and for those whose credential ended meanwhile; `Timeout`
/// and `Unavailable`, after which nothing is changed.
pub async fn execute<O: Operation>(app: &Arc<App>, viewer: &Arc<Viewer>, operation: O) -> Result<O::Output> {
    viewer.signed_in()?;
    let (task_app, viewer) = (app.clone(), viewer.clone());
    let task = app.tasks.spawn(async move { attempts(&task_app, &viewer, &operation).await });
    task.await.map_err(Error::internal)?
}

async fn attempts<O: Operation>(app: &App, viewer: &Viewer, operation: &O) -> Result<O::Output> {
    let mut attempt = 1;
    loop {
        match once(app, viewer, operation).await {
            Err(Error::Transient(what)) if attempt < ATTEMPTS => {
                tracing::warn!(%what, attempt, "transaction is run again");
                attempt += 1;
            }
            Err(Error::Transient(what)) => return Err(Error::Unavailable(what)),
            done => return done,
        }
    }
}

async fn once<O: Operation>(app: &App, viewer: &Viewer, operation: &O) -> Result<O::Output> {
    let mut conn = app.db.begin().await?;
    let change = async {
        let mut tx = Transaction::new(&mut conn, app, viewer.clone());
        let output = operation.run(&mut tx).await?;
        Ok((output, tx.finish().await?))
    };
    // A change that takes too long is dropped with its connection, which undoes it.
    match tokio::time::timeout(app.limits.change, change).await.map_err(|_elapsed| Error::Timeout)? {
        Ok((output, Some(last))) => {
            commit(&mut conn).await?;
            for who in last.signed_out {
                app.sign_ins.forget(who);
            }
            app.feed.bell.notify_one();
            if last.has_mails {
                app.mail_bell.notify_one();
            }
            Ok(output)
        }
        Ok((output, None)) => {
            rollback(&mut conn).await.ok();
            Ok(output)
        }
        Err(error) => {
            rollback(&mut conn).await.ok();
            Err(error)
        }
    }
}
