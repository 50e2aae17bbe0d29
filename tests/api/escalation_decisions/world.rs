//! One organization in memory: few enough rows to be copied and compared quickly, each of which becomes the row of the
//! store when a decision is to be asked.

use std::{
    fmt::{self, Write},
    hash::{Hash, Hasher},
    rc::Rc,
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use roster::{
    access::{ActorRef, Policy},
    domain::{
        email::{Address, Email},
        id::{ApiKeyId, InvitationId, OrganizationId, ProjectId, RoleId, TeamId, UserId},
        invitation::InvitationStatus,
        organization::{ActorKind, PlanTier, Visibility},
        role::RoleScope,
        team::TeamMemberRole,
    },
    store::{
        api_keys::{ApiKey, HeldRole, KeyAndRoles},
        invitation_projects::ProjectGrant,
        invitation_teams::TeamGrant,
        invitations::Invitation,
        organizations::Organization,
        projects::Project,
        roles::Role,
        teams::Team,
        users::User,
    },
};
use uuid::Uuid;

/// The person whose escalation is looked for.
pub const P: u8 = 0;
/// Who does what the person says.
pub const A: u8 = 1;
/// The owner of the organization.
pub const OWNER: u8 = 4;
/// People: P, A, two bystanders, and the owner.
pub const PEOPLE: usize = 5;
pub const PROJECTS: usize = 2;
/// An address that nobody's identity provider vouches for.
pub const NOBODYS: u8 = 5;
const ADDRESSES: usize = 6;

/// Moments, by number: before the search, during it, after time passed, and never.
pub const PAST: u8 = 0;
pub const SOON: u8 = 1;
pub const LATER: u8 = 2;
pub const NEVER: u8 = 3;

/// Number of a role of its organization.
pub type RoleNo = u8;

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    Person(u8),
    Key(u8),
}

/// An API key. Its permissions are the list of this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub permissions: u16,
    pub project: Option<u8>,
    pub responsible: Option<u8>,
    pub parent: Option<u8>,
    pub expiry: u8,
    pub is_revoked: bool,
    /// P and A know its secret.
    pub is_known: bool,
}

/// A project that an invitation grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grant {
    pub role: RoleNo,
    pub added: Option<By>,
}

/// An invitation with what it grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Invite {
    pub email: u8,
    pub status: InvitationStatus,
    pub expiry: u8,
    pub role: Option<RoleNo>,
    pub project: Option<u8>,
    pub by: By,
    pub accepted_by: Option<u8>,
    pub grants: [Option<Grant>; PROJECTS],
    pub team: Option<(TeamMemberRole, Option<By>)>,
    /// The pending membership of the team.
    pub in_team: Option<TeamMemberRole>,
    /// Its role was deleted after it had ended, and it got another one.
    pub inherited: bool,
}

/// The roles of the organization, each set once for all worlds that have it.
#[derive(Debug)]
pub struct Roles {
    pub id: u32,
    pub rows: Arc<Vec<Role>>,
}

impl Roles {
    pub fn get(&self, number: RoleNo) -> Option<&Role> {
        self.rows.iter().find(|role| number_of(role) == number)
    }

    /// The numbers of the roles of a level.
    pub fn of(&self, scope: RoleScope) -> Vec<RoleNo> {
        self.rows.iter().filter(|role| role.scope == scope).map(number_of).collect()
    }
}

pub fn number_of(role: &Role) -> RoleNo {
    u8::try_from(role.id.0.as_u128() & 0xff).unwrap()
}

pub fn role_id(number: RoleNo) -> RoleId {
    RoleId(uuid(1, number))
}

/// All that changes.
#[derive(Clone, Debug)]
pub struct World {
    pub is_late: bool,
    pub roles: Rc<Roles>,
    pub members: [Option<RoleNo>; PEOPLE],
    pub in_project: [[Option<RoleNo>; PEOPLE]; PROJECTS],
    pub in_team: [Option<TeamMemberRole>; PEOPLE],
    pub keys: Vec<Key>,
    pub invites: Vec<Invite>,
}

