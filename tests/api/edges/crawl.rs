//! One actor's walk along every edge, breadth first.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};

use super::schema::Schema;
use crate::support::{Actor, Answer};

/// Objects of one request.
const BATCH: usize = 20;
/// How often a request is repeated that the server was too busy for.
const RETRIES: usize = 5;
/// Codes with which a field is refused; others are faults.
const REFUSALS: [&str; 2] = ["FORBIDDEN", "UNAUTHENTICATED"];

/// What is shown of an object: its leaves, and what its edges lead to, by their paths.
pub type Signature = BTreeMap<String, String>;

/// One step from an object to the next: the type the field is of, and the call of it.
#[derive(Clone)]
struct Step {
    on: String,
    call: String,
}

/// An object as one edge shows it, and how to come to it from the root.
struct Occurrence {
    signature: Signature,
    steps: Vec<Step>,
}

/// What one actor found.
pub struct Crawl {
    /// What `node(id:)` shows, by type and id.
    pub shown: BTreeMap<(String, String), Signature>,
    /// How many objects each edge led to that `node(id:)` shows too.
    pub reached: BTreeMap<String, usize>,
    /// Where an edge and `node(id:)` disagree: `Type.field -> Type: what`.
    pub violations: BTreeSet<String>,
}

/// Walks as this actor, who may ask for the objects with these ids.
pub async fn crawl(schema: &Schema, actor: &Actor, ids: &BTreeMap<String, Vec<String>>) -> Crawl {
    let mut crawler = Crawler { schema, actor, found: BTreeMap::new(), broken: BTreeSet::new() };
    for ty in schema.entities() {
        let ids = ids.get(ty).unwrap_or_else(|| panic!("which rows are of the type {ty}?"));
        for request in schema.requests(ty) {
            let query =
                format!("query($ids: [ID!]!) {{ nodes(ids: $ids) {{ __typename id ... on {ty} {{ {request} }} }} }}");
            for some in ids.chunks(BATCH) {
                crawler.ask(&query, json!({ "ids": some })).await;
            }
        }
    }
    for request in schema.requests("Query") {
        crawler.ask(&format!("{{ {request} }}"), json!({})).await;
    }
    for query in lean_queries(schema) {
        crawler.ask(&query, json!({})).await;
    }
    crawler.walk_hidden().await;
    crawler.judge()
}

/// Lists as lean as they can be asked for, from the roots that lead to one object.
fn lean_queries(schema: &Schema) -> Vec<String> {
    let mut queries = Vec::new();
    for root in schema.fields("Query") {
        if schema.is_leaf(&root.target)
            || Schema::is_page(&root.target)
            || ["node", "nodes"].contains(&root.name.as_str())
        {
            continue;
        }
        let calls = schema.calls("Query", root);
        for call in calls.iter().filter(|call| call.is_empty() || call.contains("id:")) {
            let lean = schema.lean(&root.target);
            queries.extend(lean.iter().map(|request| format!("{{ {}{call} {{ {request} }} }}", root.name)));
        }
    }
    queries
}

struct Crawler<'a> {
    schema: &'a Schema,
    actor: &'a Actor,
    /// By edge, type and id.
    found: BTreeMap<(String, String, String), Vec<Occurrence>>,
    broken: BTreeSet<String>,
}

/// The errors of an answer, by the paths they are at.
struct Errors(BTreeMap<String, String>);

impl Errors {
    fn of(answer: &Answer) -> Self {
        let errors = answer.body["errors"].as_array().into_iter().flatten();
        let part = |part: &Value| part.as_str().map_or_else(|| part.to_string(), str::to_owned);
        let path =
            |error: &Value| error["path"].as_array().into_iter().flatten().map(part).collect::<Vec<_>>().join("/");
        let code = |error: &Value| error["extensions"]["code"].as_str().unwrap_or("no code").to_owned();
        Self(errors.map(|error| (path(error), code(error))).collect())
    }

    /// What stands at a path where there is no value: the error of that field, or of what may not be null below.
    fn null_at(&self, path: &str) -> String {
        let below = format!("{path}/");
        let found = self.0.iter().find(|(at, _)| *at == path || at.starts_with(&below));
        found.map_or_else(|| "null".to_owned(), |(_, code)| format!("error {code}"))
    }
}

/// A place in an answer.
#[derive(Clone)]
struct Place<'a> {
    /// The path as errors name it.
    path: String,
    /// The edge that led here.
    edge: &'a str,
    /// From the root to here.
    steps: Vec<Step>,
}

