//! Which form of answer a client takes, by its `Accept` header.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::graphql::RequestCode;

/// The JSON that a client takes. With the newer kind the status of HTTP tells what happened; with the older one it
/// is 200 whenever the request could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Json {
    /// `application/graphql-response+json`
    GraphqlResponse,
    /// `application/json`
    Plain,
}

impl Json {
    /// The `Content-Type` of an answer.
    pub fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Plain => "application/json; charset=utf-8",
        })
    }

    /// The status of a request that was refused before anything of it ran.
    pub fn status(self, code: RequestCode) -> StatusCode {
        match code {
            RequestCode::OperationNotAllowed => StatusCode::FORBIDDEN,
            RequestCode::PersistedQueryNotFound => StatusCode::OK,
            RequestCode::BadRequest => StatusCode::BAD_REQUEST,
            _ if self == Self::Plain => StatusCode::OK,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// What a client takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The kind of JSON it likes best, if it takes any.
    pub json: Option<Json>,
    /// Whether it takes a stream of events.
    pub events: bool,
}

/// Reads the header. A client that says nothing, or takes anything, gets plain JSON.
pub fn accepted(headers: &HeaderMap) -> Accepted {
    let mut accepted = Accepted { json: None, events: false };
    let mut best = 0.0;
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut ranges =
        values.flat_map(|value| value.split(',')).map(str::trim).filter(|range| !range.is_empty()).peekable();
    if ranges.peek().is_none() {
        return Accepted { json: Some(Json::Plain), events: false };
    }
    for range in ranges {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let weight = weight.map_or(Ok(1.0), str::parse::<f32>).unwrap_or(0.0);
        if weight <= 0.0 {
            continue;
        }
        let json = match name.as_str() {
            "application/graphql-response+json" => Json::GraphqlResponse,
            "application/json" | "application/*" | "*/*" => Json::Plain,
            "text/event-stream" => {
                accepted.events = true;
                continue;
            }
            _ => continue,
        };
        if weight > best {
            best = weight;
            accepted.json = Some(json);
        }
    }
    accepted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(accept: &str) -> Accepted {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        accepted(&headers)
    }

    #[test]
    fn the_best_form_is_found() {
        let json = |accept: &str| of(accept).json;
        for plain in
            ["", "*/*", "application/*", "application/json", "text/html, */*;q=0.8", "Application/JSON; charset=utf-8"]
        {
            assert_eq!(json(plain), Some(Json::Plain), "{plain}");
        }
        for newer in [
            "application/graphql-response+json",
            "application/graphql-response+json; charset=utf-8, application/json; charset=utf-8",
            "application/json;q=0.9, application/graphql-response+json",
            "application/graphql-response+json, */*",
        ] {
            assert_eq!(json(newer), Some(Json::GraphqlResponse), "{newer}");
        }
        assert_eq!(json("application/json, application/graphql-response+json"), Some(Json::Plain));
        for none in ["text/html", "application/xml", "application/json;q=0", "application/json;q=much", "image/*"] {
            assert_eq!(json(none), None, "{none}");
        }
        assert_eq!(of("text/event-stream"), Accepted { json: None, events: true });
        assert_eq!(
            of("application/graphql-response+json, text/event-stream"),
            Accepted { json: Some(Json::GraphqlResponse), events: true }
        );
        assert_eq!(accepted(&HeaderMap::new()), Accepted { json: Some(Json::Plain), events: false });
    }
}
