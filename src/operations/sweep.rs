//! What time brings about by itself: invitations lapse, and answers kept for retries are forgotten.

use std::{sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{KEPT, Locked, Operation, Transaction, execute};
use crate::{
    access::{OrganizationAccess, OrganizationRef, Permission, Viewer},
    app::App,
    consequences::invitations::expire_lapsed,
    domain::id::OrganizationId,
    error::{Error, Result},
    store::{idempotency, invitations},
};

/// How often it is looked.
const EVERY: Duration = Duration::from_mins(1);
/// Most organizations whose invitations are looked after in one go.
const AT_ONCE: i64 = 100;

/// Sweeps every minute until it is asked to stop. Any number of servers may do so over one database.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = sweep(&app).await {
            tracing::warn!(?error, "the sweep failed; it is tried again in a minute");
        }
    }
}

/// Writes down which invitations have lapsed, so that they hold no seat, and forgets old answers.
///
/// # Errors
/// When the database fails; what was swept stays so.
pub async fn sweep(app: &Arc<App>) -> Result<()> {
    let server = Arc::new(Viewer::Operator);
    loop {
        let lapsed = {
            let mut conn = app.db.read().await?;
            invitations::organizations_with_lapsed(&mut conn, app.now(), AT_ONCE).await?
        };
        for organization in &lapsed {
            execute(app, &server, Expire { organization: *organization }).await?;
        }
        if lapsed.is_empty() {
            break;
        }
    }
    execute(app, &server, Forget).await
}

struct Expire {
    organization: OrganizationId,
}

impl Operation for Expire {
    type Output = ();

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<()> {
        let by = OrganizationRef::Id(self.organization);
        let access = match Locked::<Arc<OrganizationAccess>>::lock(tx, &by).await {
            // It was deleted meanwhile.
            Err(Error::Refused(_)) => return Ok(()),
            access => access?,
        };
        let permit = access.permit(access.may(Permission::InvitationsManage))?;
        expire_lapsed(tx, &permit, &access.target.organization).await.map(drop)
    }
}

struct Forget;

impl Operation for Forget {
    type Output = ();

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<()> {
        idempotency::forget(tx.conn, tx.now - KEPT).await.map(drop)
    }
}
