//! Documents: what is found out about each before anything of it runs, once.

mod bind;
mod cost;
mod measure;
mod operations;
mod params;
mod read;
mod scan;
mod values;

pub use bind::Places;
pub use operations::RegisteredOperations;
pub use params::Params;
pub use read::schema;
pub use scan::MAX_NESTING;

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use apollo_compiler::{introspection::check_max_depth, request::coerce_variable_values};
use async_graphql::{
    Request,
    parser::types::{ExecutableDocument, OperationType, Selection},
};
use quick_cache::{Weighter, sync::Cache};

use self::read::Document;
use super::error::{RequestCode, RequestError};
use crate::{app::Limits, domain::secret::sha256};

/// SHA-256 of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

fn hash(text: &str) -> Hash {
    Hash(sha256(text.as_bytes()))
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
    /// Whether something may stand in it twice: what fragments of interfaces ask for.
    pub merges: bool,
    /// The document it is of.
    pub text: Arc<str>,
    document: ExecutableDocument,
}

impl Operation {
    /// A request that runs it.
    pub(super) fn into_request(self) -> Request {
        let mut request = Request::new(String::new());
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
            let refused = Document::read(text, self.max_depth).err()?;
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
        values::check_variables(operation, &variables)?;
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
        let bind::Bound { document: bound, merges } = bind::bind(&document, operation, &variables)
            .map_err(|why| RequestError::new(RequestCode::BadUserInput, why))?;
        check_root(&bound)?;
        let text = document.text.clone();
        Ok(Operation {
            kind: bind::kind(operation),
            cost,
            tells_cost: params.tells_cost,
            merges,
            text,
            document: bound,
        })
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
        let read = || {
            self.misses.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>((text.len(), Document::read(text, self.max_depth).map(Arc::new)))
        };
        let Ok((_, known)) = self.known.get_or_insert_with(&hash, read);
        known
    }
}

/// Checks how much stands at the root of an operation.
fn check_root(document: &ExecutableDocument) -> Result<(), RequestError> {
    let too_complex = |message: String| Err(RequestError::new(RequestCode::QueryTooComplex, message));
    for (_, operation) in document.operations.iter() {
        let fields = &operation.node.selection_set.node.items;
        let names = || fields.iter().filter_map(|field| root_name(&field.node));
        if fields.len() > MAX_ROOT_FIELDS {
            let is = fields.len();
            return too_complex(format!("The operation has {is} fields at its root; it may have {MAX_ROOT_FIELDS}."));
        }
        for name in names() {
            let may = match name {
                "__schema" => 1,
                "__type" => MAX_REPEATS,
                _ if operation.node.ty == OperationType::Mutation => MAX_REPEATS,
                _ => MAX_ROOT_FIELDS,
            };
            let is = names().filter(|other| *other == name).count();
            if is > may {
                return too_complex(format!("The operation asks for {name} {is} times; it may ask {may} times."));
            }
        }
    }
    Ok(())
}

fn root_name(selection: &Selection) -> Option<&str> {
    if let Selection::Field(field) = selection { Some(field.node.name.node.as_str()) } else { None }
}
