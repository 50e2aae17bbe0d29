//! Teams.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, Integer, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{
    Connection,
    paging::{self, Column, Listing, Page, Parent, Slice, Sort},
    permit::{self, Consequence, Permit},
    query::{Query, contains},
    schema::{team_members, teams},
};
use crate::{
    domain::{
        id::{OrganizationId, TeamId, UserId},
        slug::Slug,
        team::TeamMemberRole,
        text::fold,
    },
    error::Result,
};

/// A group of people in an organization.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = teams, treat_none_as_null = true, primary_key(organization_id, id))]
#[expect(missing_docs, reason = "the columns are described in the migration and in the schema")]
pub struct Team {
    pub organization_id: OrganizationId,
    pub id: TeamId,
    pub slug: String,
    pub name: String,
    pub sort_name: String,
    pub search_text: String,
    pub description: Option<String>,
    pub color: String,
    pub member_count: i32,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Team {
    /// What lists of teams are searched by.
    pub fn searched_by(name: &str, slug: &str) -> String {
        format!("{} {slug}", fold(name))
    }
}

/// A team, and the role that a person has in it.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable)]
pub struct TeamAndRole {
    /// The team.
    #[diesel(embed)]
    pub team: Team,
    /// The role; absent when the person is not in the team.
    #[diesel(select_expression = team_members::role.nullable())]
    pub viewer_role: Option<TeamMemberRole>,
}

/// Teams by id, of whatever organization, each with the role of `user`.
pub async fn with_membership(mut conn: &Connection, ids: &[TeamId], user: Option<UserId>) -> Result<Vec<TeamAndRole>> {
    let user = user.unwrap_or(UserId(uuid::Uuid::nil()));
    let found = teams::table
        .left_join(
            team_members::table.on(team_members::organization_id
                .eq(teams::organization_id)
                .and(team_members::team_id.eq(teams::id))
                .and(team_members::user_id.eq(user))),
        )
        .select((Team::as_select(), team_members::role.nullable()));
    // One is most often asked for, and PostgreSQL keeps the plan of that.
    let rows: Vec<(Team, Option<TeamMemberRole>)> = match ids {
        [id] => found.filter(teams::id.eq(*id)).load(&mut conn).await?,
        _ => found.filter(teams::id.eq_any(ids)).load(&mut conn).await?,
    };
    Ok(rows.into_iter().map(|(team, viewer_role)| TeamAndRole { team, viewer_role }).collect())
}

/// What teams are called.
pub async fn names(mut conn: &Connection, ids: &[TeamId]) -> Result<Vec<(TeamId, String)>> {
    Ok(teams::table.filter(teams::id.eq_any(ids)).select((teams::id, teams::name)).load(&mut conn).await?)
}

/// The team of an organization that has this slug.
pub async fn id_by_slug(mut conn: &Connection, organization: OrganizationId, slug: &Slug) -> Result<Option<TeamId>> {
    let found = teams::table.filter(teams::organization_id.eq(organization)).filter(teams::slug.eq(slug.as_str()));
    Ok(found.select(teams::id).first(&mut conn).await.optional()?)
}

/// Which organization a team is of.
pub async fn organization_of(mut conn: &Connection, id: TeamId) -> Result<Option<OrganizationId>> {
    Ok(teams::table.filter(teams::id.eq(id)).select(teams::organization_id).first(&mut conn).await.optional()?)
}

/// Adds a team; `false` when the slug is taken.
pub async fn insert(conn: &mut Connection, permit: &dyn Permit, row: &Team) -> Result<bool> {
    permit::check(permit, [row.organization_id])?;
    let inserted =
        diesel::insert_into(teams::table).values(row).on_conflict((teams::organization_id, teams::slug)).do_nothing();
    Ok(inserted.execute(conn).await? == 1)
}

/// Stores a changed team.
pub async fn update(conn: &mut Connection, permit: &dyn Permit, row: &Team) -> Result<()> {
    permit::check(permit, [row.organization_id])?;
    diesel::update(teams::table.find((row.organization_id, row.id))).set(row).execute(conn).await?;
    Ok(())
}

/// Deletes a team, with its memberships and the grants of invitations to it.
pub async fn delete(conn: &mut Connection, permit: &dyn Consequence, id: TeamId) -> Result<()> {
    diesel::delete(teams::table.find((permit.organization(), id))).execute(conn).await?;
    Ok(())
}

/// The colours of the teams of an organization.
pub async fn colors(conn: &mut Connection, organization: OrganizationId) -> Result<Vec<String>> {
    Ok(teams::table.filter(teams::organization_id.eq(organization)).select(teams::color).load(conn).await?)
}

/// Changes the member counters of teams, and with them their versions.
pub async fn count_members(
    conn: &mut Connection,
    organization: OrganizationId,
    changes: &[(TeamId, i32)],
    now: DateTime<Utc>,
) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let (ids, counts): (Vec<_>, Vec<_>) = changes.iter().copied().unzip();
    let mut query = Query::new("UPDATE teams SET version = version + 1, updated_at = ");
    query
        .bind::<Timestamptz, _>(now)
        .sql(", member_count = member_count + change.count FROM (SELECT id, sum(count)::integer AS count FROM unnest(");
    query.bind::<Array<SqlUuid>, _>(ids).sql(", ").bind::<Array<Integer>, _>(counts);
    query
        .sql(") AS change(id, count) GROUP BY id) AS change WHERE teams.organization_id = ")
        .bind::<SqlUuid, _>(organization);
    query.sql(" AND teams.id = change.id");
    query.execute(conn).await?;
    Ok(())
}

