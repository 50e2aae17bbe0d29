//! What `viewerCan` says is what the mutation answers.

use serde_json::{Value, json};

use crate::support::{Actor, Roster, codes, token};

const ORGANIZATION: &str = "{ organization(by: {slug: \"acme\"}) { viewerCan {
  update { ...all } delete { ...all } leave { ...all } transferOwnership { ...all } inviteMembers { ...all } createProjects { ...all } createTeams { ...all } createRoles { ...all } createApiKeys { ...all } } } }
  fragment all on Capability { allowed code message requiredPermission }";
const PROJECT: &str = "{ project(by: {path: {organization: \"acme\", project: \"apollo\"}}) { viewerCan {
  update { ...all } delete { ...all } leave { ...all } transferOwnership { ...all } inviteMembers { ...all } addMembers { ...all } } } }
  fragment all on Capability { allowed code message requiredPermission }";

const LEAVE: &str = "organizationLeave(input: {organization: {slug: \"acme\"}}) { userErrors { code } }";

/// What a capability says, in one word.
fn said(capability: &Value) -> String {
    let allowed = capability["allowed"].as_bool().expect("a capability");
    assert_eq!(allowed, capability["code"].is_null(), "{capability}");
    assert_eq!(allowed, capability["message"].is_null(), "{capability}");
    capability["code"].as_str().unwrap_or("allowed").to_owned()
}

