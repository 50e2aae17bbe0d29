//! Many at once; and the end of a transaction, a client or the whole process in the middle of it.

use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use diesel_async::SimpleAsyncConnection;
use futures_util::{FutureExt, future::join_all};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use roster::store::database::Database;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::Mutex,
    time::timeout,
};

use crate::support::{ACCEPT, Actor, Roster, codes, database, id};

const INVITE: &str = "mutation($organization: ID!, $emails: [String!]!) { payload: organizationInvite(input: {organization: {id: $organization}, emails: $emails}) { results { status userErrors { code } } userErrors { code ... on LimitUserError { limit actual } } } }";
const DECLINE: &str = "mutation($token: String!) { payload: invitationDecline(input: {invitation: {token: $token}}) { userErrors { code } } }";
const REVOKE: &str =
    "mutation($id: ID!) { payload: invitationRevoke(input: {invitationId: $id}) { userErrors { code } } }";
const UPDATE_ROLE: &str = "mutation($member: ID!, $role: String!) { payload: organizationMemberUpdateRole(input: {member: {id: $member}, role: {key: $role}}) { userErrors { code } } }";
const REMOVE: &str = "mutation($member: ID!) { payload: organizationMemberRemove(input: {member: {id: $member}}) { userErrors { code } } }";

const LEAVE: &str = "mutation($organization: ID!) { payload: organizationLeave(input: {organization: {id: $organization}}) { userErrors { code } } }";

