//! Putting members into projects, changing their roles there, and removing them.

use serde_json::{Value, json};

use crate::support::{Actor, Roster, codes, id};

const ADD: &str = "mutation($project: ProjectRefInput!, $members: [ProjectMemberInput!]!, $mode: BulkMode! = PARTIAL) {
  projectMembersAdd(input: {project: $project, members: $members, mode: $mode}) {
    project { slug } summary { total succeeded skipped failed }
    results { index status member { id role { key scope } user { email } } userErrors { code path } }
    userErrors { code path ... on PermissionUserError { requiredPermission } ... on LimitUserError { limit actual } } } }";
const UPDATE: &str = "mutation($member: ProjectMemberRefInput!, $role: RoleRefInput!, $version: Int) {
  projectMemberUpdateRole(input: {member: $member, role: $role, expectedVersion: $version}) {
    member { id role { key } version updatedAt }
    userErrors { code path ... on PermissionUserError { requiredPermission } ... on VersionUserError { currentVersion } } } }";
const REMOVE: &str = "mutation($member: ProjectMemberRefInput!) { projectMemberRemove(input: {member: $member}) {
  project { slug } removedProjectMemberId userErrors { code path } } }";

/// An organization Acme with a project Apollo, both of alice's.
struct Stage {
    roster: Roster,
    alice: Actor,
    acme: String,
    apollo: String,
}

impl Stage {
    async fn set() -> Self {
        let roster = Roster::start().await;
        let alice = roster.person("alice");
        let acme = roster.organization(&alice, "Acme").await;
        let apollo = roster.project(&alice, &acme, "Apollo").await;
        Self { roster, alice, acme, apollo }
    }

    /// A plain member of the organization.
    async fn member(&self, name: &str) -> Actor {
        self.roster.member(&self.alice, &self.acme, name, "member").await.0
    }

    /// A plain member of the organization with a role in the project; answers them and that membership.
    async fn project_member(&self, name: &str, role: &str) -> (Actor, String) {
        let person = self.member(name).await;
        (person, self.roster.project_member(&self.alice, &self.apollo, name, role).await)
    }

    /// Adds a custom role of the project's level.
    async fn custom_role(&self, key: &str, permissions: &str) {
        self.roster
            .sql(&format!(
                "INSERT INTO roles (organization_id, id, scope, key, permissions, name, sort_name, rank, created_at, updated_at) \
                 SELECT id, gen_random_uuid(), 'PROJECT', '{key}', '{{{permissions}}}', '{key}', '{key}', 5, created_at, created_at FROM organizations"
            ))
            .await;
    }

    /// Gives a project member a role that nobody here could give.
    async fn set_role(&self, email: &str, key: &str) {
        self.roster
            .sql(&format!(
                "UPDATE project_members m SET role_id = r.id, role_rank = r.rank FROM roles r \
                 WHERE r.organization_id = m.organization_id AND r.scope = 'PROJECT' AND r.key = '{key}' AND m.email = '{email}'"
            ))
            .await;
    }

    fn adding(&self, members: Value) -> Value {
        json!({ "project": { "id": self.apollo }, "members": members })
    }
}

fn by_email(email: &str) -> Value {
    json!({ "user": { "email": email } })
}

fn update(member: &str, role: &str) -> Value {
    json!({ "member": { "id": member }, "role": { "key": role } })
}

fn remove(member: &str) -> Value {
    json!({ "member": { "id": member } })
}

fn lookup(project: &str, email: &str) -> Value {
    let path = json!({ "organization": "acme", "project": project });
    json!({ "lookup": { "project": { "path": path }, "user": { "email": email } } })
}

async fn updated(actor: &Actor, variables: Value) -> Value {
    let payload = actor.payload(UPDATE, variables).await;
    assert_eq!(payload["userErrors"], json!([]));
    payload["member"].clone()
}

