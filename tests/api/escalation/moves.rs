//! A generator of input for every mutation: random, with a bias towards what might do something.

use roster::{access::Permission, domain::role::RoleScope};
use serde_json::{Map, Value, json};

use super::{
    holding::{ORGANIZATION, Permissions, in_projects},
    random::Random,
    stage::{ACCOUNTS, ATTACKERS, Caller, Role, Stage},
};

/// A mutation, and who is likely to get something done with it.
pub struct Move {
    pub mutation: &'static str,
    /// One of these is needed: a permission, or to be a person or the operator. None: whoever calls.
    pub needs: &'static [&'static str],
    /// How often they try it, and how often others do it.
    pub weight: (usize, usize),
    input: fn(&mut Chooser<'_, '_>) -> Value,
}

pub const PERSON: &str = "a person";
pub const OPERATOR: &str = "the operator";

/// Mutations that are on their way are here already; those that the schema lacks are not tried.
pub const MOVES: &[Move] = &[
    of("organizationCreate", &[PERSON], (1, 1), |of| json!({ "name": format!("§name:Beta{}", of.random.below(100)) })),
    of("organizationUpdate", &["organization.update"], (1, 1), |of| {
        let visibility = if of.random.chance(50) { "PUBLIC" } else { "PRIVATE" };
        json!({ "organization": organization(), "description": of.word(), "visibility": visibility })
    }),
    of("organizationDelete", &["organization.delete"], (1, 1), |_of| json!({ "organization": organization() })),
    of("organizationRestore", &[], (1, 2), |_of| json!({ "organization": organization() })),
    of("organizationLeave", &[PERSON], (1, 1), |_of| json!({ "organization": organization() })),
    of("organizationOwnershipTransfer", &["organization.transfer"], (2, 4), |of| {
        let mut input = json!({ "organization": organization(), "newOwner": of.user() });
        of.maybe(&mut input, "previousOwnerRole", 60, |of| of.role(RoleScope::Organization));
        input
    }),
    of("organizationPlanUpdate", &[OPERATOR], (1, 12), |of| {
        let tier = of.random.weighted(&[("ENTERPRISE", 4), ("PREMIUM", 2), ("FREE", 1)]);
        json!({ "organization": organization(), "tier": tier })
    }),
    of(
        "organizationMemberUpdateRole",
        &["members.manage"],
        (5, 26),
        |of| json!({ "member": of.organization_member(), "role": of.role(RoleScope::Organization) }),
    ),
    of("organizationMemberRemove", &["members.manage"], (2, 12), |of| json!({ "member": of.organization_member() })),
    of("organizationInvite", &["invitations.manage"], (9, 8), |of| {
        let mut input =
            json!({ "organization": organization(), "emails": of.emails(), "role": of.role(RoleScope::Organization) });
        of.maybe(&mut input, "projects", 45, Chooser::project_grants);
        of.maybe(&mut input, "teams", 25, Chooser::team_grants);
        of.maybe(&mut input, "expiresInDays", 50, |of| of.random.weighted(&[(1, 3), (7, 1), (90, 1)]).into());
        of.maybe(&mut input, "idempotencyKey", 6, |of| of.word().into());
        input
    }),
    of("projectInvite", &["project.invitations.manage"], (10, 5), |of| {
        let mut input = json!({ "project": of.project(), "emails": of.emails() });
        of.maybe(&mut input, "role", 80, |of| of.role(RoleScope::Project));
        of.maybe(&mut input, "organizationRole", 55, |of| of.role(RoleScope::Organization));
        of.maybe(&mut input, "expiresInDays", 50, |of| of.random.weighted(&[(1, 3), (7, 1), (90, 1)]).into());
        of.maybe(&mut input, "idempotencyKey", 6, |of| of.word().into());
        input
    }),
    of("invitationUpdate", &["invitations.manage", "project.invitations.manage"], (4, 3), |of| {
        let mut input = json!({ "invitationId": of.invitation() });
        of.maybe(&mut input, "role", 60, |of| of.role(RoleScope::Organization));
        of.maybe(&mut input, "projects", 40, Chooser::project_grants);
        of.maybe(&mut input, "teams", 25, Chooser::team_grants);
        input
    }),
    of("invitationResend", &["invitations.manage", "project.invitations.manage"], (5, 4), |of| {
        let mut input = json!({ "invitationId": of.invitation() });
        of.maybe(&mut input, "expiresInDays", 50, |of| of.random.weighted(&[(1, 1), (90, 2)]).into());
        of.maybe(&mut input, "idempotencyKey", 6, |of| of.word().into());
        input
    }),
    of(
        "invitationRevoke",
        &["invitations.manage", "project.invitations.manage"],
        (1, 2),
        |of| json!({ "invitationId": of.invitation() }),
    ),
    of("invitationAccept", &[PERSON], (4, 2), |of| json!({ "invitation": of.received() })),
    of("invitationDecline", &[PERSON], (1, 1), |of| json!({ "invitation": of.received() })),
    of(
        "projectCreate",
        &["projects.create"],
        (2, 1),
        |of| json!({ "organization": organization(), "name": of.word() }),
    ),
    of("projectUpdate", &["project.update"], (1, 1), |of| json!({ "project": of.project(), "description": of.word() })),
    of("projectDelete", &["project.delete"], (1, 1), |of| json!({ "project": of.project() })),
    of("projectLeave", &[PERSON], (1, 1), |of| json!({ "project": of.project() })),
    of("projectOwnershipTransfer", &["project.transfer"], (3, 3), |of| {
        let mut input = json!({ "project": of.project(), "newOwner": of.user() });
        of.maybe(&mut input, "previousOwnerRole", 60, |of| of.role(RoleScope::Project));
        input
    }),
    of("projectMembersAdd", &["project.members.manage"], (6, 5), |of| {
        let members: Vec<Value> = of.several(2, |of| {
            let mut member = json!({ "user": of.user() });
            of.maybe(&mut member, "role", 80, |of| of.role(RoleScope::Project));
            member
        });
        json!({ "project": of.project(), "members": members })
    }),
    of(
        "projectMemberUpdateRole",
        &["project.members.manage"],
        (6, 8),
        |of| json!({ "member": of.project_member(), "role": of.role(RoleScope::Project) }),
    ),
    of("projectMemberRemove", &["project.members.manage"], (1, 6), |of| json!({ "member": of.project_member() })),
    of("roleCreate", &["roles.manage"], (5, 2), |of| {
        let scope = of.scope();
        let (name, permissions) = (of.word(), of.permissions(&[scope], None));
        json!({ "organization": organization(), "scope": scope.as_str(), "name": name, "permissions": permissions })
    }),
    of("roleUpdate", &["roles.manage"], (6, 16), |of| {
        let (role, scope) = of.custom_role();
        json!({ "roleId": role, "permissions": of.permissions(&[scope], None) })
    }),
    of("roleDelete", &["roles.manage"], (4, 9), |of| {
        let (role, scope) = of.custom_role();
        let mut input = json!({ "roleId": role });
        of.maybe(&mut input, "replacementRoleId", 75, |of| of.role_id(scope));
        input
    }),
    of("apiKeyCreate", &["api_keys.manage"], (10, 2), |of| {
        let mut input = json!({ "organization": organization(), "name": of.word() });
        of.maybe(&mut input, "project", 35, Chooser::project);
        let levels: &[RoleScope] = if input["project"].is_object() && of.random.chance(85) {
            &[RoleScope::Project]
        } else {
            &[RoleScope::Organization, RoleScope::Project]
        };
        let project = input["project"]["id"].as_str().map(str::to_owned);
        input["permissions"] = of.permissions(levels, project.as_deref());
        of.maybe(&mut input, "expiresAt", 40, |of| {
            of.random.weighted(&[("§in:30", 1), ("§in:600", 2), ("§in:90000", 1)]).into()
        });
        input
    }),
    of("apiKeyRotate", &["api_keys.manage"], (5, 2), |of| {
        let mut input = json!({ "apiKeyId": of.key() });
        of.maybe(&mut input, "graceMinutes", 50, |of| of.random.weighted(&[(5, 1), (1440, 1)]).into());
        input
    }),
    of("apiKeyRevoke", &["api_keys.manage"], (1, 4), |of| json!({ "apiKeyId": of.key() })),
    of("apiKeyTakeOver", &["api_keys.manage"], (4, 3), |of| json!({ "apiKeyId": of.key() })),
    of("teamCreate", &["teams.manage"], (2, 1), |of| {
        let mut input = json!({ "organization": organization(), "name": of.word() });
        of.maybe(&mut input, "members", 70, |of| of.several(2, Chooser::team_member_input).into());
        input
    }),
    of("teamUpdate", &["teams.manage"], (1, 1), |of| json!({ "team": of.team(), "description": of.word() })),
    of("teamDelete", &["teams.manage"], (1, 1), |of| json!({ "team": of.team() })),
    of("teamLeave", &[PERSON], (1, 1), |of| json!({ "team": of.team() })),
    of(
        "teamMembersAdd",
        &["teams.manage"],
        (2, 2),
        |of| json!({ "team": of.team(), "members": of.several(2, Chooser::team_member_input) }),
    ),
    of(
        "teamMembersReplace",
        &["teams.manage"],
        (2, 1),
        |of| json!({ "team": of.team(), "members": of.several(3, Chooser::team_member_input) }),
    ),
    of("teamMemberUpdateRole", &["teams.manage"], (2, 1), |of| {
        let role = if of.random.chance(60) { "LEAD" } else { "MEMBER" };
        json!({ "member": of.team_member(), "role": role })
    }),
    of("teamMemberRemove", &["teams.manage"], (1, 1), |of| json!({ "member": of.team_member() })),
];

