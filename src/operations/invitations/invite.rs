//! What inviting to an organization and to a project have in common: the addresses, what is known of them,
//! and the rows of those who are new.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    super::{
        Transaction,
        input::{BulkMode, ItemStatus, check_bulk_size, text_refusal},
    },
    grant_row,
};
use crate::{
    access::Permit,
    consequences::grants::{pending_row, team_grant_row},
    domain::{
        email::Email,
        event::EventKind,
        id::{InvitationId, OrganizationId, ProjectId, ProjectMemberId, RoleId, TeamId, UserId},
        invitation::{EXPIRY_DAYS, InvitationStatus},
        team::TeamMemberRole,
        text::{self, MESSAGE_MAX},
    },
    error::{Code, Error, Refusal, Result},
    store::{
        invitation_projects::ProjectGrant,
        invitation_teams::{self, TeamGrant},
        invitations::{self, Invitation},
        mails::Mail,
        organization_members,
        organizations::Counts,
        team_members::{self, TeamMember},
    },
};

/// Whom to invite, and how.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Letter {
    pub emails: Vec<String>,
    pub message: Option<String>,
    pub expires_in_days: i32,
    pub send_email: bool,
    pub mode: BulkMode,
    pub dry_run: bool,
}

/// What became of an invitation to many.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Invited {
    /// The organization.
    pub organization: OrganizationId,
    /// The project, for invitations to one.
    pub project: Option<ProjectId>,
    /// One per address, in order.
    pub items: Vec<ItemResult>,
}

/// What became of one address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ItemResult {
    /// The address in its one form, or as it was typed.
    pub email: String,
    /// Outcome.
    pub status: ItemStatus,
    /// Why it was skipped or refused.
    pub refusals: Vec<Refusal>,
    /// The new invitation, or the one that is there.
    pub invitation: Option<InvitationId>,
    /// The membership of somebody who joined the project at once.
    pub project_member: Option<ProjectMemberId>,
    /// Number of the link to accept it.
    pub link: Option<i32>,
}

impl ItemResult {
    fn new(email: &(impl ToString + ?Sized), status: ItemStatus, refusal: Option<Refusal>) -> Self {
        let refusals = refusal.into_iter().collect();
        Self { email: email.to_string(), status, refusals, invitation: None, project_member: None, link: None }
    }

    /// Nothing to do.
    pub fn skipped(email: &Email, index: usize, code: Code, message: &'static str) -> Self {
        Self::new(email, ItemStatus::Skipped, Some(Refusal::new(code, message).at(path(index))))
    }

    /// Applied.
    pub fn succeeded(email: &Email) -> Self {
        Self::new(email, ItemStatus::Succeeded, None)
    }
}

fn path(index: usize) -> [String; 2] {
    ["emails".to_owned(), index.to_string()]
}

/// What is known of an address before anything is written.
#[derive(Clone, Debug)]
pub enum Known {
    /// Settled without looking: malformed, or a repetition.
    Settled(ItemResult),
    /// An organization member's.
    Member(Email, UserId),
    /// Somebody's who is invited already.
    Pending(Email, Box<Invitation>),
    /// Nobody's.
    New(Email),
}

impl Letter {
    /// Checks what needs no database, tells all that is wrong at once, and answers the message.
    pub fn check(&self) -> Result<Option<String>> {
        let message = self.message.as_deref().filter(|message| !message.trim().is_empty());
        let message = message.map(|message| text::paragraph(message, MESSAGE_MAX)).transpose();
        let refusals: Vec<Refusal> = [
            check_bulk_size("emails", self.emails.len()).err(),
            check_expiry(self.expires_in_days).err(),
            message.as_ref().err().map(|error| text_refusal(error).at(["message"])),
        ]
        .into_iter()
        .flatten()
        .collect();
        if refusals.is_empty() { Ok(message.ok().flatten()) } else { Err(Error::Refused(refusals)) }
    }

    /// Looks every address up, in as many statements for a hundred as for one.
    pub async fn look_up(&self, tx: &mut Transaction<'_>, organization: OrganizationId) -> Result<Vec<Known>> {
        let read: Vec<Option<Email>> = self.emails.iter().map(|email| Email::parse(email)).collect();
        let distinct: Vec<Email> = read.iter().flatten().cloned().collect::<HashSet<_>>().into_iter().collect();
        let keys: Vec<(OrganizationId, Email)> = distinct.iter().map(|email| (organization, email.clone())).collect();
        let members = organization_members::by_addresses(tx.conn, &keys).await?;
        let members: HashMap<Email, UserId> = members.into_iter().map(|((_, email), user)| (email, user)).collect();
        let pending = invitations::pending_to(tx.conn, organization, &distinct).await?;
        let mut pending: HashMap<Email, Invitation> = pending.into_iter().map(|row| (row.email.clone(), row)).collect();
        let mut seen = HashSet::new();
        let known = read.into_iter().zip(&self.emails).enumerate().map(|(index, (email, typed))| {
            let Some(email) = email else {
                let refusal = Refusal::new(Code::Invalid, "This is no e-mail address.").at(path(index));
                return Known::Settled(ItemResult::new(typed.trim(), ItemStatus::Failed, Some(refusal)));
            };
            if !seen.insert(email.clone()) {
                return Known::Settled(ItemResult::skipped(
                    &email,
                    index,
                    Code::Duplicate,
                    "This address is already in the list.",
                ));
            }
            if let Some(user) = members.get(&email) {
                return Known::Member(email, *user);
            }
            match pending.remove(&email) {
                Some(invitation) => Known::Pending(email, Box::new(invitation)),
                None => Known::New(email),
            }
        });
        Ok(known.collect())
    }

