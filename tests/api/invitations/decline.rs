use chrono::TimeDelta;
use serde_json::json;

use super::{ACCEPT, DECLINE, acme, by_id, by_token, done, refused, refused_codes};

#[tokio::test(flavor = "multi_thread")]
async fn declined_twice_it_happened_once() {
    let (roster, alice, organization) = acme().await;
    let (id, token) = roster.invite(&alice, &organization, "bob@example.com", "viewer").await;
    let bob = roster.person("bob");
    let declined = done(&bob, DECLINE, by_id(&id)).await;
    assert_eq!(declined["invitation"]["status"], "DECLINED");
    assert_eq!(roster.events().await.pop().unwrap(), "invitation.declined");
    let before = roster.content().await;
    done(&bob, DECLINE, by_id(&id)).await;
    done(&bob, DECLINE, by_token(&token)).await;
    assert_eq!(roster.content().await, before);
    assert_eq!(refused_codes(&bob, ACCEPT, by_token(&token)).await, ["INVITATION_NOT_PENDING"]);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_invited_person_declines() {
    let (roster, alice, organization) = acme().await;
    let (id, token) = roster.invite(&alice, &organization, "bob@example.com", "viewer").await;
    let key = roster.key(&organization, None, &["invitations.manage"]).await;
    for machine in [&key, &roster.operator()] {
        assert_eq!(refused_codes(machine, DECLINE, by_id(&id)).await, ["FORBIDDEN"]);
        assert_eq!(refused_codes(machine, DECLINE, by_token(&token)).await, ["FORBIDDEN"]);
    }
    for other in [&alice, &roster.person("carol"), &roster.unverified("bob")] {
        let at = json!(["input", "invitation"]);
        assert_eq!(refused(other, DECLINE, by_id(&id)).await, json!([{ "code": "NOT_FOUND", "path": at }]));
        let mismatch = json!([{ "code": "INVITATION_EMAIL_MISMATCH", "path": at }]);
        assert_eq!(refused(other, DECLINE, by_token(&token)).await, mismatch);
    }
    let nobody = roster.anonymous();
    assert_eq!(nobody.error_codes(DECLINE, json!({ "input": by_token(&token) })).await, ["UNAUTHENTICATED"]);
    assert_eq!(refused_codes(&roster.person("bob"), DECLINE, by_token("garbage")).await, ["NOT_FOUND"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_or_ran_out_is_not_declined() {
    let (roster, alice, organization) = acme().await;
    let (accepted, token) = roster.invite(&alice, &organization, "bob@example.com", "viewer").await;
    done(&roster.person("bob"), ACCEPT, by_token(&token)).await;
    assert_eq!(refused_codes(&roster.person("bob"), DECLINE, by_id(&accepted)).await, ["INVITATION_NOT_PENDING"]);
    let (_, token) = roster.invite(&alice, &organization, "carol@example.com", "viewer").await;
    roster.wait(TimeDelta::days(7));
    assert_eq!(refused_codes(&roster.person("carol"), DECLINE, by_token(&token)).await, ["INVITATION_EXPIRED"]);
}
