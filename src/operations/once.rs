//! Changes that their callers gave a key, so that sending them again is safe.

use std::sync::Arc;

use chrono::TimeDelta;
use serde::{Serialize, de::DeserializeOwned};

use super::{Operation, Transaction, execute};
use crate::{
    access::Viewer,
    app::App,
    error::{Code, Error, Refusal, Result},
    store::idempotency::{self, Key},
};

/// How long an answer is kept.
pub const KEPT: TimeDelta = TimeDelta::hours(24);
/// Longest key, in characters.
const KEY_MAX: usize = 255;

/// A key that a caller gave a change.
pub struct IdempotencyKey {
    /// The key.
    pub text: String,
    /// Hash of what is asked for. It is kept with the key, so that a later release makes the same of the same.
    pub request_hash: [u8; 32],
}

/// Runs an operation as [`execute`] does; where `key` was used for the same before, answers what was answered
/// then and changes nothing. What was refused changed nothing, and is tried again.
///
/// # Errors
/// As [`execute`]; `IDEMPOTENCY_KEY_REUSED` when the key was used for something else in the last 24 hours.
pub async fn execute_once<O>(
    app: &Arc<App>,
    viewer: &Arc<Viewer>,
    key: Option<IdempotencyKey>,
    operation: O,
) -> Result<O::Output>
where
    O: Operation,
    O::Output: Serialize + DeserializeOwned + Sync,
{
    match key {
        Some(key) => execute(app, viewer, Once { key, operation }).await,
        None => execute(app, viewer, operation).await,
    }
}

struct Once<O> {
    key: IdempotencyKey,
    operation: O,
}

impl<O> Operation for Once<O>
where
    O: Operation,
    O::Output: Serialize + DeserializeOwned + Sync,
{
    type Output = O::Output;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<O::Output> {
        let refuse = |code, message: &'static str| Error::from(Refusal::new(code, message).at(["idempotencyKey"]));
        let IdempotencyKey { text, request_hash } = &self.key;
        let is_key = text.chars().count() <= KEY_MAX && text.chars().any(|c| !c.is_whitespace());
        if !is_key || text.chars().any(char::is_control) {
            return Err(refuse(
                Code::Invalid,
                "An idempotency key has 1 to 255 printable characters; a UUID is a good one.",
            ));
        }
        let (actor_kind, actor_id) = tx.viewer.actor()?;
        let key = Key { actor_kind, actor_id: actor_id.unwrap_or_default(), key: text };
        match idempotency::take(tx.conn, &key, request_hash, tx.now, tx.now - KEPT).await? {
            None => {
                let output = self.operation.run(tx).await?;
                let answer = serde_json::to_value(&output).map_err(Error::internal)?;
                idempotency::keep(tx.conn, &key, &answer).await?;
                Ok(output)
            }
            Some(used) if used.request_hash == request_hash => {
                serde_json::from_value(used.answer.unwrap_or_default()).map_err(Error::internal)
            }
            Some(_) => Err(refuse(
                Code::IdempotencyKeyReused,
                "This idempotency key was used for something else in the last 24 hours; take a new one.",
            )),
        }
    }
}
