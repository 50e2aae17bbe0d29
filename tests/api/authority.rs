//! The ways around the promises of authority that were found, each as it was tried. The whole kinds are searched for in
//! `edges`, `escalation` and `escalation_decisions`.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{ACCEPT, Actor, Roster, codes, id};

const INVITE: &str = "mutation($input: OrganizationInviteInput!) { organizationInvite(input: $input) { results { status invitation { id } userErrors { code } } userErrors { code } } }";
const PROJECT_INVITE: &str = "mutation($input: ProjectInviteInput!) { projectInvite(input: $input) { results { status acceptUrl invitation { id role { key } } projectMember { id } userErrors { code } } userErrors { code path } } }";
const UPDATE_ROLE: &str = "mutation($input: OrganizationMemberUpdateRoleInput!) { organizationMemberUpdateRole(input: $input) { member { role { key } } apiKeyChanges { name ends lostPermissions apiKey { id } } userErrors { code } } }";
const REMOVE: &str = "mutation($input: OrganizationMemberRemoveInput!) { organizationMemberRemove(input: $input) { removedOrganizationMemberId apiKeyChanges { name ends lostPermissions apiKey { id isActive responsible { displayName } } } userErrors { code path } } }";
const LEAVE: &str = "mutation($input: OrganizationLeaveInput!) { organizationLeave(input: $input) { removedOrganizationMemberId apiKeyChanges { name ends lostPermissions apiKey { id } } userErrors { code } } }";
const TRANSFER: &str = "mutation($input: OrganizationOwnershipTransferInput!) { organizationOwnershipTransfer(input: $input) { organization { id } apiKeyChanges { name ends lostPermissions } userErrors { code message } } }";
const CREATE_KEY: &str = "mutation($input: ApiKeyCreateInput!) { apiKeyCreate(input: $input) { secret apiKey { id expiresAt responsible { displayName } permissions { key } grantedPermissions { key } } userErrors { code path } } }";
const KEY: &str = "query($id: ID!) { node(id: $id) { ... on ApiKey { isActive responsible { displayName } permissions { key } grantedPermissions { key } expiresAt } } }";
const CREATE_ROLE: &str =
    "mutation($input: RoleCreateInput!) { roleCreate(input: $input) { role { id } userErrors { code } } }";
const DELETE_ROLE: &str =
    "mutation($input: RoleDeleteInput!) { roleDelete(input: $input) { deletedRoleId userErrors { code } } }";
const STATUS: &str = "query($id: ID!) { node(id: $id) { ... on Invitation { status role { key } roleName projects { projectName } teams { teamName } } } }";
const PERMISSIONS: &str = "{ organization(by: {slug: \"acme\"}) { viewerPermissions } }";

fn verified(email: &str, name: &str) -> Value {
    json!({ "email": email, "email_verified": true, "name": name })
}

/// An API key of whoever makes it: its id, and who holds it.
async fn key(maker: &Actor, organization: &str, permissions: &[&str], more: Value) -> (String, Actor) {
    let mut input = json!({ "organization": { "id": organization }, "name": "Backend", "permissions": permissions });
    for (field, value) in more.as_object().into_iter().flatten() {
        input[field] = value.clone();
    }
    let made = maker.payload(CREATE_KEY, json!({ "input": input })).await;
    assert_eq!(made["userErrors"], json!([]));
    (id(&made["apiKey"]), maker.roster.actor("key", made["secret"].as_str().unwrap()))
}

/// What a key may do in Acme; none when it is refused at sign-in, with the reason.
async fn held(key: &Actor) -> Result<Vec<String>, String> {
    let answer = key.post(PERMISSIONS, json!({})).await;
    match answer.status.as_u16() {
        200 => Ok(serde_json::from_value(answer.body["data"]["organization"]["viewerPermissions"].clone()).unwrap()),
        401 => Err(answer.body["errors"][0]["message"].as_str().unwrap().to_owned()),
        other => panic!("{other} {}", answer.body),
    }
}

async fn keys_of(holder: &Actor, key: &str) -> Value {
    holder.data(KEY, json!({ "id": key })).await["node"].clone()
}

/// What becomes of keys: name, whether it ends, how many permissions it loses; by name.
fn changes(payload: &Value) -> Vec<(&str, bool, usize)> {
    fn change(change: &Value) -> (&str, bool, usize) {
        let lost = change["lostPermissions"].as_array().unwrap().len();
        (change["name"].as_str().unwrap(), change["ends"].as_bool().unwrap(), lost)
    }
    let mut changes: Vec<_> = payload["apiKeyChanges"].as_array().unwrap().iter().map(change).collect();
    changes.sort_unstable();
    changes
}

