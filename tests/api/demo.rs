//! `roster demo`: rows as the server itself would have written them, the same at every run.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use roster::{
    commands::{Failure, demo::load},
    domain::slug::Slug,
    store::{
        connect::ConnectionUrl,
        organization_members::OrganizationMember,
        organizations::Organization,
        project_members::ProjectMember,
        projects::Project,
        schema::{organization_members, organizations, project_members, projects, users},
        users::{Listed, User},
    },
};
use serde_json::json;

use crate::support::{Roster, database, empty_database, texts};

async fn loaded(url: &ConnectionUrl, organizations: u32, members: u32) -> String {
    load(url, organizations, members).await.unwrap_or_else(|failure| panic!("{}", words(failure)))
}

fn words(failure: Failure) -> String {
    match failure {
        Failure::Usage(words) => format!("usage: {words}"),
        Failure::Failed(words) => words,
    }
}

async fn refused(url: &ConnectionUrl, organizations: u32, members: u32) -> String {
    words(load(url, organizations, members).await.expect_err("a refusal"))
}

/// Each table with a hash of its rows, physical order aside.
async fn hashes(url: &ConnectionUrl) -> Vec<String> {
    let tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> '__diesel_schema_migrations' ORDER BY 1";
    let mut hashes = Vec::new();
    for table in texts(url, tables).await {
        let hash = format!(
            "SELECT count(*) || ' ' || md5(COALESCE(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\"), '')) FROM {table} t"
        );
        hashes.push(format!("{table} {}", texts(url, &hash).await.concat()));
    }
    hashes
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_are_as_asked_for_and_counters_exact() {
    let roster = Roster::start().await;
    assert_eq!(
        loaded(&roster.url, 5, 300).await,
        "Loaded 5 organizations, 610 people, 685 memberships, 5 projects and 342 invitations.\n\
         The largest organization is galena-cloud with 300 members; hadiza.weber@example.org owns it."
    );
    let members = roster.texts("SELECT member_count FROM organizations ORDER BY member_count DESC").await;
    assert_eq!(members, ["300", "150", "100", "75", "60"]);
    roster.assert_counters().await;

    let shared = roster.texts("SELECT count(*) > 100 FROM (SELECT FROM organization_members GROUP BY user_id HAVING count(*) > 1) AS several").await;
    assert_eq!(shared, ["true"], "people belong to several organizations");
    let states = roster.texts("SELECT DISTINCT status FROM invitations ORDER BY 1").await;
    assert_eq!(states, ["ACCEPTED", "DECLINED", "EXPIRED", "PENDING", "REVOKED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_are_what_the_server_would_write() {
    let url = database().await;
    loaded(&url, 5, 300).await;
    let conn = &mut url.connect().await.unwrap();

    let people: Vec<User> = users::table.select(User::as_select()).load(conn).await.unwrap();
    let people: HashMap<_, _> = people.into_iter().map(|user| (user.id, user)).collect();
    let of = |user: &User| (user.sort_name(), user.email.clone(), user.search_text(), user.display_name.clone());
    let members: Vec<OrganizationMember> =
        organization_members::table.select(OrganizationMember::as_select()).load(conn).await.unwrap();
    assert_eq!(members.len(), 685);
    for row in members {
        assert_eq!((row.sort_name, row.email, row.search_text, row.display_name), of(&people[&row.user_id]));
    }
    let members: Vec<ProjectMember> =
        project_members::table.select(ProjectMember::as_select()).load(conn).await.unwrap();
    assert!(members.len() > 50);
    for row in members {
        assert_eq!((row.sort_name, row.email, row.search_text, row.display_name), of(&people[&row.user_id]));
    }
    let rows: Vec<Organization> = organizations::table.select(Organization::as_select()).load(conn).await.unwrap();
    for row in rows {
        assert_eq!(row.search_text, Organization::searched_by(&row.name, &Slug::parse(&row.slug).unwrap()));
    }
    let rows: Vec<Project> = projects::table.select(Project::as_select()).load(conn).await.unwrap();
    for row in rows {
        assert_eq!(row.search_text, Project::searched_by(&row.name, &Slug::parse(&row.slug).unwrap()));
    }

    for (table, scope) in [("organization_members", "ORGANIZATION"), ("project_members", "PROJECT")] {
        let wrong = format!(
            "SELECT m.id FROM {table} m JOIN roles r ON r.organization_id = m.organization_id AND r.id = m.role_id \
             WHERE m.role_rank <> r.rank OR m.is_owner <> (r.built_in = 'OWNER') OR r.scope <> '{scope}'"
        );
        assert_eq!(texts(&url, &wrong).await, [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_agree_with_the_members() {
    let url = database().await;
    loaded(&url, 5, 300).await;
    let nothing = [""; 0];
    let invited_members = "SELECT i.id FROM invitations i JOIN organization_members m USING (organization_id, email) WHERE i.status <> 'ACCEPTED'";
    assert_eq!(texts(&url, invited_members).await, nothing);

    let joined = "SELECT i.id FROM invitations i JOIN organization_members m ON m.organization_id = i.organization_id AND m.email = i.email \
         AND m.user_id = i.resolved_by_id AND m.joined_at = i.resolved_at AND m.role_id = i.role_id AND m.invited_by_id = i.invited_by_id \
         WHERE i.status = 'ACCEPTED'";
    let accepted = texts(&url, "SELECT id FROM invitations WHERE status = 'ACCEPTED'").await.len();
    assert_eq!(texts(&url, joined).await.len(), accepted);
    let invited = texts(&url, "SELECT id FROM organization_members WHERE invited_by_id IS NOT NULL").await.len();
    assert_eq!(invited, accepted);

    let inviters = "SELECT i.id FROM invitations i LEFT JOIN organization_members m ON m.organization_id = i.organization_id AND m.user_id = i.invited_by_id \
         AND m.role_rank <= 1 AND m.joined_at <= i.created_at WHERE m.id IS NULL";
    assert_eq!(texts(&url, inviters).await, nothing, "invited by somebody who could not");
    let times = "SELECT id FROM invitations WHERE resolved_at NOT BETWEEN created_at AND expires_at OR updated_at NOT BETWEEN created_at AND '2026-01-01'";
    assert_eq!(texts(&url, times).await, nothing);

    let first_grants = "SELECT i.id FROM invitations i LEFT JOIN invitation_projects g ON g.organization_id = i.organization_id AND g.invitation_id = i.id \
         AND g.project_id = i.project_id AND g.position = 0 WHERE i.project_id IS NOT NULL AND g.position IS NULL";
    assert_eq!(texts(&url, first_grants).await, nothing);
    assert_ne!(texts(&url, "SELECT id FROM invitations WHERE project_id IS NOT NULL").await, nothing);
    assert_eq!(texts(&url, "SELECT DISTINCT status FROM mails").await, ["SENT"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_can_sign_in_and_go_on() {
    let roster = Roster::start().await;
    let said = loaded(&roster.url, 3, 60).await;
    let (slug, owner) = (between(&said, "organization is ", " with"), between(&said, "members; ", " owns"));
    let owner = roster.person_at(owner);
    let by = json!({ "slug": slug });
    let data = owner.data("query($slug: String!) { organization(by: {slug: $slug}) { id viewerMembership { role { key } } members { totalCount } invitations { totalCount } } }", by).await;
    let organization = &data["organization"];
    assert_eq!(organization["viewerMembership"]["role"]["key"], "owner");
    assert_eq!(organization["members"]["totalCount"], 60);
    assert_eq!(organization["invitations"]["totalCount"], 12);

    roster.member(&owner, organization["id"].as_str().unwrap(), "newcomer", "member").await;
    roster.assert_counters().await;
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    text.split_once(before).and_then(|(_, rest)| rest.split_once(after)).unwrap_or_else(|| panic!("{text}")).0
}

#[tokio::test(flavor = "multi_thread")]
async fn two_databases_get_the_same_rows() {
    let (first, second, other) = (database().await, database().await, database().await);
    loaded(&first, 4, 250).await;
    loaded(&second, 4, 250).await;
    loaded(&other, 4, 251).await;
    assert_eq!(hashes(&first).await, hashes(&second).await);
    assert_ne!(hashes(&first).await, hashes(&other).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_smallest_set_is_one_person() {
    let roster = Roster::start().await;
    loaded(&roster.url, 3, 1).await;
    roster.assert_counters().await;
    assert_eq!(roster.texts("SELECT count(*) FROM organization_members WHERE is_owner").await, ["3"]);
}

const INDEXES_AND_REFERENCES: &str = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' UNION ALL \
     SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) || convalidated FROM pg_constraint \
     WHERE connamespace = 'public'::regnamespace ORDER BY 1";

#[tokio::test(flavor = "multi_thread")]
async fn indexes_and_references_are_there_again() {
    let url = database().await;
    let before = texts(&url, INDEXES_AND_REFERENCES).await;
    loaded(&url, 2, 20).await;
    assert_eq!(texts(&url, INDEXES_AND_REFERENCES).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_empty_migrated_database_is_loaded() {
    let unmigrated = empty_database().await;
    let refusal = refused(&unmigrated, 2, 20).await;
    assert_eq!(refusal, "The database is not at the newest version; run `roster migrate` first.");

    let url = database().await;
    assert!(refused(&url, 0, 20).await.starts_with("usage: --organizations is a number from 1 to "));
    assert!(refused(&url, 2, 20_000_000).await.starts_with("usage: --members is a number from "));
    assert_eq!(texts(&url, "SELECT id FROM users").await, [""; 0]);

    loaded(&url, 2, 20).await;
    let before = hashes(&url).await;
    let refusal = refused(&url, 2, 20).await;
    assert_eq!(refusal, "The database has organizations already; the data set needs one without.");
    assert_eq!(hashes(&url).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_fails_leaves_nothing() {
    let url = database().await;
    // The table that is filled last.
    let refuse_mails = "ALTER TABLE mails ADD CHECK (status <> 'SENT')";
    url.connect().await.unwrap().batch_execute(refuse_mails).await.unwrap();
    let (before, indexes) = (hashes(&url).await, texts(&url, INDEXES_AND_REFERENCES).await);
    assert!(refused(&url, 2, 20).await.starts_with("The data set could not be loaded, and nothing of it is there: "));
    assert_eq!(hashes(&url).await, before);
    assert_eq!(texts(&url, INDEXES_AND_REFERENCES).await, indexes);
}