/// What a mutation answers whose input is such that nothing comes of it: once everything else is in order, it is
/// refused for `input` or changes nothing.
async fn answers(actor: &Actor, mutation: &str, input: &[&str]) -> String {
    let answer = actor.post(&format!("mutation {{ payload: {mutation} }}"), json!({})).await;
    if answer.body["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED" {
        return "FORBIDDEN".to_owned();
    }
    assert_eq!(answer.body.get("errors"), None, "{mutation}");
    match codes(&answer.body["data"]["payload"]["userErrors"]).first() {
        Some(code) if !input.contains(&code.as_str()) => code.clone(),
        _ => "allowed".to_owned(),
    }
}

/// Acme of Alice, public, with the project Apollo of Olga, and people in every role of both.
async fn acme(roster: &Roster) -> Vec<Actor> {
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    roster.sql("UPDATE organizations SET visibility = 'PUBLIC'").await;
    let mut actors = vec![roster.anonymous(), roster.operator(), roster.person("oscar"), alice.clone()];
    let (olga, _) = roster.member(&alice, &acme, "olga", "member").await;
    let apollo = roster.project(&olga, &acme, "Apollo").await;
    actors.push(olga);
    for (name, role, in_project) in [
        ("ada", "admin", None),
        ("mel", "member", Some("admin")),
        ("nora", "member", None),
        ("pam", "member", Some("member")),
        ("victor", "viewer", Some("viewer")),
    ] {
        actors.push(roster.member(&alice, &acme, name, role).await.0);
        if let Some(role) = in_project {
            roster.project_member(&alice, &apollo, name, role).await;
        }
    }
    let read = ["members.read", "project.read", "project.members.read"];
    let manage = [
        "organization.update",
        "organization.transfer",
        "members.manage",
        "invitations.manage",
        "projects.create",
        "projects.read",
        "project.update",
        "project.transfer",
    ];
    actors.push(roster.key(&acme, None, &read).await);
    actors.push(roster.key(&acme, None, &manage).await);
    actors.push(
        roster
            .key(
                &acme,
                Some(&apollo),
                &[
                    "project.read",
                    "project.members.read",
                    "project.members.manage",
                    "project.delete",
                    "organization.update",
                ],
            )
            .await,
    );
    actors
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_organization() {
    let roster = Roster::start_with(|app| app.limits.projects = 2).await;
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
    ];
    // As it is; out of trial; with as many projects as there may be.
    for state in
        ["SELECT 1", "UPDATE organizations SET trial_ends_at = NULL", "UPDATE organizations SET project_count = 2"]
    {
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
    roster.sql("UPDATE organizations SET project_count = 1").await;
    // These end something where they are allowed, or are another area's.
    let mut table = String::new();
    for actor in &actors {
        let can = actor.data(ORGANIZATION, json!({})).await["organization"]["viewerCan"].clone();
        let [leave, teams, roles, keys] =
            ["leave", "createTeams", "createRoles", "createApiKeys"].map(|capability| said(&can[capability]));
        table.push_str(&format!("{}: {leave} {teams} {roles} {keys}\n", actor.name));
        if leave != "allowed" {
            assert_eq!(leave, answers(actor, LEAVE, &[]).await, "{}", actor.name);
        }
    }
    insta::assert_snapshot!(table, @r"
    anonymous: FORBIDDEN FORBIDDEN FORBIDDEN FORBIDDEN
    operator: NOT_FOUND allowed allowed allowed
    oscar: NOT_FOUND FORBIDDEN FORBIDDEN FORBIDDEN
    alice: OWNER_PROTECTED allowed allowed allowed
    olga: allowed FORBIDDEN FORBIDDEN FORBIDDEN
    ada: allowed allowed allowed allowed
    mel: allowed FORBIDDEN FORBIDDEN FORBIDDEN
    nora: allowed FORBIDDEN FORBIDDEN FORBIDDEN
    pam: allowed FORBIDDEN FORBIDDEN FORBIDDEN
    victor: allowed FORBIDDEN FORBIDDEN FORBIDDEN
    key: NOT_FOUND FORBIDDEN FORBIDDEN FORBIDDEN
    key: NOT_FOUND FORBIDDEN FORBIDDEN FORBIDDEN
    key: NOT_FOUND FORBIDDEN FORBIDDEN FORBIDDEN
    ");
    let can = actors[8].data(ORGANIZATION, json!({})).await["organization"]["viewerCan"].clone();
    assert_eq!(can["delete"]["requiredPermission"], "organization.delete");
    assert_eq!(actors[8].refusals(&format!("mutation {{ {LEAVE} }}"), json!({})).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_project() {
    let roster = Roster::start().await;
    let actors = acme(&roster).await;
    let apollo = "project: {path: {organization: \"acme\", project: \"apollo\"}}";
    let mutations = [
        (
            "update",
            format!("projectUpdate(input: {{{apollo}, name: null}}) {{ userErrors {{ code }} }}"),
            &["BLANK"][..],
        ),
        (
            "delete",
            format!("projectDelete(input: {{{apollo}, expectedVersion: 99}}) {{ userErrors {{ code }} }}"),
            &["STALE_VERSION"],
        ),
        (
            "transferOwnership",
            format!(
                "projectOwnershipTransfer(input: {{{apollo}, newOwner: {{email: \"olga@example.com\"}}}}) {{ userErrors {{ code }} }}"
            ),
            &[],
        ),
        (
            "inviteMembers",
            format!(
                "projectInvite(input: {{{apollo}, emails: [\"new@example.com\"], role: {{key: \"nothing\"}}}}) {{ userErrors {{ code }} }}"
            ),
            &["NOT_FOUND"],
        ),
        (
            "addMembers",
            format!("projectMembersAdd(input: {{{apollo}, members: []}}) {{ userErrors {{ code }} }}"),
            &["INVALID"],
        ),
    ];
    let (before, mut seen) = (roster.content().await, Vec::new());
    for actor in &actors {
        let project = actor.data(PROJECT, json!({})).await["project"].clone();
        for (capability, mutation, input) in &mutations {
            let answer = answers(actor, mutation, if project.is_null() { &[] } else { input }).await;
            if project.is_null() {
                // What is hidden has no capabilities.
                assert!(["NOT_FOUND", "FORBIDDEN"].contains(&answer.as_str()), "{} {capability} {answer}", actor.name);
            } else {
                assert_eq!(said(&project["viewerCan"][*capability]), answer, "{} {capability}", actor.name);
            }
        }
        if !project.is_null() {
            let leave = said(&project["viewerCan"]["leave"]);
            seen.push(format!("{} {leave}", actor.name));
            let mutation = format!("projectLeave(input: {{{apollo}}}) {{ userErrors {{ code }} }}");
            if leave != "allowed" {
                assert_eq!(answers(actor, &mutation, &[]).await, leave, "{}", actor.name);
            }
        }
    }
    assert_eq!(
        seen,
        [
            "operator NOT_FOUND",
            "alice NOT_FOUND",
            "olga OWNER_PROTECTED",
            "ada NOT_FOUND",
            "mel allowed",
            "pam allowed",
            "victor allowed",
            "key NOT_FOUND",
            "key NOT_FOUND",
            "key NOT_FOUND"
        ]
    );
    assert_eq!(roster.content().await, before);
    let leave = format!("mutation {{ projectLeave(input: {{{apollo}}}) {{ userErrors {{ code }} }} }}");
    assert_eq!(roster.person("pam").refusals(&leave, json!({})).await, Vec::<String>::new());
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
    // Seven members, seen by all of them, the operator and the two keys that may.
    assert_eq!(pairs, 7 * 9);
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

#[tokio::test(flavor = "multi_thread")]
async fn of_project_members() {
    const MEMBERS: &str = "{ project(by: {path: {organization: \"acme\", project: \"apollo\"}}) { members { nodes { id user { email } viewerCan { updateRole { ...all } remove { ...all } } } } } }
        fragment all on Capability { allowed code message requiredPermission }";
    let roster = Roster::start().await;
    let actors = acme(&roster).await;
    let (before, mut pairs, mut removable) = (roster.content().await, 0, None);
    for actor in &actors {
        let answer = actor.post(MEMBERS, json!({})).await;
        for member in answer.body["data"]["project"]["members"]["nodes"].as_array().into_iter().flatten() {
            let (id, can) = (member["id"].as_str().unwrap(), &member["viewerCan"]);
            let who = format!("{} with {}", actor.name, member["user"]["email"]);
            let update = format!(
                "projectMemberUpdateRole(input: {{member: {{id: \"{id}\"}}, role: {{key: \"viewer\"}}, expectedVersion: 99}}) {{ userErrors {{ code }} }}"
            );
            assert_eq!(
                said(&can["updateRole"]),
                answers(actor, &update, &["STALE_VERSION", "ROLE_NOT_ASSIGNABLE"]).await,
                "{who}"
            );
            let remove =
                format!("projectMemberRemove(input: {{member: {{id: \"{id}\"}}}}) {{ userErrors {{ code }} }}");
            if can["remove"]["allowed"] == true {
                removable.get_or_insert((actor.clone(), remove));
            } else {
                assert_eq!(said(&can["remove"]), answers(actor, &remove, &[]).await, "{who}");
            }
            pairs += 1;
        }
    }
    // Four members, seen by themselves, the owner, the admin, the operator and the keys.
    assert_eq!(pairs, 4 * 10);
    assert_eq!(roster.content().await, before);
    let (actor, remove) = removable.unwrap();
    assert_eq!(actor.refusals(&format!("mutation {{ {remove} }}"), json!({})).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_an_invitee_knows_by_the_invitation_alone() {
    const SEEN: &str = "{ viewer { invitations { nodes { organization { viewerCan { update { code } leave { code } inviteMembers { code } createProjects { code } } } projects { project { viewerCan { update { code } delete { code } leave { code } addMembers { code } } } } } } } }";
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let apollo = roster.project(&alice, &acme, "Apollo").await;
    let invite = "mutation($project: ID!) { projectInvite(input: {project: {id: $project}, emails: [\"bob@example.com\"]}) { results { acceptUrl } } }";
    let data = alice.data(invite, json!({ "project": apollo })).await;
    token(&data["projectInvite"]["results"][0]["acceptUrl"]);
    let bob = roster.person("bob");
    let seen = bob.data(SEEN, json!({})).await["viewer"]["invitations"]["nodes"][0].clone();
    let hidden = json!({ "code": "NOT_FOUND" });
    assert_eq!(
        seen["organization"]["viewerCan"],
        json!({ "update": hidden, "leave": hidden, "inviteMembers": hidden, "createProjects": hidden })
    );
    assert_eq!(
        seen["projects"][0]["project"]["viewerCan"],
        json!({ "update": hidden, "delete": hidden, "leave": hidden, "addMembers": hidden })
    );
    let update = "organizationUpdate(input: {organization: {slug: \"acme\"}, name: \"Mine\"}) { userErrors { code } }";
    assert_eq!(answers(&bob, update, &[]).await, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_takes_as_many_statements_as_of_one() {
    const ALL: &str = "{ organization(by: {slug: \"acme\"}) { viewerCan { update { allowed } leave { allowed } }
        members(first: 20) { nodes { viewerCan { updateRole { allowed } transferOwnershipTo { allowed } } } }
        projects(first: 20) { nodes { viewerCan { leave { allowed } update { allowed } } members(first: 2) { nodes { viewerCan { remove { allowed } } } } } } } }";
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    roster.member(&alice, &acme, "bob", "member").await;
    roster.project(&alice, &acme, "Apollo").await;
    let mut costs = Vec::new();
    for _ in 0..2 {
        let before = roster.app.db.statements();
        let data = alice.data(ALL, json!({})).await;
        costs.push((
            roster.app.db.statements() - before,
            data["organization"]["members"]["nodes"].as_array().unwrap().len(),
        ));
        roster.crowd("acme", 18, "'Name ' || n").await;
        roster.projects("acme", 19, "'Plan ' || n").await;
    }
    assert_eq!((costs[0].1, costs[1].1), (2, 20));
    assert_eq!(costs[0].0, costs[1].0);
}
