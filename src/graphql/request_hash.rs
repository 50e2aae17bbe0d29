//! The hash of what a client asked for, by which cursors and idempotency keys are recognized.
//!
//! Both outlive a release, so the hash is made of names of the contract alone: the field's coordinate and the arguments
//! as the client sent them, in one form. Other names in this program, a new argument, and a new field of an input leave
//! it as it was.

use std::collections::BTreeMap;

use apollo_compiler::{
    ast::{InputValueDefinition, Type, Value as Literal},
    schema::ExtendedType,
};
use async_graphql::Context;
use serde_json::{Map, Value, json};

use super::{connection::PAGE_ARGUMENTS, document::schema};
use crate::{
    domain::secret::sha256,
    error::{Error, Result},
};

/// Version of the form. Another one refuses all cursors and all retries from before; it is needed when a default of
/// the schema changes, as whoever leaves it out then asks for something else.
const VERSION: u8 = 1;

/// The hash of the field that is being resolved, which is one of `parent`. Which page is asked for is no part of it, nor
/// is the idempotency key.
pub fn request_hash(ctx: &Context<'_>, parent: &str) -> Result<[u8; 32]> {
    let field = ctx.field();
    let unknown = || Error::internal(format!("{parent} has no field {}", field.name()));
    let definition = schema().type_field(parent, field.name()).map_err(|_error| unknown())?;
    let arguments = field.arguments().map_err(|error| Error::internal(error.message))?;
    let mut given = Map::new();
    for (name, value) in arguments {
        given.insert(name.to_string(), value.into_json().map_err(Error::internal)?);
    }
    let mut asked = in_one_form(definition.arguments.iter().map(AsRef::as_ref), given);
    for name in PAGE_ARGUMENTS {
        asked.remove(name);
    }
    if let Some(Value::Object(input)) = asked.get_mut("input") {
        input.remove("idempotencyKey");
    }
    Ok(hash(&format!("{parent}.{}", field.name()), &asked))
}

fn hash(coordinate: &str, asked: &Map<String, Value>) -> [u8; 32] {
    sha256(json!([VERSION, coordinate, asked]).to_string().as_bytes())
}

/// Arguments, or fields of an input, sorted by name. A value that equals its default is left out, and null is the
/// default of what has none: whoever says what goes without saying asks for the same.
fn in_one_form<'a>(
    definitions: impl Iterator<Item = &'a InputValueDefinition>,
    mut given: Map<String, Value>,
) -> Map<String, Value> {
    let mut form = BTreeMap::new();
    for definition in definitions {
        let Some(value) = given.remove(definition.name.as_str()) else { continue };
        let value = value_in_one_form(&definition.ty, value);
        let default = definition.default_value.as_ref().map_or(Value::Null, |default| literal(default));
        if value != value_in_one_form(&definition.ty, default) {
            form.insert(definition.name.to_string(), value);
        }
    }
    form.into_iter().collect()
}

/// A value as its type has it: a list where one value stands for a list of one, text where a number stands for an id,
/// null where an object has nothing in it.
fn value_in_one_form(kind: &Type, value: Value) -> Value {
    match (value, schema().types.get(kind.inner_named_type())) {
        (Value::Null, _) => Value::Null,
        (Value::Array(items), _) if kind.is_list() => {
            items.into_iter().map(|item| value_in_one_form(kind.item_type(), item)).collect()
        }
        (value, _) if kind.is_list() => Value::Array(vec![value_in_one_form(kind.item_type(), value)]),
        (Value::Object(given), Some(ExtendedType::InputObject(object))) => {
            let form = in_one_form(object.fields.values().map(AsRef::as_ref), given);
            if form.is_empty() { Value::Null } else { Value::Object(form) }
        }
        (Value::Number(number), _) if kind.inner_named_type() == "ID" => Value::String(number.to_string()),
        (value, _) => value,
    }
}

/// A default, as the schema writes it.
fn literal(value: &Literal) -> Value {
    match value {
        Literal::Null | Literal::Variable(_) => Value::Null,
        Literal::Enum(name) => Value::String(name.to_string()),
        Literal::String(text) => Value::String(text.clone()),
        Literal::Boolean(value) => Value::Bool(*value),
        Literal::Int(number) => number.as_str().parse::<i64>().map_or(Value::Null, Value::from),
        Literal::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Value::from),
        Literal::List(items) => items.iter().map(|item| literal(item)).collect(),
        Literal::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.to_string(), literal(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(coordinate: &str, given: Value) -> Value {
        let (parent, field) = coordinate.split_once('.').unwrap();
        let definition = schema().type_field(parent, field).unwrap();
        let Value::Object(given) = given else { panic!("no arguments: {given}") };
        Value::Object(in_one_form(definition.arguments.iter().map(AsRef::as_ref), given))
    }

    fn invite(input: &Value) -> Value {
        form("Mutation.organizationInvite", json!({ "input": input }))["input"].clone()
    }

    #[test]
    fn what_goes_without_saying_is_left_out() {
        let said = json!({
            "statuses": ["PENDING"],
            "filter": { "search": null, "createdAt": { "from": null } },
            "orderBy": { "direction": "DESC", "field": "CREATED_AT" }
        });
        assert_eq!(form("Organization.invitations", said), json!({}));
        assert_eq!(form("Organization.invitations", json!({ "filter": {} })), json!({}));
        let said = json!({ "dryRun": false, "expiresInDays": 7, "mode": "PARTIAL", "sendEmail": true, "role": null });
        assert_eq!(invite(&said), Value::Null);
    }

    #[test]
    fn what_makes_a_difference_stays() {
        // Null is all states, where nothing is those that are pending.
        let every_state = json!({ "statuses": null, "orderBy": { "field": "CREATED_AT", "direction": "ASC" } });
        let form_of = json!({ "statuses": null, "orderBy": { "field": "CREATED_AT" } });
        assert_eq!(form("Organization.invitations", every_state), form_of);
        assert_eq!(
            form("Organization.members", json!({ "filter": { "roles": [] } })),
            json!({ "filter": { "roles": [] } })
        );
        let emails = |emails: Value| invite(&json!({ "emails": emails }));
        assert_ne!(
            emails(json!(["a@example.com", "b@example.com"])),
            emails(json!(["b@example.com", "a@example.com"]))
        );
        assert_ne!(emails(json!(["a@example.com"])), emails(json!(["A@example.com"])));
    }

    #[test]
    fn other_ways_to_write_a_value_are_no_difference() {
        assert_eq!(invite(&json!({ "emails": "a@example.com" })), invite(&json!({ "emails": ["a@example.com"] })));
        assert_eq!(
            invite(&json!({ "organization": { "id": 7 }, "mode": "ATOMIC" })).to_string(),
            r#"{"mode":"ATOMIC","organization":{"id":"7"}}"#
        );
        assert_eq!(
            invite(&json!({ "mode": "ATOMIC", "organization": { "id": "7" } })).to_string(),
            r#"{"mode":"ATOMIC","organization":{"id":"7"}}"#
        );
    }
}
