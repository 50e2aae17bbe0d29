//! Changing roles in organizations, and removing members.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{ACCEPT, Actor, Roster, codes, id};

const UPDATE: &str = "mutation($member: OrganizationMemberRefInput!, $role: RoleRefInput!, $version: Int) {
  organizationMemberUpdateRole(input: {member: $member, role: $role, expectedVersion: $version}) {
    member { id role { key } version updatedAt }
    userErrors { code path ... on PermissionUserError { requiredPermission } ... on VersionUserError { currentVersion } } } }";
const REMOVE: &str =
    "mutation($member: OrganizationMemberRefInput!) { organizationMemberRemove(input: {member: $member}) {
  organization { slug } removedOrganizationMemberId removedProjectMemberIds userErrors { code path } } }";

fn update(member: &str, role: &str) -> Value {
    json!({ "member": { "id": member }, "role": { "key": role } })
}

fn remove(member: &str) -> Value {
    json!({ "member": { "id": member } })
}

fn lookup(organization: &str, email: &str) -> Value {
    json!({ "lookup": { "organization": { "slug": organization }, "user": { "email": email } } })
}

/// The role that an update ended in.
async fn updated(actor: &Actor, variables: Value) -> Value {
    let payload = actor.payload(UPDATE, variables).await;
    assert_eq!(payload["userErrors"], json!([]));
    payload["member"].clone()
}

async fn removed(actor: &Actor, variables: Value) -> Value {
    let payload = actor.payload(REMOVE, variables).await;
    assert_eq!(payload["userErrors"], json!([]));
    payload
}

/// Adds a custom role of the organization's level.
async fn custom_role(roster: &Roster, key: &str, permissions: &str) {
    roster
        .sql(&format!(
            "INSERT INTO roles (organization_id, id, scope, key, permissions, name, sort_name, rank, created_at, updated_at) \
             SELECT id, gen_random_uuid(), 'ORGANIZATION', '{key}', '{{{permissions}}}', '{key}', '{key}', 5, created_at, created_at FROM organizations"
        ))
        .await;
}

