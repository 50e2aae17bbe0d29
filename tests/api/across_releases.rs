//! What outlives a release: cursors that clients keep, idempotency keys and the answers that are kept with them.
//!
//! The values here stand as an earlier release wrote them, and a change that makes one of them invalid is to be taken
//! back. New arguments, conditions and inputs get rows of their own beside those that are here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use apollo_compiler::schema::{ExtendedType, InputObjectType, ObjectType};
use roster::{
    domain::{invitation::InvitationStatus, role::BuiltInRole, team::TeamMemberRole},
    error::{Code, Refusal},
    graphql::document::schema,
};
use serde_json::{Value, json};

use crate::support::{Actor, Roster};

/// Lists: the coordinate, arguments, and a cursor that an earlier release may have written for them.
const LISTS: &[(&str, &str, &str)] = &[
    (
        "Organization.members",
        r#"filter: {search: "Ada", roles: [{key: "admin"}, {id: "rol_01j00000000000000000000001"}], teams: [{path: {organization: "acme", team: "design"}}], projects: [{path: {organization: "acme", project: "apollo"}}], joinedAt: {from: "2026-01-01T00:00:00Z", to: "2026-12-31T00:00:00Z"}} orderBy: {field: ROLE, direction: DESC}"#,
        "-K1n7QGQAAAAAHAAgAAAAAAAAP9yAAI",
    ),
    ("Organization.members", "", "Pz_F2QGQAAAAAHAAgAAAAAAAAP90bcO8bGxlcg"),
    (
        "Organization.invitations",
        r#"statuses: [PENDING, EXPIRED] filter: {search: "ada", scope: PROJECT, roles: [{key: "admin"}, {id: "rol_01j00000000000000000000001"}], projects: [{path: {organization: "acme", project: "apollo"}}], teams: [{path: {organization: "acme", team: "design"}}], createdAt: {from: "2026-01-01T00:00:00Z", to: "2026-12-31T00:00:00Z"}, expiresAt: {from: "2026-01-01T00:00:00Z", to: "2026-12-31T00:00:00Z"}} orderBy: {field: STATUS, direction: DESC}"#,
        "5HDvfAGQAAAAAHAAgAAAAAAAAP9yAAI",
    ),
    ("Organization.invitations", "", "PrNwMgGQAAAAAHAAgAAAAAAAAP9kAAZfK7XiQAA"),
    (
        "Organization.apiKeys",
        r#"filter: {search: "ci", project: {path: {organization: "acme", project: "apollo"}}, includeInactive: true} orderBy: {field: LAST_USED_AT, direction: DESC}"#,
        "c06o6gGQAAAAAHAAgAAAAAAAAP9kAAZfK7XiQAA",
    ),
    ("Organization.apiKeys", "", "ekjmqQGQAAAAAHAAgAAAAAAAAP9kAAZfK7XiQAA"),
    (
        "Organization.projects",
        r#"filter: {search: "Apo", member: {email: "ada@example.com"}} orderBy: {field: CREATED_AT, direction: DESC}"#,
        "ZDf5dAGQAAAAAHAAgAAAAAAAAP9kAAZfK7XiQAA",
    ),
    ("Organization.projects", "", "Yt5y8QGQAAAAAHAAgAAAAAAAAP90bcO8bGxlcg"),
    (
        "Organization.teams",
        r#"filter: {search: "des", member: {email: "ada@example.com"}} orderBy: {field: MEMBER_COUNT, direction: DESC}"#,
        "5epBuAGQAAAAAHAAgAAAAAAAAP9uAAAAAw",
    ),
    ("Organization.teams", "", "jIaZRwGQAAAAAHAAgAAAAAAAAP90bcO8bGxlcg"),
    (
        "Organization.roles",
        "filter: {scope: PROJECT, builtIn: false, assignable: true} orderBy: {field: NAME, direction: DESC}",
        "8gfV8wGQAAAAAHAAgAAAAAAAAP90bcO8bGxlcg",
    ),
    ("Organization.roles", "", "B3RCdwGQAAAAAHAAgAAAAAAAAP9yAAI"),
    (
        "OrganizationMember.projectMemberships",
        "orderBy: {field: EMAIL, direction: DESC}",
        "SSQZ9gGQAAAAAHAAgAAAAAAAAP90bcO8bGxlcg",
    ),
    ("OrganizationMember.projectMemberships", "", "fV3tUAGQAAAAAHAAgAAAAAAAAP9kAAZfK7XiQAA"),
    (
        "OrganizationMember.teamMemberships",
        "orderBy: {field: NAME, direction: DESC}",
        "tGBsMgGQAAAAAHAAgAAAAAAAAP90bcO8bGxlcg",
    ),
    ("OrganizationMember.teamMemberships", "", "vBwGvwGQAAAAAHAAgAAAAAAAAP9kAAZfK7XiQAA"),
    (
        "Project.members",
        r#"filter: {search: "Ada", roles: [{key: "admin"}, {id: "rol_01j00000000000000000000001"}]} orderBy: {field: JOINED_AT, direction: DESC}"#,
        "h_DlwwGQAAAAAHAAgAAAAAAAAP9kAAZfK7XiQAA",
    ),
    ("Project.members", "", "6nx9wgGQAAAAAHAAgAAAAAAAAP90bcO8bGxlcg"),
    (
        "Project.invitations",
        r#"statuses: [PENDING, EXPIRED] filter: {search: "ada", scope: PROJECT, roles: [{key: "admin"}, {id: "rol_01j00000000000000000000001"}], projects: [{path: {organization: "acme", project: "apollo"}}], teams: [{path: {organization: "acme", team: "design"}}], createdAt: {from: "2026-01-01T00:00:00Z", to: "2026-12-31T00:00:00Z"}, expiresAt: {from: "2026-01-01T00:00:00Z", to: "2026-12-31T00:00:00Z"}} orderBy: {field: EXPIRES_AT, direction: DESC}"#,
        "2ghcTQGQAAAAAHAAgAAAAAAAAP9kAAZfK7XiQAA",
    ),
    ("Project.invitations", "", "N7pdCAGQAAAAAHAAgAAAAAAAAP9kAAZfK7XiQAA"),
    (
        "Query.organizations",
        r#"filter: {search: "Acme", visibility: PRIVATE, viewerRoles: [OWNER, ADMIN]} orderBy: {field: SLUG, direction: DESC}"#,
        "r-xjVgGQAAAAAHAAgAAAAAAAAP90bcO8bGxlcg",
    ),
    ("Query.organizations", "", "FIKApAGQAAAAAHAAgAAAAAAAAP90bcO8bGxlcg"),
    (
        "Team.members",
        r#"filter: {search: "Ada", roles: [LEAD], statuses: [PENDING]} orderBy: {field: ADDED_AT, direction: DESC}"#,
        "H645uAGQAAAAAHAAgAAAAAAAAP9kAAZfK7XiQAA",
    ),
    ("Team.members", "", "eKhZFgGQAAAAAHAAgAAAAAAAAP90bcO8bGxlcg"),
    ("Viewer.memberships", "orderBy: {field: NAME, direction: DESC}", "bc8EGAGQAAAAAHAAgAAAAAAAAP90bcO8bGxlcg"),
    ("Viewer.memberships", "", "Hz2JzwGQAAAAAHAAgAAAAAAAAP9kAAZfK7XiQAA"),
    (
        "Viewer.invitations",
        "statuses: [PENDING, EXPIRED] orderBy: {field: EMAIL, direction: DESC}",
        "J4vZmAGQAAAAAHAAgAAAAAAAAP90bcO8bGxlcg",
    ),
    ("Viewer.invitations", "", "uKdv0gGQAAAAAHAAgAAAAAAAAP9kAAZfK7XiQAA"),
    // What goes without saying, said. Another default is another list, and needs another version of the hash.
    (
        "Organization.members",
        "filter: {search: null} orderBy: {field: NAME, direction: ASC}",
        "Pz_F2QGQAAAAAHAAgAAAAAAAAP90bcO8bGxlcg",
    ),
    (
        "Organization.invitations",
        "orderBy: {direction: DESC, field: CREATED_AT} filter: {} statuses: PENDING",
        "PrNwMgGQAAAAAHAAgAAAAAAAAP9kAAZfK7XiQAA",
    ),
    (
        "Organization.apiKeys",
        "filter: {includeInactive: false} orderBy: {field: CREATED_AT, direction: DESC}",
        "ekjmqQGQAAAAAHAAgAAAAAAAAP9kAAZfK7XiQAA",
    ),
    ("Organization.projects", "orderBy: {field: NAME, direction: ASC}", "Yt5y8QGQAAAAAHAAgAAAAAAAAP90bcO8bGxlcg"),
    ("Organization.teams", "orderBy: {field: NAME, direction: ASC}", "jIaZRwGQAAAAAHAAgAAAAAAAAP90bcO8bGxlcg"),
    ("Organization.roles", "orderBy: {field: RANK, direction: ASC}", "B3RCdwGQAAAAAHAAgAAAAAAAAP9yAAI"),
    (
        "OrganizationMember.projectMemberships",
        "orderBy: {field: JOINED_AT, direction: ASC}",
        "fV3tUAGQAAAAAHAAgAAAAAAAAP9kAAZfK7XiQAA",
    ),
    (
        "OrganizationMember.teamMemberships",
        "orderBy: {field: ADDED_AT, direction: ASC}",
        "vBwGvwGQAAAAAHAAgAAAAAAAAP9kAAZfK7XiQAA",
    ),
    ("Project.members", "orderBy: {field: NAME, direction: ASC}", "6nx9wgGQAAAAAHAAgAAAAAAAAP90bcO8bGxlcg"),
    (
        "Project.invitations",
        "statuses: [PENDING] orderBy: {field: CREATED_AT, direction: DESC}",
        "N7pdCAGQAAAAAHAAgAAAAAAAAP9kAAZfK7XiQAA",
    ),
    ("Query.organizations", "orderBy: {field: NAME, direction: ASC}", "FIKApAGQAAAAAHAAgAAAAAAAAP90bcO8bGxlcg"),
    ("Team.members", "orderBy: {field: NAME, direction: ASC}", "eKhZFgGQAAAAAHAAgAAAAAAAAP90bcO8bGxlcg"),
    ("Viewer.memberships", "orderBy: {field: JOINED_AT, direction: ASC}", "Hz2JzwGQAAAAAHAAgAAAAAAAAP9kAAZfK7XiQAA"),
    (
        "Viewer.invitations",
        "statuses: [PENDING] orderBy: {field: CREATED_AT, direction: DESC}",
        "uKdv0gGQAAAAAHAAgAAAAAAAAP9kAAZfK7XiQAA",
    ),
];

