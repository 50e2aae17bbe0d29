//! SQL written by hand, with its binds, prepared once.
//!
//! diesel's own `sql_query` marks itself as not to be cached and is prepared again at every call, which
//! costs PostgreSQL three times the work of the query itself. This type is cached by its text.

use std::{
    any::TypeId,
    borrow::Cow,
    collections::HashMap,
    fmt::Debug,
    marker::PhantomData,
    sync::{LazyLock, PoisonError, RwLock},
};

use diesel::{
    Expression, QueryResult, QueryableByName, Selectable,
    deserialize::{self, FromSqlRow},
    pg::{Pg, PgQueryBuilder},
    query_builder::{AstPass, Query as DieselQuery, QueryBuilder, QueryFragment, QueryId},
    row::NamedRow,
    serialize::ToSql,
    sql_types::{Array, HasSqlType, Untyped, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::Connection;

/// A statement that grows piece by piece.
pub struct Query {
    parts: Vec<Part>,
    cached: bool,
}

enum Part {
    Sql(Cow<'static, str>),
    Bind(Box<dyn QueryFragment<Pg> + Send>),
}

impl Query {
    /// Starts a statement that is prepared once per connection.
    pub fn new(sql: &'static str) -> Self {
        Self { parts: vec![Part::Sql(sql.into())], cached: true }
    }

    /// Plans the statement anew each time: for searches, whose best plan depends on the term.
    pub fn planned_each_time(&mut self) {
        self.cached = false;
    }

    /// Adds SQL.
    pub fn sql(&mut self, sql: impl Into<Cow<'static, str>>) -> &mut Self {
        self.parts.push(Part::Sql(sql.into()));
        self
    }

    /// Adds what is equal to one of these ids, to stand behind `=`.
    pub fn any<I>(&mut self, ids: &[I]) -> &mut Self
    where
        I: ToSql<SqlUuid, Pg> + Copy + Debug + Send + 'static,
    {
        match ids {
            // PostgreSQL keeps the plan of a statement that looks the same whatever it is given.
            [id] => self.bind::<SqlUuid, _>(*id),
            _ => self.sql("ANY(").bind::<Array<SqlUuid>, _>(ids.to_vec()).sql(")"),
        }
    }

    /// Adds the columns of `R`, by the names of their tables.
    pub fn columns<R: Row>(&mut self) -> &mut Self {
        self.sql(columns::<R>())
    }

    /// The rows of a statement that selects the columns of `R` and nothing else.
    pub async fn rows<R: Row>(self, mut conn: &Connection) -> QueryResult<Vec<R>> {
        let rows: Vec<ByPlace<R>> = self.load(&mut conn).await?;
        Ok(rows.into_iter().map(|ByPlace(row)| row).collect())
    }

    /// Adds a value of the SQL type `ST`.
    pub fn bind<ST, V>(&mut self, value: V) -> &mut Self
    where
        V: ToSql<ST, Pg> + Send + 'static,
        ST: Send + 'static,
        Pg: HasSqlType<ST>,
    {
        self.parts.push(Part::Bind(Box::new(Bind(value, PhantomData))));
        self
    }
}

/// The columns of a type, written down once.
fn columns<R: Row>() -> &'static str {
    static KNOWN: LazyLock<RwLock<HashMap<TypeId, &'static str>>> = LazyLock::new(RwLock::default);
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner).get(&TypeId::of::<R>()).copied();
    known.unwrap_or_else(|| {
        let mut sql = PgQueryBuilder::default();
        #[expect(clippy::expect_used, reason = "names of columns are always written")]
        R::construct_selection().to_sql(&mut sql, &Pg).expect("columns are written");
        let sql: &'static str = sql.finish().leak();
        KNOWN.write().unwrap_or_else(PoisonError::into_inner).insert(TypeId::of::<R>(), sql);
        sql
    })
}

/// What a row is read into: a struct that names its columns, or several of them. Columns are found by their place: to
/// look for their names in every row takes longer than to read them.
pub trait Row:
    Selectable<Pg, SelectExpression: Expression<SqlType = Self::Sql> + QueryFragment<Pg> + Send + 'static>
    + FromSqlRow<Self::Sql, Pg>
    + Send
    + 'static
{
    /// The types of its columns.
    type Sql;
}

impl<R, E> Row for R
where
    R: Selectable<Pg, SelectExpression = E> + FromSqlRow<E::SqlType, Pg> + Send + 'static,
    E: Expression + QueryFragment<Pg> + Send + 'static,
{
    type Sql = E::SqlType;
}

struct ByPlace<R>(R);

impl<R: Row> QueryableByName<Pg> for ByPlace<R> {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
        R::build_from_row(row).map(Self)
    }
}

struct Bind<ST, V>(V, PhantomData<ST>);

impl<ST, V> QueryFragment<Pg> for Bind<ST, V>
where
    V: ToSql<ST, Pg>,
    Pg: HasSqlType<ST>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        pass.push_bind_param::<ST, V>(&self.0)
    }
}

impl QueryFragment<Pg> for Query {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if !self.cached {
            pass.unsafe_to_cache_prepared();
        }
        for part in &self.parts {
            match part {
                Part::Sql(sql) => pass.push_sql(sql),
                Part::Bind(bind) => bind.walk_ast(pass.reborrow())?,
            }
        }
        Ok(())
    }
}

impl QueryId for Query {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl DieselQuery for Query {
    type SqlType = Untyped;
}

/// The LIKE pattern for text that contains `part`, which is taken literally.
pub fn contains(part: &str) -> String {
    let escaped: String =
        part.chars().flat_map(|c| matches!(c, '%' | '_' | '\\').then_some('\\').into_iter().chain([c])).collect();
    format!("%{escaped}%")
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn patterns_take_the_term_literally() {
        assert_eq!(contains(r"50%_\"), r"%50\%\_\\%");
    }
}
