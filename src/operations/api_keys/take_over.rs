//! Makes the viewer answer for an API key.

use super::{
    super::{Locked, Operation, Transaction},
    ManagedKey, check_active, may_manage,
};
use crate::{
    access::Viewer,
    consequences::keys::{self, check_strength},
    domain::id::ApiKeyId,
    error::{Code, Refusal, Result},
};

/// Makes the viewer answer for a key: from then on it can do what it was given as far as they hold that. Done again, it
/// succeeds and nothing happens.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct TakeOver {
    pub key: Option<ApiKeyId>,
}

impl Operation for TakeOver {
    type Output = ApiKeyId;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<ApiKeyId> {
        let locked = Locked::<ManagedKey>::lock(tx, &self.key).await?;
        let permit = locked.permit(may_manage(&locked.organization))?;
        let key = &locked.target.0;
        check_person(&tx.viewer).map_err(|refusal| refusal.at(["apiKeyId"]))?;
        check_active(key, tx.now)?;
        check_strength(tx, &locked.organization, key).await?.map_err(|refusal| refusal.at(["apiKeyId"]))?;
        keys::take_over(tx, &permit, std::slice::from_ref(key)).await?;
        Ok(key.id)
    }
}

/// A person or the operator answers for keys.
///
/// # Errors
/// `FORBIDDEN` for a key, without blaming an input.
pub fn check_person(viewer: &Viewer) -> Result<(), Refusal> {
    if matches!(viewer, Viewer::Key(_)) {
        let message = "A person or the operator answers for API keys, not another key.";
        return Err(Refusal::new(Code::Forbidden, message));
    }
    Ok(())
}
