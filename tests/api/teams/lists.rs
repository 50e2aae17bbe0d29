//! Reading teams and their members: who sees them, in which order, and at what cost.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{ADD, Stage, adding, done, lead, member, members};
use crate::support::Actor;

#[tokio::test(flavor = "multi_thread")]
async fn who_sees_teams() {
    let stage = Stage::set().await;
    let (roster, acme, crew) = (&stage.roster, &stage.acme, &stage.crew);
    roster.sql("UPDATE organizations SET visibility = 'PUBLIC'").await;
    let tme = roster.texts("SELECT id FROM team_members LIMIT 1").await;
    let tme = roster::domain::id::TeamMemberId(tme[0].parse().unwrap()).to_string();
    let one = "query($id: ID!, $member: ID!) { team(by: {id: $id}) { slug } node(id: $id) { id } member: node(id: $member) { id } \
        path: team(by: {path: {organization: \"acme\", team: \"crew\"}}) { id } organization(by: {slug: \"acme\"}) { team(slug: \"crew\") { slug } } }";
    let all = "{ organization(by: {slug: \"acme\"}) { teams { nodes { slug members { nodes { email } } } } } }";
    let reader = roster.key(acme, None, &["members.read"]).await;
    for actor in [&stage.alice, &stage.bob, &stage.dave, &stage.vera, &reader, &roster.operator()] {
        let data = actor.data(one, json!({ "id": crew, "member": tme })).await;
        assert_eq!(data["team"]["slug"], "crew", "{}", actor.name);
        assert_eq!((&data["node"]["id"], &data["path"]["id"]), (&json!(crew), &json!(crew)));
        assert_eq!((&data["organization"]["team"]["slug"], &data["member"]["id"]), (&json!("crew"), &json!(tme)));
        let data = actor.data(all, json!({})).await;
        assert_eq!(data["organization"]["teams"]["nodes"][0]["members"]["nodes"].as_array().unwrap().len(), 2);
    }
    let apollo = roster.project(&stage.alice, acme, "Apollo").await;
    let globex = roster.organization(&stage.dave, "Globex").await;
    let strangers = [
        (roster.person("zoe"), "FORBIDDEN"),
        (roster.anonymous(), "UNAUTHENTICATED"),
        (roster.key(acme, Some(&apollo), &["members.read", "project.members.read"]).await, "FORBIDDEN"),
        (roster.key(&globex, None, &["members.read"]).await, "FORBIDDEN"),
    ];
    for (actor, code) in &strangers {
        let data = actor.data(one, json!({ "id": crew, "member": tme })).await;
        assert_eq!(
            data,
            json!({ "team": null, "node": null, "member": null, "path": null, "organization": { "team": null } }),
            "{}",
            actor.name
        );
        assert_eq!(actor.error_codes(all, json!({})).await, [*code], "{}", actor.name);
    }
    // Who manages teams knows them, and not who is in them.
    let manager = roster.key(acme, None, &["teams.manage"]).await;
    let data = manager.data(one, json!({ "id": crew, "member": tme })).await;
    assert_eq!(
        (&data["team"]["slug"], &data["node"]["id"], &data["member"]),
        (&json!("crew"), &json!(crew), &json!(null))
    );
    let members = "query($id: ID!) { team(by: {id: $id}) { members { nodes { id } } } }";
    assert_eq!(manager.error_codes(members, json!({ "id": crew })).await, ["FORBIDDEN"]);
    assert_eq!(manager.error_codes(all, json!({})).await, ["FORBIDDEN"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_are_ordered_and_found() {
    let stage = Stage::set().await;
    let (roster, alice, acme) = (&stage.roster, &stage.alice, &stage.acme);
    roster.wait(TimeDelta::hours(1));
    roster.team(alice, acme, "Álpha", &["bob", "carol", "dave"]).await;
    roster.wait(TimeDelta::hours(1));
    roster.team(alice, acme, "beta", &[]).await;
    roster.invite(alice, acme, "ina@example.com", "member").await;
    let find = async |arguments: &str| {
        let query = format!(
            "{{ organization(by: {{slug: \"acme\"}}) {{ teams{arguments} {{ totalCount nodes {{ slug }} }} }} }}"
        );
        let data = alice.data(&query, json!({})).await;
        let teams = &data["organization"]["teams"];
        let slugs: Vec<&str> =
            teams["nodes"].as_array().unwrap().iter().map(|team| team["slug"].as_str().unwrap()).collect();
        assert_eq!(teams["totalCount"], slugs.len());
        slugs.join(" ")
    };
    assert_eq!(find("").await, "alpha beta crew");
    assert_eq!(find("(orderBy: {field: NAME, direction: DESC})").await, "crew beta alpha");
    assert_eq!(find("(orderBy: {field: CREATED_AT})").await, "crew alpha beta");
    assert_eq!(find("(orderBy: {field: MEMBER_COUNT})").await, "beta crew alpha");
    assert_eq!(find("(orderBy: {field: MEMBER_COUNT, direction: DESC})").await, "alpha crew beta");
    assert_eq!(find("(filter: {search: \"ÁLP\"})").await, "alpha");
    assert_eq!(find("(filter: {member: {email: \"dave@example.com\"}})").await, "alpha");
    assert_eq!(find("(filter: {member: {email: \"carol@example.com\"}, search: \"cr\"})").await, "crew");
    assert_eq!(find("(filter: {member: {email: \"ina@example.com\"}})").await, "");
    assert_eq!(find("(filter: {search: \"%\"})").await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn members_and_invitees_are_one_list() {
    let stage = Stage::set().await;
    let (roster, alice, crew) = (&stage.roster, &stage.alice, &stage.crew);
    for name in ["aaron", "cleo"] {
        roster.invite(alice, &stage.acme, &format!("{name}@example.com"), "member").await;
    }
    roster.wait(TimeDelta::hours(1));
    done(alice, ADD, adding(crew, json!([lead("cleo"), member("aaron"), member("dave")]))).await;
    let find = async |arguments: &str| {
        let query = format!(
            "query($id: ID!) {{ team(by: {{id: $id}}) {{ members{arguments} {{ totalCount nodes {{ email }} }} }} }}"
        );
        let data = alice.data(&query, json!({ "id": crew })).await;
        let list = &data["team"]["members"];
        let names: Vec<&str> = list["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| node["email"].as_str().unwrap().split('@').next().unwrap())
            .collect();
        assert_eq!(list["totalCount"], names.len());
        names.join(" ")
    };
    assert_eq!(find("").await, "aaron bob carol cleo dave");
    assert_eq!(find("(orderBy: {field: NAME, direction: DESC})").await, "dave cleo carol bob aaron");
    assert_eq!(find("(orderBy: {field: EMAIL})").await, "aaron bob carol cleo dave");
    assert_eq!(find("(orderBy: {field: ADDED_AT}, first: 5, filter: {roles: [LEAD]})").await, "bob cleo");
    let by_role = find("(orderBy: {field: ROLE})").await;
    assert!(by_role.starts_with("bob cleo ") || by_role.starts_with("cleo bob "), "{by_role}");
    assert_eq!(find("(filter: {search: \"C\", statuses: [PENDING]})").await, "aaron cleo", "all are at example.com");
    assert_eq!(find("(filter: {search: \"CLEO@\"})").await, "cleo");
    assert_eq!(find("(filter: {statuses: [ACCEPTED], roles: [MEMBER]})").await, "carol dave");
    assert_eq!(find("(filter: {statuses: [ACCEPTED, PENDING]})").await, "aaron bob carol cleo dave");
    assert_eq!(find("(filter: {statuses: []})").await, "");

    // An invitee shows what is known of them; their invitation is for those who see invitations.
    let query = "query($id: ID!) { team(by: {id: $id}) { members(filter: {search: \"cleo\"}) { nodes { status role email addedAt user { id } organizationMember { id } invitation { email } team { slug } } } } }";
    let shown = json!({ "status": "PENDING", "role": "LEAD", "email": "cleo@example.com", "addedAt": "2026-11-21T10:00:00.000Z", "user": null, "organizationMember": null, "invitation": { "email": "cleo@example.com" }, "team": { "slug": "crew" } });
    let data = alice.data(query, json!({ "id": crew })).await;
    assert_eq!(data["team"]["members"]["nodes"], json!([shown]));
    let data = stage.vera.data(query, json!({ "id": crew })).await;
    assert_eq!(data["team"]["members"]["nodes"][0]["invitation"], Value::Null);
    assert_eq!(members(&stage.vera, crew).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_teams_of_a_person_are_those_the_viewer_sees() {
    let stage = Stage::set().await;
    let (roster, alice, acme) = (&stage.roster, &stage.alice, &stage.acme);
    roster.wait(TimeDelta::hours(1));
    roster.team(alice, acme, "Other", &["dave", "carol"]).await;
    let query = "{ organization(by: {slug: \"acme\"}) { member(user: {email: \"carol@example.com\"}) { teamMemberships { totalCount nodes { role team { slug } } } } } }";
    for actor in [alice, &stage.vera] {
        let data = actor.data(query, json!({})).await;
        assert_eq!(
            data["organization"]["member"]["teamMemberships"],
            json!({ "totalCount": 2, "nodes": [{ "role": "MEMBER", "team": { "slug": "crew" } }, { "role": "MEMBER", "team": { "slug": "other" } }] })
        );
    }
    let backwards = "{ organization(by: {slug: \"acme\"}) { member(user: {email: \"carol@example.com\"}) { teamMemberships(last: 1) { pageInfo { hasPreviousPage } nodes { team { slug } } } } } }";
    let data = alice.data(backwards, json!({})).await;
    let page = &data["organization"]["member"]["teamMemberships"];
    assert_eq!(
        (&page["nodes"][0]["team"]["slug"], &page["pageInfo"]["hasPreviousPage"]),
        (&json!("other"), &json!(true))
    );
    // Who does not see who is in teams sees those they are in, and nobody else there.
    let permissions = "UPDATE roles SET built_in = NULL, permissions = '{projects.create}' WHERE scope = 'ORGANIZATION' AND key = 'member'";
    roster.sql(permissions).await;
    let quiet = roster.team(alice, acme, "Quiet", &["dave"]).await;
    let own = "{ organization(by: {slug: \"acme\"}) { viewerMembership { teamMemberships { totalCount nodes { role team { slug } } pageInfo { hasNextPage } } } } }";
    let shown = stage.carol.data(own, json!({})).await["organization"]["viewerMembership"]["teamMemberships"].clone();
    let both =
        json!([{ "role": "MEMBER", "team": { "slug": "crew" } }, { "role": "MEMBER", "team": { "slug": "other" } }]);
    assert_eq!(shown, json!({ "totalCount": 2, "nodes": both, "pageInfo": { "hasNextPage": false } }));
    let team = "query($id: ID!) { team(by: {id: $id}) { slug } }";
    assert_eq!(stage.carol.data(team, json!({ "id": stage.crew })).await["team"]["slug"], "crew");
    assert_eq!(stage.carol.data(team, json!({ "id": quiet })).await["team"], Value::Null);
    let members = "query($id: ID!) { team(by: {id: $id}) { members { nodes { id } } } }";
    assert_eq!(stage.carol.error_codes(members, json!({ "id": stage.crew })).await, ["FORBIDDEN"]);
    let node = "query($id: ID!) { node(id: $id) { id } }";
    let of = async |person: &str| {
        let row = format!(
            "SELECT id FROM team_members WHERE email = '{person}@example.com' AND team_id = (SELECT id FROM teams WHERE slug = 'other')"
        );
        roster::domain::id::TeamMemberId(roster.texts(&row).await[0].parse().unwrap()).to_string()
    };
    for (person, is_shown) in [("carol", true), ("dave", false)] {
        assert_eq!(stage.carol.data(node, json!({ "id": of(person).await })).await["node"].is_object(), is_shown);
    }
    // Leaving stays theirs.
    done(&stage.carol, super::LEAVE, json!({ "team": { "id": stage.crew } })).await;
}

/// Every row once, forward and backward, whatever the page size, in an order whose keys mostly repeat.
#[tokio::test(flavor = "multi_thread")]
async fn every_member_and_every_team_is_on_one_page() {
    let stage = Stage::set().await;
    let (roster, alice, acme, crew) = (&stage.roster, &stage.alice, &stage.acme, &stage.crew);
    roster.crowd("acme", 20, "'Name ' || n % 4").await;
    let users = roster.texts("SELECT user_id FROM organization_members WHERE email LIKE '%@crowd.example'").await;
    let people: Vec<Value> = users.iter().enumerate().map(|(n, id)| json!({ "user": { "id": roster::domain::id::UserId(id.parse().unwrap()).to_string() }, "role": if n % 3 == 0 { "LEAD" } else { "MEMBER" } })).collect();
    done(alice, ADD, adding(crew, json!(people))).await;
    for n in 0..5 {
        roster.invite(alice, acme, &format!("name.{n}@later.example"), "member").await;
        done(alice, ADD, adding(crew, json!([{ "user": { "email": format!("name.{n}@later.example") } }]))).await;
    }
    for n in 0..9 {
        let name = format!("Team {}", n % 2);
        roster.team(alice, acme, &name, &["bob", "carol", "dave"][..n % 4]).await;
    }
    let in_crew = format!("team(by: {{id: \"{crew}\"}})");
    for (within, field, orders, length) in [
        (in_crew.as_str(), "members", ["NAME", "EMAIL", "ADDED_AT", "ROLE"].as_slice(), 27),
        ("organization(by: {slug: \"acme\"})", "teams", ["NAME", "CREATED_AT", "MEMBER_COUNT"].as_slice(), 10),
    ] {
        for order in orders {
            for direction in ["ASC", "DESC"] {
                let order = format!("{{field: {order}, direction: {direction}}}");
                let whole = page(alice, within, field, &order, "first: 100").await.0;
                assert_eq!(whole.len(), length);
                assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), length);
                for size in [1, 4, length] {
                    let forward = paged(alice, within, field, &order, ("first", "after"), size).await;
                    assert_eq!(forward, whole, "{field} {order} by {size}");
                    let backward = paged(alice, within, field, &order, ("last", "before"), size).await;
                    assert_eq!(backward, whole, "{field} {order} by {size}, backward");
                }
                let numbered = page(alice, within, field, &order, "first: 3, offset: 2").await.0;
                assert_eq!(numbered, whole[2..5]);
            }
        }
    }
}

/// The ids of a page, and where it goes on.
async fn page(actor: &Actor, within: &str, field: &str, order: &str, arguments: &str) -> (Vec<String>, Value) {
    let query = format!(
        "{{ found: {within} {{ list: {field}(orderBy: {order}, {arguments}) {{ nodes {{ id }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }} }}"
    );
    let data = actor.data(&query, json!({})).await;
    let list = &data["found"]["list"];
    let ids = list["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap().to_owned());
    (ids.collect(), list["pageInfo"].clone())
}

async fn paged(
    actor: &Actor,
    within: &str,
    field: &str,
    order: &str,
    (size, side): (&str, &str),
    count: usize,
) -> Vec<String> {
    let (more, cursor) =
        if side == "after" { ("hasNextPage", "endCursor") } else { ("hasPreviousPage", "startCursor") };
    let mut all = Vec::new();
    let mut arguments = format!("{size}: {count}");
    loop {
        let (ids, info) = page(actor, within, field, order, &arguments).await;
        all = if side == "after" { [all, ids].concat() } else { [ids, all].concat() };
        if info[more] == false {
            return all;
        }
        arguments = format!("{size}: {count}, {side}: {}", info[cursor]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_teams_take_as_many_statements_as_one() {
    // Two, as what is asked for in two places of one query is loaded once or twice, as it comes.
    const PEOPLE: &str = "{ organization(by: {slug: \"acme\"}) { teams(first: 20) { totalCount nodes { name viewerMembership { role } viewerCan { update { allowed } leave { allowed } } \
        members(first: 5) { totalCount nodes { status email user { displayName } organizationMember { role { name } teamMemberships(first: 2) { totalCount nodes { team { name } } } } \
        viewerCan { remove { allowed } } } } } } } }";
    const INVITEES: &str = "{ organization(by: {slug: \"acme\"}) { teams(first: 20) { nodes { \
        members(first: 5, filter: {statuses: [PENDING]}) { nodes { invitation { email teams { team { name } role } } } } } } } }";
    let stage = Stage::set().await;
    let (roster, acme) = (&stage.roster, &stage.acme);
    roster.invite(&stage.alice, acme, "ina@example.com", "member").await;
    done(&stage.alice, ADD, adding(&stage.crew, json!([member("ina")]))).await;
    for (actor, query, most) in [(&stage.alice, PEOPLE, 13), (&stage.bob, PEOPLE, 13), (&stage.alice, INVITEES, 9)] {
        let cost = async || {
            actor.data("{ viewer { user { id } } }", json!({})).await;
            let before = roster.app.db.statements();
            let data = actor.data(query, json!({})).await;
            (roster.app.db.statements() - before, data["organization"]["teams"]["nodes"].as_array().unwrap().len())
        };
        let (of_few, few) = cost().await;
        for n in 0..5 {
            let team = roster.team(&stage.alice, acme, &format!("Team {n}"), &["bob", "carol", "dave"]).await;
            done(&stage.alice, ADD, adding(&team, json!([member("ina")]))).await;
        }
        let (of_many, many) = cost().await;
        assert_eq!(many, few + 5);
        assert_eq!(of_many, of_few, "{}", actor.name);
        assert!(of_few <= most, "{of_few}");
    }
}
