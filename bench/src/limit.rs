//! The limit: what the machine needs for an answer at the least. One prepared statement that answers rows, JSON
//! written by hand, statements pipelined over a few shared connections; no GraphQL, no authentication, no checks.

use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use roster::{
    access::Permission,
    domain::{
        id::{OrganizationId, OrganizationMemberId},
        role::RoleScope,
    },
};
use tokio_postgres::{Client, NoTls, Row, Statement, types::ToSql};
use uuid::Uuid;

const CONNECTIONS: usize = 4;

/// Where the names of people are read.
#[derive(Clone, Copy)]
struct Names {
    column: &'static str,
    join: &'static str,
}

/// Where they are kept once.
const OF_USERS: Names = Names { column: "u.display_name", join: "JOIN users u ON u.id = m.user_id" };
/// In the copies that Roster keeps in memberships.
const COPIES: Names = Names { column: "m.display_name", join: "" };

struct Connection {
    client: Client,
    organization: Statement,
    members: Statement,
    after: Statement,
    nested: Statement,
    total: Statement,
    search: Statement,
}

impl Connection {
    async fn open(url: &str, Names { column, join }: Names) -> Self {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
        tokio::spawn(connection);
        let member = format!(
            "SELECT m.id, r.key, r.name, {column}, m.email FROM organization_members m \
             JOIN roles r ON r.organization_id = m.organization_id AND r.id = m.role_id {join} \
             WHERE m.organization_id = (SELECT organization_id FROM organization_slugs WHERE slug = $1)"
        );
        let prepare = async |sql: &str| client.prepare(sql).await.expect(sql);
        Self {
            organization: prepare(
                "SELECT o.id, o.name, r.permissions, r.built_in FROM organization_slugs s JOIN organizations o ON o.id = s.organization_id \
                 JOIN organization_members m ON m.organization_id = o.id AND m.is_owner JOIN roles r ON r.organization_id = o.id AND r.id = m.role_id WHERE s.slug = $1",
            )
            .await,
            members: prepare(&format!("{member} ORDER BY m.sort_name, m.id LIMIT 25")).await,
            after: prepare(&format!("{member} AND (m.sort_name, m.id) > ($2, $3) ORDER BY m.sort_name, m.id LIMIT 25")).await,
            nested: prepare(
                &format!("SELECT p.name, {column}, p.id FROM (SELECT * FROM projects p \
                 WHERE p.organization_id = (SELECT organization_id FROM organization_slugs WHERE slug = $1) ORDER BY p.sort_name, p.id LIMIT 20) p CROSS JOIN LATERAL (SELECT m.* FROM project_members m \
                 WHERE m.organization_id = p.organization_id AND m.project_id = p.id ORDER BY m.sort_name, m.id LIMIT 10) m \
                 {join} ORDER BY p.sort_name, p.id, m.sort_name, m.id"),
            )
            .await,
            total: prepare("SELECT o.member_count FROM organization_slugs s JOIN organizations o ON o.id = s.organization_id WHERE s.slug = $1").await,
            search: prepare(&format!("{member} AND m.search_text LIKE $2 ORDER BY m.sort_name, m.id LIMIT 25")).await,
            client,
        }
    }
}

struct Limit {
    connections: Vec<Connection>,
    turn: AtomicUsize,
}

impl Limit {
    async fn rows(&self, of: fn(&Connection) -> &Statement, values: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let connection = &self.connections[turn % self.connections.len()];
        connection.client.query(of(connection), values).await.expect("rows")
    }
}

