//! Sending a change again under the same key changes nothing and answers what was answered.

use chrono::TimeDelta;
use futures_util::future::join_all;
use roster::operations::sweep::sweep;
use serde_json::{Value, json};

use crate::support::{Actor, Roster, codes, id};

const CREATE: &str = "mutation($name: String!, $key: String) { organizationCreate(input: {name: $name, idempotencyKey: $key}) { organization { id slug } userErrors { code path } } }";
const INVITE: &str = "mutation($organization: ID!, $emails: [String!]!, $key: String, $dryRun: Boolean = false) { organizationInvite(input: {organization: {id: $organization}, emails: $emails, dryRun: $dryRun, idempotencyKey: $key}) { results { status email acceptUrl invitation { id } userErrors { code path } } summary { succeeded } userErrors { code path } } }";
const RESEND: &str = "mutation($id: ID!, $key: String) { invitationResend(input: {invitationId: $id, idempotencyKey: $key}) { acceptUrl invitation { id } userErrors { code path } } }";
const PROJECT: &str = "mutation($organization: ID!, $name: String!, $key: String) { projectCreate(input: {organization: {id: $organization}, name: $name, idempotencyKey: $key}) { project { id } userErrors { code path } } }";

const REUSED: &str = "IDEMPOTENCY_KEY_REUSED";

