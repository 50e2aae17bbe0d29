//! What the binary does: one file per subcommand.

pub mod demo;
mod dev;
mod migrate;
mod running;
mod serve;
mod token;

pub mod keys;
pub mod story;

use std::{path::Path, process::ExitCode};

use crate::{
    access::{Policy, catalogue},
    config::{Command, CommandLine},
};

/// Why a command ended badly, in words for whoever typed it.
pub enum Failure {
    /// Something is missing or wrong in what was asked for: exit status 2.
    Usage(String),
    /// It did not work: exit status 1.
    Failed(String),
}

impl Failure {
    /// It did not work.
    pub fn failed(what: impl std::fmt::Display) -> Self {
        Self::Failed(what.to_string())
    }
}

/// Runs a command to its end.
pub async fn run(command_line: CommandLine) -> ExitCode {
    let ended = match command_line.command {
        Command::Dev(dev) => dev::run(dev).await,
        Command::Serve(serve) => serve::run(*serve).await,
        Command::Migrate(database) => migrate::run(&database).await,
        Command::Schema => {
            print!("{}", crate::graphql::sdl());
            Ok(())
        }
        Command::Token(token) => token::run(&token),
        Command::Demo(demo) => demo::run(&demo).await,
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Failed(what)) => {
            eprintln!("{what}");
            ExitCode::FAILURE
        }
        Err(Failure::Usage(what)) => {
            eprintln!("{what}");
            ExitCode::from(2)
        }
    }
}

/// What roles give, with the operator's own permissions from a file.
fn policy(file: Option<&Path>) -> Result<Policy, String> {
    let Some(file) = file else { return Ok(Policy::default()) };
    let shown = file.display();
    let source = std::fs::read_to_string(file)
        .map_err(|error| format!("ROSTER_PERMISSIONS: {shown} cannot be read: {error}"))?;
    let own = catalogue::read(&source)
        .map_err(|problems| format!("ROSTER_PERMISSIONS: {shown}:\n    {}", problems.join("\n    ")))?;
    Ok(Policy::with_own(own))
}

/// Waits until the process is asked to end: Ctrl-C, or SIGTERM.
pub async fn asked_to_stop() {
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}
