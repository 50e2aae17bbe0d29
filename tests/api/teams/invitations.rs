//! Invitations that grant teams, through every end that an invitation can have.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{
    ADD, REMOVE, REPLACE, Stage, UPDATE_ROLE, adding, by, done, lead, member, named, outcomes, refused, refused_codes,
    with,
};
use crate::support::{Actor, id, token};

const INVITE: &str = "mutation($input: OrganizationInviteInput!) { payload: organizationInvite(input: $input) { results { status acceptUrl invitation { id teams { team { slug name } role } } userErrors { code path } } userErrors { code path ... on PermissionUserError { requiredPermission } ... on LimitUserError { limit actual } } } }";
const ACCEPT: &str = "mutation($input: InvitationAcceptInput!) { payload: invitationAccept(input: $input) { organizationMember { id } teamMembers { id team { slug } role status user { email } organizationMember { role { key } } invitation { id } } userErrors { code path } } }";
const DECLINE: &str = "mutation($input: InvitationDeclineInput!) { payload: invitationDecline(input: $input) { invitation { id } userErrors { code path } } }";
const REVOKE: &str = "mutation($input: InvitationRevokeInput!) { payload: invitationRevoke(input: $input) { invitation { id } userErrors { code path } } }";
const RESEND: &str = "mutation($input: InvitationResendInput!) { payload: invitationResend(input: $input) { acceptUrl userErrors { code path } } }";
const CHANGE: &str = "mutation($input: InvitationUpdateInput!) { payload: invitationUpdate(input: $input) { invitation { teams { team { slug } role } } userErrors { code path } } }";
const MEMBER_ROLE: &str = "mutation($input: OrganizationMemberUpdateRoleInput!) { payload: organizationMemberUpdateRole(input: $input) { userErrors { code path } } }";

fn invite(organization: &str, name: &str, teams: Value) -> Value {
    json!({ "organization": { "id": organization }, "emails": [format!("{name}@example.com")], "teams": teams })
}

fn team(id: &str) -> Value {
    json!({ "team": { "id": id } })
}

fn led(id: &str) -> Value {
    json!({ "team": { "id": id }, "role": "LEAD" })
}

/// An invitation that was sent, and the token of its link.
async fn invited(actor: &Actor, organization: &str, name: &str, teams: Value) -> (String, String) {
    let payload = done(actor, INVITE, invite(organization, name, teams)).await;
    (id(&payload["results"][0]["invitation"]), token(&payload["results"][0]["acceptUrl"]))
}

fn by_token(token: &str) -> Value {
    json!({ "invitation": { "token": token } })
}

impl Stage {
    /// The events of teams and members of teams since a number of events.
    async fn of_teams(&self, since: usize) -> Vec<String> {
        self.since(since).await.into_iter().filter(|kind| kind.starts_with("team_member.")).collect()
    }

