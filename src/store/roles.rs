//! Roles, built in and custom.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{
    Connection, organizations,
    paging::{self, Column, Listing, Page, Parent, Slice, Sort},
    permit::{self, Consequence, Permit},
    query::Query,
    schema::roles,
};
use crate::{
    domain::{
        id::{OrganizationId, RoleId},
        role::{BuiltInRole, RoleScope},
        text::fold,
    },
    error::{Error, Result},
};

/// A named set of permissions.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = roles)]
pub struct Role {
    /// Its organization.
    pub organization_id: OrganizationId,
    /// The role.
    pub id: RoleId,
    /// Level.
    pub scope: RoleScope,
    /// Key by which input names it.
    pub key: String,
    /// Which built-in role it is.
    pub built_in: Option<BuiltInRole>,
    /// Keys of its permissions; empty for built-in roles, whose permissions are those of the policy.
    pub permissions: Vec<String>,
    /// Name to show.
    pub name: String,
    /// The name as it is sorted.
    pub sort_name: String,
    /// Description.
    pub description: Option<String>,
    /// Place in lists.
    pub rank: i16,
    /// Grows with each change.
    pub version: i32,
    /// Creation time.
    pub created_at: DateTime<Utc>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

impl Role {
    /// One of the roles every organization has.
    pub fn built_in(
        organization_id: OrganizationId,
        id: RoleId,
        scope: RoleScope,
        role: BuiltInRole,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            organization_id,
            id,
            scope,
            key: role.key().to_owned(),
            built_in: Some(role),
            permissions: Vec::new(),
            name: role.name().to_owned(),
            sort_name: fold(role.name()),
            description: None,
            rank: role.rank(),
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether this is the Owner of its level.
    pub fn is_owner(&self) -> bool {
        self.built_in == Some(BuiltInRole::Owner)
    }
}

/// The Owner of a level, among the roles of an organization.
///
/// # Errors
/// A fault of ours: every organization has them.
pub fn owner(roles: &[Role], scope: RoleScope) -> Result<&Role> {
    let owner = roles.iter().find(|role| role.scope == scope && role.is_owner());
    owner.ok_or_else(|| Error::internal("an organization has no owner role"))
}

/// Adds roles.
pub async fn insert(conn: &mut Connection, permit: &dyn Permit, rows: &[Role]) -> Result<()> {
    permit::check(permit, rows.iter().map(|row| row.organization_id))?;
    diesel::insert_into(roles::table).values(rows).execute(conn).await?;
    Ok(())
}

/// Adds a role; `false` when the key is taken at its level.
pub async fn add(conn: &mut Connection, permit: &dyn Permit, row: &Role) -> Result<bool> {
    permit::check(permit, [row.organization_id])?;
    let inserted = diesel::insert_into(roles::table)
        .values(row)
        .on_conflict((roles::organization_id, roles::scope, roles::key))
        .do_nothing();
    let is_new = inserted.execute(conn).await? == 1;
    organizations::touch_roles(conn, row.organization_id).await?;
    Ok(is_new)
}

/// Writes what can change of a role, as its next version.
pub async fn update(conn: &mut Connection, permit: &dyn Consequence, role: &Role, now: DateTime<Utc>) -> Result<()> {
    let change = (
        roles::name.eq(&role.name),
        roles::sort_name.eq(&role.sort_name),
        roles::description.eq(&role.description),
        roles::permissions.eq(&role.permissions),
        roles::version.eq(roles::version + 1),
        roles::updated_at.eq(now),
    );
    diesel::update(roles::table.find((permit.organization(), role.id))).set(change).execute(conn).await?;
    organizations::touch_roles(conn, permit.organization()).await
}

/// Gives everybody who has a role another one of its level. Tells how many there were.
pub async fn replace_in_memberships(
    conn: &mut Connection,
    permit: &dyn Consequence,
    role: &Role,
    by: &Role,
    now: DateTime<Utc>,
) -> Result<usize> {
    let mut replaced = 0;
    for members in ["organization_members", "project_members"] {
        let mut query = Query::new("UPDATE ");
        query.sql(members).sql(" m SET version = m.version + 1, updated_at = ").bind::<Timestamptz, _>(now);
        query.sql(", role_rank = ").bind::<SmallInt, _>(by.rank);
        query.sql(", role_id = ").bind::<SqlUuid, _>(by.id);
        query.sql(" WHERE m.organization_id = ").bind::<SqlUuid, _>(permit.organization());
        query.sql(" AND m.role_id = ").bind::<SqlUuid, _>(role.id);
        replaced += query.execute(conn).await?;
    }
    Ok(replaced)
}

/// Lets invitations that can be accepted still give another role of the level; `None` where none gives this one.
/// Those that ended keep no role, and no project with it: what they gave is gone, and so is what opening them again
/// would give.
pub async fn replace_in_invitations(
    conn: &mut Connection,
    permit: &dyn Consequence,
    role: &Role,
    by: Option<&Role>,
    now: DateTime<Utc>,
) -> Result<()> {
    let organization = permit.organization();
    if let Some(by) = by {
        let mut query = Query::new("UPDATE invitations i SET updated_at = ");
        query.bind::<Timestamptz, _>(now).sql(", role_id = ").bind::<SqlUuid, _>(by.id);
        query.sql(" WHERE i.organization_id = ").bind::<SqlUuid, _>(organization);
        query.sql(" AND i.role_id = ").bind::<SqlUuid, _>(role.id).sql(" AND i.status = 'PENDING'");
        query.execute(conn).await?;
        let mut query = Query::new("UPDATE invitation_projects g SET role_id = ");
        query.bind::<SqlUuid, _>(by.id).sql(" FROM invitations i WHERE g.organization_id = ");
        query.bind::<SqlUuid, _>(organization).sql(" AND g.role_id = ").bind::<SqlUuid, _>(role.id);
        query.sql(" AND i.organization_id = g.organization_id AND i.id = g.invitation_id AND i.status = 'PENDING'");
        query.execute(conn).await?;
    }
    let mut query = Query::new("UPDATE invitations i SET role_id = NULL WHERE i.organization_id = ");
    query.bind::<SqlUuid, _>(organization).sql(" AND i.role_id = ").bind::<SqlUuid, _>(role.id);
    query.execute(conn).await?;
    let mut query = Query::new("DELETE FROM invitation_projects g WHERE g.organization_id = ");
    query.bind::<SqlUuid, _>(organization).sql(" AND g.role_id = ").bind::<SqlUuid, _>(role.id);
    query.execute(conn).await?;
    Ok(())
}

/// Deletes a role that nothing names any more.
pub async fn delete(conn: &mut Connection, permit: &dyn Consequence, role: &Role) -> Result<()> {
    diesel::delete(roles::table.find((permit.organization(), role.id))).execute(conn).await?;
    organizations::touch_roles(conn, permit.organization()).await
}

/// All roles of these organizations: few each, so they are read together.
pub async fn of_organizations(mut conn: &Connection, organizations: &[OrganizationId]) -> Result<Vec<Role>> {
    let found = roles::table.filter(roles::organization_id.eq_any(organizations)).order((roles::rank, roles::id));
    Ok(found.select(Role::as_select()).load(&mut conn).await?)
}

/// Roles by id, of whatever organization.
pub async fn by_ids(mut conn: &Connection, ids: &[RoleId]) -> Result<Vec<Role>> {
    Ok(roles::table.filter(roles::id.eq_any(ids)).select(Role::as_select()).load(&mut conn).await?)
}

/// How many members have each role, in the order given.
pub async fn member_counts(conn: &mut Connection, roles: &[(OrganizationId, RoleId)]) -> Result<Vec<i64>> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let (organizations, ids): (Vec<_>, Vec<_>) = roles.iter().map(|(organization, id)| (organization.0, id.0)).unzip();
    let mut query = Query::new(
        "SELECT (SELECT count(*) FROM organization_members m WHERE m.organization_id = role.organization_id AND m.role_id = role.id) \
         + (SELECT count(*) FROM project_members m WHERE m.organization_id = role.organization_id AND m.role_id = role.id) AS count \
         FROM unnest(",
    );
    query.bind::<Array<SqlUuid>, Vec<Uuid>>(organizations).sql(", ").bind::<Array<SqlUuid>, Vec<Uuid>>(ids);
    query.sql(") WITH ORDINALITY AS role(organization_id, id, index) ORDER BY role.index");
    let counts: Vec<Count> = query.load(conn).await?;
    Ok(counts.into_iter().map(|row| row.count).collect())
}

/// How much a role is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct Uses {
    /// Members of the organization or of its projects that have it.
    #[diesel(sql_type = BigInt)]
    pub members: i64,
    /// Pending invitations that give it, in the organization or in a project.
    #[diesel(sql_type = BigInt)]
    pub invitations: i64,
}

