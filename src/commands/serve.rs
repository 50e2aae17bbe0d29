//! `roster serve`: production.

use std::{path::Path, sync::Arc, time::Duration};

use axum::{Router, http::HeaderValue};
use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    net::TcpListener,
    sync::{Notify, Semaphore},
};
use tokio_util::task::TaskTracker;
use url::Url;

use super::{
    Failure, policy,
    running::{Running, until_stopped},
};
use crate::{
    access::Policy,
    app::{App, Clock, Limits},
    config::{Mail, Serve},
    domain::secret::TokenKey,
    feed::Feed,
    graphql::document::{Documents, RegisteredOperations},
    mail::{smtp::Smtp, worker::Transport},
    server::{
        Server, SocketLimits,
        authentication::Authentication,
        connections::{self, Stopping},
        graphiql,
        tokens::{KeySource, Source, Verifier},
    },
    store::{
        connect::ConnectionUrl,
        database::{Database, is_migrated},
    },
};

const MIN_OPERATOR_KEY: usize = 32;

/// Everything `roster serve` was told, checked.
struct Checked {
    database: ConnectionUrl,
    token_key: TokenKey,
    accept_url: Url,
    authentication: Authentication,
    transport: Transport,
    policy: Policy,
    limits: Limits,
    documents: Documents,
    allowed_origins: Vec<HeaderValue>,
}

/// Runs the server until it is asked to stop.
pub async fn run(config: Serve) -> Result<(), Failure> {
    let checked = check(&config)?;
    match is_migrated(&checked.database).await {
        Ok(true) => {}
        Ok(false) => {
            return Err(Failure::failed("The database is not at the newest version; run `roster migrate` first."));
        }
        Err(error) => return Err(Failure::failed(format!("The database cannot be used: {error:?}"))),
    }
    let app = Arc::new(App {
        db: Database::open(&checked.database, config.pool_size),
        clock: Clock::system(),
        token_key: checked.token_key,
        accept_url: checked.accept_url,
        trial_days: (config.trial_days > 0).then_some(config.trial_days),
        policy: checked.policy.into(),
        limits: checked.limits,
        roles: Arc::default(),
        sign_ins: Arc::default(),
        mail_bell: Arc::new(Notify::new()),
        feed: Arc::new(Feed::default()),
        tasks: TaskTracker::new(),
    });
    let stopping = Stopping::default();
    let server = Server {
        app: app.clone(),
        documents: Arc::new(checked.documents),
        authentication: Arc::new(checked.authentication),
        allowed_origins: checked.allowed_origins,
        places: Arc::new(Semaphore::new(app.limits.max_requests)),
        socket_limits: SocketLimits::default(),
        stopping: stopping.clone(),
    };
    let mut router: Router = server.router();
    if config.graphiql {
        router = router.merge(graphiql::router(None));
    }
    let listener = TcpListener::bind(config.listen).await;
    let listener =
        listener.map_err(|error| Failure::failed(format!("{} cannot be listened on: {error}", config.listen)))?;
    let address = listener.local_addr().map_err(Failure::failed)?;
    tracing::info!("serving on {address}");

    let limits = connections::Limits {
        connections: config.requests.max_connections,
        idle: Duration::from_secs(config.requests.idle),
        notice: Duration::from_secs(config.requests.notice),
        ..connections::Limits::default()
    };
    let (transport, database) = (checked.transport, checked.database);
    until_stopped(app, Running { listener, router, limits, stopping, transport, database }).await;
    Ok(())
}

/// Checks every setting and reports all that is missing or wrong together.
fn check(config: &Serve) -> Result<Checked, Failure> {
    let database =
        required(config.database_url.as_ref(), "DATABASE_URL", |url| ConnectionUrl::parse(url.expose_secret()));
    let token_key = required(config.token_key.as_ref(), "ROSTER_TOKEN_KEY", token_key);
    let accept_url = required(config.accept_url.as_ref(), "ROSTER_ACCEPT_URL", |url| web_address(url));
    let transport = transport(&config.mail);
    let policy = policy(config.permissions.as_deref());
    let authentication = authentication(config);
    let limits = Limits {
        max_requests: config.requests.max_requests,
        max_body: config.requests.max_body,
        max_depth: config.requests.max_depth,
        max_cost: config.requests.max_cost,
        ..Limits::default()
    };
    let documents = documents(config.requests.persisted_only.as_deref(), &limits);
    let allowed_origins: Result<Vec<_>, _> =
        config.allowed_origins.iter().map(|origin| origin_header(origin)).collect();
    match (database, token_key, accept_url, transport, policy, authentication, documents, allowed_origins) {
        (
            Ok(database),
            Ok(token_key),
            Ok(accept_url),
            Ok(transport),
            Ok(policy),
            Ok(authentication),
            Ok(documents),
            Ok(allowed_origins),
        ) => Ok(Checked {
            database,
            token_key,
            accept_url,
            authentication,
            transport,
            policy,
            limits,
            documents,
            allowed_origins,
        }),
        (database, token_key, accept_url, transport, policy, authentication, documents, allowed_origins) => {
            let found = [
                database.err(),
                token_key.err(),
                accept_url.err(),
                transport.err(),
                policy.err(),
                authentication.err(),
                documents.err(),
                allowed_origins.err(),
            ];
            let list =
                found.into_iter().flatten().map(|problem| format!("  * {problem}")).collect::<Vec<_>>().join("\n");
            Err(Failure::Usage(format!(
                "roster serve cannot start:\n{list}\n`roster serve --help` explains each setting; `roster dev` needs none."
            )))
        }
    }
}

