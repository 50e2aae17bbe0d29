//! Of organizations and their members.

use serde_json::json;

use super::{acme, answers, said};
use crate::support::Roster;

const ORGANIZATION: &str = "{ organization(by: {slug: \"acme\"}) { viewerCan {
  update { ...all } delete { ...all } leave { ...all } transferOwnership { ...all } inviteMembers { ...all } createProjects { ...all } createTeams { ...all } createRoles { ...all } createApiKeys { ...all } } } }
  fragment all on Capability { allowed code message requiredPermission }";
const LEAVE: &str = "organizationLeave(input: {organization: {slug: \"acme\"}}) { userErrors { code } }";

#[tokio::test(flavor = "multi_thread")]
async fn of_an_organization() {
    let roster = Roster::start_with(|app| {
        (app.limits.projects, app.limits.custom_roles, app.limits.api_keys) = (2, 1, 4);
        app.limits.teams = 1;
    })
    .await;
    let actors = acme(&roster).await;
    let mutations = [
        (
            "update",
            "organizationUpdate(input: {organization: {slug: \"acme\"}, name: null}) { userErrors { code } }",
            &["BLANK"][..],
        ),
        (
            "delete",
            "organizationDelete(input: {organization: {slug: \"acme\"}, expectedVersion: 99}) { userErrors { code } }",
            &["STALE_VERSION"],
        ),
        (
            "transferOwnership",
            "organizationOwnershipTransfer(input: {organization: {slug: \"acme\"}, newOwner: {email: \"alice@example.com\"}}) { userErrors { code } }",
            &[],
        ),
        (
            "inviteMembers",
            "organizationInvite(input: {organization: {slug: \"acme\"}, emails: [\"new@example.com\"], role: {key: \"nothing\"}}) { userErrors { code } }",
            &["NOT_FOUND"],
        ),
        (
            "createProjects",
            "projectCreate(input: {organization: {slug: \"acme\"}, name: \"\"}) { userErrors { code } }",
            &["BLANK"],
        ),
        (
            "createTeams",
            "teamCreate(input: {organization: {slug: \"acme\"}, name: \"\"}) { userErrors { code } }",
            &["BLANK"],
        ),
        (
            "createRoles",
            "roleCreate(input: {organization: {slug: \"acme\"}, scope: PROJECT, name: \"\", permissions: []}) { userErrors { code } }",
            &["BLANK"],
        ),
        (
            "createApiKeys",
            "apiKeyCreate(input: {organization: {slug: \"acme\"}, name: \"\", permissions: []}) { userErrors { code } }",
            &["BLANK"],
        ),
    ];
    // As it is; out of trial; with as many projects, teams, roles and keys as there may be.
    let full = "UPDATE organizations SET project_count = 2, team_count = 1, roles_version = roles_version + 1; \
        INSERT INTO roles (organization_id, id, scope, key, permissions, name, sort_name, rank, created_at, updated_at) \
        SELECT id, id, 'PROJECT', 'own', '{}', 'Own', 'own', 5, now(), now() FROM organizations; \
        CREATE TEMP TABLE another AS SELECT * FROM api_keys LIMIT 1; UPDATE another SET id = gen_random_uuid(); \
        INSERT INTO api_keys SELECT * FROM another";
    for state in ["SELECT 1", "UPDATE organizations SET trial_ends_at = NULL", full] {
        roster.sql(state).await;
        let before = roster.content().await;
        for actor in &actors {
            let can = actor.data(ORGANIZATION, json!({})).await["organization"]["viewerCan"].clone();
            for (capability, mutation, input) in &mutations {
                let answer = answers(actor, mutation, input).await;
                assert_eq!(said(&can[*capability]), answer, "{} {capability} {state}", actor.name);
            }
        }
        assert_eq!(roster.content().await, before);
    }
    // Leaving ends something where it is allowed. The others are shown beside it, as they are when all is full.
    let mut table = String::new();
    for actor in &actors {
        let can = actor.data(ORGANIZATION, json!({})).await["organization"]["viewerCan"].clone();
        let [leave, teams, projects, roles, keys] =
            ["leave", "createTeams", "createProjects", "createRoles", "createApiKeys"]
                .map(|capability| said(&can[capability]));
        table.push_str(&format!("{}: {leave} {teams} {projects} {roles} {keys}\n", actor.name));
        if leave != "allowed" {
            assert_eq!(leave, answers(actor, LEAVE, &[]).await, "{}", actor.name);
        }
    }
    insta::assert_snapshot!(table, @r"
    anonymous: FORBIDDEN FORBIDDEN FORBIDDEN FORBIDDEN FORBIDDEN
    operator: NOT_FOUND LIMIT_REACHED LIMIT_REACHED LIMIT_REACHED LIMIT_REACHED
    oscar: NOT_FOUND FORBIDDEN FORBIDDEN FORBIDDEN FORBIDDEN
    alice: OWNER_PROTECTED LIMIT_REACHED LIMIT_REACHED LIMIT_REACHED LIMIT_REACHED
    olga: allowed FORBIDDEN LIMIT_REACHED FORBIDDEN FORBIDDEN
    ada: allowed LIMIT_REACHED LIMIT_REACHED LIMIT_REACHED LIMIT_REACHED
    mel: allowed FORBIDDEN LIMIT_REACHED FORBIDDEN FORBIDDEN
    nora: allowed FORBIDDEN LIMIT_REACHED FORBIDDEN FORBIDDEN
    pam: allowed FORBIDDEN LIMIT_REACHED FORBIDDEN FORBIDDEN
    victor: allowed FORBIDDEN FORBIDDEN FORBIDDEN FORBIDDEN
    gus: allowed FORBIDDEN FORBIDDEN FORBIDDEN FORBIDDEN
    key: NOT_FOUND FORBIDDEN FORBIDDEN FORBIDDEN FORBIDDEN
    key: NOT_FOUND FORBIDDEN LIMIT_REACHED FORBIDDEN FORBIDDEN
    key: NOT_FOUND FORBIDDEN FORBIDDEN FORBIDDEN FORBIDDEN
    ");
    let can = actors[8].data(ORGANIZATION, json!({})).await["organization"]["viewerCan"].clone();
    assert_eq!(can["delete"]["requiredPermission"], "organization.delete");
    assert_eq!(actors[8].refusals(&format!("mutation {{ {LEAVE} }}"), json!({})).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_organization_members() {
    const MEMBERS: &str = "{ organization(by: {slug: \"acme\"}) { members { nodes { id user { email } viewerCan { updateRole { ...all } remove { ...all } transferOwnershipTo { ...all } } } } } }
        fragment all on Capability { allowed code message requiredPermission }";
    let roster = Roster::start_with(|app| app.limits.owned_organizations = 1).await;
    let actors = acme(&roster).await;
    // Mel cannot own another organization.
    roster.organization(&roster.person("mel"), "Other").await;
    let (before, mut pairs, mut removable) = (roster.content().await, 0, None);
    for actor in &actors {
        let answer = actor.post(MEMBERS, json!({})).await;
        for member in answer.body["data"]["organization"]["members"]["nodes"].as_array().into_iter().flatten() {
            let (id, email, can) =
                (member["id"].as_str().unwrap(), member["user"]["email"].as_str().unwrap(), &member["viewerCan"]);
            let who = format!("{} with {email}", actor.name);
            let update = format!(
                "organizationMemberUpdateRole(input: {{member: {{id: \"{id}\"}}, role: {{key: \"viewer\"}}, expectedVersion: 99}}) {{ userErrors {{ code }} }}"
            );
            assert_eq!(
                said(&can["updateRole"]),
                answers(actor, &update, &["STALE_VERSION", "ROLE_NOT_ASSIGNABLE"]).await,
                "{who}"
            );
            let remove =
                format!("organizationMemberRemove(input: {{member: {{id: \"{id}\"}}}}) {{ userErrors {{ code }} }}");
            if can["remove"]["allowed"] == true {
                removable.get_or_insert((actor.clone(), remove));
            } else {
                assert_eq!(said(&can["remove"]), answers(actor, &remove, &[]).await, "{who}");
            }
            let transfer = |version: &str| {
                format!(
                    "organizationOwnershipTransfer(input: {{organization: {{slug: \"acme\"}}, newOwner: {{email: \"{email}\"}}{version}}}) {{ userErrors {{ code }} }}"
                )
            };
            if can["transferOwnershipTo"]["allowed"] == true {
                assert_eq!(
                    answers(actor, &transfer(", expectedVersion: 99"), &["STALE_VERSION"]).await,
                    "allowed",
                    "{who}"
                );
                assert_ne!(email, "mel@example.com");
            } else {
                assert_eq!(said(&can["transferOwnershipTo"]), answers(actor, &transfer(""), &[]).await, "{who}");
            }
            pairs += 1;
        }
    }
    // Eight members, seen by all of them but the guest, the operator and the key that may.
    assert_eq!(pairs, 8 * 9);
    assert_eq!(roster.content().await, before);
    let (actor, remove) = removable.unwrap();
    assert_eq!(actor.refusals(&format!("mutation {{ {remove} }}"), json!({})).await, Vec::<String>::new());

    // Whoever sees their own membership alone does not manage it.
    let own = "{ viewer { memberships { nodes { viewerCan { updateRole { code } remove { code } transferOwnershipTo { code } } } } } }";
    let can = roster.person("victor").data(own, json!({})).await;
    let forbidden = json!({ "code": "FORBIDDEN" });
    assert_eq!(
        can["viewer"]["memberships"]["nodes"][0]["viewerCan"],
        json!({ "updateRole": forbidden, "remove": forbidden, "transferOwnershipTo": forbidden })
    );
    // A role that cannot list members does not learn who is one, by either way.
    roster.sql("UPDATE roles SET built_in = NULL WHERE scope = 'ORGANIZATION' AND key = 'viewer'").await;
    let can = roster.person("victor").data(own, json!({})).await;
    assert_eq!(can["viewer"]["memberships"]["nodes"][0]["viewerCan"]["remove"], json!({ "code": "NOT_FOUND" }));
    let remove = "mutation { organizationMemberRemove(input: {member: {lookup: {organization: {slug: \"acme\"}, user: {email: \"victor@example.com\"}}}}) { userErrors { code } } }";
    assert_eq!(roster.person("victor").refusals(remove, json!({})).await, ["NOT_FOUND"]);
}
