//! The systems, and how each is asked for the same.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use http_body_util::Full;
use hyper::Request;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use roster::{
    domain::id::{InvitationId, OrganizationMemberId},
    server::tokens::{DEVELOPMENT_ISSUER, DevelopmentClaims, sign_development},
};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use tokio_postgres::Client;

use crate::{
    data::Organization,
    load::{Requests, ask, succeeded},
};

const SECRET: &str = "what the identity provider of the benchmark signs with";
const AUDIENCE: &str = "bench";

/// A workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Workload {
    /// An organization by its slug, with what the viewer may do there.
    Organization,
    /// The first 25 members, with role and person.
    Members,
    /// 25 members, 90 % deep.
    Deep,
    /// 20 projects with 10 members each.
    Nested,
    /// How many members there are.
    Total,
    /// Members whose name holds a term that few have.
    SearchRare,
    /// One that many have.
    SearchCommon,
    /// Two letters.
    SearchShort,
    /// One that nobody has.
    SearchAbsent,
    /// Whether a person holds a permission.
    Access,
    /// The same, asked by a backend with an API key.
    AccessByKey,
    /// Invite one.
    Invite,
    /// Invite 50.
    InviteMany,
    /// Accept an invitation.
    Accept,
    /// Change the role of a member.
    Role,
}

impl Workload {
    /// Those that change nothing.
    pub const READS: [Self; 11] = [
        Self::Organization,
        Self::Members,
        Self::Deep,
        Self::Nested,
        Self::Total,
        Self::SearchRare,
        Self::SearchCommon,
        Self::SearchShort,
        Self::SearchAbsent,
        Self::Access,
        Self::AccessByKey,
    ];
    /// Those that change something.
    pub const WRITES: [Self; 4] = [Self::Invite, Self::InviteMany, Self::Accept, Self::Role];

    /// As it stands in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Members => "members, first 25",
            Self::Deep => "members, 90 % deep",
            Self::Nested => "20 projects × 10 members",
            Self::Total => "total",
            Self::SearchRare => "search, rare",
            Self::SearchCommon => "search, common",
            Self::SearchShort => "search, two letters",
            Self::SearchAbsent => "search, absent",
            Self::Access => "access",
            Self::AccessByKey => "access, by API key",
            Self::Invite => "invite one",
            Self::InviteMany => "invite 50",
            Self::Accept => "accept",
            Self::Role => "change a role",
        }
    }

    /// As peers call it.
    fn key(self) -> Option<&'static str> {
        Some(match self {
            Self::Organization => "organization",
            Self::Members => "members",
            Self::Deep => "deep",
            Self::Nested => "nested",
            Self::Total => "total",
            Self::SearchRare => "search-rare",
            Self::SearchCommon => "search-common",
            Self::Invite => "invite",
            Self::Accept => "accept",
            _ => return None,
        })
    }

    /// Whether all systems answer the same: better-auth knows no order by name.
    pub fn is_compared(self, system: &str) -> bool {
        Self::READS.contains(&self) && system != "better-auth"
    }

    /// Whether names of people are asked for, and not searched.
    pub fn shows_people(self) -> bool {
        matches!(self, Self::Members | Self::Deep | Self::Nested)
    }

    fn term(self) -> Option<&'static str> {
        match self {
            Self::SearchRare => Some(RARE),
            Self::SearchCommon => Some(COMMON),
            Self::SearchShort => Some("al"),
            Self::SearchAbsent => Some("nobody-is-called-so"),
            _ => None,
        }
    }
}

const RARE: &str = "bakker.4711";
const COMMON: &str = "example";

/// A server under way, ended when it is dropped.
pub struct Running {
    child: Child,
    /// Where it listens.
    pub port: u16,
}

impl Running {
    fn start(command: &mut Command, port: u16) -> Self {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { child, port }
    }