const fn of(
    mutation: &'static str,
    needs: &'static [&'static str],
    weight: (usize, usize),
    input: fn(&mut Chooser<'_, '_>) -> Value,
) -> Move {
    Move { mutation, needs, weight, input }
}

impl Move {
    /// Whether a caller who may do so much is likely to be let.
    pub fn suits(&self, caller: &Caller, abilities: &Permissions) -> bool {
        let meets = |need: &&str| match *need {
            PERSON => matches!(caller, Caller::Person(_)),
            OPERATOR => *caller == Caller::Operator,
            permission => abilities.contains(permission),
        };
        self.needs.is_empty() || self.needs.iter().any(meets)
    }

    /// Random input: what stands above, and whatever else the schema takes.
    pub fn input(&self, random: &mut Random, stage: &Stage<'_>, caller: &Caller) -> Value {
        let mut chooser = Chooser { random, stage, caller };
        let mut input = (self.input)(&mut chooser);
        for field in stage.schema.input_of(self.mutation) {
            if !input[&field.name].is_null() {
                continue;
            }
            if field.is_enum && (field.is_required || chooser.random.chance(35)) {
                let values = stage.schema.enum_values(&field.of);
                input[&field.name] = chooser.random.pick(&values).cloned().into();
            } else if field.of == "Boolean" && chooser.random.chance(8) {
                input[&field.name] = true.into();
            }
            assert!(
                !field.is_required || !input[&field.name].is_null(),
                "the generator of {} gives no {}",
                self.mutation,
                field.name
            );
        }
        // `visibility` and the like are there or not, as the schema has it.
        let known = |name: &str| stage.schema.has_input(self.mutation, name);
        let fields = std::mem::take(input.as_object_mut().unwrap());
        fields.into_iter().filter(|(name, value)| known(name) && !value.is_null()).collect::<Map<_, _>>().into()
    }
}

