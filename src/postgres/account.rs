//! Who runs PostgreSQL. It refuses to run as root, so root steps down for it.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use nix::unistd::{User, geteuid};

use super::error::StartError;

/// The account that PostgreSQL's programs run as.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    /// User and group to step down to; `None` where we are no root and stay who we are.
    step_down: Option<(u32, u32)>,
}

impl Account {
    /// The owner of an existing cluster, else `postgres`, else `nobody`; ourselves if not root.
    pub(super) fn of(cluster: &Path) -> Result<Self, StartError> {
        if !geteuid().is_root() {
            return Ok(Self { step_down: None });
        }
        let owner = fs::metadata(cluster).ok().map(|found| (found.uid(), found.gid())).filter(|&(user, _)| user != 0);
        let step_down = owner.or_else(|| named("postgres")).or_else(|| named("nobody")).ok_or(StartError::NoAccount)?;
        Ok(Self { step_down: Some(step_down) })
    }

    /// Whether the account is another than ours.
    pub(super) fn steps_down(self) -> bool {
        self.step_down.is_some()
    }

    /// A command run by this account in a folder, untouched by the `PG…` variables around us.
    pub(super) fn command(self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"PG") {
                command.env_remove(name);
            }
        }
        // English messages, and no search for the time zone.
        command.env("LC_ALL", "C").env("TZ", "UTC");
        if let Some((user, group)) = self.step_down {
            command.uid(user).gid(group);
        }
        command
    }

    /// Whether the account may enter a folder. Tried out, since modes alone do not tell.
    pub(super) fn reaches(self, folder: &Path) -> bool {
        if !self.steps_down() {
            return true;
        }
        self.command(Path::new("/bin/sh"), Path::new("/"))
            .args(["-c", "cd -- \"$1\"", "sh"])
            .arg(folder)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Makes the account the owner of a file or folder.
    pub(super) fn own(self, path: &Path) -> Result<(), StartError> {
        match self.step_down {
            Some((user, group)) => {
                chown(path, Some(user), Some(group)).map_err(StartError::file("change the owner of", path))
            }
            None => Ok(()),
        }
    }
}

fn named(name: &str) -> Option<(u32, u32)> {
    let user = User::from_name(name).ok().flatten()?;
    Some((user.uid.as_raw(), user.gid.as_raw()))
}

/// Runs a command to its end; it is killed when the future is dropped.
pub(super) async fn output(command: Command) -> io::Result<Output> {
    tokio::process::Command::from(command).kill_on_drop(true).output().await
}
