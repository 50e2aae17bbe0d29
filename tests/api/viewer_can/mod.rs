//! What `viewerCan` says is what the mutation answers.

mod organizations;
mod projects;

use serde_json::{Value, json};

use crate::support::{Actor, Roster, codes, token};

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
        ("gus", "guest", Some("viewer")),
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
async fn of_what_an_invitee_knows_by_the_invitation_alone() {
    const SEEN: &str = "{ viewer { invitations { nodes { viewerCan { accept { allowed } decline { allowed } update { code } resend { code } revoke { code } } organization { viewerCan { update { allowed code message } leave { allowed code message } inviteMembers { allowed code message } createProjects { allowed code message } } } projects { project { viewerCan { update { code } } } } } } } }";
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let apollo = roster.project(&alice, &acme, "Apollo").await;
    let invite = "mutation($project: ID!) { projectInvite(input: {project: {id: $project}, emails: [\"bob@example.com\"]}) { results { acceptUrl } } }";
    let data = alice.data(invite, json!({ "project": apollo })).await;
    token(&data["projectInvite"]["results"][0]["acceptUrl"]);
    let bob = roster.person("bob");
    let (allowed, hidden) = (json!({ "allowed": true }), json!({ "code": "NOT_FOUND" }));
    let can = json!({ "accept": allowed, "decline": allowed, "update": hidden, "resend": hidden, "revoke": hidden });
    // What is hidden has no capabilities.
    let expected = json!({ "viewerCan": can, "organization": null, "projects": [{ "project": null }] });
    let seen = async || bob.data(SEEN, json!({})).await["viewer"]["invitations"]["nodes"][0].clone();
    assert_eq!(seen().await, expected);
    let mutations = [
        (
            "update",
            "organizationUpdate(input: {organization: {slug: \"acme\"}, name: \"Mine\"}) { userErrors { code } }",
        ),
        ("leave", "organizationLeave(input: {organization: {slug: \"acme\"}}) { userErrors { code } }"),
        (
            "inviteMembers",
            "organizationInvite(input: {organization: {slug: \"acme\"}, emails: [\"new@example.com\"]}) { userErrors { code } }",
        ),
        (
            "createProjects",
            "projectCreate(input: {organization: {slug: \"acme\"}, name: \"Mine\"}) { userErrors { code } }",
        ),
    ];
    for (_, mutation) in mutations {
        assert_eq!(answers(&bob, mutation, &[]).await, "NOT_FOUND", "{mutation}");
    }
    // What everybody sees has those of everybody.
    roster.sql("UPDATE organizations SET visibility = 'PUBLIC'").await;
    let seen = seen().await;
    assert_eq!((&seen["viewerCan"], &seen["projects"]), (&expected["viewerCan"], &expected["projects"]));
    for (capability, mutation) in mutations {
        let says = said(&seen["organization"]["viewerCan"][capability]);
        assert_eq!(says, if capability == "leave" { "NOT_FOUND" } else { "FORBIDDEN" }, "{capability}");
        assert_eq!(answers(&bob, mutation, &[]).await, says, "{capability}");
    }
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
    // Lists that are read at the same time may ask for their roles together, or one after the other.
    assert!(costs[1].0 <= costs[0].0 + 1, "{costs:?}");
}
