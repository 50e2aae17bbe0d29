//! `Project`.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object};

use super::{
    access::Access,
    invitation::{self, InvitationConnection, InvitationFilter, InvitationOrder, InvitationStatus},
    organization::{Organization, user_id},
    project_member::{self, ProjectMember, ProjectMemberConnection, ProjectMemberFilter, ProjectMemberOrder},
    viewer_can::ProjectViewerCan,
};
use crate::{
    access::{OrganizationAccess, Permission, ProjectAccess, ProjectRef},
    domain::{
        id::{ProjectId, UserId},
        role::RoleScope,
        text::fold,
    },
    error::Result,
    graphql::{
        at_hand::AtHand,
        connection::{self, Connection, PageArguments, fingerprint},
        context::RequestContext,
        input::{ProjectRefInput, UserRefInput, order_input},
        loaders::{ProjectById, ProjectMemberOf, ProjectOwnerOf, page_of},
        scalars::DateTime,
        semantic_non_null,
    },
    store::{
        invitations,
        project_members::{self, Membership},
        projects::{self, ProjectAndRole},
        users::Shows,
    },
};

/// Conditions on projects.
#[derive(InputObject, Clone, Debug, Default)]
pub struct ProjectFilter {
    /// Part of the name or slug, ignoring case.
    search: Option<String>,
    /// Has this member.
    member: Option<UserRefInput>,
}

order_input! {
    /// Ordering of projects. Ties are always broken by `id`, so cursors are stable.
    ProjectOrder = Name Asc;
    /// Fields projects can be ordered by.
    ProjectOrderField of projects::OrderField = "projects::OrderField" {
        /// Creation time.
        CreatedAt,
        /// Name, ignoring case.
        Name,
    }
}

/// One page of projects.
pub type ProjectConnection = connection::Connection<Project>;

impl AtHand for Project {}

/// A project that the viewer may know of.
#[derive(Clone, Debug)]
pub struct Project(pub Arc<ProjectAccess>);

impl Project {
    /// A project that the viewer may know of.
    pub async fn find(ctx: &Context<'_>, id: ProjectId) -> Result<Option<Self>> {
        Ok(ctx.load(ProjectById(id)).await?.map(Self))
    }

    /// The project that a query names.
    pub async fn find_by(ctx: &Context<'_>, by: &ProjectRef) -> Result<Option<Self>> {
        if let ProjectRef::Id(id) = by {
            return Self::find(ctx, *id).await;
        }
        let conn = ctx.app().db.shared().await?;
        Ok(ProjectAccess::find(&conn, &ctx.app().policy, ctx.viewer(), by).await?.map(Arc::new).map(Self))
    }

    fn key(&self) -> ProjectId {
        self.0.project.id
    }

    fn member_of(&self, found: Membership) -> ProjectMember {
        ProjectMember { found: Arc::new(found.into()), project: self.0.clone() }
    }

    async fn find_owner(&self, ctx: &Context<'_>) -> Result<ProjectMember> {
        self.0.require(Permission::ProjectMembersRead)?;
        let key = ProjectOwnerOf(self.0.project.organization_id, self.key());
        Ok(self.member_of(ctx.load_present(key).await?))
    }

    async fn find_member(&self, ctx: &Context<'_>, user: UserRefInput) -> Result<Option<ProjectMember>> {
        self.0.require(Permission::ProjectMembersRead)?;
        let Some(user) = user_id(ctx, user).await? else { return Ok(None) };
        Ok(ctx.load(ProjectMemberOf(self.key(), user)).await?.map(|found| self.member_of(found)))
    }

    async fn find_viewer(&self, ctx: &Context<'_>) -> Result<Option<ProjectMember>> {
        match ctx.viewer().user_id().filter(|_| self.0.is_member) {
            Some(viewer) => Ok(ctx.load(ProjectMemberOf(self.key(), viewer)).await?.map(|found| self.member_of(found))),
            None => Ok(None),
        }
    }
}