/// A1: an unverified address names nobody.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_somebody_only_claims_names_nobody() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let project = roster.project(&alice, &acme, "Apollo").await;
    let (_, member) = roster.member(&alice, &acme, "mallory", "viewer").await;
    roster.wait(TimeDelta::minutes(2));
    let claim =
        json!({ "email": "ceo@acme.com", "email_verified": false, "name": "Mallory", "iat": roster.now().timestamp() });
    let mallory = roster.claiming("mallory@example.com", claim);
    let seen = alice
        .data(
            "query($id: ID!) { node(id: $id) { ... on OrganizationMember { user { email emailVerified } } } }",
            json!({ "id": member }),
        )
        .await;
    assert_eq!(
        mallory.data("{ viewer { user { email emailVerified } } }", json!({})).await["viewer"]["user"],
        json!({ "email": "ceo@acme.com", "emailVerified": false })
    );
    assert_ne!(seen, json!(null));

    let to = json!({ "project": { "id": project }, "emails": ["ceo@acme.com"], "role": { "key": "admin" } });
    let invited = alice.payload(PROJECT_INVITE, json!({ "input": to })).await;
    let result = &invited["results"][0];
    assert_eq!((&result["status"], &result["projectMember"]), (&json!("SUCCEEDED"), &json!(null)));
    let invitation = id(&result["invitation"]);
    assert_eq!(mallory.data("query($id: ID!) { node(id: $id) { id } project(by: {path: {organization: \"acme\", project: \"apollo\"}}) { id } }", json!({ "id": invitation })).await["project"], json!(null));
    // She leaves: what is pending to the real holder stays.
    assert_eq!(
        mallory.payload(LEAVE, json!({ "input": { "organization": { "slug": "acme" } } })).await["userErrors"],
        json!([])
    );
    assert_eq!(alice.data(STATUS, json!({ "id": invitation })).await["node"]["status"], "PENDING");
    roster.assert_counters().await;
}

/// A2: an address that passes on leaves its former holder without one, in every copy.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_passed_on_names_its_new_holder_alone() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let project = roster.project(&alice, &acme, "Apollo").await;
    let bob = roster.claiming("bob-1", json!({ "email": "bob@example.com", "email_verified": true }));
    let (_, token) = roster.invite(&alice, &acme, "bob@example.com", "member").await;
    let joined = bob.data(ACCEPT, json!({ "token": token })).await;
    let member = id(&joined["invitationAccept"]["organizationMember"]);
    roster.team(&alice, &acme, "Team", &["bob"]).await;
    roster.project_member(&alice, &project, "bob", "viewer").await;

    let other = roster.claiming("bob-2", verified("bob@example.com", "Robert"));
    other.user_id().await;
    let copies = "SELECT email || '|' || display_name || '|' || sort_name || '|' || search_text FROM organization_members WHERE sort_name <> 'alice' \
        UNION ALL SELECT email || '|' || display_name || '|' || sort_name || '|' || search_text FROM project_members WHERE NOT is_owner \
        UNION ALL SELECT email || '|' || display_name || '|' || sort_name || '|' || search_text FROM team_members \
        UNION ALL SELECT email || '|' || display_name || '||' FROM users WHERE subject = 'bob-1'";
    let nameless = "|No name|no name|no name";
    assert_eq!(roster.texts(copies).await, [nameless, nameless, nameless, "|No name||"]);
    let shown = alice.data("query($id: ID!) { node(id: $id) { ... on OrganizationMember { user { displayName email emailVerified } } } }", json!({ "id": member })).await;
    assert_eq!(shown["node"]["user"], json!({ "displayName": "No name", "email": null, "emailVerified": false }));
    // Every operation that takes an address means the new holder, who is nobody in Acme yet.
    let to = json!({ "project": { "id": project }, "emails": ["bob@example.com"] });
    let invited = alice.payload(PROJECT_INVITE, json!({ "input": to })).await;
    assert_eq!(invited["results"][0]["projectMember"], json!(null));
    assert_eq!(invited["results"][0]["status"], "SUCCEEDED");
    let again = json!({ "input": { "organization": { "id": acme }, "emails": ["bob@example.com"] } });
    assert_eq!(codes(&alice.payload(INVITE, again).await["results"][0]["userErrors"]), ["ALREADY_INVITED"]);
    let role = json!({ "member": { "lookup": { "organization": { "id": acme }, "user": { "email": "bob@example.com" } } }, "role": { "key": "admin" } });
    assert_eq!(alice.refused(UPDATE_ROLE, json!({ "input": role })).await, ["NOT_FOUND"]);
    let accept = "mutation($id: ID!) { invitationAccept(input: {invitation: {id: $id}}) { organizationMember { id } userErrors { code } } }";
    let accepted = other.payload(accept, json!({ "id": id(&invited["results"][0]["invitation"]) })).await;
    assert_ne!(id(&accepted["organizationMember"]), member);

    // The former holder gets an address again with the next sign-in that brings one.
    roster.wait(TimeDelta::minutes(2));
    roster.claiming("bob-1", verified("bobby@example.com", "Bobby")).user_id().await;
    assert_eq!(
        roster.texts("SELECT email || ' ' || display_name FROM users WHERE subject = 'bob-1'").await,
        ["bobby@example.com Bobby"]
    );
    roster.assert_counters().await;
}

