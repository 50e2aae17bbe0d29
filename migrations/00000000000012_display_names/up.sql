-- The names that lists of members show, kept beside the copies that they are sorted and searched by: a list is read
-- without looking up each person. Of an invitee it is the address.
ALTER TABLE organization_members ADD COLUMN display_name text;
UPDATE organization_members SET display_name = users.display_name FROM users WHERE users.id = user_id;
ALTER TABLE organization_members ALTER COLUMN display_name SET NOT NULL;

ALTER TABLE project_members ADD COLUMN display_name text;
UPDATE project_members SET display_name = users.display_name FROM users WHERE users.id = user_id;
ALTER TABLE project_members ALTER COLUMN display_name SET NOT NULL;

ALTER TABLE team_members ADD COLUMN display_name text;
UPDATE team_members SET display_name = email;
UPDATE team_members SET display_name = users.display_name FROM users WHERE users.id = user_id;
ALTER TABLE team_members ALTER COLUMN display_name SET NOT NULL;
