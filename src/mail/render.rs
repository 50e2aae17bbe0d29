//! The words of the messages, as plain text and as HTML.
//!
//! Values come from people. Names are put on one line without control or direction characters, so
//! that they can neither start a new header or paragraph nor turn the text around them; the
//! personal message is quoted line by line; in HTML everything is escaped.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

/// Longest name in a subject, in characters.
const MAX_NAME_IN_SUBJECT: usize = 60;

/// What an invitation says.
#[derive(Debug, Clone, Copy)]
pub struct InvitationMail<'a> {
    /// The invited address.
    pub to: &'a str,
    /// The organization to join.
    pub organization_name: &'a str,
    /// The project to join in it, for a project invitation.
    pub project_name: Option<&'a str>,
    /// Who invites.
    pub inviter_name: &'a str,
    /// The role that waits, in the project if there is one.
    pub role_name: &'a str,
    /// Words from the inviter, in any number of lines.
    pub message: Option<&'a str>,
    /// When the invitation ends.
    pub expires_at: DateTime<Utc>,
    /// The page where the invitation can be accepted.
    pub accept_url: &'a str,
}

/// A message, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// The plain text, lines end in LF.
    pub text: String,
    /// The same as a whole HTML document without images, scripts or anything fetched.
    pub html: String,
}

/// The parts that text and HTML share, each on one line and not escaped.
struct Parts {
    inviter: String,
    goal: String,
    role: String,
    to: String,
    expiry: String,
    url: String,
    message: Vec<String>,
}

impl InvitationMail<'_> {
    /// Writes the message.
    pub fn render(&self) -> Rendered {
        let organization = one_line(self.organization_name);
        let project = self.project_name.map(one_line);
        let parts = Parts {
            inviter: one_line(self.inviter_name),
            goal: goal(&organization, project.as_deref()),
            role: one_line(self.role_name),
            to: one_line(self.to),
            expiry: self.expires_at.format("%-d %B %Y, %H:%M UTC").to_string(),
            url: one_line(self.accept_url),
            message: quoted_lines(self.message.unwrap_or_default()),
        };
        let subject = format!(
            "{} invited you to {}",
            shortened(&parts.inviter),
            goal(&shortened(&organization), project.as_deref().map(shortened).as_deref()),
        );
        Rendered { text: text(&parts), html: html(&subject, &parts), subject }
    }
}

fn goal(organization: &str, project: Option<&str>) -> String {
    match project {
        Some(project) => format!("{project} at {organization}"),
        None => organization.to_owned(),
    }
}

fn text(parts: &Parts) -> String {
    let Parts { inviter, goal, role, to, expiry, url, message } = parts;
    let quote = if message.is_empty() {
        String::new()
    } else {
        let lines: Vec<_> = message.iter().map(|line| format!("> {line}").trim_end().to_owned()).collect();
        format!("\n{inviter} wrote:\n\n{}\n", lines.join("\n"))
    };
    format!(
        "Hello,\n\
         \n\
         {inviter} invited you to join {goal} with the role {role}.\n\
         {quote}\n\
         To accept the invitation, open this link:\n\
         {url}\n\
         \n\
         It is meant for {to} and valid until {expiry}.\n\
         \n\
         If you did not expect this, you can ignore it.\n"
    )
}

fn html(subject: &str, parts: &Parts) -> String {
    let subject = escaped(subject);
    let [inviter, goal, role, to, expiry, url] =
        [&parts.inviter, &parts.goal, &parts.role, &parts.to, &parts.expiry, &parts.url].map(|value| escaped(value));
    let quote = if parts.message.is_empty() {
        String::new()
    } else {
        let lines: Vec<_> = parts.message.iter().map(|line| escaped(line)).collect();
        format!(
            "<p>{inviter} wrote:</p>\n<blockquote dir=\"auto\" style=\"{QUOTE}\">{}</blockquote>\n",
            lines.join("<br>\n")
        )
    };
    format!(
        "<!DOCTYPE html>\n\
         <html lang=\"en\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{subject}</title>\n\
         </head>\n\
         <body style=\"{BODY}\">\n\
         <div style=\"{CARD}\">\n\
         <p style=\"margin-top:0\">Hello,</p>\n\
         <p><strong>{inviter}</strong> invited you to join <strong>{goal}</strong> \
         with the role <strong>{role}</strong>.</p>\n\
         {quote}\
         <p style=\"margin:28px 0\"><a href=\"{url}\" style=\"{BUTTON}\">Accept the invitation</a></p>\n\
         <p style=\"{SMALL}\">Or open this link:<br>\n\
         <a href=\"{url}\" style=\"{LINK}\">{url}</a></p>\n\
         <p style=\"{SMALL}\">It is meant for {to} and valid until {expiry}.</p>\n\
         <p style=\"{SMALL};margin-bottom:0\">If you did not expect this, you can ignore it.</p>\n\
         </div>\n\
         </body>\n\
         </html>\n"
    )
}

const BODY: &str = "margin:0;padding:24px;background-color:#f4f5f7;color:#1f2933;\
    font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:16px;\
    line-height:1.5";
const CARD: &str = "max-width:560px;margin:0 auto;padding:32px;background-color:#ffffff;\
    border:1px solid #e1e5ea;border-radius:8px";
const QUOTE: &str = "margin:0;padding:4px 16px;border-left:4px solid #cbd2d9;color:#52606d";
const BUTTON: &str = "display:inline-block;padding:12px 24px;background-color:#1d4ed8;\
    color:#ffffff;border-radius:6px;text-decoration:none;font-weight:bold";
const SMALL: &str = "color:#52606d;font-size:14px";
const LINK: &str = "color:#1d4ed8;word-break:break-all";

/// Without control and direction characters, and with single spaces.
pub(super) fn one_line(value: &str) -> String {
    let clean: String = value.chars().filter_map(printable).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The lines of a personal message without blank ones at either end.
fn quoted_lines(message: &str) -> Vec<String> {
    let message = message.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n");
    let lines = message.trim().lines();
    let lines = lines.map(|line| line.chars().filter_map(printable).collect::<String>());
    lines.map(|line| line.trim_end().to_owned()).skip_while(String::is_empty).collect()
}

/// A control character becomes a space; one that changes the direction of the text is left out.
fn printable(character: char) -> Option<char> {
    match character {
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        '\u{2028}' | '\u{2029}' => Some(' '),
        other if other.is_control() => Some(' '),
        other => Some(other),
    }
}

fn shortened(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(MAX_NAME_IN_SUBJECT) {
        None => Cow::Borrowed(name),
        Some((end, _)) => Cow::Owned(format!("{}…", name.get(..end).unwrap_or(name).trim_end())),
    }
}

fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
