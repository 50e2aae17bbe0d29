//! The one table of what the built-in roles may do.

use std::{borrow::Cow, collections::HashMap};

use super::permission::{Definition, Permission, PermissionSet, own_bit};
use crate::{
    domain::role::{BuiltInRole, RoleScope},
    store::{
        api_keys::{ApiKey, HeldRole, KeyAndRoles},
        roles::Role,
        users::{Shows, Sight},
    },
};

use BuiltInRole::{Admin, Member, Owner, Viewer};
use Permission as P;

/// Which built-in roles hold a permission, at the permission's own level.
pub const POLICY: &[(Permission, &[BuiltInRole])] = &[
    (P::OrganizationUpdate, &[Owner, Admin]),
    (P::OrganizationDelete, &[Owner]),
    (P::OrganizationTransfer, &[Owner]),
    (P::MembersRead, &[Owner, Admin, Member, Viewer]),
    (P::MembersManage, &[Owner, Admin]),
    (P::InvitationsRead, &[Owner, Admin, Member]),
    (P::InvitationsManage, &[Owner, Admin]),
    (P::RolesManage, &[Owner, Admin]),
    (P::TeamsManage, &[Owner, Admin]),
    (P::ApiKeysManage, &[Owner, Admin]),
    (P::ProjectsCreate, &[Owner, Admin, Member]),
    (P::ProjectsRead, &[Owner, Admin]),
    (P::ProjectsManage, &[Owner, Admin]),
    (P::ProjectsOwn, &[Owner]),
    (P::ProjectRead, &[Owner, Admin, Member, Viewer]),
    (P::ProjectUpdate, &[Owner, Admin]),
    (P::ProjectDelete, &[Owner]),
    (P::ProjectTransfer, &[Owner]),
    (P::ProjectMembersRead, &[Owner, Admin, Member, Viewer]),
    (P::ProjectMembersManage, &[Owner, Admin]),
    (P::ProjectInvitationsManage, &[Owner, Admin]),
];

/// What an organization permission gives in every project: as much as these roles of the project do.
const IN_EVERY_PROJECT: &[(Permission, BuiltInRole)] =
    &[(P::ProjectsRead, Viewer), (P::ProjectsManage, Admin), (P::ProjectsOwn, Owner)];

/// What no API key can hold: who has it decides what becomes of the whole.
pub const NOT_IN_KEYS: &[Permission] = &[P::OrganizationTransfer, P::OrganizationDelete];

/// All permissions there are, and what each role makes of them.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Each with its bit.
    definitions: Vec<(usize, Definition)>,
    by_key: HashMap<Cow<'static, str>, usize>,
}

impl Default for Policy {
    /// The permissions of this server alone.
    fn default() -> Self {
        Self::with_own(Vec::new())
    }
}

impl Policy {
    /// The permissions of this server and the operator's own, of which [`super::MAX_OWN`] count.
    pub fn with_own(own: Vec<Definition>) -> Self {
        let built_in = POLICY.iter().map(|(permission, roles)| (*permission as usize, built_in(*permission, roles)));
        let own = own.into_iter().enumerate().map(|(place, definition)| (own_bit(place), definition));
        let definitions: Vec<_> = built_in.chain(own).collect();
        let by_key = definitions.iter().map(|(bit, definition)| (definition.key.clone(), *bit)).collect();
        Self { definitions, by_key }
    }

    /// Every permission, those of this server first.
    pub fn definitions(&self) -> impl Iterator<Item = &Definition> {
        self.definitions.iter().map(|(_, definition)| definition)
    }

    /// Every permission of both levels.
    pub fn everything(&self) -> PermissionSet {
        self.all_where(|_| true)
    }

    /// The permissions of a built-in role.
    pub fn of_built_in(&self, scope: RoleScope, role: BuiltInRole) -> PermissionSet {
        self.all_where(|definition| definition.scope == scope && definition.roles.contains(&role))
    }

    /// The permissions of a role: those of the table for a built-in role, its own otherwise.
    pub fn of_role(&self, role: &Role) -> PermissionSet {
        self.of_stored(role.scope, role.built_in, &role.permissions)
    }

    /// The permissions of a role, given what is stored of it. What the operator moved to the other level since is
    /// not held.
    pub fn of_stored(&self, scope: RoleScope, built_in: Option<BuiltInRole>, keys: &[String]) -> PermissionSet {
        match built_in {
            Some(built_in) => self.of_built_in(scope, built_in),
            None => self.at(self.of_keys(keys), scope),
        }
    }