/// Mutations: the input, and the hash of the request.
const REQUESTS: &[(&str, &str, &str)] = &[
    (
        "organizationCreate",
        r#"name: "Beta" slug: "beta" description: "Second" logoUrl: "https://beta.example/logo.png" website: "https://beta.example" industry: "SOFTWARE" email: "office@beta.example" phone: "+49 30 901820" visibility: PUBLIC owner: {email: "ada@example.com"}"#,
        "61c57af3d075b59e1384a0dd1b3630b780bebbfb65ef61865b4dafcd98d3e516",
    ),
    (
        "organizationInvite",
        r#"organization: {slug: "acme"} emails: ["ada@example.com", "no address"] role: {key: "viewer"} teams: [{team: {path: {organization: "acme", team: "design"}}, role: LEAD}] projects: [{project: {path: {organization: "acme", project: "apollo"}}, role: {key: "viewer"}}] message: "Willkommen in Łódź" expiresInDays: 14 sendEmail: false mode: ATOMIC dryRun: true"#,
        "240130e00a5f22802ebfa1364a7b1dc32a269cc93ff6c3e51d6c9a3a2d322ca0",
    ),
    (
        "projectInvite",
        r#"project: {path: {organization: "acme", project: "apollo"}} emails: ["ada@example.com", "no address"] role: {key: "viewer"} organizationRole: {key: "viewer"} message: "Willkommen in Łódź" expiresInDays: 14 sendEmail: false mode: ATOMIC dryRun: true"#,
        "a529c23e4466fab91d81245109b911b4251a26789d2fdd1abbe3b2fd719ad6d5",
    ),
    (
        "invitationResend",
        r#"invitationId: "inv_01j00000000000000000000001" expiresInDays: 14"#,
        "829bf0dfefb95a6ceade62a31a8ce53fc4912a5ecca46ad1b4bdc4bb4f7c85a7",
    ),
    (
        "projectCreate",
        r#"organization: {slug: "acme"} name: "Gemini" slug: "gemini" description: "Second""#,
        "0aa60dd103c4cd77f8c0cd7d2dff89b2008c1e7c1c22dcec95ea07527d2fe8bb",
    ),
    (
        "roleCreate",
        r#"organization: {slug: "acme"} scope: ORGANIZATION name: "Scout" key: "scout" description: "Looks" permissions: ["members.read", "invitations.read"]"#,
        "78231d97625e678ececb2fadca0c5b052b5e6bb347fec6997551090b8442cbd1",
    ),
    (
        "teamCreate",
        r##"organization: {slug: "acme"} name: "Research" slug: "research" description: "Second" color: "#2563EB" members: [{user: {email: "ada@example.com"}, role: LEAD}, {user: {id: "usr_01j00000000000000000000001"}}]"##,
        "a5ad15d29e77be1e0b748d6ec9bb656a70961c75018d20314c15a38be6753fec",
    ),
];

