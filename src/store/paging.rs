//! Pages of ordered lists, of many parents in one statement.
//!
//! Pages are found by key, not by counting rows: the last page of a million costs what the first does.
//! The same statement looks for one row on the far side of each end, so that "is there more" is exact.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    deserialize::{self, FromSql, FromSqlRow},
    pg::{Pg, PgValue},
    row::NamedRow,
    sql_types::{Array, BigInt, Integer, SmallInt, SqlType, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{
    Connection,
    query::{Query, Row},
};
use crate::{domain::id::OrganizationId, error::Result};

/// Most rows of a page.
pub const MAX_PAGE: u32 = 100;

/// Which rows of a list are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    /// Most rows, up to [`MAX_PAGE`].
    pub limit: u32,
    /// From which end.
    pub end: End,
    /// Rows to skip, counted from the start or from `after`. Not with [`End::Last`].
    pub offset: u32,
    /// Only rows behind this position.
    pub after: Option<Position>,
    /// Only rows before this position.
    pub before: Option<Position>,
    /// Whether it has to be known that rows come before or follow.
    pub ends: bool,
    /// Whether a part of each row will do, where there is such a part.
    pub entries: bool,
}

/// The end of a list that a page is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// The first rows.
    First,
    /// The last rows.
    Last,
}

/// Place of a row in its order; ties are broken by id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// Value of the column that is sorted by.
    pub key: Key,
    /// Id of the row.
    pub id: Uuid,
}

/// A value that is sorted by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, FromSqlRow)]
#[diesel(sql_type = AnyKey)]
pub enum Key {
    /// Text, in byte order.
    Text(String),
    /// A time.
    Time(DateTime<Utc>),
    /// A small number.
    Rank(i16),
    /// A number.
    Number(i32),
}

/// The type of whatever column is sorted by.
#[derive(SqlType)]
pub struct AnyKey;

impl FromSql<AnyKey, Pg> for Key {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        const SMALL: u32 = 21;
        const INTEGER: u32 = 23;
        const TIME: u32 = 1184;
        match value.get_oid().get() {
            SMALL => FromSql::<SmallInt, Pg>::from_sql(value).map(Self::Rank),
            INTEGER => FromSql::<Integer, Pg>::from_sql(value).map(Self::Number),
            TIME => FromSql::<Timestamptz, Pg>::from_sql(value).map(Self::Time),
            _ => FromSql::<Text, Pg>::from_sql(value).map(Self::Text),
        }
    }
}

/// A column to sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sort {
    /// The column, with its table.
    pub column: &'static str,
    /// Whether the highest come first.
    pub descending: bool,
}

/// One page of one parent.
#[derive(Clone, Debug)]
pub struct Slice<T> {
    /// The rows, each with its place, in the order of the list.
    pub rows: Vec<(Position, T)>,
    /// Whether rows come before.
    pub has_previous: bool,
    /// Whether rows follow.
    pub has_next: bool,
}

impl<T> Slice<T> {
    /// The page of an empty list.
    pub fn empty() -> Self {
        Self { rows: Vec::new(), has_previous: false, has_next: false }
    }

    /// The same page of other items.
    pub fn map<U>(self, mut item: impl FnMut(T) -> U) -> Slice<U> {
        self.filter_map(|row| Some(item(row)))
    }

    /// The same page of other items; those that `item` drops are left out.
    pub fn filter_map<U>(self, mut item: impl FnMut(T) -> Option<U>) -> Slice<U> {
        let place = |(position, row)| Some((position, item(row)?));
        Slice {
            rows: self.rows.into_iter().filter_map(place).collect(),
            has_previous: self.has_previous,
            has_next: self.has_next,
        }
    }
}

/// A list that belongs to a parent: of an organization, of a project, of a person.
pub struct Listing<'a> {
    /// The id column, with its table.
    pub id: &'static str,
    /// Adds `FROM … WHERE …`: the rows that belong to `parent.organization_id` and `parent.id` and pass the
    /// filter. More conditions may follow.
    pub rows: &'a (dyn Fn(&mut Query) + Sync),
}

/// A parent: its organization, and its own id.
pub type Parent = (OrganizationId, Uuid);

