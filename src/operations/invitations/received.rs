//! An invitation in the hands of its invitee: whether they can answer it, for the mutations and `viewerCan`.

use std::{collections::HashSet, sync::Arc};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{super::Transaction, InvitationRef, not_pending};
use crate::{
    access::{ActorRef, Allowed, Inviter, Permit, Policy, Viewer},
    domain::{
        id::{ProjectId, TeamId},
        invitation::InvitationStatus,
        organization::ActorKind,
        secret::InvitationToken,
    },
    error::{Code, Detail, Error, Refusal, Result},
    store::{
        Connection,
        invitation_projects::{self, ProjectGrant},
        invitation_teams::{self, TeamGrant},
        invitations::{self, Invitation},
        organization_members::Membership,
        organizations::{self, Organization, WithMembership},
        users::User,
    },
};

/// An invitation that was sent to the viewer.
pub struct ReceivedInvitation {
    /// The invitation.
    pub invitation: Invitation,
    /// The invitee.
    pub user: User,
    /// That they may answer it.
    pub allowed: Allowed,
    /// Number of the link that was used; none when named by id.
    link: Option<i32>,
}

/// What an invitation comes to when it is accepted now.
#[derive(Default)]
pub struct Acceptance {
    /// What the invitee is in the organization already.
    pub membership: Option<Membership>,
    /// The projects that it grants.
    pub grants: Vec<ProjectGrant>,
    /// The teams that it grants.
    pub team_grants: Vec<TeamGrant>,
}

impl ReceivedInvitation {
    /// Locks the organization and the invitation for the person it was sent to, who may know nothing else of the
    /// organization; answers the permit to change what the invitation is about.
    pub async fn lock(tx: &mut Transaction<'_>, by: &InvitationRef) -> Result<(Self, Permit)> {
        let missing = || Error::from(Refusal::not_found("invitation").at(["invitation"]));
        tx.viewer.may_answer_any()?;
        let (organization, id, link) = match by {
            InvitationRef::Token(token) => {
                let token = InvitationToken::verify(token, &tx.app.token_key).ok_or_else(missing)?;
                (token.organization, token.invitation, Some(token.version))
            }
            InvitationRef::Id(id) => {
                let found = invitations::find(tx.conn, *id).await?.ok_or_else(missing)?;
                (found.organization_id, *id, None)
            }
            InvitationRef::Unknown => return Err(missing()),
        };
        let lock = tx.lock(organization).await?.ok_or_else(missing)?;
        let invitation = invitations::lock(tx.conn, organization, id).await?.ok_or_else(missing)?;
        let received = Self::of(&tx.viewer, invitation, link)?;
        let permit = received.allowed.under(&lock)?;
        Ok((received, permit))
    }

    /// The invitation, if it was sent to the viewer.
    ///
    /// # Errors
    /// As [`Viewer::may_answer`].
    pub fn of(viewer: &Viewer, invitation: Invitation, link: Option<i32>) -> Result<Self, Refusal> {
        let (allowed, user) = viewer.may_answer(&invitation, link.is_some())?;
        let user = user.clone();
        Ok(Self { invitation, user, allowed, link })
    }

    /// It can be declined; one that was declined already can be so again.
    pub fn may_decline(&self, now: DateTime<Utc>) -> Result<Allowed, Refusal> {
        if self.invitation.status != InvitationStatus::Declined {
            self.check_open(now)?;
        }
        Ok(self.allowed)
    }

    /// It can be accepted: it is open, whoever sent it could still do so, and there is a seat. One that they
    /// accepted already can be accepted again, and grants nothing more.
    pub async fn may_accept(&self, conn: &Connection, policy: &Arc<Policy>, now: DateTime<Utc>) -> Result<Acceptance> {
        let organization = self.invitation.organization_id;
        let found = organizations::with_membership(conn, &[organization], Some(self.user.id)).await?.pop();
        let WithMembership { organization, membership, .. } =
            found.ok_or_else(|| Error::internal("an invitation has no organization"))?;
        if membership.is_some() && self.was_accepted() {
            return Ok(Acceptance { membership, ..Acceptance::default() });
        }
        self.check_open(now)?;
        let (organizations, ids) = ([organization.id], [self.invitation.id]);
        let grants = invitation_projects::of(conn, &organizations, &ids).await?;
        let team_grants = invitation_teams::of(conn, &organizations, &ids).await?;
        let invitation = &self.invitation;
        let by = (invitation.invited_by_kind, invitation.invited_by_id);
        let projects: Vec<ProjectId> = grants.iter().map(|grant| grant.project_id).collect();
        let teams: Vec<TeamId> = team_grants.iter().map(|grant| grant.team_id).collect();
        let inviter = Inviter::load(conn, policy, now, organization.id, by, &projects, &teams).await?;
        self.check_inviter(&inviter, &grants, &team_grants)?;
        if membership.is_none() {
            check_seat(&organization)?;
        }
        Ok(Acceptance { membership, grants, team_grants })
    }

