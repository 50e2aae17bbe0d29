//! Many rows in one statement: an array for each column, so that PostgreSQL reads the statement once.

use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid};

use super::organization::OrganizationSlug;
use crate::store::{
    events::Event, invitation_projects::ProjectGrant, invitations::Invitation, mails::Mail,
    organization_members::OrganizationMember, organizations::Organization, project_members::ProjectMember,
    projects::Project, query::Query, roles::Role, users::User,
};

/// A row of a table.
pub trait Row: Sized {
    /// The statement that adds rows.
    fn insert(rows: &[Self]) -> Query;
}

macro_rules! rows {
    ($($row:ty => $table:literal { $($field:ident $(as $column:literal)?: $sql:ty,)* })*) => {
        /// The tables that are filled.
        pub const TABLES: &[&str] = &[$($table),*];

        $(
            impl Row for $row {
                fn insert(rows: &[Self]) -> Query {
                    let mut query = Query::new(concat!("INSERT INTO ", $table, " ("));
                    let columns = [$(column!($field $($column)?)),*];
                    query.sql(columns.join(", ")).sql(") SELECT * FROM unnest(");
                    let mut separators = std::iter::once("").chain(std::iter::repeat(", "));
                    $(
                        let values: Vec<_> = rows.iter().map(|row| row.$field.clone()).collect();
                        query.sql(separators.next().unwrap_or_default()).bind::<Array<$sql>, _>(values);
                    )*
                    query.sql(")");
                    query
                }
            }
        )*
    };
}

macro_rules! column {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $column:literal) => {
        $column
    };
}

rows! {
    User => "users" {
        id: Uuid,
        issuer: Text,
        subject: Text,
        email: Text,
        email_verified: Bool,
        display_name: Text,
        first_name: Nullable<Text>,
        last_name: Nullable<Text>,
        avatar_url: Nullable<Text>,
        created_at: Timestamptz,
        updated_at: Timestamptz,
        claims_at: Timestamptz,
    }
    Organization => "organizations" {
        id: Uuid,
        slug: Text,
        name: Text,
        sort_name: Text,
        search_text: Text,
        description: Nullable<Text>,
        logo_url: Nullable<Text>,
        website: Nullable<Text>,
        industry: Nullable<Text>,
        email: Nullable<Text>,
        phone: Nullable<Text>,
        visibility: Text,
        plan_tier: Text,
        trial_ends_at: Nullable<Timestamptz>,
        seat_limit: Nullable<Integer>,
        member_count: Integer,
        project_count: Integer,
        team_count: Integer,
        pending_invitation_count: Integer,
        last_event: BigInt,
        version: Integer,
        created_at: Timestamptz,
        updated_at: Timestamptz,
        roles_version: Integer,
    }
    OrganizationSlug => "organization_slugs" {
        slug: Text,
        organization_id: Uuid,
    }
    // Without `permissions`: those of built-in roles are the policy's.
    Role => "roles" {
        organization_id: Uuid,
        id: Uuid,
        scope: Text,
        key: Text,
        built_in: Nullable<Text>,
        name: Text,
        sort_name: Text,
        description: Nullable<Text>,
        rank: SmallInt,
        version: Integer,
        created_at: Timestamptz,
        updated_at: Timestamptz,
    }
    OrganizationMember => "organization_members" {
        organization_id: Uuid,
        id: Uuid,
        user_id: Uuid,
        role_id: Uuid,
        role_rank: SmallInt,
        is_owner: Bool,
        sort_name: Text,
        email: Text,
        search_text: Text,
        invited_by_kind: Nullable<Text>,
        invited_by_id: Nullable<Uuid>,
        version: Integer,
        joined_at: Timestamptz,
        updated_at: Timestamptz,
        display_name: Text,
    }
    Project => "projects" {
        organization_id: Uuid,
        id: Uuid,
        slug: Text,
        name: Text,
        sort_name: Text,
        search_text: Text,
        description: Nullable<Text>,
        member_count: Integer,
        version: Integer,
        created_at: Timestamptz,
        updated_at: Timestamptz,
    }
    ProjectMember => "project_members" {
        organization_id: Uuid,
        id: Uuid,
        project_id: Uuid,
        user_id: Uuid,
        role_id: Uuid,
        role_rank: SmallInt,
        is_owner: Bool,
        sort_name: Text,
        email: Text,
        search_text: Text,
        version: Integer,
        joined_at: Timestamptz,
        updated_at: Timestamptz,
        display_name: Text,
    }
    Invitation => "invitations" {
        organization_id: Uuid,
        id: Uuid,
        email: Text,
        status: Text,
        status_rank: SmallInt,
        role_id: Nullable<Uuid>,
        project_id: Nullable<Uuid>,
        message: Nullable<Text>,
        token_version: Integer,
        invited_by_kind: Text,
        invited_by_id: Nullable<Uuid>,
        resolved_by_kind: Nullable<Text>,
        resolved_by_id: Nullable<Uuid>,
        created_at: Timestamptz,
        updated_at: Timestamptz,
        expires_at: Timestamptz,
        resolved_at: Nullable<Timestamptz>,
    }
    ProjectGrant => "invitation_projects" {
        organization_id: Uuid,
        invitation_id: Uuid,
        project_id: Uuid,
        role_id: Uuid,
        position: SmallInt,
    }
    Mail => "mails" {
        organization_id: Uuid,
        invitation_id: Uuid,
        token_version: Integer,
        status: Text,
        attempts: Integer,
        error: Nullable<Text>,
        due_at: Timestamptz,
        lease_id: Nullable<Uuid>,
        leased_until: Nullable<Timestamptz>,
        created_at: Timestamptz,
        sent_at: Nullable<Timestamptz>,
    }
    Event => "events" {
        organization_id: Uuid,
        version: BigInt,
        id: Uuid,
        kind as "type": Text,
        actor_kind: Text,
        actor_id: Nullable<Uuid>,
        subject_id: Uuid,
        project_id: Nullable<Uuid>,
        data: Jsonb,
        occurred_at: Timestamptz,
    }
}
