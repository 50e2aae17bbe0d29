//! What somebody may try, in numbers of people, roles, keys and invitations.

use roster::domain::{role::RoleScope, team::TeamMemberRole};

use super::world::{A, By, NOBODYS, P, PEOPLE, PROJECTS, RoleNo, World};

/// The permissions of a new or changed role, or of a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permissions {
    /// None.
    Nothing,
    /// All that whoever asks holds at the level, or in the project.
    Held,
    /// One, by its place among all of the level.
    One(u8),
}

/// A mutation with its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Move {
    MemberRole {
        member: u8,
        role: RoleNo,
    },
    MemberRemove {
        member: u8,
        take_over: bool,
    },
    Leave,
    Invite {
        email: u8,
        role: RoleNo,
        project: Option<(u8, RoleNo)>,
        team: Option<TeamMemberRole>,
    },
    ProjectInvite {
        project: u8,
        email: u8,
        role: RoleNo,
        organization_role: Option<RoleNo>,
    },
    Accept {
        invite: u8,
    },
    Decline {
        invite: u8,
    },
    Revoke {
        invite: u8,
    },
    InviteRole {
        invite: u8,
        role: RoleNo,
    },
    InviteProject {
        invite: u8,
        project: Option<(u8, RoleNo)>,
    },
    InviteTeam {
        invite: u8,
        team: Option<TeamMemberRole>,
    },
    Resend {
        invite: u8,
    },
    ProjectAdd {
        project: u8,
        person: u8,
        role: RoleNo,
    },
    ProjectRole {
        project: u8,
        member: u8,
        role: RoleNo,
    },
    ProjectRemove {
        project: u8,
        member: u8,
    },
    ProjectLeave {
        project: u8,
    },
    TeamAdd {
        person: u8,
        role: TeamMemberRole,
    },
    TeamAddInvitee {
        invite: u8,
        role: TeamMemberRole,
    },
    TeamRole {
        member: u8,
        role: TeamMemberRole,
    },
    TeamRoleOfInvitee {
        invite: u8,
        role: TeamMemberRole,
    },
    TeamRemove {
        member: u8,
    },
    TeamLeave,
    RoleCreate {
        scope: RoleScope,
        permissions: Permissions,
    },
    RoleUpdate {
        role: RoleNo,
        permissions: Permissions,
    },
    RoleDelete {
        role: RoleNo,
        replacement: Option<RoleNo>,
    },
    KeyCreate {
        project: Option<u8>,
        permissions: Permissions,
    },
    KeyRotate {
        key: u8,
    },
    KeyRevoke {
        key: u8,
    },
    KeyTakeOver {
        key: u8,
    },
    Transfer {
        member: u8,
        role: RoleNo,
    },
    ProjectTransfer {
        project: u8,
        member: u8,
        role: RoleNo,
    },
    /// No mutation: time passes.
    Wait,
}

/// Names of the kinds of moves, for counting.
pub const KINDS: [&str; 32] = [
    "organizationMemberUpdateRole",
    "organizationMemberRemove",
    "organizationLeave",
    "organizationInvite",
    "projectInvite",
    "invitationAccept",
    "invitationDecline",
    "invitationRevoke",
    "invitationUpdate role",
    "invitationUpdate projects",
    "invitationUpdate teams",
    "invitationResend",
    "projectMembersAdd",
    "projectMemberUpdateRole",
    "projectMemberRemove",
    "projectLeave",
    "teamMembersAdd",
    "teamMembersAdd invitee",
    "teamMemberUpdateRole",
    "teamMemberRemove",
    "teamLeave",
    "roleCreate",
    "roleUpdate",
    "roleDelete",
    "apiKeyCreate",
    "apiKeyRotate",
    "apiKeyRevoke",
    "apiKeyTakeOver",
    "organizationOwnershipTransfer",
    "projectOwnershipTransfer",
    "wait",
    "teamMemberUpdateRole invitee",
];

