//! Moves in a world: the server's decisions say whether they are allowed, and the world becomes what the operation makes
//! of it, with all that follows.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    hash::BuildHasherDefault,
    rc::Rc,
    sync::Arc,
};

use roster::{
    access::{OrganizationAccess, OrganizationRef, Permission, ProjectAccess},
    domain::{
        invitation::InvitationStatus,
        role::{CUSTOM_RANK, RoleScope},
        team::TeamMemberRole,
    },
    operations::{
        api_keys,
        input::{RoleRef, previous_owner_role},
        invitations::{
            self, Acceptance, ManagedInvitation, ReceivedInvitation, check_invited_project, may_invite,
            may_invite_to_project, project_grant, project_role, role_of_invitees,
        },
        organization_members, project_members, roles,
    },
    store::{
        invitation_projects::ProjectGrant,
        invitation_teams::TeamGrant,
        invitations::{Invitation, Revival},
        roles::{Role, Uses},
    },
};

use super::{
    actors::{Actor, Identity},
    moves::{KINDS, Move, Permissions},
    rules::{Rules, passed},
    world::{
        Base, By, Grant, Invite, Key, LATER, Mix, NEVER, ORGANIZATION, OWNER, PEOPLE, RoleNo, Roles, World, actor_ref,
        by_of, email, fingerprint, invitation_rows, key_id, key_row, moment, number_of, project_id, role_id,
    },
};

/// How sets of fingerprints are kept.
pub type Quick = BuildHasherDefault<Mix>;

/// What became of a move.
pub enum Outcome {
    /// Decided against.
    Refused,
    /// Allowed, and nothing happened.
    Idle,
    /// Allowed, and this is the world after it, with its fingerprint.
    Changed(World, u64),
}

/// The organization of one seed with the rules under test, and what is known already of those who act in it. Decisions are
/// pure, so that each is asked once for the same actor and the same rows.
pub struct Stage<'a> {
    pub base: &'a Base,
    pub rules: &'a Rules,
    pub lists: RefCell<Vec<Vec<String>>>,
    role_sets: RefCell<Vec<Rc<Roles>>>,
    made_roles: RefCell<Vec<(RoleScope, Vec<String>)>>,
    actors: RefCell<HashMap<Identity, Rc<Actor>, Quick>>,
    asked: RefCell<HashMap<(u32, u8, u64), bool, Quick>>,
    /// How often each kind of move was allowed and refused.
    pub counts: RefCell<[[u64; 2]; KINDS.len()]>,
}

/// The first number of a role that is made by a move.
const FIRST_MADE: u8 = 100;

impl<'a> Stage<'a> {
    pub fn new(base: &'a Base, rules: &'a Rules) -> Self {
        Self {
            base,
            rules,
            lists: RefCell::default(),
            role_sets: RefCell::default(),
            made_roles: RefCell::default(),
            actors: RefCell::default(),
            asked: RefCell::default(),
            counts: RefCell::new([[0; 2]; KINDS.len()]),
        }
    }

    /// The number of a list of permissions.
    pub fn list(&self, permissions: Vec<String>) -> u16 {
        let mut lists = self.lists.borrow_mut();
        let found = lists.iter().position(|known| *known == permissions);
        let place = found.unwrap_or_else(|| {
            lists.push(permissions);
            lists.len() - 1
        });
        u16::try_from(place).unwrap()
    }

    /// The one set of these roles.
    pub fn role_set(&self, mut rows: Vec<Role>) -> Rc<Roles> {
        rows.sort_by_key(|role| (role.rank, role.id));
        let mut sets = self.role_sets.borrow_mut();
        if let Some(known) = sets.iter().find(|known| *known.rows == rows) {
            return known.clone();
        }
        let set = Rc::new(Roles { id: u32::try_from(sets.len()).unwrap(), rows: Arc::new(rows) });
        sets.push(set.clone());
        set
    }

    pub fn actor(&self, world: &World, by: By) -> Rc<Actor> {
        let identity = Identity::of(world, by);
        if let Some(known) = self.actors.borrow().get(&identity) {
            return known.clone();
        }
        let id = u32::try_from(self.actors.borrow().len()).unwrap();
        let actor = Rc::new(Actor::new(self.base, self.rules, world, by, id, &self.lists.borrow()));
        self.actors.borrow_mut().insert(identity, actor.clone());
        actor
    }

    /// A decision, asked once for an actor and what it is about.
    fn ask(&self, actor: &Actor, kind: u8, about: u64, decide: impl FnOnce() -> bool) -> bool {
        let key = (actor.id, kind, about);
        if let Some(known) = self.asked.borrow().get(&key) {
            return *known;
        }
        let decided = decide();
        self.asked.borrow_mut().insert(key, decided);
        decided
    }

    /// Tries a move of somebody in a world with this fingerprint, and counts it.
    pub fn attempt(&self, (world, print): (&World, u64), actor: &Actor, what: Move) -> Outcome {
        let outcome = self.judged(world, actor, what);
        self.counts.borrow_mut()[what.kind()][usize::from(outcome.is_none())] += 1;
        let Some(after) = outcome else { return Outcome::Refused };
        let after_print = after.fingerprint();
        if after_print == print { Outcome::Idle } else { Outcome::Changed(after, after_print) }
    }