/// Serves at `127.0.0.1:port`, with the names of people from copies or not.
pub async fn serve(url: &str, port: u16, copies: bool) {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Connection::open(url, if copies { COPIES } else { OF_USERS }).await);
    }
    let router = Router::new()
        .route("/organization/{slug}", get(organization))
        .route("/members/{slug}", get(members))
        .route("/members/{slug}/after/{name}/{id}", get(after))
        .route("/nested/{slug}", get(nested))
        .route("/total/{slug}", get(total))
        .route("/search/{slug}/{term}", get(search))
        .with_state(Arc::new(Limit { connections, turn: AtomicUsize::new(0) }));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("the port");
    println!("listening");
    axum::serve(listener, router).await.expect("a server");
}

fn json(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn text(to: &mut String, text: &str) {
    to.push_str(&serde_json::to_string(text).expect("text"));
}

async fn organization(State(limit): State<Arc<Limit>>, Path(slug): Path<String>) -> Response {
    let rows = limit.rows(|of| &of.organization, &[&slug]).await;
    let row = &rows[0];
    let mut body = String::with_capacity(1_024);
    write!(body, r#"{{"data":{{"organization":{{"id":"{}","name":"#, OrganizationId(row.get(0))).expect("text");
    text(&mut body, row.get(1));
    body.push_str(r#","viewerPermissions":["#);
    for (index, permission) in Permission::ALL.iter().filter(|one| one.scope() == RoleScope::Organization).enumerate() {
        if index > 0 {
            body.push(',');
        }
        text(&mut body, permission.key());
    }
    body.push_str("]}}}");
    json(body)
}

fn page(rows: &[Row]) -> Response {
    let mut body = String::with_capacity(4_096);
    body.push_str(r#"{"data":{"organization":{"members":{"nodes":["#);
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            body.push(',');
        }
        write!(body, r#"{{"id":"{}","role":{{"key":"#, OrganizationMemberId(row.get(0))).expect("text");
        text(&mut body, row.get(1));
        body.push_str(r#","name":"#);
        text(&mut body, row.get(2));
        body.push_str(r#"},"user":{"displayName":"#);
        text(&mut body, row.get(3));
        body.push_str(r#","email":"#);
        text(&mut body, row.get(4));
        body.push_str("}}");
    }
    body.push_str("]}}}}");
    json(body)
}

async fn members(State(limit): State<Arc<Limit>>, Path(slug): Path<String>) -> Response {
    page(&limit.rows(|of| &of.members, &[&slug]).await)
}

async fn after(State(limit): State<Arc<Limit>>, Path((slug, name, id)): Path<(String, String, Uuid)>) -> Response {
    page(&limit.rows(|of| &of.after, &[&slug, &name, &id]).await)
}

async fn search(State(limit): State<Arc<Limit>>, Path((slug, term)): Path<(String, String)>) -> Response {
    page(&limit.rows(|of| &of.search, &[&slug, &format!("%{term}%")]).await)
}

async fn nested(State(limit): State<Arc<Limit>>, Path(slug): Path<String>) -> Response {
    let rows = limit.rows(|of| &of.nested, &[&slug]).await;
    let mut body = String::with_capacity(16_384);
    body.push_str(r#"{"data":{"organization":{"projects":{"nodes":["#);
    let mut before: Option<Uuid> = None;
    for row in &rows {
        let project = Some(row.get(2));
        if before == project {
            body.push(',');
        } else {
            if before.is_some() {
                body.push_str("]}},");
            }
            body.push_str(r#"{"name":"#);
            text(&mut body, row.get(0));
            body.push_str(r#","members":{"nodes":["#);
        }
        before = project;
        body.push_str(r#"{"user":{"displayName":"#);
        text(&mut body, row.get(1));
        body.push_str("}}");
    }
    body.push_str(if before.is_some() { "]}}]}}}}" } else { "]}}}}" });
    json(body)
}

async fn total(State(limit): State<Arc<Limit>>, Path(slug): Path<String>) -> Response {
    let rows = limit.rows(|of| &of.total, &[&slug]).await;
    json(format!(r#"{{"data":{{"organization":{{"members":{{"totalCount":{}}}}}}}}}"#, rows[0].get::<_, i32>(0)))
}
