//! Everything that an edge can lead to, and everybody who may or may not come to it.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use roster::{
    domain::{
        id::{
            ApiKeyId, InvitationId, OrganizationId, OrganizationMemberId, ProjectId, ProjectMemberId, RoleId, TeamId,
            TeamMemberId, UserId,
        },
        secret::ApiKeySecret,
    },
    operations::sweep::sweep,
};
use serde_json::{Value, json};

use crate::{
    access::{ACTORS, Stage},
    support::{Actor, Roster, id},
};

/// The rows that objects are made of.
pub const TABLES: [(&str, &str); 10] = [
    ("ApiKey", "api_keys"),
    ("Invitation", "invitations"),
    ("Organization", "organizations"),
    ("OrganizationMember", "organization_members"),
    ("Project", "projects"),
    ("ProjectMember", "project_members"),
    ("Role", "roles"),
    ("Team", "teams"),
    ("TeamMember", "team_members"),
    ("User", "users"),
];
/// The other tables that decide who sees what.
const GRANTS: [&str; 2] = ["invitation_projects", "mails"];

/// Who somebody is, as rows name them.
#[derive(Clone, PartialEq)]
pub enum Who {
    Nobody,
    Person(String),
    Key(String),
    /// A key that has ended.
    Ended,
    Operator,
}

/// One who walks.
pub struct Walker {
    pub name: &'static str,
    pub actor: Actor,
    pub who: Who,
}

/// Two organizations of different people, and who walks there.
pub struct World {
    pub roster: Roster,
    pub walkers: Vec<Walker>,
    /// The token of an invitation, for whoever was passed it.
    pub token: String,
}

/// What is stored, by table.
pub type Rows = BTreeMap<&'static str, Vec<Value>>;

/// The id of an object as clients know it, by the one of its row.
pub fn public_id(ty: &str, row: &Value) -> String {
    let id = serde_json::from_value(row["id"].clone()).unwrap();
    match ty {
        "ApiKey" => ApiKeyId(id).to_string(),
        "Invitation" => InvitationId(id).to_string(),
        "Organization" => OrganizationId(id).to_string(),
        "OrganizationMember" => OrganizationMemberId(id).to_string(),
        "Project" => ProjectId(id).to_string(),
        "ProjectMember" => ProjectMemberId(id).to_string(),
        "Role" => RoleId(id).to_string(),
        "Team" => TeamId(id).to_string(),
        "TeamMember" => TeamMemberId(id).to_string(),
        "User" => UserId(id).to_string(),
        _ => panic!("no rows of the type {ty}"),
    }
}

/// The payload of a mutation that has to succeed.
async fn done(actor: &Actor, mutation: &str, input: Value, fields: &str) -> Value {
    let (first, rest) = mutation.split_at(1);
    let input_type = format!("{}{rest}Input", first.to_uppercase());
    let query = format!(
        "mutation($input: {input_type}!) {{ payload: {mutation}(input: $input) {{ {fields} userErrors {{ code message path }} }} }}"
    );
    let payload = actor.data(&query, json!({ "input": input })).await["payload"].clone();
    assert_eq!(payload["userErrors"], json!([]), "{mutation}");
    for result in payload["results"].as_array().into_iter().flatten() {
        assert_eq!(result["status"], "SUCCEEDED", "{mutation}: {result}");
    }
    payload
}

/// Invites an address; answers the id of the invitation.
async fn invite(actor: &Actor, mutation: &str, input: Value) -> String {
    let payload = done(actor, mutation, input, "results { status invitation { id } }").await;
    id(&payload["results"][0]["invitation"])
}

