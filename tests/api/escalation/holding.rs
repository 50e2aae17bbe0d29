//! What somebody holds in an organization and in each project it began with.

use std::collections::{BTreeMap, BTreeSet};

use roster::{
    access::{Permission, Policy},
    domain::role::RoleScope,
};
use serde_json::Value;

pub type Permissions = BTreeSet<String>;

/// Permissions by scope: `organization`, and the label of each project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holding(pub BTreeMap<String, Permissions>);

/// The scope that is no project.
pub const ORGANIZATION: &str = "organization";

impl Holding {
    /// Adds what another one has.
    pub fn add(&mut self, other: &Self) {
        for (scope, permissions) in &other.0 {
            self.0.entry(scope.clone()).or_default().extend(permissions.iter().cloned());
        }
    }

    /// The first scope in which `other` does not have everything, and what it lacks.
    pub fn beyond(&self, other: &Self) -> Option<(String, Permissions)> {
        self.0.iter().find_map(|(scope, permissions)| {
            let lacking: Permissions = match other.0.get(scope) {
                Some(held) => permissions.difference(held).cloned().collect(),
                None => permissions.clone(),
            };
            (!lacking.is_empty()).then(|| (scope.clone(), lacking))
        })
    }

    /// Whatever is held anywhere.
    pub fn all(&self) -> Permissions {
        self.0.values().flatten().cloned().collect()
    }

    /// What is held in one scope.
    pub fn within(&self, scope: &str) -> Permissions {
        self.0.get(scope).cloned().unwrap_or_default()
    }
}

/// A list of keys, or of objects with one.
pub fn keys(list: &Value) -> Permissions {
    let key = |item: &Value| item.as_str().or_else(|| item["key"].as_str()).map(str::to_owned);
    list.as_array().into_iter().flatten().filter_map(key).collect()
}

/// Those of the permissions that are of a level.
pub fn at(permissions: &Permissions, scope: RoleScope) -> Permissions {
    let is_at = |key: &&String| Permission::parse(key).is_some_and(|permission| permission.scope() == scope);
    permissions.iter().filter(is_at).cloned().collect()
}

/// What permissions of an organization give in each of its projects.
pub fn in_projects(permissions: &Permissions) -> Permissions {
    let policy = Policy::default();
    let keys: Vec<&String> = permissions.iter().collect();
    policy.held(policy.in_projects(policy.of_keys(&keys))).map(|held| held.key.to_string()).collect()
}
