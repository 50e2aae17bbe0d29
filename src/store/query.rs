//! SQL written by hand, with its binds, prepared once.
//!
//! diesel's own `sql_query` marks itself as not to be cached and is prepared again at every call, which
//! costs PostgreSQL three times the work of the query itself. This type is cached by its text.

use std::{borrow::Cow, marker::PhantomData};

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query as DieselQuery, QueryFragment, QueryId},
    serialize::ToSql,
    sql_types::{HasSqlType, Untyped},
};

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
