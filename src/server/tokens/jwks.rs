//! A provider's published keys: fetched when needed, kept a while, never fetched twice at once.

use std::{
    error::Error,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::Algorithm;
use reqwest::{Client, StatusCode, redirect};
use url::{Host, Url};

use super::{
    ConfigError, TokenError,
    keys::{Key, KeySet, Lookup},
};

/// Keys younger than this are used without asking again.
const FRESH: TimeDelta = TimeDelta::minutes(5);
/// Keys younger than this are used while the provider does not answer.
const USABLE: TimeDelta = TimeDelta::hours(24);
/// Pause after any fetch, so that neither an outage nor tokens with invented key ids become a
/// stream of requests to the provider.
const PAUSE: TimeDelta = TimeDelta::seconds(30);
/// The same while there are no usable keys and nobody can sign in.
const PAUSE_WITHOUT_KEYS: TimeDelta = TimeDelta::seconds(5);
/// For the whole exchange.
const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The keys behind one address.
#[derive(Debug)]
pub(super) struct Jwks {
    url: Url,
    client: Client,
    cache: RwLock<Cache>,
    /// Held during a fetch; who waits for it finds the answer in `cache`.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Cache {
    keys: Option<(KeySet, DateTime<Utc>)>,
    asked_at: Option<DateTime<Utc>>,
    /// Why the last fetch failed; `None` after a good one.
    failure: Option<Arc<str>>,
}

impl Jwks {
    pub(super) fn new(url: Url) -> Result<Self, ConfigError> {
        check_url(&url)?;
        let mut client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("roster/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&url) {
            client = client.no_proxy();
        }
        let client =
            client.build().map_err(|error| ConfigError(format!("no HTTPS client for JWKS: {}", chain(&error))))?;
        Ok(Self { url, client, cache: RwLock::default(), turn: tokio::sync::Mutex::default() })
    }

    /// The key for a token with this `kid` and algorithm.
    pub(super) async fn key(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        now: DateTime<Utc>,
    ) -> Result<Arc<Key>, TokenError> {
        if let Some(settled) = self.read(|cache| cache.settled(id, algorithm, now)) {
            return settled;
        }
        let _turn = match self.turn.try_lock() {
            Ok(turn) => turn,
            Err(_) => match self.read(|cache| cache.known(id, algorithm, now)) {
                // Only the one who asks waits for a slow provider.
                Some(key) => return Ok(key),
                None => self.turn.lock().await,
            },
        };
        if let Some(settled) = self.read(|cache| cache.settled(id, algorithm, now)) {
            return settled;
        }
        let fetched = self.fetch().await;
        self.store(fetched, now);
        self.read(|cache| cache.answer(id, algorithm, now))
    }

    fn read<T>(&self, look: impl FnOnce(&Cache) -> T) -> T {
        look(&self.cache.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn store(&self, fetched: Result<KeySet, String>, now: DateTime<Utc>) {
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        cache.asked_at = Some(now);
        match fetched {
            Ok(keys) => {
                cache.keys = Some((keys, now));
                cache.failure = None;
            }
            Err(reason) => {
                tracing::warn!(url = %self.url, reason, "sign-in keys could not be fetched");
                cache.failure = Some(format!("{}: {reason}", self.url).into());
            }
        }
    }

    async fn fetch(&self) -> Result<KeySet, String> {
        let body = self.body().await.map_err(|error| chain(&error.without_url()))?;
        Ok(KeySet::parse(&body?)?)
    }

    /// The answer's body. The outer error is the transport's, the inner one is the answer itself.
    async fn body(&self) -> reqwest::Result<Result<Vec<u8>, String>> {
        let mut response = self.client.get(self.url.clone()).send().await?;
        if response.status() != StatusCode::OK {
            return Ok(Err(format!("the answer has the status {}", response.status())));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Ok(Err("the answer is longer than 1 MiB".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Ok(body))
    }
}

impl Cache {
    /// The answer, if there is one without asking the provider (again).
    fn settled(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        now: DateTime<Utc>,
    ) -> Option<Result<Arc<Key>, TokenError>> {
        let pause = if self.usable(now).is_some() { PAUSE } else { PAUSE_WITHOUT_KEYS };
        if self.asked_at.is_some_and(|asked| within(pause, asked, now)) {
            return Some(self.answer(id, algorithm, now));
        }
        let (keys, fetched_at) = self.keys.as_ref()?;
        match keys.find(id, algorithm) {
            Lookup::Found(key) if within(FRESH, *fetched_at, now) => Some(Ok(key)),
            _ => None,
        }
    }

    /// The best answer from what is here.
    fn answer(&self, id: Option<&str>, algorithm: Algorithm, now: DateTime<Utc>) -> Result<Arc<Key>, TokenError> {
        let found = self.usable(now).map_or(Lookup::Unknown, |keys| keys.find(id, algorithm));
        match (found, &self.failure) {
            (Lookup::Found(key), _) => Ok(key),
            (Lookup::Refused(reason), _) => Err(TokenError::Invalid(reason)),
            (Lookup::Unknown, Some(failure)) => Err(TokenError::Unavailable(Arc::clone(failure))),
            (Lookup::Unknown, None) => Err(TokenError::Invalid("the token's key (kid) is not known")),
        }
    }

    /// The key, however old it is, as long as it may be used at all.
    fn known(&self, id: Option<&str>, algorithm: Algorithm, now: DateTime<Utc>) -> Option<Arc<Key>> {
        match self.usable(now)?.find(id, algorithm) {
            Lookup::Found(key) => Some(key),
            Lookup::Unknown | Lookup::Refused(_) => None,
        }
    }

    fn usable(&self, now: DateTime<Utc>) -> Option<&KeySet> {
        self.keys.as_ref().filter(|(_, at)| within(USABLE, *at, now)).map(|(keys, _)| keys)
    }
}

/// Whether `then` is less than `span` away. Either way, so that a clock that was set back does not
/// make old keys look fresh for long.
fn within(span: TimeDelta, then: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now.signed_duration_since(then).abs() < span
}

fn check_url(url: &Url) -> Result<(), ConfigError> {
    let fault = match url.scheme() {
        _ if !url.username().is_empty() || url.password().is_some() => "must not hold a password",
        "https" => return Ok(()),
        "http" if is_loopback(url) => return Ok(()),
        "http" => "must begin with https:// (http:// is for loopback hosts only)",
        _ => "must begin with https://",
    };
    Err(ConfigError(format!("the JWKS address {fault}")))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// An error with its causes on one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
