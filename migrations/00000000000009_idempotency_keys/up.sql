-- What was answered to a change that its caller gave a key, so that sending it again changes nothing.
-- The row is the first thing such a transaction writes: whoever comes at the same time waits for it.

CREATE TABLE idempotency_keys (
    actor_kind   text NOT NULL CHECK (actor_kind IN ('USER', 'API_KEY', 'OPERATOR')),
    -- The nil UUID for the operator.
    actor_id     uuid NOT NULL,
    key          text NOT NULL,
    -- SHA-256 of what was asked for.
    request_hash bytea NOT NULL,
    -- Ids and outcomes; nothing secret. NULL only inside the transaction that adds the row.
    answer       jsonb,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (actor_kind, actor_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
