//! Sends the mails that are due.
//!
//! A mail is leased when there is room to send it at once, and an attempt ends long before its lease
//! does: no mail waits under a lease, and a worker that stops leaves none leased. No transaction is open
//! while the mail server is talked to. Should the process die between the server's 250 and the moment the
//! database has noted it, the mail is sent twice, with the same `Message-ID`.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    letter::Message,
    retry::retry_after,
    smtp::{SendError, Smtp},
};
use crate::{
    app::App,
    error::Result,
    store::mails::{self, Letter, Mail, Outcome},
};

/// Mails that are sent at the same time.
const SENDS_AT_ONCE: usize = 4;
/// For sending, 30 s at most, and noting it. Nobody else takes the mail before.
const LEASE: Duration = Duration::from_mins(2);
/// How long an idle worker waits before it looks for mails that nobody rang the bell for.
const POLL: Duration = Duration::from_millis(500);
/// Longest pause after an error of the database.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// What a worker that is to stop waits for the mails it is sending.
const STOP_PATIENCE: Duration = Duration::from_secs(35);

/// Where mails go.
#[derive(Clone)]
pub enum Transport {
    /// To a mail server.
    Smtp(Arc<Smtp>),
    /// Nowhere: they count as sent, and the development mailbox shows them.
    Keep,
}

/// Sends mails until it is stopped; then finishes those it is sending. Ringing the bell after a commit
/// spares the new mails the wait. Errors of the database are waited out.
pub async fn run(app: Arc<App>, transport: Transport, bell: Arc<Notify>, stop: CancellationToken) {
    let mut worker = Worker { app, transport, sends: JoinSet::new() };
    let mut failures = 0;
    while !stop.is_cancelled() {
        let pause = match worker.take_up().await {
            Ok(_) => {
                failures = 0;
                POLL
            }
            Err(error) => {
                failures += 1;
                tracing::warn!(?error, "no mails can be read from the database");
                pause_after(failures)
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            Some(_) = worker.sends.join_next() => {}
            () = bell.notified() => {}
            () = sleep(pause) => {}
        }
    }
    if timeout(STOP_PATIENCE, worker.finish()).await.is_err() {
        tracing::warn!("stopped before it was noted how some mails ended");
    }
}

/// Sends what is due now, and tells how many mails that were.
///
/// # Errors
/// When the mails cannot be read from the database.
pub async fn run_once(app: &Arc<App>, transport: &Transport) -> Result<usize> {
    let mut worker = Worker { app: app.clone(), transport: transport.clone(), sends: JoinSet::new() };
    let mut total = 0;
    loop {
        let taken = worker.take_up().await;
        worker.finish().await;
        match taken? {
            0 => return Ok(total),
            taken => total += taken,
        }
    }
}

struct Worker {
    app: Arc<App>,
    transport: Transport,
    sends: JoinSet<()>,
}

impl Worker {
    /// Leases as many mails as there is room for and starts to send them.
    async fn take_up(&mut self) -> Result<usize> {
        while self.sends.try_join_next().is_some() {}
        let room = SENDS_AT_ONCE.saturating_sub(self.sends.len());
        if room == 0 {
            return Ok(0);
        }
        let lease = self.app.id();
        let letters = lease_due(&self.app, lease, room).await?;
        let count = letters.len();
        for letter in letters {
            let (app, transport) = (self.app.clone(), self.transport.clone());
            self.sends.spawn(async move {
                let (mail, outcome) = attempt(&app, transport, letter, lease).await;
                note(&app, &mail, lease, outcome).await;
            });
        }
        Ok(count)
    }

    async fn finish(&mut self) {
        while self.sends.join_next().await.is_some() {}
    }
}

async fn lease_due(app: &App, lease: Uuid, room: usize) -> Result<Vec<Letter>> {
    let limit = i64::try_from(room).unwrap_or(1);
    let duration = TimeDelta::from_std(LEASE).unwrap_or_default();
    let mut conn = app.db.read().await?;
    mails::lease(&mut conn, lease, app.now(), duration, limit).await
}

async fn attempt(app: &Arc<App>, transport: Transport, letter: Letter, lease: Uuid) -> (Mail, Outcome) {
    let mail = letter.mail.clone();
    if !letter.is_current || letter.expires_at <= app.now() {
        return (mail, Outcome::Obsolete);
    }
    let sent = match transport {
        Transport::Keep => Ok(()),
        Transport::Smtp(smtp) => send(app.clone(), smtp, letter).await,
    };
    let outcome = match sent {
        Ok(()) => Outcome::Sent(app.now()),
        Err(error) => after(error, &mail, lease, app),
    };
    (mail, outcome)
}

/// Sends in a task of its own: a panic costs this attempt and no more.
async fn send(app: Arc<App>, smtp: Arc<Smtp>, letter: Letter) -> Result<(), SendError> {
    let task = tokio::spawn(async move {
        let message = Message::of(&letter, &app);
        smtp.send(letter.to.as_str(), &message.words, &message.id, letter.mail.created_at).await
    });
    task.await.unwrap_or_else(|error| {
        tracing::error!(%error, "sending a mail ended unexpectedly");
        Err(SendError { permanent: false, answer: "Sending ended unexpectedly; the server's log says why.".to_owned() })
    })
}

fn after(error: SendError, mail: &Mail, lease: Uuid, app: &App) -> Outcome {
    let SendError { permanent, answer } = error;
    let attempt = u32::try_from(mail.attempts).unwrap_or_default();
    match retry_after(attempt, jitter(mail, lease)) {
        Some(pause) if !permanent => {
            tracing::warn!(invitation = %mail.invitation_id, attempt, answer, "a mail is sent again later");
            Outcome::Retry(app.now() + pause, answer)
        }
        _ => {
            tracing::warn!(invitation = %mail.invitation_id, attempt, answer, "a mail is given up");
            Outcome::Failed(answer)
        }
    }
}

/// From -1 to 1, another for each mail and attempt.
fn jitter(mail: &Mail, lease: Uuid) -> f64 {
    let [.., a, b, c, d] = (mail.invitation_id.0.as_u128() ^ lease.as_u128()).to_be_bytes();
    f64::from(u32::from_be_bytes([a, b, c, d])) / f64::from(u32::MAX) * 2.0 - 1.0
}

/// Notes how an attempt ended, or tries to until the lease is over.
async fn note(app: &App, mail: &Mail, lease: Uuid, outcome: Outcome) {
    let noted = timeout(LEASE, async {
        for failures in 1.. {
            match settle(app, mail, lease, outcome.clone()).await {
                Ok(true) => return,
                Ok(false) => {
                    tracing::warn!(invitation = %mail.invitation_id, "a mail is another worker's, or gone, since");
                    return;
                }
                Err(error) => {
                    tracing::warn!(invitation = %mail.invitation_id, ?error, "how a mail ended cannot be noted yet");
                    sleep(pause_after(failures)).await;
                }
            }
        }
    });
    if noted.await.is_err() {
        tracing::error!(invitation = %mail.invitation_id, ?outcome, "how a mail ended could not be noted");
    }
}

async fn settle(app: &App, mail: &Mail, lease: Uuid, outcome: Outcome) -> Result<bool> {
    let mut conn = app.db.read().await?;
    mails::settle(&mut conn, mail, lease, outcome).await
}

/// 100 ms, 200 ms, 400 ms … 5 s.
fn pause_after(failures: u32) -> Duration {
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    Duration::from_millis(100).saturating_mul(doubled).min(LONGEST_PAUSE)
}
