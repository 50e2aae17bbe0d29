//! Takes a pending invitation back.

use super::{
    super::{Locked, Operation, Transaction},
    ManagedInvitation,
};
use crate::{
    consequences::invitations::resolve,
    domain::{event::EventKind, id::InvitationId, invitation::InvitationStatus},
    error::Result,
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
        let locked = Locked::<ManagedInvitation>::lock(tx, &self.invitation).await?;
        let permit = locked.permit(locked.may_revoke(tx.now))?;
        let invitation = &locked.invitation;
        if invitation.status != InvitationStatus::Revoked {
            let end = (InvitationStatus::Revoked, EventKind::InvitationRevoked);
            resolve(tx, &permit, invitation, end).await?;
        }
        Ok(invitation.id)
    }
}
