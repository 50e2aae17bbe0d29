//! Transferring the ownership of an organization.

use serde_json::{Value, json};

use crate::{
    concurrency::{CROWD, acme, at_once},
    support::{Actor, Roster, codes},
};

const TRANSFER: &str = "mutation($input: OrganizationOwnershipTransferInput!) { organizationOwnershipTransfer(input: $input) {
  organization { version owner { user { email } } viewerPermissions }
  newOwner { isOwner version role { key } user { email } } previousOwner { isOwner version role { key } user { email } }
  userErrors { code path ... on VersionUserError { currentVersion } ... on LimitUserError { limit actual } ... on PermissionUserError { requiredPermission } } } }";

fn email(name: &str) -> Value {
    json!({ "email": format!("{name}@example.com") })
}

/// Makes `name` the owner of Acme.
async fn transfer(actor: &Actor, name: &str, mut input: Value) -> Value {
    input["organization"] = json!({ "slug": "acme" });
    input["newOwner"] = email(name);
    actor.payload(TRANSFER, json!({ "input": input })).await
}

async fn refused(actor: &Actor, mut input: Value) -> Vec<String> {
    input["organization"] = json!({ "slug": "acme" });
    actor.refused(TRANSFER, json!({ "input": input })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_member_becomes_owner_and_the_owner_admin() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (bob, _) = roster.member(&alice, &acme, "bob", "viewer").await;
    let mut done = transfer(&alice, "Bob", json!({ "expectedVersion": 1 })).await;
    let permissions = done["organization"]["viewerPermissions"].take().to_string();
    assert!(
        permissions.contains("organization.update") && !permissions.contains("organization.transfer"),
        "{permissions}"
    );
    assert_eq!(
        done,
        json!({
            "organization": { "version": 2, "owner": { "user": { "email": "bob@example.com" } }, "viewerPermissions": null },
            "newOwner": { "isOwner": true, "version": 2, "role": { "key": "owner" }, "user": { "email": "bob@example.com" } },
            "previousOwner": { "isOwner": false, "version": 2, "role": { "key": "admin" }, "user": { "email": "alice@example.com" } },
            "userErrors": [],
        })
    );
    let (alices, bobs) = (alice.user_id().await, bob.user_id().await);
    let data = roster.texts("SELECT data FROM events WHERE type = 'organization.ownership_transferred'").await;
    let data: Value = serde_json::from_str(&data[0]).unwrap();
    assert_eq!(data, json!({ "user": bobs, "previousOwner": alices, "previousOwnerRole": "admin" }));
    // The order of a list by role knows the new ranks.
    let query =
        "{ organization(by: {slug: \"acme\"}) { members(orderBy: {field: ROLE}) { nodes { user { email } } } } }";
    let listed = alice.data(query, json!({})).await;
    assert_eq!(listed["organization"]["members"]["nodes"][0]["user"]["email"], "bob@example.com");

    // To whoever owns it already: nothing happens, again and again.
    let before = roster.content().await;
    for _ in 0..2 {
        let again = transfer(&bob, "bob", json!({})).await;
        assert_eq!(
            (&again["newOwner"]["isOwner"], &again["previousOwner"], &again["userErrors"]),
            (&json!(true), &Value::Null, &json!([]))
        );
    }
    assert_eq!(roster.content().await, before);
    assert_eq!(refused(&alice, json!({ "newOwner": email("alice") })).await, ["FORBIDDEN"]);
    // And back, with another role for who owned it meanwhile.
    let back = transfer(&bob, "alice", json!({ "previousOwnerRole": { "key": "viewer" } })).await;
    assert_eq!(
        (&back["previousOwner"]["role"]["key"], &back["previousOwner"]["version"]),
        (&json!("viewer"), &json!(3))
    );
    assert_eq!(bob.refusals("mutation { organizationUpdate(input: {organization: {slug: \"acme\"}, name: \"Mine\"}) { userErrors { code } } }", json!({})).await, ["FORBIDDEN"]);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_problems_are_reported_together() {
    let roster = Roster::start().await;
    let (alice, zoe) = (roster.person("alice"), roster.person("zoe"));
    let acme = roster.organization(&alice, "Acme").await;
    roster.organization(&zoe, "Other").await;
    roster.member(&alice, &acme, "bob", "admin").await;
    let payload =
        transfer(&alice, "zoe", json!({ "expectedVersion": 2, "previousOwnerRole": { "key": "owner" } })).await;
    assert_eq!(
        payload["userErrors"],
        json!([
            { "code": "STALE_VERSION", "path": ["input", "expectedVersion"], "currentVersion": 1 },
            { "code": "ROLE_NOT_ASSIGNABLE", "path": ["input", "previousOwnerRole"] },
            { "code": "NOT_MEMBER", "path": ["input", "newOwner"] },
        ])
    );
    let project_role = roster.texts("SELECT id FROM roles WHERE scope = 'PROJECT' AND key = 'admin'").await;
    let project_role = roster::domain::id::RoleId(project_role[0].parse().unwrap()).to_string();
    for (role, code) in [
        (json!({ "id": project_role }), "ROLE_SCOPE_MISMATCH"),
        (json!({ "key": "nothing" }), "NOT_FOUND"),
        (json!({ "id": acme }), "NOT_FOUND"),
    ] {
        assert_eq!(refused(&alice, json!({ "newOwner": email("bob"), "previousOwnerRole": role })).await, [code]);
    }
    let nobody = [
        (email("nobody"), "NOT_MEMBER"),
        (json!({ "id": zoe.user_id().await }), "NOT_MEMBER"),
        (json!({ "id": acme }), "NOT_FOUND"),
        (json!({ "email": "?" }), "NOT_FOUND"),
    ];
    for (person, code) in &nobody {
        assert_eq!(refused(&alice, json!({ "newOwner": person })).await, [*code], "{person}");
    }
    // Who may not list the members does not learn who is one: whoever transfers can do all that the owner can.
    let role = "mutation($input: RoleCreateInput!) { roleCreate(input: $input) { userErrors { code } } }";
    let blind = json!({ "organization": { "id": acme }, "scope": "ORGANIZATION", "name": "Blind", "permissions": ["organization.transfer"] });
    assert_eq!(alice.refusals(role, json!({ "input": blind })).await, Vec::<String>::new());
    let (blind, _) = roster.member(&alice, &acme, "bart", "blind").await;
    for person in nobody.iter().map(|(person, _)| person.clone()).chain([email("bob"), email("bart")]) {
        assert_eq!(refused(&blind, json!({ "newOwner": person })).await, ["FORBIDDEN"], "{person}");
    }
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_transfers_and_others_do_not() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    for (name, role) in [("ada", "admin"), ("mel", "member"), ("victor", "viewer"), ("gus", "guest")] {
        let (actor, _) = roster.member(&alice, &acme, name, role).await;
        let payload = transfer(&actor, name, json!({})).await;
        let forbidden = json!([{ "code": "FORBIDDEN", "path": null, "requiredPermission": "organization.transfer" }]);
        assert_eq!(payload["userErrors"], forbidden, "{name}");
    }
    let input = json!({ "newOwner": email("ada") });
    // A key holds no such right, though it was given all there are before none could hold this one.
    let all: Vec<&str> = roster::access::Permission::ALL.iter().map(|permission| permission.key()).collect();
    let key = roster.key(&acme, None, &all).await;
    let payload = transfer(&key, "ada", json!({})).await;
    let forbidden = json!([{ "code": "FORBIDDEN", "path": null, "requiredPermission": "organization.transfer" }]);
    assert_eq!(payload["userErrors"], forbidden);
    let only = roster.key(&acme, None, &["organization.transfer"]).await;
    let variables = json!({ "input": { "organization": { "slug": "acme" }, "newOwner": email("ada") } });
    assert_eq!(only.error_codes(TRANSFER, variables).await, ["UNAUTHENTICATED"], "nothing is left of it");
    // Nobody gives more than they have: not whoever may transfer, and nothing else.
    let role = "mutation($input: RoleCreateInput!) { roleCreate(input: $input) { userErrors { code } } }";
    let heir = json!({ "organization": { "id": acme }, "scope": "ORGANIZATION", "name": "Heir", "permissions": ["organization.transfer", "members.read"] });
    assert_eq!(alice.refusals(role, json!({ "input": heir })).await, Vec::<String>::new());
    let (heir, _) = roster.member(&alice, &acme, "hedda", "heir").await;
    for name in ["hedda", "ada"] {
        let payload = transfer(&heir, name, json!({})).await;
        assert_eq!(payload["userErrors"], json!([{ "code": "FORBIDDEN", "path": null }]), "{name}");
    }
    assert_eq!(refused(&roster.person("oscar"), input.clone()).await, ["NOT_FOUND"]);
    roster.sql("UPDATE organizations SET visibility = 'PUBLIC'").await;
    assert_eq!(refused(&roster.person("oscar"), input).await, ["FORBIDDEN"]);
    let variables = json!({ "input": { "organization": { "slug": "acme" }, "newOwner": email("ada") } });
    assert_eq!(roster.anonymous().error_codes(TRANSFER, variables).await, ["UNAUTHENTICATED"]);

    assert_eq!(transfer(&alice, "ada", json!({})).await["previousOwner"]["user"]["email"], "alice@example.com");
    assert_eq!(
        transfer(&roster.operator(), "mel", json!({})).await["previousOwner"]["user"]["email"],
        "ada@example.com"
    );
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_new_owner_may_own_only_so_many() {
    let roster = Roster::start_with(|app| app.limits.owned_organizations = 1).await;
    let (alice, bob) = (roster.person("alice"), roster.person("bob"));
    let acme = roster.organization(&alice, "Acme").await;
    roster.organization(&bob, "Other").await;
    roster.member(&alice, &acme, "bob", "admin").await;
    let before = roster.content().await;
    let payload = transfer(&alice, "bob", json!({})).await;
    assert_eq!(
        payload["userErrors"],
        json!([{ "code": "LIMIT_REACHED", "path": ["input", "newOwner"], "limit": 1, "actual": 1 }])
    );
    assert_eq!(roster.content().await, before);
    // Whoever gave theirs away may have another.
    roster.member(&alice, &acme, "carol", "member").await;
    assert_eq!(transfer(&alice, "carol", json!({})).await["userErrors"], json!([]));
    roster.organization(&alice, "New").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_previous_owner_could_no_longer_give_is_revoked() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (bob, _) = roster.member(&alice, &acme, "bob", "admin").await;
    roster.invite(&alice, &acme, "carol@example.com", "admin").await;
    roster.invite(&bob, &acme, "dave@example.com", "admin").await;
    let pending = "SELECT email FROM invitations WHERE status = 'PENDING' ORDER BY email";
    // An admin gives what an admin may.
    transfer(&alice, "bob", json!({})).await;
    assert_eq!(roster.texts(pending).await, ["carol@example.com", "dave@example.com"]);
    transfer(&bob, "alice", json!({ "previousOwnerRole": { "key": "member" } })).await;
    assert_eq!(roster.texts(pending).await, ["carol@example.com"]);
    assert_eq!(roster.events().await.last().unwrap(), "organization.ownership_transferred");
    assert_eq!(
        roster.texts("SELECT data->>'because' FROM events WHERE type = 'invitation.revoked'").await,
        ["the inviter may no longer give this"]
    );
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transferred_by_32_at_once_it_has_one_owner() {
    let _alone = CROWD.lock().await;
    let (roster, alice, organization) = acme().await;
    let mut people = vec!["alice".to_owned()];
    for number in 0..7 {
        let name = format!("person{number}");
        roster.member(&alice, &organization, &name, "admin").await;
        people.push(name);
    }
    let input = |name: &str| json!({ "input": { "organization": { "id": organization }, "newOwner": email(name) } });
    let operator = roster.operator();
    let posts = (0..32).map(|number| {
        (if number % 3 == 0 { alice.clone() } else { operator.clone() }, TRANSFER, input(&people[number % 8]))
    });
    let answers = at_once(posts).await;
    for answer in &answers {
        let refusals = codes(&answer["organizationOwnershipTransfer"]["userErrors"]);
        // Alice may, until she is no owner any more.
        assert!(refusals.is_empty() || refusals == ["FORBIDDEN"], "{refusals:?}");
    }
    assert_eq!(roster.texts("SELECT count(*) FROM organization_members WHERE is_owner").await, ["1"]);
    assert_eq!(roster.texts("SELECT count(*) FROM organization_members m JOIN roles r ON r.organization_id = m.organization_id AND r.id = m.role_id WHERE (r.key = 'owner') <> m.is_owner OR r.rank <> m.role_rank").await, ["0"]);
    let transfers = roster.texts("SELECT count(*) FROM events WHERE type = 'organization.ownership_transferred'").await;
    let version = roster.texts("SELECT version - 1 FROM organizations").await;
    assert_eq!(transfers, version);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn given_many_at_once_somebody_owns_no_more_than_allowed() {
    let _alone = CROWD.lock().await;
    let (roster, alice, _) = acme().await;
    let limit = usize::try_from(roster.app.limits.owned_organizations).unwrap();
    let bob = roster.person("bob");
    // Bob owns two fewer than he may.
    let bobs = bob.user_id().await;
    for number in 0..8 {
        let name = format!("Gift {number}");
        let gift = roster.organization(&alice, &name).await;
        roster.member(&alice, &gift, "bob", "member").await;
    }
    let user = roster::domain::id::UserId::parse(&bobs).unwrap().0;
    roster.sql(&format!(
        "CREATE TEMP TABLE made AS SELECT gen_random_uuid() AS id, n FROM generate_series(1, {}) n; \
         INSERT INTO organizations (id, slug, name, sort_name, search_text, visibility, plan_tier, member_count, created_at, updated_at) SELECT id, 'made-' || n, 'Made', 'made', 'made', 'PRIVATE', 'FREE', 1, now(), now() FROM made; \
         INSERT INTO roles (organization_id, id, scope, key, built_in, name, sort_name, rank, created_at, updated_at) SELECT id, id, 'ORGANIZATION', 'owner', 'OWNER', 'Owner', 'owner', 0, now(), now() FROM made; \
         INSERT INTO organization_members (organization_id, id, user_id, role_id, role_rank, is_owner, sort_name, email, search_text, display_name, joined_at, updated_at) SELECT id, id, '{user}', id, 0, true, 'bob', 'bob@example.com', 'bob', 'Bob', now(), now() FROM made",
        limit - 2
    )).await;
    let posts = (0..8).map(|number| {
        (
            alice.clone(),
            TRANSFER,
            json!({ "input": { "organization": { "slug": format!("gift-{number}") }, "newOwner": email("bob") } }),
        )
    });
    let answers = at_once(posts).await;
    let refusals: Vec<_> =
        answers.iter().map(|answer| codes(&answer["organizationOwnershipTransfer"]["userErrors"])).collect();
    assert_eq!(refusals.iter().filter(|codes| codes.is_empty()).count(), 2);
    assert_eq!(refusals.iter().filter(|codes| **codes == ["LIMIT_REACHED"]).count(), 6);
    assert_eq!(
        roster.texts(&format!("SELECT count(*) FROM organization_members WHERE is_owner AND user_id = '{user}'")).await,
        [limit.to_string()]
    );
}
