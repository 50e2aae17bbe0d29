//! Verification keys, each bound to the algorithms it may be used with.

use std::sync::Arc;

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    errors::ErrorKind,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::{ConfigError, TokenError};

/// Algorithms a key of a published set may sign with: none with a shared secret.
pub(super) const PUBLISHABLE: [Algorithm; 5] =
    [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA];

/// RFC 7518, 3.2: a key as long as the hash.
const MIN_SECRET_BYTES: usize = 32;
/// A PKCS#1 public key of 2048 bits takes 270 bytes, one of 1024 bits takes 140.
const MIN_RSA_KEY_BYTES: usize = 256;
/// An uncompressed point: one byte, then both coordinates.
const P256_POINT_BYTES: usize = 1 + 2 * 32;

/// One key and what it is good for.
#[derive(Debug)]
pub(super) struct Key {
    id: Option<String>,
    decoding: DecodingKey,
    validation: Validation,
}

impl Key {
    fn new(id: Option<String>, decoding: DecodingKey, algorithms: &[Algorithm]) -> Self {
        let mut validation = Validation {
            algorithms: algorithms.to_vec(),
            // The library would compare with the system clock; `claims::check` takes the caller's.
            validate_exp: false,
            validate_nbf: false,
            validate_aud: false,
            ..Validation::default()
        };
        validation.required_spec_claims.clear();
        Self { id, decoding, validation }
    }

    pub(super) fn from_secret(secret: &SecretString) -> Result<Self, ConfigError> {
        let secret = secret.expose_secret();
        if secret.len() < MIN_SECRET_BYTES {
            return Err(ConfigError(format!(
                "the token secret has {} bytes; HS256 needs at least {MIN_SECRET_BYTES}",
                secret.len()
            )));
        }
        // Verifying HS256 with a text that is public would let anybody sign.
        if secret.contains("-----BEGIN") {
            return Err(ConfigError("the token secret is a PEM key; configure it as one".to_owned()));
        }
        let decoding = DecodingKey::from_secret(secret.as_bytes());
        Ok(Self::new(None, decoding, &[Algorithm::HS256]))
    }

    pub(super) fn from_pem(pem: &str) -> Result<Self, ConfigError> {
        if pem.contains("PRIVATE KEY-----") {
            return Err(ConfigError("this is a private key; give its public key".to_owned()));
        }
        if pem.contains("CERTIFICATE-----") {
            return Err(ConfigError("this is a certificate; give its public key".to_owned()));
        }
        let (algorithms, decoding) = parse_pem(pem.as_bytes())?;
        Ok(Self::new(None, decoding, algorithms))
    }

    /// A key of a published set, or `None` if it may not or cannot be used to verify tokens here.
    pub(super) fn from_jwk(jwk: &Jwk) -> Option<Self> {
        let common = &jwk.common;
        let for_signatures = common.public_key_use.as_ref().is_none_or(|is| *is == PublicKeyUse::Signature);
        let may_verify = common.key_operations.as_ref().is_none_or(|may| may.contains(&KeyOperations::Verify));
        if !for_signatures || !may_verify {
            return None;
        }
        let algorithms = match common.key_algorithm {
            None => algorithms_of(&jwk.algorithm),
            Some(only) => narrowed(algorithms_of(&jwk.algorithm), only),
        };
        if algorithms.is_empty() {
            return None;
        }
        let decoding = DecodingKey::from_jwk(jwk).ok()?;
        Some(Self::new(common.key_id.clone(), decoding, algorithms))
    }

    pub(super) fn allows(&self, algorithm: Algorithm) -> bool {
        self.validation.algorithms.contains(&algorithm)
    }

