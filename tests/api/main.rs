//! Roster as its callers see it: one binary, a database of its own for every test.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on shall stop"
)]
#![expect(
    clippy::format_push_string,
    clippy::items_after_statements,
    clippy::needless_pass_by_value,
    reason = "a test reads from top to bottom, with what it needs where it needs it"
)]

mod access;
mod access_of_people;
mod across_releases;
mod api_keys;
mod at_hand;
mod authentication;
mod authority;
mod commands;
mod concurrency;
mod demo;
mod edges;
mod escalation;
mod escalation_decisions;
mod invitations;
mod mail;
mod organization_members;
mod organizations;
mod outbox;
mod paging;
mod plans;
mod postgres;
mod project_members;
mod projects;
mod protocol;
mod reads;
mod repository;
mod retries;
mod roles;
mod sources;
mod statements;
mod story;
mod support;
mod sweep;
mod teams;
mod upgrades;
mod viewer_can;
