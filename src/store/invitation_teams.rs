//! The teams that invitations grant.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{
    Connection,
    permit::{self, Permit},
    schema::{invitation_teams as grants, invitations},
};
use crate::{
    domain::{
        id::{InvitationId, OrganizationId, TeamId},
        invitation::InvitationStatus,
        organization::ActorKind,
        team::TeamMemberRole,
    },
    error::Result,
};

/// A team that an invitation grants.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = grants)]
#[expect(missing_docs, reason = "the columns are described in the migration and in the schema")]
pub struct TeamGrant {
    pub organization_id: OrganizationId,
    pub invitation_id: InvitationId,
    pub team_id: TeamId,
    pub role: TeamMemberRole,
    pub added_by_kind: Option<ActorKind>,
    pub added_by_id: Option<uuid::Uuid>,
}

/// The teams that these invitations grant.
pub async fn of(
    mut conn: &Connection,
    organizations: &[OrganizationId],
    ids: &[InvitationId],
) -> Result<Vec<TeamGrant>> {
    let found = grants::table
        .filter(grants::organization_id.eq_any(organizations))
        .filter(grants::invitation_id.eq_any(ids))
        .order((grants::invitation_id, grants::team_id));
    Ok(found.select(TeamGrant::as_select()).load(&mut conn).await?)
}

/// Which pending invitations grant a team.
pub async fn granting(conn: &mut Connection, organization: OrganizationId, team: TeamId) -> Result<Vec<InvitationId>> {
    let found = grants::table
        .inner_join(invitations::table.on(
            invitations::organization_id.eq(grants::organization_id).and(invitations::id.eq(grants::invitation_id)),
        ))
        .filter(grants::organization_id.eq(organization))
        .filter(grants::team_id.eq(team))
        .filter(invitations::status.eq(InvitationStatus::Pending));
    Ok(found.select(grants::invitation_id).load(conn).await?)
}

/// The teams that somebody added to the pending invitations of others.
pub async fn added_by(
    conn: &mut Connection,
    organization: OrganizationId,
    kind: ActorKind,
    id: uuid::Uuid,
) -> Result<Vec<TeamGrant>> {
    let pending = invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::status.eq(InvitationStatus::Pending))
        .select(invitations::id);
    let found = grants::table
        .filter(grants::organization_id.eq(organization))
        .filter(grants::added_by_kind.eq(kind))
        .filter(grants::added_by_id.eq(id))
        .filter(grants::invitation_id.eq_any(pending));
    Ok(found.select(TeamGrant::as_select()).load(conn).await?)
}

/// Adds teams to invitations; those that are granted already stay as they are.
pub async fn add(conn: &mut Connection, permit: &dyn Permit, rows: &[TeamGrant]) -> Result<()> {
    permit::check(permit, rows.iter().map(|grant| grant.organization_id))?;
    // A statement takes no more than 65 535 values.
    for rows in rows.chunks(10_000) {
        diesel::insert_into(grants::table).values(rows).on_conflict_do_nothing().execute(conn).await?;
    }
    Ok(())
}

/// Gives another role in a team that these invitations grant.
pub async fn set_role(
    conn: &mut Connection,
    permit: &dyn Permit,
    ids: &[InvitationId],
    team: TeamId,
    role: TeamMemberRole,
) -> Result<()> {
    let rows = grants::table
        .filter(grants::organization_id.eq(permit.organization()))
        .filter(grants::invitation_id.eq_any(ids))
        .filter(grants::team_id.eq(team));
    diesel::update(rows).set(grants::role.eq(role)).execute(conn).await?;
    Ok(())
}

/// Takes teams out of these invitations.
pub async fn delete(conn: &mut Connection, permit: &dyn Permit, ids: &[InvitationId], teams: &[TeamId]) -> Result<()> {
    let rows = grants::table
        .filter(grants::organization_id.eq(permit.organization()))
        .filter(grants::invitation_id.eq_any(ids))
        .filter(grants::team_id.eq_any(teams));
    diesel::delete(rows).execute(conn).await?;
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