    #[expect(clippy::too_many_lines, reason = "a case for each kind of move")]
    fn judged(&self, world: &World, actor: &Actor, what: Move) -> Option<World> {
        match what {
            Move::Wait => Some(World { is_late: true, ..world.clone() }),
            Move::MemberRole { member, role } => self.member_role(world, actor, member, role),
            Move::MemberRemove { member, take_over } => self.member_remove(world, actor, member, take_over),
            Move::Leave => {
                let access = actor.organization.as_ref()?;
                let By::Person(person) = actor.by else { return passed(access.may_leave()).then(|| world.clone()) };
                let may = || passed(access.may_leave());
                self.ask(actor, 2, 0, may).then(|| self.without_member(world, person, None))
            }
            Move::Invite { email, role, project, team } => self.invite(world, actor, email, role, project, team),
            Move::ProjectInvite { project, email, role, organization_role } => {
                self.project_invite(world, actor, project, email, (role, organization_role))
            }
            Move::Accept { invite } => self.accept(world, actor, invite),
            Move::Decline { invite } => {
                let found = world.invites.get(usize::from(invite))?;
                let about = fingerprint(&(found, world.is_late));
                let may = || {
                    let (row, ..) = invitation_rows(found);
                    let now = moment(world.now());
                    ReceivedInvitation::of(&actor.viewer, row, None)
                        .is_ok_and(|received| passed(received.may_decline(now)))
                };
                self.ask(actor, 6, about, may).then(|| {
                    let mut after = world.clone();
                    resolve(&mut after.invites[usize::from(invite)], InvitationStatus::Declined);
                    after
                })
            }
            Move::Revoke { .. }
            | Move::InviteRole { .. }
            | Move::InviteProject { .. }
            | Move::InviteTeam { .. }
            | Move::Resend { .. } => self.managed(world, actor, what),
            Move::ProjectAdd { project, person, role } => {
                let access = actor.projects[usize::from(project)].as_ref()?;
                world.members[usize::from(person)]?;
                let about = fingerprint(&(project, role));
                let may = || {
                    passed(project_members::may_add(access))
                        && RoleRef::Id(role_id(role))
                            .among(&access.organization, &world.roles.rows, RoleScope::Project)
                            .is_ok_and(|role| passed(project_members::assignable(access, role)))
                };
                self.ask(actor, 12, about, may).then(|| {
                    let mut after = world.clone();
                    after.in_project[usize::from(project)][usize::from(person)].get_or_insert(role);
                    after
                })
            }
            Move::ProjectRole { project, member, role } => {
                let access = actor.projects[usize::from(project)].as_ref()?;
                let old = world.in_project[usize::from(project)][usize::from(member)]?;
                let about = fingerprint(&(project, old, role));
                let may = || {
                    let (named, roles) = (RoleRef::Id(role_id(role)), &world.roles.rows);
                    let new = named.among(&access.organization, roles, RoleScope::Project);
                    new.is_ok_and(|new| {
                        passed(project_members::may_update_role(access, world.roles.get(old).unwrap(), new))
                    })
                };
                self.ask(actor, 13, about, may).then(|| {
                    let mut after = world.clone();
                    after.in_project[usize::from(project)][usize::from(member)] = Some(role);
                    self.rights_changed(&mut after, member);
                    after
                })
            }
            Move::ProjectRemove { project, member } => {
                let access = actor.projects[usize::from(project)].as_ref()?;
                let old = world.in_project[usize::from(project)][usize::from(member)]?;
                let may = || passed(project_members::may_manage(access, world.roles.get(old).unwrap()));
                self.ask(actor, 14, fingerprint(&(project, old)), may).then(|| {
                    let mut after = world.clone();
                    after.in_project[usize::from(project)][usize::from(member)] = None;
                    self.rights_changed(&mut after, member);
                    after
                })
            }
            Move::ProjectLeave { project } => {
                let access = actor.projects[usize::from(project)].as_ref()?;
                let By::Person(person) = actor.by else { return None };
                let own = world.in_project[usize::from(project)][usize::from(person)];
                let own = own.map(|role| ((), world.roles.get(role).unwrap().is_owner()));
                passed(access.may_leave(own)).then(|| {
                    let mut after = world.clone();
                    after.in_project[usize::from(project)][usize::from(person)] = None;
                    self.rights_changed(&mut after, person);
                    after
                })
            }
            Move::TeamAdd { .. }
            | Move::TeamAddInvitee { .. }
            | Move::TeamRole { .. }
            | Move::TeamRoleOfInvitee { .. }
            | Move::TeamRemove { .. }
            | Move::TeamLeave => self.team(world, actor, what),
            Move::RoleCreate { scope, permissions } => self.role_create(world, actor, scope, permissions),
            Move::RoleUpdate { role, permissions } => self.role_update(world, actor, role, permissions),
            Move::RoleDelete { role, replacement } => self.role_delete(world, actor, role, replacement),
            Move::KeyCreate { project, permissions } => self.key_create(world, actor, project, permissions),
            Move::KeyRotate { key } | Move::KeyRevoke { key } | Move::KeyTakeOver { key } => {
                self.key(world, actor, key, what)
            }
            Move::Transfer { member, role } => self.transfer(world, actor, member, role),
            Move::ProjectTransfer { project, member, role } => {
                let access = actor.projects[usize::from(project)].as_ref()?;
                let old = world.in_project[usize::from(project)][usize::from(member)]?;
                let may = || {
                    let (previous, roles) = (RoleRef::Id(role_id(role)), &world.roles.rows);
                    let role = previous_owner_role(Some(&previous), &access.organization, roles, RoleScope::Project);
                    passed(access.may_transfer()) && passed(role)
                };
                if !self.ask(actor, 29, fingerprint(&(project, role)), may) {
                    return None;
                }
                let mut after = world.clone();
                if !world.roles.get(old).unwrap().is_owner() {
                    let owner = owner_of(&world.roles, RoleScope::Project);
                    let members = &mut after.in_project[usize::from(project)];
                    let previous = members.iter().position(|held| *held == Some(owner)).unwrap();
                    members[previous] = Some(role);
                    members[usize::from(member)] = Some(owner);
                    self.rights_changed(&mut after, member);
                    self.rights_changed(&mut after, u8::try_from(previous).unwrap());
                }
                Some(after)
            }
        }
    }

