//! Mail as a mail server gets it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use roster::mail::{
    render::{InvitationMail, Rendered},
    retry::retry_after,
    smtp::{SendError, Smtp},
};
use secrecy::SecretString;

use crate::support::smtp::{Fault, Mail, Smtp as Server};

const FROM: &str = "Roster <no-reply@example.com>";
const ID: &str = "invitation-7.1@roster.example.com";
const LINK: &str = "https://app.example.com/invitations/accept?id=7&token=tLKgxnk5k0aM2Wd2eBzIDKJmv-Tt5wUX9F4aHcB3mXo";

fn date() -> DateTime<Utc> {
    "2031-05-06T07:08:09Z".parse().unwrap()
}

fn invitation() -> InvitationMail<'static> {
    InvitationMail {
        to: "grace@example.org",
        organization_name: "Analytical Engines",
        project_name: None,
        inviter_name: "Ada Lovelace",
        role_name: "Member",
        message: None,
        expires_at: date() + TimeDelta::days(7),
        accept_url: LINK,
    }
}

fn client(url: &str) -> Result<Smtp, String> {
    Smtp::new(&SecretString::from(url), FROM).map_err(|error| error.to_string())
}

async fn send(client: &Smtp, rendered: &Rendered) -> Result<(), SendError> {
    client.send("grace@example.org", rendered, ID, date()).await
}

/// What arrives when this is sent.
async fn delivered(invitation: InvitationMail<'_>) -> Mail {
    let server = Server::start().await;
    send(&client(&server.url()).unwrap(), &invitation.render()).await.unwrap();
    server.wait_for(1).await.remove(0)
}

