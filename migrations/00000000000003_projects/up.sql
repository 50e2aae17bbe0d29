-- Projects and their members. A project member rests on an organization membership: the database
-- itself refuses one without, and ends it together with the membership.

CREATE TABLE projects (
    organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id              uuid NOT NULL,
    slug            text NOT NULL,
    name            text NOT NULL,
    sort_name       text COLLATE "C" NOT NULL,
    search_text     text NOT NULL,
    description     text,
    member_count    integer NOT NULL DEFAULT 0 CHECK (member_count >= 0),
    version         integer NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, slug)
);
CREATE INDEX projects_by_id ON projects (id);
CREATE INDEX projects_by_name ON projects (organization_id, sort_name, id);
CREATE INDEX projects_by_creation ON projects (organization_id, created_at, id);
CREATE INDEX projects_search ON projects USING gin (search_text gin_trgm_ops);

CREATE TABLE project_members (
    organization_id uuid NOT NULL,
    id              uuid NOT NULL,
    project_id      uuid NOT NULL,
    user_id         uuid NOT NULL,
    role_id         uuid NOT NULL,
    -- Copies, as in organization_members.
    role_rank       smallint NOT NULL,
    is_owner        boolean NOT NULL,
    sort_name       text COLLATE "C" NOT NULL,
    email           text COLLATE "C" NOT NULL,
    search_text     text NOT NULL,
    version         integer NOT NULL DEFAULT 1,
    joined_at       timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, project_id, user_id),
    FOREIGN KEY (organization_id, user_id) REFERENCES organization_members (organization_id, user_id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, role_id) REFERENCES roles (organization_id, id)
);
CREATE UNIQUE INDEX project_members_one_owner ON project_members (organization_id, project_id) WHERE is_owner;
CREATE INDEX project_members_by_id ON project_members (id);
CREATE INDEX project_members_by_user ON project_members (organization_id, user_id, joined_at, id);
CREATE INDEX project_members_by_name ON project_members (organization_id, project_id, sort_name, id);
CREATE INDEX project_members_by_email ON project_members (organization_id, project_id, email, id);
CREATE INDEX project_members_by_joining ON project_members (organization_id, project_id, joined_at, id);
CREATE INDEX project_members_by_rank ON project_members (organization_id, project_id, role_rank, id);
CREATE INDEX project_members_by_role ON project_members (organization_id, role_id);
CREATE INDEX project_members_search ON project_members USING gin (search_text gin_trgm_ops);
