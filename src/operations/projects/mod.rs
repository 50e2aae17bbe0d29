//! Changes of projects.

mod create;
mod delete;
mod leave;
pub mod may;
mod transfer;
mod update;

pub use create::Create;
pub use delete::{Delete, Deleted};
pub use leave::{Leave, Left};
pub use transfer::{OwnershipTransfer, Transferred};
pub use update::Update;