    // Members of the organization.

    fn member_role(&self, world: &World, actor: &Actor, member: u8, role: RoleNo) -> Option<World> {
        let access = actor.organization.as_ref()?;
        let old = world.members[usize::from(member)]?;
        let may = || {
            let new = RoleRef::Id(role_id(role)).among(access, &world.roles.rows, RoleScope::Organization);
            let old = world.roles.get(old).unwrap();
            new.is_ok_and(|new| passed(organization_members::may_update_role(access, old, new)))
        };
        self.ask(actor, 0, fingerprint(&(old, role)), may).then(|| {
            let mut after = world.clone();
            if old != role {
                after.members[usize::from(member)] = Some(role);
                self.rights_changed(&mut after, member);
            }
            after
        })
    }

    fn member_remove(&self, world: &World, actor: &Actor, member: u8, take_over: bool) -> Option<World> {
        let access = actor.organization.as_ref()?;
        let old = world.members[usize::from(member)]?;
        let may = || passed(organization_members::may_manage(access, world.roles.get(old).unwrap()));
        if !self.ask(actor, 1, old.into(), may) {
            return None;
        }
        let heir = if take_over {
            if !passed(organization_members::may_take_over_keys(&actor.viewer, access)) {
                return None;
            }
            let theirs = world.keys().filter(|(_, key)| key.responsible == Some(member) && world.is_active(key));
            let all: Vec<(u8, Key)> = theirs.map(|(number, key)| (number, *key)).collect();
            if !all.into_iter().all(|(number, key)| self.may_hold(actor, access, number, key)) {
                return None;
            }
            if let By::Person(person) = actor.by { Some(person) } else { None }
        } else {
            None
        };
        Some(self.without_member(world, member, heir))
    }

    fn may_hold(&self, actor: &Actor, access: &OrganizationAccess, number: u8, key: Key) -> bool {
        self.ask(actor, 40, fingerprint(&key), || {
            let project = key.project.and_then(|project| actor.projects[usize::from(project)].as_ref());
            let row = key_row(number, &key, &self.lists.borrow()[usize::from(key.permissions)]);
            passed(access.may_hold(project, &row))
        })
    }

    /// A membership ends with whatever rests on it; keys go to an heir, or end.
    fn without_member(&self, world: &World, member: u8, heir: Option<u8>) -> World {
        let mut after = world.clone();
        let place = usize::from(member);
        let theirs: Vec<u8> = world
            .keys()
            .filter(|(_, key)| key.responsible == Some(member) && world.is_active(key))
            .map(|(number, _)| number)
            .collect();
        let owner = owner_of(&world.roles, RoleScope::Project);
        for members in &mut after.in_project {
            if members[place].take() == Some(owner) {
                members[owner_place(&world.roles, &world.members)] = Some(owner);
            }
        }
        after.in_team[place] = None;
        after.members[place] = None;
        match heir {
            None if self.rules.do_keys_outlive => {}
            None => self.end_keys(&mut after, &theirs),
            Some(heir) => self.take_over(&mut after, &theirs, Some(heir)),
        }
        let user = self.base.user(member);
        for invite in &mut after.invites {
            if invite.status == InvitationStatus::Pending && (self.rules.names)(user, &email(invite.email)) {
                resolve(invite, InvitationStatus::Revoked);
            }
        }
        self.rights_changed(&mut after, member);
        after
    }

    fn transfer(&self, world: &World, actor: &Actor, member: u8, role: RoleNo) -> Option<World> {
        let access = actor.organization.as_ref()?;
        let old = world.members[usize::from(member)]?;
        let may = || {
            let (previous, roles) = (RoleRef::Id(role_id(role)), &world.roles.rows);
            let role = previous_owner_role(Some(&previous), access, roles, RoleScope::Organization);
            passed(access.may_transfer()) && passed(role)
        };
        if !self.ask(actor, 28, role.into(), may) {
            return None;
        }
        let mut after = world.clone();
        if !world.roles.get(old).unwrap().is_owner() {
            let previous = owner_place(&world.roles, &world.members);
            after.members[previous] = Some(role);
            after.members[usize::from(member)] = Some(owner_of(&world.roles, RoleScope::Organization));
            self.rights_changed(&mut after, member);
            self.rights_changed(&mut after, u8::try_from(previous).unwrap());
        }
        Some(after)
    }

    // Invitations.

    /// The member whom an address names.
    fn holder(&self, address: u8) -> Option<u8> {
        (0..)
            .zip(&self.base.users)
            .find(|(_, user)| (self.rules.names)(user, &email(address)))
            .map(|(number, _)| number)
    }

    /// Grants that a list of projects in input comes to.
    fn project_grant(&self, world: &World, actor: &Actor, (project, role): (u8, RoleNo)) -> bool {
        self.ask(actor, 41, fingerprint(&(project, role)), || {
            let access = actor.projects[usize::from(project)].as_ref();
            passed(project_grant(access, &world.roles.rows, Some(&RoleRef::Id(role_id(role)))))
        })
    }

    fn manages_team(&self, actor: &Actor) -> bool {
        let may = || actor.team.as_ref().is_some_and(|team| passed(team.may_manage_members()));
        self.ask(actor, 43, 0, may)
    }