    /// The process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it accepts connections.
    pub async fn ready(&self) {
        for _ in 0..600 {
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("nothing listens at port {}", self.port);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(id) = i32::try_from(self.child.id()) {
            kill(Pid::from_raw(id), Signal::SIGTERM).ok();
        }
        self.child.wait().ok();
    }
}

/// Roster, with everything that it does in production.
pub fn roster(binary: &Path, url: &str, port: u16, mail: SocketAddr) -> Running {
    let mut command = Command::new(binary);
    command.arg("serve").envs([
        ("DATABASE_URL", url),
        ("ROSTER_LISTEN", &format!("127.0.0.1:{port}")),
        ("ROSTER_TOKEN_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="),
        ("ROSTER_ACCEPT_URL", "https://app.example/invitation"),
        ("ROSTER_SMTP_URL", &format!("smtp://127.0.0.1:{}", mail.port())),
        ("ROSTER_JWT_ISSUER", DEVELOPMENT_ISSUER),
        ("ROSTER_JWT_AUDIENCE", AUDIENCE),
        ("ROSTER_JWT_SECRET", SECRET),
        ("ROSTER_NOTICE", "0"),
        ("ROSTER_LOG", "error"),
    ]);
    Running::start(&mut command, port)
}

/// The limit, with the names of people from the copies that Roster keeps or not.
pub fn limit(url: &str, port: u16, copies: bool) -> Running {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--serve-limit", &port.to_string(), "--url", url]);
    if copies {
        command.arg("--copies");
    }
    Running::start(&mut command, port)
}

/// A token of a person for [`roster`].
#[expect(clippy::disallowed_methods, reason = "the token is good from now on")]
pub fn token(email: &str, name: &str) -> String {
    let claims = DevelopmentClaims { subject: email, audience: Some(AUDIENCE), email: Some(email), name: Some(name) };
    sign_development(&SecretString::from(SECRET), claims, Utc::now(), TimeDelta::days(1)).expect("a token")
}

fn post(token: &str, query: &str, variables: &Value) -> Request<Full<Bytes>> {
    let body = json!({ "query": query, "variables": variables }).to_string();
    Request::post("/graphql")
        .header("host", "bench")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .header("accept", "application/graphql-response+json")
        .body(Full::new(body.into()))
        .expect("a request")
}

fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).header("host", "bench").body(Full::default()).expect("a request")
}

const ITEM: &str = "nodes { id role { key name } user { displayName email } }";

/// How Roster is asked.
pub async fn of_roster(workload: Workload, of: &Organization, client: &Client, port: u16) -> Requests {
    let mut token = token(&of.email, &of.name);
    let slug = &of.slug;
    if workload == Workload::AccessByKey {
        token = api_key(&token, slug, port).await;
    }
    let (query, variables) = match workload {
        Workload::Organization => {
            ("query($slug: String!) { organization(by: {slug: $slug}) { id name viewerPermissions } }".to_owned(), json!({ "slug": slug }))
        }
        Workload::Members => (
            format!("query($slug: String!) {{ organization(by: {{slug: $slug}}) {{ members(first: 25) {{ {ITEM} }} }} }}"),
            json!({ "slug": slug }),
        ),
        Workload::Deep => (
            format!("query($slug: String!, $after: String!) {{ organization(by: {{slug: $slug}}) {{ members(first: 25, after: $after) {{ {ITEM} }} }} }}"),
            json!({ "slug": slug, "after": deep_cursor(&token, of, port).await }),
        ),
        Workload::Nested => (
            "query($slug: String!) { organization(by: {slug: $slug}) { projects(first: 20) { nodes { name members(first: 10) { nodes { user { displayName } } } } } } }".to_owned(),
            json!({ "slug": slug }),
        ),
        Workload::Total => {
            ("query($slug: String!) { organization(by: {slug: $slug}) { members { totalCount } } }".to_owned(), json!({ "slug": slug }))
        }
        Workload::SearchRare | Workload::SearchCommon | Workload::SearchShort | Workload::SearchAbsent => (
            format!("query($slug: String!, $term: String!) {{ organization(by: {{slug: $slug}}) {{ members(first: 25, filter: {{search: $term}}) {{ {ITEM} }} }} }}"),
            json!({ "slug": slug, "term": workload.term() }),
        ),
        Workload::Access | Workload::AccessByKey => (
            "query($slug: String!, $email: String!) { organization(by: {slug: $slug}) { access(user: {email: $email}) { has(permission: \"members.manage\") } } }".to_owned(),
            json!({ "slug": slug, "email": of.email }),
        ),
        Workload::Invite => return invite(token, slug.clone(), 1),
        Workload::InviteMany => return invite(token, slug.clone(), 50),
        Workload::Accept => return accept(of, client, port).await,
        Workload::Role => return change_role(token, of, client).await,
    };
    Arc::new(move |_| Some(post(&token, &query, &variables)))
}

