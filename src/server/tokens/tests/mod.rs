//! Tokens made with keys generated for each run.

mod fixed_keys;
mod published_keys;

use std::sync::LazyLock;

use aws_lc_rs::{
    encoding::AsDer,
    rsa::{KeyPair, KeySize},
    signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde_json::{Value, json};

use super::{Claims, KeySource, Source, TokenError, Verifier};

const ISSUER: &str = "https://id.example.com/";
const AUDIENCE: &str = "https://roster.example.com";
const SECRET: &str = "a shared secret for tests, 32 bytes and more";

/// A key pair that exists for one test run.
struct TestKey {
    algorithm: Algorithm,
    signing: EncodingKey,
    public_pem: String,
}

static RSA: LazyLock<TestKey> = LazyLock::new(TestKey::rsa);
static OTHER_RSA: LazyLock<TestKey> = LazyLock::new(TestKey::rsa);
static P256: LazyLock<TestKey> =
    LazyLock::new(|| TestKey::ec(Algorithm::ES256, &signature::ECDSA_P256_SHA256_FIXED_SIGNING));
static P384: LazyLock<TestKey> =
    LazyLock::new(|| TestKey::ec(Algorithm::ES384, &signature::ECDSA_P384_SHA384_FIXED_SIGNING));
static ED25519: LazyLock<TestKey> = LazyLock::new(TestKey::ed25519);

impl TestKey {
    fn rsa() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let private = pem("PRIVATE KEY", pair.as_der().unwrap().as_ref());
        Self {
            algorithm: Algorithm::RS256,
            signing: EncodingKey::from_rsa_pem(private.as_bytes()).unwrap(),
            public_pem: pem("PUBLIC KEY", pair.public_key().as_der().unwrap().as_ref()),
        }
    }

    fn ec(algorithm: Algorithm, curve: &'static signature::EcdsaSigningAlgorithm) -> Self {
        let pair = EcdsaKeyPair::generate(curve).unwrap();
        Self {
            algorithm,
            signing: EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref()),
            public_pem: pem("PUBLIC KEY", pair.public_key().as_der().unwrap().as_ref()),
        }
    }

    fn ed25519() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        Self {
            algorithm: Algorithm::EdDSA,
            signing: EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref()),
            public_pem: pem("PUBLIC KEY", pair.public_key().as_der().unwrap().as_ref()),
        }
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_as(None, self.algorithm, claims)
    }

    fn sign_as(&self, kid: Option<&str>, algorithm: Algorithm, claims: &Value) -> String {
        let mut header = Header::new(algorithm);
        header.kid = kid.map(str::to_owned);
        jsonwebtoken::encode(&header, claims, &self.signing).unwrap()
    }

    /// As published, with this `kid` and the algorithm that the key is made for.
    fn jwk(&self, kid: &str) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.signing, self.algorithm).unwrap();
        jwk.common.key_id = Some(kid.to_owned());
        serde_json::to_value(jwk).unwrap()
    }

    fn source(&self) -> Source {
        source(KeySource::Pem { pem: self.public_pem.clone() })
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

fn source(keys: KeySource) -> Source {
    Source { issuer: ISSUER.to_owned(), audience: Some(AUDIENCE.to_owned()), keys }
}

fn verifier(source: Source) -> Verifier {
    Verifier::new(vec![source]).unwrap()
}

fn now() -> DateTime<Utc> {
    "2031-05-06T07:08:09Z".parse().unwrap()
}

/// Claims that are accepted at [`now`] and for an hour.
fn good() -> Value {
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "person-1",
        "iat": now().timestamp(),
        "exp": (now() + TimeDelta::hours(1)).timestamp(),
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = good();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = good();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn reason(answer: Result<Claims, TokenError>) -> String {
    match answer {
        Ok(claims) => format!("accepted: {}", claims.subject),
        Err(TokenError::Invalid(reason)) => reason.to_owned(),
        Err(TokenError::Unavailable(_)) => "unavailable".to_owned(),
    }
}
