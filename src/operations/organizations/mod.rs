//! Changes of organizations.

mod create;

pub use create::Create;
