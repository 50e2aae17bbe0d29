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
    sql_types::{Array, BigInt, Integer, Nullable, SmallInt, SqlType, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{
    Connection,
    query::{Query, Row},
};
use crate::{
    domain::id::OrganizationId,
    error::{Error, Result},
};

/// Most rows of a page.
pub const MAX_PAGE: u32 = 100;

/// How many rows are read: as many as people ask for, and one that shows whether more follow; for other sizes the next
/// larger. Written into the statement, of which PostgreSQL then keeps the plan, they must be few.
const READ: [u32; 7] = [2, 6, 11, 21, 26, 51, MAX_PAGE + 1];

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
    /// Whether it has to be known where each row stands.
    pub places: bool,
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

/// A column to sort by, with its table, by what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named after the keys")]
pub enum Column {
    Text(&'static str),
    Time(&'static str),
    Rank(&'static str),
    Number(&'static str),
}

impl Column {
    fn sql(self) -> &'static str {
        match self {
            Self::Text(sql) | Self::Time(sql) | Self::Rank(sql) | Self::Number(sql) => sql,
        }
    }

    /// Whether a key is of the kind that the column holds.
    fn holds(self, key: &Key) -> bool {
        matches!(
            (self, key),
            (Self::Text(_), Key::Text(_))
                | (Self::Time(_), Key::Time(_))
                | (Self::Rank(_), Key::Rank(_))
                | (Self::Number(_), Key::Number(_))
        )
    }
}

/// What rows are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sort {
    /// The column.
    pub column: Column,
    /// Whether the highest come first.
    pub descending: bool,
}

impl Sort {
    /// Whether the highest are read first where a page is taken from this end.
    fn is_read_descending(self, end: End) -> bool {
        self.descending != (end == End::Last)
    }
}

/// One page of one parent.
#[derive(Clone, Debug)]
pub struct Slice<T> {
    /// The rows, each with its place if that was asked for, in the order of the list.
    pub rows: Vec<(Option<Position>, T)>,
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
    /// Adds what stands behind `FROM`, with its `WHERE`: the rows that belong to `parent.organization_id` and
    /// `parent.id` and pass the filter. More conditions may follow.
    pub rows: &'a (dyn Fn(&mut Query) + Sync),
}

/// A parent: its organization, and its own id.
pub type Parent = (OrganizationId, Uuid);

/// One page of each parent, in the order of the parents.
///
/// # Errors
/// `BadInput` for a position of another order, which a cursor made by hand may tell.
pub async fn pages<T>(
    mut conn: &Connection,
    parents: &[Parent],
    listing: &Listing<'_>,
    sort: Sort,
    page: &Page,
    searching: bool,
) -> Result<Vec<Slice<T>>>
where
    T: Row,
{
    for (name, position) in [("after", &page.after), ("before", &page.before)] {
        if position.as_ref().is_some_and(|position| !sort.column.holds(&position.key)) {
            return Err(Error::BadInput(format!("`{name}` is no cursor of this list.")));
        }
    }
    let query = select::<T>(parents, listing, sort, page, searching);
    let found: Vec<Found<T>> = query.load(&mut conn).await?;
    Ok(slices(parents.len(), found, page))
}

/// How many rows each parent has, in the order of the parents.
pub async fn counts(
    conn: &mut Connection,
    parents: &[Parent],
    listing: &Listing<'_>,
    searching: bool,
) -> Result<Vec<i64>> {
    let mut query = Query::new("SELECT (SELECT count(*) FROM ");
    (listing.rows)(&mut query);
    query.sql(") AS count FROM ");
    push_parents(&mut query, parents);
    if parents.len() > 1 {
        query.sql(" ORDER BY parent.index");
    }
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

/// Which parent a row belongs to, its part, its place, and the row; nothing where nobody needs to know.
struct Found<T>((Option<i64>, Option<i16>, Option<Key>, Option<Uuid>), T);

impl<T: Row> QueryableByName<Pg> for Found<T> {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
        type Place = (Nullable<BigInt>, Nullable<SmallInt>, Nullable<AnyKey>, Nullable<SqlUuid>);
        let place = FromSqlRow::<Place, Pg>::build_from_row(&row.partial_row(0..4))?;
        Ok(Self(place, T::build_from_row(&row.partial_row(4..row.field_count()))?))
    }
}

/// Adds `parent`, with its place among them where there are several. The plan of a statement that is prepared is kept
/// where PostgreSQL expects as much of it for any parents as for these, so it shall not see how many there are.
fn push_parents(query: &mut Query, parents: &[Parent]) {
    if let [(organization, id)] = parents {
        query.sql("(SELECT ").bind::<SqlUuid, _>(organization.0).sql(" AS organization_id, ").bind::<SqlUuid, _>(*id);
        query.sql(" AS id) AS parent");
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
    let has_parts = page.ends && (page.after.is_some() || page.before.is_some() || page.offset > 0);
    let mut query;
    if parents.len() == 1 && !has_parts {
        query = Query::new("");
        let shown = Shown { parent: false, part: false, place: page.places };
        push_columns::<T>(&mut query, listing, sort, shown, ON_PAGE);
        push_parents(&mut query, parents);
        query.sql(" CROSS JOIN ");
        push_page(&mut query, listing, sort, page);
    } else {
        query = Query::new("SELECT found.* FROM ");
        push_parents(&mut query, parents);
        query.sql(" CROSS JOIN LATERAL ((");
        let shown = Shown { parent: parents.len() > 1, part: has_parts, place: true };
        push_columns::<T>(&mut query, listing, sort, shown, ON_PAGE);
        push_page(&mut query, listing, sort, page);
        // Beyond an end the nearest row is looked for, which the index leads to: any other may be far.
        let mut beyond = |part: i16, sides: &[(&Option<Position>, Side)], descending: bool| {
            query.sql(") UNION ALL (");
            push_columns::<T>(&mut query, listing, sort, shown, part);
            (listing.rows)(&mut query);
            for (position, side) in sides {
                push_bound(&mut query, listing, sort, position.as_ref(), *side);
            }
            push_order(&mut query, listing, sort, descending);
            query.sql(" LIMIT 1");
        };
        if page.ends && page.after.is_some() {
            beyond(BEFORE, &[(&page.after, Side::UpTo)], !sort.descending);
        }
        if page.ends && page.offset > 0 {
            // The first of those that are skipped.
            beyond(BEFORE, &[(&page.after, Side::Behind), (&page.before, Side::Before)], sort.descending);
        }
        if page.ends && page.before.is_some() {
            beyond(BEHIND, &[(&page.before, Side::From)], sort.descending);
        }
        let towards = direction(sort.is_read_descending(page.end));
        query.sql(format!(")) AS found ORDER BY parent_index, part, sort_key {towards}, sort_id {towards}"));
    }
    if searching {
        query.planned_each_time();
    }
    query
}

/// Adds the rows of a page, read from its end of the list.
fn push_page(query: &mut Query, listing: &Listing<'_>, sort: Sort, page: &Page) {
    (listing.rows)(query);
    push_bound(query, listing, sort, page.after.as_ref(), Side::Behind);
    push_bound(query, listing, sort, page.before.as_ref(), Side::Before);
    push_order(query, listing, sort, sort.is_read_descending(page.end));
    let least = page.limit + 1;
    let read = READ.into_iter().find(|read| *read >= least).unwrap_or(least);
    query.sql(format!(" LIMIT {read}"));
    if page.offset > 0 {
        query.sql(" OFFSET ").bind::<BigInt, i64>(page.offset.into());
    }
}

/// What is told of each row beside itself.
#[derive(Clone, Copy)]
struct Shown {
    /// Whose it is.
    parent: bool,
    /// What part of the answer it is.
    part: bool,
    /// Where it stands.
    place: bool,
}

fn direction(descending: bool) -> &'static str {
    if descending { "DESC" } else { "ASC" }
}

fn push_order(query: &mut Query, listing: &Listing<'_>, sort: Sort, descending: bool) {
    let direction = direction(descending);
    query.sql(format!(" ORDER BY {} {direction}, {} {direction}", sort.column.sql(), listing.id));
}

/// Each column that is sent costs, also on its way through the plan.
fn push_columns<T: Row>(query: &mut Query, listing: &Listing<'_>, sort: Sort, shown: Shown, part: i16) {
    query.sql(if shown.parent { "SELECT parent.index" } else { "SELECT NULL::bigint" }).sql(" AS parent_index, ");
    query.sql(if shown.part { part.to_string() } else { "NULL".to_owned() }).sql("::smallint AS part, ");
    let (key, id) = if shown.place { (sort.column.sql(), listing.id) } else { ("NULL::text", "NULL::uuid") };
    query.sql(format!("{key} AS sort_key, {id} AS sort_id, ")).columns::<T>().sql(" FROM ");
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
    query.sql(format!(" AND ({}, {}) {operator} (", sort.column.sql(), listing.id));
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
        let index = usize::try_from(parent.unwrap_or(1) - 1).ok();
        let Some(slice) = index.and_then(|index| slices.get_mut(index)) else { continue };
        match part {
            Some(BEFORE) => slice.has_previous = true,
            Some(BEHIND) => slice.has_next = true,
            _ => slice.rows.push((key.zip(id).map(|(key, id)| Position { key, id }), row)),
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
