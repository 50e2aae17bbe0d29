//! `ProjectMember`.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, ScalarType, parser::types::Field};

use super::{
    organization_member::{OrganizationMember, role_ids},
    project::Project,
    role::Role,
    user::User,
    viewer_can::ProjectMemberViewerCan,
};
use crate::{
    access::{Permission, ProjectAccess},
    domain::{id::ProjectMemberId, role::RoleScope, text::fold},
    error::Result,
    graphql::{
        at_hand::{AtHand, Writer},
        connection::{self, Connection, PageArguments, fingerprint},
        context::RequestContext,
        input::{OrderDirection, RoleRefInput, order_input},
        loaders::{ProjectById, ProjectMemberById, page_of},
        scalars::DateTime,
    },
    store::project_members::{self, Found, Of, Rest},
};

/// Conditions on project members.
#[derive(InputObject, Clone, Debug, Default)]
pub struct ProjectMemberFilter {
    /// Part of the name or email, ignoring case and accents.
    search: Option<String>,
    /// Has one of these project roles.
    roles: Option<Vec<RoleRefInput>>,
}

order_input! {
    /// Ordering of project members. Ties are always broken by `id`, so cursors are stable.
    ProjectMemberOrder = Name Asc;
    /// Fields project members can be ordered by.
    ProjectMemberOrderField of project_members::OrderField = "project_members::OrderField" {
        /// Email.
        Email,
        /// Time of joining.
        JoinedAt,
        /// Name, ignoring case and accents.
        Name,
        /// Rank of the role, highest first when ascending.
        Role,
    }
}

impl ProjectMemberOrder {
    /// The order in which somebody joined projects.
    pub fn by_joining() -> Self {
        Self { field: ProjectMemberOrderField::JoinedAt, direction: OrderDirection::Asc }
    }
}

/// One page of project members.
pub type ProjectMemberConnection = connection::Connection<ProjectMember>;

/// A membership in a project that the viewer may know of.
#[derive(Clone, Debug)]
pub struct ProjectMember {
    /// The membership.
    pub found: Arc<Found>,
    /// The project.
    pub project: Arc<ProjectAccess>,
}

impl ProjectMember {
    /// A membership that the viewer may see: their own, or any where they may list members.
    pub async fn find(ctx: &Context<'_>, id: ProjectMemberId) -> Result<Option<Self>> {
        let Some(found) = ctx.load(ProjectMemberById(id)).await? else { return Ok(None) };
        let project = ctx.load(ProjectById(found.project_id)).await?;
        let is_own = ctx.viewer().user_id() == Some(found.user_id);
        let sees = |project: &Arc<ProjectAccess>| is_own || project.permissions.has(Permission::ProjectMembersRead);
        Ok(project.filter(sees).map(|project| Self { found: Arc::new(found.into()), project }))
    }

    /// What is shown besides; read now, if the list did without.
    async fn rest(&self, ctx: &Context<'_>) -> Result<Rest> {
        match self.found.rest {
            Some(rest) => Ok(rest),
            None => Ok(ctx.load_present(ProjectMemberById(self.found.id)).await?.rest),
        }
    }
}

impl AtHand for ProjectMember {
    fn write(&self, field: &Field, to: &mut Writer<'_>) -> Option<()> {
        match field.name.node.as_str() {
            "id" => to.word(self.found.id),
            "user" => to.object(&User::from(&self.found.entry), field),
            "role" => to.object(&Role::known(to.reader, &self.project.organization, self.found.role_id)?, field),
            "joinedAt" => to.value(&DateTime::from(self.found.rest?.joined_at).to_value()),
            "version" => to.value(&self.found.rest?.version),
            _ => None,
        }
    }
}

/// An organization member in a project.
#[Object]
impl ProjectMember {
    /// Opaque ID, `pme_…`.
    pub async fn id(&self) -> ID {
        self.found.id.to_string().into()
    }

    /// The project.
    async fn project(&self) -> Project {
        Project(self.project.clone())
    }

    /// The organization membership this one rests on, null where the viewer may not see it.
    async fn organization_member(&self, ctx: &Context<'_>) -> Option<Result<OrganizationMember>> {
        let (organization, user) = (&self.project.organization, self.found.user_id);
        OrganizationMember::of_user(ctx, organization, user).await.transpose()
    }

    /// The person.
    async fn user(&self) -> User<'_> {
        (&self.found.entry).into()
    }

    /// Project-level role.
    async fn role(&self, ctx: &Context<'_>) -> Result<Role> {
        Role::find(ctx, &self.project.organization, self.found.role_id).await
    }

    /// When the person was added.
    async fn joined_at(&self, ctx: &Context<'_>) -> Result<DateTime> {
        Ok(self.rest(ctx).await?.joined_at.into())
    }

    /// Last change of role.
    async fn updated_at(&self, ctx: &Context<'_>) -> Result<DateTime> {
        Ok(self.rest(ctx).await?.updated_at.into())
    }

    /// Grows by one with each change; for `expectedVersion`.
    async fn version(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(self.rest(ctx).await?.version)
    }

    /// What the viewer can do with this member now.
    async fn viewer_can(&self) -> ProjectMemberViewerCan {
        ProjectMemberViewerCan(self.clone())
    }
}

/// The filter in terms of what is stored.
pub async fn filter(
    ctx: &Context<'_>,
    project: &ProjectAccess,
    filter: Option<ProjectMemberFilter>,
) -> Result<project_members::Filter> {
    let filter = filter.unwrap_or_default();
    Ok(project_members::Filter {
        search: filter.search.as_deref().map(fold).filter(|search| !search.is_empty()),
        roles: match filter.roles {
            Some(roles) => Some(role_ids(ctx, &project.organization, roles, RoleScope::Project).await?),
            None => None,
        },
        visible_to: None,
        only: None,
    })
}

/// A page of members: of one project, or of the projects one person is in.
pub async fn list(
    ctx: &Context<'_>,
    of: Of,
    project: Option<&Arc<ProjectAccess>>,
    filter: project_members::Filter,
    order_by: Option<ProjectMemberOrder>,
    page: &PageArguments,
) -> Result<ProjectMemberConnection> {
    let (field, descending) = ProjectMemberOrder::sort(order_by);
    let parent = match of {
        Of::Project(..) => "Project",
        Of::User(..) => "OrganizationMember",
    };
    let fingerprint = fingerprint(ctx, parent)?;
    let page = page.page(fingerprint)?;
    // A project knows how many members it has; everything else is counted.
    let known = project.filter(|_| filter.is_empty()).map(|access| i64::from(access.project.member_count));
    let found = page_of(ctx, of, filter, (field, descending), page, known).await?;
    let total = found.total;
    let projects = match project {
        Some(_) => std::collections::HashMap::new(),
        None => ctx.load_many(found.slice.rows.iter().map(|(_, row)| ProjectById(row.project_id)).collect()).await?,
    };
    let slice = found.slice.filter_map(|row| {
        let project = match project {
            Some(project) => project.clone(),
            None => projects.get(&ProjectById(row.project_id))?.clone(),
        };
        Some(ProjectMember { found: Arc::new(row), project })
    });
    Ok(Connection::new(slice, fingerprint, total))
}
