//! The server's side of one connection.

use std::{io, sync::Arc};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use super::{Fault, Mail, Shared};

/// Talks until the client leaves or a fault ends it.
pub async fn run(stream: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    let plain = Dialogue { shared: &shared, encrypted: false };
    let secure = Dialogue { shared: &shared, encrypted: true };
    match &shared.tls {
        Some(tls) if shared.implicit => {
            let mut stream = BufReader::new(tls.accept(stream).await?);
            stream.write_all(GREETING).await?;
            secure.run(&mut stream).await?;
        }
        tls => {
            let mut stream = BufReader::new(stream);
            stream.write_all(GREETING).await?;
            if let (Next::StartTls, Some(tls)) = (plain.run(&mut stream).await?, tls) {
                secure.run(&mut BufReader::new(tls.accept(stream.into_inner()).await?)).await?;
            }
        }
    }
    Ok(())
}

const GREETING: &[u8] = b"220 test ESMTP\r\n";

enum Next {
    StartTls,
    Close,
}

/// The commands of one connection until it ends or turns to TLS.
struct Dialogue<'a> {
    shared: &'a Shared,
    encrypted: bool,
}

impl Dialogue<'_> {
    async fn run<S>(&self, stream: &mut BufReader<S>) -> io::Result<Next>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut mail = self.blank();
        let mut fault = None;
        let mut line = String::new();
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(Next::Close);
            }
            let command = line.trim_end();
            let verb = command.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            let locked = self.shared.tls.is_some() && !self.encrypted;
            let reply = match verb.as_str() {
                "EHLO" if locked => "250-test\r\n250 STARTTLS".to_owned(),
                "EHLO" => "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN".to_owned(),
                "STARTTLS" if locked => {
                    stream.write_all(b"220 go on\r\n").await?;
                    return Ok(Next::StartTls);
                }
                "AUTH" if command.ends_with(' ') || command.split(' ').count() != 3 => {
                    "501 one line, please".to_owned()
                }
                "AUTH" => {
                    mail.login = command.split(' ').next_back().map(str::to_owned);
                    "235 welcome".to_owned()
                }
                "MAIL" if locked => "530 STARTTLS first".to_owned(),
                "MAIL" => {
                    mail = Mail { login: mail.login, ..self.blank() };
                    mail.from = bracketed(command);
                    fault = self.shared.faults.lock().unwrap().pop_front();
                    "250 ok".to_owned()
                }
                "RCPT" => match fault {
                    Some(Fault::Refuse(code)) => format!("{code}-told to\r\n{code} refuse this"),
                    Some(Fault::Silence) => std::future::pending().await,
                    _ => {
                        mail.to.push(bracketed(command));
                        "250 ok".to_owned()
                    }
                },
                "DATA" => {
                    stream.write_all(b"354 go ahead\r\n").await?;
                    match data(stream).await? {
                        None => "554 bare CR or LF".to_owned(),
                        Some(raw) => {
                            mail.raw = raw;
                            self.shared.mails.lock().unwrap().push(mail.clone());
                            if fault == Some(Fault::TakeAndHangUp) {
                                return Ok(Next::Close);
                            }
                            "250 taken".to_owned()
                        }
                    }
                }
                "NOOP" | "RSET" => "250 ok".to_owned(),
                "QUIT" => {
                    stream.write_all(b"221 bye\r\n").await?;
                    return Ok(Next::Close);
                }
                _ => "502 what?".to_owned(),
            };
            stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
            stream.flush().await?;
        }
    }

    fn blank(&self) -> Mail {
        Mail { from: String::new(), to: Vec::new(), raw: String::new(), encrypted: self.encrypted, login: None }
    }
}

/// The message up to the lone dot; nothing if a CR or LF in it is not part of a CRLF.
async fn data<S>(stream: &mut BufReader<S>) -> io::Result<Option<String>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut raw = String::new();
    let mut clean = true;
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line == ".\r\n" {
            return Ok(clean.then_some(raw));
        }
        let content = line.strip_suffix("\r\n");
        clean &= content.is_some_and(|content| !content.contains(['\r', '\n']));
        raw.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}

fn bracketed(command: &str) -> String {
    let inside = command.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map(|(address, _)| address.to_owned()).unwrap_or_default()
}
