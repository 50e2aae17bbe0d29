//! Reads, from the root.

use async_graphql::{Context, ID, Object};

use super::{
    connection::PageArguments,
    context::RequestContext,
    input::{OrganizationRefInput, ProjectRefInput, TeamRefInput},
    list::List,
    semantic_non_null,
    types::{
        industry::Industry,
        invitation::InvitationPreview,
        node::Node,
        organization::{self, Organization, OrganizationConnection, OrganizationFilter, OrganizationOrder},
        permission::{Permission, RoleScope},
        project::Project,
        team::Team,
        viewer::Viewer,
    },
};
use crate::{
    access::Definition,
    error::{Error, Result},
};

/// Most ids of one `nodes` call.
const MAX_NODES: usize = 100;

/// Root of all reads.
pub struct Query;

/// Reads.
#[Object]
impl Query {
    /// Refetches any object; null if it does not exist or is not visible.
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "Global ID.")] id: ID) -> Option<Result<Node>> {
        Node::find(ctx, &id).await.transpose()
    }

    /// Refetches up to 100 objects, in order, null where not found.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global IDs.")] ids: Vec<ID>,
    ) -> Result<List<Option<Node>>> {
        if ids.len() > MAX_NODES {
            return Err(Error::BadInput(format!("`ids` has {} items; it may have {MAX_NODES}.", ids.len())));
        }
        futures_util::future::try_join_all(ids.iter().map(|id| Node::find(ctx, id))).await.map(List)
    }

    /// The authenticated actor, null when there is none.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<Viewer> {
        Viewer::of(ctx)
    }

    /// One organization, null if it does not exist or is not visible.
    async fn organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] by: OrganizationRefInput,
    ) -> Option<Result<Organization>> {
        organization::find_by(ctx, &by.into()).await.transpose()
    }

    /// Organizations the viewer has access to.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn organizations(
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
        #[graphql(desc = "Filter; all given conditions must hold.")] filter: Option<OrganizationFilter>,
        #[graphql(desc = "Order.", default_with = "Some(OrganizationOrder::default())")] order_by: Option<
            OrganizationOrder,
        >,
    ) -> Option<Result<OrganizationConnection>> {
        let page = PageArguments { first, after, last, before, offset };
        Some(organization::list(ctx, filter, order_by, &page).await)
    }

    /// One project, null if it does not exist or is not visible.
    async fn project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] by: ProjectRefInput,
    ) -> Option<Result<Project>> {
        Project::find_by(ctx, &by.into()).await.transpose()
    }

    /// One team, null if it does not exist or is not visible.
    async fn team(&self, ctx: &Context<'_>, #[graphql(desc = "Which.")] by: TeamRefInput) -> Option<Result<Team>> {
        Team::find_by(ctx, &by.into()).await.transpose()
    }

    /// What the holder of a token may see; needs no authentication. Null for an unknown token.
    async fn invitation_preview(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Token from the invitation email.", secret)] token: String,
    ) -> Option<Result<InvitationPreview>> {
        InvitationPreview::find(ctx, &token).await.transpose()
    }

    /// Industries an organization can choose.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn industries(&self) -> Option<Vec<Industry>> {
        Some(Industry::all())
    }

    /// All permissions.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn permissions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only of this level.")] scope: Option<RoleScope>,
    ) -> Option<Vec<Permission>> {
        let wanted = |permission: &&Definition| scope.is_none_or(|scope| permission.scope == scope.into());
        Some(ctx.app().policy.definitions().filter(wanted).cloned().map(Permission).collect())
    }
}