    /// The viewer accepted it before.
    pub fn was_accepted(&self) -> bool {
        let by = (self.invitation.resolved_by_kind, self.invitation.resolved_by_id);
        self.invitation.status == InvitationStatus::Accepted && by == (Some(ActorKind::User), Some(self.user.id.0))
    }

    /// The invitation can still be answered, by this link.
    ///
    /// # Errors
    /// `INVITATION_SUPERSEDED`, `INVITATION_EXPIRED` or `INVITATION_NOT_PENDING`.
    pub fn check_open(&self, now: DateTime<Utc>) -> Result<(), Refusal> {
        let refuse = |code, message: &'static str| Err(Refusal::new(code, message).at(["invitation"]));
        if self.link.is_some_and(|link| link < self.invitation.token_version) {
            return refuse(Code::InvitationSuperseded, "A newer link was sent to you; this one no longer works.");
        }
        match self.invitation.status_at(now) {
            InvitationStatus::Pending => Ok(()),
            InvitationStatus::Expired => {
                refuse(Code::InvitationExpired, "This invitation has expired; ask for a new one.")
            }
            status => Err(not_pending(status).at(["invitation"])),
        }
    }

    /// The inviter could still invite like this. Their demotion or removal revokes what they could not; this
    /// catches what passes in other ways, such as a key that expired.
    ///
    /// # Errors
    /// `INVITATION_NOT_PENDING`, as if it had been revoked.
    pub fn check_inviter(
        &self,
        inviter: &Inviter,
        grants: &[ProjectGrant],
        team_grants: &[TeamGrant],
    ) -> Result<(), Refusal> {
        if inviter.can_invite(&self.invitation, grants, team_grants) {
            return Ok(());
        }
        let message = "Whoever sent this invitation may no longer give what it gives; ask for a new one.";
        Err(Refusal { message: message.into(), ..not_pending(InvitationStatus::Revoked) }.at(["invitation"]))
    }
}

impl Acceptance {
    /// What it comes to without what somebody added who may no longer give it, given who may still add a project or a
    /// team. What the inviter gave was judged with the invitation.
    #[must_use]
    pub fn standing(
        mut self,
        projects: impl Fn(ActorRef, &ProjectGrant) -> bool,
        teams: impl Fn(ActorRef, &TeamGrant) -> bool,
    ) -> Self {
        self.grants.retain(|grant| adder(grant.added_by_kind, grant.added_by_id).is_none_or(|by| projects(by, grant)));
        self.team_grants
            .retain(|grant| adder(grant.added_by_kind, grant.added_by_id).is_none_or(|by| teams(by, grant)));
        self
    }

    /// Who added something.
    pub(super) fn adders(&self) -> HashSet<ActorRef> {
        let projects = self.grants.iter().filter_map(|grant| adder(grant.added_by_kind, grant.added_by_id));
        let teams = self.team_grants.iter().filter_map(|grant| adder(grant.added_by_kind, grant.added_by_id));
        projects.chain(teams).collect()
    }
}

fn adder(kind: Option<ActorKind>, id: Option<Uuid>) -> Option<ActorRef> {
    kind.map(|kind| (kind, id))
}

/// A seat is free.
fn check_seat(organization: &Organization) -> Result<(), Refusal> {
    match organization.seat_limit.filter(|limit| organization.member_count >= *limit) {
        Some(limit) => {
            let refusal = Refusal::new(Code::LimitReached, format!("All {limit} seats of the organization are taken."));
            Err(refusal.with(Detail::Limit { limit, actual: organization.member_count + 1 }))
        }
        None => Ok(()),
    }
}
