//! Items of pages that are written as JSON at once: the same as their resolvers answer.

use std::sync::Arc;

use async_graphql::Value as Resolved;
use chrono::TimeDelta;
use roster::{
    access::Viewer,
    graphql::{document::Params, execute},
    server::tokens::DevelopmentClaims,
};
use serde_json::{Value, json};

use crate::support::{Actor, Roster};

/// A team with a member, its lead and an invitee; a project with two members. Bob has neither a name nor an address of
/// his own any more.
async fn acme(roster: &Roster) -> Actor {
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let claims = |subject, name| DevelopmentClaims { subject, audience: None, email: Some("bob@example.com"), name };
    roster.signed("bob", claims("bob@example.com", None)).user_id().await;
    roster.member(&alice, &acme, "bob", "admin").await;
    // What has to be escaped, and what need not be.
    roster.crowd("acme", 3, "'\"Zoë\\' || chr(9) || 'ß 日本 ' || n").await;
    roster.invite(&alice, &acme, "carol@example.com", "member").await;
    let apollo = roster.project(&alice, &acme, "Apollo").await;
    roster.project_member(&alice, &apollo, "bob", "viewer").await;
    roster.team(&alice, &acme, "Design", &["bob", "carol"]).await;
    roster.wait(TimeDelta::seconds(1));
    roster.signed("another", claims("another bob", Some("Robert"))).user_id().await;
    alice
}

const PERSON: &[&str] =
    &["id", "displayName", "email", "firstName", "avatarUrl", "isViewer", "emailVerified", "createdAt"];
const ROLE: &[&str] = &["id", "key", "name", "description", "scope", "builtIn", "version", "createdAt"];

/// Where pages of items are, and what can be asked of an item.
fn lists() -> Vec<(&'static str, Vec<String>)> {
    let of = |field: &str, fields: &[&str]| -> Vec<String> {
        fields.iter().map(|name| format!("{field} {{ {name} }}")).collect()
    };
    let plain = |fields: &[&str]| -> Vec<String> { fields.iter().map(|&name| name.to_owned()).collect() };
    let member = ["id", "isOwner", "joinedAt", "updatedAt", "version"];
    let in_project = ["id", "joinedAt", "updatedAt", "version"];
    let in_team = ["id", "status", "role", "email", "addedAt"];
    vec![
        ("members", [plain(&member), of("user", PERSON), of("role", ROLE)].concat()),
        ("projects(first: 1) { nodes { members", [plain(&in_project), of("user", PERSON), of("role", ROLE)].concat()),
        ("teams(first: 1) { nodes { members", [plain(&in_team), of("user", PERSON)].concat()),
        ("roles", plain(ROLE)),
    ]
}

