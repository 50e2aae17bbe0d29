//! How PostgreSQL finds what lists ask for, in an organization of 100 000 members: the plans of the statements
//! that the server really sends, told by PostgreSQL itself (`auto_explain`).

use std::fmt::Write;

use roster::store::feed;
use serde_json::{Value, json};

use crate::support::{Actor, Roster};

/// A list, and the most rows that any step of reading a page of it may go through.
struct List {
    field: &'static str,
    orders: &'static [&'static str],
    filters: &'static [(&'static str, u64)],
}

/// Rows of a page and of what belongs to them, and one on the far side of each end.
const PAGE: u64 = 110;

const LISTS: &[List] = &[
    List {
        field: "organization(by: {slug: \"acme\"}) { list: members(ARGUMENTS) { nodes { id role { key } user { displayName } } pageInfo { endCursor startCursor hasNextPage hasPreviousPage } } }",
        orders: &["NAME", "EMAIL", "JOINED_AT", "ROLE"],
        filters: &[
            ("filter: {search: \"name 4711\"}", 400),
            ("filter: {search: \"4711@crowd\"}", 400),
            ("filter: {search: \"name\"}", 400),
            ("filter: {search: \"nobody is called so\"}", PAGE),
            ("filter: {roles: [{key: \"member\"}]}", 400),
            ("filter: {roles: [{key: \"owner\"}]}", PAGE),
            ("filter: {teams: [{path: {organization: \"acme\", team: \"team-1\"}}]}", 6000),
            ("filter: {joinedAt: {from: \"2026-01-01T00:00:00Z\"}}", PAGE),
            ("filter: {projects: [{path: {organization: \"acme\", project: \"project-1\"}}]}", 400),
        ],
    },
    List {
        field: "project(by: {path: {organization: \"acme\", project: \"project-1\"}}) { list: members(ARGUMENTS) { nodes { id role { key } user { displayName } } pageInfo { endCursor startCursor hasNextPage hasPreviousPage } } }",
        orders: &["NAME", "EMAIL", "JOINED_AT", "ROLE"],
        // PostgreSQL may intersect the search with the project's index.
        filters: &[("filter: {search: \"name 4711\"}", 101_000), ("filter: {roles: [{key: \"member\"}]}", PAGE)],
    },
    List {
        field: "organization(by: {slug: \"acme\"}) { list: invitations(ARGUMENTS) { nodes { id email role { key } projects { role { key } } invitee { displayName } delivery { status } } pageInfo { endCursor startCursor hasNextPage hasPreviousPage } } }",
        orders: &["CREATED_AT", "EMAIL", "EXPIRES_AT", "STATUS"],
        filters: &[
            ("filter: {search: \"guest-4711@\"}", 400),
            ("filter: {roles: [{key: \"viewer\"}]}", 400),
            ("filter: {scope: ORGANIZATION}", PAGE),
            ("filter: {projects: [{path: {organization: \"acme\", project: \"project-3\"}}]}", 1000),
            ("filter: {createdAt: {from: \"2026-01-02T00:00:00Z\"}}", PAGE),
            ("filter: {expiresAt: {from: \"2030-02-01T00:00:00Z\"}}", 400),
            ("statuses: [DECLINED]", PAGE),
            ("statuses: [REVOKED], orderBy: {field: STATUS, direction: ASC}", PAGE),
        ],
    },
    List {
        field: "organization(by: {slug: \"acme\"}) { list: projects(ARGUMENTS) { nodes { id name viewerPermissions } pageInfo { endCursor startCursor hasNextPage hasPreviousPage } } }",
        orders: &["NAME", "CREATED_AT"],
        filters: &[("filter: {search: \"4711\"}", 400)],
    },
    List {
        field: "organization(by: {slug: \"acme\"}) { list: apiKeys(ARGUMENTS) { nodes { id permissions { key } createdBy { displayName } } pageInfo { endCursor startCursor hasNextPage hasPreviousPage } } }",
        orders: &["CREATED_AT", "LAST_USED_AT", "NAME"],
        filters: &[("filter: {includeInactive: true}", PAGE)],
    },
    List {
        field: "organizations(ARGUMENTS) { nodes { id name } pageInfo { endCursor startCursor hasNextPage hasPreviousPage } }",
        orders: &["NAME", "CREATED_AT", "SLUG"],
        filters: &[("filter: {search: \"company-4711\"}", 400), ("filter: {visibility: PRIVATE}", PAGE)],
    },
    List {
        field: "organization(by: {slug: \"acme\"}) { list: teams(ARGUMENTS) { nodes { id name viewerCan { update { allowed } } } pageInfo { endCursor startCursor hasNextPage hasPreviousPage } } }",
        orders: &["NAME", "CREATED_AT", "MEMBER_COUNT"],
        filters: &[("filter: {search: \"4711\"}", 400), ("filter: {member: {email: \"alice@example.com\"}}", 400)],
    },
    List {
        field: "team(by: {path: {organization: \"acme\", team: \"team-1\"}}) { list: members(ARGUMENTS) { nodes { id email user { displayName } invitation { status } } pageInfo { endCursor startCursor hasNextPage hasPreviousPage } } }",
        orders: &["NAME", "EMAIL", "ADDED_AT", "ROLE"],
        filters: &[
            ("filter: {search: \"name 471\"}", 5100),
            // Most teams here have one member, who leads: PostgreSQL cannot know that of this one few do.
            ("filter: {roles: [LEAD]}", 5100),
            ("filter: {statuses: [ACCEPTED]}", 5100),
        ],
    },
    List {
        field: "organization(by: {slug: \"acme\"}) { member(user: {email: \"alice@example.com\"}) { list: teamMemberships(ARGUMENTS) { nodes { id team { name } } pageInfo { endCursor startCursor hasNextPage hasPreviousPage } } } }",
        orders: &["ADDED_AT"],
        filters: &[],
    },
    List {
        field: "organization(by: {slug: \"acme\"}) { member(user: {email: \"alice@example.com\"}) { list: projectMemberships(ARGUMENTS) { nodes { id project { name } } pageInfo { endCursor startCursor hasNextPage hasPreviousPage } } } }",
        orders: &["JOINED_AT"],
        filters: &[],
    },
];

