//! Start and stop, from the outside.

use std::fmt::Write;
use std::hash::{BuildHasher, RandomState};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep, timeout};

use super::NAME;
use super::binaries::{self, Binaries};
use super::error::StartError;
use super::folder::Folder;
use super::init;
use super::launch;
use super::process::Process;
use super::stale;
use super::watcher::{Running, Watcher};

/// What kind of cluster to run, and where.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Holds all of it. Made if missing; another process's is refused.
    pub data_dir: PathBuf,
    /// Folder of PostgreSQL's programs (`ROSTER_PG_BIN`); `None` looks on the `PATH` and in the
    /// usual folders.
    pub bin_dir: Option<PathBuf>,
    /// Whether the data survives a crash of the machine. Without, everything is faster, and a
    /// crash of PostgreSQL or of this process still loses nothing.
    pub durable: bool,
    /// Whether the cluster is deleted when it stops.
    pub temporary: bool,
}

impl Settings {
    /// A cluster that keeps its data in this folder.
    pub fn kept(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), bin_dir: None, durable: true, temporary: false }
    }

    /// A fast one for tests: a new folder among the system's temporary ones, gone at the end.
    pub fn temporary() -> Self {
        let random = RandomState::new().hash_one(std::process::id());
        Self {
            data_dir: std::env::temp_dir().join(format!("roster-{random:016x}")),
            bin_dir: None,
            durable: false,
            temporary: true,
        }
    }
}

/// A running PostgreSQL of our own.
///
/// Call [`stop`](Self::stop) on every way out. Dropping it stops PostgreSQL too, in the
/// background; so does the end of the process, whatever ended it.
#[derive(Debug)]
pub struct Cluster {
    // Dropped in this order: the lock in the folder goes last.
    watcher: Watcher,
    postmaster: Process,
    temporary: bool,
    folder: Folder,
}

impl Cluster {
    /// Finds the binaries, makes the cluster where there is none, starts it and waits until its
    /// database `roster` answers. A server that an earlier run left behind is stopped first.
    ///
    /// # Errors
    ///
    /// See [`StartError`]; each says what to do.
    pub async fn start(settings: &Settings) -> Result<Self, StartError> {
        let found = binaries::find(settings.bin_dir.as_deref()).await?;
        let folder = Folder::take(&settings.data_dir)?;
        let version = folder.version()?;
        let binaries = binaries::choose(found, version, &folder.data)?;
        let mut watcher = Watcher::start(&folder, settings.temporary)?;
        if version.is_none() {
            init::cluster(&folder, &binaries, settings.durable, &mut watcher).await?;
        }
        let postmaster = launch(&folder, &binaries, settings.durable, &mut watcher).await?;
        let (home, version) = (folder.home.display(), binaries.major);
        tracing::info!("PostgreSQL {version} runs in {home}");
        Ok(Self { watcher, postmaster, temporary: settings.temporary, folder })
    }

    /// The URL of one of its databases, for any client on this machine that may enter the
    /// folder. `roster` is always there.
    pub fn url(&self, database: &str) -> String {
        let host = encode(self.folder.cluster().as_os_str().as_bytes());
        let database = encode(database.as_bytes());
        format!("postgres://{NAME}@{host}/{database}")
    }

    /// The folder that holds the cluster and `postgres.log`: the data folder, or another if the
    /// account that runs PostgreSQL cannot reach that.
    pub fn folder(&self) -> &Path {
        &self.folder.home
    }

    /// Waits until PostgreSQL ends by itself, which it should not.
    pub async fn ended(&self) {
        self.postmaster.ended().await;
    }

    /// Stops PostgreSQL and waits for it: connections are cut, open transactions rolled back.
    /// A temporary cluster is deleted.
    pub async fn stop(self) {
        let steps: &[_] = if self.temporary {
            &[(Signal::SIGQUIT, 10), (Signal::SIGKILL, 5)]
        } else {
            &[(Signal::SIGINT, 30), (Signal::SIGQUIT, 10), (Signal::SIGKILL, 5)]
        };
        for &(signal, seconds) in steps {
            self.postmaster.signal(signal);
            let patience = Duration::from_secs(seconds);
            if timeout(patience, self.postmaster.ended()).await.is_ok() {
                break;
            }
            tracing::warn!("PostgreSQL did not stop within {seconds} s of {signal}");
        }
        self.watcher.finish().await;
    }
}

/// Starts the server. Where one died a moment ago, its last backends may still hold the shared
/// memory, so a start that fails is tried again for a while.
async fn launch(
    folder: &Folder,
    binaries: &Binaries,
    durable: bool,
    watcher: &mut Watcher,
) -> Result<Process, StartError> {
    let log = folder.new_log()?;
    let stale = stale::take_over(folder, binaries).await?;
    let patience = Instant::now() + Duration::from_secs(5);
    loop {
        let postmaster = launch::postmaster(folder, binaries, durable, &log)?;
        watcher.watch(Running::Postmaster(postmaster.pid()));
        match launch::ready(&postmaster, folder).await {
            Ok(()) => return Ok(postmaster),
            Err(StartError::Exited { .. }) if stale && Instant::now() < patience => {
                sleep(Duration::from_millis(200)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Percent-encodes all but the letters, digits and marks that are safe in every part of a URL.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}
