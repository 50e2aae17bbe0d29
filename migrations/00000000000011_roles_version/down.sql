ALTER TABLE organizations DROP COLUMN roles_version;
