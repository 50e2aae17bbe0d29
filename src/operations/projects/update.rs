//! Changes the profile of a project.

use serde_json::Value;

use super::{
    super::{
        Locked, Operation, Transaction,
        input::{check_version, description, name, wanted_slug},
        patch::{Edit, Patch},
    },
    create::taken,
    may,
};
use crate::{
    access::{ProjectAccess, ProjectRef},
    domain::{event::EventKind, id::ProjectId, slug::Slug, text::fold},
    error::{Error, Result},
    store::projects::{self, Project},
};

/// Changes a project.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Update {
    pub project: ProjectRef,
    pub name: Patch<String>,
    pub slug: Patch<String>,
    pub description: Patch<String>,
    pub expected_version: Option<i32>,
}

impl Operation for Update {
    type Output = ProjectId;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<ProjectId> {
        let access = Locked::<ProjectAccess>::lock(tx, &self.project).await?;
        let permit = access.permit(may::update(&access))?;
        let before = &access.project;
        let mut edit = Edit::default();
        edit.check("expectedVersion", check_version(self.expected_version, before.version));
        let new_name = edit.required("name", &self.name, &before.name, |text| name(text));
        let text = self.description.blank_clears();
        let text = edit.optional("description", &text, before.description.as_ref(), |text| description(text));
        let current = Slug::parse(&before.slug).ok_or_else(|| Error::internal("a project has no slug"))?;
        let slug = edit.required("slug", &self.slug, &current, |text| wanted_slug(text));
        if slug != current && projects::is_taken(tx.conn, before.organization_id, &slug).await? {
            edit.check("slug", Err(taken(&slug)));
        }

        let Some(change) = edit.end()? else { return Ok(before.id) };
        let after = Project {
            sort_name: fold(&new_name),
            search_text: Project::searched_by(&new_name, &slug),
            name: new_name,
            slug: slug.to_string(),
            description: text,
            updated_at: tx.now,
            ..before.clone()
        };
        projects::update(tx.conn, &permit, &after).await?;
        let data = Value::Object(change);
        tx.happened(before.organization_id, EventKind::ProjectUpdated, before.id.0, Some(before.id), data)?;
        Ok(before.id)
    }
}
