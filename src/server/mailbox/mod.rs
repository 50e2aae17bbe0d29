//! The development mailbox: every mail of late, sent or not, on a page and as JSON. Whoever can open it
//! can accept every invitation.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::map_response,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::{
    app::App,
    error::Error,
    mail::letter::Message,
    store::mails::{self, Letter},
};

/// How many mails are shown.
const SHOWN: i64 = 100;

const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; \
     frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// For the HTML part, which is styled inline and shown in a frame of the page. It may do nothing else,
/// opened by itself neither.
const PART_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'self'; sandbox",
);

/// `/dev/mailbox`, what the page loads, and `/dev/mailbox.json` for programs.
pub fn router<S: Clone + Send + Sync + 'static>(app: Arc<App>) -> Router<S> {
    Router::new()
        .route("/dev/mailbox", get(Html(include_str!("page.html"))))
        .route("/dev/mailbox/page.css", get(file("text/css; charset=utf-8", include_str!("page.css"))))
        .route("/dev/mailbox/page.js", get(file("text/javascript; charset=utf-8", include_str!("page.js"))))
        .route("/dev/mailbox/mails.json", get(shown))
        .route("/dev/mailbox/html/{id}", get(html_part))
        .route("/dev/mailbox.json", get(list))
        .route_layer(map_response(protect))
        .with_state(app)
}

fn file(content_type: &'static str, text: &'static str) -> impl IntoResponse + Clone {
    ([(header::CONTENT_TYPE, content_type)], text)
}

/// A mail, as programs read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    to: String,
    subject: String,
    text: String,
    accept_url: String,
    token: String,
    sent_at: Option<String>,
}

/// A mail, as the page shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    #[serde(flatten)]
    entry: Entry,
    id: String,
    status: &'static str,
    attempts: i32,
    error: Option<String>,
    created_at: String,
    /// When it is sent, or tried again.
    due_at: String,
    /// Whether its link still does.
    works: bool,
}

async fn list(State(app): State<Arc<App>>) -> Result<Json<Vec<Entry>>, Unavailable> {
    let letters = newest(&app).await?;
    Ok(Json(letters.iter().map(|letter| entry(letter, &app)).collect()))
}

async fn shown(State(app): State<Arc<App>>) -> Result<Json<Vec<Shown>>, Unavailable> {
    let letters = newest(&app).await?;
    Ok(Json(letters.into_iter().map(|letter| with_state(letter, &app)).collect()))
}

async fn html_part(State(app): State<Arc<App>>, Path(wanted): Path<String>) -> Result<Response, Unavailable> {
    let letter = newest(&app).await?.into_iter().find(|letter| id(letter) == wanted);
    let Some(letter) = letter else { return Ok(StatusCode::NOT_FOUND.into_response()) };
    let html = Message::of(&letter, &app).words.html;
    Ok(([(header::CONTENT_SECURITY_POLICY, PART_POLICY)], Html(html)).into_response())
}

async fn newest(app: &App) -> Result<Vec<Letter>, Error> {
    let mut conn = app.db.read().await?;
    mails::newest(&mut conn, SHOWN).await
}

fn entry(letter: &Letter, app: &App) -> Entry {
    let Message { token, link, words, .. } = Message::of(letter, app);
    Entry {
        to: letter.to.to_string(),
        subject: words.subject,
        text: words.text,
        accept_url: link.into(),
        token,
        sent_at: letter.mail.sent_at.map(timestamp),
    }
}

fn with_state(letter: Letter, app: &App) -> Shown {
    Shown {
        entry: entry(&letter, app),
        id: id(&letter),
        status: letter.mail.status.as_str(),
        attempts: letter.mail.attempts,
        created_at: timestamp(letter.mail.created_at),
        due_at: timestamp(letter.mail.due_at),
        works: letter.is_current && letter.expires_at > app.now(),
        error: letter.mail.error,
    }
}

fn id(letter: &Letter) -> String {
    format!("{}.{}", letter.mail.invitation_id, letter.mail.token_version)
}

fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The mails could not be read.
struct Unavailable;

impl From<Error> for Unavailable {
    fn from(error: Error) -> Self {
        tracing::warn!(?error, "the mailbox cannot be read");
        Self
    }
}

impl IntoResponse for Unavailable {
    fn into_response(self) -> Response {
        (StatusCode::SERVICE_UNAVAILABLE, "The mails cannot be read from the database just now.\n").into_response()
    }
}

async fn protect(mut response: Response) -> Response {
    let headers: &mut HeaderMap = response.headers_mut();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(POLICY);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
