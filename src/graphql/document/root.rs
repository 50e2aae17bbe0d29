//! The fields at the root of an operation, as the specification collects them.
//!
//! The library resolves a field as often as it is written and merges the answers. Below the root that is only slower;
//! a mutation would be made twice, and of a subscription it sees only what is not in a fragment.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned, Value, Variables,
    parser::types::{Directive, Field, FragmentDefinition, Selection, SelectionSet},
};

/// The fields of a root, through all fragments: what is skipped left out, what has the same name merged.
pub fn fields(
    set: &SelectionSet,
    fragments: &HashMap<Name, Positioned<FragmentDefinition>>,
    variables: &Variables,
) -> Vec<Positioned<Field>> {
    let mut fields = Vec::new();
    collect(set, fragments, variables, &mut fields);
    fields
}

/// The same fields, as they stand in a document.
pub fn selections(fields: Vec<Positioned<Field>>) -> Vec<Positioned<Selection>> {
    fields.into_iter().map(|field| Positioned::new(Selection::Field(field.clone()), field.pos)).collect()
}

// The type of a fragment is that of the root: nothing else is valid there.
fn collect(
    set: &SelectionSet,
    fragments: &HashMap<Name, Positioned<FragmentDefinition>>,
    variables: &Variables,
    fields: &mut Vec<Positioned<Field>>,
) {
    for selection in &set.items {
        if selection.node.directives().iter().any(|directive| skips(&directive.node, variables)) {
            continue;
        }
        match &selection.node {
            Selection::Field(field) => {
                let key = field.node.response_key();
                match fields.iter_mut().find(|known| known.node.response_key().node == key.node) {
                    Some(known) => {
                        let more = field.node.selection_set.node.items.iter().cloned();
                        known.node.selection_set.node.items.extend(more);
                    }
                    None => fields.push(field.clone()),
                }
            }
            Selection::InlineFragment(fragment) => {
                collect(&fragment.node.selection_set.node, fragments, variables, fields);
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = fragments.get(&spread.node.fragment_name.node) {
                    collect(&fragment.node.selection_set.node, fragments, variables, fields);
                }
            }
        }
    }
}

fn skips(directive: &Directive, variables: &Variables) -> bool {
    let skipping = match directive.name.node.as_str() {
        "skip" => true,
        "include" => false,
        _ => return false,
    };
    let condition = directive.get_argument("if").map(|value| value.node.clone());
    let condition =
        condition.and_then(|value| value.into_const_with(|name| variables.get(&name).cloned().ok_or(())).ok());
    condition == Some(Value::Boolean(skipping))
}
