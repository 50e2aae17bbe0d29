//! What a client sees: types, loaders and resolvers. No rules and no SQL.

#![expect(clippy::doc_markdown, reason = "descriptions name codes and permissions as clients read them")]

mod at_hand;
pub mod connection;
mod context;
pub mod document;
mod error;
mod input;
mod list;
mod loaders;
mod mutations;
mod query;
mod request_hash;
mod scalars;
mod subscription;
mod types;

pub use context::execute;
pub use error::{RequestCode, RequestError, internal, with_code};
pub use subscription::subscribe;

use std::sync::LazyLock;

use async_graphql::{SDLExportOptions, TypeDirective, ValidationMode};

/// The GraphQL schema of this server.
pub type Schema = async_graphql::Schema<query::Query, mutations::Mutation, subscription::Subscription>;

/// The schema. Documents are validated, measured and made ready to run by [`document`], not by the library.
pub fn schema() -> &'static Schema {
    static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
        Schema::build(query::Query, mutations::Mutation::default(), subscription::Subscription)
            .register_output_type::<types::user_error::UserError>()
            .register_output_type::<mutations::MutationPayload>()
            .register_output_type::<mutations::BulkItemResult>()
            .validation_mode(ValidationMode::Fast)
            .limit_recursive_depth(document::MAX_NESTING)
            .disable_suggestions()
            .finish()
    });
    &SCHEMA
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
