//! Documents: what is found out about each before anything of it runs, once.

mod cost;
mod measure;
mod operations;
mod params;
mod root;
mod scalars;
mod scan;

pub use operations::RegisteredOperations;
pub use params::Params;
pub use scan::MAX_NESTING;

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicU64, Ordering},
};

use apollo_compiler::{
    Schema, ast, executable,
    introspection::check_max_depth,
    request::coerce_variable_values,
    response::{JsonMap, JsonValue},
    validation::{DiagnosticList, Valid, WithErrors},
};
use async_graphql::{
    Name, Pos, Request, Value, Variables,
    parser::{
        Error as ParserError, parse_query,
        types::{DocumentOperations, ExecutableDocument, OperationType},
    },
};
use quick_cache::{Weighter, sync::Cache};

use super::error::{RequestCode, RequestError};
use crate::{app::Limits, domain::secret::sha256};

/// The schema as validation knows it.
pub fn schema() -> &'static Valid<Schema> {
    static SCHEMA: LazyLock<Valid<Schema>> = LazyLock::new(|| {
        #[expect(clippy::expect_used, reason = "the schema is built with the program, and every test needs it")]
        Schema::parse_and_validate(super::sdl(), "schema.graphql").expect("the schema is valid")
    });
    &SCHEMA
}

/// SHA-256 of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

fn hash(text: &str) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(&sha256(text.as_bytes()));
    Hash(hash)
}

impl Hash {
    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
        }
        Some(Self(hash))
    }
}

/// A document that may run, twice: as it is validated and as it is executed.
struct Document {
    valid: Valid<executable::ExecutableDocument>,
    parsed: ExecutableDocument,
}

/// What is known of a document: that it may run, or why not.
type Known = Result<Arc<Document>, RequestError>;

/// An operation that may run, with its variables.
#[derive(Clone)]
pub struct Operation {
    /// Query, mutation or subscription.
    pub kind: OperationType,
    /// What it costs; see `--max-cost`.
    pub cost: usize,
    /// The client asked to be told the cost.
    pub tells_cost: bool,
    document: ExecutableDocument,
    variables: Variables,
}

impl Operation {
    /// A request that runs it.
    pub(super) fn into_request(self) -> Request {
        let mut request = Request::new(String::new()).variables(self.variables);
        request.set_parsed_query(self.document);
        request
    }
}

/// How well the cache of documents serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheStats {
    /// Requests whose document was known.
    pub hits: u64,
    /// Requests whose document had to be read.
    pub misses: u64,
    /// Documents that are known.
    pub documents: usize,
    /// Bytes of their texts.
    pub bytes: u64,
}

/// All documents that this server has seen lately, good and bad.
///
/// Reading one takes longer than most queries do, so it is done once. What is seen once does not push out what is
/// asked for again and again.
pub struct Documents {
    known: Cache<Hash, (usize, Known), Bytes>,
    /// Documents that were read.
    misses: AtomicU64,
    registered: Option<RegisteredOperations>,
    max_depth: usize,
    max_cost: usize,
}

/// Most bytes of the texts of known documents. What is kept of one takes about fifty times its text.
const KNOWN_BYTES: u64 = 1 << 20;
/// What a document counts at least.
const LEAST_BYTES: u64 = 512;
/// Most fields at the root of an operation.
const MAX_ROOT_FIELDS: usize = 20;
/// How often an operation may call the same mutation, or ask for a type.
const MAX_REPEATS: usize = 10;

#[derive(Clone)]
struct Bytes;

impl Weighter<Hash, (usize, Known)> for Bytes {
    fn weight(&self, _: &Hash, (length, _): &(usize, Known)) -> u64 {
        u64::try_from(*length).unwrap_or(u64::MAX).max(LEAST_BYTES)
    }
}

impl Documents {
    /// An empty cache, for any document.
    pub fn new(limits: &Limits) -> Self {
        let known = Cache::with_weighter(1_000, KNOWN_BYTES, Bytes);
        Self {
            known,
            misses: AtomicU64::new(0),
            registered: None,
            max_depth: limits.max_depth,
            max_cost: limits.max_cost,
        }
    }

