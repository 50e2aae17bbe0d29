DROP TABLE organization_members;
DROP TABLE roles;
DROP TABLE organization_slugs;
DROP TABLE organizations;
