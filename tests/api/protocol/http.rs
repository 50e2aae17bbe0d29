//! The envelope of HTTP.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use chrono::DateTime;
use roster::app::Clock;
use serde_json::{Value, json};

use crate::support::{
    Roster,
    http::{Sent, post, send},
};

const NEWER: &str = "application/graphql-response+json";
const PLAIN: &str = "application/json";

#[tokio::test(flavor = "multi_thread")]
async fn the_envelope_of_http_is_checked() {
    let roster = Roster::start().await;
    let query = json!({ "query": "{ __typename }" }).to_string();
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data"),
        Some("application/jsonp"),
    ] {
        let mut request = post(query.clone());
        request.headers_mut().remove(header::CONTENT_TYPE);
        if let Some(content_type) = content_type {
            request.headers_mut().insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        }
        let sent = send(&roster, request).await;
        assert_eq!(
            (sent.status, sent.code()),
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, json!("BAD_REQUEST")),
            "{content_type:?}"
        );
    }
    for content_type in ["application/json; charset=utf-8", "Application/JSON"] {
        let mut request = post(query.clone());
        request.headers_mut().insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        assert_eq!(send(&roster, request).await.json(), json!({ "data": { "__typename": "Query" } }), "{content_type}");
    }
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let mut request = post(query.clone());
        *request.method_mut() = method.clone();
        let sent = send(&roster, request).await;
        assert_eq!(
            (sent.status, sent.header(header::ALLOW)),
            (StatusCode::METHOD_NOT_ALLOWED, "GET, POST"),
            "{method}"
        );
        assert_eq!(sent.code(), "METHOD_NOT_ALLOWED", "{method}");
    }
    let padded = |size: usize| query.clone() + &" ".repeat(size - query.len());
    assert_eq!(send(&roster, post(padded(256 * 1024))).await.status, StatusCode::OK);
    let sent = send(&roster, post(padded(256 * 1024 + 1))).await;
    assert_eq!((sent.status, sent.code()), (StatusCode::PAYLOAD_TOO_LARGE, json!("PAYLOAD_TOO_LARGE")));
    let malformed = [
        "",
        "{",
        "null",
        "7",
        "\"{ __typename }\"",
        "{\"query\": 7}",
        "{\"query\": \"{ __typename }\", \"variables\": 7}",
        "[]",
        "[\"{ __typename }\"]",
        "[{\"query\": \"{ __typename }\"}]",
        "{\"query\": \"{ __typename }\"} x",
    ];
    for body in malformed {
        let sent = send(&roster, post(body)).await;
        assert_eq!(sent.status, StatusCode::BAD_REQUEST, "{body} gave {}", sent.body);
        assert_eq!((sent.code(), sent.json().get("data")), (json!("BAD_REQUEST"), None), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_has_a_code() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    assert_eq!(alice.error_codes("{ nothing }", json!({})).await, ["GRAPHQL_VALIDATION_FAILED"]);
    assert_eq!(alice.error_codes("{ permissions(first: 1) { key } }", json!({})).await, ["GRAPHQL_VALIDATION_FAILED"]);
    for (query, variables) in [
        ("{", json!({})),
        ("", json!({})),
        ("query A { __typename } query B { __typename }", json!({})),
        ("query($id: ID!) { node(id: $id) { id } }", json!({})),
    ] {
        let codes = alice.error_codes(query, variables).await;
        assert!(!codes.is_empty() && codes.iter().all(|code| code != "no code"), "{query}: {codes:?}");
    }
    assert_eq!(alice.error_codes("{ organizations(first: 101) { totalCount } }", json!({})).await, ["BAD_USER_INPUT"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_neither_sniffed_nor_stored() {
    let roster = Roster::start().await;
    let query = json!({ "query": "{ __typename }" }).to_string();
    let mut refused = post(query.clone());
    refused.headers_mut().insert(header::AUTHORIZATION, "Bearer x".parse().unwrap());
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let requests = [
        (post(query), 200),
        (post("{"), 400),
        (refused, 401),
        (get("/graphql"), 400),
        (get("/nothing"), 404),
        (get("/health/live"), 200),
        (get("/health/ready"), 200),
        (get("/schema.graphql"), 200),
    ];
    for (request, status) in requests {
        let path = format!("{} {}", request.method(), request.uri());
        let sent = send(&roster, request).await;
        assert_eq!(sent.status.as_u16(), status, "{path}");
        assert_eq!(
            (sent.header(header::X_CONTENT_TYPE_OPTIONS), sent.header(header::CACHE_CONTROL)),
            ("nosniff", "no-store"),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_listed_origins_may_call_from_a_browser() {
    let roster = Roster::start().await;
    let front = roster.another(|server| server.allowed_origins = vec!["https://app.example.com".parse().unwrap()]);
    let query = json!({ "query": "{ __typename }" }).to_string();
    for (origin, allowed) in [
        ("https://app.example.com", "https://app.example.com"),
        ("https://evil.example.com", ""),
        ("https://app.example.com.evil.com", ""),
        ("http://app.example.com", ""),
        ("null", ""),
    ] {
        let mut call = post(query.clone());
        call.headers_mut().insert(header::ORIGIN, origin.parse().unwrap());
        assert_eq!(send(&front, call).await.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), allowed, "{origin}");
        let preflight = Request::options("/graphql")
            .header(header::ORIGIN, origin)
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization,content-type")
            .body(Body::empty())
            .unwrap();
        let sent = send(&front, preflight).await;
        assert_eq!(sent.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), allowed, "{origin}");
        assert_eq!(sent.header(header::ACCESS_CONTROL_ALLOW_CREDENTIALS), "", "{origin}");
    }
    // Where none is listed, none is let in.
    let mut call = post(query);
    call.headers_mut().insert(header::ORIGIN, "https://app.example.com".parse().unwrap());
    assert_eq!(send(&roster, call).await.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN), None);
}

/// A request with this `Accept` header.
fn accepting(accept: &str, query: &str, variables: Value) -> Request<Body> {
    let mut request = post(json!({ "query": query, "variables": variables }).to_string());
    request.headers_mut().insert(header::ACCEPT, accept.parse().unwrap());
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_tells_what_happened_to_those_who_understand_it() {
    let roster = Roster::start().await;
    let required = "query($id: ID!) { node(id: $id) { id } }";
    let deep = format!(
        "{{ viewer {{ memberships {{ nodes {{ {} id {} }} }} }} }}",
        "organization { members { nodes { ".repeat(5),
        "} } }".repeat(5)
    );
    let wide = "{ organizations(first: 100) { nodes { members(first: 100) { nodes { id } } } } }";
    for (query, variables, code) in [
        ("{", json!({}), "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", json!({}), "GRAPHQL_VALIDATION_FAILED"),
        ("query A { __typename } query A { __typename }", json!({}), "GRAPHQL_VALIDATION_FAILED"),
        ("query A { __typename } query B { __typename }", json!({}), "OPERATION_RESOLUTION_FAILURE"),
        (required, json!({}), "BAD_USER_INPUT"),
        (required, json!({ "id": {} }), "BAD_USER_INPUT"),
        (&deep, json!({}), "QUERY_TOO_DEEP"),
        (wide, json!({}), "QUERY_TOO_COMPLEX"),
    ] {
        for (accept, status) in [(NEWER, StatusCode::BAD_REQUEST), (PLAIN, StatusCode::OK)] {
            let sent = send(&roster, accepting(accept, query, variables.clone())).await;
            assert_eq!((sent.status, sent.code()), (status, json!(code)), "{accept} {query}: {}", sent.body);
            assert_eq!(sent.header(header::CONTENT_TYPE), format!("{accept}; charset=utf-8"), "{query}");
            // Nothing ran, so there is no data, not even null.
            assert_eq!(sent.json().get("data"), None, "{query}");
            assert!(!sent.json()["errors"][0]["message"].as_str().unwrap().contains('\n'), "{}", sent.body);
        }
    }
    // What ran is answered with 200, whether or not a field failed.
    let failing = "{ organizations { totalCount } }";
    let sent = send(&roster, accepting(NEWER, failing, json!({}))).await;
    assert_eq!((sent.status, sent.code()), (StatusCode::OK, json!("UNAUTHENTICATED")));
    assert_eq!(sent.json()["data"], json!({ "organizations": null }));
    // Neither form is had.
    let sent = send(&roster, accepting("text/html", "{ __typename }", json!({}))).await;
    assert_eq!((sent.status, sent.code()), (StatusCode::NOT_ACCEPTABLE, json!("BAD_REQUEST")));
    // What cannot be read at all is wrong for everybody.
    let mut unreadable = post("{");
    unreadable.headers_mut().insert(header::ACCEPT, PLAIN.parse().unwrap());
    assert_eq!(send(&roster, unreadable).await.status, StatusCode::BAD_REQUEST);
}

async fn get(roster: &Roster, address: &str) -> Sent {
    send(roster, Request::get(address).body(Body::empty()).unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_can_be_sent_in_the_address() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let query = "query%20A(%24id%3A%20ID!)%20%7B%20node(id%3A%20%24id)%20%7B%20id%20%7D%20%7D%20query%20B%20%7B%20__typename%20%7D";
    let address =
        |variables: &str| format!("/graphql?query={query}&operationName=A&variables=%7B%22id%22%3A{variables}%7D");
    let sent = get(&roster, &address("%22x%22")).await;
    assert_eq!((sent.status, sent.json()), (StatusCode::OK, json!({ "data": { "node": null } })));
    let mut request = Request::get(address(&format!("%22{acme}%22"))).body(Body::empty()).unwrap();
    request.headers_mut().insert(header::AUTHORIZATION, alice.authorization().unwrap().parse().unwrap());
    assert_eq!(send(&roster, request).await.json(), json!({ "data": { "node": { "id": acme } } }));
    let sent = get(&roster, &format!("/graphql?query={query}&operationName=B")).await;
    assert_eq!(sent.json(), json!({ "data": { "__typename": "Query" } }));

    for (address, message) in [
        ("/graphql", "`query` is missing"),
        ("/graphql?query=%7Ba%7D&variables=x", "`variables` is no JSON."),
        ("/graphql?query=%7Ba%7D&variables=7", "`variables` is no JSON object."),
        ("/graphql?query=%7Ba%7D&query=%7Bb%7D", "`query` is given twice."),
    ] {
        let sent = get(&roster, address).await;
        assert_eq!((sent.status, sent.code()), (StatusCode::BAD_REQUEST, json!("BAD_REQUEST")), "{address}");
        assert!(sent.body.contains(message), "{address}: {}", sent.body);
    }
    // A link that is followed, or looked at by a mail scanner, changes nothing.
    let before = roster.content().await;
    let mutation = "mutation%20%7B%20organizationCreate(input%3A%20%7Bname%3A%20%22Evil%22%7D)%20%7B%20organization%20%7B%20id%20%7D%20%7D%20%7D";
    let mut request = Request::get(format!("/graphql?query={mutation}")).body(Body::empty()).unwrap();
    request.headers_mut().insert(header::AUTHORIZATION, alice.authorization().unwrap().parse().unwrap());
    let sent = send(&roster, request).await;
    assert_eq!((sent.status, sent.code()), (StatusCode::METHOD_NOT_ALLOWED, json!("METHOD_NOT_ALLOWED")));
    assert_eq!(sent.header(header::ALLOW), "POST");
    assert_eq!(roster.content().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_names_its_request() {
    let roster = Roster::start().await;
    let named = |address: &str, id: Option<&str>| {
        let mut request = Request::get(address).body(Body::empty()).unwrap();
        if let Some(id) = id {
            request.headers_mut().insert("x-request-id", id.parse().unwrap());
        }
        request
    };
    for address in ["/graphql?query=%7B__typename%7D", "/graphql", "/nothing", "/health/live", "/schema.graphql"] {
        let mut ids = Vec::new();
        for given in [None, None, Some("a-name-of-the-caller"), Some(""), Some(&*"x".repeat(129))] {
            let sent = send(&roster, named(address, given)).await;
            ids.push(sent.header("x-request-id").to_owned());
        }
        assert_eq!(ids[2], "a-name-of-the-caller", "{address}");
        let made = [&ids[0], &ids[1], &ids[3], &ids[4]];
        assert!(made.iter().all(|id| id.len() == 36), "{address}: {ids:?}");
        assert_ne!(ids[0], ids[1], "{address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_answered() {
    let panics = Arc::new(AtomicBool::new(false));
    let asked = panics.clone();
    let roster = Roster::start_with(|app| {
        app.clock = Clock::new(move || {
            assert!(!asked.load(Ordering::Relaxed), "as the test wants it");
            DateTime::UNIX_EPOCH
        });
    })
    .await;
    let request = || {
        let mut request = accepting(NEWER, "{ viewer { actor { displayName } } }", json!({}));
        request.headers_mut().insert("x-request-id", "the-one-that-panics".parse().unwrap());
        request
    };
    panics.store(true, Ordering::Relaxed);
    let sent = send(&roster, request()).await;
    let error = json!({
        "message": "Something went wrong on our side.",
        "extensions": { "code": "INTERNAL_SERVER_ERROR", "requestId": "the-one-that-panics" },
    });
    assert_eq!((sent.status, sent.json()), (StatusCode::INTERNAL_SERVER_ERROR, json!({ "errors": [error] })));
    panics.store(false, Ordering::Relaxed);
    assert_eq!(send(&roster, request()).await.json(), json!({ "data": { "viewer": null } }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_is_given_up() {
    let roster = Roster::start_with(|app| app.limits.request = std::time::Duration::from_millis(200)).await;
    let alice = roster.person("alice");
    alice.user_id().await;
    let mut conn = roster.connection().await;
    diesel_async::SimpleAsyncConnection::batch_execute(
        &mut conn,
        "BEGIN; LOCK TABLE organizations IN ACCESS EXCLUSIVE MODE",
    )
    .await
    .unwrap();
    let mut request = accepting(NEWER, "{ organizations { totalCount } }", json!({}));
    request.headers_mut().insert(header::AUTHORIZATION, alice.authorization().unwrap().parse().unwrap());
    let sent = send(&roster, request).await;
    assert_eq!((sent.status, sent.code()), (StatusCode::SERVICE_UNAVAILABLE, json!("TIMEOUT")));
    assert_eq!(sent.header(header::CONTENT_TYPE), "application/graphql-response+json; charset=utf-8");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_no_place_is_sent_away_at_once() {
    let roster = Roster::start_with(|app| app.limits.max_requests = 2).await;
    let ask = || accepting(NEWER, "{ __typename }", json!({}));
    let others = roster.server.places.clone().acquire_many_owned(2).await.unwrap();
    let sent = send(&roster, ask()).await;
    assert_eq!((sent.status, sent.code()), (StatusCode::SERVICE_UNAVAILABLE, json!("SERVICE_UNAVAILABLE")));
    assert_eq!(sent.header(header::RETRY_AFTER), "1");
    drop(others);
    // Places are given back, however a request ends.
    for query in ["{ __typename }", "{ nothing }", "{"] {
        for _ in 0..3 {
            assert_ne!(send(&roster, accepting(NEWER, query, json!({}))).await.status, StatusCode::SERVICE_UNAVAILABLE);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_refused_in_json() {
    let roster = Roster::start().await;
    for (method, path, status) in [
        (Method::GET, "/nothing", StatusCode::NOT_FOUND),
        (Method::POST, "/", StatusCode::NOT_FOUND),
        (Method::POST, "/health/live", StatusCode::METHOD_NOT_ALLOWED),
        (Method::DELETE, "/schema.graphql", StatusCode::METHOD_NOT_ALLOWED),
        (Method::DELETE, "/graphql", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let request = Request::builder().method(&method).uri(path).body(Body::empty()).unwrap();
        let sent = send(&roster, request).await;
        assert_eq!(sent.status, status, "{method} {path}");
        assert!(sent.json()["errors"][0]["message"].is_string(), "{method} {path}: {}", sent.body);
        assert!(sent.header(header::CONTENT_TYPE).starts_with("application/json"), "{method} {path}");
    }
}

/// Objects keep the order in which their fields were asked for; errors say first what matters.
#[tokio::test(flavor = "multi_thread")]
async fn answers_keep_their_order() {
    let roster = Roster::start().await;
    let query = "{ z: __typename permissions { scope key } industries { name key } a: __typename }";
    let sent = send(&roster, accepting(NEWER, query, json!({}))).await;
    let at = |part: &str| sent.body.find(part).unwrap_or_else(|| panic!("{part} in {}", sent.body));
    assert!(at("\"z\"") < at("\"permissions\"") && at("\"industries\"") < at("\"a\""));
    assert!(at("\"scope\"") < at("\"key\"") && sent.body.rfind("\"name\"") < sent.body.rfind("\"key\""));
    let sent = send(&roster, accepting(NEWER, "{ nothing }", json!({}))).await;
    assert!(sent.body.starts_with("{\"errors\":[{\"message\":"), "{}", sent.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn ready_is_who_can_answer() {
    let roster = Roster::start().await;
    assert_eq!(get(&roster, "/health/ready").await.status, StatusCode::OK);
    roster.server.stopping.announced.cancel();
    let sent = get(&roster, "/health/ready").await;
    assert_eq!((sent.status, sent.body.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "the server stops\n"));
    // Others are still answered, and asked to connect elsewhere.
    let sent = get(&roster, "/graphql?query=%7B__typename%7D").await;
    assert_eq!((sent.status, sent.header(header::CONNECTION)), (StatusCode::OK, "close"));
    assert_eq!(get(&roster, "/health/live").await.status, StatusCode::OK);
}
