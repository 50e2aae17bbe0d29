//! Creates an API key.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::super::{
    Locked, Operation, Transaction,
    input::text_refusal,
    permissions::{Wanted, check_permissions},
};
use crate::{
    access::{
        Allowed, Definition, OrganizationAccess, OrganizationRef, Permission, ProjectAccess, ProjectRef, Viewer,
        policy::NOT_IN_KEYS,
    },
    domain::{
        event::EventKind,
        id::{ApiKeyId, UserId},
        organization::ActorKind,
        role::RoleScope,
        secret::ApiKeySecret,
        text::{self, fold},
    },
    error::{Code, Detail, Error, Refusal, Result},
    store::api_keys::{self, ApiKey},
};

/// Creates a key that holds nothing that the viewer lacks, now or later: they answer for it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Create {
    pub organization: OrganizationRef,
    pub project: Option<ProjectRef>,
    pub name: String,
    pub permissions: Vec<String>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// A key with its secret, which is had here and nowhere else.
pub struct Issued {
    /// The key.
    pub key: ApiKeyId,
    /// The secret.
    pub secret: ApiKeySecret,
}

impl Operation for Create {
    type Output = Issued;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Issued> {
        let access = Locked::<Arc<OrganizationAccess>>::lock(tx, &self.organization).await?;
        let organization = access.target.organization.id;
        let active = api_keys::active_count(tx.conn, organization, tx.now).await?;
        let permit = access.permit(may_create(&access, active, tx.app.limits.api_keys))?;
        let project = self.project(tx, &access).await?;
        let parent = if let Viewer::Key(key) = &tx.viewer { Some(key.key.clone()) } else { None };
        let (name, permissions, expires_at) = self.checked(&access, project.as_ref(), parent.as_ref(), tx.now)?;

        let id = ApiKeyId(tx.id());
        let secret = ApiKeySecret::new(organization, id, tx.app.random()?);
        let (created_by_kind, created_by_id) = tx.viewer.actor()?;
        let key = ApiKey {
            organization_id: organization,
            id,
            sort_name: fold(&name),
            search_text: ApiKey::searched_by(&name, &secret.prefix()),
            name,
            prefix: secret.prefix(),
            secret_hash: secret.hash(),
            previous_hash: None,
            previous_until: None,
            project_id: project.map(|project| project.project.id),
            permissions,
            created_by_kind,
            created_by_id,
            created_at: tx.now,
            last_used_at: None,
            expires_at,
            revoked_at: None,
            responsible_kind: ActorKind::Operator,
            responsible_id: None,
            parent_id: parent.as_ref().map(|parent| parent.id),
        };
        let key = key.answered_for_by(responsible(&tx.viewer));
        api_keys::insert(tx.conn, &permit, &key).await?;
        let data = json!({ "name": key.name, "prefix": key.prefix, "permissions": key.permissions, "expires_at": key.expires_at });
        tx.happened(organization, EventKind::ApiKeyCreated, key.id.0, key.project_id, data)?;
        Ok(Issued { key: id, secret })
    }
}

/// The viewer may create a key beside those that are active.
///
/// # Errors
/// `FORBIDDEN` or `LIMIT_REACHED`.
pub fn may_create(organization: &OrganizationAccess, active: i64, limit: i32) -> Result<Allowed, Refusal> {
    let allowed = organization.may(Permission::ApiKeysManage)?;
    let actual = i32::try_from(active).unwrap_or(i32::MAX);
    if actual < limit {
        return Ok(allowed);
    }
    let message = format!("An organization may have {limit} active API keys; revoke one that is not needed.");
    Err(Refusal::new(Code::LimitReached, message).with(Detail::Limit { limit, actual }))
}

/// Who answers for a key that the viewer makes: the person, or for a key of a key the same person; otherwise the operator.
pub fn responsible(viewer: &Viewer) -> Option<UserId> {
    match viewer {
        Viewer::Person(user) => Some(user.id),
        Viewer::Key(key) => key.responsible(),
        Viewer::Nobody | Viewer::Operator => None,
    }
}

impl Create {
    /// The project that the key is limited to; one of another organization is not found.
    async fn project(&self, tx: &mut Transaction<'_>, access: &OrganizationAccess) -> Result<Option<ProjectAccess>> {
        let Some(by) = &self.project else { return Ok(None) };
        let found = ProjectAccess::find(tx.conn, &tx.app.policy, &tx.viewer, by).await?;
        let found = found.filter(|project| project.project.organization_id == access.organization.id);
        Ok(Some(found.ok_or_else(|| Refusal::not_found("project").at(["project"]))?))
    }

    /// What the key is to have, given what it is limited to and which key makes it: name, permissions, expiry.
    ///
    /// # Errors
    /// All that is wrong with the input.
    pub fn checked(
        &self,
        access: &OrganizationAccess,
        project: Option<&ProjectAccess>,
        parent: Option<&ApiKey>,
        now: DateTime<Utc>,
    ) -> Result<(String, Vec<String>, Option<DateTime<Utc>>)> {
        let name = text::short_name(&self.name).map_err(|error| text_refusal(&error).at(["name"]));
        let refuse = |message: &'static str| Err(Refusal::new(Code::Invalid, message).at(["expiresAt"]));
        // A key that another one makes ends with it.
        let last = parent.and_then(|parent| parent.expires_at);
        let expiry = match (self.expires_at, last) {
            (Some(end), _) if end <= now => refuse("This time has passed; a key expires in the future."),
            (Some(end), Some(last)) if end > last => refuse("A key expires no later than the key that makes it."),
            (end, last) => Ok(end.or(last)),
        };
        let permissions = self.permissions(access, project);
        match (name, expiry, permissions) {
            (Ok(name), Ok(expiry), Ok(permissions)) => Ok((name, permissions, expiry)),
            (name, expiry, permissions) => {
                let single = [name.err(), expiry.err()].into_iter().flatten();
                Err(Error::Refused(single.chain(permissions.err().into_iter().flatten()).collect()))
            }
        }
    }

    fn permissions(
        &self,
        access: &OrganizationAccess,
        project: Option<&ProjectAccess>,
    ) -> Result<Vec<String>, Vec<Refusal>> {
        if self.permissions.is_empty() {
            let message = "A key without permissions can do nothing; name at least one.";
            return Err(vec![Refusal::new(Code::Invalid, message).at(["permissions"])]);
        }
        let misplaced = |permission: &Definition| {
            let message = "This permission is of the organization; a key that is limited to a project cannot hold it.";
            let is_wider = project.is_some() && permission.scope == RoleScope::Organization;
            if is_wider {
                return Some(Refusal::new(Code::Invalid, message));
            }
            let is_owners = NOT_IN_KEYS.iter().any(|never| never.key() == permission.key);
            let message = format!("No API key can hold {}: a person does this.", permission.key);
            is_owners.then(|| Refusal::new(Code::Invalid, message))
        };
        let in_project = project.map_or_else(|| access.everywhere(RoleScope::Project), |project| project.permissions);
        let held = [access.permissions, in_project];
        check_permissions(&Wanted { policy: &access.policy, misplaced, held }, &self.permissions)
    }
}
