//! Who may do what.
//!
//! A row is only had from a function that names the permission it takes ([`OrganizationAccess`], [`ProjectAccess`],
//! [`TeamAccess`]), so that a forgotten check does not compile. What may not be seen is not found; what is seen but not
//! allowed is forbidden; [`policy`] is the one table behind both.

pub mod catalogue;
mod known_roles;
mod organization;
mod permission;
pub mod policy;
mod project;
mod sign_ins;
mod team;
mod viewer;

pub use known_roles::KnownRoles;
pub use organization::{OrganizationAccess, OrganizationRef};
pub use permission::{Definition, MAX_OWN, Permission, PermissionSet};
pub use policy::Policy;
pub use project::{ProjectAccess, ProjectRef};
pub use sign_ins::{CredentialHash, SignIns, SignedIn};
pub use team::{TeamAccess, TeamRef};
pub use viewer::{ActorRef, Viewer};
