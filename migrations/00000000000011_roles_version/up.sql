-- Grows with each change of the roles of an organization, so that a server can keep the roles that it has read.
ALTER TABLE organizations ADD COLUMN roles_version integer NOT NULL DEFAULT 1;
