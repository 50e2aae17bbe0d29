//! From what happened to those who want to hear of it, on every server.
//!
//! A change rings the bell of its server once it is committed. That server dispatches: it gives the new events their
//! positions and notifies all servers, itself included. Each reads on from the last position it has told and hands
//! what it finds to its own subscribers. The table is the truth and the notification only a bell, so that a lost one
//! costs a second.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, mpsc},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    domain::email::Email,
    error::Result,
    store::{
        connect::ConnectionUrl,
        database::Database,
        feed::{self, Notice, SignOut},
    },
};

/// How long an idle server waits before it looks whether there is something that no bell told of.
const POLL: Duration = Duration::from_secs(1);
/// Notices that a subscriber may be behind. Whoever is more is cut: they have to look at the state anew.
const LAG: usize = 256;

/// What a subscriber hears of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Invitations to an address.
    InvitationsTo(Email),
}

impl Topic {
    fn of(notice: &Notice) -> Option<Self> {
        notice.invitee.clone().map(Self::InvitationsTo)
    }
}

type Topics = HashMap<Topic, Vec<mpsc::Sender<Arc<Notice>>>>;

/// The subscribers of one server.
#[derive(Default)]
pub struct Feed {
    /// Rung when something was committed.
    pub bell: Notify,
    topics: Mutex<Topics>,
}

/// A subscriber fell too far behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lagged;

impl Feed {
    /// Subscribes to what is told from now on.
    pub fn subscribe(self: &Arc<Self>, topic: Topic) -> Subscription {
        let (sender, receiver) = mpsc::channel(LAG);
        self.topics().entry(topic.clone()).or_default().push(sender);
        Subscription { receiver, feed: self.clone(), topic }
    }

    /// How many subscribers there are.
    pub fn subscribers(&self) -> usize {
        self.topics().values().map(Vec::len).sum()
    }

    fn tell(&self, notices: Vec<Notice>) {
        let mut topics = self.topics();
        for notice in notices.into_iter().map(Arc::new) {
            if let Some(senders) = Topic::of(&notice).and_then(|topic| topics.get_mut(&topic)) {
                // Whoever is too far behind hears what is under way, and then the end.
                senders.retain(|sender| sender.try_send(notice.clone()).is_ok());
            }
        }
    }

    fn topics(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one subscriber hears.
pub struct Subscription {
    receiver: mpsc::Receiver<Arc<Notice>>,
    feed: Arc<Feed>,
    topic: Topic,
}

impl Subscription {
    /// The next notice.
    ///
    /// # Errors
    /// `Lagged` when some were missed; nothing comes after.
    pub async fn next(&mut self) -> Result<Arc<Notice>, Lagged> {
        self.receiver.recv().await.ok_or(Lagged)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.receiver.close();
        let mut topics = self.feed.topics();
        if let Some(senders) = topics.get_mut(&self.topic) {
            senders.retain(|sender| !sender.is_closed());
            if senders.is_empty() {
                topics.remove(&self.topic);
            }
        }
    }
}

/// Dispatches and tells until it is asked to stop, and passes on what other servers say of sign-ins. Errors of the database are waited out.
pub async fn run(feed: Arc<Feed>, db: Database, url: ConnectionUrl, sign_out: Box<SignOut>, stop: CancellationToken) {
    let news = Notify::new();
    let work = async {
        tokio::join!(dispatch(&feed, &db), tell(&feed, &db, &news), listen(&url, &news, &*sign_out));
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
    // What was committed last need not wait for another server's look.
    timeout(POLL, feed::dispatch(&db)).await.ok();
}

async fn dispatch(feed: &Feed, db: &Database) {
    loop {
        if let Err(error) = feed::dispatch(db).await {
            tracing::warn!(?error, "what happened cannot be dispatched yet");
            sleep(POLL).await;
        }
        timeout(POLL, feed.bell.notified()).await.ok();
    }
}

async fn tell(feed: &Feed, db: &Database, news: &Notify) {
    let mut told = None;
    loop {
        if let Err(error) = tell_on(feed, db, &mut told).await {
            tracing::warn!(?error, "what happened cannot be told yet");
            sleep(POLL).await;
        }
        timeout(POLL, news.notified()).await.ok();
    }
}

/// Tells what came after `told`; at the start of a server, nothing.
async fn tell_on(feed: &Feed, db: &Database, told: &mut Option<i64>) -> Result<()> {
    let mut conn = db.read().await?;
    let last = feed::last_position(&mut conn).await?;
    let from = told.get_or_insert(last);
    if feed.subscribers() == 0 {
        *from = last;
    }
    while *from < last {
        let notices = feed::after(&mut conn, *from).await?;
        *from = notices.last().map_or(last, |notice| notice.position);
        feed.tell(notices);
    }
    Ok(())
}

async fn listen(url: &ConnectionUrl, news: &Notify, sign_out: &SignOut) {
    loop {
        let error = feed::listen(url, news, sign_out).await;
        tracing::warn!(?error, "notifications are heard again in a second");
        sleep(POLL).await;
    }
}
