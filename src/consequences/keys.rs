//! What becomes of API keys when the rights of whoever answers for them change, or when they end.

use serde_json::json;

use super::{Following, Transaction, invitations::revoke_ungivable};
use crate::{
    access::{Backend, OrganizationAccess, Permit, Policy, ProjectAccess},
    domain::{
        event::EventKind,
        id::{ApiKeyId, OrganizationId, UserId},
        organization::ActorKind,
    },
    error::{Refusal, Result},
    store::{
        api_keys::{self, ApiKey, Which},
        permit::Permit as _,
    },
};

/// What a change does to an API key.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyChange {
    /// The key.
    pub key: ApiKeyId,
    /// Its name.
    pub name: String,
    /// Whether it can do nothing any more.
    pub ends: bool,
    /// Keys of the permissions that it loses.
    pub lost: Vec<String>,
}

impl KeyChange {
    fn between(policy: &Policy, before: &Backend, after: Option<&Backend>) -> Option<Self> {
        let left = after.map(|after| after.effective).unwrap_or_default();
        let lost = before.effective.without(left);
        (!lost.is_empty()).then(|| Self {
            key: before.id,
            name: before.name.clone(),
            ends: left.is_empty(),
            lost: policy.held(lost).map(|held| held.key.clone().into_owned()).collect(),
        })
    }
}

/// The keys that a person answers for in an organization, as far as they work.
pub(super) async fn answered_for(
    tx: &mut Transaction<'_>,
    organization: OrganizationId,
    person: UserId,
) -> Result<Vec<Backend>> {
    let found = api_keys::with_roles(tx.conn, Which::AnsweredForBy(organization, person)).await?;
    let active = found.into_iter().filter(|found| found.key.is_active(tx.now));
    Ok(active.map(|found| Backend::of(&tx.app.policy, found)).collect())
}

/// Those of these keys that work, in whose hands they ever are.
pub(super) async fn working(tx: &mut Transaction<'_>, ids: &[ApiKeyId]) -> Result<Vec<Backend>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let found = api_keys::with_roles(tx.conn, Which::Ids(ids)).await?;
    let active = found.into_iter().filter(|found| found.key.is_active(tx.now));
    Ok(active.map(|found| Backend::of(&tx.app.policy, found)).collect())
}

/// What keys lost between two moments; those that are not there afterwards lost everything.
pub(super) fn compare(policy: &Policy, before: &[Backend], after: &[Backend]) -> Vec<KeyChange> {
    let now = |key: &Backend| after.iter().find(|other| other.id == key.id);
    before.iter().filter_map(|key| KeyChange::between(policy, key, now(key))).collect()
}

/// Ends keys at once, and with them the keys that they made and what all of these invited to.
pub async fn end(tx: &mut Transaction<'_>, permit: &Permit, keys: &[ApiKey]) -> Result<()> {
    let ended = with_made(tx, permit.organization(), keys.to_vec()).await?;
    let ids: Vec<ApiKeyId> = ended.iter().map(|key| key.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    api_keys::revoke(tx.conn, &Following(permit), &ids, tx.now).await?;
    for key in &ended {
        tx.sign_out(key.id.0);
        revoke_ungivable(tx, permit, (ActorKind::ApiKey, key.id.0)).await?;
        let data = json!({ "name": key.name, "prefix": key.prefix });
        tx.happened(key.organization_id, EventKind::ApiKeyRevoked, key.id.0, key.project_id, data)?;
    }
    Ok(())
}

/// Makes whoever asks answer for keys and for those that these made: a person, or the operator. That they may is
/// checked before, for the keys alone: one that a key made was granted no more than that was.
pub async fn take_over(tx: &mut Transaction<'_>, permit: &Permit, keys: &[ApiKey]) -> Result<()> {
    let responsible = tx.viewer.user_id();
    let others = keys.iter().filter(|key| key.responsible() != responsible).cloned().collect();
    let taken = with_made(tx, permit.organization(), others).await?;
    let ids: Vec<ApiKeyId> = taken.iter().map(|key| key.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    api_keys::set_responsible(tx.conn, &Following(permit), &ids, responsible).await?;
    for key in &taken {
        tx.sign_out(key.id.0);
        revoke_ungivable(tx, permit, (ActorKind::ApiKey, key.id.0)).await?;
        let (before, after) =
            (key.responsible().map(|user| user.to_string()), responsible.map(|user| user.to_string()));
        let data = json!({ "name": key.name, "prefix": key.prefix, "before": before, "after": after });
        tx.happened(key.organization_id, EventKind::ApiKeyTakenOver, key.id.0, key.project_id, data)?;
    }
    Ok(())
}

/// Keys, and those that they made.
async fn with_made(
    tx: &mut Transaction<'_>,
    organization: OrganizationId,
    mut keys: Vec<ApiKey>,
) -> Result<Vec<ApiKey>> {
    let given: Vec<ApiKeyId> = keys.iter().map(|key| key.id).collect();
    let made = api_keys::descendants(tx.conn, organization, &given).await?;
    keys.extend(made.into_iter().filter(|key| !given.contains(&key.id)));
    Ok(keys)
}

/// Whoever comes to hold a key, or to answer for it, can do all that it was given.
///
/// # Errors
/// Refused as forbidden, without blaming an input.
pub async fn check_strength(
    tx: &mut Transaction<'_>,
    organization: &std::sync::Arc<OrganizationAccess>,
    key: &ApiKey,
) -> Result<Result<(), Refusal>> {
    let project = match key.project_id {
        Some(project) => ProjectAccess::in_locked(tx.conn, &tx.viewer, organization, &[project]).await?.pop(),
        None => None,
    };
    Ok(organization.may_hold(project.as_ref(), key))
}