/// A3: whoever invites to a project gives no more than they have in the organization either.
#[tokio::test(flavor = "multi_thread")]
async fn inviting_to_a_project_gives_nothing_in_the_organization_that_the_inviter_lacks() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let project = roster.project(&alice, &acme, "Apollo").await;
    let (vera, _) = roster.member(&alice, &acme, "vera", "viewer").await;
    roster.project_member(&alice, &project, "vera", "admin").await;
    let in_project = ["project.read", "project.members.read", "project.invitations.manage"];
    let key = roster.key(&acme, Some(&project), &in_project).await;
    for (inviter, role) in [(&vera, "member"), (&key, "viewer")] {
        let email = format!("second-{}@example.com", inviter.name);
        let to = json!({ "project": { "id": project }, "emails": [email], "role": { "key": "viewer" } });
        let mut stronger = to.clone();
        stronger["organizationRole"] = json!({ "key": role });
        assert_eq!(inviter.refused(PROJECT_INVITE, json!({ "input": stronger })).await, ["ROLE_NOT_ASSIGNABLE"]);
        let invited = inviter.payload(PROJECT_INVITE, json!({ "input": to })).await;
        assert_eq!(invited["results"][0]["status"], "SUCCEEDED");
        let second = roster.person_at(&email);
        let token = crate::support::token(&invited["results"][0]["acceptUrl"]);
        let accepted = second.payload(ACCEPT, json!({ "token": token })).await;
        assert_eq!(accepted["organizationMember"]["role"]["key"], "guest");
        let seen = second
            .data(
                "{ organization(by: {slug: \"acme\"}) { name viewerPermissions projects { nodes { slug } } } }",
                json!({}),
            )
            .await;
        assert_eq!(
            seen["organization"],
            json!({ "name": "Acme", "viewerPermissions": [], "projects": { "nodes": [{ "slug": "apollo" }] } })
        );
    }
    // Who may give Member brings people in as members, and may choose less.
    for (role, joins_as) in [(json!(null), "member"), (json!({ "key": "guest" }), "guest")] {
        let to = json!({ "project": { "id": project }, "emails": [format!("{joins_as}@example.com")], "organizationRole": role });
        let invited = alice.payload(PROJECT_INVITE, json!({ "input": to })).await;
        assert_eq!(invited["results"][0]["invitation"]["role"]["key"], joins_as);
    }
}

/// A4: a key holds no more than who answers for it, and ends with them.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_never_holds_more_than_who_answers_for_it() {
    let roster = Roster::start().await;
    let other_server = roster.replica();
    let _hearing = other_server.listen().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (bob, member) = roster.member(&alice, &acme, "bob", "admin").await;
    let all = ["members.read", "members.manage", "api_keys.manage", "invitations.manage"];
    let (id_of_key, backend) = key(&bob, &acme, &all, json!({})).await;
    let elsewhere = other_server.actor("key", backend.authorization().unwrap().strip_prefix("Bearer ").unwrap());
    assert_eq!((held(&backend).await.unwrap().len(), held(&elsewhere).await.unwrap().len()), (4, 4));
    let made = json!({ "input": { "organization": { "id": acme }, "name": "Child", "permissions": ["members.read"] } });
    let child = backend.payload(CREATE_KEY, made).await;
    let child_key = roster.actor("key", child["secret"].as_str().unwrap());
    assert_eq!(child["apiKey"]["responsible"]["displayName"], "Bob");

    // A dry run says what a demotion does to the keys, and does nothing.
    let demote = |dry: bool, role: &str| json!({ "input": { "member": { "id": member }, "role": { "key": role }, "dryRun": dry } });
    let told = alice.payload(UPDATE_ROLE, demote(true, "viewer")).await;
    assert_eq!((changes(&told)[0], held(&backend).await.unwrap().len()), (("Backend", false, 3), 4));
    alice.payload(UPDATE_ROLE, demote(false, "viewer")).await;
    // At once on the server that did it, and on the others once they hear of it.
    assert_eq!(held(&backend).await.unwrap(), ["members.read"]);
    while held(&elsewhere).await.unwrap() != ["members.read"] {
        tokio::task::yield_now().await;
    }
    let raise = json!({ "input": { "member": { "id": member }, "role": { "key": "admin" } } });
    assert_eq!(backend.refused(UPDATE_ROLE, raise).await, ["FORBIDDEN"]);
    let shown = keys_of(&alice, &id_of_key).await;
    assert_eq!(
        (shown["permissions"].as_array().unwrap().len(), shown["grantedPermissions"].as_array().unwrap().len()),
        (1, 4)
    );
    // Nothing is left: told at sign-in, and why.
    let guest = alice.payload(UPDATE_ROLE, demote(false, "guest")).await;
    assert_eq!(changes(&guest)[0], ("Backend", true, 1));
    assert!(held(&backend).await.unwrap_err().contains("no permission left"));
    // Raised again, it can do again what it was granted.
    alice.payload(UPDATE_ROLE, demote(false, "admin")).await;
    assert_eq!(held(&backend).await.unwrap().len(), 4);

    // Removal ends it, and what it made.
    let removed = alice.payload(REMOVE, json!({ "input": { "member": { "id": member } } })).await;
    let ended: Vec<&Value> =
        removed["apiKeyChanges"].as_array().unwrap().iter().map(|change| &change["ends"]).collect();
    assert_eq!(ended, [&json!(true), &json!(true)]);
    assert_eq!((held(&backend).await.is_err(), held(&child_key).await.is_err()), (true, true));
    while held(&elsewhere).await.is_ok() {
        tokio::task::yield_now().await;
    }
    // For good: who comes back does not bring it back.
    let (_, token) = roster.invite(&alice, &acme, "bob@example.com", "admin").await;
    bob.data(ACCEPT, json!({ "token": token })).await;
    assert!(held(&backend).await.is_err());
    assert_eq!(keys_of(&alice, &id_of_key).await["isActive"], json!(false));
}

