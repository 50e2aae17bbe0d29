//! Sends an invitation again, with a new link and a new expiry.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    super::{Operation, Transaction},
    Managed, check_plan, check_seats, expire_lapsed,
    giver::is_plain,
    invite::check_expiry,
    lock_managed, not_pending,
    teams::{may_give_teams, renew_pending},
};
use crate::{
    access::{Permission, ProjectAccess},
    domain::{
        event::EventKind,
        id::{InvitationId, OrganizationId, RoleId},
        invitation::{InvitationStatus, RESEND_PAUSE_SECONDS, RESENDS_A_DAY},
    },
    error::{Code, Detail, Refusal, Result},
    store::{
        invitations::{self, Invitation, TeamGrant},
        mails::{self, Mail},
        organization_members,
        organizations::Counts,
        roles,
    },
};

/// Sends an invitation again; revives one that has expired.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Resend {
    pub invitation: Option<InvitationId>,
    pub expires_in_days: i32,
}

/// An invitation that was sent again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Resent {
    /// The organization.
    pub organization: OrganizationId,
    /// The invitation.
    pub invitation: InvitationId,
    /// Number of its new link.
    pub link: i32,
}

impl Operation for Resend {
    type Output = Resent;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Resent> {
        let managed = lock_managed(tx, self.invitation).await?;
        let (organization, invitation) = (managed.organization.organization.id, &managed.invitation);
        check_expiry(self.expires_in_days)?;
        let status = invitation.status_at(tx.now);
        match status {
            InvitationStatus::Pending | InvitationStatus::Expired => {}
            _ => return Err(not_pending(status).at(["invitationId"]).into()),
        }
        check_rank(tx, &managed).await?;
        check_plan(tx, &managed.organization.organization)?;
        check_pause(tx, &managed).await?;
        if status == InvitationStatus::Expired {
            check_revivable(tx, &managed).await?;
            tx.count(organization, Counts { pending_invitations: 1, ..Counts::default() });
        }

        let expires_at = tx.now + TimeDelta::days(self.expires_in_days.into());
        let version = invitations::renew(tx.conn, invitation, expires_at, tx.now).await?;
        renew_pending(tx, &Invitation { expires_at, ..invitation.clone() }).await?;
        tx.mail(Mail::queued(organization, invitation.id, version, tx.now));
        let data = json!({ "email": invitation.email.as_str() });
        tx.happened(organization, EventKind::InvitationResent, invitation.id.0, invitation.project_id, data)?;
        Ok(Resent { organization, invitation: invitation.id, link: version })
    }
}

/// Who sends an invitation again hands out its link: they could give themselves what its inviter gave.
async fn check_rank(tx: &mut Transaction<'_>, managed: &Managed) -> Result<()> {
    let invitation = &managed.invitation;
    let roles = roles::of_organizations(tx.conn, &[invitation.organization_id]).await?;
    let given = |id: RoleId| roles.iter().find(|role| role.id == id);
    let mut may = given(invitation.role_id)
        .is_some_and(|role| managed.organization.may_give(role) || (invitation.project_id.is_some() && is_plain(role)));
    for grant in managed.grants.iter().filter(|grant| grant.added_by_kind.is_none()) {
        let project = ProjectAccess::in_locked(tx.conn, tx.viewer, &managed.organization, grant.project_id)
            .await?
            .filter(|project| project.permissions.has(Permission::ProjectInvitationsManage));
        let needed = || Refusal::forbidden(Permission::ProjectInvitationsManage.key()).at(["invitationId"]);
        let project = project.ok_or_else(needed)?;
        may &= given(grant.role_id).is_some_and(|role| project.may_give(role));
    }
    let mut teams: Vec<TeamGrant> = invitations::team_grants(tx.conn, &[invitation.id]).await?;
    teams.retain(|grant| grant.added_by_kind.is_none());
    may &= may_give_teams(tx.conn, tx.viewer, &managed.organization, &teams).await?;
    if may {
        Ok(())
    } else {
        Err(Refusal::new(Code::Forbidden, "This invitation gives more than you could.").at(["invitationId"]).into())
    }
}

/// At least a minute lies between two mails, and a day has five resends.
async fn check_pause(tx: &mut Transaction<'_>, managed: &Managed) -> Result<()> {
    let asked = mails::requested_at(tx.conn, managed.invitation.organization_id, managed.invitation.id).await?;
    let pause = asked.first().map(|(_, at)| *at + TimeDelta::seconds(RESEND_PAUSE_SECONDS));
    let resent: Vec<_> =
        asked.iter().filter(|(version, _)| *version > 1).map(|(_, at)| *at + TimeDelta::days(1)).collect();
    let day = resent.get(RESENDS_A_DAY - 1).copied();
    match pause.max(day).filter(|retry_at| *retry_at > tx.now) {
        Some(retry_at) => {
            let message = format!(
                "At least {RESEND_PAUSE_SECONDS} seconds lie between two mails, and at most {RESENDS_A_DAY} are sent again in a day."
            );
            Err(Refusal::new(Code::Cooldown, message).at(["invitationId"]).with(Detail::RetryAt(retry_at)).into())
        }
        None => Ok(()),
    }
}

/// An expired invitation takes its seat and its address again, if they are free.
async fn check_revivable(tx: &mut Transaction<'_>, managed: &Managed) -> Result<()> {
    let (organization, email) = (&managed.organization.organization, std::slice::from_ref(&managed.invitation.email));
    let pending = expire_lapsed(tx, organization).await?;
    if !organization_members::by_emails(tx.conn, organization.id, email).await?.is_empty() {
        return Err(Refusal::new(Code::AlreadyMember, "This address belongs to a member by now.")
            .at(["invitationId"])
            .into());
    }
    if !invitations::pending_to(tx.conn, organization.id, email).await?.is_empty() {
        return Err(Refusal::new(Code::AlreadyInvited, "This address has a newer invitation.")
            .at(["invitationId"])
            .into());
    }
    Ok(check_seats(organization, pending, 1)?)
}
