//! Finds PostgreSQL's server programs, which most systems keep off the `PATH`.

use std::cmp::Reverse;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::account;
use super::error::StartError;
use super::install;

const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// Where packages put them, with a `*` in the name that holds the version.
const USUAL: [&str; 11] = [
    "/usr/lib/postgresql/*/bin", // Debian, Ubuntu
    "/usr/pgsql-*/bin",          // Red Hat, from postgresql.org
    "/usr/bin*",                 // Red Hat, Arch
    "/usr/lib/postgresql*/bin",  // openSUSE
    "/usr/libexec/postgresql*",  // Alpine
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin", // Homebrew on Intel
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/Library/PostgreSQL/*/bin", // EDB's installer
    "/usr/local/pgsql*/bin",     // built from source
];

/// One installation.
#[derive(Clone, Debug)]
pub(super) struct Binaries {
    folder: PathBuf,
    /// Major version, `15` for 15.4.
    pub(super) major: u32,
}

impl Binaries {
    /// The path of one of its programs.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The installation in a folder, if its programs are there and run.
    async fn in_folder(folder: PathBuf) -> Option<Self> {
        let folder = std::path::absolute(folder).ok()?;
        if !PROGRAMS.iter().all(|name| folder.join(name).is_file()) {
            return None;
        }
        let mut version = Command::new(folder.join("postgres"));
        version.arg("--version");
        let output = account::output(version).await.ok()?;
        let major = major(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { folder, major })
    }
}

/// The installations, the preferred one first and at least one: that of `bin_dir` alone if
/// given, else those on the `PATH`, then those in the usual folders, newest first.
pub(super) async fn find(bin_dir: Option<&Path>) -> Result<Vec<Binaries>, StartError> {
    let (found, looked_in) = if let Some(folder) = bin_dir {
        let found = installed([folder.to_owned()]).await;
        (found, folder.display().to_string())
    } else {
        let path = env::var_os("PATH").unwrap_or_default();
        let found = everywhere(&path, usual_folders()).await;
        (found, "PATH and the usual folders".to_owned())
    };
    if found.is_empty() {
        return Err(StartError::NoBinaries { looked_in, install: install::command().to_owned() });
    }
    Ok(found)
}

/// The first installation that can run a cluster of this major version, or a new one.
pub(super) fn choose(found: Vec<Binaries>, cluster: Option<u32>, folder: &Path) -> Result<Binaries, StartError> {
    let mut installed = Vec::new();
    for binaries in found {
        if cluster.is_none_or(|major| major == binaries.major) {
            return Ok(binaries);
        }
        installed.push(binaries.major.to_string());
    }
    installed.dedup();
    Err(StartError::OtherVersion {
        folder: folder.to_owned(),
        made_by: cluster.unwrap_or_default(),
        installed: installed.join(", "),
    })
}

/// The first whole number in the words of `postgres --version` or a `PG_VERSION` file.
pub(super) fn major(version: &str) -> Option<u32> {
    version.split_whitespace().find_map(|word| {
        let end = word.find(|letter: char| !letter.is_ascii_digit());
        word.get(..end.unwrap_or(word.len()))?.parse().ok()
    })
}

async fn everywhere(path: &OsStr, usual: Vec<PathBuf>) -> Vec<Binaries> {
    let mut found = installed(env::split_paths(path)).await;
    let mut packaged = installed(usual).await;
    packaged.sort_by_key(|binaries| Reverse(binaries.major));
    found.append(&mut packaged);
    found
}

async fn installed(folders: impl IntoIterator<Item = PathBuf>) -> Vec<Binaries> {
    let mut found = Vec::new();
    for folder in folders {
        found.extend(Binaries::in_folder(folder).await);
    }
    found
}

fn usual_folders() -> Vec<PathBuf> {
    USUAL.into_iter().flat_map(matching).collect()
}

/// The folders that fit a pattern.
fn matching(pattern: &str) -> Vec<PathBuf> {
    let (before, after) = pattern.split_once('*').unwrap_or((pattern, ""));
    let (parent, start) = before.rsplit_once('/').unwrap_or(("/", before));
    fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|child| child.file_name().as_encoded_bytes().starts_with(start.as_bytes()))
        .map(|child| child.path().join(after.trim_start_matches('/')))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_postgresql_prints() {
        for (text, expected) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 18rc1\n", Some(18)),
            ("17\n", Some(17)),
            ("9.6\n", Some(9)),
            ("sh: not found\n", None),
        ] {
            assert_eq!(major(text), expected, "{text}");
        }
    }

    #[test]
    fn a_cluster_gets_the_binaries_of_its_version() {
        let found = || [17, 15].map(|major| Binaries { folder: PathBuf::from("/bin"), major });
        let chosen = |cluster| choose(found().to_vec(), cluster, Path::new("/data"));
        assert_eq!(chosen(None).expect("newest").major, 17);
        assert_eq!(chosen(Some(15)).expect("matching").major, 15);
        let message = chosen(Some(14)).expect_err("missing").to_string();
        assert!(message.contains("only 17, 15 is installed"), "{message}");
    }

    #[tokio::test]
    async fn the_path_goes_before_the_usual_folders_and_those_newest_first() {
        let here = env::temp_dir().join(format!("roster-binaries-{}", std::process::id()));
        // Another process writes the scripts: one still open for writing cannot be run.
        let made = Command::new("/bin/sh").args(["-ec", MAKE, "sh"]).arg(&here).status().expect("sh");
        assert!(made.success());
        let path = env::join_paths([here.clone(), here.join("pg-12/bin")]).expect("PATH");
        let pattern = format!("{}/pg-*/bin", here.display());
        let found = everywhere(&path, matching(&pattern)).await;
        fs::remove_dir_all(here).expect("removed");
        let majors: Vec<_> = found.iter().map(|binaries| binaries.major).collect();
        assert_eq!(majors, [12, 16, 13, 12]);
    }

    const MAKE: &str = r#"
        for version in 13 16 12; do
            mkdir -p "$1/pg-$version/bin"
            for program in initdb pg_ctl postgres; do
                file="$1/pg-$version/bin/$program"
                printf '#!/bin/sh\necho "postgres (PostgreSQL) %s.1"\n' "$version" >"$file"
                chmod 755 "$file"
            done
        done
        mkdir "$1/pg-99" "$1/other"
    "#;
}