    fn invite(
        &self,
        world: &World,
        actor: &Actor,
        address: u8,
        role: RoleNo,
        project: Option<(u8, RoleNo)>,
        team: Option<TeamMemberRole>,
    ) -> Option<World> {
        let access = actor.organization.as_ref()?;
        let may = || {
            passed(may_invite(access, None, moment(world.now())))
                && passed(role_of_invitees(access, &world.roles.rows, Some(&RoleRef::Id(role_id(role)))))
        };
        let may = self.ask(actor, 3, role.into(), may)
            && project.is_none_or(|project| self.project_grant(world, actor, project))
            && (team.is_none() || self.manages_team(actor));
        if !may {
            return None;
        }
        let mut after = world.clone();
        expire_lapsed(&mut after);
        let is_member = self.holder(address).is_some_and(|person| world.members[usize::from(person)].is_some());
        let is_invited = after.invites.iter().any(|invite| invite.email == address && after.is_pending(invite));
        if !is_member && !is_invited {
            let mut grants = [None; 2];
            if let Some((project, role)) = project {
                grants[usize::from(project)] = Some(Grant { role, added: None });
            }
            let team = team.map(|role| (role, None));
            after.invites.push(new_invite(address, role, actor.by, None, grants, team));
        }
        Some(after)
    }

    fn project_invite(
        &self,
        world: &World,
        actor: &Actor,
        project: u8,
        address: u8,
        (role, organization_role): (RoleNo, Option<RoleNo>),
    ) -> Option<World> {
        let place = usize::from(project);
        let access = actor.projects[place].as_ref()?;
        let rows = &world.roles.rows;
        let may = || {
            passed(may_invite_to_project(access))
                && passed(project_role(access, rows, Some(&RoleRef::Id(role_id(role)))))
        };
        if !self.ask(actor, 4, fingerprint(&(project, role)), may) {
            return None;
        }
        let wanted = organization_role.map(|role| RoleRef::Id(role_id(role)));
        let given = (self.rules.organization_role)(access, rows, wanted.as_ref());
        let organization_role = number_of(given.ok()?);
        let mut after = world.clone();
        expire_lapsed(&mut after);
        let member = self.holder(address).filter(|person| world.members[usize::from(*person)].is_some());
        if let Some(person) = member {
            after.in_project[place][usize::from(person)].get_or_insert(role);
            return Some(after);
        }
        let now = after.now();
        let is_pending = |invite: &&mut Invite| {
            invite.email == address && invite.status == InvitationStatus::Pending && invite.expiry >= now
        };
        if let Some(invite) = after.invites.iter_mut().find(is_pending) {
            invite.grants[place].get_or_insert(Grant { role, added: Some(actor.by) });
            return Some(after);
        }
        let mut grants = [None; 2];
        grants[place] = Some(Grant { role, added: None });
        after.invites.push(new_invite(address, organization_role, actor.by, Some(project), grants, None));
        Some(after)
    }

    fn accept(&self, world: &World, actor: &Actor, number: u8) -> Option<World> {
        let invite = world.invites.get(usize::from(number))?;
        let is_theirs = || ReceivedInvitation::of(&actor.viewer, invitation_rows(invite).0, None).is_ok();
        if !self.ask(actor, 5, fingerprint(invite), is_theirs) {
            return None;
        }
        let (row, grants, team_grants) = invitation_rows(invite);
        let received = ReceivedInvitation::of(&actor.viewer, row, None).ok()?;
        let By::Person(person) = actor.by else { return None };
        let place = usize::from(person);
        if world.members[place].is_some() && received.was_accepted() {
            return Some(world.clone());
        }
        let inviter = self.actor(world, invite.by);
        let may = passed(received.check_open(moment(world.now())))
            && (self.rules.check_inviter)(&received, &inviter.inviter, invite, &grants, &team_grants);
        if !may {
            return None;
        }
        let standing = Acceptance { membership: None, grants, team_grants }.standing(
            |by, grant| self.actor(world, by_of(by)).inviter.can_grant_project(grant),
            |by, grant| !self.rules.are_teams_judged || self.actor(world, by_of(by)).inviter.can_grant_team(grant),
        );
        let mut after = world.clone();
        let accepted = &mut after.invites[usize::from(number)];
        accepted.status = InvitationStatus::Accepted;
        accepted.accepted_by = Some(person);
        let in_team = accepted.in_team.take();
        if after.members[place].is_none() {
            after.members[place] = Some(invite.role.expect("who can invite gives a role"));
        }
        for (project, (members, grant)) in after.in_project.iter_mut().zip(invite.grants).enumerate() {
            let id = project_id(u8::try_from(project).unwrap());
            if let Some(grant) = grant.filter(|_| standing.grants.iter().any(|grant| grant.project_id == id)) {
                members[place].get_or_insert(grant.role);
            }
        }
        if let Some(role) = in_team.filter(|_| !standing.team_grants.is_empty()) {
            after.in_team[place].get_or_insert(role);
        }
        Some(after)
    }

