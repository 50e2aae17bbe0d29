//! A Roster of its own for every test, and people who talk to it over HTTP.
//!
//! One PostgreSQL is started for the whole run; every test has a database of its own, cloned from a
//! migrated template. Time stands still unless a test moves it.

pub mod folder;
pub mod http;
pub mod net;
pub mod smtp;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use diesel::{QueryableByName, sql_query, sql_types::Text};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use nix::sys::statvfs::statvfs;
use roster::{
    access::Policy,
    app::{App, Clock, Limits},
    commands::story,
    domain::{
        id::{ApiKeyId, OrganizationId, ProjectId},
        secret::{ApiKeySecret, TokenKey},
    },
    feed::Feed,
    graphql::{self, document::Documents},
    postgres::{Cluster, Settings},
    server::{
        Server, SocketLimits,
        authentication::Authentication,
        connections::Stopping,
        tokens::{DEVELOPMENT_ISSUER, DevelopmentClaims, KeySource, Source, Verifier, sign_development},
    },
    store::{
        Connection,
        connect::ConnectionUrl,
        database::{Database, migrate},
    },
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::sync::{Notify, OnceCell, Semaphore};
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// Key of the operator in tests.
pub const OPERATOR_KEY: &str = "operator-key-of-the-tests-0123456789";
const JWT_SECRET: &str = "a secret that signs the tokens of all tests";

static CLUSTER: OnceCell<(Cluster, ConnectionUrl)> = OnceCell::const_new();
static TOLD: OnceCell<()> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);
/// Databases whose tests have ended.
static ENDED: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// PostgreSQL clones one database at a time.
static CLONING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn cluster() -> &'static (Cluster, ConnectionUrl) {
    CLUSTER
        .get_or_init(|| async {
            let cluster = Cluster::start(&in_memory(Settings::temporary())).await.expect("PostgreSQL starts");
            let admin = ConnectionUrl::parse(&cluster.url("roster")).expect("the cluster has a URL");
            execute(&admin, "CREATE DATABASE template").await;
            migrate(&admin.with_database("template").expect("a name")).await.expect("the migrations run");
            (cluster, admin)
        })
        .await
}

/// A cluster in memory, where there is room: a database is cloned there twenty times as fast as on a disk.
fn in_memory(settings: Settings) -> Settings {
    const ROOM: u64 = 4 << 30;
    let memory = Path::new("/dev/shm");
    let room = statvfs(memory).map_or(0, |of| of.blocks_available() * of.fragment_size());
    match settings.data_dir.file_name().filter(|_| room >= ROOM) {
        Some(name) => Settings { data_dir: memory.join(name), ..settings },
        None => settings,
    }
}

async fn execute(url: &ConnectionUrl, sql: &str) {
    url.connect().await.expect("a connection").batch_execute(sql).await.expect(sql);
}

/// A new database with all tables and no rows.
pub async fn database() -> ConnectionUrl {
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    clone("template", &name).await
}

