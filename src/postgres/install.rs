//! What to type where PostgreSQL is missing.

use std::fs;

/// The command that installs PostgreSQL's server here.
pub(super) fn command() -> &'static str {
    if cfg!(target_os = "macos") {
        "brew install postgresql@17"
    } else {
        for_distribution(&fs::read_to_string("/etc/os-release").unwrap_or_default())
    }
}

/// Decides by `ID` and then `ID_LIKE`, the families it derives from, of `/etc/os-release`.
fn for_distribution(os_release: &str) -> &'static str {
    let mut words = ["ID=", "ID_LIKE="].into_iter().flat_map(|key| {
        os_release
            .lines()
            .filter_map(move |line| line.strip_prefix(key))
            .flat_map(|value| value.trim_matches(['"', '\'']).split_whitespace())
    });
    words.find_map(for_family).unwrap_or("with your package manager, or as https://www.postgresql.org/download/ says")
}

fn for_family(family: &str) -> Option<&'static str> {
    match family {
        "debian" | "ubuntu" => Some("sudo apt-get install postgresql"),
        "fedora" | "rhel" | "centos" => Some("sudo dnf install postgresql-server"),
        "arch" => Some("sudo pacman -S postgresql"),
        "alpine" => Some("sudo apk add postgresql"),
        "suse" | "opensuse" => Some("sudo zypper install postgresql-server"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::for_distribution;

    #[test]
    fn the_command_fits_the_distribution() {
        for (os_release, word) in [
            ("PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n", "apt-get"),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "apt-get"),
            ("ID=fedora\n", "dnf"),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "dnf"),
            ("ID=manjaro\nID_LIKE=arch\n", "pacman"),
            ("ID=alpine\n", "apk"),
            ("ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n", "zypper"),
            ("ID=nixos\n", "package manager"),
            ("", "package manager"),
        ] {
            let command = for_distribution(os_release);
            assert!(command.contains(word), "{os_release}: {command}");
        }
    }
}
