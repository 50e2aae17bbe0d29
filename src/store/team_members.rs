//! Memberships of teams: of people, and of those whose invitation is pending.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{
    Connection,
    invitations::Invitation,
    paging::{self, Column, Listing, Page, Parent, Slice, Sort},
    permit::{self, Consequence, Permit},
    query::{Query, contains},
    schema::team_members as members,
    users::{Listed, Pinned},
};
use crate::{
    domain::{
        email::{Address, Email},
        id::{InvitationId, OrganizationId, TeamId, TeamMemberId, UserId},
        team::TeamMemberRole,
        text::fold,
    },
    error::Result,
};

/// An organization member in a team, or somebody who will be one by accepting an invitation.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = members)]
#[expect(missing_docs, reason = "the columns are described in the migration and in the schema")]
pub struct TeamMember {
    pub organization_id: OrganizationId,
    pub id: TeamMemberId,
    pub team_id: TeamId,
    pub user_id: Option<UserId>,
    pub invitation_id: Option<InvitationId>,
    pub expires_at: Option<DateTime<Utc>>,
    pub role: TeamMemberRole,
    pub role_rank: i16,
    pub sort_name: String,
    pub email: Address,
    pub search_text: String,
    pub display_name: String,
    pub added_at: DateTime<Utc>,
}

impl TeamMember {
    /// A new membership of a person.
    pub fn of_person(
        id: TeamMemberId,
        (organization, team): (OrganizationId, TeamId),
        user: &impl Listed,
        role: TeamMemberRole,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            organization_id: organization,
            id,
            team_id: team,
            user_id: Some(user.id()),
            invitation_id: None,
            expires_at: None,
            role,
            role_rank: role.rank(),
            sort_name: user.sort_name(),
            email: user.email().clone(),
            search_text: user.search_text(),
            display_name: user.display_name().clone(),
            added_at: now,
        }
    }

    /// A new membership of an invitee.
    pub fn of_invitee(
        id: TeamMemberId,
        team: TeamId,
        invitation: &Invitation,
        role: TeamMemberRole,
        now: DateTime<Utc>,
    ) -> Self {
        let shown = fold(invitation.email.as_str());
        Self {
            organization_id: invitation.organization_id,
            id,
            team_id: team,
            user_id: None,
            invitation_id: Some(invitation.id),
            expires_at: Some(invitation.expires_at),
            role,
            role_rank: role.rank(),
            sort_name: shown.clone(),
            email: invitation.email.clone().into(),
            search_text: shown,
            display_name: invitation.email.to_string(),
            added_at: now,
        }
    }

    /// Whether it counts at a moment: that of an invitee ends with the invitation, whether or not somebody
    /// wrote it down.
    pub fn stands_at(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_none_or(|expires_at| expires_at > now)
    }
}

/// Adds members; those who are in the team already stay as they are. Tells who was added.
pub async fn insert(conn: &mut Connection, permit: &dyn Permit, rows: &[TeamMember]) -> Result<Vec<TeamMember>> {
    permit::check(permit, rows.iter().map(|row| row.organization_id))?;
    let mut inserted = Vec::with_capacity(rows.len());
    // A statement takes no more than 65 535 values.
    for rows in rows.chunks(5_000) {
        let statement = diesel::insert_into(members::table).values(rows).on_conflict_do_nothing();
        let added: Vec<TeamMember> = statement.returning(TeamMember::as_returning()).get_results(conn).await?;
        inserted.extend(added);
    }
    Ok(inserted)
}

/// Memberships by id, of whatever team.
pub async fn by_ids(conn: &Connection, ids: &[TeamMemberId]) -> Result<Vec<TeamMember>> {
    let mut query = Query::new("SELECT ");
    query.columns::<TeamMember>().sql(" FROM team_members WHERE team_members.id = ").any(ids);
    Ok(query.rows(conn).await?)
}

