//! What everybody finds, field by field; and that a field which is refused leaves the others alone.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use chrono::TimeDelta;
use diesel::{
    connection::InstrumentationEvent,
    {QueryableByName, sql_query, sql_types::Text},
};
use diesel_async::{AsyncConnection, RunQueryDsl, SimpleAsyncConnection};
use roster::{
    domain::id::OrganizationId,
    mail::worker::{Transport, run_once},
    server::tokens::DevelopmentClaims,
    store::{
        organization_members::{self, Filter, Of, OrderField},
        paging::{End, Key, Page},
    },
};
use serde_json::{Value, json};

use crate::support::{ACCEPT, Actor, Answer, Roster, id};

/// Acme with its owner alice, bob (Admin), carol (Member, in Apollo) and dave (Viewer); erin is an outsider.
/// Gemini is alice's alone.
struct World {
    roster: Roster,
    alice: Actor,
    bob: Actor,
    carol: Actor,
    dave: Actor,
    erin: Actor,
    acme: String,
    apollo: String,
    gemini: String,
    /// Memberships of bob, carol and dave.
    members: [String; 3],
    /// Carol's membership of Apollo.
    in_apollo: String,
}

async fn world() -> World {
    let roster = Roster::start().await;
    let (alice, erin) = (roster.person("alice"), roster.person("erin"));
    erin.data("{ viewer { user { id } } }", json!({})).await;
    let acme = roster.organization(&alice, "Acme").await;
    let (bob, as_admin) = roster.member(&alice, &acme, "bob", "admin").await;
    let (carol, as_member) = roster.member(&alice, &acme, "carol", "member").await;
    let (dave, as_viewer) = roster.member(&bob, &acme, "dave", "viewer").await;
    let apollo = roster.project(&alice, &acme, "Apollo").await;
    let gemini = roster.project(&alice, &acme, "Gemini").await;
    let in_apollo = roster.project_member(&alice, &apollo, "carol", "member").await;
    let members = [as_admin, as_member, as_viewer];
    World { roster, alice, bob, carol, dave, erin, acme, apollo, gemini, members, in_apollo }
}

impl World {
    /// Fields of Acme.
    async fn acme(&self, actor: &Actor, fields: &str) -> Value {
        let query = format!("{{ organization(by: {{slug: \"acme\"}}) {{ {fields} }} }}");
        actor.data(&query, json!({})).await["organization"].clone()
    }

    /// Fields of Apollo.
    async fn apollo(&self, actor: &Actor, fields: &str) -> Value {
        let query = format!("query($id: ID!) {{ project(by: {{id: $id}}) {{ {fields} }} }}");
        actor.data(&query, json!({ "id": self.apollo })).await["project"].clone()
    }

    /// The names of the members that pass a filter, and how many those are.
    async fn filtered(&self, actor: &Actor, filter: &str) -> Vec<String> {
        let fields = format!("members(filter: {{{filter}}}) {{ totalCount nodes {{ user {{ displayName }} }} }}");
        let members = self.acme(actor, &fields).await["members"].clone();
        let names = texts(&members["nodes"], "/user/displayName");
        assert_eq!(members["totalCount"], json!(names.len()));
        names
    }

    /// The addresses of the invitations that pass, and how many those are.
    async fn invited(&self, arguments: &str) -> Vec<String> {
        let fields = format!("invitations({arguments} orderBy: {{field: EMAIL}}) {{ totalCount nodes {{ email }} }}");
        let invitations = self.acme(&self.alice, &fields).await["invitations"].clone();
        let emails = texts(&invitations["nodes"], "/email");
        assert_eq!(invitations["totalCount"], json!(emails.len()));
        emails.iter().map(|email| email.replace("@example.com", "")).collect()
    }
}

fn texts(list: &Value, path: &str) -> Vec<String> {
    let list = list.as_array().unwrap_or_else(|| panic!("no list but {list}"));
    list.iter().map(|item| item.pointer(path).and_then(Value::as_str).unwrap().to_owned()).collect()
}

