//! The rows of people.

use super::{
    super::Failure,
    fixed::{Of, first_day, id, milliseconds, number},
    names::Names,
};
use crate::{
    domain::{email::Email, id::UserId},
    server::tokens::DEVELOPMENT_ISSUER,
    store::users::User,
};

/// Everybody.
pub struct People {
    /// How many there are.
    pub count: u64,
    /// Their names, and those of all else.
    pub names: Names,
}

impl People {
    /// The `index`-th person. `roster token` signs in as them, as it takes the address for the subject.
    pub fn user(&self, index: u64) -> Result<User, Failure> {
        let name = self.names.person(index);
        let email = address(&name.latin, index)?;
        let created_at = self.created_at(index);
        let number = number(Of::Person, 0, index);
        Ok(User {
            id: self.user_id(index),
            issuer: DEVELOPMENT_ISSUER.to_owned(),
            subject: email.as_str().to_owned(),
            email: email.into(),
            email_verified: true,
            display_name: format!("{} {}", name.given, name.family),
            first_name: Some(name.given.to_owned()),
            last_name: Some(name.family.to_owned()),
            avatar_url: number.is_multiple_of(3).then(|| format!("https://example.com/people/{index}.png")),
            created_at,
            updated_at: created_at,
            claims_at: created_at,
        })
    }

    /// The id of the `index`-th person.
    pub fn user_id(&self, index: u64) -> UserId {
        UserId(id(Of::Person, 0, index, self.created_at(index)))
    }

    /// The address of the `index`-th person; from [`Self::count`] on, of people who have not signed in.
    pub fn email(&self, index: u64) -> Result<Email, Failure> {
        address(&self.names.person(index).latin, index)
    }

    /// All of them came in the first year, one after the other.
    fn created_at(&self, index: u64) -> chrono::DateTime<chrono::Utc> {
        first_day() + milliseconds(365 * 86_400_000 / self.count * index)
    }
}

fn address(name: &str, index: u64) -> Result<Email, Failure> {
    let domain = match number(Of::Name, 0, index) % 10 {
        0..6 => "example.com",
        6..8 => "example.org",
        _ => "example.net",
    };
    let email = format!("{name}@{domain}");
    Email::parse(&email).ok_or_else(|| Failure::failed(format!("{email} is no e-mail address.")))
}
