-- The one order in which all servers tell what happened. An event gets its position after its commit, from one
-- dispatcher at a time: whoever has read up to a position has missed nothing before it.

ALTER TABLE events ADD COLUMN position bigint;
-- Nobody waits for what happened before.
UPDATE events SET position = 0;
CREATE INDEX events_by_position ON events (position) WHERE position IS NOT NULL;
CREATE INDEX events_to_dispatch ON events (organization_id, version) WHERE position IS NULL;

-- One row, which a dispatcher locks.
CREATE TABLE feed (
    id            smallint PRIMARY KEY CHECK (id = 1),
    last_position bigint NOT NULL
);
INSERT INTO feed VALUES (1, 0);
