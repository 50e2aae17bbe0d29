//! Mutations of roles.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::{run, run_once};
use crate::{
    domain::id::RoleId,
    error::Result,
    graphql::{
        input::OrganizationRefInput,
        semantic_non_null,
        types::{permission::RoleScope, role::Role, user_error::UserError},
    },
    operations::{input::RoleRef, roles},
};

/// Input of `roleCreate`.
#[derive(InputObject)]
pub struct RoleCreateInput {
    /// The organization.
    organization: OrganizationRefInput,
    /// Level.
    scope: RoleScope,
    /// Name to show, 1–60 characters.
    name: String,
    /// Wanted key; made from the name when absent.
    key: Option<String>,
    /// Description.
    description: Option<String>,
    /// Keys of permissions of this level.
    permissions: Vec<String>,
    /// Makes retries safe for 24 hours: the same key and input returns the first result.
    idempotency_key: Option<String>,
}

/// Result of `roleCreate`.
#[derive(SimpleObject, Default)]
pub struct RoleCreatePayload {
    /// The new role.
    role: Option<Role>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `roleUpdate`.
#[derive(InputObject)]
pub struct RoleUpdateInput {
    /// The role.
    role_id: ID,
    /// Name to show.
    name: MaybeUndefined<String>,
    /// Description.
    description: MaybeUndefined<String>,
    /// Keys of all its permissions.
    permissions: MaybeUndefined<Vec<String>>,
    /// Refuse with `STALE_VERSION` unless this is the current version.
    expected_version: Option<i32>,
}

/// Result of `roleUpdate`.
#[derive(SimpleObject, Default)]
pub struct RoleUpdatePayload {
    /// The role.
    role: Option<Role>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Input of `roleDelete`.
#[derive(InputObject)]
pub struct RoleDeleteInput {
    /// The role.
    role_id: ID,
    /// Role its members and pending invitations get.
    replacement_role_id: Option<ID>,
    /// Refuse with `STALE_VERSION` unless this is the current version.
    expected_version: Option<i32>,
}

/// Result of `roleDelete`.
#[derive(SimpleObject, Default)]
pub struct RoleDeletePayload {
    /// ID of the deleted role.
    deleted_role_id: Option<ID>,
    /// Members that got the replacement.
    reassigned_member_count: Option<i32>,
    /// Why nothing, or not everything, was done.
    pub user_errors: Vec<UserError>,
}

/// Mutations of roles.
#[derive(Default)]
pub struct RoleMutations;

#[Object]
impl RoleMutations {
    /// Creates a custom role. Requires roles.manage; only permissions the actor has, for a project role in every project. Codes: NOT_FOUND, FORBIDDEN, BLANK, TOO_LONG, TOO_MANY, INVALID, TAKEN, ROLE_SCOPE_MISMATCH, LIMIT_REACHED, IDEMPOTENCY_KEY_REUSED.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn role_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RoleCreateInput,
    ) -> Option<Result<RoleCreatePayload>> {
        Some(create(ctx, input).await)
    }

    /// Changes a custom role; absent fields stay. Requires roles.manage; only permissions the actor has, for a project role in every project. Pending invitations that their senders may then no longer give are revoked. Codes: NOT_FOUND, FORBIDDEN, BUILT_IN_ROLE, BLANK, TOO_LONG, TOO_MANY, INVALID, ROLE_SCOPE_MISMATCH, STALE_VERSION.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn role_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RoleUpdateInput,
    ) -> Option<Result<RoleUpdatePayload>> {
        Some(update(ctx, input).await)
    }

    /// Deletes a custom role. Requires roles.manage. Codes: NOT_FOUND, FORBIDDEN, BUILT_IN_ROLE, ROLE_IN_USE, ROLE_SCOPE_MISMATCH, ROLE_NOT_ASSIGNABLE, INVALID, STALE_VERSION.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn role_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RoleDeleteInput,
    ) -> Option<Result<RoleDeletePayload>> {
        Some(delete(ctx, input).await)
    }
}

async fn create(ctx: &Context<'_>, input: RoleCreateInput) -> Result<RoleCreatePayload> {
    let operation = roles::Create {
        organization: input.organization.into(),
        scope: input.scope.into(),
        name: input.name,
        key: input.key,
        description: input.description.filter(|text| !text.trim().is_empty()),
        permissions: input.permissions,
    };
    Ok(match run_once(ctx, input.idempotency_key, operation).await? {
        Ok(id) => RoleCreatePayload { role: Role::find_by_id(ctx, id).await?, user_errors: Vec::new() },
        Err(user_errors) => RoleCreatePayload { user_errors, ..Default::default() },
    })
}

async fn update(ctx: &Context<'_>, input: RoleUpdateInput) -> Result<RoleUpdatePayload> {
    let operation = roles::Update {
        role: RoleId::parse(&input.role_id),
        name: input.name.into(),
        description: input.description.into(),
        permissions: input.permissions.into(),
        expected_version: input.expected_version,
    };
    Ok(match run(ctx, operation).await? {
        Ok(id) => RoleUpdatePayload { role: Role::find_by_id(ctx, id).await?, user_errors: Vec::new() },
        Err(user_errors) => RoleUpdatePayload { user_errors, ..Default::default() },
    })
}

async fn delete(ctx: &Context<'_>, input: RoleDeleteInput) -> Result<RoleDeletePayload> {
    let named = |id: ID| RoleId::parse(&id).map_or(RoleRef::Unknown, RoleRef::Id);
    let operation = roles::Delete {
        role: RoleId::parse(&input.role_id),
        replacement: input.replacement_role_id.map(named),
        expected_version: input.expected_version,
    };
    Ok(match run(ctx, operation).await? {
        Ok(deleted) => RoleDeletePayload {
            deleted_role_id: Some(deleted.role.to_string().into()),
            reassigned_member_count: Some(i32::try_from(deleted.members).unwrap_or(i32::MAX)),
            user_errors: Vec::new(),
        },
        Err(user_errors) => RoleDeletePayload { user_errors, ..Default::default() },
    })
}
