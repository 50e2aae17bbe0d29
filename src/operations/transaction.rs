//! The one way to change something.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    access::Viewer,
    app::App,
    domain::{
        event::EventKind,
        id::{OrganizationId, ProjectId, TeamId},
    },
    error::{Error, Result},
    store::{
        Connection,
        database::{commit, rollback},
        events::{self, Event},
        feed,
        mails::{self, Mail},
        organizations::{self, Counts},
        projects, teams,
    },
};

/// A change, with its input. It runs in one transaction and may run again, so it touches nothing else.
pub trait Operation: Send + Sync + 'static {
    /// What it answers.
    type Output: Send + 'static;

    /// Makes the change. An error undoes all of it.
    fn run(&self, tx: &mut Transaction<'_>) -> impl Future<Output = Result<Self::Output>> + Send;
}

/// A transaction under way: who changes, when, and what is to be written last.
pub struct Transaction<'a> {
    /// The connection it runs on.
    pub conn: &'a mut Connection,
    /// What all requests share.
    pub app: &'a App,
    /// Who changes.
    pub viewer: &'a Viewer,
    /// The one moment at which all of it happens.
    pub now: DateTime<Utc>,
    changes: BTreeMap<OrganizationId, Changes>,
    mails: Vec<Mail>,
    has_mails: bool,
    signed_out: Vec<Uuid>,
    is_discarded: bool,
}

#[derive(Default)]
struct Changes {
    counts: Counts,
    project_members: Vec<(ProjectId, i32)>,
    team_members: Vec<(TeamId, i32)>,
    events: Vec<Event>,
}

/// How often a transaction is run that the database gave up.
const ATTEMPTS: u32 = 3;

/// Runs an operation to its end, whether or not the caller still waits for it, and commits.
///
/// # Errors
/// What the operation ends in; `Unauthenticated` for nobody; `Timeout` and `Unavailable`, after which
/// nothing is changed.
pub async fn execute<O: Operation>(app: &Arc<App>, viewer: &Arc<Viewer>, operation: O) -> Result<O::Output> {
    viewer.signed_in()?;
    let (task_app, viewer) = (app.clone(), viewer.clone());
    let task = app.tasks.spawn(async move { attempts(&task_app, &viewer, &operation).await });
    task.await.map_err(Error::internal)?
}

async fn attempts<O: Operation>(app: &App, viewer: &Viewer, operation: &O) -> Result<O::Output> {
    let mut attempt = 1;
    loop {
        match once(app, viewer, operation).await {
            Err(Error::Transient(what)) if attempt < ATTEMPTS => {
                tracing::warn!(%what, attempt, "transaction is run again");
                attempt += 1;
            }
            Err(Error::Transient(what)) => return Err(Error::Unavailable(what)),
            done => return done,
        }
    }
}

async fn once<O: Operation>(app: &App, viewer: &Viewer, operation: &O) -> Result<O::Output> {
    let mut conn = app.db.begin().await?;
    let change = async {
        let mut tx = Transaction {
            conn: &mut conn,
            app,
            viewer,
            now: app.now(),
            changes: BTreeMap::new(),
            mails: Vec::new(),
            has_mails: false,
            signed_out: Vec::new(),
            is_discarded: false,
        };
        let output = operation.run(&mut tx).await?;
        if tx.is_discarded {
            return Ok((output, End::Discarded));
        }
        tx.write_last().await?;
        Ok((output, End::Changed { mails: tx.has_mails, signed_out: tx.signed_out }))
    };
    // A change that takes too long is dropped with its connection, which undoes it.
    match tokio::time::timeout(app.limits.change, change).await.map_err(|_elapsed| Error::Timeout)? {
        Ok((output, End::Changed { mails, signed_out })) => {
            commit(&mut conn).await?;
            for who in signed_out {
                app.sign_ins.forget(who);
            }
            app.feed.bell.notify_one();
            if mails {
                app.mail_bell.notify_one();
            }
            Ok(output)
        }
        Ok((output, End::Discarded)) => {
            rollback(&mut conn).await.ok();
            Ok(output)
        }
        Err(error) => {
            rollback(&mut conn).await.ok();
            Err(error)
        }
    }
}

