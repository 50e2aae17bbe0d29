//! Changing the profile of an organization.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{
    concurrency::{CROWD, acme, at_once},
    support::{Actor, Roster, codes},
};

const UPDATE: &str = "mutation($input: OrganizationUpdateInput!) { organizationUpdate(input: $input) {
  organization { slug name description logoUrl website industry { key } email phone visibility version updatedAt }
  userErrors { code path ... on VersionUserError { currentVersion } ... on PermissionUserError { requiredPermission } } } }";

/// Changes the organization with this slug.
async fn update(actor: &Actor, slug: &str, mut input: Value) -> Value {
    input["organization"] = json!({ "slug": slug });
    actor.payload(UPDATE, json!({ "input": input })).await
}

async fn updated(actor: &Actor, slug: &str, input: Value) -> Value {
    let payload = update(actor, slug, input).await;
    assert_eq!(payload["userErrors"], json!([]));
    payload["organization"].clone()
}

async fn refused(actor: &Actor, slug: &str, mut input: Value) -> Vec<String> {
    input["organization"] = json!({ "slug": slug });
    actor.refused(UPDATE, json!({ "input": input })).await
}

async fn change(roster: &Roster) -> Value {
    let last = roster.texts("SELECT data FROM events ORDER BY version DESC LIMIT 1").await;
    serde_json::from_str(&last[0]).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_absent_stays_and_null_clears() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    roster.organization(&alice, "Acme").await;
    let fields = [
        ("description", json!(" Two\nlines "), json!("Two\nlines")),
        ("logoUrl", json!("https://example.com/logo.png"), json!("https://example.com/logo.png")),
        ("website", json!("HTTPS://Example.com"), json!("https://example.com/")),
        ("industry", json!("software"), json!("software")),
        ("email", json!("Info@EXAMPLE.com"), json!("info@example.com")),
        ("phone", json!("+1 650-253-0000"), json!("+16502530000")),
    ];
    let mut version = 1;
    for (field, given, kept) in &fields {
        roster.wait(TimeDelta::seconds(1));
        version += 1;
        let after = updated(&alice, "acme", json!({ *field: given })).await;
        let shown = if *field == "industry" { &after["industry"]["key"] } else { &after[*field] };
        assert_eq!((shown, &after["version"]), (kept, &json!(version)), "{field}");
        assert_eq!(
            after["updatedAt"].as_str().unwrap().replace(".000Z", "Z"),
            roster.now().to_rfc3339().replace("+00:00", "Z")
        );
        assert_eq!(change(&roster).await, json!({ "before": { *field: null }, "after": { *field: kept } }));
    }
    // All of it at once, as it is: nothing changes.
    let mut all = json!({ "name": "Acme", "slug": "acme", "visibility": "PRIVATE" });
    for (field, given, _) in &fields {
        all[*field] = given.clone();
    }
    let before = roster.content().await;
    for nothing in [json!({}), all] {
        assert_eq!(updated(&alice, "acme", nothing).await["version"], version);
    }
    assert_eq!(roster.content().await, before);
    for (field, _, kept) in &fields {
        version += 1;
        let after = updated(&alice, "acme", json!({ *field: null })).await;
        assert_eq!((&after[*field], &after["version"]), (&Value::Null, &json!(version)), "{field}");
        assert_eq!(change(&roster).await, json!({ "before": { *field: kept }, "after": { *field: null } }));
    }
    // Blank is no description.
    updated(&alice, "acme", json!({ "description": "Text" })).await;
    assert_eq!(updated(&alice, "acme", json!({ "description": " \n" })).await["description"], Value::Null);
    assert_eq!(roster.events().await[2..], vec!["organization.updated"; 14]);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn name_slug_and_visibility_are_never_empty() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    roster.organization(&alice, "Acme").await;
    for field in ["name", "slug", "visibility"] {
        let payload = update(&alice, "acme", json!({ field: null })).await;
        assert_eq!(payload["userErrors"], json!([{ "code": "BLANK", "path": ["input", field] }]));
    }
    let after = updated(&alice, "acme", json!({ "name": " Ünder ", "visibility": "PUBLIC" })).await;
    assert_eq!(
        (&after["name"], &after["visibility"], &after["slug"]),
        (&json!("Ünder"), &json!("PUBLIC"), &json!("acme"))
    );
    assert_eq!(
        change(&roster).await,
        json!({ "before": { "name": "Acme", "visibility": "PRIVATE" }, "after": { "name": "Ünder", "visibility": "PUBLIC" } })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn all_problems_are_reported_together() {
    let roster = Roster::start().await;
    let (alice, bob) = (roster.person("alice"), roster.person("bob"));
    roster.organization(&alice, "Acme").await;
    roster.organization(&bob, "Other").await;
    let before = roster.content().await;
    let input = json!({
        "name": " ",
        "slug": "other",
        "description": "x".repeat(2001),
        "logoUrl": "https://user:secret@example.com/logo.png",
        "website": "example.com",
        "industry": "Software",
        "email": "nobody",
        "phone": "0049 30 901820",
        "expectedVersion": 7,
    });
    let payload = update(&alice, "acme", input).await;
    assert_eq!(
        payload,
        json!({ "organization": null, "userErrors": [
            { "code": "STALE_VERSION", "path": ["input", "expectedVersion"], "currentVersion": 1 },
            { "code": "BLANK", "path": ["input", "name"] },
            { "code": "TOO_LONG", "path": ["input", "description"] },
            { "code": "INVALID", "path": ["input", "logoUrl"] },
            { "code": "INVALID", "path": ["input", "website"] },
            { "code": "INVALID", "path": ["input", "industry"] },
            { "code": "INVALID", "path": ["input", "email"] },
            { "code": "INVALID", "path": ["input", "phone"] },
            { "code": "TAKEN", "path": ["input", "slug"] },
        ] })
    );
    assert_eq!(roster.content().await, before);
    for bad in ["a", "", "-acme", "ac--me", "graphql", "Settings", &"x".repeat(49)] {
        assert_eq!(refused(&alice, "acme", json!({ "slug": bad })).await, ["INVALID"], "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn old_slugs_keep_resolving_and_stay_ones_own() {
    let roster = Roster::start().await;
    let (alice, bob) = (roster.person("alice"), roster.person("bob"));
    let acme = roster.organization(&alice, "Acme").await;
    roster.organization(&bob, "Other").await;
    assert_eq!(updated(&alice, "acme", json!({ "slug": " Ace " })).await["slug"], "ace");
    assert_eq!(updated(&alice, "acme", json!({ "slug": "apex" })).await["slug"], "apex");
    for slug in ["acme", "ace", "apex"] {
        let found = alice
            .data("query($slug: String!) { organization(by: {slug: $slug}) { id slug } }", json!({ "slug": slug }))
            .await;
        assert_eq!(found["organization"], json!({ "id": acme, "slug": "apex" }), "{slug}");
        assert_eq!(refused(&bob, "other", json!({ "slug": slug })).await, ["TAKEN"], "{slug}");
    }
    // Taking back one's own, and being found by it.
    let back = updated(&alice, "ace", json!({ "slug": "acme" })).await;
    assert_eq!((&back["slug"], &back["version"]), (&json!("acme"), &json!(4)));
    assert_eq!(change(&roster).await, json!({ "before": { "slug": "apex" }, "after": { "slug": "acme" } }));
    assert_eq!(
        roster.texts("SELECT slug FROM organization_slugs ORDER BY slug").await,
        ["ace", "acme", "apex", "other"]
    );
    // A project is found by the old slug of its organization as well.
    roster.project(&alice, &acme, "Apollo").await;
    let found =
        alice.data("{ project(by: {path: {organization: \"apex\", project: \"apollo\"}}) { slug } }", json!({})).await;
    assert_eq!(found["project"]["slug"], "apollo");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_follow_a_new_name_and_slug() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    for name in ["Acme", "Beta"] {
        roster.organization(&alice, name).await;
    }
    updated(&alice, "acme", json!({ "name": "Zürich", "slug": "lake" })).await;
    let listed = alice.data("{ organizations { nodes { name } } }", json!({})).await;
    assert_eq!(listed["organizations"]["nodes"], json!([{ "name": "Beta" }, { "name": "Zürich" }]));
    for (search, found) in [("ZURI", 1), ("lake", 1), ("acme", 0)] {
        let query = "query($search: String!) { organizations(filter: {search: $search}) { totalCount } }";
        let listed = alice.data(query, json!({ "search": search })).await;
        assert_eq!(listed["organizations"]["totalCount"], found, "{search}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_edits_an_old_version_is_told() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    roster.organization(&alice, "Acme").await;
    updated(&alice, "acme", json!({ "name": "Ace", "expectedVersion": 1 })).await;
    for expected in [0, 1, 3, -1] {
        let payload = update(&alice, "acme", json!({ "name": "Apex", "expectedVersion": expected })).await;
        let stale = json!([{ "code": "STALE_VERSION", "path": ["input", "expectedVersion"], "currentVersion": 2 }]);
        assert_eq!(payload["userErrors"], stale);
    }
    assert_eq!(updated(&alice, "acme", json!({ "name": "Apex", "expectedVersion": 2 })).await["version"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_change_the_profile_and_others_do_not() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let apollo = roster.project(&alice, &acme, "Apollo").await;
    let (ada, _) = roster.member(&alice, &acme, "ada", "admin").await;
    let key = roster.key(&acme, None, &["organization.update"]).await;
    for (number, actor) in [&alice, &ada, &key, &roster.operator()].into_iter().enumerate() {
        let after = updated(actor, "acme", json!({ "name": format!("Acme {number}") })).await;
        assert_eq!(after["version"], number + 2, "{}", actor.name);
    }
    assert_eq!(
        roster.texts("SELECT actor_kind FROM events WHERE type = 'organization.updated' ORDER BY version").await,
        ["USER", "USER", "API_KEY", "OPERATOR"]
    );
    let (mel, _) = roster.member(&alice, &acme, "mel", "member").await;
    let (victor, _) = roster.member(&alice, &acme, "victor", "viewer").await;
    let weak = roster.key(&acme, None, &["organization.delete", "members.manage"]).await;
    let limited = roster.key(&acme, Some(&apollo), &["organization.update", "project.read"]).await;
    let (gus, _) = roster.member(&alice, &acme, "gus", "guest").await;
    for actor in [&mel, &victor, &gus, &weak, &limited] {
        let payload = update(actor, "acme", json!({ "name": "Mine" })).await;
        let forbidden = json!([{ "code": "FORBIDDEN", "path": null, "requiredPermission": "organization.update" }]);
        assert_eq!(payload["userErrors"], forbidden, "{}", actor.name);
    }
    let (oscar, other) = (roster.person("oscar"), roster.organization(&roster.person("mallory"), "Other").await);
    let foreign = roster.key(&other, None, &["organization.update"]).await;
    for (visibility, code) in [("PRIVATE", "NOT_FOUND"), ("PUBLIC", "FORBIDDEN")] {
        updated(&alice, "acme", json!({ "visibility": visibility })).await;
        for actor in [&oscar, &foreign] {
            assert_eq!(refused(actor, "acme", json!({ "name": "Mine" })).await, [code], "{}", actor.name);
        }
        let input = json!({ "input": { "organization": { "slug": "acme" }, "name": "Mine" } });
        assert_eq!(roster.anonymous().error_codes(UPDATE, input).await, ["UNAUTHENTICATED"]);
    }
    for nothing in ["nothing", "?"] {
        assert_eq!(refused(&alice, nothing, json!({ "name": "Mine" })).await, ["NOT_FOUND"]);
    }
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_profile_shows_nobody_who_is_in_it() {
    const PROFILE: &str = "{ organization(by: {slug: \"acme\"}) { name website industry { name } phone projects { totalCount nodes { name } } viewerPermissions } }";
    const INSIDE: [&str; 5] = [
        "members { totalCount }",
        "plan { tier }",
        "owner { isOwner }",
        "roles { totalCount }",
        "invitations { totalCount }",
    ];
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    roster.project(&alice, &acme, "Apollo").await;
    updated(&alice, "acme", json!({ "website": "https://acme.example", "industry": "legal", "phone": "+4930901820" }))
        .await;
    for actor in [roster.anonymous(), roster.person("oscar")] {
        assert_eq!(actor.data(PROFILE, json!({})).await["organization"], Value::Null);
    }
    updated(&alice, "acme", json!({ "visibility": "PUBLIC" })).await;
    for (actor, denied) in [(roster.anonymous(), "UNAUTHENTICATED"), (roster.person("oscar"), "FORBIDDEN")] {
        assert_eq!(
            actor.data(PROFILE, json!({})).await["organization"],
            json!({ "name": "Acme", "website": "https://acme.example/", "industry": { "name": "Legal services" }, "phone": "+4930901820",
                "projects": { "totalCount": 0, "nodes": [] }, "viewerPermissions": [] })
        );
        for part in INSIDE {
            let query = format!("{{ organization(by: {{slug: \"acme\"}}) {{ {part} }} }}");
            assert_eq!(actor.error_codes(&query, json!({})).await, [denied], "{} {part}", actor.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn industries_are_listed_for_everybody() {
    let roster = Roster::start().await;
    let data = roster.anonymous().data("{ industries { key name } }", json!({})).await;
    let industries = data["industries"].as_array().unwrap();
    assert!(
        industries.len() > 20 && industries.contains(&json!({ "key": "ai-ml", "name": "AI and machine learning" }))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_slug_wanted_by_32_at_once_goes_to_one() {
    let _alone = CROWD.lock().await;
    let (roster, alice, _) = acme().await;
    for number in 1..32 {
        roster.organization(&alice, &format!("Acme {number}")).await;
    }
    let slugs = std::iter::once("acme".to_owned()).chain((1..32).map(|number| format!("acme-{number}")));
    let wanted = |slug: String| json!({ "input": { "organization": { "slug": slug }, "slug": "apex" } });
    let answers = at_once(slugs.map(|slug| (alice.clone(), UPDATE, wanted(slug)))).await;
    let refusals: Vec<_> = answers.iter().map(|answer| codes(&answer["organizationUpdate"]["userErrors"])).collect();
    assert_eq!(refusals.iter().filter(|codes| codes.is_empty()).count(), 1);
    assert_eq!(refusals.iter().filter(|codes| **codes == ["TAKEN"]).count(), 31);
    assert_eq!(roster.texts("SELECT count(*) FROM organizations WHERE slug = 'apex'").await, ["1"]);
    roster.assert_counters().await;
}
