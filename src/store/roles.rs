//! Roles, built in and custom.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{
    Connection,
    paging::{self, Key, Listing, Page, Parent, Slice, Sort},
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
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, QueryableByName)]
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
pub async fn insert(conn: &mut Connection, rows: &[Role]) -> Result<()> {
    diesel::insert_into(roles::table).values(rows).execute(conn).await?;
    Ok(())
}

/// All roles of these organizations: few each, so they are read together.
pub async fn of_organizations(conn: &mut Connection, organizations: &[OrganizationId]) -> Result<Vec<Role>> {
    let found = roles::table.filter(roles::organization_id.eq_any(organizations)).order((roles::rank, roles::id));
    Ok(found.select(Role::as_select()).load(conn).await?)
}

/// Roles by id, of whatever organization.
pub async fn by_ids(conn: &mut Connection, ids: &[RoleId]) -> Result<Vec<Role>> {
    Ok(roles::table.filter(roles::id.eq_any(ids)).select(Role::as_select()).load(conn).await?)
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
    fn column(self) -> &'static str {
        match self {
            Self::CreatedAt => "r.created_at",
            Self::Name => "r.sort_name",
            Self::Rank => "r.rank",
        }
    }

    /// Where a row stands in this order.
    pub fn key(self, row: &Role) -> Key {
        match self {
            Self::CreatedAt => Key::Time(row.created_at),
            Self::Name => Key::Text(row.sort_name.clone()),
            Self::Rank => Key::Rank(row.rank),
        }
    }
}

/// One page of each organization's roles.
pub async fn pages(
    conn: &mut Connection,
    organizations: &[OrganizationId],
    filter: &Filter,
    field: OrderField,
    descending: bool,
    page: &Page,
) -> Result<Vec<Slice<Role>>> {
    let rows = |query: &mut Query| push_rows(query, filter);
    let listing = Listing { columns: "r.*", id: "r.id", rows: &rows };
    paging::pages(conn, &parents(organizations), &listing, Sort { column: field.column(), descending }, page, false)
        .await
}

/// How many roles each organization has.
pub async fn counts(conn: &mut Connection, organizations: &[OrganizationId], filter: &Filter) -> Result<Vec<i64>> {
    let rows = |query: &mut Query| push_rows(query, filter);
    let listing = Listing { columns: "r.*", id: "r.id", rows: &rows };
    paging::counts(conn, &parents(organizations), &listing, false).await
}

fn parents(organizations: &[OrganizationId]) -> Vec<Parent> {
    organizations.iter().map(|id| (*id, id.0)).collect()
}

fn push_rows(query: &mut Query, filter: &Filter) {
    query.sql("FROM roles r WHERE r.organization_id = parent.organization_id");
    if let Some(scope) = filter.scope {
        query.sql(" AND r.scope = ").bind::<Text, _>(scope);
    }
    if let Some(built_in) = filter.built_in {
        query.sql(if built_in { " AND r.built_in IS NOT NULL" } else { " AND r.built_in IS NULL" });
    }
}
