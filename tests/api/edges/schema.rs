//! The schema as introspection tells it, and selections of everything that its types have.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::Actor;

/// Introspection of all that a crawler needs.
const INTROSPECTION: &str = "{ __schema { types { kind name fields { name args { name defaultValue type { ...T } } type { ...T } } inputFields { name type { ...T } } enumValues { name } interfaces { name } possibleTypes { name } } } } \
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// Fields whose objects are refetched by id, which is what all others are compared with.
const REFETCHING: [&str; 2] = ["Query.node", "Query.nodes"];
/// Most fields and aliases of one request, below the limits of the server.
const MAX_NODES: usize = 1_200;
const MAX_ALIASES: usize = 50;
const MAX_FIELDS: usize = 18;

/// An argument of a field, or a field of an input object.
struct Input {
    name: String,
    /// The type without lists and `!`.
    named: String,
    is_required: bool,
    default: Option<String>,
}

/// A field of an object or interface.
pub struct Field {
    pub name: String,
    /// The type without lists and `!`.
    pub target: String,
    arguments: Vec<Input>,
}

#[derive(Default)]
struct Type {
    kind: String,
    fields: Vec<Field>,
    inputs: Vec<Input>,
    values: Vec<String>,
    /// The object types of an interface or union.
    possible: Vec<String>,
    is_node: bool,
}

/// How much is selected of an object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Its leaves, and the ids of what its edges lead to.
    Signature,
    /// Its edges with the signatures of what they lead to, by every value of their required arguments.
    Edges,
}

/// One field with all that is selected of it, and what that costs of the limits of a document.
struct Part {
    text: String,
    nodes: usize,
    aliases: usize,
}

/// The types of the server, and the values of its required arguments.
pub struct Schema {
    types: BTreeMap<String, Type>,
    /// Literals by the type of the argument, or by its coordinate.
    pub values: BTreeMap<&'static str, Vec<String>>,
}

impl Schema {
    /// The schema as this actor is told it.
    pub async fn read(actor: &Actor) -> Self {
        let data = actor.data(INTROSPECTION, json!({})).await;
        let types = data["__schema"]["types"].as_array().unwrap().iter();
        let types = types.filter(|ty| !text(&ty["name"]).starts_with("__"));
        let types: BTreeMap<String, Type> = types.map(|ty| (text(&ty["name"]), read_type(ty))).collect();
        Self { types, values: BTreeMap::new() }
    }

    fn ty(&self, name: &str) -> &Type {
        self.types.get(name).unwrap_or_else(|| panic!("no type {name}"))
    }

    /// The fields of an object or interface.
    pub fn fields(&self, name: &str) -> &[Field] {
        &self.ty(name).fields
    }

    /// The field with this name.
    pub fn field(&self, ty: &str, name: &str) -> &Field {
        self.fields(ty).iter().find(|field| field.name == name).unwrap_or_else(|| panic!("no field {ty}.{name}"))
    }

    /// A type without fields.
    pub fn is_leaf(&self, name: &str) -> bool {
        ["SCALAR", "ENUM"].contains(&self.ty(name).kind.as_str())
    }

    /// An object type with an id.
    pub fn is_entity(&self, name: &str) -> bool {
        self.ty(name).is_node
    }

    fn is_abstract(&self, name: &str) -> bool {
        ["INTERFACE", "UNION"].contains(&self.ty(name).kind.as_str())
    }

    /// The object types with an id.
    pub fn entities(&self) -> &[String] {
        &self.ty("Node").possible
    }

    /// An object that only lists others.
    pub fn is_page(name: &str) -> bool {
        name.ends_with("Connection") || name.ends_with("Edge")
    }

    /// What a field leads to, through pages.
    pub fn item(&self, field: &Field) -> String {
        if field.target.ends_with("Connection") {
            return self.field(&field.target, "nodes").target.clone();
        }
        field.target.clone()
    }

    /// Every edge that can be reached from the root: type and field.
    pub fn edges(&self) -> BTreeSet<String> {
        let (mut edges, mut known) = (BTreeSet::new(), BTreeSet::new());
        let mut open = vec!["Query".to_owned()];
        while let Some(name) = open.pop() {
            if !known.insert(name.clone()) {
                continue;
            }
            open.extend(self.ty(&name).possible.iter().cloned());
            for field in self.fields(&name).iter().filter(|field| !self.is_leaf(&field.target)) {
                open.push(field.target.clone());
                let coordinate = format!("{name}.{}", field.name);
                let item = self.item(field);
                let leads = self.is_entity(&item) || self.is_abstract(&item);
                let counts = !Self::is_page(&name) && !self.is_abstract(&name);
                if leads && counts && !REFETCHING.contains(&coordinate.as_str()) {
                    edges.insert(coordinate);
                }
            }
        }
        edges
    }

