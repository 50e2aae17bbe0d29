//! Who is named to be in a team: members of the organization, and those who are invited to it.

use std::{borrow::Cow, collections::HashMap};

use super::super::{
    Transaction,
    input::{UserRef, aborted},
};
use crate::{
    access::{OrganizationAccess, Permission},
    domain::{
        email::Email,
        id::{InvitationId, UserId},
        team::TeamMemberRole,
    },
    error::{Code, Refusal, Result},
    store::{
        invitations::{self, Invitation},
        organization_members::{self, Membership},
        team_members::TeamMember,
        users,
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
        let named = if emails.is_empty() { Vec::new() } else { users::by_emails(tx.conn, &emails).await? };
        ids.extend(named.iter().map(|user| user.id));
        ids.sort_unstable();
        ids.dedup();
        let keys: Vec<_> = ids.into_iter().map(|id| (organization, id)).collect();
        let members = if keys.is_empty() { Vec::new() } else { organization_members::by_users(tx.conn, &keys).await? };
        let members: HashMap<UserId, Membership> = members.into_iter().map(|found| (found.user_id, found)).collect();
        let named = named.into_iter().filter(|user| members.contains_key(&user.id));
        let by_email: HashMap<Email, UserId> = named.map(|user| (user.email, user.id)).collect();
        emails.retain(|email| !by_email.contains_key(email));
        let pending = if emails.is_empty() {
            Vec::new()
        } else {
            invitations::pending_to(tx.conn, organization, &emails).await?
        };
        let invitees = pending.into_iter().filter(|invitation| invitation.expires_at > tx.now);
        let invitees = invitees.map(|invitation| (invitation.email.clone(), invitation)).collect();
        Ok(Self { members, by_email, invitees, sees_members: access.permissions.has(Permission::MembersRead) })
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
        let addresses = self.members.values().map(|user| user.email.clone()).chain(self.invitees.keys().cloned());
        (self.members.keys().copied().collect(), addresses.collect())
    }
}

/// This person was named before.
pub fn duplicate() -> Refusal {
    Refusal::new(Code::Duplicate, "This person stands in the list before.").at(["user"])
}

/// A refusal of one item of `members`.
pub fn at_item(refusal: Refusal, index: usize) -> Refusal {
    let path = ["members".into(), index.to_string().into()].into_iter().chain(refusal.path.clone());
    refusal.at(path.collect::<Vec<Cow<'static, str>>>())
}

/// Why an item is not applied when another one failed.
pub fn aborted_item(index: usize, refusal: Option<Refusal>) -> Refusal {
    refusal.unwrap_or_else(|| at_item(aborted(), index))
}
