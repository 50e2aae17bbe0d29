//! Who may do what: the policy as a table, and every mutation and guarded field × every kind of caller.

use std::{collections::BTreeMap, fmt::Write};

use roster::{
    access::{Permission, PermissionSet, Policy},
    domain::role::{BuiltInRole, RoleScope},
    graphql,
};
use serde_json::{Value, json};

use crate::support::{Actor, LISTED_CODES, Roster, assert_listed, id};

/// Which built-in roles hold the permissions of a level.
fn table(level: RoleScope, held_by: impl Fn(BuiltInRole) -> PermissionSet) -> String {
    let held: Vec<PermissionSet> = BuiltInRole::ALL.iter().map(|role| held_by(*role)).collect();
    let mut table =
        format!("{:28}{}", "", BuiltInRole::ALL.iter().map(|role| role.key()).collect::<Vec<_>>().join("  "));
    for permission in Permission::ALL.iter().filter(|permission| permission.scope() == level) {
        write!(table, "\n{:28}", permission.key()).unwrap();
        table.extend(held.iter().map(|held| if held.has(*permission) { "x      " } else { ".      " }));
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[test]
fn the_policy_of_the_built_in_roles() {
    let policy = Policy::default();
    let of = |level| table(level, |role| policy.of_built_in(level, role));
    insta::assert_snapshot!(of(RoleScope::Organization), @r"
                                owner  admin  member  viewer
    organization.update         x      x      .      .
    organization.delete         x      .      .      .
    organization.transfer       x      .      .      .
    members.read                x      x      x      x
    members.manage              x      x      .      .
    invitations.read            x      x      x      .
    invitations.manage          x      x      .      .
    roles.manage                x      x      .      .
    teams.manage                x      x      .      .
    api_keys.manage             x      x      .      .
    projects.create             x      x      x      .
    projects.read               x      x      .      .
    projects.manage             x      x      .      .
    projects.own                x      .      .      .
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
    insta::assert_snapshot!(table(RoleScope::Project, in_projects), @r"
                                owner  admin  member  viewer
    project.read                x      x      .      .
    project.update              x      x      .      .
    project.delete              x      .      .      .
    project.transfer            x      .      .      .
    project.members.read        x      x      .      .
    project.members.manage      x      x      .      .
    project.invitations.manage  x      x      .      .
    ");
}

/// Who calls. Each has an organization of their own to call about.
const ACTORS: [&str; 12] = [
    "anonymous",
    "outsider",
    "other owner",
    "invited",
    "viewer",
    "member",
    "admin",
    "owner",
    "key with",
    "key without",
    "key of a project",
    "operator",
];

/// An organization with everything to call about.
struct Stage {
    roster: Roster,
    organization: String,
    project: String,
    members: BTreeMap<&'static str, String>,
    project_members: BTreeMap<&'static str, String>,
    invitations: BTreeMap<&'static str, (String, String)>,
}

impl Stage {
    async fn set(roster: &Roster, name: &str) -> Self {
        let alice = roster.person("alice");
        let organization = roster.organization(&alice, &format!("Acme {name}")).await;
        let project = roster.project(&alice, &organization, "Apollo").await;
        let (mut members, mut project_members, mut invitations) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let roles = [("ada", "admin"), ("max", "member")];
        let viewers = ["vera", "updated", "removed", "added", "project-updated", "project-removed"];
        for (name, role) in roles.into_iter().chain(viewers.map(|name| (name, "viewer"))) {
            members.insert(name, roster.member(&alice, &organization, name, role).await.1);
        }
        for name in ["project-updated", "project-removed"] {
            project_members.insert(name, roster.project_member(&alice, &project, name, "viewer").await);
        }
        for name in ["resent", "revoked", "invited"] {
            let email = format!("{name}@example.com");
            invitations.insert(name, roster.invite(&alice, &organization, &email, "viewer").await);
        }
        let elsewhere = roster.organization(&alice, &format!("Elsewhere {name}")).await;
        invitations.insert("elsewhere", roster.invite(&alice, &elsewhere, "invited@example.com", "viewer").await);
        // Mails lie a minute apart.
        roster.wait(chrono::TimeDelta::minutes(2));
        Self { roster: roster.clone(), organization, project, members, project_members, invitations }
    }

    /// Who calls; `needed` is what the key has, or what it lacks.
    async fn actor(&self, actor: &'static str, needed: &[&'static str]) -> Actor {
        let all = Permission::ALL.iter().map(|permission| permission.key());
        match actor {
            "anonymous" => self.roster.anonymous(),
            "outsider" => self.roster.person("oscar"),
            "other owner" => self.roster.person("mallory"),
            "invited" => self.roster.person("invited"),
            "viewer" => self.roster.person("vera"),
            "member" => self.roster.person("max"),
            "admin" => self.roster.person("ada"),
            "owner" => self.roster.person("alice"),
            "key with" => self.roster.key(&self.organization, None, needed).await,
            "key without" => {
                // What gives the same in every project is lacking as well.
                let lacking = |key: &&str| {
                    needed.first() == Some(key) || ["projects.manage", "projects.own", "projects.read"].contains(key)
                };
                let permissions: Vec<&str> = all.filter(|key| !lacking(key)).collect();
                self.roster.key(&self.organization, None, &permissions).await
            }
            "key of a project" => {
                self.roster.key(&self.organization, Some(&self.project), &all.collect::<Vec<_>>()).await
            }
            "operator" => self.roster.operator(),
            _ => panic!("nobody is called {actor}"),
        }
    }

    fn organization(&self) -> Value {
        json!({ "id": self.organization })
    }

    fn project(&self) -> Value {
        json!({ "id": self.project })
    }

    fn member(&self, name: &str) -> Value {
        json!({ "id": self.members[name] })
    }

    fn project_member(&self, name: &str) -> Value {
        json!({ "id": self.project_members[name] })
    }
}

/// One well-formed call of a mutation.
struct Call {
    mutation: &'static str,
    /// What a key needs for it; the first is what the mutation asks for, the rest what it hands out.
    needed: &'static [&'static str],
    input: fn(&Stage) -> Value,
}

/// What the organization's Member may do.
const MEMBER: [&str; 3] = ["members.read", "invitations.read", "projects.create"];

const CALLS: &[Call] = &[
    Call { mutation: "organizationCreate", needed: &[], input: |_| json!({ "name": "New" }) },
    Call {
        mutation: "organizationMemberUpdateRole",
        needed: &["members.manage", MEMBER[0], MEMBER[1], MEMBER[2]],
        input: |stage| json!({ "member": stage.member("updated"), "role": { "key": "member" } }),
    },
    Call {
        mutation: "organizationMemberRemove",
        needed: &["members.manage", "members.read"],
        input: |stage| json!({ "member": stage.member("removed") }),
    },
    Call {
        mutation: "organizationInvite",
        needed: &["invitations.manage", MEMBER[0], MEMBER[1], MEMBER[2]],
        input: |stage| json!({ "organization": stage.organization(), "emails": ["new@example.com"] }),
    },
    Call {
        mutation: "projectInvite",
        needed: &["project.invitations.manage", "project.read", "project.members.read"],
        input: |stage| json!({ "project": stage.project(), "emails": ["newer@example.com"] }),
    },
    Call {
        mutation: "invitationResend",
        needed: &["invitations.manage", "members.read"],
        input: |stage| json!({ "invitationId": stage.invitations["resent"].0 }),
    },
    Call {
        mutation: "invitationRevoke",
        needed: &["invitations.manage"],
        input: |stage| json!({ "invitationId": stage.invitations["revoked"].0 }),
    },
    Call {
        mutation: "projectCreate",
        needed: &["projects.create"],
        input: |stage| json!({ "organization": stage.organization(), "name": "Gemini" }),
    },
    Call {
        mutation: "projectMembersAdd",
        needed: &["project.members.manage", "project.read", "project.members.read"],
        input: |stage| json!({ "project": stage.project(), "members": [{ "user": { "email": "added@example.com" } }] }),
    },
    Call {
        mutation: "projectMemberUpdateRole",
        needed: &["project.members.manage", "project.read", "project.members.read"],
        input: |stage| json!({ "member": stage.project_member("project-updated"), "role": { "key": "member" } }),
    },
    Call {
        mutation: "projectMemberRemove",
        needed: &["project.members.manage", "project.read", "project.members.read"],
        input: |stage| json!({ "member": stage.project_member("project-removed") }),
    },
    // Last, as the invited person belongs to the organization afterwards.
    Call {
        mutation: "invitationDecline",
        needed: &[],
        input: |stage| json!({ "invitation": { "token": stage.invitations["elsewhere"].1 } }),
    },
    Call {
        mutation: "invitationAccept",
        needed: &[],
        input: |stage| json!({ "invitation": { "token": stage.invitations["invited"].1 } }),
    },
    Call { mutation: "projectLeave", needed: &["project.read"], input: |stage| json!({ "project": stage.project() }) },
    Call { mutation: "organizationLeave", needed: &[], input: |stage| json!({ "organization": stage.organization() }) },
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

/// Everything that mutations can change, as one text.
async fn state(roster: &Roster, tables: &[String]) -> Vec<String> {
    let digests: Vec<String> = tables
        .iter()
        .map(|table| {
            format!("SELECT '{table} ' || COALESCE(md5(string_agg(t::text, ',' ORDER BY t::text)), '') FROM {table} t")
        })
        .collect();
    roster.texts(&digests.join(" UNION ALL ")).await
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

#[tokio::test(flavor = "multi_thread")]
async fn every_mutation_by_every_kind_of_caller() {
    let mut called: Vec<&str> = CALLS.iter().map(|call| call.mutation).collect();
    called.sort_unstable();
    assert_eq!(called, LISTED_CODES.keys().collect::<Vec<_>>(), "each mutation needs a call here");

    let roster = Roster::start().await;
    roster.organization(&roster.person("mallory"), "Other").await;
    roster.person("oscar").user_id().await;
    let tables = roster.texts("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('users', 'api_keys', '__diesel_schema_migrations')").await;
    let mut outcomes: BTreeMap<&str, Vec<(&str, String)>> = BTreeMap::new();
    for name in ACTORS {
        let stage = Stage::set(&roster, name).await;
        for call in CALLS {
            let mut input = (call.input)(&stage);
            if (name, call.mutation) == ("operator", "organizationCreate") {
                input["owner"] = json!({ "email": "oscar@example.com" });
            }
            let actor = stage.actor(name, call.needed).await;
            let before = state(&roster, &tables).await;
            let outcome = outcome(&actor, call, &input).await;
            let nothing_happened = state(&roster, &tables).await == before;
            assert_eq!(nothing_happened, outcome != "OK", "{name}, {}: {outcome}", call.mutation);
            if !["OK", "UNAUTHENTICATED"].contains(&outcome.as_str()) {
                assert_listed(call.mutation, &outcome);
            }
            outcomes.entry(call.mutation).or_default().push((name, outcome));
        }
    }
    roster.assert_counters().await;
    let matrix: Vec<String> = CALLS.iter().map(|call| print(call.mutation, &outcomes[call.mutation])).collect();
    insta::assert_snapshot!(matrix.concat().trim_end(), @r"
    organizationCreate
      UNAUTHENTICATED           anonymous
      OK                        outsider, other owner, invited, viewer, member, admin, owner, operator
      FORBIDDEN                 key with, key without, key of a project
    organizationMemberUpdateRole
      UNAUTHENTICATED           anonymous
      NOT_FOUND                 outsider, other owner, invited, key of a project
      FORBIDDEN                 viewer, member, key without
      OK                        admin, owner, key with, operator
    organizationMemberRemove
      UNAUTHENTICATED           anonymous
      NOT_FOUND                 outsider, other owner, invited, key of a project
      FORBIDDEN                 viewer, member, key without
      OK                        admin, owner, key with, operator
    organizationInvite
      UNAUTHENTICATED           anonymous
      NOT_FOUND                 outsider, other owner, invited
      FORBIDDEN                 viewer, member, key without, key of a project
      OK                        admin, owner, key with, operator
    projectInvite
      UNAUTHENTICATED           anonymous
      NOT_FOUND                 outsider, other owner, invited, viewer, member
      OK                        admin, owner, key with, key of a project, operator
      FORBIDDEN                 key without
    invitationResend
      UNAUTHENTICATED           anonymous
      NOT_FOUND                 outsider, other owner, invited, viewer, key of a project
      FORBIDDEN                 member, key without
      OK                        admin, owner, key with, operator
    invitationRevoke
      UNAUTHENTICATED           anonymous
      NOT_FOUND                 outsider, other owner, invited, viewer, key of a project
      FORBIDDEN                 member, key without
      OK                        admin, owner, key with, operator
    projectCreate
      UNAUTHENTICATED           anonymous
      NOT_FOUND                 outsider, other owner, invited
      FORBIDDEN                 viewer, key without, key of a project
      OK                        member, admin, owner, key with, operator
    projectMembersAdd
      UNAUTHENTICATED           anonymous
      NOT_FOUND                 outsider, other owner, invited, viewer, member
      OK                        admin, owner, key with, key of a project, operator
      FORBIDDEN                 key without
    projectMemberUpdateRole
      UNAUTHENTICATED           anonymous
      NOT_FOUND                 outsider, other owner, invited, viewer, member
      OK                        admin, owner, key with, key of a project, operator
      FORBIDDEN                 key without
    projectMemberRemove
      UNAUTHENTICATED           anonymous
      NOT_FOUND                 outsider, other owner, invited, viewer, member
      OK                        admin, owner, key with, key of a project, operator
      FORBIDDEN                 key without
    invitationDecline
      UNAUTHENTICATED           anonymous
      INVITATION_EMAIL_MISMATCH outsider, other owner, viewer, member, admin, owner
      OK                        invited
      FORBIDDEN                 key with, key without, key of a project, operator
    invitationAccept
      UNAUTHENTICATED           anonymous
      INVITATION_EMAIL_MISMATCH outsider, other owner, viewer, member, admin, owner
      OK                        invited
      FORBIDDEN                 key with, key without, key of a project, operator
    projectLeave
      UNAUTHENTICATED           anonymous
      NOT_FOUND                 outsider, other owner, invited, viewer, member, admin, key with, key without, key of a project, operator
      OWNER_PROTECTED           owner
    organizationLeave
      UNAUTHENTICATED           anonymous
      NOT_FOUND                 outsider, other owner, key with, key without, key of a project, operator
      OK                        invited, viewer, member, admin
      OWNER_PROTECTED           owner
    ");
}

/// A field that not everybody reads, and what a key needs for it.
const FIELDS: [(&str, &str, &[&str]); 8] = [
    ("organization", "members { totalCount }", &["members.read"]),
    ("organization", "invitations { totalCount }", &["invitations.read"]),
    ("organization", "plan { tier }", &[]),
    ("organization", "owner { id }", &[]),
    ("organization", "roles { totalCount }", &[]),
    ("project", "members { totalCount }", &["project.members.read", "project.read"]),
    ("project", "invitations { totalCount }", &["project.invitations.manage", "project.read"]),
    ("project", "owner { id }", &["project.members.read", "project.read"]),
];

/// What each caller gets of the guarded fields; `hidden` where the object itself is not there for them.
async fn read(stage: &Stage) -> String {
    let mut text = String::new();
    for (parent, field, needed) in FIELDS {
        let of = if parent == "project" { stage.project() } else { stage.organization() };
        let query = format!("query($id: ID!) {{ {parent}(by: {{id: $id}}) {{ id {field} }} }}");
        let name = field.split(' ').next().unwrap();
        let mut outcomes = Vec::new();
        for actor in ACTORS {
            let answer = stage.actor(actor, needed).await.post(&query, json!({ "id": of["id"] })).await;
            let found = &answer.body["data"][parent];
            let code = answer.body["errors"][0]["extensions"]["code"].as_str();
            assert!(found.is_null() || id(found) == of["id"], "{}", answer.body);
            assert_eq!(code.is_some(), !found.is_null() && found[name].is_null(), "{}", answer.body);
            let hidden = if found.is_null() { "hidden" } else { "OK" };
            outcomes.push((actor, code.unwrap_or(hidden).to_owned()));
        }
        text += &print(&format!("{parent}.{name}"), &outcomes);
    }
    text.trim_end().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_guarded_field_by_every_kind_of_caller() {
    let roster = Roster::start().await;
    roster.organization(&roster.person("mallory"), "Other").await;
    let stage = Stage::set(&roster, "").await;
    insta::assert_snapshot!(read(&stage).await, @r"
    organization.members
      hidden                    anonymous, outsider, other owner, invited
      OK                        viewer, member, admin, owner, key with, operator
      FORBIDDEN                 key without, key of a project
    organization.invitations
      hidden                    anonymous, outsider, other owner, invited
      FORBIDDEN                 viewer, key without, key of a project
      OK                        member, admin, owner, key with, operator
    organization.plan
      hidden                    anonymous, outsider, other owner, invited
      OK                        viewer, member, admin, owner, key with, key without, key of a project, operator
    organization.owner
      hidden                    anonymous, outsider, other owner, invited
      OK                        viewer, member, admin, owner, key with, key without, key of a project, operator
    organization.roles
      hidden                    anonymous, outsider, other owner, invited
      OK                        viewer, member, admin, owner, key with, key without, key of a project, operator
    project.members
      hidden                    anonymous, outsider, other owner, invited, viewer, member
      OK                        admin, owner, key with, key of a project, operator
      FORBIDDEN                 key without
    project.invitations
      hidden                    anonymous, outsider, other owner, invited, viewer, member
      OK                        admin, owner, key with, key of a project, operator
      FORBIDDEN                 key without
    project.owner
      hidden                    anonymous, outsider, other owner, invited, viewer, member
      OK                        admin, owner, key with, key of a project, operator
      FORBIDDEN                 key without
    ");
    // A public organization shows its profile, and nothing more than that.
    roster.sql("UPDATE organizations SET visibility = 'PUBLIC'").await;
    insta::assert_snapshot!(read(&stage).await, @r"
    organization.members
      UNAUTHENTICATED           anonymous
      FORBIDDEN                 outsider, other owner, invited, key without, key of a project
      OK                        viewer, member, admin, owner, key with, operator
    organization.invitations
      UNAUTHENTICATED           anonymous
      FORBIDDEN                 outsider, other owner, invited, viewer, key without, key of a project
      OK                        member, admin, owner, key with, operator
    organization.plan
      UNAUTHENTICATED           anonymous
      FORBIDDEN                 outsider, other owner, invited
      OK                        viewer, member, admin, owner, key with, key without, key of a project, operator
    organization.owner
      UNAUTHENTICATED           anonymous
      FORBIDDEN                 outsider, other owner, invited
      OK                        viewer, member, admin, owner, key with, key without, key of a project, operator
    organization.roles
      UNAUTHENTICATED           anonymous
      FORBIDDEN                 outsider, other owner, invited
      OK                        viewer, member, admin, owner, key with, key without, key of a project, operator
    project.members
      hidden                    anonymous, outsider, other owner, invited, viewer, member
      OK                        admin, owner, key with, key of a project, operator
      FORBIDDEN                 key without
    project.invitations
      hidden                    anonymous, outsider, other owner, invited, viewer, member
      OK                        admin, owner, key with, key of a project, operator
      FORBIDDEN                 key without
    project.owner
      hidden                    anonymous, outsider, other owner, invited, viewer, member
      OK                        admin, owner, key with, key of a project, operator
      FORBIDDEN                 key without
    ");
}

#[test]
fn every_mutation_lists_its_codes() {
    let sdl = graphql::sdl();
    let (_, rest) = sdl.split_once("\nenum UserErrorCode {\n").expect("codes");
    let (block, _) = rest.split_once("\n}").expect("an end");
    let known: Vec<&str> = block.lines().map(str::trim).collect();
    for (mutation, listed) in &*LISTED_CODES {
        assert!(listed.len() > 1, "{mutation} lists {listed:?}");
        for code in listed {
            assert!(known.contains(&code.as_str()) || code == "SKIPPED", "{mutation} lists {code}, which is no code");
        }
    }
}
