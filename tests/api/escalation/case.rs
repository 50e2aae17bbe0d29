//! A case: an organization and what is tried in it, both made from one number.

use std::collections::BTreeMap;

use roster::{access::Permission, domain::role::RoleScope};
use serde_json::{Value, json};

use super::{
    holding::ORGANIZATION,
    moves::{Chooser, MOVES, Move, is_read, others},
    random::Random,
    schema::Schema,
    stage::{ACCOUNTS, ATTACKERS, Action, Caller, Done, Stage, Step, Violation},
};
use crate::support::Roster;

/// Most mutations of a case after its organization was made.
pub const MUTATIONS: usize = 12;

/// What became of a case.
#[derive(Default)]
pub struct Outcome {
    pub steps: Vec<Step>,
    pub violation: Option<Violation>,
    pub log: Vec<String>,
    /// By mutation: how often it was sent, and how often accepted.
    pub calls: BTreeMap<String, (usize, usize)>,
}

/// Makes an organization and tries a random sequence.
pub async fn play(roster: &Roster, schema: &Schema, seed: u64, tag: String) -> Outcome {
    let mut director = Director {
        stage: Stage::new(roster, schema, tag),
        random: Random::new(seed),
        outcome: Outcome::default(),
        setup: true,
        featured: MOVES[usize::try_from(seed).unwrap_or_default() % MOVES.len()].mutation,
    };
    Box::pin(director.set_up()).await;
    director.setup = false;
    let mut mutations = 0;
    while mutations < MUTATIONS && director.outcome.violation.is_none() {
        let (caller, action) = director.next();
        mutations += usize::from(matches!(action, Action::Call { .. }));
        Box::pin(director.take(caller, action)).await;
    }
    Outcome { log: director.stage.log, ..director.outcome }
}

/// Takes these steps in a new organization, those that make sense, until something is wrong.
pub async fn replay(roster: &Roster, schema: &Schema, steps: &[Step], tag: String) -> Outcome {
    let mut stage = Stage::new(roster, schema, tag);
    let mut outcome = Outcome::default();
    for step in steps {
        let Some(done) = Box::pin(stage.take(step)).await else { continue };
        outcome.steps.push(step.clone());
        if done.violation.is_some() {
            outcome.violation = done.violation;
            break;
        }
    }
    Outcome { log: stage.log, ..outcome }
}

struct Director<'a> {
    stage: Stage<'a>,
    random: Random,
    outcome: Outcome,
    setup: bool,
    /// The mutation that this case tries more often than others.
    featured: &'static str,
}

