//! Secrets that are shown once and stored never: invitation tokens are derived from a key, API keys are
//! kept as a hash. Both carry the ids of their row in front, so that one look-up finds it.

use aws_lc_rs::{constant_time, digest, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use super::id::{ApiKeyId, InvitationId, OrganizationId};

/// The key that invitation tokens are derived from.
#[derive(Clone)]
pub struct TokenKey(hmac::Key);

impl TokenKey {
    /// Shortest key material, in bytes: the size of the hash, as RFC 2104 asks.
    pub const MIN_BYTES: usize = 32;

    /// Takes key material; `None` when it is shorter than [`Self::MIN_BYTES`].
    pub fn new(material: &[u8]) -> Option<Self> {
        (material.len() >= Self::MIN_BYTES).then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, material)))
    }
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey(…)")
    }
}

/// What an invitation token says once its signature was found genuine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvitationToken {
    /// Organization of the invitation.
    pub organization: OrganizationId,
    /// The invitation.
    pub invitation: InvitationId,
    /// Which of its links this is; resending raises it.
    pub version: i32,
}

const SIGNED: usize = 16 + 16 + 4;

impl InvitationToken {
    /// The token as it stands in the link: ids and version, then 256 bits of HMAC over them.
    pub fn sign(&self, key: &TokenKey) -> String {
        let mut bytes = self.signed_part();
        bytes.extend_from_slice(hmac::sign(&key.0, &bytes).as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token; `None` when it is malformed or was not signed with this key, in the same time.
    pub fn verify(text: &str, key: &TokenKey) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).ok()?;
        let (signed, signature) = bytes.split_at_checked(SIGNED)?;
        hmac::verify(&key.0, signed, signature).ok()?;
        Some(Self {
            organization: OrganizationId(Uuid::from_slice(signed.get(..16)?).ok()?),
            invitation: InvitationId(Uuid::from_slice(signed.get(16..32)?).ok()?),
            version: i32::from_be_bytes(signed.get(32..)?.try_into().ok()?),
        })
    }

    fn signed_part(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SIGNED + 32);
        bytes.extend_from_slice(self.organization.0.as_bytes());
        bytes.extend_from_slice(self.invitation.0.as_bytes());
        bytes.extend_from_slice(&self.version.to_be_bytes());
        bytes
    }
}

/// An API key as its holder has it: `rk_`, then 32 random bytes, the ids and a checksum in base64url.
/// The random part comes first, so that the first characters tell the keys of an organization apart.
#[derive(Clone)]
pub struct ApiKeySecret {
    /// Organization of the key.
    pub organization: OrganizationId,
    /// The key.
    pub key: ApiKeyId,
    text: String,
}

/// What every API key starts with.
pub const API_KEY_PREFIX: &str = "rk_";
const CHECKED: usize = 32 + 16 + 16;

impl ApiKeySecret {
    /// Makes the secret of a new key from 32 random bytes.
    pub fn new(organization: OrganizationId, key: ApiKeyId, random: [u8; 32]) -> Self {
        let mut bytes = Vec::with_capacity(CHECKED + 4);
        bytes.extend_from_slice(&random);
        bytes.extend_from_slice(organization.0.as_bytes());
        bytes.extend_from_slice(key.0.as_bytes());
        bytes.extend_from_slice(&checksum(&bytes));
        Self { organization, key, text: format!("{API_KEY_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)) }
    }

    /// Reads a secret; `None` when it was mistyped, so that no look-up is spent on it.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(API_KEY_PREFIX)?).ok()?;
        let (checked, sum) = bytes.split_at_checked(CHECKED)?;
        (sum == checksum(checked)).then_some(())?;
        Some(Self {
            organization: OrganizationId(Uuid::from_slice(checked.get(32..48)?).ok()?),
            key: ApiKeyId(Uuid::from_slice(checked.get(48..)?).ok()?),
            text: text.to_owned(),
        })
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What is stored of it.
    pub fn hash(&self) -> Vec<u8> {
        sha256(self.text.as_bytes()).to_vec()
    }

    /// First characters, to recognize the key by.
    pub fn prefix(&self) -> String {
        self.text.chars().take(10).collect()
    }
}

fn checksum(bytes: &[u8]) -> Vec<u8> {
    sha256(bytes).into_iter().take(4).collect()
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

/// Compares without telling by the time taken how much was equal.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> (OrganizationId, InvitationId) {
        (OrganizationId(Uuid::from_u128(7)), InvitationId(Uuid::from_u128(9)))
    }

    #[test]
    fn a_token_is_read_with_its_own_key_only() {
        let (organization, invitation) = ids();
        let key = TokenKey::new(&[1; 32]).unwrap();
        let token = InvitationToken { organization, invitation, version: 3 };
        let text = token.sign(&key);
        assert_eq!(InvitationToken::verify(&text, &key), Some(token));
        assert_eq!(InvitationToken::verify(&text, &TokenKey::new(&[2; 32]).unwrap()), None);
        for cut in 0..text.len() {
            assert_eq!(InvitationToken::verify(&text[..cut], &key), None);
        }
        let mut forged = URL_SAFE_NO_PAD.decode(&text).unwrap();
        forged[35] ^= 1;
        assert_eq!(InvitationToken::verify(&URL_SAFE_NO_PAD.encode(forged), &key), None);
        assert!(TokenKey::new(&[1; 31]).is_none());
    }

    #[test]
    fn an_api_key_is_checked_before_it_is_looked_up() {
        let secret = ApiKeySecret::new(ids().0, ApiKeyId(Uuid::from_u128(5)), [3; 32]);
        let read = ApiKeySecret::parse(secret.expose()).unwrap();
        assert_eq!((read.organization, read.key, read.hash()), (secret.organization, secret.key, secret.hash()));
        let mut mistyped = secret.expose().to_owned();
        mistyped.replace_range(20..21, if &mistyped[20..21] == "A" { "B" } else { "A" });
        assert!(ApiKeySecret::parse(&mistyped).is_none());
        assert!(ApiKeySecret::parse("rk_").is_none());
    }
}
