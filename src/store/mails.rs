//! The mails of invitations: queue, history and delivery state.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{Connection, query::Query, schema::mails};
use crate::{
    domain::{
        email::Email,
        id::{InvitationId, OrganizationId},
        invitation::MailStatus,
    },
    error::Result,
};

/// A mail that was asked for: one per link of an invitation.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, QueryableByName)]
#[diesel(table_name = mails)]
#[expect(missing_docs, reason = "the columns are described in the migration")]
pub struct Mail {
    pub organization_id: OrganizationId,
    pub invitation_id: InvitationId,
    pub token_version: i32,
    pub status: MailStatus,
    pub attempts: i32,
    pub error: Option<String>,
    pub due_at: DateTime<Utc>,
    pub lease_id: Option<Uuid>,
    pub leased_until: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub sent_at: Option<DateTime<Utc>>,
}

impl Mail {
    /// A mail to be sent at once.
    pub fn queued(
        organization_id: OrganizationId,
        invitation_id: InvitationId,
        token_version: i32,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            organization_id,
            invitation_id,
            token_version,
            status: MailStatus::Queued,
            attempts: 0,
            error: None,
            due_at: now,
            lease_id: None,
            leased_until: None,
            created_at: now,
            sent_at: None,
        }
    }
}

/// A mail with everything that its text says.
#[derive(Clone, Debug, QueryableByName)]
#[expect(missing_docs, reason = "named after what the text says")]
pub struct Letter {
    #[diesel(embed)]
    pub mail: Mail,
    #[diesel(sql_type = Text)]
    pub to: Email,
    #[diesel(sql_type = Text)]
    pub organization_name: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub project_name: Option<String>,
    /// Absent when the inviter is not a person.
    #[diesel(sql_type = Nullable<Text>)]
    pub inviter_name: Option<String>,
    #[diesel(sql_type = Text)]
    pub role_name: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub message: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    pub expires_at: DateTime<Utc>,
    /// Whether this is still the link that works.
    #[diesel(sql_type = diesel::sql_types::Bool)]
    pub is_current: bool,
}

const LETTER: &str = "i.email AS to, o.name AS organization_name, p.name AS project_name, \
     COALESCE(u.display_name, k.name) AS inviter_name, COALESCE(g.name, r.name, '') AS role_name, i.message, i.expires_at, \
     i.status = 'PENDING' AND i.token_version = m.token_version AS is_current";
/// The role that is named is the one in the invited project, if there is one.
const JOINS: &str = "JOIN invitations i ON i.organization_id = m.organization_id AND i.id = m.invitation_id \
     JOIN organizations o ON o.id = i.organization_id \
     LEFT JOIN roles r ON r.organization_id = i.organization_id AND r.id = i.role_id \
     LEFT JOIN projects p ON p.organization_id = i.organization_id AND p.id = i.project_id \
     LEFT JOIN invitation_projects ip ON ip.organization_id = i.organization_id AND ip.invitation_id = i.id AND ip.project_id = i.project_id \
     LEFT JOIN roles g ON g.organization_id = ip.organization_id AND g.id = ip.role_id \
     LEFT JOIN users u ON i.invited_by_kind = 'USER' AND u.id = i.invited_by_id \
     LEFT JOIN api_keys k ON i.invited_by_kind = 'API_KEY' AND k.organization_id = i.organization_id AND k.id = i.invited_by_id";

/// Adds mails to the queue.
pub async fn insert(conn: &mut Connection, rows: &[Mail]) -> Result<()> {
    if !rows.is_empty() {
        diesel::insert_into(mails::table).values(rows).execute(conn).await?;
    }
    Ok(())
}

