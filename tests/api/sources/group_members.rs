//! An API that keeps the members of a group, accepted and pending.

use serde_json::{Value, json};

use super::{Reader, column, outcomes, with_email};
use crate::support::ACCEPT;

async fn reader() -> Reader {
    Reader::of("group-members").await
}

/// Who is in the group.
async fn members(reader: &Reader) -> Value {
    reader.call("group.members.list(status)").answer().await["members"]["nodes"].take()
}

async fn emails(reader: &Reader) -> Vec<String> {
    let members = members(reader).await;
    let mut emails: Vec<String> = column(&members, "/email").into_iter().map(str::to_owned).collect();
    emails.sort();
    emails
}

#[tokio::test(flavor = "multi_thread")]
async fn group_members_list() {
    let carol = reader().await;
    let list = carol.call("group.members.list(status)");
    let both = list.answer().await["members"].take();
    assert_eq!(both["totalCount"], 5);
    let erin = with_email(&both["nodes"], "erin@example.com");
    assert_eq!((&erin["status"], &erin["role"]), (&json!("ACCEPTED"), &json!("MEMBER")));
    assert_eq!((&erin["user"]["displayName"], &erin["user"]["email"]), (&json!("Erin Eze"), &erin["email"]));
    assert_eq!(erin["addedAt"], "2026-11-18T09:00:00.000Z");
    let olivia = with_email(&both["nodes"], "olivia@example.com");
    assert_eq!((&olivia["status"], &olivia["user"]), (&json!("PENDING"), &Value::Null));
    assert_eq!(olivia["addedAt"], "2026-11-20T09:00:00.000Z");

    let of = async |status: &str| list.but("[ACCEPTED, PENDING]", status).answer().await["members"].take();
    let (accepted, pending) = (of("[ACCEPTED]").await, of("[PENDING]").await);
    assert_eq!(column(&accepted["nodes"], "/email"), ["bob@example.com", "carol@example.com", "erin@example.com"]);
    assert_eq!(column(&pending["nodes"], "/email"), ["olivia@example.com", "sybil@example.com"]);
    assert_eq!([&accepted["totalCount"], &pending["totalCount"]], [&json!(3), &json!(2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn group_members_get() {
    let carol = reader().await;
    let list = members(&carol).await;
    let get = carol.call("group.members.get(member_id)");
    let bob = get.of(with_email(&list, "bob@example.com")).answer().await;
    assert_eq!((&bob["status"], &bob["user"]["displayName"]), (&json!("ACCEPTED"), &json!("Bob Baker")));
    assert_eq!((&bob["invitation"], &bob["team"]["slug"]), (&Value::Null, &json!("launch")));

    // Who is pending waits for an invitation, and stays the same member when it is accepted.
    let olivias = get.of(with_email(&list, "olivia@example.com"));
    let pending = olivias.answer().await;
    assert_eq!((&pending["status"], &pending["user"]), (&json!("PENDING"), &Value::Null));
    assert_eq!(pending["invitation"]["status"], "PENDING");
    let olivia = carol.person("olivia");
    let hers = olivia.data("{ viewer { invitations { nodes { id } } } }", json!({})).await;
    let accept = ACCEPT.replace("$token: String!", "$id: ID!").replace("token: $token", "id: $id");
    let by = json!({ "id": hers["viewer"]["invitations"]["nodes"][0]["id"] });
    assert_eq!(olivia.refusals(&accept, by).await, [""; 0]);
    let accepted = olivias.answer().await;
    assert_eq!((&accepted["id"], &accepted["addedAt"]), (&pending["id"], &pending["addedAt"]));
    assert_eq!((&accepted["status"], &accepted["user"]["displayName"]), (&json!("ACCEPTED"), &json!("Olivia Öztürk")));
    assert_eq!(olivias.by(carol.person("heidi")).answer().await, Value::Null);
    carol.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn group_members_add() {
    let carol = reader().await;
    let add = carol.call("group.members.add([users])");
    assert_eq!(add.by(carol.person("erin")).refused().await, ["FORBIDDEN"], "she leads nothing");
    // All or none, when that is asked for.
    let atomic = add.but("    members: [", "    mode: ATOMIC\n    members: [");
    let before = carol.roster.content().await;
    let none = atomic.answer().await;
    assert_eq!(outcomes(&none)[..2], ["FAILED ABORTED", "FAILED ABORTED"]);
    assert_eq!(outcomes(&none)[3], "FAILED NOT_MEMBER");
    assert_eq!(carol.roster.content().await, before);

    let added = add.done().await;
    assert_eq!(outcomes(&added), ["SUCCEEDED", "SUCCEEDED", "SKIPPED ALREADY_MEMBER", "FAILED NOT_MEMBER"]);
    assert_eq!(added["summary"], json!({ "total": 4, "succeeded": 2, "skipped": 1, "failed": 1 }));
    let results = &added["results"];
    assert_eq!(column(results, "/member/status"), ["ACCEPTED", "PENDING", "PENDING", "-"]);
    assert_eq!(column(results, "/member/user/displayName")[0], "Dave Dubois");
    assert_eq!(results[3]["userErrors"][0]["path"], json!(["input", "members", "3", "user"]));
    assert_eq!(emails(&carol).await.len(), 7);
    assert_eq!(outcomes(&add.done_already().await)[..3], ["SKIPPED ALREADY_MEMBER"; 3]);
    carol.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn group_members_replace() {
    let carol = reader().await;
    let replace = carol.call("group.members.replace([users])");
    assert_eq!(replace.by(carol.person("erin")).refused().await, ["FORBIDDEN"]);
    let start = emails(&carol).await;
    let version = "SELECT version FROM teams WHERE slug = 'launch'";
    let first: i64 = carol.roster.texts(version).await[0].parse().unwrap();
    let stale = replace.but("    members: [", &format!("    expectedVersion: {}\n    members: [", first + 1));
    assert_eq!(stale.refused().await, ["STALE_VERSION"]);
    assert_eq!(stale.answer().await["userErrors"][0]["currentVersion"], first);

    // One who cannot be in the team keeps everybody else as they are.
    let before = carol.roster.content().await;
    let half = replace.but("frank@", "stranger@").answer().await;
    assert!(outcomes(&half).contains(&"FAILED NOT_MEMBER".to_owned()));
    assert_eq!(half["summary"]["succeeded"], 0);
    // A dry run says what would be.
    let dry = replace.but("    members: [", "    dryRun: true\n    members: [").done().await;
    assert_eq!(carol.roster.content().await, before);
    let changes = ["UNCHANGED", "UPDATED", "UNCHANGED", "ADDED", "REMOVED", "REMOVED"];
    assert_eq!(column(&dry["results"], "/change"), changes);

    let events = carol.events().await.len();
    let replaced = replace.done().await;
    assert_eq!(column(&replaced["results"], "/change"), changes);
    assert_eq!(replaced["summary"], json!({ "total": 4, "succeeded": 2, "skipped": 2, "failed": 0 }));
    assert_eq!(replaced["team"]["version"], first + 1, "one change");
    assert_eq!(replaced["team"]["members"]["totalCount"], 4);
    assert_eq!(start, ["bob", "carol", "erin", "olivia", "sybil"].map(|name| format!("{name}@example.com")));
    assert_eq!(emails(&carol).await, ["bob", "carol", "frank", "olivia"].map(|name| format!("{name}@example.com")));
    let mut happened = carol.events().await.split_off(events);
    happened.sort();
    let expected = [
        "invitation.updated",
        "team_member.added",
        "team_member.removed",
        "team_member.removed",
        "team_member.role_updated",
    ];
    assert_eq!(happened, expected);

    let again = replace.done_already().await;
    assert_eq!(again["summary"], json!({ "total": 4, "succeeded": 0, "skipped": 4, "failed": 0 }));
    carol.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn group_members_remove() {
    let carol = reader().await;
    let list = members(&carol).await;
    let remove = carol.call("group.members.remove(member_id)");
    let olivia = with_email(&list, "olivia@example.com");
    assert_eq!(remove.of(olivia).by(carol.person("bob")).answer().await["userErrors"], json!([]), "an admin may");
    assert_eq!(remove.of(olivia).done_already().await["removedTeamMemberId"], Value::Null);
    // Her invitation stands, without the team.
    let hers = "{ viewer { invitations { nodes { status teams { role } projects { projectName } } } } }";
    let hers = carol.person("olivia").data(hers, json!({})).await;
    let expected = json!([{ "status": "PENDING", "teams": [], "projects": [{ "projectName": "Apollo" }] }]);
    assert_eq!(hers["viewer"]["invitations"]["nodes"], expected);

    let bob = with_email(&list, "bob@example.com");
    assert_eq!(remove.of(bob).by(carol.person("erin")).refused().await, ["FORBIDDEN"]);
    let removed = remove.of(bob).done().await;
    assert_eq!((&removed["removedTeamMemberId"], &removed["team"]["members"]["totalCount"]), (&bob["id"], &json!(3)));
    carol.roster.assert_counters().await;
}
