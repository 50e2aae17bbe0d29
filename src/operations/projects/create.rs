//! Creates a project, owned by the member who does it.

use std::sync::Arc;

use serde_json::json;

use super::{
    super::{
        Locked, Operation, Transaction,
        input::{description, name, wanted_slug},
        patch::Problems,
    },
    may,
};
use crate::{
    access::{OrganizationAccess, OrganizationRef},
    domain::{
        event::EventKind,
        id::{ProjectId, ProjectMemberId},
        role::RoleScope,
        slug::Slug,
        text::fold,
    },
    error::{Code, Error, Refusal, Result},
    store::{
        organization_members::{self, Membership},
        organizations::Counts,
        project_members::{self, ProjectMember},
        projects::{self, Project},
        roles::{self, Role},
        users,
    },
};

/// Creates a project. Backends and the operator create it for the organization's owner.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Create {
    pub organization: OrganizationRef,
    pub name: String,
    pub slug: Option<String>,
    pub description: Option<String>,
}

impl Operation for Create {
    type Output = ProjectId;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<ProjectId> {
        let access = Locked::<Arc<OrganizationAccess>>::lock(tx, &self.organization).await?;
        let permit = access.permit(may::create(&access, &tx.app.limits))?;
        let organization = access.target.organization.id;
        let (name, description) = self.checked()?;

        let slug = self.free_slug(tx, &access).await?;
        let project = Project {
            organization_id: organization,
            id: ProjectId(tx.id()),
            slug: slug.to_string(),
            sort_name: fold(&name),
            search_text: Project::searched_by(&name, &slug),
            name,
            description,
            member_count: 0,
            version: 1,
            created_at: tx.now,
            updated_at: tx.now,
        };
        if !projects::insert(tx.conn, &permit, &project).await? {
            return Err(taken(&slug).into());
        }

        let owner = owner(tx, &access).await?;
        let person = users::pin_one(tx.conn, owner.user_id).await?;
        let role = owner_role(tx, &access).await?;
        let member = ProjectMember::new(ProjectMemberId(tx.id()), project.id, &person, &role, tx.now);
        project_members::insert(tx.conn, &permit, std::slice::from_ref(&member)).await?;

        tx.count(organization, Counts { projects: 1, ..Counts::default() });
        tx.count_project_members(organization, project.id, 1);
        let created = json!({ "slug": project.slug, "name": project.name });
        tx.happened(organization, EventKind::ProjectCreated, project.id.0, Some(project.id), created)?;
        let added = json!({ "user": owner.id.to_string(), "role": role.key });
        tx.happened(organization, EventKind::ProjectMemberAdded, member.id.0, Some(project.id), added)?;
        Ok(project.id)
    }
}

impl Create {
    fn checked(&self) -> Result<(String, Option<String>)> {
        let mut problems = Problems::default();
        let name = problems.check("name", name(&self.name)).unwrap_or_default();
        let description = self.description.as_deref().and_then(|text| problems.check("description", description(text)));
        if let Some(slug) = &self.slug {
            problems.check("slug", wanted_slug(slug));
        }
        problems.none()?;
        Ok((name, description))
    }

    async fn free_slug(&self, tx: &mut Transaction<'_>, access: &OrganizationAccess) -> Result<Slug> {
        let organization = access.organization.id;
        if let Some(wanted) = &self.slug {
            let slug = wanted_slug(wanted)?;
            return if projects::is_taken(tx.conn, organization, &slug).await? {
                Err(taken(&slug).into())
            } else {
                Ok(slug)
            };
        }
        let plain = Slug::from_name(&self.name, "project", "");
        if projects::is_taken(tx.conn, organization, &plain).await? {
            return Ok(Slug::from_name(&self.name, "project", &super::super::suffix(tx.id())));
        }
        Ok(plain)
    }
}

/// The slug is another project's.
pub(super) fn taken(slug: &Slug) -> Refusal {
    Refusal::new(Code::Taken, format!("The organization has a project {slug} already.")).at(["slug"])
}

async fn owner(tx: &mut Transaction<'_>, access: &OrganizationAccess) -> Result<Membership> {
    if let Some(own) = &access.membership {
        return Ok(own.clone());
    }
    let owner = organization_members::owners(tx.conn, &[access.organization.id]).await?.pop();
    owner.ok_or_else(|| Error::internal("an organization has no owner"))
}

async fn owner_role(tx: &mut Transaction<'_>, access: &OrganizationAccess) -> Result<Role> {
    let roles = roles::of_organizations(tx.conn, &[access.organization.id]).await?;
    roles::owner(&roles, RoleScope::Project).cloned()
}
