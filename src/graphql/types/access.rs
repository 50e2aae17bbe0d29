//! `Access`.

use std::sync::Arc;

use async_graphql::{Context, Object};

use super::{organization::user_id, role::Role};
use crate::{
    access::{OrganizationAccess, Permission, PermissionSet, ProjectAccess, Viewer},
    error::Result,
    graphql::{
        context::RequestContext,
        input::UserRefInput,
        list::List,
        loaders::{MemberOf, ProjectMemberOf},
    },
    operations::input::UserRef,
};

/// What a person may do in one place, and the roles that give it.
pub struct Access {
    organization: Arc<OrganizationAccess>,
    permissions: PermissionSet,
    roles: Vec<Role>,
}

impl Access {
    /// What a person may do in an organization; none when they are no member.
    pub async fn in_organization(
        ctx: &Context<'_>,
        organization: &Arc<OrganizationAccess>,
        user: UserRefInput,
    ) -> Result<Option<Self>> {
        if !is_viewer(ctx.viewer(), &user) {
            organization.require(ctx.viewer(), Permission::MembersRead)?;
        }
        let Some(user) = user_id(ctx, user).await? else { return Ok(None) };
        let Some(found) = ctx.load(MemberOf(organization.organization.id, user)).await? else { return Ok(None) };
        let role = Role::find(ctx, organization, found.role_id).await?;
        let permissions = organization.policy.of_role(role.role());
        Ok(Some(Self { organization: organization.clone(), permissions, roles: vec![role] }))
    }

    /// What a person may do in a project, from both roles; none when they are no member of its organization.
    pub async fn in_project(ctx: &Context<'_>, project: &ProjectAccess, user: UserRefInput) -> Result<Option<Self>> {
        if !is_viewer(ctx.viewer(), &user) {
            project.require(Permission::ProjectMembersRead)?;
        }
        let (organization, policy) = (&project.organization, &project.organization.policy);
        let Some(user) = user_id(ctx, user).await? else { return Ok(None) };
        let Some(found) = ctx.load(MemberOf(organization.organization.id, user)).await? else { return Ok(None) };
        let of_organization = Role::find(ctx, organization, found.role_id).await?;
        let from_above = policy.in_projects(policy.of_role(of_organization.role()));
        let mut roles = vec![(of_organization, from_above)];
        if let Some(found) = ctx.load(ProjectMemberOf(project.project.id, user)).await? {
            let own = Role::find(ctx, organization, found.role_id).await?;
            let permissions = policy.of_role(own.role());
            roles.push((own, permissions));
        }
        // An organization role that gives nothing in projects is no source of anything here.
        roles.retain(|(_, permissions)| !permissions.is_empty());
        let permissions = roles.iter().fold(PermissionSet::NONE, |set, (_, permissions)| set.union(*permissions));
        let roles = roles.into_iter().map(|(role, _)| role).collect();
        Ok(Some(Self { organization: organization.clone(), permissions, roles }))
    }
}

/// Whether input names whoever asks, which is told without looking anybody up.
fn is_viewer(viewer: &Viewer, user: &UserRefInput) -> bool {
    match UserRef::from(user.clone()) {
        UserRef::Id(id) => viewer.user_id() == Some(id),
        UserRef::Email(email) => viewer.verified_email() == Some(&email),
        UserRef::Unknown => false,
    }
}

/// What a person may do in one place, and why.
#[Object]
impl Access {
    /// Keys of all permissions held, from every source.
    async fn permissions(&self) -> Vec<&str> {
        self.organization.policy.held(self.permissions).map(|held| held.key.as_ref()).collect()
    }

    /// Whether this permission is held.
    async fn has(&self, #[graphql(desc = "Key of the permission.")] permission: String) -> bool {
        self.organization.policy.holds(self.permissions, &permission)
    }

    /// The roles that give them, as far as the viewer may see them.
    async fn roles(&self) -> List<&Role> {
        self.roles.iter().filter(|role| self.organization.shows_role(role.role())).collect()
    }
}
