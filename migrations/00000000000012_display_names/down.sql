ALTER TABLE team_members DROP COLUMN display_name;
ALTER TABLE project_members DROP COLUMN display_name;
ALTER TABLE organization_members DROP COLUMN display_name;
