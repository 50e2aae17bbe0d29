//! Who may do what.
//!
//! Rows become [`OrganizationAccess`], [`ProjectAccess`] and [`TeamAccess`], which judge: what may not be seen is not
//! found; what is seen but not allowed is forbidden; [`policy`] is the one table behind both. A check that is passed
//! answers [`Allowed`], which `viewerCan` tells, and of which, with the lock of the organization, a [`Permit`] is made:
//! without one nothing is written, so that a forgotten check does not compile.

pub mod catalogue;
mod inviter;
mod known_roles;
mod organization;
mod permission;
mod permit;
pub mod policy;
mod project;
mod sign_ins;
mod team;
mod user;
mod viewer;

pub use inviter::Inviter;
pub use known_roles::KnownRoles;
pub use organization::{OrganizationAccess, OrganizationRef};
pub use permission::{Definition, MAX_OWN, Permission, PermissionSet};
pub use permit::{Allowed, Permit};
pub use policy::Policy;
pub use project::{ProjectAccess, ProjectRef};
pub use sign_ins::{CredentialHash, SignIns, SignedIn};
pub use team::{TeamAccess, TeamRef};
pub use user::UserRef;
pub use viewer::{ActorRef, Backend, Viewer};
