//! What the binary does: one file per subcommand.

pub mod demo;
mod dev;
mod migrate;
mod serve;
mod token;

pub mod keys;
pub mod story;

use std::process::ExitCode;

use crate::config::{Command, CommandLine};

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
