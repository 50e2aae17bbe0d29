//! The binary as it is typed: what it says, and how it ends.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use clap::CommandFactory;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use roster::store::connect::ConnectionUrl;
use secrecy::ExposeSecret;

use crate::support::{empty_database, folder::Folder};

/// The binary with nothing of our own environment but the path.
fn roster(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roster"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command.envs(["PATH", "ROSTER_PG_BIN"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command
}

fn run(arguments: &[&str]) -> Output {
    roster(arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A server under way, ended with the test.
struct Running {
    child: Child,
    lines: Vec<String>,
}

impl Running {
    /// Starts it and waits for the line that contains `ready`.
    fn start(mut command: Command, ready: &str) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = Vec::new();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (send, receive) = std::sync::mpsc::channel();
        for reader in [Box::new(out) as Box<dyn std::io::Read + Send>, Box::new(err)] {
            let send = send.clone();
            std::thread::spawn(move || {
                BufReader::new(reader).lines().map_while(Result::ok).for_each(|line| drop(send.send(line)));
            });
        }
        drop(send);
        while let Ok(line) = receive.recv() {
            lines.push(line);
            if lines.last().unwrap().contains(ready) {
                return Self { child, lines };
            }
        }
        panic!("it ended: {:?}\n{}", child.wait(), lines.join("\n"));
    }

    fn address(&self) -> String {
        let line = self.lines.iter().find(|line| line.contains("/graphiql")).unwrap();
        line[line.find("http://").unwrap()..].trim_end_matches("/graphiql").to_owned()
    }

    fn stop(&mut self, signal: Signal) -> Option<i32> {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.child.try_wait().unwrap().is_none() {
            self.stop(Signal::SIGTERM);
        }
    }
}

fn dev(folder: &Folder) -> Running {
    Running::start(roster(&["dev", "--listen", "127.0.0.1:0", "--data-dir", &folder.data()]), "Anybody else")
}

#[test]
fn every_flag_is_explained_and_an_environment_variable() {
    for command in roster::config::CommandLine::command().get_subcommands() {
        assert!(command.get_about().is_some(), "{}", command.get_name());
        for flag in command.get_arguments() {
            let name = format!("{} {}", command.get_name(), flag.get_id());
            assert!(flag.get_help().is_some(), "{name} is not explained");
            let variable = flag.get_env().and_then(|name| name.to_str()).unwrap_or_default();
            assert!(variable.starts_with("ROSTER_") || variable == "DATABASE_URL", "{name} is no variable");
        }
    }
    assert!(run(&["serve", "--help"]).status.success());
}

#[test]
fn serve_says_all_that_is_missing_at_once() {
    let output = run(&["serve"]);
    assert_eq!(output.status.code(), Some(2));
    let text = stderr(&output);
    for missing in [
        "DATABASE_URL is missing",
        "ROSTER_TOKEN_KEY is missing",
        "ROSTER_ACCEPT_URL is missing",
        "ROSTER_SMTP_URL is missing",
        "nobody could sign in",
    ] {
        assert!(text.contains(missing), "{missing}: {text}");
    }

    let wrong = roster(&["serve"])
        .envs([
            ("DATABASE_URL", "postgres://roster:hunter2@db.example/roster?sslmode=prefer"),
            ("ROSTER_TOKEN_KEY", "c2hvcnQ="),
            ("ROSTER_ACCEPT_URL", "mailto:somebody@example.com"),
            ("ROSTER_SMTP_URL", "http://mail.example"),
            ("ROSTER_JWT_ISSUER", "https://id.example"),
            ("ROSTER_ALLOWED_ORIGINS", "https://app.example/path"),
        ])
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    let text = stderr(&wrong);
    for problem in [
        "DATABASE_URL: sslmode=prefer",
        "ROSTER_TOKEN_KEY: it has 5 bytes",
        "ROSTER_ACCEPT_URL:",
        "ROSTER_SMTP_URL:",
        "ROSTER_JWT_ISSUER is set",
        "https://app.example/path is no origin",
    ] {
        assert!(text.contains(problem), "{problem}: {text}");
    }
    assert!(!text.contains("hunter2"), "a password was printed");
}

#[test]
fn serve_refuses_operations_that_could_never_run() {
    let folder = Folder::new();
    let serve = || roster(&["serve", "--persisted-only", &folder.path().to_string_lossy()]).output().unwrap();
    let says = |what: &str| {
        let refused = serve();
        assert_eq!(refused.status.code(), Some(2));
        assert!(stderr(&refused).contains(what), "{}", stderr(&refused));
    };
    says("holds no operation");
    fs::write(folder.path().join("good.graphql"), "{ __typename }").unwrap();
    fs::write(folder.path().join("bad.graphql"), "query Bad { nothing }").unwrap();
    says("\"query Bad { nothing }\"… is refused: type `Query` does not have a field `nothing`");
    fs::remove_file(folder.path().join("bad.graphql")).unwrap();
    let right = stderr(&serve());
    assert!(right.contains("DATABASE_URL is missing") && !right.contains("ROSTER_PERSISTED_ONLY"), "{right}");
}

#[test]
fn serve_refuses_a_file_of_permissions_that_is_not_right() {
    let folder = Folder::new();
    let file = folder.path().join("permissions.toml");
    let serve = || roster(&["serve", "--permissions", &file.to_string_lossy()]).output().unwrap();
    let missing = serve();
    assert_eq!(missing.status.code(), Some(2));
    assert!(stderr(&missing).contains("permissions.toml cannot be read"), "{}", stderr(&missing));

    let entry = |key: &str, name: &str| {
        format!(
            "[[permission]]\nkey = \"{key}\"\nscope = \"project\"\nname = \"{name}\"\ndescription = \"What.\"\ngroup = \"Data\"\n"
        )
    };
    let entries = [entry("members.manage", "Mine"), entry("Dataset Write", ""), entry("data.read", "Read")];
    fs::write(&file, entries.concat()).unwrap();
    let wrong = serve();
    assert_eq!(wrong.status.code(), Some(2));
    for problem in [
        "permissions.toml:",
        "line 2: members.manage is a permission of Roster itself",
        "line 8: \"Dataset Write\" is no key",
        "line 10: text is needed here",
    ] {
        assert!(stderr(&wrong).contains(problem), "{problem}: {}", stderr(&wrong));
    }
    // A file that is right is not complained of; the rest that is missing is.
    fs::write(&file, entry("data.read", "Read")).unwrap();
    let right = stderr(&serve());
    assert!(right.contains("DATABASE_URL is missing") && !right.contains("ROSTER_PERMISSIONS"), "{right}");
}

fn serving(url: &ConnectionUrl) -> Command {
    let mut command = roster(&["serve", "--listen", "127.0.0.1:0"]);
    command.envs([
        ("DATABASE_URL", url.text().expose_secret()),
        ("ROSTER_TOKEN_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="),
        ("ROSTER_ACCEPT_URL", "https://app.example/invitation"),
        ("ROSTER_SMTP_URL", "smtp://127.0.0.1:9"),
        ("ROSTER_OPERATOR_KEY", "an operator key of more than 32 characters"),
    ]);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_wants_a_migrated_database_and_stops_when_asked() {
    let url = empty_database().await;
    let refused = serving(&url).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("roster migrate"), "{}", stderr(&refused));

    for said in ["in 14 steps", "up to date"] {
        let migrated = roster(&["migrate"]).env("DATABASE_URL", url.text().expose_secret()).output().unwrap();
        assert!(migrated.status.success(), "{}", stderr(&migrated));
        assert!(String::from_utf8_lossy(&migrated.stdout).contains(said));
    }

    let mut server = Running::start(serving(&url), "serving");
    let line = server.lines.last().unwrap();
    let address = line[line.find("127.0.0.1:").unwrap()..].trim().to_owned();
    let answer = reqwest::get(format!("http://{address}/health/ready")).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (200, "ok\n"));
    let sdl = reqwest::get(format!("http://{address}/schema.graphql")).await.unwrap().text().await.unwrap();
    assert_eq!(sdl, roster::graphql::sdl());
    // None of what development shows.
    for path in ["/dev/mailbox", "/graphiql"] {
        assert_eq!(reqwest::get(format!("http://{address}{path}")).await.unwrap().status().as_u16(), 404);
    }
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
}

