//! Memberships of projects.

use std::ops::Deref;

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{
    Connection,
    paging::{self, Column, Listing, Page, Parent, Slice, Sort},
    permit::{self, Consequence, Permit},
    query::{Query, contains},
    roles::Role,
    schema::project_members as members,
    users::{self, Listed, Shows},
};
use crate::{
    domain::{
        email::Address,
        id::{OrganizationId, ProjectId, ProjectMemberId, RoleId, UserId},
    },
    error::Result,
};

/// An organization member in a project.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = members)]
#[expect(missing_docs, reason = "the columns are described in the migration and in the schema")]
pub struct ProjectMember {
    pub organization_id: OrganizationId,
    pub id: ProjectMemberId,
    pub project_id: ProjectId,
    pub user_id: UserId,
    pub role_id: RoleId,
    pub role_rank: i16,
    pub is_owner: bool,
    pub sort_name: String,
    pub email: Address,
    pub search_text: String,
    pub display_name: String,
    pub version: i32,
    pub joined_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl ProjectMember {
    /// A new membership of `user` with `role`.
    pub fn new(id: ProjectMemberId, project: ProjectId, user: &impl Listed, role: &Role, now: DateTime<Utc>) -> Self {
        Self {
            organization_id: role.organization_id,
            id,
            project_id: project,
            user_id: user.id(),
            role_id: role.id,
            role_rank: role.rank,
            is_owner: role.is_owner(),
            sort_name: user.sort_name(),
            email: user.email().clone(),
            search_text: user.search_text(),
            display_name: user.display_name().clone(),
            version: 1,
            joined_at: now,
            updated_at: now,
        }
    }
}

/// What is mostly shown of a membership.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = members)]
#[expect(missing_docs, reason = "as of `ProjectMember`")]
pub struct Entry {
    pub organization_id: OrganizationId,
    pub id: ProjectMemberId,
    pub project_id: ProjectId,
    pub user_id: UserId,
    pub email: Address,
    pub display_name: String,
    pub role_id: RoleId,
}

/// What is shown besides.
#[derive(Clone, Copy, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = members)]
#[expect(missing_docs, reason = "as of `ProjectMember`")]
pub struct Rest {
    pub is_owner: bool,
    pub version: i32,
    pub joined_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What is shown of a membership.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable)]
#[expect(missing_docs, reason = "named after their types")]
pub struct Membership {
    #[diesel(embed)]
    pub entry: Entry,
    #[diesel(embed)]
    pub rest: Rest,
}

/// A membership, as far as it was read.
pub type Found = users::Found<Entry, Rest>;

impl Deref for Membership {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        &self.entry
    }
}

impl From<Membership> for Found {
    fn from(Membership { entry, rest }: Membership) -> Self {
        Self { entry, rest: Some(rest) }
    }
}

impl Listed for Entry {
    fn shown(&self) -> (UserId, &Address, &String) {
        (self.user_id, &self.email, &self.display_name)
    }
}

/// Adds members; those who are in the project already stay as they are. Tells who was added.
pub async fn insert(conn: &mut Connection, permit: &dyn Permit, rows: &[ProjectMember]) -> Result<Vec<ProjectMember>> {
    permit::check(permit, rows.iter().map(|row| row.organization_id))?;
    let inserted = diesel::insert_into(members::table)
        .values(rows)
        .on_conflict((members::organization_id, members::project_id, members::user_id))
        .do_nothing();
    Ok(inserted.returning(ProjectMember::as_returning()).get_results(conn).await?)
}

/// Memberships by id, of whatever project.
pub async fn by_ids(conn: &Connection, ids: &[ProjectMemberId]) -> Result<Vec<Membership>> {
    let mut query = Query::new("SELECT ");
    query.columns::<Membership>().sql(" FROM project_members WHERE project_members.id = ").any(ids);
    Ok(query.rows(conn).await?)
}

/// Memberships of these people in these projects.
pub async fn by_users(conn: &Connection, keys: &[(ProjectId, UserId)]) -> Result<Vec<Membership>> {
    let (projects, users): (Vec<_>, Vec<_>) = keys.iter().copied().unzip();
    let mut query = Query::new("SELECT ");
    query.columns::<Membership>().sql(" FROM unnest(").bind::<Array<SqlUuid>, _>(projects);
    query.sql(", ").bind::<Array<SqlUuid>, _>(users);
    query.sql(
        ") AS key(project_id, user_id) JOIN projects ON projects.id = key.project_id \
         JOIN project_members ON project_members.organization_id = projects.organization_id AND project_members.project_id = projects.id \
         AND project_members.user_id = key.user_id",
    );
    Ok(query.rows(conn).await?)
}