/// The secret of a new API key.
async fn api_key(token: &str, slug: &str, port: u16) -> String {
    const QUERY: &str = "mutation($slug: String!) { apiKeyCreate(input: {organization: {slug: $slug}, name: \"Bench\", permissions: [\"members.read\"]}) { secret userErrors { code } } }";
    let (status, body) = ask(port, post(token, QUERY, &json!({ "slug": slug }))).await;
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    body["data"]["apiKeyCreate"]["secret"].as_str().unwrap_or_else(|| panic!("{status} {body}")).to_owned()
}

fn invite(token: String, slug: String, count: u64) -> Requests {
    const QUERY: &str = "mutation($slug: String!, $emails: [String!]!) { organizationInvite(input: {organization: {slug: $slug}, emails: $emails}) { results { invitation { id } userErrors { code } } userErrors { code } } }";
    Arc::new(move |number| {
        let emails: Vec<_> = (0..count).map(|one| format!("bench-{count}-{number}-{one}@example.com")).collect();
        Some(post(&token, QUERY, &json!({ "slug": slug, "emails": emails })))
    })
}

/// Whoever accepts has signed in before, as the users of the peers have.
async fn accept(of: &Organization, client: &Client, port: u16) -> Requests {
    const QUERY: &str = "mutation($id: ID!) { invitationAccept(input: {invitation: {id: $id}}) { organizationMember { id } userErrors { code } } }";
    let rows = client
        .query(
            "SELECT i.id, i.email FROM invitations i WHERE i.organization_id = $1 AND i.status = 'PENDING' AND i.expires_at > now() + interval '1 hour' \
             AND NOT EXISTS (SELECT FROM users u WHERE u.email = i.email) ORDER BY i.id LIMIT $2",
            &[&of.id, &ACCEPTED],
        )
        .await
        .expect("invitations");
    let invited: Vec<(String, String)> =
        rows.iter().map(|row| (InvitationId(row.get(0)).to_string(), token(row.get(1), "Somebody New"))).collect();
    for (_, token) in &invited {
        let (status, body) = ask(port, post(token, "{ viewer { actor { displayName } } }", &json!({}))).await;
        assert!(succeeded(status, &body), "{status} {body:?}");
    }
    Arc::new(move |number| {
        let (id, token) = invited.get(usize::try_from(number).ok()?)?;
        Some(post(token, QUERY, &json!({ "id": id })))
    })
}

/// Invitations that are accepted at the most.
const ACCEPTED: i64 = 5_000;

async fn change_role(token: String, of: &Organization, client: &Client) -> Requests {
    const QUERY: &str = "mutation($id: ID!, $role: String!) { organizationMemberUpdateRole(input: {member: {id: $id}, role: {key: $role}}) { member { id role { key } } userErrors { code } } }";
    let rows = client
        .query(
            "SELECT id FROM organization_members WHERE organization_id = $1 AND NOT is_owner ORDER BY id LIMIT 2000",
            &[&of.id],
        )
        .await
        .expect("members");
    let members: Vec<String> = rows.iter().map(|row| OrganizationMemberId(row.get(0)).to_string()).collect();
    Arc::new(move |number| {
        let (round, index) = (number / members.len() as u64, number % members.len() as u64);
        let role = if round % 2 == 0 { "admin" } else { "viewer" };
        let id = members.get(usize::try_from(index).ok()?)?;
        Some(post(&token, QUERY, &json!({ "id": id, "role": role })))
    })
}

/// Four reads to one write, as people use it.
pub async fn mixed(of: &Organization, client: &Client, port: u16) -> Requests {
    let mut parts = Vec::new();
    for (workload, share) in [
        (Workload::Members, 40),
        (Workload::Organization, 20),
        (Workload::SearchRare, 10),
        (Workload::Access, 10),
        (Workload::Invite, 10),
        (Workload::Role, 10),
    ] {
        parts.push((of_roster(workload, of, client, port).await, share));
    }
    Arc::new(move |number| {
        let mut place = number * 37 % 100;
        for (requests, share) in &parts {
            if place < *share {
                return requests(number);
            }
            place -= share;
        }
        None
    })
}

