//! Projects.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, Integer, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{
    Connection,
    paging::{self, Column, Listing, Page, Parent, Slice, Sort},
    permit::{self, Consequence, Permit},
    project_members::ProjectMember,
    query::{Query, contains},
    roles::Role,
    schema::{project_members, projects, roles},
    users::Shows,
};
use crate::{
    domain::{
        id::{OrganizationId, ProjectId, UserId},
        role::BuiltInRole,
        slug::Slug,
        text::fold,
    },
    error::Result,
};

/// A project of an organization.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = projects)]
#[expect(missing_docs, reason = "the columns are described in the migration and in the schema")]
pub struct Project {
    pub organization_id: OrganizationId,
    pub id: ProjectId,
    pub slug: String,
    pub name: String,
    pub sort_name: String,
    pub search_text: String,
    pub description: Option<String>,
    pub member_count: i32,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Project {
    /// What lists of projects are searched by.
    pub fn searched_by(name: &str, slug: &Slug) -> String {
        format!("{} {slug}", fold(name))
    }
}

/// A project, and what a person is in it.
pub type WithMembership = (Project, Option<ProjectMember>, Option<Role>);

/// Projects by id, each with the membership and role of `user`.
pub async fn with_membership(
    mut conn: &Connection,
    ids: &[ProjectId],
    user: Option<UserId>,
) -> Result<Vec<WithMembership>> {
    let user = user.unwrap_or(UserId(uuid::Uuid::nil()));
    let found = projects::table
        .left_join(
            project_members::table.on(project_members::organization_id
                .eq(projects::organization_id)
                .and(project_members::project_id.eq(projects::id))
                .and(project_members::user_id.eq(user))),
        )
        .left_join(
            roles::table.on(roles::organization_id
                .eq(projects::organization_id)
                .and(roles::id.nullable().eq(project_members::role_id.nullable()))),
        )
        .select((Project::as_select(), Option::<ProjectMember>::as_select(), Option::<Role>::as_select()));
    // One is most often asked for, and PostgreSQL keeps the plan of that.
    Ok(match ids {
        [id] => found.filter(projects::id.eq(*id)).load(&mut conn).await?,
        _ => found.filter(projects::id.eq_any(ids)).load(&mut conn).await?,
    })
}

/// What projects are called.
pub async fn names(mut conn: &Connection, ids: &[ProjectId]) -> Result<Vec<(ProjectId, String)>> {
    Ok(projects::table.filter(projects::id.eq_any(ids)).select((projects::id, projects::name)).load(&mut conn).await?)
}

/// The project of an organization that has this slug.
pub async fn id_by_slug(mut conn: &Connection, organization: OrganizationId, slug: &Slug) -> Result<Option<ProjectId>> {
    let found =
        projects::table.filter(projects::organization_id.eq(organization)).filter(projects::slug.eq(slug.as_str()));
    Ok(found.select(projects::id).first(&mut conn).await.optional()?)
}

/// Which organization a project is of.
pub async fn organization_of(mut conn: &Connection, id: ProjectId) -> Result<Option<OrganizationId>> {
    Ok(projects::table
        .filter(projects::id.eq(id))
        .select(projects::organization_id)
        .first(&mut conn)
        .await
        .optional()?)
}

/// Adds a project; `false` when the slug is taken.
pub async fn insert(conn: &mut Connection, permit: &dyn Permit, row: &Project) -> Result<bool> {
    permit::check(permit, [row.organization_id])?;
    let inserted = diesel::insert_into(projects::table)
        .values(row)
        .on_conflict((projects::organization_id, projects::slug))
        .do_nothing();
    Ok(inserted.execute(conn).await? == 1)
}

/// Stores a changed project, with the next version.
pub async fn update(conn: &mut Connection, permit: &dyn Permit, row: &Project) -> Result<()> {
    permit::check(permit, [row.organization_id])?;
    let change = (
        projects::slug.eq(&row.slug),
        projects::name.eq(&row.name),
        projects::sort_name.eq(&row.sort_name),
        projects::search_text.eq(&row.search_text),
        projects::description.eq(&row.description),
        projects::version.eq(projects::version + 1),
        projects::updated_at.eq(row.updated_at),
    );
    diesel::update(projects::table.find((row.organization_id, row.id))).set(change).execute(conn).await?;
    Ok(())
}

/// Notes that projects changed in what their own rows do not say, such as their owner.
pub async fn touch(conn: &mut Connection, permit: &dyn Permit, ids: &[ProjectId], now: DateTime<Utc>) -> Result<()> {
    let rows =
        projects::table.filter(projects::organization_id.eq(permit.organization())).filter(projects::id.eq_any(ids));
    let change = (projects::version.eq(projects::version + 1), projects::updated_at.eq(now));
    diesel::update(rows).set(change).execute(conn).await?;
    Ok(())
}

/// Deletes a project with its members, the grants to it and the keys that are limited to it. Invitations to it
/// are taken off it before.
pub async fn delete(conn: &mut Connection, permit: &dyn Consequence, id: ProjectId) -> Result<()> {
    diesel::delete(projects::table.find((permit.organization(), id))).execute(conn).await?;
    Ok(())
}

/// Whether an organization has a project with this slug.
pub async fn is_taken(conn: &mut Connection, organization: OrganizationId, slug: &Slug) -> Result<bool> {
    Ok(id_by_slug(conn, organization, slug).await?.is_some())
}

/// Changes the member counters of projects.
pub async fn count_members(
    conn: &mut Connection,
    organization: OrganizationId,
    changes: &[(ProjectId, i32)],
) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let (ids, counts): (Vec<_>, Vec<_>) = changes.iter().copied().unzip();
    let mut query = Query::new(
        "UPDATE projects SET member_count = member_count + change.count FROM (SELECT id, sum(count)::integer AS count FROM unnest(",
    );
    query.bind::<Array<SqlUuid>, _>(ids).sql(", ").bind::<Array<Integer>, _>(counts);
    query
        .sql(") AS change(id, count) GROUP BY id) AS change WHERE projects.organization_id = ")
        .bind::<SqlUuid, _>(organization);
    query.sql(" AND projects.id = change.id");
    query.execute(conn).await?;
    Ok(())
}

