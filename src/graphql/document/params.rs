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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn values() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(|value| json!(value)),
            any::<f64>().prop_map(|value| json!(value)),
            any::<i64>().prop_map(|value| json!(value)),
            "\\PC{0,8}".prop_map(|value| json!(value)),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let names = "query|variables|extensions|operationName|documentId|persistedQuery|sha256Hash|cost|a";
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(|items| json!(items)),
                prop::collection::btree_map(names, inner, 0..6).prop_map(|fields| json!(fields)),
            ]
        })
    }

    /// What a client may rely on, whatever it sends: text is text, an object is an object, null is as if absent.
    fn check(value: &serde_json::Value, read: Result<Params, RequestError>) -> Result<(), TestCaseError> {
        let is = |name: &str, right: fn(&serde_json::Value) -> bool| {
            value.get(name).is_none_or(|value| value.is_null() || right(value))
        };
        let texts =
            ["query", "operationName", "documentId"].into_iter().all(|name| is(name, serde_json::Value::is_string));
        let objects = ["variables", "extensions"].into_iter().all(|name| is(name, serde_json::Value::is_object));
        match read {
            Ok(params) => {
                prop_assert!(value.is_object() && texts && objects);
                prop_assert_eq!(params.query.as_deref(), value["query"].as_str());
                prop_assert_eq!(params.operation_name.as_deref(), value["operationName"].as_str());
                let given = value["variables"].as_object().map_or(0, serde_json::Map::len);
                prop_assert_eq!(params.variables.len(), given);
                prop_assert_eq!(params.tells_cost, value["extensions"]["cost"] == true);
            }
            Err(error) => {
                let hash = &value["extensions"]["persistedQuery"];
                let is_hash = hash.is_null() || hash["sha256Hash"].is_string();
                prop_assert!(!(value.is_object() && texts && objects && is_hash), "{}", error.message());
                prop_assert_eq!(error.code, RequestCode::BadRequest);
            }
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn any_json_is_read_or_refused(value in values()) {
            check(&value, Params::from_json(value.to_string().as_bytes()))?;
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            if let Err(error) = Params::from_json(&bytes) {
                prop_assert_eq!(error.code, RequestCode::BadRequest);
            }
        }

        #[test]
        fn any_address_is_read_or_refused(
            pairs in prop::collection::vec(("query|variables|extensions|operationName|x", "\\PC{0,8}|\\{\\}|\\[\\]|null|\\{\"cost\":true\\}"), 0..4)
        ) {
            let twice = pairs.iter().any(|(name, _)| pairs.iter().filter(|(other, _)| other == name).count() > 1);
            let read = Params::from_pairs(pairs.clone());
            prop_assert!(!(twice && read.is_ok()), "{pairs:?}");
            if let Err(error) = read {
                prop_assert_eq!(error.code, RequestCode::BadRequest);
            }
        }
    }
}
