//! Changes of projects.

mod create;
mod delete;
mod transfer;
mod update;
