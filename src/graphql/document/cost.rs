//! What an operation costs, before it runs: one for each field, times the items it is resolved for.

use apollo_compiler::{
    ExecutableDocument, Name,
    collections::HashMap,
    executable::{Field, Operation, Selection, SelectionSet, Value},
    response::{JsonMap, JsonValue},
};

use super::schema;
use crate::graphql::connection::DEFAULT_PAGE;

/// Items that a list usually has, by its field. Pages have as many as are asked for.
const USUAL: [(&str, usize); 9] = [
    ("Access.roles", 2),
    ("ApiKey.permissions", 10),
    ("Invitation.projects", 5),
    ("Invitation.teams", 5),
    ("InvitationAcceptPayload.projectMembers", 5),
    ("InvitationAcceptPayload.teamMembers", 5),
    ("Query.industries", 27),
    ("Query.permissions", 40),
    ("Role.permissions", 10),
];

/// What some fields cost beyond one.
// Judged one by one, with the rights of whoever invited.
const EXTRA: [(&str, usize); 1] = [("InvitationViewerCan.accept", 20)];

/// The cost of an operation with these variables.
pub fn cost(document: &ExecutableDocument, operation: &Operation, variables: &JsonMap) -> usize {
    Costs { document, variables, fragments: HashMap::default() }.set(&operation.selection_set)
}

struct Costs<'a> {
    document: &'a ExecutableDocument,
    variables: &'a JsonMap,
    fragments: HashMap<&'a Name, usize>,
}

impl<'a> Costs<'a> {
    fn set(&mut self, set: &'a SelectionSet) -> usize {
        set.selections.iter().fold(0, |sum, selection| {
            sum.saturating_add(match selection {
                Selection::Field(field) => self.field(&set.ty, field),
                Selection::InlineFragment(fragment) => self.set(&fragment.selection_set),
                Selection::FragmentSpread(spread) => self.fragment(&spread.fragment_name),
            })
        })
    }

    fn fragment(&mut self, name: &'a Name) -> usize {
        if let Some(cost) = self.fragments.get(name) {
            return *cost;
        }
        let cost = self.document.fragments.get(name).map_or(0, |fragment| self.set(&fragment.selection_set));
        self.fragments.insert(name, cost);
        cost
    }

    fn field(&mut self, parent: &Name, field: &'a Field) -> usize {
        let selected = field.selection_set.as_ref().map_or(0, |set| self.set(set));
        let extra = of(&EXTRA, parent, &field.name).unwrap_or(0);
        selected.saturating_mul(self.items(parent, field)).saturating_add(1).saturating_add(extra)
    }

    /// How often what is selected of a field is resolved.
    fn items(&self, parent: &Name, field: &'a Field) -> usize {
        if is_page(field) {
            let size = self.argument(field, "first").or_else(|| self.argument(field, "last"));
            return usize::try_from(size.unwrap_or(DEFAULT_PAGE.into())).unwrap_or(0);
        }
        if parent == "Query" && field.name == "nodes" || is_bulk(field) {
            let given = field.arguments.iter().map(|argument| self.longest_list(&argument.value));
            return given.max().unwrap_or(1);
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

    fn longest_list(&self, value: &Value) -> usize {
        match value {
            Value::Variable(variable) => self.variables.get(variable.as_str()).map_or(1, longest_list_of),
            Value::List(items) => items.len(),
            Value::Object(fields) => fields.iter().map(|(_, value)| self.longest_list(value)).max().unwrap_or(1),
            _ => 1,
        }
    }
}

fn longest_list_of(value: &JsonValue) -> usize {
    match value {
        JsonValue::Array(items) => items.len(),
        JsonValue::Object(fields) => fields.iter().map(|(_, value)| longest_list_of(value)).max().unwrap_or(1),
        _ => 1,
    }
}

fn is_page(field: &Field) -> bool {
    field.definition.arguments.iter().any(|argument| argument.name == "first")
}

/// Whether a mutation has a result for each item of its input.
fn is_bulk(field: &Field) -> bool {
    let payload = schema().get_object(field.ty().inner_named_type());
    payload.is_some_and(|payload| payload.fields.contains_key("results"))
}

fn of(table: &[(&str, usize)], parent: &str, field: &str) -> Option<usize> {
    let is_it = |coordinate: &str| coordinate.split_once('.') == Some((parent, field));
    table.iter().find(|(coordinate, _)| is_it(coordinate)).map(|(_, cost)| *cost)
}

#[cfg(test)]
mod tests {
    use apollo_compiler::{request::coerce_variable_values, schema::ExtendedType};

    use super::*;

    fn cost_of(source: &str, variables: &str) -> usize {
        let document = ExecutableDocument::parse_and_validate(schema(), source, "").unwrap();
        let operation = document.operations.get(None).unwrap();
        let JsonValue::Object(given) = JsonValue::from_bytes(variables.to_owned().into()).unwrap() else { panic!() };
        cost(&document, operation, &coerce_variable_values(schema(), operation, &given).unwrap())
    }

    #[test]
    fn a_page_costs_its_size_times_an_item() {
        let page =
            |arguments: &str| cost_of(&format!("{{ organizations{arguments} {{ nodes {{ id slug }} }} }}"), "{}");
        assert_eq!(page(""), 1 + 25 * 3);
        assert_eq!(page("(first: 2)"), 1 + 2 * 3);
        assert_eq!(page("(last: 100)"), 1 + 100 * 3);
        assert_eq!(page("(first: 0)"), 1);
        assert_eq!(page("(first: -5)"), 1);
        assert_eq!(page("(first: null)"), 1 + 25 * 3);
        let query = "query($n: Int) { organizations(first: $n) { nodes { id slug } } }";
        assert_eq!(cost_of(query, "{}"), 1 + 25 * 3);
        assert_eq!(cost_of(query, r#"{"n": 7}"#), 1 + 7 * 3);
        assert_eq!(cost_of(&query.replace("Int", "Int = 3"), "{}"), 1 + 3 * 3);
        let nested = "{ organizations(first: 2147483647) { nodes { members(first: 2147483647) { nodes { user { organizations: id } } } } } }";
        assert!(cost_of(nested, "{}") > 1 << 60);
    }

    #[test]
    fn lists_cost_their_items() {
        assert_eq!(cost_of("{ permissions { key name } }", "{}"), 1 + 40 * 2);
        assert_eq!(cost_of(r#"{ nodes(ids: ["a", "b", "c"]) { id __typename } }"#, "{}"), 1 + 3 * 2);
        assert_eq!(cost_of("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", r#"{"ids": ["a", "b"]}"#), 1 + 2);
        let invite = "mutation($input: OrganizationInviteInput!) { organizationInvite(input: $input) { results { email status } } }";
        let input = r#"{"input": {"organization": {"slug": "acme"}, "emails": ["a", "b", "c", "d"]}}"#;
        assert_eq!(cost_of(invite, input), 1 + 4 * 3);
    }

    #[test]
    fn fragments_cost_wherever_they_are_spread() {
        let query = "{ organizations(first: 2) { nodes { ...F } } organization(by: {slug: \"a\"}) { ...F ... on Node { id } } } fragment F on Organization { id slug }";
        assert_eq!(cost_of(query, "{}"), (1 + 2 * (1 + 2)) + (1 + 2 + 1));
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
                // Those of a page count with it; user errors are few, and come instead of something else.
                let is_counted = name.ends_with("Connection") && ["edges", "nodes"].contains(&field.name.as_str())
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
