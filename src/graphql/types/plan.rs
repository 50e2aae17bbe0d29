//! `OrganizationPlan`.

use async_graphql::{Context, Enum, Object, SimpleObject};

use crate::{
    domain::organization,
    graphql::{context::RequestContext, scalars::DateTime},
    store,
};

/// Subscription plan.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "organization::PlanTier")]
pub enum PlanTier {
    /// Tailored limits.
    Enterprise,
    /// No invitations outside a trial.
    Free,
    /// Larger teams.
    Premium,
    /// Small teams.
    Starter,
}

/// Plan of an organization.
pub struct OrganizationPlan(pub store::organizations::Organization);

/// Plan, trial and seats of an organization.
#[Object]
impl OrganizationPlan {
    /// Current plan.
    async fn tier(&self) -> PlanTier {
        self.0.plan_tier.into()
    }

    /// Current or past trial, null if there was none.
    async fn trial(&self, ctx: &Context<'_>) -> Option<Trial> {
        let ends_at = self.0.trial_ends_at?;
        Some(Trial { is_active: ends_at > ctx.reader().now, ends_at: ends_at.into() })
    }

    /// Seats.
    async fn seats(&self) -> SeatUsage {
        let (limit, used, pending) = (self.0.seat_limit, self.0.member_count, self.0.pending_invitation_count);
        SeatUsage { limit, used, pending, available: limit.map(|limit| (limit - used - pending).max(0)) }
    }
}

/// A time-limited trial of paid features.
#[derive(SimpleObject)]
pub struct Trial {
    /// Not yet over.
    is_active: bool,
    /// End.
    ends_at: DateTime,
}

/// Seats of an organization.
#[derive(SimpleObject)]
pub struct SeatUsage {
    /// Seats in the plan, null if unlimited.
    limit: Option<i32>,
    /// Taken by members.
    used: i32,
    /// Reserved by pending invitations.
    pending: i32,
    /// Left to invite, null if unlimited.
    available: Option<i32>,
}