/// The items under a list, each without the field that no item can write itself.
fn items(data: &Value) -> Vec<Value> {
    match data {
        Value::Object(fields) => match fields.get("nodes").and_then(Value::as_array) {
            Some(nodes) if !nodes.iter().any(|node| node.get("members").is_some()) => nodes.clone(),
            Some(nodes) => nodes.iter().flat_map(items).collect(),
            None => fields.values().flat_map(items).collect(),
        },
        _ => Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_at_once_is_what_resolvers_answer() {
    let roster = Roster::start().await;
    let alice = acme(&roster).await;
    for (list, fields) in lists() {
        let closed = "}".repeat(list.matches('{').count());
        let ask = async |item: &str| {
            let query =
                format!("{{ organization(by: {{slug: \"acme\"}}) {{ {list} {{ nodes {{ {item} }} }} {closed} }} }}");
            items(&alice.data(&query, json!({})).await)
        };
        let all = fields.join(" ");
        for item in fields.iter().chain([&all]) {
            let written = ask(&format!("__typename {item} again: {item}")).await;
            let mut resolved = ask(&format!("__typename {item} again: {item} viewerCan {{ __typename }}")).await;
            for item in &mut resolved {
                item.as_object_mut().unwrap().remove("viewerCan").unwrap();
            }
            assert!(written.len() >= 2, "{list}");
            assert_eq!(written, resolved, "{list}: {item}");
        }
        // Whose address has passed to another person.
        if list != "roles" {
            let people = ask("user { displayName email }").await;
            let nameless = json!({ "user": { "displayName": "No name", "email": null } });
            assert!(people.contains(&nameless), "{list}: {people:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_of_edges_are_written_too() {
    let roster = Roster::start().await;
    let alice = acme(&roster).await;
    let ask = async |more: &str| {
        let query = format!(
            "{{ organization(by: {{slug: \"acme\"}}) {{ members {{ edges {{ __typename cursor node {{ id {more} }} }} }} }} }}"
        );
        alice.data(&query, json!({})).await["organization"]["members"]["edges"].clone()
    };
    let (written, mut resolved) = (ask("").await, ask("viewerCan { __typename }").await);
    for edge in resolved.as_array_mut().unwrap() {
        edge["node"].as_object_mut().unwrap().remove("viewerCan").unwrap();
    }
    assert_eq!(written, resolved);
    let next = "query($after: String) { organization(by: {slug: \"acme\"}) { members(first: 1, after: $after) { nodes { id } } } }";
    let after = alice.data(next, json!({ "after": written[0]["cursor"] })).await;
    assert_eq!(after["organization"]["members"]["nodes"][0], written[1]["node"]);
}

/// What is asked for in several places comes whole, in the order of the document.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_twice_is_put_together() {
    let roster = Roster::start().await;
    let alice = acme(&roster).await;
    let id = alice.data("{ organization(by: {slug: \"acme\"}) { id } }", json!({})).await["organization"]["id"].clone();
    let whole = "{ node(id: $id) { ... on Organization { members(first: 1) { nodes { id user { email displayName } isOwner } totalCount } } } }";
    let expected = alice.post(&format!("query($id: ID!) {whole}"), json!({ "id": id })).await.text;
    for selection in [
        "{ node(id: $id) { ... on Organization { members(first: 1) { nodes { id } } members(first: 1) { nodes { user { email } ... { user { displayName } } isOwner } totalCount } } } }",
        "{ node(id: $id) { ... on Organization { members(first: 1) { nodes { id user { email } } } } ... on Organization { members(first: 1) { nodes { user { displayName } isOwner } totalCount } } } }",
        "{ node(id: $id) { ... on Organization { members(first: 1) { nodes { id user { email } } } } } node(id: $id) { ... on Organization { members(first: 1) { nodes { user { displayName } isOwner } totalCount } } } }",
        "{ ...A ...B } fragment A on Query { node(id: $id) { ...C } } fragment C on Node { ... on Organization { members(first: 1) { nodes { id ...U } } } } \
         fragment U on OrganizationMember { user { email } } fragment B on Query { node(id: $id) { ... on Organization { members(first: 1) { nodes { user { displayName } isOwner } totalCount } } } }",
    ] {
        let answer = alice.post(&format!("query($id: ID!) {selection}"), json!({ "id": id })).await.text;
        assert_eq!(answer, expected, "{selection}");
    }
}

/// Otherwise the other tests compare resolvers with resolvers.
#[tokio::test(flavor = "multi_thread")]
async fn pages_of_what_is_at_hand_are_written_at_once() {
    let roster = Roster::start().await;
    acme(&roster).await;
    let is_written = async |item: &str| {
        let query = format!("{{ organization(by: {{slug: \"acme\"}}) {{ members {{ nodes {{ {item} }} }} }} }}");
        let params = Params::from_json(json!({ "query": query }).to_string().as_bytes()).unwrap();
        let operation = roster.server.documents.operation(&params).unwrap();
        let answer = execute(&roster.app, Arc::new(Viewer::Operator), operation, "a request").await.unwrap();
        let field = |value: &Resolved, name: &str| match value {
            Resolved::Object(fields) => fields[name].clone(),
            other => panic!("{other} has no {name}"),
        };
        let nodes = field(&field(&field(&answer.data, "organization"), "members"), "nodes");
        matches!(nodes, Resolved::Object(_))
    };
    assert!(is_written("id role { key name } user { displayName email }").await);
    assert!(!is_written("id user { avatarUrl }").await);
}
