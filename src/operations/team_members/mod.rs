//! Changes of memberships of teams.

mod add;
mod remove;
mod replace;
mod update_role;

pub use add::{Add, Added, ItemResult};
pub use remove::{Remove, Removed};
pub use replace::{MAX as REPLACE_MAX, Replace};
pub use update_role::UpdateRole;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Target, Transaction,
    input::{TeamMemberRef, UserRef},
};
pub use crate::consequences::team_people::MemberInput;
use crate::{
    access::{Allowed, OrganizationAccess, TeamAccess, TeamRef},
    domain::{
        event::EventKind,
        id::{OrganizationId, TeamId},
    },
    error::{Refusal, Result},
    store::{
        Connection, events,
        team_members::{self, TeamMember},
    },
};

/// What happened to a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Change {
    /// New.
    Added,
    /// Gone.
    Removed,
    /// As before.
    Unchanged,
    /// Role changed.
    Updated,
}

/// A member of a team that the viewer knows of; nobody when they are gone already.
struct ManagedMember {
    team: TeamAccess,
    member: Option<TeamMember>,
}

impl Target for ManagedMember {
    type By = TeamMemberRef;

    fn missing() -> Refusal {
        Refusal::not_found("member").at(["member"])
    }

    async fn organization_of(conn: &Connection, by: &TeamMemberRef) -> Result<Option<OrganizationId>> {
        match team_of(conn, by).await? {
            Some(team) => TeamAccess::organization_of(conn, &team).await,
            None => Ok(None),
        }
    }

    async fn find(
        tx: &mut Transaction<'_>,
        organization: &Arc<OrganizationAccess>,
        by: &TeamMemberRef,
    ) -> Result<Option<Self>> {
        let Some(team) = team_of(tx.conn, by).await? else { return Ok(None) };
        let Some(team) = <TeamAccess as Target>::find(tx, organization, &team).await? else { return Ok(None) };
        let member = match by {
            TeamMemberRef::Id(id) => team_members::by_ids(tx.conn, &[*id]).await?.pop(),
            TeamMemberRef::Lookup(_, user) => find(tx, &team, user).await?,
            TeamMemberRef::Unknown => None,
        };
        let member = member.filter(|member| member.team_id == team.team.id && member.stands_at(tx.now));
        Ok(Some(Self { team, member }))
    }
}

impl ManagedMember {
    fn may_manage(&self) -> Result<Allowed, Refusal> {
        self.team.may_manage_members().map_err(|refusal| refusal.at(["member"]))
    }
}

/// The team that a member is, or was, in.
async fn team_of(conn: &Connection, by: &TeamMemberRef) -> Result<Option<TeamRef>> {
    Ok(match by {
        TeamMemberRef::Lookup(team, _) => Some(team.clone()),
        TeamMemberRef::Id(id) => {
            if let Some(found) = team_members::by_ids(conn, &[*id]).await?.pop() {
                return Ok(Some(TeamRef::Id(found.team_id)));
            }
            let removed = events::removal_data(conn, EventKind::TeamMemberRemoved.as_str(), id.0).await?;
            let team = removed.as_ref().and_then(|data| TeamId::parse(data.get("team")?.as_str()?));
            team.map(TeamRef::Id)
        }
        TeamMemberRef::Unknown => None,
    })
}

/// Somebody in a team: a person before an invitee of the same address.
async fn find(tx: &mut Transaction<'_>, team: &TeamAccess, user: &UserRef) -> Result<Option<TeamMember>> {
    let (organization, team) = team.key();
    let ids: Vec<_> = user.find(tx.conn).await?.into_iter().map(|user| user.id).collect();
    let emails = if let UserRef::Email(email) = user { vec![email.clone()] } else { Vec::new() };
    let found = team_members::among(tx.conn, organization, team, &ids, &emails).await?;
    Ok(found.into_iter().min_by_key(|member| member.user_id.is_none()))
}
