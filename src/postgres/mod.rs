//! The private PostgreSQL of the embedded default: found, made, started and stopped here.
//!
//! `roster dev` and the tests run one when no database is named. It knows nothing of the rest
//! of Roster: in goes a folder, out comes a connection URL.
//!
//! ```text
//! <data folder>/             0700, or 0711 when root made it: PostgreSQL's account must get through
//! ├── lock                   held while a process uses the folder; says which one
//! ├── postgres.log           of this run, with postgres.log.old of the one before
//! ├── postgres/              0700: the cluster, and the only socket the server listens on
//! └── elsewhere -> …         instead of all these, when root's PostgreSQL cannot reach the folder
//! ```
//!
//! However the process ends, PostgreSQL ends with it: [`Cluster::stop`] on the usual ways out,
//! a watching child (`watcher`) after a panic or `kill -9`. Should that fail as well, the next
//! start takes the folder over.

mod account;
mod binaries;
mod cluster;
mod error;
mod folder;
mod init;
mod install;
mod launch;
mod process;
mod stale;
mod watcher;

pub use cluster::{Cluster, Settings};
pub use error::StartError;

/// The superuser, and the database that is always there.
const NAME: &str = "roster";

/// Only names the socket, as nothing listens on TCP.
const PORT: u16 = 5432;
