//! Refuses an invitation, as the invited person.

use super::{
    super::{Operation, Transaction},
    InvitationRef, ReceivedInvitation,
};
use crate::{
    consequences::invitations::resolve,
    domain::{event::EventKind, id::InvitationId, invitation::InvitationStatus},
    error::Result,
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
        let (received, permit) = ReceivedInvitation::lock(tx, &self.invitation).await?;
        let _allowed = received.may_decline(tx.now)?;
        let invitation = &received.invitation;
        if invitation.status != InvitationStatus::Declined {
            let end = (InvitationStatus::Declined, EventKind::InvitationDeclined);
            resolve(tx, &permit, invitation, end).await?;
        }
        Ok(invitation.id)
    }
}
