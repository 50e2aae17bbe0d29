//! What a verified token says, and whether it counts now.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::TokenError;

/// Clocks may differ by this much.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);
/// `OpenID` Connect Core, section 2: a subject has at most 255 characters.
const MAX_SUBJECT_CHARS: usize = 255;

/// The claims of an accepted token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// `iss`, one of the configured issuers.
    pub issuer: String,
    /// `sub`, 1 to 255 characters; stable and unique together with the issuer.
    pub subject: String,
    /// `email` as sent.
    pub email: Option<String>,
    /// `email_verified`; false when absent or unreadable.
    pub email_verified: bool,
    /// `name`
    pub name: Option<String>,
    /// `given_name`
    pub given_name: Option<String>,
    /// `family_name`
    pub family_name: Option<String>,
    /// `picture`, an address chosen by the person or provider and not checked here.
    pub picture: Option<String>,
    /// `exp`, without the leeway.
    pub expires_at: DateTime<Utc>,
    /// `iat`, where the token has one.
    pub issued_at: Option<DateTime<Utc>>,
}

/// Checks the claims of a token whose signature is right.
pub(super) fn check(
    raw: &Map<String, Value>,
    issuer: &str,
    audience: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Claims, TokenError> {
    // The source was found by a reading of the same text that another parser made.
    if raw.get("iss").and_then(Value::as_str) != Some(issuer) {
        return Err(TokenError::Invalid("the token's issuer (iss) is not accepted"));
    }
    check_audience(raw.get("aud"), audience)?;
    let (expires_at, issued_at) = check_times(raw, now)?;
    Ok(Claims {
        issuer: issuer.to_owned(),
        subject: subject(raw.get("sub"))?,
        email: text(raw, "email"),
        email_verified: is_true(raw.get("email_verified")),
        name: text(raw, "name"),
        given_name: text(raw, "given_name"),
        family_name: text(raw, "family_name"),
        picture: text(raw, "picture"),
        expires_at,
        issued_at,
    })
}

fn check_audience(claim: Option<&Value>, expected: Option<&str>) -> Result<(), TokenError> {
    let Some(expected) = expected else {
        return Ok(());
    };
    let meant_for_us = match claim {
        None => return Err(TokenError::Invalid("the token has no audience (aud)")),
        Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(expected)),
        Some(one) => one.as_str() == Some(expected),
    };
    if meant_for_us { Ok(()) } else { Err(TokenError::Invalid("the token is meant for another audience (aud)")) }
}

/// When the token expires, and when it was issued.
fn check_times(
    raw: &Map<String, Value>,
    now: DateTime<Utc>,
) -> Result<(DateTime<Utc>, Option<DateTime<Utc>>), TokenError> {
    let expires_at = time(raw, "exp")?.ok_or(TokenError::Invalid("the token has no expiry (exp)"))?;
    if now.signed_duration_since(expires_at) >= LEEWAY {
        return Err(TokenError::Invalid("the token has expired"));
    }
    if time(raw, "nbf")?.is_some_and(|start| start.signed_duration_since(now) > LEEWAY) {
        return Err(TokenError::Invalid("the token is not valid yet (nbf)"));
    }
    let issued_at = time(raw, "iat")?;
    if issued_at.is_some_and(|issued| issued.signed_duration_since(now) > LEEWAY) {
        return Err(TokenError::Invalid("the token was issued in the future (iat)"));
    }
    Ok((expires_at, issued_at))
}

/// A `NumericDate`: seconds since 1970, perhaps with a fraction, which is cut off.
fn time(raw: &Map<String, Value>, name: &str) -> Result<Option<DateTime<Utc>>, TokenError> {
    let Some(value) = raw.get(name) else {
        return Ok(None);
    };
    value
        .as_f64()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        .map(Some)
        .ok_or(TokenError::Invalid("a time in the token (exp, nbf, iat) cannot be read"))
}

fn subject(claim: Option<&Value>) -> Result<String, TokenError> {
    let Some(subject) = claim.and_then(Value::as_str).filter(|text| !text.is_empty()) else {
        return Err(TokenError::Invalid("the token has no subject (sub)"));
    };
    if subject.chars().count() > MAX_SUBJECT_CHARS || subject.chars().any(char::is_control) {
        return Err(TokenError::Invalid("the token's subject (sub) is too long or unprintable"));
    }
    Ok(subject.to_owned())
}

/// An optional claim. One that is empty, no text, or has control characters (the database
/// refuses NUL) counts as absent: it is no reason to keep the person out.
fn text(raw: &Map<String, Value>, name: &str) -> Option<String> {
    let text = raw.get(name)?.as_str()?.trim();
    (!text.is_empty() && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

/// Some providers send the word instead of the value.
fn is_true(claim: Option<&Value>) -> bool {
    match claim {
        Some(Value::Bool(value)) => *value,
        Some(Value::String(word)) => word == "true",
        _ => false,
    }
}
