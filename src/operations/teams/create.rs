//! Creates a team.

use std::{collections::HashSet, sync::Arc};

use serde_json::json;

use super::{
    super::{
        Locked, Operation, Transaction,
        input::{self, check_most, wanted_slug},
        suffix,
    },
    checked_color, taken,
};
use crate::{
    access::{Allowed, OrganizationAccess, OrganizationRef, Permission, TeamAccess},
    app::Limits,
    consequences::team_people::{Additions, MemberInput, People, at_item, duplicate},
    domain::{
        event::EventKind,
        id::{OrganizationId, TeamId},
        invitation::BULK_MAX,
        slug::Slug,
        team::PALETTE,
        text::fold,
    },
    error::{Code, Detail, Error, Refusal, Result},
    store::{
        organizations::Counts,
        teams::{self, Team},
    },
};

/// Creates a team with its first members.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Create {
    pub organization: OrganizationRef,
    pub name: String,
    pub slug: Option<String>,
    pub description: Option<String>,
    pub color: Option<String>,
    pub members: Vec<MemberInput>,
}

/// The viewer may create teams, and one more fits.
///
/// # Errors
/// Refused as forbidden, or for the limit.
pub fn may_create(organization: &OrganizationAccess, limits: &Limits) -> Result<Allowed, Refusal> {
    let allowed = organization.may(Permission::TeamsManage)?;
    let (limit, actual) = (limits.teams, organization.organization.team_count);
    if actual >= limit {
        let refusal = Refusal::new(Code::LimitReached, format!("An organization may have {limit} teams."));
        return Err(refusal.with(Detail::Limit { limit, actual }));
    }
    Ok(allowed)
}

impl Operation for Create {
    type Output = TeamId;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<TeamId> {
        let locked = Locked::<Arc<OrganizationAccess>>::lock(tx, &self.organization).await?;
        let permit = locked.permit(may_create(&locked, &tx.app.limits))?;
        let organization = locked.organization;
        let id = organization.organization.id;
        let mut team = self.checked(tx, id).await?;
        let people = People::load(tx, &organization, self.members.iter().map(|input| &input.user)).await?;
        self.check_members(&people)?;

        team.member_count = i32::try_from(self.members.len()).unwrap_or(i32::MAX);
        let slug = team.slug.clone();
        let created = json!({ "slug": team.slug, "name": team.name });
        tx.happened(id, EventKind::TeamCreated, team.id.0, None, created)?;
        tx.count(id, Counts { teams: 1, ..Counts::default() });
        if !teams::insert(tx.conn, &permit, &team).await? {
            return Err(Error::Transient(format!("the slug {slug} was taken under a lock").into()));
        }
        let team = TeamAccess { team, organization, own: None };
        let mut additions = Additions::default();
        for input in &self.members {
            additions.add(tx, &team, &people, (people.find(&input.user)?, input.role))?;
        }
        additions.write(tx, &permit).await?;
        Ok(team.team.id)
    }
}

impl Create {
    async fn checked(&self, tx: &mut Transaction<'_>, organization: OrganizationId) -> Result<Team> {
        let name = input::name(&self.name).map_err(|refusal| refusal.at(["name"]));
        let description = self.description.as_deref().filter(|text| !text.trim().is_empty());
        let description = description.map(input::description).transpose();
        let description = description.map_err(|refusal| refusal.at(["description"]));
        let color = self.color.as_deref().map(checked_color).transpose();
        let slug = self.free_slug(tx, organization).await?;
        let size = check_most("members", self.members.len(), BULK_MAX);
        let (name, slug, description, color) = match (name, slug, description, color, size) {
            (Ok(name), Ok(slug), Ok(description), Ok(color), Ok(())) => (name, slug, description, color),
            (name, slug, description, color, size) => {
                let refusals = [name.err(), slug.err(), description.err(), color.err(), size.err()];
                return Err(Error::Refused(refusals.into_iter().flatten().collect()));
            }
        };
        let color = match color {
            Some(color) => color,
            None => free_color(&teams::colors(tx.conn, organization).await?),
        };
        Ok(Team {
            organization_id: organization,
            id: TeamId(tx.id()),
            sort_name: fold(&name),
            search_text: Team::searched_by(&name, slug.as_str()),
            slug: slug.to_string(),
            name,
            description,
            color,
            member_count: 0,
            version: 1,
            created_at: tx.now,
            updated_at: tx.now,
        })
    }

    async fn free_slug(&self, tx: &mut Transaction<'_>, organization: OrganizationId) -> Result<Result<Slug, Refusal>> {
        if let Some(wanted) = &self.slug {
            let slug = match wanted_slug(wanted) {
                Ok(slug) => slug,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let is_taken = teams::id_by_slug(tx.conn, organization, &slug).await?.is_some();
            return Ok(if is_taken { Err(taken(&slug)) } else { Ok(slug) });
        }
        let plain = Slug::from_name(&self.name, "team", "");
        let is_taken = teams::id_by_slug(tx.conn, organization, &plain).await?.is_some();
        Ok(Ok(if is_taken { Slug::from_name(&self.name, "team", &suffix(tx.id())) } else { plain }))
    }

    /// Everybody can be in the team, and is named once.
    fn check_members(&self, people: &People) -> Result<()> {
        let mut seen = HashSet::new();
        let check = |(index, input): (usize, &MemberInput)| match people.find(&input.user) {
            Ok(person) if seen.insert(person.identity()) => None,
            Ok(_) => Some(at_item(duplicate(), index)),
            Err(refusal) => Some(at_item(refusal, index)),
        };
        let refusals: Vec<Refusal> = self.members.iter().enumerate().filter_map(check).collect();
        if refusals.is_empty() { Ok(()) } else { Err(Error::Refused(refusals)) }
    }
}

/// The colour that the fewest teams have, the first of the palette before the others.
fn free_color(used: &[String]) -> String {
    let teams = |color: &&str| used.iter().filter(|used| used == color).count();
    PALETTE.into_iter().min_by_key(teams).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_team_gets_the_colour_that_is_used_least() {
        let used = |count: usize| PALETTE[..count].iter().map(|color| (*color).to_owned()).collect::<Vec<_>>();
        assert_eq!(free_color(&[]), PALETTE[0]);
        assert_eq!(free_color(&used(3)), PALETTE[3]);
        assert_eq!(free_color(&[used(12), used(1)].concat()), PALETTE[1]);
        assert_eq!(free_color(&["#000000".to_owned()]), PALETTE[0]);
    }
}