/// One page of each parent, in the order of the parents.
pub async fn pages<T>(
    conn: &mut Connection,
    parents: &[Parent],
    listing: &Listing<'_>,
    sort: Sort,
    page: &Page,
    searching: bool,
) -> Result<Vec<Slice<T>>>
where
    T: Row,
{
    let query = select::<T>(parents, listing, sort, page, searching);
    let found: Vec<Found<T>> = query.load(conn).await?;
    Ok(slices(parents.len(), found, page))
}

/// How many rows each parent has, in the order of the parents.
pub async fn counts(
    conn: &mut Connection,
    parents: &[Parent],
    listing: &Listing<'_>,
    searching: bool,
) -> Result<Vec<i64>> {
    let mut query = Query::new("SELECT (SELECT count(*) ");
    (listing.rows)(&mut query);
    query.sql(") AS count FROM ");
    push_parents(&mut query, parents);
    query.sql(" ORDER BY parent.index");
    if searching {
        query.planned_each_time();
    }
    let rows: Vec<Count> = query.load(conn).await?;
    Ok(rows.into_iter().map(|row| row.count).collect())
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Which part of the answer a row is: of the page itself, or the sign that something lies beyond an end.
const ON_PAGE: i16 = 0;
const BEFORE: i16 = 1;
const BEHIND: i16 = 2;

/// Which parent a row belongs to, its part, its place, and the row.
struct Found<T>((i64, i16, Key, Uuid), T);

impl<T: Row> QueryableByName<Pg> for Found<T> {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
        type Place = (BigInt, SmallInt, AnyKey, SqlUuid);
        let place = FromSqlRow::<Place, Pg>::build_from_row(&row.partial_row(0..4))?;
        Ok(Self(place, T::build_from_row(&row.partial_row(4..row.field_count()))?))
    }
}

/// Adds `parent`. The plan of a statement that is prepared is kept where PostgreSQL expects as much of it for any
/// parents as for these, so it shall not see how many there are.
fn push_parents(query: &mut Query, parents: &[Parent]) {
    if let [(organization, id)] = parents {
        query.sql("(SELECT ").bind::<SqlUuid, _>(organization.0).sql(" AS organization_id, ").bind::<SqlUuid, _>(*id);
        query.sql(" AS id, 1::bigint AS index) AS parent");
        return;
    }
    let (organizations, ids): (Vec<_>, Vec<_>) = parents.iter().map(|(organization, id)| (organization.0, *id)).unzip();
    query
        .sql("unnest((SELECT ")
        .bind::<Array<SqlUuid>, Vec<Uuid>>(organizations)
        .sql("), (SELECT ")
        .bind::<Array<SqlUuid>, Vec<Uuid>>(ids)
        .sql(")) WITH ORDINALITY AS parent(organization_id, id, index)");
}