/// How much each role is in use, in the order given. Invitations that have run out of time do not count.
pub async fn uses(conn: &mut Connection, roles: &[(OrganizationId, RoleId)], now: DateTime<Utc>) -> Result<Vec<Uses>> {
    let (organizations, ids): (Vec<_>, Vec<_>) = roles.iter().map(|(organization, id)| (organization.0, id.0)).unzip();
    let mut query = Query::new(
        "SELECT (SELECT count(*) FROM organization_members m WHERE m.organization_id = role.organization_id AND m.role_id = role.id) \
         + (SELECT count(*) FROM project_members m WHERE m.organization_id = role.organization_id AND m.role_id = role.id) AS members, \
         (SELECT count(*) FROM invitations i WHERE i.organization_id = role.organization_id AND i.status = 'PENDING' AND i.expires_at > ",
    );
    query.bind::<Timestamptz, _>(now).sql(
        " AND i.id IN (SELECT d.id FROM invitations d WHERE d.organization_id = role.organization_id AND d.role_id = role.id \
         UNION ALL SELECT g.invitation_id FROM invitation_projects g WHERE g.organization_id = role.organization_id AND g.role_id = role.id)) AS invitations \
         FROM unnest(",
    );
    query.bind::<Array<SqlUuid>, Vec<Uuid>>(organizations).sql(", ").bind::<Array<SqlUuid>, Vec<Uuid>>(ids);
    query.sql(") WITH ORDINALITY AS role(organization_id, id, index) ORDER BY role.index");
    Ok(query.load(conn).await?)
}

