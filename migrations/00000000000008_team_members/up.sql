-- Members of teams. A person's membership rests on that of the organization; an invitee's on the pending
-- invitation, which turns into a person's when it is accepted. One table, so that one list shows both.

CREATE TABLE team_members (
    organization_id uuid NOT NULL,
    id              uuid NOT NULL,
    team_id         uuid NOT NULL,
    -- The person, or else the pending invitation.
    user_id         uuid,
    invitation_id   uuid,
    -- When the invitation lapses.
    expires_at      timestamptz,
    role            text NOT NULL CHECK (role IN ('LEAD', 'MEMBER')),
    -- Leads first.
    role_rank       smallint NOT NULL,
    -- Copies, as in organization_members; of an invitee the address is all there is.
    sort_name       text COLLATE "C" NOT NULL,
    email           text COLLATE "C" NOT NULL,
    search_text     text NOT NULL,
    added_at        timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, team_id, user_id),
    UNIQUE (organization_id, team_id, invitation_id),
    CHECK ((user_id IS NULL) <> (invitation_id IS NULL)),
    CHECK ((invitation_id IS NULL) = (expires_at IS NULL)),
    FOREIGN KEY (organization_id, team_id) REFERENCES teams (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, user_id) REFERENCES organization_members (organization_id, user_id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, invitation_id) REFERENCES invitations (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX team_members_by_id ON team_members (id);
CREATE INDEX team_members_by_user ON team_members (organization_id, user_id, added_at, id);
CREATE INDEX team_members_by_invitation ON team_members (organization_id, invitation_id) WHERE invitation_id IS NOT NULL;
CREATE INDEX team_members_by_name ON team_members (organization_id, team_id, sort_name, id);
CREATE INDEX team_members_by_email ON team_members (organization_id, team_id, email, id);
CREATE INDEX team_members_by_adding ON team_members (organization_id, team_id, added_at, id);
CREATE INDEX team_members_by_rank ON team_members (organization_id, team_id, role_rank, id);
CREATE INDEX team_members_search ON team_members USING gin (search_text gin_trgm_ops);
