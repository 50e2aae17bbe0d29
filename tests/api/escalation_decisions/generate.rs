//! Organizations from a seed.

use std::sync::Arc;

use roster::{
    access::Policy,
    domain::{
        invitation::InvitationStatus,
        role::{BuiltInRole, RoleScope},
        team::TeamMemberRole,
    },
    store::roles::Role,
};

use super::{
    attempt::{Stage, custom_role},
    world::{
        A, Base, By, Grant, Invite, Key, LATER, NEVER, NOBODYS, ORGANIZATION, OWNER, P, PAST, PEOPLE, PROJECTS, RoleNo,
        SOON, World, moment, number_of, role_id,
    },
};

/// Splitmix64: the same numbers for the same seed, everywhere.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count as u64).unwrap()
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.below(among.len())]
    }

    /// One of several things, by weight.
    fn weighed<T: Copy>(&mut self, among: &[(usize, T)]) -> T {
        let mut at = self.below(among.iter().map(|(weight, _)| weight).sum());
        for (weight, thing) in among {
            match at.checked_sub(*weight) {
                Some(rest) => at = rest,
                None => return *thing,
            }
        }
        unreachable!()
    }
}

/// The addresses of a seed: each person's, and whether their identity provider vouches for it. Somebody may claim the
/// address of another.
pub fn base(policy: &Arc<Policy>, dice: &mut Dice) -> Base {
    let mut addresses = [0, 1, 2, 3, 4].map(|number| (number, true));
    addresses[usize::from(P)].1 = dice.chance(90);
    let of_a = [(60, (A, true)), (10, (A, false)), (15, (NOBODYS, false)), (15, (2, false))];
    addresses[usize::from(A)] = dice.weighed(&of_a);
    if dice.chance(20) {
        addresses[3] = (A, false);
    }
    Base::new(policy.clone(), addresses)
}

/// The organization of a seed.
pub fn world(stage: &Stage<'_>, dice: &mut Dice) -> World {
    let rows = roles(stage, dice);
    let of =
        |scope: RoleScope| -> Vec<RoleNo> { rows.iter().filter(|role| role.scope == scope).map(number_of).collect() };
    let (in_organization, in_projects) = (of(RoleScope::Organization), of(RoleScope::Project));
    let (owner, project_owner) = (in_organization[0], in_projects[0]);
    let custom: Vec<RoleNo> = in_organization.iter().copied().filter(|role| *role >= CUSTOM).collect();
    let own = |dice: &mut Dice| if custom.is_empty() { 3 } else { dice.pick(&custom) };
    let (mine, other) = (own(dice), own(dice));
    let of_p = [(60, Some(mine)), (3, Some(1)), (12, Some(2)), (12, Some(3)), (8, Some(4)), (5, None)];
    let of_a = [(50, None), (15, Some(other)), (15, Some(4)), (10, Some(3)), (10, Some(2))];
    let of_b = [(35, Some(1)), (30, Some(other)), (15, Some(2)), (15, Some(3)), (5, None)];
    let of_c = [(40, None), (20, Some(mine)), (20, Some(2)), (20, Some(4))];
    let members = [dice.weighed(&of_p), dice.weighed(&of_a), dice.weighed(&of_b), dice.weighed(&of_c), Some(owner)];
    let mut in_project = [[None; PEOPLE]; PROJECTS];
    for places in &mut in_project {
        for (place, member) in places.iter_mut().zip(members) {
            *place = member.filter(|_| dice.chance(50)).map(|_| dice.pick(&in_projects[1..]));
        }
        let chief = dice.weighed(&[(60, OWNER), (25, 2), (15, P)]);
        let chief = if members[usize::from(chief)].is_some() { chief } else { OWNER };
        places[usize::from(chief)] = Some(project_owner);
    }
    let lead = |dice: &mut Dice| dice.weighed(&[(35, TeamMemberRole::Lead), (65, TeamMemberRole::Member)]);
    let in_team = members.map(|member| member.filter(|_| dice.chance(40)).map(|_| lead(dice)));
    let mut world = World {
        is_late: false,
        roles: stage.role_set(rows),
        members,
        in_project,
        in_team,
        keys: vec![],
        invites: vec![],
    };
    for _ in 0..=dice.below(2) {
        let key = key(stage, dice, world.keys.first());
        world.keys.push(key);
    }
    for _ in 0..=dice.below(3) {
        let invite = invite(dice, (&in_organization, &in_projects));
        let is_taken = |other: &Invite| other.email == invite.email && other.status == InvitationStatus::Pending;
        if invite.status != InvitationStatus::Pending || !world.invites.iter().any(is_taken) {
            world.invites.push(invite);
        }
    }
    // What somebody could give no more was taken back when that came about.
    let keys = (0..world.keys.len()).map(|number| By::Key(u8::try_from(number).unwrap()));
    let givers = (0..PEOPLE).map(|person| By::Person(u8::try_from(person).unwrap())).chain(keys);
    givers.for_each(|by| stage.narrowed(&mut world, by));
    world
}

