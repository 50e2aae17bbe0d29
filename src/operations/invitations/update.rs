//! Changes what a pending invitation grants.

use serde_json::json;

use super::{
    super::{Operation, Transaction, input::RoleRef},
    GrantInput, Managed, TeamGrantInput, grant_row,
    managed::assignable,
    organization_invite::project_grants,
    teams::{set_team_grants, team_grants},
};
use crate::{
    domain::{event::EventKind, id::InvitationId, role::RoleScope},
    error::{Code, Error, Refusal, Result},
    store::{
        invitation_projects::{self, ProjectGrant},
        invitation_teams, invitations,
    },
};

/// Changes what a pending invitation grants; what is absent stays. Whoever changes it answers for all that it
/// gives from then on, as if they had invited.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Update {
    pub invitation: Option<InvitationId>,
    pub role: Option<RoleRef>,
    pub teams: Option<Vec<TeamGrantInput>>,
    pub projects: Option<Vec<GrantInput>>,
}

impl Operation for Update {
    type Output = InvitationId;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<InvitationId> {
        let managed = Managed::lock(tx, self.invitation).await?;
        managed.may_update(tx.now)?;
        let invitation = &managed.invitation;
        let role = match &self.role {
            Some(role) => {
                let role = role.among(&managed.roles, RoleScope::Organization);
                assignable(&managed, role.map_err(|refusal| refusal.at(["role"]))?)?.id
            }
            None => invitation.role_id,
        };
        let grants = match &self.projects {
            Some(projects) => self.project_rows(tx, &managed, projects).await?,
            None => managed.grants.clone(),
        };
        let teams = match &self.teams {
            Some(teams) => Some(team_grants(tx, &managed.organization, teams).await?),
            None => None,
        };
        let same =
            |(old, new): (&ProjectGrant, &ProjectGrant)| (old.project_id, old.role_id) == (new.project_id, new.role_id);
        let unchanged = grants.len() == managed.grants.len() && managed.grants.iter().zip(&grants).all(same);
        let teams_change = match &teams {
            Some(teams) => set_team_grants(tx, invitation, teams).await?,
            None => false,
        };
        if role == invitation.role_id && unchanged && !teams_change {
            return Ok(invitation.id);
        }
        invitations::set_terms(tx.conn, invitation, role, tx.viewer.actor()?, tx.now).await?;
        invitation_projects::take_over(tx.conn, invitation.organization_id, invitation.id).await?;
        invitation_teams::take_over(tx.conn, invitation.organization_id, invitation.id).await?;
        if self.projects.is_some() {
            invitation_projects::replace(tx.conn, invitation, &grants).await?;
        }
        let data = json!({ "email": invitation.email.as_str(), "projects": grants.len() });
        tx.happened(
            invitation.organization_id,
            EventKind::InvitationUpdated,
            invitation.id.0,
            invitation.project_id,
            data,
        )?;
        Ok(invitation.id)
    }
}

impl Update {
    /// The projects that it shall grant, the invited one first.
    async fn project_rows(
        &self,
        tx: &mut Transaction<'_>,
        managed: &Managed,
        projects: &[GrantInput],
    ) -> Result<Vec<ProjectGrant>> {
        let invitation = &managed.invitation;
        let mut wanted = project_grants(tx, &managed.organization, &managed.roles, projects).await?;
        wanted.sort_by_key(|(project, _)| Some(*project) != invitation.project_id);
        let keeps = |invited| wanted.iter().any(|(project, _)| *project == invited);
        if !invitation.project_id.is_none_or(keeps) {
            let message = "The invited project stays; revoke the invitation to take the project back.";
            return Err(Error::from(Refusal::new(Code::Invalid, message).at(["projects"])));
        }
        let rows = wanted.iter().enumerate();
        Ok(rows.map(|(position, (project, role))| grant_row(invitation, *project, *role, position)).collect())
    }
}
