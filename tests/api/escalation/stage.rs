//! An organization of a case, what is known of it, and the steps that are taken in it.
//!
//! A step names things by labels (`§role@7`: the role that step 7 made), so that it means the same in every
//! run, also when steps before it are left out.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use roster::domain::role::RoleScope;
use serde_json::{Value, json};

use super::{
    holding::{Holding, ORGANIZATION, Permissions, at, in_projects, keys},
    schema::Schema,
};
use crate::support::{Actor, Roster};

/// The person under suspicion and their accomplice.
pub const ATTACKERS: [&str; 2] = ["paula", "alan"];
/// Everybody with an account; the first owns the organization, the second administers it.
pub const ACCOUNTS: [&str; 6] = ["owner", "ada", "ben", "cleo", "paula", "alan"];

/// Who takes a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    Person(&'static str),
    /// Whoever knows the secret with this label.
    Key(String),
    Operator,
    /// Nobody: time passes.
    Time,
}

impl Caller {
    /// Whether it is one of the two or a key of theirs.
    pub fn is_theirs(&self) -> bool {
        match self {
            Self::Person(name) => ATTACKERS.contains(name),
            Self::Key(_) => true,
            Self::Operator | Self::Time => false,
        }
    }
}

/// What somebody does.
#[derive(Clone, Debug)]
pub enum Action {
    Call {
        mutation: String,
        input: Value,
    },
    /// The identity provider signs a new token that says this of the address.
    SignIn {
        email: String,
        verified: bool,
    },
    /// The caller goes on with the token of an earlier step.
    OldToken {
        of: usize,
    },
    Wait {
        minutes: i64,
    },
}

#[derive(Clone, Debug)]
pub struct Step {
    /// Its number in the run that made it.
    pub number: usize,
    /// Belongs to how the organization came to be: nothing is judged.
    pub setup: bool,
    pub caller: Caller,
    pub action: Action,
}

impl Step {
    /// What the step is, and whether it is theirs.
    fn named(&self) -> String {
        let what = match &self.action {
            Action::Call { mutation, .. } => mutation.as_str(),
            Action::SignIn { .. } => "a sign-in",
            Action::OldToken { .. } => "an old token",
            Action::Wait { .. } => "time passing",
        };
        let who = match &self.caller {
            Caller::Person(name) if ATTACKERS.contains(name) => " of theirs",
            Caller::Key(_) => " of their key",
            Caller::Time => "",
            Caller::Person(_) | Caller::Operator => " of others",
        };
        format!("{what}{who}")
    }
}

/// What was found to be wrong after a step.
#[derive(Clone, Debug)]
pub struct Violation {
    pub rule: &'static str,
    /// What the step was, and whether by them or by others.
    pub by: String,
    /// Who holds too much, where, and what.
    pub found: String,
}

impl Violation {
    /// Violations of one kind are one fault, as far as can be told.
    pub fn kind(&self) -> (&'static str, String) {
        (self.rule, self.by.clone())
    }
}

pub const KEY_EXCEEDS: &str = "a key holds what neither of them holds";
pub const GAINED: &str = "they gained by a step that is not of others";
pub const GIVEN_TO_ANOTHER: &str = "they got what was given to somebody else";

/// A role of the organization.
pub struct Role {
    pub label: String,
    pub scope: RoleScope,
    /// Key of a built-in one.
    pub built_in: Option<String>,
    pub permissions: Permissions,
}

/// A secret that they know.
pub struct Secret {
    pub label: String,
    /// Label of its key.
    pub key: String,
    actor: Actor,
}

/// Something with an id.
pub struct Thing {
    pub kind: String,
    pub label: String,
    id: String,
}

/// A pending invitation.
pub struct Invited {
    pub label: String,
    /// Label of the address.
    pub email: String,
    /// Neither accepted nor declined nor revoked.
    pub is_open: bool,
}

struct Account {
    /// Tokens by the step that they were signed in.
    tokens: BTreeMap<usize, (Actor, DateTime<Utc>, String, bool)>,
    current: usize,
}