    /// Whether one failed item keeps all others from being applied.
    pub fn is_aborted(&self, known: &[Known]) -> bool {
        let failed = |item: &Known| matches!(item, Known::Settled(result) if result.status == ItemStatus::Failed);
        self.mode == BulkMode::Atomic && known.iter().any(failed)
    }
}

/// Refuses a number of days that no invitation lives.
pub fn check_expiry(days: i32) -> Result<(), Refusal> {
    let (least, most) = (EXPIRY_DAYS.start(), EXPIRY_DAYS.end());
    if EXPIRY_DAYS.contains(&days) {
        return Ok(());
    }
    Err(Refusal::new(Code::Invalid, format!("An invitation lives {least} to {most} days.")).at(["expiresInDays"]))
}

/// The results of a call of which nothing is applied: what failed says why, the rest that it did.
pub fn aborted_results(known: Vec<Known>) -> Vec<ItemResult> {
    known
        .into_iter()
        .enumerate()
        .map(|(index, item)| match item {
            Known::Settled(result) => result,
            Known::Member(email, _) | Known::Pending(email, _) | Known::New(email) => {
                ItemResult::new(&email, ItemStatus::Failed, Some(Refusal::aborted().at(path(index))))
            }
        })
        .collect()
}

/// What every new invitation of a call gives.
pub struct Terms {
    /// Role in the organization.
    pub role: RoleId,
    /// The invited project, which is also the first grant.
    pub project: Option<ProjectId>,
    /// Projects and the roles in them.
    pub grants: Vec<(ProjectId, RoleId)>,
    /// Teams and the roles in them.
    pub teams: Vec<(TeamId, TeamMemberRole)>,
    /// Personal message.
    pub message: Option<String>,
}

/// Rows to be written together.
#[derive(Default)]
pub struct NewInvitations {
    rows: Vec<Invitation>,
    grants: Vec<ProjectGrant>,
    team_grants: Vec<TeamGrant>,
    team_members: Vec<TeamMember>,
}

impl NewInvitations {
    /// Adds the invitation of `email` and queues its mail.
    pub fn add(
        &mut self,
        tx: &mut Transaction<'_>,
        organization: OrganizationId,
        email: Email,
        letter: &Letter,
        terms: &Terms,
    ) -> Result<ItemResult> {
        let actor = tx.viewer.actor()?;
        let invitation = Invitation {
            organization_id: organization,
            id: InvitationId(tx.id()),
            email,
            status: InvitationStatus::Pending,
            status_rank: InvitationStatus::Pending.rank(),
            role_id: Some(terms.role),
            project_id: terms.project,
            message: terms.message.clone(),
            token_version: 1,
            invited_by_kind: actor.0,
            invited_by_id: actor.1,
            resolved_by_kind: None,
            resolved_by_id: None,
            created_at: tx.now,
            updated_at: tx.now,
            expires_at: tx.now + TimeDelta::days(letter.expires_in_days.into()),
            resolved_at: None,
        };
        if letter.send_email {
            tx.mail(Mail::queued(organization, invitation.id, invitation.token_version, tx.now));
        }
        let data = json!({ "email": invitation.email.as_str() });
        tx.happened(organization, EventKind::InvitationCreated, invitation.id.0, terms.project, data)?;
        tx.count(organization, Counts { pending_invitations: 1, ..Counts::default() });
        let grants = terms.grants.iter().enumerate();
        self.grants.extend(grants.map(|(position, (project, role))| grant_row(&invitation, *project, *role, position)));
        for (team, role) in &terms.teams {
            self.team_grants.push(team_grant_row(&invitation, *team, *role));
            self.team_members.push(pending_row(tx, &invitation, *team, *role)?);
        }
        let result = ItemResult {
            invitation: Some(invitation.id),
            link: Some(invitation.token_version),
            ..ItemResult::succeeded(&invitation.email)
        };
        self.rows.push(invitation);
        Ok(result)
    }

    /// Writes what was added.
    pub async fn write(self, tx: &mut Transaction<'_>, permit: &Permit) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        invitations::insert(tx.conn, permit, &self.rows, &self.grants).await?;
        invitation_teams::add(tx.conn, permit, &self.team_grants).await?;
        team_members::insert(tx.conn, permit, &self.team_members).await?;
        Ok(())
    }
}
