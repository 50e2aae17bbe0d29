-- What happened, in the order it happened, written by the transaction that did it: the audit log and
-- the outbox of everything that tells others. No reference to organizations: it outlives them.

CREATE TABLE events (
    organization_id uuid NOT NULL,
    -- Position in the organization's stream, without gaps.
    version         bigint NOT NULL,
    id              uuid NOT NULL,
    type            text NOT NULL,
    actor_kind      text NOT NULL CHECK (actor_kind IN ('USER', 'API_KEY', 'OPERATOR', 'SYSTEM')),
    actor_id        uuid,
    subject_id      uuid NOT NULL,
    project_id      uuid,
    data            jsonb NOT NULL,
    occurred_at     timestamptz NOT NULL,
    PRIMARY KEY (organization_id, version)
);
CREATE INDEX events_by_subject ON events (subject_id);
