//! Delivery to the configured mail server.
//!
//! Every message has a connection of its own. On one that is used again after an unanswered
//! command (the library's pool does that), the late answer would count as the next message's.

mod message;
mod settings;

use std::{fmt, time::Duration};

use chrono::{DateTime, Utc};
use lettre::{
    Message,
    message::Mailbox,
    transport::smtp::{
        Error,
        authentication::Mechanism,
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        extension::ClientId,
    },
};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use self::settings::{Security, Server};
use super::render::{Rendered, one_line};

/// For one message, from connecting to the server's last answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// For the goodbye, which changes nothing.
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);
const MAX_ANSWER_CHARS: usize = 300;
/// Refusals that are about the sign-in and not about the message.
const SIGN_IN_CODES: [&str; 4] = ["530", "534", "535", "538"];

/// The mail server and the sender, as configured.
pub struct Smtp {
    server: Server,
    tls: Option<TlsParameters>,
    hello: ClientId,
    sender: Mailbox,
    timeout: Duration,
}

/// Why the mail settings cannot be used; the text is for the operator and holds no secret.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

/// A message was not delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{answer}")]
pub struct SendError {
    /// The same message would be refused again; otherwise it is worth another try later.
    pub permanent: bool,
    /// What the server answered or what went wrong: one line of at most 300 characters.
    pub answer: String,
}

impl Smtp {
    /// Reads the settings; nothing is connected yet.
    ///
    /// `url` is `smtps://user:password@host:port` for TLS from the start (port 465 if left out)
    /// or `smtp://…` for STARTTLS, without which nothing is sent (587). To a loopback host
    /// `smtp://` is plain text (25) unless the URL ends in `?tls=required`.
    /// `from` is `name@example.com` or `Name <name@example.com>`.
    ///
    /// # Errors
    /// A text that says what is wrong with either of them.
    pub fn new(url: &SecretString, from: &str) -> Result<Self, ConfigError> {
        let server = Server::parse(url.expose_secret())?;
        let tls = match server.security {
            Security::Plain => None,
            Security::StartTls | Security::Tls => Some(server.tls(None)?),
        };
        let sender = settings::sender(from)?;
        Ok(Self { server, tls, hello: ClientId::default(), sender, timeout: TIMEOUT })
    }

    /// Trusts the certificates in this PEM text beside the system's.
    ///
    /// # Errors
    /// When the text holds no certificate.
    pub fn trusting(mut self, pem: &str) -> Result<Self, ConfigError> {
        let certificate = match Certificate::from_pem(pem.as_bytes()) {
            Ok(certificate) if pem.contains("BEGIN CERTIFICATE") => certificate,
            _ => return Err(ConfigError::new("the mail server's certificates are no PEM text")),
        };
        if self.tls.is_some() {
            self.tls = Some(self.server.tls(Some(certificate))?);
        }
        Ok(self)
    }

    /// Gives up on a message after this time instead of 30 s.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Hands one message to the server. `message_id` becomes the `Message-ID`: `unique@domain`,
    /// the same at every attempt, so that a message sent twice can be told.
    ///
    /// # Errors
    /// Permanent: an address or id that no message can have, and refusals of the message itself
    /// (5xx). Everything else may pass: no connection, no TLS, a refused sign-in, 4xx, silence
    /// for 30 s. After silence the server may have taken the message all the same.
    pub async fn send(
        &self,
        to: &str,
        rendered: &Rendered,
        message_id: &str,
        date: DateTime<Utc>,
    ) -> Result<(), SendError> {
        let message = message::build(&self.sender, to, rendered, message_id, date)
            .map_err(|reason| SendError::new(true, &reason))?;
        match timeout(self.timeout, Box::pin(self.deliver(&message))).await {
            Ok(result) => {
                let mut connection = result?;
                // Not awaited: the message is with the server already.
                tokio::spawn(async move { timeout(QUIT_TIMEOUT, connection.quit()).await.is_ok() });
                Ok(())
            }
            Err(_) => Err(SendError::new(false, &format!("the mail server did not answer within {:?}", self.timeout))),
        }
    }

    async fn deliver(&self, message: &Message) -> Result<AsyncSmtpConnection, SendError> {
        let mut connection = self.connect().await.map_err(|error| SendError::new(false, &in_words(&error)))?;
        match connection.send(message.envelope(), &message.formatted()).await {
            Ok(_) => Ok(connection),
            Err(error) => Err(SendError::new(is_permanent(&error, message), &in_words(&error))),
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let from_the_start = self.server.security == Security::Tls;
        let mut connection = AsyncSmtpConnection::connect_tokio1(
            (self.server.host.as_str(), self.server.port),
            Some(self.timeout),
            &self.hello,
            self.tls.clone().filter(|_| from_the_start),
            None,
        )
        .await?;
        if let Some(tls) = self.tls.clone().filter(|_| !from_the_start) {
            connection.starttls(tls, &self.hello).await?;
        }
        if let Some(credentials) = &self.server.credentials {
            connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await?;
        }
        Ok(connection)
    }
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").field("server", &self.server).field("sender", &self.sender).finish_non_exhaustive()
    }
}

impl ConfigError {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl SendError {
    fn new(permanent: bool, answer: &str) -> Self {
        Self { permanent, answer: one_line(answer).chars().take(MAX_ANSWER_CHARS).collect() }
    }
}

/// Whether sending this very message again is pointless.
fn is_permanent(error: &Error, message: &Message) -> bool {
    if error.is_client() {
        // The server cannot take such an address (no SMTPUTF8).
        return message.envelope().to().iter().any(|to| !to.to_string().is_ascii());
    }
    let code = error.status().map(|code| code.to_string()).unwrap_or_default();
    error.is_permanent() && !SIGN_IN_CODES.contains(&code.as_str())
}

fn in_words(error: &Error) -> String {
    match (error.status(), std::error::Error::source(error)) {
        (Some(code), Some(text)) => format!("{code} {text}"),
        _ => error.to_string(),
    }
}