    /// Answers no operation but these.
    ///
    /// # Errors
    /// A sentence for each that could never run.
    pub fn only(self, registered: RegisteredOperations) -> Result<Self, Vec<String>> {
        let problem = |text: &str| {
            let refused = self.read(text).err()?;
            let start: String = text.chars().take(60).collect();
            Some(format!("{start:?}… is refused: {}", refused.message()))
        };
        let problems: Vec<String> = registered.texts().filter_map(problem).collect();
        if problems.is_empty() { Ok(Self { registered: Some(registered), ..self }) } else { Err(problems) }
    }

    /// How well the cache serves.
    pub fn stats(&self) -> CacheStats {
        CacheStats {
            hits: self.known.hits(),
            misses: self.misses.load(Ordering::Relaxed),
            documents: self.known.len(),
            bytes: self.known.weight(),
        }
    }

    /// The operation that a client asks for.
    ///
    /// # Errors
    /// Why nothing of it may run.
    pub fn operation(&self, params: &Params) -> Result<Operation, RequestError> {
        let document = self.document(params)?;
        let operation = document.valid.operations.get(params.operation_name.as_deref());
        let operation = operation.map_err(|error| {
            let message = match (&params.operation_name, document.valid.operations.is_empty()) {
                (None, false) => "The document has several operations: name one as `operationName`.".to_owned(),
                _ => error.message().to_string(),
            };
            RequestError::new(RequestCode::OperationResolutionFailure, message)
        })?;
        let variables = coerce_variable_values(schema(), operation, &params.variables)
            .map_err(|error| RequestError::new(RequestCode::BadUserInput, error.message().to_string()))?;
        scalars::check_variables(operation, &variables)
            .map_err(|why| RequestError::new(RequestCode::BadUserInput, why))?;
        check_max_depth(&document.valid, operation)
            .map_err(|error| RequestError::new(RequestCode::QueryTooDeep, error.message().to_string()))?;
        let cost = cost::cost(&document.valid, operation, &variables);
        if cost > self.max_cost {
            let message = format!(
                "This costs {cost}, and may cost {}: ask for smaller pages, or for less of each item.",
                self.max_cost
            );
            return Err(RequestError::new(RequestCode::QueryTooComplex, message));
        }
        let kind = match operation.operation_type {
            ast::OperationType::Query => OperationType::Query,
            ast::OperationType::Mutation => OperationType::Mutation,
            ast::OperationType::Subscription => OperationType::Subscription,
        };
        let variables = to_variables(&variables);
        let name = operation.name.as_ref().map(apollo_compiler::Name::as_str);
        let document = single(&document.parsed, name, &variables)?;
        Ok(Operation { kind, cost, tells_cost: params.tells_cost, document, variables })
    }

    /// The document of a request, by its text or by a hash or name of it.
    fn document(&self, params: &Params) -> Result<Arc<Document>, RequestError> {
        if let Some(registered) = &self.registered {
            let by_id = params.document_id.as_deref().and_then(|id| registered.text(id));
            let text = by_id.or_else(|| params.query.as_deref().filter(|text| registered.has(&hash(text.trim_end()))));
            let unknown = "Only registered operations are answered here, and this is none of them.";
            let text = text.ok_or_else(|| RequestError::new(RequestCode::OperationNotAllowed, unknown))?;
            return self.known(hash(text), text);
        }
        let asked = params.document_id.as_deref().map(|id| {
            let malformed = "Give a SHA-256 of the document, in hexadecimal.";
            Hash::parse(id).ok_or_else(|| RequestError::new(RequestCode::BadRequest, malformed))
        });
        match (&params.query, asked.transpose()?) {
            (Some(text), asked) => {
                let hash = hash(text);
                if asked.is_some_and(|asked| asked != hash) {
                    let message = "The hash is not that of the document.";
                    return Err(RequestError::new(RequestCode::BadRequest, message));
                }
                self.known(hash, text)
            }
            // Clients recognise the message, and send the text along.
            (None, Some(hash)) => self.known.get(&hash).map_or_else(
                || Err(RequestError::new(RequestCode::PersistedQueryNotFound, "PersistedQueryNotFound")),
                |(_, known)| known,
            ),
            (None, None) => Err(RequestError::new(RequestCode::BadRequest, "`query` is missing: the document to run.")),
        }
    }

