//! Naming things in input: by id, or by what people know. Whatever cannot be read names nothing.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined, OneofObject};

use super::scalars::DateTime;
use crate::{
    access::{OrganizationRef, ProjectRef, TeamRef},
    domain::{
        email::Email,
        id::{
            InvitationId, OrganizationId, OrganizationMemberId, ProjectId, ProjectMemberId, RoleId, TeamId,
            TeamMemberId, UserId,
        },
        slug::Slug,
    },
    operations::{
        input::{OrganizationMemberRef, ProjectMemberRef, RoleRef, TeamMemberRef, UserRef},
        invitations::InvitationRef,
        patch::Patch,
    },
    store::invitations::TimeRange,
};

/// Sort direction.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderDirection {
    /// Ascending.
    Asc,
    /// Descending.
    Desc,
}

/// An input that orders a list, and the fields it can be ordered by.
macro_rules! order_input {
    (
        $(#[$doc:meta])* $order:ident = $default:ident $direction:ident;
        $(#[$field_doc:meta])* $field:ident of $column:path = $remote:literal { $($(#[$value_doc:meta])* $value:ident,)* }
    ) => {
        $(#[$doc])*
        #[derive(async_graphql::InputObject, Clone, Copy, Debug)]
        pub struct $order {
            /// Field to order by.
            field: $field,
            /// Direction.
            #[graphql(default_with = "crate::graphql::input::OrderDirection::Asc")]
            direction: crate::graphql::input::OrderDirection,
        }

        $(#[$field_doc])*
        #[derive(async_graphql::Enum, Clone, Copy, Debug, PartialEq, Eq)]
        #[graphql(remote = $remote)]
        pub enum $field { $($(#[$value_doc])* $value,)* }

        impl Default for $order {
            fn default() -> Self {
                Self { field: $field::$default, direction: crate::graphql::input::OrderDirection::$direction }
            }
        }

        impl $order {
            /// What is sorted by, and whether the highest come first.
            pub fn sort(this: Option<Self>) -> ($column, bool) {
                let this = this.unwrap_or_default();
                (this.field.into(), this.direction == crate::graphql::input::OrderDirection::Desc)
            }
        }
    };
}
pub(super) use order_input;

/// Half-open time range `[from, to)`.
#[derive(InputObject, Clone, Copy, Debug)]
pub struct DateTimeRangeInput {
    /// Inclusive lower bound.
    from: Option<DateTime>,
    /// Exclusive upper bound.
    to: Option<DateTime>,
}

impl DateTimeRangeInput {
    /// The range; without bounds when none is given.
    pub fn range(this: Option<Self>) -> TimeRange {
        this.map(|this| TimeRange { from: this.from.map(|time| time.0), to: this.to.map(|time| time.0) })
            .unwrap_or_default()
    }
}

/// Names an organization.
#[derive(OneofObject, Clone, Debug)]
pub enum OrganizationRefInput {
    /// By global ID.
    Id(ID),
    /// By slug, current or previous.
    Slug(String),
}

impl From<OrganizationRefInput> for OrganizationRef {
    fn from(input: OrganizationRefInput) -> Self {
        match input {
            OrganizationRefInput::Id(id) => OrganizationId::parse(&id).map_or(Self::Unknown, Self::Id),
            OrganizationRefInput::Slug(slug) => Slug::parse(&slug).map_or(Self::Unknown, Self::Slug),
        }
    }
}

/// Names a project.
#[derive(OneofObject, Clone, Debug)]
pub enum ProjectRefInput {
    /// By global ID.
    Id(ID),
    /// By slugs.
    Path(ProjectPathInput),
}

/// Slugs of a project and its organization.
#[derive(InputObject, Clone, Debug)]
pub struct ProjectPathInput {
    /// Slug of the organization.
    organization: String,
    /// Slug of the project.
    project: String,
}

impl From<ProjectRefInput> for ProjectRef {
    fn from(input: ProjectRefInput) -> Self {
        match input {
            ProjectRefInput::Id(id) => ProjectId::parse(&id).map_or(Self::Unknown, Self::Id),
            ProjectRefInput::Path(path) => match (Slug::parse(&path.organization), Slug::parse(&path.project)) {
                (Some(organization), Some(project)) => Self::Path(organization, project),
                _ => Self::Unknown,
            },
        }
    }
}

/// Names a team.
#[derive(OneofObject, Clone, Debug)]
pub enum TeamRefInput {
    /// By global ID.
    Id(ID),
    /// By slugs.
    Path(TeamPathInput),
}

/// Slugs of a team and its organization.
#[derive(InputObject, Clone, Debug)]
pub struct TeamPathInput {
    /// Slug of the organization.
    organization: String,
    /// Slug of the team.
    team: String,
}

impl From<TeamRefInput> for TeamRef {
    fn from(input: TeamRefInput) -> Self {
        match input {
            TeamRefInput::Id(id) => TeamId::parse(&id).map_or(Self::Unknown, Self::Id),
            TeamRefInput::Path(path) => match (Slug::parse(&path.organization), Slug::parse(&path.team)) {
                (Some(organization), Some(team)) => Self::Path(organization, team),
                _ => Self::Unknown,
            },
        }
    }
}

/// Names a role of the organization or project at hand.
#[derive(OneofObject, Clone, Debug)]
pub enum RoleRefInput {
    /// By global ID.
    Id(ID),
    /// By key: `admin`, `member`, `viewer` or the key of a custom role.
    Key(String),
}

impl From<RoleRefInput> for RoleRef {
    fn from(input: RoleRefInput) -> Self {
        match input {
            RoleRefInput::Id(id) => RoleId::parse(&id).map_or(Self::Unknown, Self::Id),
            RoleRefInput::Key(key) => Self::Key(key.trim().to_ascii_lowercase()),
        }
    }
}

/// Names a user.
#[derive(OneofObject, Clone, Debug)]
pub enum UserRefInput {
    /// By global ID.
    Id(ID),
    /// By verified email, ignoring case.
    Email(String),
}

impl From<UserRefInput> for UserRef {
    fn from(input: UserRefInput) -> Self {
        match input {
            UserRefInput::Id(id) => UserId::parse(&id).map_or(Self::Unknown, Self::Id),
            UserRefInput::Email(email) => Email::parse(&email).map_or(Self::Unknown, Self::Email),
        }
    }
}

/// Names an organization member.
#[derive(OneofObject, Clone, Debug)]
pub enum OrganizationMemberRefInput {
    /// By global ID of the membership.
    Id(ID),
    /// By organization and user.
    Lookup(OrganizationMemberLookupInput),
}

/// An organization and one of its users.
#[derive(InputObject, Clone, Debug)]
pub struct OrganizationMemberLookupInput {
    /// The organization.
    organization: OrganizationRefInput,
    /// The user.
    user: UserRefInput,
}

impl From<OrganizationMemberRefInput> for OrganizationMemberRef {
    fn from(input: OrganizationMemberRefInput) -> Self {
        match input {
            OrganizationMemberRefInput::Id(id) => OrganizationMemberId::parse(&id).map_or(Self::Unknown, Self::Id),
            OrganizationMemberRefInput::Lookup(lookup) => Self::Lookup(lookup.organization.into(), lookup.user.into()),
        }
    }
}

/// Names a project member.
#[derive(OneofObject, Clone, Debug)]
pub enum ProjectMemberRefInput {
    /// By global ID of the membership.
    Id(ID),
    /// By project and user.
    Lookup(ProjectMemberLookupInput),
}

/// A project and one of its users.
#[derive(InputObject, Clone, Debug)]
pub struct ProjectMemberLookupInput {
    /// The project.
    project: ProjectRefInput,
    /// The user.
    user: UserRefInput,
}

impl From<ProjectMemberRefInput> for ProjectMemberRef {
    fn from(input: ProjectMemberRefInput) -> Self {
        match input {
            ProjectMemberRefInput::Id(id) => ProjectMemberId::parse(&id).map_or(Self::Unknown, Self::Id),
            ProjectMemberRefInput::Lookup(lookup) => Self::Lookup(lookup.project.into(), lookup.user.into()),
        }
    }
}

/// Names a team member.
#[derive(OneofObject, Clone, Debug)]
pub enum TeamMemberRefInput {
    /// By global ID of the membership.
    Id(ID),
    /// By team and user; `email` also finds pending members.
    Lookup(TeamMemberLookupInput),
}

/// A team and one of its users.
#[derive(InputObject, Clone, Debug)]
pub struct TeamMemberLookupInput {
    /// The team.
    team: TeamRefInput,
    /// The user.
    user: UserRefInput,
}

impl From<TeamMemberRefInput> for TeamMemberRef {
    fn from(input: TeamMemberRefInput) -> Self {
        match input {
            TeamMemberRefInput::Id(id) => TeamMemberId::parse(&id).map_or(Self::Unknown, Self::Id),
            TeamMemberRefInput::Lookup(lookup) => Self::Lookup(lookup.team.into(), lookup.user.into()),
        }
    }
}

/// Names an invitation.
#[derive(OneofObject, Clone, Debug)]
pub enum InvitationRefInput {
    /// By global ID; the viewer's verified email must match.
    Id(ID),
    /// By the secret token from the invitation email.
    Token(String),
}

impl From<InvitationRefInput> for InvitationRef {
    fn from(input: InvitationRefInput) -> Self {
        match input {
            InvitationRefInput::Id(id) => InvitationId::parse(&id).map_or(Self::Unknown, Self::Id),
            InvitationRefInput::Token(token) => Self::Token(token),
        }
    }
}

impl<T, U: From<T>> From<MaybeUndefined<T>> for Patch<U> {
    fn from(input: MaybeUndefined<T>) -> Self {
        match input {
            MaybeUndefined::Undefined => Self::Keep,
            MaybeUndefined::Null => Self::Clear,
            MaybeUndefined::Value(value) => Self::Set(value.into()),
        }
    }
}