/// Answers as they are kept, with names in place of the ids of objects that are there; what is asked for of each, and
/// what is answered.
const ANSWERS: &[(&str, &str, &str, &str)] = &[
    ("organizationCreate", r#""{organization}""#, "organization { slug }", r#"{"organization": {"slug": "acme"}}"#),
    ("projectCreate", r#""{project}""#, "project { slug }", r#"{"project": {"slug": "apollo"}}"#),
    ("teamCreate", r#""{team}""#, "team { slug }", r#"{"team": {"slug": "design"}}"#),
    ("roleCreate", r#""{role}""#, "role { key }", r#"{"role": {"key": "scout"}}"#),
    (
        "invitationResend",
        r#"{"organization": "{organization}", "invitation": "{invitation}", "link": 2}"#,
        "invitation { email }",
        r#"{"invitation": {"email": "bob@example.com"}}"#,
    ),
    (
        "projectInvite",
        r#"{"organization": "{organization}", "project": "{project}", "items": [{
            "email": "alice@example.com", "status": "Succeeded", "refusals": [],
            "invitation": null, "project_member": "{project_member}", "link": null
        }]}"#,
        "project { slug } results { email status projectMember { user { displayName } } userErrors { code } }",
        r#"{"project": {"slug": "apollo"}, "results": [{
            "email": "alice@example.com", "status": "SUCCEEDED",
            "projectMember": {"user": {"displayName": "Alice"}}, "userErrors": []
        }]}"#,
    ),
    (
        "organizationInvite",
        r#"{"organization": "{organization}", "project": null, "items": [
            {"email": "bob@example.com", "status": "Succeeded", "refusals": [], "invitation": "{invitation}", "project_member": null, "link": 1},
            {"email": "eve@example.com", "status": "Skipped", "invitation": null, "project_member": null, "link": null, "refusals": [
                {"code": "AlreadyMember", "message": "In words.", "path": ["emails", "1"], "detail": "None"}
            ]},
            {"email": "no address", "status": "Failed", "invitation": null, "project_member": null, "link": null, "refusals": [
                {"code": "Forbidden", "message": "", "path": [], "detail": {"Permission": "members.invite"}},
                {"code": "LimitReached", "message": "", "path": [], "detail": {"Limit": {"limit": 5, "actual": 6}}},
                {"code": "PlanRequired", "message": "", "path": [], "detail": "Plan"},
                {"code": "StaleVersion", "message": "", "path": [], "detail": {"Version": 3}},
                {"code": "Cooldown", "message": "", "path": [], "detail": {"RetryAt": "2026-11-21T09:01:00Z"}}
            ]}
        ]}"#,
        "organization { slug } results { email status invitation { email } userErrors { code message path \
         ... on PermissionUserError { requiredPermission } ... on LimitUserError { limit actual } ... on PlanUserError { requiredTier } \
         ... on VersionUserError { currentVersion } ... on CooldownUserError { retryAt } } }",
        r#"{"organization": {"slug": "acme"}, "results": [
            {"email": "bob@example.com", "status": "SUCCEEDED", "invitation": {"email": "bob@example.com"}, "userErrors": []},
            {"email": "eve@example.com", "status": "SKIPPED", "invitation": null, "userErrors": [
                {"code": "ALREADY_MEMBER", "message": "In words.", "path": ["input", "emails", "1"]}
            ]},
            {"email": "no address", "status": "FAILED", "invitation": null, "userErrors": [
                {"code": "FORBIDDEN", "message": "", "path": null, "requiredPermission": "members.invite"},
                {"code": "LIMIT_REACHED", "message": "", "path": null, "limit": 5, "actual": 6},
                {"code": "PLAN_REQUIRED", "message": "", "path": null, "requiredTier": "STARTER"},
                {"code": "STALE_VERSION", "message": "", "path": null, "currentVersion": 3},
                {"code": "COOLDOWN", "message": "", "path": null, "retryAt": "2026-11-21T09:01:00.000Z"}
            ]}
        ]}"#,
    ),
];