/// What became of each item: outcome, code, role.
fn outcomes(payload: &Value) -> Vec<String> {
    let results = payload["results"].as_array().unwrap_or_else(|| panic!("refused: {payload}"));
    let outcome = |result: &Value| {
        let role = result["member"]["role"]["key"].as_str().unwrap_or("-").to_owned();
        format!("{} {} {role}", result["status"].as_str().unwrap(), codes(&result["userErrors"]).join("+"))
    };
    results.iter().map(outcome).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_added_each_with_an_outcome() {
    let stage = Stage::set().await;
    for name in ["bob", "carol", "dora", "eve"] {
        stage.member(name).await;
    }
    let eve = stage.roster.person("eve").user_id().await;
    stage.roster.project_member(&stage.alice, &stage.apollo, "dora", "viewer").await;
    let zoe = stage.roster.person("zoe").user_id().await;
    let variables = stage.adding(json!([
        by_email(" BOB@example.com"),
        { "user": { "email": "carol@example.com" }, "role": { "key": "admin" } },
        by_email("dora@example.com"),
        { "user": { "id": eve }, "role": { "key": "viewer" } },
        by_email("bob@Example.com"),
        { "user": { "id": zoe } },
        by_email("nobody@example.com"),
        by_email("no address"),
        { "user": { "id": "usr_" } },
        by_email("alice@example.com"),
    ]));
    let payload = stage.alice.payload(ADD, variables.clone()).await;
    assert_eq!(payload["userErrors"], json!([]));
    assert_eq!(payload["project"], json!({ "slug": "apollo" }));
    assert_eq!(payload["summary"], json!({ "total": 10, "succeeded": 3, "skipped": 3, "failed": 4 }));
    assert_eq!(
        outcomes(&payload),
        [
            "SUCCEEDED  member",
            "SUCCEEDED  admin",
            "SKIPPED ALREADY_MEMBER viewer",
            "SUCCEEDED  viewer",
            "SKIPPED DUPLICATE -",
            "FAILED NOT_MEMBER -",
            "FAILED NOT_MEMBER -",
            "FAILED NOT_FOUND -",
            "FAILED NOT_FOUND -",
            "SKIPPED ALREADY_MEMBER owner",
        ]
    );
    assert_eq!(payload["results"][5]["userErrors"][0]["path"], json!(["input", "members", "5", "user"]));
    assert_eq!(payload["results"][9]["index"], 9);
    assert_eq!(payload["results"][0]["member"]["user"]["email"], "bob@example.com");
    stage.roster.assert_counters().await;
    let added = stage
        .roster
        .texts("SELECT data->>'role' FROM events WHERE type = 'project_member.added' ORDER BY version")
        .await;
    assert_eq!(added, ["owner", "viewer", "member", "admin", "viewer"]);

    // Once more: everybody is there, and nothing happens.
    let before = stage.roster.content().await;
    let again = stage.alice.payload(ADD, variables).await;
    assert_eq!(again["summary"], json!({ "total": 10, "succeeded": 0, "skipped": 6, "failed": 4 }));
    assert_eq!(stage.roster.content().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_names_who_has_it_now() {
    let stage = Stage::set().await;
    let bob = stage.member("bob").await.user_id().await;
    let claims = roster::server::tokens::DevelopmentClaims {
        subject: "another bob",
        audience: None,
        email: Some("bob@example.com"),
        name: None,
    };
    stage.roster.signed("another bob", claims).user_id().await;
    let both = stage.adding(json!([{ "user": { "id": bob } }, by_email("bob@example.com")]));
    let payload = stage.alice.payload(ADD, both).await;
    assert_eq!(outcomes(&payload), ["SUCCEEDED  member", "FAILED NOT_MEMBER -"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn atomic_adds_all_or_none() {
    let stage = Stage::set().await;
    for name in ["bob", "carol"] {
        stage.member(name).await;
    }
    let atomic = |members: Value| {
        let mut variables = stage.adding(members);
        variables["mode"] = json!("ATOMIC");
        variables
    };
    let before = stage.roster.content().await;
    let payload = stage
        .alice
        .payload(
            ADD,
            atomic(json!([by_email("bob@example.com"), by_email("zoe@example.com"), by_email("carol@example.com")])),
        )
        .await;
    assert_eq!(outcomes(&payload), ["FAILED ABORTED -", "FAILED NOT_MEMBER -", "FAILED ABORTED -"]);
    assert_eq!(payload["results"][2]["userErrors"][0]["path"], json!(["input", "members", "2"]));
    assert_eq!(payload["summary"], json!({ "total": 3, "succeeded": 0, "skipped": 0, "failed": 3 }));
    assert_eq!(stage.roster.content().await, before);
    // Nothing to do is no failure.
    let payload = stage
        .alice
        .payload(
            ADD,
            atomic(json!([by_email("bob@example.com"), by_email("bob@example.com"), by_email("alice@example.com")])),
        )
        .await;
    assert_eq!(outcomes(&payload), ["SUCCEEDED  member", "SKIPPED DUPLICATE -", "SKIPPED ALREADY_MEMBER owner"]);
    stage.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_takes_one_to_a_hundred() {
    let stage = Stage::set().await;
    let many =
        |count: usize| stage.adding((0..count).map(|index| by_email(&format!("p{index}@example.com"))).collect());
    let before = stage.roster.content().await;
    let payload = stage.alice.payload(ADD, many(101)).await;
    assert_eq!(
        payload["userErrors"],
        json!([{ "code": "TOO_MANY", "path": ["input", "members"], "limit": 100, "actual": 101 }])
    );
    assert_eq!(payload["results"], Value::Null);
    assert_eq!(stage.alice.refused(ADD, many(0)).await, ["INVALID"]);
    let payload = stage.alice.payload(ADD, many(100)).await;
    assert_eq!(payload["summary"]["failed"], 100);
    assert_eq!(stage.roster.content().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_roles_given_are_checked_item_by_item() {
    let stage = Stage::set().await;
    for name in ["bob", "carol", "dora", "eve"] {
        stage.member(name).await;
    }
    let (petra, _) = stage.project_member("petra", "admin").await;
    stage.custom_role("closer", "project.read,project.delete").await;
    stage
        .roster
        .sql(
            "INSERT INTO roles (organization_id, id, scope, key, permissions, name, sort_name, rank, created_at, updated_at) \
             SELECT id, gen_random_uuid(), 'ORGANIZATION', 'billing', '{members.read}', 'Billing', 'billing', 5, created_at, created_at FROM organizations",
        )
        .await;
    let member =
        |name: &str, role: &str| json!({ "user": { "email": format!("{name}@example.com") }, "role": { "key": role } });
    let wanted =
        json!([member("bob", "owner"), member("carol", "closer"), member("dora", "billing"), member("eve", "nothing")]);
    let before = stage.roster.content().await;
    let payload = petra.payload(ADD, stage.adding(wanted.clone())).await;
    assert_eq!(
        outcomes(&payload),
        [
            "FAILED ROLE_NOT_ASSIGNABLE -",
            "FAILED ROLE_NOT_ASSIGNABLE -",
            "FAILED ROLE_SCOPE_MISMATCH -",
            "FAILED NOT_FOUND -"
        ]
    );
    assert_eq!(payload["results"][0]["userErrors"][0]["path"], json!(["input", "members", "0", "role"]));
    assert_eq!(stage.roster.content().await, before);
    // The owner of the organization owns every project: the custom role is theirs to give, Owner is not.
    let payload = stage.alice.payload(ADD, stage.adding(wanted)).await;
    assert_eq!(outcomes(&payload)[..2], ["FAILED ROLE_NOT_ASSIGNABLE -", "SUCCEEDED  closer"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_manage_is_refused() {
    let stage = Stage::set().await;
    let (roster, alice) = (&stage.roster, &stage.alice);
    let (bob, bobs) = stage.project_member("bob", "member").await;
    let (victor, _) = stage.project_member("victor", "viewer").await;
    let plain = stage.member("paul").await;
    let mallory = roster.person("mallory");
    let other = roster.organization(&mallory, "Other").await;
    let gemini = roster.project(alice, &stage.acme, "Gemini").await;
    let all = |variables: Value| {
        [
            (ADD, stage.adding(json!([by_email("paul@example.com")]))),
            (UPDATE, variables.clone()),
            (REMOVE, json!({ "member": variables["member"] })),
        ]
    };

    let reader = roster.key(&stage.acme, None, &["project.read", "project.members.read", "members.manage"]).await;
    for actor in [&bob, &victor, &reader] {
        for (mutation, variables) in all(update(&bobs, "viewer")) {
            assert_eq!(actor.refused(mutation, variables).await, ["FORBIDDEN"], "{} {mutation}", actor.name);
        }
        let refusal = actor.payload(UPDATE, update(&bobs, "admin")).await;
        assert_eq!(refusal["userErrors"][0]["requiredPermission"], "project.members.manage");
    }
    // Members of the organization do not know of projects they are not in; others know of none.
    let foreign = roster.key(&other, None, &["project.read", "project.members.manage"]).await;
    let elsewhere = roster.key(&stage.acme, Some(&gemini), &["project.read", "project.members.manage"]).await;
    let blind = roster.key(&stage.acme, None, &["project.members.manage"]).await;
    roster.sql("UPDATE organizations SET visibility = 'PUBLIC'").await;
    for actor in [&plain, &mallory, &foreign, &elsewhere, &blind] {
        for (mutation, variables) in all(update(&bobs, "viewer")) {
            assert_eq!(actor.refused(mutation, variables).await, ["NOT_FOUND"], "{} {mutation}", actor.name);
        }
        let by_lookup = json!({ "member": lookup("apollo", "bob@example.com") });
        assert_eq!(actor.refused(REMOVE, by_lookup).await, ["NOT_FOUND"], "{}", actor.name);
    }
    for (mutation, variables) in all(update(&bobs, "viewer")) {
        assert_eq!(roster.anonymous().error_codes(mutation, variables).await, ["UNAUTHENTICATED"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_done_is_the_union_of_both_roles() {
    let stage = Stage::set().await;
    let (roster, alice) = (&stage.roster, &stage.alice);
    let (ada, _) = roster.member(alice, &stage.acme, "ada", "admin").await;
    let (petra, petras) = stage.project_member("petra", "admin").await;
    stage.member("bob").await;
    stage.member("carol").await;
    let permissions =
        "query($id: ID!) { project(by: {id: $id}) { viewerMembership { role { key } } viewerPermissions } }";
    let in_project = [
        "project.read",
        "project.update",
        "project.members.read",
        "project.members.manage",
        "project.invitations.manage",
    ];
    let seen = ada.data(permissions, json!({ "id": stage.apollo })).await;
    assert_eq!(seen["project"], json!({ "viewerMembership": null, "viewerPermissions": in_project }));
    let seen = petra.data(permissions, json!({ "id": stage.apollo })).await;
    assert_eq!(
        seen["project"],
        json!({ "viewerMembership": { "role": { "key": "admin" } }, "viewerPermissions": in_project })
    );
    let seen = alice
        .data("{ project(by: {path: {organization: \"acme\", project: \"apollo\"}}) { viewerPermissions } }", json!({}))
        .await;
    assert_eq!(seen["project"]["viewerPermissions"].as_array().map(Vec::len), Some(7));

    // A plain member who is project admin, and an organization admin without project membership.
    assert_eq!(
        outcomes(&petra.payload(ADD, stage.adding(json!([by_email("bob@example.com")]))).await),
        ["SUCCEEDED  member"]
    );
    assert_eq!(
        outcomes(&ada.payload(ADD, stage.adding(json!([by_email("carol@example.com")]))).await),
        ["SUCCEEDED  member"]
    );
    for (actor, role) in [(&petra, "viewer"), (&ada, "admin")] {
        let variables = json!({ "member": lookup("apollo", "Bob@example.com"), "role": { "key": role } });
        assert_eq!(updated(actor, variables).await["role"]["key"], role);
    }
    // Elsewhere a project admin is a plain member.
    let gemini = roster.project(alice, &stage.acme, "Gemini").await;
    let variables = json!({ "project": { "id": gemini }, "members": [by_email("bob@example.com")] });
    assert_eq!(petra.refused(ADD, variables).await, ["NOT_FOUND"]);

    // Both roles are narrowed: the weaker one in the project hides nothing that the other still gives.
    roster.project_member(alice, &stage.apollo, "ada", "viewer").await;
    assert_eq!(updated(&ada, update(&petras, "viewer")).await["version"], 2);
    assert_eq!(petra.refused(UPDATE, update(&petras, "admin")).await, ["FORBIDDEN"]);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_changed_by_id_and_by_lookup() {
    let stage = Stage::set().await;
    let (roster, alice) = (&stage.roster, &stage.alice);
    let (bob, member) = stage.project_member("bob", "member").await;
    roster.wait(chrono::TimeDelta::minutes(1));
    assert_eq!(
        updated(alice, update(&member, "admin")).await,
        json!({ "id": member, "role": { "key": "admin" }, "version": 2, "updatedAt": "2026-11-21T09:01:00.000Z" })
    );
    let by_lookup =
        json!({ "member": lookup("Apollo", " BOB@example.COM"), "role": { "key": "viewer" }, "version": 2 });
    assert_eq!(updated(alice, by_lookup).await["version"], 3);
    let by_ids = json!({ "lookup": { "project": { "id": stage.apollo }, "user": { "id": bob.user_id().await } } });
    // The same again: success, and nothing happened.
    let before = roster.content().await;
    assert_eq!(updated(alice, json!({ "member": by_ids, "role": { "key": "viewer" } })).await["version"], 3);
    assert_eq!(roster.content().await, before);
    let mut stale = update(&member, "member");
    stale["version"] = json!(1);
    assert_eq!(
        alice.payload(UPDATE, stale).await["userErrors"],
        json!([{ "code": "STALE_VERSION", "path": ["input", "expectedVersion"], "currentVersion": 3 }])
    );
    assert_eq!(roster.content().await, before);
    let changes = roster.texts("SELECT data->>'before' || ' ' || (data->>'after') FROM events WHERE type = 'project_member.role_updated' ORDER BY version").await;
    assert_eq!(changes, ["member admin", "admin viewer"]);
    // The role in the organization is another one.
    assert_eq!(
        roster.texts("SELECT DISTINCT role_rank FROM organization_members WHERE email = 'bob@example.com'").await,
        ["2"]
    );
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_found() {
    let stage = Stage::set().await;
    let alice = &stage.alice;
    let (_, member) = stage.project_member("bob", "member").await;
    stage.member("paul").await;
    let nowhere = [
        json!({ "id": "pme_" }),
        json!({ "id": stage.apollo }),
        json!({ "id": member.replace("pme_0", "pme_1") }),
        lookup("nowhere", "bob@example.com"),
        lookup("?", "bob@example.com"),
    ];
    for target in nowhere {
        let variables = json!({ "member": target, "role": { "key": "viewer" } });
        assert_eq!(alice.refused(UPDATE, variables).await, ["NOT_FOUND"], "{target}");
        assert_eq!(alice.refused(REMOVE, json!({ "member": target })).await, ["NOT_FOUND"], "{target}");
    }
    for email in ["paul@example.com", "nobody@example.com", "?"] {
        let variables = json!({ "member": lookup("apollo", email), "role": { "key": "viewer" } });
        assert_eq!(alice.refused(UPDATE, variables).await, ["NOT_FOUND"], "{email}");
    }
    for project in [
        json!({ "id": "prj_" }),
        json!({ "path": { "organization": "acme", "project": "?" } }),
        json!({ "path": { "organization": "acme", "project": "gemini" } }),
    ] {
        let variables = json!({ "project": project, "members": [by_email("bob@example.com")] });
        assert_eq!(alice.refused(ADD, variables).await, ["NOT_FOUND"], "{project}");
    }
    let before = stage.roster.content().await;
    let refusal = alice.payload(UPDATE, update(&member, "nothing")).await;
    assert_eq!(refusal["userErrors"], json!([{ "code": "NOT_FOUND", "path": ["input", "role"] }]));
    assert_eq!(stage.roster.content().await, before);
    // Who may not see the members of the organization is not told who is one.
    let key =
        stage.roster.key(&stage.acme, None, &["project.read", "project.members.read", "project.members.manage"]).await;
    stage.roster.person("zoe").user_id().await;
    let before = stage.roster.content().await;
    let payload =
        key.payload(ADD, stage.adding(json!([by_email("zoe@example.com"), by_email("nobody@example.com")]))).await;
    assert_eq!(outcomes(&payload), ["FAILED NOT_FOUND -", "FAILED NOT_FOUND -"]);
    assert_eq!(stage.roster.content().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_is_protected() {
    let stage = Stage::set().await;
    let (roster, alice) = (&stage.roster, &stage.alice);
    let olga = stage.member("olga").await;
    let gemini = roster.project(&olga, &stage.acme, "Gemini").await;
    stage.member("petra").await;
    roster.project_member(&olga, &gemini, "petra", "admin").await;
    let key = roster.key(&stage.acme, None, &["project.read", "project.members.manage"]).await;
    // Not even the owner of the organization removes or demotes the owner of a project.
    for actor in [&olga, &roster.person("petra"), alice, &key, &roster.operator()] {
        let target = lookup("gemini", "olga@example.com");
        for role in ["admin", "owner"] {
            let variables = json!({ "member": target, "role": { "key": role } });
            assert_eq!(actor.refused(UPDATE, variables).await, ["OWNER_PROTECTED"], "{}", actor.name);
        }
        let before = roster.content().await;
        let refusal = actor.payload(REMOVE, json!({ "member": target })).await;
        assert_eq!(refusal["userErrors"], json!([{ "code": "OWNER_PROTECTED", "path": ["input", "member"] }]));
        assert_eq!(roster.content().await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_more_than_they_have() {
    let stage = Stage::set().await;
    let roster = &stage.roster;
    let (petra, petras) = stage.project_member("petra", "admin").await;
    let (hugo, hugos) = stage.project_member("hugo", "viewer").await;
    let (_, bobs) = stage.project_member("bob", "member").await;
    stage.custom_role("closer", "project.read,project.delete").await;
    stage.custom_role("people", "project.read,project.members.read,project.members.manage").await;
    for role in ["owner", "closer"] {
        for target in [&petras, &bobs] {
            let before = roster.content().await;
            let refusal = petra.payload(UPDATE, update(target, role)).await;
            assert_eq!(refusal["userErrors"], json!([{ "code": "ROLE_NOT_ASSIGNABLE", "path": ["input", "role"] }]));
            assert_eq!(roster.content().await, before);
        }
    }
    stage.set_role("hugo@example.com", "people").await;
    for target in [&hugos, &bobs] {
        assert_eq!(hugo.refused(UPDATE, update(target, "admin")).await, ["ROLE_NOT_ASSIGNABLE"]);
    }
    assert_eq!(updated(&hugo, update(&bobs, "people")).await["role"]["key"], "people");

    // Who is stronger is not managed.
    stage.set_role("bob@example.com", "closer").await;
    let before = roster.content().await;
    for (actor, target) in [(&petra, &bobs), (&hugo, &petras)] {
        let refusal = actor.payload(UPDATE, update(target, "viewer")).await;
        assert_eq!(refusal["userErrors"], json!([{ "code": "FORBIDDEN", "path": ["input", "member"] }]));
        assert_eq!(actor.refused(REMOVE, remove(target)).await, ["FORBIDDEN"]);
    }
    assert_eq!(roster.content().await, before);
    assert_eq!(updated(&stage.alice, update(&bobs, "viewer")).await["role"]["key"], "viewer");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_role_is_of_the_wrong_level() {
    let stage = Stage::set().await;
    let (_, member) = stage.project_member("bob", "member").await;
    let roles = stage
        .alice
        .data(
            "query($id: ID!) { organization(by: {id: $id}) { roles(filter: {scope: ORGANIZATION}) { nodes { id } } } }",
            json!({ "id": stage.acme }),
        )
        .await;
    let admin = id(&roles["organization"]["roles"]["nodes"][1]);
    let variables = json!({ "member": { "id": member }, "role": { "id": admin } });
    assert_eq!(stage.alice.refused(UPDATE, variables).await, ["ROLE_SCOPE_MISMATCH"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_removed_once() {
    let stage = Stage::set().await;
    let (roster, alice) = (&stage.roster, &stage.alice);
    let (petra, petras) = stage.project_member("petra", "admin").await;
    let (bob, bobs) = stage.project_member("bob", "member").await;
    let payload = petra.payload(REMOVE, json!({ "member": lookup("apollo", "BOB@example.com") })).await;
    assert_eq!(payload, json!({ "project": { "slug": "apollo" }, "removedProjectMemberId": bobs, "userErrors": [] }));
    let gone = "query($id: ID!, $member: ID!) { project(by: {id: $id}) { id } node(id: $member) { id } organization(by: {slug: \"acme\"}) { slug } }";
    assert_eq!(
        bob.data(gone, json!({ "id": stage.apollo, "member": bobs })).await,
        json!({ "project": null, "node": null, "organization": { "slug": "acme" } })
    );
    // Already gone: success, and nothing happens.
    let before = roster.content().await;
    for target in [json!({ "id": bobs }), lookup("apollo", "bob@example.com")] {
        let again = alice.payload(REMOVE, json!({ "member": target })).await;
        assert_eq!(again, json!({ "project": { "slug": "apollo" }, "removedProjectMemberId": null, "userErrors": [] }));
        assert_eq!(
            alice.refused(UPDATE, json!({ "member": target, "role": { "key": "viewer" } })).await,
            ["NOT_FOUND"]
        );
        assert_eq!(bob.refused(REMOVE, json!({ "member": target })).await, ["NOT_FOUND"]);
    }
    assert_eq!(roster.content().await, before);

    // What a project admin invited to goes with them, and they may remove themselves.
    let invite = "mutation($project: ID!) { projectInvite(input: {project: {id: $project}, emails: [\"carol@example.com\"]}) { results { invitation { id } } userErrors { code } } }";
    petra.payload(invite, json!({ "project": stage.apollo })).await;
    let payload = petra.payload(REMOVE, remove(&petras)).await;
    assert_eq!(payload, json!({ "project": null, "removedProjectMemberId": petras, "userErrors": [] }));
    assert_eq!(roster.texts("SELECT status FROM invitations WHERE email = 'carol@example.com'").await, ["REVOKED"]);
    let happened = roster.events().await;
    assert_eq!(happened[happened.len() - 2..], ["invitation.revoked", "project_member.removed"]);
    roster.assert_counters().await;

    // The membership of the organization stays; with it they can come back.
    let again = roster.project_member(alice, &stage.apollo, "bob", "viewer").await;
    assert_ne!(again, bobs);
    let removed = alice.payload(REMOVE, remove(&bobs)).await;
    assert_eq!(removed["removedProjectMemberId"], Value::Null);
    assert_eq!(roster.texts("SELECT count(*) FROM project_members").await, ["2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_removed_with_the_organization_membership_is_gone_from_the_project() {
    let stage = Stage::set().await;
    let (_, bobs) = stage.project_member("bob", "member").await;
    let leave = "mutation { organizationMemberRemove(input: {member: {lookup: {organization: {slug: \"acme\"}, user: {email: \"bob@example.com\"}}}}) { removedProjectMemberIds userErrors { code } } }";
    assert_eq!(stage.alice.payload(leave, json!({})).await["removedProjectMemberIds"], json!([bobs]));
    let before = stage.roster.content().await;
    let again = stage.alice.payload(REMOVE, remove(&bobs)).await;
    assert_eq!(again, json!({ "project": { "slug": "apollo" }, "removedProjectMemberId": null, "userErrors": [] }));
    assert_eq!(stage.roster.content().await, before);
}

const LEAVE: &str = "mutation($project: ID!) { projectLeave(input: {project: {id: $project}}) { project { id } removedProjectMemberId userErrors { code path } } }";

#[tokio::test(flavor = "multi_thread")]
async fn a_member_leaves_a_project() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let apollo = roster.project(&alice, &acme, "Apollo").await;
    let (bob, _) = roster.member(&alice, &acme, "bob", "member").await;
    let (ada, _) = roster.member(&alice, &acme, "ada", "admin").await;
    let (bobs, adas) = (
        roster.project_member(&alice, &apollo, "bob", "member").await,
        roster.project_member(&alice, &apollo, "ada", "member").await,
    );
    let left = bob.payload(LEAVE, json!({ "project": apollo })).await;
    assert_eq!(left, json!({ "project": null, "removedProjectMemberId": bobs, "userErrors": [] }));
    // Whoever sees all projects still sees this one.
    let left = ada.payload(LEAVE, json!({ "project": apollo })).await;
    assert_eq!(left, json!({ "project": { "id": apollo }, "removedProjectMemberId": adas, "userErrors": [] }));
    assert_eq!(ada.refused(LEAVE, json!({ "project": apollo })).await, ["NOT_FOUND"]);
    assert_eq!(bob.refused(LEAVE, json!({ "project": apollo })).await, ["NOT_FOUND"]);
    assert_eq!(alice.refused(LEAVE, json!({ "project": apollo })).await, ["OWNER_PROTECTED"]);
    roster.assert_counters().await;
}
