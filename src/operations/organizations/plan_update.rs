//! Records the plan of an organization.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use serde_json::{Value, json};

use super::super::{Locked, Operation, Transaction};
use crate::{
    access::{OrganizationAccess, OrganizationRef},
    domain::{event::EventKind, id::OrganizationId, organization::PlanTier},
    error::{Code, Refusal, Result},
    store::organizations::{self, Organization},
};

/// Replaces the plan of an organization as a whole. Fewer seats than are taken are no error: nobody is removed,
/// and nobody new fits.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct PlanUpdate {
    pub organization: OrganizationRef,
    pub tier: PlanTier,
    pub seats: Option<i32>,
    pub trial_ends_at: Option<DateTime<Utc>>,
}

impl Operation for PlanUpdate {
    type Output = OrganizationId;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<OrganizationId> {
        let access = Locked::<Arc<OrganizationAccess>>::lock(tx, &self.organization).await?;
        let permit = access.permit(access.may_operate(&tx.viewer, "Only the operator records plans."))?;
        if self.seats.is_some_and(|seats| seats < 0) {
            return Err(Refusal::new(Code::Invalid, "A plan has 0 seats or more, or null for any number.")
                .at(["seats"])
                .into());
        }
        let before = &access.target.organization;
        let after = Organization {
            plan_tier: self.tier,
            seat_limit: self.seats,
            // As exactly as it is stored.
            trial_ends_at: self.trial_ends_at.map(|end| end.trunc_subsecs(6)),
            updated_at: tx.now,
            ..before.clone()
        };
        let (old, new) = (plan(before), plan(&after));
        if old != new {
            organizations::update(tx.conn, &permit, &after).await?;
            let data = json!({ "before": old, "after": new });
            tx.happened(before.id, EventKind::OrganizationPlanUpdated, before.id.0, None, data)?;
        }
        Ok(before.id)
    }
}

fn plan(organization: &Organization) -> Value {
    let trial_ends_at = organization.trial_ends_at.map(|end| end.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    json!({ "tier": organization.plan_tier.as_str(), "seats": organization.seat_limit, "trialEndsAt": trial_ends_at })
}
