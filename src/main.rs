//! Parses the command line, starts the log, and calls the library.

use std::{io::IsTerminal, process::ExitCode};

use clap::Parser;
use roster::{commands, config::CommandLine};
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    let filter = match EnvFilter::try_new(&command_line.log) {
        Ok(filter) => filter,
        Err(error) => {
            eprintln!("--log {}: {error}", command_line.log);
            return ExitCode::from(2);
        }
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if command_line.log_json {
        log.json().init();
    } else {
        log.with_ansi(std::io::stderr().is_terminal()).init();
    }
    commands::run(command_line).await
}
