//! The keys of a development data folder: made at the first start, kept in a file that only its owner reads.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::Failure;
use crate::{
    domain::secret::TokenKey,
    server::tokens::{DevelopmentClaims, sign_development},
};

const FILE: &str = "keys.json";

/// The keys of a development data folder.
pub struct Keys {
    /// What invitation links are derived from.
    pub token_key: TokenKey,
    /// What development tokens are signed with.
    pub jwt_secret: SecretString,
    /// Key of the operator.
    pub operator_key: SecretString,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    token_key: String,
    jwt_secret: String,
    operator_key: String,
}

impl Keys {
    /// Reads the keys of a data folder.
    ///
    /// # Errors
    /// When there are none, or they cannot be read.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let file = folder.join(FILE);
        let text = fs::read_to_string(&file).map_err(|error| {
            Failure::Usage(format!(
                "{} is no data folder of `roster dev`: {} cannot be read ({error}).",
                folder.display(),
                file.display()
            ))
        })?;
        let broken = || Failure::failed(format!("{} is damaged; delete it to have new keys made.", file.display()));
        let stored: Stored = serde_json::from_str(&text).map_err(|_error| broken())?;
        let token_key =
            STANDARD.decode(stored.token_key).ok().and_then(|key| TokenKey::new(&key)).ok_or_else(broken)?;
        Ok(Self { token_key, jwt_secret: stored.jwt_secret.into(), operator_key: stored.operator_key.into() })
    }

    /// Reads the keys of a data folder, and makes them when there are none.
    ///
    /// # Errors
    /// When they cannot be read or written.
    pub fn read_or_make(folder: &Path) -> Result<Self, Failure> {
        let file = folder.join(FILE);
        if !file.exists() {
            let stored = Stored { token_key: random()?, jwt_secret: random()?, operator_key: random()? };
            let text = serde_json::to_string_pretty(&stored).map_err(Failure::failed)?;
            let written = fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&file)
                .and_then(|mut open| open.write_all(text.as_bytes()));
            written.map_err(|error| Failure::failed(format!("{} cannot be written: {error}", file.display())))?;
        }
        Self::read(folder)
    }

    /// A token that signs in as a person, for `roster dev` only.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn sign(
        &self,
        email: &str,
        name: Option<&str>,
        now: DateTime<Utc>,
        lifetime: TimeDelta,
    ) -> Result<String, Failure> {
        let claims = DevelopmentClaims { subject: email, audience: None, email: Some(email), name };
        sign_development(&self.jwt_secret, claims, now, lifetime).map_err(Failure::failed)
    }
}

/// 32 random bytes in base64.
fn random() -> Result<String, Failure> {
    let mut bytes = [0; 32];
    #[expect(clippy::disallowed_methods, reason = "keys are made before there is an App")]
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_error| Failure::failed("The machine gives no random numbers."))?;
    Ok(STANDARD.encode(bytes))
}
