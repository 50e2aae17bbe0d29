//! The decisions that can be put back to what they were, so that the search shows that it finds what they let through.

use roster::{
    access::{Inviter, PermissionSet, Policy, ProjectAccess, Viewer},
    domain::{
        email::Email,
        role::{BuiltInRole, RoleScope},
    },
    error::{Error, Refusal},
    operations::{
        input::RoleRef,
        invitations::{self, ManagedInvitation, ReceivedInvitation},
    },
    store::{
        api_keys::KeyAndRoles, invitation_projects::ProjectGrant, invitation_teams::TeamGrant, invitations::Invitation,
        roles::Role, users::User,
    },
};

use super::world::{Invite, number_of, role_id};

type MayResend = fn(&ManagedInvitation, &Invite, &dyn Fn(&ManagedInvitation) -> bool) -> bool;
type OrganizationRole = for<'a> fn(&ProjectAccess, &'a [Role], Option<&RoleRef>) -> Result<&'a Role, Refusal>;

/// Decisions under test.
#[derive(Clone, Copy)]
pub struct Rules {
    /// Whether an address names a person.
    pub names: fn(&User, &Email) -> bool,
    /// The organization role of those whom `projectInvite` brings in.
    pub organization_role: OrganizationRole,
    /// Whether an inviter could still invite like this.
    pub can_invite: fn(&Inviter, &Invite, &Invitation, &[ProjectGrant], &[TeamGrant]) -> bool,
    /// Whether an invitation can be accepted, as far as its inviter is concerned.
    pub check_inviter: fn(&ReceivedInvitation, &Inviter, &Invite, &[ProjectGrant], &[TeamGrant]) -> bool,
    /// Whether somebody can send an invitation again.
    pub may_resend: MayResend,
    /// What a key may do.
    pub of_key: fn(&Policy, &KeyAndRoles) -> PermissionSet,
    /// Whether keys live on when the membership of whoever answers for them, or the key that made them, ends.
    pub do_keys_outlive: bool,
    /// What ended invitations give whose role is deleted.
    pub role_of_ended: fn(&[Role], RoleScope) -> Option<u8>,
    /// Whether those who added teams are judged again.
    pub are_teams_judged: bool,
}

/// What the server decides.
pub const OF_THE_SERVER: Rules = Rules {
    names: |user, email| Viewer::Person(user.clone()).verified_email() == Some(email),
    organization_role: invitations::organization_role,
    can_invite: |inviter, _, row, grants, teams| inviter.can_invite(row, grants, teams),
    check_inviter: |received, inviter, _, grants, teams| received.check_inviter(inviter, grants, teams).is_ok(),
    may_resend: |managed, _, may| {
        let ManagedInvitation { organization, invitation, grants, projects, team_grants, managed_teams, roles, .. } =
            managed;
        let mut grants = grants.clone();
        let mut team_grants = team_grants.clone();
        if invitation.status_at(super::world::moment(1)) == roster::domain::invitation::InvitationStatus::Expired {
            for grant in &mut grants {
                grant.added_by_kind = None;
            }
            for grant in &mut team_grants {
                grant.added_by_kind = None;
            }
        }
        may(&ManagedInvitation {
            invitation: invitation.clone(),
            organization: organization.clone(),
            grants,
            projects: projects.clone(),
            team_grants,
            managed_teams: managed_teams.clone(),
            roles: roles.clone(),
        })
    },
    of_key: |policy, found| policy.of_key(found),
    do_keys_outlive: false,
    role_of_ended: |_, _| None,
    are_teams_judged: true,
};

/// Fault A1: an address named whoever claimed it, whether or not their identity provider vouched for it.
pub const CLAIMS_NAME: Rules = Rules { names: |user, email| user.email.get() == Some(email), ..OF_THE_SERVER };

