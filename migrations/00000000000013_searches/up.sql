-- What is new in these indexes waits in a list that every search reads through, and goes where it belongs when the list
-- is full: at 4 MiB, which made a search of half a millisecond take seven. 64 KiB is the least PostgreSQL allows.
ALTER INDEX organizations_search SET (gin_pending_list_limit = 64);
ALTER INDEX organization_members_search SET (gin_pending_list_limit = 64);
ALTER INDEX projects_search SET (gin_pending_list_limit = 64);
ALTER INDEX project_members_search SET (gin_pending_list_limit = 64);
ALTER INDEX teams_search SET (gin_pending_list_limit = 64);
ALTER INDEX team_members_search SET (gin_pending_list_limit = 64);
ALTER INDEX invitations_search SET (gin_pending_list_limit = 64);
