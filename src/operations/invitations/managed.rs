//! An invitation in the hands of those who manage it: what they may do with it, decided from loaded rows
//! alone, so that mutations and `viewerCan` say the same.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    super::{Target, Transaction, input::role_not_assignable},
    check_plan, check_seats, not_pending,
};
use crate::{
    access::{Allowed, OrganizationAccess, Permission, ProjectAccess, TeamAccess},
    domain::{
        id::{InvitationId, OrganizationId, ProjectId, RoleId, TeamId},
        invitation::{InvitationStatus, RESEND_PAUSE_SECONDS, RESENDS_A_DAY},
    },
    error::{Code, Detail, Refusal, Result},
    store::{
        Connection,
        invitation_projects::{self, ProjectGrant},
        invitation_teams::{self, TeamGrant},
        invitations::{self, Invitation, Revival},
        roles::{self, Role},
    },
};

/// An invitation, and what the viewer is to all that it grants.
pub struct ManagedInvitation {
    /// The organization.
    pub organization: Arc<OrganizationAccess>,
    /// The invitation.
    pub invitation: Invitation,
    /// The projects that it grants.
    pub grants: Vec<ProjectGrant>,
    /// Those of the projects that the viewer may know of.
    pub projects: HashMap<ProjectId, Arc<ProjectAccess>>,
    /// The teams that it grants.
    pub team_grants: Vec<TeamGrant>,
    /// Those of the teams whose members the viewer manages.
    pub managed_teams: HashSet<TeamId>,
    /// All roles of the organization.
    pub roles: Arc<Vec<Role>>,
}

impl Target for ManagedInvitation {
    type By = Option<InvitationId>;

    fn missing() -> Refusal {
        Refusal::not_found("invitation").at(["invitationId"])
    }

    async fn organization_of(conn: &Connection, by: &Option<InvitationId>) -> Result<Option<OrganizationId>> {
        let Some(id) = by else { return Ok(None) };
        Ok(invitations::find(conn, *id).await?.map(|found| found.organization_id))
    }

    async fn find(
        tx: &mut Transaction<'_>,
        organization: &Arc<OrganizationAccess>,
        by: &Option<InvitationId>,
    ) -> Result<Option<Self>> {
        let Some(id) = *by else { return Ok(None) };
        let Some(invitation) = invitations::lock(tx.conn, organization.organization.id, id).await? else {
            return Ok(None);
        };
        let grants = invitation_projects::of(tx.conn, &[invitation.organization_id], &[id]).await?;
        let ids: Vec<ProjectId> = grants.iter().map(|grant| grant.project_id).chain(invitation.project_id).collect();
        let projects = ProjectAccess::in_locked(tx.conn, &tx.viewer, organization, &ids).await?;
        let team_grants = invitation_teams::of(tx.conn, &[invitation.organization_id], &[id]).await?;
        let ids: Vec<TeamId> = team_grants.iter().map(|grant| grant.team_id).collect();
        let teams = TeamAccess::in_locked(tx.conn, &tx.viewer, organization, &ids).await?;
        let roles = Arc::new(roles::of_organizations(tx.conn, &[invitation.organization_id]).await?);
        Ok(Self::of(organization, invitation, (grants, projects), (team_grants, &teams), roles))
    }
}

impl ManagedInvitation {
    /// An invitation with what it grants, as one finds it who knows of these projects and teams; `None` when they may not
    /// know of the invitation.
    pub fn of(
        organization: &Arc<OrganizationAccess>,
        invitation: Invitation,
        (grants, projects): (Vec<ProjectGrant>, Vec<ProjectAccess>),
        (team_grants, teams): (Vec<TeamGrant>, &[TeamAccess]),
        roles: Arc<Vec<Role>>,
    ) -> Option<Self> {
        let projects = projects.into_iter().map(|access| (access.project.id, Arc::new(access))).collect();
        let managed_teams = teams.iter().filter(|team| team.may_manage_members().is_ok()).map(|team| team.team.id);
        let managed_teams = managed_teams.collect();
        let organization = organization.clone();
        let managed = Self { organization, invitation, grants, projects, team_grants, managed_teams, roles };
        Some(managed).filter(Self::is_known)
    }

    /// Whether the viewer knows of it, as one who manages or reads the invitations of its organization, or manages those
    /// of a project that it grants.
    fn is_known(&self) -> bool {
        let reads = [Permission::InvitationsRead, Permission::InvitationsManage];
        let in_project = Permission::ProjectInvitationsManage;
        reads.into_iter().any(|permission| self.organization.permissions.has(permission))
            || self.projects.values().any(|project| project.permissions.has(in_project))
    }

    /// The viewer manages the invitations of the organization, or of the invited project.
    ///
    /// # Errors
    /// Refused as forbidden, or as missing for those who do not know of it.
    pub fn may_manage(&self) -> Result<Allowed, Refusal> {
        let project = self.invitation.project_id.and_then(|project| self.projects.get(&project));
        let through_project = project.map(|project| project.may(Permission::ProjectInvitationsManage));
        if let Some(Ok(allowed)) = through_project {
            return Ok(allowed);
        }
        let through_organization = self.organization.may(Permission::InvitationsManage);
        through_organization.map_err(
            |refusal| {
                if self.is_known() { refusal.at(["invitationId"]) } else { Self::missing() }
            },
        )
    }

