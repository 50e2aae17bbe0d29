DROP TABLE mails;
DROP TABLE invitation_teams;
DROP TABLE invitation_projects;
DROP TABLE invitations;