/// The cursor of the member 90 % deep, found from the end.
async fn deep_cursor(token: &str, of: &Organization, port: u16) -> String {
    let query = "query($slug: String!, $last: Int!, $before: String) { organization(by: {slug: $slug}) { members(last: $last, before: $before) { pageInfo { startCursor } } } }";
    let mut before = Value::Null;
    let mut left = of.members - of.members / 10 * 9;
    while left > 0 {
        let last = left.min(100);
        let variables = json!({ "slug": of.slug, "last": last, "before": before });
        let (_, body) = ask(port, post(token, query, &variables)).await;
        let answer: Value = serde_json::from_slice(&body).expect("JSON");
        before = answer["data"]["organization"]["members"]["pageInfo"]["startCursor"].clone();
        left -= last;
    }
    before.as_str().expect("a cursor").to_owned()
}

/// How the limit is asked; nothing where it would not be an answer of its own.
pub fn of_limit(workload: Workload, of: &Organization) -> Option<Requests> {
    let slug = &of.slug;
    let path = match workload {
        Workload::Organization => format!("/organization/{slug}"),
        Workload::Members => format!("/members/{slug}"),
        Workload::Deep => {
            let name: String = of.deep.0.bytes().map(|byte| format!("%{byte:02x}")).collect();
            format!("/members/{slug}/after/{name}/{}", of.deep.1)
        }
        Workload::Nested => format!("/nested/{slug}"),
        Workload::Total => format!("/total/{slug}"),
        Workload::SearchRare | Workload::SearchCommon | Workload::SearchShort | Workload::SearchAbsent => {
            format!("/search/{slug}/{}", workload.term()?)
        }
        _ => return None,
    };
    Some(Arc::new(move |_| Some(get(&path))))
}

/// What others would take or write, in `peers/`.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub &'static str);

impl Peer {
    /// All of them.
    pub const ALL: [Self; 3] = [Self("mercurius"), Self("postgraphile"), Self("better-auth")];

    fn command(self, script: &str) -> Command {
        let peers = PathBuf::from("peers");
        let node =
            std::fs::canonicalize(peers.join("node_modules/.bin/node")).expect("Node.js: run `npm ci` in bench/peers");
        let mut command = Command::new(node);
        command.arg(script).current_dir(peers.join(self.0));
        command
    }

    /// Makes what it needs in the database, and tells how it is asked.
    pub fn prepare(self, url: &str, of: &Organization) -> Map<String, Value> {
        let mut command = self.command("prepare.mjs");
        command.envs([("DATABASE_URL", url), ("SLUG", &of.slug), ("TERM_RARE", RARE), ("TERM_COMMON", COMMON)]);
        command.envs([("DEEP_SORT_NAME", of.deep.0.as_str()), ("DEEP_ID", &of.deep.1.to_string())]);
        let output = command.stderr(Stdio::inherit()).output().expect("a peer");
        assert!(output.status.success(), "{command:?}");
        serde_json::from_slice(&output.stdout).expect("operations")
    }

    /// Starts it.
    pub fn start(self, url: &str, port: u16) -> Running {
        let mut command = self.command("server.mjs");
        command.envs([("DATABASE_URL", url), ("PORT", &port.to_string()), ("WORKERS", "2")]);
        Running::start(&mut command, port)
    }
}

/// How a peer is asked; nothing where it has no such thing.
pub fn of_peer(workload: Workload, operations: &Map<String, Value>) -> Option<Requests> {
    let operations = match operations.get(workload.key()?)? {
        Value::Array(each_once) => each_once.clone(),
        one => return Some(repeated(one.clone())),
    };
    Some(Arc::new(move |number| Some(request(operations.get(usize::try_from(number).ok()?)?, number))))
}

fn repeated(operation: Value) -> Requests {
    Arc::new(move |number| Some(request(&operation, number)))
}

fn request(operation: &Value, number: u64) -> Request<Full<Bytes>> {
    let text = |value: &Value| value.as_str().unwrap_or_default().replace("{n}", &number.to_string());
    let mut request = Request::builder()
        .method(text(&operation["method"]).as_str())
        .uri(text(&operation["path"]))
        .header("host", "bench");
    for (name, value) in operation["headers"].as_object().into_iter().flatten() {
        request = request.header(name, text(value));
    }
    let body = match &operation["body"] {
        Value::Null => String::new(),
        body => body.to_string().replace("{n}", &number.to_string()),
    };
    request.body(Full::new(body.into())).expect("a request")
}
