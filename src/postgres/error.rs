//! Why PostgreSQL did not start, worded for the person at the terminal.

use std::io;
use std::path::{Path, PathBuf};

/// Why [`Cluster::start`](super::Cluster::start) failed; the text says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// PostgreSQL's server is not installed, or not where it was said to be.
    #[error(
        "no PostgreSQL server (initdb, pg_ctl and postgres) in {looked_in}.\n\
         Install one: {install}\n\
         or name the folder of its programs in ROSTER_PG_BIN"
    )]
    NoBinaries {
        /// Where they were looked for.
        looked_in: String,
        /// What installs them on this platform.
        install: String,
    },
    /// The cluster is of a major version that is not installed.
    #[error(
        "the database in {} was made by PostgreSQL {made_by}, but only {installed} is installed. \
         Install PostgreSQL {made_by} beside it, or start afresh with another --data-dir",
        .folder.display()
    )]
    OtherVersion {
        /// The data folder.
        folder: PathBuf,
        /// Major version that made the cluster.
        made_by: u32,
        /// Major versions found, separated by commas.
        installed: String,
    },
    /// Another process runs its PostgreSQL in this folder.
    #[error(
        "the data folder {} is in use by another process{}. \
         Stop it, or name another folder with --data-dir",
        .folder.display(), .pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
    )]
    InUse {
        /// The data folder.
        folder: PathBuf,
        /// The process that holds it, as far as known.
        pid: Option<u32>,
    },
    /// The operating system has no room for the path of the socket.
    #[error(
        "the path of PostgreSQL's socket would be {} bytes long, but a unix socket's may have at \
         most {limit}: {}\nName a shorter folder with --data-dir",
        .socket.as_os_str().len(), .socket.display()
    )]
    PathTooLong {
        /// The path that is too long.
        socket: PathBuf,
        /// Most bytes that the path may have.
        limit: usize,
    },
    /// Started as root, and nobody else there to run PostgreSQL.
    #[error(
        "PostgreSQL does not run as root, and there is neither a user \"postgres\" nor \"nobody\" \
         to run it. Start Roster as another user, or make one: useradd --system postgres"
    )]
    NoAccount,
    /// Started as root, and the account that runs PostgreSQL cannot enter the folder.
    #[error(
        "the account that runs PostgreSQL cannot reach {}. \
         Move it to where others may enter, or name another folder with --data-dir",
        .folder.display()
    )]
    Unreachable {
        /// The folder that holds the cluster.
        folder: PathBuf,
    },
    /// A file or folder could not be read or made.
    #[error("cannot {action} {}: {source}", .path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A program could not be run at all.
    #[error("cannot run {}: {source}", .program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// `initdb` did not make a cluster.
    #[error("initdb failed in {}:\n{output}", .folder.display())]
    Init {
        /// The data folder.
        folder: PathBuf,
        /// What it printed.
        output: String,
    },
    /// PostgreSQL ended instead of starting.
    #[error("PostgreSQL did not start. The end of {}:\n{tail}", .log.display())]
    Exited {
        /// PostgreSQL's log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// PostgreSQL runs, but accepts no connection.
    #[error(
        "PostgreSQL did not answer within {seconds} s. The end of {}:\n{tail}", .log.display()
    )]
    Silent {
        /// How long it was given.
        seconds: u64,
        /// PostgreSQL's log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// PostgreSQL refused the connection, or to make the database.
    #[error("PostgreSQL started, but refused to work: {0}")]
    Refused(#[from] tokio_postgres::Error),
}

impl StartError {
    /// For `map_err`: a file or folder that did not do as told.
    pub(super) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }

    /// For `map_err`: a program that did not run.
    pub(super) fn run(program: &Path) -> impl FnOnce(io::Error) -> Self {
        let program = program.to_owned();
        move |source| Self::Run { program, source }
    }
}
