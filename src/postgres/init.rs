//! Makes the cluster.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tokio::time::sleep;

use super::NAME;
use super::binaries::Binaries;
use super::error::StartError;
use super::folder::Folder;
use super::watcher::{Running, Watcher};

/// Runs `initdb` beside where the cluster goes and moves the result there, so that a half-made
/// one is never taken for a cluster.
pub(super) async fn cluster(
    folder: &Folder,
    binaries: &Binaries,
    durable: bool,
    watcher: &mut Watcher,
) -> Result<(), StartError> {
    let new = folder.home.join("postgres.new");
    let mut failure = String::new();
    for locale in locales(binaries.major) {
        empty(&new).await?;
        folder.account.own(&new)?;
        let program = binaries.program("initdb");
        let mut initdb = folder.account.command(&program, &folder.home);
        initdb
            .args(["--username", NAME, "--encoding", "UTF8", "--auth", "trust"])
            .args(locale.iter().copied())
            .arg("--pgdata")
            .arg(&new);
        if !durable {
            initdb.arg("--no-sync");
        }
        let output = run(initdb, watcher).await.map_err(StartError::run(&program))?;
        if output.status.success() {
            let cluster = folder.cluster();
            return fs::rename(&new, &cluster).map_err(StartError::file("make", &cluster));
        }
        failure = String::from_utf8_lossy(&output.stderr).into_owned();
    }
    Err(StartError::Init { folder: folder.data.clone(), output: failure.trim().to_owned() })
}

/// Runs a command that the watcher ends with all its children, should we not live to see it.
async fn run(command: Command, watcher: &mut Watcher) -> io::Result<Output> {
    let child = tokio::process::Command::from(command)
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(group) = child.id() {
        watcher.watch(Running::Initdb(group));
    }
    let output = child.wait_with_output().await;
    watcher.watch(Running::Nothing);
    output
}

/// Locales to try in this order: sorted by bytes, messages in English, and letters beyond ASCII
/// known (`lower`, `ILIKE`) where the system or PostgreSQL itself has such a locale.
fn locales(major: u32) -> [&'static [&'static str]; 2] {
    let plain: &[_] = &["--locale=C"];
    let letters: &[_] = if major >= 17 {
        &["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    } else {
        &["--locale=C", "--lc-ctype=C.UTF-8"]
    };
    [letters, plain]
}

/// Makes an empty folder. What still fills an old one is about to be killed by its watcher.
async fn empty(folder: &Path) -> Result<(), StartError> {
    let mut pauses = (1..20).map(|number| Duration::from_millis(10 * number));
    loop {
        match fs::remove_dir_all(folder) {
            Ok(()) => break,
            Err(error) if error.kind() == ErrorKind::NotFound => break,
            Err(error) => match pauses.next() {
                Some(pause) => sleep(pause).await,
                None => return Err(StartError::file("empty", folder)(error)),
            },
        }
    }
    fs::create_dir(folder).map_err(StartError::file("make", folder))
}
