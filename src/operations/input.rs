//! How input names roles and people, and what is said when there is no such thing.

use serde::{Deserialize, Serialize};

use crate::{
    access::{OrganizationAccess, OrganizationRef, ProjectRef, TeamRef},
    consequences::keys::KeyChange,
    domain::{
        id::{OrganizationMemberId, ProjectMemberId, RoleId, TeamMemberId},
        invitation::BULK_MAX,
        role::{BuiltInRole, RoleScope},
        slug::Slug,
        text::{self, TextError},
    },
    error::{Code, Detail, Refusal},
    store::roles::Role,
};

pub use crate::access::UserRef;

/// Names a role of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RoleRef {
    /// By id.
    Id(RoleId),
    /// By key.
    Key(String),
    /// By something that cannot be one.
    Unknown,
}

impl RoleRef {
    /// One of the roles every organization has.
    pub fn built_in(role: BuiltInRole) -> Self {
        Self::Key(role.key().to_owned())
    }

    /// The role that is named, among those of the organization that the viewer may know of, at the level that is needed.
    /// The keys of built-in roles are known to everybody.
    ///
    /// # Errors
    /// `ROLE_SCOPE_MISMATCH` when it is of the other level, `NOT_FOUND` when there is none.
    pub fn among<'a>(
        &self,
        organization: &OrganizationAccess,
        roles: &'a [Role],
        scope: RoleScope,
    ) -> Result<&'a Role, Refusal> {
        let named = |role: &&Role| match self {
            Self::Id(id) => role.id == *id && organization.shows_role(role),
            Self::Key(key) => role.key == *key && (role.built_in.is_some() || organization.shows_role(role)),
            Self::Unknown => false,
        };
        let found = roles.iter().filter(named);
        found.clone().find(|role| role.scope == scope).ok_or_else(|| match found.clone().next() {
            Some(role) => Refusal::new(
                Code::RoleScopeMismatch,
                match scope {
                    RoleScope::Organization => {
                        format!("{} is a project role; an organization role is needed here.", role.name)
                    }
                    RoleScope::Project => {
                        format!("{} is an organization role; a project role is needed here.", role.name)
                    }
                },
            ),
            None => Refusal::not_found("role"),
        })
    }
}

/// The role may not be given.
pub fn role_not_assignable(role: &Role) -> Refusal {
    let message = if role.is_owner() {
        "Owner is never given by a role change or an invitation; transfer the ownership instead.".to_owned()
    } else {
        format!("{} can do more than you can; give a role that is no stronger than your own.", role.name)
    };
    Refusal::new(Code::RoleNotAssignable, message)
}

/// The role that the owner has after a transfer: Admin unless another is wanted.
///
/// # Errors
/// `NOT_FOUND`, `ROLE_SCOPE_MISMATCH` or, for Owner, `ROLE_NOT_ASSIGNABLE`.
pub fn previous_owner_role<'a>(
    wanted: Option<&RoleRef>,
    organization: &OrganizationAccess,
    roles: &'a [Role],
    scope: RoleScope,
) -> Result<&'a Role, Refusal> {
    let at = |refusal: Refusal| refusal.at(["previousOwnerRole"]);
    let wanted = wanted.cloned().unwrap_or_else(|| RoleRef::built_in(BuiltInRole::Admin));
    let role = wanted.among(organization, roles, scope).map_err(at)?;
    if role.is_owner() { Err(at(role_not_assignable(role))) } else { Ok(role) }
}

/// The person is no member, as far as the viewer may know.
pub fn not_member(user: &UserRef, sees_members: bool, why: &'static str) -> Refusal {
    match user {
        UserRef::Id(_) | UserRef::Email(_) if sees_members => Refusal::new(Code::NotMember, why),
        _ => Refusal::not_found("person"),
    }
}

/// The member is stronger than the viewer.
pub fn outranked() -> Refusal {
    Refusal::new(Code::Forbidden, "This member can do more than you can.")
}