    /// Checks the signature and gives the claims, which are not checked yet.
    pub(super) fn decode(&self, token: &str) -> Result<Map<String, Value>, TokenError> {
        match jsonwebtoken::decode(token, &self.decoding, &self.validation) {
            Ok(data) => Ok(data.claims),
            Err(error) => Err(TokenError::Invalid(match error.kind() {
                ErrorKind::InvalidSignature => "the token's signature is wrong",
                ErrorKind::InvalidAlgorithm => "the token's algorithm is not accepted",
                _ => "the token is malformed",
            })),
        }
    }
}

/// The usable keys of a published set.
#[derive(Debug)]
pub(super) struct KeySet(Vec<Arc<Key>>);

/// What a [`KeySet`] has for a token.
pub(super) enum Lookup {
    Found(Arc<Key>),
    /// The set may be older than the key.
    Unknown,
    Refused(&'static str),
}

impl KeySet {
    /// Reads a JWK set; keys of unknown or unfit kinds are left out.
    pub(super) fn parse(body: &[u8]) -> Result<Self, &'static str> {
        #[derive(serde::Deserialize)]
        struct Body {
            keys: Vec<Value>,
        }
        let Ok(body) = serde_json::from_slice::<Body>(body) else {
            return Err("the answer is not a JWK set");
        };
        let keys: Vec<_> = body
            .keys
            .into_iter()
            .filter_map(|value| serde_json::from_value::<Jwk>(value).ok())
            .filter_map(|jwk| Key::from_jwk(&jwk))
            .map(Arc::new)
            .collect();
        if keys.is_empty() { Err("the JWK set has no usable key") } else { Ok(Self(keys)) }
    }

    /// The key with this id for this algorithm; without an id the only one for the algorithm.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Lookup {
        let named: Vec<_> = self.0.iter().filter(|key| id.is_none() || key.id.as_deref() == id).collect();
        let mut fitting = named.iter().filter(|key| key.allows(algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Lookup::Found(Arc::clone(key)),
            (Some(_), Some(_)) => Lookup::Refused("the token does not say which key (kid) it uses"),
            (None, _) if named.is_empty() || id.is_none() => Lookup::Unknown,
            (None, _) => Lookup::Refused("the token's algorithm does not fit its key (kid)"),
        }
    }
}

fn parse_pem(pem: &[u8]) -> Result<(&'static [Algorithm], DecodingKey), ConfigError> {
    if let Ok(key) = DecodingKey::from_rsa_pem(pem) {
        return if length(&key) < MIN_RSA_KEY_BYTES {
            Err(ConfigError("the RSA key is shorter than 2048 bits".to_owned()))
        } else {
            Ok((&[Algorithm::RS256], key))
        };
    }
    if let Ok(key) = DecodingKey::from_ec_pem(pem) {
        return if length(&key) == P256_POINT_BYTES {
            Ok((&[Algorithm::ES256], key))
        } else {
            Err(ConfigError("the EC key is not on the curve P-256".to_owned()))
        };
    }
    match DecodingKey::from_ed_pem(pem) {
        Ok(key) => Ok((&[Algorithm::EdDSA], key)),
        Err(_) => Err(ConfigError(
            "the key is no PEM public key of RSA, P-256 or Ed25519 (-----BEGIN PUBLIC KEY-----)".to_owned(),
        )),
    }
}

fn length(key: &DecodingKey) -> usize {
    key.try_get_as_bytes().map_or(0, <[u8]>::len)
}

fn algorithms_of(parameters: &AlgorithmParameters) -> &'static [Algorithm] {
    match parameters {
        AlgorithmParameters::RSA(_) => &[Algorithm::RS256, Algorithm::PS256],
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => &[Algorithm::ES256],
            EllipticCurve::P384 => &[Algorithm::ES384],
            _ => &[],
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => &[Algorithm::EdDSA],
        _ => &[],
    }
}

/// The part of `all` that a JWK's own `alg` leaves.
fn narrowed(all: &'static [Algorithm], only: KeyAlgorithm) -> &'static [Algorithm] {
    all.chunks(1).find(|one| one.iter().any(|algorithm| KeyAlgorithm::from(*algorithm) == only)).unwrap_or_default()
}
