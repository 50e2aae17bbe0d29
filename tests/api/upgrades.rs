//! Migrations over what is there already, and what a server of now makes of it.

use diesel_async::AsyncMigrationHarness;
use diesel_migrations::MigrationHarness;
use roster::store::database::MIGRATIONS;
use serde_json::{Value, json};

use crate::support::{Actor, Roster, codes, id};

const CREATE_KEY: &str = "mutation($input: ApiKeyCreateInput!) { apiKeyCreate(input: $input) { apiKey { id } secret userErrors { code path } } }";
const CREATE_ROLE: &str = "mutation($organization: ID!) { roleCreate(input: {organization: {id: $organization}, scope: ORGANIZATION, key: \"crew\", name: \"Crew\", permissions: [\"members.read\", \"api_keys.manage\"]}) { role { id } userErrors { code path } } }";
const RESEND: &str = "mutation($id: ID!) { invitationResend(input: {invitationId: $id}) { invitation { id } userErrors { code path } } }";

async fn harness(roster: &Roster) -> AsyncMigrationHarness<roster::store::Connection> {
    AsyncMigrationHarness::new(roster.connection().await)
}

/// A key: its id and its secret.
async fn key(maker: &Actor, organization: &str, name: &str, permissions: Value) -> (String, String) {
    let input = json!({ "organization": { "id": organization }, "name": name, "permissions": permissions });
    let made = maker.payload(CREATE_KEY, json!({ "input": input })).await;
    assert_eq!(made["userErrors"], json!([]));
    (id(&made["apiKey"]), made["secret"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_there_before_guests_and_before_anybody_answered_for_keys() {
    let before = Roster::start().await;
    let alice = before.person("alice");
    let acme = before.organization(&alice, "Acme").await;
    alice.payload(CREATE_ROLE, json!({ "organization": acme })).await;
    let (bob, _) = before.member(&alice, &acme, "bob", "crew").await;
    let (_, guests) = before.member(&alice, &acme, "gus", "guest").await;
    let (parent_id, parent) = key(&bob, &acme, "Parent", json!(["api_keys.manage", "members.read"])).await;
    let (child_id, child) = key(&before.actor("parent", &parent), &acme, "Child", json!(["members.read"])).await;
    let (_, operators) = key(&before.operator(), &acme, "Operators", json!(["members.read"])).await;
    let (ended, _) = before.invite(&alice, &acme, "ina@example.com", "crew").await;
    drop((alice, bob));

    // Back to before: a guest is the nearest that there was, a role of the organization has the key of Guest, the keys
    // hold what no key can hold now, and the first of them expires.
    harness(&before).await.revert_last_migration(MIGRATIONS).unwrap();
    let crew = before.texts("SELECT DISTINCT key FROM roles WHERE built_in IS NOT NULL ORDER BY 1").await;
    assert_eq!(crew, ["admin", "member", "owner", "viewer"]);
    before.sql("UPDATE roles SET key = 'guest' WHERE key = 'crew'").await;
    before.sql("UPDATE api_keys SET permissions = permissions || '{organization.transfer,organization.delete}'").await;
    before.sql("UPDATE api_keys SET expires_at = '2026-12-01T00:00:00Z' WHERE name = 'Parent'").await;
    let step = harness(&before).await.run_pending_migrations(MIGRATIONS).unwrap().len();
    assert_eq!(step, 1);

    let now = before.replica();
    let alice = now.person("alice");
    let roles = "{ organization(by: {slug: \"acme\"}) { roles { nodes { key builtIn memberCount } } } }";
    let roles = alice.data(roles, json!({})).await["organization"]["roles"]["nodes"].clone();
    let of_organization: Vec<(String, Value, Value)> = roles
        .as_array()
        .unwrap()
        .iter()
        .map(|role| (role["key"].as_str().unwrap().to_owned(), role["builtIn"].clone(), role["memberCount"].clone()))
        .filter(|(key, ..)| key.starts_with("guest"))
        .collect();
    let [(_, guest, count), (moved, none, members)] = &of_organization[..] else { panic!("{roles}") };
    assert_eq!((guest, count), (&json!("GUEST"), &json!(0)));
    assert_eq!((none, members), (&json!(null), &json!(1)), "{moved} is bob's role");
    assert!(moved.starts_with("guest-"));
    // Guests can be had at once, under each of the lists' orders.
    now.member(&alice, &acme, "gil", "guest").await;
    let update = "mutation($member: ID!) { organizationMemberUpdateRole(input: {member: {id: $member}, role: {key: \"guest\"}}) { userErrors { code } } }";
    assert_eq!(codes(&alice.payload(update, json!({ "member": guests })).await["userErrors"]), [""; 0]);
    let ranks = "{ organization(by: {slug: \"acme\"}) { members(orderBy: {field: ROLE, direction: ASC}) { nodes { user { displayName } } } } }";
    let ranks = alice.data(ranks, json!({})).await["organization"]["members"]["nodes"].clone();
    let names: Vec<&str> =
        ranks.as_array().unwrap().iter().map(|member| member["user"]["displayName"].as_str().unwrap()).collect();
    assert_eq!(names[0], "Alice");
    assert_eq!(names[3], "Bob", "custom roles come last: {names:?}");

    // Who made the first key answers for all that came of it; no key outlives the one that made it.
    let shown = "query($id: ID!) { node(id: $id) { ... on ApiKey { responsible { displayName } expiresAt permissions { key } grantedPermissions { key } } } }";
    for (id, held) in [(&parent_id, json!(["members.read", "api_keys.manage"])), (&child_id, json!(["members.read"]))] {
        let key = alice.data(shown, json!({ "id": id })).await["node"].clone();
        assert_eq!(key["responsible"]["displayName"], "Bob");
        assert_eq!(key["expiresAt"], "2026-12-01T00:00:00.000Z");
        for list in ["permissions", "grantedPermissions"] {
            let keys: Vec<&Value> = key[list].as_array().unwrap().iter().map(|held| &held["key"]).collect();
            assert_eq!(json!(keys), held);
        }
    }
    let who = "{ organization(by: {slug: \"acme\"}) { viewerPermissions } }";
    for secret in [&parent, &child, &operators] {
        assert_eq!(now.actor("key", secret).post(who, json!({})).await.status.as_u16(), 200);
    }
    let remove = "mutation($organization: ID!) { organizationMemberRemove(input: {member: {lookup: {organization: {id: $organization}, user: {email: \"bob@example.com\"}}}}) { apiKeyChanges { name ends } userErrors { code path } } }";
    let removed = alice.payload(remove, json!({ "organization": acme })).await;
    assert_eq!(removed["apiKeyChanges"].as_array().map(Vec::len), Some(2), "{removed}");
    for (secret, status) in [(&parent, 401), (&child, 401), (&operators, 200)] {
        assert_eq!(now.actor("key", secret).post(who, json!({})).await.status.as_u16(), status);
    }
    // An invitation goes on with the role that was renamed.
    now.wait(chrono::TimeDelta::minutes(2));
    assert_eq!(codes(&alice.payload(RESEND, json!({ "id": ended })).await["userErrors"]), [""; 0]);
    now.assert_counters().await;
}
