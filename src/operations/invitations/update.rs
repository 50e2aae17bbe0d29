//! Changes what a pending invitation grants.

use serde_json::json;

use super::{
    super::{Locked, Operation, Transaction, input::RoleRef},
    GrantInput, ManagedInvitation, TeamGrantInput, grant_row,
    managed::assignable,
    organization_invite::project_grants,
    teams::team_grants,
};
use crate::{
    consequences::grants::set_team_grants,
    domain::{
        event::EventKind,
        id::{InvitationId, ProjectId, RoleId},
        role::RoleScope,
    },
    error::{Code, Refusal, Result},
    store::{
        invitation_projects::{self, ProjectGrant},
        invitation_teams,
        invitations::{self, Invitation},
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
        let managed = Locked::<ManagedInvitation>::lock(tx, &self.invitation).await?;
        let permit = managed.permit(managed.may_update(tx.now))?;
        let invitation = &managed.invitation;
        let role = match &self.role {
            Some(role) => {
                let role = role.among(&managed.organization, &managed.roles, RoleScope::Organization);
                Some(assignable(&managed, role.map_err(|refusal| refusal.at(["role"]))?)?.id)
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
            Some(teams) => set_team_grants(tx, &permit, invitation, teams).await?,
            None => false,
        };
        if role == invitation.role_id && unchanged && !teams_change {
            return Ok(invitation.id);
        }
        let by = tx.viewer.actor()?;
        invitations::set_terms(tx.conn, &permit, invitation, role, by, tx.now).await?;
        invitation_projects::take_over(tx.conn, &permit, invitation.id).await?;
        invitation_teams::take_over(tx.conn, &permit, invitation.id).await?;
        if self.projects.is_some() {
            invitation_projects::replace(tx.conn, &permit, invitation, &grants).await?;
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
        managed: &ManagedInvitation,
        projects: &[GrantInput],
    ) -> Result<Vec<ProjectGrant>> {
        let invitation = &managed.invitation;
        let mut wanted = project_grants(tx, &managed.organization, &managed.roles, projects).await?;
        wanted.sort_by_key(|(project, _)| Some(*project) != invitation.project_id);
        check_invited_project(invitation, &wanted)?;
        let rows = wanted.iter().enumerate();
        Ok(rows.map(|(position, (project, role))| grant_row(invitation, *project, *role, position)).collect())
    }
}

/// The invited project stays among those that an invitation grants.
///
/// # Errors
/// `INVALID`.
pub fn check_invited_project(invitation: &Invitation, wanted: &[(ProjectId, RoleId)]) -> Result<(), Refusal> {
    let keeps = |invited| wanted.iter().any(|(project, _)| *project == invited);
    if invitation.project_id.is_none_or(keeps) {
        return Ok(());
    }
    let message = "The invited project stays; revoke the invitation to take the project back.";
    Err(Refusal::new(Code::Invalid, message).at(["projects"]))
}
