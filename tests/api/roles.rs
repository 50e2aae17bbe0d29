//! `roleCreate`, `roleUpdate`, `roleDelete`, and what the viewer can do with a role.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{ACCEPT, Actor, Roster, codes, id};

const CREATE: &str = "mutation($input: RoleCreateInput!) { roleCreate(input: $input) { role { id key name description scope builtIn version memberCount permissions { key } organization { slug } } userErrors { code message path ... on PermissionUserError { requiredPermission } ... on LimitUserError { limit actual } } } }";
const UPDATE: &str = "mutation($input: RoleUpdateInput!) { roleUpdate(input: $input) { role { id key name description version updatedAt permissions { key } } userErrors { code message path ... on PermissionUserError { requiredPermission } ... on VersionUserError { currentVersion } } } }";
const DELETE: &str = "mutation($input: RoleDeleteInput!) { roleDelete(input: $input) { deletedRoleId reassignedMemberCount userErrors { code message path } } }";
const ROLES: &str = "query($organization: ID!, $filter: RoleFilter) { organization(by: {id: $organization}) { roles(first: 100, filter: $filter) { totalCount nodes { id key scope builtIn viewerCan { assign { allowed code requiredPermission } update { allowed code requiredPermission } delete { allowed code message } } } } } }";

fn creation(organization: &str, scope: &str, name: &str, permissions: &[&str]) -> Value {
    json!({ "input": { "organization": { "id": organization }, "scope": scope, "name": name, "permissions": permissions } })
}

/// A role; answers its id.
async fn role(creator: &Actor, organization: &str, scope: &str, name: &str, permissions: &[&str]) -> String {
    let payload = creator.payload(CREATE, creation(organization, scope, name, permissions)).await;
    assert_eq!(payload["userErrors"], json!([]));
    id(&payload["role"])
}

fn paths(payload: &Value) -> Vec<(String, String)> {
    let errors = payload["userErrors"].as_array().unwrap();
    let path = |error: &Value| {
        let path: Vec<&str> =
            error["path"].as_array().into_iter().flatten().map(|part| part.as_str().unwrap()).collect();
        (path.join("."), error["code"].as_str().unwrap().to_owned())
    };
    errors.iter().map(path).collect()
}

fn told(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(path, code)| ((*path).to_owned(), (*code).to_owned())).collect()
}

fn keys(permissions: &Value) -> Vec<&str> {
    permissions.as_array().unwrap().iter().map(|permission| permission["key"].as_str().unwrap()).collect()
}

async fn status(roster: &Roster, invitation: &str) -> String {
    let uuid = uuid_of(invitation);
    roster.texts(&format!("SELECT status FROM invitations WHERE id = '{uuid}'")).await.remove(0)
}