    fn known(&self, hash: Hash, text: &str) -> Known {
        let read = || Ok::<_, std::convert::Infallible>((text.len(), self.read(text).map(Arc::new)));
        let Ok((_, known)) = self.known.get_or_insert_with(&hash, read);
        known
    }

    /// Everything that can be said of a document without variables. Each step makes the next one safe.
    fn read(&self, text: &str) -> Result<Document, RequestError> {
        let too_complex = |message: String| Err(RequestError::new(RequestCode::QueryTooComplex, message));
        self.misses.fetch_add(1, Ordering::Relaxed);
        scan::scan(text).map_err(unparsable)?;
        let parsed = parse_query(text).map_err(|error| syntax_error(text, &error))?;
        let size = measure::measure(&parsed);
        if size.depth > self.max_depth {
            let message = format!("Fields are nested {} deep, and may be {} deep.", size.depth, self.max_depth);
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
        Ok(Document { valid, parsed })
    }
}

/// The one operation to run. Its root is made flat, so that each field of it is resolved once.
fn single(
    document: &ExecutableDocument,
    name: Option<&str>,
    variables: &Variables,
) -> Result<ExecutableDocument, RequestError> {
    let is_it = |known: Option<&Name>| known.map(Name::as_str) == name;
    let operation = document.operations.iter().find(|(known, _)| is_it(*known)).map(|(_, operation)| operation.clone());
    // Both readings of the document name the same operations.
    let mut operation = operation
        .ok_or_else(|| RequestError::new(RequestCode::OperationResolutionFailure, "There is no such operation."))?;
    let fields = root::fields(&operation.node.selection_set.node, &document.fragments, variables);
    let repeats = |name: &str| fields.iter().filter(|field| field.node.name.node == name).count();
    if fields.len() > MAX_ROOT_FIELDS {
        let message = format!("The operation has {} fields at its root; it may have {MAX_ROOT_FIELDS}.", fields.len());
        return Err(RequestError::new(RequestCode::QueryTooComplex, message));
    }
    let is_mutation = operation.node.ty == OperationType::Mutation;
    let repeated = fields.iter().map(|field| field.node.name.node.as_str()).find(|name| {
        let most = match *name {
            "__schema" => 1,
            "__type" => MAX_REPEATS,
            _ if is_mutation => MAX_REPEATS,
            _ => MAX_ROOT_FIELDS,
        };
        repeats(name) > most
    });
    if let Some(name) = repeated {
        let message = format!("The operation asks for {name} {} times, which is too often.", repeats(name));
        return Err(RequestError::new(RequestCode::QueryTooComplex, message));
    }
    operation.node.selection_set.node.items = root::selections(fields);
    Ok(ExecutableDocument { operations: DocumentOperations::Single(operation), fragments: document.fragments.clone() })
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

fn to_variables(values: &JsonMap) -> Variables {
    let mut variables = Variables::default();
    for (name, value) in values {
        variables.insert(Name::new(name.as_str()), to_value(value));
    }
    variables
}

fn to_value(value: &JsonValue) -> Value {
    match value {
        JsonValue::Null => Value::Null,
        JsonValue::Bool(value) => Value::Boolean(*value),
        JsonValue::Number(number) => Value::Number(number.clone()),
        JsonValue::String(text) => Value::String(text.as_str().to_owned()),
        JsonValue::Array(items) => Value::List(items.iter().map(to_value).collect()),
        JsonValue::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (Name::new(name.as_str()), to_value(value))).collect())
        }
    }
}