impl World {
    /// Tells worlds apart. The order of invitations does not count.
    pub fn fingerprint(&self) -> u64 {
        let mut hash = Mix::default();
        (self.is_late, self.roles.id, self.members, self.in_project, self.in_team).hash(&mut hash);
        self.keys.hash(&mut hash);
        let invites = self.invites.iter().map(fingerprint).fold(0_u64, u64::wrapping_add);
        invites.hash(&mut hash);
        hash.finish()
    }

    pub fn now(&self) -> u8 {
        if self.is_late { LATER } else { SOON }
    }

    pub fn is_pending(&self, invite: &Invite) -> bool {
        invite.status == InvitationStatus::Pending && invite.expiry >= self.now()
    }

    pub fn is_active(&self, key: &Key) -> bool {
        !key.is_revoked && key.expiry >= self.now()
    }

    /// The keys that these made, and those that they made in turn, as far as they are not revoked.
    pub fn descendants(&self, of: &[u8]) -> Vec<u8> {
        let mut line = of.to_vec();
        for (number, key) in self.keys() {
            if !key.is_revoked && key.parent.is_some_and(|parent| line.contains(&parent)) && !line.contains(&number) {
                line.push(number);
            }
        }
        line.split_off(of.len())
    }

    pub fn keys(&self) -> impl Iterator<Item = (u8, &Key)> {
        (0..).zip(&self.keys)
    }
}

/// A quick hash of small things.
#[derive(Default)]
pub struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(value.into());
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(value.into());
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.write_u64(value.cast_unsigned() as u64);
    }
}

pub fn fingerprint(of: &impl Hash) -> u64 {
    let mut hash = Mix::default();
    of.hash(&mut hash);
    hash.finish()
}

/// What never changes.
pub struct Base {
    pub policy: Arc<Policy>,
    pub organization: Organization,
    pub users: Vec<User>,
    pub projects: Vec<Project>,
    pub team: Team,
}

pub fn uuid(kind: u8, number: u8) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | u128::from(kind) << 8 | u128::from(number))
}

pub const ORGANIZATION: OrganizationId = OrganizationId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0001_0000));

pub fn project_id(number: u8) -> ProjectId {
    ProjectId(uuid(2, number))
}

pub fn team_id() -> TeamId {
    TeamId(uuid(3, 0))
}

pub fn user_id(number: u8) -> UserId {
    UserId(uuid(4, number))
}

pub fn key_id(number: u8) -> ApiKeyId {
    ApiKeyId(uuid(5, number))
}

/// The moment of a number.
pub fn moment(number: u8) -> DateTime<Utc> {
    let start = Utc.timestamp_opt(1_800_000_000, 0).unwrap();
    // A move happens at its moment; what ends with it ends a little later.
    start + TimeDelta::days(i64::from(number) * 10)
}

/// What expires with a moment has expired at the next one.
pub fn expiry(number: u8) -> Option<DateTime<Utc>> {
    (number < NEVER).then(|| moment(number) + TimeDelta::days(1))
}

pub fn email(number: u8) -> Email {
    const LOCAL: [&str; ADDRESSES] = ["p", "a", "b", "c", "owner", "nobody"];
    Email::parse(&format!("{}@example.com", LOCAL[usize::from(number)])).unwrap()
}

