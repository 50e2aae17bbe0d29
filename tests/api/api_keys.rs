//! `apiKeyCreate`, `apiKeyRotate`, `apiKeyTakeOver`, `apiKeyRevoke`, the list of keys, and who answers for them.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{ACCEPT, Actor, Roster, codes, id};

const CREATE: &str = "mutation($input: ApiKeyCreateInput!) { apiKeyCreate(input: $input) { apiKey { id displayName prefix isActive project { slug } organization { slug } createdBy { displayName } createdAt lastUsedAt expiresAt revokedAt permissions { key } } secret userErrors { code message path ... on PermissionUserError { requiredPermission } ... on LimitUserError { limit actual } } } }";
const ROTATE: &str = "mutation($key: ID!, $grace: Int! = 0) { apiKeyRotate(input: {apiKeyId: $key, graceMinutes: $grace}) { apiKey { id prefix } secret userErrors { code path ... on PermissionUserError { requiredPermission } } } }";
const REVOKE: &str = "mutation($key: ID!) { apiKeyRevoke(input: {apiKeyId: $key}) { apiKey { id isActive revokedAt } userErrors { code path ... on PermissionUserError { requiredPermission } } } }";
const TAKE_OVER: &str = "mutation($key: ID!) { apiKeyTakeOver(input: {apiKeyId: $key}) { apiKey { id responsible { displayName } } userErrors { code path ... on PermissionUserError { requiredPermission } } } }";
const UPDATE_ROLE: &str = "mutation($member: ID!, $role: String!, $dryRun: Boolean! = false) { organizationMemberUpdateRole(input: {member: {id: $member}, role: {key: $role}, dryRun: $dryRun}) { apiKeyChanges { name apiKey { id } ends lostPermissions } userErrors { code path } } }";
const REMOVE: &str = "mutation($member: ID!, $apiKeys: ApiKeysOnRemoval! = END, $dryRun: Boolean! = false) { organizationMemberRemove(input: {member: {id: $member}, apiKeys: $apiKeys, dryRun: $dryRun}) { removedOrganizationMemberId apiKeyChanges { name apiKey { id } ends lostPermissions } userErrors { code path } } }";
const LIST: &str = "query($first: Int, $after: String, $filter: ApiKeyFilter, $orderBy: ApiKeyOrder) { organization(by: {slug: \"acme\"}) { apiKeys(first: $first, after: $after, filter: $filter, orderBy: $orderBy) { totalCount nodes { displayName } pageInfo { hasNextPage endCursor } } } }";
const WHO: &str = "{ organization(by: {slug: \"acme\"}) { viewerPermissions } }";

fn creation(organization: &str, name: &str, permissions: &[&str]) -> Value {
    json!({ "input": { "organization": { "id": organization }, "name": name, "permissions": permissions } })
}

/// A key: its id, and who holds it.
async fn key(creator: &Actor, organization: &str, name: &str, permissions: &[&str]) -> (String, Actor) {
    let payload = creator.payload(CREATE, creation(organization, name, permissions)).await;
    assert_eq!(payload["userErrors"], json!([]));
    (id(&payload["apiKey"]), creator.roster.actor(name, payload["secret"].as_str().unwrap()))
}

/// What a payload says of keys that end or shrink: name, whether it is shown, whether it ends, what it loses.
fn changes(payload: &Value) -> Vec<Value> {
    assert_eq!(payload["userErrors"], json!([]));
    let of = |change: &Value| {
        json!([change["name"], !change["apiKey"].is_null(), change["ends"], change["lostPermissions"]])
    };
    let mut changes: Vec<Value> = payload["apiKeyChanges"].as_array().unwrap().iter().map(of).collect();
    changes.sort_by_key(ToString::to_string);
    changes
}

/// What `viewer` sees of a key: what it can do, what it was granted, who answers for it, and whether it is active.
async fn shown(viewer: &Actor, key: &str) -> Value {
    let query = "query($id: ID!) { node(id: $id) { ... on ApiKey { permissions { key } grantedPermissions { key } responsible { displayName } isActive } } }";
    let key = viewer.data(query, json!({ "id": key })).await["node"].clone();
    let keys = |list: &str| key[list].as_array().unwrap().iter().map(|held| held["key"].clone()).collect::<Vec<_>>();
    json!([keys("permissions"), keys("grantedPermissions"), key["responsible"]["displayName"], key["isActive"]])
}

