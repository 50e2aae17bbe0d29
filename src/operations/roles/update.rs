//! Changes a role of an organization's own.

use serde_json::{Map, Value, json};

use super::{
    super::{
        Locked, Operation, Transaction,
        input::{check_version, text_refusal},
        patch::Patch,
    },
    ManagedRole, check_given, may_change,
};
use crate::{
    access::OrganizationAccess,
    consequences,
    domain::{
        event::EventKind,
        id::RoleId,
        text::{self, TextError, fold},
    },
    error::{Code, Error, Refusal, Result},
    store::roles::Role,
};

/// Changes a role; what is narrowed is gone for its members from the next request on.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Update {
    pub role: Option<RoleId>,
    pub name: Patch<String>,
    pub description: Patch<String>,
    pub permissions: Patch<Vec<String>>,
    pub expected_version: Option<i32>,
}

impl Operation for Update {
    type Output = RoleId;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<RoleId> {
        let locked = Locked::<ManagedRole>::lock(tx, &self.role).await?;
        let (organization, before) = (locked.organization.organization.id, &locked.role);
        let permit = locked.permit(may_change(&locked.organization, before))?;
        check_version(self.expected_version, before.version)?;
        let after = self.applied(&locked.organization, before)?;
        if after == *before {
            return Ok(before.id);
        }
        consequences::roles::update(tx, &permit, before, &after).await?;
        let data =
            json!({ "key": before.key, "before": difference(before, &after), "after": difference(&after, before) });
        tx.happened(organization, EventKind::RoleUpdated, before.id.0, None, data)?;
        Ok(before.id)
    }
}

impl Update {
    fn applied(&self, organization: &OrganizationAccess, role: &Role) -> Result<Role> {
        let name = match &self.name {
            Patch::Keep => Ok(role.name.clone()),
            Patch::Clear => Err(TextError::Blank),
            Patch::Set(name) => text::short_name(name),
        };
        let name = name.map_err(|error| text_refusal(&error).at(["name"]));
        let description = match &self.description {
            Patch::Keep => Ok(role.description.clone()),
            Patch::Clear => Ok(None),
            Patch::Set(text) if text.trim().is_empty() => Ok(None),
            Patch::Set(text) => text::paragraph(text, text::DESCRIPTION_MAX).map(Some),
        };
        let description = description.map_err(|error| text_refusal(&error).at(["description"]));
        let permissions = match &self.permissions {
            Patch::Keep => Ok(role.permissions.clone()),
            Patch::Clear => {
                let message = "A role holds a list of permissions; give an empty one to take all away.";
                Err(vec![Refusal::new(Code::Invalid, message).at(["permissions"])])
            }
            Patch::Set(keys) => check_given(organization, role.scope, keys),
        };
        match (name, description, permissions) {
            (Ok(name), Ok(description), Ok(permissions)) => {
                Ok(Role { sort_name: fold(&name), name, description, permissions, ..role.clone() })
            }
            (name, description, permissions) => {
                let texts = [name.err(), description.err()].into_iter().flatten();
                Err(Error::Refused(texts.chain(permissions.err().into_iter().flatten()).collect()))
            }
        }
    }
}

/// The fields of a role that are not as they are in another one.
fn difference(of: &Role, to: &Role) -> Value {
    let fields = [
        ("name", of.name != to.name, json!(of.name)),
        ("description", of.description != to.description, json!(of.description)),
        ("permissions", of.permissions != to.permissions, json!(of.permissions)),
    ];
    let changed = fields.into_iter().filter(|(_, differs, _)| *differs);
    Value::Object(changed.map(|(name, _, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}