/// Fault A3: whoever could invite to a project could bring people in as Member or Viewer.
pub const PLAIN_ROLES_ARE_FREE: Rules = Rules {
    organization_role: |access, roles, wanted| {
        let wanted = wanted.cloned().unwrap_or_else(|| RoleRef::built_in(BuiltInRole::Member));
        let role = wanted.among(&access.organization, roles, RoleScope::Organization)?;
        if is_plain(role) { Ok(role) } else { invitations::organization_role(access, roles, Some(&wanted)) }
    },
    can_invite: |inviter, _, row, grants, teams| can_invite_plain(inviter, row, grants, teams),
    check_inviter: |received, inviter, _, grants, teams| can_invite_plain(inviter, &received.invitation, grants, teams),
    ..OF_THE_SERVER
};

/// Fault A4: a key could do what was stored, whoever answered for it, and outlived whoever or whatever made it.
pub const KEYS_KEEP: Rules =
    Rules { of_key: |policy, found| policy.granted(&found.key), do_keys_outlive: true, ..OF_THE_SERVER };

/// Fault A9: an invitation that had ended became one for Member when its role was deleted, and could be sent again by
/// those who may not give Member, as long as it was to a project.
pub const ENDED_BECOME_MEMBER: Rules = Rules {
    role_of_ended: |roles, scope| {
        let is_member = |role: &&Role| role.scope == scope && role.built_in == Some(BuiltInRole::Member);
        roles.iter().find(is_member).map(number_of)
    },
    can_invite: |inviter, invite, row, grants, teams| {
        if invite.inherited {
            can_invite_plain(inviter, row, grants, teams)
        } else {
            inviter.can_invite(row, grants, teams)
        }
    },
    check_inviter: |received, inviter, invite, grants, teams| {
        let (row, is_free) = (&received.invitation, invite.inherited);
        if is_free { can_invite_plain(inviter, row, grants, teams) } else { inviter.can_invite(row, grants, teams) }
    },
    may_resend: |managed, invite, may| {
        let row =
            if invite.inherited { as_guest(&managed.invitation, &managed.roles) } else { managed.invitation.clone() };
        let ManagedInvitation { organization, grants, projects, team_grants, managed_teams, roles, .. } = managed;
        may(&ManagedInvitation {
            invitation: row,
            organization: organization.clone(),
            grants: grants.clone(),
            projects: projects.clone(),
            team_grants: team_grants.clone(),
            managed_teams: managed_teams.clone(),
            roles: roles.clone(),
        })
    },
    ..OF_THE_SERVER
};

/// Fault A9: who added a team to an invitation was not judged again.
pub const TEAMS_STAND: Rules = Rules { are_teams_judged: false, ..OF_THE_SERVER };

fn is_plain(role: &Role) -> bool {
    matches!(role.built_in, Some(BuiltInRole::Member | BuiltInRole::Viewer))
}

fn can_invite_plain(inviter: &Inviter, row: &Invitation, grants: &[ProjectGrant], teams: &[TeamGrant]) -> bool {
    inviter.can_invite(&as_guest(row, &inviter.roles), grants, teams)
}

/// The invitation as if its plain role were Guest, where it is to a project.
fn as_guest(row: &Invitation, roles: &[Role]) -> Invitation {
    let is_plain = roles.iter().any(|role| Some(role.id) == row.role_id && is_plain(role));
    let guest = roles.iter().find(|role| role.built_in == Some(BuiltInRole::Guest));
    match guest.filter(|_| is_plain && row.project_id.is_some()) {
        Some(guest) => Invitation { role_id: Some(role_id(number_of(guest))), ..row.clone() },
        None => row.clone(),
    }
}

/// Whether a decision let something through. A fault of the server is none.
pub fn passed<T>(decision: Result<T, impl Into<Error>>) -> bool {
    match decision.map_err(Into::into) {
        Ok(_) => true,
        Err(Error::Refused(_)) => false,
        Err(fault) => panic!("{fault:?}"),
    }
}