/// Codes as they are kept within answers.
const CODES: &[&str] = &[
    "Aborted",
    "AlreadyInvited",
    "AlreadyMember",
    "Blank",
    "BuiltInRole",
    "Cooldown",
    "Duplicate",
    "Forbidden",
    "IdempotencyKeyReused",
    "Invalid",
    "InvitationEmailMismatch",
    "InvitationExpired",
    "InvitationNotPending",
    "InvitationSuperseded",
    "LimitReached",
    "NotFound",
    "NotMember",
    "OwnerProtected",
    "PlanRequired",
    "RoleInUse",
    "RoleNotAssignable",
    "RoleScopeMismatch",
    "StaleVersion",
    "Taken",
    "TooLong",
    "TooMany",
];

/// Where a source formats by `Debug` or names a type, how often, and what becomes of it.
const FORMATTED: &[(&str, usize, &str)] = &[
    ("access/catalogue.rs", 1, "the operator reads it"),
    ("commands/demo/mod.rs", 3, "the operator reads it"),
    ("commands/dev.rs", 2, "the operator reads it"),
    ("commands/migrate.rs", 1, "the operator reads it"),
    ("commands/serve.rs", 1, "the operator reads it"),
    ("graphql/context.rs", 1, "the log"),
    ("graphql/document/mod.rs", 1, "the operator reads it"),
    ("graphql/error.rs", 1, "tells apart the errors of one answer"),
    ("mail/smtp/mod.rs", 1, "the operator reads it"),
    ("server/tokens/mod.rs", 1, "the operator reads it"),
    ("store/types.rs", 1, "the log"),
];

