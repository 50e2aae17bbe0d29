//! What a client sees: types, loaders and resolvers. No rules and no SQL.

#![expect(clippy::doc_markdown, reason = "descriptions name codes and permissions as clients read them")]

pub mod connection;
mod context;
mod error;
mod input;
mod loaders;
mod mutations;
mod omitted;
mod query;
mod scalars;
mod types;

pub use context::request;

use async_graphql::{EmptySubscription, SDLExportOptions, TypeDirective};

/// The GraphQL schema of this server.
pub type Schema = async_graphql::Schema<query::Query, mutations::Mutation, EmptySubscription>;

/// Deepest nesting of fields. The introspection query of GraphiQL needs 13.
const MAX_DEPTH: usize = 15;
/// Most that a document may cost: a field costs one, a list its page size times what one item costs.
const MAX_COST: usize = 5000;

/// Builds the schema.
pub fn schema() -> Schema {
    Schema::build(query::Query, mutations::Mutation::default(), EmptySubscription)
        .register_output_type::<types::user_error::UserError>()
        .register_output_type::<mutations::MutationPayload>()
        .register_output_type::<mutations::BulkItemResult>()
        .limit_depth(MAX_DEPTH)
        .limit_complexity(MAX_COST)
        .disable_suggestions()
        .finish()
}

/// The schema in the schema definition language: the text of `schema.graphql`.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().prefer_single_line_descriptions().include_specified_by().use_space_ident();
    let mut sdl = schema().sdl_with_options(options);
    sdl.truncate(sdl.trim_end().len());
    sdl.push('\n');
    sdl
}

/// The field is null only if an error for its path is in `errors`.
#[TypeDirective(location = "FieldDefinition", name = "semanticNonNull")]
fn semantic_non_null(
    #[graphql(desc = "List levels the statement is about; 0 is the field itself.", default_with = "vec![0]")]
    levels: Vec<i32>,
) {
}