/// A4: leaving ends them as well, and whoever removes somebody can answer for their keys instead.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_taken_over_or_end() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (bob, member) = roster.member(&alice, &acme, "bob", "admin").await;
    let (carol, carols) = roster.member(&alice, &acme, "carol", "member").await;
    let (kept, backend) = key(&bob, &acme, &["members.read", "members.manage"], json!({})).await;
    let input = json!({ "input": { "member": { "id": member }, "apiKeys": "TAKE_OVER" } });
    // Who may not manage keys takes none over, though they may end the keys of members below them.
    let custom = json!({ "organization": { "id": acme }, "scope": "ORGANIZATION", "name": "Manager", "permissions": ["members.read", "members.manage"] });
    assert_eq!(alice.payload(CREATE_ROLE, json!({ "input": custom })).await["userErrors"], json!([]));
    let manager = json!({ "input": { "member": { "id": carols }, "role": { "key": "manager" } } });
    assert_eq!(alice.payload(UPDATE_ROLE, manager).await["userErrors"], json!([]));
    assert_eq!(carol.refused(REMOVE, input.clone()).await, ["FORBIDDEN"]);
    let taken = alice.payload(REMOVE, input).await;
    assert_eq!((&taken["userErrors"], &taken["apiKeyChanges"]), (&json!([]), &json!([])));
    assert_eq!(held(&backend).await.unwrap(), ["members.read", "members.manage"]);
    assert_eq!(keys_of(&alice, &kept).await["responsible"]["displayName"], "Alice");

    // Who leaves is told before which keys end, and they end.
    let (dave, _) = roster.member(&alice, &acme, "dave", "admin").await;
    let (_, own) = key(&dave, &acme, &["members.read"], json!({})).await;
    let leave = |dry: bool| json!({ "input": { "organization": { "id": acme }, "dryRun": dry } });
    let told = dave.payload(LEAVE, leave(true)).await;
    assert_eq!((changes(&told), held(&own).await.is_ok()), (vec![("Backend", true, 1)], true));
    let left = dave.payload(LEAVE, leave(false)).await;
    assert_eq!((changes(&left), held(&own).await.is_ok()), (vec![("Backend", true, 1)], false));

    // Somebody else's key is taken over by those who can do what it was granted.
    let (erin, _) = roster.member(&alice, &acme, "erin", "admin").await;
    let take_over = "mutation($id: ID!) { apiKeyTakeOver(input: {apiKeyId: $id}) { apiKey { responsible { displayName } } userErrors { code path } } }";
    assert_eq!(carol.refused(take_over, json!({ "id": kept })).await, ["NOT_FOUND"]);
    assert_eq!(backend.refused(take_over, json!({ "id": kept })).await, ["FORBIDDEN"]);
    assert_eq!(erin.payload(take_over, json!({ "id": kept })).await["apiKey"]["responsible"]["displayName"], "Erin");
    roster.assert_counters().await;
}

/// A4: nobody takes back by a key what they gave away, and a key makes nothing that outlives it.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_holds_neither_the_ownership_nor_more_time_than_it_has() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (_, bob) = roster.member(&alice, &acme, "bob", "member").await;
    for never in ["organization.transfer", "organization.delete"] {
        let input = json!({ "organization": { "id": acme }, "name": "Backend", "permissions": [never] });
        assert_eq!(alice.refused(CREATE_KEY, json!({ "input": input })).await, ["INVALID"]);
    }
    let expiry = "2026-11-21T10:00:00.000Z";
    let (parent, backend) =
        key(&alice, &acme, &["api_keys.manage", "members.read"], json!({ "expiresAt": expiry })).await;
    let make = |expires: Value| json!({ "input": { "organization": { "id": acme }, "name": "Child", "permissions": ["members.read"], "expiresAt": expires } });
    let later = backend.payload(CREATE_KEY, make(json!("2026-12-21T10:00:00Z"))).await;
    assert_eq!(later["userErrors"], json!([{ "code": "INVALID", "path": ["input", "expiresAt"] }]));
    let child = backend.payload(CREATE_KEY, make(json!(null))).await;
    assert_eq!(child["apiKey"]["expiresAt"], expiry);
    let child_key = roster.actor("key", child["secret"].as_str().unwrap());
    let grandchild = roster.actor("key", child["secret"].as_str().unwrap());
    assert_eq!(held(&grandchild).await.unwrap(), ["members.read"]);
    // A key gets no other key's secret.
    let (lasting, _) = key(&alice, &acme, &["members.read"], json!({})).await;
    let rotate = "mutation($id: ID!) { apiKeyRotate(input: {apiKeyId: $id}) { secret userErrors { code } } }";
    assert_eq!(backend.refused(rotate, json!({ "id": lasting })).await, ["FORBIDDEN"]);
    let revoke = "mutation($id: ID!) { apiKeyRevoke(input: {apiKeyId: $id}) { userErrors { code } } }";
    assert_eq!(alice.payload(revoke, json!({ "id": parent })).await["userErrors"], json!([]));
    assert!(held(&child_key).await.is_err());

    // The owner before can do less, and so can their keys.
    let (_, owners) = key(&alice, &acme, &["projects.own", "members.read"], json!({})).await;
    let to = json!({ "input": { "organization": { "id": acme }, "newOwner": { "id": id(&alice.data("query($id: ID!) { node(id: $id) { ... on OrganizationMember { user { id } } } }", json!({ "id": bob })).await["node"]["user"]) } } });
    let sold = alice.payload(TRANSFER, to).await;
    assert_eq!(
        (
            &sold["userErrors"],
            changes(
                &json!({ "apiKeyChanges": [sold["apiKeyChanges"].as_array().unwrap().iter().find(|change| change["name"] == "Backend" && change["lostPermissions"] == json!(["projects.own"])).unwrap()] })
            )
        ),
        (&json!([]), vec![("Backend", false, 1)])
    );
    assert_eq!(held(&owners).await.unwrap(), ["members.read"]);
}

