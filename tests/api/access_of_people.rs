//! `access(user:)`: what a person may do in an organization or a project, and why; and the operator's own
//! permissions in it.

use std::sync::Arc;

use roster::access::{Policy, catalogue};
use serde_json::{Value, json};

use crate::support::{Actor, Roster, codes, id};

const IN_ORGANIZATION: &str = "query($organization: ID!, $user: UserRefInput!) { organization(by: {id: $organization}) { access(user: $user) { permissions has(permission: \"members.manage\") unknown: has(permission: \"no.such\") roles { key scope } } } }";
const IN_PROJECT: &str = "query($project: ID!, $user: UserRefInput!) { project(by: {id: $project}) { access(user: $user) { permissions has(permission: \"project.update\") roles { key scope } } } }";
const SET_ROLE: &str = "mutation($member: ID!, $role: String!) { organizationMemberUpdateRole(input: {member: {id: $member}, role: {key: $role}}) { userErrors { code } } }";
const CREATE_ROLE: &str = "mutation($input: RoleCreateInput!) { roleCreate(input: $input) { role { id permissions { key builtIn } } userErrors { code path } } }";

fn email(name: &str) -> Value {
    json!({ "email": format!("{name}@example.com") })
}

async fn in_organization(actor: &Actor, organization: &str, user: Value) -> Value {
    actor.data(IN_ORGANIZATION, json!({ "organization": organization, "user": user })).await["organization"]["access"]
        .clone()
}

