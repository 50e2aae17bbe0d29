//! API keys.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    dsl::case_when,
    prelude::*,
    sql_types::{Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{
    Connection,
    paging::{self, Column, Listing, Page, Parent, Slice, Sort},
    permit::{self, Consequence, Permit},
    query::{Query, contains},
    schema::{api_keys, organization_members, project_members, roles},
};
use crate::{
    domain::{
        id::{ApiKeyId, OrganizationId, ProjectId, UserId},
        organization::ActorKind,
        role::BuiltInRole,
        secret::{ApiKeySecret, equal},
        text::fold,
    },
    error::Result,
};

/// A credential of an organization.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = api_keys)]
#[expect(missing_docs, reason = "the columns are described in the migration and in the schema")]
pub struct ApiKey {
    pub organization_id: OrganizationId,
    pub id: ApiKeyId,
    pub name: String,
    pub sort_name: String,
    pub search_text: String,
    pub prefix: String,
    pub secret_hash: Vec<u8>,
    pub previous_hash: Option<Vec<u8>>,
    pub previous_until: Option<DateTime<Utc>>,
    pub project_id: Option<ProjectId>,
    pub permissions: Vec<String>,
    pub created_by_kind: ActorKind,
    pub created_by_id: Option<uuid::Uuid>,
    pub created_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub responsible_kind: ActorKind,
    pub responsible_id: Option<uuid::Uuid>,
    pub parent_id: Option<ApiKeyId>,
}

impl ApiKey {
    /// The key with this person to answer for it; the operator does for nobody.
    #[must_use]
    pub fn answered_for_by(self, person: Option<UserId>) -> Self {
        let responsible_kind = if person.is_some() { ActorKind::User } else { ActorKind::Operator };
        Self { responsible_kind, responsible_id: person.map(|person| person.0), ..self }
    }

    /// The person who answers for it; none when the operator does.
    pub fn responsible(&self) -> Option<UserId> {
        self.responsible_id.map(UserId)
    }

    /// What lists of keys are searched by.
    pub fn searched_by(name: &str, prefix: &str) -> String {
        format!("{} {}", fold(name), fold(prefix))
    }

    /// Whether this is the secret of the key, or the one before while that still works. The time it takes tells
    /// nothing of either.
    pub fn has_secret(&self, secret: &ApiKeySecret, now: DateTime<Utc>) -> bool {
        self.has_hash(&secret.hash(), now)
    }

    /// The same by the hash of a secret.
    pub fn has_hash(&self, hash: &[u8], now: DateTime<Utc>) -> bool {
        let in_grace = self.previous_until.is_some_and(|end| end > now);
        let previous = self.previous_hash.as_deref().unwrap_or_default();
        equal(&self.secret_hash, hash) | (equal(previous, hash) & in_grace)
    }

    /// When a secret stops working because the key has a newer one.
    pub fn end_of(&self, secret: &ApiKeySecret) -> Option<DateTime<Utc>> {
        self.previous_until.filter(|_| !equal(&self.secret_hash, &secret.hash()))
    }

    /// Neither expired nor revoked.
    pub fn is_active(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| end > now)
    }
}

/// A role of whoever answers for a key, as far as it decides.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldRole {
    /// Which built-in role it is.
    pub built_in: Option<BuiltInRole>,
    /// What it stores of its permissions.
    pub permissions: Vec<String>,
}

impl HeldRole {
    /// A role that was joined: without permissions there was none.
    fn joined(built_in: Option<BuiltInRole>, permissions: Option<Vec<String>>) -> Option<Self> {
        permissions.map(|permissions| Self { built_in, permissions })
    }
}

/// A key, and what whoever answers for it is in its organization and in the project that it is limited to.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyAndRoles {
    /// The key.
    pub key: ApiKey,
    /// Their role in the organization.
    pub organization_role: Option<HeldRole>,
    /// Their role in the project.
    pub project_role: Option<HeldRole>,
}

/// Which keys to read.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// One of an organization.
    One(OrganizationId, ApiKeyId),
    /// These, of whatever organization.
    Ids(&'a [ApiKeyId]),
    /// Those of an organization that a person answers for and that are not revoked.
    AnsweredForBy(OrganizationId, UserId),
}

