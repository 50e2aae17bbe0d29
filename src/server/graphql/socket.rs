//! GraphQL over WebSockets: `graphql-transport-ws`.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use apollo_compiler::response::{JsonMap, JsonValue};
use async_graphql::{ServerError, parser::types::OperationType};
use axum::{
    Extension,
    extract::{
        WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, ready},
    stream::{self, BoxStream},
};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_stream::StreamMap;

use crate::{
    access::Viewer,
    feed::Lagged,
    graphql::{self, document::Params, internal, with_code},
    server::{Server, authentication::Refused, connections::Place, request_id::RequestId},
};

const PROTOCOL: &str = "graphql-transport-ws";
/// What each connection holds to read into, whether or not anything comes. A longer message is read in several steps.
const READ_BUFFER: usize = 4 * 1024;

/// What one connection may do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long it may take until `connection_init`.
    pub init: Duration,
    /// How often it is looked whether the client is there still.
    pub ping: Duration,
    /// Operations at the same time.
    pub operations: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { init: Duration::from_secs(3), ping: Duration::from_secs(25), operations: 100 }
    }
}

/// What a client says.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Said {
    ConnectionInit { payload: Option<JsonMap> },
    Ping { payload: Option<JsonValue> },
    Pong,
    Subscribe { id: String, payload: JsonMap },
    Complete { id: String },
}

/// What the server says.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Says<'a> {
    ConnectionAck,
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<JsonValue>,
    },
    Next {
        id: &'a str,
        payload: &'a async_graphql::Response,
    },
    Error {
        id: &'a str,
        payload: &'a [ServerError],
    },
    Complete {
        id: &'a str,
    },
}

/// What becomes of an operation.
enum Event {
    Next(Box<async_graphql::Response>),
    Error(Vec<ServerError>),
    Complete,
    Close(Close),
}

/// How a connection ends.
enum End {
    /// The client ended it, or is there no more.
    Gone,
    /// The server says why.
    Close(Close),
}

