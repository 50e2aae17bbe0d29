//! E-mail: what a message says, how it reaches the mail server, and when to try again.

pub mod letter;
pub mod render;
pub mod retry;
pub mod smtp;
pub mod worker;
