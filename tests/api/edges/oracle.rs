//! Who may see what, written from the documents: the second opinion on what `node(id:)` shows.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{
    crawl::Signature,
    stage::{Rows, Who, public_id},
};

/// What the built-in roles of an organization give; a guest has nothing.
const ORGANIZATION_ROLES: [(&str, &[&str]); 5] = [
    (
        "owner",
        &[
            "organization.update",
            "organization.delete",
            "organization.transfer",
            "members.read",
            "members.manage",
            "invitations.read",
            "invitations.manage",
            "roles.manage",
            "teams.manage",
            "api_keys.manage",
            "projects.create",
            "projects.read",
            "projects.manage",
            "projects.own",
        ],
    ),
    (
        "admin",
        &[
            "organization.update",
            "members.read",
            "members.manage",
            "invitations.read",
            "invitations.manage",
            "roles.manage",
            "teams.manage",
            "api_keys.manage",
            "projects.create",
            "projects.read",
            "projects.manage",
        ],
    ),
    ("member", &["members.read", "invitations.read", "projects.create"]),
    ("viewer", &["members.read"]),
    ("guest", &[]),
];
/// What the built-in roles of a project give.
const PROJECT_ROLES: [(&str, &[&str]); 4] = [
    (
        "owner",
        &[
            "project.read",
            "project.update",
            "project.delete",
            "project.transfer",
            "project.members.read",
            "project.members.manage",
            "project.invitations.manage",
        ],
    ),
    (
        "admin",
        &[
            "project.read",
            "project.update",
            "project.members.read",
            "project.members.manage",
            "project.invitations.manage",
        ],
    ),
    ("member", &["project.read", "project.members.read"]),
    ("viewer", &["project.read", "project.members.read"]),
];
/// The role that a permission of the organization is worth in each of its projects.
const IN_EVERY_PROJECT: [(&str, &str); 3] =
    [("projects.read", "viewer"), ("projects.manage", "admin"), ("projects.own", "owner")];
/// What a private organization shows to its members alone, and not to guests and keys of one project.
const PROFILE: [&str; 5] = ["description", "website", "email", "phone", "industry"];
/// Lists of an organization, each with what it takes to read it.
const LISTS: [(&str, &str); 4] = [
    ("members", "members.read"),
    ("invitations", "invitations.read"),
    ("apiKeys", "api_keys.manage"),
    ("teams", "members.read"),
];

type Permissions = BTreeSet<String>;

/// Whether somebody is to see an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sight {
    Shown,
    Hidden,
    /// The documents leave it open.
    Open,
}

impl From<bool> for Sight {
    fn from(shown: bool) -> Self {
        if shown { Self::Shown } else { Self::Hidden }
    }
}

/// What somebody may see of what is stored.
pub struct Oracle<'a> {
    pub rows: &'a Rows,
    pub who: &'a Who,
    pub now: DateTime<Utc>,
}

fn text<'a>(row: &'a Value, column: &str) -> &'a str {
    row[column].as_str().unwrap_or_default()
}

fn of_table(table: &[(&str, &[&str])], role: &str) -> Permissions {
    let found = table.iter().find(|(key, _)| *key == role);
    found.into_iter().flat_map(|(_, held)| held.iter().map(|key| (*key).to_owned())).collect()
}

fn in_projects(organization: &Permissions) -> Permissions {
    let given = IN_EVERY_PROJECT.iter().filter(|(permission, _)| organization.contains(*permission));
    given.flat_map(|(_, role)| of_table(&PROJECT_ROLES, role)).collect()
}

fn is_of_project(permission: &str) -> bool {
    permission.starts_with("project.")
}

