//! Transferring the ownership of a project.

use roster::{access::Permission, domain::role::RoleScope};
use serde_json::{Value, json};

use crate::{
    concurrency::{CROWD, acme, at_once},
    support::{Actor, Roster},
};

const TRANSFER: &str = "mutation($input: ProjectOwnershipTransferInput!) { projectOwnershipTransfer(input: $input) {
  project { version owner { user { email } } } newOwner { version role { key } user { email } } previousOwner { version role { key } user { email } }
  userErrors { code path ... on VersionUserError { currentVersion } ... on PermissionUserError { requiredPermission } } } }";

fn email(name: &str) -> Value {
    json!({ "email": format!("{name}@example.com") })
}

async fn transfer(actor: &Actor, project: &str, name: &str, mut input: Value) -> Value {
    input["project"] = json!({ "id": project });
    input["newOwner"] = email(name);
    actor.payload(TRANSFER, json!({ "input": input })).await
}

async fn refused(actor: &Actor, project: &str, mut input: Value) -> Vec<String> {
    input["project"] = json!({ "id": project });
    actor.refused(TRANSFER, json!({ "input": input })).await
}

/// Acme of Alice with the project Apollo of Olga, and in it Pam (admin), Mel (member) and Victor (viewer).
async fn apollo() -> (Roster, Actor, Actor, String) {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (olga, _) = roster.member(&alice, &acme, "olga", "member").await;
    let apollo = roster.project(&olga, &acme, "Apollo").await;
    for (name, role) in [("pam", "admin"), ("mel", "member"), ("victor", "viewer")] {
        roster.member(&alice, &acme, name, "viewer").await;
        roster.project_member(&alice, &apollo, name, role).await;
    }
    (roster, alice, olga, apollo)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_member_becomes_owner_and_the_owner_admin() {
    let (roster, alice, olga, apollo) = apollo().await;
    let done = transfer(&olga, &apollo, "Mel", json!({ "expectedVersion": 1 })).await;
    assert_eq!(
        done,
        json!({
            "project": { "version": 2, "owner": { "user": { "email": "mel@example.com" } } },
            "newOwner": { "version": 2, "role": { "key": "owner" }, "user": { "email": "mel@example.com" } },
            "previousOwner": { "version": 2, "role": { "key": "admin" }, "user": { "email": "olga@example.com" } },
            "userErrors": [],
        })
    );
    let mel = roster.person("mel");
    let data = roster.texts("SELECT data FROM events WHERE type = 'project.ownership_transferred'").await;
    assert_eq!(
        serde_json::from_str::<Value>(&data[0]).unwrap(),
        json!({ "user": mel.user_id().await, "previousOwner": olga.user_id().await, "previousOwnerRole": "admin" })
    );
    let before = roster.content().await;
    let again = transfer(&mel, &apollo, "mel", json!({})).await;
    assert_eq!(
        (&again["newOwner"]["version"], &again["previousOwner"], &again["userErrors"]),
        (&json!(2), &Value::Null, &json!([]))
    );
    assert_eq!(roster.content().await, before);
    // The owner of the organization takes part in every project as an owner.
    let back = transfer(&alice, &apollo, "olga", json!({ "previousOwnerRole": { "key": "viewer" } })).await;
    assert_eq!(back["previousOwner"]["role"]["key"], "viewer");
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_problems_are_reported_together() {
    let (roster, _, olga, apollo) = apollo().await;
    let payload =
        transfer(&olga, &apollo, "alice", json!({ "expectedVersion": 3, "previousOwnerRole": { "key": "owner" } }))
            .await;
    // Alice is in the organization, and not in the project.
    assert_eq!(
        payload["userErrors"],
        json!([
            { "code": "STALE_VERSION", "path": ["input", "expectedVersion"], "currentVersion": 1 },
            { "code": "ROLE_NOT_ASSIGNABLE", "path": ["input", "previousOwnerRole"] },
            { "code": "NOT_MEMBER", "path": ["input", "newOwner"] },
        ])
    );
    let role = roster.texts("SELECT id FROM roles WHERE scope = 'ORGANIZATION' AND key = 'admin'").await;
    let role = roster::domain::id::RoleId(role[0].parse().unwrap()).to_string();
    for (role, code) in [(json!({ "id": role }), "ROLE_SCOPE_MISMATCH"), (json!({ "key": "nothing" }), "NOT_FOUND")] {
        assert_eq!(
            refused(&olga, &apollo, json!({ "newOwner": email("mel"), "previousOwnerRole": role })).await,
            [code]
        );
    }
    assert_eq!(refused(&olga, &apollo, json!({ "newOwner": { "id": apollo } })).await, ["NOT_FOUND"]);
    let acme = roster.texts("SELECT id FROM organizations").await;
    let acme = roster::domain::id::OrganizationId(acme[0].parse().unwrap()).to_string();
    // Who may not list the members does not learn who is one: whoever transfers can do all that the owner can.
    let blind = roster.key(&acme, None, &["project.read", "project.transfer"]).await;
    for name in ["alice", "mel", "nobody"] {
        let payload = transfer(&blind, &apollo, name, json!({})).await;
        assert_eq!(payload["userErrors"], json!([{ "code": "FORBIDDEN", "path": null }]), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_transfer_a_project_and_others_do_not() {
    let (roster, alice, olga, apollo) = apollo().await;
    let acme = roster.texts("SELECT id FROM organizations").await;
    let acme = roster::domain::id::OrganizationId(acme[0].parse().unwrap()).to_string();
    let (ada, _) = roster.member(&alice, &acme, "ada", "admin").await;
    let weak = roster.key(&acme, None, &["projects.manage"]).await;
    let known = [ada, roster.person("pam"), roster.person("mel"), roster.person("victor"), weak];
    for actor in &known {
        let payload = transfer(actor, &apollo, "pam", json!({})).await;
        let forbidden = json!([{ "code": "FORBIDDEN", "path": null, "requiredPermission": "project.transfer" }]);
        assert_eq!(payload["userErrors"], forbidden, "{}", actor.name);
    }
    let (nora, _) = roster.member(&alice, &acme, "nora", "member").await;
    for actor in [nora, roster.person("oscar")] {
        assert_eq!(
            refused(&actor, &apollo, json!({ "newOwner": email("pam") })).await,
            ["NOT_FOUND"],
            "{}",
            actor.name
        );
    }
    let input = json!({ "input": { "project": { "id": apollo }, "newOwner": email("pam") } });
    assert_eq!(roster.anonymous().error_codes(TRANSFER, input).await, ["UNAUTHENTICATED"]);
    // Nobody gives more than they have: a key takes all that the owner of the project can do.
    let all = Permission::ALL.iter().filter(|permission| permission.scope() == RoleScope::Project);
    let all: Vec<&str> = all.map(|permission| permission.key()).collect();
    for lacking in &all {
        let most: Vec<&str> = all.iter().filter(|key| *key != lacking).copied().collect();
        let key = roster.key(&acme, Some(&apollo), &most).await;
        let code = if *lacking == "project.read" { "NOT_FOUND" } else { "FORBIDDEN" };
        assert_eq!(refused(&key, &apollo, json!({ "newOwner": email("victor") })).await, [code], "{lacking}");
    }
    let key = roster.key(&acme, Some(&apollo), &all).await;
    for (actor, name) in [(&olga, "pam"), (&alice, "mel"), (&key, "victor"), (&roster.operator(), "olga")] {
        let payload = transfer(actor, &apollo, name, json!({})).await;
        assert_eq!(payload["newOwner"]["user"]["email"], format!("{name}@example.com"), "{}", actor.name);
    }
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_previous_owner_could_no_longer_give_is_revoked() {
    let (roster, _, olga, apollo) = apollo().await;
    let invite = "mutation($project: ID!, $email: String!, $role: String!) { projectInvite(input: {project: {id: $project}, emails: [$email], role: {key: $role}}) { userErrors { code } } }";
    for (name, role) in [("bob", "admin"), ("carol", "viewer")] {
        let variables = json!({ "project": apollo, "email": format!("{name}@example.com"), "role": role });
        assert_eq!(olga.refusals(invite, variables).await, Vec::<String>::new());
    }
    transfer(&olga, &apollo, "pam", json!({})).await;
    let pending = "SELECT email FROM invitations WHERE status = 'PENDING' ORDER BY email";
    assert_eq!(roster.texts(pending).await, ["bob@example.com", "carol@example.com"]);
    transfer(&roster.person("pam"), &apollo, "olga", json!({})).await;
    transfer(&olga, &apollo, "pam", json!({ "previousOwnerRole": { "key": "member" } })).await;
    assert_eq!(roster.texts(pending).await, Vec::<String>::new());
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_of_who_is_removed_pass_to_the_owner_of_the_organization() {
    let (roster, alice, olga, apollo) = apollo().await;
    let leave = "mutation { organizationLeave(input: {organization: {slug: \"acme\"}}) { userErrors { code } } }";
    assert_eq!(olga.refusals(leave, json!({})).await, Vec::<String>::new());
    let found = alice
        .data(
            "query($id: ID!) { project(by: {id: $id}) { version owner { user { email } role { key } } } }",
            json!({ "id": apollo }),
        )
        .await;
    assert_eq!(
        found["project"],
        json!({ "version": 2, "owner": { "user": { "email": "alice@example.com" }, "role": { "key": "owner" } } })
    );
    let data = roster.texts("SELECT data FROM events WHERE type = 'project.ownership_transferred'").await;
    assert_eq!(
        serde_json::from_str::<Value>(&data[0]).unwrap(),
        json!({ "user": alice.user_id().await, "previousOwner": olga.user_id().await })
    );
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transferred_by_32_at_once_while_owners_leave_it_has_one_owner() {
    let _alone = CROWD.lock().await;
    let (roster, alice, organization) = acme().await;
    let project = roster.project(&alice, &organization, "Apollo").await;
    let mut people = Vec::new();
    for number in 0..8 {
        let name = format!("person{number}");
        people.push((roster.member(&alice, &organization, &name, "member").await.0, name.clone()));
        roster.project_member(&alice, &project, &name, "member").await;
    }
    let leave = "mutation { organizationLeave(input: {organization: {slug: \"acme\"}}) { userErrors { code } } }";
    let posts = (0..32).map(|number| {
        let (person, name) = &people[number % 8];
        match number / 8 {
            3 if number % 2 == 0 => (person.clone(), leave, json!({})),
            _ => {
                (alice.clone(), TRANSFER, json!({ "input": { "project": { "id": project }, "newOwner": email(name) } }))
            }
        }
    });
    at_once(posts).await;
    assert_eq!(roster.texts("SELECT count(*) FROM project_members WHERE is_owner").await, ["1"]);
    assert_eq!(roster.texts("SELECT count(*) FROM organization_members").await, ["5"]);
    roster.assert_counters().await;
}
