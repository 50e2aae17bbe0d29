//! What an operation costs, before it runs: one for each field, times the items it is resolved for.

use apollo_compiler::{
    ExecutableDocument, Name,
    collections::HashMap,
    executable::{Field, Operation, Selection, SelectionSet, Value},
    response::{JsonMap, JsonValue},
};

use crate::graphql::connection::DEFAULT_PAGE;

/// Items that a list usually has, by its field. Pages have as many as are asked for.
const USUAL: [(&str, usize); 18] = [
    ("Access.roles", 2),
    ("ApiKey.grantedPermissions", 10),
    ("ApiKey.permissions", 10),
    ("Invitation.projects", 5),
    ("Invitation.teams", 5),
    ("InvitationAcceptPayload.projectMembers", 5),
    ("InvitationAcceptPayload.teamMembers", 5),
    ("OrganizationLeavePayload.apiKeyChanges", 5),
    ("OrganizationMemberRemovePayload.apiKeyChanges", 5),
    ("OrganizationMemberUpdateRolePayload.apiKeyChanges", 5),
    ("OrganizationOwnershipTransferPayload.apiKeyChanges", 5),
    ("ProjectLeavePayload.apiKeyChanges", 5),
    ("ProjectMemberRemovePayload.apiKeyChanges", 5),
    ("ProjectMemberUpdateRolePayload.apiKeyChanges", 5),
    ("ProjectOwnershipTransferPayload.apiKeyChanges", 5),
    ("Query.industries", 27),
    ("Query.permissions", 40),
    ("Role.permissions", 10),
];

/// What some fields cost beyond one.
// Judged one by one, with the rights of whoever invited.
const EXTRA: [(&str, usize); 1] = [("InvitationViewerCan.accept", 20)];

/// The cost of an operation with these variables.
pub fn cost(document: &ExecutableDocument, operation: &Operation, variables: &JsonMap) -> usize {
    Costs { document, variables, fragments: HashMap::default() }.set(&operation.selection_set).once
}

/// What is selected of an object costs.
#[derive(Clone, Copy, Default)]
struct Cost {
    /// Once for the object.
    once: usize,
    /// Of a page, for each of its items.
    each: usize,
}

impl Cost {
    fn add(&mut self, other: Self) {
        self.once = self.once.saturating_add(other.once);
        self.each = self.each.saturating_add(other.each);
    }

    fn times(self, items: usize) -> usize {
        self.each.saturating_mul(items).saturating_add(self.once)
    }
}

struct Costs<'a> {
    document: &'a ExecutableDocument,
    variables: &'a JsonMap,
    fragments: HashMap<&'a Name, Cost>,
}

impl<'a> Costs<'a> {
    fn set(&mut self, set: &'a SelectionSet) -> Cost {
        let mut sum = Cost::default();
        for selection in &set.selections {
            sum.add(match selection {
                Selection::Field(field) => self.field(&set.ty, field),
                Selection::InlineFragment(fragment) => self.set(&fragment.selection_set),
                Selection::FragmentSpread(spread) => self.fragment(&spread.fragment_name),
            });
        }
        sum
    }

    fn fragment(&mut self, name: &'a Name) -> Cost {
        if let Some(cost) = self.fragments.get(name) {
            return *cost;
        }
        let cost = self.document.fragments.get(name).map(|fragment| self.set(&fragment.selection_set));
        let cost = cost.unwrap_or_default();
        self.fragments.insert(name, cost);
        cost
    }

    fn field(&mut self, parent: &Name, field: &'a Field) -> Cost {
        let selected = field.selection_set.as_ref().map(|set| self.set(set)).unwrap_or_default();
        if is_items(parent, &field.name) {
            return Cost { once: 1, each: selected.once };
        }
        let once = match self.page_size(field) {
            Some(size) => selected.times(size),
            None => selected.once.saturating_mul(self.items(parent, field)),
        };
        let extra = of(&EXTRA, parent, &field.name).unwrap_or(0);
        Cost { once: once.saturating_add(1).saturating_add(extra), each: 0 }
    }

    fn page_size(&self, field: &Field) -> Option<usize> {
        if !field.definition.arguments.iter().any(|argument| argument.name == "first") {
            return None;
        }
        let size = self.argument(field, "first").or_else(|| self.argument(field, "last"));
        Some(usize::try_from(size.unwrap_or(DEFAULT_PAGE.into())).unwrap_or(0))
    }

    /// How often what is selected of a field is resolved.
    fn items(&self, parent: &Name, field: &Field) -> usize {
        if parent == "Query" && field.name == "nodes" {
            return field.specified_argument_by_name("ids").map_or(1, |ids| self.length(ids));
        }
        of(&USUAL, parent, &field.name).unwrap_or(1)
    }

    fn argument(&self, field: &Field, name: &str) -> Option<i64> {
        match field.specified_argument_by_name(name)?.as_ref() {
            Value::Variable(variable) => self.variables.get(variable.as_str())?.as_i64(),
            Value::Int(number) => number.try_to_i32().ok().map(i64::from),
            _ => None,
        }
    }

