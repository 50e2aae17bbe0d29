use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    ACCEPT, DECLINE, INVITE, PROJECT_INVITE, RESEND, REVOKE, acme, by_token, count, custom_role, done,
    invite_to_project, refused, refused_codes, statuses, to, with,
};
use crate::support::token;

fn resend(id: &str) -> Value {
    json!({ "invitationId": id })
}

/// The refusal of a resend.
fn refusal(code: &str) -> Value {
    json!([{ "code": code, "path": ["input", "invitationId"] }])
}

fn cooldown(until: &str) -> Value {
    json!([{ "code": "COOLDOWN", "path": ["input", "invitationId"], "retryAt": until }])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resend_has_a_new_link_a_new_expiry_and_a_mail() {
    let (roster, alice, organization) = acme().await;
    let (bob, first) = roster.invite(&alice, &organization, "bob@example.com", "viewer").await;
    roster.wait(TimeDelta::days(6));
    let alice = roster.person("alice");
    let resent = done(&alice, RESEND, with(resend(&bob), json!({ "expiresInDays": 90 }))).await;
    assert_eq!(resent["invitation"]["expiresAt"], "2027-02-25T09:00:00.000Z");
    assert_eq!(resent["invitation"]["delivery"]["status"], "QUEUED");
    let second = token(&resent["acceptUrl"]);
    assert_ne!(second, first);
    assert_eq!(roster.texts("SELECT token_version FROM mails ORDER BY 1").await, ["1", "2"]);
    assert_eq!(roster.events().await.pop().unwrap(), "invitation.resent");

    let person = roster.person("bob");
    for mutation in [ACCEPT, DECLINE] {
        let errors = refused(&person, mutation, by_token(&first)).await;
        assert_eq!(errors, json!([{ "code": "INVITATION_SUPERSEDED", "path": ["input", "invitation"] }]));
    }
    done(&person, ACCEPT, by_token(&second)).await;
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn resends_are_a_minute_apart_and_five_a_day() {
    let (roster, alice, organization) = acme().await;
    let (bob, _) = roster.invite(&alice, &organization, "bob@example.com", "viewer").await;
    roster.wait(TimeDelta::seconds(60) - TimeDelta::microseconds(1));
    assert_eq!(refused(&alice, RESEND, resend(&bob)).await, cooldown("2026-11-21T09:01:00.000Z"));
    roster.wait(TimeDelta::microseconds(1));
    for _ in 0..5 {
        done(&alice, RESEND, resend(&bob)).await;
        assert_eq!(refused_codes(&alice, RESEND, resend(&bob)).await, ["COOLDOWN"]);
        roster.wait(TimeDelta::hours(1));
    }
    // Resent at 09:01, 10:01, …, 13:01; the first one counts until the next morning.
    let tomorrow = cooldown("2026-11-22T09:01:00.000Z");
    assert_eq!(refused(&alice, RESEND, resend(&bob)).await, tomorrow);
    roster.wait(TimeDelta::hours(19) - TimeDelta::microseconds(1));
    assert_eq!(refused(&alice, RESEND, resend(&bob)).await, tomorrow);
    roster.wait(TimeDelta::microseconds(1));
    done(&alice, RESEND, resend(&bob)).await;
    roster.wait(TimeDelta::minutes(1));
    assert_eq!(refused(&alice, RESEND, resend(&bob)).await, cooldown("2026-11-22T10:01:00.000Z"));
    assert_eq!(count(&roster, "mails").await, "7");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_invited_without_mail_can_be_sent_one_at_once() {
    let (roster, alice, organization) = acme().await;
    let invited =
        done(&alice, INVITE, with(to(&organization, &["bob@example.com"]), json!({ "sendEmail": false }))).await;
    let bob = crate::support::id(&invited["results"][0]["invitation"]);
    let resent = done(&alice, RESEND, resend(&bob)).await;
    assert_eq!(resent["invitation"]["delivery"]["status"], "QUEUED");
    assert_eq!(refused(&alice, RESEND, resend(&bob)).await, cooldown("2026-11-21T09:01:00.000Z"));
    assert_eq!(count(&roster, "mails").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_invitation_is_revived_and_takes_its_seat_again() {
    let (roster, alice, organization) = acme().await;
    roster.sql("UPDATE organizations SET plan_tier = 'STARTER', seat_limit = 2").await;
    let (bob, _) = roster.invite(&alice, &organization, "bob@example.com", "viewer").await;
    roster.wait(TimeDelta::days(7));
    let alice = roster.person("alice");
    // Whether or not it was written down that time ran out.
    let resent = done(&alice, RESEND, resend(&bob)).await;
    assert_eq!(resent["invitation"]["status"], "PENDING");
    roster.assert_counters().await;
    roster.wait(TimeDelta::days(7));
    let alice = roster.person("alice");
    roster.sql("UPDATE organizations SET seat_limit = 1").await;
    let full = json!([{ "code": "LIMIT_REACHED", "path": null, "limit": 1, "actual": 2 }]);
    assert_eq!(refused(&alice, RESEND, resend(&bob)).await, full);

    roster.sql("UPDATE organizations SET seat_limit = 2").await;
    let (carol, _) = roster.invite(&alice, &organization, "carol@example.com", "viewer").await;
    assert_eq!(statuses(&roster, "bob@example.com").await, ["EXPIRED"]);
    let full = json!([{ "code": "LIMIT_REACHED", "path": null, "limit": 2, "actual": 3 }]);
    assert_eq!(refused(&alice, RESEND, resend(&bob)).await, full);
    done(&alice, REVOKE, json!({ "invitationId": carol })).await;
    let resent = done(&alice, RESEND, resend(&bob)).await;
    assert_eq!(statuses(&roster, "bob@example.com").await, ["PENDING"]);
    done(&roster.person("bob"), ACCEPT, by_token(&token(&resent["acceptUrl"]))).await;
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_invitation_stays_so_when_its_address_found_another_way() {
    let (roster, alice, organization) = acme().await;
    let (old, _) = roster.invite(&alice, &organization, "bob@example.com", "viewer").await;
    roster.wait(TimeDelta::days(7));
    let alice = roster.person("alice");
    let (_, newer) = roster.invite(&alice, &organization, "bob@example.com", "member").await;
    assert_eq!(refused(&alice, RESEND, resend(&old)).await, refusal("ALREADY_INVITED"));
    done(&roster.person("bob"), ACCEPT, by_token(&newer)).await;
    assert_eq!(refused(&alice, RESEND, resend(&old)).await, refusal("ALREADY_MEMBER"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_not_sent_again() {
    let (roster, alice, organization) = acme().await;
    let (accepted, token) = roster.invite(&alice, &organization, "a@example.com", "viewer").await;
    done(&roster.person("a"), ACCEPT, by_token(&token)).await;
    let (declined, token) = roster.invite(&alice, &organization, "d@example.com", "viewer").await;
    done(&roster.person("d"), DECLINE, by_token(&token)).await;
    let (revoked, _) = roster.invite(&alice, &organization, "r@example.com", "viewer").await;
    done(&alice, REVOKE, json!({ "invitationId": revoked })).await;
    roster.wait(TimeDelta::minutes(1));
    for id in [accepted, declined, revoked] {
        assert_eq!(refused(&alice, RESEND, resend(&id)).await, refusal("INVITATION_NOT_PENDING"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_could_not_give_it_does_not_send_it_again() {
    let (roster, alice, organization) = acme().await;
    let project = roster.project(&alice, &organization, "Apollo").await;
    custom_role(&roster, "ORGANIZATION", "recruiter", &["members.read", "invitations.read", "invitations.manage"])
        .await;
    custom_role(&roster, "PROJECT", "inviter", &["project.read", "project.invitations.manage"]).await;
    let (recruiter, _) = roster.member(&alice, &organization, "recruiter", "recruiter").await;
    let (viewer, _) = roster.member(&alice, &organization, "viewer", "viewer").await;
    let (member, _) = roster.member(&alice, &organization, "member", "member").await;
    let (inviter, _) = roster.member(&alice, &organization, "inviter", "viewer").await;
    roster.project_member(&alice, &project, "inviter", "inviter").await;
    let (strong, _) = roster.invite(&alice, &organization, "strong@example.com", "admin").await;
    let grant = json!({ "role": { "key": "recruiter" }, "projects": [{ "project": { "id": project } }] });
    done(&alice, INVITE, with(to(&organization, &["granted@example.com"]), grant)).await;
    let granted = super::pending(&roster, "granted@example.com").await;
    let (plain, _) = invite_to_project(&alice, &project, "plain@example.com").await;
    let admins = json!({ "project": { "id": project }, "emails": ["admin@example.com"], "role": { "key": "admin" } });
    done(&alice, PROJECT_INVITE, admins).await;
    let project_admin = super::pending(&roster, "admin@example.com").await;
    roster.wait(TimeDelta::minutes(1));

    assert_eq!(refused(&recruiter, RESEND, resend(&strong)).await, refusal("FORBIDDEN"));
    let needs = |permission: &str| json!([{ "code": "FORBIDDEN", "path": ["input", "invitationId"], "requiredPermission": permission }]);
    assert_eq!(refused(&recruiter, RESEND, resend(&granted)).await, needs("project.invitations.manage"));
    assert_eq!(refused(&member, RESEND, resend(&strong)).await, needs("invitations.manage"));
    assert_eq!(refused(&inviter, RESEND, resend(&project_admin)).await, refusal("FORBIDDEN"));
    // A viewer does not see invitations.
    for actor in [&viewer, &inviter, &roster.person("outsider")] {
        assert_eq!(refused(actor, RESEND, resend(&strong)).await, refusal("NOT_FOUND"), "{}", actor.name);
    }
    for unknown in ["inv_nonsense", &organization, ""] {
        assert_eq!(refused(&alice, RESEND, resend(unknown)).await, refusal("NOT_FOUND"));
    }
    assert_eq!(roster.anonymous().error_codes(RESEND, json!({ "input": resend(&plain) })).await, ["UNAUTHENTICATED"]);
    for days in [0, 91] {
        let errors = refused(&alice, RESEND, with(resend(&strong), json!({ "expiresInDays": days }))).await;
        assert_eq!(errors, json!([{ "code": "INVALID", "path": ["input", "expiresInDays"] }]));
    }
    roster.project_member(&alice, &project, "member", "admin").await;
    done(&member, RESEND, resend(&plain)).await;
    done(&member, RESEND, resend(&project_admin)).await;
    roster.assert_counters().await;
}
