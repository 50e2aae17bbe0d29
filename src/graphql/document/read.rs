//! What is found out about a document when it is first seen.

use std::sync::LazyLock;

use apollo_compiler::{
    Schema, ast, executable,
    validation::{DiagnosticList, Valid, WithErrors},
};
use async_graphql::{
    Pos,
    parser::{Error as ParserError, parse_query, types::ExecutableDocument},
};

use super::{measure, scalars, scan};
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
    /// As it is validated.
    pub valid: Valid<executable::ExecutableDocument>,
    /// As it is executed.
    pub parsed: ExecutableDocument,
}

impl Document {
    /// Everything that can be said of a document without variables. Each step makes the next one safe.
    ///
    /// # Errors
    /// Why nothing of it may run.
    pub fn read(text: &str, max_depth: usize) -> Result<Self, RequestError> {
        let too_complex = |message: String| Err(RequestError::new(RequestCode::QueryTooComplex, message));
        scan::scan(text).map_err(unparsable)?;
        let parsed = parse_query(text).map_err(|error| syntax_error(text, &error))?;
        let size = measure::measure(&parsed);
        if size.depth > max_depth {
            let message = format!("Fields are nested {} deep, and may be {} deep.", size.depth, max_depth);
            return Err(RequestError::new(RequestCode::QueryTooDeep, message));
        }
        for (is, may, what) in [
            (size.nodes, measure::MAX_NODES, "fields and fragments"),
            (size.aliases, measure::MAX_ALIASES, "aliases"),
            (size.directives, measure::MAX_DIRECTIVES, "directives"),
            (parsed.fragments.len(), measure::MAX_FRAGMENTS, "fragment definitions"),
        ] {
            if is > may {
                return too_complex(format!(
                    "The document has {is} {what}, counted wherever they are used; it may have {may}."
                ));
            }
        }
        let valid = executable::ExecutableDocument::parse_and_validate(schema(), text, "document");
        let valid = valid.map_err(|invalid| {
            let code = if invalid.errors.iter().any(|error| error.error.to_string().starts_with(SYNTAX_ERROR)) {
                RequestCode::GraphqlParseFailed
            } else {
                RequestCode::GraphqlValidationFailed
            };
            told(code, &invalid.errors)
        })?;
        scalars::check_document(&valid).map_err(|why| RequestError::new(RequestCode::BadUserInput, why))?;
        Ok(Self { valid, parsed })
    }
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

/// What a parser says of a document that is none, in one line and without its text.
fn syntax_error(text: &str, error: &ParserError) -> RequestError {
    match error {
        ParserError::Syntax { start, .. } => {
            let message = "This is no executable GraphQL document.";
            let otherwise = |_| RequestError::new(RequestCode::GraphqlParseFailed, message).at(*start);
            let said = |invalid: WithErrors<_>| told(RequestCode::GraphqlParseFailed, &invalid.errors);
            ast::Document::parse(text, "document").map_or_else(said, otherwise)
        }
        other => {
            let refused = RequestError::new(RequestCode::GraphqlValidationFailed, other.to_string());
            other.positions().fold(refused, RequestError::at)
        }
    }
}

fn told(code: RequestCode, errors: &DiagnosticList) -> RequestError {
    let said = errors.iter().map(|error| {
        let start = error.line_column_range().map(|range| Pos { line: range.start.line, column: range.start.column });
        (in_words(&error.error.to_string()), start)
    });
    RequestError::several(code, said)
}

/// How what a parser says begins.
const SYNTAX_ERROR: &str = "syntax error";
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
    let tokens = TOKENS.iter().filter(|_| message.starts_with(SYNTAX_ERROR));
    tokens.fold(message.to_owned(), |message, (token, written)| message.replace(token, written))
}
