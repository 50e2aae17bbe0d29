//! Takes a pending invitation back.

use serde_json::json;

use super::{
    super::{Operation, Transaction},
    Managed,
    teams::end_pending,
};
use crate::{
    domain::{event::EventKind, id::InvitationId, invitation::InvitationStatus},
    error::{Error, Result},
    store::{
        invitations::{self, Resolution},
        organizations::Counts,
    },
};

/// Takes a pending invitation back. Done again, it succeeds and nothing happens.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Revoke {
    pub invitation: Option<InvitationId>,
}

impl Operation for Revoke {
    type Output = InvitationId;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<InvitationId> {
        let managed = Managed::lock(tx, self.invitation).await?;
        managed.may_revoke(tx.now)?;
        let invitation = managed.invitation;
        if invitation.status == InvitationStatus::Revoked {
            return Ok(invitation.id);
        }
        let resolution = Resolution { status: InvitationStatus::Revoked, by: tx.viewer.actor()?, at: tx.now };
        let revoked = invitations::resolve(tx.conn, invitation.organization_id, &[invitation.id], resolution).await?;
        if revoked.is_empty() {
            return Err(Error::Transient("an invitation changed under its lock".into()));
        }
        end_pending(tx, invitation.organization_id, &revoked, resolution.by).await?;
        tx.count(invitation.organization_id, Counts { pending_invitations: -1, ..Counts::default() });
        let data = json!({ "email": invitation.email.as_str() });
        tx.happened(
            invitation.organization_id,
            EventKind::InvitationRevoked,
            invitation.id.0,
            invitation.project_id,
            data,
        )?;
        Ok(invitation.id)
    }
}
