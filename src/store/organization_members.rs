//! Memberships of organizations.

use std::{
    collections::{HashMap, HashSet},
    ops::Deref,
};

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{
    Connection,
    paging::{self, Column, Listing, Page, Parent, Slice, Sort},
    permit::{self, Consequence, Permit},
    query::{Query, contains},
    roles::Role,
    schema::{organization_members as members, roles},
    users::{self, Listed},
};
use crate::{
    domain::{
        email::{Address, Email},
        id::{OrganizationId, OrganizationMemberId, ProjectId, RoleId, TeamId, UserId},
        organization::ActorKind,
    },
    error::Result,
};

/// A person in an organization.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = members)]
#[expect(missing_docs, reason = "the columns are described in the migration and in the schema")]
pub struct OrganizationMember {
    pub organization_id: OrganizationId,
    pub id: OrganizationMemberId,
    pub user_id: UserId,
    pub role_id: RoleId,
    pub role_rank: i16,
    pub is_owner: bool,
    pub sort_name: String,
    pub email: Address,
    pub search_text: String,
    pub display_name: String,
    pub invited_by_kind: Option<ActorKind>,
    pub invited_by_id: Option<uuid::Uuid>,
    pub version: i32,
    pub joined_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl OrganizationMember {
    /// A new membership of `user` with `role`.
    pub fn new(id: OrganizationMemberId, user: &impl Listed, role: &Role, now: DateTime<Utc>) -> Self {
        Self {
            organization_id: role.organization_id,
            id,
            user_id: user.id(),
            role_id: role.id,
            role_rank: role.rank,
            is_owner: role.is_owner(),
            sort_name: user.sort_name(),
            email: user.email().clone(),
            search_text: user.search_text(),
            display_name: user.display_name().clone(),
            invited_by_kind: None,
            invited_by_id: None,
            version: 1,
            joined_at: now,
            updated_at: now,
        }
    }
}

/// What is mostly shown of a membership.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = members)]
#[expect(missing_docs, reason = "as of `OrganizationMember`")]
pub struct Entry {
    pub organization_id: OrganizationId,
    pub id: OrganizationMemberId,
    pub user_id: UserId,
    pub email: Address,
    pub display_name: String,
    pub role_id: RoleId,
}

/// What is shown besides.
#[derive(Clone, Copy, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = members)]
#[expect(missing_docs, reason = "as of `OrganizationMember`")]
pub struct Rest {
    pub is_owner: bool,
    pub invited_by_kind: Option<ActorKind>,
    pub invited_by_id: Option<uuid::Uuid>,
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

impl From<OrganizationMember> for Membership {
    fn from(row: OrganizationMember) -> Self {
        Self {
            entry: Entry {
                organization_id: row.organization_id,
                id: row.id,
                user_id: row.user_id,
                email: row.email,
                display_name: row.display_name,
                role_id: row.role_id,
            },
            rest: Rest {
                is_owner: row.is_owner,
                invited_by_kind: row.invited_by_kind,
                invited_by_id: row.invited_by_id,
                version: row.version,
                joined_at: row.joined_at,
                updated_at: row.updated_at,
            },
        }
    }
}

/// Adds members.
pub async fn insert(conn: &mut Connection, permit: &dyn Permit, rows: &[OrganizationMember]) -> Result<()> {
    permit::check(permit, rows.iter().map(|row| row.organization_id))?;
    diesel::insert_into(members::table).values(rows).execute(conn).await?;
    Ok(())
}

/// Memberships by id, of whatever organization.
pub async fn by_ids(conn: &Connection, ids: &[OrganizationMemberId]) -> Result<Vec<Membership>> {
    let mut query = Query::new("SELECT ");
    query.columns::<Membership>().sql(" FROM organization_members WHERE organization_members.id = ");
    query.any(ids);
    Ok(query.rows(conn).await?)
}

/// Memberships of these people.
pub async fn by_users(conn: &Connection, keys: &[(OrganizationId, UserId)]) -> Result<Vec<Membership>> {
    let mut query = Query::new("SELECT ");
    if let [(organization, user)] = keys {
        query.columns::<Membership>().sql(" FROM organization_members WHERE organization_members.organization_id = ");
        query.bind::<SqlUuid, _>(*organization).sql(" AND organization_members.user_id = ").bind::<SqlUuid, _>(*user);
        return Ok(query.rows(conn).await?);
    }
    let (organizations, users): (Vec<_>, Vec<_>) = keys.iter().copied().unzip();
    query.columns::<Membership>().sql(" FROM unnest(").bind::<Array<SqlUuid>, _>(organizations);
    query.sql(", ").bind::<Array<SqlUuid>, _>(users);
    query.sql(
        ") AS key(organization_id, user_id) JOIN organization_members ON organization_members.organization_id = key.organization_id \
         AND organization_members.user_id = key.user_id",
    );
    Ok(query.rows(conn).await?)
}

/// Which of these people are members.
pub async fn among(conn: &mut Connection, organization: OrganizationId, users: &[UserId]) -> Result<Vec<UserId>> {
    let found = members::table.filter(members::organization_id.eq(organization)).filter(members::user_id.eq_any(users));
    Ok(found.select(members::user_id).load(conn).await?)
}

/// A membership with its role.
pub async fn with_role(
    conn: &mut Connection,
    organization: OrganizationId,
    user: UserId,
) -> Result<Option<(OrganizationMember, Role)>> {
    let found = members::table
        .inner_join(
            roles::table.on(roles::organization_id.eq(members::organization_id).and(roles::id.eq(members::role_id))),
        )
        .filter(members::organization_id.eq(organization))
        .filter(members::user_id.eq(user))
        .select((OrganizationMember::as_select(), Role::as_select()));
    Ok(found.first(conn).await.optional()?)
}

/// Which of these addresses name members, each of its organization: as [`users::holders`] has it, whatever memberships
/// repeat of addresses.
pub async fn by_addresses(
    conn: &Connection,
    keys: &[(OrganizationId, Email)],
) -> Result<HashMap<(OrganizationId, Email), UserId>> {
    let emails: Vec<Email> = keys.iter().map(|(_, email)| email.clone()).collect();
    let holders = users::holders(conn, &emails).await?;
    let wanted: Vec<(OrganizationId, UserId)> =
        keys.iter().filter_map(|(organization, email)| Some((*organization, holders.get(email)?.id))).collect();
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let members: HashSet<(OrganizationId, UserId)> =
        by_users(conn, &wanted).await?.into_iter().map(|found| (found.organization_id, found.user_id)).collect();
    let named = |key: &(OrganizationId, Email)| {
        let user = holders.get(&key.1)?.id;
        members.contains(&(key.0, user)).then(|| (key.clone(), user))
    };
    Ok(keys.iter().filter_map(named).collect())
}

/// The owner of each of these organizations.
pub async fn owners(conn: &Connection, organizations: &[OrganizationId]) -> Result<Vec<Membership>> {
    let mut query = Query::new("SELECT ");
    query.columns::<Membership>().sql(" FROM organization_members");
    query.sql(" WHERE organization_members.is_owner AND organization_members.organization_id = ").any(organizations);
    Ok(query.rows(conn).await?)
}

/// Gives a member another role. Whoever loses Owner comes before whoever gets it: there is one at a time.
pub async fn set_role(
    conn: &mut Connection,
    permit: &dyn Consequence,
    member: OrganizationMemberId,
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

/// Ends a membership, and with it whatever rests on it.
pub async fn delete(conn: &mut Connection, permit: &dyn Consequence, id: OrganizationMemberId) -> Result<bool> {
    Ok(diesel::delete(members::table.find((permit.organization(), id))).execute(conn).await? == 1)
}

/// Whose members a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Of {
    /// Of an organization.
    Organization(OrganizationId),
    /// The memberships of one person, in all organizations.
    User(UserId),
}

impl Of {
    fn parent(self) -> Parent {
        match self {
            Self::Organization(id) => (id, id.0),
            Self::User(user) => (OrganizationId(uuid::Uuid::nil()), user.0),
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
    /// In one of these projects.
    pub projects: Option<Vec<ProjectId>>,
    /// In one of these teams.
    pub teams: Option<Vec<TeamId>>,
    /// Joined at or after.
    pub joined_from: Option<DateTime<Utc>>,
    /// Joined before.
    pub joined_to: Option<DateTime<Utc>>,
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
            Self::Email => Column::Text("organization_members.email"),
            Self::JoinedAt => Column::Time("organization_members.joined_at"),
            Self::Name => Column::Text("organization_members.sort_name"),
            Self::Role => Column::Rank("organization_members.role_rank"),
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
    let listing = Listing { id: "organization_members.id", rows: &rows };
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
    let listing = Listing { id: "organization_members.id", rows: &rows };
    paging::counts(conn, &parents, &listing, filter.search.is_some()).await
}

/// Lists of one call are all of one kind.
fn rows(of: &[Of], filter: &Filter) -> impl Fn(&mut Query) + Sync {
    let of_users = matches!(of.first(), Some(Of::User(_)));
    move |query: &mut Query| {
        query.sql("organization_members WHERE ");
        query.sql(if of_users {
            "organization_members.user_id = parent.id"
        } else {
            "organization_members.organization_id = parent.organization_id"
        });
        if let Some(search) = &filter.search {
            query.sql(" AND organization_members.search_text LIKE ").bind::<Text, _>(contains(search));
        }
        if let Some(roles) = &filter.roles {
            query.sql(" AND organization_members.role_id = ANY(").bind::<Array<SqlUuid>, _>(roles.clone()).sql(")");
        }
        if let Some(projects) = &filter.projects {
            query.sql(
                " AND EXISTS (SELECT FROM project_members p WHERE p.organization_id = organization_members.organization_id \
                 AND p.user_id = organization_members.user_id AND p.project_id = ANY(",
            );
            query.bind::<Array<SqlUuid>, _>(projects.clone()).sql("))");
        }
        if let Some(teams) = &filter.teams {
            query.sql(
                " AND EXISTS (SELECT FROM team_members t WHERE t.organization_id = organization_members.organization_id \
                 AND t.user_id = organization_members.user_id AND t.team_id = ANY(",
            );
            query.bind::<Array<SqlUuid>, _>(teams.clone()).sql("))");
        }
        if let Some(from) = filter.joined_from {
            query.sql(" AND organization_members.joined_at >= ").bind::<Timestamptz, _>(from);
        }
        if let Some(to) = filter.joined_to {
            query.sql(" AND organization_members.joined_at < ").bind::<Timestamptz, _>(to);
        }
    }
}
