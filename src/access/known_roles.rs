//! The roles of organizations, kept as long as they stay as they are.

use std::sync::Arc;

use quick_cache::sync::Cache;

use crate::{
    domain::id::OrganizationId,
    store::{organizations::Organization, roles::Role},
};

/// Organizations whose roles are kept; those of one take about 3 KiB.
const ORGANIZATIONS: usize = 2_000;

/// The roles of organizations, by the version that the row of the organization tells: every change of a role makes
/// another one, so that what is kept is never out of date. Not for changes: what a transaction sees may never be
/// committed.
pub struct KnownRoles(Cache<(OrganizationId, i32), Arc<Vec<Role>>>);

impl Default for KnownRoles {
    fn default() -> Self {
        Self(Cache::new(ORGANIZATIONS))
    }
}

impl KnownRoles {
    /// The roles of an organization, if they are known.
    pub fn of(&self, organization: &Organization) -> Option<Arc<Vec<Role>>> {
        self.0.get(&(organization.id, organization.roles_version))
    }

    /// Keeps the roles of an organization, which were read after it.
    pub fn keep(&self, organization: &Organization, roles: Arc<Vec<Role>>) {
        self.0.insert((organization.id, organization.roles_version), roles);
    }
}
