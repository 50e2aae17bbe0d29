//! Deleting a project.

use serde_json::{Value, json};

use crate::support::{ACCEPT, Actor, Roster};

const DELETE: &str = "mutation($input: ProjectDeleteInput!) { projectDelete(input: $input) {
  organization { slug projects { totalCount } } deletedProjectId
  userErrors { code path ... on VersionUserError { currentVersion } ... on PermissionUserError { requiredPermission } } } }";
const INVITE: &str = "mutation($project: ID!, $emails: [String!]!) { projectInvite(input: {project: {id: $project}, emails: $emails}) { results { acceptUrl } userErrors { code } } }";

fn input(project: &str) -> Value {
    json!({ "input": { "project": { "id": project } } })
}

async fn invite(actor: &Actor, project: &str, email: &str) -> Value {
    let data = actor.data(INVITE, json!({ "project": project, "emails": [email] })).await;
    data["projectInvite"]["results"][0]["acceptUrl"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn members_grants_and_keys_go_and_invitations_stay_as_what_happened() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (apollo, gemini) =
        (roster.project(&alice, &acme, "Apollo").await, roster.project(&alice, &acme, "Gemini").await);
    roster.member(&alice, &acme, "ada", "member").await;
    roster.project_member(&alice, &apollo, "ada", "admin").await;
    roster.project_member(&alice, &gemini, "ada", "viewer").await;
    // To it; to it, accepted; to the organization, with it; to another project, with it.
    let to_it = crate::support::token(&invite(&alice, &apollo, "bob@example.com").await);
    let accepted = crate::support::token(&invite(&alice, &apollo, "carol@example.com").await);
    assert_eq!(roster.person("carol").refusals(ACCEPT, json!({ "token": accepted })).await, Vec::<String>::new());
    let (_, with_it) = roster.invite(&alice, &acme, "dave@example.com", "member").await;
    invite(&alice, &apollo, "dave@example.com").await;
    let other = crate::support::token(&invite(&alice, &gemini, "erin@example.com").await);
    invite(&alice, &apollo, "erin@example.com").await;
    let key = roster.key(&acme, Some(&apollo), &["project.read", "project.delete"]).await;
    let happened = roster.events().await.len();

    let deleted = alice.payload(DELETE, input(&apollo)).await;
    assert_eq!(
        deleted,
        json!({ "organization": { "slug": "acme", "projects": { "totalCount": 1 } }, "deletedProjectId": apollo, "userErrors": [] })
    );
    assert_eq!(
        roster.events().await[happened..],
        ["invitation.revoked", "invitation.updated", "invitation.updated", "project.deleted"]
    );
    assert_eq!(
        roster.texts("SELECT DISTINCT data->>'because' FROM events WHERE type IN ('invitation.revoked', 'invitation.updated') AND data ? 'because'").await,
        ["the project was deleted"]
    );
    let left = "SELECT split_part(i.email, '@', 1) || ' ' || i.status || ' ' || COALESCE(p.slug, '-') || ' ' || (SELECT count(*) FROM invitation_projects g WHERE g.invitation_id = i.id) \
        FROM invitations i LEFT JOIN projects p ON p.id = i.project_id WHERE i.email NOT LIKE 'ada@%' ORDER BY i.email";
    assert_eq!(
        roster.texts(left).await,
        ["bob REVOKED - 0", "carol ACCEPTED - 0", "dave PENDING - 0", "erin PENDING gemini 1"]
    );
    assert_eq!(roster.texts("SELECT count(*) FROM api_keys").await, ["0"]);
    assert_eq!(roster.texts("SELECT p.slug || ' ' || count(*) FROM project_members m JOIN projects p ON p.id = m.project_id GROUP BY p.slug").await, ["gemini 2"]);
    roster.assert_counters().await;

    assert_eq!(alice.refused(DELETE, input(&apollo)).await, ["NOT_FOUND"]);
    assert_eq!(key.post("{ viewer { apiKey { id } } }", json!({})).await.status, 401);
    let bob = roster.person("bob");
    bob.user_id().await;
    assert_eq!(bob.refused(ACCEPT, json!({ "token": to_it })).await, ["INVITATION_NOT_PENDING"]);
    for (name, token, projects) in [("dave", with_it, json!([])), ("erin", other, json!(["gemini"]))] {
        let joined = roster.person(name).data(ACCEPT, json!({ "token": token })).await;
        let members = joined["invitationAccept"]["projectMembers"].as_array().unwrap();
        let slugs: Vec<&Value> = members.iter().map(|member| &member["project"]["slug"]).collect();
        assert_eq!(json!(slugs), projects, "{name}");
    }
    // The name is free, and what is new has nothing of the old.
    let again = roster.project(&alice, &acme, "Apollo").await;
    let found = alice.data("query($id: ID!) { project(by: {id: $id}) { slug members { totalCount } invitations(statuses: null) { totalCount } } }", json!({ "id": again })).await;
    assert_eq!(
        found["project"],
        json!({ "slug": "apollo", "members": { "totalCount": 1 }, "invitations": { "totalCount": 0 } })
    );
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_delete_a_project_and_others_do_not() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (olga, _) = roster.member(&alice, &acme, "olga", "member").await;
    let apollo = roster.project(&olga, &acme, "Apollo").await;
    let (ada, _) = roster.member(&alice, &acme, "ada", "admin").await;
    let mut others = vec![ada];
    for (name, role) in [("pam", "admin"), ("mel", "member"), ("victor", "viewer")] {
        let (person, _) = roster.member(&alice, &acme, name, "viewer").await;
        roster.project_member(&alice, &apollo, name, role).await;
        others.push(person);
    }
    others.push(roster.key(&acme, None, &["projects.manage", "projects.read"]).await);
    for actor in &others {
        let payload = actor.payload(DELETE, input(&apollo)).await;
        let forbidden = json!([{ "code": "FORBIDDEN", "path": null, "requiredPermission": "project.delete" }]);
        assert_eq!(payload["userErrors"], forbidden, "{}", actor.name);
    }
    let (nora, _) = roster.member(&alice, &acme, "nora", "member").await;
    for actor in [nora, roster.person("oscar")] {
        assert_eq!(actor.refused(DELETE, input(&apollo)).await, ["NOT_FOUND"], "{}", actor.name);
    }
    assert_eq!(roster.anonymous().error_codes(DELETE, input(&apollo)).await, ["UNAUTHENTICATED"]);
    let stale = json!({ "input": { "project": { "id": apollo }, "expectedVersion": 2 } });
    let payload = olga.payload(DELETE, stale).await;
    assert_eq!(
        payload["userErrors"],
        json!([{ "code": "STALE_VERSION", "path": ["input", "expectedVersion"], "currentVersion": 1 }])
    );

    let key = roster.key(&acme, None, &["project.read", "project.delete"]).await;
    for actor in [&olga, &alice, &key, &roster.operator()] {
        let project = roster.project(&olga, &acme, "Gemini").await;
        assert_eq!(actor.payload(DELETE, input(&project)).await["deletedProjectId"], project, "{}", actor.name);
    }
    // A key that is limited to the project ends with it.
    let own = roster.key(&acme, Some(&apollo), &["project.read", "project.delete"]).await;
    assert_eq!(own.payload(DELETE, input(&apollo)).await["deletedProjectId"], apollo);
    roster.assert_counters().await;
}
