//! What Roster does: one file per change, read from top to bottom. No GraphQL, no HTTP.
//!
//! To add a mutation: its file here (a struct with its input that implements [`Operation`]), which locks what it
//! changes ([`Locked`]), checks, and writes with the permit that the check gave; what takes rights away, or follows
//! from the change, is called in `consequences/`, not in another area. Its input, payload and resolver go into
//! `graphql/mutations/<area>.rs`; SQL into `store/` and a permission into `access/` only if they are new; its test
//! into `tests/api/`. Then run the tests and read the diff of `schema.graphql`.

pub mod api_keys;
mod execute;
pub mod input;
pub mod invitations;
mod locked;
mod once;
pub mod organization_members;
pub mod organizations;
pub mod patch;
mod permissions;
pub mod project_members;
pub mod projects;
pub mod roles;
pub mod sign_in;
pub mod sweep;
pub mod team_members;
pub mod teams;

pub use crate::consequences::Transaction;
pub use execute::{Operation, execute};
pub use locked::{Locked, Target};
pub use once::{IdempotencyKey, KEPT, execute_once};

/// Four characters that make a slug free: the end of a new id, which is its random part.
fn suffix(id: uuid::Uuid) -> String {
    let text = id.simple().to_string();
    text.chars().skip(28).collect()
}