/// Memberships of these people in these teams.
pub async fn by_users(conn: &Connection, keys: &[(TeamId, UserId)]) -> Result<Vec<TeamMember>> {
    let (teams, users): (Vec<_>, Vec<_>) = keys.iter().copied().unzip();
    let mut query = Query::new("SELECT ");
    query.columns::<TeamMember>().sql(" FROM unnest(").bind::<Array<SqlUuid>, _>(teams);
    query.sql(", ").bind::<Array<SqlUuid>, _>(users);
    query.sql(
        ") AS key(team_id, user_id) JOIN teams ON teams.id = key.team_id \
         JOIN team_members ON team_members.organization_id = teams.organization_id AND team_members.team_id = teams.id \
         AND team_members.user_id = key.user_id",
    );
    Ok(query.rows(conn).await?)
}

/// Everybody in a team, invitees whose time has run out included.
pub async fn of_team(conn: &mut Connection, organization: OrganizationId, team: TeamId) -> Result<Vec<TeamMember>> {
    let found = members::table.filter(members::organization_id.eq(organization)).filter(members::team_id.eq(team));
    Ok(found.order(members::id).select(TeamMember::as_select()).load(conn).await?)
}

/// Which of these people are in a team, and which invitees with these addresses.
pub async fn among(
    conn: &mut Connection,
    organization: OrganizationId,
    team: TeamId,
    users: &[UserId],
    emails: &[Email],
) -> Result<Vec<TeamMember>> {
    let found = members::table
        .filter(members::organization_id.eq(organization))
        .filter(members::team_id.eq(team))
        .filter(members::user_id.eq_any(users).or(members::user_id.is_null().and(members::email.eq_any(emails))));
    Ok(found.select(TeamMember::as_select()).load(conn).await?)
}

/// Everything a person is in, in one organization.
pub async fn of_user(conn: &mut Connection, organization: OrganizationId, user: UserId) -> Result<Vec<TeamMember>> {
    let found = members::table.filter(members::organization_id.eq(organization)).filter(members::user_id.eq(user));
    Ok(found.order(members::id).select(TeamMember::as_select()).load(conn).await?)
}

/// What rests on these invitations.
pub async fn of_invitations(
    conn: &mut Connection,
    organization: OrganizationId,
    ids: &[InvitationId],
) -> Result<Vec<TeamMember>> {
    let found =
        members::table.filter(members::organization_id.eq(organization)).filter(members::invitation_id.eq_any(ids));
    Ok(found.order(members::id).select(TeamMember::as_select()).load(conn).await?)
}

/// Gives members another role.
pub async fn set_role(
    conn: &mut Connection,
    permit: &dyn Consequence,
    ids: &[TeamMemberId],
    role: TeamMemberRole,
) -> Result<()> {
    let rows =
        members::table.filter(members::organization_id.eq(permit.organization())).filter(members::id.eq_any(ids));
    diesel::update(rows).set((members::role.eq(role), members::role_rank.eq(role.rank()))).execute(conn).await?;
    Ok(())
}

/// Makes pending memberships those of a person.
pub async fn accept(conn: &mut Connection, permit: &dyn Permit, ids: &[TeamMemberId], user: &Pinned) -> Result<()> {
    let rows =
        members::table.filter(members::organization_id.eq(permit.organization())).filter(members::id.eq_any(ids));
    let change = (
        members::user_id.eq(Some(user.id())),
        members::invitation_id.eq(None::<InvitationId>),
        members::expires_at.eq(None::<DateTime<Utc>>),
        members::sort_name.eq(user.sort_name()),
        members::email.eq(user.email().clone()),
        members::search_text.eq(user.search_text()),
        members::display_name.eq(user.display_name()),
    );
    diesel::update(rows).set(change).execute(conn).await?;
    Ok(())
}

/// Lets what rests on an invitation stand until another moment.
pub async fn postpone(
    conn: &mut Connection,
    permit: &dyn Permit,
    id: InvitationId,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    let rows =
        members::table.filter(members::organization_id.eq(permit.organization())).filter(members::invitation_id.eq(id));
    diesel::update(rows).set(members::expires_at.eq(expires_at)).execute(conn).await?;
    Ok(())
}

