//! Organizations and their slugs.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Integer, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{
    Connection,
    organization_members::Membership,
    paging::{self, Column, Listing, Page, Parent, Slice, Sort},
    permit::{self, Consequence, Permit},
    query::{Query, contains},
    schema::{organization_slugs, organizations, roles},
};
use crate::{
    domain::{
        email::Email,
        id::{OrganizationId, UserId},
        organization::{PlanTier, Visibility},
        phone::Phone,
        role::BuiltInRole,
        slug::Slug,
        text::fold,
    },
    error::Result,
};

/// An organization.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = organizations)]
#[expect(missing_docs, reason = "the columns are described in the migration and in the schema")]
pub struct Organization {
    pub id: OrganizationId,
    pub slug: String,
    pub name: String,
    pub sort_name: String,
    pub search_text: String,
    pub description: Option<String>,
    pub logo_url: Option<String>,
    pub website: Option<String>,
    pub industry: Option<String>,
    pub email: Option<Email>,
    pub phone: Option<Phone>,
    pub visibility: Visibility,
    pub plan_tier: PlanTier,
    pub trial_ends_at: Option<DateTime<Utc>>,
    pub seat_limit: Option<i32>,
    pub member_count: i32,
    pub project_count: i32,
    pub team_count: i32,
    pub pending_invitation_count: i32,
    pub last_event: i64,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub roles_version: i32,
}

impl Organization {
    /// What lists of organizations are searched by.
    pub fn searched_by(name: &str, slug: &Slug) -> String {
        format!("{} {slug}", fold(name))
    }
}

/// An organization, and what a person is in it.
#[derive(Clone, Debug, Queryable, Selectable)]
pub struct WithMembership {
    /// The organization.
    #[diesel(embed)]
    pub organization: Organization,
    /// The membership of the person.
    #[diesel(embed)]
    pub membership: Option<Membership>,
    /// Which built-in role the person has.
    #[diesel(select_expression = roles::built_in.nullable())]
    pub built_in: Option<BuiltInRole>,
    /// What the role of the person stores of its permissions; absent without a membership.
    #[diesel(select_expression = roles::permissions.nullable())]
    pub permissions: Option<Vec<String>>,
}

/// Adds who `user` is in `organizations`.
fn push_membership(query: &mut Query, user: Option<UserId>) {
    query.sql(
        " LEFT JOIN organization_members ON organization_members.organization_id = organizations.id AND organization_members.user_id = ",
    );
    // A nil UUID is nobody's id.
    query.bind::<SqlUuid, _>(user.unwrap_or(UserId(uuid::Uuid::nil())));
    query.sql(
        " LEFT JOIN roles ON roles.organization_id = organizations.id AND roles.id = organization_members.role_id",
    );
}

/// Organizations by id, each with the membership of `user`.
pub async fn with_membership(
    conn: &Connection,
    ids: &[OrganizationId],
    user: Option<UserId>,
) -> Result<Vec<WithMembership>> {
    let mut query = Query::new("SELECT ");
    query.columns::<WithMembership>().sql(" FROM organizations");
    push_membership(&mut query, user);
    query.sql(" WHERE organizations.id = ").any(ids);
    Ok(query.rows(conn).await?)
}

/// What an organization is called, and its logo.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = organizations)]
#[expect(missing_docs, reason = "as of `Organization`")]
pub struct OrganizationName {
    pub id: OrganizationId,
    pub name: String,
    pub logo_url: Option<String>,
}

/// What organizations are called.
pub async fn names(conn: &Connection, ids: &[OrganizationId]) -> Result<Vec<OrganizationName>> {
    let mut query = Query::new("SELECT ");
    query.columns::<OrganizationName>().sql(" FROM organizations WHERE organizations.id = ").any(ids);
    Ok(query.rows(conn).await?)
}

/// The organization that has or had this slug, with the membership of `user`.
pub async fn with_membership_by_slug(
    conn: &Connection,
    slug: &Slug,
    user: Option<UserId>,
) -> Result<Option<WithMembership>> {
    let mut query = Query::new("SELECT ");
    query.columns::<WithMembership>();
    query.sql(" FROM organization_slugs JOIN organizations ON organizations.id = organization_slugs.organization_id");
    push_membership(&mut query, user);
    query.sql(" WHERE organization_slugs.slug = ").bind::<Text, _>(slug.as_str().to_owned());
    Ok(query.rows(conn).await?.pop())
}

