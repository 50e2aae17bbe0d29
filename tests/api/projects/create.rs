//! Creating projects.

use serde_json::{Value, json};

use crate::support::{Actor, Roster, id};

const CREATE: &str = "mutation($input: ProjectCreateInput!) { projectCreate(input: $input) {
  project { id slug name description version createdAt organization { slug } viewerMembership { role { key scope } }
    owner { role { key } user { email } } members(first: 0) { totalCount } }
  userErrors { code path ... on LimitUserError { limit actual } ... on PermissionUserError { requiredPermission } } } }";

async fn create(actor: &Actor, input: Value) -> Value {
    actor.payload(CREATE, json!({ "input": input })).await
}

async fn slug(actor: &Actor, input: Value) -> String {
    let payload = create(actor, input).await;
    payload["project"]["slug"].as_str().unwrap_or_else(|| panic!("refused: {payload}")).to_owned()
}

async fn refused(actor: &Actor, input: Value) -> Vec<String> {
    actor.refused(CREATE, json!({ "input": input })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_enough() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let mut created = create(&alice, json!({ "organization": { "id": acme }, "name": " Apollo 11 " })).await;
    assert_eq!(created["project"]["id"].take().as_str().map(|id| id.starts_with("prj_")), Some(true));
    assert_eq!(
        created,
        json!({
            "project": {
                "id": null,
                "slug": "apollo-11",
                "name": "Apollo 11",
                "description": null,
                "version": 1,
                "createdAt": "2026-11-21T09:00:00.000Z",
                "organization": { "slug": "acme" },
                "viewerMembership": { "role": { "key": "owner", "scope": "PROJECT" } },
                "owner": { "role": { "key": "owner" }, "user": { "email": "alice@example.com" } },
                "members": { "totalCount": 1 },
            },
            "userErrors": [],
        })
    );
    assert_eq!(
        roster.events().await,
        ["organization.created", "member.joined", "project.created", "project_member.added"]
    );
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slugs_are_unique_in_their_organization_only() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let (acme, other) = (roster.organization(&alice, "Acme").await, roster.organization(&alice, "Other").await);
    let named = |organization: &str, name: &str| json!({ "organization": { "id": organization }, "name": name });
    assert_eq!(slug(&alice, named(&acme, "Café Ünïque")).await, "cafe-unique");
    assert_eq!(slug(&alice, named(&other, "Café Ünïque")).await, "cafe-unique");
    assert_eq!(slug(&alice, named(&acme, "宇宙")).await, "project");
    let second = slug(&alice, named(&acme, "cafe unique")).await;
    let suffix = second.strip_prefix("cafe-unique-").unwrap_or_else(|| panic!("{second}"));
    assert_eq!(suffix.len(), 4);

    let wanted = |slug: &str| json!({ "organization": { "slug": "acme" }, "name": "Apollo", "slug": slug });
    assert_eq!(slug(&alice, wanted("Apollo-1")).await, "apollo-1");
    for taken in ["apollo-1", " APOLLO-1"] {
        assert_eq!(refused(&alice, wanted(taken)).await, ["TAKEN"], "{taken}");
    }
    for bad in ["a", "", "-a-", "a--b", "a b", "ä-b", &"x".repeat(49)] {
        assert_eq!(refused(&alice, wanted(bad)).await, ["INVALID"], "{bad}");
    }
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_problems_are_reported_together() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let before = roster.content().await;
    let input = json!({ "organization": { "id": acme }, "name": "\t", "slug": "?", "description": "x".repeat(2001) });
    assert_eq!(
        create(&alice, input).await,
        json!({ "project": null, "userErrors": [
            { "code": "BLANK", "path": ["input", "name"] },
            { "code": "TOO_LONG", "path": ["input", "description"] },
            { "code": "INVALID", "path": ["input", "slug"] },
        ] })
    );
    assert_eq!(roster.content().await, before);
    let named = |name: &str, description: &str| json!({ "organization": { "id": acme }, "name": name, "description": description });
    assert_eq!(refused(&alice, named(&"x".repeat(101), "")).await, ["TOO_LONG"]);
    for mark in ['\0', '\u{1b}', '\u{61c}', '\u{200f}', '\u{202e}', '\u{2067}'] {
        let text = format!("Ap{mark}ollo");
        assert_eq!(refused(&alice, named(&text, "")).await, ["INVALID"], "{mark:?}");
        assert_eq!(refused(&alice, named("Apollo", &text)).await, ["INVALID"], "{mark:?}");
    }
    let fits = create(&alice, named(&"é".repeat(100), &"é\n".repeat(1000))).await;
    assert_eq!(fits["project"]["description"].as_str().map(|text| text.chars().count()), Some(1999));
}

#[tokio::test(flavor = "multi_thread")]
async fn members_create_and_viewers_do_not() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let input = || json!({ "organization": { "id": acme }, "name": "Apollo" });
    for (name, role) in [("ada", "admin"), ("bob", "member")] {
        let (person, _) = roster.member(&alice, &acme, name, role).await;
        let created = create(&person, input()).await;
        assert_eq!(created["project"]["owner"]["user"]["email"], format!("{name}@example.com"));
    }
    for (name, role) in [("victor", "viewer"), ("gus", "guest")] {
        let (person, _) = roster.member(&alice, &acme, name, role).await;
        let before = roster.content().await;
        let refusal = create(&person, input()).await;
        assert_eq!(refusal["userErrors"][0]["code"], "FORBIDDEN", "{name}");
        assert_eq!(refusal["userErrors"][0]["requiredPermission"], "projects.create", "{name}");
        assert_eq!(roster.content().await, before);
    }

    // A public profile is no invitation to create projects.
    let outsider = roster.person("oscar");
    assert_eq!(refused(&outsider, input()).await, ["NOT_FOUND"]);
    roster.sql("UPDATE organizations SET visibility = 'PUBLIC'").await;
    assert_eq!(refused(&outsider, input()).await, ["FORBIDDEN"]);
    let unknown = [
        json!({ "slug": "nothing" }),
        json!({ "slug": "?" }),
        json!({ "id": "org_" }),
        json!({ "id": acme.replace("org_", "prj_") }),
    ];
    for organization in unknown {
        let input = json!({ "organization": organization, "name": "Apollo" });
        assert_eq!(refused(&alice, input).await, ["NOT_FOUND"], "{organization}");
    }
    assert_eq!(roster.anonymous().error_codes(CREATE, json!({ "input": input() })).await, ["UNAUTHENTICATED"]);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_the_operator_create_for_the_owner() {
    let roster = Roster::start().await;
    let (alice, mallory) = (roster.person("alice"), roster.person("mallory"));
    let (acme, other) = (roster.organization(&alice, "Acme").await, roster.organization(&mallory, "Other").await);
    let apollo = roster.project(&alice, &acme, "Apollo").await;
    let input = |organization: &str| json!({ "organization": { "id": organization }, "name": "Gemini" });
    let key = roster.key(&acme, None, &["projects.create", "project.read", "project.members.read"]).await;
    for backend in [&key, &roster.operator()] {
        let created = create(backend, input(&acme)).await;
        assert_eq!(created["userErrors"], json!([]), "{}", backend.name);
        assert_eq!(created["project"]["owner"]["user"]["email"], "alice@example.com");
        assert_eq!(created["project"]["viewerMembership"], Value::Null);
    }
    assert_eq!(refused(&key, input(&other)).await, ["NOT_FOUND"]);
    for (project, permissions) in
        [(None, &["projects.manage"][..]), (Some(apollo.as_str()), &["projects.create", "project.read"])]
    {
        let key = roster.key(&acme, project, permissions).await;
        assert_eq!(refused(&key, input(&acme)).await, ["FORBIDDEN"], "{permissions:?}");
    }
    // What a key creates and may not read is there nevertheless.
    let blind = roster.key(&acme, None, &["projects.create"]).await;
    let created = create(&blind, json!({ "organization": { "id": acme }, "name": "Hidden" })).await;
    assert_eq!(created, json!({ "project": null, "userErrors": [] }));
    let hidden =
        alice.data("{ project(by: {path: {organization: \"acme\", project: \"hidden\"}}) { id } }", json!({})).await;
    assert!(id(&hidden["project"]).starts_with("prj_"));
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_has_only_so_many() {
    let roster = Roster::start_with(|app| app.limits.projects = 1).await;
    let alice = roster.person("alice");
    let (acme, other) = (roster.organization(&alice, "Acme").await, roster.organization(&alice, "Other").await);
    roster.project(&alice, &acme, "Apollo").await;
    let before = roster.content().await;
    let refusal = create(&alice, json!({ "organization": { "id": acme }, "name": "Gemini" })).await;
    assert_eq!(refusal["userErrors"], json!([{ "code": "LIMIT_REACHED", "path": null, "limit": 1, "actual": 1 }]));
    assert_eq!(roster.content().await, before);
    roster.project(&alice, &other, "Gemini").await;
}
