//! One mail, from what the database knows of it to what is sent.

use url::Url;

use super::render::{InvitationMail, Rendered};
use crate::{app::App, store::mails::Letter};

/// A mail as its reader gets it, the same however often it is written.
pub struct Message {
    /// What accepts the invitation.
    pub token: String,
    /// The page that takes the token.
    pub link: Url,
    /// `Message-ID`, without the angle brackets.
    pub id: String,
    /// Subject, text and HTML.
    pub words: Rendered,
}

impl Message {
    /// Writes the mail.
    pub fn of(letter: &Letter, app: &App) -> Self {
        let mail = &letter.mail;
        let token = app.token(mail.organization_id, mail.invitation_id, mail.token_version);
        let link = app.accept_link(&token);
        let host = app.accept_url.host_str().unwrap_or("roster.invalid");
        let id = format!("{}.{}@{host}", mail.invitation_id, mail.token_version);
        let words = InvitationMail {
            to: letter.to.as_str(),
            organization_name: &letter.organization_name,
            project_name: letter.project_name.as_deref(),
            inviter_name: letter.inviter_name.as_deref().unwrap_or("An administrator"),
            role_name: &letter.role_name,
            message: letter.message.as_deref(),
            expires_at: letter.expires_at,
            accept_url: link.as_str(),
        };
        Self { words: words.render(), token, link, id }
    }
}
