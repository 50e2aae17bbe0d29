//! Recording plans, and the seats that they have.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{
    concurrency::{CROWD, acme, at_once},
    support::{ACCEPT, Actor, Roster, codes, token},
};

const PLAN: &str = "mutation($input: OrganizationPlanUpdateInput!) { organizationPlanUpdate(input: $input) {
  organization { version plan { tier trial { isActive endsAt } seats { limit used pending available } } } userErrors { code path } } }";
const INVITE: &str = "mutation($organization: ID!, $emails: [String!]!) { payload: organizationInvite(input: {organization: {id: $organization}, emails: $emails}) { results { acceptUrl status } userErrors { code ... on LimitUserError { limit actual } } } }";
const PROJECT_INVITE: &str = "mutation($project: ID!, $emails: [String!]!) { payload: projectInvite(input: {project: {id: $project}, emails: $emails}) { results { acceptUrl status } userErrors { code } } }";
const RESEND: &str =
    "mutation($id: ID!) { payload: invitationResend(input: {invitationId: $id}) { acceptUrl userErrors { code } } }";

async fn plan(actor: &Actor, mut input: Value) -> Value {
    input["organization"] = json!({ "slug": "acme" });
    actor.payload(PLAN, json!({ "input": input })).await
}

async fn refused(actor: &Actor, mut input: Value) -> Vec<String> {
    input["organization"] = json!({ "slug": "acme" });
    actor.refused(PLAN, json!({ "input": input })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_is_replaced_as_a_whole() {
    let roster = Roster::start().await;
    let (alice, operator) = (roster.person("alice"), roster.operator());
    roster.organization(&alice, "Acme").await;
    let trial = "2026-11-22T10:00:00.123456789+01:00";
    let done = plan(&operator, json!({ "tier": "PREMIUM", "seats": 3, "trialEndsAt": trial })).await;
    assert_eq!(
        done,
        json!({
            "organization": { "version": 2, "plan": {
                "tier": "PREMIUM",
                "trial": { "isActive": true, "endsAt": "2026-11-22T09:00:00.123Z" },
                "seats": { "limit": 3, "used": 1, "pending": 0, "available": 2 },
            } },
            "userErrors": [],
        })
    );
    let data = roster.texts("SELECT data FROM events WHERE type = 'organization.plan_updated'").await;
    assert_eq!(
        serde_json::from_str::<Value>(&data[0]).unwrap(),
        json!({
            "before": { "tier": "FREE", "seats": null, "trialEndsAt": "2026-12-05T09:00:00Z" },
            "after": { "tier": "PREMIUM", "seats": 3, "trialEndsAt": "2026-11-22T09:00:00.123456Z" },
        })
    );
    // The same again changes nothing.
    let before = roster.content().await;
    assert_eq!(
        plan(&operator, json!({ "tier": "PREMIUM", "seats": 3, "trialEndsAt": trial })).await["organization"]["version"],
        2
    );
    assert_eq!(roster.content().await, before);
    roster.wait(TimeDelta::days(2));
    assert_eq!(
        plan(&operator, json!({ "tier": "PREMIUM", "seats": 3, "trialEndsAt": trial })).await["organization"]["plan"]["trial"]
            ["isActive"],
        false
    );
    // What is left out is unlimited, or no trial.
    let whole = plan(&operator, json!({ "tier": "ENTERPRISE" })).await;
    assert_eq!(
        whole["organization"]["plan"],
        json!({ "tier": "ENTERPRISE", "trial": null, "seats": { "limit": null, "used": 1, "pending": 0, "available": null } })
    );
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_records_plans_and_nobody_else() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (ada, _) = roster.member(&alice, &acme, "ada", "admin").await;
    let (victor, _) = roster.member(&alice, &acme, "victor", "viewer").await;
    let all: Vec<&str> = roster::access::Permission::ALL.iter().map(|permission| permission.key()).collect();
    let key = roster.key(&acme, None, &all).await;
    let (gus, _) = roster.member(&alice, &acme, "gus", "guest").await;
    for actor in [&alice, &ada, &victor, &gus, &key] {
        assert_eq!(refused(actor, json!({ "tier": "ENTERPRISE" })).await, ["FORBIDDEN"], "{}", actor.name);
    }
    let oscar = roster.person("oscar");
    assert_eq!(refused(&oscar, json!({ "tier": "ENTERPRISE" })).await, ["NOT_FOUND"]);
    roster.sql("UPDATE organizations SET visibility = 'PUBLIC'").await;
    assert_eq!(refused(&oscar, json!({ "tier": "ENTERPRISE" })).await, ["FORBIDDEN"]);
    let input = json!({ "input": { "organization": { "slug": "acme" }, "tier": "FREE" } });
    assert_eq!(roster.anonymous().error_codes(PLAN, input).await, ["UNAUTHENTICATED"]);
    assert_eq!(refused(&roster.operator(), json!({ "tier": "FREE", "seats": -1 })).await, ["INVALID"]);
    let nothing = json!({ "input": { "organization": { "slug": "nothing" }, "tier": "FREE" } });
    assert_eq!(roster.operator().refused(PLAN, nothing).await, ["NOT_FOUND"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_seats_than_taken_let_nobody_new_in() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    roster.member(&alice, &acme, "ada", "admin").await;
    let (_, token) = roster.invite(&alice, &acme, "bob@example.com", "member").await;
    let seats = plan(&roster.operator(), json!({ "tier": "STARTER", "seats": 1 })).await;
    assert_eq!(seats["organization"]["plan"]["seats"], json!({ "limit": 1, "used": 2, "pending": 1, "available": 0 }));
    let bob = roster.person("bob");
    bob.user_id().await;
    assert_eq!(bob.refused(ACCEPT, json!({ "token": token })).await, ["LIMIT_REACHED"]);
    let payload = alice.data(INVITE, json!({ "organization": acme, "emails": ["carol@example.com"] })).await;
    assert_eq!(payload["payload"]["userErrors"], json!([{ "code": "LIMIT_REACHED", "limit": 1, "actual": 4 }]));
    // No seats at all is a plan as well.
    assert_eq!(plan(&roster.operator(), json!({ "tier": "FREE", "seats": 0 })).await["userErrors"], json!([]));
    plan(&roster.operator(), json!({ "tier": "STARTER", "seats": 3 })).await;
    assert_eq!(bob.refusals(ACCEPT, json!({ "token": token })).await, Vec::<String>::new());
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_in_every_way_take_no_more_seats_than_there_are() {
    let _alone = CROWD.lock().await;
    let (roster, alice, organization) = acme().await;
    let apollo = roster.project(&alice, &organization, "Apollo").await;
    let mut lapsed = Vec::new();
    for number in 0..8 {
        lapsed.push(roster.invite(&alice, &organization, &format!("late{number}@example.com"), "member").await.0);
    }
    roster.wait(TimeDelta::days(8));
    let alice = roster.person("alice");
    plan(&roster.operator(), json!({ "tier": "STARTER", "seats": 6 })).await;
    let posts = (0..32).map(|number| {
        let emails = [format!("new{number}@example.com")];
        match number % 4 {
            0 | 1 => (alice.clone(), INVITE, json!({ "organization": organization, "emails": emails })),
            2 => (alice.clone(), PROJECT_INVITE, json!({ "project": apollo, "emails": emails })),
            _ => (alice.clone(), RESEND, json!({ "id": lapsed[number / 4] })),
        }
    });
    let answers = at_once(posts).await;
    let refusals: Vec<_> = answers.iter().map(|answer| codes(&answer["payload"]["userErrors"])).collect();
    assert_eq!(refusals.iter().filter(|codes| **codes == ["LIMIT_REACHED"]).count(), 27, "{refusals:?}");
    let counts = "SELECT member_count || ' ' || pending_invitation_count FROM organizations";
    assert_eq!(roster.texts(counts).await, ["1 5"]);
    roster.assert_counters().await;

    // Everybody who holds a seat comes in, at once.
    let posts = answers.iter().enumerate().filter_map(|(number, answer)| {
        let payload = &answer["payload"];
        let name = if number % 4 == 3 { format!("late{}", number / 4) } else { format!("new{number}") };
        let url = if number % 4 == 3 { &payload["acceptUrl"] } else { &payload["results"][0]["acceptUrl"] };
        url.is_string().then(|| (roster.person(&name), ACCEPT, json!({ "token": token(url) })))
    });
    for answer in at_once(posts).await {
        assert_eq!(answer["invitationAccept"]["userErrors"], json!([]));
    }
    assert_eq!(roster.texts(counts).await, ["6 0"]);
    roster.assert_counters().await;
}
