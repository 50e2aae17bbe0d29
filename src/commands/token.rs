//! `roster token`

use chrono::TimeDelta;

use super::{Failure, keys::Keys};
use crate::{app::Clock, config::Token, domain::email::Email};

/// Prints a token that signs in to `roster dev`.
pub fn run(token: &Token) -> Result<(), Failure> {
    let keys = Keys::read(&token.data_dir)?;
    let email =
        Email::parse(&token.email).ok_or_else(|| Failure::Usage(format!("{} is no e-mail address.", token.email)))?;
    let lifetime = TimeDelta::hours(token.hours.into());
    println!("{}", keys.sign(email.as_str(), token.name.as_deref(), Clock::system().now(), lifetime)?);
    Ok(())
}
