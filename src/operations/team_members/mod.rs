//! Changes of memberships of teams.

mod add;
mod additions;
mod end;
mod people;
mod remove;
mod replace;
mod update_role;

pub use add::{Add, Added, ItemResult};
pub(super) use additions::Additions;
pub(super) use end::end_memberships;
pub use people::MemberInput;
pub(super) use people::{People, at_item, duplicate};
pub use remove::{Remove, Removed};
pub use replace::{MAX as REPLACE_MAX, Replace};
pub use update_role::UpdateRole;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Transaction,
    input::{TeamMemberRef, UserRef, user_by_ref},
};
use crate::{
    access::{TeamAccess, TeamRef},
    domain::{event::EventKind, id::TeamId, team::TeamMemberRole},
    error::{Code, Error, Refusal, Result},
    store::{
        events,
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

/// What is told of a membership when something happens to it.
pub(super) fn told(member: &TeamMember) -> Value {
    let (team, role) = (member.team_id.to_string(), member.role.as_str());
    match (member.user_id, member.invitation_id) {
        (Some(user), _) => json!({ "team": team, "user": user.to_string(), "role": role }),
        (None, Some(invitation)) => {
            let invitation = invitation.to_string();
            json!({ "team": team, "invitation": invitation, "email": member.email.as_str(), "role": role })
        }
        (None, None) => json!({ "team": team, "role": role }),
    }
}

/// What is told of a membership whose role changes.
pub(super) fn told_of_role(member: &TeamMember, role: TeamMemberRole) -> Value {
    let mut data = told(member);
    if let Some(data) = data.as_object_mut() {
        data.remove("role");
        data.insert("before".to_owned(), member.role.as_str().into());
        data.insert("after".to_owned(), role.as_str().into());
    }
    data
}

/// A member as the viewer manages them, with the organization locked.
struct Managed {
    team: TeamAccess,
    /// Nobody when they are gone already.
    member: Option<TeamMember>,
}

/// Locks the organization of a team member, for those who manage the team's members.
async fn lock(tx: &mut Transaction<'_>, member: &TeamMemberRef) -> Result<Managed> {
    let missing = || Error::from(Refusal::not_found("member").at(["member"]));
    let by = match member {
        TeamMemberRef::Lookup(team, _) => team.clone(),
        TeamMemberRef::Id(id) => {
            if let Some(found) = team_members::by_ids(tx.conn, &[*id]).await?.pop() {
                TeamRef::Id(found.team_id)
            } else {
                let removed = events::removal_data(tx.conn, EventKind::TeamMemberRemoved.as_str(), id.0).await?;
                let team = removed.as_ref().and_then(|data| TeamId::parse(data.get("team")?.as_str()?));
                TeamRef::Id(team.ok_or_else(missing)?)
            }
        }
        TeamMemberRef::Unknown => return Err(missing()),
    };
    let team = TeamAccess::lock(tx.conn, &tx.app.policy, tx.viewer, &by).await.map_err(|error| match error {
        Error::Refused(refusals) if refusals.iter().any(|refusal| refusal.code == Code::NotFound) => missing(),
        error => error,
    })?;
    team.may_manage_members().map_err(|refusal| refusal.at(["member"]))?;
    let member = match member {
        TeamMemberRef::Id(id) => team_members::by_ids(tx.conn, &[*id]).await?.pop(),
        TeamMemberRef::Lookup(_, user) => find(tx, &team, user).await?,
        TeamMemberRef::Unknown => None,
    };
    let member = member.filter(|member| member.team_id == team.team.id && member.stands_at(tx.now));
    Ok(Managed { team, member })
}

/// Somebody in a team: a person before an invitee of the same address.
async fn find(tx: &mut Transaction<'_>, team: &TeamAccess, user: &UserRef) -> Result<Option<TeamMember>> {
    let (organization, team) = team.key();
    let ids: Vec<_> = user_by_ref(tx.conn, user).await?.into_iter().map(|user| user.id).collect();
    let emails = if let UserRef::Email(email) = user { vec![email.clone()] } else { Vec::new() };
    let found = team_members::among(tx.conn, organization, team, &ids, &emails).await?;
    // An address that is not verified names nobody.
    let named = |member: &TeamMember| member.user_id.is_none_or(|user| ids.contains(&user));
    Ok(found.into_iter().filter(named).min_by_key(|member| member.user_id.is_none()))
}
