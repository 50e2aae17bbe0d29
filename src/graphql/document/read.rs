//! What is found out about a document when it is first seen.

use std::sync::{Arc, LazyLock};

use apollo_compiler::{
    ExecutableDocument, Node, Schema, ast,
    validation::{DiagnosticList, Valid},
};
use async_graphql::Pos;

use super::{
    measure::{self, Size},
    scan, values,
};
use crate::graphql::error::{RequestCode, RequestError};

/// The schema as validation knows it.
pub fn schema() -> &'static Valid<Schema> {
    static SCHEMA: LazyLock<Valid<Schema>> = LazyLock::new(|| {
        #[expect(clippy::expect_used, reason = "the schema is built with the program, and every test needs it")]
        Schema::parse_and_validate(crate::graphql::sdl(), "schema.graphql").expect("the schema is valid")
    });
    &SCHEMA
}

/// A document that may run.
pub struct Document {
    /// Its text.
    pub text: Arc<str>,
    /// What it means.
    pub valid: Valid<ExecutableDocument>,
}

impl Document {
    /// Everything that can be said of a document without variables. Each step makes the next one safe.
    ///
    /// # Errors
    /// Why nothing of it may run.
    pub fn read(text: &str, max_depth: usize) -> Result<Self, RequestError> {
        scan::scan(text).map_err(unparsable)?;
        let parsed = ast::Document::parse(text, "document");
        let parsed = parsed.map_err(|invalid| told(RequestCode::GraphqlParseFailed, &invalid.errors))?;
        check_size(&measure::measure(&parsed), max_depth)?;
        if let Some(document) = without_null_defaults(&parsed) {
            validate(&document)?;
        }
        let valid = validate(&parsed)?;
        values::check_document(&valid)?;
        Ok(Self { text: text.into(), valid })
    }
}

fn validate(document: &ast::Document) -> Result<Valid<ExecutableDocument>, RequestError> {
    match document.to_executable_validate(schema()) {
        Ok(valid) => Ok(valid),
        Err(invalid) => Err(told(RequestCode::GraphqlValidationFailed, &invalid.errors)),
    }
}

fn check_size(size: &Size, max_depth: usize) -> Result<(), RequestError> {
    if size.depth > max_depth {
        let message = format!("Fields are nested {} deep, and may be {max_depth} deep.", size.depth);
        return Err(RequestError::new(RequestCode::QueryTooDeep, message));
    }
    let limits = [
        (size.nodes, measure::MAX_NODES, "fields and fragments"),
        (size.aliases, measure::MAX_ALIASES, "aliases"),
        (size.directives, measure::MAX_DIRECTIVES, "directives"),
        (size.fragments, measure::MAX_FRAGMENTS, "fragment definitions"),
    ];
    match limits.into_iter().find(|(is, may, _)| is > may) {
        None => Ok(()),
        Some((is, may, what)) => {
            let message = format!("The document has {is} {what}, counted wherever they are used; it may have {may}.");
            Err(RequestError::new(RequestCode::QueryTooComplex, message))
        }
    }
}

/// The same document for validation, which takes a default of null for a value. None where there is no such default.
fn without_null_defaults(document: &ast::Document) -> Option<ast::Document> {
    let mut changed = None;
    for (index, definition) in document.definitions.iter().enumerate() {
        let Some(operation) = definition.as_operation_definition() else { continue };
        let is_null = |variable: &Node<ast::VariableDefinition>| {
            variable.default_value.as_ref().is_some_and(|value| value.is_null())
        };
        if operation.variables.iter().any(is_null) {
            let mut operation = operation.clone();
            for variable in operation.make_mut().variables.iter_mut().filter(|variable| is_null(variable)) {
                variable.make_mut().default_value = None;
            }
            let document: &mut ast::Document = changed.get_or_insert_with(|| document.clone());
            if let Some(definition) = document.definitions.get_mut(index) {
                *definition = ast::Definition::OperationDefinition(operation);
            }
        }
    }
    changed
}

fn unparsable(why: scan::Unparsable) -> RequestError {
    use scan::{MAX_BYTES, MAX_NESTING, MAX_TOKENS, MAX_WORD, Unparsable};
    let too_complex = |message: String| RequestError::new(RequestCode::QueryTooComplex, message);
    match why {
        Unparsable::TooDeep => {
            let message = format!("Brackets are nested more than {MAX_NESTING} deep.");
            RequestError::new(RequestCode::QueryTooDeep, message)
        }
        Unparsable::TooLarge => {
            too_complex(format!("The document has more than {MAX_BYTES} bytes: put values into variables."))
        }
        Unparsable::TooLong => too_complex(format!("The document has more than {MAX_TOKENS} tokens.")),
        Unparsable::LongWord => too_complex(format!("A name or number has more than {MAX_WORD} characters.")),
        Unparsable::OpenString => RequestError::new(RequestCode::GraphqlParseFailed, "A string never ends."),
    }
}

fn told(code: RequestCode, errors: &DiagnosticList) -> RequestError {
    let said = errors.iter().map(|error| {
        let start = error.line_column_range().map(|range| Pos { line: range.start.line, column: range.start.column });
        (in_words(&error.error.to_string()), start)
    });
    RequestError::several(code, said)
}

/// Names of tokens, as they are written.
const TOKENS: [(&str, &str); 8] = [
    ("L_CURLY", "{"),
    ("R_CURLY", "}"),
    ("L_PAREN", "("),
    ("R_PAREN", ")"),
    ("L_BRACK", "["),
    ("R_BRACK", "]"),
    ("COLON", ":"),
    ("EOF", "the end"),
];

fn in_words(message: &str) -> String {
    let tokens = TOKENS.iter().filter(|_| message.starts_with("syntax error"));
    tokens.fold(message.to_owned(), |message, (token, written)| message.replace(token, written))
}
