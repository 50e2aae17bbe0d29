//! GraphQL over HTTP, as events and over WebSockets; documents; connections.

mod connections;
mod documents;
mod events;
mod execution;
mod feed;
mod hostile;
mod http;
mod sockets;
