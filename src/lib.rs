//! Roster keeps who belongs to what: organizations, their projects, the members of each, their roles, and
//! the invitations that are out. One binary over PostgreSQL that speaks GraphQL.
//!
//! A request goes down this list and comes back up. Each layer uses those below it and none above:
//!
//! ```text
//! commands ─▶ server ─▶ graphql ─▶ operations ─▶ consequences ─▶ access ─▶ store ─▶ domain
//!                          └──────────────────────────────────────▲  (reads: access, store)
//! mail, feed ─▶ store, domain    postgres: alone          error: used by all, uses none
//! ```

// What the binary does: one file per subcommand.
pub mod commands;
// The command line: every flag and environment variable, read once.
pub mod config;

// HTTP: the endpoint, who is calling, GraphiQL, the development mailbox.
pub mod server;

// What a client sees: types, loaders, resolvers. No rules, no SQL.
pub mod graphql;

// What Roster does: one file per mutation, read from top to bottom.
pub mod operations;

// What follows from a change, whichever operation makes it.
pub mod consequences;

// Who may do what: permissions, the policy, and loading under both.
pub mod access;

// All SQL, one file per table.
pub mod store;

// Pure rules, and values that cannot be wrong once built.
pub mod domain;

// From the queue to the mail server.
pub mod mail;

// From what happened to those who want to hear of it.
pub mod feed;

// The private PostgreSQL of the embedded default.
pub mod postgres;

// What all requests of a server share.
pub mod app;
// Every outcome a request can end in.
pub mod error;
