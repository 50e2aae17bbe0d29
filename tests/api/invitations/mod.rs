//! Invitations: every row of the table in the product's description, by operation.

mod accept;
mod decline;
mod organization_invite;
mod project_invite;
mod resend;
mod revoke;
mod update;

use roster::domain::id::InvitationId;
use serde_json::{Value, json};

use crate::support::{Actor, Roster, codes, id, token};

macro_rules! errors {
    () => {
        "userErrors { code path ... on PermissionUserError { requiredPermission } ... on LimitUserError { limit actual } ... on PlanUserError { requiredTier } ... on CooldownUserError { retryAt } }"
    };
}
macro_rules! invitation {
    () => {
        "invitation { id email status scope message role { key } projects { project { slug } role { key } } delivery { status } expiresAt }"
    };
}
macro_rules! bulk {
    ($mutation:literal, $input:literal) => {
        concat!(
            "mutation($input: ",
            $input,
            "!) { payload: ",
            $mutation,
            "(input: $input) { summary { total succeeded skipped failed } \
             results { index status email acceptUrl projectMember { id role { key } user { email } } ",
            invitation!(),
            " ",
            errors!(),
            " } ",
            errors!(),
            " } }"
        )
    };
}
macro_rules! single {
    ($mutation:literal, $input:literal, $fields:literal) => {
        concat!(
            "mutation($input: ",
            $input,
            "!) { payload: ",
            $mutation,
            "(input: $input) { ",
            $fields,
            " ",
            invitation!(),
            " ",
            errors!(),
            " } }"
        )
    };
}

const INVITE: &str = bulk!("organizationInvite", "OrganizationInviteInput");
const PROJECT_INVITE: &str = bulk!("projectInvite", "ProjectInviteInput");
const RESEND: &str = single!("invitationResend", "InvitationResendInput", "acceptUrl");
const REVOKE: &str = single!("invitationRevoke", "InvitationRevokeInput", "");
const ACCEPT: &str = single!(
    "invitationAccept",
    "InvitationAcceptInput",
    "organizationMember { id role { key } } projectMembers { id project { slug } role { key } }"
);
const DECLINE: &str = single!("invitationDecline", "InvitationDeclineInput", "");
const UPDATE_ROLE: &str = "mutation($input: OrganizationMemberUpdateRoleInput!) { payload: organizationMemberUpdateRole(input: $input) { userErrors { code } } }";
const REMOVE: &str = "mutation($input: OrganizationMemberRemoveInput!) { payload: organizationMemberRemove(input: $input) { userErrors { code } } }";

/// A server with the organization Acme, whom it belongs to, and its id.
async fn acme() -> (Roster, Actor, String) {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let organization = roster.organization(&alice, "Acme").await;
    (roster, alice, organization)
}

/// The payload of a mutation, refused or not.
async fn payload(actor: &Actor, mutation: &str, input: Value) -> Value {
    actor.data(mutation, json!({ "input": input })).await["payload"].clone()
}

/// The payload of a mutation that is not refused.
async fn done(actor: &Actor, mutation: &str, input: Value) -> Value {
    let payload = payload(actor, mutation, input).await;
    assert_eq!(payload["userErrors"], json!([]), "{} was refused", actor.name);
    payload
}

/// Why a mutation was refused. A refusal has no content but its reasons, and changes nothing.
async fn refused(actor: &Actor, mutation: &str, input: Value) -> Value {
    // A person's row is made when they are first seen.
    actor.data("{ __typename viewer { __typename } }", json!({})).await;
    let before = actor.roster.content().await;
    let mut payload = payload(actor, mutation, input).await;
    assert_eq!(actor.roster.content().await, before, "a refusal changed something");
    let errors = payload["userErrors"].take();
    assert_ne!(errors, json!([]), "{} was not refused", actor.name);
    let nothing = payload.as_object().expect("a payload").values().all(Value::is_null);
    assert!(nothing, "a refusal answers nothing else: {payload}");
    errors
}

/// The codes for which a mutation was refused.
async fn refused_codes(actor: &Actor, mutation: &str, input: Value) -> Vec<String> {
    codes(&refused(actor, mutation, input).await)
}

/// What became of every address, in order: `SUCCEEDED`, `SKIPPED DUPLICATE`, …
fn outcomes(payload: &Value) -> Vec<String> {
    let results = payload["results"].as_array().expect("results");
    let outcome = |result: &Value| {
        let status = result["status"].as_str().expect("a status").to_owned();
        [vec![status], codes(&result["userErrors"])].concat().join(" ")
    };
    results.iter().map(outcome).collect()
}

/// The input that invites these addresses.
fn to(organization: &str, emails: &[&str]) -> Value {
    json!({ "organization": { "id": organization }, "emails": emails })
}

/// `input` with some fields changed.
fn with(mut input: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("no fields in {more}") };
    input.as_object_mut().expect("an input").extend(more);
    input
}

/// The input that answers an invitation by its token.
fn by_token(token: &str) -> Value {
    json!({ "invitation": { "token": token } })
}

/// The input that answers an invitation by its id.
fn by_id(id: &str) -> Value {
    json!({ "invitation": { "id": id } })
}

/// Invites somebody to a project; answers the id of the invitation and its token.
async fn invite_to_project(inviter: &Actor, project: &str, email: &str) -> (String, String) {
    let invited = done(inviter, PROJECT_INVITE, json!({ "project": { "id": project }, "emails": [email] })).await;
    (id(&invited["results"][0]["invitation"]), token(&invited["results"][0]["acceptUrl"]))
}

/// Adds a custom role to Acme.
async fn custom_role(roster: &Roster, scope: &str, key: &str, permissions: &[&str]) {
    let permissions = permissions.join(",");
    roster
        .sql(&format!(
            "INSERT INTO roles (organization_id, id, scope, key, permissions, name, sort_name, rank, created_at, updated_at) \
             SELECT id, gen_random_uuid(), '{scope}', '{key}', '{{{permissions}}}', '{key}', '{key}', 5, created_at, created_at \
             FROM organizations WHERE slug = 'acme'"
        ))
        .await;
}

/// The states of the invitations to an address, oldest first.
async fn statuses(roster: &Roster, email: &str) -> Vec<String> {
    let first_event = "SELECT min(version) FROM events WHERE subject_id = invitations.id";
    roster.texts(&format!("SELECT status FROM invitations WHERE email = '{email}' ORDER BY ({first_event})")).await
}

/// The id of the pending invitation to an address.
async fn pending(roster: &Roster, email: &str) -> String {
    let found =
        roster.texts(&format!("SELECT id FROM invitations WHERE email = '{email}' AND status = 'PENDING'")).await;
    InvitationId(found[0].parse().expect("an id")).to_string()
}

/// How many rows a table has.
async fn count(roster: &Roster, table: &str) -> String {
    roster.texts(&format!("SELECT count(*) FROM {table}")).await.concat()
}
