//! `graphql-transport-ws`, behaviour by behaviour.

use std::time::Duration;

use chrono::TimeDelta;
use roster::server::{SocketLimits, tokens::DevelopmentClaims};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{
    ACCEPT, Roster,
    net::{Heard, Listening, Socket},
};

const CHANGED: &str =
    "subscription { viewerInvitationChanged { email status organizationName organization { slug } } }";

fn subscribe(id: &str, query: &str) -> Value {
    json!({ "type": "subscribe", "id": id, "payload": { "query": query } })
}

/// The organization itself is there for its members alone.
fn changed(id: &str, status: &str) -> Value {
    let organization = if status == "ACCEPTED" { json!({ "slug": "acme" }) } else { Value::Null };
    let invitation = json!({ "email": "bob@example.com", "status": status, "organizationName": "Acme", "organization": organization });
    json!({ "type": "next", "id": id, "payload": { "data": { "viewerInvitationChanged": invitation } } })
}

/// A server, and Bob's socket to it.
async fn bob() -> (Roster, Listening, Socket) {
    let roster = Roster::start().await;
    let listening = roster.listen().await;
    let mut socket = listening.socket().await;
    socket.init(roster.person("bob").authorization()).await;
    (roster, listening, socket)
}

/// Waits until a subscription has begun: what is asked after it is answered after it.
async fn begun(socket: &mut Socket) {
    socket.say(subscribe("begun", "{ viewer { user { email } } }")).await;
    assert_eq!(socket.message().await["id"], "begun");
    assert_eq!(socket.message().await, json!({ "type": "complete", "id": "begun" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_told_as_it_happens() {
    let (roster, listening, mut bob) = bob().await;
    let (alice, invitee) = (roster.person("alice"), roster.person("bob"));
    let acme = roster.organization(&alice, "Acme").await;
    bob.say(subscribe("a", CHANGED)).await;
    begun(&mut bob).await;
    // Of others Bob hears nothing.
    roster.invite(&alice, &acme, "carol@example.com", "member").await;
    let (invitation, token) = roster.invite(&alice, &acme, "bob@example.com", "member").await;
    assert_eq!(bob.message().await, changed("a", "PENDING"));
    let revoke = "mutation($id: ID!) { invitationRevoke(input: {invitationId: $id}) { userErrors { code } } }";
    alice.data(revoke, json!({ "id": invitation })).await;
    assert_eq!(bob.message().await, changed("a", "REVOKED"));
    assert_eq!(invitee.refusals(ACCEPT, json!({ "token": token })).await, ["INVITATION_NOT_PENDING"]);
    let (_, token) = roster.invite(&alice, &acme, "bob@example.com", "admin").await;
    assert_eq!(bob.message().await, changed("a", "PENDING"));
    invitee.data(ACCEPT, json!({ "token": token })).await;
    assert_eq!(bob.message().await, changed("a", "ACCEPTED"));
    // After the client's own complete nothing comes, not even a complete.
    bob.say(json!({ "type": "complete", "id": "a" })).await;
    begun(&mut bob).await;
    let globex = roster.organization(&alice, "Globex").await;
    roster.invite(&alice, &globex, "bob@example.com", "member").await;
    begun(&mut bob).await;
    assert_eq!(roster.app.feed.subscribers(), 0);
    listening.stop();
    assert_eq!(bob.hear().await, Heard::Closed(1001));
    listening.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_and_mutations_are_answered_too() {
    let (roster, _listening, mut bob) = bob().await;
    bob.say(subscribe("q", "query { z: __typename viewer { user { email } } }")).await;
    let data = json!({ "z": "Query", "viewer": { "user": { "email": "bob@example.com" } } });
    assert_eq!(bob.message().await, json!({ "type": "next", "id": "q", "payload": { "data": data } }));
    assert_eq!(bob.message().await, json!({ "type": "complete", "id": "q" }));
    // The id is free again.
    bob.say(subscribe("q", "mutation { organizationCreate(input: {name: \"Bobs\"}) { organization { slug } } }")).await;
    assert_eq!(bob.message().await["payload"]["data"]["organizationCreate"]["organization"]["slug"], "bobs");
    assert_eq!(bob.message().await["type"], "complete");
    assert_eq!(roster.texts("SELECT slug FROM organizations").await, ["bobs"]);
    // A field that fails does not end anything: that is an answer.
    bob.say(subscribe("f", "{ organizations(first: 101) { totalCount } }")).await;
    let failed = bob.message().await;
    assert_eq!((&failed["type"], &failed["payload"]["data"]), (&json!("next"), &json!({ "organizations": null })));
    assert_eq!(failed["payload"]["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    assert_eq!(bob.message().await["type"], "complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_run_is_an_error_of_its_operation_alone() {
    let (_roster, _listening, mut bob) = bob().await;
    let two = "subscription { a: viewerInvitationChanged { id } b: viewerInvitationChanged { id } }";
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        (two, "GRAPHQL_VALIDATION_FAILED"),
        ("query A { __typename } query B { __typename }", "OPERATION_RESOLUTION_FAILURE"),
        ("query($id: ID!) { node(id: $id) { id } }", "BAD_USER_INPUT"),
        (&format!("{{ a(b: {}", "[".repeat(3_000)), "QUERY_TOO_DEEP"),
        ("{ organizations(first: 100) { nodes { members(first: 100) { nodes { id } } } } }", "QUERY_TOO_COMPLEX"),
    ] {
        bob.say(subscribe("x", query)).await;
        let error = bob.message().await;
        assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("x")), "{error}");
        assert_eq!(error["payload"][0]["extensions"]["code"], code, "{error}");
    }
    // Nothing follows an error, and the connection lives.
    begun(&mut bob).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_is_for_those_who_may() {
    let roster = Roster::start().await;
    let acme = roster.organization(&roster.person("alice"), "Acme").await;
    let listening = roster.listen().await;
    let key = roster.key(&acme, None, &["members.read"]).await;
    for (actor, code) in [
        (roster.anonymous(), "UNAUTHENTICATED"),
        (roster.unverified("bob"), "FORBIDDEN"),
        (key, "FORBIDDEN"),
        (roster.operator(), "FORBIDDEN"),
    ] {
        let mut socket = listening.socket().await;
        socket.init(actor.authorization()).await;
        socket.say(subscribe("a", CHANGED)).await;
        let error = socket.message().await;
        assert_eq!((&error["type"], &error["payload"][0]["extensions"]["code"]), (&json!("error"), &json!(code)));
    }
    // A key without any permission is no credential.
    let mut socket = listening.socket().await;
    let payload = json!({ "Authorization": roster.key(&acme, None, &[]).await.authorization() });
    socket.say(json!({ "type": "connection_init", "payload": payload })).await;
    assert_eq!(socket.hear().await, Heard::Closed(4403));
    assert_eq!(roster.app.feed.subscribers(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_lost_ends_what_rests_on_it() {
    let (roster, _listening, mut bob) = bob().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    bob.say(subscribe("a", CHANGED)).await;
    begun(&mut bob).await;
    // The identity provider no longer vouches for the address.
    roster.sql("UPDATE users SET email_verified = false WHERE email = 'bob@example.com'").await;
    roster.invite(&alice, &acme, "bob@example.com", "member").await;
    let error = bob.message().await;
    assert_eq!(error["payload"]["errors"][0]["extensions"]["code"], "FORBIDDEN", "{error}");
    assert_eq!(bob.message().await, json!({ "type": "complete", "id": "a" }));
    assert_eq!(roster.app.feed.subscribers(), 0);
    // Now the address is another's, who hears nothing of it either.
    roster.sql("UPDATE users SET email_verified = true WHERE email = 'bob@example.com'").await;
    bob.say(subscribe("b", CHANGED)).await;
    begun(&mut bob).await;
    roster.sql("UPDATE users SET email = 'robert@example.com' WHERE email = 'bob@example.com'").await;
    roster.sql("UPDATE invitations SET status = 'REVOKED', resolved_at = now()").await;
    let globex = roster.organization(&alice, "Globex").await;
    roster.invite(&alice, &globex, "bob@example.com", "member").await;
    assert_eq!(bob.message().await, json!({ "type": "complete", "id": "b" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_revoked_ends_its_connection() {
    let roster = Roster::start().await;
    let acme = roster.organization(&roster.person("alice"), "Acme").await;
    let listening = roster.listen().await;
    let key = roster.key(&acme, None, &["members.read"]).await;
    let mut socket = listening.socket().await;
    socket.init(key.authorization()).await;
    let members = "{ organization(by: {slug: \"acme\"}) { members { totalCount } } }";
    socket.say(subscribe("a", members)).await;
    assert_eq!(socket.message().await["payload"]["data"]["organization"]["members"]["totalCount"], 1);
    assert_eq!(socket.message().await["type"], "complete");
    roster.sql("UPDATE api_keys SET revoked_at = created_at").await;
    socket.say(subscribe("b", members)).await;
    assert_eq!(socket.hear().await, Heard::Closed(4403));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_ends_with_the_secret_that_it_was_opened_with() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let listening = roster.listen().await;
    let create = "mutation($organization: ID!) { apiKeyCreate(input: {organization: {id: $organization}, name: \"Backend\", permissions: [\"members.read\"]}) { secret apiKey { id } userErrors { code } } }";
    let made = alice.payload(create, json!({ "organization": acme })).await;
    let key = roster.actor("key", made["secret"].as_str().unwrap());
    let mut socket = listening.socket().await;
    socket.init(key.authorization()).await;
    let members = "{ organization(by: {slug: \"acme\"}) { members { totalCount } } }";
    let rotate =
        "mutation($key: ID!) { apiKeyRotate(input: {apiKeyId: $key, graceMinutes: 60}) { userErrors { code } } }";
    // The secret before works for its grace, on connections as elsewhere; the one before that does not, though the other
    // secrets do.
    for id in ["a", "b"] {
        socket.say(subscribe(id, members)).await;
        assert_eq!(socket.message().await["payload"]["data"]["organization"]["members"]["totalCount"], 1);
        assert_eq!(socket.message().await["type"], "complete");
        alice.payload(rotate, json!({ "key": made["apiKey"]["id"] })).await;
    }
    socket.say(subscribe("c", members)).await;
    assert_eq!(socket.hear().await, Heard::Closed(4403));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_credential_comes_with_the_upgrade_or_with_the_first_message() {
    let roster = Roster::start().await;
    let listening = roster.listen().await;
    let bob = roster.person("bob");
    let (header, other) = (bob.authorization(), roster.person("carol"));
    let who = subscribe("who", "{ viewer { user { email } } }");
    for (header, payload, email) in [
        (header, json!(null), json!("bob@example.com")),
        (header, json!({}), json!("bob@example.com")),
        (None, json!({ "authorization": header }), json!("bob@example.com")),
        (None, json!({ "AUTHORIZATION": header, "more": 7 }), json!("bob@example.com")),
        (header, json!({ "Authorization": other.authorization() }), json!("carol@example.com")),
        (None, json!({}), json!(null)),
    ] {
        let mut socket = listening.socket_with(Some("graphql-transport-ws"), header).await;
        socket.say(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.message().await, json!({ "type": "connection_ack" }));
        socket.say(who.clone()).await;
        assert_eq!(socket.message().await["payload"]["data"]["viewer"]["user"]["email"], email, "{payload}");
    }
    for wrong in [json!("Bearer x"), json!("Bearer rk_x"), json!("x")] {
        let mut socket = listening.socket().await;
        socket.say(json!({ "type": "connection_init", "payload": { "Authorization": wrong } })).await;
        assert_eq!(socket.hear().await, Heard::Closed(4403), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_ends_with_its_credential() {
    let roster = Roster::start().await;
    let listening = roster.listen().await;
    let claims = DevelopmentClaims { subject: "bob", audience: None, email: Some("bob@example.com"), name: None };
    let bob = roster.signed("bob", claims);
    bob.user_id().await;
    // A year later but for a second.
    roster.wait(TimeDelta::days(365) - TimeDelta::seconds(1));
    let mut socket = listening.socket().await;
    socket.init(bob.authorization()).await;
    socket.say(subscribe("a", CHANGED)).await;
    assert_eq!(socket.hear().await, Heard::Closed(4403));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_break_the_protocol_end_the_connection() {
    let roster = Roster::start().await;
    let listening = roster.listen().await;
    // Without the protocol.
    let mut socket = listening.socket_with(None, None).await;
    assert_eq!(socket.hear().await, Heard::Closed(4406));
    // Before connection_init.
    let mut socket = listening.socket().await;
    socket.say(subscribe("a", "{ __typename }")).await;
    assert_eq!(socket.hear().await, Heard::Closed(4401));

    let begun = async || {
        let mut socket = listening.socket().await;
        socket.init(None).await;
        socket
    };
    let mut socket = begun().await;
    socket.say(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.hear().await, Heard::Closed(4429));

    let mut socket = listening.socket().await;
    socket.init(roster.person("bob").authorization()).await;
    socket.say(subscribe("a", CHANGED)).await;
    socket.say(subscribe("a", "{ __typename }")).await;
    assert_eq!(socket.hear().await, Heard::Closed(4409));

    for invalid in [
        Message::text("{"),
        Message::text("[]"),
        Message::text("7"),
        Message::text("{}"),
        Message::text(json!({ "type": "unheard of" }).to_string()),
        Message::text(json!({ "type": "subscribe", "payload": { "query": "{ __typename }" } }).to_string()),
        Message::text(json!({ "type": "subscribe", "id": 7, "payload": { "query": "{ __typename }" } }).to_string()),
        Message::text(json!({ "type": "subscribe", "id": "a" }).to_string()),
        Message::text(json!({ "type": "subscribe", "id": "a", "payload": 7 }).to_string()),
        Message::text(json!({ "type": "subscribe", "id": "a", "payload": { "query": 7 } }).to_string()),
        Message::text(
            json!({ "type": "subscribe", "id": "a", "payload": { "query": "{ a }", "variables": [] } }).to_string(),
        ),
        Message::text(json!({ "type": "complete" }).to_string()),
        Message::text(json!({ "type": "connection_ack" }).to_string()),
        Message::binary(json!({ "type": "ping" }).to_string()),
    ] {
        let mut socket = begun().await;
        socket.say_raw(invalid.clone()).await;
        assert_eq!(socket.hear().await, Heard::Closed(4400), "{invalid:?}");
    }
    let mut socket = listening.socket().await;
    socket.say(json!({ "type": "connection_init", "payload": 7 })).await;
    assert_eq!(socket.hear().await, Heard::Closed(4400));
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_are_answered_at_any_time() {
    let roster = Roster::start().await;
    let listening = roster.listen().await;
    let mut socket = listening.socket().await;
    for _ in 0..2 {
        socket.say(json!({ "type": "ping" })).await;
        assert_eq!(socket.message().await, json!({ "type": "pong" }));
        let payload = json!({ "z": [1, null], "a": "x" });
        socket.say(json!({ "type": "ping", "payload": payload })).await;
        assert_eq!(socket.message().await, json!({ "type": "pong", "payload": payload }));
        // Nobody asked for it, which is allowed.
        socket.say(json!({ "type": "pong", "payload": { "unasked": true } })).await;
        if roster.app.feed.subscribers() == 0 {
            socket.say(json!({ "type": "complete", "id": "never begun" })).await;
        }
    }
    socket.init(None).await;
    socket.say(json!({ "type": "ping" })).await;
    assert_eq!(socket.message().await, json!({ "type": "pong" }));
}

/// Limits that are met at once.
fn impatient(roster: &Roster) -> Roster {
    let limits = SocketLimits { init: Duration::from_millis(100), ping: Duration::from_millis(100), operations: 2 };
    roster.another(|server| server.socket_limits = limits)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_is_not_waited_for() {
    let roster = impatient(&Roster::start().await);
    let listening = roster.listen().await;
    let mut silent = listening.socket().await;
    assert_eq!(silent.hear().await, Heard::Closed(4408));
    // Whoever is there answers the pings of the WebSocket, which needs no program.
    let mut there = listening.socket().await;
    there.init(roster.person("bob").authorization()).await;
    there.say(subscribe("a", CHANGED)).await;
    for n in 0..5 {
        tokio::select! {
            heard = there.hear() => panic!("heard {heard:?} in round {n}"),
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
    }
    // Whoever is not is let go of.
    let gone = listening.socket_with(Some("graphql-transport-ws"), roster.person("carol").authorization()).await;
    let mut gone = gone;
    gone.init(None).await;
    gone.say(subscribe("a", CHANGED)).await;
    begun(&mut gone).await;
    assert_eq!(roster.app.feed.subscribers(), 2);
    let deadline = tokio::time::Instant::now() + crate::support::net::PATIENCE;
    while roster.app.feed.subscribers() == 2 {
        assert!(tokio::time::Instant::now() < deadline, "the silent client is kept");
        tokio::select! {
            heard = there.hear() => panic!("heard {heard:?}"),
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_has_so_many_operations_and_so_large_messages() {
    let roster = impatient(&Roster::start().await);
    let listening = roster.listen().await;
    let mut socket = listening.socket().await;
    socket.init(roster.person("bob").authorization()).await;
    for id in ["a", "b"] {
        socket.say(subscribe(id, CHANGED)).await;
    }
    socket.say(subscribe("c", CHANGED)).await;
    let error = socket.message().await;
    assert_eq!((&error["id"], &error["payload"][0]["extensions"]["code"]), (&json!("c"), &json!("RATE_LIMITED")));
    socket.say(json!({ "type": "complete", "id": "a" })).await;
    begun(&mut socket).await;
    socket.say(json!({ "type": "ping", "payload": { "x": "x".repeat(300_000) } })).await;
    assert!(matches!(socket.hear().await, Heard::Gone | Heard::Closed(1009)));
}

/// Whoever does not read is cut: what happened in between would be lost on them without a word.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_cut() {
    let (roster, _listening, mut bob) = bob().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let everything = "subscription { viewerInvitationChanged { message a: message b: message c: message d: message } }";
    bob.say(subscribe("a", everything)).await;
    begun(&mut bob).await;
    roster.invite(&alice, &acme, "bob@example.com", "member").await;
    roster.sql("UPDATE invitations SET message = repeat('x', 2000)").await;
    // Until what the network holds is full, and then what the server holds.
    let much = "INSERT INTO events SELECT o.id, last_event + n, gen_random_uuid(), 'invitation.updated', 'SYSTEM', NULL, i.id, NULL, '{}', now(), NULL \
        FROM organizations o, invitations i, generate_series(1, 200) n; UPDATE organizations SET last_event = last_event + 200";
    for round in 0.. {
        assert!(round < 200, "the client is never cut");
        if roster.app.feed.subscribers() == 0 {
            break;
        }
        roster.sql(much).await;
        let dispatched = "SELECT count(*) FROM events WHERE position IS NULL";
        while roster.texts(dispatched).await != ["0"] {
            roster.app.feed.bell.notify_one();
        }
    }
    let mut heard = 0;
    loop {
        match bob.hear().await {
            Heard::Message(_) => heard += 1,
            Heard::Closed(code) => {
                assert_eq!(code, 1013);
                break;
            }
            Heard::Gone => break,
        }
    }
    assert!(heard > 0, "what was read before it was cut");
}
