//! From a queued mail to the mail server: nothing lost, nothing twice, and what the invitation shows of it.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, to_bytes},
    http::{Request, header},
    response::Response,
};
use chrono::TimeDelta;
use roster::{
    domain::{id::InvitationId, invitation::MailStatus},
    mail::{
        smtp::Smtp,
        worker::{Transport, run, run_once},
    },
    server::mailbox,
    store::mails::{self, Mail, Outcome},
};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;

use crate::support::{
    ACCEPT, Actor, Roster,
    smtp::{Fault, Smtp as Server},
    token,
};

const DECLINE: &str =
    "mutation($token: String!) { invitationDecline(input: {invitation: {token: $token}}) { userErrors { code } } }";
const REVOKE: &str = "mutation($id: ID!) { invitationRevoke(input: {invitationId: $id}) { userErrors { code } } }";
const RESEND: &str =
    "mutation($id: ID!) { invitationResend(input: {invitationId: $id}) { acceptUrl userErrors { code } } }";
const DELIVERY: &str = "query($id: ID!) { node(id: $id) { ... on Invitation { delivery { status attempts error } sendCount lastSentAt } } }";

/// A server with one organization, Alice's Acme, and a clock that stands still.
struct Office {
    roster: Roster,
    alice: Actor,
    organization: String,
}

impl Office {
    async fn open() -> Self {
        let roster = Roster::start().await;
        let alice = roster.person("alice");
        let organization = roster.organization(&alice, "Acme").await;
        Self { roster, alice, organization }
    }

    /// Invites an address; answers the id of the invitation and its token.
    async fn invite(&self, email: &str) -> (String, String) {
        self.roster.invite(&self.alice, &self.organization, email, "member").await
    }

    /// Sends what is due; answers how many mails that were.
    async fn send(&self, transport: &Transport) -> usize {
        run_once(&self.roster.app, transport).await.unwrap()
    }

    /// All mails, newest first.
    async fn mails(&self) -> Vec<Mail> {
        let mut conn = self.roster.app.db.read().await.unwrap();
        mails::newest(&mut conn, 100).await.unwrap().into_iter().map(|letter| letter.mail).collect()
    }

    /// The newest mail of an invitation.
    async fn mail(&self, invitation: &str) -> Mail {
        let id = InvitationId::parse(invitation).unwrap();
        self.mails().await.into_iter().find(|mail| mail.invitation_id == id).unwrap()
    }

