//! Invitations. What they grant stands in `invitation_projects` and `invitation_teams`.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, Bool, Integer, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{
    Connection,
    invitation_projects::{self, ProjectGrant},
    paging::{self, Column, Listing, Page, Parent, Slice, Sort},
    permit::{self, Consequence, Permit},
    query::{Query, contains},
    schema::{invitation_projects as grants, invitations, mails},
};
use crate::{
    domain::{
        email::Email,
        id::{InvitationId, OrganizationId, ProjectId, RoleId, TeamId},
        invitation::{InvitationStatus, MailStatus},
        organization::ActorKind,
    },
    error::Result,
};

/// An invitation by e-mail.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = invitations)]
#[expect(missing_docs, reason = "the columns are described in the migration and in the schema")]
pub struct Invitation {
    pub organization_id: OrganizationId,
    pub id: InvitationId,
    pub email: Email,
    pub status: InvitationStatus,
    pub status_rank: i16,
    pub role_id: Option<RoleId>,
    pub project_id: Option<ProjectId>,
    pub message: Option<String>,
    pub token_version: i32,
    pub invited_by_kind: ActorKind,
    pub invited_by_id: Option<uuid::Uuid>,
    pub resolved_by_kind: Option<ActorKind>,
    pub resolved_by_id: Option<uuid::Uuid>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub resolved_at: Option<DateTime<Utc>>,
}

impl Invitation {
    /// The state at a moment: time runs out whether or not somebody wrote it down.
    pub fn status_at(&self, now: DateTime<Utc>) -> InvitationStatus {
        if self.status == InvitationStatus::Pending && self.expires_at <= now {
            InvitationStatus::Expired
        } else {
            self.status
        }
    }
}

/// An invitation and what became of its mails.
#[derive(Clone, Debug, Queryable, Selectable)]
pub struct InvitationAndMail {
    /// The invitation.
    #[diesel(embed)]
    pub invitation: Invitation,
    /// How many of its mails were sent.
    #[diesel(select_expression = sent::send_count)]
    pub send_count: i32,
    /// When the last was.
    #[diesel(select_expression = sent::last_sent_at)]
    pub last_sent_at: Option<DateTime<Utc>>,
    /// State of the mail of the current link; absent when none was asked for.
    #[diesel(select_expression = mails::status.nullable())]
    pub mail_status: Option<MailStatus>,
    /// How often sending that mail was tried.
    #[diesel(select_expression = mails::attempts.nullable())]
    pub mail_attempts: Option<i32>,
    /// Last answer of the mail server to it that was no success.
    #[diesel(select_expression = mails::error.nullable())]
    pub mail_error: Option<String>,
}

diesel::table! {
    /// What was sent of an invitation, counted.
    sent (send_count) {
        /// How many mails were sent.
        send_count -> Integer,
        /// When the last was.
        last_sent_at -> Nullable<Timestamptz>,
    }
}

const FROM: &str = "invitations \
     LEFT JOIN mails ON mails.organization_id = invitations.organization_id AND mails.invitation_id = invitations.id \
     AND mails.token_version = invitations.token_version \
     CROSS JOIN LATERAL (SELECT count(*)::integer AS send_count, max(sent_at) AS last_sent_at FROM mails m \
     WHERE m.organization_id = invitations.organization_id AND m.invitation_id = invitations.id AND m.sent_at IS NOT NULL) AS sent";

/// Adds invitations with what they grant.
pub async fn insert(
    conn: &mut Connection,
    permit: &dyn Permit,
    rows: &[Invitation],
    projects: &[ProjectGrant],
) -> Result<()> {
    permit::check(permit, rows.iter().map(|row| row.organization_id))?;
    diesel::insert_into(invitations::table).values(rows).execute(conn).await?;
    invitation_projects::add(conn, permit, projects).await
}

/// An invitation, locked. The organization is locked before.
pub async fn lock(conn: &mut Connection, organization: OrganizationId, id: InvitationId) -> Result<Option<Invitation>> {
    let row = invitations::table.find((organization, id)).for_no_key_update();
    Ok(row.select(Invitation::as_select()).first(conn).await.optional()?)
}

/// An invitation by id, of whatever organization.
pub async fn find(mut conn: &Connection, id: InvitationId) -> Result<Option<Invitation>> {
    Ok(invitations::table
        .filter(invitations::id.eq(id))
        .select(Invitation::as_select())
        .first(&mut conn)
        .await
        .optional()?)
}

