//! What people bring from other APIs: each of their calls, as the guides in `docs/coming-from` answer it.
//! A case takes what it sends from the guide, so that the guide is what is tested.

mod group_members;
mod guides;
mod members_and_invitations;
mod organizations_and_teams;

use std::{fs, path::Path};

use roster::{commands::story::PEOPLE, server::tokens::DevelopmentClaims};
use serde_json::{Value, json};

use crate::support::{Actor, Roster, codes};

/// Where the guides are.
fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/coming-from")
}

/// A guide as it is written.
struct Guide {
    /// Its text before the first call.
    head: String,
    /// Heading and text of each call.
    calls: Vec<(String, String)>,
}

impl Guide {
    fn open(name: &str) -> Self {
        let text = fs::read_to_string(folder().join(format!("{name}.md"))).unwrap();
        let mut parts = text.split("\n## ").map(str::to_owned);
        let head = parts.next().unwrap();
        let split = |part: String| part.split_once('\n').map(|(heading, text)| (heading.to_owned(), text.to_owned()));
        Self { head, calls: parts.filter_map(split).collect() }
    }

    /// First name of the person its reader is signed in as.
    fn person(&self) -> &str {
        self.head.split('`').find_map(|word| word.strip_suffix("@example.com")).expect("a person")
    }

    fn text(&self, heading: &str) -> &str {
        let mut found = self.calls.iter().filter(|(known, _)| known == heading);
        match (found.next(), found.next()) {
            (Some((_, text)), None) => text,
            _ => panic!("{heading} is not there once"),
        }
    }
}

/// The one block of this language, if there is one.
fn block<'a>(text: &'a str, language: &str) -> Option<&'a str> {
    let fence = format!("```{language}\n");
    let mut blocks = text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap());
    let block = blocks.next();
    assert_eq!(blocks.next(), None, "a second block");
    block
}

/// Somebody who has started `roster dev` and reads a guide.
struct Reader {
    roster: Roster,
    me: Actor,
    guide: Guide,
}

impl Reader {
    async fn of(guide: &str) -> Self {
        let (roster, guide) = (Roster::start_told().await, Guide::open(guide));
        let me = somebody(&roster, guide.person());
        Self { roster, me, guide }
    }

    /// The block under a heading.
    fn call(&self, heading: &str) -> Call {
        let text = self.guide.text(heading);
        let query = block(text, "graphql").unwrap_or_else(|| panic!("{heading} has no block")).to_owned();
        let variables = block(text, "json").map_or(Value::Null, |json| serde_json::from_str(json).unwrap());
        Call { caller: self.me.clone(), query, variables }
    }

    /// Somebody else.
    fn person(&self, name: &str) -> Actor {
        somebody(&self.roster, name)
    }

    /// Kinds of what happened in Acme, in order.
    async fn events(&self) -> Vec<String> {
        let of_acme = "organization_id = (SELECT id FROM organizations WHERE slug = 'acme')";
        self.roster.texts(&format!("SELECT type FROM events WHERE {of_acme} ORDER BY version")).await
    }
}

/// One of the people of the demo data, by first name.
fn somebody(roster: &Roster, name: &str) -> Actor {
    let email = format!("{name}@example.com");
    let person = PEOPLE.iter().find(|person| person.email == email).unwrap_or_else(|| panic!("no {name}"));
    let claims = DevelopmentClaims { subject: &email, audience: None, email: Some(&email), name: Some(person.name) };
    roster.signed(name, claims)
}

/// What is pasted into GraphiQL.
#[derive(Clone)]
struct Call {
    caller: Actor,
    query: String,
    variables: Value,
}

impl Call {
    /// The same with other words.
    fn but(&self, from: &str, to: &str) -> Self {
        assert!(self.query.contains(from), "{from} is not in {}", self.query);
        Self { query: self.query.replace(from, to), ..self.clone() }
    }

    /// The same with an id in place of the one that the guide leaves open.
    fn of(&self, object: &Value) -> Self {
        let mut variables = self.variables.clone();
        let mut values = variables.as_object_mut().expect("variables").values_mut();
        let value = values.next().expect("a variable");
        // Only the kind of thing is known to the guide.
        let id = object["id"].as_str().unwrap_or_else(|| panic!("no id in {object}"));
        let kind = value.as_str().unwrap().strip_suffix('…').expect("an open end");
        assert!(id.starts_with(kind), "{id} is no {kind}");
        *value = json!(id);
        Self { variables, ..self.clone() }
    }

    /// The same by somebody else.
    fn by(&self, caller: Actor) -> Self {
        Self { caller, ..self.clone() }
    }

    /// What is answered: the value of the one field at the root.
    async fn answer(&self) -> Value {
        self.caller.payload(&self.query, self.variables.clone()).await
    }

    /// The payload of a mutation that was not refused.
    async fn done(&self) -> Value {
        let payload = self.answer().await;
        assert_eq!(payload["userErrors"], json!([]), "{} sent {} {}", self.caller.name, self.query, self.variables);
        payload
    }

    /// The payload of a mutation that was not refused and changed nothing.
    async fn done_already(&self) -> Value {
        let before = self.caller.roster.content().await;
        let payload = self.done().await;
        assert_eq!(self.caller.roster.content().await, before);
        payload
    }

    /// The codes with which it is refused, after which everything is as before.
    async fn refused(&self) -> Vec<String> {
        self.caller.refused(&self.query, self.variables.clone()).await
    }
}

/// One column of a list of objects, by a pointer: `/user/email`.
fn column<'a>(objects: &'a Value, pointer: &str) -> Vec<&'a str> {
    let objects = objects.as_array().unwrap_or_else(|| panic!("no list but {objects}"));
    let cell = |object: &'a Value| object.pointer(pointer).and_then(Value::as_str).unwrap_or("-");
    objects.iter().map(cell).collect()
}

/// The object with this address.
fn with_email<'a>(objects: &'a Value, email: &str) -> &'a Value {
    let has = |object: &&Value| object["email"] == email || object["user"]["email"] == email;
    objects.as_array().into_iter().flatten().find(has).unwrap_or_else(|| panic!("no {email} in {objects}"))
}

/// Makes an API key of Acme, for which its maker answers.
async fn key(maker: &Actor, name: &str, permissions: &[&str]) {
    let create = "mutation($name: String!, $permissions: [String!]!) { apiKeyCreate(input: {organization: {slug: \"acme\"}, name: $name, permissions: $permissions}) { apiKey { id } userErrors { code message } } }";
    let created = maker.payload(create, json!({ "name": name, "permissions": permissions })).await;
    assert_eq!(created["userErrors"], json!([]));
}

/// Status and code of each item of a bulk result.
fn outcomes(payload: &Value) -> Vec<String> {
    let results = payload["results"].as_array().unwrap_or_else(|| panic!("no results in {payload}"));
    let outcome = |result: &Value| {
        [vec![result["status"].as_str().unwrap().to_owned()], codes(&result["userErrors"])].concat().join(" ")
    };
    results.iter().map(outcome).collect()
}