/// When the mails of these invitations were asked for, each with the number of its link, newest first.
pub async fn requested_at(
    conn: &mut Connection,
    organizations: &[OrganizationId],
    ids: &[InvitationId],
) -> Result<Vec<(InvitationId, i32, DateTime<Utc>)>> {
    let found =
        mails::table.filter(mails::organization_id.eq_any(organizations)).filter(mails::invitation_id.eq_any(ids));
    let found = found.order(mails::token_version.desc());
    Ok(found.select((mails::invitation_id, mails::token_version, mails::created_at)).load(conn).await?)
}

/// Leases up to `limit` mails that are due: nobody else gets them until the lease runs out.
pub async fn lease(
    conn: &mut Connection,
    lease: Uuid,
    now: DateTime<Utc>,
    duration: TimeDelta,
    limit: i64,
) -> Result<Vec<Letter>> {
    let mut query = Query::new(
        "WITH due AS (SELECT organization_id, invitation_id, token_version FROM mails WHERE status = 'QUEUED' AND due_at <= ",
    );
    query.bind::<Timestamptz, _>(now).sql(" AND (leased_until IS NULL OR leased_until <= ").bind::<Timestamptz, _>(now);
    query.sql(") ORDER BY due_at LIMIT ").bind::<BigInt, _>(limit);
    query.sql(" FOR UPDATE SKIP LOCKED), m AS (UPDATE mails m SET lease_id = ").bind::<SqlUuid, _>(lease);
    query.sql(", leased_until = ").bind::<Timestamptz, _>(now + duration);
    query.sql(", attempts = attempts + 1 FROM due WHERE m.organization_id = due.organization_id AND m.invitation_id = due.invitation_id AND m.token_version = due.token_version RETURNING m.*) SELECT m.*, ");
    query.sql(LETTER).sql(" FROM m ").sql(JOINS).sql(" ORDER BY m.due_at");
    Ok(query.load(conn).await?)
}

/// How an attempt to send ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The mail server took it.
    Sent(DateTime<Utc>),
    /// Tried again at this time, after this answer.
    Retry(DateTime<Utc>, String),
    /// Given up, after this answer.
    Failed(String),
    /// Not sent, as its link no longer works.
    Obsolete,
}

/// Writes how an attempt ended; nothing, and `false`, when the lease has gone to somebody else since.
pub async fn settle(conn: &mut Connection, mail: &Mail, lease: Uuid, outcome: Outcome) -> Result<bool> {
    // Where there was nothing to send, nothing was attempted.
    let attempts = mail.attempts - i32::from(matches!(outcome, Outcome::Obsolete));
    let (status, due_at, error, sent_at) = match outcome {
        Outcome::Sent(at) => (MailStatus::Sent, mail.due_at, None, Some(at)),
        Outcome::Retry(at, answer) => (MailStatus::Queued, at, Some(answer), None),
        Outcome::Failed(answer) => (MailStatus::Failed, mail.due_at, Some(answer), None),
        Outcome::Obsolete => {
            (MailStatus::Failed, mail.due_at, Some("The link had stopped working before it was sent.".to_owned()), None)
        }
    };
    let row = mails::table
        .find((mail.organization_id, mail.invitation_id, mail.token_version))
        .filter(mails::lease_id.eq(lease));
    let change = (
        mails::status.eq(status),
        mails::attempts.eq(attempts),
        mails::due_at.eq(due_at),
        mails::error.eq(error),
        mails::sent_at.eq(sent_at),
        mails::lease_id.eq(None::<Uuid>),
        mails::leased_until.eq(None::<DateTime<Utc>>),
    );
    Ok(diesel::update(row).set(change).execute(conn).await? == 1)
}

/// The newest mails, sent or not, newest first.
pub async fn newest(conn: &mut Connection, limit: i64) -> Result<Vec<Letter>> {
    let mut query = Query::new("SELECT m.*, ");
    query
        .sql(LETTER)
        .sql(" FROM mails m ")
        .sql(JOINS)
        .sql(" ORDER BY m.created_at DESC, i.id DESC LIMIT ")
        .bind::<BigInt, _>(limit);
    Ok(query.load(conn).await?)
}