/// The owner of each of these projects.
pub async fn owners(conn: &Connection, projects: &[(OrganizationId, ProjectId)]) -> Result<Vec<Membership>> {
    let (organizations, ids): (Vec<_>, Vec<_>) = projects.iter().copied().unzip();
    let mut query = Query::new("SELECT ");
    query.columns::<Membership>().sql(
        " FROM project_members WHERE project_members.is_owner \
         AND (project_members.organization_id, project_members.project_id) IN (SELECT * FROM unnest(",
    );
    query.bind::<Array<SqlUuid>, _>(organizations).sql(", ").bind::<Array<SqlUuid>, _>(ids).sql("))");
    Ok(query.rows(conn).await?)
}

/// Which of these people are in a project.
pub async fn among(
    conn: &mut Connection,
    organization: OrganizationId,
    project: ProjectId,
    users: &[UserId],
) -> Result<Vec<ProjectMember>> {
    let found = members::table
        .filter(members::organization_id.eq(organization))
        .filter(members::project_id.eq(project))
        .filter(members::user_id.eq_any(users));
    Ok(found.select(ProjectMember::as_select()).load(conn).await?)
}

/// Which of these people are in a project of an organization, or in this one.
pub async fn people_among(
    conn: &mut Connection,
    organization: OrganizationId,
    project: Option<ProjectId>,
    users: &[UserId],
) -> Result<Vec<UserId>> {
    let found = members::table.filter(members::organization_id.eq(organization)).filter(members::user_id.eq_any(users));
    let found = found.select(members::user_id).distinct();
    Ok(match project {
        Some(project) => found.filter(members::project_id.eq(project)).load(conn).await?,
        None => found.load(conn).await?,
    })
}

/// Everything a person is in, in one organization.
pub async fn of_user(conn: &mut Connection, organization: OrganizationId, user: UserId) -> Result<Vec<ProjectMember>> {
    let found = members::table.filter(members::organization_id.eq(organization)).filter(members::user_id.eq(user));
    Ok(found.order(members::id).select(ProjectMember::as_select()).load(conn).await?)
}

/// Makes an existing or new member the owner of a project that has none.
pub async fn make_owner(conn: &mut Connection, permit: &dyn Consequence, row: &ProjectMember) -> Result<bool> {
    permit::check(permit, [row.organization_id])?;
    let promoted = diesel::insert_into(members::table)
        .values(row)
        .on_conflict((members::organization_id, members::project_id, members::user_id))
        .do_update()
        .set((
            members::role_id.eq(row.role_id),
            members::role_rank.eq(row.role_rank),
            members::is_owner.eq(true),
            members::version.eq(members::version + 1),
            members::updated_at.eq(row.updated_at),
        ));
    let id: ProjectMemberId = promoted.returning(members::id).get_result(conn).await?;
    Ok(id == row.id)
}

/// Gives a member another role. Whoever loses Owner comes before whoever gets it: there is one at a time.
pub async fn set_role(
    conn: &mut Connection,
    permit: &dyn Consequence,
    member: ProjectMemberId,
    role: &Role,
    now: DateTime<Utc>,
) -> Result<()> {
    let row = members::table.find((permit.organization(), member));
    let change = (
        members::role_id.eq(role.id),
        members::role_rank.eq(role.rank),
        members::is_owner.eq(role.is_owner()),
        members::version.eq(members::version + 1),
        members::updated_at.eq(now),
    );
    diesel::update(row).set(change).execute(conn).await?;
    Ok(())
}

/// Which roles a person has in the projects of these organizations.
pub async fn roles_of_user(
    mut conn: &Connection,
    organizations: &[OrganizationId],
    user: UserId,
) -> Result<Vec<(OrganizationId, RoleId)>> {
    let found = members::table
        .filter(members::organization_id.eq_any(organizations))
        .filter(members::user_id.eq(user))
        .select((members::organization_id, members::role_id))
        .distinct();
    Ok(found.load(&mut conn).await?)
}

