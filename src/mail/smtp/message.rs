//! From rendered words to a MIME message, by typed parts only.

use std::{error::Error, time::SystemTime};

use chrono::{DateTime, Utc};
use lettre::{
    Address, Message,
    message::{
        Body, Mailbox, MultiPart, MultiPartKind, SinglePart,
        header::{ContentTransferEncoding, ContentType, Header, HeaderName, HeaderValue},
    },
};

use crate::mail::render::{Rendered, one_line};

/// `=_` cannot occur in a quoted-printable part, so no text can end one early.
const BOUNDARY: &str = "=_roster";
/// RFC 5322, 2.1.1: a line has at most 998 characters.
const MAX_ID_BYTES: usize = 900;

/// RFC 3834: keeps out-of-office notices from answering.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// The message, or why there can be none.
pub(super) fn build(
    sender: &Mailbox,
    to: &str,
    rendered: &Rendered,
    id: &str,
    date: DateTime<Utc>,
) -> Result<Message, String> {
    let recipient: Address = to.parse().map_err(|error| format!("not an e-mail address: {error}"))?;
    if id.is_empty() || id.len() > MAX_ID_BYTES || !id.bytes().all(fits_an_id) {
        return Err("not a message id".to_owned());
    }
    let parts = MultiPart::builder()
        .kind(MultiPartKind::Alternative)
        .boundary(BOUNDARY)
        .singlepart(part(ContentType::TEXT_PLAIN, &rendered.text)?)
        .singlepart(part(ContentType::TEXT_HTML, &rendered.html)?);
    Message::builder()
        .from(sender.clone())
        .to(Mailbox::new(None, recipient))
        .subject(one_line(&rendered.subject))
        .date(SystemTime::from(date))
        .message_id(Some(format!("<{id}>")))
        .header(AutoSubmitted)
        .multipart(parts)
        .map_err(|error| format!("no message can be made: {error}"))
}

fn fits_an_id(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>')
}

/// Always encoded: what the text holds can then be mistaken neither for a header nor for the end
/// of the message.
fn part(kind: ContentType, text: &str) -> Result<SinglePart, String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    match Body::new_with_encoding(text, ContentTransferEncoding::QuotedPrintable) {
        Ok(body) => Ok(SinglePart::builder().header(kind).body(body)),
        Err(_) => Err("the text cannot be encoded".to_owned()),
    }
}