#[test]
fn an_invitation_reads_well() {
    let rendered = invitation().render();
    insta::assert_snapshot!(rendered.subject, @"Ada Lovelace invited you to Analytical Engines");
    insta::assert_snapshot!(rendered.text, @r"
    Hello,

    Ada Lovelace invited you to join Analytical Engines with the role Member.

    To accept the invitation, open this link:
    https://app.example.com/invitations/accept?id=7&token=tLKgxnk5k0aM2Wd2eBzIDKJmv-Tt5wUX9F4aHcB3mXo

    It is meant for grace@example.org and valid until 13 May 2031, 07:08 UTC.

    If you did not expect this, you can ignore it.
    ");
    insta::assert_snapshot!(rendered.html, @r#"
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Ada Lovelace invited you to Analytical Engines</title>
    </head>
    <body style="margin:0;padding:24px;background-color:#f4f5f7;color:#1f2933;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:16px;line-height:1.5">
    <div style="max-width:560px;margin:0 auto;padding:32px;background-color:#ffffff;border:1px solid #e1e5ea;border-radius:8px">
    <p style="margin-top:0">Hello,</p>
    <p><strong>Ada Lovelace</strong> invited you to join <strong>Analytical Engines</strong> with the role <strong>Member</strong>.</p>
    <p style="margin:28px 0"><a href="https://app.example.com/invitations/accept?id=7&amp;token=tLKgxnk5k0aM2Wd2eBzIDKJmv-Tt5wUX9F4aHcB3mXo" style="display:inline-block;padding:12px 24px;background-color:#1d4ed8;color:#ffffff;border-radius:6px;text-decoration:none;font-weight:bold">Accept the invitation</a></p>
    <p style="color:#52606d;font-size:14px">Or open this link:<br>
    <a href="https://app.example.com/invitations/accept?id=7&amp;token=tLKgxnk5k0aM2Wd2eBzIDKJmv-Tt5wUX9F4aHcB3mXo" style="color:#1d4ed8;word-break:break-all">https://app.example.com/invitations/accept?id=7&amp;token=tLKgxnk5k0aM2Wd2eBzIDKJmv-Tt5wUX9F4aHcB3mXo</a></p>
    <p style="color:#52606d;font-size:14px">It is meant for grace@example.org and valid until 13 May 2031, 07:08 UTC.</p>
    <p style="color:#52606d;font-size:14px;margin-bottom:0">If you did not expect this, you can ignore it.</p>
    </div>
    </body>
    </html>
    "#);
}

#[test]
fn a_project_invitation_with_a_message_reads_well() {
    let rendered = InvitationMail {
        project_name: Some("Bernoulli"),
        message: Some("\r\n\r\nHi Grace,\r\n\r\nwe need a compiler <soon> & a \"moth\".\r\nAda\r\n"),
        ..invitation()
    }
    .render();
    insta::assert_snapshot!(rendered.subject, @"Ada Lovelace invited you to Bernoulli at Analytical Engines");
    insta::assert_snapshot!(rendered.text, @r#"
    Hello,

    Ada Lovelace invited you to join Bernoulli at Analytical Engines with the role Member.

    Ada Lovelace wrote:

    > Hi Grace,
    >
    > we need a compiler <soon> & a "moth".
    > Ada

    To accept the invitation, open this link:
    https://app.example.com/invitations/accept?id=7&token=tLKgxnk5k0aM2Wd2eBzIDKJmv-Tt5wUX9F4aHcB3mXo

    It is meant for grace@example.org and valid until 13 May 2031, 07:08 UTC.

    If you did not expect this, you can ignore it.
    "#);
    let quote = rendered.html.split("<blockquote").nth(1).unwrap();
    insta::assert_snapshot!(quote.split("</blockquote>").next().unwrap(), @r#"
     dir="auto" style="margin:0;padding:4px 16px;border-left:4px solid #cbd2d9;color:#52606d">Hi Grace,<br>
    <br>
    we need a compiler &lt;soon&gt; &amp; a &quot;moth&quot;.<br>
    Ada
    "#);
}

#[tokio::test]
async fn a_message_arrives_with_both_parts_and_its_headers() {
    let rendered = invitation().render();
    let mail = delivered(invitation()).await;
    assert_eq!(
        (mail.from.as_str(), mail.to.as_slice()),
        ("no-reply@example.com", &["grace@example.org".to_owned()][..])
    );
    assert_eq!((mail.subject(), mail.text(), mail.html()), (rendered.subject, rendered.text, rendered.html));
    assert!(mail.raw.is_ascii());

    let headers = mail.header_names();
    let lines: Vec<_> = headers.iter().map(|name| format!("{name}: {}", mail.raw_header(name).unwrap())).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    From: Roster <no-reply@example.com>
    To: grace@example.org
    Subject: Ada Lovelace invited you to Analytical Engines
    Date: Tue, 06 May 2031 07:08:09 +0000
    Message-ID: <invitation-7.1@roster.example.com>
    Auto-Submitted: auto-generated
    MIME-Version: 1.0
    Content-Type: multipart/alternative; boundary="=_roster"
    "#);
}

#[tokio::test]
async fn the_same_message_is_the_same_bytes() {
    assert_eq!(delivered(invitation()).await.raw, delivered(invitation()).await.raw);
}

#[tokio::test]
async fn names_in_any_script_arrive() {
    let mail = delivered(InvitationMail {
        organization_name: "Société Générale d’Électricité",
        project_name: Some("東京プロジェクト"),
        inviter_name: "Зоя 🚀",
        message: Some("…\n.\n..dots\nFrom here"),
        ..invitation()
    })
    .await;
    assert_eq!(mail.subject(), "Зоя 🚀 invited you to 東京プロジェクト at Société Générale d’Électricité");
    assert!(mail.text().contains("\n> …\n> .\n> ..dots\n> From here\n"), "{}", mail.text());
    assert!(mail.html().contains("<strong>東京プロジェクト at Société Générale d’Électricité</strong>"));
    assert!(mail.raw.is_ascii());
    assert!(mail.raw.lines().all(|line| line.len() <= 78), "{}", mail.raw);
}

#[tokio::test]
async fn nothing_that_people_write_becomes_a_header_or_markup() {
    let rude = "Eve\r\nBcc: victim@example.net\r\n\r\n<script>alert(1)</script>\u{202e}\u{0}";
    let mail = delivered(InvitationMail {
        organization_name: rude,
        project_name: Some(rude),
        inviter_name: rude,
        role_name: rude,
        message: Some("\r\n.\r\nMAIL FROM:<eve@example.net>\r\n--=_roster\r\n\r\nx\rBcc: y\n.\n"),
        accept_url: "https://app.example.com/?a=\"><script>",
        ..invitation()
    })
    .await;
    assert_eq!(mail.to, ["grace@example.org"]);
    let plain = delivered(invitation()).await;
    assert_eq!(mail.header_names(), plain.header_names());
    assert!(!mail.subject().contains(char::is_control));
    assert!(!mail.subject().contains('\u{202e}'));
    assert!(!mail.html().contains("<script"));
    assert!(!mail.html().contains("?a=\""));
    assert!(mail.text().contains("\n> .\n> MAIL FROM:<eve@example.net>\n> --=_roster\n>\n> x\n> Bcc: y\n> .\n"));
}

#[tokio::test]
async fn a_subject_from_elsewhere_is_one_line_too() {
    let server = Server::start().await;
    let rendered = Rendered { subject: "a\r\nBcc: b@example.net\r\n\r\nc".to_owned(), ..invitation().render() };
    send(&client(&server.url()).unwrap(), &rendered).await.unwrap();
    assert_eq!(server.mails()[0].subject(), "a Bcc: b@example.net c");
    assert!(server.mails()[0].header("Bcc").is_none());
}

#[tokio::test]
async fn bad_addresses_and_ids_are_refused_for_good() {
    let server = Server::start().await;
    let client = client(&server.url()).unwrap();
    let rendered = invitation().render();
    for to in [
        "",
        "grace",
        "grace@example.org\r\nRCPT TO:<eve@example.net>",
        "grace@example.org\r\nBcc: eve@example.net",
        "grace@example.org, eve@example.net",
        "<grace@example.org>",
        "grace @example.org",
        "grace\u{0}@example.org",
    ] {
        let error = client.send(to, &rendered, ID, date()).await.unwrap_err();
        assert!(error.permanent, "{to}: {error}");
    }
    for id in ["", "a b@c", "a\r\nBcc: b@c", "<a@b>", "ä@b"] {
        let error = client.send("grace@example.org", &rendered, id, date()).await.unwrap_err();
        assert!(error.permanent, "{id}: {error}");
    }
    let no_utf8 = client.send("grâce@example.org", &rendered, ID, date()).await.unwrap_err();
    assert!(no_utf8.permanent, "{no_utf8}");
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn refusals_are_for_now_or_for_good() {
    let server = Server::start().await;
    let client = client(&server.url()).unwrap();
    let rendered = invitation().render();
    for (code, permanent) in [(451, false), (421, false), (550, true), (552, true), (530, false)] {
        server.fail_next(1, Fault::Refuse(code));
        let error = send(&client, &rendered).await.unwrap_err();
        assert_eq!(error, SendError { permanent, answer: format!("{code} told to refuse this") });
    }
    assert!(server.mails().is_empty());
    send(&client, &rendered).await.unwrap();
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_down_is_worth_another_try() {
    let server = Server::start().await;
    let client = client(&server.url()).unwrap();
    let rendered = invitation().render();
    send(&client, &rendered).await.unwrap();

    server.down().await;
    let error = send(&client, &rendered).await.unwrap_err();
    assert!(!error.permanent);
    assert!(error.answer.contains("refused"), "{error}");

    server.up().await;
    send(&client, &rendered).await.unwrap();
    assert_eq!(server.mails().len(), 2);
}

#[tokio::test]
async fn silence_ends_after_the_timeout() {
    let server = Server::start().await;
    let client = client(&server.url()).unwrap().with_timeout(Duration::from_millis(200));
    let rendered = invitation().render();
    server.fail_next(1, Fault::Silence);
    let error = send(&client, &rendered).await.unwrap_err();
    assert_eq!(error, SendError { permanent: false, answer: "the mail server did not answer within 200ms".into() });
    server.fail_next(1, Fault::TakeAndHangUp);
    assert!(!send(&client, &rendered).await.unwrap_err().permanent);
    send(&client, &rendered).await.unwrap();
    assert_eq!(server.mails().len(), 2, "the first of them without an answer");
}

#[tokio::test]
async fn starttls_before_anything_else() {
    let server = Server::start_with_starttls().await;
    let address = server.url().replace("smtp://", "smtp://ada:p%40ss@");
    let url = format!("{address}?tls=required");
    let rendered = invitation().render();

    let trusting = client(&url).unwrap().trusting(server.certificate()).unwrap();
    send(&trusting, &rendered).await.unwrap();
    let mail = server.mails().remove(0);
    assert!(mail.encrypted);
    assert_eq!(mail.login.as_deref(), Some("AGFkYQBwQHNz"), "base64 of \\0ada\\0p@ss");

    let wary = send(&client(&url).unwrap(), &rendered).await.unwrap_err();
    assert!(!wary.permanent);
    assert!(wary.answer.contains("certificate"), "{wary}");

    let plain = Server::start().await;
    let url = format!("{}?tls=required", plain.url());
    let refused = send(&client(&url).unwrap(), &rendered).await.unwrap_err();
    assert!(!refused.permanent);
    assert!(refused.answer.contains("STARTTLS"), "{refused}");
    assert_eq!((server.mails().len(), plain.mails().len()), (1, 0));
}

#[tokio::test]
async fn tls_from_the_first_byte() {
    let server = Server::start_with_tls().await;
    let rendered = invitation().render();
    let trusting = client(&server.url()).unwrap().trusting(server.certificate()).unwrap();
    send(&trusting, &rendered).await.unwrap();
    assert!(server.mails()[0].encrypted);

    let other_name = server.url().replace("localhost", "127.0.0.1");
    let other_name = client(&other_name).unwrap().trusting(server.certificate()).unwrap();
    let wary = send(&other_name, &rendered).await.unwrap_err();
    assert!(!wary.permanent && wary.answer.contains("certificate"), "{wary}");
}

#[tokio::test]
async fn settings() {
    for url in [
        "smtp://localhost",
        "smtp://127.0.0.1:1025",
        "smtp://[::1]:1025/",
        "smtp://mail.example.com",
        "smtps://me%40example.com:p%23ss@mail.example.com:465",
    ] {
        client(url).unwrap();
    }
    let faults = [
        "mail.example.com",
        "localhost:25",
        "https://mail.example.com",
        "smtp://",
        "smtp://me:pa#ss@mail.example.com",
        "smtp://me@mail.example.com",
        "smtps://me:%ff@mail.example.com",
        "smtps://mail.example.com/inbox",
        "smtp://mail.example.com?tls=opportunistic",
        "smtp://mail example.com",
        "smtp://mäil.example.com",
    ];
    let texts: Vec<_> = faults.iter().map(|url| format!("{url}: {}", client(url).unwrap_err())).collect();
    insta::assert_snapshot!(texts.join("\n"), @r"
    mail.example.com: the mail server's URL must begin with smtps:// (TLS) or smtp:// (STARTTLS)
    localhost:25: the mail server's URL must begin with smtps:// (TLS) or smtp:// (STARTTLS)
    https://mail.example.com: the mail server's URL must begin with smtps:// (TLS) or smtp:// (STARTTLS)
    smtp://: the mail server's URL must look like smtps://user:password@host:port
    smtp://me:pa#ss@mail.example.com: the mail server's URL cannot be read (invalid port number); special characters in the user name and password are written as %XX
    smtp://me@mail.example.com: the mail server's URL needs both a user name and a password, or neither
    smtps://me:%ff@mail.example.com: user name and password in the mail server's URL are no UTF-8
    smtps://mail.example.com/inbox: the mail server's URL ends after host and port
    smtp://mail.example.com?tls=opportunistic: the mail server's URL takes no option but smtp://…?tls=required
    smtp://mail example.com: the mail server's URL cannot be read (invalid domain character); special characters in the user name and password are written as %XX
    smtp://mäil.example.com: the mail server's URL must look like smtps://user:password@host:port
    ");

    let url = SecretString::from("smtp://localhost");
    for from in ["no-reply@example.com", "Résumé <a@example.com>", "\"Last, First\" <a@example.com>"] {
        Smtp::new(&url, from).unwrap();
    }
    for from in ["", "Roster", "Roster <>", "a@b, c@d", "R\r\nBcc: x@y <a@example.com>"] {
        assert!(Smtp::new(&url, from).is_err(), "{from}");
    }
    let secret = client("smtps://me:hunter2@mail.example.com").unwrap();
    assert!(!format!("{secret:?}").contains("hunter2"));
}

#[test]
fn pauses_grow_and_end() {
    let pauses: Vec<_> = (1..=8).map(|attempt| retry_after(attempt, 0.0).map(|pause| pause.num_seconds())).collect();
    assert_eq!(pauses, [Some(5), Some(300), Some(1800), Some(7200), Some(18_000), Some(36_000), Some(36_000), None]);
    let first = |jitter| retry_after(1, jitter).unwrap().num_milliseconds();
    assert_eq!([first(-1.0), first(0.5), first(1.0), first(7.0)], [4000, 5500, 6000, 6000]);
    assert_eq!((first(f64::NAN), retry_after(u32::MAX, 0.0)), (5000, None));
}