/// Gives a member a role that nobody here could give.
async fn set_role(roster: &Roster, email: &str, key: &str) {
    roster
        .sql(&format!(
            "UPDATE organization_members m SET role_id = r.id, role_rank = r.rank FROM roles r \
             WHERE r.organization_id = m.organization_id AND r.scope = 'ORGANIZATION' AND r.key = '{key}' AND m.email = '{email}'"
        ))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_changed_by_id_and_by_lookup() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (bob, member) = roster.member(&alice, &acme, "bob", "member").await;
    roster.wait(chrono::TimeDelta::minutes(1));
    assert_eq!(
        updated(&alice, update(&member, "admin")).await,
        json!({ "id": member, "role": { "key": "admin" }, "version": 2, "updatedAt": "2026-11-21T09:01:00.000Z" })
    );
    for email in ["bob@example.com", " BOB@Example.com "] {
        let variables = json!({ "member": lookup("acme", email), "role": { "key": " Viewer" } });
        assert_eq!(updated(&alice, variables).await["version"], 3, "the second time changes nothing");
    }
    let by_ids = json!({ "lookup": { "organization": { "id": acme }, "user": { "id": bob.user_id().await } } });
    let role = alice.data("query($id: ID!) { organization(by: {id: $id}) { roles(filter: {scope: ORGANIZATION}) { nodes { id key } } } }", json!({ "id": acme })).await;
    let roles = role["organization"]["roles"]["nodes"].as_array().unwrap().clone();
    let member_role = roles.iter().find(|role| role["key"] == "member").map(id).unwrap();
    let variables = json!({ "member": by_ids, "role": { "id": member_role }, "version": 3 });
    assert_eq!(updated(&alice, variables).await["role"]["key"], "member");

    let changes = roster.texts("SELECT data->>'before' || ' ' || (data->>'after') FROM events WHERE type = 'member.role_updated' ORDER BY version").await;
    assert_eq!(changes, ["member admin", "admin viewer", "viewer member"]);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_role_again_is_no_change() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (_, member) = roster.member(&alice, &acme, "bob", "member").await;
    let before = roster.content().await;
    assert_eq!(updated(&alice, update(&member, "member")).await["version"], 1);
    assert_eq!(roster.content().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_screen_is_told_the_current_version() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (_, member) = roster.member(&alice, &acme, "bob", "member").await;
    updated(&alice, update(&member, "viewer")).await;
    let before = roster.content().await;
    for (version, role) in [(1, "admin"), (3, "admin"), (1, "viewer")] {
        let mut variables = update(&member, role);
        variables["version"] = json!(version);
        let refusal = alice.payload(UPDATE, variables).await;
        assert_eq!(
            refusal,
            json!({ "member": null, "userErrors": [{ "code": "STALE_VERSION", "path": ["input", "expectedVersion"], "currentVersion": 2 }] })
        );
    }
    assert_eq!(roster.content().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_manage_members_is_refused() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (bob, member) = roster.member(&alice, &acme, "bob", "member").await;
    let (victor, viewer) = roster.member(&alice, &acme, "victor", "viewer").await;
    let mallory = roster.person("mallory");
    let other = roster.organization(&mallory, "Other").await;

    // Their own role, too.
    for (actor, target) in [(&bob, &viewer), (&bob, &member), (&victor, &member), (&victor, &viewer)] {
        let before = roster.content().await;
        let refusal = actor.payload(UPDATE, update(target, "viewer")).await;
        assert_eq!(
            refusal["userErrors"],
            json!([{ "code": "FORBIDDEN", "path": null, "requiredPermission": "members.manage" }])
        );
        assert_eq!(roster.content().await, before);
        assert_eq!(actor.refused(REMOVE, remove(target)).await, ["FORBIDDEN"]);
        assert_eq!(actor.refused(REMOVE, json!({ "member": lookup("acme", "bob@example.com") })).await, ["FORBIDDEN"]);
    }
    let keys = [
        roster.key(&acme, None, &["members.read", "project.members.manage"]).await,
        roster
            .key(&acme, Some(&roster.project(&alice, &acme, "Apollo").await), &["members.manage", "project.read"])
            .await,
    ];
    // A key of one project does not know of members, nor does a guest.
    let (gus, _) = roster.member(&alice, &acme, "gus", "guest").await;
    for (key, code) in keys.iter().chain([&gus]).zip(["FORBIDDEN", "NOT_FOUND", "NOT_FOUND"]) {
        assert_eq!(key.refused(UPDATE, update(&member, "viewer")).await, [code]);
        assert_eq!(key.refused(REMOVE, remove(&member)).await, [code]);
    }
    // From outside there is nothing to be seen, public profile or not.
    let foreign = roster.key(&other, None, &["members.manage"]).await;
    roster.sql("UPDATE organizations SET visibility = 'PUBLIC'").await;
    for actor in [&mallory, &foreign] {
        for target in [json!({ "id": member }), lookup("acme", "bob@example.com"), lookup("acme", "zoe@example.com")] {
            let variables = json!({ "member": target, "role": { "key": "viewer" } });
            assert_eq!(actor.refused(UPDATE, variables).await, ["NOT_FOUND"], "{} {target}", actor.name);
            assert_eq!(
                actor.refused(REMOVE, json!({ "member": target })).await,
                ["NOT_FOUND"],
                "{} {target}",
                actor.name
            );
        }
    }
    for (mutation, variables) in [(UPDATE, update(&member, "viewer")), (REMOVE, remove(&member))] {
        assert_eq!(roster.anonymous().error_codes(mutation, variables).await, ["UNAUTHENTICATED"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_found() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (_, member) = roster.member(&alice, &acme, "bob", "member").await;
    let zoe = roster.person("zoe").user_id().await;
    let nowhere = [
        json!({ "id": "mem_" }),
        json!({ "id": acme }),
        json!({ "id": member.replace("mem_0", "mem_1") }),
        lookup("nowhere", "bob@example.com"),
        lookup("?", "bob@example.com"),
    ];
    for target in nowhere {
        let variables = json!({ "member": target, "role": { "key": "viewer" } });
        assert_eq!(alice.refused(UPDATE, variables).await, ["NOT_FOUND"], "{target}");
        assert_eq!(alice.refused(REMOVE, json!({ "member": target })).await, ["NOT_FOUND"], "{target}");
    }
    // Whether or not somebody has an account: who is no member has no role to change.
    let strangers = [
        lookup("acme", "zoe@example.com"),
        lookup("acme", "nobody@example.com"),
        lookup("acme", "?"),
        json!({ "lookup": { "organization": { "slug": "acme" }, "user": { "id": zoe } } }),
    ];
    for target in strangers {
        let before = roster.content().await;
        let variables = json!({ "member": target, "role": { "key": "viewer" } });
        let refusal = alice.payload(UPDATE, variables).await;
        assert_eq!(refusal["userErrors"], json!([{ "code": "NOT_FOUND", "path": ["input", "member"] }]), "{target}");
        assert_eq!(roster.content().await, before);
    }
    for role in [json!({ "key": "nothing" }), json!({ "id": "rol_" }), json!({ "id": acme })] {
        let variables = json!({ "member": { "id": member }, "role": role });
        let refusal = alice.payload(UPDATE, variables).await;
        assert_eq!(refusal["userErrors"], json!([{ "code": "NOT_FOUND", "path": ["input", "role"] }]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_is_protected() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (ada, _) = roster.member(&alice, &acme, "ada", "admin").await;
    let owner = roster
        .operator()
        .data("query($id: ID!) { organization(by: {id: $id}) { owner { id } } }", json!({ "id": acme }))
        .await;
    let owner = id(&owner["organization"]["owner"]);
    let key = roster.key(&acme, None, &["members.manage"]).await;
    for actor in [&alice, &ada, &key, &roster.operator()] {
        for role in ["admin", "owner", "viewer"] {
            assert_eq!(actor.refused(UPDATE, update(&owner, role)).await, ["OWNER_PROTECTED"], "{} {role}", actor.name);
        }
        let refusal = actor.payload(REMOVE, json!({ "member": lookup("acme", "alice@example.com") })).await;
        assert_eq!(refusal["userErrors"], json!([{ "code": "OWNER_PROTECTED", "path": ["input", "member"] }]));
        assert_eq!(actor.refused(REMOVE, remove(&owner)).await, ["OWNER_PROTECTED"]);
    }
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_more_than_they_have() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (ada, adas) = roster.member(&alice, &acme, "ada", "admin").await;
    let (hugo, hugos) = roster.member(&alice, &acme, "hugo", "viewer").await;
    let (_, bobs) = roster.member(&alice, &acme, "bob", "member").await;
    custom_role(&roster, "closer", "members.read,organization.delete").await;
    custom_role(&roster, "people", "members.read,members.manage").await;
    custom_role(&roster, "reader", "members.read").await;

    for role in ["owner", "closer"] {
        for target in [&adas, &bobs] {
            let before = roster.content().await;
            let refusal = ada.payload(UPDATE, update(target, role)).await;
            assert_eq!(refusal["userErrors"], json!([{ "code": "ROLE_NOT_ASSIGNABLE", "path": ["input", "role"] }]));
            assert_eq!(roster.content().await, before);
        }
    }
    // Owner is only ever transferred.
    assert_eq!(alice.refused(UPDATE, update(&bobs, "owner")).await, ["ROLE_NOT_ASSIGNABLE"]);
    // The owner's own strength covers the custom role.
    assert_eq!(updated(&alice, update(&bobs, "closer")).await["role"]["key"], "closer");

    // Somebody who only manages people gives what they have and no more, to nobody and not to themselves.
    set_role(&roster, "hugo@example.com", "people").await;
    for (target, role) in [(&hugos, "admin"), (&hugos, "member"), (&hugos, "closer")] {
        assert_eq!(hugo.refused(UPDATE, update(target, role)).await, ["ROLE_NOT_ASSIGNABLE"], "{role}");
    }
    set_role(&roster, "bob@example.com", "reader").await;
    assert_eq!(hugo.refused(UPDATE, update(&bobs, "admin")).await, ["ROLE_NOT_ASSIGNABLE"]);
    assert_eq!(updated(&hugo, update(&bobs, "people")).await["role"]["key"], "people");

    let key = roster.key(&acme, None, &["members.manage", "members.read"]).await;
    assert_eq!(key.refused(UPDATE, update(&bobs, "admin")).await, ["ROLE_NOT_ASSIGNABLE"]);
    assert_eq!(updated(&key, update(&bobs, "viewer")).await["role"]["key"], "viewer");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_stronger_is_not_managed() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (ada, _) = roster.member(&alice, &acme, "ada", "admin").await;
    let (_, bobs) = roster.member(&alice, &acme, "bob", "member").await;
    let (_, equals) = roster.member(&alice, &acme, "eve", "admin").await;
    custom_role(&roster, "closer", "members.read,organization.delete").await;
    set_role(&roster, "bob@example.com", "closer").await;
    let before = roster.content().await;
    let refusal = ada.payload(UPDATE, update(&bobs, "viewer")).await;
    assert_eq!(refusal["userErrors"], json!([{ "code": "FORBIDDEN", "path": ["input", "member"] }]));
    assert_eq!(roster.content().await, before);
    assert_eq!(ada.refused(REMOVE, remove(&bobs)).await, ["FORBIDDEN"]);
    let key = roster.key(&acme, None, &["members.manage", "members.read"]).await;
    assert_eq!(key.refused(REMOVE, remove(&equals)).await, ["FORBIDDEN"]);
    // One's equals are.
    assert_eq!(updated(&ada, update(&equals, "member")).await["role"]["key"], "member");
    assert_eq!(removed(&alice, remove(&bobs)).await["removedOrganizationMemberId"], json!(bobs));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_role_is_of_the_wrong_level() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (_, member) = roster.member(&alice, &acme, "bob", "member").await;
    roster.sql("UPDATE roles SET key = 'lead' WHERE scope = 'PROJECT' AND key = 'admin'").await;
    let roles = alice
        .data(
            "query($id: ID!) { organization(by: {id: $id}) { roles(filter: {scope: PROJECT}) { nodes { id } } } }",
            json!({ "id": acme }),
        )
        .await;
    let project_role = id(&roles["organization"]["roles"]["nodes"][1]);
    for role in [json!({ "key": "lead" }), json!({ "id": project_role })] {
        let variables = json!({ "member": { "id": member }, "role": role });
        assert_eq!(alice.refused(UPDATE, variables).await, ["ROLE_SCOPE_MISMATCH"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn narrowing_works_from_the_next_request_on() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    roster.project(&alice, &acme, "Apollo").await;
    let (ada, adas) = roster.member(&alice, &acme, "ada", "admin").await;
    let (_, bobs) = roster.member(&alice, &acme, "bob", "member").await;
    let seen = "{ organization(by: {slug: \"acme\"}) { invitations(first: 0) { totalCount } projects { nodes { slug } } viewerPermissions } }";
    let before = ada.data(seen, json!({})).await;
    assert_eq!(before["organization"]["projects"]["nodes"], json!([{ "slug": "apollo" }]));
    assert_eq!(updated(&ada, update(&bobs, "viewer")).await["version"], 2);

    let (pending, _) = roster.invite(&ada, &acme, "carol@example.com", "admin").await;
    updated(&alice, update(&adas, "viewer")).await;
    let after = ada.post(seen, json!({})).await;
    assert_eq!(
        after.body["errors"][0]["extensions"],
        json!({ "code": "FORBIDDEN", "requiredPermission": "invitations.read" })
    );
    assert_eq!(
        after.body["data"]["organization"],
        json!({ "invitations": null, "projects": { "nodes": [] }, "viewerPermissions": ["members.read"] })
    );
    assert_eq!(ada.refused(UPDATE, update(&bobs, "member")).await, ["FORBIDDEN"]);
    assert_eq!(ada.refused(UPDATE, update(&adas, "admin")).await, ["FORBIDDEN"]);
    // What they could no longer give is taken back with it.
    let invitation = alice
        .data("query($id: ID!) { node(id: $id) { ... on Invitation { status } } }", json!({ "id": pending }))
        .await;
    assert_eq!(invitation["node"]["status"], "REVOKED");
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_ends_whatever_rests_on_the_membership() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (ada, adas) = roster.member(&alice, &acme, "ada", "admin").await;
    roster.member(&alice, &acme, "bob", "member").await;
    // One project that she is in, one of hers that the owner is in, one that she is alone in.
    let apollo = roster.project(&alice, &acme, "Apollo").await;
    let gemini = roster.project(&ada, &acme, "Gemini").await;
    let mercury = roster.project(&ada, &acme, "Mercury").await;
    roster.project_member(&alice, &apollo, "ada", "member").await;
    let alices = roster.project_member(&ada, &gemini, "alice", "viewer").await;
    roster.project_member(&ada, &gemini, "bob", "member").await;
    let ended = roster
        .texts("SELECT m.id FROM project_members m JOIN users u ON u.id = user_id WHERE u.email = 'ada@example.com'")
        .await;
    assert_eq!(ended.len(), 3);
    // What she invited to, and what waits for the address she has by now.
    let (from_her, _) = roster.invite(&ada, &acme, "carol@example.com", "viewer").await;
    let (others, _) = roster.invite(&alice, &acme, "dora@example.com", "viewer").await;
    let (to_her, to_her_token) = roster.invite(&alice, &acme, "countess@example.com", "viewer").await;
    let claims = roster::server::tokens::DevelopmentClaims {
        subject: "ada@example.com",
        audience: None,
        email: Some("countess@example.com"),
        name: None,
    };
    roster.wait(TimeDelta::seconds(1));
    let ada = roster.signed("ada", claims);
    ada.user_id().await;
    let events_before = roster.events().await.len();

    let payload = removed(&alice, remove(&adas)).await;
    assert_eq!(
        (&payload["organization"]["slug"], &payload["removedOrganizationMemberId"]),
        (&json!("acme"), &json!(adas))
    );
    assert_eq!(payload["removedProjectMemberIds"].as_array().map(Vec::len), Some(3));
    let status = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Invitation { status } } }";
    let states = alice.data(status, json!({ "ids": [from_her, others, to_her] })).await;
    assert_eq!(states["nodes"], json!([{ "status": "REVOKED" }, { "status": "PENDING" }, { "status": "REVOKED" }]));
    assert_eq!(ada.refused(ACCEPT, json!({ "token": to_her_token })).await, ["INVITATION_NOT_PENDING"]);
    let owners = alice
        .data(
            "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Project { slug owner { id user { email } } members(first: 0) { totalCount } } } }",
            json!({ "ids": [apollo, gemini, mercury] }),
        )
        .await;
    let owners: Vec<Value> = owners["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|project| json!([project["slug"], project["owner"]["user"]["email"], project["members"]["totalCount"]]))
        .collect();
    assert_eq!(
        json!(owners),
        json!([
            ["apollo", "alice@example.com", 1],
            ["gemini", "alice@example.com", 2],
            ["mercury", "alice@example.com", 1]
        ])
    );
    // She was in Gemini already: the membership is raised, not doubled.
    let kept = alice
        .data(
            "query($id: ID!) { node(id: $id) { ... on ProjectMember { version role { key } } } }",
            json!({ "id": alices }),
        )
        .await;
    assert_eq!(kept["node"], json!({ "version": 2, "role": { "key": "owner" } }));

    let mut happened = roster.events().await.split_off(events_before);
    happened.sort();
    assert_eq!(
        happened,
        [
            "invitation.revoked",
            "invitation.revoked",
            "member.removed",
            "project.ownership_transferred",
            "project.ownership_transferred",
            "project_member.removed",
            "project_member.removed",
            "project_member.removed",
        ]
    );
    roster.assert_counters().await;
    let gone = "{ organization(by: {slug: \"acme\"}) { id } viewer { memberships { totalCount } } }";
    assert_eq!(
        ada.data(gone, json!({})).await,
        json!({ "organization": null, "viewer": { "memberships": { "totalCount": 0 } } })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_somebody_already_gone_succeeds_and_does_nothing() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (bob, member) = roster.member(&alice, &acme, "bob", "member").await;
    let (victor, _) = roster.member(&alice, &acme, "victor", "viewer").await;
    let user = bob.user_id().await;
    assert_eq!(
        removed(&alice, json!({ "member": lookup("acme", "BOB@example.com") })).await["removedOrganizationMemberId"],
        json!(member)
    );
    let before = roster.content().await;
    let by_user = json!({ "lookup": { "organization": { "slug": "acme" }, "user": { "id": user } } });
    for target in [json!({ "id": member }), lookup("acme", "bob@example.com"), by_user] {
        let again = removed(&alice, json!({ "member": target })).await;
        assert_eq!(
            again,
            json!({ "organization": { "slug": "acme" }, "removedOrganizationMemberId": null, "removedProjectMemberIds": [], "userErrors": [] })
        );
        assert_eq!(
            alice.refused(UPDATE, json!({ "member": target, "role": { "key": "viewer" } })).await,
            ["NOT_FOUND"]
        );
        assert_eq!(victor.refused(REMOVE, json!({ "member": target })).await, ["FORBIDDEN"]);
        assert_eq!(bob.refused(REMOVE, json!({ "member": target })).await, ["NOT_FOUND"]);
        assert_eq!(roster.person("mallory").refused(REMOVE, json!({ "member": target })).await, ["NOT_FOUND"]);
    }
    assert_eq!(roster.content().await, before);

    // Coming back is a new membership; the old id stays the old one's.
    let (_, again) = roster.member(&alice, &acme, "bob", "viewer").await;
    assert_ne!(again, member);
    let before = roster.content().await;
    assert_eq!(removed(&alice, remove(&member)).await["removedOrganizationMemberId"], Value::Null);
    assert_eq!(roster.content().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_removes_themselves() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (ada, adas) = roster.member(&alice, &acme, "ada", "admin").await;
    roster.project(&ada, &acme, "Apollo").await;
    roster.invite(&ada, &acme, "carol@example.com", "admin").await;
    let payload = removed(&ada, remove(&adas)).await;
    assert_eq!(payload["removedOrganizationMemberId"], json!(adas));
    assert_eq!(payload["organization"], Value::Null);
    assert_eq!(codes(&payload["userErrors"]), Vec::<String>::new());
    assert_eq!(roster.texts("SELECT status FROM invitations WHERE email = 'carol@example.com'").await, ["REVOKED"]);
    assert_eq!(roster.texts("SELECT email FROM project_members WHERE is_owner").await, ["alice@example.com"]);
    roster.assert_counters().await;
    assert_eq!(ada.refused(REMOVE, remove(&adas)).await, ["NOT_FOUND"]);
}

const LEAVE: &str = "mutation($organization: ID!) { organizationLeave(input: {organization: {id: $organization}}) { organization { id } removedOrganizationMemberId userErrors { code path } } }";

#[tokio::test(flavor = "multi_thread")]
async fn a_member_leaves_with_everything_that_rests_on_it() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (bob, member) = roster.member(&alice, &acme, "bob", "admin").await;
    let gemini = roster.project(&bob, &acme, "Gemini").await;
    roster.invite(&bob, &acme, "zoe@example.com", "member").await;

    let left = bob.payload(LEAVE, json!({ "organization": acme })).await;
    assert_eq!(left, json!({ "organization": null, "removedOrganizationMemberId": member, "userErrors": [] }));
    assert_eq!(roster.texts("SELECT status FROM invitations ORDER BY email").await, ["ACCEPTED", "REVOKED"]);
    let owner = alice
        .data("query($id: ID!) { project(by: {id: $id}) { owner { user { email } } } }", json!({ "id": gemini }))
        .await;
    assert_eq!(owner["project"]["owner"]["user"]["email"], "alice@example.com");
    assert_eq!(bob.refused(LEAVE, json!({ "organization": acme })).await, ["NOT_FOUND"]);
    assert_eq!(alice.refused(LEAVE, json!({ "organization": acme })).await, ["OWNER_PROTECTED"]);
    roster.assert_counters().await;
}
