//! Changes of organizations.

mod create;
mod delete;
mod plan;
mod transfer;
mod update;