/// A new database with the demo data of `roster dev`, which is told once for the whole run.
async fn told() -> ConnectionUrl {
    TOLD.get_or_init(|| async {
        let roster = Roster::over(clone("template", "told").await, |_| {});
        story::tell(&roster.app).await.expect("the demo data");
    })
    .await;
    let name = format!("told_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    clone("told", &name).await
}

/// A new database with all that is in another one, to which nobody is connected.
async fn clone(template: &str, name: &str) -> ConnectionUrl {
    let (_, admin) = cluster().await;
    let _one_at_a_time = CLONING.lock().await;
    // What earlier tests have left.
    let ended = std::mem::take(&mut *ENDED.lock().unwrap());
    for name in ended {
        execute(admin, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
    }
    execute(admin, &format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")).await;
    admin.with_database(name).expect("a name")
}

/// An empty database, without tables.
pub async fn empty_database() -> ConnectionUrl {
    let (_, admin) = cluster().await;
    let name = format!("empty_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    execute(admin, &format!("CREATE DATABASE {name}")).await;
    admin.with_database(&name).expect("a name")
}

/// The text of one column of every row that a statement answers.
pub async fn texts(url: &ConnectionUrl, sql: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let sql = format!("SELECT value::text AS text FROM ({sql}) AS found(value)");
    let mut conn = url.connect().await.expect("a connection");
    let rows: Vec<Row> = sql_query(&sql).load(&mut conn).await.expect(&sql);
    rows.into_iter().map(|row| row.text).collect()
}

/// A server with a database of its own.
#[derive(Clone)]
pub struct Roster {
    pub app: Arc<App>,
    pub url: ConnectionUrl,
    pub server: Server,
    router: Router,
    time: Arc<Mutex<DateTime<Utc>>>,
    /// Held until the last clone of the server is gone.
    lease: Option<Arc<Lease>>,
}

/// A database that is used still.
struct Lease(String);

impl Lease {
    fn of(url: &ConnectionUrl) -> Option<Arc<Self>> {
        let name = url.text().expose_secret().rsplit('/').next()?;
        Some(Arc::new(Self(name.split('?').next()?.to_owned())))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        ENDED.lock().unwrap().push(std::mem::take(&mut self.0));
    }
}

impl Roster {
    /// Starts one, with plans on and a trial of 14 days.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts one whose `App` is changed first.
    pub async fn start_with(change: impl FnOnce(&mut App)) -> Self {
        let url = database().await;
        Self { lease: Lease::of(&url), ..Self::over(url, change) }
    }

    /// Starts one with the demo data of `roster dev`.
    pub async fn start_told() -> Self {
        let url = told().await;
        Self { lease: Lease::of(&url), ..Self::over(url, |_| {}) }
    }

    /// Another server over the same database, as it runs on another machine.
    pub fn replica(&self) -> Self {
        Self { lease: self.lease.clone(), ..Self::over_at(self.url.clone(), self.time.clone(), |_| {}) }
    }

    /// A server over this database.
    fn over(url: ConnectionUrl, change: impl FnOnce(&mut App)) -> Self {
        Self::over_at(url, Arc::new(Mutex::new(Utc.with_ymd_and_hms(2026, 11, 21, 9, 0, 0).unwrap())), change)
    }

    fn over_at(url: ConnectionUrl, time: Arc<Mutex<DateTime<Utc>>>, change: impl FnOnce(&mut App)) -> Self {
        let clock = time.clone();
        let mut app = App {
            db: Database::open(&url, 8),
            clock: Clock::new(move || *clock.lock().unwrap()),
            token_key: TokenKey::new(&[7; 32]).unwrap(),
            accept_url: "https://app.example.com/invitation".parse().unwrap(),
            trial_days: Some(14),
            policy: Arc::new(Policy::default()),
            limits: Limits::default(),
            roles: Arc::default(),
            sign_ins: Arc::default(),
            mail_bell: Arc::new(Notify::new()),
            feed: Arc::new(Feed::default()),
            tasks: TaskTracker::new(),
        };
        change(&mut app);
        let app = Arc::new(app);
        let keys = KeySource::Secret(SecretString::from(JWT_SECRET));
        let source = Source { issuer: DEVELOPMENT_ISSUER.to_owned(), audience: None, keys };
        let people = Verifier::new(vec![source]).unwrap();
        let server = Server {
            app: app.clone(),
            documents: Arc::new(Documents::new(&app.limits)),
            authentication: Arc::new(Authentication::new(people, Some(&SecretString::from(OPERATOR_KEY)))),
            allowed_origins: Vec::new(),
            places: Arc::new(Semaphore::new(app.limits.max_requests)),
            socket_limits: SocketLimits::default(),
            stopping: Stopping::default(),
        };
        Self { app, url, router: server.clone().router(), server, time, lease: None }
    }

    /// The time, as the server sees it.
    pub fn now(&self) -> DateTime<Utc> {
        *self.time.lock().unwrap()
    }

    /// Lets time pass.
    pub fn wait(&self, time: TimeDelta) {
        *self.time.lock().unwrap() += time;
    }

    /// Nobody: no credential.
    pub fn anonymous(&self) -> Actor {
        Actor { roster: self.clone(), name: "anonymous".to_owned(), authorization: None }
    }

    /// The operator.
    pub fn operator(&self) -> Actor {
        self.actor("operator", OPERATOR_KEY)
    }

    /// A person with the verified address `name@example.com`. Signed in anew, so that the token is good
    /// however far time was moved.
    pub fn person(&self, name: &str) -> Actor {
        self.person_at(&format!("{name}@example.com"))
    }

    /// A person with this verified address.
    pub fn person_at(&self, email: &str) -> Actor {
        let name = email.split('@').next().unwrap();
        let display = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
        self.signed(
            name,
            DevelopmentClaims { subject: email, audience: None, email: Some(email), name: Some(&display) },
        )
    }

    /// Somebody with claims of their own.
    pub fn signed(&self, name: &str, claims: DevelopmentClaims<'_>) -> Actor {
        let secret = SecretString::from(JWT_SECRET);
        let token = sign_development(&secret, claims, self.now(), TimeDelta::days(365)).unwrap();
        self.actor(name, &token)
    }

    /// Somebody with this bearer token.
    pub fn actor(&self, name: &str, token: &str) -> Actor {
        Actor { roster: self.clone(), name: name.to_owned(), authorization: Some(format!("Bearer {token}")) }
    }

    /// A backend with an API key of an organization, optionally of one project, for which the operator answers.
    pub async fn key(&self, organization: &str, project: Option<&str>, permissions: &[&str]) -> Actor {
        let organization_id = OrganizationId::parse(organization).unwrap();
        let id = ApiKeyId(self.app.id());
        let secret = ApiKeySecret::new(organization_id, id, unique_bytes(id.0));
        let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let hash = secret.hash().iter().fold(String::new(), |hash, byte| hash + &format!("{byte:02x}"));
        let project =
            project.map_or("NULL".to_owned(), |project| text(&ProjectId::parse(project).unwrap().0.to_string()));
        let permissions: Vec<String> = permissions.iter().map(|key| text(key)).collect();
        self.sql(&format!(
            "INSERT INTO api_keys (organization_id, id, name, sort_name, search_text, prefix, secret_hash, project_id, permissions, created_by_kind, \
             responsible_kind, created_at) VALUES ('{}', '{}', 'Backend', 'backend', 'backend', {}, '\\x{hash}', {project}, ARRAY[{}]::text[], \
             'OPERATOR', 'OPERATOR', '{}')",
            organization_id.0,
            id.0,
            text(&secret.prefix()),
            permissions.join(", "),
            self.now().to_rfc3339(),
        ))
        .await;
        self.actor("key", secret.expose())
    }

    /// A connection to the database of this server.
    pub async fn connection(&self) -> Connection {
        self.url.connect().await.unwrap()
    }

    /// Runs SQL.
    pub async fn sql(&self, sql: &str) {
        self.connection().await.batch_execute(sql).await.expect(sql);
    }

    /// The text of one column of every row that a statement answers.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        texts(&self.url, sql).await
    }

    /// The kinds of everything that happened, in order.
    pub async fn events(&self) -> Vec<String> {
        self.texts("SELECT type FROM events ORDER BY organization_id, version").await
    }

    /// The content of every table but the people, who are refreshed by signing in. Equal before and after
    /// means that nothing happened: no row, no mail, no event.
    pub async fn content(&self) -> BTreeMap<String, String> {
        let tables = self.texts("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('users', '__diesel_schema_migrations')").await;
        let of_table = tables.iter().map(|table| {
            // When a key was last used is no change of what is kept.
            let without = if table == "api_keys" { " - 'last_used_at'" } else { "" };
            format!("SELECT '{table}' || E'\\t' || COALESCE(string_agg((to_jsonb(t){without})::text, E'\\n' ORDER BY to_jsonb(t)::text), '') FROM {table} t")
        });
        let content = self.texts(&of_table.collect::<Vec<_>>().join(" UNION ALL ")).await;
        let split =
            |of_table: String| of_table.split_once('\t').map(|(table, rows)| (table.to_owned(), rows.to_owned()));
        content.into_iter().filter_map(split).collect()
    }

    /// Every counter says what counting says.
    pub async fn assert_counters(&self) {
        let wrong = self
            .texts(
                "SELECT o.slug FROM organizations o WHERE member_count <> (SELECT count(*) FROM organization_members m WHERE m.organization_id = o.id) \
                 OR project_count <> (SELECT count(*) FROM projects p WHERE p.organization_id = o.id) \
                 OR pending_invitation_count <> (SELECT count(*) FROM invitations i WHERE i.organization_id = o.id AND i.status = 'PENDING') \
                 OR team_count <> (SELECT count(*) FROM teams t WHERE t.organization_id = o.id) \
                 OR last_event <> (SELECT COALESCE(max(version), 0) FROM events e WHERE e.organization_id = o.id) \
                 OR last_event <> (SELECT count(*) FROM events e WHERE e.organization_id = o.id) \
                 OR 1 <> (SELECT count(*) FROM organization_members m WHERE m.organization_id = o.id AND m.is_owner) \
                 UNION ALL SELECT p.slug FROM projects p WHERE member_count <> (SELECT count(*) FROM project_members m WHERE m.organization_id = p.organization_id AND m.project_id = p.id) \
                 OR 1 <> (SELECT count(*) FROM project_members m WHERE m.organization_id = p.organization_id AND m.project_id = p.id AND m.is_owner) \
                 UNION ALL SELECT t.slug FROM teams t WHERE member_count <> (SELECT count(*) FROM team_members m WHERE m.organization_id = t.organization_id AND m.team_id = t.id) \
                 UNION ALL SELECT 'copy of ' || m.email FROM team_members m JOIN organization_members o USING (organization_id, user_id) \
                 WHERE (m.sort_name, m.email, m.search_text, m.display_name) <> (o.sort_name, o.email, o.search_text, o.display_name) \
                 UNION ALL SELECT 'copy of ' || m.email FROM project_members m JOIN organization_members o USING (organization_id, user_id) \
                 WHERE (m.sort_name, m.email, m.search_text, m.display_name) <> (o.sort_name, o.email, o.search_text, o.display_name) \
                 UNION ALL SELECT 'name of ' || m.email FROM organization_members m JOIN users u ON u.id = m.user_id \
                 WHERE (m.email, m.display_name) <> (u.email, u.display_name) \
                 UNION ALL SELECT 'in a team by no grant: ' || m.email FROM team_members m WHERE m.invitation_id IS NOT NULL AND NOT EXISTS (\
                 SELECT FROM invitations i JOIN invitation_teams g ON g.organization_id = i.organization_id AND g.invitation_id = i.id \
                 WHERE i.organization_id = m.organization_id AND i.id = m.invitation_id AND i.status = 'PENDING' AND i.email = m.email \
                 AND i.expires_at = m.expires_at AND g.team_id = m.team_id AND g.role = m.role) \
                 UNION ALL SELECT 'granted but not in the team: ' || i.email FROM invitations i \
                 JOIN invitation_teams g ON g.organization_id = i.organization_id AND g.invitation_id = i.id WHERE i.status = 'PENDING' AND NOT EXISTS (\
                 SELECT FROM team_members m WHERE m.organization_id = i.organization_id AND m.invitation_id = i.id AND m.team_id = g.team_id)",
            )
            .await;
        assert_eq!(wrong, Vec::<String>::new(), "counters or owners are wrong here");
    }

    /// An organization of `owner`; answers its id. Its slug is made from the name.
    pub async fn organization(&self, owner: &Actor, name: &str) -> String {
        let data = owner
            .data("mutation($name: String!) { organizationCreate(input: {name: $name}) { organization { id } userErrors { code message } } }", json!({ "name": name }))
            .await;
        id(&data["organizationCreate"]["organization"])
    }

    /// A project of `owner`; answers its id.
    pub async fn project(&self, owner: &Actor, organization: &str, name: &str) -> String {
        let data = owner
            .data(
                "mutation($organization: ID!, $name: String!) { projectCreate(input: {organization: {id: $organization}, name: $name}) { project { id } userErrors { code message } } }",
                json!({ "organization": organization, "name": name }),
            )
            .await;
        id(&data["projectCreate"]["project"])
    }

    /// Invites an address as `inviter`; answers the id of the invitation and its token.
    pub async fn invite(&self, inviter: &Actor, organization: &str, email: &str, role: &str) -> (String, String) {
        let data = inviter
            .data(
                "mutation($organization: ID!, $email: String!, $role: String!) { organizationInvite(input: {organization: {id: $organization}, emails: [$email], role: {key: $role}}) { results { acceptUrl invitation { id } userErrors { code } } userErrors { code message } } }",
                json!({ "organization": organization, "email": email, "role": role }),
            )
            .await;
        let result = &data["organizationInvite"]["results"][0];
        (id(&result["invitation"]), token(&result["acceptUrl"]))
    }

    /// Makes `name` a member with a role, by invitation and acceptance; answers them and the id of the membership.
    pub async fn member(&self, inviter: &Actor, organization: &str, name: &str, role: &str) -> (Actor, String) {
        let person = self.person(name);
        let (_, token) = self.invite(inviter, organization, &format!("{name}@example.com"), role).await;
        let data = person.data(ACCEPT, json!({ "token": token })).await;
        assert_eq!(data["invitationAccept"]["userErrors"], json!([]));
        let member = id(&data["invitationAccept"]["organizationMember"]);
        (person, member)
    }

    /// A team with these members, led by the first of them; answers its id.
    pub async fn team(&self, manager: &Actor, organization: &str, name: &str, members: &[&str]) -> String {
        let member = |(index, name): (usize, &&str)| json!({ "user": { "email": format!("{name}@example.com") }, "role": if index == 0 { "LEAD" } else { "MEMBER" } });
        let members: Vec<Value> = members.iter().enumerate().map(member).collect();
        let data = manager
            .data(
                "mutation($organization: ID!, $name: String!, $members: [TeamMemberInput!]) { teamCreate(input: {organization: {id: $organization}, name: $name, members: $members}) { team { id } userErrors { code message path } } }",
                json!({ "organization": organization, "name": name, "members": members }),
            )
            .await;
        assert_eq!(data["teamCreate"]["userErrors"], json!([]));
        id(&data["teamCreate"]["team"])
    }

    /// Puts an organization member into a project; answers the id of the membership.
    pub async fn project_member(&self, manager: &Actor, project: &str, name: &str, role: &str) -> String {
        let data = manager
            .data(
                "mutation($project: ID!, $email: String!, $role: String!) { projectMembersAdd(input: {project: {id: $project}, members: [{user: {email: $email}, role: {key: $role}}]}) { results { member { id } userErrors { code } } userErrors { code message } } }",
                json!({ "project": project, "email": format!("{name}@example.com"), "role": role }),
            )
            .await;
        id(&data["projectMembersAdd"]["results"][0]["member"])
    }
}

/// Accepts by token.
pub const ACCEPT: &str = "mutation($token: String!) { invitationAccept(input: {invitation: {token: $token}}) { invitation { id status } organizationMember { id role { key } } projectMembers { id project { slug } role { key } } userErrors { code message path } } }";

/// The id of an object that has to be there.
pub fn id(object: &Value) -> String {
    object["id"].as_str().unwrap_or_else(|| panic!("no id in {object}")).to_owned()
}

/// The token of an accept link.
pub fn token(url: &Value) -> String {
    let url = url.as_str().unwrap_or_else(|| panic!("no link in {url}"));
    url.split_once('#').expect("a fragment").1.to_owned()
}

fn unique_bytes(id: uuid::Uuid) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(id.as_bytes());
    bytes[16..].copy_from_slice(id.as_bytes());
    bytes
}

/// Somebody who talks to a server.
#[derive(Clone)]
pub struct Actor {
    pub roster: Roster,
    pub name: String,
    authorization: Option<String>,
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    /// As it was sent.
    pub text: String,
    pub body: Value,
}

impl Actor {
    /// Posts a GraphQL request.
    pub async fn post(&self, query: &str, variables: Value) -> Answer {
        let mut request = Request::post("/graphql").header(header::CONTENT_TYPE, "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let body = json!({ "query": query, "variables": variables }).to_string();
        let response = self.roster.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"));
        Answer { status, text, body }
    }

    /// The data of an answer that has no errors.
    pub async fn data(&self, query: &str, variables: Value) -> Value {
        let answer = self.post(query, variables).await;
        assert_eq!(answer.body.get("errors"), None, "{} asked {query}", self.name);
        answer.body["data"].clone()
    }

    /// The codes of the errors of an answer.
    pub async fn error_codes(&self, query: &str, variables: Value) -> Vec<String> {
        let answer = self.post(query, variables).await;
        let errors = answer.body["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["extensions"]["code"].as_str().unwrap_or("no code").to_owned()).collect()
    }

    /// The codes of the user errors of a mutation with one root field, and of its items.
    pub async fn refusals(&self, mutation: &str, variables: Value) -> Vec<String> {
        let data = self.data(mutation, variables).await;
        let payload = data.as_object().and_then(|data| data.values().next()).cloned().expect("a payload");
        codes(&payload["userErrors"])
    }
}

/// The codes of a list of user errors.
pub fn codes(errors: &Value) -> Vec<String> {
    let errors = errors.as_array().unwrap_or_else(|| panic!("no user errors but {errors}"));
    errors.iter().map(|error| error["code"].as_str().expect("a code").to_owned()).collect()
}

/// Many rows at once, written by SQL with everything that has to agree with them.
impl Roster {
    /// Adds `count` members to an organization. `name` is SQL over `n`, the number of a member; whoever has
    /// the same name has the same address, role and time of joining.
    pub async fn crowd(&self, organization: &str, count: u32, name: &str) {
        self.sql(&format!(
            "SET statement_timeout = 0; \
             CREATE TEMP TABLE crowd AS SELECT gen_random_uuid() AS user_id, {name} AS name FROM generate_series(1, {count}) n; \
             INSERT INTO users (id, issuer, subject, email, email_verified, display_name, created_at, updated_at) \
             SELECT c.user_id, 'crowd', c.user_id::text, translate(lower(c.name), ' ', '.') || '@crowd.example', false, c.name, '2026-01-01Z', '2026-01-01Z' FROM crowd c; \
             INSERT INTO organization_members (organization_id, id, user_id, role_id, role_rank, is_owner, sort_name, email, search_text, display_name, joined_at, updated_at) \
             SELECT o.id, gen_random_uuid(), u.id, r.id, r.rank, false, lower(c.name), u.email, lower(c.name) || ' ' || u.email, c.name, \
             '2026-01-01Z'::timestamptz + make_interval(hours => ascii(right(c.name, 1))), '2026-01-01Z' \
             FROM crowd c JOIN users u ON u.id = c.user_id JOIN organizations o ON o.slug = '{organization}' \
             JOIN roles r ON r.organization_id = o.id AND r.scope = 'ORGANIZATION' AND r.rank = 1 + ascii(right(c.name, 1)) % 3; \
             UPDATE organizations SET member_count = member_count + {count} WHERE slug = '{organization}'; \
             DROP TABLE crowd; ANALYZE users, organization_members"
        ))
        .await;
    }

    /// Adds `count` projects to an organization, with its owner as theirs and all its members in them. `name`
    /// is SQL over `n`, the number of a project; whatever has the same name was created at the same time.
    pub async fn projects(&self, organization: &str, count: u32, name: &str) {
        self.sql(&format!(
            "CREATE TEMP TABLE added AS SELECT o.id AS organization_id, gen_random_uuid() AS id, 'project-' || o.project_count + n AS slug, {name} AS name \
             FROM organizations o, generate_series(1, {count}) n WHERE o.slug = '{organization}'; \
             INSERT INTO projects (organization_id, id, slug, name, sort_name, search_text, member_count, created_at, updated_at) \
             SELECT organization_id, a.id, a.slug, a.name, lower(a.name), lower(a.name) || ' ' || a.slug, o.member_count, \
             '2026-01-01Z'::timestamptz + make_interval(hours => ascii(right(a.name, 1))), '2026-01-01Z' FROM added a JOIN organizations o ON o.id = organization_id; \
             INSERT INTO project_members (organization_id, id, project_id, user_id, role_id, role_rank, is_owner, sort_name, email, search_text, display_name, joined_at, updated_at) \
             SELECT a.organization_id, gen_random_uuid(), a.id, m.user_id, r.id, r.rank, m.is_owner, m.sort_name, m.email, m.search_text, m.display_name, m.joined_at, m.updated_at \
             FROM added a JOIN organization_members m USING (organization_id) \
             JOIN roles r ON r.organization_id = a.organization_id AND r.scope = 'PROJECT' AND r.key = CASE WHEN m.is_owner THEN 'owner' ELSE 'member' END; \
             UPDATE organizations SET project_count = project_count + {count} WHERE slug = '{organization}'; DROP TABLE added"
        ))
        .await;
    }
}

impl Actor {
    /// The payload of a mutation with one root field. Its codes are among those that the schema lists.
    pub async fn payload(&self, mutation: &str, variables: Value) -> Value {
        let data = self.data(mutation, variables).await;
        let (name, payload) = data.as_object().and_then(|data| data.iter().next()).expect("a payload");
        let items = payload["results"].as_array().into_iter().flatten();
        for errors in std::iter::once(payload).chain(items).map(|refused| &refused["userErrors"]) {
            for code in errors.as_array().into_iter().flatten().filter_map(|error| error["code"].as_str()) {
                assert_listed(name, code);
            }
        }
        payload.clone()
    }

    /// The codes with which a mutation is refused, after which everything is as it was before.
    pub async fn refused(&self, mutation: &str, variables: Value) -> Vec<String> {
        let before = self.roster.content().await;
        let refusals = codes(&self.payload(mutation, variables.clone()).await["userErrors"]);
        let after = self.roster.content().await;
        let changed: Vec<&String> = after.keys().filter(|table| after[*table] != before[*table]).collect();
        assert!(changed.is_empty(), "{} changed {changed:?} by {variables} although {refusals:?}", self.name);
        refusals
    }

    /// The person's own id.
    pub async fn user_id(&self) -> String {
        id(&self.data("{ viewer { user { id } } }", json!({})).await["viewer"]["user"])
    }

    /// The value of the `Authorization` header; none for nobody.
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }
}

impl Roster {
    /// A person whose identity provider does not vouch for the address `name@example.com`.
    pub fn unverified(&self, name: &str) -> Actor {
        let email = format!("{name}@example.com");
        self.claiming(&format!("unverified {name}"), json!({ "email": email, "email_verified": false }))
    }

    /// A person by their subject, of whom the identity provider says this.
    pub fn claiming(&self, subject: &str, mut claims: Value) -> Actor {
        claims["iss"] = json!(DEVELOPMENT_ISSUER);
        claims["sub"] = json!(subject);
        claims["exp"] = json!((self.now() + TimeDelta::days(365)).timestamp());
        let key = jsonwebtoken::EncodingKey::from_secret(JWT_SECRET.as_bytes());
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
        self.actor(subject, &token)
    }

    /// Another server over the same database.
    pub fn another(&self, change: impl FnOnce(&mut Server)) -> Self {
        let mut server = Server { stopping: Stopping::default(), ..self.server.clone() };
        change(&mut server);
        Self { router: server.clone().router(), server, ..self.clone() }
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }
}

/// The codes that the description of each mutation lists.
pub static LISTED_CODES: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
    let sdl = graphql::sdl();
    let (_, rest) = sdl.split_once("\ntype Mutation {\n").expect("mutations");
    let (block, _) = rest.split_once("\n}\n").expect("an end");
    let (mut description, mut listed) = ("", BTreeMap::new());
    // What is indented deeper describes the arguments.
    for line in block.lines().filter(|line| !line.starts_with("   ")) {
        match line.trim().split_once('(') {
            Some((mutation, "")) => {
                let words = description.split(|c: char| !c.is_ascii_uppercase() && c != '_');
                let mut codes: Vec<String> = words.filter(|word| word.len() > 4).map(str::to_owned).collect();
                if let Some((_, another)) = description.split_once("Codes as `") {
                    let another: &Vec<String> = &listed[another.split('`').next().expect("a mutation")];
                    codes.extend(another.clone());
                }
                listed.insert(mutation.to_owned(), codes);
            }
            _ => description = line,
        }
    }
    listed
});

/// The schema lists this code among those of the mutation.
pub fn assert_listed(mutation: &str, code: &str) {
    let listed = &LISTED_CODES[mutation];
    assert!(listed.iter().any(|known| known == code), "the description of {mutation} does not list {code}: {listed:?}");
}