async fn in_project(actor: &Actor, project: &str, user: Value) -> Value {
    actor.data(IN_PROJECT, json!({ "project": project, "user": user })).await["project"]["access"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn access_is_what_the_person_sees_of_themselves() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let project = roster.project(&alice, &acme, "Apollo").await;
    let mut people = vec![alice.clone()];
    for (name, role) in [("bob", "admin"), ("carol", "member"), ("dave", "viewer"), ("gus", "guest")] {
        people.push(roster.member(&alice, &acme, name, role).await.0);
    }
    for name in ["carol", "dave", "gus"] {
        roster.project_member(&alice, &project, name, "viewer").await;
    }
    let own = "query($organization: ID!, $project: ID!) { organization(by: {id: $organization}) { viewerPermissions } project(by: {id: $project}) { viewerPermissions } }";
    for person in &people {
        let own = person.data(own, json!({ "organization": acme, "project": project })).await;
        for user in [email(&person.name), json!({ "id": person.user_id().await })] {
            let access = in_organization(&alice, &acme, user.clone()).await;
            assert_eq!(access["permissions"], own["organization"]["viewerPermissions"], "{}", person.name);
            assert_eq!(access["has"], json!(["alice", "bob"].contains(&person.name.as_str())));
            assert_eq!(access["unknown"], false);
            assert_eq!(access["roles"].as_array().unwrap().len(), 1);
            let access = in_project(&alice, &project, user).await;
            assert_eq!(access["permissions"], own["project"]["viewerPermissions"], "{}", person.name);
        }
    }
    // The roles are those that give something.
    let roles = async |name: &str| in_project(&alice, &project, email(name)).await["roles"].clone();
    let of = |scope: &str, key: &str| json!({ "scope": scope, "key": key });
    assert_eq!(roles("alice").await, json!([of("ORGANIZATION", "owner"), of("PROJECT", "owner")]));
    assert_eq!(roles("bob").await, json!([of("ORGANIZATION", "admin")]));
    assert_eq!(roles("carol").await, json!([of("PROJECT", "viewer")]));
    assert_eq!(roles("gus").await, json!([of("PROJECT", "viewer")]));
    assert_eq!(in_organization(&alice, &acme, email("gus")).await["permissions"], json!([]));
    let other = roster.project(&alice, &acme, "Gemini").await;
    let nothing = in_project(&alice, &other, email("carol")).await;
    assert_eq!((&nothing["permissions"], &nothing["roles"], &nothing["has"]), (&json!([]), &json!([]), &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_member_is_told_apart_from_nobody_by_nothing() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let project = roster.project(&alice, &acme, "Apollo").await;
    let outsider = roster.person("mallory");
    let known = outsider.user_id().await;
    roster.invite(&alice, &acme, "erin@example.com", "member").await;
    let unknown = known.replace(&known[10..14], "0000");
    for user in [
        email("mallory"),
        json!({ "id": known }),
        email("nobody"),
        json!({ "id": unknown }),
        json!({ "id": "usr_x" }),
        email("erin"),
    ] {
        assert_eq!(in_organization(&alice, &acme, user.clone()).await, json!(null), "{user}");
        assert_eq!(in_project(&alice, &project, user.clone()).await, json!(null), "{user}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn others_are_asked_about_by_those_who_see_members() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let project = roster.project(&alice, &acme, "Apollo").await;
    let blind = json!({ "organization": { "id": acme }, "scope": "ORGANIZATION", "name": "Blind", "permissions": [] });
    assert_eq!(codes(&alice.payload(CREATE_ROLE, json!({ "input": blind })).await["userErrors"]), [""; 0]);
    let see =
        json!({ "organization": { "id": acme }, "scope": "PROJECT", "name": "See", "permissions": ["project.read"] });
    alice.payload(CREATE_ROLE, json!({ "input": see })).await;
    let (bob, _) = roster.member(&alice, &acme, "bob", "blind").await;
    roster.project_member(&alice, &project, "bob", "see").await;
    let forbidden = async |actor: &Actor, query: &str, place: &str, user: Value| {
        let what = if query == IN_PROJECT { "project" } else { "organization" };
        actor.error_codes(query, json!({ (what): place, "user": user })).await
    };
    // Bob sees himself, however he is named; of others not even whether they are there.
    for user in [email("bob"), json!({ "id": bob.user_id().await })] {
        assert_eq!(in_organization(&bob, &acme, user.clone()).await["roles"][0]["key"], "blind");
        assert_eq!(in_project(&bob, &project, user).await["permissions"], json!(["project.read"]));
    }
    for user in [email("alice"), email("nobody")] {
        assert_eq!(forbidden(&bob, IN_ORGANIZATION, &acme, user.clone()).await, ["FORBIDDEN"]);
        assert_eq!(forbidden(&bob, IN_PROJECT, &project, user).await, ["FORBIDDEN"]);
    }
    // The profile is public; who may do what is not.
    roster.sql("UPDATE organizations SET visibility = 'PUBLIC'").await;
    let outsider = roster.person("mallory");
    assert_eq!(forbidden(&outsider, IN_ORGANIZATION, &acme, email("alice")).await, ["FORBIDDEN"]);
    assert_eq!(in_organization(&outsider, &acme, email("mallory")).await, json!(null));
    assert_eq!(forbidden(&roster.anonymous(), IN_ORGANIZATION, &acme, email("alice")).await, ["UNAUTHENTICATED"]);
    // An address that nobody vouches for names nobody: not even whoever claims it.
    let claims = roster.unverified("alice");
    assert_eq!(forbidden(&claims, IN_ORGANIZATION, &acme, email("alice")).await, ["FORBIDDEN"]);
    let limited = roster.key(&acme, Some(&project), &["project.read", "project.members.read"]).await;
    assert_eq!(in_project(&limited, &project, email("bob")).await["has"], false);
    assert_eq!(forbidden(&limited, IN_ORGANIZATION, &acme, email("bob")).await, ["FORBIDDEN"]);
    let backend = roster.key(&acme, None, &["members.read"]).await;
    assert_eq!(in_organization(&backend, &acme, email("alice")).await["has"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_counts_from_the_next_request() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let project = roster.project(&alice, &acme, "Apollo").await;
    let input = json!({ "organization": { "id": acme }, "scope": "ORGANIZATION", "name": "Helper", "permissions": ["members.read", "members.manage"] });
    let helper = id(&alice.payload(CREATE_ROLE, json!({ "input": input })).await["role"]);
    let (bob, member) = roster.member(&alice, &acme, "bob", "viewer").await;
    let manages = async || in_organization(&alice, &acme, email("bob")).await["has"].clone();
    assert_eq!(manages().await, false);
    alice.payload(SET_ROLE, json!({ "member": member, "role": "helper" })).await;
    assert_eq!(manages().await, true);
    let narrow = "mutation($role: ID!) { roleUpdate(input: {roleId: $role, permissions: [\"members.read\"]}) { userErrors { code } } }";
    alice.payload(narrow, json!({ "role": helper })).await;
    assert_eq!(manages().await, false);
    let update = async || in_project(&alice, &project, email("bob")).await["has"].clone();
    assert_eq!(update().await, false);
    let in_apollo = roster.project_member(&alice, &project, "bob", "admin").await;
    assert_eq!(update().await, true);
    let remove =
        "mutation($member: ID!) { projectMemberRemove(input: {member: {id: $member}}) { userErrors { code } } }";
    alice.payload(remove, json!({ "member": in_apollo })).await;
    assert_eq!(update().await, false);
    let remove =
        "mutation($member: ID!) { organizationMemberRemove(input: {member: {id: $member}}) { userErrors { code } } }";
    alice.payload(remove, json!({ "member": member })).await;
    assert_eq!(in_organization(&alice, &acme, email("bob")).await, json!(null));
    assert_eq!(in_project(&alice, &project, email("bob")).await, json!(null));
    assert_eq!(bob.data("{ organization(by: {slug: \"acme\"}) { id } }", json!({})).await["organization"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn access_in_twenty_projects_takes_as_many_statements_as_in_one() {
    const NESTED: &str = "{ organization(by: {slug: \"acme\"}) { access(user: {email: \"bob@example.com\"}) { permissions } projects(first: 20) { nodes { access(user: {email: \"bob@example.com\"}) { permissions roles { key } } } } } }";
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    roster.member(&alice, &acme, "bob", "member").await;
    let cost = async || {
        let before = roster.app.db.statements();
        let data = alice.data(NESTED, json!({})).await;
        (roster.app.db.statements() - before, data["organization"]["projects"]["nodes"].as_array().unwrap().clone())
    };
    roster.projects("acme", 1, "'Plan ' || n").await;
    let (of_one, projects) = cost().await;
    assert_eq!(projects.len(), 1);
    roster.projects("acme", 19, "'Plan ' || n").await;
    let (of_many, projects) = cost().await;
    assert!(projects.iter().all(|project| project["access"]["roles"][0]["key"] == "member"), "{projects:?}");
    assert_eq!(projects.len(), 20);
    // The question at two depths is answered together or apart, as it happens.
    assert!(of_many <= of_one + 2, "{of_many} statements for twenty, {of_one} for one");
}

const OWN: &str = r#"
[[permission]]
key = "dataset.write"
scope = "project"
name = "Write datasets"
description = "Create and change datasets."
group = "Datasets"
roles = ["admin", "member"]

[[permission]]
key = "billing.view"
scope = "organization"
name = "See billing"
description = "See invoices."
group = "Billing"
"#;

fn own_policy() -> Arc<Policy> {
    Arc::new(Policy::with_own(catalogue::read(OWN).unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_of_the_operators_product_are_held_and_asked_for() {
    let roster = Roster::start_with(|app| app.policy = own_policy()).await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let project = roster.project(&alice, &acme, "Apollo").await;
    let shown = roster.anonymous().data("{ permissions { key builtIn scope group } }", json!({})).await;
    let shown = shown["permissions"].as_array().unwrap().clone();
    let own: Vec<&Value> = shown.iter().filter(|permission| permission["builtIn"] == false).collect();
    assert_eq!(own[0], &json!({ "key": "dataset.write", "builtIn": false, "scope": "PROJECT", "group": "Datasets" }));
    assert_eq!((own.len(), shown.len()), (2, 23));

    // They follow the built-in roles that the file names.
    let (bob, _) = roster.member(&alice, &acme, "bob", "admin").await;
    for (name, role) in [("carol", "member"), ("dave", "viewer")] {
        roster.member(&alice, &acme, name, "member").await;
        roster.project_member(&alice, &project, name, role).await;
    }
    let has = async |query: &str, place: &str, name: &str, permission: &str| {
        let what = if query.contains("project(by") { "project" } else { "organization" };
        let query = query.replace("PERMISSION", permission);
        let data = alice.data(&query, json!({ (what): place, "user": email(name) })).await;
        data[what]["access"]["has"].as_bool().unwrap()
    };
    const PROJECT: &str = "query($project: ID!, $user: UserRefInput!) { project(by: {id: $project}) { access(user: $user) { has(permission: \"PERMISSION\") } } }";
    const ORGANIZATION: &str = "query($organization: ID!, $user: UserRefInput!) { organization(by: {id: $organization}) { access(user: $user) { has(permission: \"PERMISSION\") } } }";
    for (name, writes, sees) in
        [("alice", true, true), ("bob", true, false), ("carol", true, false), ("dave", false, false)]
    {
        assert_eq!(has(PROJECT, &project, name, "dataset.write").await, writes, "{name}");
        assert_eq!(has(ORGANIZATION, &acme, name, "billing.view").await, sees, "{name}");
        assert!(!has(ORGANIZATION, &acme, name, "dataset.write").await, "of the other level");
    }

    // Roles and keys hold them, as far as whoever makes them does.
    let role = |scope: &str, name: &str, permission: &str| json!({ "input": { "organization": { "id": acme }, "scope": scope, "name": name, "permissions": [permission] } });
    let made = alice.payload(CREATE_ROLE, role("PROJECT", "Writer", "dataset.write")).await;
    assert_eq!(made["role"]["permissions"], json!([{ "key": "dataset.write", "builtIn": false }]));
    assert_eq!(bob.refused(CREATE_ROLE, role("ORGANIZATION", "Books", "billing.view")).await, ["FORBIDDEN"]);
    assert_eq!(
        alice.refused(CREATE_ROLE, role("ORGANIZATION", "Books", "dataset.write")).await,
        ["ROLE_SCOPE_MISMATCH"]
    );
    let (erin, _) = roster.member(&alice, &acme, "erin", "viewer").await;
    assert!(!has(PROJECT, &project, "erin", "dataset.write").await);
    roster.project_member(&alice, &project, "erin", "writer").await;
    assert!(has(PROJECT, &project, "erin", "dataset.write").await);
    let invisible = erin.data(IN_PROJECT, json!({ "project": project, "user": email("erin") })).await;
    assert_eq!(invisible["project"], json!(null), "a writer who may not see the project");

    let create = "mutation($organization: ID!, $permission: String!) { apiKeyCreate(input: {organization: {id: $organization}, name: \"Backend\", permissions: [$permission]}) { secret apiKey { permissions { key } } userErrors { code } } }";
    let key = |permission: &str| json!({ "organization": acme, "permission": permission });
    let made = alice.payload(create, key("billing.view")).await;
    assert_eq!(made["apiKey"]["permissions"], json!([{ "key": "billing.view" }]));
    let backend = roster.actor("backend", made["secret"].as_str().unwrap());
    let permissions = backend.data("{ organization(by: {slug: \"acme\"}) { viewerPermissions } }", json!({})).await;
    assert_eq!(permissions["organization"]["viewerPermissions"], json!(["billing.view"]));
    assert_eq!(bob.refused(create, key("billing.view")).await, ["FORBIDDEN"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_that_left_its_level_is_held_by_nobody() {
    let first = Roster::start_with(|app| app.policy = own_policy()).await;
    let alice = first.person("alice");
    let acme = first.organization(&alice, "Acme").await;
    let project = first.project(&alice, &acme, "Apollo").await;
    let input = json!({ "organization": { "id": acme }, "scope": "ORGANIZATION", "name": "Books", "permissions": ["billing.view"] });
    alice.payload(CREATE_ROLE, json!({ "input": input })).await;
    first.member(&alice, &acme, "bob", "books").await;
    assert_eq!(in_organization(&alice, &acme, email("bob")).await["permissions"], json!(["billing.view"]));

    // The server comes back with another file.
    let db = first.app.db.clone();
    let moved = OWN.replace("\"organization\"", "\"project\"");
    for file in [moved.as_str(), ""] {
        let policy = Arc::new(Policy::with_own(catalogue::read(file).unwrap()));
        let db = db.clone();
        let second = Roster::start_with(move |app| (app.policy, app.db) = (policy, db)).await;
        let alice = second.person("alice");
        assert_eq!(in_organization(&alice, &acme, email("bob")).await["permissions"], json!([]));
        assert_eq!(in_project(&alice, &project, email("bob")).await["permissions"], json!([]));
    }
    assert_eq!(in_organization(&alice, &acme, email("bob")).await["permissions"], json!(["billing.view"]));
}
