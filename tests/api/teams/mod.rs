//! Teams, their members, and invitees who will be members.

mod invitations;
mod lifecycle;
mod lists;
mod members;
mod replace;

use serde_json::{Value, json};

use crate::support::{Actor, Roster, codes};

macro_rules! errors {
    () => {
        "userErrors { code path ... on PermissionUserError { requiredPermission } ... on LimitUserError { limit actual } ... on VersionUserError { currentVersion } }"
    };
}
macro_rules! mutation {
    ($mutation:literal, $input:literal, $fields:literal) => {
        concat!(
            "mutation($input: ",
            $input,
            "!) { payload: ",
            $mutation,
            "(input: $input) { ",
            $fields,
            " ",
            errors!(),
            " } }"
        )
    };
}
macro_rules! bulk {
    ($mutation:literal, $input:literal) => {
        concat!(
            "mutation($input: ",
            $input,
            "!) { payload: ",
            $mutation,
            "(input: $input) { team { version } summary { total succeeded skipped failed } \
             results { index status change removedTeamMemberId member { id role status email } ",
            errors!(),
            " } ",
            errors!(),
            " } }"
        )
    };
}

const CREATE: &str = mutation!(
    "teamCreate",
    "TeamCreateInput",
    "team { id slug name description color version organization { slug } members { nodes { email role status } totalCount } }"
);
const UPDATE: &str =
    mutation!("teamUpdate", "TeamUpdateInput", "team { slug name description color version updatedAt createdAt }");
const DELETE: &str =
    mutation!("teamDelete", "TeamDeleteInput", "deletedTeamId organization { slug teams { totalCount } }");
const LEAVE: &str = mutation!("teamLeave", "TeamLeaveInput", "removedTeamMemberId team { slug version }");
const ADD: &str = bulk!("teamMembersAdd", "TeamMembersAddInput");
const REPLACE: &str = bulk!("teamMembersReplace", "TeamMembersReplaceInput");
const UPDATE_ROLE: &str =
    mutation!("teamMemberUpdateRole", "TeamMemberUpdateRoleInput", "member { id role status email team { version } }");
const REMOVE: &str =
    mutation!("teamMemberRemove", "TeamMemberRemoveInput", "removedTeamMemberId team { slug version }");

/// An organization Acme of alice's, with a team Crew that bob leads and carol is in; dave is in neither, and
/// vera is a viewer.
struct Stage {
    roster: Roster,
    alice: Actor,
    bob: Actor,
    carol: Actor,
    dave: Actor,
    vera: Actor,
    acme: String,
    crew: String,
}

impl Stage {
    async fn set() -> Self {
        let roster = Roster::start().await;
        let alice = roster.person("alice");
        let acme = roster.organization(&alice, "Acme").await;
        let mut people = Vec::new();
        for (name, role) in [("bob", "member"), ("carol", "member"), ("dave", "member"), ("vera", "viewer")] {
            people.push(roster.member(&alice, &acme, name, role).await.0);
        }
        let crew = roster.team(&alice, &acme, "Crew", &["bob", "carol"]).await;
        let [bob, carol, dave, vera] = people.try_into().ok().unwrap();
        Self { roster, alice, bob, carol, dave, vera, acme, crew }
    }

    /// Everybody in a team, as its list shows them by address.
    async fn members(&self, team: &str) -> Vec<String> {
        members(&self.alice, team).await
    }

    /// What happened since a number of events.
    async fn since(&self, events: usize) -> Vec<String> {
        self.roster.events().await.split_off(events)
    }

    async fn version(&self) -> i64 {
        let found = self.roster.texts("SELECT version FROM teams WHERE slug = 'crew'").await;
        found[0].parse().unwrap()
    }
}

async fn members(actor: &Actor, team: &str) -> Vec<String> {
    let query = "query($id: ID!) { team(by: {id: $id}) { members(first: 100, orderBy: {field: EMAIL}) { nodes { email role status } totalCount } } }";
    let data = actor.data(query, json!({ "id": team })).await;
    let nodes = data["team"]["members"]["nodes"].as_array().unwrap_or_else(|| panic!("no members in {data}"));
    assert_eq!(data["team"]["members"]["totalCount"], nodes.len());
    nodes.iter().map(shown).collect()
}

/// `bob LEAD ACCEPTED`.
fn shown(member: &Value) -> String {
    let text = |field: &str| member[field].as_str().unwrap().to_owned();
    format!("{} {} {}", text("email").trim_end_matches("@example.com"), text("role"), text("status"))
}

fn by(email: &str) -> Value {
    json!({ "email": format!("{email}@example.com") })
}

fn member(email: &str) -> Value {
    json!({ "user": by(email) })
}

fn lead(email: &str) -> Value {
    json!({ "user": by(email), "role": "LEAD" })
}

fn named(team: &str, email: &str) -> Value {
    json!({ "lookup": { "team": { "id": team }, "user": by(email) } })
}

fn adding(team: &str, members: Value) -> Value {
    json!({ "team": { "id": team }, "members": members })
}

fn with(mut input: Value, more: Value) -> Value {
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

/// The payload of what is not refused.
async fn done(actor: &Actor, mutation: &str, input: Value) -> Value {
    let payload = payload(actor, mutation, input).await;
    assert_eq!(payload["userErrors"], json!([]));
    payload
}

async fn payload(actor: &Actor, mutation: &str, input: Value) -> Value {
    let data = actor.data(mutation, json!({ "input": input })).await;
    let name = mutation.split("payload: ").nth(1).unwrap().split('(').next().unwrap();
    let items = data["payload"]["results"].as_array().into_iter().flatten();
    for errors in std::iter::once(&data["payload"]).chain(items).map(|refused| &refused["userErrors"]) {
        for code in codes(errors) {
            crate::support::assert_listed(name, &code);
        }
    }
    data["payload"].clone()
}

/// The errors of what is refused, after which everything is as it was before.
async fn refused(actor: &Actor, mutation: &str, input: Value) -> Value {
    let before = actor.roster.content().await;
    let payload = payload(actor, mutation, input.clone()).await;
    assert_ne!(payload["userErrors"], json!([]), "{} may {input}", actor.name);
    assert_eq!(actor.roster.content().await, before, "{} changed something by {input}", actor.name);
    payload["userErrors"].clone()
}

async fn refused_codes(actor: &Actor, mutation: &str, input: Value) -> Vec<String> {
    codes(&refused(actor, mutation, input).await)
}

/// What became of each item: outcome, change, codes, role.
fn outcomes(payload: &Value) -> Vec<String> {
    let results = payload["results"].as_array().unwrap_or_else(|| panic!("refused: {payload}"));
    let outcome = |result: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let codes = codes(&result["userErrors"]).join("+");
        format!("{} {} {codes} {}", text(&result["status"]), text(&result["change"]), text(&result["member"]["role"]))
    };
    results.iter().map(outcome).collect()
}