/// Invitations by id, of whatever organization, with their mails.
pub async fn by_ids(conn: &Connection, ids: &[InvitationId]) -> Result<Vec<InvitationAndMail>> {
    let mut query = Query::new("SELECT ");
    query.columns::<InvitationAndMail>().sql(" FROM ").sql(FROM).sql(" WHERE invitations.id = ").any(ids);
    Ok(query.rows(conn).await?)
}

/// Pending invitations of an organization to these addresses, those whose time has run out included.
pub async fn pending_to(
    conn: &mut Connection,
    organization: OrganizationId,
    emails: &[Email],
) -> Result<Vec<Invitation>> {
    let found = invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::status.eq(InvitationStatus::Pending))
        .filter(invitations::email.eq_any(emails));
    Ok(found.select(Invitation::as_select()).load(conn).await?)
}

/// Pending invitations that somebody sent.
pub async fn pending_from(
    conn: &mut Connection,
    organization: OrganizationId,
    kind: ActorKind,
    id: uuid::Uuid,
) -> Result<Vec<Invitation>> {
    let found = invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::status.eq(InvitationStatus::Pending))
        .filter(invitations::invited_by_kind.eq(kind))
        .filter(invitations::invited_by_id.eq(id));
    Ok(found.select(Invitation::as_select()).load(conn).await?)
}

/// Marks as expired what has run out of time, and tells which those were.
pub async fn expire(conn: &mut Connection, permit: &dyn Consequence, now: DateTime<Utc>) -> Result<Vec<InvitationId>> {
    let over = invitations::table
        .filter(invitations::organization_id.eq(permit.organization()))
        .filter(invitations::status.eq(InvitationStatus::Pending))
        .filter(invitations::expires_at.le(now));
    let change = (
        invitations::status.eq(InvitationStatus::Expired),
        invitations::status_rank.eq(InvitationStatus::Expired.rank()),
        invitations::resolved_by_kind.eq(ActorKind::System),
        invitations::resolved_at.eq(invitations::expires_at.nullable()),
        invitations::updated_at.eq(now),
    );
    Ok(diesel::update(over).set(change).returning(invitations::id).get_results(conn).await?)
}

