//! A change under way: who makes it, when, and what is written last.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    access::{ActorRef, Viewer},
    app::App,
    domain::{
        event::EventKind,
        id::{OrganizationId, ProjectId, TeamId},
    },
    error::{Error, Result},
    store::{
        Connection,
        events::{self, Event},
        feed,
        mails::{self, Mail},
        organizations::{self, Counts, Lock},
        projects, teams,
    },
};

/// A transaction under way: who changes, when, and what is to be written last.
pub struct Transaction<'a> {
    /// The connection it runs on.
    pub conn: &'a mut Connection,
    /// What all requests share.
    pub app: &'a App,
    /// Who changes, as they are since the lock was taken.
    pub viewer: Viewer,
    /// The one moment at which all of it happens: when the lock was taken.
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

/// What is to be done once a change is committed.
pub struct Last {
    /// Whose credentials are to be judged anew.
    pub signed_out: Vec<Uuid>,
    /// Whether mails wait.
    pub has_mails: bool,
}

impl<'a> Transaction<'a> {
    /// A transaction that has begun on `conn`, for `viewer`.
    pub fn new(conn: &'a mut Connection, app: &'a App, viewer: Viewer) -> Self {
        Self {
            conn,
            app,
            viewer,
            now: app.now(),
            changes: BTreeMap::new(),
            mails: Vec::new(),
            has_mails: false,
            signed_out: Vec::new(),
            is_discarded: false,
        }
    }
}

impl Transaction<'_> {
    /// Locks an organization; none when there is no such organization. Whoever asks is read again: a credential that
    /// ended while the lock was waited for changes nothing any more, and an address that passed on accepts nothing.
    ///
    /// # Errors
    /// `Unauthenticated` when the viewer is no more.
    pub async fn lock(&mut self, id: OrganizationId) -> Result<Option<Lock>> {
        let Some(lock) = organizations::lock(self.conn, id).await? else { return Ok(None) };
        self.now = self.app.now();
        self.see_again().await?;
        Ok(Some(lock))
    }

    /// Reads again who asks.
    ///
    /// # Errors
    /// `Unauthenticated` when they are no more.
    pub async fn see_again(&mut self) -> Result<()> {
        let again = self.viewer.again(self.conn, &self.app.policy, self.now).await?;
        self.viewer = again.ok_or(Error::Unauthenticated)?;
        Ok(())
    }

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
        actor: ActorRef,
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

    /// Notes that a person or the rights of one changed, that a key was ended, or that those of an organization or a
    /// project were: all servers judge their credentials anew.
    pub fn sign_out(&mut self, who: Uuid) {
        if !self.signed_out.contains(&who) {
            self.signed_out.push(who);
        }
    }

    /// Queues a mail.
    pub fn mail(&mut self, mail: Mail) {
        self.mails.push(mail);
    }

    /// Writes what was noted: counters last, as every change of an organization meets there. An operation
    /// calls it itself only before it deletes what is counted.
    pub async fn write_last(&mut self) -> Result<()> {
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

    /// Ends the change: writes what was noted, unless all of it is discarded, which `None` says.
    pub async fn finish(mut self) -> Result<Option<Last>> {
        if self.is_discarded {
            return Ok(None);
        }
        self.write_last().await?;
        Ok(Some(Last { signed_out: self.signed_out, has_mails: self.has_mails }))
    }
}
