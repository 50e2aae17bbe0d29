//! Teams, by what the viewer is in them and in their organization.

use std::sync::Arc;

use super::{
    organization::{OrganizationAccess, OrganizationRef},
    permission::Permission,
    permit::Allowed,
    policy::Policy,
    viewer::Viewer,
};
use crate::{
    domain::{
        id::{OrganizationId, TeamId},
        slug::Slug,
        team::TeamMemberRole,
    },
    error::{Error, Refusal, Result},
    store::{
        Connection, organizations,
        teams::{self, Team, TeamAndRole},
    },
};

/// Names a team in input.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TeamRef {
    /// By id.
    Id(TeamId),
    /// By the slugs of its organization and its own.
    Path(Slug, Slug),
    /// By something that cannot be one.
    Unknown,
}

impl TeamRef {
    /// The team that is named, whether or not the viewer may know of it.
    pub async fn id(&self, conn: &Connection) -> Result<Option<TeamId>> {
        match self {
            Self::Id(id) => Ok(Some(*id)),
            Self::Path(organization, team) => match organizations::id_by_slug(conn, organization).await? {
                Some(organization) => teams::id_by_slug(conn, organization, team).await,
                None => Ok(None),
            },
            Self::Unknown => Ok(None),
        }
    }
}

/// A team that the viewer may know of, and what they are in it.
#[derive(Clone, Debug)]
pub struct TeamAccess {
    /// The team.
    pub team: Team,
    /// Its organization.
    pub organization: Arc<OrganizationAccess>,
    /// The viewer's own role in it; none when they are not in it.
    pub own: Option<TeamMemberRole>,
}

impl TeamAccess {
    /// Whether the viewer sees the teams of an organization, and who is in them.
    pub fn sees(organization: &OrganizationAccess) -> bool {
        organization.permissions.has(Permission::MembersRead) && organization.only_project.is_none()
    }

    /// For reading: the viewer sees the teams, or the field is forbidden.
    ///
    /// # Errors
    /// `Forbidden`, or `Unauthenticated` where signing in may help.
    pub fn require_sight(organization: &OrganizationAccess, viewer: &Viewer) -> Result<()> {
        organization.require(viewer, Permission::MembersRead)?;
        if Self::sees(organization) { Ok(()) } else { Err(Error::Forbidden { permission: None }) }
    }

    /// The team as the viewer finds it; `None` when they may not know of it. Who sees or manages teams knows them all,
    /// and everybody those they are in.
    pub fn of(organization: &Arc<OrganizationAccess>, found: TeamAndRole) -> Option<Self> {
        let manages = organization.permissions.has(Permission::TeamsManage) && organization.only_project.is_none();
        let is_in_it = organization.belongs && found.viewer_role.is_some();
        let is_known = manages || is_in_it || Self::sees(organization);
        is_known.then(|| Self { team: found.team, organization: organization.clone(), own: found.viewer_role })
    }

    /// Loads what the viewer may know of.
    pub async fn find(conn: &Connection, policy: &Arc<Policy>, viewer: &Viewer, by: &TeamRef) -> Result<Option<Self>> {
        let Some(id) = by.id(conn).await? else { return Ok(None) };
        let Some(found) = teams::with_membership(conn, &[id], viewer.user_id()).await?.pop() else { return Ok(None) };
        let organization =
            OrganizationAccess::find(conn, policy, viewer, &OrganizationRef::Id(found.team.organization_id)).await?;
        Ok(organization.and_then(|organization| Self::of(&organization, found)))
    }

    /// Those of the teams that are of an organization that is locked already, and that the viewer may know of.
    pub async fn in_locked(
        conn: &Connection,
        viewer: &Viewer,
        organization: &Arc<OrganizationAccess>,
        ids: &[TeamId],
    ) -> Result<Vec<Self>> {
        let found = teams::with_membership(conn, ids, viewer.user_id()).await?;
        let of_it = found.into_iter().filter(|found| found.team.organization_id == organization.organization.id);
        Ok(of_it.filter_map(|found| Self::of(organization, found)).collect())
    }

    /// The team with its organization, as rows name it.
    pub fn key(&self) -> (OrganizationId, TeamId) {
        (self.team.organization_id, self.team.id)
    }

    /// The viewer changes and deletes teams.
    ///
    /// # Errors
    /// Refused as forbidden.
    pub fn may_manage(&self) -> Result<Allowed, Refusal> {
        self.organization.may(Permission::TeamsManage)
    }

    /// The viewer says who is in the team: as one who manages teams, or as its lead.
    ///
    /// # Errors
    /// Refused as forbidden.
    pub fn may_manage_members(&self) -> Result<Allowed, Refusal> {
        if self.own == Some(TeamMemberRole::Lead) {
            return Ok(self.organization.allowed());
        }
        self.may_manage().map_err(|refusal| Refusal {
            message: "You need the permission teams.manage for this, or to lead the team.".into(),
            ..refusal
        })
    }

    /// The viewer is in the team, and so can leave it.
    ///
    /// # Errors
    /// Refused as not found.
    pub fn may_leave(&self) -> Result<Allowed, Refusal> {
        self.own.map(|_| self.organization.allowed()).ok_or_else(|| Refusal::not_found("membership").at(["team"]))
    }
}
