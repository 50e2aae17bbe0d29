//! Changes a team.

use serde_json::json;

use super::{
    super::{
        Operation, Transaction,
        input::{check_version, wanted_slug},
    },
    checked_color, checked_description, checked_name, taken,
};
use crate::{
    access::{TeamAccess, TeamRef},
    domain::{event::EventKind, id::TeamId, text::fold},
    error::{Code, Error, Refusal, Result},
    store::teams::{self, Team},
};

/// What is to become of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Patch<T> {
    /// It stays.
    Keep,
    /// It is emptied.
    Clear,
    /// It gets this value.
    Set(T),
}

/// Changes name, slug, description and colour of a team; what is kept stays.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Update {
    pub team: TeamRef,
    pub name: Patch<String>,
    pub slug: Patch<String>,
    pub description: Patch<String>,
    pub color: Patch<String>,
    pub expected_version: Option<i32>,
}

impl Operation for Update {
    type Output = TeamId;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<TeamId> {
        let access = TeamAccess::lock(tx.conn, &tx.app.policy, tx.viewer, &self.team).await?;
        access.may_manage()?;
        let old = access.team;
        let mut new = self.changed(tx, &old).await?;
        if new == old {
            return Ok(old.id);
        }
        new.version += 1;
        new.updated_at = tx.now;
        teams::update(tx.conn, &new).await?;
        let shown = |team: &Team| json!({ "name": team.name, "slug": team.slug, "description": team.description, "color": team.color });
        let data = json!({ "before": shown(&old), "after": shown(&new) });
        tx.happened(old.organization_id, EventKind::TeamUpdated, old.id.0, None, data)?;
        Ok(old.id)
    }
}

impl Update {
    /// The team as it shall be; all that is wrong is told at once.
    async fn changed(&self, tx: &mut Transaction<'_>, old: &Team) -> Result<Team> {
        let mut team = old.clone();
        let mut refusals: Vec<Refusal> = check_version(self.expected_version, old.version).err().into_iter().collect();
        match &self.name {
            Patch::Keep => {}
            Patch::Clear => refusals.push(Refusal::new(Code::Blank, "A team has a name.").at(["name"])),
            Patch::Set(name) => match checked_name(name) {
                Ok(name) => team.name = name,
                Err(refusal) => refusals.push(refusal),
            },
        }
        match &self.slug {
            Patch::Keep => {}
            Patch::Clear => refusals.push(Refusal::new(Code::Invalid, "A team has a slug.").at(["slug"])),
            Patch::Set(slug) => match wanted_slug(slug) {
                Ok(slug) => match teams::id_by_slug(tx.conn, old.organization_id, &slug).await? {
                    Some(holder) if holder != old.id => refusals.push(taken(&slug)),
                    _ => team.slug = slug.to_string(),
                },
                Err(refusal) => refusals.push(refusal),
            },
        }
        match &self.description {
            Patch::Keep => {}
            Patch::Clear => team.description = None,
            Patch::Set(description) => match checked_description(Some(description)) {
                Ok(description) => team.description = description,
                Err(refusal) => refusals.push(refusal),
            },
        }
        match &self.color {
            Patch::Keep => {}
            Patch::Clear => refusals.push(Refusal::new(Code::Invalid, "A team has a colour.").at(["color"])),
            Patch::Set(color) => match checked_color(color) {
                Ok(color) => team.color = color,
                Err(refusal) => refusals.push(refusal),
            },
        }
        if !refusals.is_empty() {
            return Err(Error::Refused(refusals));
        }
        team.sort_name = fold(&team.name);
        team.search_text = Team::searched_by(&team.name, &team.slug);
        Ok(team)
    }
}
