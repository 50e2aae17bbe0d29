//! `roster dev`: everything on this machine, without configuration.

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, middleware::from_fn};
use chrono::TimeDelta;
use secrecy::ExposeSecret;
use tokio::{
    net::TcpListener,
    sync::{Notify, Semaphore},
};
use tokio_util::task::TaskTracker;
use url::Url;

use super::{
    Failure,
    keys::Keys,
    policy,
    running::{Running, until_stopped},
    story::{self, PEOPLE},
};
use crate::{
    app::{App, Clock, Limits},
    config::Dev,
    feed::Feed,
    graphql::document::Documents,
    mail::{smtp::Smtp, worker::Transport},
    postgres::{Cluster, Settings},
    server::{
        Server, SocketLimits,
        authentication::Authentication,
        connections::{self, Stopping},
        graphiql::{self, Person},
        local_only, mailbox,
        tokens::{DEVELOPMENT_ISSUER, KeySource, Source, Verifier},
    },
    store::{
        connect::ConnectionUrl,
        database::{self, Database},
    },
};

/// How long the printed tokens work.
const TOKEN_LIFETIME: TimeDelta = TimeDelta::days(7);
const POOL_SIZE: u32 = 16;

/// Runs PostgreSQL and the server until they are asked to stop.
pub async fn run(config: Dev) -> Result<(), Failure> {
    let listener = TcpListener::bind(config.listen).await;
    let listener = listener.map_err(|error| {
        Failure::failed(format!(
            "{} cannot be listened on: {error}\nPass another address with --listen.",
            config.listen
        ))
    })?;
    let address = listener.local_addr().map_err(Failure::failed)?;

    let settings = Settings { bin_dir: config.pg_bin.clone(), ..Settings::kept(&config.data_dir) };
    let cluster = Cluster::start(&settings).await.map_err(Failure::failed)?;
    let served = tokio::select! {
        served = serve_on(&config, listener, address, &cluster) => served,
        () = cluster.ended() => Err(Failure::failed("PostgreSQL ended by itself; its log is in the data folder.")),
    };
    cluster.stop().await;
    served
}

async fn serve_on(config: &Dev, listener: TcpListener, address: SocketAddr, cluster: &Cluster) -> Result<(), Failure> {
    let url = ConnectionUrl::parse(&cluster.url("roster")).map_err(Failure::failed)?;
    database::migrate(&url)
        .await
        .map_err(|error| Failure::failed(format!("The database could not be migrated: {error:?}")))?;
    let keys = Keys::read_or_make(&config.data_dir)?;
    let transport = match &config.mail.smtp_url {
        Some(url) => Transport::Smtp(Arc::new(
            Smtp::new(url, &config.mail.mail_from)
                .map_err(|error| Failure::Usage(format!("ROSTER_SMTP_URL: {error}")))?,
        )),
        None => Transport::Keep,
    };
    let app = Arc::new(App {
        db: Database::open(&url, POOL_SIZE),
        clock: Clock::system(),
        token_key: keys.token_key.clone(),
        accept_url: accept_url(config, address)?,
        trial_days: (config.trial_days > 0).then_some(config.trial_days),
        policy: policy(config.permissions.as_deref()).map_err(Failure::Usage)?.into(),
        limits: Limits::default(),
        roles: Arc::default(),
        sign_ins: Arc::default(),
        mail_bell: Arc::new(Notify::new()),
        feed: Arc::new(Feed::default()),
        tasks: TaskTracker::new(),
    });
    if !config.empty {
        story::tell(&app)
            .await
            .map_err(|error| Failure::failed(format!("The demo data could not be made: {error:?}")))?;
    }
    let people = people(&app, &keys)?;
    let stopping = Stopping::default();
    let mut router = router(&app, &keys, &people, &stopping)?;
    if address.ip().is_loopback() {
        router = router.layer(from_fn(local_only));
    }
    announce(&keys, &people, address);

    let limits = connections::Limits::default();
    until_stopped(app, Running { listener, router, limits, stopping, transport, database: url }).await;
    Ok(())
}

/// Where the links of invitations lead: to the mailbox, unless the product has a page for them.
fn accept_url(config: &Dev, address: SocketAddr) -> Result<Url, Failure> {
    let mailbox = format!("http://{address}/dev/mailbox");
    let url = config.accept_url.as_deref().unwrap_or(&mailbox);
    Url::parse(url).map_err(|error| Failure::Usage(format!("ROSTER_ACCEPT_URL: {error}")))
}

/// The demo people, each with an `Authorization` value.
fn people(app: &App, keys: &Keys) -> Result<Vec<Person>, Failure> {
    PEOPLE
        .iter()
        .map(|person| {
            let token = keys.sign(person.email, Some(person.name), app.now(), TOKEN_LIFETIME)?;
            Ok(Person { name: format!("{} ({})", person.name, person.part), authorization: format!("Bearer {token}") })
        })
        .collect()
}

fn router(app: &Arc<App>, keys: &Keys, people: &[Person], stopping: &Stopping) -> Result<Router, Failure> {
    let source = Source {
        issuer: DEVELOPMENT_ISSUER.to_owned(),
        audience: None,
        keys: KeySource::Secret(keys.jwt_secret.clone()),
    };
    let verifier = Verifier::new(vec![source]).map_err(Failure::failed)?;
    let server = Server {
        app: app.clone(),
        documents: Arc::new(Documents::new(&app.limits)),
        authentication: Arc::new(Authentication::new(verifier, Some(&keys.operator_key))),
        allowed_origins: Vec::new(),
        places: Arc::new(Semaphore::new(app.limits.max_requests)),
        socket_limits: SocketLimits::default(),
        stopping: stopping.clone(),
    };
    let first = people.first().map(|person| format!("{{\n  \"Authorization\": \"{}\"\n}}", person.authorization));
    let settings = graphiql::Settings { headers: first, query: Some(story::QUERY.to_owned()), people: people.to_vec() };
    Ok(server.router().merge(graphiql::router(Some(settings))).merge(mailbox::router(app.clone())))
}

/// Tells where everything is.
fn announce(keys: &Keys, people: &[Person], address: SocketAddr) {
    println!("GraphiQL   http://{address}/graphiql");
    println!("Mailbox    http://{address}/dev/mailbox");
    println!("GraphQL    http://{address}/graphql");
    println!("\nSend one of these as the Authorization header to be somebody:\n");
    for person in people {
        println!("{}\n  {}", person.name, person.authorization);
    }
    println!("The operator, who may do everything\n  Bearer {}", keys.operator_key.expose_secret());
    println!("\nAnybody else: roster token --email somebody@example.com");
}
