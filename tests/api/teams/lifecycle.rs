//! Creating, changing, deleting and leaving teams.

use chrono::TimeDelta;
use futures_util::future::join_all;
use roster::domain::team::PALETTE;
use serde_json::{Value, json};

use super::{CREATE, DELETE, LEAVE, Stage, UPDATE, done, lead, member, payload, refused, refused_codes, with};
use crate::support::{Roster, codes, id};

fn create(organization: &str, more: Value) -> Value {
    with(json!({ "organization": { "id": organization }, "name": "Night Shift" }), more)
}

fn update(team: &str, more: Value) -> Value {
    with(json!({ "team": { "id": team } }), more)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_is_created_with_its_first_members() {
    let stage = Stage::set().await;
    stage.roster.invite(&stage.alice, &stage.acme, "ina@example.com", "member").await;
    let before = stage.roster.events().await.len();
    let input = create(
        &stage.acme,
        json!({ "description": " Awake. ", "color": "#00ff7f", "members": [lead("dave"), member("ina"), { "user": { "id": stage.vera.user_id().await } }] }),
    );
    let team = done(&stage.alice, CREATE, input).await["team"].clone();
    assert_eq!(
        team,
        json!({
            "id": team["id"], "slug": "night-shift", "name": "Night Shift", "description": "Awake.", "color": "#00FF7F",
            "version": 1, "organization": { "slug": "acme" },
            "members": { "totalCount": 3, "nodes": [
                { "email": "dave@example.com", "role": "LEAD", "status": "ACCEPTED" },
                { "email": "ina@example.com", "role": "MEMBER", "status": "PENDING" },
                { "email": "vera@example.com", "role": "MEMBER", "status": "ACCEPTED" },
            ] },
        })
    );
    let mut events = stage.since(before).await;
    events.sort();
    assert_eq!(
        events,
        ["invitation.updated", "team.created", "team_member.added", "team_member.added", "team_member.added"]
    );
    stage.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slug_and_colour_are_picked() {
    let stage = Stage::set().await;
    // The team of the stage has the first colour.
    let mut colors = vec![PALETTE[0].to_owned()];
    let mut slugs = Vec::new();
    for _ in 0..12 {
        let team = done(&stage.alice, CREATE, create(&stage.acme, json!({}))).await["team"].clone();
        colors.push(team["color"].as_str().unwrap().to_owned());
        slugs.push(team["slug"].as_str().unwrap().to_owned());
    }
    assert_eq!(colors[..12], PALETTE);
    assert_eq!(colors[12], PALETTE[0]);
    assert_eq!(slugs[0], "night-shift");
    assert!(slugs[1..].iter().all(|slug| slug.starts_with("night-shift-")), "{slugs:?}");
    slugs.sort();
    slugs.dedup();
    assert_eq!(slugs.len(), 12);
    // Another organization has slugs of its own.
    let globex = stage.roster.organization(&stage.dave, "Globex").await;
    let other = done(&stage.dave, CREATE, create(&globex, json!({ "slug": "CREW" }))).await;
    assert_eq!(other["team"]["slug"], "crew");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_new_team_is_told_at_once() {
    let stage = Stage::set().await;
    let bad = create(&stage.acme, json!({ "name": " ", "slug": "no slug", "description": "\u{202e}", "color": "red" }));
    let at = |code: &str, field: &str| json!({ "code": code, "path": ["input", field] });
    assert_eq!(
        refused(&stage.alice, CREATE, bad).await,
        json!([at("BLANK", "name"), at("INVALID", "slug"), at("INVALID", "description"), at("INVALID", "color")])
    );
    let long = create(&stage.acme, json!({ "name": "x".repeat(101), "description": "x".repeat(2001), "slug": "crew" }));
    assert_eq!(refused_codes(&stage.alice, CREATE, long).await, ["TOO_LONG", "TAKEN", "TOO_LONG"]);
    let members = json!([member("bob"), member("nobody"), member("bob"), { "user": { "id": "usr_" } }]);
    let errors = refused(&stage.alice, CREATE, create(&stage.acme, json!({ "members": members }))).await;
    let at = |code: &str, index: &str| json!({ "code": code, "path": ["input", "members", index, "user"] });
    assert_eq!(errors, json!([at("NOT_MEMBER", "1"), at("DUPLICATE", "2"), at("NOT_FOUND", "3")]));
    let many: Vec<Value> = (0..101).map(|n| member(&format!("n{n}"))).collect();
    let errors = refused(&stage.alice, CREATE, create(&stage.acme, json!({ "members": many }))).await;
    assert_eq!(errors, json!([{ "code": "TOO_MANY", "path": ["input", "members"], "limit": 100, "actual": 101 }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_teams_is_the_limit() {
    let roster = Roster::start_with(|app| app.limits.teams = 2).await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    for name in ["One", "Two"] {
        roster.team(&alice, &acme, name, &[]).await;
    }
    let can = "{ organization(by: {slug: \"acme\"}) { viewerCan { createTeams { code } } } }";
    assert_eq!(alice.data(can, json!({})).await["organization"]["viewerCan"]["createTeams"]["code"], "LIMIT_REACHED");
    let errors = refused(&alice, CREATE, create(&acme, json!({}))).await;
    assert_eq!(errors, json!([{ "code": "LIMIT_REACHED", "path": null, "limit": 2, "actual": 2 }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_makes_creating_safe_to_repeat() {
    let stage = Stage::set().await;
    let input = create(&stage.acme, json!({ "members": [member("dave")], "idempotencyKey": "one" }));
    let first = done(&stage.alice, CREATE, input.clone()).await;
    let before = stage.roster.content().await;
    assert_eq!(done(&stage.alice, CREATE, input.clone()).await, first);
    assert_eq!(stage.roster.content().await, before);
    let other = with(input, json!({ "name": "Day Shift" }));
    assert_eq!(refused_codes(&stage.alice, CREATE, other).await, ["IDEMPOTENCY_KEY_REUSED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_manages_teams() {
    let stage = Stage::set().await;
    let (roster, acme, crew) = (&stage.roster, &stage.acme, &stage.crew);
    let (amy, _) = roster.member(&stage.alice, acme, "amy", "admin").await;
    let key = roster.key(acme, None, &["teams.manage"]).await;
    for (number, actor) in [&stage.alice, &amy, &key, &roster.operator()].into_iter().enumerate() {
        let name = format!("By {number}");
        roster.team(actor, acme, &name, &[]).await;
        done(actor, UPDATE, update(crew, json!({ "name": name }))).await;
    }
    let forbidden = json!([{ "code": "FORBIDDEN", "path": null, "requiredPermission": "teams.manage" }]);
    let reader = roster.key(acme, None, &["members.read"]).await;
    for actor in [&stage.bob, &stage.dave, &stage.vera, &reader] {
        assert_eq!(refused(actor, CREATE, create(acme, json!({}))).await, forbidden, "{}", actor.name);
        assert_eq!(refused(actor, UPDATE, update(crew, json!({ "name": "New" }))).await, forbidden);
        assert_eq!(refused(actor, DELETE, update(crew, json!({}))).await, forbidden);
    }
    let apollo = roster.project(&stage.alice, acme, "Apollo").await;
    let other = roster.organization(&stage.dave, "Globex").await;
    let strangers = [
        roster.person("zoe"),
        roster.member(&stage.alice, acme, "gus", "guest").await.0,
        roster.key(acme, Some(&apollo), &["teams.manage", "members.read", "project.read"]).await,
        roster.key(&other, None, &["teams.manage", "members.read"]).await,
        roster.key(acme, None, &["organization.update"]).await,
    ];
    for actor in &strangers {
        for mutation in [UPDATE, DELETE, LEAVE] {
            assert_eq!(refused_codes(actor, mutation, update(crew, json!({}))).await, ["NOT_FOUND"], "{}", actor.name);
        }
    }
    assert_eq!(
        roster.anonymous().error_codes(DELETE, json!({ "input": update(crew, json!({})) })).await,
        ["UNAUTHENTICATED"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_changes_in_what_is_given() {
    let stage = Stage::set().await;
    let (alice, crew) = (&stage.alice, &stage.crew);
    stage.roster.wait(TimeDelta::hours(1));
    let alice = &stage.roster.person(&alice.name);
    let before = stage.roster.events().await.len();
    let all =
        json!({ "name": " Ops ", "slug": "ops", "description": "On call.", "color": "#abcdef", "expectedVersion": 1 });
    let team = done(alice, UPDATE, update(crew, all.clone())).await["team"].clone();
    assert_eq!(
        team,
        json!({ "slug": "ops", "name": "Ops", "description": "On call.", "color": "#ABCDEF", "version": 2,
            "createdAt": "2026-11-21T09:00:00.000Z", "updatedAt": "2026-11-21T10:00:00.000Z" })
    );
    let found = "{ old: team(by: {path: {organization: \"acme\", team: \"crew\"}}) { id } new: organization(by: {slug: \"acme\"}) { team(slug: \"ops\") { name } teams(filter: {search: \"OPS\"}) { totalCount } } }";
    assert_eq!(
        alice.data(found, json!({})).await,
        json!({ "old": null, "new": { "team": { "name": "Ops" }, "teams": { "totalCount": 1 } } })
    );
    // What is as before is no change.
    let same = with(all, json!({ "expectedVersion": 2 }));
    assert_eq!(done(alice, UPDATE, update(crew, same)).await["team"]["version"], 2);
    assert_eq!(done(alice, UPDATE, update(crew, json!({}))).await["team"]["version"], 2);
    let cleared = done(alice, UPDATE, update(crew, json!({ "description": null }))).await["team"].clone();
    assert_eq!((&cleared["description"], &cleared["version"]), (&Value::Null, &json!(3)));
    assert_eq!(stage.since(before).await, ["team.updated", "team.updated"]);

    stage.roster.team(alice, &stage.acme, "Other", &[]).await;
    let bad = json!({ "name": null, "slug": null, "color": null, "expectedVersion": 1 });
    let at = |code: &str, field: &str| json!({ "code": code, "path": ["input", field] });
    let stale = json!({ "code": "STALE_VERSION", "path": ["input", "expectedVersion"], "currentVersion": 3 });
    assert_eq!(
        refused(alice, UPDATE, update(crew, bad)).await,
        json!([stale, at("BLANK", "name"), at("BLANK", "slug"), at("BLANK", "color")])
    );
    let bad = json!({ "name": "x".repeat(101), "slug": "other", "description": "x".repeat(2001), "color": "#12345" });
    assert_eq!(refused_codes(alice, UPDATE, update(crew, bad)).await, ["TOO_LONG", "TAKEN", "TOO_LONG", "INVALID"]);
    stage.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_team_is_gone_with_all_that_rests_on_it() {
    let stage = Stage::set().await;
    let (alice, crew) = (&stage.alice, &stage.crew);
    stage.roster.invite(alice, &stage.acme, "ina@example.com", "member").await;
    done(alice, super::ADD, super::adding(crew, json!([member("ina")]))).await;
    let stale = refused_codes(alice, DELETE, update(crew, json!({ "expectedVersion": 1 }))).await;
    assert_eq!(stale, ["STALE_VERSION"]);
    let before = stage.roster.events().await.len();
    let deleted = done(alice, DELETE, update(crew, json!({ "expectedVersion": 2 }))).await;
    assert_eq!(
        deleted,
        json!({ "deletedTeamId": crew, "organization": { "slug": "acme", "teams": { "totalCount": 0 } }, "userErrors": [] })
    );
    assert_eq!(stage.since(before).await, ["invitation.updated", "team.deleted"]);
    assert_eq!(stage.roster.texts("SELECT email FROM team_members").await, Vec::<String>::new());
    assert_eq!(stage.roster.texts("SELECT team_id FROM invitation_teams").await, Vec::<String>::new());
    assert_eq!(refused_codes(alice, DELETE, update(crew, json!({}))).await, ["NOT_FOUND"]);
    stage.roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_leave_a_team() {
    let stage = Stage::set().await;
    let (roster, crew) = (&stage.roster, &stage.crew);
    for actor in [&stage.carol, &stage.bob] {
        let left = done(actor, LEAVE, update(crew, json!({}))).await;
        assert!(left["removedTeamMemberId"].as_str().unwrap().starts_with("tme_"));
        assert_eq!(left["team"]["slug"], "crew");
        assert_eq!(roster.events().await.pop().unwrap(), "team_member.removed");
    }
    assert_eq!(stage.members(crew).await, Vec::<String>::new());
    let key = roster.key(&stage.acme, None, &["members.read", "teams.manage"]).await;
    for actor in [&stage.alice, &stage.bob, &stage.dave, &key, &roster.operator()] {
        let errors = refused(actor, LEAVE, update(crew, json!({}))).await;
        assert_eq!(errors, json!([{ "code": "NOT_FOUND", "path": ["input", "team"] }]), "{}", actor.name);
    }
    roster.assert_counters().await;
}

/// Capabilities say what the mutations say.
#[tokio::test(flavor = "multi_thread")]
async fn capabilities_are_the_refusals_of_the_mutations() {
    let stage = Stage::set().await;
    let (roster, crew) = (&stage.roster, &stage.crew);
    let query = "query($id: ID!) { team(by: {id: $id}) { viewerCan { update { ...can } delete { ...can } manageMembers { ...can } leave { ...can } } \
        viewerMembership { role } members { nodes { viewerCan { updateRole { ...can } remove { ...can } } } } } } \
        fragment can on Capability { allowed code requiredPermission message }";
    let keys = roster.key(&stage.acme, None, &["members.read"]).await;
    let managing = roster.key(&stage.acme, None, &["members.read", "teams.manage"]).await;
    for actor in
        [&stage.alice, &stage.bob, &stage.carol, &stage.dave, &stage.vera, &keys, &managing, &roster.operator()]
    {
        let data = actor.data(query, json!({ "id": crew })).await;
        let can = &data["team"]["viewerCan"];
        let of_member = &data["team"]["members"]["nodes"][0]["viewerCan"];
        // Each with an input that changes nothing where it is allowed.
        let carol = super::named(crew, "carol");
        let tries = [
            (&can["update"], UPDATE, update(crew, json!({}))),
            (&can["manageMembers"], super::ADD, super::adding(crew, json!([member("carol")]))),
            (&can["manageMembers"], super::REPLACE, super::adding(crew, json!([lead("bob"), member("carol")]))),
            (&of_member["updateRole"], super::UPDATE_ROLE, json!({ "member": carol, "role": "MEMBER" })),
            (&of_member["remove"], super::REMOVE, json!({ "member": super::named(crew, "dave") })),
        ];
        for (capability, mutation, input) in tries {
            let errors = payload(actor, mutation, input).await["userErrors"].clone();
            assert_eq!(capability["allowed"], errors == json!([]), "{} {mutation}", actor.name);
            assert_eq!(capability["code"], errors[0]["code"], "{} {mutation}", actor.name);
            assert_eq!(capability["requiredPermission"], errors[0]["requiredPermission"]);
        }
        assert_eq!(can["delete"], can["update"]);
        let is_member = !data["team"]["viewerMembership"].is_null();
        assert_eq!(can["leave"]["allowed"], is_member);
        if !is_member {
            let errors = refused(actor, LEAVE, update(crew, json!({}))).await;
            assert_eq!(can["leave"]["code"], errors[0]["code"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_who_take_a_slug_has_it() {
    let stage = Stage::set().await;
    let tries = (0..32).map(|n| {
        let (alice, input) =
            (stage.alice.clone(), create(&stage.acme, json!({ "name": format!("N{n}"), "slug": "same" })));
        tokio::spawn(async move { payload(&alice, CREATE, input).await })
    });
    let answers: Vec<Value> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|answer| answer["userErrors"] == json!([])).count(), 1);
    let taken = answers.iter().filter(|answer| codes(&answer["userErrors"]) == ["TAKEN"]);
    assert_eq!(taken.count(), 31);
    assert_eq!(stage.roster.texts("SELECT slug FROM teams WHERE slug = 'same'").await.len(), 1);
    stage.roster.assert_counters().await;
    let node = "query($id: ID!) { node(id: $id) { id ... on Team { slug } } }";
    let created = answers.iter().find(|answer| answer["userErrors"] == json!([])).unwrap();
    let found = stage.vera.data(node, json!({ "id": id(&created["team"]) })).await;
    assert_eq!(found["node"]["slug"], "same");
}

/// What `roster dev` shows first has teams in it, with somebody who is only invited.
#[tokio::test(flavor = "multi_thread")]
async fn the_demo_data_has_teams() {
    use roster::commands::story::{QUERY, tell};
    let roster = Roster::start().await;
    tell(&roster.app).await.unwrap();
    roster.assert_counters().await;
    let data = roster.person("alice").data(QUERY, json!({})).await;
    let teams = data["organization"]["teams"]["nodes"].as_array().unwrap();
    let names: Vec<&str> = teams.iter().map(|team| team["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Design", "Launch"]);
    let launch = super::members(&roster.person("alice"), &launch(&roster).await).await;
    assert_eq!(
        launch,
        [
            "bob MEMBER ACCEPTED",
            "carol LEAD ACCEPTED",
            "erin MEMBER ACCEPTED",
            "olivia MEMBER PENDING",
            "sybil MEMBER PENDING",
        ]
    );
}

async fn launch(roster: &Roster) -> String {
    let query = "{ team(by: {path: {organization: \"acme\", team: \"launch\"}}) { id } }";
    id(&roster.person("alice").data(query, json!({})).await["team"])
}
