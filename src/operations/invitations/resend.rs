//! Sends an invitation again, with a new link and a new expiry.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    super::{Locked, Operation, Transaction},
    ManagedInvitation,
    invite::check_expiry,
};
use crate::{
    access::Permit,
    consequences::{grants::renew_pending, invitations::expire_lapsed},
    domain::{
        event::EventKind,
        id::{InvitationId, OrganizationId},
        invitation::InvitationStatus,
    },
    error::Result,
    store::{
        invitations::{self, Invitation, Revival},
        mails::{self, Mail},
        organization_members,
        organizations::Counts,
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
        let managed = Locked::<ManagedInvitation>::lock(tx, &self.invitation).await?;
        let (organization, invitation) = (&managed.organization.organization, &managed.invitation);
        check_expiry(self.expires_in_days)?;
        let requested = mails::requested_at(tx.conn, &[organization.id], &[invitation.id]).await?;
        let was_expired = invitation.status_at(tx.now) == InvitationStatus::Expired;
        let may_manage = managed.permit(managed.may_manage())?;
        let (is_member, revival) =
            if was_expired { revival(tx, &may_manage, &managed).await? } else { (false, Revival::default()) };
        let permit = managed.permit(managed.may_resend(tx.app.trial_days, tx.now, &requested, is_member, revival))?;
        if was_expired {
            tx.count(organization.id, Counts { pending_invitations: 1, ..Counts::default() });
        }

        let expires_at = tx.now + TimeDelta::days(self.expires_in_days.into());
        let version = invitations::renew(tx.conn, &permit, invitation, expires_at, tx.now).await?;
        renew_pending(tx, &permit, &Invitation { expires_at, ..invitation.clone() }).await?;
        tx.mail(Mail::queued(organization.id, invitation.id, version, tx.now));
        let data = json!({ "email": invitation.email.as_str() });
        tx.happened(organization.id, EventKind::InvitationResent, invitation.id.0, invitation.project_id, data)?;
        Ok(Resent { organization: organization.id, invitation: invitation.id, link: version })
    }
}

/// An expired invitation takes its seat and its address again, if they are free.
async fn revival(tx: &mut Transaction<'_>, permit: &Permit, managed: &ManagedInvitation) -> Result<(bool, Revival)> {
    expire_lapsed(tx, permit, &managed.organization.organization).await?;
    let key = [(managed.invitation.organization_id, managed.invitation.email.clone())];
    let is_member = !organization_members::by_addresses(tx.conn, &key).await?.is_empty();
    let found = invitations::revivals(tx.conn, &key, tx.now).await?;
    Ok((is_member, found.into_iter().next().unwrap_or_default()))
}