/// Whose roles a list shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Of {
    /// All of an organization.
    Organization(OrganizationId),
    /// Those of an organization that are named: few, as an organization has few.
    Among(OrganizationId, Vec<RoleId>),
}

impl Of {
    fn parent(&self) -> Parent {
        let (Self::Organization(id) | Self::Among(id, _)) = self;
        (*id, id.0)
    }
}

/// What a list of roles is narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Level.
    pub scope: Option<RoleScope>,
    /// Only built-in ones, or only custom ones.
    pub built_in: Option<bool>,
}

/// What a list of roles is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named after the columns")]
pub enum OrderField {
    CreatedAt,
    Name,
    Rank,
}

impl OrderField {
    fn column(self) -> Column {
        match self {
            Self::CreatedAt => Column::Time("roles.created_at"),
            Self::Name => Column::Text("roles.sort_name"),
            Self::Rank => Column::Rank("roles.rank"),
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
) -> Result<Vec<Slice<Role>>> {
    let rows = rows(of, filter);
    let listing = Listing { id: "roles.id", rows: &rows };
    paging::pages(conn, &parents(of), &listing, Sort { column: field.column(), descending }, page, false).await
}

/// How long each list is.
pub async fn counts(conn: &mut Connection, of: &[Of], filter: &Filter) -> Result<Vec<i64>> {
    let rows = rows(of, filter);
    let listing = Listing { id: "roles.id", rows: &rows };
    paging::counts(conn, &parents(of), &listing, false).await
}

fn parents(of: &[Of]) -> Vec<Parent> {
    of.iter().map(Of::parent).collect()
}

/// Lists of one call are all of one kind. A role is of one organization, so that the ids of all lists can
/// stand together.
fn rows<'a>(of: &[Of], filter: &'a Filter) -> impl Fn(&mut Query) + Sync + use<'a> {
    let mut among: Option<Vec<RoleId>> = None;
    for of in of {
        if let Of::Among(_, ids) = of {
            among.get_or_insert_default().extend(ids);
        }
    }
    move |query: &mut Query| {
        query.sql("roles WHERE roles.organization_id = parent.organization_id");
        if let Some(ids) = &among {
            query.sql(" AND roles.id = ANY(").bind::<Array<SqlUuid>, _>(ids.clone()).sql(")");
        }
        if let Some(scope) = filter.scope {
            query.sql(" AND roles.scope = ").bind::<Text, _>(scope);
        }
        if let Some(built_in) = filter.built_in {
            query.sql(if built_in { " AND roles.built_in IS NOT NULL" } else { " AND roles.built_in IS NULL" });
        }
    }
}