/// Keys with what whoever answers for them is.
pub async fn with_roles(mut conn: &Connection, which: Which<'_>) -> Result<Vec<KeyAndRoles>> {
    type Columns = (ApiKey, Option<BuiltInRole>, Option<Vec<String>>, Option<BuiltInRole>, Option<Vec<String>>);
    let in_project = diesel::alias!(roles as in_project);
    let found = api_keys::table
        .left_join(
            organization_members::table.on(organization_members::organization_id
                .eq(api_keys::organization_id)
                .and(organization_members::user_id.nullable().eq(api_keys::responsible_id))),
        )
        .left_join(
            roles::table.on(roles::organization_id
                .eq(api_keys::organization_id)
                .and(roles::id.nullable().eq(organization_members::role_id.nullable()))),
        )
        .left_join(
            project_members::table.on(project_members::organization_id
                .eq(api_keys::organization_id)
                .and(project_members::project_id.nullable().eq(api_keys::project_id))
                .and(project_members::user_id.nullable().eq(api_keys::responsible_id))),
        )
        .left_join(
            in_project.on(in_project
                .field(roles::organization_id)
                .eq(api_keys::organization_id)
                .and(in_project.field(roles::id).nullable().eq(project_members::role_id.nullable()))),
        )
        .select((
            ApiKey::as_select(),
            roles::built_in.nullable(),
            roles::permissions.nullable(),
            in_project.field(roles::built_in).nullable(),
            in_project.field(roles::permissions).nullable(),
        ))
        .order(api_keys::id);
    let rows: Vec<Columns> = match which {
        Which::One(organization, id) => {
            let one = found.filter(api_keys::organization_id.eq(organization)).filter(api_keys::id.eq(id));
            one.load(&mut conn).await?
        }
        Which::Ids(ids) => found.filter(api_keys::id.eq_any(ids)).load(&mut conn).await?,
        Which::AnsweredForBy(organization, user) => {
            let of = found.filter(api_keys::organization_id.eq(organization));
            let of = of.filter(api_keys::responsible_id.eq(user.0)).filter(api_keys::revoked_at.is_null());
            of.load(&mut conn).await?
        }
    };
    let read = |(key, built_in, permissions, project_built_in, project_permissions)| KeyAndRoles {
        key,
        organization_role: HeldRole::joined(built_in, permissions),
        project_role: HeldRole::joined(project_built_in, project_permissions),
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Whether people answer for keys of an organization.
pub async fn has_answered_for(conn: &mut Connection, organization: OrganizationId) -> Result<bool> {
    let answered = api_keys::table
        .filter(api_keys::organization_id.eq(organization))
        .filter(api_keys::responsible_id.is_not_null())
        .filter(api_keys::revoked_at.is_null());
    Ok(diesel::select(diesel::dsl::exists(answered)).get_result(conn).await?)
}

/// The keys that these made, and those that they made in turn, as far as they are not revoked.
pub async fn descendants(conn: &mut Connection, organization: OrganizationId, ids: &[ApiKeyId]) -> Result<Vec<ApiKey>> {
    let (mut line, mut parents): (Vec<ApiKey>, Vec<ApiKeyId>) = (Vec::new(), ids.to_vec());
    while !parents.is_empty() {
        let made = api_keys::table
            .filter(api_keys::organization_id.eq(organization))
            .filter(api_keys::parent_id.eq_any(&parents))
            .filter(api_keys::revoked_at.is_null());
        let made: Vec<ApiKey> = made.order(api_keys::id).select(ApiKey::as_select()).load(conn).await?;
        // A key is made after its parent, so that no line comes back to where it began.
        parents = made.iter().map(|key| key.id).collect();
        line.extend(made);
    }
    Ok(line)
}

/// Adds a key.
pub async fn insert(conn: &mut Connection, permit: &dyn Permit, row: &ApiKey) -> Result<()> {
    permit::check(permit, [row.organization_id])?;
    diesel::insert_into(api_keys::table).values(row).execute(conn).await?;
    Ok(())
}

/// Keys by id, of whatever organization.
pub async fn by_ids(mut conn: &Connection, ids: &[ApiKeyId]) -> Result<Vec<ApiKey>> {
    Ok(api_keys::table.filter(api_keys::id.eq_any(ids)).select(ApiKey::as_select()).load(&mut conn).await?)
}

/// A key, locked. The organization is locked before.
pub async fn lock(conn: &mut Connection, organization: OrganizationId, id: ApiKeyId) -> Result<Option<ApiKey>> {
    let row = api_keys::table.find((organization, id)).for_no_key_update();
    Ok(row.select(ApiKey::as_select()).first(conn).await.optional()?)
}

/// How many keys of an organization work.
pub async fn active_count(conn: &mut Connection, organization: OrganizationId, now: DateTime<Utc>) -> Result<i64> {
    Ok(active_counts(conn, &[organization], now).await?.pop().map_or(0, |(_, count)| count))
}

/// How many keys of each of these organizations work; one without any is left out.
pub async fn active_counts(
    conn: &mut Connection,
    organizations: &[OrganizationId],
    now: DateTime<Utc>,
) -> Result<Vec<(OrganizationId, i64)>> {
    let active = api_keys::table
        .filter(api_keys::organization_id.eq_any(organizations))
        .filter(api_keys::revoked_at.is_null())
        .filter(api_keys::expires_at.is_null().or(api_keys::expires_at.gt(now)))
        .group_by(api_keys::organization_id);
    Ok(active.select((api_keys::organization_id, diesel::dsl::count_star())).load(conn).await?)
}

/// Gives a key another secret; the one it has works until `until`, where that is given.
pub async fn rotate(
    conn: &mut Connection,
    permit: &dyn Permit,
    key: &ApiKey,
    secret: &ApiKeySecret,
    until: Option<DateTime<Utc>>,
) -> Result<()> {
    let change = (
        api_keys::prefix.eq(secret.prefix()),
        api_keys::search_text.eq(ApiKey::searched_by(&key.name, &secret.prefix())),
        api_keys::secret_hash.eq(secret.hash()),
        api_keys::previous_hash.eq(until.map(|_| &key.secret_hash)),
        api_keys::previous_until.eq(until),
    );
    diesel::update(api_keys::table.find((permit.organization(), key.id))).set(change).execute(conn).await?;
    Ok(())
}

/// Makes somebody else answer for keys. One that is not among them does not end them any more, though it made them.
pub async fn set_responsible(
    conn: &mut Connection,
    permit: &dyn Consequence,
    ids: &[ApiKeyId],
    responsible: Option<UserId>,
) -> Result<()> {
    let kind = if responsible.is_some() { ActorKind::User } else { ActorKind::Operator };
    let change = (
        api_keys::responsible_kind.eq(kind),
        api_keys::responsible_id.eq(responsible.map(|user| user.0)),
        api_keys::parent_id.eq(case_when(api_keys::parent_id.eq_any(ids), api_keys::parent_id)),
    );
    let rows = api_keys::table.filter(api_keys::organization_id.eq(permit.organization()));
    diesel::update(rows.filter(api_keys::id.eq_any(ids))).set(change).execute(conn).await?;
    Ok(())
}

/// Ends keys, and with them whatever secret they had before.
pub async fn revoke(
    conn: &mut Connection,
    permit: &dyn Consequence,
    ids: &[ApiKeyId],
    now: DateTime<Utc>,
) -> Result<()> {
    let change = (
        api_keys::revoked_at.eq(now),
        api_keys::previous_hash.eq(None::<Vec<u8>>),
        api_keys::previous_until.eq(None::<DateTime<Utc>>),
    );
    let rows = api_keys::table.filter(api_keys::organization_id.eq(permit.organization()));
    diesel::update(rows.filter(api_keys::id.eq_any(ids))).set(change).execute(conn).await?;
    Ok(())
}

/// Notes that a key was used; written at most once a minute.
pub async fn touch(conn: &mut Connection, key: &ApiKey, now: DateTime<Utc>) -> Result<()> {
    let row = api_keys::table
        .find((key.organization_id, key.id))
        .filter(api_keys::last_used_at.is_null().or(api_keys::last_used_at.lt(now - TimeDelta::minutes(1))));
    diesel::update(row).set(api_keys::last_used_at.eq(now)).execute(conn).await?;
    Ok(())
}

/// The keys of an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Of(pub OrganizationId);

/// What a list of keys is narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Part of the name or the prefix, folded.
    pub search: Option<String>,
    /// Limited to this project.
    pub project: Option<ProjectId>,
    /// Neither expired nor revoked at this moment.
    pub active_at: Option<DateTime<Utc>>,
}

/// What a list of keys is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named after the columns")]
pub enum OrderField {
    CreatedAt,
    LastUsedAt,
    Name,
}

impl OrderField {
    fn column(self) -> Column {
        match self {
            Self::CreatedAt => Column::Time("api_keys.created_at"),
            // As the index has it: never used stands before all others.
            Self::LastUsedAt => Column::Time("COALESCE(api_keys.last_used_at, '1970-01-01 00:00:00+00'::timestamptz)"),
            Self::Name => Column::Text("api_keys.sort_name"),
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
) -> Result<Vec<Slice<ApiKey>>> {
    let rows = |query: &mut Query| push_rows(query, filter);
    let listing = Listing { id: "api_keys.id", rows: &rows };
    let sort = Sort { column: field.column(), descending };
    paging::pages(conn, &parents(of), &listing, sort, page, filter.search.is_some()).await
}

/// How long each list is.
pub async fn counts(conn: &mut Connection, of: &[Of], filter: &Filter) -> Result<Vec<i64>> {
    let rows = |query: &mut Query| push_rows(query, filter);
    let listing = Listing { id: "api_keys.id", rows: &rows };
    paging::counts(conn, &parents(of), &listing, filter.search.is_some()).await
}

fn parents(of: &[Of]) -> Vec<Parent> {
    of.iter().map(|of| (of.0, of.0.0)).collect()
}

fn push_rows(query: &mut Query, filter: &Filter) {
    query.sql("api_keys WHERE api_keys.organization_id = parent.organization_id");
    if let Some(search) = &filter.search {
        query.sql(" AND api_keys.search_text LIKE ").bind::<Text, _>(contains(search));
    }
    if let Some(project) = filter.project {
        query.sql(" AND api_keys.project_id = ").bind::<SqlUuid, _>(project);
    }
    if let Some(now) = filter.active_at {
        query.sql(" AND api_keys.revoked_at IS NULL AND (api_keys.expires_at IS NULL OR api_keys.expires_at > ");
        query.bind::<Timestamptz, _>(now).sql(")");
    }
}
