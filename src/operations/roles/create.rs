//! Creates a role of an organization's own.

use std::sync::Arc;

use serde_json::json;

use super::super::{
    Locked, Operation, Transaction,
    input::{text_refusal, wanted_slug},
    permissions::{Wanted, check_permissions},
    suffix,
};
use crate::{
    access::{Allowed, Definition, OrganizationAccess, OrganizationRef, Permission},
    domain::{
        event::EventKind,
        id::RoleId,
        role::{CUSTOM_RANK, RoleScope},
        slug::Slug,
        text::{self, fold},
    },
    error::{Code, Detail, Error, Refusal, Result},
    store::roles::{self, Role},
};

/// Creates a role that holds nothing that the viewer lacks.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Create {
    pub organization: OrganizationRef,
    pub scope: RoleScope,
    pub name: String,
    pub key: Option<String>,
    pub description: Option<String>,
    pub permissions: Vec<String>,
}

impl Operation for Create {
    type Output = RoleId;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<RoleId> {
        let access = Locked::<Arc<OrganizationAccess>>::lock(tx, &self.organization).await?;
        let organization = access.target.organization.id;
        let roles = roles::of_organizations(tx.conn, &[organization]).await?;
        let permit = access.permit(may_create(&access, &roles, tx.app.limits.custom_roles))?;
        let (name, description, permissions) = self.checked(&access)?;

        let key = self.free_key(tx, &roles)?;
        let role = Role {
            organization_id: organization,
            id: RoleId(tx.id()),
            scope: self.scope,
            key: key.to_string(),
            built_in: None,
            permissions,
            sort_name: fold(&name),
            name,
            description,
            rank: CUSTOM_RANK,
            version: 1,
            created_at: tx.now,
            updated_at: tx.now,
        };
        if !roles::add(tx.conn, &permit, &role).await? {
            return Err(taken(&key).into());
        }
        let data = json!({ "key": role.key, "scope": role.scope.as_str(), "name": role.name, "permissions": role.permissions });
        tx.happened(organization, EventKind::RoleCreated, role.id.0, None, data)?;
        Ok(role.id)
    }
}

/// The viewer may create a role beside these.
///
/// # Errors
/// `FORBIDDEN` or `LIMIT_REACHED`.
pub fn may_create(organization: &OrganizationAccess, roles: &[Role], limit: i32) -> Result<Allowed, Refusal> {
    let allowed = organization.may(Permission::RolesManage)?;
    let custom = roles.iter().filter(|role| role.built_in.is_none()).count();
    let actual = i32::try_from(custom).unwrap_or(i32::MAX);
    if actual < limit {
        return Ok(allowed);
    }
    let message = format!("An organization may have {limit} roles of its own.");
    Err(Refusal::new(Code::LimitReached, message).with(Detail::Limit { limit, actual }))
}

/// What a role of this level is to hold, each permission once: nothing that the viewer lacks at that level.
///
/// # Errors
/// All that is wrong with the list.
pub fn check_given(
    organization: &OrganizationAccess,
    scope: RoleScope,
    keys: &[String],
) -> Result<Vec<String>, Vec<Refusal>> {
    let held = [RoleScope::Organization, RoleScope::Project].map(|scope| organization.everywhere(scope));
    check_permissions(&Wanted { policy: &organization.policy, misplaced: misplaced(scope), held }, keys)
}

/// A permission of another level than the role's.
fn misplaced(scope: RoleScope) -> impl Fn(&Definition) -> Option<Refusal> {
    move |permission| {
        let message = match scope {
            _ if permission.scope == scope => return None,
            RoleScope::Organization => "This permission is of projects; a role of the organization cannot hold it.",
            RoleScope::Project => "This permission is of the organization; a project role cannot hold it.",
        };
        Some(Refusal::new(Code::RoleScopeMismatch, message))
    }
}

impl Create {
    fn checked(&self, access: &OrganizationAccess) -> Result<(String, Option<String>, Vec<String>)> {
        let name = text::short_name(&self.name).map_err(|error| text_refusal(&error).at(["name"]));
        let key = self.key.as_deref().map(wanted_key).transpose();
        let description =
            self.description.as_deref().map(|text| text::paragraph(text, text::DESCRIPTION_MAX)).transpose();
        let description = description.map_err(|error| text_refusal(&error).at(["description"]));
        let permissions = check_given(access, self.scope, &self.permissions);
        match (name, key, description, permissions) {
            (Ok(name), Ok(_), Ok(description), Ok(permissions)) => Ok((name, description, permissions)),
            (name, key, description, permissions) => {
                let texts = [name.err(), key.err(), description.err()].into_iter().flatten();
                Err(Error::Refused(texts.chain(permissions.err().into_iter().flatten()).collect()))
            }
        }
    }

    fn free_key(&self, tx: &Transaction<'_>, roles: &[Role]) -> Result<Slug, Refusal> {
        let is_taken = |key: &Slug| roles.iter().any(|role| role.scope == self.scope && role.key == key.as_str());
        if let Some(wanted) = &self.key {
            let key = wanted_key(wanted)?;
            return if is_taken(&key) { Err(taken(&key)) } else { Ok(key) };
        }
        let plain = Slug::from_name(&self.name, "role", "");
        Ok(if is_taken(&plain) { Slug::from_name(&self.name, "role", &suffix(tx.id())) } else { plain })
    }
}

fn wanted_key(text: &str) -> Result<Slug, Refusal> {
    wanted_slug(text).map_err(|refusal| {
        let message = "A key has 2 to 48 characters: a–z, 0–9 and single hyphens between them.";
        Refusal { message: message.into(), ..refusal }.at(["key"])
    })
}

fn taken(key: &Slug) -> Refusal {
    Refusal::new(Code::Taken, format!("The organization has a role with the key {key} at this level already."))
        .at(["key"])
}
