//! Starts the server and waits until it answers.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

use super::binaries::Binaries;
use super::error::StartError;
use super::folder::Folder;
use super::process::Process;
use super::{NAME, PORT};

/// Recovery after a crash can take a while.
const PATIENCE: Duration = Duration::from_mins(1);

/// Starts PostgreSQL, which writes its messages to `log`.
pub(super) fn postmaster(
    folder: &Folder,
    binaries: &Binaries,
    durable: bool,
    log: &File,
) -> Result<Process, StartError> {
    let program = binaries.program("postgres");
    let spawn = || {
        let child = folder
            .account
            .command(&program, &folder.home)
            .arg("-D")
            .arg(folder.cluster())
            .args(options(durable))
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?)
            // Ctrl-C reaches all of the terminal's foreground group; we stop it in our time.
            .process_group(0)
            .spawn()?;
        Process::new(child)
    };
    spawn().map_err(StartError::run(&program))
}

/// Waits until the database `roster` accepts connections; makes it if it is missing.
pub(super) async fn ready(postmaster: &Process, folder: &Folder) -> Result<(), StartError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = timeout_at(deadline, database(folder)).await;
        match answer.unwrap_or(Ok(false)) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) => return Err(error.into()),
        }
        tokio::select! {
            () = sleep(Duration::from_millis(20)) => {}
            () = postmaster.ended() => return Err(StartError::Exited {
                log: folder.log(),
                tail: folder.log_tail(),
            }),
        }
        if Instant::now() >= deadline {
            return Err(StartError::Silent { seconds: PATIENCE.as_secs(), log: folder.log(), tail: folder.log_tail() });
        }
    }
}

/// On the command line rather than in `postgresql.conf`, which may be of an older Roster.
fn options(durable: bool) -> Vec<String> {
    let mut options = vec!["-p".to_owned(), PORT.to_string()];
    let mut set = |setting: &str| options.extend(["-c".to_owned(), setting.to_owned()]);
    set("listen_addresses=");
    // Relative to the cluster: PostgreSQL splits a path at commas.
    set("unix_socket_directories=.");
    // Several servers and their tests may share a cluster.
    set("max_connections=200");
    if !durable {
        // Commits are still handed to the kernel one by one: `synchronous_commit=off` would lose
        // the last of them when PostgreSQL is killed, and gains little once nothing is synced.
        set("fsync=off");
        set("full_page_writes=off");
    }
    options
}

/// Whether the database is there; `false` if PostgreSQL is not ready to tell.
async fn database(folder: &Folder) -> Result<bool, tokio_postgres::Error> {
    let Err(error) = connect(folder, NAME).await else {
        return Ok(true);
    };
    match error.code() {
        Some(&SqlState::INVALID_CATALOG_NAME) => {
            let client = connect(folder, "postgres").await?;
            let create = format!("CREATE DATABASE {NAME}");
            client.batch_execute(&create).await.map(|()| true)
        }
        None | Some(&SqlState::CANNOT_CONNECT_NOW) => Ok(false),
        Some(_) => Err(error),
    }
}

async fn connect(folder: &Folder, database: &str) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::Config::new()
        .host_path(folder.cluster())
        .port(PORT)
        .user(NAME)
        .dbname(database)
        .connect(NoTls)
        .await?;
    // Ends when the client is dropped.
    tokio::spawn(connection);
    Ok(client)
}