/// Ends memberships.
pub async fn delete(conn: &mut Connection, permit: &dyn Consequence, ids: &[TeamMemberId]) -> Result<()> {
    let rows =
        members::table.filter(members::organization_id.eq(permit.organization())).filter(members::id.eq_any(ids));
    diesel::delete(rows).execute(conn).await?;
    Ok(())
}

/// Whose team memberships a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Of {
    /// Of a team.
    Team(OrganizationId, TeamId),
    /// Of one person in an organization.
    User(OrganizationId, UserId),
}

impl Of {
    fn parent(self) -> Parent {
        match self {
            Self::Team(organization, team) => (organization, team.0),
            Self::User(organization, user) => (organization, user.0),
        }
    }
}

/// Whether a team member has joined the organization yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Is an organization member.
    Accepted,
    /// Has a pending invitation.
    Pending,
}

/// What a member list is narrowed to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Filter {
    /// The moment at which invitations are judged.
    pub now: DateTime<Utc>,
    /// Part of the name or e-mail, folded.
    pub search: Option<String>,
    /// One of these roles.
    pub roles: Option<Vec<TeamMemberRole>>,
    /// One of these states.
    pub statuses: Option<Vec<Status>>,
}

/// What a member list is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named after the columns")]
pub enum OrderField {
    AddedAt,
    Email,
    Name,
    Role,
}

impl OrderField {
    fn column(self) -> Column {
        match self {
            Self::AddedAt => Column::Time("team_members.added_at"),
            Self::Email => Column::Text("team_members.email"),
            Self::Name => Column::Text("team_members.sort_name"),
            Self::Role => Column::Rank("team_members.role_rank"),
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
) -> Result<Vec<Slice<TeamMember>>> {
    let parents: Vec<Parent> = of.iter().map(|of| of.parent()).collect();
    let rows = rows(of, filter);
    let listing = Listing { id: "team_members.id", rows: &rows };
    let sort = Sort { column: field.column(), descending };
    paging::pages(conn, &parents, &listing, sort, page, filter.search.is_some()).await
}

/// How long each list is.
pub async fn counts(conn: &mut Connection, of: &[Of], filter: &Filter) -> Result<Vec<i64>> {
    let parents: Vec<Parent> = of.iter().map(|of| of.parent()).collect();
    let rows = rows(of, filter);
    let listing = Listing { id: "team_members.id", rows: &rows };
    paging::counts(conn, &parents, &listing, filter.search.is_some()).await
}

/// Lists of one call are all of one kind.
fn rows(of: &[Of], filter: &Filter) -> impl Fn(&mut Query) + Sync {
    let of_users = matches!(of.first(), Some(Of::User(..)));
    move |query: &mut Query| {
        query.sql("team_members WHERE team_members.organization_id = parent.organization_id");
        query.sql(if of_users {
            " AND team_members.user_id = parent.id"
        } else {
            " AND team_members.team_id = parent.id"
        });
        query
            .sql(" AND (team_members.expires_at IS NULL OR team_members.expires_at > ")
            .bind::<Timestamptz, _>(filter.now)
            .sql(")");
        if let Some(search) = &filter.search {
            query.sql(" AND team_members.search_text LIKE ").bind::<Text, _>(contains(search));
        }
        if let Some(roles) = &filter.roles {
            let ranks: Vec<i16> = roles.iter().map(|role| role.rank()).collect();
            query.sql(" AND team_members.role_rank = ANY(").bind::<Array<SmallInt>, _>(ranks).sql(")");
        }
        if let Some(statuses) = &filter.statuses {
            let (accepted, pending) = (statuses.contains(&Status::Accepted), statuses.contains(&Status::Pending));
            query.sql(match (accepted, pending) {
                (true, true) => "",
                (true, false) => " AND team_members.user_id IS NOT NULL",
                (false, true) => " AND team_members.user_id IS NULL",
                (false, false) => " AND false",
            });
        }
    }
}
