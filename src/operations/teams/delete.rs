//! Deletes a team.

use serde_json::json;

use super::super::{Operation, Transaction, input::check_version};
use crate::{
    access::{TeamAccess, TeamRef},
    domain::{
        event::EventKind,
        id::{OrganizationId, TeamId},
    },
    error::Result,
    store::{invitation_teams, organizations::Counts, teams},
};

/// Deletes a team with its memberships; invitations grant it no more.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Delete {
    pub team: TeamRef,
    pub expected_version: Option<i32>,
}

/// What is gone.
#[derive(Clone, Debug)]
pub struct Deleted {
    /// The organization.
    pub organization: OrganizationId,
    /// The team.
    pub team: TeamId,
}

impl Operation for Delete {
    type Output = Deleted;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Deleted> {
        let access = TeamAccess::lock(tx.conn, &tx.app.policy, tx.viewer, &self.team).await?;
        access.may_manage()?;
        check_version(self.expected_version, access.team.version)?;
        let (organization, team) = access.key();
        for invitation in invitation_teams::granting(tx.conn, organization, team).await? {
            let data = json!({ "because": "the team was deleted", "team": team.to_string() });
            tx.happened(organization, EventKind::InvitationUpdated, invitation.0, None, data)?;
        }
        teams::delete(tx.conn, organization, team).await?;
        tx.count(organization, Counts { teams: -1, ..Counts::default() });
        let data = json!({ "slug": access.team.slug, "name": access.team.name });
        tx.happened(organization, EventKind::TeamDeleted, team.0, None, data)?;
        Ok(Deleted { organization, team })
    }
}