    /// What an API key may do now: what it was given, as far as whoever answers for it holds that. What they hold as a
    /// member of the project counts for a key that they limited to it. It does not for a key that a key made: that key
    /// is of the whole organization, as one that makes keys has to be, and what it made holds no more than it does.
    pub fn of_key(&self, found: &KeyAndRoles) -> PermissionSet {
        let granted = self.granted(&found.key);
        if found.key.responsible().is_none() {
            return granted;
        }
        let of_role = |scope, role: &HeldRole| self.of_stored(scope, role.built_in, &role.permissions);
        let Some(role) = &found.organization_role else { return PermissionSet::NONE };
        let organization = of_role(RoleScope::Organization, role);
        let in_projects = self.in_projects(organization);
        let own = match (found.key.project_id, found.key.parent_id) {
            (None, _) => organization,
            (Some(_), None) => {
                found.project_role.as_ref().map_or(PermissionSet::NONE, |role| of_role(RoleScope::Project, role))
            }
            (Some(_), Some(_)) => PermissionSet::NONE,
        };
        granted.intersection(in_projects.union(own))
    }

    /// What an API key was given: of one that is limited to a project, permissions of that level only.
    pub fn granted(&self, key: &ApiKey) -> PermissionSet {
        let permissions = self.of_keys(&key.permissions).without(PermissionSet::of(NOT_IN_KEYS));
        if key.project_id.is_some() { self.at(permissions, RoleScope::Project) } else { permissions }
    }

    /// Which roles show whom, for questions about many people at once.
    pub fn sight(&self) -> Sight {
        let built_in = |scope, shows: &dyn Fn(PermissionSet) -> bool| {
            BuiltInRole::of(scope).filter(|role| shows(self.of_built_in(scope, *role))).collect::<Vec<_>>()
        };
        let in_project = [P::ProjectRead, P::ProjectMembersRead];
        let everywhere =
            |organization: PermissionSet| self.in_projects(organization).covers(PermissionSet::of(&in_project));
        let keys = |permissions: &[Permission]| permissions.iter().map(|held| held.key().to_owned()).collect();
        let showing: Vec<Permission> = IN_EVERY_PROJECT
            .iter()
            .map(|(permission, _)| *permission)
            .filter(|permission| everywhere(PermissionSet::of(&[*permission])))
            .collect();
        Sight {
            members: Shows {
                built_in: built_in(RoleScope::Organization, &|held| held.has(P::MembersRead)),
                permissions: keys(&[P::MembersRead]),
            },
            all_project_members: Shows {
                built_in: built_in(RoleScope::Organization, &everywhere),
                permissions: keys(&showing),
            },
            project_members: self.project_roles_with(&in_project),
        }
    }

    /// Which roles of projects hold all of these permissions: custom ones whose own hold all the keys.
    pub fn project_roles_with(&self, needed: &[Permission]) -> Shows {
        let holds = |role: &BuiltInRole| self.of_built_in(RoleScope::Project, *role).covers(PermissionSet::of(needed));
        Shows {
            built_in: BuiltInRole::of(RoleScope::Project).filter(holds).collect(),
            permissions: needed.iter().map(|held| held.key().to_owned()).collect(),
        }
    }

    /// The permissions with these keys; keys that the catalogue has no more are passed over.
    pub fn of_keys<K: AsRef<str>>(&self, keys: &[K]) -> PermissionSet {
        PermissionSet::of_bits(keys.iter().filter_map(|key| self.by_key.get(key.as_ref()).copied()))
    }

    /// The permission with this key.
    pub fn definition(&self, key: &str) -> Option<&Definition> {
        let bit = self.by_key.get(key)?;
        self.definitions.iter().find(|(known, _)| known == bit).map(|(_, definition)| definition)
    }

    /// Whether the permission with this key is held; one that the catalogue does not have is not.
    pub fn holds(&self, set: PermissionSet, key: &str) -> bool {
        self.by_key.get(key).is_some_and(|bit| set.has_bit(*bit))
    }

    /// What is held, in the order it is shown.
    pub fn held(&self, set: PermissionSet) -> impl Iterator<Item = &Definition> {
        self.definitions.iter().filter(move |(bit, _)| set.has_bit(*bit)).map(|(_, definition)| definition)
    }

    /// What is held and of this level.
    pub fn at(&self, set: PermissionSet, scope: RoleScope) -> PermissionSet {
        let held = self.definitions.iter().filter(|(bit, definition)| definition.scope == scope && set.has_bit(*bit));
        PermissionSet::of_bits(held.map(|(bit, _)| *bit))
    }

    /// What permissions of an organization give in each of its projects.
    pub fn in_projects(&self, organization: PermissionSet) -> PermissionSet {
        IN_EVERY_PROJECT
            .iter()
            .filter(|(permission, _)| organization.has(*permission))
            .fold(PermissionSet::NONE, |set, (_, role)| set.union(self.of_built_in(RoleScope::Project, *role)))
    }

    fn all_where(&self, holds: impl Fn(&Definition) -> bool) -> PermissionSet {
        let found = self.definitions.iter().filter(|(_, definition)| holds(definition));
        PermissionSet::of_bits(found.map(|(bit, _)| *bit))
    }
}

fn built_in(permission: Permission, roles: &'static [BuiltInRole]) -> Definition {
    Definition {
        key: permission.key().into(),
        scope: permission.scope(),
        name: permission.title().into(),
        description: permission.description().into(),
        group: permission.group().into(),
        roles: roles.into(),
        built_in: true,
    }
}
