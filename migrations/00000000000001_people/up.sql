-- People, the one table that belongs to no organization. A row is made or refreshed from verified
-- sign-in claims; (issuer, subject) is who somebody is, the e-mail is only what they can be reached by.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE users (
    id             uuid PRIMARY KEY,
    issuer         text NOT NULL,
    subject        text NOT NULL,
    email          text NOT NULL,
    email_verified boolean NOT NULL,
    -- What to call them: the full name, or the e-mail while there is none.
    display_name   text NOT NULL,
    first_name     text,
    last_name      text,
    avatar_url     text,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    UNIQUE (issuer, subject)
);

-- An address belongs to one person at a time: whoever the identity provider verified it for last.
CREATE UNIQUE INDEX users_verified_email ON users (email) WHERE email_verified;
