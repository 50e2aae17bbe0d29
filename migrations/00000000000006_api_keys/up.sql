-- Credentials of an organization, optionally of one project. The secret carries organization and key
-- id in front, so that one look-up finds the row; only its SHA-256 is stored.

CREATE TABLE api_keys (
    organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id              uuid NOT NULL,
    name            text NOT NULL,
    sort_name       text COLLATE "C" NOT NULL,
    search_text     text NOT NULL,
    prefix          text NOT NULL,
    secret_hash     bytea NOT NULL,
    -- The secret before the last rotation, and how long it still works.
    previous_hash   bytea,
    previous_until  timestamptz,
    project_id      uuid,
    permissions     text[] NOT NULL,
    created_by_kind text NOT NULL CHECK (created_by_kind IN ('USER', 'API_KEY', 'OPERATOR', 'SYSTEM')),
    created_by_id   uuid,
    created_at      timestamptz NOT NULL,
    last_used_at    timestamptz,
    expires_at      timestamptz,
    revoked_at      timestamptz,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX api_keys_by_id ON api_keys (id);
CREATE INDEX api_keys_by_creation ON api_keys (organization_id, created_at, id);
-- Few keys stand at a time, however many were revoked before; lists show those unless asked for all.
CREATE INDEX api_keys_standing ON api_keys (organization_id, created_at, id) WHERE revoked_at IS NULL;
CREATE INDEX api_keys_standing_by_name ON api_keys (organization_id, sort_name, id) WHERE revoked_at IS NULL;
-- Keys that were never used stand before all others.
CREATE INDEX api_keys_standing_by_use ON api_keys (organization_id, COALESCE(last_used_at, '1970-01-01 00:00:00+00'::timestamptz), id) WHERE revoked_at IS NULL;
CREATE INDEX api_keys_by_project ON api_keys (organization_id, project_id);
