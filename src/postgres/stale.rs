//! Takes over what an earlier run left behind.

use std::fs;
use std::path::Path;

use tokio::net::UnixStream;

use super::account;
use super::binaries::Binaries;
use super::error::StartError;
use super::folder::Folder;

/// Stops a postmaster that still runs in our folder. Says whether there was anything to take
/// over.
///
/// Only call it with the folder locked: then whatever runs here belongs to nobody. A server is
/// taken for one of this folder if it answers on the socket inside; the pid in `postmaster.pid`
/// alone proves nothing, since numbers are given again.
pub(super) async fn take_over(folder: &Folder, binaries: &Binaries) -> Result<bool, StartError> {
    if !folder.pid_file().exists() {
        return Ok(false);
    }
    if UnixStream::connect(folder.socket()).await.is_err() {
        disown(folder)?;
        return Ok(true);
    }
    tracing::warn!("stopping the PostgreSQL that an earlier run left in the data folder");
    for mode in ["fast", "immediate"] {
        let program = binaries.program("pg_ctl");
        let mut stop = folder.account.command(&program, &folder.home);
        stop.args(["stop", "--wait", "--timeout", "20", "--mode", mode, "--pgdata"]).arg(folder.cluster());
        let stopped = account::output(stop).await.map_err(StartError::run(&program))?;
        if stopped.status.success() {
            break;
        }
    }
    // One that would not stop is what PostgreSQL complains about next.
    Ok(true)
}

/// Makes PostgreSQL start although the pid of its dead predecessor is another process now.
///
/// After `docker kill` and `docker start` the same few numbers go round, and PostgreSQL refuses
/// if the number is in use by its own account. The pid of its parent it ignores, so ours goes
/// there. The file stays for the rest of it: PostgreSQL checks by its shared memory segment that
/// no backend of the predecessor is left.
fn disown(folder: &Folder) -> Result<(), StartError> {
    let path = folder.pid_file();
    let read = fs::read_to_string(&path).map_err(StartError::file("read", &path))?;
    let (pid, rest) = read.split_once('\n').unwrap_or((&read, ""));
    if !Path::new("/proc/self").exists() || works_in(pid, &folder.cluster()) {
        return Ok(());
    }
    // Written aside: root must not follow a link that the account could put there.
    let new = folder.home.join("postmaster.pid.new");
    fs::write(&new, format!("{}\n{rest}", std::process::id())).map_err(StartError::file("write", &new))?;
    folder.account.own(&new)?;
    fs::rename(&new, &path).map_err(StartError::file("replace", &path))
}

/// Whether a process works in this folder, as a postmaster does in its cluster.
fn works_in(pid: &str, cluster: &Path) -> bool {
    let folder = fs::read_link(Path::new("/proc").join(pid.trim()).join("cwd"));
    matches!((folder, fs::canonicalize(cluster)), (Ok(one), Ok(other)) if one == other)
}
