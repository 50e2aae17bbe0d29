//! Changes the profile of an organization.

use std::sync::Arc;

use serde_json::Value;

use super::{
    super::{
        Locked, Operation, Transaction,
        input::{check_version, description, name},
        patch::{Edit, Patch},
    },
    may, profile,
};
use crate::{
    access::{OrganizationAccess, OrganizationRef, Permit},
    domain::{event::EventKind, id::OrganizationId, organization::Visibility, slug::Slug, text::fold},
    error::{Error, Refusal, Result},
    store::organizations::{self, Organization},
};

/// Changes the profile of an organization. A new slug is taken beside the old ones, which keep finding it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Update {
    pub organization: OrganizationRef,
    pub name: Patch<String>,
    pub slug: Patch<String>,
    pub description: Patch<String>,
    pub logo_url: Patch<String>,
    pub website: Patch<String>,
    pub industry: Patch<String>,
    pub email: Patch<String>,
    pub phone: Patch<String>,
    pub visibility: Patch<Visibility>,
    pub expected_version: Option<i32>,
}

impl Operation for Update {
    type Output = OrganizationId;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<OrganizationId> {
        let access = Locked::<Arc<OrganizationAccess>>::lock(tx, &self.organization).await?;
        let permit = access.permit(may::update(&access))?;
        let before = &access.target.organization;
        let mut edit = Edit::default();
        edit.check("expectedVersion", check_version(self.expected_version, before.version));
        let edited = self.edited(&mut edit, before);
        let current = Slug::parse(&before.slug).ok_or_else(|| Error::internal("an organization has no slug"))?;
        let slug = edit.required("slug", &self.slug, &current, |text| profile::slug(text));
        if slug != current {
            edit.check("slug", take(tx, &permit, &slug, before.id).await?);
        }

        let Some(change) = edit.end()? else { return Ok(before.id) };
        let after = Organization {
            sort_name: fold(&edited.name),
            search_text: Organization::searched_by(&edited.name, &slug),
            slug: slug.to_string(),
            updated_at: tx.now,
            ..edited
        };
        organizations::update(tx.conn, &permit, &after).await?;
        tx.happened(before.id, EventKind::OrganizationUpdated, before.id.0, None, Value::Object(change))?;
        Ok(before.id)
    }
}

impl Update {
    /// The row with all changes but that of the slug.
    fn edited(&self, edit: &mut Edit, row: &Organization) -> Organization {
        let text = self.description.blank_clears();
        Organization {
            name: edit.required("name", &self.name, &row.name, |text| name(text)),
            description: edit.optional("description", &text, row.description.as_ref(), |text| description(text)),
            logo_url: edit
                .optional("logoUrl", &self.logo_url, row.logo_url.as_ref(), |text| profile::web_address(text)),
            website: edit.optional("website", &self.website, row.website.as_ref(), |text| profile::web_address(text)),
            industry: edit.optional("industry", &self.industry, row.industry.as_ref(), |key| profile::industry(key)),
            email: edit.optional("email", &self.email, row.email.as_ref(), |text| profile::email(text)),
            phone: edit.optional("phone", &self.phone, row.phone.as_ref(), |text| profile::phone(text)),
            visibility: edit.required("visibility", &self.visibility, &row.visibility, |visibility| Ok(*visibility)),
            ..row.clone()
        }
    }
}

/// Takes a slug for an organization, unless it is or was another's. Its own earlier ones it has already.
async fn take(
    tx: &mut Transaction<'_>,
    permit: &Permit,
    slug: &Slug,
    id: OrganizationId,
) -> Result<Result<(), Refusal>> {
    let is_own = match organizations::id_by_slug(tx.conn, slug).await? {
        Some(holder) => holder == id,
        None => organizations::take_slug(tx.conn, permit, slug).await?,
    };
    Ok(if is_own { Ok(()) } else { Err(profile::taken(slug)) })
}
