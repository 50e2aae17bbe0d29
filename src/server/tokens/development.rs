//! Tokens that `roster dev` and `roster token` sign themselves.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, json};

/// The `iss` of development tokens.
pub const DEVELOPMENT_ISSUER: &str = "roster-dev";

/// Who a development token is for.
#[derive(Debug, Clone, Copy)]
pub struct DevelopmentClaims<'a> {
    /// `sub`
    pub subject: &'a str,
    /// `aud`
    pub audience: Option<&'a str>,
    /// `email`; always signed as verified.
    pub email: Option<&'a str>,
    /// `name`
    pub name: Option<&'a str>,
}

/// A development token could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("the development token cannot be signed")]
pub struct SignError(#[from] jsonwebtoken::errors::Error);

/// Signs an HS256 token of the issuer [`DEVELOPMENT_ISSUER`] that counts from `now` for `lifetime`.
/// A [`super::Verifier`] accepts it with the same secret as [`super::KeySource::Secret`].
///
/// # Errors
/// When the cryptographic library refuses to sign.
pub fn sign_development(
    secret: &SecretString,
    claims: DevelopmentClaims<'_>,
    now: DateTime<Utc>,
    lifetime: TimeDelta,
) -> Result<String, SignError> {
    let issued_at = now.timestamp();
    let mut body = Map::from_iter([
        ("iss".to_owned(), json!(DEVELOPMENT_ISSUER)),
        ("sub".to_owned(), json!(claims.subject)),
        ("iat".to_owned(), json!(issued_at)),
        ("exp".to_owned(), json!(issued_at.saturating_add(lifetime.num_seconds()))),
    ]);
    let optional = [("aud", claims.audience), ("email", claims.email), ("name", claims.name)];
    for (name, value) in optional {
        if let Some(value) = value {
            body.insert(name.to_owned(), json!(value));
        }
    }
    if claims.email.is_some() {
        body.insert("email_verified".to_owned(), json!(true));
    }
    let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
    Ok(jsonwebtoken::encode(&Header::default(), &body, &key)?)
}