impl<'a> Oracle<'a> {
    fn row(&self, table: &str, id: &str) -> &'a Value {
        self.rows[table].iter().find(|row| text(row, "id") == id).unwrap_or_else(|| panic!("no {id} in {table}"))
    }

    fn user(&self) -> Option<&'a str> {
        if let Who::Person(id) = self.who { Some(id) } else { None }
    }

    fn key(&self) -> Option<&'a Value> {
        if let Who::Key(id) = self.who { Some(self.row("api_keys", id)) } else { None }
    }

    fn of_role(&self, role: &str) -> Permissions {
        let role = self.row("roles", role);
        if role["built_in"].is_null() {
            return role["permissions"]
                .as_array()
                .unwrap()
                .iter()
                .map(|key| key.as_str().unwrap().to_owned())
                .collect();
        }
        let table = if role["scope"] == "PROJECT" { &PROJECT_ROLES[..] } else { &ORGANIZATION_ROLES[..] };
        of_table(table, text(role, "key"))
    }

    fn membership(&self, organization: &str, user: &str) -> Option<&'a Value> {
        let mut members = self.rows["organization_members"].iter();
        members.find(|row| text(row, "organization_id") == organization && text(row, "user_id") == user)
    }

    /// What a person holds in an organization; none when they are not in it.
    fn of_person(&self, organization: &str, user: &str) -> Option<Permissions> {
        Some(self.of_role(text(self.membership(organization, user)?, "role_id")))
    }

    /// What a key holds now, of both levels: what is stored of what whoever answers for it holds.
    fn of_key(&self, key: &Value) -> Permissions {
        let stored: Permissions =
            key["permissions"].as_array().unwrap().iter().map(|key| key.as_str().unwrap().to_owned()).collect();
        let organization = text(key, "organization_id");
        let responsible = match text(key, "created_by_kind") {
            "USER" => {
                let mut held = self.of_person(organization, text(key, "created_by_id")).unwrap_or_default();
                held.extend(in_projects(&held));
                held
            }
            "API_KEY" => self.of_key(self.row("api_keys", text(key, "created_by_id"))),
            _ => stored.clone(),
        };
        stored.intersection(&responsible).cloned().collect()
    }

    /// What the viewer holds in an organization; none when they are outside.
    fn inside(&self, organization: &str) -> Option<Permissions> {
        match self.who {
            Who::Nobody | Who::Ended => None,
            Who::Operator => Some(of_table(&ORGANIZATION_ROLES, "owner")),
            Who::Person(user) => self.of_person(organization, user),
            Who::Key(_) => {
                let key = self.key().filter(|key| text(key, "organization_id") == organization)?;
                let held = self.of_key(key).into_iter();
                Some(held.filter(|key| !is_of_project(key) && !self.is_limited()).collect())
            }
        }
    }

    fn holds(&self, organization: &str, permission: &str) -> bool {
        self.inside(organization).is_some_and(|held| held.contains(permission))
    }

    fn is_limited(&self) -> bool {
        self.key().is_some_and(|key| !key["project_id"].is_null())
    }

    /// Inside, and with no permission there: a guest, or a key of one project.
    fn is_guest(&self, organization: &str) -> bool {
        self.inside(organization).is_some_and(|held| held.is_empty())
    }

    /// What the viewer holds in a project.
    fn in_project(&self, project: &str) -> Permissions {
        let project_row = self.row("projects", project);
        let organization = text(project_row, "organization_id");
        let Some(held) = self.inside(organization) else { return Permissions::new() };
        if self.key().is_some_and(|key| self.is_limited() && text(key, "project_id") != project) {
            return Permissions::new();
        }
        let mut permissions = in_projects(&held);
        if let Some(key) = self.key() {
            permissions.extend(self.of_key(key).into_iter().filter(|key| is_of_project(key)));
        }
        let own = self.rows["project_members"].iter();
        let own = own.filter(|row| text(row, "project_id") == project && Some(text(row, "user_id")) == self.user());
        permissions.extend(own.flat_map(|row| self.of_role(text(row, "role_id"))));
        permissions
    }

    fn sees_member(&self, row: &Value) -> bool {
        Some(text(row, "user_id")) == self.user() || self.holds(text(row, "organization_id"), "members.read")
    }

    /// A membership of the viewer's, of whatever kind, in an organization that they belong to.
    fn is_own(&self, row: &Value) -> bool {
        self.inside(text(row, "organization_id")).is_some()
            && self.user().is_some_and(|user| row["user_id"].as_str() == Some(user))
    }

    fn sees_project_member(&self, row: &Value) -> bool {
        let held = self.in_project(text(row, "project_id"));
        let is_own = Some(text(row, "user_id")) == self.user();
        held.contains("project.read") && (is_own || held.contains("project.members.read"))
    }

    fn is_invitee(&self, row: &Value) -> bool {
        let person = self.user().map(|user| self.row("users", user));
        person.is_some_and(|user| user["email_verified"] == true && user["email"] == row["email"])
    }

    /// Whether an invitation is the viewer's to manage, or to read as one of the organization.
    fn reads_invitation(&self, row: &Value) -> bool {
        let organization = text(row, "organization_id");
        let reads = ["invitations.read", "invitations.manage"].iter().any(|key| self.holds(organization, key));
        let mut granted = self.rows["invitation_projects"].iter().filter(|grant| grant["invitation_id"] == row["id"]);
        reads
            || granted.any(|grant| {
                let held = self.in_project(text(grant, "project_id"));
                held.contains("project.read") && held.contains("project.invitations.manage")
            })
    }

    fn sees_role(&self, row: &Value) -> Sight {
        let organization = text(row, "organization_id");
        let has_it = |member: &&Value| member["role_id"] == row["id"];
        if !self.is_guest(organization) {
            return self.inside(organization).is_some().into();
        }
        // Guests and keys of one project know the roles of those they see, and no other of the organization.
        let of_members = self.rows["organization_members"].iter().filter(has_it);
        if of_members.filter(|member| self.sees_member(member)).count() > 0 {
            return Sight::Shown;
        }
        let mut of_project = self.rows["project_members"].iter().filter(has_it);
        match text(row, "scope") {
            "PROJECT" if of_project.any(|member| self.sees_project_member(member)) => Sight::Shown,
            "PROJECT" => Sight::Open,
            _ => Sight::Hidden,
        }
    }

    fn sees_user(&self, row: &Value) -> bool {
        let is_theirs = |member: &&Value| member["user_id"] == row["id"];
        let mut members = self.rows["organization_members"].iter().filter(is_theirs);
        let mut project_members = self.rows["project_members"].iter().filter(is_theirs);
        Some(text(row, "id")) == self.user()
            || members.any(|member| self.sees_member(member))
            || project_members.any(|member| self.sees_project_member(member))
    }

    fn sees(&self, ty: &str, row: &Value) -> Sight {
        let organization = text(row, "organization_id");
        match (self.who, ty) {
            (Who::Ended, _) => Sight::Hidden,
            (Who::Operator, _) if ty != "TeamMember" => Sight::Shown,
            (_, "User") => self.sees_user(row).into(),
            (_, "Organization") => (row["visibility"] == "PUBLIC" || self.inside(text(row, "id")).is_some()).into(),
            (_, "OrganizationMember") => self.sees_member(row).into(),
            (_, "Project") => self.in_project(text(row, "id")).contains("project.read").into(),
            (_, "ProjectMember") => self.sees_project_member(row).into(),
            (_, "Team") => {
                let mut own = self.rows["team_members"].iter().filter(|member| self.is_own(member));
                let is_in_it = own.any(|member| member["team_id"] == row["id"]);
                (is_in_it || ["members.read", "teams.manage"].iter().any(|key| self.holds(organization, key))).into()
            }
            (_, "TeamMember") => {
                // Whose invitation has lapsed is in the team no more.
                let until = row["expires_at"].as_str().map(|time| DateTime::parse_from_rfc3339(time).unwrap());
                let stands = until.is_none_or(|until| until > self.now);
                (stands && (self.is_own(row) || self.holds(organization, "members.read"))).into()
            }
            (_, "Role") => self.sees_role(row),
            (_, "Invitation") => (self.is_invitee(row) || self.reads_invitation(row)).into(),
            (_, "ApiKey") => {
                let is_viewer = self.key().is_some_and(|key| key["id"] == row["id"]);
                (is_viewer || self.holds(organization, "api_keys.manage")).into()
            }
            _ => panic!("who sees objects of the type {ty}?"),
        }
    }

    /// How an object is called in a list of what is wrong.
    fn name(&self, ty: &str, row: &Value) -> String {
        let organization = || text(self.row("organizations", text(row, "organization_id")), "slug");
        match ty {
            "Organization" => text(row, "slug").to_owned(),
            "User" => text(row, "email").to_owned(),
            "OrganizationMember" => format!("{} in {}", text(row, "email"), organization()),
            "Project" | "Team" => format!("{}/{}", organization(), text(row, "slug")),
            "ProjectMember" => {
                format!("{} in {}", text(row, "email"), text(self.row("projects", text(row, "project_id")), "slug"))
            }
            "TeamMember" => {
                format!("{} in {}", text(row, "email"), text(self.row("teams", text(row, "team_id")), "slug"))
            }
            "Role" => format!("{}/{} {}", organization(), text(row, "scope").to_lowercase(), text(row, "key")),
            "Invitation" => format!("{} to {}", text(row, "email"), organization()),
            _ => format!("{}/{}", organization(), text(row, "name")),
        }
    }

    /// What `node(id:)` shows and shall not, or does not and shall: by what is wrong, the objects.
    pub fn judge(
        &self,
        shown: &BTreeMap<(String, String), Signature>,
        tables: &[(&str, &str)],
    ) -> BTreeMap<String, Vec<String>> {
        let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (ty, table) in tables {
            for row in &self.rows[table] {
                let found = shown.get(&((*ty).to_owned(), public_id(ty, row)));
                let mut note = |what: String| wrong.entry(what).or_default().push(self.name(ty, row));
                match (self.sees(ty, row), found) {
                    (Sight::Hidden, Some(_)) => note(format!("{ty} is shown")),
                    (Sight::Shown, None) => note(format!("{ty} is hidden")),
                    (Sight::Shown, Some(signature)) => self.judge_leaves(ty, row, signature).into_iter().for_each(note),
                    _ => {}
                }
            }
        }
        wrong
    }

    fn judge_leaves(&self, ty: &str, row: &Value, signature: &Signature) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut is_there = |name: &str, shall: bool| {
            let value = signature.get(name).map_or("null", String::as_str);
            let is = value != "null" && !value.starts_with("error ");
            match (is, shall) {
                (true, false) => wrong.push(format!("{ty}.{name} is shown")),
                (false, true) => wrong.push(format!("{ty}.{name} is {value}")),
                _ => {}
            }
        };
        match ty {
            "Organization" => {
                let organization = text(row, "id");
                let sees_all = self.inside(organization).is_some() && !self.is_guest(organization);
                for name in PROFILE.iter().filter(|name| !row[**name].is_null()) {
                    is_there(name, sees_all || row["visibility"] == "PUBLIC");
                }
                is_there("plan", sees_all);
                is_there("owner", self.holds(organization, "members.read"));
                for (list, permission) in LISTS {
                    is_there(list, self.holds(organization, permission));
                }
            }
            "Invitation" => {
                let mut mails = self.rows["mails"].iter().filter(|mail| mail["invitation_id"] == row["id"]);
                let failed = mails.any(|mail| !mail["error"].is_null());
                is_there("delivery.error", failed && (self.who == &Who::Operator || self.reads_invitation(row)));
            }
            _ => {}
        }
        wrong
    }
}