/// What may be asked: everything, or only what is registered.
fn documents(registered: Option<&Path>, limits: &Limits) -> Result<Documents, String> {
    let documents = Documents::new(limits);
    let Some(folder) = registered else { return Ok(documents) };
    let registered =
        RegisteredOperations::read(folder).map_err(|problem| format!("ROSTER_PERSISTED_ONLY: {problem}"))?;
    documents.only(registered).map_err(|problems| format!("ROSTER_PERSISTED_ONLY:\n    {}", problems.join("\n    ")))
}

fn required<T, R>(value: Option<&T>, name: &str, read: impl FnOnce(&T) -> Result<R, String>) -> Result<R, String> {
    let value = value.ok_or_else(|| format!("{name} is missing"))?;
    read(value).map_err(|why| format!("{name}: {why}"))
}

fn token_key(key: &SecretString) -> Result<TokenKey, String> {
    let bytes = STANDARD.decode(key.expose_secret().trim()).map_err(|_error| "it is not base64".to_owned())?;
    let too_short = || {
        format!(
            "it has {} bytes; make one of at least {} with `openssl rand -base64 32`",
            bytes.len(),
            TokenKey::MIN_BYTES
        )
    };
    TokenKey::new(&bytes).ok_or_else(too_short)
}

fn web_address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if matches!(url.scheme(), "https" | "http") {
        Ok(url)
    } else {
        Err("give an address that starts with https://".to_owned())
    }
}

/// How mail is sent; an error without a mail server, as invitations could not be delivered.
fn transport(mail: &Mail) -> Result<Transport, String> {
    required(mail.smtp_url.as_ref(), "ROSTER_SMTP_URL", |url| {
        Smtp::new(url, &mail.mail_from).map(Arc::new).map(Transport::Smtp).map_err(|error| error.to_string())
    })
}

fn origin_header(origin: &str) -> Result<HeaderValue, String> {
    let url = Url::parse(origin).map_err(|error| format!("ROSTER_ALLOWED_ORIGINS: {origin}: {error}"))?;
    let is_origin = url.origin().ascii_serialization() == origin;
    let header = HeaderValue::from_str(origin).ok().filter(|_| is_origin);
    header.ok_or_else(|| format!("ROSTER_ALLOWED_ORIGINS: {origin} is no origin; give scheme, host and port alone"))
}

fn authentication(config: &Serve) -> Result<Authentication, String> {
    let operator = config.operator_key.as_ref();
    if operator.is_some_and(|key| key.expose_secret().len() < MIN_OPERATOR_KEY) {
        return Err(format!("ROSTER_OPERATOR_KEY: it needs at least {MIN_OPERATOR_KEY} characters"));
    }
    let keys = key_source(config)?;
    let sources = match (keys, &config.jwt_issuer) {
        (Some(keys), Some(issuer)) => {
            let audience = config.jwt_audience.clone().ok_or("ROSTER_JWT_AUDIENCE is missing: tokens made for other applications would be let in")?;
            vec![Source { issuer: issuer.clone(), audience: Some(audience), keys }]
        }
        (Some(_), None) => return Err("ROSTER_JWT_ISSUER is missing".to_owned()),
        (None, Some(_)) => return Err("ROSTER_JWT_ISSUER is set; one of ROSTER_JWT_JWKS_URL, ROSTER_JWT_PUBLIC_KEY and ROSTER_JWT_SECRET is missing".to_owned()),
        (None, None) if operator.is_some() => Vec::new(),
        (None, None) => return Err("nobody could sign in: set ROSTER_JWT_ISSUER, ROSTER_JWT_AUDIENCE and ROSTER_JWT_JWKS_URL, or at least ROSTER_OPERATOR_KEY".to_owned()),
    };
    let verifier = Verifier::new(sources).map_err(|error| format!("sign-in: {error}"))?;
    Ok(Authentication::new(verifier, operator))
}

fn key_source(config: &Serve) -> Result<Option<KeySource>, String> {
    let given = [config.jwt_jwks_url.is_some(), config.jwt_public_key.is_some(), config.jwt_secret.is_some()];
    if given.into_iter().filter(|given| *given).count() > 1 {
        return Err("give only one of ROSTER_JWT_JWKS_URL, ROSTER_JWT_PUBLIC_KEY and ROSTER_JWT_SECRET".to_owned());
    }
    if let Some(url) = &config.jwt_jwks_url {
        let url = Url::parse(url).map_err(|error| format!("ROSTER_JWT_JWKS_URL: {error}"))?;
        return Ok(Some(KeySource::Jwks { url }));
    }
    if let Some(file) = &config.jwt_public_key {
        let pem = std::fs::read_to_string(file)
            .map_err(|error| format!("ROSTER_JWT_PUBLIC_KEY: {} cannot be read: {error}", file.display()))?;
        return Ok(Some(KeySource::Pem { pem }));
    }
    Ok(config.jwt_secret.clone().map(KeySource::Secret))
}