/// Acme with a project, a team, a custom role and an invitation, and its owner.
async fn acme() -> (Roster, Actor) {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let organization = roster.organization(&alice, "Acme").await;
    roster.project(&alice, &organization, "Apollo").await;
    roster.team(&alice, &organization, "Design", &["alice"]).await;
    roster.invite(&alice, &organization, "bob@example.com", "member").await;
    let role = "mutation { roleCreate(input: {organization: {slug: \"acme\"}, scope: ORGANIZATION, name: \"Scout\", permissions: []}) { userErrors { code } } }";
    assert_eq!(alice.payload(role, json!({})).await["userErrors"], json!([]));
    (roster, alice)
}

/// A query of a list behind a cursor.
fn query(coordinate: &str, arguments: &str, cursor: &str) -> String {
    let (parent, field) = coordinate.split_once('.').unwrap();
    let list = format!("{field}({arguments} first: 2, after: \"{cursor}\") {{ totalCount nodes {{ id }} }}");
    let list = match parent {
        "Query" => list,
        "Viewer" => format!("viewer {{ {list} }}"),
        _ => {
            let list = match parent {
                "Organization" => list,
                "OrganizationMember" => format!("members {{ nodes {{ {list} }} }}"),
                "Project" => format!("project(slug: \"apollo\") {{ {list} }}"),
                "Team" => format!("team(slug: \"design\") {{ {list} }}"),
                _ => panic!("no way to a {parent}"),
            };
            format!("organization(by: {{slug: \"acme\"}}) {{ {list} }}")
        }
    };
    format!("{{ {list} }}")
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_hold_in_the_next_release() {
    let (_, alice) = acme().await;
    for (coordinate, arguments, cursor) in LISTS {
        let answer = alice.post(&query(coordinate, arguments, cursor), json!({})).await;
        assert_eq!(answer.body.get("errors"), None, "{coordinate}({arguments}) has other cursors than before");
        // A cursor of other arguments, or of another list.
        let others = LISTS.iter().filter(|(other, arguments, _)| other == coordinate || arguments.is_empty());
        for (other, arguments, _) in others.filter(|(_, _, other)| other != cursor) {
            let query = query(other, arguments, cursor);
            assert_eq!(alice.error_codes(&query, json!({})).await, ["BAD_USER_INPUT"], "{query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_in_the_next_release_gets_the_first_answer() {
    let (roster, alice) = acme().await;
    let user = roster.texts("SELECT id FROM users WHERE email = 'alice@example.com'").await.concat();
    let mut answers: Vec<String> = ANSWERS.iter().map(|(_, kept, ..)| (*kept).to_owned()).collect();
    for (name, table) in [
        ("organization", "organizations"),
        ("project", "projects"),
        ("team", "teams"),
        ("role", "roles WHERE key = 'scout'"),
        ("invitation", "invitations"),
        ("project_member", "project_members"),
    ] {
        let id = roster.texts(&format!("SELECT id FROM {table}")).await.concat();
        for answer in &mut answers {
            *answer = answer.replace(&format!("{{{name}}}"), &id);
        }
    }
    for ((mutation, _, fields, answered), kept) in ANSWERS.iter().zip(answers) {
        for (number, (_, input, hash)) in REQUESTS.iter().filter(|(name, ..)| name == mutation).enumerate() {
            let key = format!("{mutation} {number}");
            roster
                .sql(&format!(
                    "INSERT INTO idempotency_keys (actor_kind, actor_id, key, request_hash, answer, created_at) \
                     VALUES ('USER', '{user}', '{key}', '\\x{hash}', '{kept}', '{}')",
                    roster.now().to_rfc3339()
                ))
                .await;
            let before = roster.content().await;
            let retry = format!(
                "mutation {{ again: {mutation}(input: {{idempotencyKey: \"{key}\" {input}}}) {{ {fields} userErrors {{ code }} }} }}"
            );
            let mut payload = alice.data(&retry, json!({})).await["again"].take();
            assert_eq!(payload["userErrors"], json!([]), "{mutation}({input}) has another hash than before");
            payload.as_object_mut().unwrap().remove("userErrors");
            assert_eq!(payload, serde_json::from_str::<Value>(answered).unwrap(), "{mutation}");
            assert_eq!(roster.content().await, before, "{mutation} happened again");
        }
    }
}

#[test]
fn codes_are_read_as_they_were_kept() {
    let read = |code: &str| {
        let kept = json!({ "code": code, "message": "", "path": [], "detail": "None" });
        let Refusal { code, .. } = serde_json::from_value(kept).unwrap_or_else(|error| panic!("{code}: {error}"));
        code
    };
    let codes: BTreeSet<String> = CODES
        .iter()
        .map(|code| {
            let code: Code = read(code);
            // As the schema writes it.
            let kept = serde_json::to_value(code).unwrap();
            let words = kept.as_str().unwrap().chars().enumerate().flat_map(|(at, c)| {
                let gap = (at > 0 && c.is_ascii_uppercase()).then_some('_');
                gap.into_iter().chain([c.to_ascii_uppercase()])
            });
            words.collect()
        })
        .collect();
    let Some(ExtendedType::Enum(known)) = schema().types.get("UserErrorCode") else { panic!("no codes") };
    assert_eq!(codes, known.values.keys().map(ToString::to_string).collect(), "each code needs a row here");
}

fn objects() -> impl Iterator<Item = &'static ObjectType> {
    schema().types.values().filter_map(ExtendedType::as_object)
}

fn input(name: &str) -> Option<&'static InputObjectType> {
    schema().types.get(name)?.as_input_object()
}

/// What can be said to a field and stands in none of its rows.
fn unsaid(rows: &[(&str, &str, &str)], name: &str, names: impl Iterator<Item = String>) -> Vec<String> {
    let said: Vec<&str> = rows.iter().filter(|row| row.0 == name).flat_map(|row| [" ", row.1]).collect();
    let said = said.concat();
    let says = |name: &String| [" ", "{"].iter().any(|before| said.contains(&format!("{before}{name}: ")));
    names.filter(|name| !says(name)).map(|unsaid| format!("{name} {unsaid}")).collect()
}

#[test]
fn every_list_has_a_frozen_cursor() {
    let mut unheld = Vec::new();
    for object in objects() {
        for (field, definition) in &object.fields {
            if !definition.ty.inner_named_type().ends_with("Connection") {
                continue;
            }
            let coordinate = format!("{}.{field}", object.name);
            if !LISTS.iter().any(|(listed, ..)| *listed == coordinate) {
                unheld.push(coordinate.clone());
            }
            let mut names = Vec::new();
            for argument in &definition.arguments {
                if !["first", "after", "last", "before", "offset"].contains(&argument.name.as_str()) {
                    names.push(argument.name.to_string());
                    let conditions = input(argument.ty.inner_named_type()).into_iter().flat_map(|of| of.fields.keys());
                    names.extend(conditions.map(ToString::to_string));
                }
            }
            unheld.extend(unsaid(LISTS, &coordinate, names.into_iter()));
        }
    }
    assert_eq!(unheld, Vec::<String>::new());
}

#[test]
fn every_idempotent_mutation_has_a_frozen_hash_and_answer() {
    let mutations = objects().find(|object| object.name == "Mutation").unwrap();
    let (mut unheld, mut keyed) = (Vec::new(), 0);
    for (mutation, definition) in &mutations.fields {
        let of = definition.argument_by_name("input").and_then(|argument| input(argument.ty.inner_named_type()));
        let fields: Vec<String> = of.into_iter().flat_map(|of| of.fields.keys()).map(ToString::to_string).collect();
        if !fields.iter().any(|field| field == "idempotencyKey") {
            continue;
        }
        keyed += 1;
        let rows = REQUESTS.iter().any(|(name, ..)| *name == mutation.as_str());
        if !rows || !ANSWERS.iter().any(|(name, ..)| *name == mutation.as_str()) {
            unheld.push(mutation.to_string());
        }
        unheld.extend(unsaid(REQUESTS, mutation, fields.into_iter().filter(|field| field != "idempotencyKey")));
    }
    assert_eq!(unheld, Vec::<String>::new());
    let inputs = schema().types.values().filter_map(ExtendedType::as_input_object);
    assert_eq!(keyed, inputs.filter(|of| of.fields.contains_key("idempotencyKey")).count());
}

/// Columns keep the words and the ranks of these, and cursors the ranks.
#[test]
fn words_and_ranks_are_what_they_were() {
    let roles = ["OWNER", "ADMIN", "MEMBER", "VIEWER", "GUEST"].map(|role| BuiltInRole::parse(role).unwrap().rank());
    assert_eq!(roles, [0, 1, 2, 3, 4]);
    let states = ["PENDING", "ACCEPTED", "DECLINED", "REVOKED", "EXPIRED"];
    assert_eq!(states.map(|state| InvitationStatus::parse(state).unwrap().rank()), [0, 1, 2, 3, 4]);
    assert_eq!(["LEAD", "MEMBER"].map(|role| TeamMemberRole::parse(role).unwrap().rank()), [0, 1]);
}

/// The text by which `Debug` writes a value, and the name by which Rust knows a type, change with the program.
#[test]
fn nothing_is_stored_or_hashed_as_rust_writes_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut found) = (vec![source.clone()], BTreeMap::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
                // The library's `type_name` is that of the schema, and stands without `any`.
                let formats = |line: &&str| [":?}", ":#?}", "any::type_name"].iter().any(|sign| line.contains(sign));
                let path = path.strip_prefix(&source).unwrap().to_str().unwrap().to_owned();
                found.insert(path, code.lines().filter(formats).count());
            }
        }
    }
    found.retain(|path, count| *count > 0 && !path.contains("/tests/"));
    let known: BTreeMap<String, usize> =
        FORMATTED.iter().map(|(path, count, _)| ((*path).to_owned(), *count)).collect();
    assert_eq!(found, known, "what becomes of it? If it is kept or compared across releases, write named fields");
}
