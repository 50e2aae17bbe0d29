use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    DECLINE, INVITE, PROJECT_INVITE, REMOVE, RESEND, REVOKE, UPDATE_ROLE, acme, by_token, count, custom_role, done,
    invite_to_project, outcomes, pending, refused, refused_codes, statuses, to, with,
};
use crate::support::{ACCEPT, Roster, codes, id};

#[tokio::test(flavor = "multi_thread")]
async fn a_new_address_gets_an_invitation_and_its_mail() {
    let (roster, alice, organization) = acme().await;
    let input = with(to(&organization, &["  Bob@Example.COM "]), json!({ "message": "  Welcome!\nAlice " }));
    let invited = done(&alice, INVITE, input).await;
    assert_eq!(invited["summary"], json!({ "total": 1, "succeeded": 1, "skipped": 0, "failed": 0 }));
    let result = &invited["results"][0];
    assert_eq!(result["email"], "bob@example.com");
    assert!(result["acceptUrl"].as_str().unwrap().starts_with("https://app.example.com/invitation#"));
    let invitation = &result["invitation"];
    assert_eq!(
        [&invitation["status"], &invitation["scope"], &invitation["message"], &invitation["role"]["key"]],
        [&json!("PENDING"), &json!("ORGANIZATION"), &json!("Welcome!\nAlice"), &json!("member")]
    );
    assert_eq!(invitation["expiresAt"], "2026-11-28T09:00:00.000Z");
    assert_eq!(invitation["delivery"]["status"], "QUEUED");
    assert_eq!(roster.texts("SELECT status || attempts FROM mails").await, ["QUEUED0"]);
    assert_eq!(roster.events().await.pop().unwrap(), "invitation.created");

    for (email, days, expiry) in [("c@example.com", 1, "2026-11-22"), ("d@example.com", 90, "2027-02-19")] {
        let invited = done(&alice, INVITE, with(to(&organization, &[email]), json!({ "expiresInDays": days }))).await;
        let at = &invited["results"][0]["invitation"]["expiresAt"];
        assert_eq!(at, &json!(format!("{expiry}T09:00:00.000Z")));
    }
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_with_a_pending_invitation_is_skipped() {
    let (roster, alice, organization) = acme().await;
    let (first, _) = roster.invite(&alice, &organization, "bob@example.com", "viewer").await;
    let before = roster.content().await;
    let again =
        done(&alice, INVITE, with(to(&organization, &["BOB@example.com"]), json!({ "role": { "key": "admin" } })))
            .await;
    assert_eq!(outcomes(&again), ["SKIPPED ALREADY_INVITED"]);
    let result = &again["results"][0];
    assert_eq!(result["userErrors"][0]["path"], json!(["input", "emails", "0"]));
    assert_eq!((id(&result["invitation"]), &result["invitation"]["role"]["key"]), (first, &json!("viewer")));
    assert_eq!(result["acceptUrl"], Value::Null);
    assert_eq!(roster.content().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_skipped_however_the_address_is_written() {
    let (roster, alice, organization) = acme().await;
    roster.member(&alice, &organization, "bob", "viewer").await;
    let before = roster.content().await;
    let invited = done(&alice, INVITE, to(&organization, &["bob@example.com"])).await;
    assert_eq!(outcomes(&invited), ["SKIPPED ALREADY_MEMBER"]);
    let invited = done(&alice, INVITE, to(&organization, &[" Bob@EXAMPLE.com", "ALICE@example.com"])).await;
    assert_eq!(outcomes(&invited), ["SKIPPED ALREADY_MEMBER", "SKIPPED ALREADY_MEMBER"]);
    assert_eq!(invited["results"][0]["invitation"], Value::Null);
    assert_eq!(roster.content().await, before, "role untouched, no mail");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_address_twice_in_one_call_counts_once() {
    let (roster, alice, organization) = acme().await;
    let emails = ["bob@example.com", "BOB@example.com", "carol@bücher.example", "carol@xn--bcher-kva.example"];
    let invited = done(&alice, INVITE, to(&organization, &emails)).await;
    assert_eq!(outcomes(&invited), ["SUCCEEDED", "SKIPPED DUPLICATE", "SUCCEEDED", "SKIPPED DUPLICATE"]);
    assert_eq!(count(&roster, "invitations").await, "2");
    // Dots and what follows a plus make another address.
    let invited = done(&alice, INVITE, to(&organization, &["b.ob@example.com", "bob+x@example.com"])).await;
    assert_eq!(outcomes(&invited), ["SUCCEEDED", "SUCCEEDED"]);
}

/// An organization where every outcome can be had, and the addresses for each.
async fn mixed() -> (Roster, crate::support::Actor, Value) {
    let (roster, alice, organization) = acme().await;
    roster.member(&alice, &organization, "member", "viewer").await;
    roster.invite(&alice, &organization, "invited@example.com", "viewer").await;
    let emails = [
        "new@example.com",
        "member@example.com",
        "nobody",
        "invited@example.com",
        "NEW@example.com",
        "other@example.com",
    ];
    (roster, alice, to(&organization, &emails))
}

#[tokio::test(flavor = "multi_thread")]
async fn partial_tells_of_every_address_in_order_and_keeps_the_good_ones() {
    let (roster, alice, input) = mixed().await;
    let invited = done(&alice, INVITE, input).await;
    assert_eq!(
        outcomes(&invited),
        [
            "SUCCEEDED",
            "SKIPPED ALREADY_MEMBER",
            "FAILED INVALID",
            "SKIPPED ALREADY_INVITED",
            "SKIPPED DUPLICATE",
            "SUCCEEDED"
        ]
    );
    assert_eq!(invited["summary"], json!({ "total": 6, "succeeded": 2, "skipped": 3, "failed": 1 }));
    for (index, result) in invited["results"].as_array().unwrap().iter().enumerate() {
        assert_eq!(result["index"], index);
        for error in result["userErrors"].as_array().unwrap() {
            assert_eq!(error["path"], json!(["input", "emails", index.to_string()]));
        }
    }
    assert_eq!(count(&roster, "invitations WHERE status = 'PENDING'").await, "3");
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn atomic_stores_nothing_when_one_address_fails() {
    let (roster, alice, input) = mixed().await;
    let (before, atomic) = (roster.content().await, with(input.clone(), json!({ "mode": "ATOMIC" })));
    let invited = done(&alice, INVITE, atomic.clone()).await;
    assert_eq!(
        outcomes(&invited),
        ["FAILED ABORTED", "FAILED ABORTED", "FAILED INVALID", "FAILED ABORTED", "SKIPPED DUPLICATE", "FAILED ABORTED"]
    );
    assert_eq!(roster.content().await, before);
    // Nor is it written down that time ran out.
    roster.wait(TimeDelta::days(8));
    done(&roster.person("alice"), INVITE, atomic.clone()).await;
    assert_eq!(roster.content().await, before);

    // Skipping is no failure.
    let good = with(atomic, json!({ "emails": ["member@example.com", "new@example.com", "NEW@example.com"] }));
    let invited = done(&roster.person("alice"), INVITE, good).await;
    assert_eq!(outcomes(&invited), ["SKIPPED ALREADY_MEMBER", "SUCCEEDED", "SKIPPED DUPLICATE"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_reports_the_same_and_changes_nothing() {
    let (roster, alice, input) = mixed().await;
    let before = roster.content().await;
    let dry = done(&alice, INVITE, with(input.clone(), json!({ "dryRun": true }))).await;
    assert_eq!(roster.content().await, before);
    assert!(dry["results"].as_array().unwrap().iter().all(|result| result["acceptUrl"].is_null()));
    let wet = done(&alice, INVITE, input.clone()).await;
    assert_eq!((outcomes(&dry), &dry["summary"]), (outcomes(&wet), &wet["summary"]));

    // Whose time has run out is free again, which a dry run tells but does not write down.
    roster.wait(TimeDelta::days(8));
    let (alice, before) = (roster.person("alice"), roster.content().await);
    let again = with(input, json!({ "emails": ["invited@example.com"], "dryRun": true }));
    assert_eq!(outcomes(&done(&alice, INVITE, again).await), ["SUCCEEDED"]);
    assert_eq!(roster.content().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_are_held_to() {
    let (roster, alice, organization) = acme().await;
    let many: Vec<String> = (0..101).map(|number| format!("p{number}@example.com")).collect();
    let input = to(&organization, &[]);
    assert_eq!(
        refused(&alice, INVITE, with(input.clone(), json!({ "emails": many }))).await,
        json!([{ "code": "TOO_MANY", "path": ["input", "emails"], "limit": 100, "actual": 101 }])
    );
    assert_eq!(
        refused(&alice, INVITE, input.clone()).await,
        json!([{ "code": "INVALID", "path": ["input", "emails"] }])
    );
    let one = with(input.clone(), json!({ "emails": ["bob@example.com"] }));
    for days in [0, 91, -1] {
        let errors = refused(&alice, INVITE, with(one.clone(), json!({ "expiresInDays": days }))).await;
        assert_eq!(errors, json!([{ "code": "INVALID", "path": ["input", "expiresInDays"] }]));
    }
    let errors = refused(&alice, INVITE, with(one.clone(), json!({ "message": "é".repeat(1001) }))).await;
    assert_eq!(errors, json!([{ "code": "TOO_LONG", "path": ["input", "message"] }]));
    let errors = refused(&alice, INVITE, with(one.clone(), json!({ "message": "evil\u{202e}txt" }))).await;
    assert_eq!(errors, json!([{ "code": "INVALID", "path": ["input", "message"] }]));

    // All problems of one call are told together.
    let wrong = json!({ "emails": [], "expiresInDays": 91, "message": "é".repeat(1001) });
    assert_eq!(refused_codes(&alice, INVITE, with(input.clone(), wrong)).await, ["INVALID", "INVALID", "TOO_LONG"]);

    let hundred = json!({ "emails": many[..100], "message": "é".repeat(1000) });
    let invited = done(&alice, INVITE, with(input, hundred)).await;
    assert_eq!(invited["summary"]["succeeded"], 100);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_addresses_are_invalid() {
    let (roster, alice, organization) = acme().await;
    let bad = [
        "",
        "bob",
        "@example.com",
        "bob@localhost",
        "bob@example.com\r\nBcc: eve@example.com",
        "\"b\"@example.com",
        "bob\u{202e}@example.com",
    ];
    let before = roster.content().await;
    let invited = done(&alice, INVITE, to(&organization, &bad)).await;
    assert_eq!(outcomes(&invited), vec!["FAILED INVALID"; bad.len()]);
    assert_eq!(roster.content().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_given_that_is_no_stronger_than_ones_own_and_not_owner() {
    let (roster, alice, organization) = acme().await;
    let (bob, _) = roster.member(&alice, &organization, "bob", "admin").await;
    custom_role(&roster, "ORGANIZATION", "recruiter", &["members.read", "invitations.read", "invitations.manage"])
        .await;
    custom_role(&roster, "ORGANIZATION", "liquidator", &["organization.delete"]).await;
    custom_role(&roster, "PROJECT", "editor", &["project.read"]).await;
    let (carol, _) = roster.member(&alice, &organization, "carol", "recruiter").await;
    let role = |key: &str| with(to(&organization, &["new@example.com"]), json!({ "role": { "key": key } }));
    for (actor, key, code) in [
        (&alice, "owner", "ROLE_NOT_ASSIGNABLE"),
        (&bob, "owner", "ROLE_NOT_ASSIGNABLE"),
        (&bob, "liquidator", "ROLE_NOT_ASSIGNABLE"),
        (&carol, "admin", "ROLE_NOT_ASSIGNABLE"),
        (&carol, "member", "ROLE_NOT_ASSIGNABLE"),
        (&alice, "editor", "ROLE_SCOPE_MISMATCH"),
        (&alice, "emperor", "NOT_FOUND"),
    ] {
        assert_eq!(
            refused(actor, INVITE, role(key)).await,
            json!([{ "code": code, "path": ["input", "role"] }]),
            "{key}"
        );
    }
    // The role of another organization is none.
    let mallory = roster.person("mallory");
    roster.organization(&mallory, "Other").await;
    let foreign = roster.texts("SELECT id FROM roles WHERE scope = 'ORGANIZATION' AND built_in = 'MEMBER' AND organization_id <> (SELECT id FROM organizations WHERE slug = 'acme')").await;
    let foreign = roster::domain::id::RoleId(foreign[0].parse().unwrap()).to_string();
    for unknown in [foreign.as_str(), "role_nonsense", organization.as_str()] {
        let input = with(role("member"), json!({ "role": { "id": unknown } }));
        assert_eq!(refused_codes(&alice, INVITE, input).await, ["NOT_FOUND"]);
    }

    for (number, (actor, key)) in
        [(&bob, "admin"), (&alice, "liquidator"), (&carol, "recruiter"), (&bob, "viewer")].into_iter().enumerate()
    {
        let input = with(role(key), json!({ "emails": [format!("p{number}@example.com")] }));
        let invited = done(actor, INVITE, input).await;
        assert_eq!(invited["results"][0]["invitation"]["role"]["key"], key);
    }
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_are_granted_by_those_who_may() {
    let (roster, alice, organization) = acme().await;
    let apollo = roster.project(&alice, &organization, "Apollo").await;
    let gemini = roster.project(&alice, &organization, "Gemini").await;
    custom_role(&roster, "ORGANIZATION", "recruiter", &["members.read", "invitations.read", "invitations.manage"])
        .await;
    let (carol, _) = roster.member(&alice, &organization, "carol", "recruiter").await;
    let (_dave, _) = roster.member(&alice, &organization, "dave", "member").await;
    let mallory = roster.person("mallory");
    let other = roster.organization(&mallory, "Other").await;
    let foreign = roster.project(&mallory, &other, "Foreign").await;
    let grants = |projects: Value| {
        with(to(&organization, &["new@example.com"]), json!({ "role": { "key": "recruiter" }, "projects": projects }))
    };
    let grant = |project: &str| json!({ "project": { "id": project } });
    let role = |project: &str, key: &str| json!({ "project": { "id": project }, "role": { "key": key } });
    let refusals = [
        (&alice, json!([grant(&apollo), grant("prj_nonsense")]), "NOT_FOUND", "1", "project"),
        (&alice, json!([grant(&foreign)]), "NOT_FOUND", "0", "project"),
        (&alice, json!([grant(&apollo), grant(&gemini), grant(&apollo)]), "DUPLICATE", "2", "project"),
        (&alice, json!([role(&apollo, "owner")]), "ROLE_NOT_ASSIGNABLE", "0", "role"),
        (&alice, json!([role(&apollo, "recruiter")]), "ROLE_SCOPE_MISMATCH", "0", "role"),
        (&alice, json!([role(&apollo, "emperor")]), "NOT_FOUND", "0", "role"),
        // Who is not in a project does not learn of it.
        (&carol, json!([grant(&apollo)]), "NOT_FOUND", "0", "project"),
    ];
    for (actor, projects, code, index, field) in refusals {
        let errors = refused(actor, INVITE, grants(projects)).await;
        assert_eq!(errors, json!([{ "code": code, "path": ["input", "projects", index, field] }]));
    }
    roster.project_member(&alice, &apollo, "carol", "viewer").await;
    assert_eq!(
        refused(&carol, INVITE, grants(json!([grant(&apollo)]))).await,
        json!([{ "code": "FORBIDDEN", "path": ["input", "projects", "0", "project"], "requiredPermission": "project.invitations.manage" }])
    );

    let by_path = json!({ "project": { "path": { "organization": "acme", "project": "gemini" } } });
    let invited = done(&alice, INVITE, grants(json!([role(&apollo, "admin"), by_path]))).await;
    assert_eq!(
        invited["results"][0]["invitation"]["projects"],
        json!([
            { "project": { "slug": "apollo" }, "role": { "key": "admin" } },
            { "project": { "slug": "gemini" }, "role": { "key": "member" } },
        ])
    );
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_mail_the_link_is_handed_over_all_the_same() {
    let (roster, alice, organization) = acme().await;
    let invited =
        done(&alice, INVITE, with(to(&organization, &["bob@example.com"]), json!({ "sendEmail": false }))).await;
    let result = &invited["results"][0];
    assert_eq!(result["invitation"]["delivery"]["status"], "NOT_REQUESTED");
    assert_eq!(count(&roster, "mails").await, "0");
    let token = crate::support::token(&result["acceptUrl"]);
    let accepted = roster.person("bob").data(ACCEPT, json!({ "token": token })).await;
    assert_eq!(accepted["invitationAccept"]["invitation"]["status"], "ACCEPTED");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_plan_free_only_a_trial_invites() {
    let (roster, alice, organization) = acme().await;
    let project = roster.project(&alice, &organization, "Apollo").await;
    let (pending, _) = roster.invite(&alice, &organization, "early@example.com", "member").await;
    roster.wait(TimeDelta::days(14) - TimeDelta::microseconds(1));
    let invite = to(&organization, &["bob@example.com"]);
    let dry = with(invite.clone(), json!({ "dryRun": true }));
    done(&roster.person("alice"), INVITE, dry.clone()).await;

    roster.wait(TimeDelta::microseconds(1));
    let alice = roster.person("alice");
    let needed = json!([{ "code": "PLAN_REQUIRED", "path": null, "requiredTier": "STARTER" }]);
    let to_project = json!({ "project": { "id": project }, "emails": ["bob@example.com"] });
    assert_eq!(refused(&alice, INVITE, invite.clone()).await, needed);
    assert_eq!(refused(&alice, INVITE, dry).await, needed);
    assert_eq!(refused(&alice, PROJECT_INVITE, to_project).await, needed);
    assert_eq!(refused(&alice, RESEND, json!({ "invitationId": pending })).await, needed);
    // Taking back needs no plan.
    roster.sql("UPDATE invitations SET expires_at = expires_at + interval '90 days'").await;
    done(&alice, REVOKE, json!({ "invitationId": pending })).await;

    roster.sql("UPDATE organizations SET plan_tier = 'STARTER'").await;
    assert_eq!(outcomes(&done(&alice, INVITE, invite).await), ["SUCCEEDED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_plans_are_off_everybody_invites() {
    let roster = Roster::start_with(|app| app.trial_days = None).await;
    let organization = roster.organization(&roster.person("alice"), "Acme").await;
    assert_eq!(roster.texts("SELECT plan_tier FROM organizations WHERE trial_ends_at IS NULL").await, ["FREE"]);
    roster.wait(TimeDelta::days(400));
    let invited = done(&roster.person("alice"), INVITE, to(&organization, &["bob@example.com"])).await;
    assert_eq!(outcomes(&invited), ["SUCCEEDED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_are_held_by_members_and_pending_invitations() {
    let (roster, alice, organization) = acme().await;
    roster.sql("UPDATE organizations SET seat_limit = 3").await;
    let (_, bobs_token) = roster.invite(&alice, &organization, "bob@example.com", "member").await;
    let two = to(&organization, &["carol@example.com", "dave@example.com"]);
    let full = |actual: i32| json!([{ "code": "LIMIT_REACHED", "path": null, "limit": 3, "actual": actual }]);
    assert_eq!(refused(&alice, INVITE, two.clone()).await, full(4));
    assert_eq!(refused(&alice, INVITE, with(two.clone(), json!({ "dryRun": true }))).await, full(4));
    // Only who is new needs a seat.
    let emails = json!({ "emails": ["bob@example.com", "alice@example.com", "nobody", "carol@example.com", "CAROL@example.com"] });
    done(&alice, INVITE, with(two.clone(), emails.clone())).await;
    let again = done(&alice, INVITE, with(two.clone(), emails)).await;
    assert_eq!(again["results"][3]["userErrors"][0]["code"], "ALREADY_INVITED");
    let dave = to(&organization, &["dave@example.com"]);
    assert_eq!(refused(&alice, INVITE, dave.clone()).await, full(4));

    // Joining turns the seat of an invitation into that of a member.
    roster.person("bob").data(ACCEPT, json!({ "token": bobs_token })).await;
    assert_eq!(statuses(&roster, "bob@example.com").await, ["ACCEPTED"]);
    assert_eq!(refused(&alice, INVITE, dave.clone()).await, full(4));

    // Declining, taking back, running out of time and removing release it.
    let dry = with(dave.clone(), json!({ "dryRun": true }));
    let carol = pending(&roster, "carol@example.com").await;
    done(&alice, REVOKE, json!({ "invitationId": carol })).await;
    done(&alice, INVITE, dry.clone()).await;
    let (_, token) = roster.invite(&alice, &organization, "carol@example.com", "member").await;
    assert_eq!(refused(&alice, INVITE, dave.clone()).await, full(4));
    done(&roster.person("carol"), DECLINE, by_token(&token)).await;
    done(&alice, INVITE, dry.clone()).await;
    roster.invite(&alice, &organization, "carol@example.com", "member").await;
    assert_eq!(refused(&alice, INVITE, dave.clone()).await, full(4));
    roster.wait(TimeDelta::days(7));
    let alice = roster.person("alice");
    done(&alice, INVITE, dave.clone()).await;
    assert_eq!(statuses(&roster, "carol@example.com").await, ["REVOKED", "DECLINED", "EXPIRED"]);
    assert_eq!(refused(&alice, INVITE, to(&organization, &["erin@example.com"])).await, full(4));
    let bobs = json!({ "member": { "lookup": { "organization": { "id": organization }, "user": { "email": "bob@example.com" } } } });
    done(&alice, REMOVE, bobs).await;
    done(&alice, INVITE, to(&organization, &["erin@example.com"])).await;
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_never_blocks_a_new_invitation() {
    let (roster, alice, organization) = acme().await;
    let bob = roster.person("bob");
    let invite = || roster.invite(&alice, &organization, "bob@example.com", "member");
    let (_, token) = invite().await;
    done(&bob, DECLINE, by_token(&token)).await;
    let (second, _) = invite().await;
    done(&alice, REVOKE, json!({ "invitationId": second })).await;
    invite().await;
    roster.wait(TimeDelta::days(7));
    let (alice, bob) = (roster.person("alice"), roster.person("bob"));
    let (_, token) = roster.invite(&alice, &organization, "bob@example.com", "member").await;
    let accepted = bob.data(ACCEPT, json!({ "token": token })).await;
    let member = id(&accepted["invitationAccept"]["organizationMember"]);
    done(&alice, REMOVE, json!({ "member": { "id": member } })).await;
    let (_, token) = roster.invite(&alice, &organization, "bob@example.com", "member").await;
    let accepted = bob.data(ACCEPT, json!({ "token": token })).await;
    assert_ne!(id(&accepted["invitationAccept"]["organizationMember"]), member);
    assert_eq!(statuses(&roster, "bob@example.com").await, ["DECLINED", "REVOKED", "EXPIRED", "ACCEPTED", "ACCEPTED"]);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_that_ran_out_is_written_down_once_by_the_server_itself() {
    let (roster, alice, organization) = acme().await;
    roster.invite(&alice, &organization, "bob@example.com", "member").await;
    roster.wait(TimeDelta::days(7));
    let alice = roster.person("alice");
    for email in ["carol@example.com", "dave@example.com"] {
        roster.invite(&alice, &organization, email, "member").await;
    }
    assert_eq!(roster.texts("SELECT actor_kind FROM events WHERE type = 'invitation.expired'").await, ["SYSTEM"]);
    assert_eq!(
        roster.texts("SELECT resolved_at = expires_at FROM invitations WHERE status = 'EXPIRED'").await,
        ["true"]
    );
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sees_nothing_finds_nothing_and_who_may_not_is_forbidden() {
    let (roster, alice, organization) = acme().await;
    let project = roster.project(&alice, &organization, "Apollo").await;
    let (member, _) = roster.member(&alice, &organization, "member", "member").await;
    let (viewer, _) = roster.member(&alice, &organization, "viewer", "viewer").await;
    let outsider = roster.person("outsider");
    let other = roster.organization(&outsider, "Other").await;
    let foreign_key = roster.key(&other, None, &["invitations.manage", "members.manage"]).await;
    let weak_key = roster.key(&organization, None, &["members.read"]).await;
    let project_key = roster.key(&organization, Some(&project), &["invitations.manage", "project.read"]).await;
    let input = to(&organization, &["new@example.com"]);
    for actor in [&outsider, &foreign_key, &roster.unverified("alice")] {
        assert_eq!(refused(actor, INVITE, input.clone()).await, json!([{ "code": "NOT_FOUND", "path": null }]));
    }
    let forbidden = json!([{ "code": "FORBIDDEN", "path": null, "requiredPermission": "invitations.manage" }]);
    let (guest, _) = roster.member(&alice, &organization, "guest", "guest").await;
    for actor in [&member, &viewer, &guest, &weak_key, &project_key] {
        assert_eq!(refused(actor, INVITE, input.clone()).await, forbidden, "{}", actor.name);
    }
    for unknown in ["org_nonsense", &project, ""] {
        assert_eq!(refused_codes(&alice, INVITE, to(unknown, &["new@example.com"])).await, ["NOT_FOUND"]);
    }
    let before = roster.content().await;
    assert_eq!(roster.anonymous().error_codes(INVITE, json!({ "input": input })).await, ["UNAUTHENTICATED"]);
    assert_eq!(roster.content().await, before);

    let strong_key = roster.key(&organization, None, &["invitations.manage"]).await;
    let bare = with(input.clone(), json!({ "role": { "key": "member" } }));
    assert_eq!(refused_codes(&strong_key, INVITE, bare).await, ["ROLE_NOT_ASSIGNABLE"]);
    let key = roster
        .key(&organization, None, &["invitations.manage", "invitations.read", "members.read", "projects.create"])
        .await;
    assert_eq!(outcomes(&done(&key, INVITE, to(&organization, &["key@example.com"])).await), ["SUCCEEDED"]);
    let by_slug = json!({ "organization": { "slug": "acme" }, "emails": ["operator@example.com"] });
    assert_eq!(outcomes(&done(&roster.operator(), INVITE, by_slug).await), ["SUCCEEDED"]);
    assert_eq!(
        roster.texts("SELECT invited_by_kind FROM invitations WHERE status = 'PENDING' ORDER BY email").await,
        ["API_KEY", "OPERATOR"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_inviter_can_no_longer_give_is_taken_back_with_their_demotion() {
    let (roster, alice, organization) = acme().await;
    let project = roster.project(&alice, &organization, "Apollo").await;
    custom_role(
        &roster,
        "ORGANIZATION",
        "recruiter",
        &["members.read", "invitations.read", "invitations.manage", "projects.create"],
    )
    .await;
    let (bob, bobs) = roster.member(&alice, &organization, "bob", "admin").await;
    roster.invite(&alice, &organization, "of-alice@example.com", "admin").await;
    roster.invite(&bob, &organization, "strong@example.com", "admin").await;
    roster.invite(&bob, &organization, "plain@example.com", "member").await;
    let granting =
        with(to(&organization, &["granted@example.com"]), json!({ "projects": [{ "project": { "id": project } }] }));
    done(&bob, INVITE, granting).await;
    invite_to_project(&bob, &project, "project@example.com").await;
    let pending = "SELECT email FROM invitations WHERE status = 'PENDING' ORDER BY email";

    let role = |key: &str| json!({ "member": { "id": bobs }, "role": { "key": key } });
    done(&alice, UPDATE_ROLE, role("recruiter")).await;
    assert_eq!(roster.texts(pending).await, ["of-alice@example.com", "plain@example.com"]);
    done(&alice, REMOVE, json!({ "member": { "id": bobs } })).await;
    assert_eq!(roster.texts(pending).await, ["of-alice@example.com"]);
    let revoked = roster.events().await.into_iter().filter(|event| event == "invitation.revoked").count();
    assert_eq!(revoked, 4);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_somebody_takes_back_what_is_pending_to_their_address() {
    let (roster, alice, organization) = acme().await;
    let (_, token) = roster.invite(&alice, &organization, "bob@example.com", "member").await;
    // Bob joins with another address, which his identity provider changes to the invited one.
    let carol = |email: &'static str| {
        roster.signed(
            "carol",
            roster::server::tokens::DevelopmentClaims {
                subject: "carol",
                audience: None,
                email: Some(email),
                name: None,
            },
        )
    };
    let (_, other) = roster.invite(&alice, &organization, "carol@example.com", "member").await;
    let accepted = carol("carol@example.com").data(ACCEPT, json!({ "token": other })).await;
    let member = id(&accepted["invitationAccept"]["organizationMember"]);
    roster.wait(TimeDelta::seconds(1));
    carol("bob@example.com").data("{ __typename viewer { __typename } }", json!({})).await;
    done(&alice, REMOVE, json!({ "member": { "id": member } })).await;
    assert_eq!(statuses(&roster, "bob@example.com").await, ["REVOKED"]);
    let answer = carol("bob@example.com").data(ACCEPT, json!({ "token": token })).await;
    assert_eq!(codes(&answer["invitationAccept"]["userErrors"]), ["INVITATION_NOT_PENDING"]);
    roster.assert_counters().await;
}
