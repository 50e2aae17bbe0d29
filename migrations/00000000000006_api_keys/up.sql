-- Credentials of an organization, optionally of one project. The secret carries organization and key
-- id in front, so that one look-up finds the row; only its SHA-256 is stored.

CREATE TABLE api_keys (
    organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id              uuid NOT NULL,
    name            text NOT NULL,
    prefix          text NOT NULL,
    secret_hash     bytea NOT NULL,
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
CREATE INDEX api_keys_by_project ON api_keys (organization_id, project_id);
