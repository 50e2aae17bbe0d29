//! The schema by introspection: what mutations there are, what they take, and what to select of their payloads.

use std::collections::BTreeMap;

use roster::graphql;
use serde_json::Value;

const INTROSPECTION: &str = "{ __schema { mutationType { fields { name args { type { ...Of } } type { ...Of } } } types { kind name \
    fields { name args { type { ...Of } defaultValue } type { ...Of } } inputFields { name defaultValue type { ...Of } } enumValues { name } } } } \
    fragment Of on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// What every server under test speaks.
pub struct Schema {
    types: BTreeMap<String, Value>,
    /// Of each mutation, the type of its input and the document that calls it.
    mutations: BTreeMap<String, (String, String)>,
}

/// A field of an input type.
pub struct InputField {
    pub name: String,
    /// Name of its innermost type.
    pub of: String,
    pub is_enum: bool,
    pub is_required: bool,
}

impl Schema {
    pub async fn load() -> Self {
        let answer = graphql::schema().execute(INTROSPECTION).await.into_result().unwrap();
        let answer = serde_json::to_value(answer.data).unwrap();
        let named = |of: &Value| (of["name"].as_str().unwrap().to_owned(), of.clone());
        let types = answer["__schema"]["types"].as_array().unwrap().iter().map(named).collect();
        let mut schema = Self { types, mutations: BTreeMap::new() };
        for field in answer["__schema"]["mutationType"]["fields"].as_array().unwrap() {
            let name = field["name"].as_str().unwrap();
            let input = innermost(&field["args"][0]["type"]).1;
            let selected = schema.selection(&innermost(&field["type"]).1, 0);
            let document = format!("mutation($input: {input}!) {{ payload: {name}(input: $input) {{ {selected} }} }}");
            schema.mutations.insert(name.to_owned(), (input, document));
        }
        schema
    }

    pub fn mutations(&self) -> impl Iterator<Item = &str> {
        self.mutations.keys().map(String::as_str)
    }

    pub fn has_mutation(&self, mutation: &str) -> bool {
        self.mutations.contains_key(mutation)
    }

    pub fn document(&self, mutation: &str) -> &str {
        &self.mutations[mutation].1
    }

    /// The fields of the input of a mutation.
    pub fn input_of(&self, mutation: &str) -> Vec<InputField> {
        let fields = self.types[&self.mutations[mutation].0]["inputFields"].as_array().unwrap();
        let read = |field: &Value| {
            let (kind, of) = innermost(&field["type"]);
            InputField {
                name: field["name"].as_str().unwrap().to_owned(),
                of,
                is_enum: kind == "ENUM",
                is_required: field["type"]["kind"] == "NON_NULL" && field["defaultValue"].is_null(),
            }
        };
        fields.iter().map(read).collect()
    }

    pub fn has_input(&self, mutation: &str, field: &str) -> bool {
        self.input_of(mutation).iter().any(|known| known.name == field)
    }

    pub fn enum_values(&self, of: &str) -> Vec<String> {
        let values = self.types[of]["enumValues"].as_array().unwrap();
        values.iter().map(|value| value["name"].as_str().unwrap().to_owned()).collect()
    }

    pub fn has_field(&self, of: &str, field: &str) -> bool {
        let fields = self.types.get(of).and_then(|of| of["fields"].as_array());
        fields.into_iter().flatten().any(|known| known["name"] == field)
    }

    /// What of a payload tells outcome, ids and secrets.
    fn selection(&self, of: &str, depth: usize) -> String {
        let mut selected = Vec::new();
        for field in self.types[of]["fields"].as_array().unwrap() {
            let takes = |argument: &Value| argument["type"]["kind"] == "NON_NULL" && argument["defaultValue"].is_null();
            if field["args"].as_array().unwrap().iter().any(takes) {
                continue;
            }
            let (name, (kind, inner)) = (field["name"].as_str().unwrap(), innermost(&field["type"]));
            let has = |field: &str| self.has_field(&inner, field);
            match kind.as_str() {
                "SCALAR" | "ENUM" => selected.push(name.to_owned()),
                _ if name == "userErrors" => selected.push("userErrors { code message path }".to_owned()),
                "OBJECT" if has("id") => {
                    let extra = match inner.as_str() {
                        "OrganizationMember" if has("user") => " user { id }",
                        "Invitation" if has("email") => " email",
                        _ => "",
                    };
                    selected.push(format!("{name} {{ __typename id{extra} }}"));
                }
                "OBJECT" if depth < 2 => selected.push(format!("{name} {{ {} }}", self.selection(&inner, depth + 1))),
                _ => {}
            }
        }
        if selected.is_empty() { "__typename".to_owned() } else { selected.join(" ") }
    }
}

/// Kind and name of a type without its lists and exclamation marks.
fn innermost(of: &Value) -> (String, String) {
    let mut of = of;
    while !of["ofType"].is_null() {
        of = &of["ofType"];
    }
    (of["kind"].as_str().unwrap().to_owned(), of["name"].as_str().unwrap().to_owned())
}
