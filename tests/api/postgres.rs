//! The private PostgreSQL: each way to start, to end, and to be refused.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use roster::postgres::{Cluster, Settings, StartError};
use tokio_postgres::{Client, NoTls};

#[tokio::test]
async fn a_cluster_keeps_its_data_between_runs_and_its_folder_to_itself() {
    let folder = TestFolder::new("kept");
    let cluster = start(&folder).await;
    write(&cluster, "first run").await;

    let second = Cluster::start(&folder.settings()).await;
    let message = second.expect_err("the folder is in use").to_string();
    assert!(message.contains(&folder.0.display().to_string()), "{message}");
    assert!(message.contains(&format!("pid {}", std::process::id())), "{message}");

    cluster.stop().await;
    assert!(!folder.pid_file().exists(), "still running");
    let mode = fs::metadata(folder.0.join("postgres")).expect("cluster").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);

    let cluster = start(&folder).await;
    assert_eq!(read(&cluster).await, "first run");
    let client = connect(&cluster).await;
    for (setting, expected) in [("listen_addresses", ""), ("server_encoding", "UTF8")] {
        let row = client.query_one(&format!("SHOW {setting}"), &[]).await.expect("setting");
        assert_eq!(row.get::<_, &str>(0), expected);
    }
    let row = client.query_one("SELECT lower('ÅSA'), 'a' < 'B'", &[]).await.expect("letters");
    assert!(!row.get::<_, bool>(1), "sorted by bytes");
    cluster.stop().await;
}

#[tokio::test]
async fn a_killed_postmaster_is_noticed_and_the_next_start_recovers() {
    let folder = TestFolder::new("crash");
    let cluster = start(&folder).await;
    write(&cluster, "before the crash").await;
    kill(folder.postmaster().expect("pid"), Signal::SIGKILL).expect("killed");
    cluster.ended().await;
    drop(cluster);

    let cluster = start(&folder).await;
    assert_eq!(read(&cluster).await, "before the crash");
    cluster.stop().await;

    // A cluster whose machine crashed: the number of its postmaster is another process now.
    let mut other = Command::new("sleep").arg("60").uid(folder.owner()).spawn().expect("sleep");
    let stale = format!("{}\n{}\n1\n5432\n.\n\n", other.id(), folder.0.join("postgres").display());
    fs::write(folder.pid_file(), stale).expect("stale pid file");
    let cluster = Cluster::start(&folder.settings()).await;
    assert!(other.try_wait().expect("status").is_none(), "somebody else was stopped");
    other.kill().expect("killed");
    other.wait().expect("ended");
    if cfg!(target_os = "linux") {
        cluster.expect("started").stop().await;
    }
}

#[tokio::test]
async fn postgres_ends_with_a_process_that_is_killed() {
    let folder = TestFolder::new("parent");
    // Half-made.
    let mut run = Run::start(&folder);
    until("initdb works", || folder.0.join("postgres.new/base").exists()).await;
    run.kill_group();

    let mut run = Run::start(&folder);
    folder.answers().await;
    write_url(&folder.url(), "by a process now dead").await;
    // The whole group, as Ctrl-C would reach it, but without a chance to clean up.
    run.kill_group();
    until("PostgreSQL has stopped", || !folder.pid_file().exists()).await;

    // Without the watcher it is left running.
    let mut run = Run::start(&folder);
    folder.answers().await;
    if cfg!(target_os = "linux") {
        kill(watcher(&folder.0), Signal::SIGKILL).expect("killed");
    }
    run.kill_group();
    let orphan = folder.postmaster();
    let cluster = start(&folder).await;
    assert_eq!(read(&cluster).await, "by a process now dead");
    assert_ne!(folder.postmaster(), orphan, "a server of our own");
    cluster.stop().await;
}

