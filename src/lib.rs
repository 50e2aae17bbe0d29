//! Roster: who belongs to what.

pub mod access;
pub mod app;
pub mod domain;
pub mod error;
pub mod graphql;
pub mod operations;
pub mod store;