/// 100 000 members, as many in one of 5 000 projects, 5 000 in one of 5 000 teams, 100 000 invitations, 20 000 keys of which 52 work,
/// 20 000 other organizations.
async fn grow(roster: &Roster) {
    roster.projects("acme", 1, "'Plan ' || n").await;
    roster.crowd("acme", 100_000, "'Name ' || n").await;
    roster
        .sql(
            "SET statement_timeout = 0; \
             INSERT INTO project_members (organization_id, id, project_id, user_id, role_id, role_rank, is_owner, sort_name, email, search_text, display_name, joined_at, updated_at) \
             SELECT m.organization_id, gen_random_uuid(), p.id, m.user_id, r.id, r.rank, false, m.sort_name, m.email, m.search_text, m.display_name, m.joined_at, m.updated_at \
             FROM organization_members m JOIN projects p ON p.organization_id = m.organization_id AND p.slug = 'project-1' \
             JOIN roles r ON r.organization_id = m.organization_id AND r.scope = 'PROJECT' AND r.key = 'member' WHERE NOT m.is_owner \
             ON CONFLICT DO NOTHING; \
             INSERT INTO projects (organization_id, id, slug, name, sort_name, search_text, created_at, updated_at) \
             SELECT o.id, gen_random_uuid(), 'project-' || n, 'Project ' || n, 'project ' || n, 'project ' || n || ' project-' || n, '2026-01-01Z'::timestamptz + make_interval(hours => n), '2026-01-01Z' \
             FROM organizations o, generate_series(2, 5000) n WHERE o.slug = 'acme'; \
             INSERT INTO invitations (organization_id, id, email, status, status_rank, role_id, invited_by_kind, invited_by_id, created_at, updated_at, expires_at, resolved_at) \
             SELECT o.id, gen_random_uuid(), 'guest-' || n || '@example.com', CASE WHEN n % 4 = 0 THEN 'REVOKED' ELSE 'PENDING' END, CASE WHEN n % 4 = 0 THEN 3 ELSE 0 END, r.id, 'OPERATOR', NULL, \
             '2026-01-01Z'::timestamptz + make_interval(mins => n), '2026-01-01Z', '2030-01-01Z'::timestamptz + make_interval(mins => n), CASE WHEN n % 4 = 0 THEN '2026-06-01Z'::timestamptz END \
             FROM organizations o JOIN roles r ON r.organization_id = o.id AND r.scope = 'ORGANIZATION' AND r.key = 'viewer', generate_series(1, 100000) n WHERE o.slug = 'acme'; \
             INSERT INTO organizations (id, slug, name, sort_name, search_text, visibility, plan_tier, created_at, updated_at) \
             SELECT gen_random_uuid(), 'company-' || n, 'Company ' || n, 'company ' || n, 'company ' || n || ' company-' || n, 'PRIVATE', 'FREE', '2026-01-01Z'::timestamptz + make_interval(hours => n), '2026-01-01Z' \
             FROM generate_series(1, 20000) n; \
             INSERT INTO roles (organization_id, id, scope, key, built_in, name, sort_name, rank, created_at, updated_at) \
             SELECT o.id, gen_random_uuid(), 'ORGANIZATION', 'owner', 'OWNER', 'Owner', 'owner', 0, '2026-01-01Z', '2026-01-01Z' FROM organizations o WHERE o.slug LIKE 'company-%'; \
             INSERT INTO api_keys (organization_id, id, name, sort_name, search_text, prefix, secret_hash, permissions, created_by_kind, responsible_kind, created_at, last_used_at, revoked_at) \
             SELECT o.id, gen_random_uuid(), 'Key ' || n, 'key ' || n, 'key ' || n, 'rk_' || n, '', '{members.read}', 'OPERATOR', 'OPERATOR', '2026-01-01Z'::timestamptz + make_interval(mins => n), \
             CASE WHEN n % 3 > 0 THEN '2026-02-01Z'::timestamptz + make_interval(mins => n) END, CASE WHEN n % 384 > 0 THEN '2026-06-01Z'::timestamptz END \
             FROM organizations o, generate_series(1, 20000) n WHERE o.slug = 'acme'; \
             INSERT INTO organization_slugs (slug, organization_id) SELECT slug, id FROM organizations ON CONFLICT DO NOTHING; \
             INSERT INTO mails (organization_id, invitation_id, token_version, status, due_at, created_at) \
             SELECT organization_id, id, 1, 'SENT', created_at, created_at FROM invitations; \
             INSERT INTO invitation_projects (organization_id, invitation_id, project_id, role_id, position) \
             SELECT i.organization_id, i.id, p.ids[1 + ascii(right(i.id::text, 1)) % 7], r.id, 0 FROM invitations i JOIN roles r ON r.organization_id = i.organization_id AND r.scope = 'PROJECT' AND r.key = 'member', \
             (SELECT array_agg(id ORDER BY created_at) AS ids FROM projects WHERE slug IN ('project-1', 'project-2', 'project-3', 'project-4', 'project-5', 'project-6', 'project-7')) p; \
             INSERT INTO project_members (organization_id, id, project_id, user_id, role_id, role_rank, is_owner, sort_name, email, search_text, display_name, joined_at, updated_at) \
             SELECT m.organization_id, gen_random_uuid(), p.id, m.user_id, r.id, r.rank, true, m.sort_name, m.email, m.search_text, m.display_name, p.created_at, p.created_at \
             FROM organization_members m JOIN projects p ON p.organization_id = m.organization_id AND p.slug <> 'project-1' \
             JOIN roles r ON r.organization_id = m.organization_id AND r.scope = 'PROJECT' AND r.key = 'owner' WHERE m.is_owner; \
             INSERT INTO teams (organization_id, id, slug, name, sort_name, search_text, color, member_count, created_at, updated_at) \
             SELECT o.id, gen_random_uuid(), 'team-' || n, 'Team ' || n, 'team ' || n, 'team ' || n || ' team-' || n, '#2563EB', n % 50, '2026-01-01Z'::timestamptz + make_interval(hours => n), '2026-01-01Z' \
             FROM organizations o, generate_series(1, 5000) n WHERE o.slug = 'acme'; \
             INSERT INTO team_members (organization_id, id, team_id, user_id, role, role_rank, sort_name, email, search_text, display_name, added_at) \
             SELECT m.organization_id, gen_random_uuid(), t.id, m.user_id, 'MEMBER', 1, m.sort_name, m.email, m.search_text, m.display_name, m.joined_at \
             FROM (SELECT * FROM organization_members WHERE NOT is_owner AND sort_name LIKE 'name %' LIMIT 4600) m JOIN teams t ON t.organization_id = m.organization_id AND t.slug = 'team-1'; \
             INSERT INTO team_members (organization_id, id, team_id, user_id, role, role_rank, sort_name, email, search_text, display_name, added_at) \
             SELECT m.organization_id, gen_random_uuid(), t.id, m.user_id, 'LEAD', 0, m.sort_name, m.email, m.search_text, m.display_name, t.created_at \
             FROM organization_members m JOIN teams t ON t.organization_id = m.organization_id WHERE m.is_owner; \
             INSERT INTO team_members (organization_id, id, team_id, invitation_id, expires_at, role, role_rank, sort_name, email, search_text, display_name, added_at) \
             SELECT i.organization_id, gen_random_uuid(), t.id, i.id, i.expires_at, 'MEMBER', 1, i.email, i.email, i.email, i.email, i.created_at \
             FROM (SELECT * FROM invitations WHERE status = 'PENDING' LIMIT 400) i JOIN teams t ON t.organization_id = i.organization_id AND t.slug = 'team-1'",
        )
        .await;
    // Not ANALYZE alone: what was just inserted still waits outside the search indexes.
    roster.sql("VACUUM (ANALYZE)").await;
}

