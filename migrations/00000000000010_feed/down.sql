DROP TABLE feed;
ALTER TABLE events DROP COLUMN position;