/// Posts all of these at once, each from a task of its own; answers their data, in order.
pub async fn at_once(posts: impl IntoIterator<Item = (Actor, &'static str, Value)>) -> Vec<Value> {
    let tasks: Vec<_> = posts
        .into_iter()
        .map(|(actor, query, variables)| tokio::spawn(async move { insist(&actor, query, variables).await }))
        .collect();
    join_all(tasks).await.into_iter().map(|data| data.expect("an answer")).collect()
}

/// The data of an answer. A server that is too busy says so, and is asked again.
async fn insist(actor: &Actor, query: &str, variables: Value) -> Value {
    for _ in 0..10 {
        let answer = actor.post(query, variables.clone()).await;
        if answer.body["errors"][0]["extensions"]["code"] != "SERVICE_UNAVAILABLE" {
            assert_eq!(answer.body.get("errors"), None, "{} asked {query}", actor.name);
            return answer.body["data"].clone();
        }
    }
    panic!("too busy for {query}");
}

fn emails(name: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{name}-{number}@example.com")).collect()
}

/// Crowds come one after the other, so that PostgreSQL has connections for each.
pub static CROWD: Mutex<()> = Mutex::const_new(());

/// A server with the organization Acme, whom it belongs to, and its id. It has a connection for each of 64
/// clients, so that what is tried is how they wait for each other and not for connections.
pub async fn acme() -> (Roster, Actor, String) {
    let url = database().await;
    // One in eight is shared.
    let db = Database::open(&url, 74);
    let mut roster = Roster::start_with(|app| app.db = db).await;
    roster.url = url;
    let alice = roster.person("alice");
    let organization = roster.organization(&alice, "Acme").await;
    (roster, alice, organization)
}

/// Whoever comes when a shared connection is full waits, and goes on when somebody is done.
#[tokio::test(flavor = "multi_thread")]
async fn a_shared_connection_takes_so_many_at_a_time() {
    let db = Database::open(&database().await, 8);
    let mut turns = Vec::new();
    for _ in 0..32 {
        turns.push(db.shared().await.unwrap());
    }
    assert!(db.shared().now_or_never().is_none());
    turns.pop();
    db.shared().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn inviting_one_address_64_times_makes_one_invitation() {
    let _alone = CROWD.lock().await;
    let (roster, alice, organization) = acme().await;
    let variables = json!({ "organization": organization, "emails": ["bob@example.com"] });
    let answers = at_once((0..64).map(|_| (alice.clone(), INVITE, variables.clone()))).await;
    let results: Vec<&Value> = answers.iter().map(|answer| &answer["payload"]["results"][0]).collect();
    assert_eq!(results.iter().filter(|result| result["status"] == "SUCCEEDED").count(), 1);
    assert_eq!(
        results.iter().filter(|result| result["userErrors"] == json!([{ "code": "ALREADY_INVITED" }])).count(),
        63
    );
    assert_eq!(roster.texts("SELECT status FROM invitations").await, ["PENDING"]);
    assert_eq!(roster.texts("SELECT status FROM mails").await, ["QUEUED"]);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accepting_one_invitation_64_times_makes_one_member() {
    let _alone = CROWD.lock().await;
    let (roster, alice, organization) = acme().await;
    let (_, token) = roster.invite(&alice, &organization, "bob@example.com", "admin").await;
    // Bob was never seen before: all of them sign him in as well.
    let answers = at_once((0..64).map(|_| (roster.person("bob"), ACCEPT, json!({ "token": token })))).await;
    let members: Vec<String> = roster.texts("SELECT id FROM organization_members WHERE NOT is_owner").await;
    assert_eq!(members.len(), 1);
    let first = id(&answers[0]["invitationAccept"]["organizationMember"]);
    for answer in &answers {
        assert_eq!(answer["invitationAccept"]["userErrors"], json!([]));
        assert_eq!(id(&answer["invitationAccept"]["organizationMember"]), first);
    }
    assert_eq!(
        roster.events().await,
        ["organization.created", "member.joined", "invitation.created", "invitation.accepted", "member.joined"]
    );
    assert_eq!(roster.texts("SELECT count(*) FROM users WHERE email = 'bob@example.com'").await, ["1"]);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_accepting_declining_and_revoking_one_wins() {
    let _alone = CROWD.lock().await;
    let (roster, alice, organization) = acme().await;
    let mut posts = Vec::new();
    for number in 0..50 {
        let name = format!("person-{number}");
        let (id, token) = roster.invite(&alice, &organization, &format!("{name}@example.com"), "member").await;
        let mut of_one = [
            (roster.person(&name), ACCEPT, json!({ "token": token })),
            (roster.person(&name), DECLINE, json!({ "token": token })),
            (alice.clone(), REVOKE, json!({ "id": id })),
        ];
        of_one.rotate_left(number % 3);
        posts.extend(of_one);
    }
    let mut answers = Vec::new();
    for some in posts.chunks(63) {
        answers.extend(at_once(some.iter().cloned()).await);
    }
    for of_one in answers.chunks(3) {
        let refusals: Vec<Vec<String>> = of_one
            .iter()
            .map(|answer| {
                codes(&answer.as_object().and_then(|data| data.values().next()).expect("a payload")["userErrors"])
            })
            .collect();
        assert_eq!(refusals.iter().filter(|codes| codes.is_empty()).count(), 1, "{refusals:?}");
        assert_eq!(refusals.iter().filter(|codes| **codes == ["INVITATION_NOT_PENDING"]).count(), 2, "{refusals:?}");
    }
    let wrong = "SELECT email FROM invitations i WHERE status NOT IN ('ACCEPTED', 'DECLINED', 'REVOKED') \
         OR (SELECT array_agg(type) FROM events e WHERE e.subject_id = i.id) <> ARRAY['invitation.created', 'invitation.' || lower(status)] \
         OR (status = 'ACCEPTED') <> EXISTS (SELECT FROM organization_members m WHERE m.email = i.email)";
    assert_eq!(roster.texts(wrong).await, Vec::<String>::new());
    assert_eq!(roster.texts("SELECT count(DISTINCT status) > 1 FROM invitations").await, ["true"], "no race was run");
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_at_once_an_organization_keeps_its_owner() {
    let _alone = CROWD.lock().await;
    let (roster, alice, organization) = acme().await;
    let alices = roster.texts("SELECT id FROM organization_members WHERE is_owner").await;
    let alices = roster::domain::id::OrganizationMemberId(alices[0].parse().unwrap()).to_string();
    let project = roster.project(&alice, &organization, "Apollo").await;
    let mut admins = Vec::new();
    for name in ["bob", "carol", "dave", "erin"] {
        admins.push(roster.member(&alice, &organization, name, "admin").await);
        roster.project_member(&alice, &project, name, "admin").await;
    }
    // Bob owns a project as well, which passes to Alice when he is removed.
    roster.project(&admins[0].0, &organization, "Gemini").await;
    let posts = (0..64).map(|number: usize| {
        let (actor, _) = &admins[number % 4];
        let (_, victim) = &admins[(number / 4) % 4];
        match number % 8 {
            0 => (actor.clone(), REMOVE, json!({ "member": alices })),
            1 => (actor.clone(), UPDATE_ROLE, json!({ "member": alices, "role": "viewer" })),
            2 => (alice.clone(), UPDATE_ROLE, json!({ "member": victim, "role": "owner" })),
            3 => (actor.clone(), REMOVE, json!({ "member": victim })),
            4 => (actor.clone(), UPDATE_ROLE, json!({ "member": victim, "role": "viewer" })),
            5 => (alice.clone(), UPDATE_ROLE, json!({ "member": victim, "role": "admin" })),
            6 if number % 16 == 6 => (alice.clone(), LEAVE, json!({ "organization": organization })),
            6 if number > 48 => (actor.clone(), LEAVE, json!({ "organization": organization })),
            _ => (
                actor.clone(),
                INVITE,
                json!({ "organization": organization, "emails": [format!("p{number}@example.com")] }),
            ),
        }
    });
    let answers = at_once(posts).await;
    for number in (0..64).filter(|number| number % 8 < 3) {
        let codes = codes(&answers[number]["payload"]["userErrors"]);
        assert!(
            ["OWNER_PROTECTED", "ROLE_NOT_ASSIGNABLE", "FORBIDDEN", "NOT_FOUND"].contains(&codes[0].as_str()),
            "{number}: {codes:?}"
        );
    }
    for number in (0..64).filter(|number| number % 16 == 6) {
        assert_eq!(codes(&answers[number]["payload"]["userErrors"]), ["OWNER_PROTECTED"]);
    }
    let owners = "SELECT email || ' ' || count(*) FROM (SELECT email FROM organization_members WHERE is_owner UNION ALL \
         SELECT email FROM project_members WHERE is_owner) AS owners GROUP BY email ORDER BY email";
    let owners = roster.texts(owners).await;
    assert!(owners == ["alice@example.com 3"] || owners == ["alice@example.com 2", "bob@example.com 1"], "{owners:?}");
    // What is pending comes from somebody who may still invite.
    let orphans = "SELECT email FROM invitations i WHERE status = 'PENDING' AND NOT EXISTS (SELECT FROM organization_members m \
         JOIN roles r ON r.id = m.role_id WHERE m.user_id = i.invited_by_id AND r.built_in IN ('OWNER', 'ADMIN'))";
    assert_eq!(roster.texts(orphans).await, Vec::<String>::new());
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_are_not_overrun() {
    let _alone = CROWD.lock().await;
    let (roster, alice, organization) = acme().await;
    roster.sql("UPDATE organizations SET seat_limit = 10").await;
    let invite = |email: String| (alice.clone(), INVITE, json!({ "organization": organization, "emails": [email] }));
    let answers = at_once(emails("p", 64).into_iter().map(invite)).await;
    let invited = answers.iter().filter(|answer| answer["payload"]["results"][0]["status"] == "SUCCEEDED").count();
    let full = json!([{ "code": "LIMIT_REACHED", "limit": 10, "actual": 11 }]);
    assert_eq!((invited, answers.iter().filter(|answer| answer["payload"]["userErrors"] == full).count()), (9, 55));
    assert_eq!(roster.texts("SELECT member_count + pending_invitation_count FROM organizations").await, ["10"]);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_seat_goes_to_one() {
    let (roster, alice, organization) = acme().await;
    let mut posts = Vec::new();
    for name in ["bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan"] {
        let (_, token) = roster.invite(&alice, &organization, &format!("{name}@example.com"), "member").await;
        posts.push((roster.person(name), ACCEPT, json!({ "token": token })));
    }
    roster.sql("UPDATE organizations SET seat_limit = 2").await;
    let answers = at_once(posts).await;
    let refusals: Vec<Vec<String>> =
        answers.iter().map(|answer| codes(&answer["invitationAccept"]["userErrors"])).collect();
    assert_eq!(refusals.iter().filter(|codes| codes.is_empty()).count(), 1, "{refusals:?}");
    assert_eq!(refusals.iter().filter(|codes| **codes == ["LIMIT_REACHED"]).count(), 7, "{refusals:?}");
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_itself_refuses_what_cannot_be() {
    let (roster, alice, organization) = acme().await;
    roster.project(&alice, &organization, "Apollo").await;
    roster.member(&alice, &organization, "bob", "member").await;
    roster.invite(&alice, &organization, "carol@example.com", "member").await;
    let mallory = roster.person("mallory");
    let other = roster.organization(&mallory, "Other").await;
    roster.project(&mallory, &other, "Foreign").await;
    let row = |table: &str, change: &str, from: &str| {
        format!(
            "INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(), {change}))).* \
             FROM {table} t, organizations a, organizations o, users bob, users mallory \
             WHERE a.slug = 'acme' AND o.slug = 'other' AND bob.email LIKE 'bob@%' AND mallory.email LIKE 'mallory@%' AND {from}"
        )
    };
    let of_acme = "t.organization_id = a.id";
    let (foreign_role, foreign_project) = (
        "'role_id', (SELECT id FROM roles r WHERE r.organization_id = o.id AND scope = 'ORGANIZATION' AND built_in = 'MEMBER')",
        "'project_id', (SELECT id FROM projects p WHERE p.organization_id = o.id)",
    );
    let (key, unique) = ("violates foreign key constraint", "violates unique constraint");
    let impossible = [
        // In a project without being in the organization.
        (row("project_members", "'user_id', mallory.id, 'is_owner', false", of_acme), key),
        // A second owner.
        (row("organization_members", "'user_id', mallory.id", &format!("{of_acme} AND t.is_owner")), unique),
        (row("project_members", "'user_id', bob.id", of_acme), unique),
        ("UPDATE organization_members SET is_owner = true WHERE email = 'bob@example.com'".to_owned(), unique),
        // In an organization twice.
        (row("organization_members", "'is_owner', false", &format!("{of_acme} AND t.is_owner")), unique),
        // From one organization into another.
        (row("organization_members", &format!("'user_id', mallory.id, 'is_owner', false, {foreign_role}"), &format!("{of_acme} AND t.is_owner")), key),
        (row("project_members", &format!("'user_id', bob.id, 'is_owner', false, {foreign_project}"), of_acme), key),
        (row("project_members", &format!("'user_id', bob.id, 'is_owner', false, {foreign_role}"), of_acme), key),
        (row("invitations", &format!("'email', 'x@example.com', {foreign_role}"), of_acme), key),
        (row("invitations", &format!("'email', 'x@example.com', {foreign_project}"), of_acme), key),
        ("UPDATE projects SET organization_id = (SELECT id FROM organizations WHERE slug = 'other') WHERE slug = 'apollo'".to_owned(), key),
        (
            "INSERT INTO invitation_projects (organization_id, invitation_id, project_id, role_id, position) \
             SELECT i.organization_id, i.id, p.id, r.id, 0 FROM invitations i, projects p, roles r \
             WHERE p.slug = 'foreign' AND r.organization_id = i.organization_id AND r.scope = 'PROJECT' AND r.built_in = 'MEMBER'"
                .to_owned(),
            key,
        ),
        // Invited twice.
        (row("invitations", "'token_version', 1", of_acme), unique),
        // Pending and answered.
        ("UPDATE invitations SET status = 'ACCEPTED'".to_owned(), "violates check constraint"),
        ("UPDATE organizations SET member_count = -1".to_owned(), "violates check constraint"),
    ];
    let before = roster.content().await;
    for (sql, why) in impossible {
        let refused = roster.connection().await.batch_execute(&sql).await;
        let message = refused.expect_err(&sql).to_string();
        assert!(message.contains(why), "{message}\n{sql}");
    }
    assert_eq!(roster.content().await, before);
}

/// The code of the one error of an answer, which shows nothing of the database.
async fn failure(actor: &Actor, organization: &str) -> String {
    let answer = actor.post(INVITE, json!({ "organization": organization, "emails": ["bob@example.com"] })).await;
    let text = answer.body.to_string().to_lowercase();
    for internal in ["constraint", "trigger", "sql", "insert", "events", "no_invitations", "secret"] {
        assert!(!text.contains(internal), "{text}");
    }
    assert_eq!(answer.body["data"]["payload"], Value::Null);
    assert_eq!(answer.body["errors"].as_array().map(Vec::len), Some(1));
    answer.body["errors"][0]["extensions"]["code"].as_str().expect("a code").to_owned()
}

/// Has PostgreSQL refuse new events with this error, when they are written or at the commit.
async fn refuse_events(roster: &Roster, condition: &str, error: &str, at_commit: bool) {
    let timing = if at_commit { "DEFERRABLE INITIALLY DEFERRED" } else { "" };
    roster
        .sql(&format!(
            "CREATE SEQUENCE attempts; CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
             $$BEGIN IF nextval('attempts') {condition} THEN RAISE EXCEPTION 'secret' USING ERRCODE = '{error}'; END IF; RETURN NULL; END$$; \
             CREATE CONSTRAINT TRIGGER no_invitations AFTER INSERT ON events {timing} FOR EACH ROW EXECUTE FUNCTION refuse()"
        ))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_fails_at_its_end_leaves_nothing() {
    for at_commit in [false, true] {
        let (roster, alice, organization) = acme().await;
        refuse_events(&roster, "> 0", "check_violation", at_commit).await;
        let before = roster.content().await;
        // Again and again, so that a connection left unusable would be met.
        for _ in 0..10 {
            assert_eq!(failure(&alice, &organization).await, "INTERNAL_SERVER_ERROR");
        }
        assert_eq!(roster.content().await, before);
        // A failure that no other try would cure is not tried again.
        assert_eq!(roster.texts("SELECT last_value FROM attempts").await, ["10"]);
        roster.sql("DROP TRIGGER no_invitations ON events").await;
        let many = (0..16).map(|number| {
            let variables = json!({ "organization": organization, "emails": [format!("p{number}@example.com")] });
            (alice.clone(), INVITE, variables)
        });
        for answer in at_once(many).await {
            assert_eq!(answer["payload"]["results"][0]["status"], "SUCCEEDED");
        }
        roster.assert_counters().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_the_database_gave_up_is_run_again() {
    let (roster, alice, organization) = acme().await;
    refuse_events(&roster, "< 3", "serialization_failure", false).await;
    roster.invite(&alice, &organization, "bob@example.com", "member").await;
    assert_eq!(roster.texts("SELECT last_value FROM attempts").await, ["3"]);
    assert_eq!(roster.texts("SELECT status FROM invitations").await, ["PENDING"]);
    assert_eq!(roster.texts("SELECT status FROM mails").await, ["QUEUED"]);
    roster.assert_counters().await;

    let (roster, alice, organization) = acme().await;
    refuse_events(&roster, "> 0", "serialization_failure", false).await;
    let before = roster.content().await;
    assert_eq!(failure(&alice, &organization).await, "SERVICE_UNAVAILABLE");
    assert_eq!(roster.texts("SELECT last_value FROM attempts").await, ["3"]);
    assert_eq!(roster.content().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_takes_too_long_is_undone() {
    let roster = Roster::start_with(|app| app.limits.change = Duration::from_millis(300)).await;
    let alice = roster.person("alice");
    let organization = roster.organization(&alice, "Acme").await;
    let before = roster.content().await;
    let mut other = roster.connection().await;
    other.batch_execute("BEGIN; SELECT FROM organizations FOR UPDATE").await.unwrap();
    assert_eq!(failure(&alice, &organization).await, "TIMEOUT");
    other.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(roster.content().await, before);
    assert_no_transaction_is_left(&roster).await;
    roster.invite(&alice, &organization, "bob@example.com", "member").await;
    roster.assert_counters().await;
}

/// Soon no session is inside a transaction that nobody goes on with.
async fn assert_no_transaction_is_left(roster: &Roster) {
    let idle =
        "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let left = roster.texts(idle).await;
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "left open after {left:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_request_is_committed_wholly_or_not_at_all() {
    let _alone = CROWD.lock().await;
    let (roster, alice, organization) = acme().await;
    let variables = |name: &str| json!({ "organization": organization, "emails": emails(name, 5) });
    let started = Instant::now();
    alice.data(INVITE, variables("whole")).await;
    let whole = started.elapsed();
    for round in 0..100 {
        // A change begins as soon as it is known who asks.
        roster.app.sign_ins.forget_all();
        let (alice, variables) = (alice.clone(), variables(&format!("round{round}")));
        // From at once to later than the answer.
        let moment = whole * round / 75;
        if round % 2 == 0 {
            timeout(moment, alice.post(INVITE, variables)).await.ok();
        } else {
            let task = tokio::spawn(async move { alice.post(INVITE, variables).await });
            timeout(moment, std::future::pending::<()>()).await.ok();
            task.abort();
        }
    }
    // What was begun is finished without the client.
    roster.app.tasks.close();
    timeout(Duration::from_secs(10), roster.app.tasks.wait()).await.expect("changes end");
    let rounds = "SELECT split_part(email, '-', 1) AS round, count(*) AS invitations, \
         count((SELECT m.status FROM mails m WHERE m.invitation_id = i.id)) AS mails, \
         count((SELECT e.type FROM events e WHERE e.subject_id = i.id)) AS events FROM invitations i GROUP BY 1";
    let torn = format!("SELECT round FROM ({rounds}) AS rounds WHERE (invitations, mails, events) <> (5, 5, 5)");
    assert_eq!(roster.texts(&torn).await, Vec::<String>::new());
    let committed = roster.texts(&format!("SELECT round FROM ({rounds}) AS rounds")).await.len();
    assert!((2..=100).contains(&committed), "all or nothing of 101 was committed: {committed}");
    assert_no_transaction_is_left(&roster).await;

    let posts = (0..32).map(|number| (alice.clone(), INVITE, variables(&format!("after{number}"))));
    for answer in at_once(posts).await {
        assert_eq!(answer["payload"]["results"].as_array().map(Vec::len), Some(5));
    }
    assert_no_transaction_is_left(&roster).await;
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_leaves_all_or_nothing_and_keeps_what_was_there() {
    let folder = Folder::new();
    let dev = Dev::start(&folder.0).await;
    let people = dev.data("{ organization(by: {slug: \"acme\"}) { id members { totalCount } } }", json!({})).await;
    let organization = id(&people["organization"]);
    let members = people["organization"]["members"].clone();
    let bulk = |name: &str| json!({ "organization": organization, "emails": emails(name, 100) });
    let started = Instant::now();
    dev.data(INVITE, bulk("whole")).await;
    let whole = started.elapsed();
    let mut expected = vec![("whole".to_owned(), 100)];

    let mut running = dev;
    for (round, percent) in [20, 45, 60, 75, 90].into_iter().enumerate() {
        let name = format!("round{round}");
        let answered = timeout(whole * percent / 100, running.post(INVITE, bulk(&name))).await;
        let credential = running.kill().await;
        running = Dev { authorization: credential, ..Dev::start(&folder.0).await };
        let kept = running.count(&name).await;
        assert!(kept == 0 || kept == 100, "{kept} of 100 are there after {percent} %");
        if answered.is_ok() {
            assert_eq!(kept, 100, "what was answered is kept");
        }
        expected.push((name, kept));
        for (name, count) in &expected {
            assert_eq!(running.count(name).await, *count, "{name}");
        }
    }
    let people = running.data("{ organization(by: {slug: \"acme\"}) { members { totalCount } } }", json!({})).await;
    assert_eq!(people["organization"]["members"], members);
    running.data(INVITE, bulk("after")).await;
    assert_eq!(running.count("after").await, 100);
    running.stop().await;
}

/// A data folder, deleted in the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("roster-test-{}-killed", std::process::id()));
        fs::DirBuilder::new().mode(0o755).create(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// `roster dev`, as a process of its own.
struct Dev {
    child: Child,
    url: String,
    /// Alice's.
    authorization: String,
    client: reqwest::Client,
}

impl Dev {
    async fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_roster"))
            .args(["dev", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let (mut url, mut authorization) = (String::new(), String::new());
        let announced = async {
            while let Some(line) = lines.next_line().await.expect("text") {
                if let Some(address) = line.strip_prefix("GraphQL") {
                    address.trim().clone_into(&mut url);
                }
                if line.starts_with("Alice") {
                    lines.next_line().await.expect("text").expect("a token").trim().clone_into(&mut authorization);
                }
                if line.starts_with("Anybody else") {
                    return;
                }
            }
            panic!("it ended");
        };
        timeout(Duration::from_mins(1), announced).await.expect("it starts in time");
        Self { child, url, authorization, client: reqwest::Client::new() }
    }

    async fn post(&self, query: &str, variables: Value) -> Result<Value, reqwest::Error> {
        let request = self.client.post(&self.url).header("Authorization", &self.authorization);
        request.json(&json!({ "query": query, "variables": variables })).send().await?.json().await
    }

    async fn data(&self, query: &str, variables: Value) -> Value {
        let answer = self.post(query, variables).await.expect("an answer");
        assert_eq!(answer.get("errors"), None, "{query}");
        answer["data"].clone()
    }

    /// How many invitations there are to addresses with this name.
    async fn count(&self, name: &str) -> u64 {
        let query = "query($search: String!) { organization(by: {slug: \"acme\"}) { invitations(filter: {search: $search}) { totalCount } } }";
        let data = self.data(query, json!({ "search": format!("{name}-") })).await;
        data["organization"]["invitations"]["totalCount"].as_u64().expect("a count")
    }

    /// Ends it as a power cut would; answers the credential it had given out.
    async fn kill(mut self) -> String {
        self.end(Signal::SIGKILL).await;
        self.authorization
    }

    async fn stop(mut self) {
        self.end(Signal::SIGTERM).await;
    }

    async fn end(&mut self, signal: Signal) {
        let pid = i32::try_from(self.child.id().expect("it runs")).expect("a pid");
        kill(Pid::from_raw(pid), signal).expect("a signal");
        timeout(Duration::from_secs(30), self.child.wait()).await.expect("it ends").expect("a status");
    }
}
