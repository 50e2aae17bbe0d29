//! How large a parsed document is once its fragments are unfolded, found without unfolding them.
//!
//! Fragments that spread others twice double the size with each line. Each is measured once, so that a document which
//! would keep everything after it busy for minutes is recognised in microseconds.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned,
    parser::types::{ExecutableDocument, Selection, SelectionSet},
};

/// Most fields and fragments of a document, unfolded.
pub const MAX_NODES: usize = 2_000;
/// Most aliases of a document, unfolded.
pub const MAX_ALIASES: usize = 60;
/// Most fragments that a document defines.
pub const MAX_FRAGMENTS: usize = 60;
/// Most directives of a document, unfolded.
pub const MAX_DIRECTIVES: usize = 200;

/// Sizes of a selection set, unfolded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Fields and fragments.
    pub nodes: usize,
    /// Fields with another name.
    pub aliases: usize,
    /// Directives.
    pub directives: usize,
    /// Deepest nesting of fields.
    pub depth: usize,
}

impl Size {
    fn add(&mut self, other: Self) {
        self.nodes = self.nodes.saturating_add(other.nodes);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.depth = self.depth.max(other.depth);
    }
}

/// The size of all operations of a document together. Fragments that nobody spreads count as well, as they are
/// validated too; those that spread themselves are left for validation to refuse.
pub fn measure(document: &ExecutableDocument) -> Size {
    let mut measure = Measure { document, fragments: HashMap::new() };
    let mut size = Size::default();
    for (_, operation) in document.operations.iter() {
        size.add(measure.set(&operation.node.selection_set));
        size.directives = size.directives.saturating_add(operation.node.directives.len());
        let of_variables = operation.node.variable_definitions.iter().map(|variable| variable.node.directives.len());
        size.directives = size.directives.saturating_add(of_variables.sum());
    }
    for name in document.fragments.keys() {
        if !measure.fragments.contains_key(name) {
            size.add(measure.fragment(name));
        }
    }
    size
}

struct Measure<'a> {
    document: &'a ExecutableDocument,
    fragments: HashMap<&'a Name, Size>,
}

impl<'a> Measure<'a> {
    fn set(&mut self, set: &'a Positioned<SelectionSet>) -> Size {
        let mut size = Size::default();
        for selection in &set.node.items {
            let mut part = match &selection.node {
                Selection::Field(field) => {
                    let mut part = self.set(&field.node.selection_set);
                    part.depth = part.depth.saturating_add(1);
                    part.aliases = part.aliases.saturating_add(usize::from(field.node.alias.is_some()));
                    part
                }
                Selection::InlineFragment(fragment) => self.set(&fragment.node.selection_set),
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node),
            };
            part.nodes = part.nodes.saturating_add(1);
            part.directives = part.directives.saturating_add(selection.node.directives().len());
            size.add(part);
        }
        size
    }

    fn fragment(&mut self, name: &Name) -> Size {
        if let Some(size) = self.fragments.get(name) {
            return *size;
        }
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else { return Size::default() };
        // For a fragment that comes back to itself.
        self.fragments.insert(name, Size::default());
        let mut size = self.set(&fragment.node.selection_set);
        size.directives = size.directives.saturating_add(fragment.node.directives.len());
        self.fragments.insert(name, size);
        size
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn fragments_count_wherever_they_are_spread() {
        let document = parse_query(
            "query($v: Int @d) @d { a: b { ...F @d } ...F } fragment F on T @d { c d { e } ... on T { f: g } } fragment Unused on T { h }",
        );
        // Twice F (c, d, e, the inline fragment, f) and its spread, a, and the unused h.
        let size = Size { nodes: 14, aliases: 3, directives: 5, depth: 3 };
        assert_eq!(measure(&document.unwrap()), size);
    }

    #[test]
    fn a_bomb_is_measured_at_once() {
        let fragments = (0..59).map(|n| format!("fragment F{n} on T {{ ...F{} ...F{} }}", n + 1, n + 1));
        let document = format!("{{ ...F0 }} {} fragment F59 on T {{ a }}", fragments.collect::<Vec<_>>().join(" "));
        assert!(measure(&parse_query(document).unwrap()).nodes > 1 << 58);
    }

    #[test]
    fn a_fragment_that_spreads_itself_ends() {
        let document = parse_query("{ ...A } fragment A on T { a ...B } fragment B on T { b ...A }").unwrap();
        assert!(measure(&document).nodes < 20);
    }
}