    /// An invitation in the hands of those who manage it.
    #[expect(clippy::too_many_lines, reason = "a case for each kind of move")]
    fn managed(&self, world: &World, actor: &Actor, what: Move) -> Option<World> {
        let (Move::Revoke { invite: number }
        | Move::InviteRole { invite: number, .. }
        | Move::InviteProject { invite: number, .. }
        | Move::InviteTeam { invite: number, .. }
        | Move::Resend { invite: number }) = what
        else {
            unreachable!()
        };
        let place = usize::from(number);
        let invite = *world.invites.get(place)?;
        let access = actor.organization.as_ref()?;
        let now = moment(world.now());
        let found = || {
            let (row, grants, team_grants) = invitation_rows(&invite);
            let projects: Vec<ProjectAccess> = actor.projects.iter().flatten().cloned().collect();
            let teams: Vec<_> = actor.team.iter().cloned().collect();
            let roles = world.roles.rows.clone();
            ManagedInvitation::of(access, row, (grants, projects), (team_grants, &teams), roles)
        };
        let about = |more: u64| fingerprint(&(invite, world.is_late, more));
        match what {
            Move::Revoke { .. } => {
                let may = || found().is_some_and(|managed| passed(managed.may_revoke(now)));
                if !self.ask(actor, 7, about(0), may) {
                    return None;
                }
                let mut after = world.clone();
                if invite.status == InvitationStatus::Pending {
                    resolve(&mut after.invites[place], InvitationStatus::Revoked);
                }
                return Some(after);
            }
            Move::Resend { .. } => {
                let is_expired = invitation_rows(&invite).0.status_at(now) == InvitationStatus::Expired;
                let (mut is_member, mut revival) = (false, Revival::default());
                if is_expired {
                    let holder = self.holder(invite.email);
                    is_member = holder.is_some_and(|person| world.members[usize::from(person)].is_some());
                    let is_pending = |other: &&Invite| world.is_pending(other);
                    let is_invited = world.invites.iter().filter(is_pending).any(|other| other.email == invite.email);
                    revival = Revival { is_invited, pending: 0 };
                }
                let may = |managed: &ManagedInvitation| {
                    passed(managed.may_manage()) && passed(managed.may_resend(None, now, &[], is_member, revival))
                };
                let may = || found().is_some_and(|managed| (self.rules.may_resend)(&managed, &invite, &may));
                let more = fingerprint(&(is_member, revival.is_invited));
                if !self.ask(actor, 11, about(more), may) {
                    return None;
                }
                let mut after = world.clone();
                if is_expired {
                    expire_lapsed(&mut after);
                }
                let renewed = &mut after.invites[place];
                renewed.status = InvitationStatus::Pending;
                renewed.expiry = LATER;
                renewed.in_team = renewed.in_team.or(renewed.team.map(|(role, _)| role));
                return Some(after);
            }
            _ => {}
        }
        if !self.ask(actor, 8, about(0), || found().is_some_and(|managed| passed(managed.may_update(now)))) {
            return None;
        }
        let mut after = world.clone();
        let changed = &mut after.invites[place];
        match what {
            Move::InviteRole { role, .. } => {
                let may = || {
                    let managed = found().expect("it was found before");
                    RoleRef::Id(role_id(role))
                        .among(&managed.organization, &world.roles.rows, RoleScope::Organization)
                        .is_ok_and(|role| passed(invitations::assignable(&managed, role)))
                };
                if !self.ask(actor, 42, fingerprint(&(role,)), may) {
                    return None;
                }
                if changed.role == Some(role) {
                    return Some(after);
                }
                changed.role = Some(role);
            }
            Move::InviteProject { project, .. } => {
                if !project.is_none_or(|project| self.project_grant(world, actor, project)) {
                    return None;
                }
                let wanted: Vec<_> =
                    project.iter().map(|(project, role)| (project_id(*project), role_id(*role))).collect();
                if !passed(check_invited_project(&invitation_rows(&invite).0, &wanted)) {
                    return None;
                }
                let mut grants = [None; 2];
                if let Some((project, role)) = project {
                    grants[usize::from(project)] = Some(Grant { role, added: None });
                }
                let terms = |grants: [Option<Grant>; 2]| grants.map(|grant| grant.map(|grant| grant.role));
                if terms(changed.grants) == terms(grants) {
                    return Some(after);
                }
                changed.grants = grants;
            }
            Move::InviteTeam { team, .. } => {
                if team.is_some() && !self.manages_team(actor) {
                    return None;
                }
                let same = changed.team.map(|(role, added)| (role, added.is_none()));
                if same == team.map(|role| (role, true)) {
                    return Some(after);
                }
                changed.team = team.map(|role| (role, None));
                changed.in_team = team;
            }
            _ => unreachable!(),
        }
        // Whoever changes it answers for all that it gives.
        changed.by = actor.by;
        changed.grants.iter_mut().flatten().for_each(|grant| grant.added = None);
        changed.team = changed.team.map(|(role, _)| (role, None));
        Some(after)
    }

    // Teams.

    fn team(&self, world: &World, actor: &Actor, what: Move) -> Option<World> {
        let team = actor.team.as_ref()?;
        if let Move::TeamLeave = what {
            let By::Person(person) = actor.by else { return None };
            passed(team.may_leave()).then_some(())?;
            return Some(self.without_team_member(world.clone(), person));
        }
        if !self.manages_team(actor) {
            return None;
        }
        let mut after = world.clone();
        match what {
            Move::TeamAdd { person, role } => {
                world.members[usize::from(person)]?;
                if after.in_team[usize::from(person)].is_none() {
                    after.in_team[usize::from(person)] = Some(role);
                    // Whoever is in the team as a person is not there as an invitee as well.
                    let user = self.base.user(person);
                    let twice = |invite: &&mut Invite| {
                        invite.in_team.is_some() && (self.rules.names)(user, &email(invite.email))
                    };
                    for invite in after.invites.iter_mut().filter(twice) {
                        (invite.in_team, invite.team) = (None, None);
                    }
                }
            }
            Move::TeamAddInvitee { invite: number, role } => {
                let invite = *world.invites.get(usize::from(number))?;
                let is_member =
                    self.holder(invite.email).is_some_and(|person| world.members[usize::from(person)].is_some());
                if is_member || !world.is_pending(&invite) {
                    return None;
                }
                if invite.in_team.is_none() {
                    let invite = &mut after.invites[usize::from(number)];
                    // A grant that is there stays as it is.
                    invite.team.get_or_insert((role, Some(actor.by)));
                    invite.in_team = Some(role);
                }
            }
            Move::TeamRole { member, role } => {
                let old = world.in_team[usize::from(member)]?;
                after.in_team[usize::from(member)] = Some(role);
                if old == TeamMemberRole::Lead && role != old {
                    self.narrowed(&mut after, By::Person(member));
                }
            }
            Move::TeamRoleOfInvitee { invite: number, role } => {
                let invite = *world.invites.get(usize::from(number))?;
                invite.in_team.filter(|_| world.is_pending(&invite))?;
                let invite = &mut after.invites[usize::from(number)];
                invite.in_team = Some(role);
                // Who gave the team stays.
                invite.team = invite.team.map(|(_, added)| (role, added));
            }
            Move::TeamRemove { member } => {
                world.in_team[usize::from(member)]?;
                after = self.without_team_member(after, member);
            }
            _ => unreachable!(),
        }
        Some(after)
    }

