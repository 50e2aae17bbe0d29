//! Changes of projects.

mod create;

pub use create::Create;
