//! The permissions that a role or an API key is to hold, as input names them.

use crate::{
    access::{Definition, PermissionSet, Policy},
    domain::role::RoleScope,
    error::{Code, Detail, Refusal},
};

/// Most keys of one list: more than there are permissions.
const KEYS_MAX: usize = 500;

/// What may be held, and what the viewer holds of it.
pub struct Wanted<'a, F> {
    /// All there is.
    pub policy: &'a Policy,
    /// Why a permission of some level cannot stand here.
    pub misplaced: F,
    /// What the viewer may do at each level: organization, project.
    pub held: [PermissionSet; 2],
}

/// The permissions that are named, each once and in the order they are shown; or all that is wrong with
/// the list.
pub fn check_permissions<F>(wanted: &Wanted<'_, F>, keys: &[String]) -> Result<Vec<String>, Vec<Refusal>>
where
    F: Fn(&Definition) -> Option<Refusal>,
{
    if keys.len() > KEYS_MAX {
        let (limit, actual) = (count(KEYS_MAX), count(keys.len()));
        let refusal = Refusal::new(Code::TooMany, format!("At most {KEYS_MAX} fit into a list."));
        return Err(vec![refusal.at(["permissions"]).with(Detail::Limit { limit, actual })]);
    }
    let refusals: Vec<Refusal> = keys
        .iter()
        .enumerate()
        .filter_map(|(index, key)| Some(refusal(wanted, key)?.at(["permissions".to_owned(), index.to_string()])))
        .collect();
    if !refusals.is_empty() {
        return Err(refusals);
    }
    Ok(wanted.policy.held(wanted.policy.of_keys(keys)).map(|held| held.key.clone().into_owned()).collect())
}

fn refusal<F>(wanted: &Wanted<'_, F>, key: &str) -> Option<Refusal>
where
    F: Fn(&Definition) -> Option<Refusal>,
{
    let Some(definition) = wanted.policy.definition(key) else {
        return Some(Refusal::new(Code::Invalid, "There is no permission with this key."));
    };
    if let Some(misplaced) = (wanted.misplaced)(definition) {
        return Some(misplaced);
    }
    let [organization, project] = wanted.held;
    let held = match definition.scope {
        RoleScope::Organization => organization,
        RoleScope::Project => project,
    };
    if wanted.policy.holds(held, key) {
        return None;
    }
    let message = format!("You do not hold the permission {key} yourself, so you cannot give it.");
    Some(Refusal::new(Code::Forbidden, message).with(Detail::Permission(definition.key.clone())))
}

fn count(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}