impl Base {
    /// People with these addresses, each with whether their identity provider vouches for it.
    pub fn new(policy: Arc<Policy>, addresses: [(u8, bool); PEOPLE]) -> Self {
        let now = moment(PAST);
        let user = |(number, (address, email_verified)): (u8, (u8, bool))| User {
            id: user_id(number),
            issuer: String::new(),
            subject: number.to_string(),
            email: Address::from(email(address)),
            email_verified,
            display_name: name(number).to_owned(),
            first_name: None,
            last_name: None,
            avatar_url: None,
            created_at: now,
            updated_at: now,
            claims_at: now,
        };
        let project = |number| Project {
            organization_id: ORGANIZATION,
            id: project_id(number),
            slug: String::new(),
            name: String::new(),
            sort_name: String::new(),
            search_text: String::new(),
            description: None,
            member_count: 1,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        Self {
            policy,
            organization: Organization {
                id: ORGANIZATION,
                slug: String::new(),
                name: String::new(),
                sort_name: String::new(),
                search_text: String::new(),
                description: None,
                logo_url: None,
                website: None,
                industry: None,
                email: None,
                phone: None,
                visibility: Visibility::Private,
                plan_tier: PlanTier::Enterprise,
                trial_ends_at: None,
                seat_limit: None,
                member_count: 1,
                project_count: 2,
                team_count: 1,
                pending_invitation_count: 0,
                last_event: 0,
                version: 1,
                created_at: now,
                updated_at: now,
                roles_version: 1,
            },
            users: (0..).zip(addresses).map(user).collect(),
            projects: (0..2).map(project).collect(),
            team: Team {
                organization_id: ORGANIZATION,
                id: team_id(),
                slug: String::new(),
                name: String::new(),
                sort_name: String::new(),
                search_text: String::new(),
                description: None,
                color: String::new(),
                member_count: 0,
                version: 1,
                created_at: now,
                updated_at: now,
            },
        }
    }

    pub fn user(&self, number: u8) -> &User {
        &self.users[usize::from(number)]
    }
}

pub fn name(person: u8) -> &'static str {
    ["P", "A", "B", "C", "the owner"][usize::from(person)]
}

pub fn actor_ref(by: By) -> ActorRef {
    match by {
        By::Person(number) => (ActorKind::User, Some(user_id(number).0)),
        By::Key(number) => (ActorKind::ApiKey, Some(key_id(number).0)),
    }
}

pub fn by_of((kind, id): ActorRef) -> By {
    let number = u8::try_from(id.unwrap().as_u128() & 0xff).unwrap();
    if kind == ActorKind::User { By::Person(number) } else { By::Key(number) }
}

/// The rows of an invitation. Which it is of several that are alike decides nothing.
pub fn invitation_rows(invite: &Invite) -> (Invitation, Vec<ProjectGrant>, Vec<TeamGrant>) {
    let id = InvitationId(uuid(6, 0));
    let (invited_by_kind, invited_by_id) = actor_ref(invite.by);
    let row = Invitation {
        organization_id: ORGANIZATION,
        id,
        email: email(invite.email),
        status: invite.status,
        status_rank: invite.status.rank(),
        role_id: invite.role.map(role_id),
        project_id: invite.project.map(project_id),
        message: None,
        token_version: 1,
        invited_by_kind,
        invited_by_id,
        resolved_by_kind: invite.accepted_by.map(|_| ActorKind::User),
        resolved_by_id: invite.accepted_by.map(|person| user_id(person).0),
        created_at: moment(PAST),
        updated_at: moment(PAST),
        expires_at: expiry(invite.expiry).unwrap(),
        resolved_at: None,
    };
    let grant = |(project, grant): (u8, &Option<Grant>)| {
        let grant = (*grant)?;
        let added = grant.added.map(actor_ref);
        Some(ProjectGrant {
            organization_id: ORGANIZATION,
            invitation_id: id,
            project_id: project_id(project),
            role_id: role_id(grant.role),
            position: project.into(),
            added_by_kind: added.map(|(kind, _)| kind),
            added_by_id: added.and_then(|(_, id)| id),
        })
    };
    let team = invite.team.map(|(role, added)| {
        let added = added.map(actor_ref);
        TeamGrant {
            organization_id: ORGANIZATION,
            invitation_id: id,
            team_id: team_id(),
            role,
            added_by_kind: added.map(|(kind, _)| kind),
            added_by_id: added.and_then(|(_, id)| id),
        }
    });
    (row, (0..).zip(&invite.grants).filter_map(grant).collect(), team.into_iter().collect())
}

