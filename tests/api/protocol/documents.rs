//! Documents: read once, known by their hash, held to limits, registered beforehand.

use std::{fs, path::PathBuf, sync::Arc};

use axum::http::{StatusCode, header};
use roster::{
    domain::secret::sha256,
    graphql::document::{Documents, Params, RegisteredOperations},
};
use serde_json::{Value, json};

use crate::support::{
    Actor, Roster,
    folder::Folder,
    http::{Sent, post, send},
};

const NAME: &str = "query($slug: String!) { organization(by: {slug: $slug}) { name } }";

fn sha(text: &str) -> String {
    let digits: Vec<String> = sha256(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

async fn ask(actor: &Actor, body: Value) -> Sent {
    let mut request = post(body.to_string());
    request.headers_mut().insert(header::ACCEPT, "application/graphql-response+json".parse().unwrap());
    if let Some(authorization) = actor.authorization() {
        request.headers_mut().insert(header::AUTHORIZATION, authorization.parse().unwrap());
    }
    send(&actor.roster, request).await
}

fn persisted(hash: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_read_once_good_or_bad() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    roster.organization(&alice, "Acme").await;
    let before = roster.server.documents.stats();
    for slug in ["acme", "globex", "acme"] {
        alice.data(NAME, json!({ "slug": slug })).await;
    }
    for _ in 0..3 {
        assert_eq!(alice.error_codes("{ nothing }", json!({})).await, ["GRAPHQL_VALIDATION_FAILED"]);
    }
    let stats = roster.server.documents.stats();
    assert_eq!((stats.misses - before.misses, stats.hits - before.hits), (2, 4));
    assert_eq!(stats.documents - before.documents, 2);
}

#[test]
fn known_documents_take_no_more_room_than_they_may() {
    let documents = Documents::new(&roster::app::Limits::default());
    let operation = |n: u32| {
        let query =
            format!("{{ a{n}: __typename b: organization(by: {{slug: \"{}\"}}) {{ name }} }}", "x".repeat(4_000));
        documents.operation(&Params { query: Some(query), ..Params::default() }).is_ok()
    };
    // What is asked for again and again stays, whatever else is seen once.
    for n in 1..2_000 {
        assert!(operation(0) && operation(n));
    }
    let stats = documents.stats();
    assert!(stats.bytes <= 1 << 20, "{stats:?}");
    assert!((100..=256).contains(&stats.documents), "{stats:?}");
    assert!(stats.hits >= 1_990, "{stats:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_can_be_named_by_its_hash() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    roster.organization(&alice, "Acme").await;
    let hash = sha(NAME);
    let variables = json!({ "slug": "acme" });
    // As Apollo's clients do: first the hash alone, then with the text, then the hash alone.
    let by_hash = json!({ "variables": variables, "extensions": persisted(&hash) });
    let sent = ask(&alice, by_hash.clone()).await;
    let error = json!({ "message": "PersistedQueryNotFound", "extensions": { "code": "PERSISTED_QUERY_NOT_FOUND" } });
    assert_eq!((sent.status, sent.json()), (StatusCode::OK, json!({ "errors": [error] })));
    let found = json!({ "data": { "organization": { "name": "Acme" } } });
    let both = json!({ "query": NAME, "variables": variables, "extensions": persisted(&hash) });
    assert_eq!(ask(&alice, both).await.json(), found);
    assert_eq!(ask(&alice, by_hash).await.json(), found);
    for id in [hash.clone(), format!("sha256:{hash}"), hash.to_uppercase()] {
        assert_eq!(ask(&alice, json!({ "documentId": id, "variables": variables })).await.json(), found, "{id}");
    }
    let wrong = [
        json!({ "query": NAME, "extensions": persisted(&sha("{ __typename }")) }),
        json!({ "extensions": persisted("not a hash") }),
        json!({ "extensions": persisted(&hash[..62]) }),
        json!({ "extensions": { "persistedQuery": 7 } }),
        json!({ "extensions": { "persistedQuery": { "sha256Hash": 7 } } }),
        json!({ "documentId": 7 }),
    ];
    for body in wrong {
        let sent = ask(&alice, body.clone()).await;
        assert_eq!((sent.status, sent.code()), (StatusCode::BAD_REQUEST, json!("BAD_REQUEST")), "{body}");
    }
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> (Folder, PathBuf) {
    let folder = Folder::new();
    for (name, text) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let path = folder.path().to_owned();
    (folder, path)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_registered_operations_are_answered_where_that_is_wanted() {
    let manifest = json!({ "members-v1": "{ organizations { totalCount } }", sha("{ industries { key } }"): "{ industries { key } }" });
    let (_folder, path) = folder(&[
        ("name.graphql", &format!("{NAME}\n")),
        ("team/viewer.gql", "query Viewer { viewer { user { email } } }\nquery Other { __typename }"),
        ("team/persisted.json", &manifest.to_string()),
        ("README.md", "what these are"),
    ]);
    let roster = Roster::start().await;
    let only = Documents::new(&roster.app.limits).only(RegisteredOperations::read(&path).unwrap()).unwrap();
    let roster = roster.another(|server| server.documents = Arc::new(only));
    let alice = roster.person("alice");
    let registered = [
        (json!({ "query": NAME, "variables": { "slug": "acme" } }), json!({ "organization": null })),
        (json!({ "query": format!("{NAME}\n"), "variables": { "slug": "acme" } }), json!({ "organization": null })),
        (json!({ "documentId": sha(NAME), "variables": { "slug": "acme" } }), json!({ "organization": null })),
        (
            json!({ "extensions": persisted(&sha(NAME)), "variables": { "slug": "acme" } }),
            json!({ "organization": null }),
        ),
        (json!({ "documentId": "members-v1" }), json!({ "organizations": { "totalCount": 0 } })),
        (
            json!({ "query": "query Viewer { viewer { user { email } } }\nquery Other { __typename }", "operationName": "Viewer" }),
            json!({ "viewer": { "user": { "email": "alice@example.com" } } }),
        ),
    ];
    for (body, data) in registered {
        assert_eq!(ask(&alice, body.clone()).await.json(), json!({ "data": data }), "{body}");
    }
    for body in [
        json!({ "query": "{ __typename }" }),
        json!({ "query": NAME.replace("name", "slug"), "variables": { "slug": "acme" } }),
        json!({ "query": "{ __schema { types { name } } }" }),
        json!({ "documentId": "members-v2" }),
        json!({ "extensions": persisted(&sha("{ __typename }")) }),
        json!({ "query": "{ __typename }", "extensions": persisted(&sha("{ __typename }")) }),
        json!({}),
        json!({ "query": "{" }),
    ] {
        let sent = ask(&alice, body.clone()).await;
        assert_eq!((sent.status, sent.code()), (StatusCode::FORBIDDEN, json!("OPERATION_NOT_ALLOWED")), "{body}");
    }
}

#[test]
fn operations_that_could_never_run_are_refused_at_the_start() {
    let problems = |files: &[(&str, &str)]| {
        let (_folder, path) = folder(files);
        let registered = RegisteredOperations::read(&path).map_err(|problem| vec![problem])?;
        Documents::new(&roster::app::Limits::default()).only(registered).map(drop)
    };
    assert_eq!(problems(&[("a.graphql", "{ __typename }")]), Ok(()));
    let invalid = problems(&[("a.graphql", "{ __typename }"), ("b.graphql", "{ nothing }"), ("c.graphql", "{")]);
    assert_eq!(invalid.unwrap_err().len(), 2);
    assert!(problems(&[("b.graphql", "{ nothing }")]).unwrap_err()[0].contains("does not have a field `nothing`"));
    assert!(problems(&[("a.json", "[]")]).unwrap_err()[0].contains("a.json"));
    assert!(problems(&[("a.txt", "{ __typename }")]).unwrap_err()[0].contains("holds no operation"));
    assert!(RegisteredOperations::read(&PathBuf::from("/nowhere")).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cost_is_told_to_who_asks() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let query = "{ organizations(first: 10) { totalCount nodes { name } } }";
    let asking = json!({ "query": query, "extensions": { "cost": true } });
    let cost = json!({ "cost": { "requested": 13, "limit": 5_000 } });
    assert_eq!(ask(&alice, asking).await.json()["extensions"], cost);
    for extensions in [json!(null), json!({}), json!({ "cost": false })] {
        let sent = ask(&alice, json!({ "query": query, "extensions": extensions })).await;
        assert_eq!(sent.json().get("extensions"), None);
    }
    let deep = Roster::start_with(|app| {
        app.limits.max_cost = 12;
        app.limits.max_depth = 3;
    })
    .await;
    let alice = deep.person("alice");
    assert_eq!(alice.error_codes(query, json!({})).await, ["QUERY_TOO_COMPLEX"]);
    alice.data("{ organizations(first: 9) { totalCount nodes { name } } }", json!({})).await;
    alice.data("{ viewer { user { email } } }", json!({})).await;
    assert_eq!(
        alice.error_codes("{ viewer { memberships(first: 1) { nodes { id } } } }", json!({})).await,
        ["QUERY_TOO_DEEP"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_has_so_many_fields() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let fields = |count: usize, field: &str| {
        let fields: Vec<String> = (0..count).map(|n| format!("f{n}: {field}")).collect();
        fields.join(" ")
    };
    alice.data(&format!("{{ {} }}", fields(20, "__typename")), json!({})).await;
    let create = "organizationCreate(input: {name: \"\"}) { userErrors { code } }";
    alice.data(&format!("mutation {{ {} }}", fields(10, create)), json!({})).await;
    let before = roster.content().await;
    for refused in [
        format!("{{ {} }}", fields(21, "__typename")),
        format!("{{ ...F }} fragment F on Query {{ {} }}", fields(21, "__typename")),
        format!("mutation {{ {} }}", fields(11, "organizationCreate(input: {name: \"A\"}) { userErrors { code } }")),
        format!("{{ {} }}", fields(2, "__schema { queryType { name } }")),
        format!("{{ {} }}", fields(11, "__type(name: \"Query\") { name }")),
    ] {
        assert_eq!(alice.error_codes(&refused, json!({})).await, ["QUERY_TOO_COMPLEX"], "{refused}");
    }
    assert_eq!(roster.content().await, before);
}

/// GraphiQL and generators ask for the whole schema at once.
#[tokio::test(flavor = "multi_thread")]
async fn the_schema_can_be_asked_for() {
    const INTROSPECTION: &str = "query IntrospectionQuery { __schema { description queryType { name } mutationType { name } subscriptionType { name } types { ...FullType } directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } } }
        fragment FullType on __Type { kind name description specifiedByURL isOneOf fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason } inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
        fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
        fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";
    let roster = Roster::start().await;
    let data = roster.anonymous().data(INTROSPECTION, json!({})).await;
    assert_eq!(data["__schema"]["subscriptionType"]["name"], "Subscription");
    assert!(data["__schema"]["types"].as_array().unwrap().len() > 150);
    // But not through itself, which would answer megabytes.
    let nested = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }";
    assert_eq!(roster.anonymous().error_codes(nested, json!({})).await, ["QUERY_TOO_DEEP"]);
}
