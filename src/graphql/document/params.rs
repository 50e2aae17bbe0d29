//! What a client sends: the same over HTTP and WebSockets.

use apollo_compiler::response::{JsonMap, JsonValue};

use crate::graphql::error::{RequestCode, RequestError};

/// The parameters of a request.
#[derive(Debug, Default)]
pub struct Params {
    /// The document.
    pub query: Option<String>,
    /// Which of its operations.
    pub operation_name: Option<String>,
    /// Values of its variables.
    pub variables: JsonMap,
    /// The document, by a hash or a registered id.
    pub document_id: Option<String>,
    /// The client wants to know the cost.
    pub tells_cost: bool,
}

impl Params {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_json(body: &[u8]) -> Result<Self, RequestError> {
        let value = serde_json::from_slice(body)
            .map_err(|error| bad(format!("The body is no JSON (line {}, column {}).", error.line(), error.column())))?;
        Self::read(value)
    }

    /// Reads the parameters of an address.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, RequestError> {
        let mut read = JsonMap::new();
        for (name, text) in pairs {
            let value = match name.as_str() {
                "variables" | "extensions" => {
                    serde_json::from_str(&text).map_err(|_error| bad(format!("`{name}` is no JSON.")))?
                }
                _ => JsonValue::from(text),
            };
            if read.insert(name.as_str(), value).is_some() {
                return Err(bad(format!("`{name}` is given twice.")));
            }
        }
        Self::read(JsonValue::Object(read))
    }

    /// Reads a JSON object.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(value: JsonValue) -> Result<Self, RequestError> {
        let mut object = match value {
            JsonValue::Object(object) => object,
            JsonValue::Array(_) => return Err(bad("Several requests in one are not answered: send them one by one.")),
            _ => return Err(bad("A request is a JSON object: {\"query\": …, \"variables\": …}.")),
        };
        let extensions = map(&mut object, "extensions")?;
        let persisted = match extensions.get("persistedQuery") {
            None | Some(JsonValue::Null) => None,
            Some(persisted) => match persisted.get("sha256Hash").and_then(JsonValue::as_str) {
                Some(hash) => Some(hash.to_owned()),
                None => return Err(bad("`extensions.persistedQuery.sha256Hash` is no text.")),
            },
        };
        let id = text(&mut object, "documentId")?;
        Ok(Self {
            query: text(&mut object, "query")?,
            operation_name: text(&mut object, "operationName")?,
            variables: map(&mut object, "variables")?,
            // A hash may say which it is.
            document_id: id.map(|id| id.strip_prefix("sha256:").map_or(id.clone(), str::to_owned)).or(persisted),
            tells_cost: extensions.get("cost").and_then(JsonValue::as_bool).unwrap_or(false),
        })
    }
}

fn text(object: &mut JsonMap, name: &str) -> Result<Option<String>, RequestError> {
    match object.remove(name) {
        None | Some(JsonValue::Null) => Ok(None),
        Some(JsonValue::String(text)) => Ok(Some(text.as_str().to_owned())),
        Some(_) => Err(bad(format!("`{name}` is no text."))),
    }
}

fn map(object: &mut JsonMap, name: &str) -> Result<JsonMap, RequestError> {
    match object.remove(name) {
        None | Some(JsonValue::Null) => Ok(JsonMap::new()),
        Some(JsonValue::Object(map)) => Ok(map),
        Some(_) => Err(bad(format!("`{name}` is no JSON object."))),
    }
}

fn bad(message: impl Into<String>) -> RequestError {
    RequestError::new(RequestCode::BadRequest, message)
}