/// What somebody else's invitation gives to whoever has the address.
struct Gift {
    email: String,
    gives: Holding,
    until: Option<DateTime<Utc>>,
}

/// What a step did.
#[derive(Default)]
pub struct Done {
    /// The call was accepted, at least in part.
    pub accepted: bool,
    /// Labels of what is new, by their type.
    pub new: Vec<(String, String)>,
    pub violation: Option<Violation>,
}

/// What all hold, as each of them is told.
#[derive(Clone, Default)]
struct Seen {
    people: BTreeMap<&'static str, Holding>,
    keys: BTreeMap<String, Holding>,
    /// Everything of both together, with the keys that others gave them.
    together: Holding,
}

pub struct Stage<'a> {
    pub roster: &'a Roster,
    pub schema: &'a Schema,
    /// Tells this organization from all others of its database.
    tag: String,
    labels: BTreeMap<String, String>,
    label_of: BTreeMap<String, String>,
    accounts: BTreeMap<&'static str, Account>,
    pub things: Vec<Thing>,
    pub roles: Vec<Role>,
    pub secrets: Vec<Secret>,
    pub invited: Vec<Invited>,
    /// Labels of links that they know, with those of the invitations.
    pub tokens: Vec<(String, String)>,
    /// What others' invitations give.
    gifts: BTreeMap<String, Gift>,
    /// Labels of keys that others took over and left working.
    given_keys: BTreeSet<String>,
    pub is_deleted: bool,
    /// What they held before the organization was deleted.
    deleted: Holding,
    scopes: Vec<String>,
    question: String,
    seen: Option<Seen>,
    /// Every step with its answer.
    pub log: Vec<String>,
}

impl<'a> Stage<'a> {
    pub fn new(roster: &'a Roster, schema: &'a Schema, tag: String) -> Self {
        Self {
            roster,
            schema,
            tag,
            labels: BTreeMap::new(),
            label_of: BTreeMap::new(),
            accounts: BTreeMap::new(),
            things: Vec::new(),
            roles: Vec::new(),
            secrets: Vec::new(),
            invited: Vec::new(),
            tokens: Vec::new(),
            gifts: BTreeMap::new(),
            given_keys: BTreeSet::new(),
            is_deleted: false,
            deleted: Holding::default(),
            scopes: Vec::new(),
            question: String::new(),
            seen: None,
            log: Vec::new(),
        }
    }

    /// Takes a step. `None`: it makes no sense, as it names what is not there.
    pub async fn take(&mut self, step: &Step) -> Option<Done> {
        if !step.setup && self.seen.is_none() {
            self.begin().await;
            if let Some(violation) = self.judge(None, None).await {
                return Some(Done { violation: Some(violation), ..Done::default() });
            }
        }
        self.roster.wait(TimeDelta::seconds(61));
        let mut done = match &step.action {
            Action::Call { mutation, input } => self.call(step, mutation, input).await?,
            Action::SignIn { email, verified } => self.sign_in(step, email, *verified).await?,
            Action::OldToken { of } => self.old_token(step, *of).await?,
            Action::Wait { minutes } => {
                self.roster.wait(TimeDelta::minutes(*minutes));
                self.log.push(format!("{:>3}. {minutes} minutes pass", step.number));
                Done { accepted: true, ..Done::default() }
            }
        };
        if !step.setup {
            done.violation = self.judge(Some(step), Some(&done)).await;
        }
        Some(done)
    }