/// The organization that has or had this slug.
pub async fn id_by_slug(mut conn: &Connection, slug: &Slug) -> Result<Option<OrganizationId>> {
    let found = organization_slugs::table.find(slug.as_str()).select(organization_slugs::organization_id);
    Ok(found.first(&mut conn).await.optional()?)
}

/// The row of an organization is this transaction's until it ends.
#[derive(Debug)]
pub struct Lock(OrganizationId);

impl Lock {
    /// The organization.
    pub fn organization(&self) -> OrganizationId {
        self.0
    }
}

/// Locks an organization, before anything that can change its owner, its seats, or what its members may
/// do. None when there is no such organization. The lock leaves foreign keys of other transactions alone.
pub async fn lock(conn: &mut Connection, id: OrganizationId) -> Result<Option<Lock>> {
    let locked = organizations::table.find(id).for_no_key_update().select(organizations::id);
    Ok(locked.first::<OrganizationId>(conn).await.optional()?.map(Lock))
}

/// Takes a slug for an organization; `false` when it is or was another's.
pub async fn take_slug(conn: &mut Connection, permit: &dyn Permit, slug: &Slug) -> Result<bool> {
    let row =
        (organization_slugs::slug.eq(slug.as_str()), organization_slugs::organization_id.eq(permit.organization()));
    Ok(diesel::insert_into(organization_slugs::table).values(row).on_conflict_do_nothing().execute(conn).await? == 1)
}

/// Whether a slug is or was an organization's.
pub async fn is_taken(conn: &mut Connection, slug: &Slug) -> Result<bool> {
    Ok(id_by_slug(conn, slug).await?.is_some())
}

/// Adds an organization, which nobody else sees until the transaction ends; its slug is taken separately.
pub async fn insert(conn: &mut Connection, row: &Organization) -> Result<Lock> {
    diesel::insert_into(organizations::table).values(row).execute(conn).await?;
    Ok(Lock(row.id))
}

/// Stores a changed profile or plan, with the next version. Counters are changed by [`advance`] alone.
pub async fn update(conn: &mut Connection, permit: &dyn Permit, row: &Organization) -> Result<()> {
    permit::check(permit, [row.id])?;
    let profile = (
        organizations::slug.eq(&row.slug),
        organizations::name.eq(&row.name),
        organizations::sort_name.eq(&row.sort_name),
        organizations::search_text.eq(&row.search_text),
        organizations::description.eq(&row.description),
        organizations::logo_url.eq(&row.logo_url),
        organizations::website.eq(&row.website),
        organizations::industry.eq(&row.industry),
        organizations::email.eq(&row.email),
        organizations::phone.eq(&row.phone),
        organizations::visibility.eq(row.visibility),
    );
    let plan = (
        organizations::plan_tier.eq(row.plan_tier),
        organizations::trial_ends_at.eq(row.trial_ends_at),
        organizations::seat_limit.eq(row.seat_limit),
    );
    let version = (organizations::version.eq(organizations::version + 1), organizations::updated_at.eq(row.updated_at));
    diesel::update(organizations::table.find(row.id)).set((profile, plan, version)).execute(conn).await?;
    Ok(())
}

/// Deletes an organization and everything in it. What refers to something goes before it: cascades alone would
/// look each row up, and stumble over roles that are still held.
pub async fn delete(conn: &mut Connection, permit: &dyn Consequence) -> Result<()> {
    for statement in [
        "DELETE FROM team_members WHERE organization_id = ",
        "DELETE FROM project_members WHERE organization_id = ",
        "DELETE FROM mails WHERE organization_id = ",
        "DELETE FROM invitation_teams WHERE organization_id = ",
        "DELETE FROM invitation_projects WHERE organization_id = ",
        "DELETE FROM invitations WHERE organization_id = ",
        "DELETE FROM api_keys WHERE organization_id = ",
        "DELETE FROM teams WHERE organization_id = ",
        "DELETE FROM projects WHERE organization_id = ",
        "DELETE FROM organization_members WHERE organization_id = ",
        "DELETE FROM roles WHERE organization_id = ",
        "DELETE FROM organization_slugs WHERE organization_id = ",
        "DELETE FROM organizations WHERE id = ",
    ] {
        let mut query = Query::new(statement);
        query.bind::<SqlUuid, _>(permit.organization());
        query.execute(conn).await?;
    }
    Ok(())
}

/// By how much the counters of an organization change.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    /// Members.
    pub members: i32,
    /// Projects.
    pub projects: i32,
    /// Teams.
    pub teams: i32,
    /// Pending invitations.
    pub pending_invitations: i32,
}