/// Transfers hand out all that the owner may do, so it takes all of that.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_transfer_alone_makes_nobody_the_owner() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let role = json!({ "organization": { "id": acme }, "scope": "ORGANIZATION", "name": "Seller", "key": "seller", "permissions": ["members.read", "organization.transfer"] });
    assert_eq!(alice.payload(CREATE_ROLE, json!({ "input": role })).await["userErrors"], json!([]));
    let (mallory, _) = roster.member(&alice, &acme, "mallory", "seller").await;
    roster.member(&alice, &acme, "accomplice", "viewer").await;
    let to = json!({ "input": { "organization": { "id": acme }, "newOwner": { "email": "accomplice@example.com" } } });
    assert_eq!(mallory.refused(TRANSFER, to).await, ["FORBIDDEN"]);
}

/// A5: a credential that ends while a change waits for the lock changes nothing any more.
#[tokio::test(flavor = "multi_thread")]
async fn what_decides_is_read_after_the_lock() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (parent, backend) = key(&alice, &acme, &["api_keys.manage", "members.read"], json!({})).await;
    assert_eq!(held(&backend).await.unwrap().len(), 2);
    let keys = "SELECT count(*) FROM api_keys";
    assert_eq!(roster.texts(keys).await, ["1"]);
    let mut blocker = Blocker { connection: roster.connection().await };
    blocker.batch("BEGIN; SELECT FROM organizations FOR UPDATE").await;
    let make = json!({ "input": { "organization": { "id": acme }, "name": "Child", "permissions": ["members.read"] } });
    let waiting = (0..5).map(|_| {
        let (backend, make) = (backend.clone(), make.clone());
        tokio::spawn(async move { backend.error_codes(CREATE_KEY, make).await })
    });
    let waiting: Vec<_> = waiting.collect();
    // All five wait for the row.
    let waiters =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while roster.texts(waiters).await != ["5"] {
        tokio::task::yield_now().await;
    }
    let id = roster.texts("SELECT id FROM api_keys").await.remove(0);
    blocker.batch(&format!("UPDATE api_keys SET revoked_at = now() WHERE id = '{id}'; COMMIT")).await;
    for codes in join_all(waiting).await {
        assert_eq!(codes.unwrap(), ["UNAUTHENTICATED"]);
    }
    assert_eq!(roster.texts(keys).await, ["1"], "{parent}");
}

/// A6: an older token undoes nothing, and two good tokens do not take turns.
#[tokio::test(flavor = "multi_thread")]
async fn newer_claims_win() {
    let roster = Roster::start().await;
    let start = roster.now().timestamp();
    let at = |seconds: i64, subject: &str, email: &str, name: &str| {
        let mut claims = verified(email, name);
        claims["iat"] = json!(start - 3600 + seconds);
        roster.claiming(subject, claims)
    };
    let rows = || {
        roster.texts("SELECT subject || ' ' || email || ' ' || email_verified || ' ' || display_name || ' ' || xmin FROM users ORDER BY subject")
    };
    let look = async |actor: &Actor| {
        // Past the few seconds for which a sign-in is taken for known.
        roster.wait(TimeDelta::seconds(6));
        let user = actor.data("{ viewer { user { displayName email } } }", json!({})).await["viewer"]["user"].clone();
        (user["displayName"].as_str().unwrap().to_owned(), user["email"].as_str().map(str::to_owned))
    };
    let (old, new) = (at(100, "a", "old@example.com", "Old"), at(200, "a", "new@example.com", "New"));
    let newest = || ("New".to_owned(), Some("new@example.com".to_owned()));
    assert_eq!(look(&old).await.0, "Old");
    assert_eq!(look(&new).await, newest());
    let before = rows().await;
    for token in [&old, &new, &old, &new] {
        assert_eq!(look(token).await, newest());
    }
    assert_eq!(rows().await, before, "no request writes");
    // A token of the same second says nothing newer.
    assert_eq!(look(&at(200, "a", "same@example.com", "Same")).await, newest());
    // A newer token that changes nothing counts as well: what is older than it changes nothing back.
    assert_eq!(look(&at(500, "a", "new@example.com", "New")).await, newest());
    assert_eq!(look(&at(400, "a", "between@example.com", "Between")).await, newest());

    // An address goes to whom it was verified for last, whoever asks last.
    let taker = at(600, "b", "new@example.com", "Taker");
    assert_eq!(look(&taker).await.1.as_deref(), Some("new@example.com"));
    for token in [&new, &taker, &new] {
        look(token).await;
    }
    assert_eq!(roster.texts("SELECT subject FROM users WHERE email = 'new@example.com'").await, ["b"]);
    let late = at(550, "c", "new@example.com", "Late");
    assert_eq!(look(&late).await, ("Late".to_owned(), None));
    assert_eq!(roster.texts("SELECT subject FROM users WHERE email = 'new@example.com'").await, ["b"]);
    assert_eq!(look(&at(700, "a", "new@example.com", "New")).await, newest());

    // Without the time of issue claims count once a minute.
    let silent = |name: &str| roster.claiming("d", verified("d@example.com", name));
    assert_eq!(look(&silent("One")).await.0, "One");
    assert_eq!(look(&silent("Two")).await.0, "One");
    roster.wait(TimeDelta::minutes(1));
    assert_eq!(look(&silent("Three")).await.0, "Three");
    roster.assert_counters().await;
}