/// Organizations with pending invitations whose time has run out.
pub async fn organizations_with_lapsed(
    conn: &mut Connection,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<OrganizationId>> {
    let lapsed = invitations::table
        .filter(invitations::status.eq(InvitationStatus::Pending))
        .filter(invitations::expires_at.le(now));
    Ok(lapsed.select(invitations::organization_id).distinct().limit(limit).load(conn).await?)
}

/// Who ended an invitation, and when.
#[derive(Clone, Copy, Debug)]
pub struct Resolution {
    /// What it became.
    pub status: InvitationStatus,
    /// Who did it.
    pub by: (ActorKind, Option<uuid::Uuid>),
    /// When.
    pub at: DateTime<Utc>,
}

/// Ends those of the invitations that are still pending, and tells which those were. Exactly one of
/// several that try at once succeeds.
pub async fn resolve(
    conn: &mut Connection,
    permit: &dyn Consequence,
    ids: &[InvitationId],
    resolution: Resolution,
) -> Result<Vec<InvitationId>> {
    let pending = invitations::table
        .filter(invitations::organization_id.eq(permit.organization()))
        .filter(invitations::id.eq_any(ids))
        .filter(invitations::status.eq(InvitationStatus::Pending));
    let change = (
        invitations::status.eq(resolution.status),
        invitations::status_rank.eq(resolution.status.rank()),
        invitations::resolved_by_kind.eq(resolution.by.0),
        invitations::resolved_by_id.eq(resolution.by.1),
        invitations::resolved_at.eq(resolution.at),
        invitations::updated_at.eq(resolution.at),
    );
    Ok(diesel::update(pending).set(change).returning(invitations::id).get_results(conn).await?)
}

/// Makes the next link of an invitation and opens it again; tells the number of the link.
pub async fn renew(
    conn: &mut Connection,
    permit: &dyn Permit,
    invitation: &Invitation,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<i32> {
    let change = (
        invitations::status.eq(InvitationStatus::Pending),
        invitations::status_rank.eq(InvitationStatus::Pending.rank()),
        invitations::resolved_by_kind.eq(None::<ActorKind>),
        invitations::resolved_by_id.eq(None::<uuid::Uuid>),
        invitations::resolved_at.eq(None::<DateTime<Utc>>),
        invitations::token_version.eq(invitations::token_version + 1),
        invitations::expires_at.eq(expires_at),
        invitations::updated_at.eq(now),
    );
    let row = invitations::table.find((permit.organization(), invitation.id));
    Ok(diesel::update(row).set(change).returning(invitations::token_version).get_result(conn).await?)
}

/// What stands in the way of opening an expired invitation again.
#[derive(Clone, Copy, Debug, Default, QueryableByName)]
pub struct Revival {
    /// The address has a newer invitation.
    #[diesel(sql_type = Bool)]
    pub is_invited: bool,
    /// Invitations of the organization that are pending, and hold seats.
    #[diesel(sql_type = Integer)]
    pub pending: i32,
}

/// What stands in the way of opening invitations to these addresses again, in the order given.
pub async fn revivals(
    conn: &mut Connection,
    keys: &[(OrganizationId, Email)],
    now: DateTime<Utc>,
) -> Result<Vec<Revival>> {
    let (organizations, emails): (Vec<_>, Vec<_>) = keys.iter().cloned().unzip();
    let mut query = Query::new(
        "SELECT EXISTS (SELECT FROM invitations i WHERE i.organization_id = key.organization_id AND i.email = key.email \
         AND i.status = 'PENDING' AND i.expires_at > ",
    );
    query.bind::<Timestamptz, _>(now).sql(
        ") AS is_invited, (SELECT count(*)::integer FROM invitations i WHERE i.organization_id = key.organization_id \
         AND i.status = 'PENDING' AND i.expires_at > ",
    );
    query.bind::<Timestamptz, _>(now).sql(") AS pending FROM unnest(");
    query.bind::<Array<SqlUuid>, _>(organizations).sql(", ").bind::<Array<Text>, _>(emails);
    query.sql(") WITH ORDINALITY AS key(organization_id, email, index) ORDER BY key.index");
    Ok(query.load(conn).await?)
}

/// Gives an invitation another role, and notes who answers for it.
pub async fn set_terms(
    conn: &mut Connection,
    permit: &dyn Permit,
    invitation: &Invitation,
    role: Option<RoleId>,
    by: (ActorKind, Option<uuid::Uuid>),
    now: DateTime<Utc>,
) -> Result<()> {
    let change = (
        invitations::role_id.eq(role),
        invitations::invited_by_kind.eq(by.0),
        invitations::invited_by_id.eq(by.1),
        invitations::updated_at.eq(now),
    );
    let row = (permit.organization(), invitation.id);
    diesel::update(invitations::table.find(row)).set(change).execute(conn).await?;
    Ok(())
}

/// Who sent, or added projects or teams to, pending invitations that a change of `role` may concern: people who have the
/// role, keys that these answer for, and whoever gave it.
pub async fn givers_touched_by(
    conn: &mut Connection,
    organization: OrganizationId,
    role: RoleId,
) -> Result<Vec<(ActorKind, uuid::Uuid)>> {
    #[derive(QueryableByName)]
    struct Giver {
        #[diesel(sql_type = Text)]
        kind: ActorKind,
        #[diesel(sql_type = SqlUuid)]
        id: uuid::Uuid,
    }
    let mut query = Query::new("WITH the AS (SELECT organization_id, id FROM roles WHERE organization_id = ");
    query.bind::<SqlUuid, _>(organization).sql(" AND id = ").bind::<SqlUuid, _>(role);
    query.sql(
        "), pending AS (SELECT i.organization_id, i.id, i.invited_by_kind, i.invited_by_id, i.role_id FROM the JOIN invitations i \
         ON i.organization_id = the.organization_id AND i.status = 'PENDING'), \
         given AS (SELECT p.organization_id, p.invited_by_kind AS kind, p.invited_by_id AS id, p.role_id FROM pending p \
         UNION SELECT g.organization_id, COALESCE(g.added_by_kind, p.invited_by_kind), \
         CASE WHEN g.added_by_kind IS NULL THEN p.invited_by_id ELSE g.added_by_id END, g.role_id \
         FROM pending p JOIN invitation_projects g ON g.organization_id = p.organization_id AND g.invitation_id = p.id \
         UNION SELECT t.organization_id, t.added_by_kind, t.added_by_id, NULL \
         FROM pending p JOIN invitation_teams t ON t.organization_id = p.organization_id AND t.invitation_id = p.id \
         WHERE t.added_by_kind IS NOT NULL), \
         judged AS (SELECT given.*, CASE WHEN given.kind = 'API_KEY' THEN k.responsible_id ELSE given.id END AS person \
         FROM given LEFT JOIN api_keys k ON given.kind = 'API_KEY' AND k.organization_id = given.organization_id AND k.id = given.id) \
         SELECT DISTINCT judged.kind, judged.id FROM the JOIN judged ON judged.organization_id = the.organization_id \
         WHERE judged.id IS NOT NULL AND (judged.role_id = the.id \
         OR EXISTS (SELECT FROM organization_members m WHERE m.organization_id = the.organization_id AND m.user_id = judged.person AND m.role_id = the.id) \
         OR EXISTS (SELECT FROM project_members m WHERE m.organization_id = the.organization_id AND m.user_id = judged.person AND m.role_id = the.id))",
    );
    let givers: Vec<Giver> = query.load(conn).await?;
    Ok(givers.into_iter().map(|giver| (giver.kind, giver.id)).collect())
}

/// The pending invitations to a project.
pub async fn pending_to_project(
    conn: &mut Connection,
    organization: OrganizationId,
    project: ProjectId,
) -> Result<Vec<InvitationId>> {
    let found = invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::project_id.eq(project))
        .filter(invitations::status.eq(InvitationStatus::Pending));
    Ok(found.order(invitations::id).select(invitations::id).load(conn).await?)
}

/// Takes a project out of all invitations, which stay, and tells which pending ones granted it.
pub async fn forget_project(
    conn: &mut Connection,
    permit: &dyn Consequence,
    project: ProjectId,
) -> Result<Vec<InvitationId>> {
    let organization = permit.organization();
    let to_it = invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::project_id.eq(project));
    diesel::update(to_it).set(invitations::project_id.eq(None::<ProjectId>)).execute(conn).await?;
    let granting =
        grants::table.filter(grants::organization_id.eq(organization)).filter(grants::project_id.eq(project));
    let granted: Vec<InvitationId> =
        diesel::delete(granting).returning(grants::invitation_id).get_results(conn).await?;
    let pending = invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::id.eq_any(granted))
        .filter(invitations::status.eq(InvitationStatus::Pending));
    Ok(pending.order(invitations::id).select(invitations::id).load(conn).await?)
}

