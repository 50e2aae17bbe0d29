//! The rows of invitations, of what they grant, and of the mails that were sent for them.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    super::Failure,
    fixed::{Of, id, milliseconds, number, today},
    organization::Organization,
};
use crate::{
    domain::{
        id::InvitationId,
        invitation::{
            InvitationStatus::{self, Accepted, Declined, Expired, Pending, Revoked},
            MailStatus,
        },
        organization::ActorKind,
    },
    store::{invitation_projects::ProjectGrant, invitations::Invitation, mails::Mail},
};

const DAY: TimeDelta = TimeDelta::days(1);
const LIFETIME: TimeDelta = TimeDelta::days(7);

/// What became of the `index`-th invitation of an organization.
pub fn status(index: u64) -> InvitationStatus {
    match index % 20 {
        0 | 3 | 5 | 8 | 11 | 14 | 16 | 18 => Pending,
        1 | 4 | 7 | 10 | 13 | 17 => Accepted,
        2 | 9 | 15 => Expired,
        6 | 12 => Declined,
        _ => Revoked,
    }
}

/// A quarter of those who have not accepted is a person who has signed in; counts them.
fn nth_person(index: u64) -> Option<u64> {
    let nth = match index % 20 {
        0 => 0,
        2 => 1,
        6 => 2,
        8 => 3,
        12 => 4,
        _ => return None,
    };
    Some(index / 20 * 5 + nth)
}

fn is_resent(index: u64) -> bool {
    index % 10 == 5
}

/// How the first invitations of an organization are spread over its members: at the time when one of them
/// joined, each in a place of its own.
impl Organization<'_> {
    /// The member who joined when this invitation was out; the one who accepted it, if that happened.
    fn place_of(&self, index: u64) -> u64 {
        1 + index * self.places_between()
    }

    fn places_between(&self) -> u64 {
        (self.size.members - 1) / self.size.invitations.max(1)
    }

    /// Whether a member came by one of the invitations.
    pub fn was_invited(&self, member: u64) -> bool {
        let Some(before) = member.checked_sub(1) else { return false };
        let (index, beside) = (before / self.places_between(), before % self.places_between());
        beside == 0 && index < self.size.invitations && status(index) == Accepted
    }

    /// An invitation.
    pub fn invitation(&self, index: u64) -> Result<Invitation, Failure> {
        let (status, place) = (status(index), self.place_of(index));
        let invitee = match status {
            Accepted => Some(place),
            _ => nth_person(index).map(|nth| self.size.members + nth),
        };
        let email = invitee.map_or_else(|| self.outsider(index), |place| self.email(place))?;
        let (created_at, inviter) = (self.invited_at(index), self.user_id(self.inviter_of(place)));
        let sent_at = if is_resent(index) { created_at + DAY } else { created_at };
        let expires_at = if status == Pending { today() + DAY * 3652 } else { sent_at + LIFETIME };
        let (by, resolved_at) = match status {
            Pending => (None, None),
            Accepted => (invitee.map(|place| self.user_id(place)), Some(self.joined_at(place))),
            Declined => (invitee.map(|place| self.user_id(place)), Some(sent_at + DAY)),
            Revoked => (Some(inviter), Some(sent_at + DAY * 2)),
            Expired => (None, Some(expires_at)),
        };
        let project = self.projects_of(index).first().copied().filter(|_| index.is_multiple_of(8));
        Ok(Invitation {
            organization_id: self.id,
            id: self.invitation_id(index),
            email,
            status,
            status_rank: status.rank(),
            role_id: Some(self.member_role(place).id),
            project_id: project.map(|project| self.project_id(project)),
            message: (index % 7 == 2).then(|| format!("Welcome to {}! It is good to have you.", self.name)),
            token_version: 1 + i32::from(is_resent(index)),
            invited_by_kind: ActorKind::User,
            invited_by_id: Some(inviter.0),
            resolved_by_kind: resolved_at.map(|_| if status == Expired { ActorKind::System } else { ActorKind::User }),
            resolved_by_id: by.map(|user| user.0),
            created_at,
            updated_at: resolved_at.unwrap_or(sent_at),
            expires_at,
            resolved_at,
        })
    }

    fn invitation_id(&self, index: u64) -> InvitationId {
        InvitationId(id(Of::Invitation, self.size.index, index, self.invited_at(index)))
    }

    /// At most six days before the member joined, so that this invitation can be the one they accepted; but
    /// not before the inviter was there.
    fn invited_at(&self, index: u64) -> DateTime<Utc> {
        let (place, before) = (self.place_of(index), number(Of::Invitation, self.size.index, index) % (6 * 86_400_000));
        (self.joined_at(place) - milliseconds(before)).max(self.joined_at(self.inviter_of(place)))
    }

    /// The projects that an invitation grants, of those that were there. Accepted ones grant none, as the
    /// memberships that came of them would have to be there.
    fn projects_of(&self, index: u64) -> Vec<u64> {
        if !index.is_multiple_of(4) || status(index) == Accepted {
            return Vec::new();
        }
        let (projects, first) = (self.size.projects, number(Of::Project, self.size.index, index) % self.size.projects);
        let invited_at = self.invited_at(index);
        let some = (first..projects.min(first + 3)).filter(|project| self.project_created_at(*project) <= invited_at);
        some.collect()
    }

    /// What an invitation grants.
    pub fn grants(&self, index: u64) -> Vec<ProjectGrant> {
        let role = if index.is_multiple_of(5) { &self.project_roles.viewer } else { &self.project_roles.member };
        let grant = |(position, project)| ProjectGrant {
            organization_id: self.id,
            invitation_id: self.invitation_id(index),
            project_id: self.project_id(project),
            role_id: role.id,
            position,
            added_by_kind: None,
            added_by_id: None,
        };
        (0..).zip(self.projects_of(index)).map(grant).collect()
    }

    /// The mails of an invitation, all of them sent. Some invitations were handed over in another way.
    pub fn mails(&self, index: u64) -> Vec<Mail> {
        let links = match index % 5 {
            3 => 0,
            _ => 1 + i32::from(is_resent(index)),
        };
        let mail = |version| {
            let asked_at = self.invited_at(index) + DAY * (version - 1);
            Mail {
                status: MailStatus::Sent,
                attempts: 1,
                sent_at: Some(asked_at + TimeDelta::seconds(2)),
                ..Mail::queued(self.id, self.invitation_id(index), version, asked_at)
            }
        };
        (1..=links).map(mail).collect()
    }
}
