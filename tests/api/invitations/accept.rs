use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    ACCEPT, INVITE, REMOVE, UPDATE_ROLE, acme, by_id, by_token, custom_role, done, invite_to_project, refused,
    refused_codes, to, with,
};
use crate::support::{Actor, id, token};

/// Accepting by this token is refused like this.
async fn assert_refused(actor: &Actor, token: &str, code: &str) {
    let errors = refused(actor, ACCEPT, by_token(token)).await;
    assert_eq!(errors, json!([{ "code": code, "path": ["input", "invitation"] }]), "{}", actor.name);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_invited_person_joins_by_id_or_by_token() {
    let (roster, alice, organization) = acme().await;
    let project = roster.project(&alice, &organization, "Apollo").await;
    let (bob, _) = roster.invite(&alice, &organization, "bob@example.com", "admin").await;
    let accepted = done(&roster.person("bob"), ACCEPT, by_id(&bob)).await;
    assert_eq!(accepted["invitation"]["status"], "ACCEPTED");
    assert_eq!(
        (&accepted["organizationMember"]["role"]["key"], &accepted["projectMembers"]),
        (&json!("admin"), &json!([]))
    );

    let grant = json!({ "projects": [{ "project": { "id": project }, "role": { "key": "viewer" } }] });
    let invited = done(&alice, INVITE, with(to(&organization, &["carol@example.com"]), grant)).await;
    let accepted = done(&roster.person("carol"), ACCEPT, by_token(&token(&invited["results"][0]["acceptUrl"]))).await;
    assert_eq!(accepted["projectMembers"][0]["role"]["key"], "viewer");
    assert_eq!(
        roster.texts("SELECT invited_by_kind FROM organization_members WHERE NOT is_owner").await,
        ["USER", "USER"]
    );
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_twice_by_the_same_person_it_happened_once() {
    let (roster, alice, organization) = acme().await;
    let (invitation, token) = roster.invite(&alice, &organization, "bob@example.com", "viewer").await;
    let bob = roster.person("bob");
    let first = done(&bob, ACCEPT, by_token(&token)).await;
    let before = roster.content().await;
    for again in [by_token(&token), by_id(&invitation)] {
        let again = done(&bob, ACCEPT, again).await;
        assert_eq!(again["organizationMember"], first["organizationMember"]);
        assert_eq!(again["invitation"]["status"], "ACCEPTED");
    }
    // Long after, too.
    roster.wait(TimeDelta::days(100));
    done(&roster.person("bob"), ACCEPT, by_token(&token)).await;
    assert_eq!(roster.content().await, before);
    // Once removed, an old link does not bring them back.
    let member = id(&first["organizationMember"]);
    done(&roster.person("alice"), REMOVE, json!({ "member": { "id": member } })).await;
    assert_refused(&roster.person("bob"), &token, "INVITATION_NOT_PENDING").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_person_whose_verified_address_was_invited_accepts() {
    let (roster, alice, organization) = acme().await;
    let (invitation, token) = roster.invite(&alice, &organization, "bob@example.com", "viewer").await;
    let key = roster.key(&organization, None, &["invitations.manage"]).await;
    for machine in [&key, &roster.operator()] {
        for input in [by_token(&token), by_id(&invitation)] {
            assert_eq!(refused(machine, ACCEPT, input).await, json!([{ "code": "FORBIDDEN", "path": null }]));
        }
    }
    for other in [&alice, &roster.person("carol"), &roster.unverified("bob")] {
        assert_refused(other, &token, "INVITATION_EMAIL_MISMATCH").await;
        // Who guesses an id does not learn that there is an invitation.
        assert_eq!(refused_codes(other, ACCEPT, by_id(&invitation)).await, ["NOT_FOUND"]);
    }
    let before = roster.content().await;
    let nobody = roster.anonymous();
    assert_eq!(nobody.error_codes(ACCEPT, json!({ "input": by_token(&token) })).await, ["UNAUTHENTICATED"]);
    assert_eq!(roster.content().await, before);

    // An address whose provider stops vouching for it loses the right.
    let bob = roster.person("bob");
    bob.data("{ viewer { __typename } }", json!({})).await;
    let message = carols_message(&roster.person("carol"), &token).await;
    assert!(message.contains("b•••@example.com") && !message.contains("bob"), "{message}");
    done(&bob, ACCEPT, by_token(&token)).await;
}

async fn carols_message(carol: &Actor, token: &str) -> String {
    let data = carol
        .data("mutation($token: String!) { invitationAccept(input: {invitation: {token: $token}}) { userErrors { message } } }", json!({ "token": token }))
        .await;
    data["invitationAccept"]["userErrors"][0]["message"].as_str().expect("a message").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_and_foreign_tokens_are_not_found() {
    let (roster, alice, organization) = acme().await;
    let (invitation, token) = roster.invite(&alice, &organization, "bob@example.com", "viewer").await;
    let bob = roster.person("bob");
    let mut forged = token.clone().into_bytes();
    let last = forged.len() - 10;
    forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    let elsewhere = crate::support::Roster::start_with(|app| {
        app.token_key = roster::domain::secret::TokenKey::new(&[8; 32]).unwrap();
    })
    .await;
    let (_, foreign) = {
        let alice = elsewhere.person("alice");
        let organization = elsewhere.organization(&alice, "Acme").await;
        elsewhere.invite(&alice, &organization, "bob@example.com", "viewer").await
    };
    for bad in ["", "garbage", "💣", &token[1..], &token[..token.len() - 4], &forged, &foreign, &invitation] {
        assert_refused(&bob, bad, "NOT_FOUND").await;
    }
    for bad in ["", "inv_nonsense", &organization, "inv_00000000000000000000000000"] {
        assert_eq!(refused_codes(&bob, ACCEPT, by_id(bad)).await, ["NOT_FOUND"]);
    }
    done(&bob, ACCEPT, by_token(&format!(" {token}\n"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ran_out_of_time_is_expired() {
    let (roster, alice, organization) = acme().await;
    let (invitation, token) = roster.invite(&alice, &organization, "bob@example.com", "viewer").await;
    roster.wait(TimeDelta::days(7));
    let bob = roster.person("bob");
    assert_refused(&bob, &token, "INVITATION_EXPIRED").await;
    // Nor does it matter whether that was written down.
    roster.invite(&roster.person("alice"), &organization, "carol@example.com", "viewer").await;
    assert_refused(&bob, &token, "INVITATION_EXPIRED").await;
    assert_eq!(refused_codes(&bob, ACCEPT, by_id(&invitation)).await, ["INVITATION_EXPIRED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_keeps_their_role_and_gets_what_is_missing() {
    let (roster, alice, organization) = acme().await;
    let apollo = roster.project(&alice, &organization, "Apollo").await;
    let gemini = roster.project(&alice, &organization, "Gemini").await;
    // The invited address becomes that of somebody who is a member with another one.
    let carol = |email: &'static str| {
        roster.signed(
            "carol",
            roster::server::tokens::DevelopmentClaims {
                subject: "carol",
                audience: None,
                email: Some(email),
                name: None,
            },
        )
    };
    let (_, token) = roster.invite(&alice, &organization, "carol@example.com", "admin").await;
    let joined = done(&carol("carol@example.com"), ACCEPT, by_token(&token)).await;
    roster.project_member(&alice, &apollo, "carol", "admin").await;
    let projects: Vec<Value> =
        [&apollo, &gemini].map(|id| json!({ "project": { "id": id }, "role": { "key": "viewer" } })).into();
    let more = json!({ "role": { "key": "viewer" }, "projects": projects });
    let invited = done(&alice, INVITE, with(to(&organization, &["bob@example.com"]), more)).await;

    // No seat is needed for who has one.
    roster.sql("UPDATE organizations SET seat_limit = 2").await;
    let bobs_token = crate::support::token(&invited["results"][0]["acceptUrl"]);
    roster.wait(TimeDelta::seconds(1));
    let accepted = done(&carol("bob@example.com"), ACCEPT, by_token(&bobs_token)).await;
    assert_eq!(accepted["organizationMember"], joined["organizationMember"]);
    assert_eq!(accepted["organizationMember"]["role"]["key"], "admin");
    assert_eq!(accepted["projectMembers"].as_array().unwrap().len(), 1);
    assert_eq!(accepted["projectMembers"][0]["project"]["slug"], "gemini");
    let roles =
        "SELECT r.key FROM project_members m JOIN roles r ON r.id = m.role_id WHERE NOT m.is_owner ORDER BY r.key";
    assert_eq!(roster.texts(roles).await, ["admin", "viewer"]);
    assert_eq!(roster.events().await[..].iter().filter(|event| *event == "member.joined").count(), 2);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_to_a_project_that_is_gone_is_dropped() {
    let (roster, alice, organization) = acme().await;
    let apollo = roster.project(&alice, &organization, "Apollo").await;
    let gemini = roster.project(&alice, &organization, "Gemini").await;
    let projects: Vec<Value> = [&apollo, &gemini].map(|id| json!({ "project": { "id": id } })).into();
    let invited =
        done(&alice, INVITE, with(to(&organization, &["bob@example.com"]), json!({ "projects": projects }))).await;
    roster.sql("DELETE FROM projects WHERE slug = 'apollo'; UPDATE organizations SET project_count = 1").await;
    let accepted = done(&roster.person("bob"), ACCEPT, by_token(&token(&invited["results"][0]["acceptUrl"]))).await;
    assert_eq!(accepted["invitation"]["projects"].as_array().unwrap().len(), 1);
    assert_eq!(accepted["projectMembers"].as_array().unwrap().len(), 1);
    assert_eq!(accepted["projectMembers"][0]["project"]["slug"], "gemini");
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inviters_right_is_checked_again() {
    let (roster, alice, organization) = acme().await;
    let project = roster.project(&alice, &organization, "Apollo").await;
    let key = roster
        .key(&organization, None, &["invitations.manage", "invitations.read", "members.read", "projects.create"])
        .await;
    let (of_key, by_key) = roster.invite(&key, &organization, "bob@example.com", "member").await;
    roster.sql("UPDATE api_keys SET revoked_at = created_at").await;
    assert_refused(&roster.person("bob"), &by_key, "INVITATION_NOT_PENDING").await;
    assert_eq!(refused_codes(&roster.person("bob"), ACCEPT, by_id(&of_key)).await, ["INVITATION_NOT_PENDING"]);
    roster.sql("UPDATE api_keys SET revoked_at = NULL").await;
    done(&roster.person("bob"), ACCEPT, by_token(&by_key)).await;

    // A demotion past the server, such as of a custom role, is seen as well.
    custom_role(
        &roster,
        "ORGANIZATION",
        "recruiter",
        &["members.read", "invitations.read", "invitations.manage", "projects.create"],
    )
    .await;
    let (carol, _) = roster.member(&alice, &organization, "carol", "recruiter").await;
    let (_, token) = roster.invite(&carol, &organization, "dave@example.com", "member").await;
    roster.sql("UPDATE roles SET permissions = '{members.read,invitations.read,invitations.manage}' WHERE key = 'recruiter'").await;
    assert_refused(&roster.person("dave"), &token, "INVITATION_NOT_PENDING").await;

    // A project's inviter has to be in the project still.
    let (erin, erins) = roster.member(&alice, &organization, "erin", "member").await;
    roster.project_member(&alice, &project, "erin", "admin").await;
    let (_, token) = invite_to_project(&erin, &project, "frank@example.com").await;
    roster.sql("DELETE FROM project_members WHERE email = 'erin@example.com'").await;
    assert_refused(&roster.person("frank"), &token, "INVITATION_NOT_PENDING").await;
    done(&alice, UPDATE_ROLE, json!({ "member": { "id": erins }, "role": { "key": "admin" } })).await;
    done(&roster.person("frank"), ACCEPT, by_token(&token)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_joins_without_a_seat() {
    let (roster, alice, organization) = acme().await;
    let (_, bobs) = roster.invite(&alice, &organization, "bob@example.com", "member").await;
    let (_, carols) = roster.invite(&alice, &organization, "carol@example.com", "member").await;
    roster.sql("UPDATE organizations SET seat_limit = 2").await;
    done(&roster.person("bob"), ACCEPT, by_token(&bobs)).await;
    assert_eq!(
        refused(&roster.person("carol"), ACCEPT, by_token(&carols)).await,
        json!([{ "code": "LIMIT_REACHED", "path": null, "limit": 2, "actual": 3 }])
    );
    roster.sql("UPDATE organizations SET seat_limit = NULL").await;
    done(&roster.person("carol"), ACCEPT, by_token(&carols)).await;
    roster.assert_counters().await;
}
