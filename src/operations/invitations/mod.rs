//! Changes of invitations.

mod accept;
mod decline;
mod invite;
mod managed;
mod organization_invite;
mod project_invite;
mod received;
mod resend;
mod revoke;
mod teams;
mod update;

pub use accept::{Accept, Accepted};
pub use decline::Decline;
pub use invite::{Invited, ItemResult, Letter};
pub use managed::{ManagedInvitation, assignable};
pub use organization_invite::{OrganizationInvite, project_grant, role_of_invitees};
pub use project_invite::{ProjectInvite, may_invite_to_project, organization_role, project_role};
pub use received::{Acceptance, ReceivedInvitation};
pub use resend::{Resend, Resent};
pub use revoke::Revoke;
pub use teams::TeamGrantInput;
pub use update::{Update, check_invited_project};

use chrono::{DateTime, Utc};

use crate::{
    access::{Allowed, OrganizationAccess, Permission},
    domain::{
        id::{InvitationId, ProjectId, RoleId},
        invitation::InvitationStatus,
        organization::PlanTier,
    },
    error::{Code, Detail, Refusal},
    store::{invitation_projects::ProjectGrant, invitations::Invitation, organizations::Organization},
};

/// Names an invitation to its invitee.
#[derive(Clone, Debug)]
pub enum InvitationRef {
    /// By id; the invitee's verified address must match.
    Id(InvitationId),
    /// By the token of the link.
    Token(String),
    /// By something that cannot be one.
    Unknown,
}

/// The invitation has left PENDING.
fn not_pending(status: InvitationStatus) -> Refusal {
    let message = match status {
        InvitationStatus::Accepted => "This invitation was accepted.",
        InvitationStatus::Declined => "This invitation was declined.",
        InvitationStatus::Revoked => "This invitation was taken back.",
        InvitationStatus::Expired => "This invitation has expired.",
        InvitationStatus::Pending => "This invitation is pending.",
    };
    Refusal::new(Code::InvitationNotPending, message)
}

/// Before `organizationInvite`, whatever its input: what the mutation asks after its lock, and `viewerCan` shows.
///
/// # Errors
/// `FORBIDDEN`, `NOT_FOUND` or `PLAN_REQUIRED`.
pub fn may_invite(
    access: &OrganizationAccess,
    trial_days: Option<u32>,
    now: DateTime<Utc>,
) -> Result<Allowed, Refusal> {
    let allowed = access.may(Permission::InvitationsManage)?;
    check_plan(trial_days, now, &access.organization).map(|()| allowed)
}

/// Inviting is part of the plan, or of a trial that is not over; where plans are off there is no trial.
fn check_plan(trial_days: Option<u32>, now: DateTime<Utc>, organization: &Organization) -> Result<(), Refusal> {
    let in_trial = organization.trial_ends_at.is_some_and(|end| end > now);
    if trial_days.is_none() || organization.plan_tier != PlanTier::Free || in_trial {
        return Ok(());
    }
    Err(Refusal::new(Code::PlanRequired, "The Free plan includes no invitations outside a trial.").with(Detail::Plan))
}

/// `more` people fit beside the members and those with a pending invitation.
fn check_seats(organization: &Organization, pending: i32, more: usize) -> Result<(), Refusal> {
    let actual =
        i32::try_from(more).unwrap_or(i32::MAX).saturating_add(organization.member_count).saturating_add(pending);
    match organization.seat_limit {
        Some(limit) if more > 0 && actual > limit => {
            let message = format!("The plan has {limit} seats; members and pending invitations would take {actual}.");
            Err(Refusal::new(Code::LimitReached, message).with(Detail::Limit { limit, actual }))
        }
        _ => Ok(()),
    }
}

/// A project that an invitation grants, in input.
#[derive(Clone, Debug)]
pub struct GrantInput {
    /// The project.
    pub project: crate::access::ProjectRef,
    /// Role in it; Member when absent.
    pub role: Option<super::input::RoleRef>,
}

/// The grant of a project by the one who invites, as a row.
fn grant_row(invitation: &Invitation, project: ProjectId, role: RoleId, position: usize) -> ProjectGrant {
    ProjectGrant {
        organization_id: invitation.organization_id,
        invitation_id: invitation.id,
        project_id: project,
        role_id: role,
        position: i16::try_from(position).unwrap_or(i16::MAX),
        added_by_kind: None,
        added_by_id: None,
    }
}
