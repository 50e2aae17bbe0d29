//! A small child that outlives us, and then stops PostgreSQL.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::time::Duration;

use tokio::time::timeout;

use super::error::StartError;
use super::folder::Folder;
use super::process::Process;

/// Reads a pipe that only we can write to: it ends when we do, however that happens.
///
/// Each line has the pid of `initdb` and of the postmaster, `none` for one that does not run;
/// the last line counts. The postmaster's must still be the one in `postmaster.pid`, so that
/// nothing else is ever hit. A temporary cluster is deleted, by name: nothing that is not ours.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
home=$1 data=$2
initdb=none pid=none running=
while read -r first second; do initdb=$first pid=$second; done
[ "$initdb" = none ] || kill -s KILL -- "-$initdb"
[ -n "$data" ] && signal=QUIT || signal=INT
read -r running <"$home/postgres/postmaster.pid"
[ "$running" = "$pid" ] && kill -s "$signal" "$pid"
[ -n "$data" ] || exit 0
tries=0
while [ -e "$home/postgres/postmaster.pid" ] && kill -0 "$pid" && [ $tries -lt 100 ]; do
    sleep 0.1 || sleep 1
    tries=$((tries + 1))
done
rm -rf "$home/postgres" "$home/postgres.new" ||
    { sleep 1; rm -rf "$home/postgres" "$home/postgres.new"; }
rm -f "$home/postgres.log" "$home/postgres.log.old" "$home/lock" "$data/elsewhere"
rmdir "$home" "$data"
"#;

/// What would outlive us.
#[derive(Clone, Copy, Debug)]
pub(super) enum Running {
    Nothing,
    /// The leader of a process group.
    Initdb(u32),
    Postmaster(u32),
}

/// Dropped, it stops PostgreSQL if that still runs, and deletes a temporary cluster.
#[derive(Debug)]
pub(super) struct Watcher {
    pipe: ChildStdin,
    process: Process,
}

impl Watcher {
    /// Starts it before there is anything to watch over, so that no moment is missed.
    pub(super) fn start(folder: &Folder, temporary: bool) -> Result<Self, StartError> {
        let shell = Path::new("/bin/sh");
        let mut command = Command::new(shell);
        command.args(["-c", SCRIPT, "roster-watcher"]).arg(&folder.home);
        if temporary {
            command.arg(&folder.data);
        }
        command
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C reaches all of the terminal's foreground group.
            .process_group(0);
        let mut spawn = || {
            let mut child = command.spawn()?;
            let pipe = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
            let process = Process::new(child)?;
            Ok(Self { pipe, process })
        };
        spawn().map_err(StartError::run(shell))
    }

    /// Tells it what runs now.
    pub(super) fn watch(&mut self, running: Running) {
        let written = match running {
            Running::Nothing => writeln!(self.pipe, "none none"),
            Running::Initdb(group) => writeln!(self.pipe, "{group} none"),
            Running::Postmaster(pid) => writeln!(self.pipe, "none {pid}"),
        };
        // Without its watcher, PostgreSQL still stops when it is told to.
        if let Err(error) = written {
            tracing::warn!("PostgreSQL's watcher is gone: {error}");
        }
    }

    /// Lets it do its work, and waits for it.
    pub(super) async fn finish(self) {
        drop(self.pipe);
        let ended = timeout(Duration::from_secs(15), self.process.ended()).await;
        if ended.is_err() {
            tracing::warn!("PostgreSQL's watcher does not end");
        }
    }
}