    /// The arguments of every call that is made of a field: with what is required in each of its values, and
    /// with what narrows a list set so that it does not.
    pub fn calls(&self, ty: &str, field: &Field) -> Vec<String> {
        let mut calls = vec![Vec::new()];
        for argument in &field.arguments {
            let values = if argument.is_required { self.required(ty, field, argument) } else { self.widest(argument) };
            if !values.is_empty() {
                let with = |call: &Vec<String>, value: &String| {
                    call.iter().cloned().chain([format!("{}: {value}", argument.name)]).collect()
                };
                calls = calls.iter().flat_map(|call| values.iter().map(|value| with(call, value))).collect();
            }
        }
        let written =
            |call: Vec<String>| if call.is_empty() { String::new() } else { format!("({})", call.join(", ")) };
        calls.into_iter().map(written).collect()
    }

    fn required(&self, ty: &str, field: &Field, argument: &Input) -> Vec<String> {
        let coordinate = format!("{ty}.{}({})", field.name, argument.name);
        let values = self.values.get(coordinate.as_str()).or_else(|| self.values.get(argument.named.as_str()));
        values.unwrap_or_else(|| panic!("the stage has no value for {coordinate}: {}", argument.named)).clone()
    }

    /// The value of an optional argument with which most is listed; none where that is the default.
    fn widest(&self, argument: &Input) -> Vec<String> {
        let ty = self.ty(&argument.named);
        if argument.name == "first" {
            return vec!["100".to_owned()];
        }
        if argument.default.as_ref().is_some_and(|default| default.starts_with('[')) {
            return vec![format!("[{}]", ty.values.join(", "))];
        }
        let wide = ty.inputs.iter().filter(|input| input.name.starts_with("include") && input.named == "Boolean");
        let wide: Vec<String> = wide.map(|input| format!("{}: true", input.name)).collect();
        if wide.is_empty() { Vec::new() } else { vec![format!("{{{}}}", wide.join(", "))] }
    }

    /// The fields of a type with all that is selected of them.
    fn parts(&self, ty: &str, level: Level) -> Vec<Part> {
        let mut parts = Vec::new();
        for field in self.fields(ty) {
            let coordinate = format!("{ty}.{}", field.name);
            let is_fixed = field.arguments.iter().any(|argument| argument.is_required);
            let is_of_page = Self::is_page(ty) && ["edges", "pageInfo"].contains(&field.name.as_str());
            if REFETCHING.contains(&coordinate.as_str()) || (level == Level::Signature && (is_fixed || is_of_page)) {
                continue;
            }
            let calls = self.calls(ty, field);
            for (number, call) in calls.iter().enumerate() {
                let key = if calls.len() > 1 { format!("{}_{number}", field.name) } else { field.name.clone() };
                parts.extend(self.selected(field, &key, call, number, level));
            }
        }
        parts
    }

    /// One call of a field. Of an interface each object type is asked for by itself, so that their fields need
    /// not agree.
    fn selected(&self, field: &Field, key: &str, call: &str, number: usize, level: Level) -> Vec<Part> {
        let alias = |key: &str| if key == field.name { String::new() } else { format!("{key}: ") };
        let part = |key: &str, body: Vec<Part>, around: Option<&str>| {
            let (nodes, aliases) = sum(&body);
            let body: Vec<&str> = body.iter().map(|part| part.text.as_str()).collect();
            let body = match (around, body.is_empty()) {
                (Some(ty), _) => format!(" {{ __typename ... on {ty} {{ {} }} }}", body.join(" ")),
                (None, false) => format!(" {{ __typename {} }}", body.join(" ")),
                (None, true) => String::new(),
            };
            let text = format!("{}{}{call}{body}", alias(key), field.name);
            Part { text, nodes: nodes + 3, aliases: aliases + usize::from(key != field.name) }
        };
        let target = &field.target;
        let id = || Part { text: "id".to_owned(), nodes: 1, aliases: 0 };
        if self.is_leaf(target) {
            vec![part(key, Vec::new(), None)]
        } else if self.is_abstract(target) && level == Level::Edges {
            let one = |(place, ty): (usize, &String)| {
                part(&format!("{}_{number}_{place}", field.name), self.parts(ty, Level::Signature), Some(ty))
            };
            self.ty(target).possible.iter().enumerate().map(one).collect()
        } else if self.is_abstract(target) {
            let leaves = self.fields(target).iter().filter(|field| self.is_leaf(&field.target));
            let leaves = leaves.map(|field| Part { text: field.name.clone(), nodes: 1, aliases: 0 });
            let refetched = Part { text: "... on Node { id }".to_owned(), nodes: 2, aliases: 0 };
            vec![part(key, leaves.chain([refetched]).collect(), None)]
        } else if self.is_entity(target) && level == Level::Edges {
            vec![part(key, self.parts(target, Level::Signature), None)]
        } else if self.is_entity(target) {
            vec![part(key, vec![id()], None)]
        } else {
            vec![part(key, self.parts(target, level), None)]
        }
    }

