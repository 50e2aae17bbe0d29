// Written as `diesel print-schema` writes it; held against the database by a test.

diesel::table! {
    api_keys (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        name -> Text,
        sort_name -> Text,
        search_text -> Text,
        prefix -> Text,
        secret_hash -> Bytea,
        previous_hash -> Nullable<Bytea>,
        previous_until -> Nullable<Timestamptz>,
        project_id -> Nullable<Uuid>,
        permissions -> Array<Text>,
        created_by_kind -> Text,
        created_by_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        last_used_at -> Nullable<Timestamptz>,
        expires_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        responsible_kind -> Text,
        responsible_id -> Nullable<Uuid>,
        parent_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    events (organization_id, version) {
        organization_id -> Uuid,
        version -> Int8,
        id -> Uuid,
        #[sql_name = "type"]
        type_ -> Text,
        actor_kind -> Text,
        actor_id -> Nullable<Uuid>,
        subject_id -> Uuid,
        project_id -> Nullable<Uuid>,
        data -> Jsonb,
        occurred_at -> Timestamptz,
        position -> Nullable<Int8>,
    }
}

diesel::table! {
    feed (id) {
        id -> Int2,
        last_position -> Int8,
    }
}

diesel::table! {
    idempotency_keys (actor_kind, actor_id, key) {
        actor_kind -> Text,
        actor_id -> Uuid,
        key -> Text,
        request_hash -> Bytea,
        answer -> Nullable<Jsonb>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    invitation_projects (organization_id, invitation_id, project_id) {
        organization_id -> Uuid,
        invitation_id -> Uuid,
        project_id -> Uuid,
        role_id -> Uuid,
        position -> Int2,
        added_by_kind -> Nullable<Text>,
        added_by_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    invitation_teams (organization_id, invitation_id, team_id) {
        organization_id -> Uuid,
        invitation_id -> Uuid,
        team_id -> Uuid,
        role -> Text,
        added_by_kind -> Nullable<Text>,
        added_by_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    invitations (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        email -> Text,
        status -> Text,
        status_rank -> Int2,
        role_id -> Nullable<Uuid>,
        project_id -> Nullable<Uuid>,
        message -> Nullable<Text>,
        token_version -> Int4,
        invited_by_kind -> Text,
        invited_by_id -> Nullable<Uuid>,
        resolved_by_kind -> Nullable<Text>,
        resolved_by_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        expires_at -> Timestamptz,
        resolved_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    mails (organization_id, invitation_id, token_version) {
        organization_id -> Uuid,
        invitation_id -> Uuid,
        token_version -> Int4,
        status -> Text,
        attempts -> Int4,
        error -> Nullable<Text>,
        due_at -> Timestamptz,
        lease_id -> Nullable<Uuid>,
        leased_until -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        sent_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    organization_members (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        user_id -> Uuid,
        role_id -> Uuid,
        role_rank -> Int2,
        is_owner -> Bool,
        sort_name -> Text,
        email -> Text,
        search_text -> Text,
        invited_by_kind -> Nullable<Text>,
        invited_by_id -> Nullable<Uuid>,
        version -> Int4,
        joined_at -> Timestamptz,
        updated_at -> Timestamptz,
        display_name -> Text,
    }
}

diesel::table! {
    organization_slugs (slug) {
        slug -> Text,
        organization_id -> Uuid,
    }
}

diesel::table! {
    organizations (id) {
        id -> Uuid,
        slug -> Text,
        name -> Text,
        sort_name -> Text,
        search_text -> Text,
        description -> Nullable<Text>,
        logo_url -> Nullable<Text>,
        website -> Nullable<Text>,
        industry -> Nullable<Text>,
        email -> Nullable<Text>,
        phone -> Nullable<Text>,
        visibility -> Text,
        plan_tier -> Text,
        trial_ends_at -> Nullable<Timestamptz>,
        seat_limit -> Nullable<Int4>,
        member_count -> Int4,
        project_count -> Int4,
        team_count -> Int4,
        pending_invitation_count -> Int4,
        last_event -> Int8,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        roles_version -> Int4,
    }
}

diesel::table! {
    project_members (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        project_id -> Uuid,
        user_id -> Uuid,
        role_id -> Uuid,
        role_rank -> Int2,
        is_owner -> Bool,
        sort_name -> Text,
        email -> Text,
        search_text -> Text,
        version -> Int4,
        joined_at -> Timestamptz,
        updated_at -> Timestamptz,
        display_name -> Text,
    }
}

diesel::table! {
    projects (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        slug -> Text,
        name -> Text,
        sort_name -> Text,
        search_text -> Text,
        description -> Nullable<Text>,
        member_count -> Int4,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    roles (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        scope -> Text,
        key -> Text,
        built_in -> Nullable<Text>,
        permissions -> Array<Text>,
        name -> Text,
        sort_name -> Text,
        description -> Nullable<Text>,
        rank -> Int2,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    team_members (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        team_id -> Uuid,
        user_id -> Nullable<Uuid>,
        invitation_id -> Nullable<Uuid>,
        expires_at -> Nullable<Timestamptz>,
        role -> Text,
        role_rank -> Int2,
        sort_name -> Text,
        email -> Text,
        search_text -> Text,
        added_at -> Timestamptz,
        display_name -> Text,
    }
}

diesel::table! {
    teams (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        slug -> Text,
        name -> Text,
        sort_name -> Text,
        search_text -> Text,
        description -> Nullable<Text>,
        color -> Text,
        member_count -> Int4,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    users (id) {
        id -> Uuid,
        issuer -> Text,
        subject -> Text,
        email -> Text,
        email_verified -> Bool,
        display_name -> Text,
        first_name -> Nullable<Text>,
        last_name -> Nullable<Text>,
        avatar_url -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        claims_at -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    api_keys,
    events,
    feed,
    idempotency_keys,
    invitation_projects,
    invitation_teams,
    invitations,
    mails,
    organization_members,
    organization_slugs,
    organizations,
    project_members,
    projects,
    roles,
    team_members,
    teams,
    users,
);