/// Whether a credential is let in.
async fn is_in(actor: &Actor) -> bool {
    let answer = actor.post(WHO, json!({})).await;
    match answer.status.as_u16() {
        200 => answer.body["data"]["organization"] != json!(null),
        401 => false,
        other => panic!("{other} {}", answer.body),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_and_works_at_once() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let project = roster.project(&alice, &acme, "Apollo").await;
    let expiry = "2026-11-22T09:00:00.000Z";
    let mut input = creation(&acme, " Backend ", &["members.read", "project.read", "members.read"]);
    input["input"]["expiresAt"] = json!(expiry);
    let payload = alice.payload(CREATE, input).await;
    let (made, secret) = (&payload["apiKey"], payload["secret"].as_str().unwrap());
    assert_eq!(
        (&made["displayName"], &made["isActive"], &made["expiresAt"]),
        (&json!("Backend"), &json!(true), &json!(expiry))
    );
    assert_eq!(
        (&made["project"], &made["createdBy"]["displayName"], &made["lastUsedAt"]),
        (&json!(null), &json!("Alice"), &json!(null))
    );
    assert_eq!(made["permissions"], json!([{ "key": "members.read" }, { "key": "project.read" }]));
    assert!(secret.starts_with(made["prefix"].as_str().unwrap()) && secret.len() > 50, "{secret}");
    let backend = roster.actor("backend", secret);
    let permissions = backend.data(WHO, json!({})).await["organization"]["viewerPermissions"].clone();
    assert_eq!(permissions, json!(["members.read", "project.read"]));
    assert!(roster.content().await.values().all(|rows| !rows.contains(&secret[13..])), "the secret is stored");
    let used = "query($id: ID!) { node(id: $id) { ... on ApiKey { lastUsedAt isActive } } }";
    let used = async || alice.data(used, json!({ "id": made["id"] })).await["node"].clone();
    assert_eq!(used().await["lastUsedAt"], "2026-11-21T09:00:00.000Z");

    // A key of one project sees only that.
    let mut input = creation(&acme, "Worker", &["project.read", "project.members.read"]);
    input["input"]["project"] = json!({ "path": { "organization": "acme", "project": "apollo" } });
    let payload = alice.payload(CREATE, input).await;
    assert_eq!(payload["apiKey"]["project"]["slug"], "apollo");
    roster.project(&alice, &acme, "Gemini").await;
    let worker = roster.actor("worker", payload["secret"].as_str().unwrap());
    let seen = worker
        .data("{ organization(by: {slug: \"acme\"}) { viewerPermissions projects { nodes { id } } } }", json!({}))
        .await;
    assert_eq!(seen["organization"]["projects"]["nodes"], json!([{ "id": project }]));

    let created = roster.texts("SELECT data FROM events WHERE type = 'api_key.created' ORDER BY version").await;
    assert_eq!(created.len(), 2);
    assert!(!created.concat().contains(&secret[13..]));
    roster.wait(TimeDelta::days(1));
    assert!(!is_in(&backend).await, "it has expired");
    assert!(is_in(&worker).await);
    let alice = roster.person("alice");
    let shown = alice
        .data("query($id: ID!) { node(id: $id) { ... on ApiKey { isActive } } }", json!({ "id": made["id"] }))
        .await;
    assert_eq!(shown["node"]["isActive"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_wrong_with_a_key_is_told_at_once() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let project = roster.project(&alice, &acme, "Apollo").await;
    let zoe = roster.person("zoe");
    let globex = roster.organization(&zoe, "Globex").await;
    let foreign = roster.project(&zoe, &globex, "Hidden").await;
    roster.member(&zoe, &globex, "alice", "admin").await;
    let mut input = creation(&acme, "", &["members.read", "nothing.such"]);
    input["input"]["expiresAt"] = json!("2026-11-21T09:00:00Z");
    input["input"]["project"] = json!({ "id": project });
    let payload = alice.payload(CREATE, input.clone()).await;
    let errors: Vec<(&str, String)> = payload["userErrors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            (
                error["code"].as_str().unwrap(),
                error["path"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .skip(1)
                    .map(|part| part.as_str().unwrap())
                    .collect::<Vec<_>>()
                    .join("."),
            )
        })
        .collect();
    assert_eq!(
        errors,
        [
            ("BLANK", "name".into()),
            ("INVALID", "expiresAt".into()),
            ("INVALID", "permissions.0".into()),
            ("INVALID", "permissions.1".into())
        ]
    );
    assert_eq!(alice.refused(CREATE, input.clone()).await.len(), 4);
    for (project, code) in [(foreign.as_str(), "NOT_FOUND"), ("prj_none", "NOT_FOUND")] {
        input["input"]["project"] = json!({ "id": project });
        assert_eq!(alice.refused(CREATE, input.clone()).await, [code]);
    }
    assert_eq!(alice.refused(CREATE, creation(&acme, "Empty", &[])).await, ["INVALID"]);
    assert_eq!(alice.refused(CREATE, creation(&acme, &"x".repeat(61), &["members.read"])).await, ["TOO_LONG"]);
    assert_eq!(alice.refused(CREATE, creation(&acme, "Many", &vec!["members.read"; 501])).await, ["TOO_MANY"]);
    assert_eq!(alice.refused(CREATE, creation("org_none", "Lost", &["members.read"])).await, ["NOT_FOUND"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_can_do_no_more_than_whoever_makes_it() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let project = roster.project(&alice, &acme, "Apollo").await;
    let (admin, _) = roster.member(&alice, &acme, "bob", "admin").await;
    let (member, _) = roster.member(&alice, &acme, "carol", "member").await;
    let outsider = roster.person("mallory");
    let role = "mutation($organization: ID!) { roleCreate(input: {organization: {id: $organization}, scope: ORGANIZATION, name: \"Keeper\", permissions: [\"api_keys.manage\", \"members.read\"]}) { userErrors { code } } }";
    alice.payload(role, json!({ "organization": acme })).await;
    let (keeper, _) = roster.member(&alice, &acme, "dave", "keeper").await;
    roster.project_member(&alice, &project, "dave", "member").await;
    let (_, backend) = key(&alice, &acme, "Backend", &["api_keys.manage", "project.read"]).await;
    let wanted = |permission: &str, project: Option<&str>| {
        let mut input = creation(&acme, "New", &["api_keys.manage", permission]);
        if let Some(project) = project {
            input["input"]["project"] = json!({ "id": project });
            input["input"]["permissions"] = json!([permission]);
        }
        input
    };
    let here = Some(project.as_str());
    for (actor, permission, project, allowed) in [
        (&alice, "projects.own", None, true),
        (&alice, "project.delete", None, true),
        (&admin, "projects.own", None, false),
        (&admin, "project.members.manage", None, true),
        (&admin, "project.delete", None, false),
        (&admin, "project.delete", here, false),
        (&keeper, "members.read", None, true),
        (&keeper, "members.manage", None, false),
        // Dave is in one project, and has nothing in the others.
        (&keeper, "project.read", None, false),
        (&keeper, "project.read", here, true),
        (&keeper, "project.update", here, false),
        (&backend, "project.read", None, true),
        (&backend, "project.read", here, true),
        (&backend, "members.read", None, false),
    ] {
        let (what, input) = (format!("{} {permission} {project:?}", actor.name), wanted(permission, project));
        if allowed {
            assert_eq!(codes(&actor.payload(CREATE, input).await["userErrors"]), [""; 0], "{what}");
        } else {
            assert_eq!(actor.refused(CREATE, input.clone()).await, ["FORBIDDEN"], "{what}");
            let error = actor.payload(CREATE, input).await["userErrors"][0].clone();
            let place = if project.is_some() { "0" } else { "1" };
            assert_eq!(
                (&error["requiredPermission"], &error["path"]),
                (&json!(permission), &json!(["input", "permissions", place])),
                "{what}"
            );
        }
    }
    // What no key can hold is given by nobody, whatever they hold.
    for permission in ["organization.delete", "organization.transfer"] {
        for actor in [&alice, &admin, &backend, &roster.operator()] {
            assert_eq!(actor.refused(CREATE, wanted(permission, None)).await, ["INVALID"], "{}", actor.name);
            let error = actor.payload(CREATE, wanted(permission, None)).await["userErrors"][0].clone();
            assert_eq!(error["path"], json!(["input", "permissions", "1"]), "{}", actor.name);
        }
    }
    let payload = member.payload(CREATE, wanted("members.read", None)).await;
    assert_eq!(payload["userErrors"][0]["requiredPermission"], "api_keys.manage");
    assert_eq!(outsider.refused(CREATE, wanted("members.read", None)).await, ["NOT_FOUND"]);
    assert_eq!(roster.anonymous().error_codes(CREATE, wanted("members.read", None)).await, ["UNAUTHENTICATED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_active_keys_count_towards_the_limit() {
    let roster = Roster::start_with(|app| app.limits.api_keys = 3).await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let tries = join_all((0..32).map(|n| {
        let alice = alice.clone();
        let input = creation(&acme, &format!("Key {n}"), &["members.read"]);
        async move { alice.payload(CREATE, input).await }
    }))
    .await;
    let made: Vec<String> = tries
        .iter()
        .filter(|payload| payload["userErrors"] == json!([]))
        .map(|payload| id(&payload["apiKey"]))
        .collect();
    assert_eq!(made.len(), 3);
    let refused = tries.iter().find(|payload| payload["userErrors"] != json!([])).unwrap()["userErrors"][0].clone();
    assert_eq!(
        (&refused["code"], &refused["limit"], &refused["actual"]),
        (&json!("LIMIT_REACHED"), &json!(3), &json!(3))
    );
    alice.payload(REVOKE, json!({ "key": made[0] })).await;
    let mut input = creation(&acme, "Short", &["members.read"]);
    input["input"]["expiresAt"] = json!("2026-11-21T10:00:00Z");
    alice.payload(CREATE, input).await;
    assert_eq!(alice.refused(CREATE, creation(&acme, "More", &["members.read"])).await, ["LIMIT_REACHED"]);
    let can = async || {
        let can = "{ organization(by: {slug: \"acme\"}) { viewerCan { createApiKeys { code } } } }";
        alice.data(can, json!({})).await["organization"]["viewerCan"]["createApiKeys"]["code"].clone()
    };
    assert_eq!(can().await, "LIMIT_REACHED");
    roster.wait(TimeDelta::hours(1));
    assert_eq!(can().await, json!(null));
    key(&alice, &acme, "More", &["members.read"]).await;
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_secret_works_for_the_grace_period() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (id, first) = key(&alice, &acme, "Backend", &["members.read"]).await;
    let rotate = async |grace: i32| {
        let payload = alice.payload(ROTATE, json!({ "key": id, "grace": grace })).await;
        assert_eq!(payload["userErrors"], json!([]));
        let secret = payload["secret"].as_str().unwrap();
        assert!(secret.starts_with(payload["apiKey"]["prefix"].as_str().unwrap()));
        roster.actor("rotated", secret)
    };
    let second = rotate(60).await;
    assert!(is_in(&first).await && is_in(&second).await);
    roster.wait(TimeDelta::minutes(59));
    assert!(is_in(&first).await && is_in(&second).await);
    roster.wait(TimeDelta::minutes(1));
    assert!(!is_in(&first).await && is_in(&second).await);
    // Only the last one before has a grace period, and none without one.
    let third = rotate(1440).await;
    let fourth = rotate(1440).await;
    assert_eq!((is_in(&second).await, is_in(&third).await, is_in(&fourth).await), (false, true, true));
    let fifth = rotate(0).await;
    assert_eq!((is_in(&third).await, is_in(&fourth).await, is_in(&fifth).await), (false, false, true));
    for grace in [-1, 1441] {
        assert_eq!(alice.refused(ROTATE, json!({ "key": id, "grace": grace })).await, ["INVALID"]);
    }
    assert_eq!(roster.events().await.iter().filter(|kind| *kind == "api_key.rotated").count(), 4);

    // Revoking ends the grace period, too.
    let sixth = rotate(60).await;
    assert!(is_in(&fifth).await && is_in(&sixth).await);
    alice.payload(REVOKE, json!({ "key": id })).await;
    assert!(!is_in(&fifth).await && !is_in(&sixth).await);
    assert_eq!(alice.refused(ROTATE, json!({ "key": id })).await, ["INVALID"]);
    let mut input = creation(&acme, "Short", &["members.read"]);
    input["input"]["expiresAt"] = json!(roster.now() + TimeDelta::hours(1));
    let short = alice.payload(CREATE, input).await["apiKey"]["id"].clone();
    roster.wait(TimeDelta::hours(1));
    assert_eq!(alice.refused(ROTATE, json!({ "key": short })).await, ["INVALID"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_rotations_at_once_the_last_secret_works() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (id, _) = key(&alice, &acme, "Backend", &["members.read"]).await;
    let secrets =
        join_all((0..16).map(|_| {
            let (alice, id) = (alice.clone(), id.clone());
            async move {
                alice.payload(ROTATE, json!({ "key": id, "grace": 10 })).await["secret"].as_str().unwrap().to_owned()
            }
        }))
        .await;
    let mut working = 0;
    for secret in &secrets {
        working += usize::from(is_in(&roster.actor("rotated", secret)).await);
    }
    assert_eq!(working, 2, "the last one, and the one before");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_managed_by_those_who_may() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let project = roster.project(&alice, &acme, "Apollo").await;
    let (admin, _) = roster.member(&alice, &acme, "bob", "admin").await;
    let (member, _) = roster.member(&alice, &acme, "carol", "member").await;
    let (weak, of_itself) = key(&alice, &acme, "Weak", &["members.read"]).await;
    let (strong, _) = key(&alice, &acme, "Strong", &["projects.own"]).await;
    let mut input = creation(&acme, "Remover", &["project.delete"]);
    input["input"]["project"] = json!({ "id": project });
    let strong_in_project = id(&alice.payload(CREATE, input).await["apiKey"]);
    roster.sql("UPDATE organizations SET visibility = 'PUBLIC'").await;
    let named = |key: &str| json!({ "key": key });
    for mutation in [ROTATE, TAKE_OVER, REVOKE] {
        // Who does not see keys finds none; a key knows of itself.
        for actor in [&member, &roster.person("mallory")] {
            assert_eq!(actor.refused(mutation, named(&weak)).await, ["NOT_FOUND"], "{}", actor.name);
        }
        let error = of_itself.payload(mutation, named(&weak)).await["userErrors"][0].clone();
        assert_eq!((&error["code"], &error["requiredPermission"]), (&json!("FORBIDDEN"), &json!("api_keys.manage")));
        assert_eq!(of_itself.refused(mutation, named(&strong)).await, ["NOT_FOUND"]);
        assert_eq!(alice.refused(mutation, named("key_none")).await, ["NOT_FOUND"]);
    }
    // The secret of a stronger key would make them stronger; stopping it does not.
    for key in [&strong, &strong_in_project] {
        assert_eq!(admin.refused(ROTATE, named(key)).await, ["FORBIDDEN"]);
        assert_eq!(admin.refused(TAKE_OVER, named(key)).await, ["FORBIDDEN"]);
        assert_eq!(admin.payload(REVOKE, named(key)).await["apiKey"]["isActive"], false);
    }
    assert_eq!(admin.payload(ROTATE, named(&weak)).await["userErrors"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_never_holds_more_than_who_answers_for_it() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (ada, adas) = roster.member(&alice, &acme, "ada", "admin").await;
    let (reader_id, reader) = key(&ada, &acme, "Reader", &["members.read", "roles.manage"]).await;
    let (manager_id, manager) = key(&ada, &acme, "Manager", &["members.manage"]).await;
    let (_, other) = key(&alice, &acme, "Other", &["members.manage"]).await;
    assert_eq!(
        shown(&alice, &reader_id).await,
        json!([["members.read", "roles.manage"], ["members.read", "roles.manage"], "Ada", true])
    );

    // A dry run tells what will be, and nothing happens.
    let before = roster.content().await;
    let role = |key: &str, dry_run: bool| json!({ "member": adas, "role": key, "dryRun": dry_run });
    let told = changes(&alice.payload(UPDATE_ROLE, role("viewer", true)).await);
    let demoted =
        [json!(["Manager", true, true, ["members.manage"]]), json!(["Reader", true, false, ["roles.manage"]])];
    assert_eq!(told, demoted);
    assert_eq!(roster.content().await, before);
    assert!(is_in(&manager).await);
    assert_eq!(changes(&alice.payload(UPDATE_ROLE, role("viewer", false)).await), demoted);
    let permissions = reader.data(WHO, json!({})).await["organization"]["viewerPermissions"].clone();
    assert_eq!(permissions, json!(["members.read"]));
    assert!(!is_in(&manager).await, "nothing is left of it");
    assert!(is_in(&other).await, "somebody else answers for it");
    assert_eq!(
        shown(&alice, &reader_id).await,
        json!([["members.read"], ["members.read", "roles.manage"], "Ada", true])
    );
    assert_eq!(shown(&alice, &manager_id).await, json!([[], ["members.manage"], "Ada", true]));
    // Raised again, she holds it again, and so do they.
    assert_eq!(changes(&alice.payload(UPDATE_ROLE, role("admin", false)).await), Vec::<Value>::new());
    assert!(is_in(&manager).await);

    // With the membership they end.
    let (_, waiting) = roster.invite(&ada, &acme, "bob@example.com", "viewer").await;
    let before = roster.content().await;
    let remove = |dry_run: bool| json!({ "member": adas, "dryRun": dry_run });
    let told = changes(&alice.payload(REMOVE, remove(true)).await);
    assert_eq!(
        told,
        [
            json!(["Manager", true, true, ["members.manage"]]),
            json!(["Reader", true, true, ["members.read", "roles.manage"]])
        ]
    );
    assert_eq!(roster.content().await, before);
    let events = roster.events().await.len();
    assert_eq!(changes(&alice.payload(REMOVE, remove(false)).await), told);
    assert!(!is_in(&manager).await && !is_in(&reader).await && is_in(&other).await);
    assert_eq!(shown(&alice, &reader_id).await[3], false);
    let mut happened = roster.events().await.split_off(events);
    happened.sort();
    assert_eq!(happened, ["api_key.revoked", "api_key.revoked", "invitation.revoked", "member.removed"]);
    assert_eq!(roster.person("bob").refused(ACCEPT, json!({ "token": waiting })).await, ["INVITATION_NOT_PENDING"]);
    // Nor do they come back with her.
    roster.member(&alice, &acme, "ada", "admin").await;
    assert!(!is_in(&manager).await && !is_in(&reader).await);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_who_is_removed_can_be_kept() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (ada, _) = roster.member(&alice, &acme, "ada", "admin").await;
    roster.member(&alice, &acme, "bob", "admin").await;
    let role = "mutation($organization: ID!) { roleCreate(input: {organization: {id: $organization}, scope: ORGANIZATION, name: \"People\", permissions: [\"members.read\", \"members.manage\"]}) { userErrors { code } } }";
    alice.payload(role, json!({ "organization": acme })).await;
    let (pia, _) = roster.member(&alice, &acme, "pia", "people").await;
    let (owning_id, owning) = key(&alice, &acme, "Owning", &["projects.own", "members.read"]).await;
    // With the ownership goes what only the owner holds.
    let transfer = "mutation { organizationOwnershipTransfer(input: {organization: {slug: \"acme\"}, newOwner: {email: \"bob@example.com\"}}) { previousOwner { id } apiKeyChanges { name apiKey { id } ends lostPermissions } userErrors { code path } } }";
    let transferred = alice.payload(transfer, json!({})).await;
    assert_eq!(changes(&transferred), [json!(["Owning", true, false, ["projects.own"]])]);
    let (bob, alices) = (roster.person("bob"), id(&transferred["previousOwner"]));

    let kept = json!({ "member": alices, "apiKeys": "TAKE_OVER" });
    alice.payload(UPDATE_ROLE, json!({ "member": alices, "role": "viewer" })).await;
    // Who does not manage keys keeps none, nor does a key, nor who may not do all that it was granted.
    let backend = roster.key(&acme, None, &["members.manage", "members.read", "api_keys.manage", "projects.own"]).await;
    for actor in [&pia, &backend, &ada] {
        let before = roster.content().await;
        let payload = actor.payload(REMOVE, kept.clone()).await;
        assert_eq!(
            (&payload["userErrors"][0]["code"], &payload["userErrors"][0]["path"]),
            (&json!("FORBIDDEN"), &json!(["input", "apiKeys"])),
            "{}",
            actor.name
        );
        assert_eq!(roster.content().await, before);
    }
    assert!(is_in(&owning).await);
    assert_eq!(changes(&bob.payload(REMOVE, kept).await), Vec::<Value>::new(), "it can do more than before");
    assert_eq!(
        shown(&bob, &owning_id).await,
        json!([["members.read", "projects.own"], ["members.read", "projects.own"], "Bob", true])
    );
    assert!(is_in(&owning).await);
    assert!(roster.events().await.contains(&"api_key.taken_over".to_owned()));

    // Who leaves is told as well, though they see no keys any more.
    key(&ada, &acme, "Of Ada", &["members.read"]).await;
    let leave = "mutation($dryRun: Boolean!) { organizationLeave(input: {organization: {slug: \"acme\"}, dryRun: $dryRun}) { apiKeyChanges { name apiKey { id } ends lostPermissions } userErrors { code path } } }";
    let before = roster.content().await;
    let told = changes(&ada.payload(leave, json!({ "dryRun": true })).await);
    assert_eq!(roster.content().await, before);
    let left = changes(&ada.payload(leave, json!({ "dryRun": false })).await);
    assert_eq!(left, [json!(["Of Ada", false, true, ["members.read"]])]);
    assert_eq!(told[0][0], left[0][0]);
    // Who does not see keys is told their names.
    let (_, carols) = roster.member(&bob, &acme, "carol", "admin").await;
    key(&roster.person("carol"), &acme, "Of Carol", &["members.read"]).await;
    bob.payload(UPDATE_ROLE, json!({ "member": carols, "role": "people" })).await;
    let removed = pia.payload(REMOVE, json!({ "member": carols })).await;
    assert_eq!(changes(&removed), [json!(["Of Carol", false, true, ["members.read"]])]);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_a_key_over_answers_for_it() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (ada, adas) = roster.member(&alice, &acme, "ada", "admin").await;
    let (bob, _) = roster.member(&alice, &acme, "bob", "admin").await;
    let (id, backend) = key(&ada, &acme, "Backend", &["members.read", "api_keys.manage"]).await;
    let named = || json!({ "key": id });
    let responsible = async || shown(&alice, &id).await[2].clone();
    // No key answers for another one, and not for itself.
    let error = backend.payload(TAKE_OVER, named()).await["userErrors"].clone();
    assert_eq!(error, json!([{ "code": "FORBIDDEN", "path": ["input", "apiKeyId"] }]));
    let taken = bob.payload(TAKE_OVER, named()).await;
    assert_eq!(taken["apiKey"]["responsible"]["displayName"], "Bob");
    assert_eq!(roster.events().await.last().unwrap(), "api_key.taken_over");
    // Again: success, and nothing happens.
    let before = roster.content().await;
    assert_eq!(bob.payload(TAKE_OVER, named()).await["userErrors"], json!([]));
    assert_eq!(roster.content().await, before);
    alice.payload(REMOVE, json!({ "member": adas })).await;
    assert!(is_in(&backend).await, "it is hers no more");
    // The operator answers for keys as well, and whoever gets the secret does.
    roster.operator().payload(TAKE_OVER, named()).await;
    let of_operator = responsible().await;
    assert_ne!(of_operator, "Bob");
    assert_eq!(bob.payload(ROTATE, named()).await["userErrors"], json!([]));
    assert_eq!(responsible().await, "Bob");
    bob.payload(REVOKE, named()).await;
    assert_eq!(alice.refused(TAKE_OVER, named()).await, ["INVALID"]);
    let (id, _) = key(&bob, &acme, "Short", &["members.read"]).await;
    roster.sql("UPDATE api_keys SET expires_at = created_at WHERE name = 'Short'").await;
    assert_eq!(alice.refused(TAKE_OVER, json!({ "key": id })).await, ["INVALID"]);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_a_key_made_ends_with_it() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (ada, _) = roster.member(&alice, &acme, "ada", "admin").await;
    let mut input = creation(&acme, "Parent", &["members.read", "api_keys.manage"]);
    input["input"]["expiresAt"] = json!("2026-11-21T10:00:00.000Z");
    let made = ada.payload(CREATE, input).await;
    let (parent_id, parent) = (id(&made["apiKey"]), roster.actor("parent", made["secret"].as_str().unwrap()));
    let (child_id, child) = key(&parent, &acme, "Child", &["members.read", "api_keys.manage"]).await;
    let (grandchild_id, grandchild) = key(&child, &acme, "Grandchild", &["members.read"]).await;
    let (sibling_id, sibling) = key(&ada, &acme, "Sibling", &["members.read"]).await;
    // It expires no later, and the same person answers for it.
    let query = "query($id: ID!) { node(id: $id) { ... on ApiKey { expiresAt createdBy { displayName } responsible { displayName } } } }";
    for (id, maker) in [(&child_id, "Parent"), (&grandchild_id, "Child")] {
        let shown = alice.data(query, json!({ "id": id })).await["node"].clone();
        let expected = json!({ "expiresAt": "2026-11-21T10:00:00.000Z", "createdBy": { "displayName": maker }, "responsible": { "displayName": "Ada" } });
        assert_eq!(shown, expected);
    }
    for (expiry, refusals) in [("2026-11-21T10:00:00.001Z", vec!["INVALID"]), ("2026-11-21T09:30:00Z", vec![])] {
        let mut input = creation(&acme, "Another", &["members.read"]);
        input["input"]["expiresAt"] = json!(expiry);
        let errors = parent.payload(CREATE, input).await["userErrors"].clone();
        assert_eq!(codes(&errors), refusals);
        assert!(refusals.is_empty() || errors[0]["path"] == json!(["input", "expiresAt"]));
    }
    // A key rotates itself and those that end with it. The same person answers for them afterwards.
    let rotate = async |actor: &Actor, key: &str| {
        codes(&actor.payload(ROTATE, json!({ "key": key, "grace": 60 })).await["userErrors"])
    };
    for key in [&parent_id, &child_id, &grandchild_id] {
        assert_eq!(rotate(&parent, key).await, [""; 0]);
        assert_eq!(shown(&alice, key).await[2], "Ada");
    }
    let error = parent.payload(ROTATE, json!({ "key": sibling_id })).await["userErrors"].clone();
    assert_eq!(error, json!([{ "code": "FORBIDDEN", "path": ["input", "apiKeyId"] }]));
    assert_eq!(rotate(&child, &parent_id).await, ["FORBIDDEN"]);
    // Whoever takes one over answers for it alone: it ends with no other key any more, and its maker has it in hand no more.
    let (taken_id, taken) = key(&child, &acme, "Taken", &["members.read"]).await;
    assert_eq!(alice.payload(TAKE_OVER, json!({ "key": taken_id })).await["userErrors"], json!([]));
    assert_eq!(rotate(&child, &taken_id).await, ["FORBIDDEN"]);
    assert!(is_in(&child).await && is_in(&grandchild).await);
    let events = roster.events().await.len();
    assert_eq!(alice.payload(REVOKE, json!({ "key": parent_id })).await["userErrors"], json!([]));
    assert_eq!(roster.events().await[events..], ["api_key.revoked"; 4], "itself, two, and another one");
    assert!(!is_in(&parent).await && !is_in(&child).await && !is_in(&grandchild).await);
    assert!(is_in(&sibling).await && is_in(&taken).await);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_go_with_the_key_that_made_them() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (ada, adas) = roster.member(&alice, &acme, "ada", "admin").await;
    let line = async |name: &str| {
        let (parent_id, parent) = key(&ada, &acme, name, &["members.read", "api_keys.manage"]).await;
        let (child_id, child) = key(&parent, &acme, "Child", &["members.read", "api_keys.manage"]).await;
        let (grandchild_id, grandchild) = key(&child, &acme, "Grandchild", &["members.read"]).await;
        ([parent_id, child_id, grandchild_id], [parent, child, grandchild])
    };
    let responsible = async |ids: &[String; 3]| {
        let mut names = Vec::new();
        for id in ids {
            names.push(shown(&alice, id).await[2].as_str().unwrap().to_owned());
        }
        names
    };
    let who_is_in = async |keys: &[Actor; 3]| {
        let mut found = Vec::new();
        for key in keys {
            found.push(is_in(key).await);
        }
        found
    };
    let (taken, mut takens) = line("Taken").await;
    let (rotated, rotateds) = line("Rotated").await;
    let (kept, kepts) = line("Kept").await;
    // Who takes over what a key made has cut it off from that; its own go with it.
    alice.payload(TAKE_OVER, json!({ "key": taken[1] })).await;
    assert_eq!(responsible(&taken).await, ["Ada", "Alice", "Alice"]);
    // Who takes over the first, or gets its secret, answers for all.
    let secret = alice.payload(ROTATE, json!({ "key": rotated[0] })).await["secret"].clone();
    assert_eq!(responsible(&rotated).await, ["Alice"; 3]);
    // Who removes a person and takes their keys over keeps what made what.
    alice.payload(REMOVE, json!({ "member": adas, "apiKeys": "TAKE_OVER" })).await;
    assert_eq!(responsible(&kept).await, ["Alice"; 3]);
    assert_eq!(who_is_in(&takens).await, [true; 3]);
    for (ids, keys) in [(&taken, &mut takens), (&kept, &mut { kepts })] {
        assert_eq!(who_is_in(keys).await, [true; 3]);
        assert_eq!(alice.payload(REVOKE, json!({ "key": ids[0] })).await["userErrors"], json!([]));
        assert_eq!(who_is_in(keys).await, [false, ids == &taken, ids == &taken]);
    }
    let [_, child, grandchild] = rotateds;
    let rotateds = [roster.actor("rotated", secret.as_str().unwrap()), child, grandchild];
    assert_eq!(who_is_in(&rotateds).await, [true; 3]);
    alice.payload(REVOKE, json!({ "key": rotated[0] })).await;
    assert_eq!(who_is_in(&rotateds).await, [false; 3]);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_holds_no_more_than_the_key_that_made_it() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (ada, adas) = roster.member(&alice, &acme, "ada", "admin").await;
    let hydra = roster.project(&ada, &acme, "Hydra").await;
    let limited = |name: &str| {
        let mut input = creation(&acme, name, &["project.read", "project.members.manage"]);
        input["input"]["project"] = json!({ "id": hydra });
        input
    };
    let (_, parent) =
        key(&ada, &acme, "Parent", &["api_keys.manage", "projects.manage", "project.read", "project.members.manage"])
            .await;
    let child = id(&parent.payload(CREATE, limited("Child")).await["apiKey"]);
    let own = id(&ada.payload(CREATE, limited("Own")).await["apiKey"]);
    for key in [&child, &own] {
        assert_eq!(shown(&alice, key).await[0], json!(["project.read", "project.members.manage"]));
    }
    // Ada is the owner of the project still. That counts for the key that she limited to it; the key of the whole
    // organization does nothing in the project any more, and so does what it made.
    let demote = "mutation($member: ID!) { organizationMemberUpdateRole(input: {member: {id: $member}, role: {key: \"member\"}}) { apiKeyChanges { name ends } userErrors { code } } }";
    let told = alice.payload(demote, json!({ "member": adas })).await;
    assert_eq!(told["userErrors"], json!([]));
    let mut changes: Vec<_> = told["apiKeyChanges"].as_array().unwrap().iter().map(Value::to_string).collect();
    changes.sort();
    assert_eq!(changes, [r#"{"ends":true,"name":"Child"}"#, r#"{"ends":true,"name":"Parent"}"#]);
    assert_eq!(shown(&alice, &child).await[0], json!([]));
    assert_eq!(shown(&alice, &own).await[0], json!(["project.read", "project.members.manage"]));
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_out_on_every_server_at_once() {
    let first = Roster::start().await;
    let db = roster::store::database::Database::open(&first.url, 4);
    let second = Roster::start_with(move |app| app.db = db).await;
    // The first hears of what the second does.
    let hearing = first.listen().await;
    let alice = first.person("alice");
    let acme = first.organization(&alice, "Acme").await;
    let (id, here) = key(&alice, &acme, "Backend", &["members.read", "invitations.read", "invitations.manage"]).await;
    let there = second.actor("backend", here.authorization().unwrap().trim_start_matches("Bearer "));
    assert!(is_in(&here).await && is_in(&there).await);
    let (by_key, token) = first.invite(&here, &acme, "bob@example.com", "viewer").await;
    let (by_alice, _) = first.invite(&alice, &acme, "carol@example.com", "viewer").await;
    let events = first.events().await.len();

    let done = second.person("alice").payload(REVOKE, json!({ "key": id })).await;
    assert_eq!(
        (&done["apiKey"]["isActive"], &done["apiKey"]["revokedAt"]),
        (&json!(false), &json!("2026-11-21T09:00:00.000Z"))
    );
    assert_eq!(there.post(WHO, json!({})).await.status.as_u16(), 401);
    let out = async {
        while is_in(&here).await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::support::net::PATIENCE, out).await.expect("the first server hears of it");
    hearing.stop();
    hearing.stopped().await;
    // What it invited to goes with it.
    assert_eq!(first.events().await[events..], ["invitation.revoked", "api_key.revoked"]);
    let shown = alice
        .data(
            "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Invitation { status } } }",
            json!({ "ids": [by_key, by_alice] }),
        )
        .await;
    assert_eq!(shown["nodes"], json!([{ "status": "REVOKED" }, { "status": "PENDING" }]));
    assert_eq!(first.person("bob").refused(ACCEPT, json!({ "token": token })).await, ["INVITATION_NOT_PENDING"]);

    // Again: success, and nothing happens.
    let before = first.content().await;
    first.wait(TimeDelta::hours(1));
    assert_eq!(alice.payload(REVOKE, json!({ "key": id })).await["apiKey"]["revokedAt"], "2026-11-21T09:00:00.000Z");
    assert_eq!(first.content().await, before);
    first.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_listed_searched_and_ordered() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let project = roster.project(&alice, &acme, "Apollo").await;
    let mut prefixes = Vec::new();
    for (name, in_project) in [("Érable", false), ("backend", false), ("Worker", true), ("Old", false)] {
        let mut input = creation(&acme, name, &["project.read"]);
        if in_project {
            input["input"]["project"] = json!({ "id": project });
        }
        let payload = alice.payload(CREATE, input).await;
        prefixes.push(payload["apiKey"]["prefix"].as_str().unwrap().to_owned());
        if name == "Old" {
            alice.payload(REVOKE, json!({ "key": payload["apiKey"]["id"] })).await;
        }
        if name == "backend" || name == "Worker" {
            is_in(&roster.actor(name, payload["secret"].as_str().unwrap())).await;
        }
        roster.wait(TimeDelta::minutes(2));
    }
    let list = async |variables: Value| {
        let list = alice.data(LIST, variables).await["organization"]["apiKeys"].clone();
        let names: Vec<String> = list["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key["displayName"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(list["totalCount"], names.len());
        names
    };
    assert_eq!(list(json!({})).await, ["Worker", "backend", "Érable"]);
    assert_eq!(list(json!({ "filter": { "includeInactive": true } })).await, ["Old", "Worker", "backend", "Érable"]);
    for (field, expected) in
        [("NAME", ["backend", "Érable", "Worker"]), ("LAST_USED_AT", ["Érable", "backend", "Worker"])]
    {
        assert_eq!(list(json!({ "orderBy": { "field": field } })).await, expected);
        let mut backwards = expected;
        backwards.reverse();
        assert_eq!(list(json!({ "orderBy": { "field": field, "direction": "DESC" } })).await, backwards);
    }
    for (filter, expected) in [
        (json!({ "search": "ERA" }), vec!["Érable"]),
        (json!({ "search": prefixes[1].to_uppercase() }), vec!["backend"]),
        (json!({ "search": "%" }), vec![]),
        (json!({ "project": { "id": project } }), vec!["Worker"]),
        (json!({ "project": { "id": "prj_none" } }), vec![]),
        (json!({ "search": "ol", "includeInactive": true }), vec!["Old"]),
    ] {
        assert_eq!(list(json!({ "filter": filter })).await, expected, "{filter}");
    }
    // Page by page, while time passes: the cursor holds.
    for field in ["CREATED_AT", "LAST_USED_AT", "NAME"] {
        let (mut found, mut after) = (Vec::new(), json!(null));
        loop {
            let variables = json!({ "first": 1, "after": after, "orderBy": { "field": field } });
            let page = alice.data(LIST, variables).await["organization"]["apiKeys"].clone();
            assert_eq!(page["totalCount"], 3);
            found.push(page["nodes"][0]["displayName"].as_str().unwrap().to_owned());
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
            roster.wait(TimeDelta::seconds(1));
        }
        assert_eq!(found, list(json!({ "orderBy": { "field": field } })).await, "{field}");
    }

    let (member, _) = roster.member(&alice, &acme, "carol", "member").await;
    assert_eq!(member.error_codes(LIST, json!({})).await, ["FORBIDDEN"]);
    let (admin, _) = roster.member(&alice, &acme, "bob", "admin").await;
    assert_eq!(admin.data(LIST, json!({})).await["organization"]["apiKeys"]["totalCount"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_keys_takes_as_many_statements_as_two() {
    const KEYS: &str = "{ organization(by: {slug: \"acme\"}) { apiKeys(first: 50) { nodes { displayName isActive permissions { key } createdBy { displayName } project { name } organization { name } } } } }";
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let project = roster.project(&alice, &acme, "Apollo").await;
    let mut statements = Vec::new();
    for (range, total) in [(0..2, 2), (2..20, 20)] {
        for n in range {
            let mut input = creation(&acme, &format!("Key {n}"), &["project.read"]);
            if n % 2 == 0 {
                input["input"]["project"] = json!({ "id": project });
            }
            alice.payload(CREATE, input).await;
        }
        let before = roster.app.db.statements();
        let keys = alice.data(KEYS, json!({})).await["organization"]["apiKeys"]["nodes"].clone();
        statements.push(roster.app.db.statements() - before);
        assert_eq!(keys.as_array().unwrap().len(), total);
    }
    assert_eq!(statements[0], statements[1]);
}
