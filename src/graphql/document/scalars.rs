//! Values of our own scalars, which validation lets through whatever they are.
//!
//! The library would find them wrong only when it runs the field, and answer null for the object around it.

use apollo_compiler::{
    ast::{Type, Value},
    executable::{ExecutableDocument, Operation, Selection, SelectionSet},
    response::{JsonMap, JsonValue},
    schema::ExtendedType,
};

use super::schema;
use crate::graphql::scalars;

/// What is wrong with the values that stand in a document.
pub fn check_document(document: &ExecutableDocument) -> Result<(), String> {
    let operations = document.operations.iter().map(|operation| &operation.selection_set);
    let fragments = document.fragments.values().map(|fragment| &fragment.selection_set);
    operations.chain(fragments).try_for_each(check_set)
}

/// What is wrong with the values of variables.
pub fn check_variables(operation: &Operation, variables: &JsonMap) -> Result<(), String> {
    let mut given = operation
        .variables
        .iter()
        .filter_map(|variable| Some((&variable.name, &variable.ty, variables.get(variable.name.as_str())?)));
    given.try_for_each(|(name, kind, value)| check_json(kind, value).map_err(|why| format!("Variable {name}: {why}")))
}

fn check_set(set: &SelectionSet) -> Result<(), String> {
    set.selections.iter().try_for_each(|selection| match selection {
        Selection::InlineFragment(fragment) => check_set(&fragment.selection_set),
        Selection::FragmentSpread(_) => Ok(()),
        Selection::Field(field) => {
            for argument in &field.arguments {
                let definition = field.definition.argument_by_name(&argument.name);
                let why = definition.map_or(Ok(()), |definition| check_value(&definition.ty, &argument.value));
                why.map_err(|why| format!("Argument {} of {}: {why}", argument.name, field.name))?;
            }
            field.selection_set.as_ref().map_or(Ok(()), check_set)
        }
    })
}

fn check_value(kind: &Type, value: &Value) -> Result<(), &'static str> {
    let name = kind.inner_named_type();
    match (value, schema().types.get(name)) {
        (Value::Null | Value::Variable(_), _) => Ok(()),
        (Value::List(items), _) if kind.is_list() => {
            items.iter().try_for_each(|item| check_value(kind.item_type(), item))
        }
        (Value::Object(fields), Some(ExtendedType::InputObject(object))) => {
            fields.iter().try_for_each(|(name, value)| {
                object.fields.get(name).map_or(Ok(()), |field| check_value(&field.ty, value))
            })
        }
        (Value::String(text), _) => scalars::check(name, Some(text)),
        _ => scalars::check(name, None),
    }
}

fn check_json(kind: &Type, value: &JsonValue) -> Result<(), &'static str> {
    let name = kind.inner_named_type();
    match (value, schema().types.get(name)) {
        (JsonValue::Null, _) => Ok(()),
        (JsonValue::Array(items), _) if kind.is_list() => {
            items.iter().try_for_each(|item| check_json(kind.item_type(), item))
        }
        (JsonValue::Object(fields), Some(ExtendedType::InputObject(object))) => {
            fields.iter().try_for_each(|(name, value)| {
                object.fields.get(name.as_str()).map_or(Ok(()), |field| check_json(&field.ty, value))
            })
        }
        (JsonValue::String(text), _) => scalars::check(name, Some(text.as_str())),
        _ => scalars::check(name, None),
    }
}
