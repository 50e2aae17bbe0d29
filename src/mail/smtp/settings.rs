//! Reading `ROSTER_SMTP_URL` and `ROSTER_MAIL_FROM`.

use std::net::IpAddr;

use lettre::{
    message::Mailbox,
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, TlsParameters},
    },
};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::ConfigError;

/// Where the server is and how it is talked to.
#[derive(Debug)]
pub(super) struct Server {
    /// A name or a bare IP address.
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub credentials: Option<Credentials>,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    /// Not at all: only to this machine.
    Plain,
    /// STARTTLS before anything else is said; without it nothing is sent.
    StartTls,
    /// TLS from the first byte.
    Tls,
}

impl Security {
    fn default_port(self) -> u16 {
        match self {
            Self::Plain => 25,
            Self::StartTls => 587,
            Self::Tls => 465,
        }
    }
}

impl Server {
    pub(super) fn parse(text: &str) -> Result<Self, ConfigError> {
        if !text.starts_with("smtp://") && !text.starts_with("smtps://") {
            return Err(ConfigError::new("the mail server's URL must begin with smtps:// (TLS) or smtp:// (STARTTLS)"));
        }
        let url = Url::parse(text).map_err(|error| {
            ConfigError::new(format!(
                "the mail server's URL cannot be read ({error}); special characters in the user \
                 name and password are written as %XX"
            ))
        })?;
        let host = host(&url)?;
        let security = security(&url, &host)?;
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(ConfigError::new("the mail server's URL ends after host and port"));
        }
        let port = url.port().unwrap_or(security.default_port());
        Ok(Self { host, port, security, credentials: credentials(&url)? })
    }

    /// The certificates to trust: the system's, and these.
    pub(super) fn tls(&self, extra: Option<Certificate>) -> Result<TlsParameters, ConfigError> {
        let mut builder = TlsParameters::builder(self.host.clone());
        if let Some(certificate) = extra {
            builder = builder.add_root_certificate(certificate);
        }
        builder.build().map_err(|error| ConfigError::new(format!("TLS to the mail server: {error}")))
    }
}

pub(super) fn sender(text: &str) -> Result<Mailbox, ConfigError> {
    match text.parse::<Mailbox>() {
        Ok(sender) if sender.email.to_string().is_ascii() && !text.contains(char::is_control) => Ok(sender),
        _ => Err(ConfigError::new("the sender must look like name@example.com or Name <name@example.com>")),
    }
}

fn host(url: &Url) -> Result<String, ConfigError> {
    let host = match url.host() {
        Some(Host::Domain(name)) => name.to_ascii_lowercase(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => String::new(),
    };
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.is_empty() || !host.chars().all(valid) {
        return Err(ConfigError::new("the mail server's URL must look like smtps://user:password@host:port"));
    }
    Ok(host)
}

fn security(url: &Url, host: &str) -> Result<Security, ConfigError> {
    match (url.scheme(), url.query()) {
        ("smtps", None) => Ok(Security::Tls),
        ("smtp", None) if is_loopback(host) => Ok(Security::Plain),
        ("smtp", None | Some("tls=required")) => Ok(Security::StartTls),
        _ => Err(ConfigError::new("the mail server's URL takes no option but smtp://…?tls=required")),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn credentials(url: &Url) -> Result<Option<Credentials>, ConfigError> {
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        (user, Some(password)) if !user.is_empty() && !password.is_empty() => {
            Ok(Some(Credentials::new(decoded(user)?, decoded(password)?)))
        }
        _ => Err(ConfigError::new("the mail server's URL needs both a user name and a password, or neither")),
    }
}

fn decoded(part: &str) -> Result<String, ConfigError> {
    match percent_decode_str(part).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(ConfigError::new("user name and password in the mail server's URL are no UTF-8")),
    }
}