/// Path and code of every error, in the order of the paths.
fn failures(answer: &Answer) -> Vec<(String, String)> {
    let errors = answer.body["errors"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let path = |error: &Value| error["path"].as_array().into_iter().flatten().map(text).collect::<Vec<_>>().join(".");
    let mut failures: Vec<_> = errors.iter().map(|error| (path(error), text(&error["extensions"]["code"]))).collect();
    failures.sort();
    failures
}

#[tokio::test(flavor = "multi_thread")]
async fn the_viewer_is_whoever_asks() {
    const VIEWER: &str = "{ viewer { user { email displayName isViewer } apiKey { displayName organization { slug } project { slug } permissions { key } grantedPermissions { key } responsible { __typename displayName } isActive createdBy { displayName } } actor { __typename displayName } memberships { totalCount nodes { organization { slug } role { key } } } invitations { totalCount } } }";
    let world = world().await;
    let carol = world.carol.data(VIEWER, json!({})).await;
    assert_eq!(
        carol["viewer"],
        json!({
            "user": { "email": "carol@example.com", "displayName": "Carol", "isViewer": true },
            "apiKey": null,
            "actor": { "__typename": "User", "displayName": "Carol" },
            "memberships": { "totalCount": 1, "nodes": [{ "organization": { "slug": "acme" }, "role": { "key": "member" } }] },
            "invitations": { "totalCount": 0 },
        })
    );
    let key = world.roster.key(&world.acme, Some(&world.apollo), &["project.read", "dataset.write"]).await;
    assert_eq!(
        key.data(VIEWER, json!({})).await["viewer"],
        json!({
            "user": null,
            "apiKey": {
                "displayName": "Backend",
                "organization": { "slug": "acme" },
                "project": { "slug": "apollo" },
                "permissions": [{ "key": "project.read" }],
                "grantedPermissions": [{ "key": "project.read" }],
                "responsible": { "__typename": "SystemActor", "displayName": "Operator" },
                "isActive": true,
                "createdBy": { "displayName": "Operator" },
            },
            "actor": { "__typename": "ApiKey", "displayName": "Backend" },
            "memberships": { "totalCount": 0, "nodes": [] },
            "invitations": { "totalCount": 0 },
        })
    );
    let operator = world.roster.operator().data(VIEWER, json!({})).await;
    assert_eq!(operator["viewer"]["actor"], json!({ "__typename": "SystemActor", "displayName": "Operator" }));
    assert_eq!(world.roster.anonymous().data(VIEWER, json!({})).await, json!({ "viewer": null }));
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_are_found_by_those_who_may_see_them() {
    const NODES: &str = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }";
    let world = world().await;
    let (invitation, _) = world.roster.invite(&world.alice, &world.acme, "erin@example.com", "viewer").await;
    let key = world.roster.key(&world.acme, None, &["members.read"]).await;
    let ids = world
        .carol
        .data(
            "{ viewer { user { id } } organization(by: {slug: \"acme\"}) { roles(first: 1, filter: {scope: ORGANIZATION}) { nodes { id } } ofProjects: roles(first: 1, filter: {scope: PROJECT}) { nodes { id } } } }",
            json!({}),
        )
        .await;
    let own = key.data("{ viewer { apiKey { id } } }", json!({})).await;
    let all = [
        ("User", id(&ids["viewer"]["user"])),
        ("Organization", world.acme.clone()),
        ("OrganizationMember", world.members[1].clone()),
        ("Role", id(&ids["organization"]["roles"]["nodes"][0])),
        ("Invitation", invitation),
        ("Project", world.apollo.clone()),
        ("ProjectMember", world.in_apollo.clone()),
        ("ApiKey", id(&own["viewer"]["apiKey"])),
        ("Role", id(&ids["organization"]["ofProjects"]["nodes"][0])),
    ];
    let limited = world.roster.key(&world.acme, Some(&world.gemini), &["members.read", "project.read"]).await;
    let (gus, _) = world.roster.member(&world.alice, &world.acme, "gus", "guest").await;
    let (gil, _) = world.roster.member(&world.alice, &world.acme, "gil", "guest").await;
    world.roster.project_member(&world.alice, &world.apollo, "gil", "viewer").await;
    for (actor, seen) in [
        (&world.alice, vec![0, 1, 2, 3, 4, 5, 6, 7, 8]),
        (&world.bob, vec![0, 1, 2, 3, 4, 5, 6, 7, 8]),
        (&world.carol, vec![0, 1, 2, 3, 4, 5, 6, 8]),
        (&world.dave, vec![0, 1, 2, 3, 8]),
        // Guests, of whom the second is in Apollo with Carol.
        (&gus, vec![1, 8]),
        (&gil, vec![0, 1, 5, 6, 8]),
        (&world.erin, vec![4]),
        (&key, vec![0, 1, 2, 3, 7, 8]),
        (&limited, vec![1, 8]),
        (&world.roster.operator(), vec![0, 1, 2, 3, 4, 5, 6, 7, 8]),
        (&world.roster.anonymous(), vec![]),
    ] {
        // Backwards and twice each, as the order of the answer is that of the question.
        let asked: Vec<_> = all.iter().rev().chain(&all).map(|(_, id)| id).collect();
        let nodes = actor.data(NODES, json!({ "ids": asked })).await;
        let wanted = |index: usize| {
            let (name, id) = &all[index];
            if seen.contains(&index) { json!({ "__typename": name, "id": id }) } else { json!(null) }
        };
        let wanted: Vec<_> = (0..all.len()).rev().chain(0..all.len()).map(wanted).collect();
        assert_eq!(nodes["nodes"], json!(wanted), "{}", actor.name);
    }
    let own = limited.data("query { viewer { apiKey { id } } }", json!({})).await["viewer"]["apiKey"].clone();
    let node = limited
        .data("query($id: ID!) { node(id: $id) { id ... on ApiKey { project { slug } } } }", json!({ "id": own["id"] }))
        .await;
    assert_eq!(node["node"], json!({ "id": own["id"], "project": { "slug": "gemini" } }));
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_name_nothing_are_null() {
    let world = world().await;
    let digits = world.acme.trim_start_matches("org");
    let unknown = OrganizationId(world.roster.app.id()).to_string();
    let ids = [
        String::new(),
        "acme".to_owned(),
        "org_".to_owned(),
        world.acme.to_uppercase(),
        format!("{}0", world.acme),
        format!("prj{digits}"),
        format!("xyz{digits}"),
        unknown.clone(),
        unknown.replacen("org", "inv", 1),
    ];
    let nodes = world.alice.data("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": ids })).await;
    assert_eq!(nodes["nodes"], json!(vec![Value::Null; ids.len()]));
    for id in ids {
        let node =
            "query($id: ID!) { node(id: $id) { id } organization(by: {id: $id}) { id } project(by: {id: $id}) { id } }";
        let data = world.alice.data(node, json!({ "id": id })).await;
        assert_eq!(data, json!({ "node": null, "organization": null, "project": null }), "{id}");
    }
    let many = json!({ "ids": vec![&world.acme; 101] });
    assert_eq!(
        world.alice.error_codes("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", many).await,
        ["BAD_USER_INPUT"]
    );
    let hundred = json!({ "ids": vec![&world.acme; 100] });
    let nodes = world.alice.data("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", hundred).await;
    assert_eq!(texts(&nodes["nodes"], "/id"), vec![world.acme.clone(); 100]);
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_and_projects_are_found_by_every_name_they_have() {
    let world = world().await;
    let uuid = OrganizationId::parse(&world.acme).unwrap().0;
    world
        .roster
        .sql(&format!("INSERT INTO organization_slugs (slug, organization_id) VALUES ('old-acme', '{uuid}')"))
        .await;
    const BY: &str = "query($id: ID!, $slug: String!, $project: ID!) { byId: organization(by: {id: $id}) { slug } bySlug: organization(by: {slug: $slug}) { slug project(slug: \"apollo\") { slug } gemini: project(slug: \"gemini\") { slug } none: project(slug: \"no such\") { slug } } projectById: project(by: {id: $project}) { slug organization { slug } } byPath: project(by: {path: {organization: $slug, project: \"Apollo\"}}) { id } }";
    for slug in ["acme", "old-acme", "ACME", " acme "] {
        let variables = json!({ "id": world.acme, "slug": slug, "project": world.apollo });
        assert_eq!(
            world.carol.data(BY, variables.clone()).await,
            json!({
                "byId": { "slug": "acme" },
                "bySlug": { "slug": "acme", "project": { "slug": "apollo" }, "gemini": null, "none": null },
                "projectById": { "slug": "apollo", "organization": { "slug": "acme" } },
                "byPath": { "id": world.apollo },
            })
        );
        for outsider in [&world.erin, &world.roster.anonymous()] {
            let nothing = json!({ "byId": null, "bySlug": null, "projectById": null, "byPath": null });
            assert_eq!(outsider.data(BY, variables.clone()).await, nothing);
        }
    }
    for slug in ["", "a", "no-such", "-acme", "a b", "ac/me"] {
        let variables = json!({ "id": "x", "slug": slug, "project": "x" });
        let nothing = json!({ "byId": null, "bySlug": null, "projectById": null, "byPath": null });
        assert_eq!(world.carol.data(BY, variables).await, nothing, "{slug}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_are_those_of_the_viewer() {
    let world = world().await;
    let create = "mutation($name: String!) { organizationCreate(input: {name: $name, visibility: PUBLIC}) { organization { id } userErrors { code } } }";
    for name in ["Bob's Diner", "Zürich Open"] {
        world.bob.data(create, json!({ "name": name })).await;
    }
    let list = async |actor: &Actor, filter: &str| {
        let query = format!("{{ organizations(filter: {{{filter}}}) {{ totalCount nodes {{ slug }} }} }}");
        let found = actor.data(&query, json!({})).await["organizations"].clone();
        let slugs = texts(&found["nodes"], "/slug");
        assert_eq!(found["totalCount"], json!(slugs.len()));
        slugs
    };
    let operator = world.roster.operator();
    let key = world.roster.key(&world.acme, None, &["organization.update"]).await;
    let (gus, _) = world.roster.member(&world.alice, &world.acme, "gus", "guest").await;
    assert_eq!(list(&world.carol, "").await, ["acme"]);
    assert_eq!(list(&gus, "").await, ["acme"]);
    assert_eq!(list(&world.erin, "").await, Vec::<String>::new());
    assert_eq!(list(&world.bob, "").await, ["acme", "bob-s-diner", "zurich-open"]);
    assert_eq!(list(&operator, "").await, ["acme", "bob-s-diner", "zurich-open"]);
    assert_eq!(list(&key, "").await, ["acme"]);
    assert_eq!(list(&world.bob, "search: \"ZURI\"").await, ["zurich-open"]);
    assert_eq!(list(&world.bob, "search: \"zürich-\"").await, ["zurich-open"]);
    assert_eq!(list(&world.bob, "search: \"%\"").await, Vec::<String>::new());
    assert_eq!(list(&world.bob, "visibility: PUBLIC").await, ["bob-s-diner", "zurich-open"]);
    assert_eq!(list(&world.bob, "visibility: PRIVATE").await, ["acme"]);
    assert_eq!(list(&world.bob, "viewerRoles: [ADMIN]").await, ["acme"]);
    assert_eq!(list(&world.bob, "viewerRoles: [OWNER, VIEWER], search: \"diner\"").await, ["bob-s-diner"]);
    assert_eq!(list(&world.bob, "viewerRoles: []").await, Vec::<String>::new());
    assert_eq!(list(&world.bob, "viewerRoles: [GUEST]").await, Vec::<String>::new());
    assert_eq!(list(&gus, "viewerRoles: [GUEST]").await, ["acme"]);
    assert_eq!(list(&operator, "viewerRoles: [OWNER]").await, Vec::<String>::new());

    let answer = world.roster.anonymous().post("{ organizations { totalCount } permissions { key } }", json!({})).await;
    assert_eq!(answer.body["data"]["organizations"], json!(null));
    assert!(answer.body["data"]["permissions"].is_array());
    assert_eq!(failures(&answer), [("organizations".to_owned(), "UNAUTHENTICATED".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_is_for_whoever_holds_the_token() {
    const PREVIEW: &str = "query($token: String!) { invitationPreview(token: $token) { status maskedEmail organizationName organizationLogoUrl projectName inviterName roleName expiresAt } }";
    let world = world().await;
    let nobody = world.roster.anonymous();
    let status = async |token: &str| {
        nobody.data(PREVIEW, json!({ "token": token })).await["invitationPreview"]["status"].clone()
    };
    let (revoked, revoked_token) = world.roster.invite(&world.alice, &world.acme, "gone@example.com", "viewer").await;
    let (_, token) = world.roster.invite(&world.bob, &world.acme, "frank@example.com", "member").await;
    assert_eq!(
        nobody.data(PREVIEW, json!({ "token": token })).await["invitationPreview"],
        json!({
            "status": "PENDING",
            "maskedEmail": "f•••@example.com",
            "organizationName": "Acme",
            "organizationLogoUrl": null,
            "projectName": null,
            "inviterName": "Bob",
            "roleName": "Member",
            "expiresAt": "2026-11-28T09:00:00.000Z",
        })
    );
    let invite = "mutation($project: ID!) { projectInvite(input: {project: {id: $project}, emails: [\"grace@example.com\"], role: {key: \"viewer\"}}) { results { acceptUrl } userErrors { code } } }";
    let invited = world.alice.data(invite, json!({ "project": world.apollo })).await;
    let to_project = crate::support::token(&invited["projectInvite"]["results"][0]["acceptUrl"]);
    let preview = nobody.data(PREVIEW, json!({ "token": to_project })).await["invitationPreview"].clone();
    assert_eq!((&preview["projectName"], &preview["roleName"]), (&json!("Apollo"), &json!("Viewer")));

    let revoke = "mutation($id: ID!) { invitationRevoke(input: {invitationId: $id}) { userErrors { code } } }";
    world.alice.data(revoke, json!({ "id": revoked })).await;
    assert_eq!(status(&revoked_token).await, "REVOKED");
    world.roster.person("frank").data(ACCEPT, json!({ "token": token })).await;
    assert_eq!(status(&token).await, "ACCEPTED");
    world.roster.wait(TimeDelta::days(7));
    assert_eq!(status(&to_project).await, "EXPIRED");

    // One character of the signature is another one.
    let last = if token.ends_with('A') { "B" } else { "A" };
    let middle = token.len() / 2;
    let forged = format!("{}{last}{}", &token[..token.len() - 5], &token[token.len() - 4..]);
    for token in ["", "garbage", &token[..middle], &forged, &format!("{token}AAAA"), &revoked] {
        assert_eq!(nobody.data(PREVIEW, json!({ "token": token })).await["invitationPreview"], json!(null), "{token}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_are_listed_by_level() {
    let roster = Roster::start().await;
    let data = roster.anonymous().data("{ all: permissions { key scope builtIn name description group } organization: permissions(scope: ORGANIZATION) { key scope } project: permissions(scope: PROJECT) { key scope } }", json!({})).await;
    let (organization, project) = (texts(&data["organization"], "/key"), texts(&data["project"], "/key"));
    assert_eq!(texts(&data["all"], "/key"), [organization.clone(), project.clone()].concat());
    assert!(organization.contains(&"members.manage".to_owned()) && project.contains(&"project.read".to_owned()));
    assert!(texts(&data["organization"], "/scope").iter().all(|scope| scope == "ORGANIZATION"));
    assert!(texts(&data["project"], "/scope").iter().all(|scope| scope == "PROJECT"));
    for field in ["name", "description", "group"] {
        assert!(texts(&data["all"], &format!("/{field}")).iter().all(|text| !text.is_empty()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_shows_its_owner_plan_and_what_the_viewer_is() {
    const FIELDS: &str = "owner { user { displayName isViewer } isOwner role { key } } viewerMembership { user { displayName } isOwner } viewerPermissions plan { tier trial { isActive endsAt } seats { limit used pending available } }";
    let world = world().await;
    world.roster.invite(&world.alice, &world.acme, "frank@example.com", "viewer").await;
    let all = world.alice.data("{ permissions(scope: ORGANIZATION) { key } }", json!({})).await;
    let owner =
        json!({ "user": { "displayName": "Alice", "isViewer": true }, "isOwner": true, "role": { "key": "owner" } });
    let acme = world.acme(&world.alice, FIELDS).await;
    assert_eq!(acme["owner"], owner);
    assert_eq!(acme["viewerMembership"], json!({ "user": { "displayName": "Alice" }, "isOwner": true }));
    assert_eq!(acme["viewerPermissions"], json!(texts(&all["permissions"], "/key")));
    assert_eq!(
        acme["plan"],
        json!({
            "tier": "FREE",
            "trial": { "isActive": true, "endsAt": "2026-12-05T09:00:00.000Z" },
            "seats": { "limit": null, "used": 4, "pending": 1, "available": null },
        })
    );
    let acme = world.acme(&world.dave, FIELDS).await;
    assert_eq!(acme["owner"]["user"], json!({ "displayName": "Alice", "isViewer": false }));
    assert_eq!(acme["viewerMembership"], json!({ "user": { "displayName": "Dave" }, "isOwner": false }));
    assert_eq!(acme["viewerPermissions"], json!(["members.read"]));
    let acme = world.acme(&world.roster.operator(), FIELDS).await;
    assert_eq!(acme["viewerMembership"], json!(null));

    world.roster.sql("UPDATE organizations SET seat_limit = 7").await;
    world.roster.wait(TimeDelta::days(14));
    let plan = world.acme(&world.alice, "plan { trial { isActive } seats { limit available } }").await;
    assert_eq!(plan["plan"], json!({ "trial": { "isActive": false }, "seats": { "limit": 7, "available": 2 } }));

    const MEMBER: &str = "member(user: {email: \"BOB@example.com\"}) { role { key } } erin: member(user: {email: \"erin@example.com\"}) { id } nobody: member(user: {email: \"nobody\"}) { id }";
    let found = world.acme(&world.dave, MEMBER).await;
    assert_eq!(found, json!({ "member": { "role": { "key": "admin" } }, "erin": null, "nobody": null }));
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_filtered_and_ordered() {
    let world = world().await;
    world.roster.sql("INSERT INTO roles (organization_id, id, scope, key, permissions, name, sort_name, rank, created_at, updated_at) SELECT id, gen_random_uuid(), 'ORGANIZATION', 'billing', '{invitations.read}', 'Billing', 'billing', 5, created_at, created_at FROM organizations").await;
    let keys = async |arguments: &str| {
        let fields = format!("roles({arguments}) {{ totalCount nodes {{ key }} }}");
        let roles = world.acme(&world.dave, &fields).await["roles"].clone();
        let keys = texts(&roles["nodes"], "/key");
        assert_eq!(roles["totalCount"], json!(keys.len()));
        keys
    };
    assert_eq!(keys("filter: {scope: ORGANIZATION}").await, ["owner", "admin", "member", "viewer", "guest", "billing"]);
    assert_eq!(keys("filter: {scope: PROJECT}").await, ["owner", "admin", "member", "viewer"]);
    assert_eq!(keys("filter: {builtIn: false}").await, ["billing"]);
    assert_eq!(
        keys("filter: {builtIn: true, scope: PROJECT}, orderBy: {field: NAME, direction: DESC}").await,
        ["viewer", "owner", "member", "admin"]
    );
    assert_eq!(keys("filter: {}, orderBy: {field: CREATED_AT}").await.len(), 10);

    let roles = world
        .acme(
            &world.dave,
            "roles { nodes { key scope memberCount builtIn organization { slug } permissions { key } } }",
        )
        .await;
    let counts: HashMap<String, i64> = roles["roles"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|role| {
            assert_eq!(role["organization"]["slug"], "acme");
            (
                format!("{} {}", role["scope"].as_str().unwrap(), role["key"].as_str().unwrap()),
                role["memberCount"].as_i64().unwrap(),
            )
        })
        .collect();
    let of = |scope: &str, key: &str| counts[&format!("{scope} {key}")];
    let built_in = ["owner", "admin", "member", "viewer", "guest"];
    assert_eq!(built_in.map(|key| of("ORGANIZATION", key)), [1, 1, 1, 1, 0]);
    assert_eq!(["owner", "admin", "member", "viewer"].map(|key| of("PROJECT", key)), [2, 0, 1, 0]);
    let billing = roles["roles"]["nodes"].as_array().unwrap().iter().find(|role| role["key"] == "billing").unwrap();
    assert_eq!((&billing["builtIn"], &billing["permissions"]), (&json!(null), &json!([{ "key": "invitations.read" }])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_shows_its_owner_and_what_the_viewer_is() {
    const FIELDS: &str = "slug name organization { slug } owner { user { displayName } role { key } } viewerMembership { role { key } } viewerPermissions member(user: {email: \"carol@example.com\"}) { id role { key } organizationMember { id } project { slug } } dave: member(user: {email: \"dave@example.com\"}) { id }";
    let world = world().await;
    let project = world.apollo(&world.carol, FIELDS).await;
    assert_eq!(
        project,
        json!({
            "slug": "apollo",
            "name": "Apollo",
            "organization": { "slug": "acme" },
            "owner": { "user": { "displayName": "Alice" }, "role": { "key": "owner" } },
            "viewerMembership": { "role": { "key": "member" } },
            "viewerPermissions": ["project.read", "project.members.read"],
            "member": {
                "id": world.in_apollo,
                "role": { "key": "member" },
                "organizationMember": { "id": world.members[1] },
                "project": { "slug": "apollo" },
            },
            "dave": null,
        })
    );
    // Bob is not in the project: his role in the organization is enough.
    let project = world.apollo(&world.bob, FIELDS).await;
    assert_eq!(project["viewerMembership"], json!(null));
    let permissions: Vec<_> =
        project["viewerPermissions"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(
        permissions,
        [
            "project.read",
            "project.update",
            "project.members.read",
            "project.members.manage",
            "project.invitations.manage"
        ]
    );
    assert_eq!(
        world.apollo(&world.alice, "viewerMembership { role { key } }").await["viewerMembership"]["role"]["key"],
        "owner"
    );
    assert_eq!(world.apollo(&world.dave, "slug").await, json!(null));

    let invite = "mutation($project: ID!) { projectInvite(input: {project: {id: $project}, emails: [\"grace@example.com\"]}) { userErrors { code } } }";
    world.alice.data(invite, json!({ "project": world.apollo })).await;
    world.roster.invite(&world.alice, &world.acme, "frank@example.com", "viewer").await;
    let invitations = "invitations { totalCount nodes { email scope project { slug } } }";
    assert_eq!(
        world.apollo(&world.bob, invitations).await["invitations"],
        json!({ "totalCount": 1, "nodes": [{ "email": "grace@example.com", "scope": "PROJECT", "project": { "slug": "apollo" } }] })
    );
    let members = "members(filter: {search: \"CARO\"}) { totalCount nodes { user { displayName } } } roles: members(filter: {roles: [{key: \"owner\"}]}) { nodes { user { displayName } } }";
    assert_eq!(
        world.apollo(&world.carol, members).await,
        json!({
            "members": { "totalCount": 1, "nodes": [{ "user": { "displayName": "Carol" } }] },
            "roles": { "nodes": [{ "user": { "displayName": "Alice" } }] },
        })
    );
    let projects = world.acme(&world.carol, "projects { totalCount nodes { slug } } of: projects(filter: {member: {email: \"alice@example.com\"}}) { totalCount } search: projects(filter: {search: \"GEM\"}) { totalCount }").await;
    assert_eq!(
        projects,
        json!({ "projects": { "totalCount": 1, "nodes": [{ "slug": "apollo" }] }, "of": { "totalCount": 1 }, "search": { "totalCount": 0 } })
    );
    let projects = world.acme(&world.bob, "projects { totalCount nodes { slug } } of: projects(filter: {member: {email: \"carol@example.com\"}}) { nodes { slug } } search: projects(filter: {search: \"GEM\"}) { nodes { slug } } nobody: projects(filter: {member: {email: \"nobody@example.com\"}}) { totalCount }").await;
    assert_eq!(
        projects,
        json!({
            "projects": { "totalCount": 2, "nodes": [{ "slug": "apollo" }, { "slug": "gemini" }] },
            "of": { "nodes": [{ "slug": "apollo" }] },
            "search": { "nodes": [{ "slug": "gemini" }] },
            "nobody": { "totalCount": 0 },
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_shows_who_invited_them_and_the_projects_the_viewer_sees() {
    const OWNER: &str = "owner { invitedBy { displayName } projectMemberships { totalCount nodes { role { key } project { slug } } } } member(user: {email: \"dave@example.com\"}) { invitedBy { __typename displayName } }";
    let world = world().await;
    for (actor, slugs) in [
        (&world.alice, vec!["apollo", "gemini"]),
        (&world.bob, vec!["apollo", "gemini"]),
        (&world.carol, vec!["apollo"]),
        (&world.dave, vec![]),
        (&world.roster.key(&world.acme, None, &["members.read"]).await, vec![]),
        (&world.roster.key(&world.acme, None, &["members.read", "projects.read"]).await, vec!["apollo", "gemini"]),
    ] {
        let acme = world.acme(actor, OWNER).await;
        let memberships = &acme["owner"]["projectMemberships"];
        let mut found = texts(&memberships["nodes"], "/project/slug");
        found.sort();
        assert_eq!(found, slugs, "{}", actor.name);
        assert_eq!(memberships["totalCount"], json!(slugs.len()), "{}", actor.name);
        assert_eq!(acme["owner"]["invitedBy"], json!(null));
        assert_eq!(acme["member"]["invitedBy"], json!({ "__typename": "User", "displayName": "Bob" }));
    }
    // Of members, those who may not list them know what they are in the projects alone.
    let limited = world.roster.key(&world.acme, Some(&world.apollo), &["project.read", "project.members.read"]).await;
    let query = format!("{{ organization(by: {{slug: \"acme\"}}) {{ {OWNER} }} }}");
    let answer = limited.post(&query, json!({})).await;
    assert_eq!(answer.body["data"]["organization"], json!({ "owner": null, "member": null }));
    let refused = ["organization.member", "organization.owner"].map(|field| (field.to_owned(), "FORBIDDEN".to_owned()));
    assert_eq!(failures(&answer), refused);
    let members = "owner { user { displayName } organizationMember { id } } members { nodes { user { displayName } organizationMember { id } } }";
    let apollo = world.apollo(&limited, members).await;
    let shown = |name: &str| json!({ "user": { "displayName": name }, "organizationMember": null });
    assert_eq!(apollo, json!({ "owner": shown("Alice"), "members": { "nodes": [shown("Alice"), shown("Carol")] } }));
    let apollo = world.apollo(&world.carol, members).await;
    assert_eq!(apollo["members"]["nodes"][1]["organizationMember"], json!({ "id": world.members[1] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_shows_its_mail_and_its_end() {
    const INVITE: &str = "mutation($organization: ID!, $email: String!, $send: Boolean!, $project: ID!) { organizationInvite(input: {organization: {id: $organization}, emails: [$email], sendEmail: $send, message: \"Hello\", projects: [{project: {id: $project}, role: {key: \"viewer\"}}]}) { results { invitation { id } } userErrors { code } } }";
    const FIELDS: &str = "query($id: ID!) { node(id: $id) { ... on Invitation { email status scope message sendCount lastSentAt delivery { status attempts error } invitee { displayName } invitedBy { __typename displayName } role { key } roleName projects { project { slug } projectName role { key } roleName } organization { slug } organizationName project { slug } createdAt expiresAt resolvedAt resolvedBy { displayName } } } }";
    let world = world().await;
    // Grace shares another organization with alice; erin has an account and shares nothing.
    let grace = world.roster.person("grace");
    let club = world.roster.organization(&grace, "Club").await;
    world.roster.member(&grace, &club, "alice", "viewer").await;
    // What was queued so far is sent.
    let send = async || run_once(&world.roster.app, &Transport::Keep).await.unwrap();
    send().await;
    let mut ids = Vec::new();
    for (email, mail) in [("grace@example.com", true), ("erin@example.com", true), ("unknown@example.com", false)] {
        let variables = json!({ "organization": world.acme, "email": email, "send": mail, "project": world.apollo });
        let invited = world.alice.data(INVITE, variables).await;
        ids.push(id(&invited["organizationInvite"]["results"][0]["invitation"]));
    }
    let fields = async |actor: &Actor, id: &str| actor.data(FIELDS, json!({ "id": id })).await["node"].clone();
    let mut queued = json!({
        "email": "grace@example.com",
        "status": "PENDING",
        "scope": "ORGANIZATION",
        "message": "Hello",
        "sendCount": 0,
        "lastSentAt": null,
        "delivery": { "status": "QUEUED", "attempts": 0, "error": null },
        "invitee": { "displayName": "Grace" },
        "invitedBy": { "__typename": "User", "displayName": "Alice" },
        "role": { "key": "member" },
        "roleName": "Member",
        "projects": [{ "project": { "slug": "apollo" }, "projectName": "Apollo", "role": { "key": "viewer" }, "roleName": "Viewer" }],
        "organization": { "slug": "acme" },
        "organizationName": "Acme",
        "project": null,
        "createdAt": "2026-11-21T09:00:00.000Z",
        "expiresAt": "2026-11-28T09:00:00.000Z",
        "resolvedAt": null,
        "resolvedBy": null,
    });
    assert_eq!(fields(&world.alice, &ids[0]).await, queued);
    // The invitee reads the same, with names in place of what is hidden from them.
    let mut to_grace = queued.clone();
    (to_grace["organization"], to_grace["role"]) = (json!(null), json!(null));
    (to_grace["projects"][0]["project"], to_grace["projects"][0]["role"]) = (json!(null), json!(null));
    assert_eq!(fields(&grace, &ids[0]).await, to_grace);
    // Of the inviter, too, where they share nothing.
    assert_eq!(
        fields(&world.erin, &ids[1]).await["invitedBy"],
        json!({ "__typename": "NamedActor", "displayName": "Alice" })
    );
    assert_eq!(fields(&world.alice, &ids[1]).await["invitee"], json!(null));
    assert_eq!(
        fields(&world.alice, &ids[2]).await["delivery"],
        json!({ "status": "NOT_REQUESTED", "attempts": 0, "error": null })
    );

    world.roster.wait(TimeDelta::minutes(1));
    assert_eq!(send().await, 2);
    queued["sendCount"] = json!(1);
    queued["lastSentAt"] = json!("2026-11-21T09:01:00.000Z");
    queued["delivery"] = json!({ "status": "SENT", "attempts": 1, "error": null });
    assert_eq!(fields(&world.alice, &ids[0]).await, queued);
    let resend = "mutation($id: ID!) { invitationResend(input: {invitationId: $id}) { userErrors { code } } }";
    world.alice.data(resend, json!({ "id": ids[0] })).await;
    let resent = fields(&world.alice, &ids[0]).await;
    assert_eq!((&resent["sendCount"], &resent["delivery"]["status"]), (&json!(1), &json!("QUEUED")));

    let decline = "mutation($id: ID!) { invitationDecline(input: {invitation: {id: $id}}) { userErrors { code } } }";
    world.erin.data(decline, json!({ "id": ids[1] })).await;
    let revoke = "mutation($id: ID!) { invitationRevoke(input: {invitationId: $id}) { userErrors { code } } }";
    world.bob.data(revoke, json!({ "id": ids[2] })).await;
    for (id, status, by) in [(&ids[1], "DECLINED", "Erin"), (&ids[2], "REVOKED", "Bob")] {
        let ended = fields(&world.alice, id).await;
        assert_eq!(
            (&ended["status"], &ended["resolvedBy"], &ended["resolvedAt"]),
            (&json!(status), &json!({ "displayName": by }), &json!("2026-11-21T09:01:00.000Z"))
        );
    }
    world.roster.wait(TimeDelta::days(7));
    let lapsed = fields(&world.alice, &ids[0]).await;
    assert_eq!((&lapsed["status"], &lapsed["resolvedAt"]), (&json!("EXPIRED"), &lapsed["expiresAt"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_filtered() {
    let world = world().await;
    // Dave's identity provider calls him something else now; the lists follow.
    world.roster.wait(TimeDelta::seconds(1));
    let dave = DevelopmentClaims {
        subject: "dave@example.com",
        audience: None,
        email: Some("dave@example.com"),
        name: Some("Ängström Dávid"),
    };
    world.roster.signed("dave", dave).data("{ viewer { user { id } } }", json!({})).await;
    let none = Vec::<String>::new();
    for (search, found) in [
        ("ANGSTROM", vec!["Ängström Dávid"]),
        ("ängström da", vec!["Ängström Dávid"]),
        ("DAVE@EXAMPLE", vec!["Ängström Dávid"]),
        ("aro", vec!["Carol"]),
        ("a", vec!["Alice", "Ängström Dávid", "Bob", "Carol"]),
        ("", vec!["Alice", "Ängström Dávid", "Bob", "Carol"]),
        ("%", vec![]),
        ("_", vec![]),
        ("\\\\", vec![]),
    ] {
        assert_eq!(world.filtered(&world.dave_again(), &format!("search: \"{search}\"")).await, found, "{search}");
    }
    let alice = &world.alice;
    let roles = world.acme(alice, "organization: roles(filter: {scope: ORGANIZATION}) { nodes { id } } project: roles(filter: {scope: PROJECT}) { nodes { id } }").await;
    let admin = roles["organization"]["nodes"][1]["id"].as_str().unwrap();
    let of_project = roles["project"]["nodes"][1]["id"].as_str().unwrap();
    assert_eq!(world.filtered(alice, &format!("roles: [{{id: \"{admin}\"}}]")).await, ["Bob"]);
    assert_eq!(world.filtered(alice, &format!("roles: [{{id: \"{of_project}\"}}]")).await, none);
    assert_eq!(world.filtered(alice, "roles: [{key: \"owner\"}, {key: \"Member\"}]").await, ["Alice", "Carol"]);
    assert_eq!(world.filtered(alice, "roles: [{key: \"no-such\"}]").await, none);
    assert_eq!(world.filtered(alice, "roles: []").await, none);

    let (apollo, gemini) = (&world.apollo, &world.gemini);
    assert_eq!(world.filtered(alice, &format!("projects: [{{id: \"{apollo}\"}}]")).await, ["Alice", "Carol"]);
    assert_eq!(
        world.filtered(alice, "projects: [{path: {organization: \"acme\", project: \"gemini\"}}]").await,
        ["Alice"]
    );
    assert_eq!(
        world.filtered(alice, &format!("projects: [{{id: \"{apollo}\"}}, {{id: \"{gemini}\"}}]")).await,
        ["Alice", "Carol"]
    );
    // Carol cannot see Gemini, and so not who is in it.
    assert_eq!(world.filtered(&world.carol, &format!("projects: [{{id: \"{gemini}\"}}]")).await, none);

    world.roster.wait(TimeDelta::hours(1) - TimeDelta::seconds(1));
    world.roster.member(alice, &world.acme, "zoe", "member").await;
    assert_eq!(world.filtered(alice, "joinedAt: {from: \"2026-11-21T10:00:00Z\"}").await, ["Zoe"]);
    assert_eq!(
        world.filtered(alice, "joinedAt: {from: \"2026-11-21T11:00:00+01:00\", to: \"2026-11-21T10:00:01Z\"}").await,
        ["Zoe"]
    );
    assert_eq!(world.filtered(alice, "joinedAt: {to: \"2026-11-21T10:00:00Z\"}").await.len(), 4);
    assert_eq!(
        world.filtered(alice, "joinedAt: {from: \"2026-11-21T10:00:00Z\", to: \"2026-11-21T10:00:00Z\"}").await,
        none
    );
    assert_eq!(world.filtered(alice, "roles: [{key: \"member\"}], search: \"zo\"").await, ["Zoe"]);
    // Addresses may have accents as well.
    let claims = DevelopmentClaims {
        subject: "zoe@example.com",
        audience: None,
        email: Some("zoë@example.com"),
        name: Some("Zoe"),
    };
    world.roster.wait(TimeDelta::seconds(1));
    world.roster.signed("zoe", claims).data("{ viewer { user { id } } }", json!({})).await;
    for search in ["zoë@", "ZOE@EXAMPLE"] {
        assert_eq!(world.filtered(alice, &format!("search: \"{search}\"")).await, ["Zoe"], "{search}");
    }
}

impl World {
    /// Dave under the name his identity provider gives him last.
    fn dave_again(&self) -> Actor {
        let claims = DevelopmentClaims {
            subject: "dave@example.com",
            audience: None,
            email: Some("dave@example.com"),
            name: None,
        };
        self.roster.signed("dave", claims)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_are_filtered() {
    let world = world().await;
    let none = Vec::<String>::new();
    let invite = "mutation($project: ID!) { projectInvite(input: {project: {id: $project}, emails: [\"pete@example.com\"], expiresInDays: 2}) { userErrors { code } } }";
    world.alice.data(invite, json!({ "project": world.apollo })).await;
    world.roster.wait(TimeDelta::hours(1));
    world.roster.invite(&world.alice, &world.acme, "Guest1@Example.com", "viewer").await;
    let (revoked, _) = world.roster.invite(&world.alice, &world.acme, "guest2@example.com", "admin").await;
    world
        .alice
        .data(
            "mutation($id: ID!) { invitationRevoke(input: {invitationId: $id}) { userErrors { code } } }",
            json!({ "id": revoked }),
        )
        .await;

    assert_eq!(world.invited("").await, ["guest1", "pete"]);
    assert_eq!(world.invited("statuses: [REVOKED]").await, ["guest2"]);
    assert_eq!(world.invited("statuses: [ACCEPTED]").await, ["bob", "carol", "dave"]);
    assert_eq!(world.invited("statuses: null").await, ["bob", "carol", "dave", "guest1", "guest2", "pete"]);
    assert_eq!(world.invited("statuses: []").await, none);
    assert_eq!(world.invited("statuses: null, filter: {search: \"GUEST\"}").await, ["guest1", "guest2"]);
    assert_eq!(world.invited("statuses: null, filter: {search: \"%\"}").await, none);
    assert_eq!(world.invited("filter: {scope: PROJECT}").await, ["pete"]);
    assert_eq!(world.invited("filter: {scope: ORGANIZATION}").await, ["guest1"]);
    assert_eq!(
        world.invited("statuses: null, filter: {roles: [{key: \"admin\"}, {key: \"viewer\"}]}").await,
        ["bob", "dave", "guest1", "guest2"]
    );
    assert_eq!(world.invited("filter: {roles: []}").await, none);
    assert_eq!(world.invited(&format!("filter: {{projects: [{{id: \"{}\"}}]}}", world.apollo)).await, ["pete"]);
    assert_eq!(world.invited(&format!("filter: {{projects: [{{id: \"{}\"}}]}}", world.gemini)).await, none);
    assert_eq!(world.invited("filter: {createdAt: {from: \"2026-11-21T10:00:00Z\"}}").await, ["guest1"]);
    assert_eq!(world.invited("filter: {createdAt: {to: \"2026-11-21T10:00:00Z\"}}").await, ["pete"]);
    assert_eq!(
        world.invited("filter: {expiresAt: {from: \"2026-11-23T09:00:00Z\", to: \"2026-11-23T09:00:01Z\"}}").await,
        ["pete"]
    );

    // Addresses keep their accents, so that a search must keep its own.
    world.roster.invite(&world.alice, &world.acme, "Jörg@example.com", "viewer").await;
    assert_eq!(world.invited("filter: {search: \" JÖRG@\"}").await, ["jörg"]);
    assert_eq!(world.invited("filter: {search: \"jorg\"}").await, none);

    // Time runs out whether or not somebody writes it down.
    world.roster.wait(TimeDelta::days(3));
    assert_eq!(world.invited("").await, ["guest1", "jörg"]);
    assert_eq!(world.invited("statuses: [EXPIRED]").await, ["pete"]);
    assert_eq!(world.invited("statuses: [PENDING, EXPIRED]").await, ["guest1", "jörg", "pete"]);
    assert_eq!(
        world.roster.texts("SELECT status FROM invitations WHERE email = 'pete@example.com'").await,
        ["PENDING"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_organization_shows_its_profile_and_nothing_else() {
    const CREATE: &str = "mutation { organizationCreate(input: {name: \"Open\", visibility: PUBLIC, description: \"Hello\", website: \"https://open.example\", email: \"hi@open.example\"}) { organization { id } userErrors { code } } }";
    const PROFILE: &str = "{ organization(by: {slug: \"open\"}) { slug name description website email visibility version viewerMembership { id } viewerPermissions plan { tier } owner { id } members { totalCount } member(user: {email: \"alice@example.com\"}) { id } invitations { totalCount } roles { totalCount } project(slug: \"apollo\") { id } projects { totalCount nodes { id } } } viewer { user { displayName } } }";
    let roster = Roster::start().await;
    let (alice, erin) = (roster.person("alice"), roster.person("erin"));
    let open = id(&alice.data(CREATE, json!({})).await["organizationCreate"]["organization"]);
    roster.project(&alice, &open, "Apollo").await;
    let stranger = roster.organization(&erin, "Elsewhere").await;
    let key = roster.key(&stranger, None, &["members.read", "projects.read", "project.read"]).await;
    for (actor, code) in [(&erin, "FORBIDDEN"), (&key, "FORBIDDEN"), (&roster.anonymous(), "UNAUTHENTICATED")] {
        let answer = actor.post(PROFILE, json!({})).await;
        assert_eq!(
            answer.body["data"]["organization"],
            json!({
                "slug": "open",
                "name": "Open",
                "description": "Hello",
                "website": "https://open.example/",
                "email": "hi@open.example",
                "visibility": "PUBLIC",
                "version": 1,
                "viewerMembership": null,
                "viewerPermissions": [],
                "plan": null,
                "owner": null,
                "members": null,
                "member": null,
                "invitations": null,
                "roles": null,
                "project": null,
                "projects": { "totalCount": 0, "nodes": [] },
            }),
            "{}",
            actor.name
        );
        let refused = ["invitations", "member", "members", "owner", "plan", "roles"];
        let refused = refused.map(|field| (format!("organization.{field}"), code.to_owned()));
        assert_eq!(failures(&answer), refused, "{}", actor.name);
    }
    let answer = erin.post(PROFILE, json!({})).await;
    assert_eq!(answer.body["data"]["viewer"]["user"]["displayName"], "Erin");
    let of_members =
        answer.body["errors"].as_array().unwrap().iter().find(|error| error["path"][1] == "members").unwrap();
    assert_eq!(of_members["extensions"]["requiredPermission"], "members.read");

    roster.sql("UPDATE organizations SET visibility = 'PRIVATE' WHERE slug = 'open'").await;
    for actor in [&erin, &key, &roster.anonymous()] {
        let answer = actor.post(PROFILE, json!({})).await;
        assert_eq!((&answer.body["data"]["organization"], failures(&answer)), (&json!(null), vec![]), "{}", actor.name);
    }
}

/// A guest, and a key that is limited to a project.
#[tokio::test(flavor = "multi_thread")]
async fn guests_know_an_organization_by_its_name_and_logo() {
    const FIELDS: &str = "{ organization(by: {slug: \"acme\"}) { id slug name logoUrl description website industry { key } email phone plan { tier } owner { id } members { totalCount } teams { totalCount } invitations { totalCount } roles { totalCount nodes { scope key } } projects { nodes { slug } } viewerMembership { role { key name memberCount } } viewerPermissions } }";
    let world = world().await;
    let profile = "mutation { organizationUpdate(input: {organization: {slug: \"acme\"}, logoUrl: \"https://acme.example/logo.png\", description: \"Anvils\", website: \"https://acme.example\", industry: \"energy\", email: \"hi@acme.example\", phone: \"+4930901820\"}) { userErrors { code message } } }";
    assert_eq!(world.alice.data(profile, json!({})).await["organizationUpdate"]["userErrors"], json!([]));
    let (gus, _) = world.roster.member(&world.alice, &world.acme, "gus", "guest").await;
    world.roster.project_member(&world.alice, &world.apollo, "gus", "member").await;
    let key = world.roster.key(&world.acme, Some(&world.apollo), &["project.read", "members.read"]).await;
    for (actor, is_person) in [(&gus, true), (&key, false)] {
        for is_public in [false, true] {
            let visibility = if is_public { "PUBLIC" } else { "PRIVATE" };
            world.roster.sql(&format!("UPDATE organizations SET visibility = '{visibility}'")).await;
            let answer = actor.post(FIELDS, json!({})).await;
            let mut acme = answer.body["data"]["organization"].clone();
            // The roles of projects, and a guest's own.
            let roles = acme["roles"].take();
            let mut known: Vec<String> = texts(&roles["nodes"], "/key");
            assert_eq!(roles["totalCount"], json!(known.len()));
            if is_person {
                assert_eq!(known.pop().unwrap(), "guest");
                assert_eq!(roles["nodes"][4]["scope"], "ORGANIZATION");
            }
            assert_eq!(known, ["owner", "admin", "member", "viewer"]);
            assert_eq!(texts(&roles["nodes"], "/scope")[..4], ["PROJECT"; 4]);
            let shown = |text: &str| if is_public { json!(text) } else { json!(null) };
            let industry = if is_public { json!({ "key": "energy" }) } else { json!(null) };
            let own = json!({ "role": { "key": "guest", "name": "Guest", "memberCount": null } });
            let permissions = if is_person { json!([]) } else { json!(["project.read"]) };
            assert_eq!(
                acme,
                json!({
                    "id": world.acme,
                    "slug": "acme",
                    "name": "Acme",
                    "logoUrl": "https://acme.example/logo.png",
                    "description": shown("Anvils"),
                    "website": shown("https://acme.example/"),
                    "industry": industry,
                    "email": shown("hi@acme.example"),
                    "phone": shown("+4930901820"),
                    "plan": null,
                    "owner": null,
                    "members": null,
                    "teams": null,
                    "invitations": null,
                    "roles": null,
                    "projects": { "nodes": [{ "slug": "apollo" }] },
                    "viewerMembership": if is_person { own } else { json!(null) },
                    "viewerPermissions": permissions,
                }),
                "{}, {visibility}",
                actor.name
            );
            let mut refused = vec!["invitations", "members", "owner", "plan", "teams"];
            if is_person {
                refused.push("viewerMembership.role.memberCount");
            }
            let refused: Vec<_> =
                refused.iter().map(|field| (format!("organization.{field}"), "FORBIDDEN".to_owned())).collect();
            assert_eq!(failures(&answer), refused, "{}, {visibility}", actor.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_are_refused_leave_the_others_alone() {
    let world = world().await;
    let query = "{ mine: organizations(first: 101) { totalCount } organization(by: {slug: \"acme\"}) { name members(first: 2) { nodes { organization { name invitations { totalCount } again: invitations { totalCount } } } } projects { totalCount } bad: members(after: \"x\") { totalCount } } viewer { user { displayName } } }";
    let answer = world.dave.post(query, json!({})).await;
    let inner = json!({ "organization": { "name": "Acme", "invitations": null, "again": null } });
    assert_eq!(
        answer.body["data"],
        json!({
            "mine": null,
            "organization": { "name": "Acme", "members": { "nodes": [inner, inner] }, "projects": { "totalCount": 0 }, "bad": null },
            "viewer": { "user": { "displayName": "Dave" } },
        })
    );
    let failed = [
        ("mine", "BAD_USER_INPUT"),
        ("organization.bad", "BAD_USER_INPUT"),
        ("organization.members.nodes.0.organization.again", "FORBIDDEN"),
        ("organization.members.nodes.0.organization.invitations", "FORBIDDEN"),
        ("organization.members.nodes.1.organization.again", "FORBIDDEN"),
        ("organization.members.nodes.1.organization.invitations", "FORBIDDEN"),
    ];
    let mut wanted: Vec<_> = failed.map(|(path, code)| (path.to_owned(), code.to_owned())).to_vec();
    wanted.sort();
    assert_eq!(failures(&answer), wanted);

    // A key of one project that may see it, but not its members.
    let key = world.roster.key(&world.acme, Some(&world.apollo), &["project.read"]).await;
    let query = "query($id: ID!) { project(by: {id: $id}) { name owner { id } members { totalCount } member(user: {email: \"carol@example.com\"}) { id } invitations { totalCount } } }";
    let answer = key.post(query, json!({ "id": world.apollo })).await;
    assert_eq!(
        answer.body["data"]["project"],
        json!({ "name": "Apollo", "owner": null, "members": null, "member": null, "invitations": null })
    );
    let fields: Vec<_> = failures(&answer).into_iter().map(|(path, code)| format!("{path} {code}")).collect();
    assert_eq!(
        fields,
        [
            "project.invitations FORBIDDEN",
            "project.member FORBIDDEN",
            "project.members FORBIDDEN",
            "project.owner FORBIDDEN"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_sees_what_its_permissions_and_its_project_allow() {
    const FIELDS: &str = "{ organization(by: {slug: \"acme\"}) { name viewerMembership { id } viewerPermissions owner { isOwner } members { totalCount } projects { totalCount nodes { slug viewerMembership { id } viewerPermissions members { totalCount } } } apollo: project(slug: \"apollo\") { slug } } }";
    let world = world().await;
    let apollo = |members: Value, permissions: Value| json!({ "slug": "apollo", "viewerMembership": null, "viewerPermissions": permissions, "members": members });
    let gemini = |members: Value, permissions: Value| json!({ "slug": "gemini", "viewerMembership": null, "viewerPermissions": permissions, "members": members });
    let read = json!(["project.read"]);
    let read_members = json!(["project.read", "project.members.read"]);

    // Of the whole organization, with permissions of both levels.
    let key = world.roster.key(&world.acme, None, &["members.read", "project.read"]).await;
    let answer = key.post(FIELDS, json!({})).await;
    let acme = &answer.body["data"]["organization"];
    assert_eq!(acme["viewerPermissions"], json!(["members.read", "project.read"]));
    assert_eq!(acme["members"], json!({ "totalCount": 4 }));
    assert_eq!(acme["owner"], json!({ "isOwner": true }));
    assert_eq!(acme["viewerMembership"], json!(null));
    let both = [apollo(json!(null), read.clone()), gemini(json!(null), read)];
    assert_eq!(acme["projects"], json!({ "totalCount": 2, "nodes": both }));
    assert_eq!(acme["apollo"], json!({ "slug": "apollo" }));
    let paths: Vec<_> = failures(&answer).into_iter().map(|(path, code)| format!("{path} {code}")).collect();
    let of_members = |index: u8| format!("organization.projects.nodes.{index}.members FORBIDDEN");
    assert_eq!(paths, [of_members(0), of_members(1)]);

    // Of one project: what it may do in the organization does not count, nor do the other projects.
    let permissions = ["members.read", "projects.read", "project.read", "project.members.read"];
    let key = world.roster.key(&world.acme, Some(&world.gemini), &permissions).await;
    let answer = key.post(FIELDS, json!({})).await;
    let acme = &answer.body["data"]["organization"];
    assert_eq!(acme["members"], json!(null));
    let one = [gemini(json!({ "totalCount": 1 }), read_members)];
    assert_eq!(acme["projects"], json!({ "totalCount": 1, "nodes": one }));
    assert_eq!(acme["apollo"], json!(null));
    let of_members = ["members", "owner"].map(|field| (format!("organization.{field}"), "FORBIDDEN".to_owned()));
    assert_eq!(failures(&answer), of_members);

    // With a permission that shows nothing.
    let key = world.roster.key(&world.acme, None, &["organization.update"]).await;
    let answer = key.post(FIELDS, json!({})).await;
    assert_eq!(answer.body["data"]["organization"]["projects"], json!({ "totalCount": 0, "nodes": [] }));
    assert_eq!(failures(&answer), of_members);
    // With no permission at all, or with none that counts in its project.
    let of_acme = world.roster.key(&world.acme, None, &[]).await;
    let of_gemini = world.roster.key(&world.acme, Some(&world.gemini), &["members.read"]).await;
    for key in [of_acme, of_gemini] {
        let answer = key.post(FIELDS, json!({})).await;
        assert_eq!((answer.status.as_u16(), answer.body.get("data")), (401, None));
        assert_eq!(failures(&answer), [(String::new(), "UNAUTHENTICATED".to_owned())]);
    }
    // Of another organization.
    let other = world.roster.organization(&world.erin, "Other").await;
    let key = world.roster.key(&other, None, &["members.read"]).await;
    assert_eq!(key.data(FIELDS, json!({})).await, json!({ "organization": null }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitee_is_told_the_names_of_what_they_are_invited_to() {
    const INBOX: &str = "{ viewer { invitations { totalCount nodes { organization { name viewerPermissions owner { id } members { totalCount } plan { tier } projects { totalCount } project(slug: \"apollo\") { id } } organizationName organizationLogoUrl project { id } role { name } roleName projects { project { name viewerPermissions owner { id } members { totalCount } } projectName role { name } roleName } } } } }";
    let world = world().await;
    world.roster.sql("UPDATE organizations SET logo_url = 'https://acme.example/logo.png'").await;
    let invite = "mutation($project: ID!) { projectInvite(input: {project: {id: $project}, emails: [\"frank@example.com\"]}) { userErrors { code } } }";
    world.alice.data(invite, json!({ "project": world.apollo })).await;
    let frank = world.roster.person("frank");
    let mut told = json!({
        "organization": null,
        "organizationName": "Acme",
        "organizationLogoUrl": "https://acme.example/logo.png",
        "project": null,
        "role": null,
        "roleName": "Member",
        "projects": [{ "project": null, "projectName": "Apollo", "role": null, "roleName": "Member" }],
    });
    let inbox = frank.data(INBOX, json!({})).await;
    assert_eq!(inbox["viewer"]["invitations"], json!({ "totalCount": 1, "nodes": [told] }));
    // Of a public organization they see what everybody does.
    world.roster.sql("UPDATE organizations SET visibility = 'PUBLIC'").await;
    let answer = frank.post(INBOX, json!({})).await;
    told["organization"] = json!({
        "name": "Acme",
        "viewerPermissions": [],
        "owner": null,
        "members": null,
        "plan": null,
        "projects": { "totalCount": 0 },
        "project": null,
    });
    assert_eq!(answer.body["data"]["viewer"]["invitations"], json!({ "totalCount": 1, "nodes": [told] }));
    let refused = ["members", "owner", "plan"];
    let refused =
        refused.map(|field| (format!("viewer.invitations.nodes.0.organization.{field}"), "FORBIDDEN".to_owned()));
    assert_eq!(failures(&answer), refused);
    world.roster.sql("UPDATE organizations SET visibility = 'PRIVATE'").await;

    // The organization itself stays hidden, and so does the inbox from others.
    let hidden = "query($id: ID!) { organization(by: {slug: \"acme\"}) { id } node(id: $id) { id } }";
    let seen = frank.data(hidden, json!({ "id": world.apollo })).await;
    assert_eq!(seen, json!({ "organization": null, "node": null }));
    let count = "{ viewer { invitations { totalCount } expired: invitations(statuses: [EXPIRED]) { totalCount } } }";
    let inbox = async |actor: &Actor| {
        let data = actor.data(count, json!({})).await;
        ["invitations", "expired"].map(|list| data["viewer"][list]["totalCount"].as_i64().unwrap())
    };
    assert_eq!(inbox(&world.erin).await, [0, 0]);
    assert_eq!(inbox(&frank).await, [1, 0]);
    // Whose address is not vouched for has no inbox. A token without an address leaves it as it is.
    world.roster.sql("UPDATE users SET email_verified = false WHERE email = 'frank@example.com'").await;
    world.roster.wait(TimeDelta::seconds(1));
    let claims = DevelopmentClaims { subject: "frank@example.com", audience: None, email: None, name: None };
    assert_eq!(inbox(&world.roster.signed("frank", claims)).await, [0, 0]);
    world.roster.wait(TimeDelta::days(7));
    // What was vouched for before changes nothing, what is now does.
    assert_eq!(inbox(&frank).await, [0, 0]);
    assert_eq!(inbox(&world.roster.person("frank")).await, [0, 1]);
    assert_eq!(inbox(&frank).await, [0, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_too_deep_or_too_costly_are_not_run() {
    let world = world().await;
    let nested = |fields: &str| {
        let open = "members(first: 1) { nodes { organization { ".repeat(4);
        format!("{{ organization(by: {{slug: \"acme\"}}) {{ {open} {fields} {} }} }}", "} } } ".repeat(4))
    };
    // Fifteen levels are answered, sixteen are not.
    world.alice.data(&nested("owner { id }"), json!({})).await;
    let costly = "{ organization(by: {slug: \"acme\"}) { members(first: 100) { nodes { projectMemberships(first: 100) { nodes { id } } } } } }";
    let cheaper = costly.replace("100", "40");
    world.alice.data(&cheaper, json!({})).await;
    let list = |n| format!("o{n}: organization(by: {{slug: \"acme\"}}) {{ members(first: 100) {{ nodes {{ id }} }} }}");
    let many: Vec<String> = (0..60).map(list).collect();
    for document in [nested("owner { user { id } }"), costly.to_owned(), format!("{{ {} }}", many.join(" "))] {
        let before = world.roster.app.db.statements();
        let answer = world.alice.post(&document, json!({})).await;
        assert_eq!(answer.body["errors"].as_array().map(Vec::len), Some(1), "{}", answer.body);
        assert_eq!(answer.body.get("data").unwrap_or(&Value::Null), &Value::Null);
        assert!(world.roster.app.db.statements() - before <= 1, "no more than the sign-in");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_introspection_of_graphiql_is_answered() {
    let roster = Roster::start().await;
    let data = roster.anonymous().data(INTROSPECTION, json!({})).await;
    let types = data["__schema"]["types"].as_array().unwrap();
    assert!(types.iter().any(|of| of["name"] == "OrganizationMemberConnection"));
    let by = types.iter().find(|of| of["name"] == "OrganizationRefInput").unwrap();
    assert_eq!(by["isOneOf"], json!(true));
}

/// `getIntrospectionQuery` of graphql-js 16, with all that GraphiQL asks for.
const INTROSPECTION: &str = "
query IntrospectionQuery {
  __schema {
    description
    queryType { name }
    mutationType { name }
    subscriptionType { name }
    types { ...FullType }
    directives {
      name
      description
      isRepeatable
      locations
      args(includeDeprecated: true) { ...InputValue }
    }
  }
}
fragment FullType on __Type {
  kind
  name
  description
  specifiedByURL
  isOneOf
  fields(includeDeprecated: true) {
    name
    description
    args(includeDeprecated: true) { ...InputValue }
    type { ...TypeRef }
    isDeprecated
    deprecationReason
  }
  inputFields(includeDeprecated: true) { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) {
    name
    description
    isDeprecated
    deprecationReason
  }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue {
  name
  description
  type { ...TypeRef }
  defaultValue
  isDeprecated
  deprecationReason
}
fragment TypeRef on __Type {
  kind
  name
  ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }
}";

/// The plan of a page of members as the server asks for it, with the rows that each step went through.
async fn plan(roster: &Roster, organization: OrganizationId, field: OrderField, page: &Page, mode: &str) -> String {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
        line: String,
    }
    let mut conn = roster.connection().await;
    let asked = Arc::new(Mutex::new(String::new()));
    let heard = asked.clone();
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            *heard.lock().unwrap() = query.to_string();
        }
    });
    let of = [Of::Organization(organization)];
    let found = organization_members::pages(&conn, &of, &Filter::default(), field, false, page).await.unwrap();
    assert_eq!(found[0].rows.len(), 25);
    let statement = asked.lock().unwrap().split(" -- binds").next().unwrap().to_owned();

    let mut types = "uuid, uuid".to_owned();
    let mut binds = format!("'{0}', '{0}'", organization.0);
    let position = page.after.as_ref().or(page.before.as_ref()).map(|position| match &position.key {
        Key::Text(text) => (", text, uuid", format!(", '{text}', '{}'", position.id)),
        Key::Time(time) => (", timestamptz, uuid", format!(", '{}', '{}'", time.to_rfc3339(), position.id)),
        Key::Rank(rank) => (", smallint, uuid", format!(", {rank}, '{}'", position.id)),
        Key::Number(number) => (", integer, uuid", format!(", {number}, '{}'", position.id)),
    });
    let (place_type, place) = position.unwrap_or_default();
    types += &place_type.repeat(2);
    binds += &place.repeat(2);
    let prepare = format!("SET plan_cache_mode = {mode}; PREPARE page({types}) AS {statement}");
    conn.batch_execute(&prepare).await.unwrap();
    let explain = format!("EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF) EXECUTE page({binds})");
    let lines: Vec<Line> = sql_query(explain).load(&mut conn).await.unwrap();
    lines.into_iter().map(|line| line.line + "\n").collect()
}

/// As when PostgreSQL is restarted.
#[tokio::test(flavor = "multi_thread")]
async fn lost_connections_are_opened_again() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    roster.organization(&alice, "Acme").await;
    let query = "{ organization(by: {slug: \"acme\"}) { members { nodes { id } } } }";
    let before = alice.data(query, json!({})).await;
    let all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    roster.sql(all).await;
    // Who asks before the server has heard of it is told to try again.
    let mut errors: Vec<Vec<String>> = Vec::new();
    while errors.len() < 50 && !errors.ends_with(&[const { Vec::new() }; 4]) {
        errors.push(alice.error_codes(query, json!({})).await);
    }
    assert!(errors.len() < 50 && errors.iter().flatten().all(|code| code == "SERVICE_UNAVAILABLE"), "{errors:?}");
    assert_eq!(alice.data(query, json!({})).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_huge_organization_reads_its_own_rows_alone() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    roster.crowd("acme", 20_000, "'Name ' || n").await;
    let organization = OrganizationId::parse(&acme).unwrap();
    for (field, index) in [
        (OrderField::Name, "organization_members_by_name"),
        (OrderField::Email, "organization_members_by_email"),
        (OrderField::JoinedAt, "organization_members_by_joining"),
        (OrderField::Role, "organization_members_by_rank"),
    ] {
        let first = Page {
            limit: 25,
            end: End::First,
            offset: 0,
            after: None,
            before: None,
            ends: true,
            places: true,
            entries: false,
        };
        let (of, deep) = ([Of::Organization(organization)], Page { limit: 1, offset: 18_000, ..first.clone() });
        let conn = &mut roster.connection().await;
        let mut deep = organization_members::pages(conn, &of, &Filter::default(), field, false, &deep).await.unwrap();
        let deep = deep[0].rows.remove(0).0;
        assert!(deep.is_some());
        let last = Page { end: End::Last, ..first.clone() };
        let behind = Page { after: deep.clone(), ..first.clone() };
        let before = Page { before: deep, ..last.clone() };
        for page in [first, last, behind, before] {
            for mode in ["force_custom_plan", "force_generic_plan"] {
                let plan = plan(&roster, organization, field, &page, mode).await;
                assert!(plan.contains(index), "{plan}");
                assert!(!plan.contains("Seq Scan") && !plan.contains("Rows Removed"), "{plan}");
                let rows = plan.match_indices("(actual rows=").map(|(at, start)| {
                    let rest = &plan[at + start.len()..];
                    rest[..rest.find(' ').unwrap()].parse::<f64>().unwrap()
                });
                let most = rows.fold(0.0, f64::max);
                assert!((26.0..=27.0).contains(&most), "{most} rows in one step:\n{plan}");
            }
        }
    }
}