/// What a project list is narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Part of the name or slug, folded.
    pub search: Option<String>,
    /// Has this member.
    pub member: Option<UserId>,
    /// Only projects in which a person has one of these roles: what they can see without a right to all.
    pub visible_to: Option<(UserId, Shows)>,
    /// Only this project: what a key that is limited to it can see.
    pub only: Option<ProjectId>,
}

impl Filter {
    /// Whether every project passes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a project list is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named after the columns")]
pub enum OrderField {
    CreatedAt,
    Name,
}

impl OrderField {
    fn column(self) -> Column {
        match self {
            Self::CreatedAt => Column::Time("projects.created_at"),
            Self::Name => Column::Text("projects.sort_name"),
        }
    }
}

/// A project and the role that the viewer has in it.
#[derive(Clone, Debug, Queryable, Selectable)]
pub struct ProjectAndRole {
    /// The project.
    #[diesel(embed)]
    pub project: Project,
    /// Which built-in role it is.
    #[diesel(select_expression = roles::built_in.nullable())]
    pub viewer_built_in: Option<BuiltInRole>,
    /// Its permissions, as the role stores them; absent when the viewer is not in the project.
    #[diesel(select_expression = roles::permissions.nullable())]
    pub viewer_permissions: Option<Vec<String>>,
}

/// One page of each organization's projects, with the role of `viewer` in each.
pub async fn pages(
    conn: &Connection,
    organizations: &[OrganizationId],
    viewer: Option<UserId>,
    filter: &Filter,
    field: OrderField,
    descending: bool,
    page: &Page,
) -> Result<Vec<Slice<ProjectAndRole>>> {
    let viewer = viewer.unwrap_or(UserId(uuid::Uuid::nil()));
    let rows = |query: &mut Query| {
        query.sql(
            "projects LEFT JOIN project_members v ON v.organization_id = projects.organization_id \
             AND v.project_id = projects.id AND v.user_id = ",
        );
        query.bind::<SqlUuid, _>(viewer);
        query.sql(" LEFT JOIN roles ON roles.organization_id = v.organization_id AND roles.id = v.role_id");
        push_condition(query, filter);
    };
    let listing = Listing { id: "projects.id", rows: &rows };
    let sort = Sort { column: field.column(), descending };
    paging::pages(conn, &parents(organizations), &listing, sort, page, filter.search.is_some()).await
}

/// How many projects each organization has.
pub async fn counts(conn: &mut Connection, organizations: &[OrganizationId], filter: &Filter) -> Result<Vec<i64>> {
    let rows = |query: &mut Query| push_condition(query.sql("projects"), filter);
    let listing = Listing { id: "projects.id", rows: &rows };
    paging::counts(conn, &parents(organizations), &listing, filter.search.is_some()).await
}

fn parents(organizations: &[OrganizationId]) -> Vec<Parent> {
    organizations.iter().map(|id| (*id, id.0)).collect()
}

fn push_condition(query: &mut Query, filter: &Filter) {
    query.sql(" WHERE projects.organization_id = parent.organization_id");
    if let Some(search) = &filter.search {
        query.sql(" AND projects.search_text LIKE ").bind::<Text, _>(contains(search));
    }
    if let Some(user) = filter.member {
        query.sql(
            " AND EXISTS (SELECT FROM project_members m WHERE m.organization_id = projects.organization_id \
             AND m.project_id = projects.id AND m.user_id = ",
        );
        query.bind::<SqlUuid, _>(user).sql(")");
    }
    if let Some((user, roles)) = &filter.visible_to {
        query.sql(
            " AND EXISTS (SELECT FROM project_members m JOIN roles r ON r.organization_id = m.organization_id AND r.id = m.role_id \
             WHERE m.organization_id = projects.organization_id AND m.project_id = projects.id AND m.user_id = ",
        );
        query.bind::<SqlUuid, _>(*user).sql(" AND ");
        roles.push(query, "@>");
        query.sql(")");
    }
    if let Some(only) = filter.only {
        query.sql(" AND projects.id = ").bind::<SqlUuid, _>(only);
    }
}
