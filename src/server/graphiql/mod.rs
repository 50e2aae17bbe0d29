//! `GraphiQL` without the network: the page that `graphiql/` builds, embedded as it is committed in
//! `assets/`. Every file but the page itself is kept, and sent, compressed with gzip alone.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::get,
};
use include_dir::{Dir, include_dir};
use serde::Serialize;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/server/graphiql/assets");

/// `'unsafe-inline'` is for the style elements that the Monaco editor makes. A worker obeys the
/// policy of its own script's answer, so the assets carry it too.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     font-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);

/// What the page starts with. Whoever can reach the page can read it.
#[derive(Clone, Default, Serialize)]
pub struct Settings {
    /// Text of the headers editor in a new tab: a JSON object, indented by two spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<String>,
    /// Document of the first tab at a browser's first visit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// People offered under "Signed in as"; with none the choice is not shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Person>,
}

/// Somebody the reader of the page may act as.
#[derive(Clone, Serialize)]
pub struct Person {
    /// Shown in the list, and unique in it.
    pub name: String,
    /// Value of the `Authorization` header, `Bearer ` included.
    pub authorization: String,
}

/// `/graphiql` and what it loads. The page posts to `/graphql` and subscribes there.
pub fn router<S: Clone + Send + Sync + 'static>(settings: Option<Settings>) -> Router<S> {
    // Not 404 where there are none: browsers report that as an error on the console.
    let settings = Arc::new(settings.unwrap_or_default());
    Router::new()
        .route("/graphiql", get(page))
        .route("/graphiql/", get(page))
        .route("/graphiql/assets/{name}", get(asset))
        .route("/graphiql/licenses.md", get(licenses))
        .route(
            "/graphiql/settings.json",
            get(async move || ([(header::CACHE_CONTROL, "no-store")], Json(&*settings)).into_response()),
        )
        .route_layer(map_response(protect))
}

async fn page() -> Response {
    match FILES.get_file("index.html") {
        Some(page) => {
            ([(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")], page.contents())
                .into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    compressed(&name, &headers, "public, max-age=31536000, immutable")
}

async fn licenses(headers: HeaderMap) -> Response {
    compressed("licenses.md", &headers, "no-cache")
}

fn compressed(name: &str, request: &HeaderMap, caching: &'static str) -> Response {
    let (Some(file), Some(content_type)) = (FILES.get_file(format!("{name}.gz")), content_type(name)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if !accepts_gzip(request) {
        return (
            StatusCode::NOT_ACCEPTABLE,
            [(header::VARY, "accept-encoding")],
            "This file is sent compressed only: ask for it with `Accept-Encoding: gzip`.\n",
        )
            .into_response();
    }
    (
        [
            (header::CONTENT_TYPE, content_type),
            (header::CONTENT_ENCODING, "gzip"),
            (header::CACHE_CONTROL, caching),
            (header::VARY, "accept-encoding"),
        ],
        file.contents(),
    )
        .into_response()
}

fn content_type(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "md" => Some("text/markdown; charset=utf-8"),
        "ttf" => Some("font/ttf"),
        _ => None,
    }
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| {
            let (name, weight) = coding.split_once(";q=").unwrap_or((coding, "1"));
            ["gzip", "*"].contains(&name.trim().to_ascii_lowercase().as_str())
                && weight.trim().parse::<f32>().is_ok_and(|weight| weight > 0.0)
        })
}

async fn protect(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

#[cfg(test)]
mod tests {
    use axum::{
        body::{Body, to_bytes},
        http::Request,
    };
    use tower::ServiceExt;

    use super::*;

    async fn answer(settings: Option<Settings>, path: &str, encoding: &str) -> Response {
        let request = Request::get(path).header(header::ACCEPT_ENCODING, encoding).body(Body::empty()).unwrap();
        router::<()>(settings).oneshot(request).await.unwrap()
    }

    async fn text(response: Response) -> String {
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(bytes.into()).unwrap()
    }

    #[tokio::test]
    async fn the_page_loads_only_what_is_embedded() {
        for path in ["/graphiql", "/graphiql/"] {
            let response = answer(None, path, "identity").await;
            assert_eq!(response.headers()[header::CONTENT_SECURITY_POLICY], POLICY);
            let page = text(response).await;
            let assets: Vec<_> = page.split('"').filter(|part| part.starts_with("/graphiql/assets/")).collect();
            assert_eq!(assets.len(), 2, "a script and a style sheet: {assets:?}");
            for asset in assets {
                let response = answer(None, asset, "br, gzip;q=0.5").await;
                assert_eq!(response.status(), StatusCode::OK, "{asset}");
                assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
                assert_eq!(response.headers()[header::CONTENT_SECURITY_POLICY], POLICY);
            }
        }
    }

    #[tokio::test]
    async fn assets_are_compressed_or_refused() {
        for encoding in ["", "identity", "br", "gzip;q=0"] {
            let response = answer(None, "/graphiql/licenses.md", encoding).await;
            assert_eq!(response.status(), StatusCode::NOT_ACCEPTABLE, "{encoding}");
        }
        for name in ["none.js", "index.html", "..%2Fmod.rs"] {
            let response = answer(None, &format!("/graphiql/assets/{name}"), "gzip").await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{name}");
        }
    }

    #[tokio::test]
    async fn settings_are_not_stored() {
        let settings = Settings {
            people: vec![Person { name: "Alice".to_owned(), authorization: "Bearer a".to_owned() }],
            ..Settings::default()
        };
        let response = answer(Some(settings), "/graphiql/settings.json", "").await;
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(text(response).await, r#"{"people":[{"name":"Alice","authorization":"Bearer a"}]}"#);
        assert_eq!(text(answer(None, "/graphiql/settings.json", "").await).await, "{}");
    }
}