impl Move {
    /// The place of its kind in [`KINDS`].
    pub fn kind(self) -> usize {
        match self {
            Self::MemberRole { .. } => 0,
            Self::MemberRemove { .. } => 1,
            Self::Leave => 2,
            Self::Invite { .. } => 3,
            Self::ProjectInvite { .. } => 4,
            Self::Accept { .. } => 5,
            Self::Decline { .. } => 6,
            Self::Revoke { .. } => 7,
            Self::InviteRole { .. } => 8,
            Self::InviteProject { .. } => 9,
            Self::InviteTeam { .. } => 10,
            Self::Resend { .. } => 11,
            Self::ProjectAdd { .. } => 12,
            Self::ProjectRole { .. } => 13,
            Self::ProjectRemove { .. } => 14,
            Self::ProjectLeave { .. } => 15,
            Self::TeamAdd { .. } => 16,
            Self::TeamAddInvitee { .. } => 17,
            Self::TeamRole { .. } => 18,
            Self::TeamRemove { .. } => 19,
            Self::TeamLeave => 20,
            Self::RoleCreate { .. } => 21,
            Self::RoleUpdate { .. } => 22,
            Self::RoleDelete { .. } => 23,
            Self::KeyCreate { .. } => 24,
            Self::KeyRotate { .. } => 25,
            Self::KeyRevoke { .. } => 26,
            Self::KeyTakeOver { .. } => 27,
            Self::Transfer { .. } => 28,
            Self::ProjectTransfer { .. } => 29,
            Self::Wait => 30,
            Self::TeamRoleOfInvitee { .. } => 31,
        }
    }
}

/// A number below 256 for each.
fn numbers(count: usize) -> impl Iterator<Item = u8> {
    0..u8::try_from(count).unwrap()
}

const LEADS: [TeamMemberRole; 2] = [TeamMemberRole::Lead, TeamMemberRole::Member];

/// Everything that an actor may try in a world, whether or not it is allowed. `singles` are how many permissions there are
/// at each level.
pub fn of(world: &World, by: By, singles: [u8; 2]) -> Vec<Move> {
    let organization = world.roles.of(RoleScope::Organization);
    let in_projects = world.roles.of(RoleScope::Project);
    let guest = world.roles.rows.iter().find(|role| role.key == "guest").map(super::world::number_of).unwrap();
    let members: Vec<u8> = numbers(PEOPLE).filter(|person| world.members[usize::from(*person)].is_some()).collect();
    let projects = || numbers(PROJECTS);
    let mut moves = Vec::with_capacity(512);
    for member in members.iter().copied() {
        moves.extend(organization.iter().map(|role| Move::MemberRole { member, role: *role }));
        moves.extend([false, true].map(|take_over| Move::MemberRemove { member, take_over }));
        moves.extend(organization.iter().map(|role| Move::Transfer { member, role: *role }));
        for project in projects() {
            if world.in_project[usize::from(project)][usize::from(member)].is_none() {
                moves.extend(in_projects.iter().map(|role| Move::ProjectAdd { project, person: member, role: *role }));
                continue;
            }
            moves.extend(in_projects.iter().map(|role| Move::ProjectRole { project, member, role: *role }));
            moves.push(Move::ProjectRemove { project, member });
            moves.extend(in_projects.iter().map(|role| Move::ProjectTransfer { project, member, role: *role }));
        }
        if world.in_team[usize::from(member)].is_none() {
            moves.extend(LEADS.map(|role| Move::TeamAdd { person: member, role }));
        } else {
            moves.extend(LEADS.map(|role| Move::TeamRole { member, role }));
            moves.push(Move::TeamRemove { member });
        }
    }
    moves.extend([Move::Leave, Move::TeamLeave]);
    moves.extend(projects().map(|project| Move::ProjectLeave { project }));
    for email in [P, A, NOBODYS] {
        for role in organization.iter().copied() {
            moves.push(Move::Invite { email, role, project: None, team: None });
        }
        for project in projects() {
            for role in in_projects.iter().copied() {
                moves.push(Move::Invite { email, role: guest, project: Some((project, role)), team: None });
                moves.push(Move::ProjectInvite { project, email, role, organization_role: None });
            }
            let weakest = *in_projects.last().unwrap();
            let wanted = organization.iter().map(|wanted| Some(*wanted));
            moves.extend(wanted.map(|organization_role| Move::ProjectInvite {
                project,
                email,
                role: weakest,
                organization_role,
            }));
        }
        moves.extend(LEADS.map(|role| Move::Invite { email, role: guest, project: None, team: Some(role) }));
    }
    for invite in numbers(world.invites.len()) {
        moves.extend([Move::Accept { invite }, Move::Decline { invite }]);
        moves.extend([Move::Revoke { invite }, Move::Resend { invite }]);
        moves.extend(organization.iter().map(|role| Move::InviteRole { invite, role: *role }));
        moves.push(Move::InviteProject { invite, project: None });
        for project in projects() {
            moves
                .extend(in_projects.iter().map(|role| Move::InviteProject { invite, project: Some((project, *role)) }));
        }
        moves.push(Move::InviteTeam { invite, team: None });
        moves.extend(LEADS.map(|role| Move::InviteTeam { invite, team: Some(role) }));
        moves.extend(LEADS.map(|role| Move::TeamAddInvitee { invite, role }));
        moves.extend(LEADS.map(|role| Move::TeamRoleOfInvitee { invite, role }));
    }
    for (scope, count) in [RoleScope::Organization, RoleScope::Project].into_iter().zip(singles) {
        let each = (0..count).map(Permissions::One).chain([Permissions::Held]);
        moves.extend(each.map(|permissions| Move::RoleCreate { scope, permissions }));
    }
    for role in world.roles.rows.iter() {
        let (number, scope) = (super::world::number_of(role), role.scope);
        let same = if scope == RoleScope::Organization { &organization } else { &in_projects };
        if role.built_in.is_some() {
            // One of the built-in roles stands for all.
            if number == guest {
                moves.push(Move::RoleUpdate { role: number, permissions: Permissions::Held });
                moves.push(Move::RoleDelete { role: number, replacement: None });
            }
            continue;
        }
        let all = [Permissions::Nothing, Permissions::Held];
        moves.extend(all.map(|permissions| Move::RoleUpdate { role: number, permissions }));
        moves.push(Move::RoleDelete { role: number, replacement: None });
        moves.extend(same.iter().map(|by| Move::RoleDelete { role: number, replacement: Some(*by) }));
    }
    for project in projects().map(Some).chain([None]) {
        moves.push(Move::KeyCreate { project, permissions: Permissions::Held });
        moves.push(Move::KeyCreate { project, permissions: Permissions::One(0) });
    }
    for key in numbers(world.keys.len()) {
        moves.extend([Move::KeyRotate { key }, Move::KeyRevoke { key }, Move::KeyTakeOver { key }]);
    }
    let answers = |found: &Move| matches!(found, Move::Accept { .. } | Move::Decline { .. });
    // Keys answer no invitations; that they are refused is tried with the first.
    moves.retain(|found| !answers(found) || matches!(by, By::Person(_)) || matches!(found, Move::Accept { invite: 0 }));
    moves
}