/// A project of an organization.
#[Object]
impl Project {
    /// Opaque ID, `prj_…`.
    pub async fn id(&self) -> ID {
        self.key().to_string().into()
    }

    /// Unique within the organization.
    async fn slug(&self) -> &str {
        &self.0.project.slug
    }

    /// Name to show.
    async fn name(&self) -> &str {
        &self.0.project.name
    }

    /// Description.
    async fn description(&self) -> Option<&str> {
        self.0.project.description.as_deref()
    }

    /// The organization.
    async fn organization(&self) -> Organization {
        Organization(self.0.organization.clone())
    }

    /// The one owner. Requires `project.members.read`.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn owner(&self, ctx: &Context<'_>) -> Option<Result<ProjectMember>> {
        Some(self.find_owner(ctx).await)
    }

    /// Grows by one with each change; for `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.project.version
    }

    /// Creation time.
    async fn created_at(&self) -> DateTime {
        self.0.project.created_at.into()
    }

    /// Last change.
    async fn updated_at(&self) -> DateTime {
        self.0.project.updated_at.into()
    }

    /// The viewer's membership, null if access comes from the organization role alone.
    async fn viewer_membership(&self, ctx: &Context<'_>) -> Option<Result<ProjectMember>> {
        self.find_viewer(ctx).await.transpose()
    }

    /// Permissions the viewer has here, from both roles.
    async fn viewer_permissions(&self) -> Vec<&str> {
        self.0.organization.policy.held(self.0.permissions).map(|held| held.key.as_ref()).collect()
    }

    /// What a person may do here, from both roles, and why. Null when they are no member of the organization. Requires `project.members.read`, or that it is the viewer.
    async fn access(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The person.")] user: UserRefInput,
    ) -> Option<Result<Access>> {
        Access::in_project(ctx, &self.0, user).await.transpose()
    }

    /// What the viewer can do here now.
    async fn viewer_can(&self) -> ProjectViewerCan {
        ProjectViewerCan(self.0.clone())
    }

    /// One member. Requires `project.members.read`.
    async fn member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user.")] user: UserRefInput,
    ) -> Option<Result<ProjectMember>> {
        self.find_member(ctx, user).await.transpose()
    }

    /// Members. Requires `project.members.read`.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "First *n* items, 0–100 (0: just count). 25 when neither `first` nor `last` is given.")] first: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Last *n* items, 0–100. Not with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
        #[graphql(
            desc = "Skip *n* items (0–10000) counted from the start or from `after`: numbered pages. Not with `last`."
        )]
        offset: Option<i32>,
        #[graphql(desc = "Filter; all given conditions must hold.")] filter: Option<ProjectMemberFilter>,
        #[graphql(desc = "Order.", default_with = "Some(ProjectMemberOrder::default())")] order_by: Option<
            ProjectMemberOrder,
        >,
    ) -> Option<Result<ProjectMemberConnection>> {
        let page = PageArguments { first, after, last, before, offset };
        Some(
            async {
                self.0.require(Permission::ProjectMembersRead)?;
                let filter = project_member::filter(ctx, &self.0, filter).await?;
                let of = project_members::Of::Project(self.0.project.organization_id, self.key());
                project_member::list(ctx, of, Some(&self.0), filter, order_by, &page).await
            }
            .await,
        )
    }

    /// Invitations to this project. Requires `project.invitations.manage`.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn invitations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "First *n* items, 0–100 (0: just count). 25 when neither `first` nor `last` is given.")] first: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Last *n* items, 0–100. Not with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
        #[graphql(
            desc = "Skip *n* items (0–10000) counted from the start or from `after`: numbered pages. Not with `last`."
        )]
        offset: Option<i32>,
        #[graphql(desc = "Only these statuses.", default_with = "Some(vec![InvitationStatus::Pending])")]
        statuses: Option<Vec<InvitationStatus>>,
        #[graphql(desc = "Filter; all given conditions must hold.")] filter: Option<InvitationFilter>,
        #[graphql(desc = "Order.", default_with = "Some(InvitationOrder::default())")] order_by: Option<
            InvitationOrder,
        >,
    ) -> Option<Result<InvitationConnection>> {
        let page = PageArguments { first, after, last, before, offset };
        Some(
            async {
                self.0.require(Permission::ProjectInvitationsManage)?;
                let filter = invitation::filter(ctx, Some(&self.0.organization), statuses, filter).await?;
                let of = invitations::Of::Project(self.0.project.organization_id, self.key());
                invitation::list(ctx, of, filter, order_by, &page).await
            }
            .await,
        )
    }
}

