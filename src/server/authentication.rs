//! Who is calling: a person by JWT, a backend by API key, the operator by their key, or nobody.

use std::sync::Arc;

use axum::http::HeaderValue;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};

use super::tokens::{Claims, TokenError, Verifier};
use crate::{
    access::{Backend, CredentialHash, SignedIn, Viewer},
    app::App,
    domain::{
        email::Email,
        secret::{API_KEY_PREFIX, ApiKeySecret, equal, sha256},
        text,
    },
    error::Result,
    operations::sign_in::{self, Profile},
    store::api_keys::{self, Which},
};

/// Who is let in.
pub struct Authentication {
    people: Verifier,
    operator_key_hash: Option<CredentialHash>,
}

/// Why a credential was refused.
pub enum Refused {
    /// It is not good; the text may be shown.
    Invalid(&'static str),
    /// It cannot be judged just now.
    Unavailable,
}

impl Authentication {
    /// Lets in whom `people` verifies, holders of API keys, and the operator if there is a key for them.
    pub fn new(people: Verifier, operator_key: Option<&SecretString>) -> Self {
        let operator_key_hash = operator_key.map(|key| sha256(key.expose_secret().as_bytes()));
        Self { people, operator_key_hash }
    }

    /// Who sent a request with this `Authorization`. Without one it is nobody; with one that is not good, the whole
    /// request is refused.
    ///
    /// # Errors
    /// Why the credential is refused.
    pub async fn sign_in(&self, app: &Arc<App>, authorization: Option<&HeaderValue>) -> Result<SignedIn, Refused> {
        let Some(value) = authorization else { return Ok(SignedIn { viewer: Viewer::Nobody.into(), until: None }) };
        let value = value.to_str().map_err(|_not_text| Refused::Invalid("The Authorization header is no text."))?;
        let token = match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => return Err(Refused::Invalid("Send the credential as Authorization: Bearer ….")),
        };
        // Hashes are compared, so that the time taken tells nothing of the credential.
        let hash = sha256(token.as_bytes());
        if let Some(signed_in) = app.sign_ins.get(&hash, app.now()) {
            return Ok(signed_in);
        }
        let moment = app.sign_ins.moment();
        let signed_in = if token.starts_with(API_KEY_PREFIX) {
            key(app, token).await?
        } else if self.operator_key_hash.is_some_and(|operator| equal(&operator, &hash)) {
            SignedIn { viewer: Viewer::Operator.into(), until: None }
        } else {
            self.person(app, token).await?
        };
        app.sign_ins.keep(hash, &signed_in, app.now(), moment);
        Ok(signed_in)
    }

    async fn person(&self, app: &Arc<App>, token: &str) -> Result<SignedIn, Refused> {
        let claims = self.people.verify(token, app.now()).await.map_err(|error| match error {
            TokenError::Invalid(why) => Refused::Invalid(why),
            TokenError::Unavailable(what) => {
                tracing::warn!(%what, "sign-in keys cannot be fetched");
                Refused::Unavailable
            }
        })?;
        let until = Some(claims.expires_at);
        match sign_in::sign_in(app, profile(claims)).await {
            Ok(Some(user)) => Ok(SignedIn { viewer: Viewer::Person(user).into(), until }),
            Ok(None) => Err(Refused::Invalid(
                "the token carries no e-mail address (email), which is needed at the first sign-in",
            )),
            Err(error) => {
                tracing::warn!(?error, "sign-in failed");
                Err(Refused::Unavailable)
            }
        }
    }
}

fn profile(claims: Claims) -> Profile {
    let printable = |value: Option<String>| value.and_then(|value| text::name(&value).ok());
    Profile {
        email: claims.email.as_deref().and_then(Email::parse),
        email_verified: claims.email_verified,
        name: printable(claims.name),
        first_name: printable(claims.given_name),
        last_name: printable(claims.family_name),
        avatar_url: claims.picture.filter(|url| url.starts_with("https://") || url.starts_with("http://")),
        issued_at: claims.issued_at,
        issuer: claims.issuer,
        subject: claims.subject,
    }
}

async fn key(app: &App, token: &str) -> Result<SignedIn, Refused> {
    const UNKNOWN: Refused = Refused::Invalid("The API key is unknown, expired or revoked.");
    const EMPTY: Refused = Refused::Invalid(
        "The API key has no permission left: whoever answers for it holds none of its permissions any more. Somebody who does can take it over.",
    );
    let secret = ApiKeySecret::parse(token).ok_or(UNKNOWN)?;
    match find_key(app, &secret).await {
        Ok(Some(key)) if key.effective.is_empty() => Err(EMPTY),
        Ok(Some(key)) => {
            let until = [key.expires_at, key.end_of(&secret)].into_iter().flatten().min();
            Ok(SignedIn { viewer: Viewer::Key(key).into(), until })
        }
        Ok(None) => Err(UNKNOWN),
        Err(error) => {
            tracing::warn!(?error, "an API key could not be looked up");
            Err(Refused::Unavailable)
        }
    }
}

async fn find_key(app: &App, secret: &ApiKeySecret) -> Result<Option<Backend>> {
    let now = app.now();
    let mut conn = app.db.read().await?;
    let found = api_keys::with_roles(&conn, Which::One(secret.organization, secret.key)).await?.pop();
    let key = found.filter(|found| found.key.has_secret(secret, now) && found.key.is_active(now));
    let key = key.map(|found| Backend::of(&app.policy, found).presented(secret));
    let is_fresh = |used: DateTime<Utc>| used >= now - TimeDelta::minutes(1);
    if let Some(key) = key.as_ref().filter(|key| !key.last_used_at.is_some_and(is_fresh)) {
        api_keys::touch(&mut conn, key, now).await?;
    }
    Ok(key)
}
