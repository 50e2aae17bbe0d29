-- Teams: groups of people across projects. Their members stand in a later step, as they may still be
-- invitees.

CREATE TABLE teams (
    organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id              uuid NOT NULL,
    slug            text NOT NULL,
    name            text NOT NULL,
    sort_name       text COLLATE "C" NOT NULL,
    search_text     text NOT NULL,
    description     text,
    color           text NOT NULL CHECK (color ~ '^#[0-9A-F]{6}$'),
    member_count    integer NOT NULL DEFAULT 0 CHECK (member_count >= 0),
    version         integer NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, slug)
);
CREATE INDEX teams_by_id ON teams (id);
CREATE INDEX teams_by_name ON teams (organization_id, sort_name, id);
CREATE INDEX teams_by_creation ON teams (organization_id, created_at, id);
CREATE INDEX teams_by_size ON teams (organization_id, member_count, id);
CREATE INDEX teams_search ON teams USING gin (search_text gin_trgm_ops);