/// The row of a key with these permissions.
pub fn key_row(number: u8, key: &Key, permissions: &[String]) -> ApiKey {
    let row = ApiKey {
        organization_id: ORGANIZATION,
        id: key_id(number),
        name: String::new(),
        sort_name: String::new(),
        search_text: String::new(),
        prefix: String::new(),
        secret_hash: Vec::new(),
        previous_hash: None,
        previous_until: None,
        project_id: key.project.map(project_id),
        permissions: permissions.to_vec(),
        created_by_kind: ActorKind::Operator,
        created_by_id: None,
        created_at: moment(PAST),
        last_used_at: None,
        expires_at: expiry(key.expiry),
        revoked_at: key.is_revoked.then(|| moment(PAST)),
        responsible_kind: ActorKind::Operator,
        responsible_id: None,
        parent_id: key.parent.map(key_id),
    };
    row.answered_for_by(key.responsible.map(user_id))
}

/// A key with what whoever answers for it is, as the store joins them.
pub fn key_and_roles(world: &World, number: u8, permissions: &[String]) -> KeyAndRoles {
    let key = &world.keys[usize::from(number)];
    let held = |role: RoleNo| {
        let role = world.roles.get(role).unwrap();
        HeldRole { built_in: role.built_in, permissions: role.permissions.clone() }
    };
    let person = key.responsible.map(usize::from);
    KeyAndRoles {
        key: key_row(number, key, permissions),
        organization_role: person.and_then(|person| world.members[person]).map(held),
        project_role: person
            .zip(key.project)
            .and_then(|(person, project)| world.in_project[usize::from(project)][person])
            .map(held),
    }
}

/// A world as a reader takes it in.
pub struct Readable<'a>(pub &'a Base, pub &'a World, pub &'a [Vec<String>]);

impl fmt::Display for Readable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(base, world, lists) = *self;
        let named = |role: RoleNo| world.roles.get(role).map_or("deleted", |role| role.name.as_str()).to_owned();
        for role in world.roles.rows.iter().filter(|role| role.built_in.is_none()) {
            writeln!(f, "  role {} of the {}: {}", role.name, role.scope, role.permissions.join(" "))?;
        }
        for (number, user) in (0..).zip(&base.users) {
            let place = usize::from(number);
            let mut line = world.members[place].map_or_else(|| "no member".to_owned(), named);
            for (project, members) in world.in_project.iter().enumerate() {
                if let Some(role) = members[place] {
                    write!(line, ", {} in project {project}", named(role))?;
                }
            }
            if let Some(role) = world.in_team[place] {
                write!(line, ", {role} of the team")?;
            }
            let verified = if user.email_verified { "" } else { " unverified" };
            writeln!(f, "  {} ({}{verified}): {line}", name(number), user.email.as_str())?;
        }
        for (number, key) in world.keys() {
            writeln!(
                f,
                "  key {number}{}{}: {}; {} answers{}{}, expires {}",
                if key.is_known { " known to P and A" } else { "" },
                key.project.map_or(String::new(), |project| format!(" of project {project}")),
                lists[usize::from(key.permissions)].join(" "),
                key.responsible.map_or("the operator", name),
                key.parent.map_or(String::new(), |parent| format!(", made by key {parent}")),
                if key.is_revoked { ", revoked" } else { "" },
                ["in the past", "soon", "later", "never"][usize::from(key.expiry)],
            )?;
        }
        for (number, invite) in world.invites.iter().enumerate() {
            let role = invite.role.map_or_else(|| "no role".to_owned(), named);
            write!(f, "  invitation {number} of {} by {:?}, {}", email(invite.email), invite.by, invite.status)?;
            write!(f, ", expires {}: {role}", ["in the past", "soon", "later"][usize::from(invite.expiry)])?;
            for (project, grant) in invite.grants.iter().enumerate() {
                if let Some(Grant { role, added }) = grant {
                    let added = added.map_or(String::new(), |by| format!(" (added by {by:?})"));
                    write!(f, ", {} in project {project}{added}", named(*role))?;
                }
            }
            if let Some((role, added)) = invite.team {
                let added = added.map_or(String::new(), |by| format!(" (added by {by:?})"));
                write!(f, ", {role} of the team{added}")?;
            }
            writeln!(f, "{}", invite.project.map_or(String::new(), |project| format!("; to project {project}")))?;
        }
        Ok(())
    }
}
