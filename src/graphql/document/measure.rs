//! How large a document is once its fragments are unfolded, found without unfolding them.
//!
//! Fragments that spread others twice double the size with each line. Each is measured once, so that a document which
//! would keep everything after it busy for minutes is recognised in microseconds.

use std::collections::HashMap;

use apollo_compiler::ast::{Definition, DirectiveList, Document, FragmentDefinition, Selection};

/// Most fields and fragments of a document, unfolded.
pub const MAX_NODES: usize = 2_000;
/// Most aliases of a document, unfolded.
pub const MAX_ALIASES: usize = 60;
/// Most fragments that a document defines.
pub const MAX_FRAGMENTS: usize = 60;
/// Most directives of a document, unfolded.
pub const MAX_DIRECTIVES: usize = 200;

/// Sizes, unfolded.
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
    /// Fragments that are defined.
    pub fragments: usize,
}

impl Size {
    fn add(&mut self, other: Self) {
        self.nodes = self.nodes.saturating_add(other.nodes);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.depth = self.depth.max(other.depth);
    }

    fn and(mut self, directives: &DirectiveList) -> Self {
        self.directives = self.directives.saturating_add(directives.len());
        self
    }
}

/// The size of all operations of a document together. Fragments that nobody spreads count as well, as they are
/// validated too; those that spread themselves are left for validation to refuse.
pub fn measure(document: &Document) -> Size {
    let fragments = document.definitions.iter().filter_map(Definition::as_fragment_definition);
    let fragments: HashMap<&str, &FragmentDefinition> =
        fragments.map(|fragment| (fragment.name.as_str(), &**fragment)).collect();
    let mut measure = Measure { fragments, known: HashMap::new() };
    let mut size = Size::default();
    for operation in document.definitions.iter().filter_map(Definition::as_operation_definition) {
        size.add(measure.set(&operation.selection_set).and(&operation.directives));
        for variable in &operation.variables {
            size = size.and(&variable.directives);
        }
    }
    for name in measure.fragments.keys().copied().collect::<Vec<_>>() {
        if !measure.known.contains_key(name) {
            size.add(measure.fragment(name));
        }
        size.fragments += 1;
    }
    size
}

struct Measure<'a> {
    fragments: HashMap<&'a str, &'a FragmentDefinition>,
    known: HashMap<&'a str, Size>,
}

impl<'a> Measure<'a> {
    fn set(&mut self, set: &'a [Selection]) -> Size {
        let mut size = Size::default();
        for selection in set {
            let mut part = match selection {
                Selection::Field(field) => {
                    let mut part = field.selection_set.as_ref().map(|set| self.set(set)).unwrap_or_default();
                    part.depth = part.depth.saturating_add(1);
                    part.aliases = part.aliases.saturating_add(usize::from(field.alias.is_some()));
                    part.and(&field.directives)
                }
                Selection::InlineFragment(fragment) => self.set(&fragment.selection_set).and(&fragment.directives),
                Selection::FragmentSpread(spread) => self.fragment(&spread.fragment_name).and(&spread.directives),
            };
            part.nodes = part.nodes.saturating_add(1);
            size.add(part);
        }
        size
    }

    fn fragment(&mut self, name: &'a str) -> Size {
        if let Some(size) = self.known.get(name) {
            return *size;
        }
        let Some(fragment) = self.fragments.get(name).copied() else { return Size::default() };
        // For a fragment that comes back to itself.
        self.known.insert(name, Size::default());
        let size = self.set(&fragment.selection_set).and(&fragment.directives);
        self.known.insert(name, size);
        size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of(source: &str) -> Size {
        measure(&Document::parse(source, "").unwrap())
    }

    #[test]
    fn fragments_count_wherever_they_are_spread() {
        let source = "query($v: Int @d) @d { a: b { ...F @d } ...F } fragment F on T @d { c d { e } ... on T { f: g } } fragment Unused on T { h }";
        // Twice F (c, d, e, the inline fragment, f) and its spread, a, and the unused h.
        assert_eq!(size_of(source), Size { nodes: 14, aliases: 3, directives: 5, depth: 3, fragments: 2 });
    }

    #[test]
    fn a_bomb_is_measured_at_once() {
        let fragments = (0..59).map(|n| format!("fragment F{n} on T {{ ...F{} ...F{} }}", n + 1, n + 1));
        let fragments: Vec<String> = fragments.collect();
        let size = size_of(&format!("{{ ...F0 }} {} fragment F59 on T {{ a }}", fragments.join(" ")));
        assert!(size.nodes > 1 << 58, "{size:?}");
    }

    #[test]
    fn a_fragment_that_spreads_itself_ends() {
        let size = size_of("{ ...A } fragment A on T { a ...B } fragment B on T { b ...A }");
        assert!(size.nodes < 20, "{size:?}");
    }
}
