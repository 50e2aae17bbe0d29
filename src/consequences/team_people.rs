//! Who is put into teams: members of the organization, and those who are invited to it.

use std::{borrow::Cow, collections::HashMap};

use serde_json::json;

use super::{Transaction, teams::event_data};
use crate::{
    access::{OrganizationAccess, Permission, Permit, TeamAccess, UserRef},
    domain::{
        email::Email,
        event::EventKind,
        id::{InvitationId, TeamMemberId, UserId},
        team::TeamMemberRole,
    },
    error::{Code, Error, Refusal, Result},
    store::{
        invitation_teams::{self, TeamGrant},
        invitations::{self, Invitation},
        organization_members::{self, Membership},
        team_members::{self, TeamMember},
        users::{self, Pinned},
    },
};

/// One person to put into a team.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct MemberInput {
    pub user: UserRef,
    pub role: TeamMemberRole,
}

/// Somebody who can be in a team.
#[derive(Clone, Copy, Debug)]
pub enum Person<'a> {
    /// A member of the organization.
    Member(&'a Membership),
    /// Whoever will be one by accepting this invitation.
    Invitee(&'a Invitation),
}

/// Tells people apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// A member of the organization.
    Member(UserId),
    /// Whoever will be one by accepting this invitation.
    Invitee(InvitationId),
}

impl Person<'_> {
    /// Who it is.
    pub fn identity(self) -> Identity {
        match self {
            Self::Member(user) => Identity::Member(user.user_id),
            Self::Invitee(invitation) => Identity::Invitee(invitation.id),
        }
    }
}

impl Identity {
    /// Whose membership it is.
    pub fn of(member: &TeamMember) -> Option<Self> {
        member.user_id.map(Self::Member).or(member.invitation_id.map(Self::Invitee))
    }
}

/// Everybody who was named, as far as they can be in a team.
pub struct People {
    members: HashMap<UserId, Membership>,
    pinned: HashMap<UserId, Pinned>,
    by_email: HashMap<Email, UserId>,
    invitees: HashMap<Email, Invitation>,
    sees_members: bool,
}

impl People {
    /// Looks everybody up, in as many statements for five hundred as for one.
    pub async fn load(
        tx: &mut Transaction<'_>,
        access: &OrganizationAccess,
        users: impl IntoIterator<Item = &UserRef>,
    ) -> Result<Self> {
        let (mut ids, mut emails): (Vec<UserId>, Vec<Email>) = (Vec::new(), Vec::new());
        for user in users {
            match user {
                UserRef::Id(id) => ids.push(*id),
                UserRef::Email(email) => emails.push(email.clone()),
                UserRef::Unknown => {}
            }
        }
        let organization = access.organization.id;
        let named = users::holders(tx.conn, &emails).await?;
        ids.extend(named.values().map(|user| user.id));
        ids.sort_unstable();
        ids.dedup();
        let keys: Vec<_> = ids.into_iter().map(|id| (organization, id)).collect();
        let members = if keys.is_empty() { Vec::new() } else { organization_members::by_users(tx.conn, &keys).await? };
        let members: HashMap<UserId, Membership> = members.into_iter().map(|found| (found.user_id, found)).collect();
        let named = named.into_iter().filter(|(_, user)| members.contains_key(&user.id));
        let by_email: HashMap<Email, UserId> = named.map(|(email, user)| (email, user.id)).collect();
        emails.retain(|email| !by_email.contains_key(email));
        let pending = if emails.is_empty() {
            Vec::new()
        } else {
            invitations::pending_to(tx.conn, organization, &emails).await?
        };
        let invitees = pending.into_iter().filter(|invitation| invitation.expires_at > tx.now);
        let invitees = invitees.map(|invitation| (invitation.email.clone(), invitation)).collect();
        let people: Vec<UserId> = members.keys().copied().collect();
        let pinned = users::pin(tx.conn, &people).await?;
        let sees_members = access.permissions.has(Permission::MembersRead);
        Ok(Self { members, pinned, by_email, invitees, sees_members })
    }