    fn without_team_member(&self, mut after: World, member: u8) -> World {
        if after.in_team[usize::from(member)].take() == Some(TeamMemberRole::Lead) {
            self.narrowed(&mut after, By::Person(member));
        }
        after
    }

    // Roles.

    /// The keys of the permissions that a move names.
    fn keys_of(&self, access: &OrganizationAccess, scope: RoleScope, permissions: Permissions) -> Vec<String> {
        let policy = &self.base.policy;
        match permissions {
            Permissions::Nothing => Vec::new(),
            Permissions::Held => {
                let held = policy.at(access.everywhere(scope), scope);
                policy.held(held).map(|held| held.key.clone().into_owned()).collect()
            }
            Permissions::One(place) => {
                let mut of_scope = policy.definitions().filter(|definition| definition.scope == scope);
                of_scope.nth(usize::from(place)).map(|one| one.key.clone().into_owned()).into_iter().collect()
            }
        }
    }

    fn role_create(&self, world: &World, actor: &Actor, scope: RoleScope, permissions: Permissions) -> Option<World> {
        let access = actor.organization.as_ref()?;
        let may = || {
            let keys = self.keys_of(access, scope, permissions);
            passed(roles::may_create(access, &world.roles.rows, 100))
                && roles::check_given(access, scope, &keys).is_ok()
        };
        if !self.ask(actor, 21, fingerprint(&(scope, permissions)), may) {
            return None;
        }
        let keys = roles::check_given(access, scope, &self.keys_of(access, scope, permissions)).unwrap();
        // Roles that are alike when they are made are one role: its key is taken then.
        let made = (scope, keys.clone());
        let known = self.made_roles.borrow().iter().position(|known| *known == made);
        let place = known.unwrap_or_else(|| {
            self.made_roles.borrow_mut().push(made);
            self.made_roles.borrow().len() - 1
        });
        let number = FIRST_MADE + u8::try_from(place).unwrap();
        if world.roles.get(number).is_some() {
            return None;
        }
        let mut rows = world.roles.rows.to_vec();
        rows.push(custom_role(number, scope, &format!("made{place}"), keys));
        Some(World { roles: self.role_set(rows), ..world.clone() })
    }

    fn role_update(&self, world: &World, actor: &Actor, number: RoleNo, permissions: Permissions) -> Option<World> {
        let access = actor.organization.as_ref()?;
        let before = world.roles.get(number)?;
        let may = || {
            let keys = self.keys_of(access, before.scope, permissions);
            access.shows_role(before)
                && passed(roles::may_change(access, before))
                && roles::check_given(access, before.scope, &keys).is_ok()
        };
        if !self.ask(actor, 22, fingerprint(&(number, permissions)), may) {
            return None;
        }
        let keys = roles::check_given(access, before.scope, &self.keys_of(access, before.scope, permissions)).unwrap();
        if keys == before.permissions {
            return Some(world.clone());
        }
        let mut rows = world.roles.rows.to_vec();
        let row = rows.iter_mut().find(|role| number_of(role) == number).unwrap();
        row.permissions = keys;
        let mut after = World { roles: self.role_set(rows), ..world.clone() };
        self.role_changed(&mut after, number);
        Some(after)
    }

    fn role_delete(&self, world: &World, actor: &Actor, number: RoleNo, replacement: Option<RoleNo>) -> Option<World> {
        let access = actor.organization.as_ref()?;
        let role = world.roles.get(number)?;
        let by = replacement.map(|by| RoleRef::Id(role_id(by)));
        let may = || {
            access.shows_role(role)
                && passed(roles::may_change(access, role))
                && by.as_ref().is_none_or(|by| passed(roles::check_replacement(access, &world.roles.rows, role, by)))
        };
        if !self.ask(actor, 23, fingerprint(&(number, replacement)), may) {
            return None;
        }
        let gives = |invite: &Invite| {
            invite.role == Some(number) || invite.grants.iter().flatten().any(|grant| grant.role == number)
        };
        if replacement.is_none() {
            let in_projects = world.in_project.iter().flatten();
            let members = world.members.iter().chain(in_projects).filter(|held| **held == Some(number)).count();
            let pending = world.invites.iter().filter(|invite| world.is_pending(invite) && gives(invite)).count();
            let uses = Uses { members: i64::try_from(members).unwrap(), invitations: i64::try_from(pending).unwrap() };
            if !passed(roles::check_unused(role, uses)) {
                return None;
            }
        }
        let mut after = world.clone();
        expire_lapsed(&mut after);
        let swap = |held: &mut Option<RoleNo>| {
            if *held == Some(number) {
                *held = replacement;
            }
        };
        after.members.iter_mut().for_each(swap);
        after.in_project.iter_mut().flatten().for_each(swap);
        let of_ended = (self.rules.role_of_ended)(&world.roles.rows, role.scope);
        for invite in &mut after.invites {
            let by = if invite.status == InvitationStatus::Pending { replacement } else { of_ended };
            invite.inherited |= invite.status != InvitationStatus::Pending && of_ended.is_some() && gives(invite);
            if invite.role == Some(number) {
                invite.role = by;
            }
            for grant in &mut invite.grants {
                if grant.is_some_and(|grant| grant.role == number) {
                    *grant = grant.zip(by).map(|(grant, role)| Grant { role, ..grant });
                }
            }
        }
        let rows = world.roles.rows.iter().filter(|role| number_of(role) != number).cloned().collect();
        after.roles = self.role_set(rows);
        if let Some(replacement) = replacement {
            self.role_changed(&mut after, replacement);
        }
        Some(after)
    }

