//! What happened, from every server to every server.

use serde_json::{Value, json};

use crate::support::{
    Actor, Roster,
    net::{Heard, Listening, Socket},
};

async fn listen_as(listening: &Listening, actor: &Actor) -> Socket {
    let mut socket = listening.socket().await;
    socket.init(actor.authorization()).await;
    let query = "subscription { viewerInvitationChanged { organizationName status } }";
    socket.say(json!({ "type": "subscribe", "id": "a", "payload": { "query": query } })).await;
    socket.say(json!({ "type": "subscribe", "id": "begun", "payload": { "query": "{ __typename }" } })).await;
    assert_eq!(
        (socket.message().await["type"].clone(), socket.message().await["type"].clone()),
        (json!("next"), json!("complete"))
    );
    socket
}

/// Organization and status of the next invitation that is told.
async fn heard(socket: &mut Socket) -> (String, String) {
    let message = socket.message().await;
    let told = &message["payload"]["data"]["viewerInvitationChanged"];
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{message}")).to_owned();
    (text(&told["organizationName"]), text(&told["status"]))
}

fn pending(organization: &str) -> (String, String) {
    (organization.to_owned(), "PENDING".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_server_did_another_tells() {
    let here = Roster::start().await;
    let there = here.replica();
    let (alice, bob) = (here.person("alice"), here.person("bob"));
    let acme = here.organization(&alice, "Acme").await;
    let (first, second) = (here.listen().await, there.listen().await);
    let mut sockets = [listen_as(&first, &bob).await, listen_as(&second, &bob).await, listen_as(&second, &bob).await];
    here.invite(&alice, &acme, "bob@example.com", "member").await;
    for socket in &mut sockets {
        assert_eq!(heard(socket).await, pending("Acme"));
    }
    let globex = there.organization(&there.person("alice"), "Globex").await;
    there.invite(&there.person("alice"), &globex, "bob@example.com", "member").await;
    for socket in &mut sockets {
        assert_eq!(heard(socket).await, pending("Globex"));
    }
}

/// The table is the truth: what was committed and never dispatched, as when a server dies in between, is told too.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_left_behind_another_tells() {
    let (here, there) = {
        let here = Roster::start().await;
        let there = here.replica();
        (here, there)
    };
    let (alice, bob) = (here.person("alice"), here.person("bob"));
    let acme = here.organization(&alice, "Acme").await;
    // Nothing dispatches here.
    let listening = there.listen().await;
    let mut socket = listen_as(&listening, &bob).await;
    here.invite(&alice, &acme, "bob@example.com", "member").await;
    assert_eq!(heard(&mut socket).await, pending("Acme"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_loses_nothing() {
    let roster = Roster::start().await;
    let (alice, bob) = (roster.person("alice"), roster.person("bob"));
    let listening = roster.listen().await;
    let mut socket = listen_as(&listening, &bob).await;
    for n in 0..5 {
        let name = format!("Acme {n}");
        let organization = roster.organization(&alice, &name).await;
        // The connection that listens among them.
        roster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND (query ILIKE 'LISTEN%' OR query = '')").await;
        roster.invite(&alice, &organization, "bob@example.com", "member").await;
        assert_eq!(heard(&mut socket).await, pending(&name));
    }
}

/// Whatever many servers and many changes do at the same time: each event gets one place, without gaps, and within
/// an organization in the order in which things happened.
#[tokio::test(flavor = "multi_thread")]
async fn every_event_has_its_place() {
    let here = Roster::start().await;
    let there = here.replica();
    let listening = [here.listen().await, there.listen().await];
    let mut changes = tokio::task::JoinSet::new();
    for n in 0..16 {
        let roster = if n % 2 == 0 { here.clone() } else { there.clone() };
        changes.spawn(async move {
            let alice = roster.person(&format!("alice{n}"));
            let acme = roster.organization(&alice, &format!("Acme {n}")).await;
            for invitee in 0..4 {
                roster.invite(&alice, &acme, &format!("p{invitee}@example.com"), "member").await;
            }
        });
    }
    changes.join_all().await;
    for listening in listening {
        listening.stop();
        listening.stopped().await;
    }
    assert_eq!(here.texts("SELECT count(*) FROM events WHERE position IS NULL").await, ["0"]);
    let places = "SELECT count(*) = max(position) AND count(DISTINCT position) = count(*) AND max(position) = (SELECT last_position FROM feed) FROM events";
    assert_eq!(here.texts(places).await, ["true"]);
    let disorder = "SELECT count(*) FROM events a JOIN events b USING (organization_id) WHERE a.version < b.version AND a.position > b.position";
    assert_eq!(here.texts(disorder).await, ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_rolled_back_is_never_told() {
    let roster = Roster::start().await;
    let (alice, bob) = (roster.person("alice"), roster.person("bob"));
    let acme = roster.organization(&alice, "Acme").await;
    let listening = roster.listen().await;
    let mut socket = listen_as(&listening, &bob).await;
    let dry = "mutation($id: ID!) { organizationInvite(input: {organization: {id: $id}, emails: [\"bob@example.com\"], dryRun: true}) { results { status } } }";
    assert_eq!(alice.data(dry, json!({ "id": acme })).await["organizationInvite"]["results"][0]["status"], "SUCCEEDED");
    let refused = "mutation($id: ID!) { organizationInvite(input: {organization: {id: $id}, emails: [\"bob@example.com\"], role: {key: \"owner\"}}) { userErrors { code } } }";
    alice.refused(refused, json!({ "id": acme })).await;
    roster.invite(&alice, &acme, "bob@example.com", "member").await;
    assert_eq!(heard(&mut socket).await, pending("Acme"));
    listening.stop();
    assert_eq!(socket.hear().await, Heard::Closed(1001));
}