#[test]
fn tokens_are_signed_for_development_folders_only() {
    let folder = Folder::new();
    let output = run(&["token", "--email", "alice@example.com", "--data-dir", &folder.data()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("is no data folder of `roster dev`"), "{}", stderr(&output));
}

#[test]
fn schema_prints_the_schema() {
    let output = run(&["schema"]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), include_str!("../../schema.graphql"));
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_keeps_everything_and_leaves_nothing_running() {
    let folder = Folder::new();
    let mut first = dev(&folder);
    let token = run(&["token", "--email", "nina@example.com", "--name", "Nina", "--data-dir", &folder.data()]);
    let token = String::from_utf8(token.stdout).unwrap().trim().to_owned();
    let ask = async |server: &Running, query: &str| {
        let request = reqwest::Client::new().post(format!("{}/graphql", server.address())).bearer_auth(&token);
        let answer = request.json(&serde_json::json!({ "query": query })).send().await.unwrap();
        answer.json::<serde_json::Value>().await.unwrap()["data"].clone()
    };
    ask(&first, "mutation { organizationCreate(input: {name: \"Kept\"}) { userErrors { code } } }").await;

    let second = roster(&["dev", "--listen", "127.0.0.1:0", "--data-dir", &folder.data()]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(stderr(&second).contains(&folder.data()), "{}", stderr(&second));

    assert_eq!(first.stop(Signal::SIGTERM), Some(0));
    assert!(!postgres_runs_in(folder.path()), "PostgreSQL outlived roster dev");

    let mut again = dev(&folder);
    let kept = ask(&again, "{ viewer { user { displayName } memberships { nodes { organization { slug } } } } }").await;
    assert_eq!(kept["viewer"]["user"]["displayName"], "Nina");
    assert_eq!(kept["viewer"]["memberships"]["nodes"][0]["organization"]["slug"], "kept");
    // Only requests that name this machine are answered.
    let foreign = reqwest::Client::new()
        .get(format!("{}/graphiql/settings.json", again.address()))
        .header("host", "evil.example");
    assert_eq!(foreign.send().await.unwrap().status().as_u16(), 421);
    assert_eq!(again.stop(Signal::SIGINT), Some(0));
    assert!(!postgres_runs_in(folder.path()));
}

/// A server that runs holds its socket open.
fn postgres_runs_in(folder: &Path) -> bool {
    let socket = folder.join("data/postgres/.s.PGSQL.5432");
    std::os::unix::net::UnixStream::connect(socket).is_ok()
}