    /// Waits until the mail of an invitation is so, at most 10 s.
    async fn until(&self, invitation: &str, is_so: fn(&Mail) -> bool) {
        let waiting = async {
            while !is_so(&self.mail(invitation).await) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(timeout(Duration::from_secs(10), waiting).await.is_ok(), "{:?}", self.mail(invitation).await);
    }

    /// What an invitation says of its mail.
    async fn delivery(&self, invitation: &str) -> Value {
        self.alice.data(DELIVERY, json!({ "id": invitation })).await["node"].clone()
    }

    async fn lease(&self, lease: Uuid) -> Vec<Mail> {
        let mut conn = self.roster.app.db.read().await.unwrap();
        let letters = mails::lease(&mut conn, lease, self.roster.now(), TimeDelta::minutes(2), 10).await.unwrap();
        letters.into_iter().map(|letter| letter.mail).collect()
    }

    async fn settle(&self, mail: &Mail, lease: Uuid, outcome: Outcome) -> bool {
        mails::settle(&mut self.roster.app.db.read().await.unwrap(), mail, lease, outcome).await.unwrap()
    }

    async fn get(&self, path: &str) -> Response {
        let request = Request::get(path).body(Body::empty()).unwrap();
        mailbox::router::<()>(self.roster.app.clone()).oneshot(request).await.unwrap()
    }

    async fn get_json(&self, path: &str) -> Value {
        serde_json::from_str(&text(self.get(path).await).await).unwrap()
    }
}

async fn text(response: Response) -> String {
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(bytes.into()).unwrap()
}

fn transport(server: &Server) -> Transport {
    Transport::Smtp(Arc::new(smtp(server)))
}

/// Soon gives up on a silent server.
fn impatient(server: &Server) -> Transport {
    Transport::Smtp(Arc::new(smtp(server).with_timeout(Duration::from_secs(1))))
}

fn smtp(server: &Server) -> Smtp {
    Smtp::new(&SecretString::from(server.url()), "Roster <no-reply@example.com>").unwrap()
}

/// A worker that runs until it is told to stop.
struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    fn start(office: &Office, transport: Transport) -> Self {
        let (app, stop) = (office.roster.app.clone(), CancellationToken::new());
        let bell = app.mail_bell.clone();
        Self { task: tokio::spawn(run(app, transport, bell, stop.clone())), stop }
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_sent_and_says_what_it_should() {
    let (office, server) = (Office::open().await, Server::start().await);
    let (invitation, token) = office.invite("bob@example.com").await;
    assert_eq!(
        office.delivery(&invitation).await,
        json!({ "delivery": { "status": "QUEUED", "attempts": 0, "error": null }, "sendCount": 0, "lastSentAt": null })
    );
    assert_eq!(office.send(&transport(&server)).await, 1);

    let [sent] = &server.mails()[..] else { panic!("one mail: {:?}", server.mails()) };
    assert_eq!(sent.to, ["bob@example.com"]);
    assert_eq!(sent.subject(), "Alice invited you to Acme");
    let link = format!("https://app.example.com/invitation#{token}");
    assert!(sent.text().contains(&format!("\n{link}\n")), "{}", sent.text());
    assert!(sent.html().contains(&format!("href=\"{link}\"")), "{}", sent.html());
    assert_eq!(sent.raw_header("Message-ID").unwrap(), format!("<{invitation}.1@app.example.com>"));

    assert_eq!(
        office.delivery(&invitation).await,
        json!({ "delivery": { "status": "SENT", "attempts": 1, "error": null }, "sendCount": 1, "lastSentAt": "2026-11-21T09:00:00.000Z" })
    );
    assert_eq!(office.send(&transport(&server)).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_waits_while_the_server_is_down() {
    let (office, server) = (Office::open().await, Server::start().await);
    let transport = transport(&server);
    let (invitation, _) = office.invite("bob@example.com").await;
    server.down().await;
    office.send(&transport).await;

    let delivery = &office.delivery(&invitation).await["delivery"];
    assert_eq!((&delivery["status"], &delivery["attempts"]), (&json!("QUEUED"), &json!(1)));
    assert!(delivery["error"].as_str().unwrap().contains("refused"), "{delivery}");
    let pause = office.mail(&invitation).await.due_at - office.roster.now();
    assert!((4000..=6000).contains(&pause.num_milliseconds()), "{pause}");

    server.up().await;
    office.roster.wait(pause - TimeDelta::milliseconds(1));
    assert_eq!(office.send(&transport).await, 0);
    office.roster.wait(TimeDelta::milliseconds(1));
    assert_eq!(office.send(&transport).await, 1);
    let delivery = &office.delivery(&invitation).await["delivery"];
    assert_eq!(*delivery, json!({ "status": "SENT", "attempts": 2, "error": null }));
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_mail_is_given_up_at_once() {
    let (office, server) = (Office::open().await, Server::start().await);
    let (invitation, token) = office.invite("bob@example.com").await;
    server.fail_next(1, Fault::Refuse(550));
    office.send(&transport(&server)).await;
    let delivery = &office.delivery(&invitation).await["delivery"];
    assert_eq!(*delivery, json!({ "status": "FAILED", "attempts": 1, "error": "550 told to refuse this" }));
    // The words of the mail server are not for the invitee.
    let told = office.roster.person("bob").data(DELIVERY, json!({ "id": invitation })).await;
    assert_eq!(told["node"]["delivery"], json!({ "status": "FAILED", "attempts": 1, "error": null }));

    office.roster.wait(TimeDelta::days(1));
    assert_eq!(office.send(&transport(&server)).await, 0);
    assert!(server.mails().is_empty());
    let bob = office.roster.person("bob");
    assert_eq!(bob.refusals(ACCEPT, json!({ "token": token })).await, Vec::<String>::new(), "the invitation stands");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_given_up_after_the_last_attempt() {
    let (office, server) = (Office::open().await, Server::start().await);
    let (invitation, _) = office.invite("bob@example.com").await;
    server.fail_next(8, Fault::Refuse(451));
    let mut pauses = Vec::new();
    for attempt in 1..=8 {
        assert_eq!(office.send(&transport(&server)).await, 1, "attempt {attempt}");
        let mail = office.mail(&invitation).await;
        assert_eq!((mail.attempts, mail.error.as_deref()), (attempt, Some("451 told to refuse this")));
        if mail.status == MailStatus::Queued {
            let pause = mail.due_at - office.roster.now();
            pauses.push(pause);
            office.roster.wait(pause);
        }
    }
    assert_eq!(office.delivery(&invitation).await["delivery"]["status"], "FAILED");
    assert_eq!(pauses.len(), 7);
    assert!(pauses.is_sorted_by(|a, b| *a < *b * 2), "{pauses:?}");

    office.roster.wait(TimeDelta::days(1));
    assert_eq!(office.send(&transport(&server)).await, 0);
    assert!(server.mails().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_may_have_arrived_is_sent_again_as_the_same_mail() {
    let (office, server) = (Office::open().await, Server::start().await);
    let (invitation, _) = office.invite("bob@example.com").await;
    server.fail_next(1, Fault::TakeAndHangUp);
    office.send(&transport(&server)).await;
    assert_eq!(office.mail(&invitation).await.status, MailStatus::Queued);

    office.roster.wait(TimeDelta::seconds(10));
    office.send(&transport(&server)).await;
    assert_eq!(office.mail(&invitation).await.status, MailStatus::Sent);
    let [first, second] = &server.mails()[..] else { panic!("two mails: {:?}", server.mails()) };
    assert_eq!(first.raw, second.raw, "link, Message-ID and all the rest");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_send_each_mail_once() {
    let (office, server) = (Office::open().await, Server::start().await);
    let mut expected = BTreeSet::new();
    for number in 0..50 {
        let address = format!("invitee{number}@example.com");
        office.invite(&address).await;
        expected.insert(address);
    }
    let workers = [(); 2].map(|()| Running::start(&office, transport(&server)));
    server.wait_for(50).await;
    for worker in workers {
        worker.stop().await;
    }
    let recipients: Vec<_> = server.mails().into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!(recipients.len(), 50);
    assert_eq!(recipients.into_iter().collect::<BTreeSet<_>>(), expected);
    assert!(office.mails().await.iter().all(|mail| mail.status == MailStatus::Sent && mail.attempts == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_without_its_lease_changes_nothing() {
    let office = Office::open().await;
    let (invitation, _) = office.invite("bob@example.com").await;
    let (slow, quick) = (office.roster.app.id(), office.roster.app.id());
    let leased = office.lease(slow).await;
    assert_eq!(leased.len(), 1);
    assert_eq!(office.send(&Transport::Keep).await, 0, "somebody has it");

    office.roster.wait(TimeDelta::minutes(2));
    assert_eq!(office.lease(quick).await.len(), 1);
    let late = Outcome::Failed("too late".to_owned());
    assert!(!office.settle(&leased[0], slow, late.clone()).await);
    let mail = office.mail(&invitation).await;
    assert_eq!((mail.status, mail.attempts, mail.lease_id), (MailStatus::Queued, 2, Some(quick)));

    assert!(office.settle(&mail, quick, Outcome::Sent(office.roster.now())).await);
    assert!(!office.settle(&leased[0], slow, late).await);
    assert_eq!(office.mail(&invitation).await.status, MailStatus::Sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_worker_is_overtaken() {
    let office = Office::open().await;
    let (silent, server) = (Server::start().await, Server::start().await);
    let (invitation, _) = office.invite("bob@example.com").await;
    silent.fail_next(1, Fault::Silence);
    let slow = Running::start(&office, impatient(&silent));
    office.until(&invitation, |mail| mail.lease_id.is_some()).await;
    slow.stop.cancel();
    office.roster.wait(TimeDelta::minutes(2));
    assert_eq!(office.send(&transport(&server)).await, 1);
    slow.stop().await;
    let mail = office.mail(&invitation).await;
    assert_eq!((mail.status, mail.attempts, mail.error), (MailStatus::Sent, 2, None));
    assert_eq!((server.mails().len(), silent.mails().len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_no_longer_work_are_not_sent() {
    let (office, server) = (Office::open().await, Server::start().await);
    let (replaced, _) = office.invite("replaced@example.com").await;
    office.roster.wait(TimeDelta::minutes(1));
    let resent = office.alice.data(RESEND, json!({ "id": replaced })).await;
    let new_token = token(&resent["invitationResend"]["acceptUrl"]);
    let mut ended = Vec::new();
    for (name, mutation) in [("accepted", ACCEPT), ("declined", DECLINE)] {
        let (invitation, token) = office.invite(&format!("{name}@example.com")).await;
        let person = office.roster.person(name);
        assert_eq!(person.refusals(mutation, json!({ "token": token })).await, Vec::<String>::new());
        ended.push(invitation);
    }
    let (revoked, _) = office.invite("revoked@example.com").await;
    assert_eq!(office.alice.refusals(REVOKE, json!({ "id": revoked })).await, Vec::<String>::new());
    ended.push(revoked);
    assert_eq!(office.send(&transport(&server)).await, 5);

    for invitation in ended {
        assert_eq!(
            office.delivery(&invitation).await["delivery"],
            json!({ "status": "FAILED", "attempts": 0, "error": "The link had stopped working before it was sent." })
        );
    }
    assert_eq!(office.mail(&replaced).await.status, MailStatus::Sent);
    let [sent] = &server.mails()[..] else { panic!("one mail: {:?}", server.mails()) };
    assert!(sent.text().contains(&new_token));

    let (late, _) = office.invite("late@example.com").await;
    office.roster.wait(TimeDelta::days(7));
    assert_eq!(office.send(&transport(&server)).await, 1);
    assert_eq!(office.mail(&late).await.status, MailStatus::Failed);
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_leaves_when_the_bell_rings_and_without_it_soon() {
    let (office, server) = (Office::open().await, Server::start().await);
    let worker = Running::start(&office, transport(&server));
    let mut waits = Vec::new();
    for number in 1..=5 {
        let (invitation, _) = office.invite(&format!("invitee{number}@example.com")).await;
        let begin = Instant::now();
        server.wait_for(number).await;
        waits.push(begin.elapsed());
        office.until(&invitation, |mail| mail.status == MailStatus::Sent).await;
    }
    assert!(waits.iter().any(|wait| *wait < Duration::from_millis(250)), "{waits:?}");

    // As if another server had queued it: nobody rings here.
    office.roster.sql("UPDATE mails SET status = 'QUEUED', sent_at = NULL").await;
    server.wait_for(10).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_finishes_what_is_being_sent() {
    let (office, server) = (Office::open().await, Server::start().await);
    let (invitation, _) = office.invite("bob@example.com").await;
    server.fail_next(1, Fault::Silence);
    let worker = Running::start(&office, impatient(&server));
    office.until(&invitation, |mail| mail.lease_id.is_some()).await;
    let begin = Instant::now();
    worker.stop().await;
    assert!(begin.elapsed() < Duration::from_secs(5));
    let mail = office.mail(&invitation).await;
    assert_eq!((mail.status, mail.lease_id), (MailStatus::Queued, None));
    assert_eq!(mail.error.as_deref(), Some("the mail server did not answer within 1s"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_fails_is_waited_out() {
    let (office, server) = (Office::open().await, Server::start().await);
    let (invitation, _) = office.invite("bob@example.com").await;
    server.fail_next(1, Fault::Silence);
    let worker = Running::start(&office, impatient(&server));
    office.until(&invitation, |mail| mail.lease_id.is_some()).await;
    // Neither how this mail ended can be noted, nor the next one be read.
    office.roster.sql("ALTER TABLE mails RENAME TO elsewhere").await;
    sleep(Duration::from_millis(1700)).await;
    office.roster.sql("ALTER TABLE elsewhere RENAME TO mails").await;
    office.until(&invitation, |mail| mail.lease_id.is_none()).await;
    let mail = office.mail(&invitation).await;
    assert_eq!(mail.error.as_deref(), Some("the mail server did not answer within 1s"));
    office.invite("carol@example.com").await;
    server.wait_for(1).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_development_mailbox_shows_what_was_kept() {
    let office = Office::open().await;
    assert_eq!(office.get_json("/dev/mailbox.json").await, json!([]));
    let (first, first_token) = office.invite("first@example.com").await;
    assert_eq!(office.send(&Transport::Keep).await, 1);
    assert_eq!(office.delivery(&first).await["delivery"]["status"], "SENT");
    office.roster.wait(TimeDelta::minutes(1));
    let (second, second_token) = office.invite("second@example.com").await;

    let list = office.get_json("/dev/mailbox.json").await;
    let [newest, oldest] = &list.as_array().unwrap()[..] else { panic!("two mails: {list}") };
    assert_eq!((&newest["to"], &newest["token"]), (&json!("second@example.com"), &json!(second_token)));
    assert_eq!(newest["sentAt"], Value::Null, "still queued");
    let text = oldest["text"].as_str().unwrap();
    assert!(text.contains(&format!("\nhttps://app.example.com/invitation#{first_token}\n")), "{text}");
    assert_eq!(
        *oldest,
        json!({
            "to": "first@example.com",
            "subject": "Alice invited you to Acme",
            "text": text,
            "acceptUrl": format!("https://app.example.com/invitation#{first_token}"),
            "token": first_token,
            "sentAt": "2026-11-21T09:00:00.000Z",
        })
    );

    office.roster.wait(TimeDelta::minutes(1));
    office.alice.data(RESEND, json!({ "id": second })).await;
    let shown = office.get_json("/dev/mailbox/mails.json").await;
    let shown: Vec<_> =
        shown.as_array().unwrap().iter().map(|mail| (&mail["id"], &mail["status"], &mail["works"])).collect();
    assert_eq!(
        shown,
        [
            (&json!(format!("{second}.2")), &json!("QUEUED"), &json!(true)),
            (&json!(format!("{second}.1")), &json!("QUEUED"), &json!(false)),
            (&json!(format!("{first}.1")), &json!("SENT"), &json!(true)),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_development_mailbox_lets_mails_do_nothing() {
    let office = Office::open().await;
    let (invitation, token) = office.invite("bob@example.com").await;
    for path in ["/dev/mailbox", "/dev/mailbox/page.js", "/dev/mailbox/page.css", "/dev/mailbox/mails.json"] {
        let response = office.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store", "{path}");
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    }
    let part = office.get(&format!("/dev/mailbox/html/{invitation}.1")).await;
    let policy = part.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.ends_with("sandbox") && !policy.contains("script"), "{policy}");
    let html = text(part).await;
    assert!(html.contains(&token), "{html}");
    assert_eq!(office.get(&format!("/dev/mailbox/html/{invitation}.2")).await.status(), 404);
}
