//! An API of organizations with members, invitations and teams.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Reader, column, key, outcomes, with_email};
use crate::support::{ACCEPT, token};

async fn reader() -> Reader {
    Reader::of("organizations-and-teams").await
}

/// Who is in a team of Acme, with role and status.
async fn in_team(reader: &Reader, slug: &str) -> Vec<String> {
    let list = reader.call("teams.list_members(slug)").but("\"launch\"", &format!("\"{slug}\"")).answer().await;
    let nodes = list["members"]["nodes"].as_array().unwrap().clone();
    let member = |node: &Value| {
        let text = |field: &str| node[field].as_str().unwrap().to_owned();
        format!("{} {} {}", text("email").split('@').next().unwrap(), text("role"), text("status"))
    };
    let mut members: Vec<String> = nodes.iter().map(member).collect();
    members.sort();
    members
}

/// What the reader sees of an organization.
async fn seen(reader: &Reader, slug: &str) -> Value {
    reader.call("organizations.get(slug)").but("\"acme\"", &format!("\"{slug}\"")).answer().await
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_list() {
    let alice = reader().await;
    let list = alice.call("organizations.list()");
    let alices = list.answer().await;
    assert_eq!(alices["totalCount"], 1);
    assert_eq!(
        alices["nodes"],
        json!([{ "slug": "acme", "name": "Acme", "visibility": "PUBLIC", "viewerMembership": { "role": { "key": "owner" } } }])
    );
    let carols = list.by(alice.person("carol")).answer().await;
    assert_eq!(column(&carols["nodes"], "/slug"), ["acme", "globex"]);
    assert_eq!(column(&carols["nodes"], "/visibility"), ["PUBLIC", "PRIVATE"]);
    let page = list.but("first: 25", "first: 1").by(alice.person("carol")).answer().await;
    assert_eq!((&page["pageInfo"]["hasNextPage"], &page["totalCount"]), (&json!(true), &json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_get() {
    let alice = reader().await;
    let acme = seen(&alice, "acme").await;
    assert_eq!((&acme["name"], &acme["description"]), (&json!("Acme"), &json!("Makers of everything.")));
    assert_eq!((&acme["website"], &acme["logoUrl"]), (&json!("https://acme.example/"), &Value::Null));
    assert_eq!(acme["owner"]["user"]["displayName"], "Alice Andersson");
    // What is hidden is as if it were not there.
    assert_eq!(seen(&alice, "globex").await, Value::Null);
    assert_eq!(seen(&alice, "nowhere").await, Value::Null);
    let by_id = format!("id: {}", acme["id"]);
    assert_eq!(alice.call("organizations.get(slug)").but("slug: \"acme\"", &by_id).answer().await, acme);
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_create() {
    let alice = reader().await;
    let create = alice.call("organizations.create(name, ...)");
    // All that is wrong is said at once, each with its place.
    let wrong =
        create.but("\"software\"", "\"unheard-of\"").but("\"+49 30 901820\"", "\"12\"").but("\"Initech\"", "\" \"");
    assert_eq!(wrong.refused().await.len(), 3);
    let errors = wrong.answer().await["userErrors"].take();
    let mut paths: Vec<&str> =
        errors.as_array().unwrap().iter().filter_map(|error| error["path"][1].as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["industry", "name", "phone"]);
    assert_eq!(create.but("\"initech\"", "\"acme\"").refused().await, ["TAKEN"]);

    let created = create.done().await["organization"].take();
    assert_eq!((&created["slug"], &created["phone"]), (&json!("initech"), &json!("+4930901820")));
    assert_eq!(created["viewerMembership"]["role"]["key"], "owner");
    let initech = seen(&alice, "initech").await;
    let expected = json!({
        "id": created["id"], "slug": "initech", "name": "Initech", "description": "Reports with cover sheets.",
        "logoUrl": "https://initech.example/logo.svg", "website": "https://initech.example/",
        "industry": { "key": "software", "name": "Software" }, "email": "hello@initech.example",
        "phone": "+4930901820", "visibility": "PUBLIC", "createdAt": "2026-11-21T09:00:00.000Z", "version": 1,
        "owner": { "user": { "displayName": "Alice Andersson" } },
    });
    assert_eq!(initech, expected);
    // A retry answers what the first try did.
    assert_eq!(create.done_already().await["organization"]["id"], created["id"]);
    alice.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_update() {
    let alice = reader().await;
    let created = alice.call("organizations.create(name, ...)").done().await["organization"].take();
    let update = alice.call("organizations.update(slug, ...)");
    assert_eq!(update.but("visibility: PRIVATE", "expectedVersion: 7").refused().await, ["STALE_VERSION"]);
    assert_eq!(update.but("\"initech\"", "\"acme\"").by(alice.person("carol")).refused().await, ["FORBIDDEN"]);

    let updated = update.done().await["organization"].take();
    let expected = json!({
        "slug": "initech-systems", "name": "Initech Systems", "logoUrl": null, "website": "https://initech.example/",
        "industry": { "key": "consulting" }, "visibility": "PRIVATE", "version": 2,
    });
    assert_eq!(updated, expected);
    let under_both = [seen(&alice, "initech").await, seen(&alice, "initech-systems").await];
    assert_eq!(under_both[0], under_both[1]);
    assert_eq!((&under_both[0]["id"], &under_both[0]["phone"]), (&created["id"], &json!("+4930901820")));
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_delete() {
    let alice = reader().await;
    let delete = alice.call("organizations.delete(slug)");
    assert_eq!(delete.refused().await, ["NOT_FOUND"]);
    assert_eq!(delete.but("\"initech\"", "\"acme\"").by(alice.person("bob")).refused().await, ["FORBIDDEN"]);
    let created = alice.call("organizations.create(name, ...)").done().await["organization"].take();
    alice.call("organizations.update(slug, ...)").done().await;
    assert_eq!(delete.done().await["deletedOrganizationId"], created["id"]);
    assert_eq!(seen(&alice, "initech-systems").await, Value::Null);
    assert_eq!(alice.call("organizations.list()").answer().await["totalCount"], 1);

    // One with everything in it goes as well.
    delete.but("\"initech\"", "\"acme\"").done().await;
    let left = "SELECT email FROM organization_members UNION SELECT email FROM project_members UNION SELECT email FROM team_members ORDER BY 1";
    let of_globex = ["carol", "heidi", "ivan", "judy", "wendy"].map(|name| format!("{name}@example.com"));
    assert_eq!(alice.roster.texts(left).await, of_globex);
    alice.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_industry_choices() {
    let alice = reader().await;
    let choices = alice.call("organizations.industry_choices()");
    let industries = choices.answer().await;
    assert!(industries.as_array().unwrap().contains(&json!({ "key": "software", "name": "Software" })));
    assert_eq!(choices.by(alice.roster.anonymous()).answer().await, industries);
    // Whatever is listed can be chosen.
    let create = alice.call("organizations.create(name, ...)");
    let last = industries.as_array().unwrap().last().unwrap();
    let created = create.but("\"software\"", &last["key"].to_string()).done().await;
    assert_eq!(created["organization"]["industry"]["name"], last["name"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_list_members() {
    let alice = reader().await;
    let list = alice.call("organizations.list_members(search, role, limit, cursor)");
    // Carol and Grace García, not Alice, who owns Acme.
    let page = list.answer().await["members"].take();
    assert_eq!(page["totalCount"], 2);
    assert_eq!(column(&page["nodes"], "/user/displayName"), ["Carol Çelik", "Grace García"]);
    assert_eq!(column(&page["nodes"], "/role/key"), ["member", "member"]);

    // Without accents and by address too; one by one, from cursor to cursor.
    let garcia = list.but("\"AR\"", "\"garcia\"").answer().await["members"].take();
    assert_eq!(column(&garcia["nodes"], "/user/email"), ["grace@example.com"]);
    let by_address = list.but("\"AR\"", "\"dave@EXAMPLE\"").answer().await["members"].take();
    assert_eq!(column(&by_address["nodes"], "/role/key"), ["viewer"]);
    let first = list.but("first: 2", "first: 1").answer().await["members"].take();
    assert_eq!(column(&first["nodes"], "/user/email"), ["carol@example.com"]);
    let after = format!("first: 1, after: {}", first["pageInfo"]["endCursor"]);
    let second = list.but("first: 2", &after).answer().await["members"].take();
    assert_eq!(column(&second["nodes"], "/user/email"), ["grace@example.com"]);
    assert_eq!((&second["pageInfo"]["hasNextPage"], &second["totalCount"]), (&json!(false), &json!(2)));
    let admins = list.but("search: \"AR\", ", "").but("{ key: \"member\" }, { key: \"viewer\" }", "{ key: \"admin\" }");
    assert_eq!(column(&admins.answer().await["members"]["nodes"], "/user/email"), ["bob@example.com"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_update_member_role() {
    let alice = reader().await;
    let update = alice.call("organizations.update_member_role(user_id, role)");
    assert_eq!(update.but("\"viewer\"", "\"owner\"").refused().await, ["ROLE_NOT_ASSIGNABLE"]);
    assert_eq!(update.by(alice.person("erin")).refused().await, ["FORBIDDEN"]);
    let raising = update.but("frank@", "bob@").but("\"viewer\"", "\"owner\"").by(alice.person("bob"));
    assert_eq!(raising.refused().await, ["ROLE_NOT_ASSIGNABLE"]);
    assert_eq!(update.but("frank@", "stranger@").refused().await, ["NOT_FOUND"]);

    let updated = update.done().await["member"].take();
    assert_eq!((&updated["role"]["key"], &updated["version"]), (&json!("viewer"), &json!(2)));
    // Frank could create projects until now.
    let may = "{ organization(by: {slug: \"acme\"}) { viewerCan { createProjects { code } } } }";
    let frank = alice.person("frank").data(may, json!({})).await;
    assert_eq!(frank["organization"]["viewerCan"]["createProjects"]["code"], "FORBIDDEN");
    update.done_already().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_remove_member() {
    let alice = reader().await;
    let remove = alice.call("organizations.remove_member(user_id)");
    assert_eq!(remove.by(alice.person("dave")).refused().await, ["FORBIDDEN"]);
    assert_eq!(remove.but("carol@", "alice@").by(alice.person("bob")).refused().await, ["OWNER_PROTECTED"]);
    let removed = remove.done().await;
    assert!(removed["removedOrganizationMemberId"].is_string());
    assert_eq!(removed["removedProjectMemberIds"].as_array().map(Vec::len), Some(2), "Apollo and Comet");
    assert_eq!(removed["removedTeamMemberIds"].as_array().map(Vec::len), Some(1), "Launch");
    let comet = "{ project(by: {path: {organization: \"acme\", project: \"comet\"}}) { owner { user { email } } } }";
    let comet = alice.me.data(comet, json!({})).await;
    assert_eq!(comet["project"]["owner"]["user"]["email"], "alice@example.com");
    // What she is elsewhere she stays.
    let carols = alice.call("organizations.list()").by(alice.person("carol")).answer().await;
    assert_eq!(column(&carols["nodes"], "/slug"), ["globex"]);
    remove.done_already().await;
    alice.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_list_invitations() {
    let alice = reader().await;
    let list = alice.call("organizations.list_invitations()").answer().await["invitations"].take();
    assert_eq!(list["totalCount"], 3);
    assert_eq!(column(&list["nodes"], "/email"), ["trent@example.com", "sybil@example.com", "olivia@example.com"]);
    assert_eq!(column(&list["nodes"], "/status"), ["PENDING"; 3]);
    let in_days = |days| (alice.roster.now() + TimeDelta::days(days)).format("%FT%T%.3fZ").to_string();
    let sybils = &list["nodes"][1];
    assert_eq!((&sybils["createdAt"], &sybils["expiresAt"]), (&json!(in_days(-1)), &json!(in_days(13))));
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_create_invitation() {
    let alice = reader().await;
    let create = alice.call("organizations.create_invitation(email, role)");
    let owner = create.but("teams:", "role: { key: \"owner\" }, teams:");
    assert_eq!(owner.refused().await, ["ROLE_NOT_ASSIGNABLE"]);
    let invited = create.done().await;
    assert_eq!(outcomes(&invited), ["SUCCEEDED"]);
    let invitation = &invited["results"][0]["invitation"];
    assert_eq!(invitation["role"]["key"], "member", "the role when none is named");
    assert_eq!(invitation["teams"], json!([{ "team": { "slug": "design" }, "role": "MEMBER" }]));
    assert!(in_team(&alice, "design").await.contains(&"walter MEMBER PENDING".to_owned()));

    assert_eq!(outcomes(&create.done().await), ["SKIPPED ALREADY_INVITED"]);
    assert_eq!(outcomes(&create.but("walter@", "dave@").done().await), ["SKIPPED ALREADY_MEMBER"]);
    assert_eq!(outcomes(&create.but("walter@example.com", "walter").done().await), ["FAILED INVALID"]);

    // Walter joins as what was promised.
    let walter = alice.roster.person("walter");
    let accepted = walter.payload(ACCEPT, json!({ "token": token(&invited["results"][0]["acceptUrl"]) })).await;
    assert_eq!(accepted["organizationMember"]["role"]["key"], "member");
    assert!(in_team(&alice, "design").await.contains(&"walter MEMBER ACCEPTED".to_owned()));
    alice.roster.assert_counters().await;
}

async fn pending(reader: &Reader, email: &str) -> Value {
    let list = reader.call("organizations.list_invitations()").answer().await;
    with_email(&list["invitations"]["nodes"], email).clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_resend_invitation() {
    let alice = reader().await;
    let olivias = pending(&alice, "olivia@example.com").await;
    let resend = alice.call("organizations.resend_invitation(invitation_id)").of(&olivias);
    assert_eq!(resend.by(alice.person("carol")).refused().await, ["FORBIDDEN"]);
    let resent = resend.done().await;
    assert_eq!(resent["invitation"]["expiresAt"], "2026-11-28T09:00:00.000Z");
    assert_eq!(resent["invitation"]["delivery"]["status"], "QUEUED");
    assert_eq!(resend.refused().await, ["COOLDOWN"]);
    alice.roster.wait(TimeDelta::minutes(1));
    let again = resend.done().await;
    let accept = |payload: &Value| json!({ "token": token(&payload["acceptUrl"]) });
    assert_eq!(alice.person("olivia").refused(ACCEPT, accept(&resent)).await, ["INVITATION_SUPERSEDED"]);
    assert_eq!(alice.person("olivia").refusals(ACCEPT, accept(&again)).await, [""; 0]);
    assert_eq!(resend.refused().await, ["INVITATION_NOT_PENDING"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_cancel_invitation() {
    let alice = reader().await;
    let sybils = pending(&alice, "sybil@example.com").await;
    let cancel = alice.call("organizations.cancel_invitation(invitation_id)").of(&sybils);
    assert_eq!(cancel.by(alice.person("carol")).refused().await, ["FORBIDDEN"]);
    let cancelled = cancel.done().await["invitation"].take();
    assert_eq!((&cancelled["email"], &cancelled["status"]), (&json!("sybil@example.com"), &json!("REVOKED")));
    assert_eq!(cancelled["resolvedBy"]["displayName"], "Alice Andersson");
    assert_eq!(alice.call("organizations.list_invitations()").answer().await["invitations"]["totalCount"], 2);
    // She had a place in the team while the invitation stood.
    assert_eq!(
        in_team(&alice, "launch").await,
        ["bob MEMBER ACCEPTED", "carol LEAD ACCEPTED", "erin MEMBER ACCEPTED", "olivia MEMBER PENDING"]
    );
    cancel.done_already().await;
    let again = alice.call("organizations.create_invitation(email, role)").but("walter@", "sybil@").done().await;
    assert_eq!(outcomes(&again), ["SUCCEEDED"]);
    alice.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_list() {
    let alice = reader().await;
    let list = alice.call("teams.list()");
    let teams = list.answer().await["teams"].take();
    assert_eq!(teams["totalCount"], 2);
    assert_eq!(column(&teams["nodes"], "/slug"), ["design", "launch"]);
    assert_eq!(column(&teams["nodes"], "/description")[0], "How everything looks and feels.");
    assert!(column(&teams["nodes"], "/color").iter().all(|color| color.len() == 7 && color.starts_with('#')));
    assert_eq!(teams["nodes"][1]["members"]["totalCount"], 5, "pending ones are counted");
    assert_eq!(list.by(alice.person("dave")).answer().await["teams"], teams, "a viewer sees them");
    let guest = "mutation { organizationMemberUpdateRole(input: {member: {lookup: {organization: {slug: \"acme\"}, user: {email: \"dave@example.com\"}}}, role: {key: \"guest\"}}) { userErrors { code } } }";
    assert_eq!(alice.me.payload(guest, json!({})).await["userErrors"], json!([]));
    assert_eq!(alice.person("dave").error_codes(&list.query, json!({})).await, ["FORBIDDEN"], "a guest does not");
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_create() {
    let alice = reader().await;
    let create = alice.call("teams.create(name, slug, color)");
    assert_eq!(create.by(alice.person("erin")).refused().await, ["FORBIDDEN"]);
    assert_eq!(create.but("#1D4ED8", "blue").refused().await, ["INVALID"]);
    assert_eq!(create.but("erin@", "stranger@").refused().await, ["NOT_MEMBER"]);
    let team = create.done().await["team"].take();
    assert_eq!((&team["slug"], &team["color"]), (&json!("mission-control"), &json!("#1D4ED8")));
    assert_eq!(in_team(&alice, "mission-control").await, ["bob LEAD ACCEPTED", "erin MEMBER ACCEPTED"]);
    let taken = create.but("\"Mission Control\"", "\"Other\", slug: \"mission-control\"");
    assert_eq!(taken.refused().await, ["TAKEN"]);
    alice.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_get() {
    let alice = reader().await;
    let get = alice.call("teams.get(slug)");
    let design = get.answer().await;
    assert_eq!((&design["name"], &design["version"]), (&json!("Design"), &json!(1)));
    assert_eq!(design["viewerCan"]["delete"]["allowed"], true);
    // Frank leads the team, Dave is in none.
    let can = |team: Value| ["update", "manageMembers"].map(|what| team["viewerCan"][what]["allowed"] == true);
    assert_eq!(can(get.by(alice.person("frank")).answer().await), [false, true]);
    assert_eq!(can(get.by(alice.person("dave")).answer().await), [false, false]);
    assert_eq!(get.by(alice.person("heidi")).answer().await, Value::Null);
    assert_eq!(get.but("\"design\"", "\"nowhere\"").answer().await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_update() {
    let alice = reader().await;
    let update = alice.call("teams.update(slug, ...)");
    assert_eq!(update.by(alice.person("frank")).refused().await, ["FORBIDDEN"], "a lead manages members only");
    assert_eq!(update.but("\"design-studio\"", "\"launch\"").refused().await, ["TAKEN"]);
    let expected = json!({ "slug": "design-studio", "name": "Design Studio", "color": "#DB2777", "description": null, "version": 2 });
    assert_eq!(update.done().await["team"], expected);
    let get = alice.call("teams.get(slug)");
    assert_eq!(get.answer().await, Value::Null, "the old slug is free");
    assert_eq!(get.but("\"design\"", "\"design-studio\"").answer().await["name"], "Design Studio");
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_list_members() {
    let alice = reader().await;
    let members = alice.call("teams.list_members(slug)").answer().await["members"].take();
    assert_eq!(members["totalCount"], 5);
    assert_eq!(column(&members["nodes"], "/role"), ["LEAD", "MEMBER", "MEMBER", "MEMBER", "MEMBER"]);
    let carol = &members["nodes"][0];
    assert_eq!((&carol["status"], &carol["user"]["displayName"]), (&json!("ACCEPTED"), &json!("Carol Çelik")));
    let sybil = with_email(&members["nodes"], "sybil@example.com");
    assert_eq!((&sybil["status"], &sybil["user"]), (&json!("PENDING"), &Value::Null));
    assert_eq!(sybil["addedAt"], "2026-11-20T09:00:00.000Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_add_member() {
    let alice = reader().await;
    let add = alice.call("teams.add_member(slug, user_id, role)");
    assert_eq!(
        add.by(alice.person("bob")).but("launch", "design").answer().await["userErrors"],
        json!([]),
        "an admin may"
    );
    assert_eq!(add.by(alice.person("erin")).refused().await, ["FORBIDDEN"]);
    let added = add.done().await;
    assert_eq!(outcomes(&added), ["SUCCEEDED", "SKIPPED ALREADY_MEMBER", "FAILED NOT_MEMBER"]);
    assert_eq!(added["results"][0]["member"]["role"], "LEAD");
    let members = in_team(&alice, "launch").await;
    assert_eq!(members.len(), 6);
    assert!(members.contains(&"dave LEAD ACCEPTED".to_owned()));
    // Whoever leads a team adds to it.
    let by_dave = add.by(alice.person("dave")).but("stranger@", "trent@").done().await;
    assert_eq!(outcomes(&by_dave), ["SKIPPED ALREADY_MEMBER", "SKIPPED ALREADY_MEMBER", "SUCCEEDED"]);
    assert!(in_team(&alice, "launch").await.contains(&"trent MEMBER PENDING".to_owned()));
    alice.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_update_member_role() {
    let alice = reader().await;
    let update = alice.call("teams.update_member_role(slug, user_id, role)");
    assert_eq!(update.by(alice.person("erin")).refused().await, ["FORBIDDEN"]);
    assert_eq!(update.but("erin@", "dave@").refused().await, ["NOT_FOUND"]);
    assert_eq!(update.done().await["member"]["role"], "LEAD");
    assert!(in_team(&alice, "launch").await.contains(&"erin LEAD ACCEPTED".to_owned()));
    update.done_already().await;
    // Now she manages the members herself.
    update.but("role: LEAD", "role: MEMBER").by(alice.person("erin")).done().await;
    assert!(in_team(&alice, "launch").await.contains(&"erin MEMBER ACCEPTED".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_remove_member() {
    let alice = reader().await;
    let remove = alice.call("teams.remove_member(slug, user_id)");
    assert_eq!(remove.by(alice.person("erin")).refused().await, ["FORBIDDEN"]);
    let removed = remove.done().await;
    assert!(removed["removedTeamMemberId"].is_string());
    assert_eq!(removed["team"]["members"]["totalCount"], 4);
    let bobs = alice.call("organizations.list()").by(alice.person("bob")).answer().await;
    assert_eq!(column(&bobs["nodes"], "/viewerMembership/role/key"), ["admin"]);
    assert_eq!(remove.done_already().await["removedTeamMemberId"], Value::Null);
    alice.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_delete() {
    let alice = reader().await;
    let delete = alice.call("teams.delete(slug)");
    assert_eq!(delete.by(alice.person("carol")).refused().await, ["FORBIDDEN"], "a lead manages members only");
    let deleted = delete.done().await;
    assert!(deleted["deletedTeamId"].is_string());
    assert_eq!(deleted["organization"]["teams"]["totalCount"], 1);
    let left = "SELECT email FROM team_members ORDER BY email";
    assert_eq!(alice.roster.texts(left).await, ["frank@example.com", "grace@example.com"]);
    assert_eq!(alice.roster.texts("SELECT invitation_id FROM invitation_teams").await, [""; 0]);
    assert_eq!(alice.call("organizations.list_invitations()").answer().await["invitations"]["totalCount"], 3);
    assert_eq!(delete.refused().await, ["NOT_FOUND"]);
    alice.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_transfer_ownership() {
    let alice = reader().await;
    let transfer = alice.call("organizations.transfer_ownership(user_id)");
    assert_eq!(transfer.by(alice.person("bob")).refused().await, ["FORBIDDEN"]);
    assert_eq!(transfer.but("bob@", "mallory@").refused().await, ["NOT_MEMBER"]);
    key(&alice.me, "Builds", &["members.read", "projects.own"]).await;
    let done = transfer.done().await;
    let narrowed = json!([{ "name": "Builds", "ends": false, "lostPermissions": ["projects.own"] }]);
    assert_eq!(done["apiKeyChanges"], narrowed);
    let expected = [
        json!({ "role": { "key": "owner" }, "user": { "displayName": "Bob Baker" } }),
        json!({ "role": { "key": "admin" }, "user": { "displayName": "Alice Andersson" } }),
    ];
    assert_eq!([&done["newOwner"], &done["previousOwner"]], [&expected[0], &expected[1]]);
    assert_eq!(seen(&alice, "acme").await["owner"]["user"]["displayName"], "Bob Baker");
    assert_eq!(transfer.refused().await, ["FORBIDDEN"], "it is no longer hers to give");
    alice.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_leave() {
    let alice = reader().await;
    let leave = alice.call("organizations.leave()");
    assert_eq!(leave.refused().await, ["OWNER_PROTECTED"]);
    alice.call("organizations.transfer_ownership(user_id)").done().await;
    key(&alice.me, "Builds", &["members.read"]).await;
    let left = leave.done().await;
    assert!(left["removedOrganizationMemberId"].is_string());
    let ended = json!([{ "name": "Builds", "ends": true, "lostPermissions": ["members.read"] }]);
    assert_eq!(left["apiKeyChanges"], ended);
    assert_eq!(alice.call("organizations.list()").answer().await["totalCount"], 0);
    // Apollo was hers; it is the new owner's.
    let apollo = "SELECT m.email FROM project_members m JOIN projects p ON p.organization_id = m.organization_id AND p.id = m.project_id WHERE p.slug = 'apollo' AND m.is_owner";
    assert_eq!(alice.roster.texts(apollo).await, ["bob@example.com"]);
    alice.roster.assert_counters().await;
}
