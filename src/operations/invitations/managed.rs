//! An invitation in the hands of those who manage it: what they may do with it, decided from loaded rows
//! alone, so that mutations and `viewerCan` say the same.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    super::{Transaction, input::role_not_assignable},
    check_plan, check_seats,
    giver::is_plain,
    not_pending,
};
use crate::{
    access::{OrganizationAccess, OrganizationRef, Permission, ProjectAccess, TeamAccess},
    app::App,
    domain::{
        id::{InvitationId, ProjectId, RoleId, TeamId},
        invitation::{InvitationStatus, RESEND_PAUSE_SECONDS, RESENDS_A_DAY},
    },
    error::{Code, Detail, Error, Refusal, Result},
    store::{
        invitation_projects::{self, ProjectGrant},
        invitation_teams::{self, TeamGrant},
        invitations::{self, Invitation, Revival},
        roles::{self, Role},
    },
};

/// An invitation, and what the viewer is to all that it grants.
pub struct Managed {
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

impl Managed {
    /// Locks an invitation for those who manage the invitations of its organization or of its project.
    pub async fn lock(tx: &mut Transaction<'_>, id: Option<InvitationId>) -> Result<Self> {
        let missing = || Error::from(Self::missing());
        let id = id.ok_or_else(missing)?;
        let found = invitations::find(tx.conn, id).await?.ok_or_else(missing)?;
        let by = OrganizationRef::Id(found.organization_id);
        let organization = OrganizationAccess::lock_visible(tx.conn, &tx.app.policy, tx.viewer, &by).await;
        let organization =
            organization.map_err(|error| if matches!(error, Error::Refused(_)) { missing() } else { error })?;
        let invitation = invitations::lock(tx.conn, found.organization_id, id).await?.ok_or_else(missing)?;
        let grants = invitation_projects::of(tx.conn, &[invitation.organization_id], &[id]).await?;
        let ids: Vec<ProjectId> = grants.iter().map(|grant| grant.project_id).chain(invitation.project_id).collect();
        let projects = ProjectAccess::in_locked(tx.conn, tx.viewer, &organization, &ids).await?;
        let projects = projects.into_iter().map(|access| (access.project.id, Arc::new(access))).collect();
        let team_grants = invitation_teams::of(tx.conn, &[invitation.organization_id], &[id]).await?;
        let ids: Vec<TeamId> = team_grants.iter().map(|grant| grant.team_id).collect();
        let teams = TeamAccess::in_locked(tx.conn, tx.viewer, &organization, &ids).await?;
        let managed_teams = teams.iter().filter(|team| team.may_manage_members().is_ok()).map(|team| team.team.id);
        let managed_teams = managed_teams.collect();
        let roles = Arc::new(roles::of_organizations(tx.conn, &[invitation.organization_id]).await?);
        let managed = Self { organization, invitation, grants, projects, team_grants, managed_teams, roles };
        managed.may_manage()?;
        Ok(managed)
    }

    /// There is no such invitation for the viewer.
    pub fn missing() -> Refusal {
        Refusal::not_found("invitation").at(["invitationId"])
    }

    /// The viewer manages the invitations of the organization, or of the invited project.
    fn may_manage(&self) -> Result<(), Refusal> {
        let manages_project = self.invitation.project_id.is_some_and(|project| self.invites_to(project).is_some());
        if manages_project || self.organization.permissions.has(Permission::InvitationsManage) {
            return Ok(());
        }
        if self.organization.permissions.has(Permission::InvitationsRead) {
            return Err(Refusal::forbidden(Permission::InvitationsManage.key()).at(["invitationId"]));
        }
        Err(Self::missing())
    }

    /// It can be taken back; one that was taken back already can be so again.
    pub fn may_revoke(&self, now: DateTime<Utc>) -> Result<(), Refusal> {
        self.may_manage()?;
        match self.invitation.status_at(now) {
            InvitationStatus::Pending | InvitationStatus::Revoked => Ok(()),
            status => Err(not_pending(status).at(["invitationId"])),
        }
    }

    /// What it grants can be changed: it is pending, and gives nothing that is beyond the viewer.
    pub fn may_update(&self, now: DateTime<Utc>) -> Result<(), Refusal> {
        self.may_manage()?;
        let permission = Permission::InvitationsManage;
        self.organization.may(permission).map_err(|refusal| refusal.at(["invitationId"]))?;
        match self.invitation.status_at(now) {
            InvitationStatus::Pending => self.may_hand_out(true),
            status => Err(not_pending(status).at(["invitationId"])),
        }
    }

    /// It can be sent again; `requested` is when its mails were asked for, the latest first, `revival` what
    /// stands in the way of an expired one.
    pub fn may_resend(
        &self,
        app: &App,
        now: DateTime<Utc>,
        requested: &[(InvitationId, i32, DateTime<Utc>)],
        revival: Revival,
    ) -> Result<(), Refusal> {
        self.may_manage()?;
        let status = self.invitation.status_at(now);
        if !matches!(status, InvitationStatus::Pending | InvitationStatus::Expired) {
            return Err(not_pending(status).at(["invitationId"]));
        }
        self.may_hand_out(false)?;
        check_plan(app, now, &self.organization.organization)?;
        check_pause(requested, now)?;
        if status == InvitationStatus::Pending {
            return Ok(());
        }
        let refuse = |code, message: &'static str| Err(Refusal::new(code, message).at(["invitationId"]));
        match revival {
            Revival { is_member: true, .. } => refuse(Code::AlreadyMember, "This address belongs to a member by now."),
            Revival { is_invited: true, .. } => refuse(Code::AlreadyInvited, "This address has a newer invitation."),
            Revival { pending, .. } => check_seats(&self.organization.organization, pending, 1),
        }
    }

    /// Whoever hands out the link could give themselves what its inviter gave; whoever answers for the whole,
    /// also what others added.
    fn may_hand_out(&self, whole: bool) -> Result<(), Refusal> {
        let given = |id: RoleId| self.roles.iter().find(|role| role.id == id);
        let mut may = given(self.invitation.role_id).is_some_and(|role| {
            self.organization.may_give(role) || (self.invitation.project_id.is_some() && is_plain(role))
        });
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
pub fn assignable<'a>(managed: &Managed, role: &'a Role) -> Result<&'a Role, Refusal> {
    let is_plain = managed.invitation.project_id.is_some() && is_plain(role);
    if is_plain || managed.organization.may_give(role) { Ok(role) } else { Err(role_not_assignable(role).at(["role"])) }
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
