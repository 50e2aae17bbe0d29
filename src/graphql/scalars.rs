//! Scalars beyond those of the specification.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{SecondsFormat, Utc};

/// Whether a value may stand for a scalar of our own in input; `text` is absent where it is none. Other types take
/// what validation has let through.
///
/// # Errors
/// What to give instead.
pub fn check(scalar: &str, text: Option<&str>) -> Result<(), &'static str> {
    let is_right = scalar != "DateTime" || text.is_some_and(|text| time(text).is_some());
    if is_right { Ok(()) } else { Err(GIVE_A_TIME) }
}

const GIVE_A_TIME: &str = "Give a time as in 2026-11-21T09:30:00Z.";

fn time(text: &str) -> Option<chrono::DateTime<Utc>> {
    chrono::DateTime::parse_from_rfc3339(text).ok().map(|time| time.with_timezone(&Utc))
}

/// An instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DateTime(pub chrono::DateTime<Utc>);

/// Instant in UTC, RFC 3339 with millisecond precision: `2026-11-21T09:30:00.000Z`. Any offset is accepted on input.
#[Scalar(specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => time(text).map(Self).ok_or_else(|| InputValueError::custom(GIVE_A_TIME)),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl From<chrono::DateTime<Utc>> for DateTime {
    fn from(time: chrono::DateTime<Utc>) -> Self {
        Self(time)
    }
}

/// An address on the web.
#[derive(Clone, Debug, PartialEq)]
pub struct Url(pub String);

/// Absolute `http` or `https` URL.
#[Scalar(name = "URL", specified_by_url = "https://url.spec.whatwg.org/")]
impl ScalarType for Url {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text)),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

impl From<String> for Url {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<url::Url> for Url {
    fn from(url: url::Url) -> Self {
        Self(url.into())
    }
}
