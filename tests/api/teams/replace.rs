//! Making a list the whole membership of a team.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{
    ADD, REPLACE, Stage, UPDATE_ROLE, adding, done, lead, member, named, outcomes, payload, refused, refused_codes,
    with,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_the_team() {
    let stage = Stage::set().await;
    let (roster, alice, crew) = (&stage.roster, &stage.alice, &stage.crew);
    for name in ["ina", "jon", "kay"] {
        roster.invite(alice, &stage.acme, &format!("{name}@example.com"), "member").await;
    }
    done(alice, ADD, adding(crew, json!([member("vera"), member("ina"), member("jon")]))).await;
    let carol = roster.texts("SELECT id FROM team_members WHERE email = 'carol@example.com'").await;
    let before = roster.events().await.len();
    let list = json!([lead("vera"), member("bob"), lead("ina"), member("kay"), member("dave"), member("dave")]);
    let input = adding(crew, list.clone());

    let content = roster.content().await;
    let dry = done(alice, REPLACE, with(input.clone(), json!({ "dryRun": true }))).await;
    assert_eq!(roster.content().await, content);
    let expected = |added: &str| {
        [
            "SUCCEEDED UPDATED  LEAD".to_owned(),
            "SUCCEEDED UPDATED  MEMBER".to_owned(),
            "SUCCEEDED UPDATED  LEAD".to_owned(),
            format!("SUCCEEDED ADDED  {added}"),
            format!("SUCCEEDED ADDED  {added}"),
            "SKIPPED - DUPLICATE -".to_owned(),
            "SUCCEEDED REMOVED  -".to_owned(),
            "SUCCEEDED REMOVED  -".to_owned(),
        ]
    };
    // What is not there yet cannot be shown; what is shows as it is.
    let as_it_is = |text: String| text.split(' ').take(3).collect::<Vec<_>>().join(" ");
    let dry_outcomes: Vec<String> = outcomes(&dry).into_iter().map(as_it_is).collect();
    assert_eq!(dry_outcomes, expected("-").map(as_it_is));
    assert_eq!((&dry["results"][0]["member"]["role"], &dry["results"][3]["member"]), (&json!("MEMBER"), &Value::Null));

    let replaced = done(alice, REPLACE, input.clone()).await;
    assert_eq!(outcomes(&replaced), expected("MEMBER"));
    assert_eq!(replaced["summary"], json!({ "total": 6, "succeeded": 5, "skipped": 1, "failed": 0 }));
    assert_eq!(replaced["team"]["version"], 3);
    let removed = &replaced["results"].as_array().unwrap()[6..];
    assert!(removed.iter().all(|result| result["index"].is_null() && result["member"].is_null()));
    assert_eq!(removed[0]["removedTeamMemberId"], dry["results"][6]["removedTeamMemberId"]);
    assert_eq!(carol.len(), 1);
    assert_eq!(
        stage.members(crew).await,
        ["bob MEMBER ACCEPTED", "dave MEMBER ACCEPTED", "ina LEAD PENDING", "kay MEMBER PENDING", "vera LEAD ACCEPTED"]
    );
    let mut events = stage.since(before).await;
    events.sort();
    assert_eq!(
        events,
        [
            "invitation.updated",
            "invitation.updated",
            "invitation.updated",
            "team_member.added",
            "team_member.added",
            "team_member.removed",
            "team_member.removed",
            "team_member.role_updated",
            "team_member.role_updated",
            "team_member.role_updated",
        ]
    );
    roster.assert_counters().await;

    // Once more: nothing happens.
    let content = roster.content().await;
    let again = done(alice, REPLACE, input).await;
    assert_eq!(again["summary"], json!({ "total": 6, "succeeded": 0, "skipped": 6, "failed": 0 }));
    assert_eq!(outcomes(&again)[0], "SKIPPED UNCHANGED ALREADY_MEMBER LEAD");
    assert_eq!(roster.content().await, content);
    // The empty list empties the team.
    let emptied = done(alice, REPLACE, adding(crew, json!([]))).await;
    assert_eq!(emptied["results"].as_array().unwrap().len(), 5);
    assert_eq!(stage.members(crew).await, Vec::<String>::new());
    assert_eq!(roster.texts("SELECT team_id FROM invitation_teams").await, Vec::<String>::new());
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_cannot_be_in_it_keeps_all_as_it_is_unless_told_otherwise() {
    let stage = Stage::set().await;
    let (alice, crew) = (&stage.alice, &stage.crew);
    let list = json!([member("dave"), member("nobody"), { "user": { "email": "no address" } }]);
    let content = stage.roster.content().await;
    let aborted = done(alice, REPLACE, adding(crew, list.clone())).await;
    assert_eq!(outcomes(&aborted), ["FAILED - ABORTED -", "FAILED - NOT_MEMBER -", "FAILED - NOT_FOUND -"]);
    assert_eq!(aborted["results"][1]["userErrors"][0]["path"], json!(["input", "members", "1", "user"]));
    assert_eq!(stage.roster.content().await, content);
    let partial = done(alice, REPLACE, with(adding(crew, list), json!({ "mode": "PARTIAL" }))).await;
    assert_eq!(
        outcomes(&partial),
        [
            "SUCCEEDED ADDED  MEMBER",
            "FAILED - NOT_MEMBER -",
            "FAILED - NOT_FOUND -",
            "SUCCEEDED REMOVED  -",
            "SUCCEEDED REMOVED  -",
        ]
    );
    assert_eq!(stage.members(crew).await, ["dave MEMBER ACCEPTED"]);
    stage.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_version_that_is_expected_is_the_current_one() {
    let stage = Stage::set().await;
    let (alice, crew) = (&stage.alice, &stage.crew);
    done(alice, UPDATE_ROLE, json!({ "member": named(crew, "carol"), "role": "LEAD" })).await;
    let many: Vec<Value> = (0..501).map(|n| member(&format!("n{n}"))).collect();
    let input = with(adding(crew, json!(many)), json!({ "expectedVersion": 1 }));
    assert_eq!(
        refused(alice, REPLACE, input).await,
        json!([
            { "code": "TOO_MANY", "path": ["input", "members"], "limit": 500, "actual": 501 },
            { "code": "STALE_VERSION", "path": ["input", "expectedVersion"], "currentVersion": 2 },
        ])
    );
    done(alice, REPLACE, with(adding(crew, json!([member("dave")])), json!({ "expectedVersion": 2 }))).await;
    assert_eq!(
        refused_codes(alice, REPLACE, with(adding(crew, json!([])), json!({ "expectedVersion": 2 }))).await,
        ["STALE_VERSION"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_take_as_many_statements_as_five() {
    let stage = Stage::set().await;
    let (roster, alice, crew) = (&stage.roster, &stage.alice, &stage.crew);
    roster.crowd("acme", 600, "'Name ' || n").await;
    let users = "SELECT user_id FROM organization_members WHERE email LIKE '%@crowd.example' ORDER BY sort_name";
    let users: Vec<String> = roster.texts(users).await;
    let ids: Vec<String> = users.iter().map(|id| roster::domain::id::UserId(id.parse().unwrap()).to_string()).collect();
    let list = |range: std::ops::Range<usize>, role: &str| {
        let members: Vec<Value> = ids[range].iter().map(|id| json!({ "user": { "id": id }, "role": role })).collect();
        adding(crew, json!(members))
    };
    let few = "mutation($input: TeamMembersReplaceInput!) { payload: teamMembersReplace(input: $input) { summary { succeeded skipped failed } userErrors { code path } } }";
    let mut costs = Vec::new();
    // Adds; then adds, changes and removes at once: five people, and five hundred.
    for size in [5, 500] {
        done(alice, few, adding(crew, json!([]))).await;
        for input in [list(0..size, "MEMBER"), list(size / 5..size / 5 + size, "LEAD")] {
            let before = roster.app.db.statements();
            let replaced = done(alice, few, input).await;
            costs.push(roster.app.db.statements() - before);
            assert_eq!(replaced["summary"], json!({ "succeeded": size, "skipped": 0, "failed": 0 }));
        }
        roster.assert_counters().await;
    }
    assert_eq!(costs[..2], costs[2..]);
    assert!(costs[1] <= 22, "{costs:?}");
    assert_eq!(roster.texts("SELECT member_count FROM teams").await, ["500"]);
    // All are shown, too.
    let all = done(alice, REPLACE, list(0..500, "MEMBER")).await;
    assert_eq!(all["results"].as_array().unwrap().len(), 600);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_who_replace_the_same_version_does() {
    let stage = Stage::set().await;
    let tries = (0..32).map(|n| {
        let actor = if n % 2 == 0 { stage.alice.clone() } else { stage.bob.clone() };
        let who = if n % 2 == 0 { "dave" } else { "vera" };
        let input = with(adding(&stage.crew, json!([lead("bob"), member(who)])), json!({ "expectedVersion": 1 }));
        tokio::spawn(async move { payload(&actor, REPLACE, input).await })
    });
    let answers: Vec<Value> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|answer| answer["userErrors"] == json!([])).count(), 1);
    let stale = answers.iter().filter(|answer| answer["userErrors"][0]["currentVersion"] == 2);
    assert_eq!(stale.count(), 31);
    assert_eq!(stage.members(&stage.crew).await.len(), 2);
    assert_eq!(stage.version().await, 2);
    stage.roster.assert_counters().await;
}
