//! How values of the domain stand in columns.

use diesel::{
    deserialize::{self, FromSql, Queryable},
    expression::AsExpression,
    internal::derives::as_expression::Bound,
    pg::{Pg, PgValue},
    serialize::{self, Output, ToSql},
    sql_types::{Nullable, Text, Uuid as SqlUuid},
};

use crate::domain::{
    email::{Address, Email},
    id::{
        ApiKeyId, InvitationId, OrganizationId, OrganizationMemberId, ProjectId, ProjectMemberId, RoleId, TeamId,
        TeamMemberId, UserId,
    },
    invitation::{InvitationStatus, MailStatus},
    organization::{ActorKind, PlanTier, Visibility},
    phone::Phone,
    role::{BuiltInRole, RoleScope},
    team::TeamMemberRole,
};

macro_rules! column {
    ($sql:ty: $($name:ty),*) => {
        $(
            impl Queryable<$sql, Pg> for $name {
                type Row = Self;
                fn build(row: Self) -> deserialize::Result<Self> {
                    Ok(row)
                }
            }
            impl AsExpression<$sql> for $name {
                type Expression = Bound<$sql, Self>;
                fn as_expression(self) -> Self::Expression {
                    Bound::new(self)
                }
            }
            impl AsExpression<Nullable<$sql>> for $name {
                type Expression = Bound<Nullable<$sql>, Self>;
                fn as_expression(self) -> Self::Expression {
                    Bound::new(self)
                }
            }
            impl<'a> AsExpression<$sql> for &'a $name {
                type Expression = Bound<$sql, &'a $name>;
                fn as_expression(self) -> Self::Expression {
                    Bound::new(self)
                }
            }
            impl<'a> AsExpression<Nullable<$sql>> for &'a $name {
                type Expression = Bound<Nullable<$sql>, &'a $name>;
                fn as_expression(self) -> Self::Expression {
                    Bound::new(self)
                }
            }
            impl ToSql<Nullable<$sql>, Pg> for $name {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                    ToSql::<$sql, Pg>::to_sql(self, out)
                }
            }
        )*
    };
}

macro_rules! id_columns {
    ($($name:ident),*) => {
        column!(SqlUuid: $($name),*);
        $(
            impl FromSql<SqlUuid, Pg> for $name {
                fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                    FromSql::<SqlUuid, Pg>::from_sql(value).map(Self)
                }
            }
            impl ToSql<SqlUuid, Pg> for $name {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                    ToSql::<SqlUuid, Pg>::to_sql(&self.0, out)
                }
            }
        )*
    };
}

macro_rules! enum_columns {
    ($($name:ident),*) => {
        column!(Text: $($name),*);
        $(
            impl FromSql<Text, Pg> for $name {
                fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                    let text = std::str::from_utf8(value.as_bytes())?;
                    Self::parse(text).ok_or_else(|| format!("not a {}: {text:?}", stringify!($name)).into())
                }
            }
            impl ToSql<Text, Pg> for $name {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                    ToSql::<Text, Pg>::to_sql(self.as_str(), out)
                }
            }
        )*
    };
}

id_columns!(
    ApiKeyId,
    InvitationId,
    OrganizationId,
    OrganizationMemberId,
    ProjectId,
    ProjectMemberId,
    RoleId,
    TeamId,
    TeamMemberId,
    UserId
);
enum_columns!(ActorKind, BuiltInRole, InvitationStatus, MailStatus, PlanTier, RoleScope, TeamMemberRole, Visibility);
column!(Text: Address, Email, Phone);

/// Only what was read as an address is written to a column, and to read one takes long.
impl FromSql<Text, Pg> for Email {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        FromSql::<Text, Pg>::from_sql(value).map(Self::from_stored)
    }
}

impl FromSql<Text, Pg> for Address {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        FromSql::<Text, Pg>::from_sql(value).map(Self::from_stored)
    }
}

impl FromSql<Text, Pg> for Phone {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        FromSql::<Text, Pg>::from_sql(value).map(Self::from_stored)
    }
}

impl ToSql<Text, Pg> for Email {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Text, Pg>::to_sql(self.as_str(), out)
    }
}

impl ToSql<Text, Pg> for Address {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Text, Pg>::to_sql(self.as_str(), out)
    }
}

impl ToSql<Text, Pg> for Phone {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Text, Pg>::to_sql(self.as_str(), out)
    }
}
