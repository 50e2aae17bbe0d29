//! Changes of organizations.

mod create;
mod delete;
mod leave;
pub mod may;
mod plan_update;
mod profile;
mod transfer;
mod update;

pub use create::Create;
pub use delete::Delete;
pub use leave::{Leave, Left};
pub use plan_update::PlanUpdate;
pub use transfer::{OwnershipTransfer, Transferred};
pub use update::Update;