    fn length(&self, value: &Value) -> usize {
        match value {
            Value::Variable(variable) => {
                self.variables.get(variable.as_str()).and_then(JsonValue::as_array).map_or(1, Vec::len)
            }
            Value::List(items) => items.len(),
            _ => 1,
        }
    }
}

/// Whether a field has the items of a page.
fn is_items(parent: &str, field: &str) -> bool {
    parent.ends_with("Connection") && ["edges", "nodes"].contains(&field)
}

fn of(table: &[(&str, usize)], parent: &str, field: &str) -> Option<usize> {
    let is_it = |coordinate: &str| coordinate.split_once('.') == Some((parent, field));
    table.iter().find(|(coordinate, _)| is_it(coordinate)).map(|(_, cost)| *cost)
}

#[cfg(test)]
mod tests {
    use apollo_compiler::{request::coerce_variable_values, schema::ExtendedType};

    use super::{super::schema, *};

    fn cost_of(source: &str, variables: &str) -> usize {
        let document = ExecutableDocument::parse_and_validate(schema(), source, "").unwrap();
        let operation = document.operations.get(None).unwrap();
        let JsonValue::Object(given) = JsonValue::from_bytes(variables.to_owned().into()).unwrap() else { panic!() };
        cost(&document, operation, &coerce_variable_values(schema(), operation, &given).unwrap())
    }

    #[test]
    fn a_page_costs_its_size_times_an_item() {
        let page = |arguments: &str| {
            cost_of(&format!("{{ organizations{arguments} {{ totalCount nodes {{ id slug }} }} }}"), "{}")
        };
        assert_eq!(page(""), 3 + 25 * 2);
        assert_eq!(page("(first: 2)"), 3 + 2 * 2);
        assert_eq!(page("(last: 100)"), 3 + 100 * 2);
        assert_eq!(page("(first: 0)"), 3);
        assert_eq!(page("(first: -5)"), 3);
        assert_eq!(page("(first: null)"), 3 + 25 * 2);
        let query = "query($n: Int) { organizations(first: $n) { ...F } } \
            fragment F on OrganizationConnection { edges { node { id slug } } }";
        assert_eq!(cost_of(query, "{}"), 2 + 25 * 3);
        assert_eq!(cost_of(query, r#"{"n": 7}"#), 2 + 7 * 3);
        assert_eq!(cost_of(&query.replace("Int", "Int = 3"), "{}"), 2 + 3 * 3);
        let nested = "{ organizations(first: 2147483647) { nodes { members(first: 2147483647) { nodes { user { organizations: id } } } } } }";
        assert!(cost_of(nested, "{}") > 1 << 60);
    }

    #[test]
    fn lists_cost_their_items() {
        assert_eq!(cost_of("{ permissions { key name } }", "{}"), 1 + 40 * 2);
        assert_eq!(cost_of(r#"{ nodes(ids: ["a", "b", "c"]) { id __typename } }"#, "{}"), 1 + 3 * 2);
        assert_eq!(cost_of("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", r#"{"ids": ["a", "b"]}"#), 1 + 2);
    }

    #[test]
    fn fragments_cost_wherever_they_are_spread() {
        let query = "{ organizations(first: 2) { nodes { ...F } } organization(by: {slug: \"a\"}) { ...F ... on Node { id } } } fragment F on Organization { id slug }";
        assert_eq!(cost_of(query, "{}"), (2 + 2 * 2) + (1 + 2 + 1));
    }

    /// A list that nobody thought of would cost nothing, however long it is.
    #[test]
    fn every_list_has_a_size() {
        let mut coordinates: Vec<&str> = USUAL.iter().chain(&EXTRA).map(|(coordinate, _)| *coordinate).collect();
        let mut unknown = Vec::new();
        for (name, kind) in &schema().types {
            let fields = match kind {
                ExtendedType::Object(object) if !name.starts_with("__") => &object.fields,
                ExtendedType::Interface(interface) => &interface.fields,
                _ => continue,
            };
            for field in fields.values() {
                let coordinate = format!("{name}.{}", field.name);
                let holds_objects = schema().types.get(field.ty.inner_named_type()).is_some_and(|kind| !kind.is_leaf());
                // Those of a page count with it. User errors are few, and come instead of something else; what has
                // a result for each item has limits of its own.
                let is_counted = is_items(name, &field.name)
                    || ["userErrors", "results"].contains(&field.name.as_str())
                    || coordinate == "Query.nodes";
                let is_listed = coordinates.contains(&coordinate.as_str());
                coordinates.retain(|known| *known != coordinate);
                if field.ty.is_list() && holds_objects && !is_counted && !is_listed {
                    unknown.push(coordinate);
                }
            }
        }
        assert_eq!(unknown, Vec::<String>::new(), "say in USUAL how many items these have");
        assert_eq!(coordinates, Vec::<&str>::new(), "these fields are not in the schema");
    }
}