/// Draws what stands in an input.
pub struct Chooser<'a, 's> {
    pub random: &'a mut Random,
    pub stage: &'a Stage<'s>,
    pub caller: &'a Caller,
}

impl Chooser<'_, '_> {
    fn maybe(&mut self, input: &mut Value, field: &str, percent: usize, value: impl FnOnce(&mut Self) -> Value) {
        if self.random.chance(percent) {
            input[field] = value(self);
        }
    }

    fn several(&mut self, most: usize, item: impl Fn(&mut Self) -> Value) -> Vec<Value> {
        let count = 1 + self.random.below(most);
        (0..count).map(|_| item(self)).collect()
    }

    fn word(&mut self) -> String {
        format!("Word {}", self.random.below(6))
    }

    /// The label of something of a kind; of nothing when there is none.
    fn thing(&mut self, kind: &str) -> String {
        let labels: Vec<&String> =
            self.stage.things.iter().filter(|thing| thing.kind == kind).map(|thing| &thing.label).collect();
        // Whatever id it is, it names nothing of this kind.
        self.random.pick(&labels).map_or_else(|| format!("§{ORGANIZATION}"), |label| (*label).clone())
    }

    fn project(&mut self) -> Value {
        // Where they hold something, more often.
        let held =
            self.stage.things.iter().filter(|thing| {
                thing.kind == "Project" && !self.stage.abilities_in(self.caller, &thing.label).is_empty()
            });
        let held: Vec<String> = held.map(|thing| thing.label.clone()).collect();
        let drawn = if self.random.chance(75) { self.random.pick(&held).cloned() } else { None };
        json!({ "id": drawn.unwrap_or_else(|| self.thing("Project")) })
    }

    fn team(&mut self) -> Value {
        json!({ "id": self.thing("Team") })
    }

    fn key(&mut self) -> String {
        let known: Vec<&String> = self.stage.secrets.iter().map(|secret| &secret.key).collect();
        match self.random.pick(&known).filter(|_| self.caller.is_theirs() || known.len() < 4) {
            Some(key) if self.random.chance(60) => (*key).clone(),
            _ => self.thing("ApiKey"),
        }
    }

