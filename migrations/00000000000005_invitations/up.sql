-- Invitations, what they grant, and the mails sent for them.

CREATE TABLE invitations (
    organization_id  uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id               uuid NOT NULL,
    email            text COLLATE "C" NOT NULL,
    status           text NOT NULL CHECK (status IN ('PENDING', 'ACCEPTED', 'DECLINED', 'REVOKED', 'EXPIRED')),
    -- Order of the states: pending first.
    status_rank      smallint NOT NULL,
    role_id          uuid NOT NULL,
    -- The project of a project invitation; it stands in invitation_projects as well.
    project_id       uuid,
    message          text,
    -- Raised by every resend. The link carries it under a signature; nothing usable is stored.
    token_version    integer NOT NULL DEFAULT 1,
    invited_by_kind  text NOT NULL CHECK (invited_by_kind IN ('USER', 'API_KEY', 'OPERATOR', 'SYSTEM')),
    invited_by_id    uuid,
    resolved_by_kind text CHECK (resolved_by_kind IN ('USER', 'API_KEY', 'OPERATOR', 'SYSTEM')),
    resolved_by_id   uuid,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    resolved_at      timestamptz,
    CHECK ((status = 'PENDING') = (resolved_at IS NULL)),
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, role_id) REFERENCES roles (organization_id, id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX invitations_one_pending ON invitations (organization_id, email) WHERE status = 'PENDING';
CREATE INDEX invitations_by_id ON invitations (id);
CREATE INDEX invitations_by_creation ON invitations (organization_id, created_at, id);
CREATE INDEX invitations_by_email ON invitations (organization_id, email, id);
CREATE INDEX invitations_by_expiry ON invitations (organization_id, expires_at, id);
CREATE INDEX invitations_by_status ON invitations (organization_id, status_rank, id);
-- Most lists show one state; pending ones are few beside what was answered long ago.
CREATE INDEX invitations_by_state_and_creation ON invitations (organization_id, status, created_at, id);
CREATE INDEX invitations_pending_by_expiry ON invitations (organization_id, expires_at, id) WHERE status = 'PENDING';
CREATE INDEX invitations_by_role ON invitations (organization_id, role_id);
CREATE INDEX invitations_by_project ON invitations (organization_id, project_id);
CREATE INDEX invitations_pending_by_inviter ON invitations (organization_id, invited_by_id) WHERE status = 'PENDING';
-- What has lapsed, over all organizations.
CREATE INDEX invitations_lapsing ON invitations (expires_at) WHERE status = 'PENDING';
-- The inbox of an invitee, over all organizations.
CREATE INDEX invitations_by_invitee ON invitations (email, created_at, id);
CREATE INDEX invitations_search ON invitations USING gin (email gin_trgm_ops);

CREATE TABLE invitation_projects (
    organization_id uuid NOT NULL,
    invitation_id   uuid NOT NULL,
    project_id      uuid NOT NULL,
    role_id         uuid NOT NULL,
    -- The invited project comes first.
    position        smallint NOT NULL,
    -- Who added it to an invitation that was out already; NULL: whoever invited.
    added_by_kind   text CHECK (added_by_kind IN ('USER', 'API_KEY', 'OPERATOR', 'SYSTEM')),
    added_by_id     uuid,
    PRIMARY KEY (organization_id, invitation_id, project_id),
    FOREIGN KEY (organization_id, invitation_id) REFERENCES invitations (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, role_id) REFERENCES roles (organization_id, id)
);
CREATE INDEX invitation_projects_by_project ON invitation_projects (organization_id, project_id);
CREATE INDEX invitation_projects_by_adder ON invitation_projects (organization_id, added_by_id) WHERE added_by_id IS NOT NULL;
CREATE INDEX invitation_projects_by_role ON invitation_projects (organization_id, role_id);

CREATE TABLE invitation_teams (
    organization_id uuid NOT NULL,
    invitation_id   uuid NOT NULL,
    team_id         uuid NOT NULL,
    role            text NOT NULL CHECK (role IN ('LEAD', 'MEMBER')),
    -- As in invitation_projects.
    added_by_kind   text CHECK (added_by_kind IN ('USER', 'API_KEY', 'OPERATOR', 'SYSTEM')),
    added_by_id     uuid,
    PRIMARY KEY (organization_id, invitation_id, team_id),
    FOREIGN KEY (organization_id, invitation_id) REFERENCES invitations (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, team_id) REFERENCES teams (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX invitation_teams_by_team ON invitation_teams (organization_id, team_id);
CREATE INDEX invitation_teams_by_adder ON invitation_teams (organization_id, added_by_id) WHERE added_by_id IS NOT NULL;

-- One row per link that was asked to be mailed: queue, history and delivery state at once. The text is
-- rendered when it is sent, the link derived from the key, so that nothing usable is stored here either.
CREATE TABLE mails (
    organization_id uuid NOT NULL,
    invitation_id   uuid NOT NULL,
    token_version   integer NOT NULL,
    status          text NOT NULL CHECK (status IN ('QUEUED', 'SENT', 'FAILED')),
    attempts        integer NOT NULL DEFAULT 0,
    -- Last answer of the mail server that was no success.
    error           text,
    due_at          timestamptz NOT NULL,
    -- Who is sending it just now; a slow worker that lost its lease cannot write any more.
    lease_id        uuid,
    leased_until    timestamptz,
    created_at      timestamptz NOT NULL,
    sent_at         timestamptz,
    PRIMARY KEY (organization_id, invitation_id, token_version),
    FOREIGN KEY (organization_id, invitation_id) REFERENCES invitations (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX mails_due ON mails (due_at) WHERE status = 'QUEUED';
