//! An SDK with `members` and `invitations` of organizations and of projects.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Reader, column, key, outcomes, with_email};
use crate::support::{ACCEPT, codes, id, token};

async fn reader() -> Reader {
    Reader::of("members-and-invitations").await
}

/// What a list says about somebody.
async fn listed(reader: &Reader, heading: &str, email: &str) -> Value {
    let list = reader.call(heading).answer().await;
    let list = list.get("invitations").unwrap_or(&list["members"]);
    with_email(&list["nodes"], email).clone()
}

async fn role_of(reader: &Reader, email: &str) -> Vec<String> {
    let roles = "FROM organization_members m JOIN roles r ON r.organization_id = m.organization_id AND r.id = m.role_id \
        JOIN organizations o ON o.id = m.organization_id WHERE o.slug = 'acme'";
    reader.roster.texts(&format!("SELECT r.key {roles} AND m.email = '{email}'")).await
}

async fn mails(reader: &Reader) -> usize {
    reader.roster.texts("SELECT status FROM mails").await.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn organization_members_list() {
    let alice = reader().await;
    let list = alice.call("organization.members.list(page, page_size)");
    let second = list.answer().await;
    let members = &second["members"];
    assert_eq!(members["totalCount"], 7);
    assert_eq!(column(&members["nodes"], "/user/displayName"), ["Dave Dubois", "Erin Eze", "Frank Fischer"]);
    assert_eq!(column(&members["nodes"], "/role/key"), ["viewer", "member", "member"]);
    assert_eq!(column(&members["nodes"], "/user/email")[0], "dave@example.com");
    assert_eq!(members["pageInfo"]["hasNextPage"], true);

    // Walking on from the end of a page leads to the same pages as their numbers.
    let mut page = list.but("offset: 3", "offset: 0").answer().await;
    assert_eq!(column(&page["members"]["nodes"], "/user/email")[0], "alice@example.com");
    for number in 2..=3 {
        let after = format!("after: {}", page["members"]["pageInfo"]["endCursor"]);
        page = list.but("offset: 3", &after).answer().await;
        assert_eq!(page, list.but("offset: 3", &format!("offset: {}", (number - 1) * 3)).answer().await);
    }
    assert_eq!(column(&page["members"]["nodes"], "/user/email"), ["grace@example.com"]);
    assert_eq!(page["members"]["pageInfo"]["hasNextPage"], false);
    let beyond = list.but("offset: 3", "offset: 9").answer().await;
    assert_eq!((&beyond["members"]["nodes"], &beyond["members"]["totalCount"]), (&json!([]), &json!(7)));
}

#[tokio::test(flavor = "multi_thread")]
async fn organization_members_update_role() {
    let alice = reader().await;
    let update = alice.call("organization.members.update_role(user_id, role_id)");
    assert_eq!(update.but("\"admin\"", "\"owner\"").refused().await, ["ROLE_NOT_ASSIGNABLE"]);
    assert_eq!(update.but("erin@", "alice@").refused().await, ["OWNER_PROTECTED"]);
    assert_eq!(update.by(alice.person("carol")).refused().await, ["FORBIDDEN"]);
    assert_eq!(update.by(alice.person("erin")).refused().await, ["FORBIDDEN"]);

    // Erin may do from now on what she could not before.
    let by_erin = update.but("erin@", "dave@").but("\"admin\"", "\"member\"").by(alice.person("erin"));
    assert_eq!(by_erin.refused().await, ["FORBIDDEN"]);
    let updated = update.done().await;
    assert_eq!(updated["member"]["role"], json!({ "key": "admin", "name": "Admin" }));
    assert_eq!(role_of(&alice, "erin@example.com").await, ["admin"]);
    by_erin.done().await;
    assert_eq!(role_of(&alice, "dave@example.com").await, ["member"]);
    // An admin gives no more than admin, and the owner stays out of reach.
    assert_eq!(by_erin.but("\"member\"", "\"owner\"").refused().await, ["ROLE_NOT_ASSIGNABLE"]);
    assert_eq!(by_erin.but("dave@", "alice@").refused().await, ["OWNER_PROTECTED"]);
    alice.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn organization_members_remove() {
    let alice = reader().await;
    let remove = alice.call("organization.members.remove(user_id)");
    assert_eq!(remove.but("grace@", "alice@").refused().await, ["OWNER_PROTECTED"]);
    assert_eq!(remove.by(alice.person("carol")).refused().await, ["FORBIDDEN"]);

    let before = alice.roster.content().await;
    remove.but("    member: {", "    dryRun: true\n    member: {").done().await;
    assert_eq!(alice.roster.content().await, before);
    let removed = remove.done().await;
    assert!(removed["removedOrganizationMemberId"].is_string());
    assert_eq!(removed["apiKeyChanges"], json!([]));
    assert_eq!(removed["removedProjectMemberIds"].as_array().map(Vec::len), Some(1), "Borealis");
    assert_eq!(removed["removedTeamMemberIds"].as_array().map(Vec::len), Some(1), "Design");
    assert_eq!(role_of(&alice, "grace@example.com").await, [""; 0]);
    let graces = "SELECT id FROM project_members WHERE email = 'grace@example.com' UNION ALL SELECT id FROM team_members WHERE email = 'grace@example.com'";
    assert_eq!(alice.roster.texts(graces).await, [""; 0]);

    let again = remove.done_already().await;
    assert_eq!(again["removedOrganizationMemberId"], Value::Null);

    // Bob's key ends with him, or is Alice's from then on.
    key(&alice.person("bob"), "Builds", &["members.read"]).await;
    let bob = remove.but("grace@", "bob@");
    let takes_over = bob.but("    member: {", "    dryRun: true\n    apiKeys: TAKE_OVER\n    member: {");
    assert_eq!(takes_over.done().await["apiKeyChanges"], json!([]));
    let ended = json!([{ "name": "Builds", "ends": true, "lostPermissions": ["members.read"] }]);
    assert_eq!(bob.done().await["apiKeyChanges"], ended);
    alice.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn organization_invitations_list() {
    let alice = reader().await;
    let list = alice.call("organization.invitations.list()");
    let invitations = list.answer().await["invitations"].take();
    assert_eq!(invitations["totalCount"], 4);
    let nodes = &invitations["nodes"];
    let emails = ["trent@example.com", "sybil@example.com", "olivia@example.com", "peggy@example.com"];
    assert_eq!(column(nodes, "/email"), emails);
    assert_eq!(column(nodes, "/status"), ["PENDING", "PENDING", "PENDING", "EXPIRED"]);
    assert_eq!(column(nodes, "/scope"), ["PROJECT", "ORGANIZATION", "ORGANIZATION", "ORGANIZATION"]);
    assert_eq!(column(nodes, "/role/key"), ["member", "viewer", "member", "member"]);
    assert_eq!(column(nodes, "/invitedBy/displayName")[..2], ["Bob Baker", "Bob Baker"]);

    let pending = list.but(", statuses: [PENDING, EXPIRED]", "").answer().await["invitations"].take();
    assert_eq!(column(&pending["nodes"], "/email"), emails[..3]);
    let others = list.but("[PENDING, EXPIRED]", "[ACCEPTED, DECLINED, REVOKED]").answer().await["invitations"].take();
    assert_eq!(others["totalCount"], 8);
    assert_eq!(with_email(&others["nodes"], "mallory@example.com")["status"], "DECLINED");
    assert_eq!(with_email(&others["nodes"], "rupert@example.com")["status"], "REVOKED");
    assert_eq!(with_email(&others["nodes"], "bob@example.com")["status"], "ACCEPTED");
}

#[tokio::test(flavor = "multi_thread")]
async fn organization_invitations_create() {
    let alice = reader().await;
    let create = alice.call("organization.invitations.create([emails], role_id)");
    assert_eq!(create.but("\"member\"", "\"owner\"").refused().await, ["ROLE_NOT_ASSIGNABLE"]);
    assert_eq!(create.by(alice.person("carol")).refused().await, ["FORBIDDEN"]);

    let sybils = listed(&alice, "organization.invitations.list()", "sybil@example.com").await;
    let (before, mails_before) = (alice.events().await.len(), mails(&alice).await);
    let invited = create.done().await;
    assert_eq!(outcomes(&invited), ["SUCCEEDED", "SKIPPED ALREADY_MEMBER", "SKIPPED ALREADY_INVITED"]);
    assert_eq!(invited["summary"], json!({ "succeeded": 1, "skipped": 2, "failed": 0 }));
    let results = &invited["results"];
    assert_eq!(column(results, "/email"), ["zoe@example.com", "bob@example.com", "sybil@example.com"]);
    assert_eq!(results[0]["invitation"]["role"]["key"], "member");
    assert!(results[0]["acceptUrl"].is_string());
    // Who is there keeps what they have, and the invitation that is out is the one that is shown.
    assert_eq!((&results[1]["invitation"], &results[1]["acceptUrl"]), (&Value::Null, &Value::Null));
    assert_eq!(role_of(&alice, "bob@example.com").await, ["admin"]);
    assert_eq!(results[2]["invitation"]["id"], sybils["id"]);
    assert_eq!(results[2]["invitation"]["role"]["key"], "viewer");
    assert_eq!(alice.events().await[before..], ["invitation.created"]);
    assert_eq!(mails(&alice).await, mails_before + 1);

    // On FREE nobody is invited once the trial is over; a plan brings it back.
    let free = "mutation { organizationPlanUpdate(input: {organization: {slug: \"acme\"}, tier: FREE}) { userErrors { code } } }";
    assert_eq!(alice.roster.operator().refusals(free, json!({})).await, [""; 0]);
    let later = create.but("zoe@example.com", "zack@example.com");
    assert_eq!(later.refused().await, ["PLAN_REQUIRED"]);
    assert_eq!(later.answer().await["userErrors"][0]["requiredTier"], "STARTER");
    let paid = "mutation { organizationPlanUpdate(input: {organization: {slug: \"acme\"}, tier: STARTER}) { userErrors { code } } }";
    assert_eq!(alice.roster.operator().refusals(paid, json!({})).await, [""; 0]);
    assert_eq!(outcomes(&later.done().await), ["SUCCEEDED", "SKIPPED ALREADY_MEMBER", "SKIPPED ALREADY_INVITED"]);
    alice.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn organization_invitations_resend() {
    let alice = reader().await;
    let olivias = listed(&alice, "organization.invitations.list()", "olivia@example.com").await;
    let resend = alice.call("organization.invitations.resend(invitation_id)").of(&olivias);
    let first = resend.done().await;
    assert_eq!(first["invitation"]["status"], "PENDING");
    let in_days = |days| (alice.roster.now() + TimeDelta::days(days)).format("%FT%T%.3fZ").to_string();
    assert_eq!(first["invitation"]["expiresAt"], in_days(7));

    assert_eq!(resend.refused().await, ["COOLDOWN"]);
    assert_eq!(resend.answer().await["userErrors"][0]["retryAt"], "2026-11-21T09:01:00.000Z");
    alice.roster.wait(TimeDelta::seconds(60));
    let second = resend.done().await;
    let olivia = alice.person("olivia");
    let accept = |payload: &Value| json!({ "token": token(&payload["acceptUrl"]) });
    assert_eq!(olivia.refused(ACCEPT, accept(&first)).await, ["INVITATION_SUPERSEDED"]);
    assert_eq!(olivia.refusals(ACCEPT, accept(&second)).await, [""; 0]);

    // What has expired lives again.
    let peggys = listed(&alice, "organization.invitations.list()", "peggy@example.com").await;
    assert_eq!(peggys["status"], "EXPIRED");
    assert_eq!(resend_of(&alice, &peggys).await["invitation"]["status"], "PENDING");
    alice.roster.assert_counters().await;
}

async fn resend_of(reader: &Reader, invitation: &Value) -> Value {
    reader.call("organization.invitations.resend(invitation_id)").of(invitation).done().await
}

#[tokio::test(flavor = "multi_thread")]
async fn organization_invitations_revoke() {
    let alice = reader().await;
    let sybils = listed(&alice, "organization.invitations.list()", "sybil@example.com").await;
    let revoke = alice.call("organization.invitations.revoke(invitation_id)");
    let revoked = revoke.of(&sybils).done().await;
    assert_eq!(
        (&revoked["invitation"]["email"], &revoked["invitation"]["status"]),
        (&sybils["email"], &json!("REVOKED"))
    );
    revoke.of(&sybils).done_already().await;

    let accepted = alice.call("organization.invitations.list()").but("[PENDING, EXPIRED]", "[ACCEPTED]");
    let accepted = accepted.answer().await["invitations"]["nodes"].take();
    let bobs = with_email(&accepted, "bob@example.com");
    assert_eq!(revoke.of(bobs).refused().await, ["INVITATION_NOT_PENDING"]);
    assert_eq!(role_of(&alice, "bob@example.com").await, ["admin"]);

    // Nothing that was revoked keeps an address out.
    let again = alice.call("organization.invitations.create([emails], role_id)").done().await;
    assert_eq!(outcomes(&again)[2], "SUCCEEDED");
    alice.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn project_members_list() {
    let alice = reader().await;
    let list = alice.call("project.members.list(page, page_size)");
    let second = list.answer().await["members"].take();
    assert_eq!(second["totalCount"], 5);
    assert_eq!(column(&second["nodes"], "/user/displayName"), ["Carol Çelik", "Dave Dubois"]);
    assert_eq!(column(&second["nodes"], "/role/key"), ["member", "viewer"]);
    assert_eq!(column(&second["nodes"], "/organizationMember/role/key"), ["member", "viewer"]);

    let mut page = list.but("offset: 2", "offset: 0").answer().await["members"].take();
    assert_eq!(column(&page["nodes"], "/role/key"), ["owner", "admin"]);
    for number in 2..=3 {
        let after = format!("after: {}", page["pageInfo"]["endCursor"]);
        page = list.but("offset: 2", &after).answer().await["members"].take();
        let offset = format!("offset: {}", (number - 1) * 2);
        assert_eq!(page, list.but("offset: 2", &offset).answer().await["members"]);
    }
    assert_eq!(column(&page["nodes"], "/user/email"), ["erin@example.com"]);
    assert_eq!(page["pageInfo"]["hasNextPage"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn project_members_update_role() {
    let alice = reader().await;
    let update = alice.call("project.members.update_role(user_id, role_id)");
    assert_eq!(update.but("\"member\"", "\"owner\"").refused().await, ["ROLE_NOT_ASSIGNABLE"]);
    assert_eq!(update.but("dave@", "alice@").refused().await, ["OWNER_PROTECTED"]);
    assert_eq!(update.by(alice.person("carol")).refused().await, ["FORBIDDEN"]);
    let roles = "{ organization(by: {slug: \"acme\"}) { roles(filter: {scope: ORGANIZATION}) { nodes { id key } } } }";
    let roles = alice.me.data(roles, json!({})).await["organization"]["roles"]["nodes"].take();
    let of_organization = roles.as_array().unwrap().iter().find(|role| role["key"] == "member").unwrap();
    let by_id = format!("{{ id: \"{}\" }}", id(of_organization));
    assert_eq!(update.but("{ key: \"member\" }", &by_id).refused().await, ["ROLE_SCOPE_MISMATCH"]);

    let updated = update.done().await;
    assert_eq!(updated["member"]["role"], json!({ "key": "member", "name": "Member" }));
    let dave = listed(&alice, "project.members.list(page, page_size)", "dave@example.com").await;
    assert_eq!(
        (&dave["role"]["key"], &dave["organizationMember"]["role"]["key"]),
        (&json!("member"), &json!("viewer"))
    );
    alice.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn project_members_remove() {
    let alice = reader().await;
    let remove = alice.call("project.members.remove(user_id)");
    assert_eq!(remove.but("erin@", "alice@").refused().await, ["OWNER_PROTECTED"]);
    assert_eq!(remove.by(alice.person("carol")).refused().await, ["FORBIDDEN"]);

    assert!(remove.done().await["removedProjectMemberId"].is_string());
    let rest = alice.call("project.members.list(page, page_size)").but("offset: 2", "offset: 4").answer().await;
    assert_eq!((&rest["members"]["totalCount"], &rest["members"]["nodes"]), (&json!(4), &json!([])));
    assert_eq!(role_of(&alice, "erin@example.com").await, ["member"]);
    assert_eq!(remove.done_already().await["removedProjectMemberId"], Value::Null);
    alice.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn project_invitations_list() {
    let alice = reader().await;
    let list = alice.call("project.invitations.list()");
    let invitations = list.answer().await["invitations"].take();
    assert_eq!(invitations["totalCount"], 1);
    let trents = &invitations["nodes"][0];
    assert_eq!((&trents["email"], &trents["status"]), (&json!("trent@example.com"), &json!("PENDING")));
    assert_eq!(trents["scope"], "PROJECT");
    assert_eq!(trents["projects"], json!([{ "project": { "slug": "borealis" }, "role": { "key": "member" } }]));

    // An invitation to the organization that grants the project is one to it as well.
    let apollos = list.but("\"borealis\"", "\"apollo\"").answer().await["invitations"].take();
    assert_eq!(column(&apollos["nodes"], "/email"), ["olivia@example.com"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn project_invitations_create() {
    let alice = reader().await;
    let create = alice.call("project.invitations.create([emails], role_id)");
    assert_eq!(create.but("\"viewer\"", "\"owner\"").refused().await, ["ROLE_NOT_ASSIGNABLE"]);
    assert_eq!(create.by(alice.person("frank")).refused().await, ["FORBIDDEN"]);

    let olivias = listed(&alice, "organization.invitations.list()", "olivia@example.com").await;
    let before = mails(&alice).await;
    let invited = create.done().await;
    let expected = ["SUCCEEDED", "SUCCEEDED", "SUCCEEDED", "SKIPPED ALREADY_MEMBER", "SKIPPED ALREADY_INVITED"];
    assert_eq!(outcomes(&invited), expected);
    assert_eq!(invited["summary"], json!({ "succeeded": 3, "skipped": 2, "failed": 0 }));
    let results = &invited["results"];
    // A member of the organization is in, without an invitation.
    assert_eq!(results[0]["projectMember"]["role"]["key"], "viewer");
    assert_eq!(results[0]["invitation"], Value::Null);
    // The invitation that is out grants one project more.
    let merged = &results[1]["invitation"];
    assert_eq!((&merged["id"], &merged["scope"]), (&olivias["id"], &json!("ORGANIZATION")));
    assert_eq!(column(&merged["projects"], "/project/slug"), ["apollo", "borealis"]);
    assert_eq!(column(&merged["projects"], "/role/key"), ["member", "viewer"]);
    // Somebody unknown gets one invitation to both.
    let new = &results[2]["invitation"];
    assert_eq!((&new["scope"], &new["role"]["key"]), (&json!("PROJECT"), &json!("member")));
    assert_eq!(new["projects"], json!([{ "project": { "slug": "borealis" }, "role": { "key": "viewer" } }]));
    assert_eq!(mails(&alice).await, before + 1);
    assert_eq!(column(&results[4]["invitation"]["projects"], "/role/key"), ["member"], "as it was");

    // Dave, a viewer of the organization, brings somebody into the project and gives nothing beyond it.
    let admin = "mutation { projectMembersAdd(input: {project: {path: {organization: \"acme\", project: \"borealis\"}}, members: [{user: {email: \"dave@example.com\"}, role: {key: \"admin\"}}]}) { summary { succeeded } userErrors { code } } }";
    assert_eq!(alice.me.payload(admin, json!({})).await["summary"]["succeeded"], 1);
    let by_dave = create.but("yves@example.com", "ute@example.com").by(alice.person("dave"));
    let role = |key: &str| format!("    organizationRole: {{ key: \"{key}\" }}\n    emails: [");
    assert_eq!(by_dave.but("    emails: [", &role("member")).refused().await, ["ROLE_NOT_ASSIGNABLE"]);
    let invited = by_dave.done().await;
    assert_eq!(invited["results"][2]["invitation"]["role"]["key"], "guest");

    let free = "mutation { organizationPlanUpdate(input: {organization: {slug: \"acme\"}, tier: FREE}) { userErrors { code } } }";
    assert_eq!(alice.roster.operator().refusals(free, json!({})).await, [""; 0]);
    let another = create.but("yves@example.com", "yvonne@example.com");
    assert_eq!(another.refused().await, ["PLAN_REQUIRED"]);
    alice.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn project_invitations_resend() {
    let alice = reader().await;
    let trents = listed(&alice, "project.invitations.list()", "trent@example.com").await;
    let resend = alice.call("project.invitations.resend(invitation_id)");
    // It was sent just now.
    assert_eq!(resend.of(&trents).refused().await, ["COOLDOWN"]);
    assert_eq!(resend.of(&trents).by(alice.person("frank")).refused().await, ["FORBIDDEN"]);
    alice.roster.wait(TimeDelta::seconds(60));
    let resent = resend.of(&trents).done().await;
    assert_eq!(resent["invitation"]["project"]["slug"], "borealis");
    assert_eq!(resent["invitation"]["expiresAt"], "2026-12-05T09:01:00.000Z");
    assert!(resent["acceptUrl"].is_string());

    // Carol, who is nobody's admin, owns Comet.
    let carol = alice.person("carol");
    let to_comet = alice.call("project.invitations.create([emails], role_id)").but("\"borealis\"", "\"comet\"");
    let invited = to_comet.by(carol.clone()).done().await;
    alice.roster.wait(TimeDelta::seconds(60));
    let resent = resend.of(&invited["results"][2]["invitation"]).by(carol).done().await;
    assert_eq!(resent["invitation"]["email"], "yves@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn project_invitations_revoke() {
    let alice = reader().await;
    let trents = listed(&alice, "project.invitations.list()", "trent@example.com").await;
    let revoke = alice.call("project.invitations.revoke(invitation_id)").of(&trents);
    assert_eq!(codes(&revoke.by(alice.person("frank")).answer().await["userErrors"]), ["FORBIDDEN"]);
    let revoked = revoke.done().await;
    assert_eq!(
        (&revoked["invitation"]["email"], &revoked["invitation"]["status"]),
        (&trents["email"], &json!("REVOKED"))
    );
    revoke.done_already().await;
    let list = alice.call("project.invitations.list()").answer().await;
    assert_eq!(list["invitations"]["totalCount"], 0);
    alice.roster.assert_counters().await;
}