fn select<T: Row>(parents: &[Parent], listing: &Listing<'_>, sort: Sort, page: &Page, searching: bool) -> Query {
    // Towards which side of the index the page is read.
    let descending = sort.descending != (page.end == End::Last);
    let mut query = Query::new("SELECT parent.index, found.* FROM ");
    push_parents(&mut query, parents);
    query.sql(" CROSS JOIN LATERAL (");
    let towards = direction(descending);
    // The largest page is known to whoever plans for pages of any size. A search is planned for its own.
    let is_planned_once = !searching && page.offset == 0;
    if is_planned_once {
        query.sql("(SELECT * FROM ");
    }
    push_part::<T>(&mut query, listing, sort, ON_PAGE);
    push_bound(&mut query, listing, sort, page.after.as_ref(), Side::Behind);
    push_bound(&mut query, listing, sort, page.before.as_ref(), Side::Before);
    push_order(&mut query, listing, sort, descending);
    if is_planned_once {
        let most = MAX_PAGE + 1;
        query.sql(format!(" LIMIT {most}) AS page ORDER BY sort_key {towards}, sort_id {towards}"));
    }
    query.sql(" LIMIT ").bind::<BigInt, i64>(i64::from(page.limit) + 1);
    if page.offset > 0 {
        query.sql(" OFFSET ").bind::<BigInt, i64>(page.offset.into());
    }
    if searching {
        query.planned_each_time();
    }
    query.sql(")");
    // Beyond an end the nearest row is looked for, which the index leads to: any other may be far.
    if page.ends && page.after.is_some() {
        query.sql(" UNION ALL ");
        push_part::<T>(&mut query, listing, sort, BEFORE);
        push_bound(&mut query, listing, sort, page.after.as_ref(), Side::UpTo);
        push_order(&mut query, listing, sort, !sort.descending);
        query.sql(" LIMIT 1)");
    }
    if page.ends && page.offset > 0 {
        // The first of those that are skipped.
        query.sql(" UNION ALL ");
        push_part::<T>(&mut query, listing, sort, BEFORE);
        push_bound(&mut query, listing, sort, page.after.as_ref(), Side::Behind);
        push_bound(&mut query, listing, sort, page.before.as_ref(), Side::Before);
        push_order(&mut query, listing, sort, sort.descending);
        query.sql(" LIMIT 1)");
    }
    if page.ends && page.before.is_some() {
        query.sql(" UNION ALL ");
        push_part::<T>(&mut query, listing, sort, BEHIND);
        push_bound(&mut query, listing, sort, page.before.as_ref(), Side::From);
        push_order(&mut query, listing, sort, sort.descending);
        query.sql(" LIMIT 1)");
    }
    // A page alone comes in its order already, which PostgreSQL sees if it is asked for nothing more.
    let has_parts = page.ends && (page.after.is_some() || page.before.is_some() || page.offset > 0);
    let parts = if parents.len() > 1 || has_parts { "parent.index, part, " } else { "" };
    query.sql(format!(") AS found ORDER BY {parts}sort_key {towards}, sort_id {towards}"));
    query
}

fn direction(descending: bool) -> &'static str {
    if descending { "DESC" } else { "ASC" }
}

fn push_order(query: &mut Query, listing: &Listing<'_>, sort: Sort, descending: bool) {
    let direction = direction(descending);
    query.sql(format!(" ORDER BY {} {direction}, {} {direction}", sort.column, listing.id));
}

fn push_part<T: Row>(query: &mut Query, listing: &Listing<'_>, sort: Sort, part: i16) {
    let (column, id) = (sort.column, listing.id);
    query.sql(format!("(SELECT {part}::smallint AS part, {column} AS sort_key, {id} AS sort_id, "));
    query.columns::<T>().sql(" ");
    (listing.rows)(query);
}

/// Where rows stand, seen from a position.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Before,
    UpTo,
    From,
    Behind,
}

fn push_bound(query: &mut Query, listing: &Listing<'_>, sort: Sort, position: Option<&Position>, side: Side) {
    let Some(position) = position else { return };
    let operator = match (side, sort.descending) {
        (Side::Before, false) | (Side::Behind, true) => "<",
        (Side::Behind, false) | (Side::Before, true) => ">",
        (Side::UpTo, false) | (Side::From, true) => "<=",
        (Side::From, false) | (Side::UpTo, true) => ">=",
    };
    query.sql(format!(" AND ({}, {}) {operator} (", sort.column, listing.id));
    match &position.key {
        Key::Text(text) => query.bind::<Text, _>(text.clone()),
        Key::Time(time) => query.bind::<Timestamptz, _>(*time),
        Key::Rank(rank) => query.bind::<SmallInt, _>(*rank),
        Key::Number(number) => query.bind::<Integer, _>(*number),
    };
    query.sql(", ").bind::<SqlUuid, _>(position.id).sql(")");
}

fn slices<T>(parents: usize, found: Vec<Found<T>>, page: &Page) -> Vec<Slice<T>> {
    let mut slices: Vec<Slice<T>> = std::iter::repeat_with(Slice::empty).take(parents).collect();
    for Found((parent, part, key, id), row) in found {
        let Some(slice) = usize::try_from(parent - 1).ok().and_then(|index| slices.get_mut(index)) else { continue };
        match part {
            BEFORE => slice.has_previous = true,
            BEHIND => slice.has_next = true,
            _ => slice.rows.push((Position { key, id }, row)),
        }
    }
    let limit = page.limit as usize;
    for slice in &mut slices {
        let more = slice.rows.len() > limit;
        slice.rows.truncate(limit);
        match page.end {
            End::First => slice.has_next |= more,
            End::Last => {
                slice.has_previous |= more;
                slice.rows.reverse();
            }
        }
    }
    slices
}