/// Why the server ends a connection.
struct Close(u16, &'static str);

impl Close {
    const GOING_AWAY: Self = Self(1001, "The server stops; connect anew.");
    const TOO_SLOW: Self = Self(1013, "Events came faster than they were read; ask for the state, and subscribe anew.");
    const TRY_AGAIN: Self = Self(1013, "Who you are cannot be checked just now; try again.");
    const INVALID: Self = Self(4400, "Invalid message");
    const UNAUTHORIZED: Self = Self(4401, "Unauthorized: send connection_init first.");
    const FORBIDDEN: Self = Self(4403, "Forbidden: the credential is not good.");
    const EXPIRED: Self = Self(4403, "Forbidden: the credential has expired.");
    const PROTOCOL: Self = Self(4406, "Subprotocol not acceptable: graphql-transport-ws is spoken here.");
    const NO_INIT: Self = Self(4408, "Connection initialisation timeout");
    const DUPLICATE: Self = Self(4409, "Subscriber already exists: each operation has an id of its own.");
    const SECOND_INIT: Self = Self(4429, "Too many initialisation requests");
}

/// Makes a connection a WebSocket.
pub fn upgrade(
    server: Arc<Server>,
    headers: &HeaderMap,
    id: RequestId,
    place: Option<Extension<Place>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let authorization = headers.get(header::AUTHORIZATION).cloned();
    let most = server.app.limits.max_body;
    let tasks = server.app.tasks.clone();
    let upgrade = upgrade.protocols([PROTOCOL]).max_message_size(most).max_frame_size(most);
    let upgrade = upgrade.read_buffer_size(READ_BUFFER);
    upgrade.on_upgrade(move |socket| {
        tasks.track_future(async move {
            let is_spoken = socket.protocol().is_some_and(|protocol| protocol == PROTOCOL);
            let mut connection = Connection {
                ended: server.ended(None).map(|()| Close::GOING_AWAY).boxed(),
                server,
                socket,
                id,
                authorization,
                viewer: None,
                operations: StreamMap::new(),
            };
            let end = if is_spoken { connection.talk().await } else { End::Close(Close::PROTOCOL) };
            if let End::Close(close) = end {
                connection.close(close).await;
            }
            drop(place);
        })
    })
}

struct Connection {
    server: Arc<Server>,
    socket: WebSocket,
    id: RequestId,
    /// That of the upgrade.
    authorization: Option<HeaderValue>,
    /// Who it is, after `connection_init`.
    viewer: Option<Arc<Viewer>>,
    /// Comes when the server stops or the credential expires.
    ended: BoxFuture<'static, Close>,
    operations: StreamMap<String, BoxStream<'static, Event>>,
}

impl Connection {
    /// Talks until one side ends it.
    async fn talk(&mut self) -> End {
        let limits = self.server.socket_limits;
        let mut no_init = Box::pin(sleep(limits.init));
        let mut pings = interval_at(Instant::now() + limits.ping, limits.ping);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_heard = true;
        loop {
            let done = tokio::select! {
                close = &mut self.ended => return End::Close(close),
                () = &mut no_init, if self.viewer.is_none() => return End::Close(Close::NO_INIT),
                _ = pings.tick() => {
                    if !std::mem::take(&mut is_heard) {
                        return End::Gone;
                    }
                    self.send(Message::Ping(Vec::new().into())).await
                }
                Some((id, event)) = self.operations.next(), if !self.operations.is_empty() => {
                    self.tell(&id, event).await
                }
                message = self.socket.recv() => {
                    is_heard = true;
                    match message {
                        Some(Ok(Message::Text(text))) => self.heed(&text).await,
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
                        Some(Ok(Message::Binary(_))) => Err(End::Close(Close::INVALID)),
                        Some(Ok(Message::Close(_)) | Err(_)) | None => Err(End::Gone),
                    }
                }
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// Does what a message says.
    async fn heed(&mut self, text: &str) -> Result<(), End> {
        let said = serde_json::from_str(text).map_err(|_error| End::Close(Close::INVALID))?;
        match (said, &self.viewer) {
            (Said::Pong, _) => Ok(()),
            (Said::Ping { payload }, _) => self.say(&Says::Pong { payload }).await,
            (Said::ConnectionInit { .. }, Some(_)) => Err(End::Close(Close::SECOND_INIT)),
            (Said::ConnectionInit { payload }, None) => self.sign_in(payload.as_ref()).await,
            (Said::Subscribe { .. }, None) => Err(End::Close(Close::UNAUTHORIZED)),
            (Said::Subscribe { id, payload }, Some(viewer)) => {
                let most = self.server.socket_limits.operations;
                if self.operations.contains_key(&id) {
                    return Err(End::Close(Close::DUPLICATE));
                }
                if self.operations.len() >= most {
                    let message = format!("A connection may have {most} operations at the same time.");
                    return self.tell(&id, Event::Error(vec![with_code(message, None, "RATE_LIMITED")])).await;
                }
                let params = Params::read(JsonValue::Object(payload));
                let params = params.map_err(|_error| End::Close(Close::INVALID))?;
                let operation = operation(self.server.clone(), viewer.clone(), self.id.clone(), params);
                self.operations.insert(id, operation);
                Ok(())
            }
            (Said::Complete { id }, _) => {
                self.operations.remove(&id);
                Ok(())
            }
        }
    }

    async fn sign_in(&mut self, payload: Option<&JsonMap>) -> Result<(), End> {
        let authorization = payload.and_then(authorization).or(self.authorization.take());
        let signed_in = self.server.authentication.sign_in(&self.server.app, authorization.as_ref()).await;
        let signed_in = signed_in.map_err(|refused| {
            End::Close(if let Refused::Invalid(_) = refused { Close::FORBIDDEN } else { Close::TRY_AGAIN })
        })?;
        let stopping = self.server.stopping.begun.clone();
        let why = move |()| if stopping.is_cancelled() { Close::GOING_AWAY } else { Close::EXPIRED };
        self.ended = self.server.ended(signed_in.until).map(why).boxed();
        self.viewer = Some(signed_in.viewer);
        self.say(&Says::ConnectionAck).await
    }

    /// Tells what became of an operation.
    async fn tell(&mut self, id: &str, event: Event) -> Result<(), End> {
        if !matches!(event, Event::Next(_)) {
            self.operations.remove(id);
        }
        match event {
            Event::Next(response) => self.say(&Says::Next { id, payload: &response }).await,
            Event::Error(errors) => self.say(&Says::Error { id, payload: &errors }).await,
            Event::Complete => self.say(&Says::Complete { id }).await,
            Event::Close(close) => Err(End::Close(close)),
        }
    }

    async fn say(&mut self, message: &Says<'_>) -> Result<(), End> {
        let text = serde_json::to_string(message).map_err(|_error| End::Gone)?;
        self.send(Message::Text(text.into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        self.socket.send(message).await.map_err(|_gone| End::Gone)
    }

    /// Says why it ends, and waits a moment for the client to have heard.
    async fn close(mut self, Close(code, reason): Close) {
        let frame = CloseFrame { code, reason: reason.into() };
        let heard = async {
            self.socket.send(Message::Close(Some(frame))).await.ok();
            while let Some(Ok(_)) = self.socket.recv().await {}
        };
        timeout(Duration::from_secs(1), heard).await.ok();
    }
}

/// The credential of a `connection_init`.
fn authorization(payload: &JsonMap) -> Option<HeaderValue> {
    let (_, value) = payload.iter().find(|(name, _)| name.as_str().eq_ignore_ascii_case("authorization"))?;
    HeaderValue::from_str(value.as_str()?).ok()
}

/// Runs an operation, with the viewer as they are now. A panic ends it alone.
fn operation(server: Arc<Server>, viewer: Arc<Viewer>, id: RequestId, params: Params) -> BoxStream<'static, Event> {
    let request = id.clone();
    let events = async move {
        let operation = match server.documents.operation(&params) {
            Ok(operation) => operation,
            Err(refused) => return only(Event::Error(refused.errors().to_vec())),
        };
        let app = &server.app;
        let now = async { viewer.again(&*app.db.read().await?, &app.policy, app.now()).await };
        let viewer = match now.await {
            Ok(Some(viewer)) => Arc::new(viewer),
            Ok(None) => return only(Event::Close(Close::FORBIDDEN)),
            Err(_) => return only(Event::Close(Close::TRY_AGAIN)),
        };
        if operation.kind == OperationType::Subscription {
            return match graphql::subscribe(app, viewer, operation, id.as_str().to_owned()).await {
                Err(refusal) => only(Event::Error(refusal.errors)),
                Ok(responses) => responses.map(event).chain(only(Event::Complete)).boxed(),
            };
        }
        match graphql::execute(app, viewer, operation, id.as_str()).await {
            Ok(response) => stream::iter([Event::Next(response.into()), Event::Complete]).boxed(),
            Err(error) => only(Event::Error(vec![error])),
        }
    };
    let events = AssertUnwindSafe(stream::once(events).flatten()).catch_unwind();
    let sorry = move |_panic| Event::Error(vec![internal(request.as_str())]);
    events.map(move |event| event.unwrap_or_else(&sorry)).boxed()
}

fn only(event: Event) -> BoxStream<'static, Event> {
    stream::once(ready(event)).boxed()
}

fn event(response: Result<async_graphql::Response, Lagged>) -> Event {
    response.map_or(Event::Close(Close::TOO_SLOW), |response| Event::Next(response.into()))
}
