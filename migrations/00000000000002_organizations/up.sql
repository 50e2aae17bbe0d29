-- Organizations, their slugs, roles and members.
-- From here on every key and every reference starts with organization_id, so that no row can cross
-- from one organization into another.

CREATE TABLE organizations (
    id            uuid PRIMARY KEY,
    slug          text COLLATE "C" NOT NULL UNIQUE,
    name          text NOT NULL,
    -- `sort_name` and `search_text` are folded (no case, no accents) by the server: one rule, one
    -- byte order, whatever the locale of the database.
    sort_name     text COLLATE "C" NOT NULL,
    search_text   text NOT NULL,
    description   text,
    logo_url      text,
    website       text,
    -- A key of the server's list of industries.
    industry      text,
    email         text,
    -- In the international form of E.164.
    phone         text,
    visibility    text NOT NULL CHECK (visibility IN ('PRIVATE', 'PUBLIC')),
    plan_tier     text NOT NULL CHECK (plan_tier IN ('FREE', 'STARTER', 'PREMIUM', 'ENTERPRISE')),
    trial_ends_at timestamptz,
    -- NULL: unlimited.
    seat_limit    integer CHECK (seat_limit >= 0),
    -- Counters, changed only by the transaction that changes what they count.
    member_count             integer NOT NULL DEFAULT 0 CHECK (member_count >= 0),
    project_count            integer NOT NULL DEFAULT 0 CHECK (project_count >= 0),
    team_count               integer NOT NULL DEFAULT 0 CHECK (team_count >= 0),
    pending_invitation_count integer NOT NULL DEFAULT 0 CHECK (pending_invitation_count >= 0),
    -- Number of the newest event, given out under the lock of this row.
    last_event    bigint NOT NULL DEFAULT 0,
    version       integer NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);

-- Only the operator lists all organizations; everybody else comes in through their memberships.
CREATE INDEX organizations_by_name ON organizations (sort_name, id);
CREATE INDEX organizations_by_creation ON organizations (created_at, id);
CREATE INDEX organizations_by_slug ON organizations (slug, id);
CREATE INDEX organizations_search ON organizations USING gin (search_text gin_trgm_ops);

-- Every slug an organization has or had: old links keep working and nobody else can take them.
CREATE TABLE organization_slugs (
    slug            text PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE
);
CREATE INDEX organization_slugs_by_organization ON organization_slugs (organization_id);

CREATE TABLE roles (
    organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id              uuid NOT NULL,
    scope           text NOT NULL CHECK (scope IN ('ORGANIZATION', 'PROJECT')),
    key             text NOT NULL,
    -- Which built-in role this is; its permissions are then those of the policy in the server, so
    -- that a new release can extend them, and `permissions` stays empty.
    built_in        text CHECK (built_in IN ('OWNER', 'ADMIN', 'MEMBER', 'VIEWER')),
    permissions     text[] NOT NULL DEFAULT '{}',
    name            text NOT NULL,
    sort_name       text COLLATE "C" NOT NULL,
    description     text,
    -- Built-in roles from Owner (0) to Viewer (3), then custom ones (4).
    rank            smallint NOT NULL,
    version         integer NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, scope, key)
);
CREATE INDEX roles_by_id ON roles (id);

CREATE TABLE organization_members (
    organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id              uuid NOT NULL,
    user_id         uuid NOT NULL REFERENCES users,
    role_id         uuid NOT NULL,
    -- Copies, kept in step, so that every order and search of a member list reads one index.
    role_rank       smallint NOT NULL,
    is_owner        boolean NOT NULL,
    sort_name       text COLLATE "C" NOT NULL,
    email           text COLLATE "C" NOT NULL,
    search_text     text NOT NULL,
    invited_by_kind text CHECK (invited_by_kind IN ('USER', 'API_KEY', 'OPERATOR', 'SYSTEM')),
    invited_by_id   uuid,
    version         integer NOT NULL DEFAULT 1,
    joined_at       timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, user_id),
    FOREIGN KEY (organization_id, role_id) REFERENCES roles (organization_id, id)
);
CREATE UNIQUE INDEX organization_members_one_owner ON organization_members (organization_id) WHERE is_owner;
CREATE INDEX organization_members_by_id ON organization_members (id);
CREATE INDEX organization_members_by_user ON organization_members (user_id, joined_at, id);
CREATE INDEX organization_members_by_name ON organization_members (organization_id, sort_name, id);
CREATE INDEX organization_members_by_email ON organization_members (organization_id, email, id);
CREATE INDEX organization_members_by_joining ON organization_members (organization_id, joined_at, id);
CREATE INDEX organization_members_by_rank ON organization_members (organization_id, role_rank, id);
CREATE INDEX organization_members_by_role ON organization_members (organization_id, role_id);
CREATE INDEX organization_members_search ON organization_members USING gin (search_text gin_trgm_ops);