    async fn grants(&self) -> Vec<String> {
        self.roster.texts("SELECT i.email || ' ' || g.role FROM invitation_teams g JOIN invitations i ON i.id = g.invitation_id ORDER BY 1").await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitee_is_in_the_teams_at_once_and_a_member_on_accepting() {
    let stage = Stage::set().await;
    let (roster, alice, crew) = (&stage.roster, &stage.alice, &stage.crew);
    let other = roster.team(alice, &stage.acme, "Other", &[]).await;
    let before = roster.events().await.len();
    let payload = done(alice, INVITE, invite(&stage.acme, "ina", json!([led(crew), team(&other)]))).await;
    let result = &payload["results"][0];
    let mut teams = result["invitation"]["teams"].as_array().unwrap().clone();
    teams.sort_by_key(|grant| grant["role"].to_string());
    assert_eq!(
        json!(teams),
        json!([{ "team": { "slug": "crew", "name": "Crew" }, "role": "LEAD" }, { "team": { "slug": "other", "name": "Other" }, "role": "MEMBER" }])
    );
    assert_eq!(stage.members(crew).await, ["bob LEAD ACCEPTED", "carol MEMBER ACCEPTED", "ina LEAD PENDING"]);
    assert_eq!(stage.members(&other).await, ["ina MEMBER PENDING"]);
    assert_eq!(stage.of_teams(before).await, ["team_member.added", "team_member.added"]);
    assert_eq!(stage.version().await, 2);
    roster.assert_counters().await;

    // The invitee is told which teams, and sees neither them nor who is in them.
    let ina = roster.person("ina");
    let mine = "{ viewer { invitations { nodes { teams { team { name members { totalCount } } teamName role } } } } }";
    let seen = ina.data(mine, json!({})).await;
    let mut teams = seen["viewer"]["invitations"]["nodes"][0]["teams"].as_array().unwrap().clone();
    teams.sort_by_key(|grant| grant["role"].to_string());
    assert_eq!(
        json!(teams),
        json!([{ "team": null, "teamName": "Crew", "role": "LEAD" }, { "team": null, "teamName": "Other", "role": "MEMBER" }])
    );
    let data = ina.data("query($id: ID!) { team(by: {id: $id}) { id } }", json!({ "id": crew })).await;
    assert_eq!(data["team"], Value::Null);

    let pending = roster.texts("SELECT id FROM team_members WHERE email = 'ina@example.com' ORDER BY 1").await;
    let before = roster.events().await.len();
    let accepted = done(&ina, ACCEPT, by_token(&token(&result["acceptUrl"]))).await;
    let mut members = accepted["teamMembers"].as_array().unwrap().clone();
    members.sort_by_key(|member| member["role"].to_string());
    assert_eq!(
        members[0],
        json!({ "id": members[0]["id"], "team": { "slug": "crew" }, "role": "LEAD", "status": "ACCEPTED",
            "user": { "email": "ina@example.com" }, "organizationMember": { "role": { "key": "member" } }, "invitation": null })
    );
    assert_eq!(members.len(), 2);
    assert_eq!(stage.of_teams(before).await, ["team_member.added", "team_member.added"]);
    // The memberships are those that were pending, now under the person's name.
    let now = roster.texts("SELECT id FROM team_members WHERE sort_name = 'ina' ORDER BY 1").await;
    assert_eq!(now, pending);
    assert_eq!(stage.members(crew).await, ["bob LEAD ACCEPTED", "carol MEMBER ACCEPTED", "ina LEAD ACCEPTED"]);
    roster.assert_counters().await;
    // Twice by the same person: nothing happens.
    let content = roster.content().await;
    let again = done(&ina, ACCEPT, by_token(&token(&result["acceptUrl"]))).await;
    assert_eq!(again["teamMembers"], json!([]));
    assert_eq!(roster.content().await, content);
    // A new lead leads.
    done(&ina, ADD, adding(crew, json!([member("dave")]))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_invite_to_a_team() {
    let stage = Stage::set().await;
    let (roster, alice, acme, crew) = (&stage.roster, &stage.alice, &stage.acme, &stage.crew);
    let other = roster.team(alice, acme, "Other", &[]).await;
    let globex = roster.organization(&stage.dave, "Globex").await;
    let foreign = roster.team(&stage.dave, &globex, "Foreign", &[]).await;
    // Inviting takes its own permission; bob has it by a role of his own.
    roster.sql("UPDATE roles SET built_in = NULL, permissions = '{members.read,invitations.read,invitations.manage}' WHERE scope = 'ORGANIZATION' AND key = 'member' AND organization_id = (SELECT id FROM organizations WHERE slug = 'acme')").await;
    let at = |code: &str, index: &str| json!({ "code": code, "path": ["input", "teams", index, "team"] });
    let forbidden = |index: &str| with(at("FORBIDDEN", index), json!({ "requiredPermission": "teams.manage" }));
    let teams = json!([team(crew), team(&other), team("tea_"), team(&foreign), team(crew)]);
    let errors = refused(&stage.bob, INVITE, invite(acme, "ina", teams)).await;
    assert_eq!(errors, json!([forbidden("1"), at("NOT_FOUND", "2"), at("NOT_FOUND", "3"), at("DUPLICATE", "4")]));
    assert_eq!(refused(&stage.carol, INVITE, invite(acme, "ina", json!([team(crew)]))).await, json!([forbidden("0")]));
    let path = json!([{ "team": { "path": { "organization": "acme", "team": "crew" } } }]);
    done(&stage.bob, INVITE, invite(acme, "ina", path)).await;
    assert_eq!(stage.grants().await, ["ina@example.com MEMBER"]);
    let many: Vec<Value> = (0..101).map(|_| team(crew)).collect();
    let errors = refused(alice, INVITE, invite(acme, "jon", json!(many))).await;
    assert_eq!(errors, json!([{ "code": "TOO_MANY", "path": ["input", "teams"], "limit": 100, "actual": 101 }]));
    // A dry run puts nobody anywhere.
    let content = roster.content().await;
    done(alice, INVITE, with(invite(acme, "jon", json!([team(crew)])), json!({ "dryRun": true }))).await;
    assert_eq!(roster.content().await, content);
    // Members and invitees are skipped, and so not put into the team.
    let skipped =
        with(invite(acme, "dave", json!([team(&other)])), json!({ "emails": ["dave@example.com", "ina@example.com"] }));
    done(alice, INVITE, skipped).await;
    assert_eq!(stage.members(&other).await, Vec::<String>::new());
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_ends_an_invitation_ends_what_is_pending() {
    let stage = Stage::set().await;
    let (roster, alice, acme, crew) = (&stage.roster, &stage.alice, &stage.acme, &stage.crew);
    let crew_now = ["bob LEAD ACCEPTED", "carol MEMBER ACCEPTED"];
    let (_, ina) = invited(alice, acme, "ina", json!([team(crew)])).await;
    let before = roster.events().await.len();
    done(&roster.person("ina"), DECLINE, by_token(&ina)).await;
    assert_eq!(stage.members(crew).await, crew_now);
    assert_eq!(stage.of_teams(before).await, ["team_member.removed"]);
    roster.assert_counters().await;

    let (jon, _) = invited(alice, acme, "jon", json!([team(crew)])).await;
    let before = roster.events().await.len();
    for _ in 0..2 {
        done(alice, REVOKE, json!({ "invitationId": jon })).await;
    }
    assert_eq!(stage.members(crew).await, crew_now);
    assert_eq!(stage.of_teams(before).await, ["team_member.removed"]);
    roster.assert_counters().await;

    // What the invitations granted stays on record.
    assert_eq!(stage.grants().await, ["ina@example.com MEMBER", "jon@example.com MEMBER"]);
    let shown = alice
        .data(
            "query($id: ID!) { node(id: $id) { ... on Invitation { teams { team { slug } } } } }",
            json!({ "id": jon }),
        )
        .await;
    assert_eq!(shown["node"]["teams"][0]["team"]["slug"], "crew");

    // Time runs out, and with it the membership, whether or not somebody wrote it down.
    invited(alice, acme, "kay", json!([team(crew)])).await;
    let query = "query($id: ID!) { team(by: {id: $id}) { members(filter: {statuses: [PENDING]}) { nodes { id } totalCount } } }";
    let kay = alice.data(query, json!({ "id": crew })).await["team"]["members"]["nodes"][0]["id"].clone();
    roster.wait(TimeDelta::days(7) - TimeDelta::microseconds(1));
    let alice = &roster.person("alice");
    assert_eq!(super::members(alice, crew).await.len(), 3);
    roster.wait(TimeDelta::microseconds(1));
    assert_eq!(super::members(alice, crew).await, crew_now);
    assert_eq!(alice.data("query($id: ID!) { node(id: $id) { id } }", json!({ "id": kay })).await["node"], Value::Null);
    assert_eq!(
        refused_codes(alice, UPDATE_ROLE, json!({ "member": { "id": kay }, "role": "LEAD" })).await,
        ["NOT_FOUND"]
    );
    assert_eq!(outcomes(&done(alice, ADD, adding(crew, json!([member("kay")]))).await), ["FAILED - NOT_MEMBER -"]);
    let same = done(alice, REPLACE, adding(crew, json!([lead("bob"), member("carol")]))).await;
    assert_eq!(same["results"].as_array().unwrap().len(), 2, "nobody to remove");
    let before = roster.events().await.len();
    // The next invitation writes it down.
    invited(alice, acme, "lea", json!([])).await;
    assert_eq!(stage.of_teams(before).await, ["team_member.removed"]);
    let by_server = roster
        .texts("SELECT actor_kind FROM events WHERE type = 'team_member.removed' ORDER BY version DESC LIMIT 1")
        .await;
    assert_eq!(by_server, ["SYSTEM"]);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resend_renews_what_is_pending() {
    let stage = Stage::set().await;
    let (roster, alice, acme, crew) = (&stage.roster, &stage.alice, &stage.acme, &stage.crew);
    let (ina, _) = invited(alice, acme, "ina", json!([led(crew)])).await;
    roster.sql("UPDATE organizations SET plan_tier = 'STARTER'").await;
    roster.wait(TimeDelta::days(6));
    done(&roster.person("alice"), RESEND, json!({ "invitationId": ina })).await;
    roster.assert_counters().await;
    roster.wait(TimeDelta::days(6));
    assert_eq!(super::members(&roster.person("alice"), crew).await.len(), 3);
    // Expired, by the clock alone and then on record too, it is revived with its teams.
    for expired_on_record in [false, true] {
        roster.wait(TimeDelta::days(8));
        let alice = &roster.person("alice");
        assert_eq!(super::members(alice, crew).await.len(), 2);
        if expired_on_record {
            invited(alice, acme, "jon", json!([])).await;
        }
        done(alice, RESEND, json!({ "invitationId": ina })).await;
        assert_eq!(
            super::members(alice, crew).await,
            ["bob LEAD ACCEPTED", "carol MEMBER ACCEPTED", "ina LEAD PENDING"]
        );
        roster.assert_counters().await;
    }
    let accepted = done(&roster.person("ina"), ACCEPT, json!({ "invitation": { "id": ina } })).await;
    assert_eq!(accepted["teamMembers"][0]["role"], "LEAD");
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitee_taken_out_of_a_team_does_not_join_it() {
    let stage = Stage::set().await;
    let (roster, alice, acme, crew) = (&stage.roster, &stage.alice, &stage.acme, &stage.crew);
    let (_, ina) = invited(alice, acme, "ina", json!([team(crew)])).await;
    let removed = done(&stage.bob, REMOVE, json!({ "member": named(crew, "ina") })).await;
    assert!(removed["removedTeamMemberId"].is_string());
    assert_eq!(stage.grants().await, Vec::<String>::new());
    let accepted = done(&roster.person("ina"), ACCEPT, by_token(&ina)).await;
    assert_eq!(accepted["teamMembers"], json!([]));
    assert_eq!(stage.members(crew).await.len(), 2);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_team_is_dropped_from_what_is_accepted() {
    let stage = Stage::set().await;
    let (roster, alice, acme, crew) = (&stage.roster, &stage.alice, &stage.acme, &stage.crew);
    let other = roster.team(alice, acme, "Other", &[]).await;
    let (_, ina) = invited(alice, acme, "ina", json!([team(crew), team(&other)])).await;
    done(alice, super::DELETE, json!({ "team": { "id": crew } })).await;
    let accepted = done(&roster.person("ina"), ACCEPT, by_token(&ina)).await;
    assert_eq!(accepted["teamMembers"].as_array().unwrap().len(), 1);
    roster.assert_counters().await;
}

/// Whoever is in a team already stays in it as they are.
#[tokio::test(flavor = "multi_thread")]
async fn one_person_is_in_a_team_once() {
    use roster::server::tokens::DevelopmentClaims;
    let stage = Stage::set().await;
    let (roster, alice, acme, crew) = (&stage.roster, &stage.alice, &stage.acme, &stage.crew);
    let other = roster.team(alice, acme, "Other", &[]).await;
    let (_, ina) = invited(alice, acme, "ina", json!([led(crew), led(&other)])).await;
    // Carol and dave are members by another address; ina@ is carol's now.
    let claims =
        |subject, email, name| DevelopmentClaims { subject, audience: None, email: Some(email), name: Some(name) };
    roster.wait(TimeDelta::seconds(1));
    let carol = roster.signed("carol", claims("carol@example.com", "ina@example.com", "Carol"));
    carol.user_id().await;
    let accepted = done(&carol, ACCEPT, by_token(&ina)).await;
    assert_eq!(accepted["teamMembers"].as_array().unwrap().len(), 1);
    assert_eq!(accepted["teamMembers"][0]["team"]["slug"], "other");
    assert_eq!(stage.members(crew).await, ["bob LEAD ACCEPTED", "ina MEMBER ACCEPTED"]);
    roster.assert_counters().await;
    // Dave takes the address of an invitee who is in the team: adding him ends what is pending there.
    invited(alice, acme, "jon", json!([team(crew)])).await;
    let dave = roster.signed("dave", claims("dave@example.com", "jon@example.com", "Dave"));
    dave.user_id().await;
    let added = done(alice, ADD, adding(crew, json!([member("jon")]))).await;
    assert_eq!(outcomes(&added), ["SUCCEEDED ADDED  MEMBER"]);
    assert_eq!(stage.members(crew).await, ["bob LEAD ACCEPTED", "ina MEMBER ACCEPTED", "jon MEMBER ACCEPTED"]);
    roster.assert_counters().await;
}

/// What a lead gave falls with the lead, and nothing else does.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_lead_added_falls_with_the_lead() {
    let stage = Stage::set().await;
    let (roster, alice, acme, crew) = (&stage.roster, &stage.alice, &stage.acme, &stage.crew);
    let ends: [(&str, Value); 4] = [
        (UPDATE_ROLE, json!({ "member": named(crew, "bob"), "role": "MEMBER" })),
        (REMOVE, json!({ "member": named(crew, "bob") })),
        (REPLACE, adding(crew, json!([member("bob"), member("carol")]))),
        (super::LEAVE, json!({ "team": { "id": crew } })),
    ];
    for (round, (mutation, input)) in ends.into_iter().enumerate() {
        done(alice, REPLACE, adding(crew, json!([lead("bob"), member("carol")]))).await;
        let (name, by_alice) = (format!("n{round}"), format!("a{round}"));
        let (invitation, token) = roster.invite(alice, acme, &format!("{name}@example.com"), "member").await;
        invited(alice, acme, &by_alice, json!([team(crew)])).await;
        done(&stage.bob, ADD, adding(crew, json!([member(&name)]))).await;
        let before = roster.events().await.len();
        if mutation == REPLACE {
            // Bob stays, as does whoever alice invited.
            let list = adding(crew, json!([member("bob"), member("carol"), member(&name), member(&by_alice)]));
            assert_eq!(input["team"], list["team"]);
            done(alice, REPLACE, list).await;
        } else {
            let actor = if mutation == super::LEAVE { &stage.bob } else { alice };
            done(actor, mutation, input).await;
        }
        let members = stage.members(crew).await;
        assert!(!members.contains(&format!("{name} MEMBER PENDING")), "{mutation}: {members:?}");
        assert!(members.contains(&format!("{by_alice} MEMBER PENDING")), "{mutation}: {members:?}");
        assert!(stage.since(before).await.contains(&"invitation.updated".to_owned()));
        roster.assert_counters().await;
        // The invitation itself stands.
        let person = roster.person(&name);
        let accepted = done(&person, ACCEPT, by_token(&token)).await;
        assert_eq!(accepted["teamMembers"], json!([]), "{invitation}");
    }
}

/// An invitation that its inviter could not send any more is taken back with their rights.
#[tokio::test(flavor = "multi_thread")]
async fn an_inviter_who_gives_no_teams_any_more_has_invited_nobody() {
    let stage = Stage::set().await;
    let (roster, alice, acme, crew) = (&stage.roster, &stage.alice, &stage.acme, &stage.crew);
    let (amy, _) = roster.member(alice, acme, "amy", "admin").await;
    roster.sql("INSERT INTO roles (organization_id, id, scope, key, permissions, name, sort_name, rank, created_at, updated_at) \
        SELECT id, gen_random_uuid(), 'ORGANIZATION', 'inviter', '{members.read,invitations.read,invitations.manage,projects.create}', 'Inviter', 'inviter', 5, created_at, created_at FROM organizations WHERE slug = 'acme'").await;
    let demote = json!({ "member": { "lookup": { "organization": { "id": acme }, "user": by("amy") } }, "role": { "key": "inviter" } });
    let with_role = |name: &str, teams: Value| with(invite(acme, name, teams), json!({ "role": { "key": "viewer" } }));
    roster.sql("UPDATE roles SET built_in = NULL, permissions = '{members.read}' WHERE key = 'viewer' AND scope = 'ORGANIZATION'").await;
    done(&amy, INVITE, with_role("ina", json!([team(crew)]))).await;
    done(&amy, INVITE, with_role("jon", json!([]))).await;
    // What she added to another's invitation falls alone.
    roster.invite(alice, acme, "iva@example.com", "member").await;
    done(&amy, ADD, adding(crew, json!([member("iva")]))).await;
    done(alice, MEMBER_ROLE, demote).await;
    assert_eq!(
        roster
            .texts("SELECT email || ' ' || status FROM invitations WHERE email < 'k' AND email > 'i' ORDER BY 1")
            .await,
        ["ina@example.com REVOKED", "iva@example.com PENDING", "jon@example.com PENDING"]
    );
    assert_eq!(stage.members(crew).await.len(), 2);
    roster.assert_counters().await;
    // Who could not give a team does not hand out its link.
    let (kay, _) = invited(alice, acme, "kay", json!([team(crew)])).await;
    roster.wait(TimeDelta::minutes(2));
    assert_eq!(refused_codes(&amy, RESEND, json!({ "invitationId": kay })).await, ["FORBIDDEN"]);
    // Checked again at acceptance, for what passes in other ways.
    let (_, lea) = invited(alice, acme, "lea", json!([team(crew)])).await;
    roster.sql("UPDATE invitations SET invited_by_id = (SELECT id FROM users WHERE email = 'amy@example.com'), role_id = (SELECT id FROM roles WHERE key = 'viewer' AND scope = 'ORGANIZATION' AND organization_id = invitations.organization_id) WHERE email = 'lea@example.com'").await;
    assert_eq!(refused_codes(&roster.person("lea"), ACCEPT, by_token(&lea)).await, ["INVITATION_NOT_PENDING"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_and_members_are_found_by_team() {
    let stage = Stage::set().await;
    let (roster, alice, acme, crew) = (&stage.roster, &stage.alice, &stage.acme, &stage.crew);
    roster.team(alice, acme, "Other", &["dave"]).await;
    invited(alice, acme, "ina", json!([team(crew)])).await;
    invited(alice, acme, "jon", json!([])).await;
    let query = "query($teams: [TeamRefInput!]) { organization(by: {slug: \"acme\"}) { \
        invitations(filter: {teams: $teams}) { totalCount nodes { email } } \
        members(filter: {teams: $teams}, orderBy: {field: EMAIL}) { totalCount nodes { user { email } } } } }";
    let find = async |teams: Value| {
        let data = alice.data(query, json!({ "teams": teams })).await;
        let emails = |list: &Value| {
            list.as_array()
                .unwrap()
                .iter()
                .map(|node| {
                    node.pointer("/user/email").unwrap_or(&node["email"]).as_str().unwrap().replace("@example.com", "")
                })
                .collect::<Vec<_>>()
                .join(" ")
        };
        let organization = &data["organization"];
        let counts = (organization["invitations"]["totalCount"].clone(), organization["members"]["totalCount"].clone());
        (emails(&organization["invitations"]["nodes"]), emails(&organization["members"]["nodes"]), counts)
    };
    assert_eq!(find(json!([{ "id": crew }])).await, ("ina".into(), "bob carol".into(), (json!(1), json!(2))));
    let both = json!([{ "id": crew }, { "path": { "organization": "acme", "team": "other" } }]);
    assert_eq!(find(both).await, ("ina".into(), "bob carol dave".into(), (json!(1), json!(3))));
    assert_eq!(find(json!([{ "id": "tea_" }])).await, (String::new(), String::new(), (json!(0), json!(0))));
    assert_eq!(find(json!([])).await, (String::new(), String::new(), (json!(0), json!(0))));
    let many: Vec<Value> = (0..101).map(|_| json!({ "id": crew })).collect();
    assert_eq!(alice.error_codes(query, json!({ "teams": many })).await, ["BAD_USER_INPUT", "BAD_USER_INPUT"]);
}

/// Whoever comes first, an invitee is in the team as a person, or not at all.
#[tokio::test(flavor = "multi_thread")]
async fn accepting_races_with_being_taken_out() {
    let stage = Stage::set().await;
    let (roster, alice, acme, crew) = (&stage.roster, &stage.alice, &stage.acme, &stage.crew);
    for round in 0..4 {
        let name = format!("n{round}");
        let (_, token) = invited(alice, acme, &name, json!([led(crew)])).await;
        let person = roster.person(&name);
        person.user_id().await;
        let tries = (0..32).map(|n| {
            let (actor, mutation, input) = match n % 4 {
                0 => (alice, REMOVE, json!({ "member": named(crew, &name) })),
                1 => (alice, UPDATE_ROLE, json!({ "member": named(crew, &name), "role": "MEMBER" })),
                _ => (&person, ACCEPT, by_token(&token)),
            };
            let actor = actor.clone();
            tokio::spawn(async move { super::payload(&actor, mutation, input).await })
        });
        let answers = join_all(tries).await;
        assert!(answers.into_iter().all(|answer| answer.unwrap().is_object()));
        // Removed before or after; added again it is there once.
        assert_eq!(stage.members(crew).await.len(), 2);
        done(alice, ADD, adding(crew, json!([member(&name)]))).await;
        assert!(stage.members(crew).await.contains(&format!("{name} MEMBER ACCEPTED")));
        done(alice, REMOVE, json!({ "member": named(crew, &name) })).await;
        roster.assert_counters().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_teams_of_an_invitation_can_be_others() {
    let stage = Stage::set().await;
    let (roster, alice, acme, crew) = (&stage.roster, &stage.alice, &stage.acme, &stage.crew);
    let other = roster.team(alice, acme, "Other", &[]).await;
    let (ina, token) = invited(alice, acme, "ina", json!([team(crew)])).await;
    let change = |teams: Value| json!({ "invitationId": ina, "teams": teams });
    let slugs = |payload: &Value| {
        let teams = payload["invitation"]["teams"].as_array().unwrap();
        let text =
            |grant: &Value| format!("{} {}", grant["team"]["slug"].as_str().unwrap(), grant["role"].as_str().unwrap());
        let mut slugs: Vec<String> = teams.iter().map(text).collect();
        slugs.sort();
        slugs
    };
    let before = roster.events().await.len();
    let changed = done(alice, CHANGE, change(json!([led(crew), team(&other)]))).await;
    assert_eq!(slugs(&changed), ["crew LEAD", "other MEMBER"]);
    assert_eq!(stage.members(crew).await[2], "ina LEAD PENDING");
    assert_eq!(stage.members(&other).await, ["ina MEMBER PENDING"]);
    let mut events = stage.since(before).await;
    events.sort();
    assert_eq!(events, ["invitation.updated", "team_member.added", "team_member.role_updated"]);
    roster.assert_counters().await;
    // The same list is no change.
    let content = roster.content().await;
    done(alice, CHANGE, change(json!([team(&other), led(crew)]))).await;
    assert_eq!(roster.content().await, content);

    let errors = refused(alice, CHANGE, change(json!([team("tea_"), team(crew), team(crew)]))).await;
    let at = |code: &str, index: &str| json!({ "code": code, "path": ["input", "teams", index, "team"] });
    assert_eq!(errors, json!([at("NOT_FOUND", "0"), at("DUPLICATE", "2")]));

    let before = roster.events().await.len();
    assert_eq!(slugs(&done(alice, CHANGE, change(json!([team(&other)]))).await), ["other MEMBER"]);
    assert_eq!(stage.members(crew).await.len(), 2);
    assert_eq!(stage.of_teams(before).await, ["team_member.removed"]);
    roster.assert_counters().await;
    let accepted = done(&roster.person("ina"), ACCEPT, by_token(&token)).await;
    assert_eq!(accepted["teamMembers"].as_array().unwrap().len(), 1);
    assert_eq!(accepted["teamMembers"][0]["team"]["slug"], "other");
    roster.assert_counters().await;
}