fn uuid_of(invitation: &str) -> String {
    roster::domain::id::InvitationId::parse(invitation).unwrap().0.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_gets_its_key_from_its_name() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let events = roster.events().await.len();
    let wanted = ["members.read", "invitations.read", "members.read"];
    let payload = alice.payload(CREATE, creation(&acme, "ORGANIZATION", " Billing Admin ", &wanted)).await;
    let made = &payload["role"];
    assert_eq!(
        (&made["key"], &made["name"], &made["builtIn"], &made["version"], &made["memberCount"]),
        (&json!("billing-admin"), &json!("Billing Admin"), &json!(null), &json!(1), &json!(0))
    );
    assert_eq!(keys(&made["permissions"]), ["members.read", "invitations.read"]);
    assert_eq!(made["organization"]["slug"], "acme");

    // The same name again is another role; names are not unique, keys are.
    let again = alice.payload(CREATE, creation(&acme, "ORGANIZATION", "Billing Admin", &[])).await;
    let key = again["role"]["key"].as_str().unwrap();
    assert!(key.starts_with("billing-admin-") && key.len() == 18, "{key}");
    assert_eq!(keys(&again["role"]["permissions"]), Vec::<&str>::new());

    // A key is unique at its level.
    let mut input = creation(&acme, "ORGANIZATION", "Books", &[]);
    for (level, wanted, refused) in [
        ("ORGANIZATION", "billing-admin", true),
        ("ORGANIZATION", "Admin", true),
        ("PROJECT", "billing-admin", false),
        ("PROJECT", "viewer", true),
    ] {
        (input["input"]["scope"], input["input"]["key"]) = (json!(level), json!(wanted));
        if refused {
            assert_eq!(alice.refused(CREATE, input.clone()).await, ["TAKEN"], "{level} {wanted}");
        } else {
            assert_eq!(alice.payload(CREATE, input.clone()).await["role"]["key"], wanted);
        }
    }
    assert_eq!(roster.events().await[events..], ["role.created"; 3]);
    let listed = alice.data(ROLES, json!({ "organization": acme, "filter": { "scope": "ORGANIZATION" } })).await;
    let listed = listed["organization"]["roles"]["nodes"].as_array().unwrap();
    let listed: Vec<&str> = listed.iter().map(|role| role["key"].as_str().unwrap()).collect();
    assert_eq!(listed[..5], ["owner", "admin", "member", "viewer", "guest"]);
    assert!(listed[5..].contains(&"billing-admin"), "{listed:?}");
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_with_the_same_key_creates_one_role() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let mut input = creation(&acme, "PROJECT", "Labeler", &["project.read"]);
    input["input"]["idempotencyKey"] = json!("once");
    let first = alice.payload(CREATE, input.clone()).await;
    let second = alice.payload(CREATE, input.clone()).await;
    assert_eq!(first, second);
    input["input"]["name"] = json!("Reviewer");
    assert_eq!(alice.refused(CREATE, input).await, ["IDEMPOTENCY_KEY_REUSED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_wrong_with_a_role_is_told_at_once() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let input = json!({ "input": { "organization": { "id": acme }, "scope": "PROJECT", "name": " ", "key": "-", "description": "x".repeat(2001),
        "permissions": ["project.read", "members.read", "nothing.such"] } });
    let payload = alice.payload(CREATE, input.clone()).await;
    assert_eq!(
        paths(&payload),
        told(&[
            ("input.name", "BLANK"),
            ("input.key", "INVALID"),
            ("input.description", "TOO_LONG"),
            ("input.permissions.1", "ROLE_SCOPE_MISMATCH"),
            ("input.permissions.2", "INVALID"),
        ])
    );
    assert_eq!(alice.refused(CREATE, input).await.len(), 5);
    let long = alice.refused(CREATE, creation(&acme, "PROJECT", &"x".repeat(61), &[])).await;
    assert_eq!(long, ["TOO_LONG"]);
    role(&alice, &acme, "PROJECT", &"x".repeat(60), &[]).await;
    let many = vec!["project.read"; 501];
    assert_eq!(alice.refused(CREATE, creation(&acme, "PROJECT", "Many", &many)).await, ["TOO_MANY"]);
    let organization = alice.payload(CREATE, creation(&acme, "ORGANIZATION", "Wrong", &["project.read"])).await;
    assert_eq!(paths(&organization), told(&[("input.permissions.0", "ROLE_SCOPE_MISMATCH")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_a_role_that_can_do_more_than_they() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (admin, _) = roster.member(&alice, &acme, "bob", "admin").await;
    let (member, _) = roster.member(&alice, &acme, "carol", "member").await;
    role(&alice, &acme, "ORGANIZATION", "Keeper", &["roles.manage", "members.read"]).await;
    let (keeper, _) = roster.member(&alice, &acme, "dave", "keeper").await;
    let outsider = roster.person("erin");
    let key = roster.key(&acme, None, &["roles.manage", "project.update"]).await;
    let weak_key = roster.key(&acme, None, &["members.read"]).await;
    let named = |scope: &str, permission: &str| creation(&acme, scope, "New", &[permission]);

    assert_eq!(outsider.refused(CREATE, named("PROJECT", "project.read")).await, ["NOT_FOUND"]);
    for actor in [&member, &weak_key] {
        let payload = actor.payload(CREATE, named("PROJECT", "project.read")).await;
        assert_eq!(payload["userErrors"][0]["requiredPermission"], "roles.manage", "{}", actor.name);
    }
    for (actor, scope, permission, allowed) in [
        (&alice, "ORGANIZATION", "organization.delete", true),
        (&alice, "PROJECT", "project.delete", true),
        (&admin, "ORGANIZATION", "members.manage", true),
        (&admin, "ORGANIZATION", "organization.delete", false),
        (&admin, "PROJECT", "project.members.manage", true),
        (&admin, "PROJECT", "project.delete", false),
        (&keeper, "ORGANIZATION", "members.read", true),
        (&keeper, "ORGANIZATION", "members.manage", false),
        (&keeper, "PROJECT", "project.read", false),
        (&key, "PROJECT", "project.update", true),
        (&key, "PROJECT", "project.read", false),
        (&key, "ORGANIZATION", "members.read", false),
    ] {
        let what = format!("{} {permission}", actor.name);
        if allowed {
            assert_eq!(codes(&actor.payload(CREATE, named(scope, permission)).await["userErrors"]), [""; 0], "{what}");
        } else {
            let payload = actor.payload(CREATE, named(scope, permission)).await;
            assert_eq!(paths(&payload), told(&[("input.permissions.0", "FORBIDDEN")]), "{what}");
            assert_eq!(payload["userErrors"][0]["requiredPermission"], permission, "{what}");
            actor.refused(CREATE, named(scope, permission)).await;
        }
    }
    // Dave is the owner of a project, which gives him nothing in all others.
    let project = roster.project(&alice, &acme, "Apollo").await;
    roster.project_member(&alice, &project, "dave", "admin").await;
    assert_eq!(keeper.refused(CREATE, named("PROJECT", "project.read")).await, ["FORBIDDEN"]);
    assert_eq!(roster.anonymous().error_codes(CREATE, named("PROJECT", "project.read")).await, ["UNAUTHENTICATED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_keep_to_the_limit_and_to_one_key() {
    let roster = Roster::start_with(|app| app.limits.custom_roles = 3).await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let mut same = creation(&acme, "PROJECT", "Labeler", &["project.read"]);
    same["input"]["key"] = json!("labeler");
    let tries = join_all((0..32).map(|_| alice.refusals(CREATE, same.clone()))).await;
    assert_eq!(tries.iter().filter(|refusals| refusals.is_empty()).count(), 1);
    assert!(tries.iter().flatten().all(|code| code == "TAKEN"), "{tries:?}");

    let tries = join_all((0..32).map(|n| {
        let alice = alice.clone();
        let input = creation(&acme, "PROJECT", &format!("Role {n}"), &[]);
        async move { alice.payload(CREATE, input).await }
    }))
    .await;
    assert_eq!(tries.iter().filter(|payload| payload["userErrors"] == json!([])).count(), 2);
    let refused = tries.iter().find(|payload| payload["userErrors"] != json!([])).unwrap();
    let error = &refused["userErrors"][0];
    assert_eq!((&error["code"], &error["limit"], &error["actual"]), (&json!("LIMIT_REACHED"), &json!(3), &json!(3)));
    let can = "{ organization(by: {slug: \"acme\"}) { viewerCan { createRoles { allowed code } } } }";
    let can = alice.data(can, json!({})).await["organization"]["viewerCan"]["createRoles"].clone();
    assert_eq!(can, json!({ "allowed": false, "code": "LIMIT_REACHED" }));
    // Another organization has a limit of its own.
    let globex = roster.organization(&alice, "Globex").await;
    role(&alice, &globex, "PROJECT", "Labeler", &[]).await;
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_fields_stay_and_null_clears() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let mut input = creation(&acme, "ORGANIZATION", "Recruiter", &["members.read", "invitations.read"]);
    input["input"]["description"] = json!("Finds people.");
    let id = id(&alice.payload(CREATE, input).await["role"]);
    let with = |fields: Value| {
        let mut input = json!({ "roleId": id });
        input.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        json!({ "input": input })
    };
    let changed = alice.payload(UPDATE, with(json!({ "name": "Scout" }))).await["role"].clone();
    assert_eq!(
        (&changed["key"], &changed["name"], &changed["description"], &changed["version"]),
        (&json!("recruiter"), &json!("Scout"), &json!("Finds people."), &json!(2))
    );
    assert_eq!(keys(&changed["permissions"]), ["members.read", "invitations.read"]);
    let cleared = alice.payload(UPDATE, with(json!({ "description": null, "expectedVersion": 2 }))).await;
    assert_eq!((&cleared["role"]["description"], &cleared["role"]["version"]), (&json!(null), &json!(3)));
    let narrowed = alice.payload(UPDATE, with(json!({ "permissions": ["members.read", "members.read"] }))).await;
    assert_eq!(keys(&narrowed["role"]["permissions"]), ["members.read"]);

    // Nothing new is no change.
    let before = roster.content().await;
    let same = alice.payload(UPDATE, with(json!({ "name": " Scout", "permissions": ["members.read"] }))).await;
    assert_eq!((&same["role"]["version"], &same["userErrors"]), (&json!(4), &json!([])));
    assert_eq!(roster.content().await, before);

    let wrong = with(json!({ "name": null, "permissions": null, "description": "x".repeat(2001) }));
    assert_eq!(
        paths(&alice.payload(UPDATE, wrong.clone()).await),
        told(&[("input.name", "BLANK"), ("input.description", "TOO_LONG"), ("input.permissions", "INVALID")])
    );
    assert_eq!(alice.refused(UPDATE, wrong).await.len(), 3);
    let wrong = with(json!({ "permissions": ["project.read", "nothing"], "name": "x".repeat(61) }));
    assert_eq!(alice.refused(UPDATE, wrong).await, ["TOO_LONG", "ROLE_SCOPE_MISMATCH", "INVALID"]);
    assert_eq!(alice.refused(UPDATE, with(json!({ "permissions": vec!["members.read"; 501] }))).await, ["TOO_MANY"]);
    let stale = alice.payload(UPDATE, with(json!({ "name": "Late", "expectedVersion": 3 }))).await;
    assert_eq!(paths(&stale), told(&[("input.expectedVersion", "STALE_VERSION")]));
    assert_eq!(stale["userErrors"][0]["currentVersion"], 4);

    let told = roster.texts("SELECT data FROM events WHERE type = 'role.updated' ORDER BY version").await;
    let told: Vec<Value> = told.iter().map(|data| serde_json::from_str(data).unwrap()).collect();
    assert_eq!(told[0], json!({ "key": "recruiter", "before": { "name": "Recruiter" }, "after": { "name": "Scout" } }));
    assert_eq!(told[2]["after"], json!({ "permissions": ["members.read"] }));
    assert_eq!(told.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_changed_by_those_who_hold_all_of_it() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let globex = roster.organization(&roster.person("zoe"), "Globex").await;
    let (admin, _) = roster.member(&alice, &acme, "bob", "admin").await;
    let (member, _) = roster.member(&alice, &acme, "carol", "member").await;
    let strong = role(&alice, &acme, "ORGANIZATION", "Closer", &["organization.delete"]).await;
    let strong_in_projects = role(&alice, &acme, "PROJECT", "Remover", &["project.delete"]).await;
    let weak = role(&alice, &acme, "ORGANIZATION", "Reader", &["members.read"]).await;
    let listed = alice.data(ROLES, json!({ "organization": acme, "filter": { "builtIn": true } })).await;
    let built_in: Vec<String> = listed["organization"]["roles"]["nodes"].as_array().unwrap().iter().map(id).collect();
    let rename = |role: &str| json!({ "input": { "roleId": role, "name": "Renamed" } });
    let delete = |role: &str| json!({ "input": { "roleId": role } });

    for role in &built_in {
        assert_eq!(alice.refused(UPDATE, rename(role)).await, ["BUILT_IN_ROLE"]);
        assert_eq!(alice.refused(DELETE, delete(role)).await, ["BUILT_IN_ROLE"]);
    }
    for role in [&strong, &strong_in_projects] {
        assert_eq!(admin.refused(UPDATE, rename(role)).await, ["FORBIDDEN"]);
        assert_eq!(admin.refused(DELETE, delete(role)).await, ["FORBIDDEN"]);
    }
    let payload = member.payload(UPDATE, rename(&weak)).await;
    assert_eq!(payload["userErrors"][0]["requiredPermission"], "roles.manage");
    assert_eq!(member.refused(DELETE, delete(&weak)).await, ["FORBIDDEN"]);
    let raised = json!({ "input": { "roleId": weak, "permissions": ["members.read", "organization.transfer"] } });
    let payload = admin.payload(UPDATE, raised).await;
    assert_eq!(paths(&payload), told(&[("input.permissions.1", "FORBIDDEN")]));
    assert_eq!(payload["userErrors"][0]["requiredPermission"], "organization.transfer");
    // What others have is not there, whoever asks and however it is named.
    let outsider = roster.person("zoe");
    roster.sql("UPDATE organizations SET visibility = 'PUBLIC'").await;
    for unknown in [weak.as_str(), "rol_none", &globex] {
        assert_eq!(outsider.refused(UPDATE, rename(unknown)).await, ["NOT_FOUND"], "{unknown}");
        assert_eq!(outsider.refused(DELETE, delete(unknown)).await, ["NOT_FOUND"], "{unknown}");
    }
    assert_eq!(admin.payload(UPDATE, rename(&weak)).await["role"]["name"], "Renamed");
    assert_eq!(admin.payload(DELETE, delete(&weak)).await["deletedRoleId"], json!(weak));
    assert_eq!(admin.refused(DELETE, delete(&weak)).await, ["NOT_FOUND"]);
    assert_eq!(roster.operator().payload(UPDATE, rename(&strong)).await["role"]["name"], "Renamed");
}

#[tokio::test(flavor = "multi_thread")]
async fn narrowing_a_role_counts_from_the_next_request() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let all = ["members.read", "invitations.read", "invitations.manage"];
    let recruiter = role(&alice, &acme, "ORGANIZATION", "Recruiter", &all).await;
    let (bob, _) = roster.member(&alice, &acme, "bob", "recruiter").await;
    let (of_bob, token) = roster.invite(&bob, &acme, "carol@example.com", "recruiter").await;
    let (of_alice, _) = roster.invite(&alice, &acme, "dave@example.com", "recruiter").await;
    let events = roster.events().await.len();

    alice.payload(UPDATE, json!({ "input": { "roleId": recruiter, "permissions": ["members.read"] } })).await;
    assert_eq!(
        (status(&roster, &of_bob).await, status(&roster, &of_alice).await),
        ("REVOKED".into(), "PENDING".into())
    );
    assert_eq!(roster.events().await[events..], ["invitation.revoked", "role.updated"]);
    let permissions = bob.data("{ organization(by: {slug: \"acme\"}) { viewerPermissions } }", json!({})).await;
    assert_eq!(permissions["organization"]["viewerPermissions"], json!(["members.read"]));
    let invite = "mutation { organizationInvite(input: {organization: {slug: \"acme\"}, emails: [\"erin@example.com\"]}) { userErrors { code } } }";
    assert_eq!(bob.refused(invite, json!({})).await, ["FORBIDDEN"]);
    assert_eq!(roster.person("carol").refused(ACCEPT, json!({ "token": token })).await, ["INVITATION_NOT_PENDING"]);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn widening_a_role_revokes_what_weaker_people_gave_with_it() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let project = roster.project(&alice, &acme, "Apollo").await;
    let (bob, _) = roster.member(&alice, &acme, "bob", "admin").await;
    let helper = role(&alice, &acme, "ORGANIZATION", "Helper", &["members.read"]).await;
    let labeler = role(&alice, &acme, "PROJECT", "Labeler", &["project.read"]).await;
    let key = roster.key(&acme, None, &["members.read", "invitations.read", "invitations.manage"]).await;
    let (of_bob, _) = roster.invite(&bob, &acme, "carol@example.com", "helper").await;
    let (of_key, _) = roster.invite(&key, &acme, "dave@example.com", "helper").await;
    let (of_alice, _) = roster.invite(&alice, &acme, "erin@example.com", "helper").await;
    let (plain, _) = roster.invite(&bob, &acme, "frank@example.com", "viewer").await;
    // Bob adds a project to what Alice sent.
    let added = bob
        .payload("mutation($project: ID!) { projectInvite(input: {project: {id: $project}, emails: [\"erin@example.com\"], role: {key: \"labeler\"}}) { results { status } userErrors { code } } }", json!({ "project": project }))
        .await;
    assert_eq!(added["results"][0]["status"], "SUCCEEDED");
    let grants = "SELECT count(*) FROM invitation_projects";
    assert_eq!(roster.texts(grants).await, ["1"]);

    let wide = json!({ "input": { "roleId": helper, "permissions": ["members.read", "organization.delete"] } });
    assert_eq!(alice.payload(UPDATE, wide).await["userErrors"], json!([]));
    for (invitation, now) in [(&of_bob, "REVOKED"), (&of_key, "REVOKED"), (&of_alice, "PENDING"), (&plain, "PENDING")] {
        assert_eq!(status(&roster, invitation).await, now);
    }
    assert_eq!(roster.texts(grants).await, ["1"], "of a role that did not change");
    let wide = json!({ "input": { "roleId": labeler, "permissions": ["project.delete"] } });
    assert_eq!(alice.payload(UPDATE, wide).await["userErrors"], json!([]));
    assert_eq!(roster.texts(grants).await, ["0"]);
    assert_eq!(status(&roster, &of_alice).await, "PENDING");
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_in_use_is_deleted_with_a_replacement() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let globex = roster.organization(&roster.person("zoe"), "Globex").await;
    let project = roster.project(&alice, &acme, "Apollo").await;
    let recruiter = role(&alice, &acme, "ORGANIZATION", "Recruiter", &["members.read"]).await;
    let labeler = role(&alice, &acme, "PROJECT", "Labeler", &["project.read"]).await;
    let strong = role(&alice, &acme, "ORGANIZATION", "Closer", &["organization.delete"]).await;
    let (admin, _) = roster.member(&alice, &acme, "bob", "admin").await;
    let (carol, member) = roster.member(&alice, &acme, "carol", "recruiter").await;
    let in_project = roster.project_member(&alice, &project, "carol", "labeler").await;
    roster.invite(&alice, &acme, "lapsed@example.com", "recruiter").await;
    roster.wait(TimeDelta::days(8));
    let alice = roster.person("alice");
    let (pending, token) = roster.invite(&alice, &acme, "dave@example.com", "recruiter").await;
    alice
        .payload("mutation($project: ID!) { projectInvite(input: {project: {id: $project}, emails: [\"dave@example.com\"], role: {key: \"labeler\"}}) { results { status } userErrors { code } } }", json!({ "project": project }))
        .await;
    let roles = alice.data(ROLES, json!({ "organization": acme })).await["organization"]["roles"]["nodes"].clone();
    let of = |scope: &str, key: &str| {
        let found = roles.as_array().unwrap().iter().find(|role| role["scope"] == scope && role["key"] == key).unwrap();
        id(found)
    };
    let foreign = roster.person("zoe").data(ROLES, json!({ "organization": globex })).await;
    let foreign = id(&foreign["organization"]["roles"]["nodes"][2]);
    let with = |role: &str, replacement: &str| json!({ "input": { "roleId": role, "replacementRoleId": replacement } });

    let payload = alice.payload(DELETE, json!({ "input": { "roleId": recruiter } })).await;
    assert_eq!(paths(&payload), told(&[("input.replacementRoleId", "ROLE_IN_USE")]));
    let message = payload["userErrors"][0]["message"].as_str().unwrap();
    assert!(message.contains("1 member and 1 pending invitation;"), "{message}");
    assert_eq!(alice.refused(DELETE, json!({ "input": { "roleId": labeler } })).await, ["ROLE_IN_USE"]);
    for (actor, replacement, code) in [
        (&alice, recruiter.clone(), "INVALID"),
        (&alice, of("PROJECT", "viewer"), "ROLE_SCOPE_MISMATCH"),
        (&alice, of("ORGANIZATION", "owner"), "ROLE_NOT_ASSIGNABLE"),
        (&admin, strong.clone(), "ROLE_NOT_ASSIGNABLE"),
        (&alice, foreign, "NOT_FOUND"),
        (&alice, "rol_none".to_owned(), "NOT_FOUND"),
    ] {
        assert_eq!(actor.refused(DELETE, with(&recruiter, &replacement)).await, [code]);
        let payload = actor.payload(DELETE, with(&recruiter, &replacement)).await;
        assert_eq!(payload["userErrors"][0]["path"], json!(["input", "replacementRoleId"]), "{code}");
    }
    let mut stale = with(&recruiter, &of("ORGANIZATION", "viewer"));
    stale["input"]["expectedVersion"] = json!(2);
    assert_eq!(alice.refused(DELETE, stale).await, ["STALE_VERSION"]);

    let done = alice.payload(DELETE, with(&recruiter, &of("ORGANIZATION", "viewer"))).await;
    assert_eq!((&done["deletedRoleId"], &done["reassignedMemberCount"]), (&json!(recruiter), &json!(1)));
    let done = alice.payload(DELETE, with(&labeler, &of("PROJECT", "viewer"))).await;
    assert_eq!(done["reassignedMemberCount"], 1);
    let now = alice
        .data("query($member: ID!, $inProject: ID!, $invitation: ID!, $role: ID!) { member: node(id: $member) { ... on OrganizationMember { version role { key } } } inProject: node(id: $inProject) { ... on ProjectMember { version role { key } } } invitation: node(id: $invitation) { ... on Invitation { status role { key } projects { role { key } } } } role: node(id: $role) { id } }",
            json!({ "member": member, "inProject": in_project, "invitation": pending, "role": recruiter }))
        .await;
    assert_eq!(now["member"], json!({ "version": 2, "role": { "key": "viewer" } }));
    assert_eq!(now["inProject"], json!({ "version": 2, "role": { "key": "viewer" } }));
    assert_eq!(
        now["invitation"],
        json!({ "status": "PENDING", "role": { "key": "viewer" }, "projects": [{ "role": { "key": "viewer" } }] })
    );
    assert_eq!(now["role"], json!(null));
    // What ended before stays to be read.
    let ended = "query($organization: ID!) { organization(by: {id: $organization}) { invitations(statuses: [ACCEPTED, EXPIRED], filter: {search: \"example\"}) { nodes { email role { key } } } } }";
    let ended = alice.data(ended, json!({ "organization": acme })).await;
    assert_eq!(ended["organization"]["invitations"]["nodes"].as_array().unwrap().len(), 3);
    // Places in lists follow the role.
    let ranks = roster.texts("SELECT role_rank FROM organization_members WHERE email = 'carol@example.com'").await;
    assert_eq!(ranks, ["3"]);
    let permissions = carol.data("{ organization(by: {slug: \"acme\"}) { viewerPermissions } }", json!({})).await;
    assert_eq!(permissions["organization"]["viewerPermissions"], json!(["members.read"]));
    assert_eq!(
        roster.person("dave").payload(ACCEPT, json!({ "token": token })).await["organizationMember"]["role"]["key"],
        "viewer"
    );
    let told = roster.texts("SELECT data FROM events WHERE type = 'role.deleted' ORDER BY version").await;
    let told: Value = serde_json::from_str(&told[0]).unwrap();
    assert_eq!(
        (&told["key"], &told["replacement"], &told["reassigned_members"]),
        (&json!("recruiter"), &json!("viewer"), &json!(1))
    );
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_only_the_past_names_needs_no_replacement() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let recruiter = role(&alice, &acme, "ORGANIZATION", "Recruiter", &["members.read"]).await;
    let (invitation, token) = roster.invite(&alice, &acme, "bob@example.com", "recruiter").await;
    let decline =
        "mutation($token: String!) { invitationDecline(input: {invitation: {token: $token}}) { userErrors { code } } }";
    roster.person("bob").payload(decline, json!({ "token": token })).await;
    let (lapsed, _) = roster.invite(&alice, &acme, "carol@example.com", "recruiter").await;
    assert_eq!(alice.refused(DELETE, json!({ "input": { "roleId": recruiter } })).await, ["ROLE_IN_USE"]);
    roster.wait(TimeDelta::days(7));
    let done = alice.payload(DELETE, json!({ "input": { "roleId": recruiter } })).await;
    assert_eq!((&done["deletedRoleId"], &done["reassignedMemberCount"]), (&json!(recruiter), &json!(0)));
    // What they gave is no more, and nothing takes its place.
    const SHOWN: &str = "query($id: ID!) { node(id: $id) { ... on Invitation { status role { key } roleName } } }";
    for (invitation, status) in [(&invitation, "DECLINED"), (&lapsed, "EXPIRED")] {
        let shown = alice.data(SHOWN, json!({ "id": invitation })).await;
        assert_eq!(shown["node"], json!({ "status": status, "role": null, "roleName": null }));
    }
    let resend = "mutation($id: ID!) { invitationResend(input: {invitationId: $id}) { userErrors { code message } } }";
    assert_eq!(alice.refused(resend, json!({ "id": lapsed })).await, ["ROLE_NOT_ASSIGNABLE"]);
    let errors = alice.payload(resend, json!({ "id": lapsed })).await["userErrors"].clone();
    assert_eq!(errors[0]["message"], "The role that this invitation gave was deleted; invite the address again.");
    roster.invite(&alice, &acme, "carol@example.com", "member").await;
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weaker_inviter_loses_what_the_replacement_gives() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let weak = role(&alice, &acme, "ORGANIZATION", "Helper", &["members.read"]).await;
    let strong = role(&alice, &acme, "ORGANIZATION", "Closer", &["organization.delete"]).await;
    let (bob, _) = roster.member(&alice, &acme, "bob", "admin").await;
    let (of_bob, _) = roster.invite(&bob, &acme, "carol@example.com", "helper").await;
    let (of_alice, _) = roster.invite(&alice, &acme, "dave@example.com", "helper").await;
    let input = json!({ "input": { "roleId": weak, "replacementRoleId": strong } });
    assert_eq!(bob.refused(DELETE, input.clone()).await, ["ROLE_NOT_ASSIGNABLE"]);
    assert_eq!(alice.payload(DELETE, input).await["reassignedMemberCount"], 0);
    assert_eq!(
        (status(&roster, &of_bob).await, status(&roster, &of_alice).await),
        ("REVOKED".into(), "PENDING".into())
    );
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_role_and_giving_it_at_once_leaves_nobody_without() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let recruiter = role(&alice, &acme, "ORGANIZATION", "Recruiter", &["members.read"]).await;
    let viewer = alice.data(ROLES, json!({ "organization": acme, "filter": { "scope": "ORGANIZATION" } })).await;
    let viewer = id(&viewer["organization"]["roles"]["nodes"][3]);
    let invite = "mutation($organization: ID!, $email: String!, $role: ID!) { organizationInvite(input: {organization: {id: $organization}, emails: [$email], role: {id: $role}}) { results { status } userErrors { code } } }";
    let deletion = json!({ "input": { "roleId": recruiter, "replacementRoleId": viewer } });
    let (deleted, invited) = tokio::join!(
        join_all((0..4).map(|_| alice.refusals(DELETE, deletion.clone()))),
        join_all((0..28).map(|n| {
            let variables =
                json!({ "organization": acme, "email": format!("guest{n}@example.com"), "role": recruiter });
            alice.refusals(invite, variables)
        })),
    );
    assert_eq!(deleted.iter().filter(|refusals| refusals.is_empty()).count(), 1);
    assert!(deleted.iter().chain(&invited).flatten().all(|code| code == "NOT_FOUND"), "{deleted:?} {invited:?}");
    let stored =
        roster.texts("SELECT count(*) FROM invitations i JOIN roles r ON r.id = i.role_id AND r.key = 'viewer'").await;
    let accepted = invited.iter().filter(|refusals| refusals.is_empty()).count();
    assert_eq!(stored, [accepted.to_string()]);
    roster.assert_counters().await;
}

/// What `viewerCan` says is what the mutations answer.
#[tokio::test(flavor = "multi_thread")]
async fn capabilities_say_what_the_mutations_do() {
    const INVITE: &str = "mutation($role: ID!) { organizationInvite(input: {organization: {slug: \"acme\"}, emails: [\"new@example.com\"], role: {id: $role}, dryRun: true}) { userErrors { code } } }";
    const PROJECT_INVITE: &str = "mutation($role: ID!) { projectInvite(input: {project: {path: {organization: \"acme\", project: \"apollo\"}}, emails: [\"new@example.com\"], role: {id: $role}, dryRun: true}) { userErrors { code } } }";
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let project = roster.project(&alice, &acme, "Apollo").await;
    role(&alice, &acme, "ORGANIZATION", "Closer", &["organization.delete"]).await;
    role(&alice, &acme, "ORGANIZATION", "Recruiter", &["members.read", "invitations.manage", "roles.manage"]).await;
    role(&alice, &acme, "ORGANIZATION", "Unused", &["members.read"]).await;
    role(&alice, &acme, "PROJECT", "Labeler", &["project.read"]).await;
    role(&alice, &acme, "PROJECT", "Remover", &["project.delete"]).await;
    let (admin, _) = roster.member(&alice, &acme, "bob", "admin").await;
    let (recruiter, _) = roster.member(&alice, &acme, "carol", "recruiter").await;
    let (member, _) = roster.member(&alice, &acme, "dave", "member").await;
    // Dave manages one project and nothing else.
    roster.project_member(&alice, &project, "dave", "admin").await;
    roster.project_member(&alice, &project, "carol", "labeler").await;
    let (guest, _) = roster.member(&alice, &acme, "gus", "guest").await;
    roster.project_member(&alice, &project, "gus", "viewer").await;
    let key = roster.key(&acme, None, &["invitations.manage", "members.read", "project.read"]).await;
    let mut assignable_of_dave = 0;
    for actor in [&alice, &admin, &recruiter, &member, &key, &guest] {
        let listed = actor.data(ROLES, json!({ "organization": acme })).await["organization"]["roles"].clone();
        // Guests know those of projects, and their own.
        assert_eq!(listed["totalCount"], if actor.name == "gus" { 7 } else { 14 });
        let narrowed = actor.data(ROLES, json!({ "organization": acme, "filter": { "assignable": true } })).await;
        let narrowed = narrowed["organization"]["roles"].clone();
        let assignable: Vec<String> = narrowed["nodes"].as_array().unwrap().iter().map(id).collect();
        assert_eq!(narrowed["totalCount"], assignable.len());
        for role in listed["nodes"].as_array().unwrap() {
            let (what, can) = (format!("{} {role}", actor.name), &role["viewerCan"]);
            let code = |capability: &Value| capability["code"].as_str().map(str::to_owned);
            let same = [
                ("update", UPDATE, json!({ "roleId": role["id"], "name": null })),
                ("delete", DELETE, json!({ "roleId": role["id"] })),
            ];
            for (capability, mutation, input) in same {
                // The dry run of a change: a name that cannot be, and a version that is not.
                let mut input = input;
                if capability == "delete" && can["delete"]["allowed"] == true {
                    input["expectedVersion"] = json!(99);
                }
                let first =
                    codes(&actor.payload(mutation, json!({ "input": input })).await["userErrors"]).first().cloned();
                let expected = code(&can[capability]);
                let passed = Some(if capability == "update" { "BLANK" } else { "STALE_VERSION" }.to_owned());
                assert_eq!(first, expected.or(passed), "{capability} {what}");
            }
            let mutation = if role["scope"] == "PROJECT" { PROJECT_INVITE } else { INVITE };
            let first =
                codes(&actor.payload(mutation, json!({ "role": role["id"] })).await["userErrors"]).first().cloned();
            let says = code(&can["assign"]);
            assert_eq!(first, says, "assign {what}");
            assert_eq!(can["assign"]["allowed"], json!(says.is_none()));
            assert_eq!(assignable.contains(&id(role)), says.is_none(), "{what}");
            if actor.name == "dave" && says.is_none() {
                assert_eq!(role["scope"], "PROJECT");
                assignable_of_dave += 1;
            }
        }
    }
    // Admin, Member, Viewer and the labeler, in the one project.
    assert_eq!(assignable_of_dave, 4);
    let pages = "query($after: String) { organization(by: {slug: \"acme\"}) { roles(first: 2, after: $after, filter: {assignable: true, scope: ORGANIZATION}) { nodes { key } pageInfo { hasNextPage endCursor } } } }";
    let (mut found, mut after) = (Vec::new(), json!(null));
    loop {
        let page = recruiter.data(pages, json!({ "after": after })).await["organization"]["roles"].clone();
        found.extend(page["nodes"].as_array().unwrap().iter().map(|role| role["key"].as_str().unwrap().to_owned()));
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    let mut custom = found.split_off(2);
    assert_eq!(found, ["viewer", "guest"]);
    custom.sort_unstable();
    assert_eq!(custom, ["recruiter", "unused"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn capabilities_take_as_many_statements_for_all_roles_as_for_few() {
    const NESTED: &str = "{ viewer { memberships(first: 5) { nodes { organization { roles(first: 40, filter: {assignable: true}) { nodes { memberCount viewerCan { assign { code } update { code } delete { code } } } } } } } } }";
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    role(&alice, &acme, "PROJECT", "Labeler", &["project.read"]).await;
    let cost = async |query: &str, variables: Value| {
        // The roles of an organization are read once.
        alice.data(query, variables.clone()).await;
        let before = roster.app.db.statements();
        let data = alice.data(query, variables).await;
        (roster.app.db.statements() - before, data)
    };
    let (of_few, data) = cost(ROLES, json!({ "organization": acme })).await;
    assert_eq!(data["organization"]["roles"]["nodes"].as_array().unwrap().len(), 10);
    let (nested_few, _) = cost(NESTED, json!({})).await;
    for n in 0..20 {
        role(&alice, &acme, ["PROJECT", "ORGANIZATION"][n % 2], &format!("Role {n}"), &[]).await;
    }
    for name in ["Globex", "Initech", "Umbrella"] {
        let other = roster.organization(&alice, name).await;
        role(&alice, &other, "PROJECT", "Labeler", &["project.read"]).await;
    }
    let (of_many, data) = cost(ROLES, json!({ "organization": acme })).await;
    assert_eq!(data["organization"]["roles"]["nodes"].as_array().unwrap().len(), 30);
    assert_eq!(of_many, of_few);
    let (nested_many, data) = cost(NESTED, json!({})).await;
    let memberships = data["viewer"]["memberships"]["nodes"].as_array().unwrap();
    let sizes: Vec<usize> =
        memberships.iter().map(|m| m["organization"]["roles"]["nodes"].as_array().unwrap().len()).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 28 + 3 * 8, "{sizes:?}");
    assert_eq!(nested_many, nested_few);
}