    /// It can be taken back; one that was taken back already can be so again.
    pub fn may_revoke(&self, now: DateTime<Utc>) -> Result<Allowed, Refusal> {
        let allowed = self.may_manage()?;
        match self.invitation.status_at(now) {
            InvitationStatus::Pending | InvitationStatus::Revoked => Ok(allowed),
            status => Err(not_pending(status).at(["invitationId"])),
        }
    }

    /// What it grants can be changed: it is pending, and gives nothing that is beyond the viewer.
    pub fn may_update(&self, now: DateTime<Utc>) -> Result<Allowed, Refusal> {
        let _allowed = self.may_manage()?;
        let permission = Permission::InvitationsManage;
        let allowed = self.organization.may(permission).map_err(|refusal| refusal.at(["invitationId"]))?;
        match self.invitation.status_at(now) {
            InvitationStatus::Pending => self.may_hand_out(true).map(|()| allowed),
            status => Err(not_pending(status).at(["invitationId"])),
        }
    }

    /// It can be sent again; `requested` is when its mails were asked for, the latest first, `is_member` whether the
    /// address names a member by now, `revival` what else stands in the way of an expired one.
    pub fn may_resend(
        &self,
        trial_days: Option<u32>,
        now: DateTime<Utc>,
        requested: &[(InvitationId, i32, DateTime<Utc>)],
        is_member: bool,
        revival: Revival,
    ) -> Result<Allowed, Refusal> {
        let allowed = self.may_manage()?;
        let status = self.invitation.status_at(now);
        if !matches!(status, InvitationStatus::Pending | InvitationStatus::Expired) {
            return Err(not_pending(status).at(["invitationId"]));
        }
        self.may_hand_out(false)?;
        check_plan(trial_days, now, &self.organization.organization)?;
        check_pause(requested, now)?;
        if status == InvitationStatus::Pending {
            return Ok(allowed);
        }
        let refuse = |code, message: &'static str| Err(Refusal::new(code, message).at(["invitationId"]));
        match revival {
            _ if is_member => refuse(Code::AlreadyMember, "This address belongs to a member by now."),
            Revival { is_invited: true, .. } => refuse(Code::AlreadyInvited, "This address has a newer invitation."),
            Revival { pending, .. } => {
                check_seats(&self.organization.organization, pending, 1)?;
                Ok(allowed)
            }
        }
    }

    /// Whoever hands out the link could give themselves what its inviter gave; whoever answers for the whole,
    /// also what others added.
    fn may_hand_out(&self, whole: bool) -> Result<(), Refusal> {
        let given = |id: RoleId| self.roles.iter().find(|role| role.id == id);
        let Some(role) = self.invitation.role_id.and_then(given) else {
            let message = "The role that this invitation gave was deleted; invite the address again.";
            return Err(Refusal::new(Code::RoleNotAssignable, message).at(["invitationId"]));
        };
        let mut may = self.organization.may_give(role);
        for grant in self.grants.iter().filter(|grant| whole || grant.added_by_kind.is_none()) {
            let needed = || Refusal::forbidden(Permission::ProjectInvitationsManage.key()).at(["invitationId"]);
            let project = self.invites_to(grant.project_id).ok_or_else(needed)?;
            may &= given(grant.role_id).is_some_and(|role| project.may_give(role));
        }
        let mut teams = self.team_grants.iter().filter(|grant| whole || grant.added_by_kind.is_none());
        may &= teams.all(|grant| self.managed_teams.contains(&grant.team_id));
        if may {
            Ok(())
        } else {
            Err(Refusal::new(Code::Forbidden, "This invitation gives more than you could.").at(["invitationId"]))
        }
    }

    /// The project, if the viewer manages its invitations.
    fn invites_to(&self, project: ProjectId) -> Option<&ProjectAccess> {
        let project = self.projects.get(&project)?;
        project.permissions.has(Permission::ProjectInvitationsManage).then_some(project)
    }
}

/// The organization role that a pending invitation shall give.
///
/// # Errors
/// `ROLE_NOT_ASSIGNABLE`.
pub fn assignable<'a>(managed: &ManagedInvitation, role: &'a Role) -> Result<&'a Role, Refusal> {
    if managed.organization.may_give(role) { Ok(role) } else { Err(role_not_assignable(role).at(["role"])) }
}

/// At least a minute lies between two mails, and a day has five resends.
fn check_pause(requested: &[(InvitationId, i32, DateTime<Utc>)], now: DateTime<Utc>) -> Result<(), Refusal> {
    let pause = requested.first().map(|(_, _, at)| *at + TimeDelta::seconds(RESEND_PAUSE_SECONDS));
    let mut resent = requested.iter().filter(|(_, version, _)| *version > 1).map(|(_, _, at)| *at + TimeDelta::days(1));
    match pause.max(resent.nth(RESENDS_A_DAY - 1)).filter(|retry_at| *retry_at > now) {
        Some(retry_at) => {
            let message = format!(
                "At least {RESEND_PAUSE_SECONDS} seconds lie between two mails, and at most {RESENDS_A_DAY} are sent again in a day."
            );
            Err(Refusal::new(Code::Cooldown, message).at(["invitationId"]).with(Detail::RetryAt(retry_at)))
        }
        None => Ok(()),
    }
}