/// Ends memberships.
pub async fn delete(conn: &mut Connection, permit: &dyn Consequence, ids: &[ProjectMemberId]) -> Result<()> {
    let rows =
        members::table.filter(members::organization_id.eq(permit.organization())).filter(members::id.eq_any(ids));
    diesel::delete(rows).execute(conn).await?;
    Ok(())
}

/// Whose project memberships a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Of {
    /// Of a project.
    Project(OrganizationId, ProjectId),
    /// Of one person in an organization.
    User(OrganizationId, UserId),
}

impl Of {
    fn parent(self) -> Parent {
        match self {
            Self::Project(organization, project) => (organization, project.0),
            Self::User(organization, user) => (organization, user.0),
        }
    }
}

/// What a member list is narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Part of the name or e-mail, folded.
    pub search: Option<String>,
    /// One of these roles.
    pub roles: Option<Vec<RoleId>>,
    /// Only in projects in which a person has one of these roles: what they can see without a right to all.
    pub visible_to: Option<(UserId, Shows)>,
    /// Only in this project: what a key that is limited to it can see.
    pub only: Option<ProjectId>,
}

impl Filter {
    /// Whether every member passes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a member list is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named after the columns")]
pub enum OrderField {
    Email,
    JoinedAt,
    Name,
    Role,
}

impl OrderField {
    fn column(self) -> Column {
        match self {
            Self::Email => Column::Text("project_members.email"),
            Self::JoinedAt => Column::Time("project_members.joined_at"),
            Self::Name => Column::Text("project_members.sort_name"),
            Self::Role => Column::Rank("project_members.role_rank"),
        }
    }
}

/// One page of each list.
pub async fn pages(
    conn: &Connection,
    of: &[Of],
    filter: &Filter,
    field: OrderField,
    descending: bool,
    page: &Page,
) -> Result<Vec<Slice<Found>>> {
    let parents: Vec<Parent> = of.iter().map(|of| of.parent()).collect();
    let rows = rows(of, filter);
    let listing = Listing { id: "project_members.id", rows: &rows };
    let sort = Sort { column: field.column(), descending };
    let searching = filter.search.is_some();
    if page.entries {
        let slices = paging::pages::<Entry>(conn, &parents, &listing, sort, page, searching).await?;
        return Ok(slices.into_iter().map(|slice| slice.map(Found::of)).collect());
    }
    let slices = paging::pages::<Membership>(conn, &parents, &listing, sort, page, searching).await?;
    Ok(slices.into_iter().map(|slice| slice.map(Found::from)).collect())
}

/// How long each list is.
pub async fn counts(conn: &mut Connection, of: &[Of], filter: &Filter) -> Result<Vec<i64>> {
    let parents: Vec<Parent> = of.iter().map(|of| of.parent()).collect();
    let rows = rows(of, filter);
    let listing = Listing { id: "project_members.id", rows: &rows };
    paging::counts(conn, &parents, &listing, filter.search.is_some()).await
}

/// Lists of one call are all of one kind.
fn rows(of: &[Of], filter: &Filter) -> impl Fn(&mut Query) + Sync {
    let of_users = matches!(of.first(), Some(Of::User(..)));
    move |query: &mut Query| {
        query.sql("project_members WHERE project_members.organization_id = parent.organization_id");
        query.sql(if of_users {
            " AND project_members.user_id = parent.id"
        } else {
            " AND project_members.project_id = parent.id"
        });
        if let Some(search) = &filter.search {
            query.sql(" AND project_members.search_text LIKE ").bind::<Text, _>(contains(search));
        }
        if let Some(roles) = &filter.roles {
            query.sql(" AND project_members.role_id = ANY(").bind::<Array<SqlUuid>, _>(roles.clone()).sql(")");
        }
        if let Some((user, roles)) = &filter.visible_to {
            query.sql(
                " AND EXISTS (SELECT FROM project_members v JOIN roles r ON r.organization_id = v.organization_id AND r.id = v.role_id \
                 WHERE v.organization_id = project_members.organization_id AND v.project_id = project_members.project_id AND v.user_id = ",
            );
            query.bind::<SqlUuid, _>(*user).sql(" AND ");
            roles.push(query, "@>");
            query.sql(")");
        }
        if let Some(only) = filter.only {
            query.sql(" AND project_members.project_id = ").bind::<SqlUuid, _>(only);
        }
    }
}
