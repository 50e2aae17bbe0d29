//! What `roster serve` and `roster dev` run alike: the server, and the workers beside it.

use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::asked_to_stop;
use crate::{
    app::App,
    feed,
    mail::worker::{self, Transport},
    operations::sweep,
    server::connections::{self, Stopping},
    store::connect::ConnectionUrl,
};

/// What is run.
pub struct Running {
    /// Where clients connect.
    pub listener: TcpListener,
    /// What answers them.
    pub router: Router,
    /// What connections are held to.
    pub limits: connections::Limits,
    /// How the router learns that the server stops.
    pub stopping: Stopping,
    /// Where mails go.
    pub transport: Transport,
    /// The database, for notifications.
    pub database: ConnectionUrl,
}

/// Serves until the process is asked to stop, then finishes what was begun.
pub async fn until_stopped(app: Arc<App>, running: Running) {
    let Running { listener, router, limits, stopping, transport, database } = running;
    let stop = CancellationToken::new();
    let sign_out = app.sign_ins.clone().listener();
    let workers = [
        tokio::spawn(worker::run(app.clone(), transport, app.mail_bell.clone(), stop.clone())),
        tokio::spawn(sweep::run(app.clone(), stop.clone())),
        tokio::spawn(feed::run(app.feed.clone(), app.db.clone(), database, sign_out, stop.clone())),
    ];
    connections::serve(listener, router, limits, stopping, app.tasks.clone(), asked_to_stop()).await;
    stop.cancel();
    for worker in workers {
        worker.await.ok();
    }
}
