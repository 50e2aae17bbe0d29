//! A mail server on a loopback port that keeps what it is given and fails when told to.

mod session;

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use mail_parser::MessageParser;
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};

/// One message as it arrived.
#[derive(Debug, Clone)]
pub struct Mail {
    /// `MAIL FROM` without the brackets.
    pub from: String,
    /// Every `RCPT TO`.
    pub to: Vec<String>,
    /// Headers and body, CRLF line ends, transparency dots removed.
    pub raw: String,
    /// Whether it came over TLS.
    pub encrypted: bool,
    /// The decoded credentials of `AUTH PLAIN`, if there were any.
    pub login: Option<String>,
}

/// What is to happen to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The recipient is refused with this code.
    Refuse(u16),
    /// The command for the recipient is never answered.
    Silence,
    /// The message is kept, but the connection ends before the answer.
    TakeAndHangUp,
}

/// The server. It stops when dropped.
pub struct Smtp {
    address: SocketAddr,
    shared: Arc<Shared>,
    certificate: Option<String>,
    task: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    mails: Mutex<Vec<Mail>>,
    faults: Mutex<VecDeque<Fault>>,
    tls: Option<TlsAcceptor>,
    /// TLS from the first byte instead of after STARTTLS.
    implicit: bool,
}

impl Smtp {
    /// A server without TLS.
    pub async fn start() -> Self {
        Self::start_with(Shared::default(), None).await
    }

    /// A server that takes mail only after STARTTLS, with a certificate for `localhost`.
    pub async fn start_with_starttls() -> Self {
        Self::start_with_certificate(false).await
    }

    /// A server that speaks TLS from the first byte, with a certificate for `localhost`.
    pub async fn start_with_tls() -> Self {
        Self::start_with_certificate(true).await
    }

    async fn start_with_certificate(implicit: bool) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config =
            ServerConfig::builder().with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
        let tls = Some(TlsAcceptor::from(Arc::new(config)));
        Self::start_with(Shared { tls, implicit, ..Shared::default() }, Some(made.cert.pem())).await
    }

    async fn start_with(shared: Shared, certificate: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Self { address, shared: Arc::new(shared), certificate, task: Mutex::default() };
        server.serve(listener);
        server
    }

    /// `smtp://localhost:port`, or `smtps://` for a server that speaks TLS from the first byte.
    pub fn url(&self) -> String {
        let scheme = if self.shared.implicit { "smtps" } else { "smtp" };
        format!("{scheme}://localhost:{}", self.address.port())
    }

    /// The certificate to trust, as PEM.
    pub fn certificate(&self) -> &str {
        self.certificate.as_deref().unwrap()
    }

    /// All messages taken so far, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.shared.mails.lock().unwrap().clone()
    }

    /// Waits until at least this many messages are here, at most 10 s.
    pub async fn wait_for(&self, count: usize) -> Vec<Mail> {
        let enough = async {
            while self.mails().len() < count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let arrived = timeout(Duration::from_secs(10), enough).await.is_ok();
        let mails = self.mails();
        assert!(arrived, "{} of {count} messages after 10 s: {mails:#?}", mails.len());
        mails
    }

    /// Lets the next `count` messages fail in this way.
    pub fn fail_next(&self, count: usize, fault: Fault) {
        self.shared.faults.lock().unwrap().extend(std::iter::repeat_n(fault, count));
    }

    /// Closes the port and every connection.
    pub async fn down(&self) {
        let task = self.task.lock().unwrap().take();
        if let Some(task) = task {
            task.abort();
            task.await.unwrap_err();
        }
    }

    /// Opens the same port again.
    pub async fn up(&self) {
        self.serve(TcpListener::bind(self.address).await.unwrap());
    }

    fn serve(&self, listener: TcpListener) {
        let shared = Arc::clone(&self.shared);
        let task = tokio::spawn(async move {
            let mut sessions = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                sessions.spawn(session::run(stream, Arc::clone(&shared)));
            }
        });
        *self.task.lock().unwrap() = Some(task);
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        if let Some(task) = self.task.lock().unwrap().take() {
            task.abort();
        }
    }
}

impl Mail {
    /// A header's decoded text.
    pub fn header(&self, name: &str) -> Option<String> {
        let message = MessageParser::default().parse(&self.raw)?;
        let value = message.header(name)?;
        value.as_text().map(str::to_owned)
    }

    /// A header as it was sent, unfolded.
    pub fn raw_header(&self, name: &str) -> Option<String> {
        let head = self.raw.split("\r\n\r\n").next()?.replace("\r\n ", " ");
        head.lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.to_owned())
    }

    /// The names of all headers in their order.
    pub fn header_names(&self) -> Vec<String> {
        let message = MessageParser::default().parse(&self.raw).unwrap();
        message.headers().iter().map(|header| header.name().to_owned()).collect()
    }

    /// The decoded subject.
    pub fn subject(&self) -> String {
        MessageParser::default().parse(&self.raw).unwrap().subject().unwrap().to_owned()
    }

    /// The decoded plain text, lines end in LF.
    pub fn text(&self) -> String {
        let message = MessageParser::default().parse(&self.raw).unwrap();
        assert_eq!(message.text_body_count(), 1);
        message.body_text(0).unwrap().replace("\r\n", "\n")
    }

    /// The decoded HTML, lines end in LF.
    pub fn html(&self) -> String {
        let message = MessageParser::default().parse(&self.raw).unwrap();
        assert_eq!(message.html_body_count(), 1);
        message.body_html(0).unwrap().replace("\r\n", "\n")
    }
}
