//! Changing a project.

use serde_json::{Value, json};

use crate::support::{Actor, Roster};

const UPDATE: &str = "mutation($input: ProjectUpdateInput!) { projectUpdate(input: $input) {
  project { slug name description version }
  userErrors { code path ... on VersionUserError { currentVersion } ... on PermissionUserError { requiredPermission } } } }";

async fn update(actor: &Actor, project: &str, mut input: Value) -> Value {
    input["project"] = json!({ "id": project });
    actor.payload(UPDATE, json!({ "input": input })).await
}

async fn refused(actor: &Actor, project: &str, mut input: Value) -> Vec<String> {
    input["project"] = json!({ "id": project });
    actor.refused(UPDATE, json!({ "input": input })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_absent_stays_and_null_clears() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let apollo = roster.project(&alice, &acme, "Apollo").await;
    roster.project(&alice, &acme, "Beta").await;
    let steps = [
        (json!({ "description": " To\nthe moon " }), json!(["apollo", "Apollo", "To\nthe moon", 2])),
        (json!({ "name": "Zürich" }), json!(["apollo", "Zürich", "To\nthe moon", 3])),
        (json!({ "slug": " LAKE ", "expectedVersion": 3 }), json!(["lake", "Zürich", "To\nthe moon", 4])),
        (json!({}), json!(["lake", "Zürich", "To\nthe moon", 4])),
        (
            json!({ "name": "Zürich", "slug": "lake", "description": "To\nthe moon" }),
            json!(["lake", "Zürich", "To\nthe moon", 4]),
        ),
        (json!({ "description": null }), json!(["lake", "Zürich", null, 5])),
        (json!({ "description": " " }), json!(["lake", "Zürich", null, 5])),
    ];
    for (input, after) in steps {
        let payload = update(&alice, &apollo, input.clone()).await;
        assert_eq!(payload["userErrors"], json!([]), "{input}");
        let project = &payload["project"];
        assert_eq!(
            json!([project["slug"], project["name"], project["description"], project["version"]]),
            after,
            "{input}"
        );
    }
    let changes =
        roster.texts("SELECT data->'after' FROM events WHERE type = 'project.updated' ORDER BY version").await;
    assert_eq!(
        changes,
        [
            "{\"description\": \"To\\nthe moon\"}",
            "{\"name\": \"Zürich\"}",
            "{\"slug\": \"lake\"}",
            "{\"description\": null}"
        ]
    );
    for field in ["name", "slug"] {
        let payload = update(&alice, &apollo, json!({ field: null })).await;
        assert_eq!(payload["userErrors"], json!([{ "code": "BLANK", "path": ["input", field] }]));
    }
    // The list follows; the old slug is free.
    let listed = alice.data("{ organization(by: {slug: \"acme\"}) { projects { nodes { name } } lake: projects(filter: {search: \"zuri\"}) { totalCount } project(slug: \"apollo\") { id } } }", json!({})).await;
    assert_eq!(
        listed["organization"],
        json!({ "projects": { "nodes": [{ "name": "Beta" }, { "name": "Zürich" }] }, "lake": { "totalCount": 1 }, "project": null })
    );
    roster.project(&alice, &acme, "Apollo").await;
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_problems_are_reported_together() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let (acme, other) = (roster.organization(&alice, "Acme").await, roster.organization(&alice, "Other").await);
    let apollo = roster.project(&alice, &acme, "Apollo").await;
    roster.project(&alice, &acme, "Beta").await;
    roster.project(&alice, &other, "Gemini").await;
    let before = roster.content().await;
    let input = json!({ "name": "\t", "description": "x".repeat(2001), "slug": "beta", "expectedVersion": 2 });
    assert_eq!(
        update(&alice, &apollo, input).await,
        json!({ "project": null, "userErrors": [
            { "code": "STALE_VERSION", "path": ["input", "expectedVersion"], "currentVersion": 1 },
            { "code": "BLANK", "path": ["input", "name"] },
            { "code": "TOO_LONG", "path": ["input", "description"] },
            { "code": "TAKEN", "path": ["input", "slug"] },
        ] })
    );
    assert_eq!(roster.content().await, before);
    assert_eq!(refused(&alice, &apollo, json!({ "slug": "a--b" })).await, ["INVALID"]);
    // What a project of another organization is called does not matter.
    assert_eq!(update(&alice, &apollo, json!({ "slug": "gemini" })).await["project"]["slug"], "gemini");
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_change_a_project_and_others_do_not() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let apollo = roster.project(&alice, &acme, "Apollo").await;
    let (ada, _) = roster.member(&alice, &acme, "ada", "admin").await;
    let mut people = Vec::new();
    for (name, role) in [("pam", "admin"), ("mel", "member"), ("victor", "viewer")] {
        let (person, _) = roster.member(&alice, &acme, name, "viewer").await;
        roster.project_member(&alice, &apollo, name, role).await;
        people.push(person);
    }
    let key = roster.key(&acme, Some(&apollo), &["project.read", "project.update"]).await;
    for (number, actor) in [&alice, &ada, &people[0], &key, &roster.operator()].into_iter().enumerate() {
        let payload = update(actor, &apollo, json!({ "name": format!("Apollo {number}") })).await;
        assert_eq!(payload["project"]["version"], number + 2, "{}", actor.name);
    }
    let weak = roster.key(&acme, None, &["project.read", "organization.update"]).await;
    for actor in [&people[1], &people[2], &weak] {
        let payload = update(actor, &apollo, json!({ "name": "Mine" })).await;
        let forbidden = json!([{ "code": "FORBIDDEN", "path": null, "requiredPermission": "project.update" }]);
        assert_eq!(payload["userErrors"], forbidden, "{}", actor.name);
    }
    // Members who are not in it do not know of it, nor do others where the profile is public.
    let (nora, _) = roster.member(&alice, &acme, "nora", "member").await;
    roster.sql("UPDATE organizations SET visibility = 'PUBLIC'").await;
    for actor in [nora, roster.person("oscar")] {
        assert_eq!(refused(&actor, &apollo, json!({ "name": "Mine" })).await, ["NOT_FOUND"], "{}", actor.name);
    }
    let input = json!({ "input": { "project": { "id": apollo }, "name": "Mine" } });
    assert_eq!(roster.anonymous().error_codes(UPDATE, input).await, ["UNAUTHENTICATED"]);
    roster.assert_counters().await;
}