/// What a team list is narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Part of the name or slug, folded.
    pub search: Option<String>,
    /// Has this member.
    pub member: Option<UserId>,
}

impl Filter {
    /// Whether every team passes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a team list is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named after the columns")]
pub enum OrderField {
    CreatedAt,
    MemberCount,
    Name,
}

impl OrderField {
    fn column(self) -> Column {
        match self {
            Self::CreatedAt => Column::Time("teams.created_at"),
            Self::MemberCount => Column::Number("teams.member_count"),
            Self::Name => Column::Text("teams.sort_name"),
        }
    }
}

/// Whose teams a list shows, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Of {
    /// The organization.
    pub organization: OrganizationId,
    /// The person whose roles are told.
    pub viewer: Option<UserId>,
}

/// One page of each organization's teams, with the role of the viewer in each.
pub async fn pages(
    conn: &Connection,
    of: &[Of],
    filter: &Filter,
    field: OrderField,
    descending: bool,
    page: &Page,
) -> Result<Vec<Slice<TeamAndRole>>> {
    let viewer = of.first().and_then(|of| of.viewer).unwrap_or(UserId(uuid::Uuid::nil()));
    let rows = |query: &mut Query| {
        query.sql(
            "teams LEFT JOIN team_members ON team_members.organization_id = teams.organization_id \
             AND team_members.team_id = teams.id AND team_members.user_id = ",
        );
        query.bind::<SqlUuid, _>(viewer);
        push_condition(query, filter);
    };
    let listing = Listing { id: "teams.id", rows: &rows };
    let sort = Sort { column: field.column(), descending };
    paging::pages(conn, &parents(of), &listing, sort, page, filter.search.is_some()).await
}

/// How many teams each organization has.
pub async fn counts(conn: &mut Connection, of: &[Of], filter: &Filter) -> Result<Vec<i64>> {
    let rows = |query: &mut Query| push_condition(query.sql("teams"), filter);
    let listing = Listing { id: "teams.id", rows: &rows };
    paging::counts(conn, &parents(of), &listing, filter.search.is_some()).await
}

fn parents(of: &[Of]) -> Vec<Parent> {
    of.iter().map(|of| (of.organization, of.organization.0)).collect()
}

fn push_condition(query: &mut Query, filter: &Filter) {
    query.sql(" WHERE teams.organization_id = parent.organization_id");
    if let Some(search) = &filter.search {
        query.sql(" AND teams.search_text LIKE ").bind::<Text, _>(contains(search));
    }
    if let Some(user) = filter.member {
        query.sql(
            " AND EXISTS (SELECT FROM team_members m WHERE m.organization_id = teams.organization_id \
             AND m.team_id = teams.id AND m.user_id = ",
        );
        query.bind::<SqlUuid, _>(user).sql(")");
    }
}