    // Keys.

    fn key_create(&self, world: &World, actor: &Actor, project: Option<u8>, permissions: Permissions) -> Option<World> {
        let access = actor.organization.as_ref()?;
        let in_project = project.map(|project| actor.projects[usize::from(project)].as_ref());
        // One of another organization, or one that is not seen, is not found.
        let in_project = match in_project {
            Some(None) => return None,
            Some(found) => found,
            None => None,
        };
        let parent = if let By::Key(number) = actor.by { Some(number) } else { None };
        let parent = parent.filter(|_| !self.rules.do_keys_outlive);
        let now = moment(world.now());
        let policy = &self.base.policy;
        let keys = match permissions {
            Permissions::Held => {
                let projects =
                    in_project.map_or_else(|| access.everywhere(RoleScope::Project), |found| found.permissions);
                let wide = policy.at(access.permissions, RoleScope::Organization);
                let held = if project.is_some() { projects } else { projects.union(wide) };
                let never = [Permission::OrganizationTransfer.key(), Permission::OrganizationDelete.key()];
                let held = policy.held(held).map(|held| held.key.clone().into_owned());
                held.filter(|key| !never.contains(&key.as_str())).collect()
            }
            _ => self.keys_of(access, RoleScope::Organization, permissions),
        };
        let row = parent.map(|parent| {
            let key = &world.keys[usize::from(parent)];
            key_row(parent, key, &self.lists.borrow()[usize::from(key.permissions)])
        });
        let active = i64::try_from(world.keys.iter().filter(|key| world.is_active(key)).count()).unwrap();
        let create = api_keys::Create {
            organization: OrganizationRef::Id(ORGANIZATION),
            project: None,
            name: "key".to_owned(),
            permissions: keys,
            expires_at: None,
        };
        let checked = || create.checked(access, in_project, row.as_ref(), now);
        let about = fingerprint(&(project, permissions, parent.map(|parent| world.keys[usize::from(parent)])));
        let may = || passed(api_keys::may_create(access, active, 50)) && passed(checked());
        if !self.ask(actor, 24, about, may) {
            return None;
        }
        let (_, permissions, expires_at) = checked().ok()?;
        let expiry = (0..NEVER).find(|number| super::world::expiry(*number) == expires_at).unwrap_or(NEVER);
        let responsible = api_keys::responsible(&actor.viewer);
        let mut after = world.clone();
        after.keys.push(Key {
            permissions: self.list(permissions),
            project,
            responsible: responsible.map(|user| u8::try_from(user.0.as_u128() & 0xff).unwrap()),
            parent,
            expiry,
            is_revoked: false,
            is_known: true,
        });
        Some(after)
    }

    fn key(&self, world: &World, actor: &Actor, number: u8, what: Move) -> Option<World> {
        let access = actor.organization.as_ref()?;
        let key = *world.keys.get(usize::from(number))?;
        let may = || api_keys::knows(&actor.viewer, access, key_id(number)) && passed(api_keys::may_manage(access));
        if !self.ask(actor, 25, number.into(), may) {
            return None;
        }
        let now = moment(world.now());
        let row = || key_row(number, &key, &self.lists.borrow()[usize::from(key.permissions)]);
        let mut after = world.clone();
        match what {
            Move::KeyRevoke { .. } => {
                if !key.is_revoked {
                    self.end_keys(&mut after, &[number]);
                }
            }
            Move::KeyRotate { .. } => {
                let made = match actor.by {
                    By::Key(own) => world.descendants(&[own]),
                    By::Person(_) => Vec::new(),
                };
                let made = made.into_iter().map(|number| {
                    let key = &world.keys[usize::from(number)];
                    key_row(number, key, &self.lists.borrow()[usize::from(key.permissions)])
                });
                let may = self.may_hold(actor, access, number, key)
                    && passed(api_keys::check_in_hand(&actor.viewer, &row(), &made.collect::<Vec<_>>()))
                    && passed(api_keys::check_active(&row(), now));
                if !may {
                    return None;
                }
                after.keys[usize::from(number)].is_known = true;
                if let By::Person(person) = actor.by {
                    self.take_over(&mut after, &[number], Some(person));
                }
            }
            Move::KeyTakeOver { .. } => {
                let may = passed(api_keys::check_person(&actor.viewer))
                    && passed(api_keys::check_active(&row(), now))
                    && self.may_hold(actor, access, number, key);
                let By::Person(person) = actor.by else { return None };
                if !may {
                    return None;
                }
                self.take_over(&mut after, &[number], Some(person));
            }
            _ => unreachable!(),
        }
        Some(after)
    }

    // What follows.

    fn end_keys(&self, after: &mut World, keys: &[u8]) {
        let mut ended = keys.to_vec();
        ended.extend(after.descendants(keys));
        for number in &ended {
            after.keys[usize::from(*number)].is_revoked = true;
        }
        for number in ended {
            self.narrowed(after, By::Key(number));
        }
    }

    fn take_over(&self, after: &mut World, keys: &[u8], responsible: Option<u8>) {
        let other = |number: &&u8| after.keys[usize::from(**number)].responsible != responsible;
        let mut taken: Vec<u8> = keys.iter().filter(other).copied().collect();
        taken.extend(after.descendants(&taken));
        for number in &taken {
            let key = &mut after.keys[usize::from(*number)];
            key.responsible = responsible;
            key.parent = key.parent.filter(|parent| taken.contains(parent));
        }
        for number in taken {
            self.narrowed(after, By::Key(number));
        }
    }

