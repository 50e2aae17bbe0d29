//! Answers as a stream of events: `graphql-sse`, distinct connections.

use std::convert::Infallible;

use async_graphql::parser::types::OperationType;
use axum::{
    http::{HeaderName, HeaderValue},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::{
    StreamExt,
    future::ready,
    stream::{self, BoxStream},
};

use super::answer::Answers;
use crate::{
    access::SignedIn,
    feed::Lagged,
    graphql::{self, document::Operation},
    server::Server,
};

/// Streams what an operation answers. Only a stream that ends well says that it is complete; after another the
/// client asks anew.
pub async fn answer(server: &Server, signed_in: SignedIn, operation: Operation, answers: &Answers) -> Response {
    let viewer = signed_in.viewer;
    let id = answers.id.as_str();
    let responses: BoxStream<'_, Result<async_graphql::Response, Lagged>> =
        if operation.kind == OperationType::Subscription {
            let subscribed = graphql::subscribe(&server.app, viewer, operation, id.to_owned()).await;
            subscribed.unwrap_or_else(|refusal| stream::once(ready(Ok(refusal))).boxed())
        } else {
            let executed = graphql::execute(&server.app, viewer, operation, id).await;
            let response = executed.unwrap_or_else(|error| async_graphql::Response::from_errors(vec![error]));
            stream::once(ready(Ok(response))).boxed()
        };
    let next = |response: async_graphql::Response| {
        Event::default().event("next").data(serde_json::to_string(&response).unwrap_or_default())
    };
    let complete = stream::once(ready(Ok(Event::default().event("complete").data(""))));
    let events = responses.map(move |response| response.map(next)).chain(complete);
    let events = events.take_while(|event| ready(event.is_ok())).filter_map(|event| ready(event.ok()));
    let ended = server.ended(signed_in.until);
    let events = events.map(Ok::<_, Infallible>).take_until(ended);
    let mut answer = Sse::new(events).keep_alive(KeepAlive::default()).into_response();
    // Proxies shall pass events on as they come.
    answer.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    answer
}
