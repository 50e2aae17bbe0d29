//! `graphql-sse`, distinct connections.

use std::time::Duration;

use reqwest::{Client, Response, StatusCode, header};
use roster::{domain::secret::sha256, server::tokens::DevelopmentClaims};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::{
    Actor, Roster,
    net::{Listening, PATIENCE},
};

const CHANGED: &str = "subscription { viewerInvitationChanged { email status } }";

async fn ask(listening: &Listening, actor: &Actor, accept: &str, query: &str) -> Response {
    let request = Client::new().post(listening.url("/graphql")).header(header::ACCEPT, accept);
    let request = match actor.authorization() {
        Some(authorization) => request.header(header::AUTHORIZATION, authorization),
        None => request,
    };
    request.json(&json!({ "query": query })).send().await.unwrap()
}

/// The events of a stream, one after another: kind and data.
struct Events {
    response: Response,
    text: String,
}

impl Events {
    fn of(response: Response) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// The next event; none at the end.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let rest = rest.to_owned();
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                let event = field("event:").map(|kind| {
                    let data = field("data:").unwrap_or_default();
                    (kind.to_owned(), serde_json::from_str(data).unwrap_or(Value::Null))
                });
                self.text = rest;
                // What has no kind is a sign of life.
                if event.is_some() {
                    return event;
                }
                continue;
            }
            let chunk = timeout(PATIENCE, self.response.chunk()).await.expect("something comes").ok()??;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

fn next(data: Value) -> (String, Value) {
    ("next".to_owned(), data)
}

fn complete() -> (String, Value) {
    ("complete".to_owned(), Value::Null)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_is_a_stream_of_events() {
    let roster = Roster::start().await;
    let (alice, bob) = (roster.person("alice"), roster.person("bob"));
    let acme = roster.organization(&alice, "Acme").await;
    let listening = roster.listen().await;
    // As urql and others say what they take.
    let accept = "application/graphql-response+json, application/json, text/event-stream, multipart/mixed";
    let mut events = Events::of(ask(&listening, &bob, accept, CHANGED).await);
    let changed = |status: &str| {
        next(json!({ "data": { "viewerInvitationChanged": { "email": "bob@example.com", "status": status } } }))
    };
    let (invitation, _) = roster.invite(&alice, &acme, "bob@example.com", "member").await;
    assert_eq!(events.next().await, Some(changed("PENDING")));
    let revoke = "mutation($id: ID!) { invitationRevoke(input: {invitationId: $id}) { userErrors { code } } }";
    alice.data(revoke, json!({ "id": invitation })).await;
    assert_eq!(events.next().await, Some(changed("REVOKED")));
    // When the server stops, the stream is cut, not complete: the client asks anew.
    listening.stop();
    assert_eq!(events.next().await, None);
    assert_eq!(roster.app.feed.subscribers(), 0);
    listening.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_one_event_for_those_who_take_nothing_else() {
    let roster = Roster::start().await;
    let listening = roster.listen().await;
    let bob = roster.person("bob");
    let query = "{ viewer { user { email } } }";
    let data = json!({ "data": { "viewer": { "user": { "email": "bob@example.com" } } } });
    let mut events = Events::of(ask(&listening, &bob, "text/event-stream", query).await);
    assert_eq!(
        (events.next().await, events.next().await, events.next().await),
        (Some(next(data.clone())), Some(complete()), None)
    );
    // Whoever takes JSON gets that.
    let response = ask(&listening, &bob, "text/event-stream, application/json", query).await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json; charset=utf-8");
    assert_eq!(response.json::<Value>().await.unwrap(), data);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_run_is_no_stream() {
    let roster = Roster::start().await;
    let listening = roster.listen().await;
    let bob = roster.person("bob");
    let refused = async |actor: &Actor, accept: &str, query: &str| {
        let response = ask(&listening, actor, accept, query).await;
        let status = response.status();
        let body: Value = response.json().await.unwrap();
        (status, body["errors"][0]["extensions"]["code"].as_str().unwrap().to_owned())
    };
    assert_eq!(
        refused(&bob, "text/event-stream", "{ nothing }").await,
        (StatusCode::BAD_REQUEST, "GRAPHQL_VALIDATION_FAILED".to_owned())
    );
    assert_eq!(
        refused(&bob, "application/json", CHANGED).await,
        (StatusCode::NOT_ACCEPTABLE, "BAD_REQUEST".to_owned())
    );
    let nobody = roster.actor("nobody", &format!("{:?}", sha256(b"x")));
    assert_eq!(
        refused(&nobody, "text/event-stream", CHANGED).await,
        (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED".to_owned())
    );
    // What may not be subscribed to is told in the stream, which ends.
    let mut events = Events::of(ask(&listening, &roster.anonymous(), "text/event-stream", CHANGED).await);
    let (kind, told) = events.next().await.unwrap();
    assert_eq!((kind.as_str(), &told["errors"][0]["extensions"]["code"]), ("next", &json!("UNAUTHENTICATED")));
    assert_eq!((events.next().await, events.next().await), (Some(complete()), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_credential() {
    let roster = Roster::start().await;
    let listening = roster.listen().await;
    let claims = DevelopmentClaims { subject: "bob", audience: None, email: Some("bob@example.com"), name: None };
    let bob = roster.signed("bob", claims);
    bob.user_id().await;
    roster.wait(chrono::TimeDelta::days(365) - chrono::TimeDelta::seconds(1));
    let mut events = Events::of(ask(&listening, &bob, "text/event-stream", CHANGED).await);
    assert_eq!(events.next().await, None);
}

/// Proxies cut what is silent for long.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_stream_shows_that_it_lives() {
    let roster = Roster::start().await;
    let listening = roster.listen().await;
    let mut response = ask(&listening, &roster.person("bob"), "text/event-stream", CHANGED).await;
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let sign = timeout(Duration::from_secs(30), response.chunk()).await.expect("a sign of life").unwrap().unwrap();
    assert!(sign.starts_with(b":"), "{sign:?}");
}
