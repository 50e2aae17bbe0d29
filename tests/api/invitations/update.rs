use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{ACCEPT, REVOKE, acme, by_token, done, invite_to_project, refused};
use crate::support::id;

const UPDATE: &str = "mutation($input: InvitationUpdateInput!) { payload: invitationUpdate(input: $input) { invitation { id status role { key } invitedBy { displayName } projects { project { slug } role { key } } } userErrors { code path ... on PermissionUserError { requiredPermission } } } }";

fn to_role(id: &str, role: &str) -> Value {
    json!({ "invitationId": id, "role": { "key": role } })
}

fn to_projects(id: &str, projects: &[(&str, &str)]) -> Value {
    let projects: Vec<Value> = projects
        .iter()
        .map(|(project, role)| json!({ "project": { "id": project }, "role": { "key": role } }))
        .collect();
    json!({ "invitationId": id, "projects": projects })
}

fn error(code: &str, path: &[&str]) -> Value {
    let path = [&["input"], path].concat();
    json!([{ "code": code, "path": path }])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_absent_stays_and_what_is_given_replaces() {
    let (roster, alice, organization) = acme().await;
    let apollo = roster.project(&alice, &organization, "Apollo").await;
    let gemini = roster.project(&alice, &organization, "Gemini").await;
    let (bob, token) = roster.invite(&alice, &organization, "bob@example.com", "viewer").await;

    let updated = done(&alice, UPDATE, to_projects(&bob, &[(&gemini, "admin"), (&apollo, "viewer")])).await;
    let both = json!([
        { "project": { "slug": "gemini" }, "role": { "key": "admin" } },
        { "project": { "slug": "apollo" }, "role": { "key": "viewer" } },
    ]);
    assert_eq!(updated["invitation"]["projects"], both);
    let updated = done(&alice, UPDATE, to_role(&bob, "admin")).await;
    assert_eq!(updated["invitation"]["role"]["key"], "admin");
    assert_eq!(updated["invitation"]["projects"], both);
    assert_eq!(roster.events().await[6..], ["invitation.created", "invitation.updated", "invitation.updated"]);

    let before = roster.content().await;
    done(&alice, UPDATE, to_role(&bob, "admin")).await;
    done(&alice, UPDATE, json!({ "invitationId": bob })).await;
    assert_eq!(roster.content().await, before, "nothing new, nothing happens");

    // The link that was sent before gives what the invitation grants now.
    let updated = done(&alice, UPDATE, to_projects(&bob, &[])).await;
    assert_eq!(updated["invitation"]["projects"], json!([]));
    let accepted = done(&roster.person("bob"), ACCEPT, by_token(&token)).await;
    assert_eq!(accepted["organizationMember"]["role"]["key"], "admin");
    assert_eq!(accepted["projectMembers"], json!([]));
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_grants_more_than_their_own() {
    let (roster, alice, organization) = acme().await;
    let project = roster.project(&alice, &organization, "Apollo").await;
    let (admin, _) = roster.member(&alice, &organization, "admin", "admin").await;
    let (bob, _) = roster.invite(&alice, &organization, "bob@example.com", "viewer").await;
    let cases = [
        (to_role(&bob, "owner"), error("ROLE_NOT_ASSIGNABLE", &["role"])),
        (to_role(&bob, "nonsense"), error("NOT_FOUND", &["role"])),
        (to_projects(&bob, &[(&project, "owner")]), error("ROLE_NOT_ASSIGNABLE", &["projects", "0", "role"])),
        (to_projects(&bob, &[(project.as_str(), "viewer"); 2]), error("DUPLICATE", &["projects", "1", "project"])),
        (to_projects(&bob, &[(&organization, "viewer")]), error("NOT_FOUND", &["projects", "0", "project"])),
    ];
    for (input, expected) in cases {
        assert_eq!(refused(&admin, UPDATE, input.clone()).await, expected, "{input}");
    }
    let roles = alice
        .data(
            "query($id: ID!) { organization(by: {id: $id}) { roles(filter: {scope: PROJECT}) { nodes { id key } } } }",
            json!({ "id": organization }),
        )
        .await;
    let of_project = id(&roles["organization"]["roles"]["nodes"][1]);
    let input = json!({ "invitationId": bob, "role": { "id": of_project } });
    assert_eq!(refused(&admin, UPDATE, input).await, error("ROLE_SCOPE_MISMATCH", &["role"]));

    // A key that may invite viewers changes no invitation that gives more than it has.
    let key = roster.key(&organization, None, &["invitations.manage", "members.read"]).await;
    let (max, _) = roster.invite(&alice, &organization, "max@example.com", "admin").await;
    assert_eq!(refused(&key, UPDATE, to_role(&max, "viewer")).await, error("FORBIDDEN", &["invitationId"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_changes_it_answers_for_it() {
    let (roster, alice, organization) = acme().await;
    let project = roster.project(&alice, &organization, "Apollo").await;
    let (admin, admin_member) = roster.member(&alice, &organization, "admin", "admin").await;
    let (bob, token) = roster.invite(&alice, &organization, "bob@example.com", "viewer").await;
    let updated = done(&admin, UPDATE, to_projects(&bob, &[(&project, "admin")])).await;
    assert_eq!(updated["invitation"]["invitedBy"]["displayName"], "Admin");
    let demote = "mutation($member: ID!) { organizationMemberUpdateRole(input: {member: {id: $member}, role: {key: \"viewer\"}}) { userErrors { code } } }";
    assert_eq!(alice.payload(demote, json!({ "member": admin_member })).await["userErrors"], json!([]));
    let gone = refused(&roster.person("bob"), ACCEPT, by_token(&token)).await;
    assert_eq!(gone, error("INVITATION_NOT_PENDING", &["invitation"]));
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_invited_project_stays() {
    let (roster, alice, organization) = acme().await;
    let apollo = roster.project(&alice, &organization, "Apollo").await;
    let gemini = roster.project(&alice, &organization, "Gemini").await;
    let (bob, _) = invite_to_project(&alice, &apollo, "bob@example.com").await;
    assert_eq!(
        refused(&alice, UPDATE, to_projects(&bob, &[(&gemini, "viewer")])).await,
        error("INVALID", &["projects"])
    );
    let updated = done(&alice, UPDATE, to_projects(&bob, &[(&gemini, "viewer"), (&apollo, "admin")])).await;
    assert_eq!(
        updated["invitation"]["projects"][0],
        json!({ "project": { "slug": "apollo" }, "role": { "key": "admin" } })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_pending_ones_by_those_who_manage_invitations() {
    let (roster, alice, organization) = acme().await;
    let project = roster.project(&alice, &organization, "Apollo").await;
    let (member, _) = roster.member(&alice, &organization, "member", "member").await;
    let (viewer, _) = roster.member(&alice, &organization, "viewer", "viewer").await;
    let (bob, _) = roster.invite(&alice, &organization, "bob@example.com", "viewer").await;
    let not_found = error("NOT_FOUND", &["invitationId"]);
    let (guest, _) = roster.member(&alice, &organization, "guest", "guest").await;
    for actor in [&viewer, &guest, &roster.person("bob"), &roster.person("outsider")] {
        assert_eq!(refused(actor, UPDATE, to_role(&bob, "member")).await, not_found, "{}", actor.name);
    }
    let forbidden = refused(&member, UPDATE, to_role(&bob, "member")).await;
    assert_eq!(forbidden[0]["requiredPermission"], "invitations.manage");
    for unknown in ["inv_nonsense", &organization] {
        assert_eq!(refused(&alice, UPDATE, to_role(unknown, "member")).await, not_found);
    }
    // Who manages the invitations of a project alone does not say what else they give.
    let (ann, _) = invite_to_project(&alice, &project, "ann@example.com").await;
    for actor in [&viewer, &guest] {
        roster.project_member(&alice, &project, &actor.name, "admin").await;
        assert_eq!(refused(actor, UPDATE, to_role(&ann, "guest")).await[0]["code"], "FORBIDDEN", "{}", actor.name);
        assert_eq!(refused(actor, UPDATE, to_role(&ann, "member")).await[0]["code"], "FORBIDDEN", "{}", actor.name);
    }

    done(&alice, REVOKE, json!({ "invitationId": ann })).await;
    assert_eq!(
        refused(&alice, UPDATE, to_role(&ann, "member")).await,
        error("INVITATION_NOT_PENDING", &["invitationId"])
    );
    roster.wait(TimeDelta::days(7));
    let alice = roster.person("alice");
    assert_eq!(
        refused(&alice, UPDATE, to_role(&bob, "member")).await,
        error("INVITATION_NOT_PENDING", &["invitationId"])
    );
}
