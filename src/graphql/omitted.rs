//! Page sizes that a client left out.

use std::convert::Infallible;

use async_graphql::{
    Name, Positioned, Request, Value,
    parser::types::{ExecutableDocument, Selection, SelectionSet},
};

/// The arguments that the cost of a list is worked out from.
const SIZES: [&str; 2] = ["first", "last"];

/// Gives null to variables that stand for the size of a page and were left out, which means the same. The library
/// works out what a document costs before it runs, and refuses variables that have no value then.
pub fn fill_in(request: &mut Request) {
    let Ok(document) = request.parsed_query() else { return };
    for name in sizes(document) {
        request.variables.entry(name).or_insert(Value::Null);
    }
}

/// Variables without a default that stand for the size of a page.
fn sizes(document: &ExecutableDocument) -> Vec<Name> {
    let operations = document.operations.iter().map(|(_, operation)| &operation.node);
    let defined = operations.clone().flat_map(|operation| &operation.variable_definitions);
    let open: Vec<&Name> = defined
        .map(|variable| &variable.node)
        .filter(|variable| variable.var_type.node.nullable && variable.default_value.is_none())
        .map(|variable| &variable.name.node)
        .collect();
    let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set);
    let mut sets: Vec<&Positioned<SelectionSet>> =
        operations.map(|operation| &operation.selection_set).chain(fragments).collect();
    let mut sizes = Vec::new();
    while let Some(set) = sets.pop() {
        for selection in &set.node.items {
            match &selection.node {
                Selection::Field(field) => {
                    sets.push(&field.node.selection_set);
                    for value in SIZES.iter().filter_map(|size| field.node.get_argument(size)) {
                        // How the library tells which variables a value names.
                        let mut note = |name: Name| {
                            sizes.extend(open.contains(&&name).then_some(name));
                            Ok::<_, Infallible>(Value::Null)
                        };
                        value.node.clone().into_const_with(&mut note).ok();
                    }
                }
                Selection::InlineFragment(fragment) => sets.push(&fragment.node.selection_set),
                Selection::FragmentSpread(_) => {}
            }
        }
    }
    sizes
}
