use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{ACCEPT, DECLINE, REVOKE, acme, by_token, done, invite_to_project, refused};

fn revoke(id: &str) -> Value {
    json!({ "invitationId": id })
}

#[tokio::test(flavor = "multi_thread")]
async fn taken_back_twice_it_happened_once() {
    let (roster, alice, organization) = acme().await;
    let (bob, token) = roster.invite(&alice, &organization, "bob@example.com", "viewer").await;
    let revoked = done(&alice, REVOKE, revoke(&bob)).await;
    assert_eq!(revoked["invitation"]["status"], "REVOKED");
    assert_eq!(roster.events().await.pop().unwrap(), "invitation.revoked");
    let before = roster.content().await;
    let again = done(&alice, REVOKE, revoke(&bob)).await;
    assert_eq!(again["invitation"]["status"], "REVOKED");
    assert_eq!(roster.content().await, before);
    for mutation in [ACCEPT, DECLINE] {
        let errors = refused(&roster.person("bob"), mutation, by_token(&token)).await;
        assert_eq!(errors, json!([{ "code": "INVITATION_NOT_PENDING", "path": ["input", "invitation"] }]));
    }
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_or_ran_out_is_not_taken_back() {
    let (roster, alice, organization) = acme().await;
    let (accepted, token) = roster.invite(&alice, &organization, "a@example.com", "viewer").await;
    done(&roster.person("a"), ACCEPT, by_token(&token)).await;
    let (declined, token) = roster.invite(&alice, &organization, "d@example.com", "viewer").await;
    done(&roster.person("d"), DECLINE, by_token(&token)).await;
    let (expired, _) = roster.invite(&alice, &organization, "e@example.com", "viewer").await;
    roster.wait(TimeDelta::days(7));
    for id in [accepted, declined, expired] {
        let errors = refused(&roster.person("alice"), REVOKE, revoke(&id)).await;
        assert_eq!(errors, json!([{ "code": "INVITATION_NOT_PENDING", "path": ["input", "invitationId"] }]));
    }
    let members = roster.texts("SELECT count(*) FROM organization_members").await;
    assert_eq!(members, ["2"], "membership untouched");
}

#[tokio::test(flavor = "multi_thread")]
async fn those_take_back_who_manage_the_organizations_or_the_projects_invitations() {
    let (roster, alice, organization) = acme().await;
    let project = roster.project(&alice, &organization, "Apollo").await;
    let (admin, _) = roster.member(&alice, &organization, "admin", "admin").await;
    let (member, _) = roster.member(&alice, &organization, "member", "member").await;
    let (viewer, _) = roster.member(&alice, &organization, "viewer", "viewer").await;
    let (guest, _) = roster.member(&alice, &organization, "guest", "guest").await;
    let outsider = roster.person("outsider");
    let other = roster.organization(&outsider, "Other").await;
    let foreign_key = roster.key(&other, None, &["invitations.read", "invitations.manage"]).await;
    let (one, _) = roster.invite(&alice, &organization, "one@example.com", "admin").await;
    let (two, _) = invite_to_project(&alice, &project, "two@example.com").await;
    let not_found = json!([{ "code": "NOT_FOUND", "path": ["input", "invitationId"] }]);
    let forbidden =
        json!([{ "code": "FORBIDDEN", "path": ["input", "invitationId"], "requiredPermission": "invitations.manage" }]);
    for id in [&one, &two] {
        for actor in [&outsider, &foreign_key, &viewer, &guest] {
            assert_eq!(refused(actor, REVOKE, revoke(id)).await, not_found, "{}", actor.name);
        }
        assert_eq!(refused(&member, REVOKE, revoke(id)).await, forbidden);
        assert_eq!(roster.anonymous().error_codes(REVOKE, json!({ "input": revoke(id) })).await, ["UNAUTHENTICATED"]);
    }
    for unknown in ["inv_nonsense", &project] {
        assert_eq!(refused(&alice, REVOKE, revoke(unknown)).await, not_found);
    }
    roster.project_member(&alice, &project, "viewer", "admin").await;
    assert_eq!(refused(&viewer, REVOKE, revoke(&one)).await, not_found);
    done(&viewer, REVOKE, revoke(&two)).await;
    // So does a guest who is admin of the project.
    roster.project_member(&alice, &project, "guest", "admin").await;
    let (four, _) = invite_to_project(&alice, &project, "four@example.com").await;
    assert_eq!(refused(&guest, REVOKE, revoke(&one)).await, not_found);
    done(&guest, REVOKE, revoke(&four)).await;
    done(&admin, REVOKE, revoke(&one)).await;
    let (three, _) = roster.invite(&alice, &organization, "three@example.com", "viewer").await;
    let key = roster.key(&organization, None, &["invitations.manage"]).await;
    assert_eq!(done(&key, REVOKE, revoke(&three)).await["userErrors"], json!([]));
    roster.assert_counters().await;
}
