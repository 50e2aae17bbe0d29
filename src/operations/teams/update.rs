//! Changes a team.

use serde_json::Value;

use super::{
    super::{
        Locked, Operation, Transaction,
        input::{check_version, description, name, wanted_slug},
        patch::{Edit, Patch},
    },
    checked_color, taken,
};
use crate::{
    access::{TeamAccess, TeamRef},
    domain::{event::EventKind, id::TeamId, slug::Slug, text::fold},
    error::{Error, Result},
    store::teams::{self, Team},
};

/// Changes name, slug, description and colour of a team.
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
        let access = Locked::<TeamAccess>::lock(tx, &self.team).await?;
        let permit = access.permit(access.may_manage())?;
        let before = &access.team;
        let mut edit = Edit::default();
        edit.check("expectedVersion", check_version(self.expected_version, before.version));
        let new_name = edit.required("name", &self.name, &before.name, |text| name(text));
        let current = Slug::parse(&before.slug).ok_or_else(|| Error::internal("a team has no slug"))?;
        let slug = edit.required("slug", &self.slug, &current, |text| wanted_slug(text));
        if slug != current && teams::id_by_slug(tx.conn, before.organization_id, &slug).await?.is_some() {
            edit.check("slug", Err(taken(&slug)));
        }
        let text = self.description.blank_clears();
        let text = edit.optional("description", &text, before.description.as_ref(), |text| description(text));
        let color = edit.required("color", &self.color, &before.color, |text| checked_color(text));

        let Some(change) = edit.end()? else { return Ok(before.id) };
        let after = Team {
            sort_name: fold(&new_name),
            search_text: Team::searched_by(&new_name, slug.as_str()),
            name: new_name,
            slug: slug.to_string(),
            description: text,
            color,
            version: before.version + 1,
            updated_at: tx.now,
            ..before.clone()
        };
        teams::update(tx.conn, &permit, &after).await?;
        tx.happened(before.organization_id, EventKind::TeamUpdated, before.id.0, None, Value::Object(change))?;
        Ok(before.id)
    }
}
