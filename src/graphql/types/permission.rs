//! `Permission`.

use async_graphql::{Enum, Object};

use crate::{access, domain::role};

/// Level a role or permission applies to.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "role::RoleScope")]
pub enum RoleScope {
    /// The whole organization.
    Organization,
    /// One project.
    Project,
}

/// A single permission.
#[derive(Clone, Debug)]
pub struct Permission(pub access::Definition);

/// A single permission: built in, or defined by the operator for their own product.
#[Object]
impl Permission {
    /// Stable key, for example `members.manage` or `dataset.write`.
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// Name to show.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it allows.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// Heading to group by.
    async fn group(&self) -> &str {
        &self.0.group
    }

    /// Level it applies to.
    async fn scope(&self) -> RoleScope {
        self.0.scope.into()
    }

    /// Enforced by this server itself; false for permissions of the operator's own product.
    async fn built_in(&self) -> bool {
        self.0.built_in
    }
}