/// Changes the counters and reserves the numbers of `events` events; tells the last of them.
pub async fn advance(conn: &mut Connection, id: OrganizationId, counts: Counts, events: i64) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Last {
        #[diesel(sql_type = BigInt)]
        last_event: i64,
    }
    let mut query = Query::new("UPDATE organizations SET member_count = member_count + ");
    query
        .bind::<Integer, _>(counts.members)
        .sql(", project_count = project_count + ")
        .bind::<Integer, _>(counts.projects)
        .sql(", team_count = team_count + ")
        .bind::<Integer, _>(counts.teams);
    query
        .sql(", pending_invitation_count = pending_invitation_count + ")
        .bind::<Integer, _>(counts.pending_invitations);
    query.sql(", last_event = last_event + ").bind::<BigInt, _>(events);
    query.sql(" WHERE id = ").bind::<SqlUuid, _>(id).sql(" RETURNING last_event");
    let last: Last = query.get_result(conn).await?;
    Ok(last.last_event)
}

/// Notes that the roles of an organization changed.
pub async fn touch_roles(conn: &mut Connection, id: OrganizationId) -> Result<()> {
    let change = organizations::roles_version.eq(organizations::roles_version + 1);
    diesel::update(organizations::table.find(id)).set(change).execute(conn).await?;
    Ok(())
}

/// Whose organizations a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Of {
    /// Those a person belongs to.
    Member(UserId),
    /// The one an API key belongs to.
    Key(OrganizationId),
    /// All.
    Everyone,
}

/// What a list of organizations is narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Part of the name or slug, folded.
    pub search: Option<String>,
    /// Visibility.
    pub visibility: Option<Visibility>,
    /// Built-in roles of the member whose list it is.
    pub viewer_roles: Option<Vec<BuiltInRole>>,
}

/// What a list of organizations is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named after the columns")]
pub enum OrderField {
    CreatedAt,
    Name,
    Slug,
}

impl OrderField {
    fn column(self) -> Column {
        match self {
            Self::CreatedAt => Column::Time("organizations.created_at"),
            Self::Name => Column::Text("organizations.sort_name"),
            Self::Slug => Column::Text("organizations.slug"),
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
) -> Result<Vec<Slice<Organization>>> {
    let rows = rows(of, filter);
    let listing = Listing { id: "organizations.id", rows: &rows };
    let sort = Sort { column: field.column(), descending };
    paging::pages(conn, &parents(of), &listing, sort, page, filter.search.is_some()).await
}

/// How long each list is.
pub async fn counts(conn: &mut Connection, of: &[Of], filter: &Filter) -> Result<Vec<i64>> {
    let rows = rows(of, filter);
    let listing = Listing { id: "organizations.id", rows: &rows };
    paging::counts(conn, &parents(of), &listing, filter.search.is_some()).await
}

fn parents(of: &[Of]) -> Vec<Parent> {
    let parent = |of: &Of| match of {
        Of::Member(user) => user.0,
        Of::Key(organization) => organization.0,
        Of::Everyone => uuid::Uuid::nil(),
    };
    of.iter().map(|of| (OrganizationId(uuid::Uuid::nil()), parent(of))).collect()
}

/// Lists of one call are all of one kind.
fn rows(of: &[Of], filter: &Filter) -> impl Fn(&mut Query) + Sync {
    let of = of.first().copied().unwrap_or(Of::Everyone);
    move |query: &mut Query| {
        match of {
            Of::Member(_) => query.sql(
                    "organization_members m JOIN organizations ON organizations.id = m.organization_id \
                     JOIN roles ON roles.organization_id = m.organization_id AND roles.id = m.role_id WHERE m.user_id = parent.id",
            ),
            Of::Key(_) => query.sql("organizations WHERE organizations.id = parent.id"),
            Of::Everyone => query.sql("organizations WHERE true"),
        };
        if let Some(search) = &filter.search {
            query.sql(" AND organizations.search_text LIKE ").bind::<Text, _>(contains(search));
        }
        if let Some(visibility) = filter.visibility {
            query.sql(" AND organizations.visibility = ").bind::<Text, _>(visibility);
        }
        if let Some(roles) = &filter.viewer_roles {
            match of {
                Of::Member(_) => query.sql(" AND roles.built_in = ANY(").bind::<Array<Text>, _>(roles.clone()).sql(")"),
                // Keys and the operator have no role.
                Of::Key(_) | Of::Everyone => query.sql(" AND false"),
            };
        }
    }
}
