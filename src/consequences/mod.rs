//! What follows from a change, whichever operation makes it: each has a name, and an area of `operations` that needs it
//! calls it here rather than another area.
//!
//! Whatever takes rights away is written from here alone, with what has to happen to keys, invitations and teams that
//! rest on these rights. The store asks for the proof of it ([`crate::store::permit::Consequence`]), which nothing else
//! has: an operation that went round it would not compile.

pub mod grants;
pub mod invitations;
pub mod keys;
pub mod memberships;
mod rights;
pub mod roles;
pub mod team_people;
pub mod teams;
mod transaction;

pub use transaction::{Last, Transaction};

use crate::{
    access::Permit,
    domain::id::OrganizationId,
    store::permit::{self, Consequence},
};

/// A permit in the hands of this module.
struct Following<'a>(&'a Permit);

impl permit::Permit for Following<'_> {
    fn organization(&self) -> OrganizationId {
        permit::Permit::organization(self.0)
    }
}

impl Consequence for Following<'_> {}