/// Whose invitations a list shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Of {
    /// Of an organization and its projects.
    Organization(OrganizationId),
    /// To one project.
    Project(OrganizationId, ProjectId),
    /// Sent to one address, over all organizations.
    Invitee(Email),
}

impl Of {
    fn parent(&self) -> Parent {
        match self {
            Self::Organization(id) => (*id, id.0),
            Self::Project(organization, project) => (*organization, project.0),
            Self::Invitee(_) => (OrganizationId(uuid::Uuid::nil()), uuid::Uuid::nil()),
        }
    }
}

/// Half-open range of times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TimeRange {
    /// At or after.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub to: Option<DateTime<Utc>>,
}

/// What a list of invitations is narrowed to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Filter {
    /// One of these states, at this moment.
    pub statuses: Option<Vec<InvitationStatus>>,
    /// The moment at which states are judged.
    pub now: DateTime<Utc>,
    /// Part of the address, as [`Email::part`] has it.
    pub search: Option<String>,
    /// Project invitations, or those that are not.
    pub to_project: Option<bool>,
    /// One of these organization roles.
    pub roles: Option<Vec<RoleId>>,
    /// One of these projects.
    pub projects: Option<Vec<ProjectId>>,
    /// One of these teams.
    pub teams: Option<Vec<TeamId>>,
    /// Created.
    pub created: TimeRange,
    /// Expires.
    pub expires: TimeRange,
}

/// What a list of invitations is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named after the columns")]
pub enum OrderField {
    CreatedAt,
    Email,
    ExpiresAt,
    Status,
}