/// A7: an invitation shows no project to those who do not see it.
#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_opens_no_project() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let project = roster.project(&alice, &acme, "Secret").await;
    let (max, _) = roster.member(&alice, &acme, "max", "member").await;
    let to = json!({ "input": { "project": { "id": project }, "emails": ["zoe@example.com"] } });
    assert_eq!(alice.payload(PROJECT_INVITE, to).await["results"][0]["status"], "SUCCEEDED");
    let read = "{ organization(by: {slug: \"acme\"}) { invitations { nodes { project { name description } projects { projectName project { name description } role { key } } } } } }";
    let seen = |by: Value| by["organization"]["invitations"]["nodes"][0].clone();
    assert_eq!(
        seen(max.data(read, json!({})).await),
        json!({ "project": null, "projects": [{ "projectName": null, "project": null, "role": { "key": "member" } }] })
    );
    assert_eq!(seen(alice.data(read, json!({})).await)["projects"][0]["project"]["name"], "Secret");
    let inbox = "{ viewer { invitations { nodes { organizationName organization { id } projects { projectName project { id } } } } } }";
    let zoe = roster.person("zoe").data(inbox, json!({})).await;
    assert_eq!(
        zoe["viewer"]["invitations"]["nodes"][0],
        json!({ "organizationName": "Acme", "organization": null, "projects": [{ "projectName": "Secret", "project": null }] })
    );
}

/// A8: a membership is written with the profile as it is, whoever changes it at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn a_membership_repeats_the_profile_of_now() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let bob = roster.person("bob");
    let (_, token) = roster.invite(&alice, &acme, "bob@example.com", "member").await;
    bob.user_id().await;
    let mut blocker = Blocker { connection: roster.connection().await };
    blocker.batch("BEGIN; UPDATE users SET display_name = 'Robert' WHERE email = 'bob@example.com'").await;
    let joining = tokio::spawn(async move { bob.refusals(ACCEPT, json!({ "token": token })).await });
    let waiters =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while roster.texts(waiters).await != ["1"] {
        tokio::task::yield_now().await;
    }
    blocker.batch("COMMIT").await;
    assert_eq!(joining.await.unwrap(), Vec::<String>::new());
    let name = "SELECT display_name || ' ' || sort_name FROM organization_members WHERE email = 'bob@example.com'";
    assert_eq!(roster.texts(name).await, ["Robert robert"]);
    roster.assert_counters().await;
}

/// A9: an invitation whose role was deleted gives nothing any more, and what leads added to invitations is looked at again.
#[tokio::test(flavor = "multi_thread")]
async fn what_rests_on_a_deleted_role_is_not_revived() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let role = |key: &str, permissions: &[&str]| json!({ "input": { "organization": { "id": acme }, "scope": "ORGANIZATION", "name": key, "key": key, "permissions": permissions } });
    let reader = id(&alice.payload(CREATE_ROLE, role("reader", &["members.read"])).await["role"]);
    let (invitation, _) = roster.invite(&alice, &acme, "late@example.com", "reader").await;
    roster.wait(TimeDelta::days(8));
    let alice = roster.person("alice");
    assert_eq!(alice.payload(DELETE_ROLE, json!({ "input": { "roleId": reader } })).await["userErrors"], json!([]));
    let shown = alice.data(STATUS, json!({ "id": invitation })).await["node"].clone();
    assert_eq!((&shown["status"], &shown["role"], &shown["roleName"]), (&json!("EXPIRED"), &json!(null), &json!(null)));
    let resend = "mutation($id: ID!) { invitationResend(input: {invitationId: $id}) { userErrors { code } } }";
    assert_eq!(alice.refused(resend, json!({ "id": invitation })).await, ["ROLE_NOT_ASSIGNABLE"]);

    // Tess adds a team to somebody's invitation; her role is replaced by one that manages no teams.
    let teams = id(&alice.payload(CREATE_ROLE, role("teams", &["members.read", "teams.manage"])).await["role"]);
    let (tess, _) = roster.member(&alice, &acme, "tess", "teams").await;
    let team = roster.team(&alice, &acme, "Team", &[]).await;
    let (pending, _) = roster.invite(&alice, &acme, "new@example.com", "viewer").await;
    let add = "mutation($input: TeamMembersAddInput!) { teamMembersAdd(input: $input) { results { status } userErrors { code } } }";
    let to = json!({ "input": { "team": { "id": team }, "members": [{ "user": { "email": "new@example.com" }, "role": "LEAD" }] } });
    assert_eq!(tess.payload(add, to).await["results"][0]["status"], "SUCCEEDED");
    assert_eq!(alice.data(STATUS, json!({ "id": pending })).await["node"]["teams"], json!([{ "teamName": "Team" }]));
    let viewer = alice.data("query { organization(by: {slug: \"acme\"}) { roles(filter: {scope: ORGANIZATION}) { nodes { id key } } } }", json!({})).await;
    let viewer = viewer["organization"]["roles"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|role| role["key"] == "viewer")
        .unwrap()["id"]
        .clone();
    let replaced = json!({ "input": { "roleId": teams, "replacementRoleId": viewer } });
    assert_eq!(alice.payload(DELETE_ROLE, replaced).await["userErrors"], json!([]));
    assert_eq!(alice.data(STATUS, json!({ "id": pending })).await["node"]["teams"], json!([]));
    roster.assert_counters().await;
}

