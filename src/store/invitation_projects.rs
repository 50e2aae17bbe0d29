//! The projects that invitations grant.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{
    Connection,
    invitations::Invitation,
    permit::{self, Permit},
    schema::{invitation_projects as grants, invitations},
};
use crate::{
    domain::{
        id::{InvitationId, OrganizationId, ProjectId, RoleId},
        invitation::InvitationStatus,
        organization::ActorKind,
    },
    error::Result,
};

/// A project that an invitation grants.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = grants)]
#[expect(missing_docs, reason = "the columns are described in the migration and in the schema")]
pub struct ProjectGrant {
    pub organization_id: OrganizationId,
    pub invitation_id: InvitationId,
    pub project_id: ProjectId,
    pub role_id: RoleId,
    pub position: i16,
    pub added_by_kind: Option<ActorKind>,
    pub added_by_id: Option<uuid::Uuid>,
}

/// What these invitations grant, the invited project first.
pub async fn of(
    mut conn: &Connection,
    organizations: &[OrganizationId],
    ids: &[InvitationId],
) -> Result<Vec<ProjectGrant>> {
    let found = grants::table
        .filter(grants::organization_id.eq_any(organizations))
        .filter(grants::invitation_id.eq_any(ids))
        .order((grants::position, grants::project_id));
    Ok(found.select(ProjectGrant::as_select()).load(&mut conn).await?)
}

/// What somebody added to the pending invitations of others.
pub async fn added_by(
    conn: &mut Connection,
    organization: OrganizationId,
    kind: ActorKind,
    id: uuid::Uuid,
) -> Result<Vec<ProjectGrant>> {
    let pending = invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::status.eq(InvitationStatus::Pending))
        .select(invitations::id);
    let found = grants::table
        .filter(grants::organization_id.eq(organization))
        .filter(grants::added_by_kind.eq(kind))
        .filter(grants::added_by_id.eq(id))
        .filter(grants::invitation_id.eq_any(pending));
    Ok(found.select(ProjectGrant::as_select()).load(conn).await?)
}

/// Adds grants; those that are there stay.
pub async fn add(conn: &mut Connection, permit: &dyn Permit, projects: &[ProjectGrant]) -> Result<()> {
    permit::check(permit, projects.iter().map(|grant| grant.organization_id))?;
    if !projects.is_empty() {
        diesel::insert_into(grants::table).values(projects).on_conflict_do_nothing().execute(conn).await?;
    }
    Ok(())
}

/// Makes what an invitation grants exactly these projects.
pub async fn replace(
    conn: &mut Connection,
    permit: &dyn Permit,
    invitation: &Invitation,
    projects: &[ProjectGrant],
) -> Result<()> {
    let all = grants::table
        .filter(grants::organization_id.eq(permit.organization()))
        .filter(grants::invitation_id.eq(invitation.id));
    diesel::delete(all).execute(conn).await?;
    add(conn, permit, projects).await
}

/// Takes a grant out of an invitation.
pub async fn delete(conn: &mut Connection, permit: &dyn Permit, grant: &ProjectGrant) -> Result<()> {
    let row = grants::table.find((permit.organization(), grant.invitation_id, grant.project_id));
    diesel::delete(row).execute(conn).await?;
    Ok(())
}

/// Notes that whoever answers for an invitation answers for what others added as well.
pub async fn take_over(conn: &mut Connection, permit: &dyn Permit, invitation: InvitationId) -> Result<()> {
    let added = grants::table
        .filter(grants::organization_id.eq(permit.organization()))
        .filter(grants::invitation_id.eq(invitation))
        .filter(grants::added_by_kind.is_not_null());
    let change = (grants::added_by_kind.eq(None::<ActorKind>), grants::added_by_id.eq(None::<uuid::Uuid>));
    diesel::update(added).set(change).execute(conn).await?;
    Ok(())
}