impl World {
    /// Sets the stage of the table of access, and adds what only edges lead to.
    pub async fn set(roster: Roster) -> Self {
        let (alice, mallory) = (roster.person("alice"), roster.person("mallory"));
        let other = roster.organization(&mallory, "Other").await;
        roster.person("oscar").user_id().await;
        let stage = Stage::set(&roster).await;
        let acme = stage.ids["organization"].clone();
        for (owner, organization) in [(&alice, &acme), (&mallory, &other)] {
            let profile = json!({
                "organization": { "id": organization }, "description": "What members know.",
                "logoUrl": "https://example.com/logo.png", "website": "https://example.com/", "industry": "ai-ml",
                "email": "office@example.com", "phone": "+49301234567",
            });
            done(owner, "organizationUpdate", profile, "").await;
        }
        furnish_other(&roster, &mallory, &other).await;
        furnish(&roster, &stage, &alice, &acme).await;

        let mut actors: Vec<(&'static str, Actor)> = Vec::new();
        for name in ACTORS {
            actors.push((name, stage.actor(name, &["members.read"]).await));
        }
        actors.push(("guest with little sight", roster.person("gil")));
        let mut walkers = Vec::new();
        for (name, actor) in actors {
            // Whoever was here before is shown as having been here; so are keys, once it is read anew who they are.
            actor.post("{ viewer { actor { displayName } } }", json!({})).await;
            let secret = actor.authorization().and_then(|value| ApiKeySecret::parse(value.strip_prefix("Bearer ")?));
            let who = match (name, secret) {
                ("anonymous", _) => Who::Nobody,
                ("operator", _) => Who::Operator,
                ("revoked key" | "removed key" | "left key", _) => Who::Ended,
                (_, Some(secret)) => Who::Key(secret.key.0.to_string()),
                _ => {
                    let email = format!("{}@example.com", actor.name);
                    let found = roster.texts(&format!("SELECT id FROM users WHERE email = '{email}'")).await;
                    Who::Person(found[0].clone())
                }
            };
            walkers.push(Walker { name, actor, who });
        }
        roster.wait(TimeDelta::seconds(10));
        roster.assert_counters().await;
        let link = "SELECT organization_id || ' ' || id FROM invitations WHERE email = 'invited@example.com' AND organization_id = (SELECT id FROM organizations WHERE name = 'Acme')";
        let link = roster.texts(link).await.remove(0);
        let (organization, invitation) = link.split_once(' ').unwrap();
        let (organization, invitation) = (organization.parse().unwrap(), invitation.parse().unwrap());
        let token = roster.app.token(OrganizationId(organization), InvitationId(invitation), 1);
        Self { roster, walkers, token }
    }

    /// Everything that is stored.
    pub async fn rows(&self) -> Rows {
        let mut rows = Rows::new();
        for table in TABLES.map(|(_, table)| table).into_iter().chain(GRANTS) {
            let found = self.roster.texts(&format!("SELECT to_jsonb(t) FROM {table} t")).await;
            rows.insert(table, found.iter().map(|row| serde_json::from_str(row).unwrap()).collect());
        }
        rows
    }

    /// The ids of all objects, whoever sees them, by type.
    pub fn ids(rows: &Rows) -> BTreeMap<String, Vec<String>> {
        let of =
            |(ty, table): (&str, &str)| (ty.to_owned(), rows[table].iter().map(|row| public_id(ty, row)).collect());
        TABLES.map(of).into_iter().collect()
    }

    /// The values of required arguments.
    pub async fn values(&self, rows: &Rows) -> BTreeMap<&'static str, Vec<String>> {
        let ids = |ty: &str, table: &str| -> Vec<String> {
            rows[table].iter().map(|row| format!("{{id: \"{}\"}}", public_id(ty, row))).collect()
        };
        let slugs = self.roster.texts("SELECT slug FROM organization_slugs").await;
        let slugs = slugs.iter().map(|slug| format!("{{slug: \"{slug}\"}}"));
        let paths = async |kind: &str, table: &str| -> Vec<String> {
            let sql = format!(
                "SELECT format('{{path: {{organization: \"%s\", {kind}: \"%s\"}}}}', o.slug, t.slug) FROM {table} t JOIN organizations o ON o.id = t.organization_id"
            );
            self.roster.texts(&sql).await
        };
        let quoted = |table: &str| -> Vec<String> { rows[table].iter().map(|row| row["slug"].to_string()).collect() };
        let both = |some: Vec<String>, others: Vec<String>| some.into_iter().chain(others).collect();
        BTreeMap::from([
            ("OrganizationRefInput", ids("Organization", "organizations").into_iter().chain(slugs).collect()),
            ("ProjectRefInput", both(ids("Project", "projects"), paths("project", "projects").await)),
            ("TeamRefInput", both(ids("Team", "teams"), paths("team", "teams").await)),
            ("UserRefInput", ids("User", "users")),
            ("Organization.project(slug)", quoted("projects")),
            ("Organization.team(slug)", quoted("teams")),
            ("Access.has(permission)", vec!["\"members.read\"".to_owned(), "\"project.read\"".to_owned()]),
            ("Query.invitationPreview(token)", vec![format!("\"{}\"", self.token)]),
        ])
    }
}

/// An organization of somebody else, with one person who is in Acme too.
async fn furnish_other(roster: &Roster, mallory: &Actor, other: &str) {
    roster.member(mallory, other, "vera", "member").await;
    roster.member(mallory, other, "olaf", "member").await;
    let orbit = roster.project(mallory, other, "Orbit").await;
    roster.project_member(mallory, &orbit, "olaf", "member").await;
    roster.team(mallory, other, "Others", &["mallory", "olaf"]).await;
    roster.invite(mallory, other, "zed@example.com", "viewer").await;
    let key = json!({ "organization": { "id": other }, "name": "Of others", "permissions": ["members.read"] });
    done(mallory, "apiKeyCreate", key, "").await;
}