/// A10: a key that is limited to a project knows the organization by its name alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_project_knows_no_more_of_the_organization_than_its_name() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    roster.sql("UPDATE organizations SET description = 'Hidden', website = 'https://example.com/', email = 'us@example.com'").await;
    let project = roster.project(&alice, &acme, "Apollo").await;
    let key = roster.key(&acme, Some(&project), &["project.read", "project.members.read"]).await;
    let read = "{ organization(by: {slug: \"acme\"}) { name description website email owner { id } plan { tier } roles { nodes { scope } } } }";
    let answer = key.post(read, json!({})).await;
    let errors = answer.body["errors"].as_array().unwrap();
    let denied: Vec<&Value> = errors.iter().map(|error| &error["path"][1]).collect();
    assert_eq!(denied, [&json!("owner"), &json!("plan")]);
    let seen = &answer.body["data"]["organization"];
    assert_eq!(
        (&seen["name"], &seen["description"], &seen["website"], &seen["email"]),
        (&json!("Acme"), &json!(null), &json!(null), &json!(null))
    );
    assert!(seen["roles"]["nodes"].as_array().unwrap().iter().all(|role| role["scope"] == "PROJECT"));
    // What the mail server said is no business of the invitee.
    roster.invite(&alice, &acme, "zoe@example.com", "viewer").await;
    roster.sql("UPDATE mails SET status = 'FAILED', error = '550 no such user'").await;
    let inbox = "{ viewer { invitations { nodes { delivery { status error } } } } }";
    let zoe = roster.person("zoe").data(inbox, json!({})).await;
    assert_eq!(zoe["viewer"]["invitations"]["nodes"][0]["delivery"], json!({ "status": "FAILED", "error": null }));
    let sent = alice
        .data("{ organization(by: {slug: \"acme\"}) { invitations { nodes { delivery { error } } } } }", json!({}))
        .await;
    assert_eq!(sent["organization"]["invitations"]["nodes"][0]["delivery"]["error"], "550 no such user");
}

/// Sees what all members see: that is more than a guest does, whatever a role permits.
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_brings_in_guests_alone_and_learns_of_no_other_role() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let hydra = roster.project(&alice, &acme, "Hydra").await;
    let make = json!({ "organization": { "id": acme }, "scope": "ORGANIZATION", "key": "bare", "name": "Bare", "permissions": [] });
    let bare = id(&alice.payload(CREATE_ROLE, json!({ "input": make })).await["role"]);
    let (gus, _) = roster.member(&alice, &acme, "gus", "guest").await;
    let in_hydra = roster.project_member(&alice, &hydra, "gus", "admin").await;
    let of_hydra = ["project.read", "project.members.read", "project.members.manage", "project.invitations.manage"];
    let (_, limited) = key(&alice, &acme, &of_hydra, json!({ "project": { "id": hydra } })).await;
    let missing = json!({ "key": "no-such-role" });
    for actor in [&gus, &limited] {
        let invite = async |email: &str, more: Value| {
            let mut input = json!({ "project": { "id": hydra }, "emails": [email] });
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            actor.payload(PROJECT_INVITE, json!({ "input": input })).await
        };
        let member =
            invite("zoe@example.com", json!({ "organizationRole": { "key": "viewer" } })).await["userErrors"].clone();
        assert_eq!(member, json!([{ "code": "ROLE_NOT_ASSIGNABLE", "path": ["input", "organizationRole"] }]));
        // One that is made and hidden is answered like one that is not there, by whichever name.
        let roles = [json!({ "key": "bare" }), json!({ "id": bare }), missing.clone()];
        for role in &roles {
            let refused = invite("zoe@example.com", json!({ "organizationRole": role })).await["userErrors"].clone();
            assert_eq!(refused, json!([{ "code": "NOT_FOUND", "path": ["input", "organizationRole"] }]), "{role}");
        }
        for role in [json!({ "id": bare }), json!({ "key": "bare" }), missing.clone()] {
            let refused = invite("zoe@example.com", json!({ "role": role })).await["userErrors"].clone();
            assert_eq!(refused, json!([{ "code": "NOT_FOUND", "path": ["input", "role"] }]), "{role}");
            let update = "mutation($member: ID!, $role: RoleRefInput!) { projectMemberUpdateRole(input: {member: {id: $member}, role: $role}) { userErrors { code } } }";
            assert_eq!(actor.refused(update, json!({ "member": in_hydra, "role": role })).await, ["NOT_FOUND"]);
        }
        let email = format!("friend-of-{}@example.com", actor.name);
        let told = invite(&email, json!({ "organizationRole": { "key": "guest" } })).await["results"][0].clone();
        let seen = alice.data(STATUS, json!({ "id": told["invitation"]["id"] })).await["node"].clone();
        assert_eq!(seen["role"]["key"], "guest", "{told}");
    }
}

