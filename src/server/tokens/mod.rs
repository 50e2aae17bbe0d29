//! Sign-in tokens of people: JWTs of the operator's identity provider.
//!
//! What is accepted is fixed by the configuration and never by the token: the token's `iss` only
//! picks one of the configured [`Source`]s, and that source alone says which algorithms, keys and
//! audience count. A source is either one fixed key ([`KeySource::Secret`], [`KeySource::Pem`]) or
//! a published key set ([`KeySource::Jwks`]), which never holds a shared secret.

mod claims;
mod development;
mod jwks;
mod keys;
#[cfg(test)]
mod tests;

use std::{collections::HashSet, sync::Arc};

use chrono::{DateTime, Utc};
use jsonwebtoken::Header;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

pub use self::{
    claims::Claims,
    development::{DEVELOPMENT_ISSUER, DevelopmentClaims, SignError, sign_development},
};
use self::{jwks::Jwks, keys::Key};

/// Longest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// One identity provider whose tokens are accepted.
#[derive(Debug, Clone)]
pub struct Source {
    /// Must equal the token's `iss` byte for byte.
    pub issuer: String,
    /// Must be among the token's `aud`. With `None` any audience is accepted, which lets in tokens
    /// that the provider made for other applications: for development only.
    pub audience: Option<String>,
    /// What the signatures are checked with.
    pub keys: KeySource,
}

/// Where the keys of a [`Source`] come from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// A secret shared with the provider, at least 32 bytes: HS256.
    Secret(SecretString),
    /// One public key: RS256 for RSA (2048 bits and more), ES256 for P-256, `EdDSA` for Ed25519.
    Pem {
        /// Text that begins with `-----BEGIN PUBLIC KEY-----`.
        pem: String,
    },
    /// The provider's published key set: RS256, PS256, ES256, ES384 and `EdDSA`, as each key allows.
    Jwks {
        /// `https`, or `http` for a loopback host.
        url: Url,
    },
}

/// Why a [`Verifier`] cannot be built; the text is for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

/// Why a token was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The token is at fault; the reason may be shown to the caller.
    #[error("{0}")]
    Invalid(&'static str),
    /// The provider's keys cannot be had, so nothing can be said about the token. The text is for
    /// the log: it names the provider's address.
    #[error("the sign-in keys cannot be fetched: {0}")]
    Unavailable(Arc<str>),
}

/// Checks tokens against the configured sources. Shared by all requests.
#[derive(Debug)]
pub struct Verifier {
    issuers: Vec<Issuer>,
}

#[derive(Debug)]
struct Issuer {
    name: String,
    audience: Option<String>,
    keys: Keys,
}

#[derive(Debug)]
enum Keys {
    Fixed(Arc<Key>),
    Published(Box<Jwks>),
}

/// Read before the signature is checked, so only to find the source.
#[derive(Deserialize)]
struct Unverified {
    iss: Option<String>,
}

impl Verifier {
    /// Prepares the sources; published keys are fetched at the first token that needs them.
    /// Without any source every token is refused.
    ///
    /// # Errors
    /// An empty or repeated issuer, an empty audience, an unusable key or an unsafe address.
    pub fn new(sources: Vec<Source>) -> Result<Self, ConfigError> {
        let mut seen = HashSet::new();
        let issuers = sources
            .into_iter()
            .map(|source| {
                let issuer = Issuer::new(source)?;
                if !seen.insert(issuer.name.clone()) {
                    return Err(ConfigError(format!("the issuer {:?} is configured twice", issuer.name)));
                }
                Ok(issuer)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { issuers })
    }

    /// Checks one token: its source, its signature, then its claims.
    ///
    /// `exp`, `iss` and `sub` are required, `aud` too where an audience is configured; `nbf` and
    /// `iat` count when present. All times are compared with `now`, 30 s either way.
    ///
    /// # Errors
    /// [`TokenError::Invalid`] for a token that is not accepted, [`TokenError::Unavailable`] when
    /// the keys to judge it by cannot be fetched.
    pub async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Claims, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Invalid("the token is longer than 8 KiB"));
        }
        let (header, issuer) = self.peek(token)?;
        let key = issuer.key(&header, now).await?;
        let claims = key.decode(token)?;
        claims::check(&claims, &issuer.name, issuer.audience.as_deref(), now)
    }

    /// The header and the source that the token names.
    fn peek(&self, token: &str) -> Result<(Header, &Issuer), TokenError> {
        let Ok(peeked) = jsonwebtoken::dangerous::insecure_decode::<Unverified>(token) else {
            return Err(TokenError::Invalid("the token is malformed or its algorithm is not accepted"));
        };
        if peeked.header.crit.is_some() {
            return Err(TokenError::Invalid("the token demands an extension (crit) unknown here"));
        }
        let issuer = peeked
            .claims
            .iss
            .and_then(|name| self.issuers.iter().find(|issuer| issuer.name == name))
            .ok_or(TokenError::Invalid("the token's issuer (iss) is not accepted"))?;
        Ok((peeked.header, issuer))
    }
}

impl Issuer {
    fn new(source: Source) -> Result<Self, ConfigError> {
        if source.issuer.trim().is_empty() {
            return Err(ConfigError("the issuer is empty".to_owned()));
        }
        if source.audience.as_ref().is_some_and(|audience| audience.trim().is_empty()) {
            return Err(ConfigError("the audience is empty".to_owned()));
        }
        let keys = match source.keys {
            KeySource::Secret(secret) => Keys::Fixed(Arc::new(Key::from_secret(&secret)?)),
            KeySource::Pem { pem } => Keys::Fixed(Arc::new(Key::from_pem(&pem)?)),
            KeySource::Jwks { url } => Keys::Published(Box::new(Jwks::new(url)?)),
        };
        Ok(Self { name: source.issuer, audience: source.audience, keys })
    }

    /// The key that the token claims to be signed with, if it may sign with that algorithm.
    async fn key(&self, header: &Header, now: DateTime<Utc>) -> Result<Arc<Key>, TokenError> {
        match &self.keys {
            Keys::Fixed(key) if key.allows(header.alg) => Ok(Arc::clone(key)),
            Keys::Published(jwks) if keys::PUBLISHABLE.contains(&header.alg) => {
                jwks.key(header.kid.as_deref(), header.alg, now).await
            }
            _ => Err(TokenError::Invalid("the token's algorithm is not accepted")),
        }
    }
}
