ALTER INDEX organizations_search RESET (gin_pending_list_limit);
ALTER INDEX organization_members_search RESET (gin_pending_list_limit);
ALTER INDEX projects_search RESET (gin_pending_list_limit);
ALTER INDEX project_members_search RESET (gin_pending_list_limit);
ALTER INDEX teams_search RESET (gin_pending_list_limit);
ALTER INDEX team_members_search RESET (gin_pending_list_limit);
ALTER INDEX invitations_search RESET (gin_pending_list_limit);