    /// What to ask of an object, in as many requests as it takes: first its signature, then its edges.
    pub fn requests(&self, ty: &str) -> Vec<String> {
        let signature = if ty == "Query" { Vec::new() } else { self.parts(ty, Level::Signature) };
        let known: BTreeSet<&str> = signature.iter().map(|part| part.text.as_str()).collect();
        let edges = self.parts(ty, Level::Edges).into_iter().filter(|part| !known.contains(part.text.as_str()));
        let mut requests: Vec<Vec<Part>> = Vec::new();
        for part in edges {
            let fits = requests.last().is_some_and(|last: &Vec<Part>| {
                let (nodes, aliases) = sum(last);
                nodes + part.nodes <= MAX_NODES && aliases + part.aliases <= MAX_ALIASES && last.len() < MAX_FIELDS
            });
            match requests.last_mut().filter(|_| fits) {
                Some(last) => last.push(part),
                None => requests.push(vec![part]),
            }
        }
        let written = |parts: &Vec<Part>| parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join(" ");
        let first = Some(written(&signature)).filter(|signature| !signature.is_empty());
        first.into_iter().chain(requests.iter().map(written)).collect()
    }

    /// Lists of which each part is asked for by itself: a list that can answer from fewer columns shows what it
    /// shows of all. The aliases are `list_0_n`.
    pub fn lean(&self, ty: &str) -> Vec<String> {
        let mut requests = Vec::new();
        for list in self.fields(ty).iter().filter(|field| field.target.ends_with("Connection")) {
            let Some(call) = self.calls(ty, list).pop() else { continue };
            let mut bodies = Vec::new();
            let item = self.item(list);
            let free = |field: &&Field| !field.arguments.iter().any(|argument| argument.is_required);
            for field in self.fields(&item).iter().filter(free) {
                if self.is_leaf(&field.target) {
                    bodies.push(field.name.clone());
                } else if self.is_entity(&field.target) {
                    let leaves =
                        self.fields(&field.target).iter().filter(|leaf| self.is_leaf(&leaf.target)).filter(free);
                    bodies.extend(leaves.map(|leaf| format!("{} {{ id {} }}", field.name, leaf.name)));
                }
            }
            let name = &list.name;
            let one = |(number, body): (usize, &String)| {
                format!("{name}_0_{number}: {name}{call} {{ nodes {{ id {body} }} }}")
            };
            requests.extend(
                bodies.chunks(MAX_ALIASES).map(|some| some.iter().enumerate().map(one).collect::<Vec<_>>().join(" ")),
            );
        }
        requests
    }
}

fn sum(parts: &[Part]) -> (usize, usize) {
    parts.iter().fold((0, 0), |(nodes, aliases), part| (nodes + part.nodes, aliases + part.aliases))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text but {value}")).to_owned()
}

fn names(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(|item| text(&item["name"])).collect()
}

fn named(ty: &Value) -> String {
    if ty["ofType"].is_null() { text(&ty["name"]) } else { named(&ty["ofType"]) }
}

fn read_input(input: &Value) -> Input {
    let default = input["defaultValue"].as_str().map(str::to_owned);
    let is_required = input["type"]["kind"] == "NON_NULL" && default.is_none();
    Input { name: text(&input["name"]), named: named(&input["type"]), is_required, default }
}

fn read_type(ty: &Value) -> Type {
    let inputs = |list: &Value| list.as_array().into_iter().flatten().map(read_input).collect::<Vec<_>>();
    let field = |field: &Value| Field {
        name: text(&field["name"]),
        target: named(&field["type"]),
        arguments: inputs(&field["args"]),
    };
    Type {
        kind: text(&ty["kind"]),
        fields: ty["fields"].as_array().into_iter().flatten().map(field).collect(),
        inputs: inputs(&ty["inputFields"]),
        values: names(&ty["enumValues"]),
        possible: names(&ty["possibleTypes"]),
        is_node: ty["kind"] == "OBJECT" && names(&ty["interfaces"]).contains(&"Node".to_owned()),
    }
}