async fn acme() -> (Roster, Actor, String) {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let organization = roster.organization(&alice, "Acme").await;
    (roster, alice, organization)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_and_input_gives_the_first_answer() {
    let (roster, alice, organization) = acme().await;
    let calls = [
        (CREATE, json!({ "name": "Beta", "key": "create" })),
        (INVITE, json!({ "organization": organization, "emails": ["a@example.com", "no address"], "key": "invite" })),
        (PROJECT, json!({ "organization": organization, "name": "Apollo", "key": "project" })),
    ];
    for (mutation, variables) in &calls {
        let first = alice.payload(mutation, variables.clone()).await;
        let before = roster.content().await;
        assert_eq!(alice.payload(mutation, variables.clone()).await, first);
        assert_eq!(roster.content().await, before, "{mutation} happened twice");
    }
    let invited = alice.payload(INVITE, calls[1].1.clone()).await;
    assert!(invited["results"][0]["acceptUrl"].is_string(), "the link is there again: {invited}");

    roster.wait(TimeDelta::minutes(2));
    let variables = json!({ "id": id(&invited["results"][0]["invitation"]), "key": "resend" });
    let resent = alice.payload(RESEND, variables.clone()).await;
    assert_eq!(codes(&resent["userErrors"]), Vec::<String>::new());
    assert_eq!(alice.payload(RESEND, variables).await, resent, "not even the pause between two mails is in the way");
    assert_eq!(roster.texts("SELECT count(*) FROM mails").await, ["2"]);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_with_other_input_is_refused() {
    let (_, alice, organization) = acme().await;
    alice.payload(CREATE, json!({ "name": "Beta", "key": "one" })).await;
    assert_eq!(alice.refused(CREATE, json!({ "name": "Gamma", "key": "one" })).await, [REUSED]);
    // Another mutation is other input as well.
    let project = json!({ "organization": organization, "name": "Beta", "key": "one" });
    assert_eq!(alice.refused(PROJECT, project).await, [REUSED]);
    let refused = alice.payload(CREATE, json!({ "name": "Gamma", "key": "one" })).await;
    assert_eq!(refused["userErrors"][0]["path"], json!(["input", "idempotencyKey"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_input_may_be_written_otherwise() {
    let (roster, alice, _) = acme().await;
    let rest = "{ results { email status } userErrors { code } }";
    let invite = |input: &str| {
        format!(
            "mutation {{ organizationInvite(input: {{idempotencyKey: \"a\", organization: {{slug: \"acme\"}}, {input}}}) {rest} }}"
        )
    };
    let first = alice.payload(&invite(r#"emails: ["a@example.com", "b@example.com"], mode: ATOMIC"#), json!({})).await;
    assert_eq!(first["userErrors"], json!([]));
    let before = roster.content().await;
    let said =
        r#"mode: ATOMIC, dryRun: false, expiresInDays: 7, role: null, emails: ["a@example.com", "b@example.com"]"#;
    assert_eq!(alice.payload(&invite(said), json!({})).await, first);
    let whole = format!("mutation($input: OrganizationInviteInput!) {{ organizationInvite(input: $input) {rest} }}");
    let mut input = json!({
        "mode": "ATOMIC", "emails": ["a@example.com", "b@example.com"], "organization": { "slug": "acme" },
        "message": null, "sendEmail": true, "idempotencyKey": "a"
    });
    assert_eq!(alice.payload(&whole, json!({ "input": input })).await, first);
    let parts = "mutation($mode: BulkMode!, $slug: String!, $email: String!, $role: RoleRefInput) { \
                 again: organizationInvite(input: {organization: {slug: $slug}, emails: [$email, \"b@example.com\"], mode: $mode, role: $role, idempotencyKey: \"a\"})";
    let variables = json!({ "mode": "ATOMIC", "slug": "acme", "email": "a@example.com" });
    assert_eq!(alice.data(&format!("{parts} {rest} }}"), variables).await["again"], first);
    assert_eq!(roster.content().await, before);

    for (field, other) in [("emails", json!(["b@example.com", "a@example.com"])), ("mode", json!("PARTIAL"))] {
        let kept = std::mem::replace(&mut input[field], other);
        assert_eq!(alice.refused(&whole, json!({ "input": input })).await, [REUSED], "{field}");
        input[field] = kept;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_at_once_are_one_change() {
    let (roster, alice, organization) = acme().await;
    let variables = json!({ "organization": organization, "emails": ["a@example.com"], "key": "once" });
    let answers = join_all((0..32).map(|_| {
        let (alice, variables) = (alice.clone(), variables.clone());
        tokio::spawn(async move { alice.payload(INVITE, variables).await })
    }))
    .await;
    let answers: Vec<Value> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers[0]["summary"]["succeeded"], 1);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    let happened = roster.events().await;
    assert_eq!(happened.iter().filter(|kind| *kind == "invitation.created").count(), 1);
    assert_eq!(roster.texts("SELECT count(*) FROM invitations").await, ["1"]);

    let different = join_all((0..32).map(|number| {
        let alice = alice.clone();
        let variables = json!({ "name": format!("Company {number}"), "key": "other" });
        tokio::spawn(async move { alice.payload(CREATE, variables).await })
    }))
    .await;
    let made = different.into_iter().map(Result::unwrap).filter(|answer| answer["userErrors"] == json!([])).count();
    assert_eq!(made, 1, "of 32 different ones with one key");
    assert_eq!(roster.texts("SELECT count(*) FROM organizations").await, ["2"]);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_the_callers_own() {
    let (roster, alice, organization) = acme().await;
    let variables = json!({ "name": "Beta", "key": "mine" });
    let first = alice.payload(CREATE, variables.clone()).await;
    let second = roster.person("bob").payload(CREATE, variables).await;
    assert_ne!(first["organization"]["id"], second["organization"]["id"]);
    let project = json!({ "organization": organization, "name": "Apollo", "key": "mine" });
    let key = roster.key(&organization, None, &["projects.create", "projects.read"]).await;
    assert_eq!(key.payload(PROJECT, project.clone()).await["userErrors"], json!([]));
    let project = json!({ "organization": organization, "name": "B", "key": "mine" });
    assert_eq!(roster.operator().payload(PROJECT, project).await["userErrors"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_nothing_is_not_kept() {
    let (roster, alice, organization) = acme().await;
    let refused = json!({ "name": " ", "key": "again" });
    assert_eq!(alice.refused(CREATE, refused).await, ["BLANK"]);
    assert_eq!(alice.payload(CREATE, json!({ "name": "Beta", "key": "again" })).await["userErrors"], json!([]));

    let mut invite = json!({ "organization": organization, "emails": ["a@example.com"], "key": "dry", "dryRun": true });
    assert_eq!(alice.payload(INVITE, invite.clone()).await["summary"]["succeeded"], 1);
    invite["dryRun"] = json!(false);
    assert_eq!(alice.payload(INVITE, invite).await["userErrors"], json!([]));
    assert_eq!(roster.texts("SELECT count(*) FROM invitations").await, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_free_again_after_a_day() {
    let (roster, alice, _) = acme().await;
    let variables = |name: &str| json!({ "name": name, "key": "daily" });
    let first = alice.payload(CREATE, variables("Beta")).await;
    roster.wait(TimeDelta::hours(24));
    assert_eq!(alice.payload(CREATE, variables("Beta")).await, first, "to the last moment");
    roster.wait(TimeDelta::seconds(1));
    assert_eq!(alice.payload(CREATE, variables("Gamma")).await["organization"]["slug"], "gamma");
    roster.wait(TimeDelta::hours(25));
    sweep(&roster.app).await.unwrap();
    assert_eq!(roster.texts("SELECT key FROM idempotency_keys").await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_short_and_printable() {
    let (_, alice, _) = acme().await;
    for bad in ["", "  ", "two\nlines", &"x".repeat(256)] {
        assert_eq!(alice.refused(CREATE, json!({ "name": "Beta", "key": bad })).await, ["INVALID"], "{bad:?}");
    }
    let longest = json!({ "name": "Beta", "key": "é".repeat(255) });
    assert_eq!(alice.payload(CREATE, longest).await["userErrors"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_usable_is_kept() {
    let (roster, alice, organization) = acme().await;
    let variables = json!({ "organization": organization, "emails": ["a@example.com"], "key": "secret" });
    let invited = alice.payload(INVITE, variables).await;
    let url = invited["results"][0]["acceptUrl"].as_str().unwrap().to_owned();
    let token = url.split_once('#').unwrap().1;
    let kept = roster.texts("SELECT answer FROM idempotency_keys").await.concat();
    assert!(kept.contains("a@example.com") && !kept.contains(token), "{kept}");
}