/// The version that was expected is not the current one.
pub fn check_version(expected: Option<i32>, current: i32) -> Result<(), Refusal> {
    match expected {
        Some(expected) if expected != current => Err(Refusal::new(
            Code::StaleVersion,
            format!("This was changed since; the current version is {current}. Fetch it again, merge and retry."),
        )
        .at(["expectedVersion"])
        .with(Detail::Version(current))),
        _ => Ok(()),
    }
}

/// Why a text was refused.
pub fn text_refusal(error: &TextError) -> Refusal {
    match error {
        TextError::Blank => Refusal::new(Code::Blank, "Text is needed here."),
        TextError::TooLong(max) => Refusal::new(Code::TooLong, format!("At most {max} characters fit here.")),
        TextError::Unprintable => Refusal::new(
            Code::Invalid,
            "Control characters and marks that change the direction of writing cannot stand here.",
        ),
    }
}

/// A name to show.
///
/// # Errors
/// `BLANK`, `TOO_LONG` or `INVALID`.
pub fn name(text: &str) -> Result<String, Refusal> {
    text::name(text).map_err(|error| text_refusal(&error))
}

/// A description.
///
/// # Errors
/// `BLANK`, `TOO_LONG` or `INVALID`.
pub fn description(text: &str) -> Result<String, Refusal> {
    text::paragraph(text, text::DESCRIPTION_MAX).map_err(|error| text_refusal(&error))
}

/// The slug that is wanted.
///
/// # Errors
/// `INVALID` when it is not of the form.
pub fn wanted_slug(text: &str) -> Result<Slug, Refusal> {
    let message = "A slug has 2 to 48 characters: a–z, 0–9 and single hyphens between them.";
    Slug::parse(text).ok_or_else(|| Refusal::new(Code::Invalid, message).at(["slug"]))
}

/// Names an organization member.
#[derive(Clone, Debug)]
pub enum OrganizationMemberRef {
    /// By id of the membership.
    Id(OrganizationMemberId),
    /// By organization and person.
    Lookup(OrganizationRef, UserRef),
    /// By something that cannot be one.
    Unknown,
}

/// Names a project member.
#[derive(Clone, Debug)]
pub enum ProjectMemberRef {
    /// By id of the membership.
    Id(ProjectMemberId),
    /// By project and person.
    Lookup(ProjectRef, UserRef),
    /// By something that cannot be one.
    Unknown,
}

/// Names a team member.
#[derive(Clone, Debug)]
pub enum TeamMemberRef {
    /// By id of the membership.
    Id(TeamMemberId),
    /// By team and person; an address also names whoever is invited by it.
    Lookup(TeamRef, UserRef),
    /// By something that cannot be one.
    Unknown,
}

/// What became of a member whose role was to change.
#[derive(Clone, Debug)]
pub struct RoleUpdated<M> {
    /// The membership.
    pub member: M,
    /// API keys that the person answers for and that can do less.
    pub keys: Vec<KeyChange>,
}

/// What a bulk change does when some items fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BulkMode {
    /// All items or none.
    Atomic,
    /// What can be applied is.
    Partial,
}

/// Outcome of one item of a bulk change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ItemStatus {
    /// Applied.
    Succeeded,
    /// Nothing to do.
    Skipped,
    /// Refused.
    Failed,
}

/// Refuses lists that are empty or longer than [`BULK_MAX`].
///
/// # Errors
/// `INVALID` or `TOO_MANY`.
pub fn check_bulk_size(field: &'static str, length: usize) -> Result<(), Refusal> {
    match length {
        0 => Err(Refusal::new(Code::Invalid, "Name at least one.").at([field])),
        _ => check_most(field, length, BULK_MAX),
    }
}

/// Refuses lists that are longer than `most`.
///
/// # Errors
/// `TOO_MANY`.
pub fn check_most(field: &'static str, length: usize, most: usize) -> Result<(), Refusal> {
    if length <= most {
        return Ok(());
    }
    let detail = Detail::Limit { limit: count(most), actual: count(length) };
    Err(Refusal::new(Code::TooMany, format!("At most {most} fit into one call; split the list."))
        .at([field])
        .with(detail))
}

fn count(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}