    /// Somebody's rights changed: what they and their keys can give no more is taken back.
    fn rights_changed(&self, after: &mut World, person: u8) {
        let theirs: Vec<u8> = after
            .keys()
            .filter(|(_, key)| key.responsible == Some(person) && after.is_active(key))
            .map(|(number, _)| number)
            .collect();
        self.narrowed(after, By::Person(person));
        for number in theirs {
            self.narrowed(after, By::Key(number));
        }
    }

    /// A role changed: whoever has it, or gave it, may give less.
    fn role_changed(&self, after: &mut World, role: RoleNo) {
        let mut givers: HashSet<By> = HashSet::new();
        for invite in after.invites.iter().filter(|invite| invite.status == InvitationStatus::Pending) {
            let mut given = vec![(invite.by, invite.role)];
            let grants = invite.grants.iter().flatten();
            given.extend(grants.map(|grant| (grant.added.unwrap_or(invite.by), Some(grant.role))));
            given.extend(
                invite.team.and_then(|(_, added)| added).filter(|_| self.rules.are_teams_judged).map(|by| (by, None)),
            );
            for (by, gave) in given {
                let person = match by {
                    By::Person(person) => Some(person),
                    By::Key(key) => after.keys[usize::from(key)].responsible,
                };
                let has = person.map(usize::from).is_some_and(|person| {
                    let in_projects = after.in_project.iter().map(|members| members[person]);
                    in_projects.chain([after.members[person]]).any(|held| held == Some(role))
                });
                if gave == Some(role) || has {
                    givers.insert(by);
                }
            }
        }
        for by in givers {
            self.narrowed(after, by);
        }
    }

    /// Takes back what somebody invited to, or added to the invitations of others, and can give no more.
    pub fn narrowed(&self, after: &mut World, by: By) {
        let concerns = |invite: &Invite| {
            let added = invite.grants.iter().flatten().any(|grant| grant.added == Some(by));
            let is_open = invite.status == InvitationStatus::Pending;
            is_open && (invite.by == by || added || invite.team.is_some_and(|(_, added)| added == Some(by)))
        };
        if !after.invites.iter().any(concerns) {
            return;
        }
        let actor = self.actor(after, by);
        let inviter = &actor.inviter;
        for place in 0..after.invites.len() {
            let invite = after.invites[place];
            if !concerns(&invite) {
                continue;
            }
            let (row, grants, teams): (Invitation, Vec<ProjectGrant>, Vec<TeamGrant>) = invitation_rows(&invite);
            let changed = &mut after.invites[place];
            for grant in grants.iter().filter(|grant| grant.added_by_id.is_some()) {
                let added = (grant.added_by_kind.unwrap(), grant.added_by_id);
                if added == actor_ref(by) && !inviter.can_grant_project(grant) {
                    let project = changed.grants.iter_mut().enumerate();
                    for (number, grants) in project {
                        if project_id(u8::try_from(number).unwrap()) == grant.project_id {
                            *grants = None;
                        }
                    }
                }
            }
            for grant in teams.iter().filter(|grant| grant.added_by_id.is_some()) {
                let added = (grant.added_by_kind.unwrap(), grant.added_by_id);
                if added == actor_ref(by) && self.rules.are_teams_judged && !inviter.can_grant_team(grant) {
                    (changed.team, changed.in_team) = (None, None);
                }
            }
            if invite.by == by && !(self.rules.can_invite)(inviter, &invite, &row, &grants, &teams) {
                resolve(changed, InvitationStatus::Revoked);
            }
        }
    }
}

fn new_invite(
    email: u8,
    role: RoleNo,
    by: By,
    project: Option<u8>,
    grants: [Option<Grant>; 2],
    team: Option<(TeamMemberRole, Option<By>)>,
) -> Invite {
    Invite {
        email,
        status: InvitationStatus::Pending,
        expiry: LATER,
        role: Some(role),
        project,
        by,
        accepted_by: None,
        grants,
        team,
        in_team: team.map(|(role, _)| role),
        inherited: false,
    }
}

/// Ends a pending invitation; one that ended stays as it is.
fn resolve(invite: &mut Invite, status: InvitationStatus) {
    if invite.status == InvitationStatus::Pending {
        invite.status = status;
        invite.in_team = None;
    }
}

fn expire_lapsed(world: &mut World) {
    let now = world.now();
    for invite in world.invites.iter_mut().filter(|invite| invite.expiry < now) {
        resolve(invite, InvitationStatus::Expired);
    }
}

fn owner_of(roles: &Roles, scope: RoleScope) -> RoleNo {
    number_of(roles.rows.iter().find(|role| role.scope == scope && role.is_owner()).unwrap())
}

fn owner_place(roles: &Roles, members: &[Option<RoleNo>; PEOPLE]) -> usize {
    let owner = owner_of(roles, RoleScope::Organization);
    members.iter().position(|held| *held == Some(owner)).unwrap_or(usize::from(OWNER))
}

/// A role of the organization's own.
pub fn custom_role(number: RoleNo, scope: RoleScope, name: &str, permissions: Vec<String>) -> Role {
    Role {
        organization_id: ORGANIZATION,
        id: role_id(number),
        scope,
        key: name.to_owned(),
        built_in: None,
        permissions,
        name: name.to_owned(),
        sort_name: String::new(),
        description: None,
        rank: CUSTOM_RANK,
        version: 1,
        created_at: moment(0),
        updated_at: moment(0),
    }
}
