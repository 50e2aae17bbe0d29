//! How a connection to PostgreSQL is made: timeouts on everything, TLS wherever the network is not the
//! machine's own.

use std::{sync::Arc, time::Duration};

use diesel::{ConnectionError, ConnectionResult};
use futures_util::{
    StreamExt,
    stream::{BoxStream, poll_fn},
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, config::Host};
use tokio_postgres_rustls::MakeRustlsConnect;
use url::form_urlencoded::{self, Serializer};

use super::Connection;

/// What a statement, a lock and an idle transaction may take. `client_connection_check_interval` frees the
/// locks of a client that went away within half a second.
const SESSION: &str = "-c statement_timeout=5s -c lock_timeout=2s -c idle_in_transaction_session_timeout=10s \
                       -c client_connection_check_interval=500ms";

/// A checked `postgres://` URL.
#[derive(Clone)]
pub struct ConnectionUrl {
    config: Config,
    tls: Option<Arc<ClientConfig>>,
    text: SecretString,
}

impl ConnectionUrl {
    /// Reads a URL as libpq takes it. `sslmode` is `verify-full` unless the server is on this machine (a
    /// unix socket or loopback), where it is `disable`; other modes are refused, as they protect against
    /// nobody who can change what the network carries. `sslrootcert` names a PEM file of authorities to
    /// trust instead of the system's.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the URL; it does not repeat the password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (server, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut mode, mut authorities, mut rest) = (None, None, Serializer::new(String::new()));
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "sslmode" => mode = Some(value.into_owned()),
                "sslrootcert" => authorities = Some(value.into_owned()),
                _ => {
                    rest.append_pair(&key, &value);
                }
            }
        }
        if !["postgres://", "postgresql://"].iter().any(|scheme| server.starts_with(scheme)) {
            return Err("it does not start with postgres://".to_owned());
        }
        let url = format!("{server}?{}", rest.finish());
        let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| error_with_causes(&error))?;
        config.connect_timeout(Duration::from_secs(3)).tcp_user_timeout(Duration::from_secs(5));
        let options = config.get_options().map_or_else(|| SESSION.to_owned(), |own| format!("{SESSION} {own}"));
        config.options(options).application_name("roster");
        let tls = match mode.as_deref() {
            None if is_local(&config) => None,
            Some("disable") => None,
            None | Some("verify-full") => Some(Arc::new(verify_full(authorities.as_deref())?)),
            Some(other) => {
                return Err(format!(
                    "sslmode={other} is not supported: use verify-full, or disable on a network of your own"
                ));
            }
        };
        if tls.is_some() {
            config.ssl_mode(tokio_postgres::config::SslMode::Require);
        } else {
            config.ssl_mode(tokio_postgres::config::SslMode::Disable);
        }
        Ok(Self { config, tls, text: text.to_owned().into() })
    }

    /// The same server, another database.
    ///
    /// # Errors
    /// As [`Self::parse`]; also when the URL names no database that could be replaced.
    pub fn with_database(&self, name: &str) -> Result<Self, String> {
        let text = self.text.expose_secret();
        let (server, query) = text.split_once('?').unwrap_or((text, ""));
        let (server, _) = server.rsplit_once('/').ok_or("it names no database")?;
        Self::parse(&format!("{server}/{name}?{query}"))
    }

    /// The same database, with a setting of its own for the session.
    #[must_use]
    pub fn with_setting(&self, setting: &str) -> Self {
        let mut url = self.clone();
        url.config.options(format!("{} -c {setting}", self.config.get_options().unwrap_or_default()));
        url
    }

    /// The URL itself, password included.
    pub fn text(&self) -> &SecretString {
        &self.text
    }

    /// Connects.
    ///
    /// # Errors
    /// When the server cannot be reached, is not who it should be, or refuses.
    pub async fn connect(&self) -> ConnectionResult<Connection> {
        Ok(self.connect_watched().await?.0)
    }

    /// Connects, with the task that ends when the connection does.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn connect_watched(&self) -> ConnectionResult<(Connection, JoinHandle<()>)> {
        let refused = |error: tokio_postgres::Error| ConnectionError::BadConnection(error_with_causes(&error));
        let (client, mut messages) = self.connect_to_listen().await.map_err(refused)?;
        let task = tokio::spawn(async move { while let Some(Ok(_)) = messages.next().await {} });
        Ok((Connection::try_from(client).await?, task))
    }

    /// Connects for notifications, which the stream answers as long as it is polled; so do the client's statements.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn connect_to_listen(&self) -> Result<(Client, Messages), tokio_postgres::Error> {
        match &self.tls {
            None => {
                let (client, mut connection) = self.config.connect(NoTls).await?;
                Ok((client, poll_fn(move |context| connection.poll_message(context)).boxed()))
            }
            Some(tls) => {
                let connector = MakeRustlsConnect::new(ClientConfig::clone(tls));
                let (client, mut connection) = self.config.connect(connector).await?;
                Ok((client, poll_fn(move |context| connection.poll_message(context)).boxed()))
            }
        }
    }
}

/// What a server sends unasked.
pub type Messages = BoxStream<'static, Result<AsyncMessage, tokio_postgres::Error>>;

fn error_with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string);
    causes.collect::<Vec<_>>().join(": ")
}

fn is_local(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    })
}

fn verify_full(authorities: Option<&str>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = authorities {
        let pem = std::fs::read(file).map_err(|error| format!("sslrootcert {file} cannot be read: {error}"))?;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| format!("sslrootcert {file}: {error}"))?;
            roots.add(certificate).map_err(|error| format!("sslrootcert {file}: {error}"))?;
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if roots.is_empty() {
        return Err("no certificate authority to trust was found; name one with sslrootcert".to_owned());
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encrypts_wherever_the_network_is_not_the_machines_own() {
        let is_encrypted = |url: &str| ConnectionUrl::parse(url).map(|url| url.tls.is_some());
        assert_eq!(is_encrypted("postgres://roster@localhost/roster"), Ok(false));
        assert_eq!(is_encrypted("postgres://roster@127.0.0.1/roster"), Ok(false));
        assert_eq!(is_encrypted("postgres://roster@/roster?host=/tmp"), Ok(false));
        assert_eq!(is_encrypted("postgres://roster@db.example/roster?sslmode=disable"), Ok(false));
        assert!(is_encrypted("postgres://roster@db.example/roster?sslmode=require").is_err());
        assert!(is_encrypted("postgres://roster@db.example/roster?sslmode=verify-full&sslrootcert=/nowhere").is_err());
        assert!(is_encrypted("not a url").is_err());
    }
}
