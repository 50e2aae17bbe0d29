//! Values that validation lets through: wrong ones of our own scalars, and fields that are given twice.
//!
//! The library would find the first only when it runs the field, and answer null for the object around it; of the
//! second it would take the last.

use apollo_compiler::{
    Name, Node,
    ast::{Type, Value},
    executable::{ExecutableDocument, Operation, Selection, SelectionSet},
    response::{JsonMap, JsonValue},
    schema::ExtendedType,
};

use super::schema;
use crate::graphql::{
    error::{RequestCode, RequestError},
    scalars,
};

type Why = (RequestCode, &'static str);

/// What is wrong with the values that stand in a document.
pub fn check_document(document: &ExecutableDocument) -> Result<(), RequestError> {
    for variable in document.operations.iter().flat_map(|operation| &operation.variables) {
        let mut default = variable.default_value.iter();
        default
            .try_for_each(|value| check_value(&variable.ty, value))
            .map_err(|(code, why)| RequestError::new(code, format!("Variable {}: {why}", variable.name)))?;
    }
    let operations = document.operations.iter().map(|operation| &operation.selection_set);
    let fragments = document.fragments.values().map(|fragment| &fragment.selection_set);
    operations.chain(fragments).try_for_each(check_set)
}

/// What is wrong with the values of variables.
pub fn check_variables(operation: &Operation, variables: &JsonMap) -> Result<(), RequestError> {
    for variable in &operation.variables {
        if let Some(value) = variables.get(variable.name.as_str()) {
            check_json(&variable.ty, value)
                .map_err(|(code, why)| RequestError::new(code, format!("Variable {}: {why}", variable.name)))?;
        }
    }
    Ok(())
}

fn check_set(set: &SelectionSet) -> Result<(), RequestError> {
    set.selections.iter().try_for_each(|selection| match selection {
        Selection::InlineFragment(fragment) => check_set(&fragment.selection_set),
        Selection::FragmentSpread(_) => Ok(()),
        Selection::Field(field) => {
            for argument in &field.arguments {
                let definition = field.definition.argument_by_name(&argument.name);
                let checked = definition.map_or(Ok(()), |definition| check_value(&definition.ty, &argument.value));
                checked.map_err(|(code, why)| {
                    RequestError::new(code, format!("Argument {} of {}: {why}", argument.name, field.name))
                })?;
            }
            field.selection_set.as_ref().map_or(Ok(()), check_set)
        }
    })
}

fn check_value(kind: &Type, value: &Value) -> Result<(), Why> {
    let name = kind.inner_named_type();
    match (value, schema().types.get(name)) {
        (Value::Null | Value::Variable(_), _) => Ok(()),
        (Value::List(items), _) if kind.is_list() => {
            items.iter().try_for_each(|item| check_value(kind.item_type(), item))
        }
        (Value::Object(fields), _) if has_duplicates(fields) => {
            Err((RequestCode::GraphqlValidationFailed, "Give each field once."))
        }
        (Value::Object(fields), Some(ExtendedType::InputObject(object))) => {
            fields.iter().try_for_each(|(name, value)| {
                object.fields.get(name).map_or(Ok(()), |field| check_value(&field.ty, value))
            })
        }
        (Value::String(text), _) => check_scalar(name, Some(text)),
        _ => check_scalar(name, None),
    }
}

fn check_json(kind: &Type, value: &JsonValue) -> Result<(), Why> {
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
        (JsonValue::String(text), _) => check_scalar(name, Some(text.as_str())),
        _ => check_scalar(name, None),
    }
}

fn check_scalar(name: &Name, text: Option<&str>) -> Result<(), Why> {
    scalars::check(name, text).map_err(|instead| (RequestCode::BadUserInput, instead))
}

fn has_duplicates(fields: &[(Name, Node<Value>)]) -> bool {
    let mut names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair.first() == pair.last())
}