    async fn call(&mut self, step: &Step, mutation: &str, input: &Value) -> Option<Done> {
        let actor = self.actor(&step.caller)?;
        let variables = json!({ "input": self.resolved(input)? });
        let answer = Box::pin(actor.post(self.schema.document(mutation), variables)).await;
        let payload = &answer.body["data"]["payload"];
        let items = payload["results"].as_array();
        let accepted = payload["userErrors"].as_array().is_some_and(Vec::is_empty)
            && answer.body.get("errors").is_none()
            && items.is_none_or(|items| items.iter().any(|item| item["status"] == "SUCCEEDED"));
        let mut done = Done { accepted, ..Done::default() };
        if payload.is_object() {
            self.absorb(step, payload, &mut done);
        }
        let is_answered = answer.status == StatusCode::OK;
        let told = if is_answered { self.brief(payload, &answer.body) } else { answer.status.to_string() };
        if accepted && input["dryRun"] != true {
            self.follow(step, mutation, input, &done).await;
        }
        let who = match &step.caller {
            Caller::Person(name) => (*name).to_owned(),
            Caller::Key(secret) => format!("key with {secret}"),
            Caller::Operator => "operator".to_owned(),
            Caller::Time => String::new(),
        };
        self.log.push(format!("{:>3}. {who}: {mutation} {input}\n     -> {told}", step.number));
        Some(done)
    }

    /// An answer with labels in place of ids, without what is null.
    fn brief(&self, payload: &Value, body: &Value) -> String {
        let mut told = if payload.is_object() { payload.to_string() } else { body.to_string() };
        for thing in &self.things {
            told = told.replace(&thing.id, &thing.label);
        }
        told.chars().take(600).collect()
    }

    async fn sign_in(&mut self, step: &Step, email: &str, verified: bool) -> Option<Done> {
        let Caller::Person(name) = step.caller else { return None };
        let (subject, address) = (format!("{name}.{}", self.tag), self.text(email)?);
        let now = self.roster.now().timestamp();
        let claims = json!({ "email": address, "email_verified": verified, "iat": now });
        let actor = self.roster.claiming(&subject, claims);
        let token = (actor.clone(), self.roster.now(), email.to_owned(), verified);
        let account = self.accounts.entry(name).or_insert_with(|| Account { tokens: BTreeMap::new(), current: 0 });
        account.tokens.insert(step.number, token);
        account.current = step.number;
        let answer = Box::pin(actor.post("{ viewer { user { id } } }", json!({}))).await;
        if let Some(id) = answer.body["data"]["viewer"]["user"]["id"].as_str() {
            self.note(&format!("user:{name}"), "User", id);
        }
        let vouched = if verified { "verified" } else { "not verified" };
        self.log.push(format!("{:>3}. {name} signs in with {email}, {vouched}", step.number));
        Some(Done { accepted: answer.status == StatusCode::OK, ..Done::default() })
    }

    async fn old_token(&mut self, step: &Step, of: usize) -> Option<Done> {
        let Caller::Person(name) = step.caller else { return None };
        let account = self.accounts.get_mut(name)?;
        let (actor, ..) = account.tokens.get(&of)?;
        account.current = of;
        let answer = Box::pin(actor.clone().post("{ viewer { user { id } } }", json!({}))).await;
        self.log.push(format!("{:>3}. {name} goes on with the token of step {of}", step.number));
        Some(Done { accepted: answer.status == StatusCode::OK, ..Done::default() })
    }

    fn actor(&self, caller: &Caller) -> Option<Actor> {
        match caller {
            Caller::Person(name) => {
                let account = self.accounts.get(name)?;
                account.tokens.get(&account.current).map(|(actor, ..)| actor.clone())
            }
            Caller::Key(label) => {
                self.secrets.iter().find(|secret| secret.label == *label).map(|secret| secret.actor.clone())
            }
            Caller::Operator => Some(self.roster.operator()),
            Caller::Time => None,
        }
    }

    /// Steps at which somebody's tokens were signed.
    pub fn tokens_of(&self, name: &str) -> Vec<usize> {
        self.accounts.get(name).into_iter().flat_map(|account| account.tokens.keys().copied()).collect()
    }

    /// The address that the identity provider gave somebody last, and whether it vouched for it.
    pub fn address_of(&self, name: &str) -> Option<(&str, bool)> {
        let (_, _, email, verified) = self.accounts.get(name)?.tokens.values().max_by_key(|(_, at, ..)| *at)?;
        Some((email, *verified))
    }

