//! Who may do what: the policy as a table, and every mutation and guarded field × every kind of caller.

use std::{collections::BTreeMap, fmt::Write};

use roster::{
    access::{Permission, PermissionSet, Policy},
    domain::{
        role::{BuiltInRole, RoleScope},
        secret::ApiKeySecret,
    },
    graphql,
};
use serde_json::{Value, json};

use crate::support::{Actor, LISTED_CODES, Roster, assert_listed, id};

/// Which built-in roles of `roles` hold the permissions of a level.
fn table(level: RoleScope, roles: RoleScope, held_by: impl Fn(BuiltInRole) -> PermissionSet) -> String {
    let held: Vec<PermissionSet> = BuiltInRole::of(roles).map(held_by).collect();
    let mut table = format!("{:28}{}", "", BuiltInRole::of(roles).map(BuiltInRole::key).collect::<Vec<_>>().join("  "));
    for permission in Permission::ALL.iter().filter(|permission| permission.scope() == level) {
        write!(table, "\n{:28}", permission.key()).unwrap();
        table.extend(held.iter().map(|held| if held.has(*permission) { "x      " } else { ".      " }));
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[test]
fn the_policy_of_the_built_in_roles() {
    let policy = Policy::default();
    let of = |level| table(level, level, |role| policy.of_built_in(level, role));
    insta::assert_snapshot!(of(RoleScope::Organization), @r"
                                owner  admin  member  viewer  guest
    organization.update         x      x      .      .      .
    organization.delete         x      .      .      .      .
    organization.transfer       x      .      .      .      .
    members.read                x      x      x      x      .
    members.manage              x      x      .      .      .
    invitations.read            x      x      x      .      .
    invitations.manage          x      x      .      .      .
    roles.manage                x      x      .      .      .
    teams.manage                x      x      .      .      .
    api_keys.manage             x      x      .      .      .
    projects.create             x      x      x      .      .
    projects.read               x      x      .      .      .
    projects.manage             x      x      .      .      .
    projects.own                x      .      .      .      .
    ");
    insta::assert_snapshot!(of(RoleScope::Project), @r"
                                owner  admin  member  viewer
    project.read                x      x      x      x
    project.update              x      x      .      .
    project.delete              x      .      .      .
    project.transfer            x      .      .      .
    project.members.read        x      x      x      x
    project.members.manage      x      x      .      .
    project.invitations.manage  x      x      .      .
    ");
    // What the roles of the organization give in each of its projects.
    let in_projects = |role| policy.in_projects(policy.of_built_in(RoleScope::Organization, role));
    insta::assert_snapshot!(table(RoleScope::Project, RoleScope::Organization, in_projects), @r"
                                owner  admin  member  viewer  guest
    project.read                x      x      .      .      .
    project.update              x      x      .      .      .
    project.delete              x      .      .      .      .
    project.transfer            x      .      .      .      .
    project.members.read        x      x      .      .      .
    project.members.manage      x      x      .      .      .
    project.invitations.manage  x      x      .      .      .
    ");
}

/// Who calls. Each has an organization of their own to call about.
pub(crate) const ACTORS: [&str; 18] = [
    "anonymous",
    "outsider",
    "other owner",
    "invited",
    "guest",
    "guest admin",
    "viewer",
    "member",
    "admin",
    "owner",
    "key with",
    "key without",
    "key of a project",
    "demoted key",
    "removed key",
    "left key",
    "revoked key",
    "operator",
];

/// The keys that were made with all that an Admin may do, each with who answers for it and what became of them.
const NARROWED: [(&str, &str); 3] = [("demoted key", "dana"), ("removed key", "rob"), ("left key", "liam")];

/// An organization with everything to call about.
pub(crate) struct Stage {
    pub(crate) roster: Roster,
    pub(crate) ids: BTreeMap<String, String>,
    /// The secrets of the keys whose people changed.
    secrets: BTreeMap<&'static str, String>,
}

/// A key of somebody: its id and its secret.
async fn key(maker: &Actor, organization: &str, name: &str, permissions: &[&str]) -> (String, String) {
    let input = json!({ "organization": { "id": organization }, "name": name, "permissions": permissions });
    let create = "mutation($input: ApiKeyCreateInput!) { apiKeyCreate(input: $input) { apiKey { id } secret userErrors { code path } } }";
    let made = maker.payload(create, json!({ "input": input })).await;
    assert_eq!(made["userErrors"], json!([]), "{name}");
    (id(&made["apiKey"]), made["secret"].as_str().unwrap().to_owned())
}

/// Keys of people who are Admin no more: of somebody demoted, of somebody removed, of somebody who left. The one that
/// is taken over is of the first as well.
async fn narrowed_keys(roster: &Roster, alice: &Actor, organization: &str) -> (BTreeMap<&'static str, String>, String) {
    let policy = Policy::default();
    let admin = policy.of_built_in(RoleScope::Organization, BuiltInRole::Admin);
    let admin = admin.union(policy.in_projects(admin));
    let permissions: Vec<&str> = policy.held(admin).map(|held| held.key.as_ref()).collect();
    let (mut secrets, mut members, mut people) = (BTreeMap::new(), Vec::new(), Vec::new());
    for (name, maker) in NARROWED {
        let (person, member) = roster.member(alice, organization, maker, "admin").await;
        secrets.insert(name, key(&person, organization, name, &permissions).await.1);
        members.push(member);
        people.push(person);
    }
    let (taken, _) = key(&people[0], organization, "taken", &["members.read"]).await;
    for (mutation, by, input) in [
        ("organizationMemberUpdateRole", alice, json!({ "member": { "id": members[0] }, "role": { "key": "viewer" } })),
        ("organizationMemberRemove", alice, json!({ "member": { "id": members[1] } })),
        ("organizationLeave", &people[2], json!({ "organization": { "id": organization } })),
    ] {
        let query = format!(
            "mutation($input: {}Input!) {{ {mutation}(input: $input) {{ userErrors {{ code }} }} }}",
            mutation.replacen('o', "O", 1)
        );
        assert_eq!(by.refusals(&query, json!({ "input": input })).await, Vec::<String>::new(), "{mutation}");
    }
    (secrets, taken)
}

impl Stage {
    pub(crate) async fn set(roster: &Roster) -> Self {
        let alice = roster.person("alice");
        let mut ids = BTreeMap::new();
        let mut note = |name: &str, id: String| ids.insert(name.to_owned(), id);
        let organization = roster.organization(&alice, "Acme").await;
        let roles = [("ada", "admin"), ("max", "member")];
        let viewers =
            ["vera", "updated", "removed", "added", "project-updated", "project-removed", "grouped", "ungrouped"];
        let guests = ["gus", "gina"].map(|name| (name, "guest"));
        for (name, role) in roles.into_iter().chain(viewers.map(|name| (name, "viewer"))).chain(guests) {
            note(name, roster.member(&alice, &organization, name, role).await.1);
        }
        let project = roster.project(&alice, &organization, "Apollo").await;
        for name in ["project-updated", "project-removed"] {
            note(&format!("{name} in project"), roster.project_member(&alice, &project, name, "viewer").await);
        }
        for (name, role) in [("gus", "viewer"), ("gina", "admin")] {
            roster.project_member(&alice, &project, name, role).await;
        }
        note("doomed project", roster.project(&alice, &organization, "Doomed").await);
        let left = roster.project(&alice, &organization, "Left").await;
        for name in ["ada", "max", "vera", "gus", "gina"] {
            roster.project_member(&alice, &left, name, "member").await;
        }
        note("left project", left);
        for name in ["resent", "revoked", "changed", "invited", "declined"] {
            let to =
                if name == "declined" { roster.organization(&alice, "Elsewhere").await } else { organization.clone() };
            let email = format!("{}@example.com", if name == "declined" { "invited" } else { name });
            note(&format!("{name} invitation"), roster.invite(&alice, &to, &email, "viewer").await.0);
        }
        for (name, members) in [
            ("Team", &["grouped", "ungrouped"][..]),
            ("Doomed", &[]),
            ("Left", &["alice", "ada", "max", "vera", "gus", "gina"]),
        ] {
            let members: Vec<Value> =
                members.iter().map(|name| json!({ "user": { "email": format!("{name}@example.com") } })).collect();
            let input = json!({ "organization": { "id": organization }, "name": name, "members": members });
            let made = alice.data("mutation($input: TeamCreateInput!) { payload: teamCreate(input: $input) { team { id members { nodes { id email } } } userErrors { code } } }", json!({ "input": input })).await;
            let team = &made["payload"]["team"];
            note(&format!("{} team", name.to_lowercase()), id(team));
            for member in team["members"]["nodes"].as_array().unwrap() {
                let name = member["email"].as_str().unwrap().split('@').next().unwrap();
                note(&format!("{name} in team"), id(member));
            }
        }
        for name in ["changed", "doomed"] {
            let input = json!({ "organization": { "id": organization }, "scope": "ORGANIZATION", "name": name, "permissions": ["members.read"] });
            let made = alice
                .data(
                    "mutation($input: RoleCreateInput!) { payload: roleCreate(input: $input) { role { id } } }",
                    json!({ "input": input }),
                )
                .await;
            note(&format!("{name} role"), id(&made["payload"]["role"]));
        }
        let built_in = alice
            .data(
                "query($id: ID!) { organization(by: {id: $id}) { roles { nodes { id key scope } } } }",
                json!({ "id": organization }),
            )
            .await;
        for role in built_in["organization"]["roles"]["nodes"].as_array().unwrap() {
            let level = if role["scope"] == "PROJECT" { "project role" } else { "role" };
            note(&format!("{level} {}", role["key"].as_str().unwrap()), id(role));
        }
        for name in ["rotated", "ended"] {
            note(&format!("{name} key"), key(&alice, &organization, name, &["members.read"]).await.0);
        }
        let (secrets, taken) = narrowed_keys(roster, &alice, &organization).await;
        note("taken key", taken);
        note("project", project);
        note("organization", organization);
        // Mails lie a minute apart.
        roster.wait(chrono::TimeDelta::minutes(2));
        Self { roster: roster.clone(), ids, secrets }
    }

    /// Who calls; `needed` is what the key has, or what it lacks.
    pub(crate) async fn actor(&self, actor: &'static str, needed: &[&'static str]) -> Actor {
        let all = Permission::ALL.iter().map(|permission| permission.key());
        let organization = &self.ids["organization"];
        match actor {
            "anonymous" => self.roster.anonymous(),
            "outsider" => self.roster.person("oscar"),
            "other owner" => self.roster.person("mallory"),
            "invited" => self.roster.person("invited"),
            "guest" => self.roster.person("gus"),
            "guest admin" => self.roster.person("gina"),
            "viewer" => self.roster.person("vera"),
            "member" => self.roster.person("max"),
            "admin" => self.roster.person("ada"),
            "owner" => self.roster.person("alice"),
            "key with" => {
                // A key without any permission is let in nowhere; this one does not matter where none is needed.
                let held = if needed.is_empty() { &["projects.create"] } else { needed };
                self.roster.key(organization, None, held).await
            }
            "key without" => {
                // What gives the same in every project is lacking as well.
                let lacking = |key: &&str| {
                    needed.first() == Some(key) || ["projects.manage", "projects.own", "projects.read"].contains(key)
                };
                let permissions: Vec<&str> = all.filter(|key| !lacking(key)).collect();
                self.roster.key(organization, None, &permissions).await
            }
            "key of a project" => {
                self.roster.key(organization, Some(&self.ids["project"]), &all.collect::<Vec<_>>()).await
            }
            "demoted key" | "removed key" | "left key" => self.roster.actor(actor, &self.secrets[actor]),
            "revoked key" => {
                let key = self.roster.key(organization, None, &all.collect::<Vec<_>>()).await;
                let secret = key.authorization().and_then(|value| value.strip_prefix("Bearer ")).unwrap();
                let id = ApiKeySecret::parse(secret).unwrap().key.0;
                self.roster.sql(&format!("UPDATE api_keys SET revoked_at = created_at WHERE id = '{id}'")).await;
                key
            }
            "operator" => self.roster.operator(),
            _ => panic!("nobody is called {actor}"),
        }
    }

    fn by_id(&self, name: &str) -> Value {
        json!({ "id": self.ids[name] })
    }
}

/// One well-formed call of a mutation.
struct Call {
    mutation: &'static str,
    /// What a key needs for it; the first is what the mutation asks for, the rest what it hands out.
    needed: &'static [&'static str],
    input: fn(&Stage) -> Value,
    /// Capabilities that tell whether it will be accepted: of which object, its type, the field of `viewerCan`.
    told_by: &'static [(&'static str, &'static str, &'static str)],
    /// Whether it ends what the others call about, so that it has a stage of its own.
    alone: bool,
}

macro_rules! call {
    ($mutation:literal, $needed:expr, $told_by:expr, |$stage:ident| $input:expr) => {
        Call { mutation: $mutation, needed: &$needed, input: |$stage| $input, told_by: &$told_by, alone: false }
    };
    (alone $mutation:literal, $needed:expr, $told_by:expr, |$stage:ident| $input:expr) => {
        Call { mutation: $mutation, needed: &$needed, input: |$stage| $input, told_by: &$told_by, alone: true }
    };
}

/// What the organization's Member may do.
const MEMBER: [&str; 3] = ["members.read", "invitations.read", "projects.create"];

const CALLS: &[Call] = &[
    call!("organizationCreate", [], [], |_stage| json!({ "name": "New" })),
    call!("organizationUpdate", ["organization.update"], [("organization", "Organization", "update")], |stage| {
        json!({ "organization": stage.by_id("organization"), "name": "Ace" })
    }),
    call!("organizationPlanUpdate", [], [], |stage| {
        json!({ "organization": stage.by_id("organization"), "tier": "PREMIUM" })
    }),
    call!(
        "organizationMemberUpdateRole",
        ["members.manage", MEMBER[0], MEMBER[1], MEMBER[2]],
        [("updated", "OrganizationMember", "updateRole"), ("role member", "Role", "assign")],
        |stage| json!({ "member": stage.by_id("updated"), "role": { "key": "member" } })
    ),
    call!(
        "organizationMemberRemove",
        ["members.manage", "members.read"],
        [("removed", "OrganizationMember", "remove")],
        |stage| json!({ "member": stage.by_id("removed") })
    ),
    call!(
        "organizationInvite",
        ["invitations.manage", MEMBER[0], MEMBER[1], MEMBER[2]],
        [("organization", "Organization", "inviteMembers")],
        |stage| json!({ "organization": stage.by_id("organization"), "emails": ["new@example.com"] })
    ),
    call!(
        "projectInvite",
        ["project.invitations.manage", "project.read", "project.members.read"],
        [("project", "Project", "inviteMembers")],
        |stage| json!({ "project": stage.by_id("project"), "emails": ["newer@example.com"] })
    ),
    call!(
        "invitationUpdate",
        ["invitations.manage", MEMBER[0], MEMBER[1], MEMBER[2]],
        [("changed invitation", "Invitation", "update")],
        |stage| json!({ "invitationId": stage.ids["changed invitation"], "role": { "key": "member" } })
    ),
    call!(
        "invitationResend",
        ["invitations.manage", "members.read"],
        [("resent invitation", "Invitation", "resend")],
        |stage| json!({ "invitationId": stage.ids["resent invitation"] })
    ),
    call!("invitationRevoke", ["invitations.manage"], [("revoked invitation", "Invitation", "revoke")], |stage| {
        json!({ "invitationId": stage.ids["revoked invitation"] })
    }),
    call!("projectCreate", ["projects.create"], [("organization", "Organization", "createProjects")], |stage| {
        json!({ "organization": stage.by_id("organization"), "name": "Gemini" })
    }),
    call!("projectUpdate", ["project.update", "project.read"], [("project", "Project", "update")], |stage| {
        json!({ "project": stage.by_id("project"), "name": "Artemis" })
    }),
    call!("projectDelete", ["project.delete", "project.read"], [("doomed project", "Project", "delete")], |stage| {
        json!({ "project": stage.by_id("doomed project") })
    }),
    call!(
        "projectMembersAdd",
        ["project.members.manage", "project.read", "project.members.read", "members.read"],
        [("project", "Project", "addMembers")],
        |stage| json!({ "project": stage.by_id("project"), "members": [{ "user": { "email": "added@example.com" } }] })
    ),
    call!(
        "projectMemberUpdateRole",
        ["project.members.manage", "project.read", "project.members.read"],
        [("project-updated in project", "ProjectMember", "updateRole")],
        |stage| json!({ "member": stage.by_id("project-updated in project"), "role": { "key": "member" } })
    ),
    call!(
        "projectMemberRemove",
        ["project.members.manage", "project.read", "project.members.read"],
        [("project-removed in project", "ProjectMember", "remove")],
        |stage| json!({ "member": stage.by_id("project-removed in project") })
    ),
    call!(
        "projectOwnershipTransfer",
        [
            "project.transfer",
            "project.read",
            "project.update",
            "project.delete",
            "project.members.read",
            "project.members.manage",
            "project.invitations.manage",
        ],
        [("project", "Project", "transferOwnership")],
        |stage| json!({ "project": stage.by_id("project"), "newOwner": { "email": "project-updated@example.com" } })
    ),
    call!("teamCreate", ["teams.manage", "members.read"], [("organization", "Organization", "createTeams")], |stage| {
        json!({ "organization": stage.by_id("organization"), "name": "Research" })
    }),
    call!("teamUpdate", ["teams.manage", "members.read"], [("team team", "Team", "update")], |stage| {
        json!({ "team": stage.by_id("team team"), "name": "Design" })
    }),
    call!("teamMembersAdd", ["teams.manage", "members.read"], [("team team", "Team", "manageMembers")], |stage| {
        json!({ "team": stage.by_id("team team"), "members": [{ "user": { "email": "vera@example.com" } }] })
    }),
    call!(
        "teamMemberUpdateRole",
        ["teams.manage", "members.read"],
        [("grouped in team", "TeamMember", "updateRole")],
        |stage| json!({ "member": stage.by_id("grouped in team"), "role": "LEAD" })
    ),
    call!(
        "teamMemberRemove",
        ["teams.manage", "members.read"],
        [("ungrouped in team", "TeamMember", "remove")],
        |stage| json!({ "member": stage.by_id("ungrouped in team") })
    ),
    call!("teamMembersReplace", ["teams.manage", "members.read"], [("team team", "Team", "manageMembers")], |stage| {
        json!({ "team": stage.by_id("team team"), "members": [{ "user": { "email": "max@example.com" } }] })
    }),
    call!("teamDelete", ["teams.manage", "members.read"], [("doomed team", "Team", "delete")], |stage| {
        json!({ "team": stage.by_id("doomed team") })
    }),
    call!("teamLeave", ["members.read"], [("left team", "Team", "leave")], |stage| {
        json!({ "team": stage.by_id("left team") })
    }),
    call!("roleCreate", ["roles.manage", "members.read"], [("organization", "Organization", "createRoles")], |stage| {
        json!({ "organization": stage.by_id("organization"), "scope": "ORGANIZATION", "name": "Auditor", "permissions": ["members.read"] })
    }),
    call!("roleUpdate", ["roles.manage", "members.read"], [("changed role", "Role", "update")], |stage| {
        json!({ "roleId": stage.ids["changed role"], "name": "Reader" })
    }),
    call!("roleDelete", ["roles.manage", "members.read"], [("doomed role", "Role", "delete")], |stage| {
        json!({ "roleId": stage.ids["doomed role"] })
    }),
    call!(
        "apiKeyCreate",
        ["api_keys.manage", "members.read"],
        [("organization", "Organization", "createApiKeys")],
        |stage| json!({ "organization": stage.by_id("organization"), "name": "Backend", "permissions": ["members.read"] })
    ),
    call!("apiKeyRotate", ["api_keys.manage", "members.read"], [], |stage| {
        json!({ "apiKeyId": stage.ids["rotated key"] })
    }),
    call!("apiKeyTakeOver", ["api_keys.manage", "members.read"], [], |stage| {
        json!({ "apiKeyId": stage.ids["taken key"] })
    }),
    call!("apiKeyRevoke", ["api_keys.manage", "members.read"], [], |stage| {
        json!({ "apiKeyId": stage.ids["ended key"] })
    }),
    call!("projectLeave", ["project.read"], [("left project", "Project", "leave")], |stage| {
        json!({ "project": stage.by_id("left project") })
    }),
    call!("invitationDecline", [], [("declined invitation", "Invitation", "decline")], |stage| {
        json!({ "invitation": stage.by_id("declined invitation") })
    }),
    // Last, as the invited person belongs to the organization afterwards.
    call!("invitationAccept", [], [("invited invitation", "Invitation", "accept")], |stage| {
        json!({ "invitation": stage.by_id("invited invitation") })
    }),
    call!(alone "organizationLeave", [], [("organization", "Organization", "leave")], |stage| {
        json!({ "organization": stage.by_id("organization") })
    }),
    call!(
        alone "organizationOwnershipTransfer",
        ["organization.transfer", "members.read"],
        [("organization", "Organization", "transferOwnership"), ("updated", "OrganizationMember", "transferOwnershipTo")],
        |stage| json!({ "organization": stage.by_id("organization"), "newOwner": { "email": "updated@example.com" } })
    ),
    call!(
        alone "organizationDelete",
        ["organization.delete", "members.read"],
        [("organization", "Organization", "delete")],
        |stage| json!({ "organization": stage.by_id("organization") })
    ),
];

/// `OK`, or the codes of what was refused.
async fn outcome(actor: &Actor, call: &Call, input: &Value) -> String {
    let (first, rest) = call.mutation.split_at(1);
    let input_type = format!("{}{rest}Input", first.to_uppercase());
    let items =
        if input.get("emails").or(input.get("members")).is_some() { "results { userErrors { code } }" } else { "" };
    let query = format!(
        "mutation($input: {input_type}!) {{ {}(input: $input) {{ userErrors {{ code }} {items} }} }}",
        call.mutation
    );
    let answer = actor.post(&query, json!({ "input": input })).await;
    let payload = &answer.body["data"][call.mutation];
    let errors = answer.body["errors"].as_array().into_iter().flatten().map(|error| &error["extensions"]);
    let refusals = payload["userErrors"].as_array().into_iter().flatten();
    let items =
        payload["results"].as_array().into_iter().flatten().flat_map(|item| item["userErrors"].as_array().unwrap());
    let codes: Vec<&str> =
        errors.chain(refusals).chain(items).map(|error| error["code"].as_str().unwrap_or("no code")).collect();
    if codes.is_empty() { "OK".to_owned() } else { codes.join("+") }
}

/// What a capability says will come of a call; nothing where the viewer does not see its object.
async fn told(actor: &Actor, id: &str, object: &str, field: &str) -> Option<String> {
    let query = format!(
        "query($id: ID!) {{ node(id: $id) {{ ... on {object} {{ viewerCan {{ {field} {{ allowed code }} }} }} }} }}"
    );
    let answer = actor.post(&query, json!({ "id": id })).await;
    let capability = &answer.body["data"]["node"]["viewerCan"][field];
    let code = capability["code"].as_str().unwrap_or("OK");
    assert_eq!(capability["allowed"].as_bool().unwrap_or(code == "OK"), code == "OK", "{}", answer.body);
    capability.is_object().then(|| code.to_owned())
}

/// Outcomes, each with those who have it.
fn print(name: &str, outcomes: &[(&'static str, String)]) -> String {
    let mut text = format!("{name}\n");
    let mut printed: Vec<&str> = Vec::new();
    for (_, outcome) in outcomes {
        if !printed.contains(&outcome.as_str()) {
            printed.push(outcome);
            let who: Vec<&str> =
                outcomes.iter().filter(|(_, other)| other == outcome).map(|(actor, _)| *actor).collect();
            writeln!(text, "  {outcome:25} {}", who.join(", ")).unwrap();
        }
    }
    text
}

/// What comes of every call by one kind of caller; and what differs from what `viewerCan` said.
async fn calls_of(name: &'static str) -> (Vec<String>, Vec<String>) {
    let roster = Roster::start().await;
    roster.organization(&roster.person("mallory"), "Other").await;
    roster.person("oscar").user_id().await;
    let shared = Stage::set(&roster).await;
    let (mut outcomes, mut wrong) = (Vec::new(), Vec::new());
    for call in CALLS {
        let own;
        let stage = if call.alone {
            own = Stage::set(&roster).await;
            &own
        } else {
            &shared
        };
        let mut input = (call.input)(stage);
        if (name, call.mutation) == ("operator", "organizationCreate") {
            input["owner"] = json!({ "email": "oscar@example.com" });
        }
        let actor = stage.actor(name, call.needed).await;
        let mut expected = Vec::new();
        for (of, object, field) in call.told_by {
            expected.push((*object, *field, told(&actor, &stage.ids[*of], object, field).await));
        }
        let before = roster.content().await;
        let outcome = outcome(&actor, call, &input).await;
        let nothing_happened = roster.content().await == before;
        assert_eq!(nothing_happened, outcome != "OK", "{name}, {}: {outcome}", call.mutation);
        if !["OK", "UNAUTHENTICATED"].contains(&outcome.as_str()) {
            assert_listed(call.mutation, &outcome);
        }
        for (object, field, said) in expected {
            let agrees = match said.as_deref() {
                None => outcome != "OK",
                // Some roles can be given to invitees only, and some callers do not know of the member.
                Some(_) if object == "Role" && name.starts_with("key") && outcome != "OK" => true,
                // To nobody, everything is forbidden; the mutation asks them to sign in.
                Some(said) => said == outcome || (said, outcome.as_str()) == ("FORBIDDEN", "UNAUTHENTICATED"),
            };
            if !agrees {
                wrong.push(format!("{name}: {object}.{field} said {said:?}, {} answered {outcome}", call.mutation));
            }
        }
        outcomes.push(outcome);
    }
    roster.assert_counters().await;
    (outcomes, wrong)
}

/// The fields of an object or interface of the schema, each with its description.
fn fields_of<'a>(sdl: &'a str, name: &str) -> Vec<(&'a str, String)> {
    let (_, rest) = sdl.split_once(&format!("\ntype {name} ")).unwrap_or_else(|| panic!("no type {name}"));
    let (block, _) = rest.split_once("\n}\n").expect("an end");
    let (mut description, mut fields) = (String::new(), Vec::new());
    for line in block.lines().skip(1).filter(|line| !line.starts_with("   ")) {
        match line.trim() {
            line if line.starts_with('"') => line.clone_into(&mut description),
            line if line.starts_with(')') => {
                if let Some((_, description)) = fields.last_mut() {
                    *description += line;
                }
            }
            line => fields.push((line.split(['(', ':']).next().expect("a name"), format!("{description} {line}"))),
        }
    }
    fields
}

fn types_of(sdl: &str) -> Vec<&str> {
    sdl.lines().filter_map(|line| line.strip_prefix("type ")?.split(' ').next()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mutation_by_every_kind_of_caller() {
    let mut called: Vec<&str> = CALLS.iter().map(|call| call.mutation).collect();
    called.sort_unstable();
    assert_eq!(called, LISTED_CODES.keys().collect::<Vec<_>>(), "each mutation needs a call here");
    let sdl = graphql::sdl();
    let objects = types_of(&sdl).into_iter().filter_map(|name| name.strip_suffix("ViewerCan"));
    let mut capabilities: Vec<String> = objects
        .flat_map(|object| {
            let fields = fields_of(&sdl, &format!("{object}ViewerCan"));
            fields.into_iter().map(move |(field, _)| format!("{object}.{field}"))
        })
        .collect();
    capabilities.sort_unstable();
    let mut compared: Vec<String> =
        CALLS.iter().flat_map(|call| call.told_by).map(|(_, object, field)| format!("{object}.{field}")).collect();
    compared.sort_unstable();
    compared.dedup();
    assert_eq!(compared, capabilities, "each capability needs a call that it tells of");

    let by_actor = futures_util::future::join_all(ACTORS.map(|name| tokio::spawn(calls_of(name)))).await;
    let by_actor: Vec<(Vec<String>, Vec<String>)> = by_actor.into_iter().map(Result::unwrap).collect();
    let wrong: Vec<&String> = by_actor.iter().flat_map(|(_, wrong)| wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let mut matrix = String::new();
    for (index, call) in CALLS.iter().enumerate() {
        let outcomes: Vec<(&str, String)> =
            ACTORS.into_iter().zip(&by_actor).map(|(name, (outcomes, _))| (name, outcomes[index].clone())).collect();
        matrix += &print(call.mutation, &outcomes);
    }
    let told = CALLS.iter().map(|call| call.told_by.len() * ACTORS.len()).sum::<usize>();
    println!("{} cells of mutations, {told} of capabilities", CALLS.len() * ACTORS.len());
    insta::assert_snapshot!(matrix.trim_end());
}

/// A field that not everybody reads: of which object, its arguments and what to read of it, and what a key needs.
const FIELDS: [(&str, &str, &str, &[&str]); 18] = [
    ("Organization", "access", "(user: {email: \"updated@example.com\"}) { permissions }", &["members.read"]),
    ("Organization", "apiKeys", "{ totalCount }", &["api_keys.manage"]),
    ("Organization", "invitations", "{ totalCount }", &["invitations.read"]),
    ("Organization", "member", "(user: {email: \"updated@example.com\"}) { id }", &["members.read"]),
    ("Organization", "members", "{ totalCount }", &["members.read"]),
    ("Organization", "owner", "{ id }", &["members.read"]),
    ("Organization", "plan", "{ tier }", &[]),
    ("Organization", "roles", "{ totalCount }", &[]),
    ("Organization", "team", "(slug: \"team\") { id }", &["members.read"]),
    ("Organization", "teams", "{ totalCount }", &["members.read"]),
    (
        "Project",
        "access",
        "(user: {email: \"project-updated@example.com\"}) { permissions }",
        &["project.members.read", "project.read"],
    ),
    ("Project", "invitations", "{ totalCount }", &["project.invitations.manage", "project.read"]),
    (
        "Project",
        "member",
        "(user: {email: \"project-updated@example.com\"}) { id }",
        &["project.members.read", "project.read"],
    ),
    ("Project", "members", "{ totalCount }", &["project.members.read", "project.read"]),
    ("Project", "owner", "{ id }", &["project.members.read", "project.read"]),
    ("Role", "id", "", &[]),
    ("Role", "memberCount", "", &[]),
    ("Team", "members", "{ totalCount }", &["members.read"]),
];

/// What each caller gets of the guarded fields; `hidden` where the object itself is not there for them.
async fn read(stage: &Stage) -> String {
    let mut text = String::new();
    for (object, field, rest, needed) in FIELDS {
        let of = match (object, field) {
            ("Organization", _) => "organization",
            ("Project", _) => "project",
            // Who sees the roles of projects does not see how many have them everywhere.
            ("Role", "memberCount") => "project role member",
            ("Role", _) => "role member",
            ("Team", _) => "team team",
            _ => panic!("no {object}"),
        };
        let query = format!("query($id: ID!) {{ node(id: $id) {{ id ... on {object} {{ {field}{rest} }} }} }}");
        let mut outcomes = Vec::new();
        for actor in ACTORS {
            let answer = stage.actor(actor, needed).await.post(&query, json!({ "id": stage.ids[of] })).await;
            let found = &answer.body["data"]["node"];
            let code = answer.body["errors"][0]["extensions"]["code"].as_str();
            assert!(found.is_null() || id(found) == stage.ids[of], "{}", answer.body);
            assert!(code.is_none() || found.is_null() || found[field].is_null(), "{}", answer.body);
            let seen = if found.is_null() {
                "hidden"
            } else if found[field].is_null() {
                "nothing"
            } else {
                "OK"
            };
            outcomes.push((actor, code.unwrap_or(seen).to_owned()));
        }
        text += &print(&format!("{object}.{field}"), &outcomes);
    }
    text.trim_end().to_owned()
}

#[test]
fn every_guarded_field_has_a_row() {
    let sdl = graphql::sdl();
    let mut guarded: Vec<(String, &str)> = Vec::new();
    for object in types_of(&sdl).into_iter().filter(|name| !["Query", "Mutation"].contains(name)) {
        let asks =
            |text: &String| ["Requires", "Members only", "@semanticNonNull"].iter().any(|sign| text.contains(sign));
        guarded.extend(
            fields_of(&sdl, object)
                .into_iter()
                .filter(|(_, text)| asks(text))
                .map(|(field, _)| (object.to_owned(), field)),
        );
    }
    guarded.sort_unstable();
    let rows: Vec<(String, &str)> = FIELDS
        .iter()
        .filter(|(object, field, _, _)| (*object, *field) != ("Role", "id"))
        .map(|(object, field, ..)| ((*object).to_owned(), *field))
        .collect();
    assert_eq!(rows, guarded);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_guarded_field_by_every_kind_of_caller() {
    let roster = Roster::start().await;
    roster.organization(&roster.person("mallory"), "Other").await;
    let stage = Stage::set(&roster).await;
    insta::assert_snapshot!("of a private organization", read(&stage).await);
    // A public organization shows its profile, and nothing more than that.
    roster.sql("UPDATE organizations SET visibility = 'PUBLIC'").await;
    insta::assert_snapshot!("of a public organization", read(&stage).await);
    println!("{} cells of fields", 2 * FIELDS.len() * ACTORS.len());
}

/// Guests, and keys that are limited to a project, know an organization by its name and logo.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_inside_knows_a_private_organization_by_name() {
    let roster = Roster::start().await;
    let stage = Stage::set(&roster).await;
    let organization = &stage.ids["organization"];
    let profile = json!({
        "organization": { "id": organization }, "description": "What members know.",
        "logoUrl": "https://example.com/logo.png", "website": "https://example.com/", "industry": "ai-ml",
        "email": "office@example.com", "phone": "+49301234567",
    });
    let update =
        "mutation($input: OrganizationUpdateInput!) { organizationUpdate(input: $input) { userErrors { code } } }";
    let alice = roster.person("alice");
    assert_eq!(alice.refusals(update, json!({ "input": profile })).await, Vec::<String>::new());
    let query = "query($id: ID!) { organization(by: {id: $id}) { id slug name logoUrl description website email phone industry { key } roles { nodes { scope key } } } }";
    let known = async |actor: &'static str| {
        let actor = stage.actor(actor, &["members.read"]).await;
        let mut known = actor.data(query, json!({ "id": organization })).await["organization"].clone();
        let roles: Vec<String> = known["roles"]["nodes"]
            .take()
            .as_array()
            .unwrap()
            .iter()
            .map(|role| format!("{} {}", role["scope"], role["key"]).replace('"', ""))
            .collect();
        (known, roles)
    };
    let of_projects = ["PROJECT owner", "PROJECT admin", "PROJECT member", "PROJECT viewer"];
    for visibility in ["PRIVATE", "PUBLIC"] {
        roster.sql(&format!("UPDATE organizations SET visibility = '{visibility}'")).await;
        let (all, all_roles) = known("viewer").await;
        assert!(all.as_object().unwrap().values().all(|value| !value.is_null()), "{all}");
        let mut little = all.clone();
        for field in ["description", "website", "email", "phone", "industry"] {
            little[field].take();
        }
        for actor in ["guest", "guest admin", "key of a project"] {
            let (seen, roles) = known(actor).await;
            assert_eq!(seen, if visibility == "PUBLIC" { all.clone() } else { little.clone() }, "{actor}");
            let own = if actor == "key of a project" { None } else { Some("ORGANIZATION guest") };
            let expected: Vec<&str> = of_projects.into_iter().chain(own).collect();
            assert!(expected.iter().all(|role| all_roles.iter().any(|known| known == role)));
            assert_eq!(roles, expected, "{actor}");
        }
        for actor in ["member", "owner", "demoted key", "operator"] {
            assert_eq!(known(actor).await, (all.clone(), all_roles.clone()), "{actor}");
        }
    }
}

#[test]
fn every_mutation_lists_its_codes() {
    let sdl = graphql::sdl();
    let (_, rest) = sdl.split_once("\nenum UserErrorCode {\n").expect("codes");
    let (block, _) = rest.split_once("\n}").expect("an end");
    let known: Vec<&str> = block.lines().map(str::trim).collect();
    for (mutation, listed) in &*LISTED_CODES {
        assert!(!listed.is_empty(), "{mutation} lists {listed:?}");
        for code in listed {
            assert!(known.contains(&code.as_str()) || code == "SKIPPED", "{mutation} lists {code}, which is no code");
        }
    }
}
