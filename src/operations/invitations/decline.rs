//! Refuses an invitation, as the invited person.

use serde_json::json;

use super::{
    super::{Operation, Transaction},
    Held, InvitationRef,
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

/// Refuses an invitation. Done again, it succeeds and nothing happens.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Decline {
    pub invitation: InvitationRef,
}

impl Operation for Decline {
    type Output = InvitationId;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<InvitationId> {
        let held = Held::lock(tx, &self.invitation).await?;
        held.may_decline(tx.now)?;
        let invitation = &held.invitation;
        if invitation.status == InvitationStatus::Declined {
            return Ok(invitation.id);
        }
        let resolution = Resolution { status: InvitationStatus::Declined, by: tx.viewer.actor()?, at: tx.now };
        let declined = invitations::resolve(tx.conn, invitation.organization_id, &[invitation.id], resolution).await?;
        if declined.is_empty() {
            return Err(Error::Transient("an invitation changed under its lock".into()));
        }
        end_pending(tx, invitation.organization_id, &declined, resolution.by).await?;
        tx.count(invitation.organization_id, Counts { pending_invitations: -1, ..Counts::default() });
        let data = json!({ "email": invitation.email.as_str() });
        tx.happened(
            invitation.organization_id,
            EventKind::InvitationDeclined,
            invitation.id.0,
            invitation.project_id,
            data,
        )?;
        Ok(invitation.id)
    }
}