/// In which projects of an organization the viewer sees something.
pub struct Visible {
    /// Only those in which this person has one of these roles; all, when absent.
    pub to: Option<(UserId, Shows)>,
    /// Only this one; all, when absent.
    pub only: Option<ProjectId>,
}

/// In which projects of an organization the viewer has all of these permissions. Roles are told by what they hold and
/// not by their ids, so that the lists of many organizations are one statement.
pub fn visible(ctx: &Context<'_>, organization: &OrganizationAccess, needed: &[Permission]) -> Visible {
    let everywhere = organization.everywhere(RoleScope::Project);
    let lacking: Vec<Permission> = needed.iter().filter(|needed| !everywhere.has(**needed)).copied().collect();
    // No row has the nil id: who is nobody sees nothing.
    let viewer = || ctx.viewer().user_id().filter(|_| organization.belongs).unwrap_or(UserId(uuid::Uuid::nil()));
    let to = (!lacking.is_empty()).then(|| (viewer(), organization.policy.project_roles_with(&lacking)));
    Visible { to, only: organization.only_project }
}

/// The projects that a filter names, as far as the viewer can see what is needed of them.
pub async fn visible_ids(
    ctx: &Context<'_>,
    projects: Vec<ProjectRefInput>,
    needed: Permission,
) -> Result<Vec<ProjectId>> {
    let mut ids = Vec::with_capacity(projects.len());
    for project in projects {
        let found = Project::find_by(ctx, &project.into()).await?;
        ids.extend(found.filter(|project| project.0.permissions.has(needed)).map(|project| project.key()));
    }
    Ok(ids)
}

/// A page of the projects of an organization that the viewer can see.
pub async fn list(
    ctx: &Context<'_>,
    organization: &Arc<OrganizationAccess>,
    filter: Option<ProjectFilter>,
    order_by: Option<ProjectOrder>,
    page: &PageArguments,
) -> Result<ProjectConnection> {
    let filter = filter.unwrap_or_default();
    let nobody = || UserId(uuid::Uuid::nil());
    let member = match filter.member {
        Some(member) => Some(user_id(ctx, member).await?.unwrap_or_else(nobody)),
        None => None,
    };
    // Who else is in a project is told by those alone in which the viewer sees the members.
    let asks_for_others = member.is_some() && member != ctx.viewer().user_id();
    let needed = [Permission::ProjectRead, Permission::ProjectMembersRead];
    let visible = visible(ctx, organization, if asks_for_others { &needed } else { &needed[..1] });
    let filter = projects::Filter {
        search: filter.search.as_deref().map(fold).filter(|search| !search.is_empty()),
        member,
        visible_to: visible.to,
        only: visible.only,
    };
    let (field, descending) = ProjectOrder::sort(order_by);
    let fingerprint = fingerprint(ctx, "Organization")?;
    let page = page.page(fingerprint)?;
    let known = filter.is_empty().then_some(i64::from(organization.organization.project_count));
    let of = (organization.organization.id, ctx.viewer().user_id());
    let found = page_of(ctx, of, filter, (field, descending), page, known).await?;
    let slice = found.slice.filter_map(|ProjectAndRole { project, viewer_built_in, viewer_permissions }| {
        let own =
            viewer_permissions.map(|keys| organization.policy.of_stored(RoleScope::Project, viewer_built_in, &keys));
        ProjectAccess::of(organization, project, own).map(Arc::new).map(Project)
    });
    Ok(Connection::new(slice, fingerprint, found.total))
}