/// The name of a field, and the number of its call, by a key of an answer: `field`, `field_2` or `field_2_0`.
fn called(key: &str) -> (&str, usize) {
    let mut parts = key.split('_');
    let name = parts.next().unwrap_or_default();
    (name, parts.next().map_or(0, |number| number.parse().unwrap()))
}

impl Crawler<'_> {
    async fn ask(&mut self, query: &str, variables: Value) {
        let mut answer = self.actor.post(query, variables.clone()).await;
        let mut errors = Errors::of(&answer);
        // A machine that has too much to do finds nothing out.
        for _ in 0..RETRIES {
            if !errors.0.values().any(|code| code == "SERVICE_UNAVAILABLE") {
                break;
            }
            answer = self.actor.post(query, variables.clone()).await;
            errors = Errors::of(&answer);
        }
        if let Some(code) = errors.0.get("") {
            // A credential that has ended sees nothing at all.
            assert_eq!(code, "UNAUTHENTICATED", "{}: {query}", answer.text);
            return;
        }
        for (path, code) in errors.0.iter().filter(|(_, code)| !REFUSALS.contains(&code.as_str())) {
            let names = path.split('/').filter(|part| part.parse::<usize>().is_err()).map(|key| called(key).0);
            self.broken.insert(format!("{} fails with {code}", names.collect::<Vec<_>>().join(".")));
        }
        let place = Place { path: String::new(), edge: "", steps: Vec::new() };
        self.walk(&answer.body["data"], "Query", &place, &errors);
    }

    /// Notes every object of an answer, and goes on to what it leads to.
    fn walk(&mut self, value: &Value, ty: &str, place: &Place<'_>, errors: &Errors) {
        if let Value::Array(items) = value {
            for (index, item) in items.iter().enumerate() {
                let path = format!("{}/{index}", place.path);
                self.walk(item, ty, &Place { path, ..place.clone() }, errors);
            }
            return;
        }
        let Value::Object(object) = value else { return };
        let ty = object.get("__typename").and_then(Value::as_str).unwrap_or(ty);
        let mut steps = place.steps.clone();
        if let Some(id) = object.get("id").and_then(Value::as_str).filter(|_| self.schema.is_entity(ty)) {
            // One of several that were refetched is come to by itself.
            if let [Step { call, .. }] = &mut steps[..]
                && place.edge == "Query.nodes"
            {
                *call = format!("nodes(ids: [\"{id}\"])");
            }
            let mut signature = Signature::new();
            self.sign(&mut signature, "", value, ty, &place.path, errors);
            let occurrence = Occurrence { signature, steps: steps.clone() };
            self.found.entry((place.edge.to_owned(), ty.to_owned(), id.to_owned())).or_default().push(occurrence);
        }
        for (key, value) in object.iter().filter(|(key, _)| *key != "__typename") {
            let (name, number) = called(key);
            assert!((name, value) != ("hasNextPage", &Value::Bool(true)), "a list of the stage is longer than a page");
            let field = self.schema.field(ty, name);
            if self.schema.is_leaf(&field.target) || value.is_null() {
                continue;
            }
            let edge = if Schema::is_page(ty) { place.edge.to_owned() } else { format!("{ty}.{name}") };
            let call = if edge == "Query.nodes" {
                String::new()
            } else {
                format!("{key}: {name}{}", self.schema.calls(ty, field)[number])
            };
            let mut steps = steps.clone();
            steps.push(Step { on: ty.to_owned(), call });
            let path = if place.path.is_empty() { key.clone() } else { format!("{}/{key}", place.path) };
            self.walk(value, &field.target, &Place { path, edge: &edge, steps }, errors);
        }
    }

    /// Writes down what an answer shows of an object.
    fn sign(&self, to: &mut Signature, prefix: &str, value: &Value, ty: &str, path: &str, errors: &Errors) {
        let Value::Object(object) = value else { panic!("no object but {value}") };
        let ty = object.get("__typename").and_then(Value::as_str).unwrap_or(ty);
        // Another call than the first says something of its own; where a page sits says nothing of the object.
        let counts = |key: &str| !key.contains('_') && !["edges", "pageInfo", "cursor"].contains(&key);
        for (key, value) in object.iter().filter(|(key, _)| counts(key)) {
            let (name, path) = (format!("{prefix}{key}"), format!("{path}/{key}"));
            let target = &self.schema.field(ty, key).target;
            self.sign_value(to, &name, value, target, &path, errors);
        }
    }

    fn sign_value(&self, to: &mut Signature, name: &str, value: &Value, target: &str, path: &str, errors: &Errors) {
        let text = match value {
            Value::Null => errors.null_at(path),
            _ if self.schema.is_leaf(target) => value.to_string(),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.sign_value(to, &format!("{name}.{index}"), item, target, &format!("{path}/{index}"), errors);
                }
                format!("{} items", items.len())
            }
            Value::Object(object) => {
                let ty = object.get("__typename").and_then(Value::as_str).unwrap_or(target);
                let id = object.get("id").and_then(Value::as_str).filter(|_| self.schema.is_entity(ty));
                if id.is_none() {
                    self.sign(to, &format!("{name}."), value, target, path, errors);
                }
                id.map_or_else(|| ty.to_owned(), |id| format!("{ty} {id}"))
            }
            _ => panic!("no object but {value}"),
        };
        to.insert(name.to_owned(), text);
    }

    /// What `node(id:)` does not show is walked from where it was come to, as is what is found there.
    async fn walk_hidden(&mut self) {
        let mut known: BTreeSet<(String, String)> = BTreeSet::new();
        loop {
            let shown = self.shown();
            let mut open = VecDeque::new();
            for ((_, ty, id), occurrences) in &self.found {
                let object = (ty.clone(), id.clone());
                if !shown.contains_key(&object) && known.insert(object) {
                    let nearest = occurrences.iter().min_by_key(|occurrence| occurrence.steps.len());
                    open.extend(nearest.map(|occurrence| (ty.clone(), occurrence.steps.clone())));
                }
            }
            if open.is_empty() {
                return;
            }
            for (ty, steps) in open {
                for request in self.schema.requests(&ty) {
                    let object = format!("__typename ... on {ty} {{ id {request} }}");
                    let query = steps.iter().rev().fold(object, |inner, Step { on, call }| match on.as_str() {
                        "Query" => format!("{{ {call} {{ {inner} }} }}"),
                        _ => format!("__typename ... on {on} {{ {call} {{ {inner} }} }}"),
                    });
                    self.ask(&query, json!({})).await;
                }
            }
        }
    }

    fn shown(&self) -> BTreeMap<(String, String), Signature> {
        let mut shown: BTreeMap<(String, String), Signature> = BTreeMap::new();
        for ((edge, ty, id), occurrences) in &self.found {
            if edge == "Query.nodes" {
                let all = occurrences.iter().flat_map(|occurrence| occurrence.signature.clone());
                shown.entry((ty.clone(), id.clone())).or_default().extend(all);
            }
        }
        shown
    }

    fn judge(mut self) -> Crawl {
        let shown = self.shown();
        let mut violations = std::mem::take(&mut self.broken);
        let mut reached: BTreeMap<String, usize> = BTreeMap::new();
        for ((edge, ty, id), occurrences) in &self.found {
            if edge == "Query.nodes" {
                continue;
            }
            let Some(refetched) = shown.get(&(ty.clone(), id.clone())) else {
                violations.insert(format!("{edge} -> {ty}: is not shown by node(id:)"));
                continue;
            };
            *reached.entry(edge.clone()).or_default() += 1;
            for (name, value) in occurrences.iter().flat_map(|occurrence| &occurrence.signature) {
                let by_id = refetched.get(name).map_or("nothing", String::as_str);
                if by_id != value {
                    violations.insert(format!("{edge} -> {ty}: {}", difference(name, value, by_id)));
                }
            }
        }
        Crawl { shown, reached, violations }
    }
}

/// What is told of a leaf that differs. What stands deeper is told once of all of it.
fn difference(name: &str, by_edge: &str, by_id: &str) -> String {
    match name.split_once('.') {
        Some((field, _)) => format!("{field} {{ … }} differs"),
        None => format!("{name} is {}, by node(id:) {}", alike(by_edge), alike(by_id)),
    }
}

/// A value as a violation names it, so that what has one cause is told once.
fn alike(value: &str) -> &str {
    match value {
        "null" | "nothing" | "true" | "false" | "[]" => value,
        _ if value.starts_with("error ") => value,
        _ if value.starts_with(|first: char| first.is_ascii_uppercase()) => value.split(' ').next().unwrap_or(value),
        _ => "another",
    }
}
