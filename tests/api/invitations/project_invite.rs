use serde_json::{Value, json};

use super::{
    ACCEPT, INVITE, PROJECT_INVITE, acme, by_token, count, custom_role, done, invite_to_project, outcomes, refused,
    refused_codes, statuses, with,
};
use crate::support::{Actor, Roster, id, token};

/// Acme with the project Apollo.
async fn apollo() -> (Roster, Actor, String, String) {
    let (roster, alice, organization) = acme().await;
    let project = roster.project(&alice, &organization, "Apollo").await;
    (roster, alice, organization, project)
}

fn to(project: &str, emails: &[&str]) -> Value {
    json!({ "project": { "id": project }, "emails": emails })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_member_joins_the_project_at_once() {
    let (roster, alice, organization, project) = apollo().await;
    roster.member(&alice, &organization, "bob", "viewer").await;
    let mails = count(&roster, "mails").await;
    let invited =
        done(&alice, PROJECT_INVITE, with(to(&project, &["BOB@example.com"]), json!({ "role": { "key": "admin" } })))
            .await;
    assert_eq!(outcomes(&invited), ["SUCCEEDED"]);
    let result = &invited["results"][0];
    assert_eq!(
        [
            &result["projectMember"]["role"]["key"],
            &result["projectMember"]["user"]["email"],
            &result["invitation"],
            &result["acceptUrl"]
        ],
        [&json!("admin"), &json!("bob@example.com"), &Value::Null, &Value::Null]
    );
    assert_eq!(count(&roster, "mails").await, mails);
    assert_eq!(roster.events().await.pop().unwrap(), "project_member.added");

    let before = roster.content().await;
    let again = done(&alice, PROJECT_INVITE, to(&project, &["bob@example.com", "alice@example.com"])).await;
    assert_eq!(outcomes(&again), ["SKIPPED ALREADY_MEMBER", "SKIPPED ALREADY_MEMBER"]);
    assert_eq!(roster.content().await, before);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_merged_into_the_pending_invitation() {
    let (roster, alice, organization, project) = apollo().await;
    let (pending, bobs_token) = roster.invite(&alice, &organization, "bob@example.com", "viewer").await;
    let mails = count(&roster, "mails").await;
    let invited =
        done(&alice, PROJECT_INVITE, with(to(&project, &["bob@example.com"]), json!({ "role": { "key": "admin" } })))
            .await;
    assert_eq!(outcomes(&invited), ["SUCCEEDED"]);
    let result = &invited["results"][0];
    assert_eq!(id(&result["invitation"]), pending);
    assert_eq!(result["invitation"]["role"]["key"], "viewer", "the organization role stays");
    assert_eq!(
        result["invitation"]["projects"],
        json!([{ "project": { "slug": "apollo" }, "role": { "key": "admin" } }])
    );
    assert_eq!((count(&roster, "mails").await, count(&roster, "invitations").await), (mails, "1".to_owned()));
    assert_eq!(roster.events().await.pop().unwrap(), "invitation.updated");

    let before = roster.content().await;
    let again = done(&alice, PROJECT_INVITE, to(&project, &["Bob@example.com"])).await;
    assert_eq!(outcomes(&again), ["SKIPPED ALREADY_INVITED"]);
    assert_eq!(id(&again["results"][0]["invitation"]), pending);
    assert_eq!(roster.content().await, before, "already granted");

    let accepted = done(&roster.person("bob"), ACCEPT, by_token(&bobs_token)).await;
    assert_eq!(accepted["projectMembers"][0]["role"]["key"], "admin");
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_project_adds_stands_and_falls_with_who_added_it() {
    let (roster, alice, organization, apollo) = apollo().await;
    let gemini = roster.project(&alice, &organization, "Gemini").await;
    let (bob, _) = roster.member(&alice, &organization, "bob", "member").await;
    let (carol, carols) = roster.member(&alice, &organization, "carol", "member").await;
    roster.project_member(&alice, &apollo, "bob", "admin").await;
    roster.project_member(&alice, &gemini, "carol", "admin").await;
    let (dave, daves_token) = invite_to_project(&bob, &apollo, "dave@example.com").await;
    let (_, erins_token) = invite_to_project(&bob, &apollo, "erin@example.com").await;
    let merged = done(&carol, PROJECT_INVITE, to(&gemini, &["dave@example.com", "erin@example.com"])).await;
    assert_eq!(outcomes(&merged), ["SUCCEEDED", "SUCCEEDED"]);
    assert_eq!(id(&merged["results"][0]["invitation"]), dave);

    // Bob could not grant Gemini, but Carol did.
    let accepted = done(&roster.person("dave"), ACCEPT, by_token(&daves_token)).await;
    let projects: Vec<_> =
        accepted["projectMembers"].as_array().unwrap().iter().map(|member| &member["project"]["slug"]).collect();
    assert_eq!(projects, ["apollo", "gemini"]);

    // With Carol goes what she added, and nothing of Bob's.
    done(&alice, super::REMOVE, json!({ "member": { "id": carols } })).await;
    assert_eq!(statuses(&roster, "erin@example.com").await, ["PENDING"]);
    let accepted = done(&roster.person("erin"), ACCEPT, by_token(&erins_token)).await;
    assert_eq!(accepted["projectMembers"].as_array().unwrap().len(), 1);
    assert_eq!(accepted["projectMembers"][0]["project"]["slug"], "apollo");
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_gets_one_invitation_to_both() {
    let (roster, alice, _, project) = apollo().await;
    let invited = done(&alice, PROJECT_INVITE, to(&project, &["bob@example.com", "Bob@example.com", "nobody"])).await;
    assert_eq!(outcomes(&invited), ["SUCCEEDED", "SKIPPED DUPLICATE", "FAILED INVALID"]);
    let invitation = &invited["results"][0]["invitation"];
    assert_eq!((&invitation["scope"], &invitation["role"]["key"]), (&json!("PROJECT"), &json!("member")));
    assert_eq!(invitation["projects"], json!([{ "project": { "slug": "apollo" }, "role": { "key": "member" } }]));
    assert_eq!((count(&roster, "invitations").await, count(&roster, "mails").await), ("1".to_owned(), "1".to_owned()));
    let accepted = done(&roster.person("bob"), ACCEPT, by_token(&token(&invited["results"][0]["acceptUrl"]))).await;
    assert_eq!(accepted["organizationMember"]["role"]["key"], "member");
    assert_eq!(accepted["projectMembers"][0]["project"]["slug"], "apollo");
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_and_an_aborted_call_change_nothing() {
    let (roster, alice, organization, project) = apollo().await;
    roster.member(&alice, &organization, "member", "member").await;
    roster.invite(&alice, &organization, "invited@example.com", "viewer").await;
    let input = to(&project, &["member@example.com", "invited@example.com", "new@example.com", "alice@example.com"]);
    let before = roster.content().await;
    let dry = done(&alice, PROJECT_INVITE, with(input.clone(), json!({ "dryRun": true }))).await;
    let aborted = with(
        input.clone(),
        json!({ "mode": "ATOMIC", "emails": ["member@example.com", "nobody", "invited@example.com"] }),
    );
    let aborted = done(&alice, PROJECT_INVITE, aborted).await;
    assert_eq!(outcomes(&aborted), ["FAILED ABORTED", "FAILED INVALID", "FAILED ABORTED"]);
    assert_eq!(roster.content().await, before);
    let wet = done(&alice, PROJECT_INVITE, input).await;
    assert_eq!(outcomes(&wet), ["SUCCEEDED", "SUCCEEDED", "SUCCEEDED", "SKIPPED ALREADY_MEMBER"]);
    assert_eq!((outcomes(&dry), &dry["summary"]), (outcomes(&wet), &wet["summary"]));
    assert!(
        dry["results"]
            .as_array()
            .unwrap()
            .iter()
            .all(|result| result["acceptUrl"].is_null() && result["projectMember"].is_null())
    );
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_admin_invites_outsiders_with_a_role_no_stronger_than_their_own() {
    let (roster, alice, organization, project) = apollo().await;
    let (bob, _) = roster.member(&alice, &organization, "bob", "viewer").await;
    roster.project_member(&alice, &project, "bob", "admin").await;
    custom_role(&roster, "ORGANIZATION", "maker", &["projects.create"]).await;
    let input = to(&project, &["new@example.com"]);
    for (role, code) in [
        ("member", "ROLE_NOT_ASSIGNABLE"),
        ("admin", "ROLE_NOT_ASSIGNABLE"),
        ("owner", "ROLE_NOT_ASSIGNABLE"),
        ("maker", "ROLE_NOT_ASSIGNABLE"),
        ("emperor", "NOT_FOUND"),
    ] {
        let errors =
            refused(&bob, PROJECT_INVITE, with(input.clone(), json!({ "organizationRole": { "key": role } }))).await;
        assert_eq!(errors, json!([{ "code": code, "path": ["input", "organizationRole"] }]));
    }
    let errors = refused(&bob, PROJECT_INVITE, with(input.clone(), json!({ "role": { "key": "owner" } }))).await;
    assert_eq!(errors, json!([{ "code": "ROLE_NOT_ASSIGNABLE", "path": ["input", "role"] }]));
    assert_eq!(refused_codes(&bob, INVITE, super::to(&organization, &["new@example.com"])).await, ["FORBIDDEN"]);

    let (_, carols_token) = invite_to_project(&bob, &project, "carol@example.com").await;
    let strong =
        json!({ "emails": ["dave@example.com"], "organizationRole": { "key": "viewer" }, "role": { "key": "admin" } });
    assert_eq!(outcomes(&done(&bob, PROJECT_INVITE, with(input.clone(), strong)).await), ["SUCCEEDED"]);
    // Who may not give Member brings people in as guests: they know of the project, and of nothing else.
    let carol = roster.person("carol");
    let accepted = done(&carol, ACCEPT, by_token(&carols_token)).await;
    assert_eq!(accepted["organizationMember"]["role"]["key"], "guest");
    let inside =
        "{ organization(by: {slug: \"acme\"}) { viewerPermissions projects { nodes { slug viewerPermissions } } } }";
    let inside = carol.data(inside, json!({})).await["organization"].clone();
    let sees = json!([{ "slug": "apollo", "viewerPermissions": ["project.read", "project.members.read"] }]);
    assert_eq!(inside, json!({ "viewerPermissions": [], "projects": { "nodes": sees } }));
    // Guests do so too, and give no more than that.
    let as_admin = json!({ "emails": ["gina@example.com"], "role": { "key": "admin" } });
    let invited = done(&bob, PROJECT_INVITE, with(input.clone(), as_admin)).await;
    let gina = roster.person("gina");
    done(&gina, ACCEPT, by_token(&token(&invited["results"][0]["acceptUrl"]))).await;
    for role in ["viewer", "member"] {
        let refused =
            refused_codes(&gina, PROJECT_INVITE, with(input.clone(), json!({ "organizationRole": { "key": role } })))
                .await;
        assert_eq!(refused, ["ROLE_NOT_ASSIGNABLE"], "{role}");
    }
    for (email, role) in [("gus@example.com", None), ("gil@example.com", Some(json!({ "key": "guest" })))] {
        let invited =
            done(&gina, PROJECT_INVITE, with(input.clone(), json!({ "emails": [email], "organizationRole": role })))
                .await;
        assert_eq!(outcomes(&invited), ["SUCCEEDED"]);
        let role = "SELECT r.key FROM invitations i JOIN roles r ON r.organization_id = i.organization_id AND r.id = i.role_id WHERE email = ";
        assert_eq!(roster.texts(&format!("{role}'{email}'")).await, ["guest"]);
    }
    // Who has the right to give it may give more than a plain role.
    let strong = json!({ "emails": ["erin@example.com"], "organizationRole": { "key": "admin" } });
    let invited = done(&alice, PROJECT_INVITE, with(input, strong)).await;
    assert_eq!(invited["results"][0]["invitation"]["role"]["key"], "admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_and_sizes_are_held_to_as_in_the_organization() {
    let (roster, alice, _, project) = apollo().await;
    custom_role(&roster, "ORGANIZATION", "maker", &["projects.create"]).await;
    custom_role(&roster, "PROJECT", "editor", &["project.read"]).await;
    let input = to(&project, &["new@example.com"]);
    for (field, role, code) in [
        ("role", "maker", "ROLE_SCOPE_MISMATCH"),
        ("role", "emperor", "NOT_FOUND"),
        ("organizationRole", "editor", "ROLE_SCOPE_MISMATCH"),
    ] {
        let errors = refused(&alice, PROJECT_INVITE, with(input.clone(), json!({ field: { "key": role } }))).await;
        assert_eq!(errors, json!([{ "code": code, "path": ["input", field] }]));
    }
    let wrong = json!({ "emails": [], "expiresInDays": 0, "message": "x".repeat(1001) });
    assert_eq!(
        refused_codes(&alice, PROJECT_INVITE, with(input.clone(), wrong)).await,
        ["INVALID", "INVALID", "TOO_LONG"]
    );
    roster.sql("UPDATE organizations SET seat_limit = 2").await;
    assert_eq!(
        refused(&alice, PROJECT_INVITE, with(input.clone(), json!({ "emails": ["a@example.com", "b@example.com"] })))
            .await,
        json!([{ "code": "LIMIT_REACHED", "path": null, "limit": 2, "actual": 3 }])
    );
    let invited = done(&alice, PROJECT_INVITE, with(input, json!({ "role": { "key": "editor" } }))).await;
    assert_eq!(invited["results"][0]["invitation"]["projects"][0]["role"]["key"], "editor");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_in_a_project_does_not_find_it_and_its_members_are_forbidden() {
    let (roster, alice, organization, project) = apollo().await;
    let (stranger, _) = roster.member(&alice, &organization, "stranger", "member").await;
    let (member, _) = roster.member(&alice, &organization, "member", "member").await;
    let (viewer, _) = roster.member(&alice, &organization, "viewer", "viewer").await;
    roster.project_member(&alice, &project, "member", "member").await;
    roster.project_member(&alice, &project, "viewer", "viewer").await;
    let gemini = roster.project(&alice, &organization, "Gemini").await;
    let other_key = roster.key(&organization, Some(&gemini), &["project.read", "project.invitations.manage"]).await;
    let input = to(&project, &["new@example.com"]);
    for actor in [&roster.person("outsider"), &stranger, &other_key] {
        assert_eq!(refused(actor, PROJECT_INVITE, input.clone()).await, json!([{ "code": "NOT_FOUND", "path": null }]));
    }
    for actor in [&member, &viewer] {
        assert_eq!(
            refused(actor, PROJECT_INVITE, input.clone()).await,
            json!([{ "code": "FORBIDDEN", "path": null, "requiredPermission": "project.invitations.manage" }])
        );
    }
    let before = roster.content().await;
    assert_eq!(roster.anonymous().error_codes(PROJECT_INVITE, json!({ "input": input })).await, ["UNAUTHENTICATED"]);
    assert_eq!(roster.content().await, before);
    let all = [
        "project.read",
        "project.members.read",
        "project.members.manage",
        "project.update",
        "project.invitations.manage",
    ];
    let key = roster.key(&organization, Some(&project), &all).await;
    let invited = done(&key, PROJECT_INVITE, with(input.clone(), json!({ "role": { "key": "viewer" } }))).await;
    assert_eq!(outcomes(&invited), ["SUCCEEDED"]);
    // A key that is limited to a project gives nothing of the organization.
    let role = "SELECT r.key FROM invitations i JOIN roles r ON r.organization_id = i.organization_id AND r.id = i.role_id WHERE i.status = 'PENDING'";
    assert_eq!(roster.texts(role).await, ["guest"]);
    let wider = with(input, json!({ "emails": ["newer@example.com"], "organizationRole": { "key": "viewer" } }));
    assert_eq!(refused_codes(&key, PROJECT_INVITE, wider).await, ["ROLE_NOT_ASSIGNABLE"]);
}