/// The plans of what the server sends to answer a query.
async fn plans(actor: &Actor, query: &str) -> (Value, Vec<Value>) {
    plans_of(&actor.roster, actor.data(query, json!({}))).await
}

/// The plans of what the server sends meanwhile.
async fn plans_of<T>(roster: &Roster, work: impl Future<Output = T>) -> (T, Vec<Value>) {
    let log = roster.texts("SELECT setting FROM pg_settings WHERE name = 'data_directory'").await.remove(0);
    let log = std::path::Path::new(&log).parent().unwrap().join("postgres.log");
    let before = std::fs::metadata(&log).unwrap().len();
    let done = work.await;
    let written = std::fs::read(&log).unwrap().split_off(usize::try_from(before).unwrap());
    let written = String::from_utf8_lossy(&written).into_owned();
    let mut plans = Vec::new();
    for entry in written.split("LOG:  duration: ").skip(1) {
        let block: Vec<&str> = entry.lines().skip(1).take_while(|line| line.starts_with('\t')).collect();
        plans.push(serde_json::from_str(&block.join("\n")).unwrap_or_else(|error| panic!("{error}: {entry}")));
    }
    assert!(!plans.is_empty(), "no plan was told");
    (done, plans)
}

/// What is wrong with a step of a plan, or with those below it.
fn check(step: &Value, most: u64, wrong: &mut Vec<String>) {
    let number = |name: &str| step[name].as_f64().unwrap_or_default();
    let loops = number("Actual Loops");
    let removed = number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts")]
    let rows = ((number("Actual Rows") + removed) * loops) as u64;
    let kind = step["Node Type"].as_str().unwrap_or_default();
    // The feed has one row.
    if kind == "Seq Scan" && step["Relation Name"] != "feed" || rows > most {
        wrong.push(format!("{kind} on {} went through {rows} rows", step["Relation Name"]));
    }
    for below in step["Plans"].as_array().into_iter().flatten() {
        check(below, most, wrong);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_reads_its_page_alone() {
    let roster = Roster::start().await;
    roster.organization(&roster.person("alice"), "Acme").await;
    grow(&roster).await;
    let database = roster.texts("SELECT current_database()").await.remove(0);
    for setting in [
        "session_preload_libraries = 'auto_explain'",
        "auto_explain.log_min_duration = 0",
        "auto_explain.log_analyze = on",
        "auto_explain.log_timing = off",
        "auto_explain.log_format = 'json'",
    ] {
        roster.sql(&format!("LOAD 'auto_explain'; ALTER DATABASE {database} SET {setting}")).await;
    }
    // A server of its own: connections that are open already do not tell their plans.
    let roster = roster.replica();
    let operator = roster.operator();

    let mut report = String::new();
    for list in LISTS {
        for order in list.orders {
            for direction in ["ASC", "DESC"] {
                let order = format!("orderBy: {{field: {order}, direction: {direction}}}");
                let ask =
                    |page: &str| format!("{{ {} }}", list.field.replace("ARGUMENTS", &format!("{page}, {order}")));
                // A place near the end of the list.
                let (data, _) = plans(&operator, &ask("last: 26")).await;
                let cursor = &page_of(&data)["pageInfo"]["startCursor"];
                let (after, before) = (format!("first: 25, after: {cursor}"), format!("last: 25, before: {cursor}"));
                for page in ["first: 25", "last: 25", &after, &before] {
                    let query = ask(page);
                    let (data, plans) = plans(&operator, &query).await;
                    assert_eq!(page_of(&data)["nodes"].as_array().unwrap().len(), 25, "{query}");
                    note(&mut report, &query, &plans, PAGE);
                }
            }
        }
        for (filter, most) in list.filters {
            let arguments = format!("first: 25, {filter}");
            let query = format!("{{ {} }}", list.field.replace("ARGUMENTS", &arguments));
            let (_, plans) = plans(&operator, &query).await;
            note(&mut report, &query, &plans, *most);
        }
    }
    // What happened is found by its place, and what has none yet at once.
    roster
        .sql(
            "INSERT INTO events SELECT o.id, n, gen_random_uuid(), 'invitation.updated', 'SYSTEM', NULL, o.id, NULL, '{}', o.created_at, CASE WHEN n <= 200000 THEN n END \
             FROM organizations o, generate_series(1000, 200005) n WHERE o.slug = 'acme'; UPDATE feed SET last_position = 200000",
        )
        .await;
    roster.sql("VACUUM (ANALYZE) events").await;
    let (read, plans) = plans_of(&roster, async {
        feed::dispatch(&roster.app.db).await.unwrap();
        let mut conn = roster.app.db.read().await.unwrap();
        let last = feed::last_position(&mut conn).await.unwrap();
        feed::after(&mut conn, last - 20).await.unwrap().len()
    })
    .await;
    assert_eq!(read, 20);
    note(&mut report, "the feed", &plans, PAGE);
    assert!(report.is_empty(), "{report}");
}

fn page_of(data: &Value) -> &Value {
    let root = data.as_object().unwrap().values().next().unwrap();
    root.get("list").or_else(|| root["member"].get("list")).unwrap_or(root)
}

fn note(report: &mut String, query: &str, plans: &[Value], most: u64) {
    let mut wrong = Vec::new();
    for plan in plans {
        check(&plan["Plan"], most, &mut wrong);
    }
    for wrong in wrong {
        let shown: String = query.chars().filter(|c| *c != '\n').take(220).collect();
        writeln!(report, "{wrong}: {shown}").unwrap();
    }
}
