//! Who is calling.

use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, Mutex},
};

use aws_lc_rs::{
    encoding::AsDer,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use axum::{
    Router,
    http::{StatusCode, header},
    routing::get,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use roster::{
    domain::{
        id::{ApiKeyId, OrganizationId},
        secret::ApiKeySecret,
    },
    server::{
        authentication::Authentication,
        tokens::{DevelopmentClaims, KeySource, Source, Verifier},
    },
};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Builder, task::JoinSet};

use crate::support::{
    ACCEPT, Actor, OPERATOR_KEY, Roster,
    http::{Sent, post, send},
    id,
};

const ISSUER: &str = "https://id.example.com/";
const SECRET: &str = "what the identity provider of these tests shares";
const WHO: &str = "{ viewer { actor { displayName } user { displayName firstName lastName email avatarUrl } invitations { totalCount } memberships { totalCount } } }";

/// The server with the identity provider of this file.
fn with_provider(roster: &Roster, keys: KeySource) -> Roster {
    let source = Source { issuer: ISSUER.to_owned(), audience: None, keys };
    let people = Verifier::new(vec![source]).unwrap();
    roster.another(|server| server.authentication = Arc::new(Authentication::new(people, None)))
}

fn shared_secret() -> KeySource {
    KeySource::Secret(SecretString::from(SECRET))
}

/// Claims that are issued now and count for an hour, with more of them or others.
fn claims(roster: &Roster, subject: &str, more: Value) -> Value {
    let now = roster.now();
    let mut claims = json!({ "iss": ISSUER, "sub": subject, "iat": now.timestamp(), "exp": (now + TimeDelta::hours(1)).timestamp() });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    claims
}

fn sign(claims: &Value) -> String {
    jsonwebtoken::encode(&Header::default(), claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

fn person(roster: &Roster, subject: &str, more: Value) -> Actor {
    roster.actor(subject, &sign(&claims(roster, subject, more)))
}

fn verified(email: &str, name: &str) -> Value {
    json!({ "email": email, "email_verified": true, "name": name })
}

/// Asks who one is, with this `Authorization` header.
async fn ask(roster: &Roster, authorization: &str) -> Sent {
    let mut request = post(json!({ "query": WHO }).to_string());
    request.headers_mut().insert(header::AUTHORIZATION, authorization.parse().unwrap());
    send(roster, request).await
}

fn assert_refused(sent: &Sent, what: &str) {
    assert_eq!(sent.status, StatusCode::UNAUTHORIZED, "{what}: {}", sent.body);
    assert_eq!(sent.header(header::WWW_AUTHENTICATE), "Bearer", "{what}");
    assert_eq!(sent.header(header::CONTENT_TYPE), "application/json; charset=utf-8", "{what}");
    assert_eq!(sent.code(), "UNAUTHENTICATED", "{what}");
    assert_eq!(sent.json().get("data"), None, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_is_good_or_the_request_is_refused() {
    let roster = Roster::start().await;
    let front = with_provider(&roster, shared_secret());
    let nobody = send(&front, post(json!({ "query": WHO }).to_string())).await;
    assert_eq!((nobody.status, nobody.json()), (StatusCode::OK, json!({ "data": { "viewer": null } })));

    let good = claims(&front, "bob", verified("bob@example.com", "Bob"));
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        sign(&claims)
    };
    let encode = |text: String| URL_SAFE_NO_PAD.encode(text);
    let unsigned = |algorithm: &str| {
        format!("{}.{}.", encode(json!({ "alg": algorithm, "typ": "JWT" }).to_string()), encode(good.to_string()))
    };
    let signed_by = |algorithm, secret: &str| {
        jsonwebtoken::encode(&Header::new(algorithm), &good, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
    };
    let token = sign(&good);
    let mut tampered: Vec<String> = token.split('.').map(str::to_owned).collect();
    tampered[1] = encode(good.to_string().replace("bob@", "eve@"));
    let refused = [
        ("no scheme", token.clone()),
        ("another scheme", format!("Basic {token}")),
        ("no token", "Bearer".to_owned()),
        ("an empty token", "Bearer ".to_owned()),
        ("garbage", "Bearer garbage".to_owned()),
        ("garbage in three parts", "Bearer a.b.c".to_owned()),
        ("expired", format!("Bearer {}", with("exp", json!(front.now().timestamp() - 31)))),
        ("not yet", format!("Bearer {}", with("nbf", json!(front.now().timestamp() + 31)))),
        ("another issuer", format!("Bearer {}", with("iss", json!("https://evil.example.com/")))),
        ("no subject", format!("Bearer {}", with("sub", Value::Null))),
        ("another secret", format!("Bearer {}", signed_by(Algorithm::HS256, "another secret of at least 32 bytes"))),
        ("another algorithm", format!("Bearer {}", signed_by(Algorithm::HS512, SECRET))),
        ("tampered", format!("Bearer {}", tampered.join("."))),
        ("alg none", format!("Bearer {}", unsigned("none"))),
        ("alg None", format!("Bearer {}", unsigned("None"))),
        ("no signature", format!("Bearer {}", unsigned("HS256"))),
        ("too long", format!("Bearer {}", with("x", json!("x".repeat(9000))))),
        ("the operator's key where there is none", format!("Bearer {OPERATOR_KEY}")),
    ];
    for (what, authorization) in refused {
        assert_refused(&ask(&front, &authorization).await, what);
    }
    assert_eq!(roster.texts("SELECT subject FROM users").await, Vec::<String>::new());
    for authorization in [format!("Bearer {token}"), format!("bearer   {token} ")] {
        let sent = ask(&front, &authorization).await;
        assert_eq!(sent.json()["data"]["viewer"]["user"]["email"], "bob@example.com", "{}", sent.body);
    }
    // A bad credential spoils even what nobody needs one for.
    let mut request = post(json!({ "query": "{ permissions { key } }" }).to_string());
    request.headers_mut().insert(header::AUTHORIZATION, "Bearer x".parse().unwrap());
    assert_refused(&send(&front, request).await, "public field");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_profile_is_refreshed_everywhere() {
    let roster = Roster::start().await;
    let front = with_provider(&roster, shared_secret());
    let alice = person(&front, "a-1", verified("alice@example.com", "Alice"));
    let bob = person(&front, "b-1", verified("bob@example.com", "Bob"));
    let acme = front.organization(&alice, "Acme").await;
    let apollo = front.project(&alice, &acme, "Apollo").await;
    let (_, token) = front.invite(&alice, &acme, "bob@example.com", "member").await;
    bob.data(ACCEPT, json!({ "token": token })).await;
    front.project_member(&alice, &apollo, "bob", "member").await;

    roster.wait(TimeDelta::seconds(1));
    let renamed = verified("Robert@Example.org", "Robèrt Tables");
    person(&front, "b-1", renamed).user_id().await;
    let found = "query($id: ID!, $search: String!) { project(by: {id: $id}) { members(filter: {search: $search}) { nodes { user { displayName email } } }
        organization { members(filter: {search: $search}) { nodes { user { displayName email } } } } } }";
    let new = json!({ "nodes": [{ "user": { "displayName": "Robèrt Tables", "email": "robert@example.org" } }] });
    for (search, nodes) in [("robert tab", &new), ("example.org", &new), ("bob", &json!({ "nodes": [] }))] {
        let data = alice.data(found, json!({ "id": apollo, "search": search })).await;
        assert_eq!(data["project"]["members"], *nodes, "{search}");
        assert_eq!(data["project"]["organization"]["members"], *nodes, "{search}");
    }
    assert_eq!(
        roster.texts("SELECT sort_name || ' ' || email FROM project_members WHERE NOT is_owner").await,
        ["robert tables robert@example.org"]
    );
    // Nothing that belongs to the organization changed: no event, no version.
    let member = alice.data("query($id: ID!) { organization(by: {id: $id}) { member(user: {email: \"robert@example.org\"}) { version } } }", json!({ "id": acme })).await;
    assert_eq!(member["organization"]["member"]["version"], 1);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_moves_takes_no_membership_with_it() {
    let roster = Roster::start().await;
    let front = with_provider(&roster, shared_secret());
    let alice = person(&front, "a-1", verified("alice@example.com", "Alice"));
    let old = person(&front, "b-1", verified("bob@example.com", "Bob"));
    let acme = front.organization(&alice, "Acme").await;
    let (_, token) = front.invite(&alice, &acme, "bob@example.com", "admin").await;
    old.data(ACCEPT, json!({ "token": token })).await;
    let nameless = person(&front, "c-1", json!({ "email": "carol@example.com", "email_verified": true }));
    let (_, carols) = front.invite(&alice, &acme, "carol@example.com", "member").await;
    nameless.data(ACCEPT, json!({ "token": carols })).await;

    roster.wait(TimeDelta::seconds(1));
    person(&front, "c-2", verified("carol@example.com", "Carol")).user_id().await;
    let new = person(&front, "b-2", verified("BOB@example.com", "Another Bob"));
    let seen = new.data(WHO, json!({})).await;
    assert_eq!(
        (&seen["viewer"]["memberships"], &seen["viewer"]["user"]["displayName"]),
        (&json!({ "totalCount": 0 }), &json!("Another Bob"))
    );
    assert_eq!(
        new.data("{ organization(by: {slug: \"acme\"}) { id } }", json!({})).await,
        json!({ "organization": null })
    );
    assert_eq!(new.refused(ACCEPT, json!({ "token": token })).await, ["INVITATION_NOT_PENDING"]);
    assert_eq!(
        roster
            .texts(
                "SELECT subject || ' ' || email || ' ' || email_verified FROM users WHERE subject LIKE 'b-%' ORDER BY subject"
            )
            .await,
        ["b-1  false", "b-2 bob@example.com true"]
    );
    // Nor has the former holder it anywhere else, and whoever had no other name has none.
    let copies = "SELECT concat_ws('|', display_name, sort_name, email, search_text) FROM organization_members WHERE NOT is_owner ORDER BY 1";
    assert_eq!(roster.texts(copies).await, ["Bob|bob||bob", "No name|no name||no name"]);
    let shown = "{ organization(by: {slug: \"acme\"}) { members(filter: {search: \"bob\"}) { nodes { user { displayName email emailVerified } } } member(user: {email: \"bob@example.com\"}) { id } } }";
    let without = json!({ "displayName": "Bob", "email": null, "emailVerified": false });
    assert_eq!(
        alice.data(shown, json!({})).await["organization"],
        json!({ "members": { "nodes": [{ "user": without }] }, "member": null })
    );
    // Their token from before is good still, and takes nothing back.
    assert_eq!(old.data(WHO, json!({})).await["viewer"]["user"]["email"], Value::Null);
    assert_eq!(new.data(WHO, json!({})).await["viewer"]["user"]["email"], "bob@example.com");

    // The former holder stays who they are, without the address's invitations.
    let old = person(&front, "b-1", json!({ "name": "Bob" }));
    let other = front.organization(&alice, "Other").await;
    let (_, token) = front.invite(&alice, &other, "bob@example.com", "member").await;
    let seen = old.data(WHO, json!({})).await;
    assert_eq!(
        (&seen["viewer"]["memberships"], &seen["viewer"]["invitations"]),
        (&json!({ "totalCount": 1 }), &json!({ "totalCount": 0 }))
    );
    assert_eq!(new.data(WHO, json!({})).await["viewer"]["invitations"], json!({ "totalCount": 1 }));
    assert_eq!(old.refused(ACCEPT, json!({ "token": token })).await, ["INVITATION_EMAIL_MISMATCH"]);
    assert_eq!(new.refusals(ACCEPT, json!({ "token": token })).await, Vec::<String>::new());
    // Somebody who is known can be given it as well.
    roster.wait(TimeDelta::seconds(1));
    person(&front, "a-1", verified("bob@example.com", "Alice")).user_id().await;
    let holders = "SELECT subject FROM users WHERE email = 'bob@example.com'";
    assert_eq!(roster.texts(holders).await, ["a-1"]);
    // Whoever it was verified for last has it, whoever had it before; who has none may sign in with another one.
    roster.wait(TimeDelta::seconds(1));
    person(&front, "b-1", verified("bob@example.com", "Bob")).user_id().await;
    assert_eq!(roster.texts(holders).await, ["b-1"]);
    let alice = person(&front, "a-1", verified("alice@example.org", "Alice"));
    assert_eq!(alice.data(WHO, json!({})).await["viewer"]["user"]["email"], Value::Null, "issued in the same second");
    roster.wait(TimeDelta::seconds(1));
    let alice = person(&front, "a-1", verified("alice@example.org", "Alice"));
    assert_eq!(alice.data(WHO, json!({})).await["viewer"]["user"]["email"], "alice@example.org");
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_that_are_missing_change_nothing() {
    let roster = Roster::start().await;
    let front = with_provider(&roster, shared_secret());
    for more in [json!({}), json!({ "name": "Bob" }), json!({ "email": "no address", "email_verified": true })] {
        let stranger = person(&front, "b-1", more);
        assert_refused(&ask(&front, stranger.authorization().unwrap()).await, "no address at first sight");
    }
    assert_eq!(roster.texts("SELECT subject FROM users").await, Vec::<String>::new());

    let user = async |more: Value| {
        roster.wait(TimeDelta::seconds(1));
        person(&front, "b-1", more).data(WHO, json!({})).await["viewer"]["user"].clone()
    };
    let nameless = |email: &str| json!({ "displayName": email, "firstName": null, "lastName": null, "email": email, "avatarUrl": null });
    assert_eq!(
        user(json!({ "email": "bob@example.com", "email_verified": true, "picture": "javascript:alert(1)" })).await,
        nameless("bob@example.com")
    );
    // The address stands in for a name until there is one.
    assert_eq!(
        user(json!({ "email": "rob@example.com", "email_verified": true, "name": "Rob\u{202e}ert" })).await,
        nameless("rob@example.com")
    );
    let full = json!({ "displayName": "Bob Builder", "firstName": "Bob", "lastName": "Builder", "email": "rob@example.com", "avatarUrl": "https://example.com/bob.png" });
    let named = json!({ "name": "Bob Builder", "given_name": "Bob", "family_name": "Builder", "picture": "https://example.com/bob.png" });
    assert_eq!(user(named).await, full);
    assert_eq!(user(json!({})).await, full);
    assert_eq!(roster.texts("SELECT email_verified FROM users").await, ["true"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_claims_win() {
    let roster = Roster::start().await;
    let front = with_provider(&roster, shared_secret());
    let name = async |actor: &Actor| actor.data(WHO, json!({})).await["viewer"]["user"]["displayName"].clone();
    // Nothing of what was read before is known any more.
    let forgotten = || roster.wait(TimeDelta::seconds(5));
    let named = |name: &str| person(&front, "b-1", verified("bob@example.com", name));
    let at = |name: &str, seconds: i64| {
        let mut more = verified("bob@example.com", name);
        more["iat"] = json!((front.now() + TimeDelta::seconds(seconds)).timestamp());
        person(&front, "b-1", more)
    };
    let without_time = |name: &str| {
        let mut claims = claims(&front, "b-1", verified("bob@example.com", name));
        claims.as_object_mut().unwrap().remove("iat");
        front.actor("b-1", &sign(&claims))
    };

    let first = named("Bob");
    assert_eq!(name(&first).await, "Bob");
    roster.wait(TimeDelta::seconds(1));
    let second = named("Robert");
    assert_eq!(name(&second).await, "Robert");
    forgotten();
    assert_eq!(name(&first).await, "Robert", "an older token is good, and says nothing new");
    assert_eq!(name(&at("Rob", -5)).await, "Robert", "of two that were issued together the first counts");
    assert_eq!(name(&at("Rob", -4)).await, "Rob");

    // Without the time of issue: once a minute, counted from the last claims that were applied.
    assert_eq!(name(&without_time("Bert")).await, "Rob");
    roster.wait(TimeDelta::seconds(55));
    assert_eq!(name(&without_time("Bert")).await, "Rob");
    roster.wait(TimeDelta::seconds(1));
    assert_eq!(name(&without_time("Bert")).await, "Bert");
    assert_eq!(name(&without_time("Hubert")).await, "Bert");
    forgotten();
    assert_eq!(name(&second).await, "Bert");

    // A newer token that changes nothing is noted, so that what came between changes nothing either.
    roster.wait(TimeDelta::minutes(10));
    assert_eq!(name(&named("Bert")).await, "Bert");
    assert_eq!(name(&at("Robert", -60)).await, "Bert");
    assert_eq!(name(&at("Robert", 1)).await, "Robert");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unverified_address_gives_no_right_to_invitations() {
    let roster = Roster::start().await;
    let front = with_provider(&roster, shared_secret());
    let alice = person(&front, "a-1", verified("alice@example.com", "Alice"));
    let acme = front.organization(&alice, "Acme").await;
    let (_, token) = front.invite(&alice, &acme, "bob@example.com", "member").await;
    for verified in [json!(false), json!("no"), Value::Null] {
        let bob = person(&front, "b-1", json!({ "email": "bob@example.com", "email_verified": verified }));
        assert_eq!(bob.data(WHO, json!({})).await["viewer"]["invitations"], json!({ "totalCount": 0 }));
        assert_eq!(bob.refused(ACCEPT, json!({ "token": token })).await, ["INVITATION_EMAIL_MISMATCH"]);
    }
    // Somebody unverified takes the address from nobody.
    person(&front, "b-2", verified("bob@example.com", "Bob")).user_id().await;
    person(&front, "b-1", json!({ "email": "bob@example.com", "email_verified": false })).user_id().await;
    assert_eq!(
        roster.texts("SELECT subject FROM users WHERE email = 'bob@example.com' AND email_verified").await,
        ["b-2"]
    );
}

/// A key pair of an identity provider.
struct ProviderKey {
    signing: EncodingKey,
    public_pem: String,
}

impl ProviderKey {
    fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let public = STANDARD.encode(pair.public_key().as_der().unwrap().as_ref());
        Self {
            signing: EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref()),
            public_pem: format!("-----BEGIN PUBLIC KEY-----\n{public}\n-----END PUBLIC KEY-----\n"),
        }
    }

    fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some("key-1".to_owned()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &self.signing).unwrap()
    }

    fn published(&self) -> String {
        let mut jwk = Jwk::from_encoding_key(&self.signing, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some("key-1".to_owned());
        json!({ "keys": [jwk] }).to_string()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_by_a_public_key() {
    let roster = Roster::start().await;
    let (key, other) = (ProviderKey::new(), ProviderKey::new());
    let front = with_provider(&roster, KeySource::Pem { pem: key.public_pem.clone() });
    let claims = claims(&front, "b-1", verified("bob@example.com", "Bob"));
    let bob = front.actor("bob", &key.sign(&claims));
    assert_eq!(bob.data(WHO, json!({})).await["viewer"]["user"]["displayName"], "Bob");
    assert_refused(&ask(&front, &format!("Bearer {}", other.sign(&claims))).await, "another key");
    // What is public is no secret to sign with.
    let confused =
        jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(key.public_pem.as_bytes()));
    assert_refused(&ask(&front, &format!("Bearer {}", confused.unwrap())).await, "the public key as secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_by_published_keys() {
    let roster = Roster::start().await;
    let key = ProviderKey::new();
    let published = key.published();
    let keys = get(move || async move { ([(header::CONNECTION, "close")], published) });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap()).parse().unwrap();
    let provider = tokio::spawn(async move { axum::serve(listener, Router::new().route("/keys", keys)).await });
    let front = with_provider(&roster, KeySource::Jwks { url });
    let token = |key: &ProviderKey| key.sign(&claims(&front, "b-1", verified("bob@example.com", "Bob")));
    let bob = front.actor("bob", &token(&key));
    assert_eq!(bob.data(WHO, json!({})).await["viewer"]["user"]["displayName"], "Bob");
    assert_refused(&ask(&front, &format!("Bearer {}", token(&ProviderKey::new()))).await, "another key of the same id");

    // The provider goes down: known keys are good for a day, then nobody can be judged.
    provider.abort();
    provider.await.unwrap_err();
    front.wait(TimeDelta::hours(23));
    assert_eq!(ask(&front, &format!("Bearer {}", token(&key))).await.status, StatusCode::OK);
    front.wait(TimeDelta::hours(2));
    let sent = ask(&front, &format!("Bearer {}", token(&key))).await;
    assert_eq!((sent.status, sent.code()), (StatusCode::SERVICE_UNAVAILABLE, json!("SERVICE_UNAVAILABLE")));
    assert_eq!(sent.headers.get(header::WWW_AUTHENTICATE), None);
    assert!(!sent.body.contains("127.0.0.1"), "{}", sent.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_key_is_good_until_it_is_not() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let key = roster.key(&acme, None, &["members.read"]).await;
    let authorization = key.authorization().unwrap().to_owned();
    let seen = key.data("{ viewer { user { id } actor { displayName } apiKey { prefix isActive } } organizations { nodes { slug } } }", json!({})).await;
    assert_eq!(seen["viewer"]["user"], Value::Null);
    assert_eq!(seen["viewer"]["actor"], json!({ "displayName": "Backend" }));
    assert_eq!(seen["organizations"]["nodes"], json!([{ "slug": "acme" }]));
    assert_eq!(authorization.strip_prefix("Bearer ").unwrap().get(..10), seen["viewer"]["apiKey"]["prefix"].as_str());

    // Its permissions, and no more.
    let members = "{ organization(by: {slug: \"acme\"}) { members { totalCount } } }";
    assert_eq!(key.data(members, json!({})).await["organization"]["members"]["totalCount"], 1);
    let powerless = roster.key(&acme, None, &["organization.update"]).await;
    let answer = powerless.post(members, json!({})).await;
    assert_eq!(
        answer.body["errors"][0]["extensions"],
        json!({ "code": "FORBIDDEN", "requiredPermission": "members.read" })
    );
    assert_eq!(answer.body["data"], json!({ "organization": { "members": null } }));

    let organization = OrganizationId::parse(&acme).unwrap();
    let stored = roster.texts("SELECT id FROM api_keys WHERE permissions = '{members.read}'").await;
    let known = ApiKeyId(stored[0].parse().unwrap());
    let guessed = ApiKeySecret::new(organization, known, [9; 32]);
    let unknown = ApiKeySecret::new(organization, ApiKeyId(roster.app.id()), [9; 32]);
    let foreign = ApiKeySecret::new(OrganizationId(roster.app.id()), known, [9; 32]);
    let mistyped: String = authorization
        .chars()
        .enumerate()
        .map(|(index, c)| if index == 30 { if c == 'a' { 'b' } else { 'a' } } else { c })
        .collect();
    let mut answers = vec![ask(&roster, &mistyped).await, ask(&roster, "Bearer rk_").await];
    for secret in [guessed, unknown, foreign] {
        answers.push(ask(&roster, &format!("Bearer {}", secret.expose())).await);
    }
    let end = |column: &str, seconds: i64| {
        format!("UPDATE api_keys SET {column} = '{}'", (roster.now() + TimeDelta::seconds(seconds)).to_rfc3339())
    };
    // What is changed by hand is not told to servers.
    let forgotten = TimeDelta::seconds(5);
    roster.wait(forgotten);
    roster.sql(&end("expires_at", 1)).await;
    assert_eq!(ask(&roster, &authorization).await.status, StatusCode::OK);
    roster.wait(TimeDelta::seconds(1));
    answers.push(ask(&roster, &authorization).await);
    roster.sql("UPDATE api_keys SET expires_at = NULL").await;
    assert_eq!(ask(&roster, &authorization).await.status, StatusCode::OK);
    roster.sql(&end("revoked_at", 0)).await;
    roster.wait(forgotten);
    answers.push(ask(&roster, &authorization).await);
    // No answer tells why.
    for answer in &answers {
        assert_refused(answer, "key");
        assert_eq!(answer.body, answers[0].body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signed_in_lately_is_known_and_a_change_is_heard_of() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let key = roster.key(&acme, None, &["members.read"]).await;
    let statements = async |actor: &Actor| {
        let before = roster.app.db.statements();
        assert_eq!(actor.post("{ viewer { actor { displayName } } }", json!({})).await.status, StatusCode::OK);
        roster.app.db.statements() - before
    };
    for actor in [&alice, &key] {
        statements(actor).await;
        assert_eq!(statements(actor).await, 0);
        // In case that no notification comes through.
        roster.wait(TimeDelta::seconds(5));
        assert_eq!(statements(actor).await, 1);
    }
    // With a newer token her name changes at another server. Judged anew here, her older one is good still: it shows
    // her new name, and does not change it back.
    let (other, hearing) = (roster.replica(), roster.listen().await);
    let seen = async || alice.data(WHO, json!({})).await["viewer"]["actor"]["displayName"].clone();
    let mut before = "Alice";
    // First because whoever begins to hear forgets everybody, and then because it is heard of.
    for name in ["Alice I", "Alice II"] {
        assert_eq!(seen().await, before);
        roster.wait(TimeDelta::seconds(1));
        let email = Some("alice@example.com");
        let claims = DevelopmentClaims { subject: "alice@example.com", audience: None, email, name: Some(name) };
        other.signed("alice", claims).data(WHO, json!({})).await;
        let judged = async {
            while seen().await != name {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(crate::support::net::PATIENCE, judged).await.expect("it is heard of");
        assert_eq!(roster.texts("SELECT display_name FROM users").await, [name]);
        before = name;
    }
    hearing.stop();
    hearing.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_of_a_key_is_written_once_a_minute() {
    let roster = Roster::start().await;
    let acme = roster.organization(&roster.person("alice"), "Acme").await;
    let key = roster.key(&acme, None, &["members.read"]).await;
    let last_use = async || {
        roster
            .texts("SELECT COALESCE(to_char(last_used_at AT TIME ZONE 'UTC', 'HH24:MI:SS'), 'never') FROM api_keys")
            .await
            .concat()
    };
    assert_eq!(last_use().await, "never");
    for (seconds, written) in
        [(0, "09:00:00"), (30, "09:00:00"), (30, "09:00:00"), (5, "09:01:05"), (60, "09:01:05"), (3600, "10:02:05")]
    {
        roster.wait(TimeDelta::seconds(seconds));
        key.data(WHO, json!({})).await;
        assert_eq!(last_use().await, written);
    }
    roster.wait(TimeDelta::hours(1));
    roster.sql("UPDATE api_keys SET revoked_at = last_used_at").await;
    assert_refused(&ask(&roster, key.authorization().unwrap()).await, "revoked");
    assert_eq!(last_use().await, "10:02:05");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_project_sees_only_that_project() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (apollo, gemini) =
        (roster.project(&alice, &acme, "Apollo").await, roster.project(&alice, &acme, "Gemini").await);
    let (paul, member) = roster.member(&alice, &acme, "paul", "member").await;
    let in_gemini = roster.project_member(&alice, &gemini, "paul", "member").await;
    let all: Vec<&str> = roster::access::Permission::ALL.iter().map(|permission| permission.key()).collect();
    let key = roster.key(&acme, Some(&apollo), &all).await;
    let data = key
        .data(
            "query($gemini: ID!, $nodes: [ID!]!) { organization(by: {slug: \"acme\"}) { slug viewerPermissions projects { totalCount nodes { slug members { totalCount } } } project(slug: \"gemini\") { id } }
               project(by: {id: $gemini}) { id } nodes(ids: $nodes) { id } }",
            json!({ "gemini": gemini, "nodes": [gemini, member, in_gemini, paul.user_id().await] }),
        )
        .await;
    assert_eq!(
        data["organization"]["projects"],
        json!({ "totalCount": 1, "nodes": [{ "slug": "apollo", "members": { "totalCount": 1 } }] })
    );
    assert_eq!((&data["organization"]["project"], &data["project"]), (&Value::Null, &Value::Null));
    assert_eq!(data["nodes"], json!([null, null, null, null]));
    let permissions = data["organization"]["viewerPermissions"].as_array().unwrap();
    assert!(permissions.iter().all(|key| key.as_str().unwrap().starts_with("project.")), "{permissions:?}");
    for (field, permission) in [("members", "members.read"), ("invitations", "invitations.read")] {
        let answer = key
            .post(&format!("{{ organization(by: {{slug: \"acme\"}}) {{ {field} {{ totalCount }} }} }}"), json!({}))
            .await;
        assert_eq!(answer.body["errors"][0]["extensions"]["requiredPermission"], permission);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_sees_all_and_is_nobodys_member() {
    let roster = Roster::start().await;
    for name in ["alice", "bob"] {
        roster.organization(&roster.person(name), name).await;
    }
    let seen = roster.operator().data("{ viewer { user { id } apiKey { id } memberships { totalCount } } organizations { nodes { slug members { totalCount } } } }", json!({})).await;
    assert_eq!(
        seen,
        json!({
            "viewer": { "user": null, "apiKey": null, "memberships": { "totalCount": 0 } },
            "organizations": { "nodes": [{ "slug": "alice", "members": { "totalCount": 1 } }, { "slug": "bob", "members": { "totalCount": 1 } }] },
        })
    );
    for wrong in [&OPERATOR_KEY[1..], &format!("{OPERATOR_KEY}x"), &OPERATOR_KEY.to_uppercase()] {
        assert_refused(&ask(&roster, &format!("Bearer {wrong}")).await, wrong);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn first_requests_at_once_make_one_person() {
    let roster = Roster::start().await;
    for name in ["bob", "carol", "dora", "eve"] {
        let mut requests = JoinSet::new();
        for _ in 0..32 {
            let person = roster.person(name);
            requests.spawn(async move { person.post("{ viewer { user { id } } }", json!({})).await });
        }
        let answers = requests.join_all().await;
        let ids: BTreeSet<String> = answers.iter().map(|answer| id(&answer.body["data"]["viewer"]["user"])).collect();
        assert_eq!(ids.len(), 1);
    }
    assert_eq!(roster.texts("SELECT count(*) FROM users").await, ["4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_claimed_twice_at_once_belongs_to_one() {
    let roster = Roster::start().await;
    let front = with_provider(&roster, shared_secret());
    for pair in 0..32 {
        let mut requests = JoinSet::new();
        for side in ["left", "right"] {
            let claimant = person(&front, &format!("{side}-{pair}"), verified(&format!("p{pair}@example.com"), side));
            requests.spawn(async move { claimant.post("{ viewer { user { id } } }", json!({})).await });
        }
        for answer in requests.join_all().await {
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        }
    }
    // Of each pair one has it, and the other none.
    let holders = "SELECT count(*) || ' ' || count(*) FILTER (WHERE email_verified) || ' ' || count(*) FILTER (WHERE email = '') || ' ' || count(DISTINCT email) FROM users";
    assert_eq!(roster.texts(holders).await, ["64 32 32 33"]);
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn no_secret_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_writer(move || writer.clone())
        .finish();
    let dispatch = tracing::Dispatch::new(subscriber);
    // While there is only one, a thread of another test that has none could turn an event off for all.
    let _second = tracing::Dispatch::new(
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(io::sink).finish(),
    );
    let _here = tracing::dispatcher::set_default(&dispatch);
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        // For as long as the thread lives.
        .on_thread_start(move || std::mem::forget(tracing::dispatcher::set_default(&dispatch)))
        .build()
        .unwrap();
    let secrets = runtime.block_on(async { tokio::spawn(use_every_secret()).await.unwrap() });
    drop(runtime);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for collected in ["transaction is run again", "an API key could not be looked up"] {
        assert!(log.contains(collected), "{collected} was not collected: {log}");
    }
    for secret in secrets {
        assert!(secret.len() >= 20, "{secret} may stand in a log by chance");
        assert!(!log.contains(&secret), "{secret} was logged");
    }
}

/// Sends each kind of secret, right and wrong, to a server that is well and to one that is not.
async fn use_every_secret() -> Vec<String> {
    let roster = Roster::start().await;
    let front = with_provider(&roster, shared_secret());
    let alice = person(&front, "a-1", verified("alice@example.com", "Alice"));
    let bob = person(&front, "b-1", verified("bob@example.com", "Bob"));
    let acme = front.organization(&alice, "Acme").await;
    let (invitation, token) = front.invite(&alice, &acme, "bob@example.com", "member").await;
    let key = roster.key(&acme, None, &["invitations.manage", "members.read"]).await;
    let wrong =
        ["canary-of-a-wrong-bearer-token", "rk_canary-of-a-wrong-api-key-0123", "canary-of-a-wrong-invitation-token"];
    let expired = sign(&claims(&front, "b-1", json!({ "exp": 1 })));
    let preview = "query($token: String!) { invitationPreview(token: $token) { maskedEmail } }";
    let resend =
        "mutation($id: ID!) { invitationResend(input: {invitationId: $id}) { acceptUrl userErrors { code } } }";
    for is_well in [true, false] {
        if !is_well {
            roster.sql("ALTER TABLE events RENAME TO lost; ALTER TABLE invitation_projects RENAME TO lost_too; ALTER TABLE api_keys DROP COLUMN prefix").await;
        }
        for actor in [&alice, &bob, &key, &roster.operator()] {
            actor.post(WHO, json!({})).await;
            for token in [token.as_str(), wrong[2]] {
                actor.post(preview, json!({ "token": token })).await;
                actor.post(ACCEPT, json!({ "token": token })).await;
            }
            actor.post(resend, json!({ "id": invitation })).await;
            front.wait(TimeDelta::minutes(2));
        }
        for bearer in [wrong[0], wrong[1], &expired] {
            ask(&front, &format!("Bearer {bearer}")).await;
            ask(&roster, &format!("Bearer {bearer}")).await;
        }
    }
    let bearer = |actor: &Actor| actor.authorization().unwrap().strip_prefix("Bearer ").unwrap().to_owned();
    let mut secrets =
        vec![bearer(&alice), bearer(&bob), bearer(&key), OPERATOR_KEY.to_owned(), SECRET.to_owned(), token, expired];
    secrets.extend(wrong.map(str::to_owned));
    // Part of a secret is no better: the signature of a token, the tail of a key.
    let parts: Vec<String> = secrets
        .iter()
        .filter(|secret| secret.len() > 60)
        .map(|secret| secret[secret.len() - 40..].to_owned())
        .collect();
    secrets.extend(parts);
    secrets
}
