//! Memberships of teams to be written together.

use serde_json::json;

use super::{super::Transaction, people::Person, told};
use crate::{
    access::TeamAccess,
    domain::{event::EventKind, id::TeamMemberId, team::TeamMemberRole},
    error::Result,
    store::{
        invitation_teams::{self, TeamGrant},
        team_members::{self, TeamMember},
    },
};

/// Memberships of teams to be written together.
#[derive(Default)]
pub struct Additions {
    rows: Vec<TeamMember>,
    grants: Vec<TeamGrant>,
}

impl Additions {
    /// Puts somebody into a team who is not in it; an invitee's invitation grants the team from then on.
    pub fn add(
        &mut self,
        tx: &mut Transaction<'_>,
        team: &TeamAccess,
        person: Person<'_>,
        role: TeamMemberRole,
    ) -> Result<TeamMemberId> {
        let id = TeamMemberId(tx.id());
        let (organization, team_id) = team.key();
        let row = match person {
            Person::Member(user) => TeamMember::of_person(id, team.key(), &user.entry, role, tx.now),
            Person::Invitee(invitation) => {
                let (kind, actor) = tx.viewer.actor()?;
                self.grants.push(TeamGrant {
                    organization_id: organization,
                    invitation_id: invitation.id,
                    team_id,
                    role,
                    added_by_kind: Some(kind),
                    added_by_id: actor,
                });
                let data = json!({ "email": invitation.email.as_str(), "team": team_id.to_string() });
                tx.happened(organization, EventKind::InvitationUpdated, invitation.id.0, invitation.project_id, data)?;
                TeamMember::of_invitee(id, team_id, invitation, role, tx.now)
            }
        };
        tx.happened(organization, EventKind::TeamMemberAdded, id.0, None, told(&row))?;
        self.rows.push(row);
        Ok(id)
    }

    /// How many there are.
    pub fn count(&self) -> i32 {
        i32::try_from(self.rows.len()).unwrap_or(i32::MAX)
    }

    /// Writes what was added.
    pub async fn write(self, tx: &mut Transaction<'_>) -> Result<()> {
        invitation_teams::add(tx.conn, &self.grants).await?;
        team_members::insert(tx.conn, &self.rows).await?;
        Ok(())
    }
}
