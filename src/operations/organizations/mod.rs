//! Changes of organizations.

mod create;
mod leave;

pub use create::Create;
pub use leave::{Leave, Left};
