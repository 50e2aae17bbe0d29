-- When the identity provider said what is stored of a person: older tokens change nothing.
ALTER TABLE users ADD COLUMN claims_at timestamptz NOT NULL DEFAULT '1970-01-01 00:00:00+00';
COMMENT ON COLUMN users.email IS 'Empty while they have none: the address they had passed to somebody else. So do the copies in memberships.';

-- Guest, below Viewer and before the custom roles: belongs to the organization and may do nothing in it.
ALTER TABLE roles DROP CONSTRAINT roles_built_in_check;
ALTER TABLE roles ADD CONSTRAINT roles_built_in_check CHECK (built_in IN ('OWNER', 'ADMIN', 'MEMBER', 'VIEWER', 'GUEST'));
UPDATE roles SET rank = 5 WHERE built_in IS NULL;
UPDATE organization_members m SET role_rank = 5 FROM roles r WHERE r.organization_id = m.organization_id AND r.id = m.role_id AND r.built_in IS NULL;
UPDATE project_members m SET role_rank = 5 FROM roles r WHERE r.organization_id = m.organization_id AND r.id = m.role_id AND r.built_in IS NULL;
-- A custom role that has the key gets another one: the end of its id, as keys that are made from names do.
UPDATE roles SET key = 'guest-' || right(id::text, 4), version = version + 1 WHERE scope = 'ORGANIZATION' AND key = 'guest';
INSERT INTO roles (organization_id, id, scope, key, built_in, name, sort_name, rank, created_at, updated_at)
SELECT id, gen_random_uuid(), 'ORGANIZATION', 'guest', 'GUEST', 'Guest', 'guest', 4, created_at, created_at FROM organizations;
UPDATE organizations SET roles_version = roles_version + 1;

-- Who answers for an API key: it never holds more than they do. A key made by a key ends with it.
ALTER TABLE api_keys
    ADD COLUMN responsible_kind text NOT NULL DEFAULT 'OPERATOR' CHECK (responsible_kind IN ('USER', 'OPERATOR')),
    ADD COLUMN responsible_id uuid,
    ADD COLUMN parent_id uuid;
-- So far: whoever made it or, up the line of keys that made it, the first of them.
WITH RECURSIVE line AS (
    SELECT organization_id, id, created_by_kind AS kind, created_by_id AS maker, expires_at, revoked_at FROM api_keys
    UNION ALL
    SELECT l.organization_id, l.id, k.created_by_kind, k.created_by_id, LEAST(l.expires_at, k.expires_at), COALESCE(l.revoked_at, k.revoked_at)
    FROM line l JOIN api_keys k ON l.kind = 'API_KEY' AND k.organization_id = l.organization_id AND k.id = l.maker
)
UPDATE api_keys k SET
    responsible_kind = CASE WHEN l.kind = 'USER' THEN 'USER' ELSE 'OPERATOR' END,
    responsible_id = CASE WHEN l.kind = 'USER' THEN l.maker END,
    parent_id = CASE WHEN k.created_by_kind = 'API_KEY' THEN k.created_by_id END,
    expires_at = l.expires_at,
    revoked_at = l.revoked_at,
    -- No key can hold these.
    permissions = array_remove(array_remove(k.permissions, 'organization.transfer'), 'organization.delete')
FROM line l WHERE l.organization_id = k.organization_id AND l.id = k.id AND l.kind <> 'API_KEY';
ALTER TABLE api_keys ALTER COLUMN responsible_kind DROP DEFAULT;
ALTER TABLE api_keys ADD CONSTRAINT api_keys_responsible_check CHECK ((responsible_kind = 'USER') = (responsible_id IS NOT NULL));
CREATE INDEX api_keys_by_responsible ON api_keys (organization_id, responsible_id) WHERE revoked_at IS NULL;
CREATE INDEX api_keys_by_parent ON api_keys (organization_id, parent_id) WHERE parent_id IS NOT NULL;

-- The role of an invitation that ended may be deleted; it cannot be opened again then.
ALTER TABLE invitations ALTER COLUMN role_id DROP NOT NULL;
ALTER TABLE invitations ADD CONSTRAINT invitations_role_check CHECK (role_id IS NOT NULL OR status <> 'PENDING');
