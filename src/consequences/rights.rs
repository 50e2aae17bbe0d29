//! Somebody's rights change, and with them what rests on these: their keys, and what they and their keys invited to.

use super::{
    Transaction,
    invitations::revoke_ungivable,
    keys::{KeyChange, answered_for, compare},
};
use crate::{
    access::{Backend, Permit},
    domain::{id::UserId, organization::ActorKind},
    error::Result,
    store::permit::Permit as _,
};

/// A person whose rights are about to change, with what the keys that they answer for can do before.
pub(super) struct Rights {
    person: UserId,
    keys: Vec<Backend>,
}

impl Rights {
    /// The rights of a person in the organization of the permit, before they change.
    pub(super) async fn of(tx: &mut Transaction<'_>, permit: &Permit, person: UserId) -> Result<Self> {
        Ok(Self { person, keys: answered_for(tx, permit.organization(), person).await? })
    }

    /// What follows once they have changed: every server judges the keys anew, and what neither the person nor a key may
    /// give any more is taken back. Tells which keys can do less.
    pub(super) async fn changed(self, tx: &mut Transaction<'_>, permit: &Permit) -> Result<Vec<KeyChange>> {
        if !self.keys.is_empty() {
            tx.sign_out(self.person.0);
        }
        revoke_ungivable(tx, permit, (ActorKind::User, self.person.0)).await?;
        for key in &self.keys {
            revoke_ungivable(tx, permit, (ActorKind::ApiKey, key.id.0)).await?;
        }
        let after = answered_for(tx, permit.organization(), self.person).await?;
        Ok(compare(&tx.app.policy, &self.keys, &after))
    }
}