/// A filter tells of nobody whom the list itself would not show.
#[tokio::test(flavor = "multi_thread")]
async fn filters_tell_nothing_of_hidden_members() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let hydra = roster.project(&alice, &acme, "Hydra").await;
    let make = json!({ "organization": { "id": acme }, "scope": "PROJECT", "key": "reader", "name": "Reader", "permissions": ["project.read"] });
    alice.payload(CREATE_ROLE, json!({ "input": make })).await;
    let (bob, _) = roster.member(&alice, &acme, "bob", "viewer").await;
    roster.member(&alice, &acme, "carol", "viewer").await;
    roster.project_member(&alice, &hydra, "bob", "reader").await;
    roster.project_member(&alice, &hydra, "carol", "viewer").await;
    let projects = "query($who: String!) { organization(by: {slug: \"acme\"}) { projects(filter: {member: {email: $who}}) { totalCount nodes { slug } } } }";
    let members = "query($project: ID!) { organization(by: {slug: \"acme\"}) { members(filter: {projects: [{id: $project}]}) { totalCount } } }";
    let count = async |actor: &Actor, query: &str, variables: Value| {
        let of = actor.data(query, variables).await["organization"].clone();
        of["projects"]["totalCount"].as_u64().or_else(|| of["members"]["totalCount"].as_u64()).unwrap()
    };
    for (who, shown) in [("carol", 0), ("nobody", 0), ("bob", 1)] {
        assert_eq!(count(&bob, projects, json!({ "who": format!("{who}@example.com") })).await, shown, "{who}");
    }
    assert_eq!(count(&bob, members, json!({ "project": hydra })).await, 0);
    assert_eq!(count(&alice, projects, json!({ "who": "carol@example.com" })).await, 1);
    assert_eq!(count(&alice, members, json!({ "project": hydra })).await, 3);
}

/// Who adds their project to somebody's invitation knows it by that project alone; and whoever knows it is told that
/// they may not, not that it is missing.
#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_is_added_tells_no_more_of_the_invitation() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let hydra = roster.project(&alice, &acme, "Hydra").await;
    let (gus, _) = roster.member(&alice, &acme, "gus", "guest").await;
    roster.project_member(&alice, &hydra, "gus", "admin").await;
    let zoe = json!({ "organization": { "id": acme }, "emails": ["zoe@example.com"], "role": { "key": "admin" }, "message": "Quiet." });
    let sent = id(&alice.payload(INVITE, json!({ "input": zoe })).await["results"][0]["invitation"]);
    let terms = "query($id: ID!) { node(id: $id) { ... on Invitation { message role { key } roleName projects { projectName } } } }";
    let revoke = "mutation($id: ID!) { invitationRevoke(input: {invitationId: $id}) { userErrors { code } } }";
    assert_eq!(gus.data(terms, json!({ "id": sent })).await["node"], json!(null));
    assert_eq!(gus.refused(revoke, json!({ "id": sent })).await, ["NOT_FOUND"]);
    let add = json!({ "project": { "id": hydra }, "emails": ["zoe@example.com"] });
    assert_eq!(gus.payload(PROJECT_INVITE, json!({ "input": add })).await["results"][0]["status"], "SUCCEEDED");
    let told = gus.data(terms, json!({ "id": sent })).await["node"].clone();
    assert_eq!(
        told,
        json!({ "message": null, "role": null, "roleName": null, "projects": [{ "projectName": "Hydra" }] })
    );
    assert_eq!(gus.refused(revoke, json!({ "id": sent })).await, ["FORBIDDEN"]);
    for actor in [&alice, &roster.person("zoe")] {
        let told = actor.data(terms, json!({ "id": sent })).await["node"].clone();
        assert_eq!((&told["message"], &told["roleName"]), (&json!("Quiet."), &json!("Admin")));
    }
}

/// A connection that keeps others waiting.
struct Blocker {
    connection: roster::store::Connection,
}

impl Blocker {
    async fn batch(&mut self, sql: &str) {
        diesel_async::SimpleAsyncConnection::batch_execute(&mut self.connection, sql).await.expect(sql);
    }
}