/// The first number of a custom role.
const CUSTOM: RoleNo = 9;

fn roles(stage: &Stage<'_>, dice: &mut Dice) -> Vec<Role> {
    let scopes = [RoleScope::Organization, RoleScope::Project];
    let built_in = scopes.into_iter().flat_map(|scope| BuiltInRole::of(scope).map(move |role| (scope, role)));
    let built_in = (0..)
        .zip(built_in)
        .map(|(number, (scope, role))| Role::built_in(ORGANIZATION, role_id(number), scope, role, moment(PAST)));
    let mut rows: Vec<Role> = built_in.collect();
    for number in CUSTOM..CUSTOM + 2 + u8::try_from(dice.below(3)).unwrap() {
        let scope = if number == CUSTOM { RoleScope::Organization } else { dice.pick(&scopes) };
        rows.push(custom_role(number, scope, &format!("own{number}"), permissions(stage, dice, Some(scope))));
    }
    rows
}

/// Some of the permissions of a level, or of both.
fn permissions(stage: &Stage<'_>, dice: &mut Dice, scope: Option<RoleScope>) -> Vec<String> {
    let share = dice.weighed(&[(32, 15), (32, 35), (32, 60), (4, 100)]);
    let of_scope = stage.base.policy.definitions().filter(|definition| scope.is_none_or(|of| of == definition.scope));
    let some = of_scope.filter(|_| dice.chance(share)).map(|definition| definition.key.clone().into_owned());
    some.collect()
}

/// A key; one that another made was given no more than that, ends with it, and the same person answers for it.
fn key(stage: &Stage<'_>, dice: &mut Dice, first: Option<&Key>) -> Key {
    let parent = first.filter(|first| first.project.is_none() && dice.chance(40));
    let project = dice.weighed(&[(60, None), (20, Some(0)), (20, Some(1))]);
    let mut keys = permissions(stage, dice, project.map(|_| RoleScope::Project));
    let mut expiry = dice.weighed(&[(50, NEVER), (30, SOON), (15, LATER), (5, PAST)]);
    let mut is_revoked = dice.chance(5);
    let mut responsible = dice.weighed(&[(40, Some(P)), (10, Some(A)), (25, Some(2)), (10, Some(OWNER)), (15, None)]);
    let is_known = dice.chance(60);
    if let Some(parent) = parent {
        let of_parent = stage.lists.borrow()[usize::from(parent.permissions)].clone();
        keys.retain(|key| of_parent.contains(key));
        expiry = expiry.min(parent.expiry);
        is_revoked |= parent.is_revoked;
        responsible = parent.responsible;
    }
    Key { permissions: stage.list(keys), project, responsible, parent: parent.map(|_| 0), expiry, is_revoked, is_known }
}

fn invite(dice: &mut Dice, (organization, projects): (&[RoleNo], &[RoleNo])) -> Invite {
    let by = |dice: &mut Dice| {
        let by =
            [(30, By::Person(2)), (30, By::Person(OWNER)), (15, By::Person(P)), (15, By::Key(0)), (10, By::Person(3))];
        dice.weighed(&by)
    };
    let status = dice.weighed(&[
        (65, InvitationStatus::Pending),
        (25, InvitationStatus::Expired),
        (5, InvitationStatus::Revoked),
        (5, InvitationStatus::Declined),
    ]);
    let expiry = match status {
        InvitationStatus::Expired => PAST,
        _ => dice.weighed(&[(60, LATER), (20, SOON), (20, PAST)]),
    };
    let project = dice.weighed(&[(50, None), (25, Some(0)), (25, Some(1))]);
    let mut grants = [None; PROJECTS];
    for (number, grant) in (0..).zip(&mut grants) {
        if project == Some(number) || dice.chance(20) {
            let added = (project != Some(number) && dice.chance(40)).then(|| by(dice));
            *grant = Some(Grant { role: dice.pick(&projects[1..]), added });
        }
    }
    let team = dice.chance(35).then(|| {
        let role = dice.pick(&[TeamMemberRole::Lead, TeamMemberRole::Member]);
        (role, dice.chance(40).then(|| by(dice)))
    });
    let in_team = team.map(|(role, _)| role).filter(|_| status == InvitationStatus::Pending);
    let weak: Vec<RoleNo> = organization.iter().copied().filter(|role| *role > 1).collect();
    Invite {
        email: dice.weighed(&[(50, A), (20, P), (15, NOBODYS), (15, 3)]),
        status,
        expiry,
        role: Some(dice.pick(&weak)),
        project,
        by: by(dice),
        accepted_by: None,
        grants,
        team,
        in_team,
        inherited: false,
    }
}
