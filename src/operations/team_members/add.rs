//! Puts people into a team.

use std::collections::{HashMap, HashSet};

use super::{
    super::{
        Locked, Operation, Transaction,
        input::{BulkMode, ItemStatus, check_bulk_size},
    },
    Change, MemberInput,
};
use crate::{
    access::{TeamAccess, TeamRef},
    consequences::{
        team_people::{Additions, Identity, People, Person, aborted_item, at_item, duplicate},
        teams::end_memberships,
    },
    domain::id::{TeamId, TeamMemberId},
    error::{Code, Refusal, Result},
    store::team_members::{self, TeamMember},
};

/// Puts up to 100 organization members and invitees into a team.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Add {
    pub team: TeamRef,
    pub members: Vec<MemberInput>,
    pub mode: BulkMode,
}

/// What became of the people of a call.
#[derive(Clone, Debug)]
pub struct Added {
    /// The team.
    pub team: TeamId,
    /// One per person, in order; then one per person who is in the team no more.
    pub items: Vec<ItemResult>,
}

/// What became of one person.
#[derive(Clone, Debug)]
pub struct ItemResult {
    /// Place in the input; none for who was not named.
    pub index: Option<usize>,
    /// Outcome.
    pub status: ItemStatus,
    /// Why they were skipped or refused.
    pub refusals: Vec<Refusal>,
    /// What happened.
    pub change: Option<Change>,
    /// The membership, new, kept or gone.
    pub member: Option<TeamMemberId>,
}

impl ItemResult {
    /// Refused.
    pub fn failed(index: usize, refusal: Refusal) -> Self {
        let (index, refusals) = (Some(index), vec![refusal]);
        Self { index, status: ItemStatus::Failed, refusals, change: None, member: None }
    }

    /// Nothing to do.
    pub fn skipped(index: usize, refusal: Refusal, member: Option<TeamMemberId>) -> Self {
        let change = member.map(|_| Change::Unchanged);
        Self { status: ItemStatus::Skipped, change, member, ..Self::failed(index, refusal) }
    }

    /// Applied.
    pub fn done(index: Option<usize>, change: Change, member: Option<TeamMemberId>) -> Self {
        Self { index, status: ItemStatus::Succeeded, refusals: Vec::new(), change: Some(change), member }
    }
}

impl Operation for Add {
    type Output = Added;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Added> {
        let access = Locked::<TeamAccess>::lock(tx, &self.team).await?;
        let permit = access.permit(access.may_manage_members())?;
        check_bulk_size("members", self.members.len())?;
        let (organization, team) = access.key();
        let people = People::load(tx, &access.organization, self.members.iter().map(|input| &input.user)).await?;
        let (ids, addresses) = people.found();
        let there = team_members::among(tx.conn, organization, team, &ids, &addresses).await?;
        let judged = judge(&people, &there, &self.members);
        if self.mode == BulkMode::Atomic && judged.iter().any(Result::is_err) {
            let aborted =
                |(index, item): (usize, Judged<'_>)| ItemResult::failed(index, aborted_item(index, item.err()));
            return Ok(Added { team, items: judged.into_iter().enumerate().map(aborted).collect() });
        }

        let mut additions = Additions::default();
        let mut items = Vec::with_capacity(judged.len());
        let mut twice = Vec::new();
        for (index, (item, input)) in judged.into_iter().zip(&self.members).enumerate() {
            items.push(match item {
                Err(refusal) => ItemResult::failed(index, refusal),
                Ok(Verdict::Skip(refusal, member)) => ItemResult::skipped(index, at_item(refusal, index), member),
                Ok(Verdict::Add(person)) => {
                    twice.extend(there.iter().filter(|row| is_pending_of(row, &people, person)).cloned());
                    let member = additions.add(tx, &access, &people, (person, input.role))?;
                    ItemResult::done(Some(index), Change::Added, Some(member))
                }
            });
        }
        if additions.count() > 0 {
            end_memberships(tx, &permit, &access, &twice).await?;
            tx.count_team_members(organization, team, additions.count());
            additions.write(tx, &permit).await?;
        }
        Ok(Added { team, items })
    }
}

/// What is to be done with one person.
enum Verdict<'a> {
    Add(Person<'a>),
    Skip(Refusal, Option<TeamMemberId>),
}

type Judged<'a> = Result<Verdict<'a>, Refusal>;

fn judge<'a>(people: &'a People, there: &[TeamMember], members: &[MemberInput]) -> Vec<Judged<'a>> {
    let there: HashMap<Identity, TeamMemberId> =
        there.iter().filter_map(|row| Some((Identity::of(row)?, row.id))).collect();
    let mut seen = HashSet::new();
    let judge = |(index, input): (usize, &MemberInput)| {
        let person = people.find(&input.user).map_err(|refusal| at_item(refusal, index))?;
        if !seen.insert(person.identity()) {
            return Ok(Verdict::Skip(duplicate(), None));
        }
        Ok(match there.get(&person.identity()) {
            Some(member) => {
                let already = Refusal::new(Code::AlreadyMember, "This person is in the team already.").at(["user"]);
                Verdict::Skip(already, Some(*member))
            }
            None => Verdict::Add(person),
        })
    };
    members.iter().enumerate().map(judge).collect()
}

/// Whoever is in the team as a person is not there as an invitee as well.
fn is_pending_of(row: &TeamMember, people: &People, person: Person<'_>) -> bool {
    let Person::Member(user) = person else { return false };
    row.user_id.is_none() && row.email.get().is_some() && row.email.get() == people.address(user.user_id)
}
