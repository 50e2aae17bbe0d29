//! Servers that listen, and WebSockets to them.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use roster::{feed, server::connections};
use serde_json::Value;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};
use tokio_util::sync::CancellationToken;

use super::Roster;

/// Longest time that anything may take that a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A server that listens, with its feed.
pub struct Listening {
    pub address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<()>,
    telling: JoinHandle<()>,
    end: CancellationToken,
}

impl Roster {
    /// Listens on a port of its own.
    pub async fn listen(&self) -> Listening {
        self.listen_with(connections::Limits::default()).await
    }

    /// Listens with other limits.
    pub async fn listen_with(&self, limits: connections::Limits) -> Listening {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, end) = (CancellationToken::new(), CancellationToken::new());
        let (router, stopping, tasks) = (self.router.clone(), self.server.stopping.clone(), self.app.tasks.clone());
        let asked = stop.clone().cancelled_owned();
        let serving = tokio::spawn(connections::serve(listener, router, limits, stopping, tasks, asked));
        let (feed, db, sign_out) = (self.app.feed.clone(), self.app.db.clone(), self.app.sign_ins.clone().listener());
        let telling = tokio::spawn(feed::run(feed, db, self.url.clone(), sign_out, end.clone()));
        Listening { address, stop, serving, telling, end }
    }
}

impl Listening {
    /// The address of something on this server.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Asks the server to stop.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until the server has stopped.
    pub async fn stopped(self) {
        timeout(PATIENCE, self.serving).await.expect("it stops").unwrap();
        self.end.cancel();
        timeout(PATIENCE, self.telling).await.expect("the feed stops").unwrap();
    }

    /// A connection without a word said yet.
    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// A WebSocket, before `connection_init`.
    pub async fn socket(&self) -> Socket {
        self.socket_with(Some("graphql-transport-ws"), None).await
    }

    /// A WebSocket that speaks some protocol, with an `Authorization` of its own.
    pub async fn socket_with(&self, protocol: Option<&str>, authorization: Option<&str>) -> Socket {
        let mut request = format!("ws://{}/graphql", self.address).into_client_request().unwrap();
        for (name, value) in [("sec-websocket-protocol", protocol), ("authorization", authorization)] {
            if let Some(value) = value {
                request.headers_mut().insert(name, value.parse().unwrap());
            }
        }
        Socket(connect_async(request).await.unwrap().0)
    }
}

/// A client's end of a WebSocket.
pub struct Socket(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

/// What a client hears.
#[derive(Debug, PartialEq)]
pub enum Heard {
    Message(Value),
    Closed(u16),
    /// The connection ended without a word.
    Gone,
}

impl Socket {
    /// Says something.
    pub async fn say(&mut self, message: Value) {
        self.say_raw(Message::text(message.to_string())).await;
    }

    /// Says something that may be no JSON.
    pub async fn say_raw(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    /// What the server says next; WebSocket's own pings are answered on the way.
    pub async fn hear(&mut self) -> Heard {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("the server says something") {
                Some(Ok(Message::Text(text))) => return Heard::Message(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(Some(frame)))) => return Heard::Closed(frame.code.into()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other)) => panic!("unexpected: {other:?}"),
                Some(Err(_)) | None => return Heard::Gone,
            }
        }
    }

    /// The next message.
    pub async fn message(&mut self) -> Value {
        match self.hear().await {
            Heard::Message(message) => message,
            other => panic!("no message but {other:?}"),
        }
    }

    /// Signs in with a credential.
    pub async fn init(&mut self, authorization: Option<&str>) {
        let payload = serde_json::json!({ "Authorization": authorization });
        self.say(serde_json::json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(self.message().await, serde_json::json!({ "type": "connection_ack" }));
    }
}
