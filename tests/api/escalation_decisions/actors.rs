//! Somebody in a world, as the server finds them there.

use std::sync::Arc;

use roster::{
    access::{Backend, Inviter, OrganizationAccess, PermissionSet, ProjectAccess, TeamAccess, Viewer},
    domain::{id::OrganizationMemberId, role::RoleScope, team::TeamMemberRole},
    store::{
        organization_members::{Membership, OrganizationMember},
        organizations::WithMembership,
        teams::TeamAndRole,
    },
};

use super::{
    rules::Rules,
    world::{Base, By, Key, PROJECTS, RoleNo, World, key_and_roles, moment, uuid},
};

/// All that decides what somebody is: two who are alike in it are one actor.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Identity {
    Person(u8, u32, Option<RoleNo>, [Option<RoleNo>; PROJECTS], Option<TeamMemberRole>),
    Key(u8, u32, Key, bool, Option<RoleNo>, Option<RoleNo>),
}

impl Identity {
    pub fn of(world: &World, by: By) -> Self {
        let in_project = |person: usize| [world.in_project[0][person], world.in_project[1][person]];
        match by {
            By::Person(number) => {
                let person = usize::from(number);
                let (member, team) = (world.members[person], world.in_team[person]);
                Self::Person(number, world.roles.id, member, in_project(person), team)
            }
            By::Key(number) => {
                let key = world.keys[usize::from(number)];
                let person = key.responsible.map(usize::from);
                let member = person.and_then(|person| world.members[person]);
                let project = person.zip(key.project);
                let role = project.and_then(|(person, project)| world.in_project[usize::from(project)][person]);
                // Who knows it, and until when it lasts beyond now, does not matter to what it may do now.
                Self::Key(number, world.roles.id, Key { is_known: true, ..key }, world.is_active(&key), member, role)
            }
        }
    }
}

/// What is held, in the organization and in each of the projects, whether the team's members are managed, and whether
/// what all members of the organization see is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    pub sets: [PermissionSet; PROJECTS + 1],
    pub leads: bool,
    pub is_inside: bool,
}

impl Rights {
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        let mut sets = self.sets;
        sets.iter_mut().zip(other.sets).for_each(|(set, more)| *set = set.union(more));
        Self { sets, leads: self.leads || other.leads, is_inside: self.is_inside || other.is_inside }
    }

    pub fn covers(self, other: Self) -> bool {
        self.union(other) == self
    }
}

/// Somebody, with what they are in all places.
pub struct Actor {
    pub id: u32,
    pub by: By,
    pub viewer: Viewer,
    pub organization: Option<Arc<OrganizationAccess>>,
    pub projects: [Option<ProjectAccess>; PROJECTS],
    pub team: Option<TeamAccess>,
    pub inviter: Inviter,
    pub rights: Rights,
}

impl Actor {
    pub fn new(base: &Base, rules: &Rules, world: &World, by: By, id: u32, lists: &[Vec<String>]) -> Self {
        let viewer = match by {
            By::Person(number) => Viewer::Person(base.user(number).clone()),
            By::Key(number) => {
                let key = &world.keys[usize::from(number)];
                if world.is_active(key) {
                    let found = key_and_roles(world, number, &lists[usize::from(key.permissions)]);
                    let effective = (rules.of_key)(&base.policy, &found);
                    Viewer::Key(Backend { secret_hash: found.key.secret_hash.clone(), key: found.key, effective })
                } else {
                    Viewer::Nobody
                }
            }
        };
        let person = if let By::Person(number) = by { Some(usize::from(number)) } else { None };
        let get = |role: RoleNo| world.roles.get(role).unwrap();
        let role = person.and_then(|person| world.members[person]).map(get);
        let membership = role.zip(viewer.person()).map(|(role, user)| {
            let id = OrganizationMemberId(uuid(7, 0));
            Membership::from(OrganizationMember::new(id, user, role, moment(0)))
        });
        let found = WithMembership {
            organization: base.organization.clone(),
            membership,
            built_in: role.and_then(|role| role.built_in),
            permissions: role.map(|role| role.permissions.clone()),
        };
        let organization = OrganizationAccess::of(&base.policy, &viewer, found);
        let mut rights = Rights::default();
        let mut projects: [Option<ProjectAccess>; PROJECTS] = [const { None }; PROJECTS];
        let mut team = None;
        if let Some(access) = &organization {
            let is_let_in = !matches!(&viewer, Viewer::Key(key) if key.effective.is_empty());
            rights.is_inside = is_let_in && access.is_inside;
            rights.sets[0] = base.policy.at(access.permissions, RoleScope::Organization);
            for (place, project) in base.projects.iter().enumerate() {
                let own = person.and_then(|person| world.in_project[place][person]).map(get);
                let own = own.map(|role| base.policy.of_role(role));
                // What is held where the project is not seen counts as well: it might come to be seen.
                if access.only_project.is_none_or(|only| only == project.id) {
                    rights.sets[place + 1] = own.unwrap_or_default().union(access.everywhere(RoleScope::Project));
                }
                projects[place] = ProjectAccess::of(access, project.clone(), own);
            }
            let viewer_role = person.and_then(|person| world.in_team[person]);
            team = TeamAccess::of(access, TeamAndRole { team: base.team.clone(), viewer_role });
            rights.leads = team.as_ref().is_some_and(|team| team.may_manage_members().is_ok());
        }
        let inviter = match organization.clone().filter(|access| access.belongs) {
            Some(access) => {
                let known = projects.iter().flatten().cloned().collect();
                let teams: Vec<TeamAccess> = team.iter().cloned().collect();
                Inviter::of(access, known, &teams, world.roles.rows.to_vec())
            }
            None => Inviter::default(),
        };
        Self { id, by, viewer, organization, projects, team, inviter, rights }
    }

    /// Whether a key lets its holder in.
    pub fn is_let_in(&self) -> bool {
        match &self.viewer {
            Viewer::Key(key) => !key.effective.is_empty(),
            Viewer::Person(_) => true,
            Viewer::Nobody | Viewer::Operator => false,
        }
    }
}