#[tokio::test]
async fn a_temporary_cluster_leaves_nothing_behind() {
    let settings = Settings::temporary();
    let cluster = Cluster::start(&settings).await.expect("started");
    write(&cluster, "for now").await;
    cluster.stop().await;
    assert!(!settings.data_dir.exists(), "after stop");

    let cluster = Cluster::start(&settings).await.expect("started");
    // Not ours, so not ours to delete.
    let foreign = settings.data_dir.join("notes.txt");
    fs::write(&foreign, "keep").expect("file");
    drop(cluster);
    let cluster = settings.data_dir.join("postgres");
    until("it is deleted", || !cluster.exists()).await;
    until("only the file is left", || fs::read_dir(&settings.data_dir).expect("folder").count() == 1).await;
    fs::remove_file(foreign).expect("removed");
    fs::remove_dir(&settings.data_dir).expect("removed");
}

#[tokio::test]
async fn root_keeps_the_cluster_where_its_account_can_reach_it() {
    if !geteuid().is_root() {
        return;
    }
    let folder = TestFolder::new("private");
    fs::create_dir(&folder.0).expect("folder");
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o700)).expect("mode");
    let settings = Settings { data_dir: folder.0.join("data"), ..Settings::temporary() };
    let cluster = Cluster::start(&settings).await.expect("started");
    let elsewhere = cluster.folder().to_owned();
    assert_eq!(fs::read_link(settings.data_dir.join("elsewhere")).expect("link"), elsewhere);
    write(&cluster, "within reach").await;
    cluster.stop().await;
    assert!(!elsewhere.exists() && !settings.data_dir.exists(), "deleted");
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_is_refused() {
    let folder = TestFolder::new("long");
    let data_dir = folder.0.join("a-long-name/".repeat(9));
    let result = Cluster::start(&Settings::kept(&data_dir)).await;
    let error = result.expect_err("too long");
    assert!(matches!(error, StartError::PathTooLong { .. }), "{error}");
    let message = error.to_string();
    assert!(message.contains("--data-dir"), "{message}");
    assert!(message.contains("a-long-name/postgres/.s.PGSQL.5432"), "{message}");
}

