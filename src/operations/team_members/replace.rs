//! Makes a list the whole membership of a team.

use std::collections::{HashMap, HashSet};

use super::{
    super::{
        Locked, Operation, Transaction,
        input::{BulkMode, ItemStatus, check_most, check_version},
    },
    Added, Change, ItemResult, MemberInput,
};
use crate::{
    access::{TeamAccess, TeamRef},
    consequences::{
        team_people::{Additions, Identity, People, Person, aborted_item, at_item, duplicate},
        teams::{end_memberships, set_roles},
    },
    error::{Code, Refusal, Result},
    store::team_members::{self, TeamMember},
};

/// Most people of one call.
pub const MAX: usize = 500;

/// Makes a list the whole membership of a team: adds, changes and removes as needed, as one change.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Replace {
    pub team: TeamRef,
    pub members: Vec<MemberInput>,
    pub mode: BulkMode,
    pub dry_run: bool,
    pub expected_version: Option<i32>,
}

impl Operation for Replace {
    type Output = Added;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<Added> {
        let access = Locked::<TeamAccess>::lock(tx, &self.team).await?;
        let permit = access.permit(access.may_manage_members())?;
        let too_many = check_most("members", self.members.len(), MAX);
        let stale = check_version(self.expected_version, access.team.version);
        let refusals: Vec<Refusal> = [too_many.err(), stale.err()].into_iter().flatten().collect();
        if !refusals.is_empty() {
            return Err(crate::error::Error::Refused(refusals));
        }
        if self.dry_run {
            tx.discard();
        }
        let (organization, team) = access.key();
        let people = People::load(tx, &access.organization, self.members.iter().map(|input| &input.user)).await?;
        let there = team_members::of_team(tx.conn, organization, team).await?;
        let plan = self.plan(tx, &people, &there);
        if self.mode == BulkMode::Atomic && plan.iter().any(Result::is_err) {
            let aborted = |(index, item): (usize, Step<'_>)| ItemResult::failed(index, aborted_item(index, item.err()));
            return Ok(Added { team, items: plan.into_iter().enumerate().map(aborted).collect() });
        }

        let kept: HashSet<_> = plan.iter().flatten().filter_map(Wanted::row).map(|row| row.id).collect();
        let gone: Vec<TeamMember> =
            there.iter().filter(|row| row.stands_at(tx.now) && !kept.contains(&row.id)).cloned().collect();
        let (mut additions, mut changes) = (Additions::default(), Vec::new());
        let mut items = Vec::with_capacity(plan.len() + gone.len());
        for (index, (step, input)) in plan.into_iter().zip(&self.members).enumerate() {
            items.push(match step {
                Err(refusal) => ItemResult::failed(index, refusal),
                Ok(Wanted::Again) => ItemResult::skipped(index, at_item(duplicate(), index), None),
                Ok(Wanted::Same(row)) => ItemResult::skipped(index, at_item(already(), index), Some(row.id)),
                Ok(Wanted::Changed(row)) => {
                    changes.push((row, input.role));
                    ItemResult::done(Some(index), Change::Updated, Some(row.id))
                }
                Ok(Wanted::New(person)) => {
                    let member = additions.add(tx, &access, &people, (person, input.role))?;
                    ItemResult::done(Some(index), Change::Added, Some(member).filter(|_| !self.dry_run))
                }
            });
        }
        items.extend(gone.iter().map(|row| ItemResult::done(None, Change::Removed, Some(row.id))));
        if !self.dry_run {
            end_memberships(tx, &permit, &access, &gone).await?;
            if additions.count() > 0 {
                tx.count_team_members(organization, team, additions.count());
                additions.write(tx, &permit).await?;
            }
            set_roles(tx, &permit, &access, &changes).await?;
        }
        Ok(Added { team, items })
    }
}

/// What is to be done with one person of the list.
enum Wanted<'a> {
    New(Person<'a>),
    Changed(&'a TeamMember),
    Same(&'a TeamMember),
    Again,
}

type Step<'a> = Result<Wanted<'a>, Refusal>;

impl<'a> Wanted<'a> {
    fn row(&self) -> Option<&'a TeamMember> {
        match self {
            Self::Changed(row) | Self::Same(row) => Some(row),
            Self::New(_) | Self::Again => None,
        }
    }
}

impl Replace {
    fn plan<'a>(&self, tx: &Transaction<'_>, people: &'a People, there: &'a [TeamMember]) -> Vec<Step<'a>> {
        let standing = there.iter().filter(|row| row.stands_at(tx.now));
        let there: HashMap<Identity, &TeamMember> =
            standing.filter_map(|row| Some((Identity::of(row)?, row))).collect();
        let mut seen = HashSet::new();
        let step = |(index, input): (usize, &MemberInput)| {
            let person = people.find(&input.user).map_err(|refusal| at_item(refusal, index))?;
            if !seen.insert(person.identity()) {
                return Ok(Wanted::Again);
            }
            Ok(match there.get(&person.identity()) {
                None => Wanted::New(person),
                Some(row) if row.role == input.role => Wanted::Same(row),
                Some(row) => Wanted::Changed(row),
            })
        };
        self.members.iter().enumerate().map(step).collect()
    }
}

impl Added {
    /// The outcomes of those who were named.
    pub fn named(&self) -> impl Iterator<Item = ItemStatus> {
        self.items.iter().filter(|item| item.index.is_some()).map(|item| item.status)
    }
}

fn already() -> Refusal {
    Refusal::new(Code::AlreadyMember, "This person is in the team already, with this role.").at(["user"])
}