/// What the table of access can do without.
async fn furnish(roster: &Roster, stage: &Stage, alice: &Actor, acme: &str) {
    let (apollo, team) = (&stage.ids["project"], &stage.ids["team team"]);
    let organization = || json!({ "id": acme });
    for (scope, name, permissions) in
        [("ORGANIZATION", "Nothing", json!([])), ("PROJECT", "Narrow", json!(["project.read"]))]
    {
        let role = json!({ "organization": organization(), "scope": scope, "name": name, "permissions": permissions });
        done(alice, "roleCreate", role, "").await;
    }
    roster.member(alice, acme, "nina", "nothing").await;
    roster.member(alice, acme, "gil", "guest").await;
    roster.project_member(alice, apollo, "gil", "narrow").await;
    let ada = roster.person("ada");
    let secret = roster.project(&ada, acme, "Secret").await;
    roster.team(alice, acme, "Leads", &["ada", "max"]).await;
    furnish_invitations(roster, stage, alice, acme, &secret).await;
    furnish_keys(roster, stage, alice, acme).await;

    // Somebody who has left: what they made stays, and names them.
    let (leo, _) = roster.member(alice, acme, "leo", "admin").await;
    roster.member(&leo, acme, "lena", "member").await;
    roster.invite(&leo, acme, "liv@example.com", "viewer").await;
    let key = json!({ "organization": organization(), "name": "Of Leo", "permissions": ["members.read"] });
    done(&leo, "apiKeyCreate", key, "").await;
    done(&leo, "organizationLeave", json!({ "organization": organization() }), "").await;

    // One lapses and is swept, one lapses and is not yet.
    for (name, days) in [("lara", 1), ("lou", 2)] {
        let invitation = json!({
            "organization": organization(), "emails": [format!("{name}@example.com")], "role": { "key": "viewer" },
            "teams": [{ "team": { "id": team } }], "expiresInDays": days,
        });
        invite(alice, "organizationInvite", invitation).await;
    }
    roster.wait(TimeDelta::days(1));
    sweep(&roster.app).await.unwrap();
    roster.wait(TimeDelta::days(1));
}

/// Invitations in all states, made by people and by a key, and mails that failed.
async fn furnish_invitations(roster: &Roster, stage: &Stage, alice: &Actor, acme: &str, secret: &str) {
    let (apollo, team) = (&stage.ids["project"], &stage.ids["team team"]);
    // Grants of what is hidden from most: to somebody who walks, and to somebody who is invited to a project.
    let grants = json!({
        "invitationId": stage.ids["invited invitation"], "teams": [{ "team": { "id": team }, "role": "LEAD" }],
        "projects": [{ "project": { "id": apollo } }, { "project": { "id": secret }, "role": { "key": "narrow" } }],
    });
    done(alice, "invitationUpdate", grants, "").await;
    roster.person("pia").user_id().await;
    let to_apollo = json!({ "project": { "id": apollo }, "emails": ["pia@example.com"], "message": "Join us." });
    let pia = invite(alice, "projectInvite", to_apollo).await;
    let grants = json!({
        "invitationId": pia, "teams": [{ "team": { "id": team } }],
        "projects": [{ "project": { "id": apollo } }, { "project": { "id": secret } }],
    });
    done(alice, "invitationUpdate", grants, "").await;

    let dora = roster.person("dora");
    let (to_dora, _) = roster.invite(alice, acme, "dora@example.com", "viewer").await;
    done(&dora, "invitationDecline", json!({ "invitation": { "id": to_dora } }), "").await;
    let (to_rex, _) = roster.invite(alice, acme, "rex@example.com", "viewer").await;
    done(alice, "invitationRevoke", json!({ "invitationId": to_rex }), "").await;

    let inviting = roster.key(acme, None, &["members.read", "invitations.read", "invitations.manage"]).await;
    roster.invite(&inviting, acme, "kim@example.com", "viewer").await;
    roster.member(&inviting, acme, "kay", "viewer").await;
    let (to_kit, _) = roster.invite(&inviting, acme, "kit@example.com", "viewer").await;
    done(&inviting, "invitationRevoke", json!({ "invitationId": to_kit }), "").await;
    let kim = json!({ "team": { "id": team }, "members": [{ "user": { "email": "kim@example.com" } }] });
    done(alice, "teamMembersAdd", kim, "results { status userErrors { code } }").await;
    roster
        .sql(
            "UPDATE mails SET status = 'FAILED', attempts = 5, error = '550 5.1.1 no such mailbox at mx.internal' \
             FROM invitations i WHERE i.id = invitation_id AND i.email IN ('invited@example.com', 'pia@example.com')",
        )
        .await;
}

/// Keys that work and keys that do not, made by people and by a key.
async fn furnish_keys(roster: &Roster, stage: &Stage, alice: &Actor, acme: &str) {
    let organization = || json!({ "id": acme });
    let limited = json!({
        "organization": organization(), "name": "Limited", "permissions": ["project.read"],
        "project": { "id": stage.ids["project"] },
    });
    done(alice, "apiKeyCreate", limited, "").await;
    let making = roster.key(acme, None, &["members.read", "api_keys.manage"]).await;
    let child = json!({ "organization": organization(), "name": "Child", "permissions": ["members.read"] });
    done(&making, "apiKeyCreate", child, "").await;
    done(alice, "apiKeyRevoke", json!({ "apiKeyId": stage.ids["ended key"] }), "").await;
    roster.sql("UPDATE api_keys SET expires_at = created_at WHERE name = 'rotated'").await;
}