    /// Whoever is neither member nor invited is not there, whether or not they have an account.
    ///
    /// # Errors
    /// `NOT_MEMBER`, or `NOT_FOUND` for those who may not know who is a member.
    pub fn find(&self, user: &UserRef) -> Result<Person<'_>, Refusal> {
        let found = match user {
            UserRef::Id(id) => self.members.get(id).map(Person::Member),
            UserRef::Email(email) => match self.by_email.get(email) {
                Some(id) => self.members.get(id).map(Person::Member),
                None => self.invitees.get(email).map(Person::Invitee),
            },
            UserRef::Unknown => return Err(Refusal::not_found("person").at(["user"])),
        };
        let missing = || {
            if !self.sees_members {
                return Refusal::not_found("person");
            }
            let message = "Only members of the organization and those invited to it can be in its teams; invite this person instead.";
            Refusal::new(Code::NotMember, message)
        };
        found.ok_or_else(|| missing().at(["user"]))
    }

    /// The ids and the addresses of everybody who was found.
    pub fn found(&self) -> (Vec<UserId>, Vec<Email>) {
        let of_members = self.pinned.values().filter_map(Pinned::verified_email);
        let addresses = of_members.chain(self.invitees.keys()).cloned();
        (self.members.keys().copied().collect(), addresses.collect())
    }

    /// The address of a member: an invitee who has it is the same person.
    pub fn address(&self, user: UserId) -> Option<&Email> {
        self.pinned.get(&user)?.verified_email()
    }

    fn pinned(&self, user: UserId) -> Result<&Pinned> {
        self.pinned.get(&user).ok_or_else(|| Error::internal("a member is no person"))
    }
}

/// This person was named before.
pub fn duplicate() -> Refusal {
    Refusal::new(Code::Duplicate, "This person is already in the list.").at(["user"])
}

/// A refusal of one item of `members`.
pub fn at_item(refusal: Refusal, index: usize) -> Refusal {
    let path = ["members".into(), index.to_string().into()].into_iter().chain(refusal.path.clone());
    refusal.at(path.collect::<Vec<Cow<'static, str>>>())
}

/// Why an item is not applied when another one failed.
pub fn aborted_item(index: usize, refusal: Option<Refusal>) -> Refusal {
    refusal.unwrap_or_else(|| at_item(Refusal::aborted(), index))
}

/// Memberships of teams to be written together.
#[derive(Default)]
pub struct Additions {
    rows: Vec<TeamMember>,
    grants: Vec<TeamGrant>,
}

impl Additions {
    /// Puts somebody into a team who is not in it; an invitee's invitation grants the team from then on.
    pub fn add(
        &mut self,
        tx: &mut Transaction<'_>,
        team: &TeamAccess,
        people: &People,
        (person, role): (Person<'_>, TeamMemberRole),
    ) -> Result<TeamMemberId> {
        let id = TeamMemberId(tx.id());
        let (organization, team_id) = team.key();
        let row = match person {
            Person::Member(user) => TeamMember::of_person(id, team.key(), people.pinned(user.user_id)?, role, tx.now),
            Person::Invitee(invitation) => {
                let (kind, actor) = tx.viewer.actor()?;
                self.grants.push(TeamGrant {
                    organization_id: organization,
                    invitation_id: invitation.id,
                    team_id,
                    role,
                    added_by_kind: Some(kind),
                    added_by_id: actor,
                });
                let data = json!({ "email": invitation.email.as_str(), "team": team_id.to_string() });
                tx.happened(organization, EventKind::InvitationUpdated, invitation.id.0, invitation.project_id, data)?;
                TeamMember::of_invitee(id, team_id, invitation, role, tx.now)
            }
        };
        tx.happened(organization, EventKind::TeamMemberAdded, id.0, None, event_data(&row))?;
        self.rows.push(row);
        Ok(id)
    }

    /// How many there are.
    pub fn count(&self) -> i32 {
        i32::try_from(self.rows.len()).unwrap_or(i32::MAX)
    }

    /// Writes what was added.
    pub async fn write(self, tx: &mut Transaction<'_>, permit: &Permit) -> Result<()> {
        invitation_teams::add(tx.conn, permit, &self.grants).await?;
        team_members::insert(tx.conn, permit, &self.rows).await?;
        Ok(())
    }
}