#[tokio::test]
async fn missing_binaries_are_named_with_the_command_that_installs_them() {
    let folder = TestFolder::new("empty");
    fs::create_dir(&folder.0).expect("folder");
    let settings = Settings { bin_dir: Some(folder.0.clone()), ..Settings::kept(folder.0.join("data")) };
    let message = Cluster::start(&settings).await.expect_err("no binaries").to_string();
    for part in [&*folder.0.display().to_string(), "install", "ROSTER_PG_BIN"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(!settings.data_dir.exists(), "nothing was made");
}

#[tokio::test]
async fn a_cluster_that_does_not_fit_is_left_alone_and_the_reason_told() {
    let folder = TestFolder::new("misfit");
    let cluster = folder.0.join("postgres");
    fs::create_dir_all(&cluster).expect("folder");
    fs::write(cluster.join("PG_VERSION"), "8\n").expect("version");
    let error = Cluster::start(&folder.settings()).await.expect_err("another version");
    let message = error.to_string();
    assert!(message.contains("made by PostgreSQL 8"), "{message}");

    // Of the right version, but nothing else is there: PostgreSQL's own words are quoted.
    let StartError::OtherVersion { installed, .. } = error else {
        unreachable!("{message}");
    };
    let version = installed.split(',').next().unwrap_or_default();
    fs::write(cluster.join("PG_VERSION"), version).expect("version");
    let message = Cluster::start(&folder.settings()).await.expect_err("broken").to_string();
    assert!(message.contains("postgres.log:\n"), "{message}");
    assert!(message.contains("postgresql.conf"), "{message}");
}

/// Not a test: what `Run` executes, in a process of its own that is there to be killed.
#[tokio::test]
async fn run_until_killed() {
    let Some(folder) = std::env::var_os(RUN) else {
        return;
    };
    let folder = TestFolder(PathBuf::from(folder));
    let cluster = start(&folder).await;
    cluster.ended().await;
    unreachable!("PostgreSQL ended before us");
}

/// Names the data folder to the process that is there to be killed.
const RUN: &str = "ROSTER_TEST_RUN_IN";

/// This test program once more, running a cluster.
struct Run(Child);

impl Run {
    fn start(folder: &TestFolder) -> Self {
        let name = std::thread::current().name().map(str::to_owned);
        let module = name.as_deref().and_then(|name| name.rsplit_once("::"));
        let module = module.map(|(module, _)| format!("{module}::")).unwrap_or_default();
        let child = Command::new(std::env::current_exe().expect("test program"))
            .args(["--exact", &format!("{module}run_until_killed")])
            .env(RUN, &folder.0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("started");
        Self(child)
    }

    fn kill_group(&mut self) {
        let group = i32::try_from(self.0.id()).expect("pid");
        kill(Pid::from_raw(-group), Signal::SIGKILL).expect("killed");
        self.0.wait().expect("ended");
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder of its own per test, deleted at the end.
struct TestFolder(PathBuf);

impl TestFolder {
    fn new(name: &str) -> Self {
        let name = format!("roster-test-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn settings(&self) -> Settings {
        Settings { durable: false, ..Settings::kept(&self.0) }
    }

    fn url(&self) -> String {
        let host = self.0.join("postgres").display().to_string().replace('/', "%2F");
        format!("postgres://roster@{host}/roster")
    }

    async fn answers(&self) {
        let deadline = Instant::now() + PATIENCE;
        while tokio_postgres::connect(&self.url(), NoTls).await.is_err() {
            assert!(Instant::now() < deadline, "no answer");
            tokio::time::sleep(STEP).await;
        }
    }

    fn pid_file(&self) -> PathBuf {
        self.0.join("postgres/postmaster.pid")
    }

    fn postmaster(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.pid_file()).ok()?;
        Some(Pid::from_raw(text.lines().next()?.parse().ok()?))
    }

    fn owner(&self) -> u32 {
        let cluster = fs::metadata(self.0.join("postgres")).expect("cluster");
        std::os::unix::fs::MetadataExt::uid(&cluster)
    }
}

impl Drop for TestFolder {
    fn drop(&mut self) {
        if std::env::var_os(RUN).is_none() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

async fn start(folder: &TestFolder) -> Cluster {
    Cluster::start(&folder.settings()).await.expect("started")
}

async fn connect(cluster: &Cluster) -> Client {
    connect_url(&cluster.url("roster")).await
}

async fn connect_url(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("connected");
    tokio::spawn(connection);
    client
}

async fn write(cluster: &Cluster, text: &str) {
    write_url(&cluster.url("roster"), text).await;
}

async fn write_url(url: &str, text: &str) {
    let sql = format!("CREATE TABLE note AS SELECT '{text}' AS text");
    connect_url(url).await.batch_execute(&sql).await.expect("written");
}

async fn read(cluster: &Cluster) -> String {
    let client = connect(cluster).await;
    client.query_one("SELECT text FROM note", &[]).await.expect("note").get(0)
}

const PATIENCE: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_millis(20);

async fn until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(STEP).await;
    }
}

/// The process that stops the PostgreSQL of a folder when its parent is gone.
fn watcher(folder: &Path) -> Pid {
    let is_watcher = |process: &Path| {
        let command = fs::read(process.join("cmdline")).unwrap_or_default();
        let words: Vec<_> = command.split(|byte| *byte == 0).collect();
        words.contains(&&b"roster-watcher"[..])
            && words.iter().any(|word| OsStr::from_bytes(word) == folder.as_os_str())
    };
    let mut processes = fs::read_dir("/proc").expect("processes").flatten();
    let process = processes.find(|process| is_watcher(&process.path())).expect("a watcher");
    let pid = process.file_name().to_string_lossy().parse().expect("pid");
    Pid::from_raw(pid)
}
