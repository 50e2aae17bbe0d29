//! What checks answer, and what writes are made with.

use crate::{
    domain::id::OrganizationId,
    error::{Error, Result},
    store::{organizations::Lock, permit},
};

/// A check that was passed: what `viewerCan` tells, and one half of a [`Permit`]. Only the checks of this module make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Allowed(OrganizationId);

impl Allowed {
    pub(super) fn in_organization(organization: OrganizationId) -> Self {
        Self(organization)
    }

    /// The permit to write, given that the organization was locked before the check was made.
    ///
    /// # Errors
    /// A fault of ours when another organization was locked.
    pub fn under(self, lock: &Lock) -> Result<Permit> {
        let Self(organization) = self;
        if lock.organization() == organization {
            Ok(Permit(organization))
        } else {
            Err(Error::internal("a check of one organization and the lock of another"))
        }
    }
}

/// Proof that whoever asks may change an organization: a check was passed, with the organization locked.
#[derive(Debug)]
pub struct Permit(OrganizationId);

impl permit::Permit for Permit {
    fn organization(&self) -> OrganizationId {
        self.0
    }
}
