//! Deleting an organization.

use serde_json::{Value, json};

use crate::{
    concurrency::{CROWD, acme, at_once},
    support::{ACCEPT, Actor, Roster, codes, id},
};

const DELETE: &str = "mutation($input: OrganizationDeleteInput!) { organizationDelete(input: $input) {
  deletedOrganizationId userErrors { code path ... on VersionUserError { currentVersion } ... on PermissionUserError { requiredPermission } } } }";

fn input(organization: &str) -> Value {
    json!({ "input": { "organization": { "id": organization } } })
}

async fn refused(actor: &Actor, organization: &str) -> Vec<String> {
    actor.refused(DELETE, input(organization)).await
}

/// Fills every table of an organization: people in custom roles, in projects and teams, invited to all of it.
async fn fill(roster: &Roster, alice: &Actor, acme: &str) {
    let apollo = roster.project(alice, acme, "Apollo").await;
    for (name, role) in [("ada", "admin"), ("bob", "member"), ("victor", "viewer")] {
        roster.member(alice, acme, name, role).await;
        roster.project_member(alice, &apollo, name, role).await;
    }
    let gemini = roster.project(&roster.person("bob"), acme, "Gemini").await;
    roster.invite(alice, acme, "carol@example.com", "admin").await;
    let project = "mutation($project: ID!, $emails: [String!]!) { projectInvite(input: {project: {id: $project}, emails: $emails}) { userErrors { code } } }";
    for project_id in [&apollo, &gemini] {
        let emails = json!({ "project": project_id, "emails": ["carol@example.com", "dave@example.com"] });
        assert_eq!(alice.refusals(project, emails).await, Vec::<String>::new());
    }
    let (erin, _) = roster.invite(alice, acme, "erin@example.com", "viewer").await;
    let revoke = "mutation($id: ID!) { invitationRevoke(input: {invitationId: $id}) { userErrors { code } } }";
    assert_eq!(alice.refusals(revoke, json!({ "id": erin })).await, Vec::<String>::new());
    roster.key(acme, None, &["members.read"]).await;
    roster.key(acme, Some(&apollo), &["project.read"]).await;
    roster
        .sql(
            "INSERT INTO organization_slugs SELECT 'acme-before', id FROM organizations WHERE slug = 'acme'; \
             INSERT INTO roles (organization_id, id, scope, key, permissions, name, sort_name, rank, created_at, updated_at) \
             SELECT o.id, gen_random_uuid(), s, 'auditor', '{}', 'Auditor', 'auditor', 5, now(), now() FROM organizations o, unnest(ARRAY['ORGANIZATION', 'PROJECT']) s WHERE o.slug = 'acme'; \
             UPDATE organization_members m SET role_id = r.id, role_rank = 5 FROM roles r WHERE r.organization_id = m.organization_id AND r.key = 'auditor' AND r.scope = 'ORGANIZATION' AND m.role_rank = 3; \
             UPDATE project_members m SET role_id = r.id, role_rank = 5 FROM roles r WHERE r.organization_id = m.organization_id AND r.key = 'auditor' AND r.scope = 'PROJECT' AND m.role_rank = 3; \
             INSERT INTO teams (organization_id, id, slug, name, sort_name, search_text, color, created_at, updated_at) SELECT id, gen_random_uuid(), 'crew', 'Crew', 'crew', 'crew', '#112233', now(), now() FROM organizations WHERE slug = 'acme'; \
             INSERT INTO team_members (organization_id, id, team_id, user_id, role, role_rank, sort_name, email, search_text, display_name, added_at) \
             SELECT m.organization_id, gen_random_uuid(), t.id, m.user_id, 'MEMBER', 1, m.sort_name, m.email, m.search_text, m.display_name, now() FROM organization_members m JOIN teams t USING (organization_id); \
             INSERT INTO team_members (organization_id, id, team_id, invitation_id, expires_at, role, role_rank, sort_name, email, search_text, display_name, added_at) \
             SELECT i.organization_id, gen_random_uuid(), t.id, i.id, i.expires_at, 'MEMBER', 1, i.email, i.email, i.email, i.email, now() FROM invitations i JOIN teams t USING (organization_id) WHERE i.status = 'PENDING'; \
             INSERT INTO invitation_teams SELECT i.organization_id, i.id, t.id, 'LEAD' FROM invitations i JOIN teams t USING (organization_id)",
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_in_it_goes_and_what_happened_stays() {
    let roster = Roster::start().await;
    let (alice, mallory) = (roster.person("alice"), roster.person("mallory"));
    let other = roster.organization(&mallory, "Other").await;
    roster.project(&mallory, &other, "Apollo").await;
    let without = roster.content().await;
    let acme = roster.organization(&alice, "Acme").await;
    fill(&roster, &alice, &acme).await;
    let full = roster.content().await;
    for (table, rows) in &full {
        let is_empty = ["events", "feed", "idempotency_keys"].contains(&table.as_str());
        assert!(is_empty || *rows != without[table], "{table} has nothing of Acme");
    }
    let happened = roster.texts("SELECT version FROM events").await.len();

    let deleted = alice.payload(DELETE, input(&acme)).await;
    assert_eq!(deleted, json!({ "deletedOrganizationId": acme, "userErrors": [] }));
    let after = roster.content().await;
    for (table, rows) in without.iter().filter(|(table, _)| *table != "events") {
        assert_eq!(after[table], *rows, "{table}");
    }
    assert_eq!(roster.texts("SELECT version FROM events").await.len(), happened + 1);
    let last = roster.texts("SELECT jsonb_build_array(type, actor_kind, data->'slug', data->'members') FROM events WHERE organization_id NOT IN (SELECT id FROM organizations) ORDER BY version DESC LIMIT 1").await;
    assert_eq!(last, ["[\"organization.deleted\", \"USER\", \"acme\", 4]"]);

    assert_eq!(refused(&alice, &acme).await, ["NOT_FOUND"]);
    let gone = alice.data("query($id: ID!) { node(id: $id) { id } organizations { totalCount } viewer { memberships { totalCount } } }", json!({ "id": acme })).await;
    assert_eq!(
        gone,
        json!({ "node": null, "organizations": { "totalCount": 0 }, "viewer": { "memberships": { "totalCount": 0 } } })
    );
    // All its slugs are free.
    for slug in ["acme", "acme-before"] {
        let create = "mutation($slug: String!) { organizationCreate(input: {name: \"New\", slug: $slug}) { organization { slug } userErrors { code } } }";
        let created = mallory.data(create, json!({ "slug": slug })).await;
        assert_eq!(created["organizationCreate"]["organization"]["slug"], slug);
    }
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_keys_of_it_work_no_more() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (_, token) = roster.invite(&alice, &acme, "bob@example.com", "member").await;
    // No backend ends its organization, though it was given that before none could hold it.
    let key = roster.key(&acme, None, &["organization.delete", "members.read"]).await;
    assert_eq!(refused(&key, &acme).await, ["FORBIDDEN"]);
    assert_eq!(alice.payload(DELETE, input(&acme)).await["deletedOrganizationId"], acme);
    assert_eq!(key.post("{ viewer { apiKey { id } } }", json!({})).await.status, 401);
    assert_eq!(roster.person("bob").refusals(ACCEPT, json!({ "token": token })).await, ["NOT_FOUND"]);
    let preview = roster
        .anonymous()
        .data("query($token: String!) { invitationPreview(token: $token) { status } }", json!({ "token": token }))
        .await;
    assert_eq!(preview["invitationPreview"], Value::Null);
    assert_eq!(roster.events().await.last().unwrap(), "organization.deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_deletes_and_others_do_not() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    for (name, role) in [("ada", "admin"), ("mel", "member"), ("victor", "viewer"), ("gus", "guest")] {
        let (actor, _) = roster.member(&alice, &acme, name, role).await;
        let payload = actor.payload(DELETE, input(&acme)).await;
        let forbidden = json!([{ "code": "FORBIDDEN", "path": null, "requiredPermission": "organization.delete" }]);
        assert_eq!(payload["userErrors"], forbidden, "{name}");
    }
    let all: Vec<&str> = roster::access::Permission::ALL.iter().map(|permission| permission.key()).collect();
    let key = roster.key(&acme, None, &all).await;
    assert_eq!(refused(&key, &acme).await, ["FORBIDDEN"]);
    let oscar = roster.person("oscar");
    assert_eq!(refused(&oscar, &acme).await, ["NOT_FOUND"]);
    roster.sql("UPDATE organizations SET visibility = 'PUBLIC'").await;
    assert_eq!(refused(&oscar, &acme).await, ["FORBIDDEN"]);
    assert_eq!(roster.anonymous().error_codes(DELETE, input(&acme)).await, ["UNAUTHENTICATED"]);
    assert_eq!(refused(&alice, &acme.replace("org_", "prj_")).await, ["NOT_FOUND"]);

    let stale = json!({ "input": { "organization": { "id": acme }, "expectedVersion": 2 } });
    let payload = alice.payload(DELETE, stale).await;
    assert_eq!(
        payload["userErrors"],
        json!([{ "code": "STALE_VERSION", "path": ["input", "expectedVersion"], "currentVersion": 1 }])
    );
    assert_eq!(roster.operator().payload(DELETE, input(&acme)).await["deletedOrganizationId"], acme);
    let again = roster.organization(&alice, "Acme").await;
    let current = json!({ "input": { "organization": { "slug": "acme" }, "expectedVersion": 1 } });
    assert_eq!(alice.payload(DELETE, current).await["deletedOrganizationId"], again);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_by_16_and_changed_by_16_at_once_it_ends_once() {
    const PROJECT: &str = "mutation($organization: ID!, $name: String!) { payload: projectCreate(input: {organization: {id: $organization}, name: $name}) { userErrors { code } } }";
    const REMOVE: &str = "mutation($input: OrganizationDeleteInput!) { payload: organizationDelete(input: $input) { userErrors { code } } }";
    let _alone = CROWD.lock().await;
    let (roster, alice, organization) = acme().await;
    fill(&roster, &alice, &organization).await;
    let posts = (0..32).map(|number| match number % 2 {
        0 => (alice.clone(), REMOVE, input(&organization)),
        _ => (alice.clone(), PROJECT, json!({ "organization": organization, "name": format!("Plan {number}") })),
    });
    let answers = at_once(posts).await;
    let (deletes, projects): (Vec<_>, Vec<_>) = answers.iter().enumerate().partition(|(number, _)| number % 2 == 0);
    let done = deletes.iter().filter(|(_, answer)| codes(&answer["payload"]["userErrors"]).is_empty()).count();
    assert_eq!(done, 1);
    let ended = |answer: &Value| matches!(&codes(&answer["payload"]["userErrors"])[..], [] | [_]);
    assert!(projects.iter().all(|(_, answer)| ended(answer)));
    for table in
        ["organizations", "organization_slugs", "roles", "organization_members", "projects", "invitations", "mails"]
    {
        assert_eq!(roster.texts(&format!("SELECT count(*) FROM {table}")).await, ["0"], "{table}");
    }
    assert_eq!(roster.texts("SELECT count(*) FROM events WHERE type = 'organization.deleted'").await, ["1"]);
    assert_eq!(roster.texts("SELECT type FROM events ORDER BY version DESC LIMIT 1").await, ["organization.deleted"]);
    assert!(
        id(&roster.person("alice").data("{ viewer { user { id } } }", json!({})).await["viewer"]["user"])
            .starts_with("usr_")
    );
}
