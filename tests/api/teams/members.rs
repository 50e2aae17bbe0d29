//! Adding people to teams, giving them roles there, and removing them.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{
    ADD, REMOVE, REPLACE, Stage, UPDATE_ROLE, adding, by, done, lead, member, named, outcomes, payload, refused,
    refused_codes, with,
};

fn role(member: Value, role: &str) -> Value {
    json!({ "member": member, "role": role })
}

fn remove(member: Value) -> Value {
    json!({ "member": member })
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_added_each_with_an_outcome() {
    let stage = Stage::set().await;
    let (roster, alice, crew) = (&stage.roster, &stage.alice, &stage.crew);
    let (ina, _) = roster.invite(alice, &stage.acme, "ina@example.com", "member").await;
    let zoe = roster.person("zoe").user_id().await;
    let before = roster.events().await.len();
    let input = adding(
        crew,
        json!([
            { "user": { "email": " DAVE@example.com" }, "role": "LEAD" },
            { "user": { "id": stage.vera.user_id().await } },
            member("carol"),
            member("dave"),
            lead("ina"),
            member("ina"),
            { "user": { "id": zoe } },
            member("nobody"),
            { "user": { "id": "usr_" } },
            { "user": { "email": "no address" } },
        ]),
    );
    let added = done(alice, ADD, input.clone()).await;
    assert_eq!(added["summary"], json!({ "total": 10, "succeeded": 3, "skipped": 3, "failed": 4 }));
    assert_eq!(added["team"]["version"], 2);
    assert_eq!(
        outcomes(&added),
        [
            "SUCCEEDED ADDED  LEAD",
            "SUCCEEDED ADDED  MEMBER",
            "SKIPPED UNCHANGED ALREADY_MEMBER MEMBER",
            "SKIPPED - DUPLICATE -",
            "SUCCEEDED ADDED  LEAD",
            "SKIPPED - DUPLICATE -",
            "FAILED - NOT_MEMBER -",
            "FAILED - NOT_MEMBER -",
            "FAILED - NOT_FOUND -",
            "FAILED - NOT_FOUND -",
        ]
    );
    assert_eq!(added["results"][6]["userErrors"][0]["path"], json!(["input", "members", "6", "user"]));
    assert_eq!(added["results"][4]["member"]["status"], "PENDING");
    let crew_now = [
        "bob LEAD ACCEPTED",
        "carol MEMBER ACCEPTED",
        "dave LEAD ACCEPTED",
        "ina LEAD PENDING",
        "vera MEMBER ACCEPTED",
    ];
    assert_eq!(stage.members(crew).await, crew_now);
    let mut events = stage.since(before).await;
    events.sort();
    assert_eq!(events, ["invitation.updated", "team_member.added", "team_member.added", "team_member.added"]);
    // The invitation grants the team from now on.
    let grants = "query($id: ID!) { node(id: $id) { ... on Invitation { teams { team { slug } role } } } }";
    let data = alice.data(grants, json!({ "id": ina })).await;
    assert_eq!(data["node"]["teams"], json!([{ "team": { "slug": "crew" }, "role": "LEAD" }]));
    roster.assert_counters().await;

    // Once more: nothing happens.
    let before = roster.content().await;
    let again = done(alice, ADD, adding(crew, json!([member("dave"), member("ina")]))).await;
    assert_eq!(outcomes(&again), ["SKIPPED UNCHANGED ALREADY_MEMBER LEAD", "SKIPPED UNCHANGED ALREADY_MEMBER LEAD"]);
    assert_eq!(roster.content().await, before);
    // All or none.
    let atomic = with(adding(crew, json!([member("alice"), member("nobody")])), json!({ "mode": "ATOMIC" }));
    assert_eq!(outcomes(&done(alice, ADD, atomic).await), ["FAILED - ABORTED -", "FAILED - NOT_MEMBER -"]);
    assert_eq!(roster.content().await, before);
    let many: Vec<Value> = (0..101).map(|n| member(&format!("n{n}"))).collect();
    assert_eq!(refused_codes(alice, ADD, adding(crew, json!(many))).await, ["TOO_MANY"]);
    assert_eq!(refused_codes(alice, ADD, adding(crew, json!([]))).await, ["INVALID"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_manage_their_team_and_no_other() {
    let stage = Stage::set().await;
    let (bob, crew) = (&stage.bob, &stage.crew);
    let other = stage.roster.team(&stage.alice, &stage.acme, "Other", &["dave", "bob"]).await;
    done(bob, ADD, adding(crew, json!([member("dave"), member("vera")]))).await;
    done(bob, UPDATE_ROLE, role(named(crew, "dave"), "LEAD")).await;
    done(bob, REMOVE, remove(named(crew, "vera"))).await;
    done(bob, REPLACE, adding(crew, json!([lead("bob"), lead("dave"), member("alice")]))).await;
    assert_eq!(stage.members(crew).await, ["alice MEMBER ACCEPTED", "bob LEAD ACCEPTED", "dave LEAD ACCEPTED"]);

    for (actor, team) in [(bob, &other), (&stage.carol, crew), (&stage.vera, crew)] {
        let forbidden =
            |path: Value| json!([{ "code": "FORBIDDEN", "path": path, "requiredPermission": "teams.manage" }]);
        for mutation in [ADD, REPLACE] {
            let errors = refused(actor, mutation, adding(team, json!([member("vera")]))).await;
            assert_eq!(errors, forbidden(Value::Null), "{}", actor.name);
        }
        // Whether or not there is such a member.
        for who in ["dave", "vera", "nobody"] {
            let errors = refused(actor, UPDATE_ROLE, role(named(team, who), "MEMBER")).await;
            assert_eq!(errors, forbidden(json!(["input", "member"])));
            let errors = refused(actor, REMOVE, remove(named(team, who))).await;
            assert_eq!(errors, forbidden(json!(["input", "member"])));
        }
    }
    // A lead who steps down leads no more.
    done(bob, UPDATE_ROLE, role(named(crew, "bob"), "MEMBER")).await;
    assert_eq!(refused_codes(bob, ADD, adding(crew, json!([member("vera")]))).await, ["FORBIDDEN"]);
    let zoe = stage.roster.person("zoe");
    assert_eq!(refused_codes(&zoe, ADD, adding(crew, json!([member("vera")]))).await, ["NOT_FOUND"]);
    assert_eq!(refused_codes(&zoe, REMOVE, remove(named(crew, "bob"))).await, ["NOT_FOUND"]);
    stage.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_list_members_does_not_learn_who_is_one() {
    let stage = Stage::set().await;
    let key = stage.roster.key(&stage.acme, None, &["teams.manage"]).await;
    let zoe = stage.roster.person("zoe").user_id().await;
    let input = adding(&stage.crew, json!([member("nobody"), { "user": { "id": zoe } }, member("dave")]));
    let added = done(&key, ADD, input).await;
    assert_eq!(outcomes(&added)[..2], ["FAILED - NOT_FOUND -", "FAILED - NOT_FOUND -"]);
    // Done; the team is shown, and not who is in it.
    assert_eq!(outcomes(&added)[2], "SUCCEEDED ADDED  -");
    assert_eq!(added["team"]["version"], 2);
    assert_eq!(stage.members(&stage.crew).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_changes_once() {
    let stage = Stage::set().await;
    let (roster, alice, crew) = (&stage.roster, &stage.alice, &stage.crew);
    roster.invite(alice, &stage.acme, "ina@example.com", "member").await;
    done(alice, ADD, adding(crew, json!([member("ina")]))).await;
    let before = roster.events().await.len();
    let updated = done(alice, UPDATE_ROLE, role(named(crew, "carol"), "LEAD")).await;
    assert_eq!((&updated["member"]["role"], &updated["member"]["team"]["version"]), (&json!("LEAD"), &json!(3)));
    let by_id = json!({ "id": updated["member"]["id"] });
    let updated = done(alice, UPDATE_ROLE, role(by_id, "LEAD")).await;
    assert_eq!(updated["member"]["team"]["version"], 3);
    assert_eq!(stage.since(before).await, ["team_member.role_updated"]);
    // An invitee's role changes in the invitation as well.
    let updated = done(alice, UPDATE_ROLE, role(named(crew, "ina"), "LEAD")).await;
    assert_eq!((&updated["member"]["role"], &updated["member"]["status"]), (&json!("LEAD"), &json!("PENDING")));
    assert_eq!(roster.texts("SELECT role FROM invitation_teams").await, ["LEAD"]);
    assert_eq!(stage.since(before + 1).await, ["team_member.role_updated", "invitation.updated"]);
    let missing = json!([{ "code": "NOT_FOUND", "path": ["input", "member"] }]);
    for who in [named(crew, "dave"), named(crew, "nobody"), json!({ "id": "tme_" }), json!({ "id": crew })] {
        assert_eq!(refused(alice, UPDATE_ROLE, role(who, "LEAD")).await, missing);
    }
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_again_succeeds_and_nothing_happens() {
    let stage = Stage::set().await;
    let (roster, alice, crew) = (&stage.roster, &stage.alice, &stage.crew);
    let removed = done(alice, REMOVE, remove(named(crew, "carol"))).await;
    let carol = removed["removedTeamMemberId"].clone();
    assert_eq!(removed["team"], json!({ "slug": "crew", "version": 2 }));
    assert_eq!(roster.events().await.pop().unwrap(), "team_member.removed");
    let before = roster.content().await;
    for who in [json!({ "id": carol }), named(crew, "carol"), named(crew, "dave"), named(crew, "nobody")] {
        let again = done(alice, REMOVE, remove(who)).await;
        assert_eq!((&again["removedTeamMemberId"], &again["team"]["slug"]), (&Value::Null, &json!("crew")));
    }
    assert_eq!(roster.content().await, before);
    assert_eq!(refused_codes(&stage.carol, REMOVE, remove(json!({ "id": carol }))).await, ["FORBIDDEN"]);
    let zoe = roster.person("zoe");
    assert_eq!(refused_codes(&zoe, REMOVE, remove(json!({ "id": carol }))).await, ["NOT_FOUND"]);
    assert_eq!(refused_codes(alice, REMOVE, remove(json!({ "id": "tme_" }))).await, ["NOT_FOUND"]);
    // Back again with another membership, the old id stays gone.
    done(alice, ADD, adding(crew, json!([member("carol")]))).await;
    assert_eq!(done(alice, REMOVE, remove(json!({ "id": carol }))).await["removedTeamMemberId"], Value::Null);
    assert_eq!(stage.members(crew).await.len(), 2);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_add_one_person_add_one_membership() {
    let stage = Stage::set().await;
    stage.roster.invite(&stage.alice, &stage.acme, "ina@example.com", "member").await;
    let tries = (0..32).map(|n| {
        let actor = if n % 2 == 0 { stage.alice.clone() } else { stage.bob.clone() };
        let input = adding(&stage.crew, json!([member("dave"), member("ina")]));
        tokio::spawn(async move { outcomes(&payload(&actor, ADD, input).await) })
    });
    let answers: Vec<Vec<String>> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
    for item in 0..2 {
        assert_eq!(answers.iter().filter(|items| items[item] == "SUCCEEDED ADDED  MEMBER").count(), 1);
        let skipped = answers.iter().filter(|items| items[item] == "SKIPPED UNCHANGED ALREADY_MEMBER MEMBER");
        assert_eq!(skipped.count(), 31);
    }
    assert_eq!(stage.members(&stage.crew).await.len(), 4);
    let added = stage.roster.texts("SELECT count(*) FROM events WHERE type = 'team_member.added'").await;
    assert_eq!(added, ["4"], "two of the stage, and two");
    assert_eq!(stage.version().await, 2);
    stage.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_the_organization_leaves_its_teams() {
    let stage = Stage::set().await;
    let (roster, alice, acme, crew) = (&stage.roster, &stage.alice, &stage.acme, &stage.crew);
    let other = roster.team(alice, acme, "Other", &["carol", "dave"]).await;
    let end = "mutation($input: OrganizationMemberRemoveInput!) { payload: organizationMemberRemove(input: $input) { removedTeamMemberIds userErrors { code path } } }";
    let carol = json!({ "member": { "lookup": { "organization": { "id": acme }, "user": by("carol") } } });
    let removed = done(alice, end, carol.clone()).await;
    assert_eq!(removed["removedTeamMemberIds"].as_array().unwrap().len(), 2);
    let ended = roster.texts("SELECT type FROM events WHERE type LIKE 'team_member.removed'").await;
    assert_eq!(ended.len(), 2);
    assert_eq!(stage.members(crew).await, ["bob LEAD ACCEPTED"]);
    assert_eq!(stage.members(&other).await, ["dave MEMBER ACCEPTED"]);
    assert_eq!(stage.version().await, 2);
    assert_eq!(done(alice, end, carol).await["removedTeamMemberIds"], json!([]));
    let leave = "mutation($input: OrganizationLeaveInput!) { payload: organizationLeave(input: $input) { userErrors { code path } } }";
    done(&stage.bob, leave, json!({ "organization": { "id": acme } })).await;
    assert_eq!(stage.members(crew).await, Vec::<String>::new());
    roster.assert_counters().await;
}

/// Copies of name and address in lists follow the person.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_name_is_found_in_teams() {
    use roster::server::tokens::DevelopmentClaims;
    let stage = Stage::set().await;
    let claims = |name| DevelopmentClaims {
        subject: "carol@example.com",
        audience: None,
        email: Some("carola@example.com"),
        name: Some(name),
    };
    stage.roster.wait(TimeDelta::seconds(1));
    stage.roster.signed("carol", claims("Zorah")).user_id().await;
    let found = stage
        .alice
        .data(
            "query($id: ID!) { team(by: {id: $id}) { byName: members(filter: {search: \"ZORAH\"}) { totalCount nodes { email user { displayName } } } byOld: members(filter: {search: \"carol@\"}) { totalCount } } }",
            json!({ "id": stage.crew }),
        )
        .await;
    assert_eq!(found["team"]["byOld"]["totalCount"], 0);
    assert_eq!(
        found["team"]["byName"],
        json!({ "totalCount": 1, "nodes": [{ "email": "carola@example.com", "user": { "displayName": "Zorah" } }] })
    );
    stage.roster.assert_counters().await;
}