/// How an operation that was not refused ends.
enum End {
    Changed { mails: bool, signed_out: Vec<Uuid> },
    Discarded,
}

impl Transaction<'_> {
    /// Undoes at the end whatever is changed, though the answer stands: for dry runs, and for all or none.
    pub fn discard(&mut self) {
        self.is_discarded = true;
    }

    /// A new id.
    pub fn id(&self) -> Uuid {
        self.app.id()
    }

    /// Notes what happened to `subject`, for the audit log and everybody who listens.
    pub fn happened(
        &mut self,
        organization: OrganizationId,
        kind: EventKind,
        subject: Uuid,
        project: Option<ProjectId>,
        data: Value,
    ) -> Result<()> {
        let actor = self.viewer.actor()?;
        self.happened_by(actor, organization, kind, subject, project, data);
        Ok(())
    }

    /// Notes what somebody else did, such as the server itself.
    pub fn happened_by(
        &mut self,
        actor: crate::access::ActorRef,
        organization: OrganizationId,
        kind: EventKind,
        subject: Uuid,
        project: Option<ProjectId>,
        data: Value,
    ) {
        let event = Event {
            organization_id: organization,
            version: 0,
            id: self.id(),
            kind: kind.as_str().to_owned(),
            actor_kind: actor.0,
            actor_id: actor.1,
            subject_id: subject,
            project_id: project,
            data,
            occurred_at: self.now,
        };
        self.changes.entry(organization).or_default().events.push(event);
    }

    /// Notes by how much the counters of an organization change.
    pub fn count(&mut self, organization: OrganizationId, change: Counts) {
        let counts = &mut self.changes.entry(organization).or_default().counts;
        counts.members += change.members;
        counts.projects += change.projects;
        counts.teams += change.teams;
        counts.pending_invitations += change.pending_invitations;
    }

    /// Notes by how much the member counter of a project changes.
    pub fn count_project_members(&mut self, organization: OrganizationId, project: ProjectId, change: i32) {
        self.changes.entry(organization).or_default().project_members.push((project, change));
    }

    /// Notes by how much the member counter of a team changes, which raises its version; 0 when a member changed.
    pub fn count_team_members(&mut self, organization: OrganizationId, team: TeamId, change: i32) {
        self.changes.entry(organization).or_default().team_members.push((team, change));
    }

    /// Notes that a person changed, that a key was ended, or that the keys of an organization or a project were: all
    /// servers judge their credentials anew.
    pub fn sign_out(&mut self, who: Uuid) {
        self.signed_out.push(who);
    }

    /// Queues a mail.
    pub fn mail(&mut self, mail: Mail) {
        self.mails.push(mail);
    }

    /// Writes what was noted: counters last, as every change of an organization meets there. An operation
    /// calls it itself only before it deletes what is counted.
    pub(super) async fn write_last(&mut self) -> Result<()> {
        mails::insert(self.conn, &self.mails).await?;
        self.has_mails |= !self.mails.is_empty();
        self.mails.clear();
        for (organization, mut change) in std::mem::take(&mut self.changes) {
            projects::count_members(self.conn, organization, &change.project_members).await?;
            teams::count_members(self.conn, organization, &change.team_members, self.now).await?;
            let count = i64::try_from(change.events.len()).unwrap_or_default();
            let last = organizations::advance(self.conn, organization, change.counts, count).await?;
            for (event, version) in change.events.iter_mut().zip(last - count + 1..) {
                event.version = version;
            }
            events::insert(self.conn, &change.events).await?;
        }
        feed::tell_signed_out(self.conn, &self.signed_out).await
    }
}
