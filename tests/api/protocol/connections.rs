//! Connections: how many, how long, how they end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::{Client, StatusCode, header};
use roster::server::connections::Limits;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};

use crate::support::{
    Roster,
    net::{Heard, Listening, PATIENCE},
};

/// Everything that comes until the server ends the connection.
async fn to_the_end(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut text)).await.expect("the server ends it").ok();
    String::from_utf8_lossy(&text).into_owned()
}

/// Requests that never become whole, and connections without any, are cut, and others do not feel them.
#[tokio::test(flavor = "multi_thread")]
async fn half_sent_requests_are_cut() {
    let roster = Roster::start().await;
    let listening = roster.listen().await;
    let begun = Instant::now();
    let mut cut = JoinSet::new();
    for n in 0..300 {
        let mut stream = listening.connect().await;
        let sent: &[u8] = match n % 3 {
            0 => b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Ty",
            1 => b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"query\"",
            _ => b"",
        };
        stream.write_all(sent).await.unwrap();
        cut.spawn(async move { (n % 3, to_the_end(stream).await) });
    }
    let client = Client::new();
    let mut slowest = Duration::ZERO;
    while cut.len() == 300 {
        let asked = Instant::now();
        let answer = client.post(listening.url("/graphql")).json(&json!({ "query": "{ __typename }" })).send();
        assert_eq!(answer.await.unwrap().json::<Value>().await.unwrap()["data"]["__typename"], "Query");
        slowest = slowest.max(asked.elapsed());
        let ended = timeout(Duration::from_millis(100), cut.join_next()).await;
        assert!(ended.is_err() || begun.elapsed() > Duration::from_secs(5), "cut at once");
    }
    while let Some(ended) = cut.join_next().await {
        let (kind, answer) = ended.unwrap();
        // Who has sent a head is told why.
        assert_eq!(kind == 1, answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert!(slowest < Duration::from_secs(1), "others waited {slowest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_so_many_connections_and_no_more() {
    let roster = Roster::start().await;
    let listening = roster.listen_with(Limits { connections: 3, ..Limits::default() }).await;
    // A WebSocket is one of them, before and after it is one.
    let mut socket = listening.socket().await;
    socket.init(None).await;
    let idle = [listening.connect().await, listening.connect().await];
    // Accepted one after another, so those are counted.
    let refused = to_the_end(listening.connect().await).await;
    let (head, body) = refused.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("Retry-After: 1"), "{head}");
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["errors"][0]["extensions"]["code"], "SERVICE_UNAVAILABLE");
    drop(idle);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = reqwest::get(listening.url("/health/live")).await.unwrap();
        if answer.status() == StatusCode::OK {
            break;
        }
        assert!(Instant::now() < deadline, "places are not given back");
    }
    socket.say(json!({ "type": "ping" })).await;
    assert_eq!(socket.message().await, json!({ "type": "pong" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_have_their_size_and_answers_their_form() {
    let roster = Roster::start().await;
    let listening = roster.listen().await;
    let mut stream = listening.connect().await;
    let head = format!("GET /health/live HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(100_000));
    stream.write_all(head.as_bytes()).await.ok();
    // The answer may be lost, as it comes before everything was read.
    let answer = to_the_end(stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let mut stream = listening.connect().await;
    stream.write_all(b"nonsense\r\n\r\n").await.unwrap();
    assert!(to_the_end(stream).await.starts_with("HTTP/1.1 400 "));
    // Some clients look for the names of headers as they are usually written.
    let mut stream = listening.connect().await;
    stream
        .write_all(b"GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let answer = to_the_end(stream).await;
    assert!(answer.contains("\r\nContent-Type: application/json") && answer.contains("\r\nX-Request-Id: "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_nothing_is_let_go() {
    let roster = Roster::start().await;
    let listening = roster.listen_with(Limits { write: Duration::from_millis(200), ..Limits::default() }).await;
    let mut stream = listening.connect().await;
    // The schema, and never a byte of it taken: first nothing more goes through, then the connection is gone.
    let request = b"GET /schema.graphql HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
    let asking = async { while stream.write_all(&request).await.is_ok() {} };
    timeout(PATIENCE, asking).await.expect("it is let go");
}

/// What is under way is finished; what would not end is ended; nothing new is begun.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_finishes_what_was_begun() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    roster.organization(&alice, "Acme").await;
    // Long enough for two requests on a machine that is busy.
    let notice = Duration::from_secs(1);
    let listening = roster.listen_with(Limits { notice, drain: Duration::from_secs(5), ..Limits::default() }).await;
    let address = listening.address;
    let mut socket = listening.socket().await;
    socket.init(alice.authorization()).await;
    let idle = listening.connect().await;
    // A request that waits for a lock.
    let mut conn = roster.connection().await;
    diesel_async::SimpleAsyncConnection::batch_execute(
        &mut conn,
        "BEGIN; LOCK TABLE organizations IN ACCESS EXCLUSIVE MODE",
    )
    .await
    .unwrap();
    let client = Client::new();
    let request = client.post(listening.url("/graphql")).header(header::AUTHORIZATION, alice.authorization().unwrap());
    let waiting = tokio::spawn(request.json(&json!({ "query": "{ organizations { totalCount } }" })).send());
    while roster
        .texts("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
        .await
        == ["0"]
    {}

    listening.stop();
    // Within the notice it is not ready, and answers.
    let ready = async || Client::new().get(format!("http://{address}/health/ready")).send().await.unwrap().status();
    while ready().await != StatusCode::SERVICE_UNAVAILABLE {}
    let answer = Client::new().get(format!("http://{address}/graphql?query=%7B__typename%7D")).send().await.unwrap();
    assert_eq!((answer.status(), answer.headers()[header::CONNECTION].to_str().unwrap()), (StatusCode::OK, "close"));
    assert_eq!(socket.hear().await, Heard::Closed(1001));
    assert!(TcpStream::connect(address).await.is_err(), "it listens still");
    assert_eq!(to_the_end(idle).await, "");
    diesel_async::SimpleAsyncConnection::batch_execute(&mut conn, "COMMIT").await.unwrap();
    let answer: Value = waiting.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(answer["data"]["organizations"]["totalCount"], 1);
    listening.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_does_not_wait_for_ever() {
    let roster = Roster::start().await;
    let listening = roster.listen_with(Limits { drain: Duration::from_millis(300), ..Limits::default() }).await;
    let mut stream = listening.connect().await;
    stream
        .write_all(
            b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n",
        )
        .await
        .unwrap();
    let mut conn = roster.connection().await;
    diesel_async::SimpleAsyncConnection::batch_execute(&mut conn, "SELECT 1").await.unwrap();
    let begun = Instant::now();
    listening.stop();
    listening.stopped().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

/// Passes whole connections on to whichever server is ready, as a load balancer does.
async fn balance(servers: Arc<std::sync::Mutex<Vec<std::net::SocketAddr>>>) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for turn in 0.. {
            let Ok((mut client, _)) = listener.accept().await else { return };
            let servers = servers.clone();
            tokio::spawn(async move {
                for attempt in turn.. {
                    let server = {
                        let servers = servers.lock().unwrap();
                        servers[attempt % servers.len()]
                    };
                    let ready = reqwest::get(format!("http://{server}/health/ready")).await;
                    if ready.is_ok_and(|answer| answer.status() == StatusCode::OK)
                        && let Ok(mut upstream) = TcpStream::connect(server).await
                    {
                        tokio::io::copy_bidirectional(&mut client, &mut upstream).await.ok();
                        return;
                    }
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_under_load_fails_no_request() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    roster.organization(&alice, "Acme").await;
    let limits = Limits { notice: Duration::from_millis(500), ..Limits::default() };
    let start = async || -> Listening { roster.replica().listen_with(limits).await };
    let mut running = [start().await, start().await];
    let servers = Arc::new(std::sync::Mutex::new(running.iter().map(|server| server.address).collect::<Vec<_>>()));
    let address = balance(servers.clone()).await;

    let answered = Arc::new(AtomicUsize::new(0));
    let stop = tokio_util::sync::CancellationToken::new();
    let mut load = JoinSet::new();
    for client in 0..8 {
        let (stop, answered) = (stop.clone(), answered.clone());
        let authorization = alice.authorization().unwrap().to_owned();
        load.spawn(async move {
            // Each keeps its connections, as clients do.
            let http = Client::new();
            for n in 0.. {
                if stop.is_cancelled() {
                    return;
                }
                let create = json!({ "query": "mutation($name: String!) { organizationCreate(input: {name: $name}) { userErrors { code } } }", "variables": { "name": format!("Of {client} {n}") } });
                let read = json!({ "query": "{ organizations(first: 5) { totalCount nodes { name } } }" });
                let body = if n % 10 == 0 { create } else { read };
                let request = http.post(format!("http://{address}/graphql")).header(header::AUTHORIZATION, &authorization).json(&body);
                let answer = request.send().await.unwrap_or_else(|error| panic!("request {n} of client {client}: {error:?}"));
                let status = answer.status();
                let text = answer.text().await.unwrap();
                assert!(status == StatusCode::OK && !text.contains("\"errors\":"), "{status} {text}");
                answered.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    for turn in 0..4 {
        let before = answered.load(Ordering::Relaxed);
        while answered.load(Ordering::Relaxed) < before + 100 {
            tokio::task::yield_now().await;
        }
        let index = turn % 2;
        let fresh = start().await;
        servers.lock().unwrap().push(fresh.address);
        let old = std::mem::replace(&mut running[index], fresh);
        let gone = old.address;
        old.stop();
        old.stopped().await;
        servers.lock().unwrap().retain(|server| *server != gone);
    }
    stop.cancel();
    while let Some(client) = load.join_next().await {
        client.unwrap();
    }
    assert!(answered.load(Ordering::Relaxed) >= 400);
    roster.assert_counters().await;
}