    /// Whose an address is: of those who were given it, whoever was last, unless they have another one since.
    fn holder_of(&self, email: &str) -> Option<&'static str> {
        let signed = |name: &&'static str| {
            let last = self.accounts.get(name)?.tokens.values().max_by_key(|(_, at, ..)| *at)?;
            (last.2 == email && last.3).then_some((last.1, *name))
        };
        ACCOUNTS.iter().filter_map(signed).max().map(|(_, name)| name)
    }

    fn text(&self, label: &str) -> Option<String> {
        let Some(label) = label.strip_prefix('§') else { return Some(label.to_owned()) };
        match label.split_once(':') {
            Some(("mail", name)) => Some(format!("{name}.{}@example.com", self.tag)),
            Some(("name", name)) => Some(format!("{name} {}", self.tag)),
            Some(("in", minutes)) => {
                let at = self.roster.now() + TimeDelta::minutes(minutes.parse().unwrap());
                Some(at.to_rfc3339_opts(SecondsFormat::Secs, true))
            }
            _ => self.labels.get(label).cloned(),
        }
    }

    fn resolved(&self, input: &Value) -> Option<Value> {
        Some(match input {
            Value::String(text) => self.text(text)?.into(),
            Value::Array(items) => items.iter().map(|item| self.resolved(item)).collect::<Option<Vec<_>>>()?.into(),
            Value::Object(fields) => {
                let resolved = |(name, value): (&String, &Value)| Some((name.clone(), self.resolved(value)?));
                Value::Object(fields.iter().map(resolved).collect::<Option<_>>()?)
            }
            other => other.clone(),
        })
    }

    fn note(&mut self, label: &str, kind: &str, id: &str) {
        self.labels.insert(label.to_owned(), id.to_owned());
        self.label_of.insert(id.to_owned(), format!("§{label}"));
        if kind != "User" {
            self.things.push(Thing { kind: kind.to_owned(), label: format!("§{label}"), id: id.to_owned() });
        }
    }

    /// Labels whatever is new in a payload, in the order it stands there.
    fn absorb(&mut self, step: &Step, payload: &Value, done: &mut Done) {
        let mut new_in_step: BTreeMap<String, usize> = BTreeMap::new();
        let mut fresh = |kind: &str| {
            let count = new_in_step.entry(kind.to_owned()).or_default();
            *count += 1;
            let more = if *count == 1 { String::new() } else { format!(".{count}") };
            format!("{kind}@{}{more}", step.number)
        };
        let mut open = vec![payload];
        let (mut links, mut secrets) = (Vec::new(), Vec::new());
        while let Some(value) = open.pop() {
            if let Some(id) = value["id"].as_str() {
                let kind = value["__typename"].as_str().unwrap_or_default();
                if !self.label_of.contains_key(id) && !kind.is_empty() {
                    let is_first = step.setup && kind == "Organization";
                    let label = if is_first { ORGANIZATION.to_owned() } else { fresh(kind) };
                    self.note(&label, kind, id);
                    done.new.push((kind.to_owned(), format!("§{label}")));
                }
                if kind == "Invitation" {
                    self.note_invited(id, value["email"].as_str().unwrap_or_default());
                }
            }
            if let (Some(url), Some(invitation)) = (value["acceptUrl"].as_str(), value["invitation"]["id"].as_str()) {
                links.push((fresh("token"), url, invitation));
            }
            if let (Some(secret), Some(key)) = (value["secret"].as_str(), value["apiKey"]["id"].as_str()) {
                secrets.push((fresh("secret"), secret, key));
            }
            match value {
                Value::Array(items) => open.extend(items.iter().rev()),
                Value::Object(fields) => {
                    for (name, value) in fields {
                        if name.starts_with("deleted") || name.starts_with("removed") {
                            self.forget(value);
                        }
                    }
                    open.extend(fields.values().rev());
                }
                _ => {}
            }
        }
        // What others learn stays with them.
        if !step.caller.is_theirs() {
            return;
        }
        for (label, url, invitation) in links {
            self.labels.insert(label.clone(), url.split_once('#').unwrap_or_default().1.to_owned());
            self.tokens.push((format!("§{label}"), self.label_of[invitation].clone()));
        }
        for (label, secret, key) in secrets {
            if let Some(key) = self.label_of.get(key).cloned() {
                let actor = self.roster.actor(&label, secret);
                self.secrets.push(Secret { label: format!("§{label}"), key, actor });
            }
        }
    }

    fn note_invited(&mut self, id: &str, email: &str) {
        let label = self.label_of[id].clone();
        let suffix = format!(".{}@example.com", self.tag);
        if let Some(name) = email.strip_suffix(&suffix)
            && !self.invited.iter().any(|known| known.label == label)
        {
            self.invited.push(Invited { label, email: format!("§mail:{name}"), is_open: true });
        }
    }

    /// Takes what was deleted out of what is drawn from.
    fn forget(&mut self, ids: &Value) {
        let one = std::slice::from_ref(ids);
        for id in ids.as_array().map_or(one, Vec::as_slice).iter().filter_map(Value::as_str) {
            if let Some(label) = self.label_of.get(id) {
                self.things.retain(|thing| thing.label != *label);
                self.roles.retain(|role| role.label != *label);
            }
        }
    }

    /// Keeps up with what an accepted mutation changed.
    async fn follow(&mut self, step: &Step, mutation: &str, input: &Value, done: &Done) {
        let permissions = || keys(&input["permissions"]);
        let first = |kind: &str| done.new.iter().find(|(of, _)| of == kind).map(|(_, label)| label.clone());
        match mutation {
            "organizationCreate" if step.setup => Box::pin(self.note_built_in()).await,
            "organizationDelete" => {
                self.is_deleted = true;
                self.deleted = self.seen.as_ref().map(|seen| seen.together.clone()).unwrap_or_default();
            }
            "organizationRestore" => self.is_deleted = false,
            "roleCreate" => {
                if let Some(label) = first("Role") {
                    let scope = if input["scope"] == "PROJECT" { RoleScope::Project } else { RoleScope::Organization };
                    self.roles.push(Role { label, scope, built_in: None, permissions: permissions() });
                }
            }
            "roleUpdate" => {
                let changed = self.roles.iter_mut().find(|role| input["roleId"] == role.label.as_str());
                if let Some(role) = changed.filter(|_| input["permissions"].is_array()) {
                    role.permissions = permissions();
                }
            }
            _ => {}
        }
        if ["invitationAccept", "invitationDecline", "invitationRevoke"].contains(&mutation) {
            let label = self.invitation_in(input);
            for invited in self.invited.iter_mut().filter(|invited| Some(&invited.label) == label.as_ref()) {
                invited.is_open = false;
            }
        }
        let key = input["apiKeyId"].as_str().map(str::to_owned);
        if step.caller.is_theirs() {
            if let Some(key) = key.filter(|_| mutation != "apiKeyRevoke") {
                self.given_keys.remove(&key);
            }
            let gift = input["invitationId"].as_str().map(str::to_owned);
            match (mutation, gift) {
                // Whoever changes an invitation answers for all of it.
                ("invitationUpdate", Some(invitation)) => drop(self.gifts.remove(&invitation)),
                // It is sent again by somebody who could give it, and stays what others gave.
                ("invitationResend", Some(invitation)) => {
                    self.gifts.entry(invitation).and_modify(|gift| gift.until = None);
                }
                _ => {}
            }
            return;
        }
        if step.setup {
            return;
        }
        match mutation {
            "apiKeyTakeOver" | "apiKeyRotate" => self.given_keys.extend(key),
            "organizationMemberRemove" if input["apiKeys"] == "TAKE_OVER" => {
                Box::pin(self.note_given_keys()).await;
            }
            "organizationInvite" | "projectInvite" => {
                let touched: Vec<String> = self.labels_in_answer(done, input);
                Box::pin(self.note_gifts(&touched, false)).await;
            }
            "invitationUpdate" | "invitationResend" => {
                let touched: Vec<String> = input["invitationId"].as_str().map(str::to_owned).into_iter().collect();
                Box::pin(self.note_gifts(&touched, false)).await;
            }
            "roleUpdate" | "roleDelete" => {
                let known: Vec<String> = self.gifts.keys().cloned().collect();
                Box::pin(self.note_gifts(&known, true)).await;
            }
            _ => {}
        }
    }

    /// The invitations that a call to several addresses made or added to.
    fn labels_in_answer(&self, done: &Done, input: &Value) -> Vec<String> {
        let new = done.new.iter().filter(|(kind, _)| kind == "Invitation").map(|(_, label)| label.clone());
        let emails = keys(&input["emails"]);
        let added = self.invited.iter().filter(|invited| emails.contains(&invited.email));
        new.chain(added.map(|invited| invited.label.clone())).collect()
    }

    async fn note_built_in(&mut self) {
        let query = "query($id: ID!) { organization(by: {id: $id}) { roles(filter: {builtIn: true}, first: 50) { nodes { id key scope permissions { key } } } } }";
        let answer = self.roster.operator().data(query, json!({ "id": self.labels[ORGANIZATION] })).await;
        for role in answer["organization"]["roles"]["nodes"].as_array().unwrap() {
            let (id, key) = (role["id"].as_str().unwrap(), role["key"].as_str().unwrap());
            let label = format!("role:{}:{key}", role["scope"].as_str().unwrap());
            self.labels.insert(label.clone(), id.to_owned());
            self.label_of.insert(id.to_owned(), format!("§{label}"));
            self.roles.push(Role {
                label: format!("§{label}"),
                scope: if role["scope"] == "PROJECT" { RoleScope::Project } else { RoleScope::Organization },
                built_in: Some(key.to_owned()),
                permissions: keys(&role["permissions"]),
            });
        }
    }

    /// What invitations give that others touched. `widens`: beside what they gave before.
    async fn note_gifts(&mut self, touched: &[String], widens: bool) {
        let query = "query($id: ID!) { node(id: $id) { ... on Invitation { status expiresAt \
            role { permissions { key } } projects { project { id } role { permissions { key } } } } } }";
        for label in touched.iter().cloned() {
            let answer = self.roster.operator().data(query, json!({ "id": self.text(&label) })).await;
            let invitation = &answer["node"];
            if invitation["status"] != "PENDING" {
                continue;
            }
            let of_organization = keys(&invitation["role"]["permissions"]);
            let mut gives = Holding::default();
            for scope in &self.scopes {
                gives.0.insert(scope.clone(), in_projects(&of_organization));
            }
            for grant in invitation["projects"].as_array().into_iter().flatten() {
                if let Some(project) = grant["project"]["id"].as_str().and_then(|id| self.label_of.get(id)) {
                    gives.0.entry(project.clone()).or_default().extend(keys(&grant["role"]["permissions"]));
                }
            }
            gives.0.insert(ORGANIZATION.to_owned(), of_organization);
            let until = DateTime::parse_from_rfc3339(invitation["expiresAt"].as_str().unwrap()).ok();
            let email = self.invited.iter().find(|known| known.label == label).map(|known| known.email.clone());
            let mut gift = Gift { email: email.unwrap_or_default(), gives, until: until.map(|until| until.to_utc()) };
            if let Some(before) = self.gifts.get(&label).filter(|_| widens) {
                gift.gives.add(&before.gives);
            }
            self.gifts.insert(label, gift);
        }
    }

    /// Keys of theirs for which somebody else answers now.
    async fn note_given_keys(&mut self) {
        let query = "query($id: ID!) { node(id: $id) { ... on ApiKey { responsible { ... on User { id } } } } }";
        for key in self.secrets.iter().map(|secret| secret.key.clone()).collect::<BTreeSet<_>>() {
            let answer = self.roster.operator().data(query, json!({ "id": self.text(&key) })).await;
            let responsible = answer["node"]["responsible"]["id"].as_str().and_then(|id| self.label_of.get(id));
            let is_theirs = responsible.is_none_or(|who| ATTACKERS.iter().any(|name| *who == format!("§user:{name}")));
            if !is_theirs {
                self.given_keys.insert(key);
            }
        }
    }

    /// The set-up is done: what there is now is what they may come to hold.
    async fn begin(&mut self) {
        let projects = self.things.iter().filter(|thing| thing.kind == "Project");
        self.scopes = projects.map(|thing| thing.label.clone()).collect();
        let (mut takes, mut asks) = (String::new(), String::new());
        for index in 0..self.scopes.len() {
            takes.push_str(&format!(", $p{index}: ID!"));
            asks.push_str(&format!(" p{index}: node(id: $p{index}) {{ ... on Project {{ viewerPermissions }} }}"));
        }
        self.question = format!(
            "query($organization: ID!{takes}) {{ organization(by: {{id: $organization}}) {{ viewerPermissions }}{asks} }}"
        );
        let invited: Vec<String> = self.invited.iter().map(|invited| invited.label.clone()).collect();
        if self.labels.contains_key(ORGANIZATION) {
            Box::pin(self.note_gifts(&invited, false)).await;
        }
        self.seen = Some(Seen::default());
    }

    async fn held_by(&self, actor: &Actor) -> Holding {
        let Some(organization) = self.labels.get(ORGANIZATION) else { return Holding::default() };
        let mut variables = json!({ "organization": organization });
        for (index, scope) in self.scopes.iter().enumerate() {
            variables[format!("p{index}")] = self.text(scope).into();
        }
        let answer = Box::pin(actor.post(&self.question, variables)).await;
        if answer.status == StatusCode::UNAUTHORIZED {
            return Holding::default();
        }
        assert!(answer.body["data"].is_object(), "{} is not told what they hold: {}", actor.name, answer.text);
        let data = &answer.body["data"];
        let in_organization = at(&keys(&data[ORGANIZATION]["viewerPermissions"]), RoleScope::Organization);
        let of_project =
            |(index, scope): (usize, &String)| (scope.clone(), keys(&data[format!("p{index}")]["viewerPermissions"]));
        let mut holding = Holding(self.scopes.iter().enumerate().map(of_project).collect());
        holding.0.insert(ORGANIZATION.to_owned(), in_organization);
        holding
    }

    async fn look(&self) -> Seen {
        let mut seen = Seen::default();
        for name in ATTACKERS {
            if let Some(actor) = self.actor(&Caller::Person(name)) {
                seen.people.insert(name, Box::pin(self.held_by(&actor)).await);
            }
        }
        for secret in &self.secrets {
            let held = Box::pin(self.held_by(&secret.actor)).await;
            if self.given_keys.contains(&secret.key) {
                seen.together.add(&held);
            }
            seen.keys.insert(secret.label.clone(), held);
        }
        for held in seen.people.values() {
            seen.together.add(held);
        }
        seen
    }

    /// What somebody may do, wherever it is.
    pub fn abilities(&self, caller: &Caller) -> Permissions {
        let Some(seen) = &self.seen else { return Permissions::new() };
        let held = match caller {
            Caller::Person(name) => seen.people.get(name),
            Caller::Key(label) => seen.keys.get(label),
            Caller::Operator | Caller::Time => None,
        };
        held.map(Holding::all).unwrap_or_default()
    }

    /// What somebody may do in the organization or in one project.
    pub fn abilities_in(&self, caller: &Caller, scope: &str) -> Permissions {
        let seen = self.seen.as_ref();
        let held = match caller {
            Caller::Person(name) => seen.and_then(|seen| seen.people.get(name)),
            Caller::Key(label) => seen.and_then(|seen| seen.keys.get(label)),
            Caller::Operator | Caller::Time => None,
        };
        held.map(|held| held.within(scope)).unwrap_or_default()
    }

    /// What is wrong after a step.
    async fn judge(&mut self, step: Option<&Step>, done: Option<&Done>) -> Option<Violation> {
        let now = self.roster.now();
        self.gifts.retain(|_, gift| gift.until.is_none_or(|until| now < until));
        let after = Box::pin(self.look()).await;
        let before = self.seen.replace(after.clone()).unwrap_or_default();
        let by = step.map_or_else(|| "the set-up".to_owned(), Step::named);
        for (secret, held) in &after.keys {
            if let Some((scope, permissions)) = held.beyond(&after.together) {
                let found = format!("the key with {secret} holds in {scope}: {permissions:?}");
                return Some(Violation { rule: KEY_EXCEEDS, by, found });
            }
        }
        let (step, done) = (step?, done?);
        let mut bound = before.together;
        let others = !step.caller.is_theirs() && !matches!(step.caller, Caller::Time);
        let rule = match &step.action {
            Action::Call { mutation, input } if others => {
                if !self.is_for_another(mutation, input) {
                    return None;
                }
                GIVEN_TO_ANOTHER
            }
            Action::Call { mutation, input } => {
                if mutation == "invitationAccept" && done.accepted {
                    bound.add(&self.gift(input));
                }
                if mutation == "organizationRestore" && done.accepted {
                    bound.add(&self.deleted);
                }
                GAINED
            }
            _ => GAINED,
        };
        let (scope, permissions) = after.together.beyond(&bound)?;
        let found = format!("they hold in {scope}: {permissions:?}");
        Some(Violation { rule, by, found })
    }

    /// What others gave with the invitation that was accepted, if it is to an address of theirs.
    fn gift(&self, input: &Value) -> Holding {
        let label = self.invitation_in(input);
        let gift = label.and_then(|label| self.gifts.get(&label));
        let is_theirs = |gift: &&Gift| self.holder_of(&gift.email).is_some_and(|name| ATTACKERS.contains(&name));
        gift.filter(is_theirs).map(|gift| gift.gives.clone()).unwrap_or_default()
    }

    /// Addresses that they have claimed or had, and that are not theirs: what is given to these is for others.
    pub fn lures(&self) -> Vec<&str> {
        let mut lures = Vec::new();
        for account in ATTACKERS.iter().filter_map(|name| self.accounts.get(name)) {
            let claimed = account.tokens.values().map(|(_, _, email, _)| email.as_str());
            lures.extend(claimed.filter(|email| self.holder_of(email).is_none_or(|name| !ATTACKERS.contains(&name))));
        }
        lures
    }

    /// The invitation that an input names, by id or by link.
    fn invitation_in(&self, input: &Value) -> Option<String> {
        let by = &input["invitation"];
        match by["id"].as_str().or(input["invitationId"].as_str()) {
            Some(id) => Some(id.to_owned()),
            None => self.tokens.iter().find(|(token, _)| by["token"] == token.as_str()).map(|(_, label)| label.clone()),
        }
    }

    /// An invitation that waits for somebody's address, as far as is known.
    pub fn open_to(&self, name: &str) -> Option<String> {
        let email = self.address_of(name).map(|(email, _)| email)?;
        let mut open = self.invited.iter().filter(|invited| invited.is_open && invited.email == email);
        open.next().map(|invited| invited.label.clone())
    }

    /// Whether a step of others gives something to people, none of whom is one of the two.
    fn is_for_another(&self, mutation: &str, input: &Value) -> bool {
        const GIVES: [&str; 7] = [
            "organizationInvite",
            "projectInvite",
            "projectMembersAdd",
            "organizationMemberUpdateRole",
            "projectMemberUpdateRole",
            "organizationOwnershipTransfer",
            "projectOwnershipTransfer",
        ];
        let text = input.to_string();
        let theirs = |name: &&str| {
            let mail =
                self.address_of(name).filter(|(email, verified)| *verified && self.holder_of(email) == Some(name));
            mail.is_some_and(|(email, _)| text.contains(&format!("\"{email}\"")))
                || text.contains(&format!("\"§user:{name}\""))
        };
        let by_membership = text.contains("Member@");
        GIVES.contains(&mutation) && !by_membership && !ATTACKERS.iter().any(theirs)
    }
}
