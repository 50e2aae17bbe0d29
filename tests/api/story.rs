//! The main job from end to end, over GraphQL alone.

use chrono::TimeDelta;
use serde_json::json;

use crate::support::{ACCEPT, Roster, codes, id, token};

const INVITE: &str = "mutation($organization: ID!, $project: ID!) { organizationInvite(input: {
  organization: {id: $organization}
  emails: [\"bob@example.com\", \"not an address\", \"BOB@example.com\"]
  projects: [{project: {id: $project}}]
}) { summary { total succeeded skipped failed } results { index status email acceptUrl invitation { id status } userErrors { code path } } userErrors { code } } }";
const RESEND: &str = "mutation($id: ID!) { invitationResend(input: {invitationId: $id}) { acceptUrl invitation { status } userErrors { code ... on CooldownUserError { retryAt } } } }";
const REVOKE: &str =
    "mutation($id: ID!) { invitationRevoke(input: {invitationId: $id}) { invitation { status } userErrors { code } } }";
const UPDATE_ROLE: &str = "mutation($member: ID!, $role: String!) { organizationMemberUpdateRole(input: {member: {id: $member}, role: {key: $role}}) { member { role { key } version } userErrors { code } } }";
const REMOVE: &str = "mutation($member: ID!) { organizationMemberRemove(input: {member: {id: $member}}) { removedOrganizationMemberId removedProjectMemberIds userErrors { code } } }";

#[tokio::test(flavor = "multi_thread")]
async fn from_an_empty_machine_to_an_accepted_invitation() {
    let roster = Roster::start().await;
    let (alice, bob, carol) = (roster.person("alice"), roster.person("bob"), roster.person("carol"));
    let organization = roster.organization(&alice, "Acme").await;
    let project = roster.project(&alice, &organization, "Apollo").await;

    // Three addresses: one good, one malformed, one twice.
    let data = alice.data(INVITE, json!({ "organization": organization, "project": project })).await;
    let invited = &data["organizationInvite"];
    assert_eq!(invited["summary"], json!({ "total": 3, "succeeded": 1, "skipped": 1, "failed": 1 }));
    let outcomes: Vec<_> = (0..3)
        .map(|index| (invited["results"][index]["status"].clone(), codes(&invited["results"][index]["userErrors"])))
        .collect();
    assert_eq!(outcomes[0], (json!("SUCCEEDED"), vec![]));
    assert_eq!(outcomes[1], (json!("FAILED"), vec!["INVALID".to_owned()]));
    assert_eq!(outcomes[2], (json!("SKIPPED"), vec!["DUPLICATE".to_owned()]));
    assert_eq!(invited["results"][1]["userErrors"][0]["path"], json!(["input", "emails", "1"]));
    let invitation = id(&invited["results"][0]["invitation"]);
    let bobs_token = token(&invited["results"][0]["acceptUrl"]);

    // The token is bob's alone.
    assert_eq!(carol.refusals(ACCEPT, json!({ "token": bobs_token })).await, ["INVITATION_EMAIL_MISMATCH"]);
    let cooldown = alice.data(RESEND, json!({ "id": invitation })).await;
    assert_eq!(
        cooldown["invitationResend"]["userErrors"],
        json!([{ "code": "COOLDOWN", "retryAt": "2026-11-21T09:01:00.000Z" }])
    );

    // Bob joins the organization and the project; doing it again changes nothing.
    let accepted = bob.data(ACCEPT, json!({ "token": bobs_token })).await;
    assert_eq!(accepted["invitationAccept"]["invitation"]["status"], "ACCEPTED");
    assert_eq!(accepted["invitationAccept"]["projectMembers"][0]["project"]["slug"], "apollo");
    let member = id(&accepted["invitationAccept"]["organizationMember"]);
    let before = roster.content().await;
    let again = bob.data(ACCEPT, json!({ "token": bobs_token })).await;
    assert_eq!(again["invitationAccept"]["userErrors"], json!([]));
    assert_eq!(id(&again["invitationAccept"]["organizationMember"]), member);
    assert_eq!(roster.content().await, before);

    // A second invitation is sent again after a minute, and taken back.
    let (second, first_token) = roster.invite(&alice, &organization, "carol@example.com", "viewer").await;
    roster.wait(TimeDelta::seconds(60));
    let resent = alice.data(RESEND, json!({ "id": second })).await;
    let new_token = token(&resent["invitationResend"]["acceptUrl"]);
    assert_eq!(carol.refusals(ACCEPT, json!({ "token": first_token })).await, ["INVITATION_SUPERSEDED"]);
    let revoked = alice.data(REVOKE, json!({ "id": second })).await;
    assert_eq!(revoked["invitationRevoke"]["invitation"]["status"], "REVOKED");
    assert_eq!(carol.refusals(ACCEPT, json!({ "token": new_token })).await, ["INVITATION_NOT_PENDING"]);

    // Bob's role is raised and lowered.
    for (role, version) in [("admin", 2), ("viewer", 3)] {
        let updated = alice.data(UPDATE_ROLE, json!({ "member": member, "role": role })).await;
        assert_eq!(
            updated["organizationMemberUpdateRole"]["member"],
            json!({ "role": { "key": role }, "version": version })
        );
    }

    // An outsider sees nothing and gets no hint.
    let seen = carol.data("query($id: ID!, $node: ID!) { organization(by: {id: $id}) { name } node(id: $node) { id } bySlug: organization(by: {slug: \"acme\"}) { id } }", json!({ "id": organization, "node": member })).await;
    assert_eq!(seen, json!({ "organization": null, "node": null, "bySlug": null }));
    assert_eq!(carol.refusals(REMOVE, json!({ "member": member })).await, ["NOT_FOUND"]);

    // Bob is removed, and his project membership is gone with it.
    let removed = alice.data(REMOVE, json!({ "member": member })).await;
    assert_eq!(removed["organizationMemberRemove"]["removedOrganizationMemberId"], json!(member));
    assert_eq!(removed["organizationMemberRemove"]["removedProjectMemberIds"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        bob.data("query($id: ID!) { project(by: {id: $id}) { id } }", json!({ "id": project })).await,
        json!({ "project": null })
    );
    assert_eq!(
        roster.events().await,
        [
            "organization.created",
            "member.joined",
            "project.created",
            "project_member.added",
            "invitation.created",
            "invitation.accepted",
            "member.joined",
            "project_member.added",
            "invitation.created",
            "invitation.resent",
            "invitation.revoked",
            "member.role_updated",
            "member.role_updated",
            "project_member.removed",
            "member.removed",
        ]
    );
    roster.assert_counters().await;
}
