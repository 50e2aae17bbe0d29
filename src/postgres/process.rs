//! A child that outlives the async runtime that started it.

use std::io;
use std::process::{Child, ExitStatus};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::watch;

/// A child process. A thread waits for it, so that it may be awaited on any runtime (tests
/// share a cluster, and have a runtime each) and never stays behind as a zombie.
#[derive(Debug)]
pub(super) struct Process {
    pid: u32,
    status: watch::Receiver<Option<ExitStatus>>,
}

impl Process {
    /// Takes care of a child.
    pub(super) fn new(mut child: Child) -> io::Result<Self> {
        let (sender, status) = watch::channel(None);
        let pid = child.id();
        thread::Builder::new().name("wait".to_owned()).spawn(move || sender.send_replace(child.wait().ok()))?;
        Ok(Self { pid, status })
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends a signal, unless the process has ended.
    pub(super) fn signal(&self, signal: Signal) {
        if let Ok(pid) = i32::try_from(self.pid)
            && self.status.borrow().is_none()
        {
            // It may end this very moment.
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    /// Waits for its end.
    pub(super) async fn ended(&self) {
        // An error means that nobody waits any more, which is the end as well.
        let _ = self.status.clone().wait_for(Option::is_some).await;
    }
}
