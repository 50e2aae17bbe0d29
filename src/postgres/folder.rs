//! The data folder: where the cluster is, whose it is, and that nobody else uses it.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::PORT;
use super::account::Account;
use super::binaries;
use super::error::StartError;

/// Holds clusters whose data folder root's PostgreSQL cannot reach.
const ELSEWHERE: &str = "/var/lib/roster";

/// Most bytes in the path of a unix socket, its closing NUL left out.
const SOCKET_LIMIT: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// A data folder that is ours alone as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    /// As the caller named it, made absolute.
    pub(super) data: PathBuf,
    /// What holds the files: the data folder itself, or a folder elsewhere.
    pub(super) home: PathBuf,
    /// Who runs PostgreSQL in it.
    pub(super) account: Account,
    /// The kernel frees it when we end, however that happens.
    lock: File,
}

impl Folder {
    /// Makes the data folder if need be, and takes it.
    pub(super) fn take(data_dir: &Path) -> Result<Self, StartError> {
        let data = std::path::absolute(data_dir).map_err(StartError::file("find", data_dir))?;
        let account = Account::of(&data.join("postgres"))?;
        make(&data, account)?;
        let home = home(&data, account)?;
        let account = Account::of(&home.join("postgres"))?;
        if !account.reaches(&home) {
            return Err(StartError::Unreachable { folder: home });
        }
        let socket = home.join("postgres").join(socket_name());
        if socket.as_os_str().len() > SOCKET_LIMIT {
            return Err(StartError::PathTooLong { socket, limit: SOCKET_LIMIT });
        }
        let lock = lock(&home.join("lock"), &data)?;
        Ok(Self { data, home, account, lock })
    }

    /// PostgreSQL's own data directory.
    pub(super) fn cluster(&self) -> PathBuf {
        self.home.join("postgres")
    }

    /// The file that names the running postmaster.
    pub(super) fn pid_file(&self) -> PathBuf {
        self.cluster().join("postmaster.pid")
    }

    /// The socket of the running server.
    pub(super) fn socket(&self) -> PathBuf {
        self.cluster().join(socket_name())
    }

    /// PostgreSQL's log.
    pub(super) fn log(&self) -> PathBuf {
        self.home.join("postgres.log")
    }

    /// Major version that made the cluster; `None` where there is no cluster yet.
    pub(super) fn version(&self) -> Result<Option<u32>, StartError> {
        let path = self.cluster().join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => Ok(binaries::major(&text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StartError::file("read", &path)(error)),
        }
    }

    /// Opens an empty log; the one of the run before is kept beside it.
    pub(super) fn new_log(&self) -> Result<File, StartError> {
        let path = self.log();
        // Fails where there is none yet.
        let _ = fs::rename(&path, path.with_extension("log.old"));
        OpenOptions::new().append(true).create(true).mode(0o600).open(&path).map_err(StartError::file("write", &path))
    }

    /// The last lines of the log.
    pub(super) fn log_tail(&self) -> String {
        let bytes = fs::read(self.log()).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<_> = text.lines().collect();
        let skipped = lines.len().saturating_sub(20);
        lines.get(skipped..).unwrap_or_default().join("\n")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Closing alone would leave it to a child that another thread forked this very moment.
        let _ = self.lock.unlock();
    }
}

fn socket_name() -> String {
    format!(".s.PGSQL.{PORT}")
}

/// The data folder itself, unless an account we step down to cannot reach it.
///
/// The link alone says where else the cluster is, so whoever deletes the data folder starts
/// afresh, and whoever moves it does not.
fn home(data: &Path, account: Account) -> Result<PathBuf, StartError> {
    if !account.steps_down() || data.join("postgres").exists() {
        return Ok(data.to_owned());
    }
    let link = data.join("elsewhere");
    if let Ok(home) = fs::read_link(&link) {
        make(&home, account)?;
        return Ok(home);
    }
    if account.reaches(data) {
        return Ok(data.to_owned());
    }
    let home = new_home(data, account)?;
    match symlink(&home, &link) {
        Ok(()) => Ok(home),
        // Another process was faster; the lock settles the rest.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let _ = fs::remove_dir(&home);
            fs::read_link(&link).map_err(StartError::file("read", &link))
        }
        Err(error) => Err(StartError::file("make", &link)(error)),
    }
}

/// Makes a folder that every account can reach, named after the data folder.
fn new_home(data: &Path, account: Account) -> Result<PathBuf, StartError> {
    let parent = Path::new(ELSEWHERE);
    make(parent, account)?;
    let data = fs::canonicalize(data).map_err(StartError::file("find", data))?;
    let leaf = data.file_name().unwrap_or_default().to_string_lossy();
    let hash = fnv1a(data.as_os_str().as_encoded_bytes());
    let mut number = 1;
    loop {
        let home = parent.join(format!("{leaf}-{hash:08x}-{number}"));
        match make_new(&home, account) {
            Ok(()) => {
                let (data, home) = (data.display(), home.display());
                tracing::info!("PostgreSQL's account cannot reach {data}; its files are in {home}");
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                number += 1;
                continue;
            }
            Err(error) => return Err(StartError::file("make", &home)(error)),
        }
        return Ok(home);
    }
}

/// Makes a folder and those above it; one that is there stays as it is.
fn make(folder: &Path, account: Account) -> Result<(), StartError> {
    if folder.is_dir() {
        return Ok(());
    }
    let made = match folder.parent() {
        Some(parent) => fs::create_dir_all(parent),
        None => Ok(()),
    };
    match made.and_then(|()| make_new(folder, account)) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists || !folder.is_dir() => {
            Err(StartError::file("make", folder)(error))
        }
        _ => Ok(()),
    }
}

/// Makes a folder that only we read; an account we step down to may pass through.
fn make_new(folder: &Path, account: Account) -> io::Result<()> {
    let mode = if account.steps_down() { 0o711 } else { 0o700 };
    DirBuilder::new().mode(mode).create(folder)?;
    // The umask may have taken bits away.
    fs::set_permissions(folder, Permissions::from_mode(mode))
}

/// Takes the lock file and writes our pid into it, for the message of whoever comes second.
fn lock(path: &Path, data: &Path) -> Result<File, StartError> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(StartError::file("open", path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let _ = file.read_to_string(&mut pid);
            return Err(StartError::InUse { folder: data.to_owned(), pid: pid.trim().parse().ok() });
        }
        Err(TryLockError::Error(error)) => return Err(StartError::file("lock", path)(error)),
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(StartError::file("write", path))?;
    Ok(file)
}

/// Hash that stays the same between releases of Rust.
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
