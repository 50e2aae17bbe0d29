//! `…ViewerCan`: what the viewer can do with something, each answered by the check of the mutation itself.

use std::sync::Arc;

use async_graphql::{Context, Object};

use super::{
    capability::Capability,
    organization_member::OrganizationMember,
    project_member::ProjectMember,
    role::{Role, roles_of},
};
use crate::{
    access::{OrganizationAccess, ProjectAccess},
    error::{Refusal, Result},
    graphql::{
        context::RequestContext,
        loaders::{ActiveKeysOf, OwnedBy, ProjectMemberOf},
    },
    operations::{api_keys, invitations, organization_members, organizations, project_members, projects, roles, teams},
};

/// What the viewer can do with an organization now.
pub struct OrganizationViewerCan(pub Arc<OrganizationAccess>);

/// What the viewer can do with an organization now.
#[Object]
impl OrganizationViewerCan {
    /// May call `organizationUpdate`.
    async fn update(&self, ctx: &Context<'_>) -> Capability {
        Capability::of(ctx.viewer(), organizations::may::update(&self.0))
    }

    /// May call `organizationDelete`.
    async fn delete(&self, ctx: &Context<'_>) -> Capability {
        Capability::of(ctx.viewer(), organizations::may::delete(&self.0))
    }

    /// May call `organizationLeave`.
    async fn leave(&self, ctx: &Context<'_>) -> Capability {
        Capability::of(ctx.viewer(), self.0.may_leave())
    }

    /// May call `organizationOwnershipTransfer`.
    async fn transfer_ownership(&self, ctx: &Context<'_>) -> Capability {
        Capability::of(ctx.viewer(), self.0.may_transfer())
    }

    /// May call `organizationInvite`.
    async fn invite_members(&self, ctx: &Context<'_>) -> Capability {
        Capability::of(ctx.viewer(), invitations::may_invite(&self.0, ctx.app().trial_days, ctx.reader().now))
    }

    /// May call `projectCreate`.
    async fn create_projects(&self, ctx: &Context<'_>) -> Capability {
        Capability::of(ctx.viewer(), projects::may::create(&self.0, &ctx.app().limits))
    }

    /// May call `teamCreate`.
    async fn create_teams(&self, ctx: &Context<'_>) -> Capability {
        Capability::of(ctx.viewer(), teams::may_create(&self.0, &ctx.app().limits))
    }

    /// May call `roleCreate`.
    async fn create_roles(&self, ctx: &Context<'_>) -> Result<Capability> {
        let there = roles_of(ctx, &self.0).await?;
        let may = roles::may_create(&self.0, &there, ctx.app().limits.custom_roles);
        Ok(Capability::of(ctx.viewer(), may))
    }

    /// May call `apiKeyCreate`.
    async fn create_api_keys(&self, ctx: &Context<'_>) -> Result<Capability> {
        let active = ctx.load(ActiveKeysOf(self.0.organization.id)).await?.unwrap_or_default();
        let may = api_keys::may_create(&self.0, active, ctx.app().limits.api_keys);
        Ok(Capability::of(ctx.viewer(), may))
    }
}

/// What the viewer can do with an organization member now.
pub struct OrganizationMemberViewerCan(pub OrganizationMember);

/// What the viewer can do with an organization member now.
#[Object]
impl OrganizationMemberViewerCan {
    /// May call `organizationMemberUpdateRole`.
    async fn update_role(&self, ctx: &Context<'_>) -> Result<Capability> {
        self.manage(ctx).await
    }

    /// May call `organizationMemberRemove`.
    async fn remove(&self, ctx: &Context<'_>) -> Result<Capability> {
        self.manage(ctx).await
    }

    /// May call `organizationOwnershipTransfer` with this member.
    async fn transfer_ownership_to(&self, ctx: &Context<'_>) -> Result<Capability> {
        Ok(Capability::of(ctx.viewer(), self.transfer(ctx).await?))
    }
}

impl OrganizationMemberViewerCan {
    async fn manage(&self, ctx: &Context<'_>) -> Result<Capability> {
        let role = Role::find(ctx, &self.0.organization, self.0.found.role_id).await?;
        Ok(Capability::of(ctx.viewer(), organization_members::may_manage(&self.0.organization, role.role())))
    }

    async fn transfer(&self, ctx: &Context<'_>) -> Result<Result<(), Refusal>> {
        let may = self.0.organization.may_transfer().map(drop);
        if may.is_err() || self.0.rest(ctx).await?.is_owner {
            return Ok(may);
        }
        let owned = ctx.load(OwnedBy(self.0.found.user_id)).await?.unwrap_or_default();
        Ok(organizations::may::own(&ctx.app().limits, owned))
    }
}

/// What the viewer can do with a project now.
pub struct ProjectViewerCan(pub Arc<ProjectAccess>);

/// What the viewer can do with a project now.
#[Object]
impl ProjectViewerCan {
    /// May call `projectUpdate`.
    async fn update(&self, ctx: &Context<'_>) -> Capability {
        Capability::of(ctx.viewer(), projects::may::update(&self.0))
    }

    /// May call `projectDelete`.
    async fn delete(&self, ctx: &Context<'_>) -> Capability {
        Capability::of(ctx.viewer(), projects::may::delete(&self.0))
    }

    /// May call `projectLeave`.
    async fn leave(&self, ctx: &Context<'_>) -> Result<Capability> {
        let own = match ctx.viewer().user_id().filter(|_| self.0.is_member) {
            Some(viewer) => ctx.load(ProjectMemberOf(self.0.project.id, viewer)).await?,
            None => None,
        };
        Ok(Capability::of(ctx.viewer(), self.0.may_leave(own.map(|own| ((), own.rest.is_owner)))))
    }

    /// May call `projectOwnershipTransfer`.
    async fn transfer_ownership(&self, ctx: &Context<'_>) -> Capability {
        Capability::of(ctx.viewer(), self.0.may_transfer())
    }

    /// May call `projectInvite`.
    async fn invite_members(&self, ctx: &Context<'_>) -> Capability {
        Capability::of(ctx.viewer(), invitations::may_invite_to_project(&self.0))
    }

    /// May call `projectMembersAdd`.
    async fn add_members(&self, ctx: &Context<'_>) -> Capability {
        Capability::of(ctx.viewer(), project_members::may_add(&self.0))
    }
}

/// What the viewer can do with a project member now.
pub struct ProjectMemberViewerCan(pub ProjectMember);

/// What the viewer can do with a project member now.
#[Object]
impl ProjectMemberViewerCan {
    /// May call `projectMemberUpdateRole`.
    async fn update_role(&self, ctx: &Context<'_>) -> Result<Capability> {
        self.manage(ctx).await
    }

    /// May call `projectMemberRemove`.
    async fn remove(&self, ctx: &Context<'_>) -> Result<Capability> {
        self.manage(ctx).await
    }
}

impl ProjectMemberViewerCan {
    async fn manage(&self, ctx: &Context<'_>) -> Result<Capability> {
        let role = Role::find(ctx, &self.0.project.organization, self.0.found.role_id).await?;
        Ok(Capability::of(ctx.viewer(), project_members::may_manage(&self.0.project, role.role())))
    }
}