/// What the owner may do in between: take rights away from P, or hand out something to an address that is not P's or A's.
pub fn of_the_owner(world: &World, is_theirs: impl Fn(u8) -> bool) -> Vec<Move> {
    let organization = world.roles.of(RoleScope::Organization);
    let in_projects = world.roles.of(RoleScope::Project);
    let mut moves = vec![Move::Wait];
    for member in [P, A] {
        moves.extend(organization.iter().map(|role| Move::MemberRole { member, role: *role }));
        moves.extend([false, true].map(|take_over| Move::MemberRemove { member, take_over }));
        for project in numbers(PROJECTS) {
            moves.extend(in_projects.iter().map(|role| Move::ProjectRole { project, member, role: *role }));
            moves.push(Move::ProjectRemove { project, member });
        }
        moves.push(Move::TeamRole { member, role: TeamMemberRole::Member });
        moves.push(Move::TeamRemove { member });
    }
    for role in world.roles.rows.iter().filter(|role| role.built_in.is_none()) {
        let number = super::world::number_of(role);
        let same = if role.scope == RoleScope::Organization { &organization } else { &in_projects };
        moves.push(Move::RoleUpdate { role: number, permissions: Permissions::Nothing });
        moves.push(Move::RoleDelete { role: number, replacement: None });
        moves.extend(same.iter().map(|by| Move::RoleDelete { role: number, replacement: Some(*by) }));
    }
    moves.extend(numbers(world.keys.len()).map(|key| Move::KeyRevoke { key }));
    for email in [P, A, 2, 3, NOBODYS].into_iter().filter(|email| !is_theirs(*email)) {
        for project in numbers(PROJECTS) {
            moves.extend(in_projects.iter().map(|role| Move::ProjectInvite {
                project,
                email,
                role: *role,
                organization_role: None,
            }));
        }
        moves.extend(organization.iter().map(|role| Move::Invite { email, role: *role, project: None, team: None }));
    }
    moves
}