impl Director<'_> {
    async fn take(&mut self, caller: Caller, action: Action) -> Done {
        let step = Step { number: self.outcome.steps.len() + 1, setup: self.setup, caller, action };
        let done = Box::pin(self.stage.take(&step)).await.unwrap_or_default();
        if let (Action::Call { mutation, input }, false) = (&step.action, self.setup) {
            let (sent, accepted) = self.outcome.calls.entry(mutation.clone()).or_default();
            *sent += 1;
            *accepted += usize::from(done.accepted && input["dryRun"] != true);
        }
        self.outcome.violation.clone_from(&done.violation);
        self.outcome.steps.push(step);
        done
    }

    async fn call(&mut self, by: &'static str, mutation: &str, input: Value) -> Done {
        let action = Action::Call { mutation: mutation.to_owned(), input };
        Box::pin(self.take(Caller::Person(by), action)).await
    }

    /// The organization: roles, projects, people, teams, a key, invitations.
    async fn set_up(&mut self) {
        for name in ACCOUNTS {
            let action = Action::SignIn { email: format!("§mail:{name}"), verified: true };
            self.take(Caller::Person(name), action).await;
        }
        self.call("owner", "organizationCreate", json!({ "name": "§name:Acme" })).await;
        let organization = json!({ "id": format!("§{ORGANIZATION}") });
        for _ in 0..3 + self.random.below(3) {
            let scope = if self.random.chance(60) { RoleScope::Organization } else { RoleScope::Project };
            let permissions = self.permissions(scope);
            let name = format!("Role {}", self.outcome.steps.len());
            let input = json!({ "organization": organization, "scope": scope.as_str(), "name": name, "permissions": permissions });
            self.call("owner", "roleCreate", input).await;
        }
        for _ in 0..2 + self.random.below(3) / 2 + self.random.below(2) {
            let name = format!("Project {}", self.outcome.steps.len());
            self.call("owner", "projectCreate", json!({ "organization": organization, "name": name })).await;
        }
        self.join("ada", Some("admin")).await;
        for name in ["ben", "cleo"] {
            if self.random.chance(50) {
                self.join(name, None).await;
            }
        }
        let role = if self.random.chance(25) { Some("admin") } else { None };
        self.join("paula", role).await;
        if self.random.chance(60) {
            self.join("alan", None).await;
        }
        for _ in 0..self.random.below(3) {
            let lead = self.random.weighted(&[("paula", 5), ("alan", 2), ("ada", 1)]);
            let members: Vec<Value> =
                [lead, "ada"].iter().enumerate().filter(|(index, name)| *index == 0 || **name != lead).map(|(index, name)| {
                    json!({ "user": { "email": format!("§mail:{name}") }, "role": if index == 0 { "LEAD" } else { "MEMBER" } })
                }).collect();
            let name = format!("Team {}", self.outcome.steps.len());
            self.call("owner", "teamCreate", json!({ "organization": organization, "name": name, "members": members }))
                .await;
        }
        if self.random.chance(25) {
            let project = self.stage.things.iter().find(|thing| thing.kind == "Project");
            let project = json!({ "id": project.unwrap().label });
            let input = json!({ "project": project, "newOwner": { "email": "§mail:paula" } });
            self.call("owner", "projectOwnershipTransfer", input).await;
        }
        if self.random.chance(50) {
            let caller = Caller::Person("owner");
            let both = [RoleScope::Organization, RoleScope::Project];
            let permissions = self.chooser(&caller, |of| of.permissions(&both, None));
            let input = json!({ "organization": organization, "name": "Backend", "permissions": permissions });
            self.call("owner", "apiKeyCreate", input).await;
        }
        for _ in 0..self.random.below(3) {
            let email = self.random.weighted(&[("fresh-one", 2), ("alan-two", 2), ("alan", 3), ("paula-two", 1)]);
            let by = self.random.weighted(&[("owner", 2), ("ada", 1)]);
            self.invite(by, email, None).await;
        }
        if self.random.chance(40) {
            self.take(Caller::Time, Action::Wait { minutes: 25 * 60 }).await;
        }
    }

    fn chooser<T>(&mut self, caller: &Caller, draw: impl FnOnce(&mut Chooser<'_, '_>) -> T) -> T {
        draw(&mut Chooser { random: &mut self.random, stage: &self.stage, caller })
    }

    /// Permissions of a custom role; what manages something is likely.
    fn permissions(&mut self, scope: RoleScope) -> Vec<&'static str> {
        let base = self.random.below(50);
        let mut drawn = Vec::new();
        for permission in Permission::ALL.iter().filter(|permission| permission.scope() == scope) {
            let share = match permission.key() {
                key if is_read(key) => 85,
                "organization.transfer" | "organization.delete" | "projects.own" => 12,
                key if key.ends_with(".manage") => 40,
                _ => base,
            };
            if self.random.chance(share) {
                drawn.push(permission.key());
            }
        }
        if drawn.is_empty() {
            drawn.push(if scope == RoleScope::Organization { "members.read" } else { "project.read" });
        }
        drawn
    }

    /// Invites an address to the organization with a role and some projects; answers the invitation.
    async fn invite(&mut self, by: &'static str, email: &str, role: Option<&str>) -> Option<String> {
        let role = match role {
            Some(key) => json!({ "key": key }),
            None => self.assignable(RoleScope::Organization),
        };
        let projects = self.stage.things.iter().filter(|thing| thing.kind == "Project");
        let projects: Vec<String> = projects.map(|thing| thing.label.clone()).collect();
        let mut grants = Vec::new();
        for project in projects {
            if self.random.chance(45) {
                grants.push(json!({ "project": { "id": project }, "role": self.assignable(RoleScope::Project) }));
            }
        }
        let days = if self.random.chance(40) { 1 } else { 30 };
        let input = json!({
            "organization": { "id": format!("§{ORGANIZATION}") },
            "emails": [format!("§mail:{email}")],
            "role": role,
            "projects": grants,
            "expiresInDays": days,
        });
        let done = self.call(by, "organizationInvite", input).await;
        done.new.into_iter().find(|(kind, _)| kind == "Invitation").map(|(_, label)| label)
    }

    /// A role that is not Owner.
    fn assignable(&mut self, scope: RoleScope) -> Value {
        let roles =
            self.stage.roles.iter().filter(|role| role.scope == scope && role.built_in.as_deref() != Some("owner"));
        let labels: Vec<(&str, usize)> =
            roles.map(|role| (role.label.as_str(), if role.built_in.is_some() { 1 } else { 3 })).collect();
        json!({ "id": self.random.weighted(&labels) })
    }

    async fn join(&mut self, name: &'static str, role: Option<&str>) {
        if let Some(invitation) = self.invite("owner", name, role).await {
            self.call(name, "invitationAccept", json!({ "invitation": { "id": invitation } })).await;
        }
    }

    /// What happens next.
    fn next(&mut self) -> (Caller, Action) {
        let own_key = self.random.pick(&self.stage.secrets).map(|secret| secret.label.clone());
        if self.stage.is_deleted && self.stage.schema.has_mutation("organizationRestore") && self.random.chance(40) {
            let restore = MOVES.iter().find(|of| of.mutation == "organizationRestore").unwrap();
            let caller =
                [Caller::Person("paula"), Caller::Person("owner"), Caller::Operator][self.random.below(3)].clone();
            return self.make(restore, caller);
        }
        if self.random.chance(30)
            && let Some(taken) = self.take_up()
        {
            return taken;
        }
        let is_helpless = ATTACKERS.iter().all(|name| self.stage.abilities(&Caller::Person(name)).is_empty());
        if is_helpless && self.random.chance(60) {
            let invite = MOVES.iter().find(|of| of.mutation == "organizationInvite").unwrap();
            return self.make(invite, Caller::Person("owner"));
        }
        if !self.stage.lures().is_empty() && self.random.chance(25) {
            const GIVES: [&str; 4] =
                ["projectInvite", "organizationInvite", "projectMembersAdd", "organizationMemberUpdateRole"];
            let given = *self.random.pick(&GIVES).unwrap();
            let by = self.random.weighted(&[("owner", 2), ("ada", 1)]);
            return self.make(MOVES.iter().find(|of| of.mutation == given).unwrap(), Caller::Person(by));
        }
        match self.random.below(100) {
            0..51 => {
                let stronger = self.stronger();
                self.attempt(Caller::Person(stronger))
            }
            51..66 => self.attempt(own_key.map_or(Caller::Person("paula"), Caller::Key)),
            66..80 => self.attempt(Caller::Person("owner")),
            80..85 => self.attempt(Caller::Person("ada")),
            85..88 => self.attempt(Caller::Operator),
            88..91 => {
                let name = self.random.pick(&["ben", "cleo"]).copied().unwrap_or("ben");
                self.attempt(Caller::Person(name))
            }
            91..97 => self.sign_in(),
            _ => {
                let minutes = self.random.weighted(&[(20, 1), (8 * 60, 2), (25 * 60, 3), (8 * 24 * 60, 1)]);
                (Caller::Time, Action::Wait { minutes })
            }
        }
    }

    /// One of the two does what it takes to accept an invitation that waits for an address of theirs.
    fn take_up(&mut self) -> Option<(Caller, Action)> {
        let name = *self.random.pick(&ATTACKERS)?;
        if let Some(open) = self.stage.open_to(name) {
            let input = json!({ "invitation": { "id": open } });
            return Some((Caller::Person(name), Action::Call { mutation: "invitationAccept".to_owned(), input }));
        }
        let second = format!("§mail:{name}-two");
        let is_awaited = self.stage.invited.iter().any(|invited| invited.is_open && invited.email == second);
        is_awaited.then_some((Caller::Person(name), Action::SignIn { email: second, verified: true }))
    }

    fn make(&mut self, of: &Move, caller: Caller) -> (Caller, Action) {
        let input = of.input(&mut self.random, &self.stage, &caller);
        (caller, Action::Call { mutation: of.mutation.to_owned(), input })
    }

    /// One of the two, mostly the one who may do more.
    fn stronger(&mut self) -> &'static str {
        let [paula, alan] = ATTACKERS.map(|name| self.stage.abilities(&Caller::Person(name)).len());
        self.random.weighted(&[("paula", 3 + paula), ("alan", 1 + alan)])
    }

    fn sign_in(&mut self) -> (Caller, Action) {
        let own = self.random.chance(80);
        let name = if own {
            *self.random.pick(&ATTACKERS).unwrap()
        } else {
            let others: Vec<&'static str> = others().collect();
            *self.random.pick(&others).unwrap()
        };
        let tokens = self.stage.tokens_of(name);
        let action = if tokens.len() > 1 && self.random.chance(35) {
            Action::OldToken { of: *self.random.pick(&tokens).unwrap() }
        } else {
            let verified = self.random.chance(60);
            let email = if verified {
                let second = format!("{name}-two");
                let drawn = if own {
                    [(name, 4), (second.as_str(), 4), ("fresh-one", 1), ("ben", 1), ("alan-two", 1)]
                } else {
                    // The provider gives them what one of the two had.
                    [(name, 3), (second.as_str(), 1), ("fresh-one", 2), ("paula", 3), ("alan", 3)]
                };
                let drawn = self.random.weighted(&drawn);
                format!("§mail:{drawn}")
            } else {
                let caller = Caller::Person(name);
                Chooser::email(&mut Chooser { random: &mut self.random, stage: &self.stage, caller: &caller })
            };
            Action::SignIn { email, verified }
        };
        (Caller::Person(name), action)
    }

    /// A mutation of this caller, who is likely to be let.
    fn attempt(&mut self, caller: Caller) -> (Caller, Action) {
        let is_theirs = caller.is_theirs();
        let abilities = self.stage.abilities(&caller);
        // A key early in the case meets more of what happens.
        let is_keyless = is_theirs && self.stage.secrets.is_empty();
        let weight = |of: &Move| match of.weight {
            // Every case has one that it tries more often, so that none is rare.
            _ if of.mutation == self.featured => 25,
            (own, _) if is_keyless && of.mutation == "apiKeyCreate" => own * 4,
            (own, _) if is_theirs => own,
            (_, others) => others,
        };
        let known = MOVES.iter().filter(|of| self.stage.schema.has_mutation(of.mutation));
        let all: Vec<(&'static Move, usize)> = known.map(|of| (of, weight(of))).collect();
        let is_invited = matches!(&caller, Caller::Person(name) if self.stage.open_to(name).is_some());
        // What others hold is not asked: the owner may do everything.
        let suits = |of: &Move| match of.mutation {
            "invitationAccept" | "invitationDecline" => is_invited,
            "organizationLeave" | "projectLeave" | "teamLeave" if abilities.is_empty() => !is_theirs,
            _ if is_theirs => of.suits(&caller, &abilities),
            _ => suits_other(of, &caller),
        };
        let likely: Vec<(&'static Move, usize)> = all.iter().copied().filter(|(of, _)| suits(of)).collect();
        let is_bold = is_theirs && self.random.chance(12);
        let drawn = self.random.weighted(if likely.is_empty() || is_bold { &all } else { &likely });
        self.make(drawn, caller)
    }
}

/// Whether one of the others, who are known by name, would do this.
fn suits_other(of: &Move, caller: &Caller) -> bool {
    const OF_OWNERS: [&str; 4] =
        ["organizationDelete", "organizationOwnershipTransfer", "projectDelete", "projectOwnershipTransfer"];
    const OF_ALL: [&str; 3] = ["teamLeave", "projectLeave", "organizationLeave"];
    let everything = Permission::ALL.iter().map(|permission| permission.key().to_owned()).collect();
    let is_for_people = of.suits(&Caller::Person("owner"), &everything);
    match caller {
        Caller::Operator => !is_for_people,
        Caller::Person("owner") => is_for_people,
        Caller::Person("ada") => is_for_people && !OF_OWNERS.contains(&of.mutation),
        _ => OF_ALL.contains(&of.mutation),
    }
}