    fn scope(&mut self) -> RoleScope {
        if self.random.chance(55) { RoleScope::Organization } else { RoleScope::Project }
    }

    /// Somebody: the two most of all.
    fn person(&mut self) -> &'static str {
        self.random.weighted(&[("paula", 40), ("alan", 36), ("ben", 8), ("cleo", 6), ("ada", 6), ("owner", 4)])
    }

    /// An address that one of the two has claimed, for others to take for somebody else's.
    fn lure(&mut self) -> Option<String> {
        let lures = self.stage.lures();
        let is_taken = !self.caller.is_theirs() && self.random.chance(50);
        self.random.pick(&lures).filter(|_| is_taken).map(|email| (*email).to_owned())
    }

    fn user(&mut self) -> Value {
        if let Some(email) = self.lure() {
            return json!({ "email": email });
        }
        let person = self.person();
        match self.stage.address_of(person) {
            _ if self.random.chance(20) => json!({ "id": format!("§user:{person}") }),
            Some((email, _)) if self.random.chance(85) => json!({ "email": email }),
            _ => json!({ "email": self.email() }),
        }
    }

    /// An address: theirs, a second one of theirs, somebody's, nobody's.
    pub fn email(&mut self) -> String {
        if let Some(email) = self.lure() {
            return email;
        }
        let current = |name: &str| self.stage.address_of(name).map(|(email, _)| email.to_owned());
        let (paula, alan) = (current("paula"), current("alan"));
        let drawn = self.random.weighted(&[
            ("alan", 34),
            ("paula", 14),
            ("alan-two", 10),
            ("paula-two", 8),
            ("fresh-one", 8),
            ("fresh-two", 6),
            ("ben", 7),
            ("cleo", 7),
            ("ada", 3),
            ("owner", 3),
        ]);
        let current = match drawn {
            "alan" => alan,
            "paula" => paula,
            _ => None,
        };
        // Who is in already is invited to the other address.
        let is_inside =
            ATTACKERS.iter().any(|name| *name == drawn && !self.stage.abilities(&Caller::Person(name)).is_empty());
        match current {
            Some(_) if is_inside && self.random.chance(50) => format!("§mail:{drawn}-two"),
            Some(email) => email,
            None => format!("§mail:{drawn}"),
        }
    }

    fn emails(&mut self) -> Vec<Value> {
        let most = if self.random.chance(25) { 3 } else { 1 };
        self.several(most, |of| of.email().into())
    }

    fn organization_member(&mut self) -> Value {
        if self.random.chance(10) {
            return json!({ "id": self.thing("OrganizationMember") });
        }
        json!({ "lookup": { "organization": organization(), "user": self.user() } })
    }

    fn project_member(&mut self) -> Value {
        if self.random.chance(15) {
            return json!({ "id": self.thing("ProjectMember") });
        }
        json!({ "lookup": { "project": self.project(), "user": self.user() } })
    }

    fn team_member(&mut self) -> Value {
        if self.random.chance(40) {
            return json!({ "id": self.thing("TeamMember") });
        }
        json!({ "lookup": { "team": self.team(), "user": self.user() } })
    }

    fn team_member_input(&mut self) -> Value {
        let role = if self.random.chance(50) { "LEAD" } else { "MEMBER" };
        json!({ "user": self.user(), "role": role })
    }

    fn team_grants(&mut self) -> Value {
        self.several(1, |of| json!({ "team": of.team(), "role": if of.random.chance(50) { "LEAD" } else { "MEMBER" } }))
            .into()
    }

    fn project_grants(&mut self) -> Value {
        self.several(2, |of| {
            let mut grant = json!({ "project": of.project() });
            of.maybe(&mut grant, "role", 80, |of| of.role(RoleScope::Project));
            grant
        })
        .into()
    }

    fn invitation(&mut self) -> String {
        let open = self.stage.invited.iter().filter(|invited| invited.is_open);
        let open: Vec<&String> = open.map(|invited| &invited.label).collect();
        let drawn = if self.random.chance(85) { self.random.pick(&open).map(|label| (*label).clone()) } else { None };
        drawn.unwrap_or_else(|| self.thing("Invitation"))
    }

    /// An invitation of the caller's address, by id or by a link that they know.
    fn received(&mut self) -> Value {
        if self.random.chance(25)
            && let Some((token, _)) = self.random.pick(&self.stage.tokens)
        {
            return json!({ "token": token });
        }
        let email = match self.caller {
            Caller::Person(name) => self.stage.address_of(name).map(|(email, _)| email),
            _ => None,
        };
        let to_them = self.stage.invited.iter().filter(|invited| Some(invited.email.as_str()) == email);
        let to_them: Vec<&String> = to_them.map(|invited| &invited.label).collect();
        let drawn =
            if self.random.chance(90) { self.random.pick(&to_them).map(|label| (*label).clone()) } else { None };
        json!({ "id": drawn.unwrap_or_else(|| self.invitation()) })
    }

    /// A role, by id or by key; now and then of the wrong level.
    fn role(&mut self, scope: RoleScope) -> Value {
        if self.random.chance(2) {
            return json!({ "id": self.thing("Role") });
        }
        let stage = self.stage;
        let of_level = stage.roles.iter().filter(|role| role.scope == scope);
        let rarely_owner = self.random.chance(3);
        let of_level = of_level.filter(|role| rarely_owner || role.built_in.as_deref() != Some("owner")).collect();
        let roles = self.within_reach(of_level);
        let drawn = self.random.pick(&roles).copied();
        match drawn.and_then(|role| role.built_in.as_ref()).filter(|_| self.random.chance(80)) {
            Some(key) => json!({ "key": key }),
            None => json!({ "id": drawn.map_or("", |role| role.label.as_str()) }),
        }
    }

    fn role_id(&mut self, scope: RoleScope) -> Value {
        let stage = self.stage;
        let others = stage.roles.iter().filter(|role| role.scope == scope && role.built_in.as_deref() != Some("owner"));
        let roles = self.within_reach(others.collect());
        self.random.pick(&roles).map_or("", |role| role.label.as_str()).into()
    }

    fn custom_role(&mut self) -> (String, RoleScope) {
        let stage = self.stage;
        let custom = stage.roles.iter().filter(|role| role.built_in.is_none());
        let roles = self.within_reach(custom.collect());
        let drawn = self.random.pick(&roles).map(|role| (role.label.clone(), role.scope));
        drawn.unwrap_or_else(|| ("§role:ORGANIZATION:member".to_owned(), RoleScope::Organization))
    }

    /// What the caller holds at a level, in one project or wherever they could give it.
    fn held_at(&mut self, scope: RoleScope, project: Option<&str>) -> Permissions {
        let in_organization = self.stage.abilities_in(self.caller, ORGANIZATION);
        match (scope, project) {
            (RoleScope::Organization, _) => in_organization,
            (RoleScope::Project, Some(project)) => self.stage.abilities_in(self.caller, project),
            (RoleScope::Project, None) if self.random.chance(15) => self.stage.abilities(self.caller),
            (RoleScope::Project, None) => in_projects(&in_organization),
        }
    }

    /// Permissions of these levels: such as the caller holds, all of them or some; now and then others.
    pub fn permissions(&mut self, levels: &[RoleScope], project: Option<&str>) -> Value {
        let is_known = self.caller.is_theirs();
        let (all, stray) = (self.random.chance(30), self.random.chance(12));
        let share = if all { 100 } else { 20 + self.random.below(60) };
        let mut drawn = Vec::new();
        for scope in levels {
            let held = self.held_at(*scope, project);
            for permission in Permission::ALL.iter().filter(|permission| permission.scope() == *scope) {
                // Whoever sees nothing can do nothing.
                let share = if is_read(permission.key()) { share.max(85) } else { share };
                let is_held = !is_known || held.contains(permission.key());
                let share = match is_held {
                    true => share,
                    false if stray => 12,
                    false => 0,
                };
                if self.random.chance(share) {
                    drawn.push(permission.key());
                }
            }
        }
        if drawn.is_empty() {
            drawn.push(if levels.contains(&RoleScope::Organization) { "members.read" } else { "project.read" });
        }
        json!(drawn)
    }

    /// Those of the roles that the caller might give: no stronger than they are.
    fn within_reach<'r>(&mut self, roles: Vec<&'r Role>) -> Vec<&'r Role> {
        if !self.caller.is_theirs() || self.random.chance(25) {
            return roles;
        }
        let held = self.stage.abilities(self.caller);
        let within: Vec<&Role> = roles.iter().copied().filter(|role| role.permissions.is_subset(&held)).collect();
        if within.is_empty() { roles } else { within }
    }
}

fn organization() -> Value {
    json!({ "id": format!("§{ORGANIZATION}") })
}

/// Whether a permission lets see something.
pub fn is_read(key: &str) -> bool {
    key.rsplit_once('.').is_some_and(|(_, verb)| verb == "read")
}

/// Everybody but the two.
pub fn others() -> impl Iterator<Item = &'static str> {
    ACCOUNTS.into_iter().filter(|name| !ATTACKERS.contains(name))
}
