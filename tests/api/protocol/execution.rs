//! What the specification says of execution: where nulls end up, what errors say, what is resolved how often.

use serde_json::{Value, json};

use crate::support::{Actor, Answer, Roster};

async fn world() -> (Roster, Actor) {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    roster.project(&alice, &acme, "Apollo").await;
    roster.project(&alice, &acme, "Gemini").await;
    roster.organization(&alice, "Globex").await;
    (roster, alice)
}

/// The paths and codes of all errors.
fn errors(answer: &Answer) -> Vec<(Value, Value)> {
    let errors = answer.body["errors"].as_array().cloned().unwrap_or_default();
    for error in &errors {
        assert!(error["locations"][0]["line"].is_number() && error["message"].is_string(), "{error}");
    }
    errors.iter().map(|error| (error["path"].clone(), error["extensions"]["code"].clone())).collect()
}

fn bad_input(path: Value) -> (Value, Value) {
    (path, json!("BAD_USER_INPUT"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nullable_field_that_fails_is_null_and_nothing_else() {
    let (_roster, alice) = world().await;
    let query = "{ organization(by: {slug: \"acme\"}) { before: name members(first: 101) { totalCount } after: name } other: organization(by: {slug: \"globex\"}) { name } }";
    let answer = alice.post(query, json!({})).await;
    let data = json!({ "organization": { "before": "Acme", "members": null, "after": "Acme" }, "other": { "name": "Globex" } });
    assert_eq!(answer.body["data"], data);
    assert_eq!(errors(&answer), [bad_input(json!(["organization", "members"]))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_non_null_field_that_fails_takes_its_parent_along() {
    let (_roster, alice) = world().await;
    let query = "{ viewer { actor { displayName } memberships(first: 101) { totalCount } } organization(by: {slug: \"acme\"}) { name } }";
    let answer = alice.post(query, json!({})).await;
    assert_eq!(answer.body["data"], json!({ "viewer": null, "organization": { "name": "Acme" } }));
    assert_eq!(errors(&answer), [bad_input(json!(["viewer", "memberships"]))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_inside_of_a_list_says_in_which_item_and_where_in_it() {
    let (_roster, alice) = world().await;
    // Nullable in the items.
    let query = "{ organizations { nodes { name members(first: 101) { totalCount } } } }";
    let answer = alice.post(query, json!({})).await;
    let nodes = json!([{ "name": "Acme", "members": null }, { "name": "Globex", "members": null }]);
    assert_eq!(answer.body["data"], json!({ "organizations": { "nodes": nodes } }));
    let path = |index: u8| bad_input(json!(["organizations", "nodes", index, "members"]));
    assert_eq!(errors(&answer), [path(0), path(1)]);
    // Nothing between the field and the list can be null: the list goes, and what holds it.
    let query = "{ organizations { edges { node { name members { nodes { projectMemberships(first: 101) { totalCount } } } } } } }";
    let answer = alice.post(query, json!({})).await;
    let edges =
        json!([{ "node": { "name": "Acme", "members": null } }, { "node": { "name": "Globex", "members": null } }]);
    assert_eq!(answer.body["data"], json!({ "organizations": { "edges": edges } }));
    let path = |index: u8| {
        let path = json!(["organizations", "edges", index, "node", "members", "nodes", 0, "projectMemberships"]);
        bad_input(path)
    };
    assert_eq!(errors(&answer), [path(0), path(1)]);
    // What is in between and can be null goes alone.
    let query = "{ organization(by: {slug: \"acme\"}) { name projects { edges { node { members { nodes { organizationMember { projectMemberships(first: 101) { totalCount } } } } } } } } }";
    let answer = alice.post(query, json!({})).await;
    let node = json!({ "node": { "members": { "nodes": [{ "organizationMember": null }] } } });
    let edges = json!([node, node]);
    assert_eq!(answer.body["data"], json!({ "organization": { "name": "Acme", "projects": { "edges": edges } } }));
    let path = |index: u8| {
        let members = ["members", "nodes"];
        bad_input(json!([
            "organization",
            "projects",
            "edges",
            index,
            "node",
            members[0],
            members[1],
            0,
            "organizationMember",
            "projectMemberships"
        ]))
    };
    assert_eq!(errors(&answer), [path(0), path(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_errors_are_all_told_in_the_order_of_the_document() {
    let (_roster, alice) = world().await;
    let query = "{ c: organizations(first: 101) { totalCount } a: organizations(last: -1) { totalCount } b: organizations(after: \"x\") { totalCount } ok: __typename c: organizations(first: 101) { nodes { id } } }";
    let answer = alice.post(query, json!({})).await;
    assert_eq!(answer.body["data"], json!({ "c": null, "a": null, "b": null, "ok": "Query" }));
    let path = |alias: &str| bad_input(json!([alias]));
    assert_eq!(errors(&answer), [path("c"), path("a"), path("b")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn mutations_run_one_after_another_and_spare_each_other() {
    let (roster, alice) = world().await;
    let query = "mutation {
        one: organizationCreate(input: {name: \"One\"}) { organization { slug } }
        bad: organizationCreate(input: {name: \"Two\"}) { organization { slug members(first: 101) { totalCount } } }
        refused: organizationCreate(input: {name: \"\"}) { organization { slug } userErrors { code } }
        three: organizationCreate(input: {name: \"One\"}) { organization { slug } }
    }";
    let mut answer = alice.post(query, json!({})).await;
    // It finds what the first has done.
    let slug = answer.body["data"]["three"]["organization"]["slug"].take();
    assert!(slug.as_str().unwrap().starts_with("one-"), "{slug}");
    let data = json!({
        "one": { "organization": { "slug": "one" } },
        "bad": { "organization": { "slug": "two", "members": null } },
        "refused": { "organization": null, "userErrors": [{ "code": "BLANK" }] },
        "three": { "organization": { "slug": null } },
    });
    assert_eq!(answer.body["data"], data);
    assert_eq!(errors(&answer), [bad_input(json!(["bad", "organization", "members"]))]);
    assert_eq!(roster.texts("SELECT count(*) FROM organizations").await, ["5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_twice_is_done_once() {
    let (roster, alice) = world().await;
    let query = "mutation($yes: Boolean!, $no: Boolean = false) {
        organizationCreate(input: {name: \"One\"}) { organization { slug } }
        ...More @include(if: $yes)
        ... on Mutation { organizationCreate(input: {name: \"One\"}) { userErrors { code } } }
        skipped: organizationCreate(input: {name: \"Two\"}) @skip(if: $yes) { organization { slug } }
        also: organizationCreate(input: {name: \"Three\"}) @include(if: $no) { organization { slug } }
        organizationCreate(input: {name: \"One\"}) { organization { name } }
    }
    fragment More on Mutation { organizationCreate(input: {name: \"One\"}) { __typename } }";
    let data = alice.data(query, json!({ "yes": true })).await;
    let payload = json!({ "organization": { "slug": "one", "name": "One" }, "__typename": "OrganizationCreatePayload", "userErrors": [] });
    assert_eq!(data, json!({ "organizationCreate": payload }));
    assert_eq!(roster.texts("SELECT count(*) FROM organizations").await, ["3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_stand_in_the_order_of_the_document() {
    let (_roster, alice) = world().await;
    let query = "{ organization(by: {slug: \"acme\"}) { slug ...F projects { totalCount } name id } z: __typename viewer { __typename } a: __typename } fragment F on Organization { members { totalCount } ... on Node { id } description }";
    let answer = alice.post(query, json!({})).await.text;
    let keys =
        ["organization", "slug", "members", "totalCount", "id", "description", "projects", "name", "z", "viewer", "a"];
    let places: Vec<usize> = keys.iter().map(|key| answer.find(&format!("\"{key}\"")).unwrap()).collect();
    assert!(places.is_sorted(), "{keys:?} stand at {places:?} in {answer}");
}

/// A value that a scalar cannot read is found before anything runs.
#[tokio::test(flavor = "multi_thread")]
async fn scalars_of_our_own_are_read_before_anything_runs() {
    let (_roster, alice) = world().await;
    let query = |from: &str| {
        format!(
            "{{ organization(by: {{slug: \"acme\"}}) {{ name invitations(filter: {{createdAt: {{from: {from}}}}}) {{ totalCount }} }} }}"
        )
    };
    assert_eq!(alice.data(&query("\"2026-11-21T09:30:00+01:00\""), json!({})).await["organization"]["name"], "Acme");
    let with_variable = "query($range: DateTimeRangeInput!) { organization(by: {slug: \"acme\"}) { name invitations(filter: {createdAt: $range}) { totalCount } } }";
    for (query, variables) in [
        (query("\"yesterday\""), json!({})),
        (query("7"), json!({})),
        (query("{a: 1}"), json!({})),
        (query("[\"2026-11-21T09:30:00Z\"]"), json!({})),
        (with_variable.to_owned(), json!({ "range": { "from": "soon" } })),
        (with_variable.to_owned(), json!({ "range": { "to": 7 } })),
        ("mutation { apiKeyCreate(input: {organization: {slug: \"acme\"}, name: \"Backend\", permissions: [], expiresAt: \"never\"}) { userErrors { code } } }".to_owned(), json!({})),
    ] {
        let answer = alice.post(&query, variables).await;
        assert_eq!((answer.body.get("data"), &answer.body["errors"][0]["extensions"]["code"]), (None, &json!("BAD_USER_INPUT")), "{query}: {}", answer.body);
    }
}

/// Variables without a value leave the default of what they stand for, and null is no value where one is needed.
#[tokio::test(flavor = "multi_thread")]
async fn variables_stand_for_what_they_are_given() {
    let (_roster, alice) = world().await;
    let order = "query($field: OrganizationMemberOrderField!, $direction: OrderDirection) { organization(by: {slug: \"acme\"}) { members(orderBy: {field: $field, direction: $direction}) { totalCount } } }";
    let members = json!({ "organization": { "members": { "totalCount": 1 } } });
    assert_eq!(alice.data(order, json!({ "field": "NAME" })).await, members);
    let fields = "query($all: Boolean) { __type(name: \"Query\") { name fields(includeDeprecated: $all) { name } } }";
    assert_eq!(alice.data(fields, json!({})).await["__type"]["name"], "Query");
    let by_default = "query($slug: String = \"acme\") { organization(by: {slug: $slug}) { name } }";
    assert_eq!(alice.data(by_default, json!({})).await, json!({ "organization": { "name": "Acme" } }));
    let skipping = "query($skip: Boolean = true) { __typename organizations @skip(if: $skip) { totalCount } }";
    assert_eq!(alice.data(skipping, json!({})).await, json!({ "__typename": "Query" }));
    for (query, variables) in [
        (order, json!({ "field": "NAME", "direction": null })),
        (fields, json!({ "all": null })),
        (by_default, json!({ "slug": null })),
        (skipping, json!({ "skip": null })),
    ] {
        let answer = alice.post(query, variables).await;
        assert_eq!(answer.body.get("data"), None, "{query}: {}", answer.body);
        let error = &answer.body["errors"][0];
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{query}: {error}");
        assert!(error["message"].as_str().unwrap().ends_with("is null where a value is needed."), "{error}");
    }
    // A default of null is none where a value is needed.
    let no_default = by_default.replace("\"acme\"", "null");
    assert_eq!(alice.error_codes(&no_default, json!({ "slug": "acme" })).await, ["GRAPHQL_VALIDATION_FAILED"]);
}

/// What is written in any way that the grammar allows means the same.
#[tokio::test(flavor = "multi_thread")]
async fn documents_are_read_as_the_grammar_has_it() {
    let (_roster, alice) = world().await;
    for (document, name) in [
        (
            "query ($id : [ ID\u{feff} !, ] #\n ! ) { a: nodes(ids: $id) { id } organization(by: {slug: \"acme\"}) { name } }",
            "Acme",
        ),
        (
            "query($s: String! = \"acme\") { organization(by: {slug: $s}) { ...F } } fragment F on # here\n Organization { name }",
            "Acme",
        ),
        ("{ organization(by: {slug: \"\\u0061cm\\u{65}\"}) { name } }", "Acme"),
        ("{ organization(by: {slug: \"\"\"\n  acme\n  \"\"\"}) { name } }", "Acme"),
        (
            "\"What it is for.\" query Q { organization(by: {slug: \"acme\"}) { name members(first: -0) { totalCount } } }",
            "Acme",
        ),
    ] {
        let data = alice.data(document, json!({ "id": [] })).await;
        assert_eq!(data["organization"]["name"], name, "{document}");
    }
    let twice = "{ organizations(filter: {search: \"acme\", search: \"globex\"}) { totalCount } }";
    assert_eq!(alice.error_codes(twice, json!({})).await, ["GRAPHQL_VALIDATION_FAILED"]);
    // The places of errors count characters.
    let answer =
        alice.post("{ a: __typename # é 😀\n  organization(by: {slug: \"acme\"}) { é: name } }", json!({})).await;
    assert_eq!(answer.body["errors"][0]["extensions"]["code"], "GRAPHQL_PARSE_FAILED");
    let late = "# é 😀\n{ x: organization(by: {slug: \"é\"}) { id } ...F } fragment F on Query {\n  organization(by: {slug: \"acme\"}) { members(first: 101) { totalCount } } }";
    let answer = alice.post(late, json!({})).await;
    assert_eq!(answer.body["errors"][0]["locations"], json!([{ "line": 3, "column": 38 }]), "{}", answer.body);
}