impl OrderField {
    fn column(self) -> Column {
        match self {
            Self::CreatedAt => Column::Time("invitations.created_at"),
            Self::Email => Column::Text("invitations.email"),
            Self::ExpiresAt => Column::Time("invitations.expires_at"),
            Self::Status => Column::Rank("invitations.status_rank"),
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
) -> Result<Vec<Slice<InvitationAndMail>>> {
    let parents: Vec<Parent> = of.iter().map(Of::parent).collect();
    let rows = rows(FROM, of, filter);
    let listing = Listing { id: "invitations.id", rows: &rows };
    let sort = Sort { column: field.column(), descending };
    paging::pages(conn, &parents, &listing, sort, page, filter.search.is_some()).await
}

/// How long each list is.
pub async fn counts(conn: &mut Connection, of: &[Of], filter: &Filter) -> Result<Vec<i64>> {
    let parents: Vec<Parent> = of.iter().map(Of::parent).collect();
    let rows = rows("invitations", of, filter);
    let listing = Listing { id: "invitations.id", rows: &rows };
    paging::counts(conn, &parents, &listing, filter.search.is_some()).await
}

/// Lists of one call are all of one kind.
fn rows(from: &'static str, of: &[Of], filter: &Filter) -> impl Fn(&mut Query) + Sync {
    let of = of.first().cloned();
    move |query: &mut Query| {
        query.sql(from);
        match &of {
            Some(Of::Project(..)) => query.sql(
                " WHERE invitations.organization_id = parent.organization_id AND EXISTS (SELECT FROM invitation_projects g \
                 WHERE g.organization_id = invitations.organization_id AND g.invitation_id = invitations.id AND g.project_id = parent.id)",
            ),
            Some(Of::Invitee(email)) => query.sql(" WHERE invitations.email = ").bind::<Text, _>(email.clone()),
            Some(Of::Organization(_)) | None => query.sql(" WHERE invitations.organization_id = parent.organization_id"),
        };
        if let Some(statuses) = &filter.statuses {
            push_statuses(query, statuses, filter.now);
        }
        if let Some(search) = &filter.search {
            query.sql(" AND invitations.email LIKE ").bind::<Text, _>(contains(search));
        }
        if let Some(to_project) = filter.to_project {
            query.sql(if to_project {
                " AND invitations.project_id IS NOT NULL"
            } else {
                " AND invitations.project_id IS NULL"
            });
        }
        if let Some(roles) = &filter.roles {
            query.sql(" AND invitations.role_id = ANY(").bind::<Array<SqlUuid>, _>(roles.clone()).sql(")");
        }
        if let Some(projects) = &filter.projects {
            query.sql(
                " AND EXISTS (SELECT FROM invitation_projects p WHERE p.organization_id = invitations.organization_id \
                 AND p.invitation_id = invitations.id AND p.project_id = ANY(",
            );
            query.bind::<Array<SqlUuid>, _>(projects.clone()).sql("))");
        }
        if let Some(teams) = &filter.teams {
            query.sql(
                " AND EXISTS (SELECT FROM invitation_teams t WHERE t.organization_id = invitations.organization_id \
                 AND t.invitation_id = invitations.id AND t.team_id = ANY(",
            );
            query.bind::<Array<SqlUuid>, _>(teams.clone()).sql("))");
        }
        push_range(query, "invitations.created_at", filter.created);
        push_range(query, "invitations.expires_at", filter.expires);
    }
}

fn push_statuses(query: &mut Query, statuses: &[InvitationStatus], now: DateTime<Utc>) {
    // The bounds lead a list that is sorted by state to its place.
    let ranks = statuses.iter().flat_map(|status| match status {
        InvitationStatus::Expired => vec![InvitationStatus::Expired.rank(), InvitationStatus::Pending.rank()],
        other => vec![other.rank()],
    });
    let (lowest, highest) = ranks.fold((i16::MAX, i16::MIN), |(low, high), rank| (low.min(rank), high.max(rank)));
    query.sql(" AND invitations.status_rank >= ").bind::<SmallInt, _>(lowest);
    query.sql(" AND invitations.status_rank <= ").bind::<SmallInt, _>(highest);
    query.sql(" AND (false");
    for status in statuses {
        match status {
            InvitationStatus::Pending => {
                query.sql(" OR (invitations.status = 'PENDING' AND invitations.expires_at > ").bind::<Timestamptz, _>(now).sql(")")
            }
            InvitationStatus::Expired => query
                .sql(" OR invitations.status = 'EXPIRED' OR (invitations.status = 'PENDING' AND invitations.expires_at <= ")
                .bind::<Timestamptz, _>(now)
                .sql(")"),
            other => query.sql(format!(" OR invitations.status = '{}'", other.as_str())),
        };
    }
    query.sql(")");
}

fn push_range(query: &mut Query, column: &'static str, range: TimeRange) {
    if let Some(from) = range.from {
        query.sql(" AND ").sql(column).sql(" >= ").bind::<Timestamptz, _>(from);
    }
    if let Some(to) = range.to {
        query.sql(" AND ").sql(column).sql(" < ").bind::<Timestamptz, _>(to);
    }
}
