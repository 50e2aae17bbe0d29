//! Creating organizations.

use serde_json::{Value, json};

use crate::support::{Actor, Roster, codes, id};

const CREATE: &str = "mutation($input: OrganizationCreateInput!) { organizationCreate(input: $input) {
  organization { id slug name description logoUrl website industry { key name } email phone visibility version createdAt updatedAt
    plan { tier trial { isActive endsAt } seats { limit used pending available } }
    owner { isOwner role { key scope } user { email } } viewerMembership { isOwner } members(first: 0) { totalCount } }
  userErrors { code path ... on LimitUserError { limit actual } } } }";

async fn slug(actor: &Actor, input: Value) -> String {
    let payload = actor.payload(CREATE, json!({ "input": input })).await;
    payload["organization"]["slug"].as_str().unwrap_or_else(|| panic!("refused: {payload}")).to_owned()
}

async fn refused(actor: &Actor, input: Value) -> Vec<String> {
    actor.refused(CREATE, json!({ "input": input })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_enough() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let created = alice.payload(CREATE, json!({ "input": { "name": "  Acme, Inc. " } })).await;
    assert_eq!(created["userErrors"], json!([]));
    let mut organization = created["organization"].clone();
    let acme = id(&organization);
    organization["id"].take();
    assert_eq!(
        organization,
        json!({
            "id": null,
            "slug": "acme-inc",
            "name": "Acme, Inc.",
            "description": null,
            "logoUrl": null,
            "website": null,
            "industry": null,
            "email": null,
            "phone": null,
            "visibility": "PRIVATE",
            "version": 1,
            "createdAt": "2026-11-21T09:00:00.000Z",
            "updatedAt": "2026-11-21T09:00:00.000Z",
            "plan": {
                "tier": "FREE",
                "trial": { "isActive": true, "endsAt": "2026-12-05T09:00:00.000Z" },
                "seats": { "limit": null, "used": 1, "pending": 0, "available": null },
            },
            "owner": { "isOwner": true, "role": { "key": "owner", "scope": "ORGANIZATION" }, "user": { "email": "alice@example.com" } },
            "viewerMembership": { "isOwner": true },
            "members": { "totalCount": 1 },
        })
    );
    let roles = alice
        .data("query($id: ID!) { organization(by: {id: $id}) { roles { nodes { scope key builtIn name memberCount } } } }", json!({ "id": acme }))
        .await;
    let roles: Vec<String> = roles["organization"]["roles"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|role| {
            format!("{} {} {} {} {}", role["scope"], role["key"], role["builtIn"], role["name"], role["memberCount"])
                .replace('"', "")
        })
        .collect();
    let mut sorted = roles.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        [
            "ORGANIZATION admin ADMIN Admin 0",
            "ORGANIZATION guest GUEST Guest 0",
            "ORGANIZATION member MEMBER Member 0",
            "ORGANIZATION owner OWNER Owner 1",
            "ORGANIZATION viewer VIEWER Viewer 0",
            "PROJECT admin ADMIN Admin 0",
            "PROJECT member MEMBER Member 0",
            "PROJECT owner OWNER Owner 0",
            "PROJECT viewer VIEWER Viewer 0",
        ]
    );
    assert_eq!(roster.events().await, ["organization.created", "member.joined"]);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_can_be_given() {
    let roster = Roster::start_with(|app| app.trial_days = None).await;
    let input = json!({
        "name": "Acme",
        "slug": " ACME-2 ",
        "description": "Two\nlines",
        "logoUrl": "https://example.com/logo.png",
        "website": " http://example.com ",
        "industry": "ai-ml",
        "phone": "+49 (30) 90-18-20",
        "email": "Info@Example.COM",
        "visibility": "PUBLIC",
    });
    let created = roster.person("alice").payload(CREATE, json!({ "input": input })).await;
    let organization = &created["organization"];
    let given: Vec<&Value> = ["slug", "description", "logoUrl", "website", "industry", "email", "phone", "visibility"]
        .iter()
        .map(|field| &organization[*field])
        .collect();
    assert_eq!(
        json!(given),
        json!([
            "acme-2",
            "Two\nlines",
            "https://example.com/logo.png",
            "http://example.com/",
            { "key": "ai-ml", "name": "AI and machine learning" },
            "info@example.com",
            "+4930901820",
            "PUBLIC"
        ])
    );
    // Where plans are off there is no trial.
    assert_eq!(organization["plan"]["trial"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slug_is_made_from_the_name() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let named = |name: &'static str| slug(&alice, json!({ "name": name }));
    assert_eq!(named("Müller & Söhne").await, "muller-sohne");
    assert_eq!(named("株式会社").await, "organization");
    assert_eq!(named("X").await.split_once('-').unwrap().0, "organization");
    for (name, base) in [("Muller sohne", "muller-sohne"), ("Admin", "admin"), ("GraphQL!", "graphql")] {
        let made = named(name).await;
        let suffix =
            made.strip_prefix(base).and_then(|rest| rest.strip_prefix('-')).unwrap_or_else(|| panic!("{made}"));
        assert!(suffix.len() == 4 && suffix.chars().all(|c| c.is_ascii_alphanumeric()), "{made}");
    }
    let long = "long name ".repeat(10);
    let (first, second) = (slug(&alice, json!({ "name": long })).await, slug(&alice, json!({ "name": long })).await);
    assert!(first != second && first.len() <= 48 && second.len() <= 48, "{first} {second}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wanted_slug_is_given_or_refused() {
    let roster = Roster::start().await;
    let (alice, bob) = (roster.person("alice"), roster.person("bob"));
    let acme = roster.organization(&alice, "Acme").await;
    let before = "INSERT INTO organization_slugs SELECT 'acme-before', id FROM organizations";
    roster.sql(before).await;
    for taken in ["acme", "ACME", "acme-before"] {
        assert_eq!(refused(&bob, json!({ "name": "Other", "slug": taken })).await, ["TAKEN"], "{taken}");
    }
    for bad in ["a", "", "-acme", "acme-", "ac--me", "ac me", "ácme", "graphql", "Settings", &"x".repeat(49)] {
        let input = json!({ "input": { "name": "Other", "slug": bad } });
        let before = roster.content().await;
        let payload = bob.payload(CREATE, input).await;
        assert_eq!(payload["userErrors"], json!([{ "code": "INVALID", "path": ["input", "slug"] }]), "{bad}");
        assert_eq!(roster.content().await, before);
    }
    // A previous slug still finds the organization.
    let found = alice.data("{ organization(by: {slug: \"acme-before\"}) { id slug } }", json!({})).await;
    assert_eq!(found["organization"], json!({ "id": acme, "slug": "acme" }));
    assert_eq!(slug(&bob, json!({ "name": "Acme", "slug": "acme-2" })).await, "acme-2");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_problems_are_reported_together() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    alice.user_id().await;
    let before = roster.content().await;
    let input = json!({
        "name": " ",
        "slug": "a",
        "description": "x".repeat(2001),
        "logoUrl": "javascript:alert(1)",
        "website": "ftp://example.com",
        "industry": "piracy",
        "phone": "030 901820",
        "email": "nobody",
    });
    let payload = alice.payload(CREATE, json!({ "input": input })).await;
    assert_eq!(
        payload,
        json!({ "organization": null, "userErrors": [
            { "code": "BLANK", "path": ["input", "name"] },
            { "code": "TOO_LONG", "path": ["input", "description"] },
            { "code": "INVALID", "path": ["input", "logoUrl"] },
            { "code": "INVALID", "path": ["input", "website"] },
            { "code": "INVALID", "path": ["input", "industry"] },
            { "code": "INVALID", "path": ["input", "email"] },
            { "code": "INVALID", "path": ["input", "phone"] },
            { "code": "INVALID", "path": ["input", "slug"] },
        ] })
    );
    assert_eq!(roster.content().await, before);

    assert_eq!(refused(&alice, json!({ "name": "é".repeat(101) })).await, ["TOO_LONG"]);
    for website in [
        "example.com",
        "/path",
        "",
        "https://",
        "data:text/html,x",
        "https://user:secret@example.com",
        &format!("https://example.com/{}", "x".repeat(2048)),
    ] {
        assert_eq!(refused(&alice, json!({ "name": "Acme", "website": website })).await, ["INVALID"], "{website}");
    }
    for email in ["", "a@b", "a b@example.com", "a@example.com\r\nBcc: b@example.com"] {
        assert_eq!(refused(&alice, json!({ "name": "Acme", "email": email })).await, ["INVALID"], "{email}");
    }
    // The limits themselves fit.
    let fits = json!({ "name": "é".repeat(100), "description": "é".repeat(2000) });
    assert_eq!(slug(&alice, fits).await, "e".repeat(48));
}

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_and_bidi_marks_are_refused() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let marks = [
        '\0', '\u{1b}', '\u{7f}', '\u{85}', '\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{202a}',
        '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}', '\u{feff}',
    ];
    for mark in marks {
        let text = format!("Ac{mark}me");
        assert_eq!(refused(&alice, json!({ "name": text })).await, ["INVALID"], "{mark:?}");
        assert_eq!(refused(&alice, json!({ "name": "Acme", "description": text })).await, ["INVALID"], "{mark:?}");
    }
    assert_eq!(refused(&alice, json!({ "name": "Ac\nme" })).await, ["INVALID"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_operator_creates_for_others() {
    let roster = Roster::start().await;
    let (alice, bob, operator) = (roster.person("alice"), roster.person("bob"), roster.operator());
    let (bobs_id, acme) = (bob.user_id().await, roster.organization(&alice, "Acme").await);
    for (name, owner) in [("One", json!({ "email": " BOB@example.com" })), ("Two", json!({ "id": bobs_id }))] {
        let payload = operator.payload(CREATE, json!({ "input": { "name": name, "owner": owner } })).await;
        let organization = &payload["organization"];
        assert_eq!(
            (&organization["owner"]["user"]["email"], &organization["viewerMembership"]),
            (&json!("bob@example.com"), &Value::Null)
        );
    }
    assert_eq!(
        roster.texts("SELECT DISTINCT actor_kind FROM events WHERE data->>'slug' IN ('one', 'two')").await,
        ["OPERATOR"]
    );

    let strangers = [
        json!({ "email": "zoe@example.com" }),
        json!({ "email": "no address" }),
        json!({ "id": acme }),
        json!({ "id": bobs_id.replace("usr_0", "usr_1") }),
    ];
    for owner in strangers {
        assert_eq!(refused(&operator, json!({ "name": "Three", "owner": owner })).await, ["NOT_FOUND"], "{owner}");
    }
    assert_eq!(refused(&operator, json!({ "name": "Three" })).await, ["INVALID"]);
    assert_eq!(
        refused(&alice, json!({ "name": "Three", "owner": { "email": "bob@example.com" } })).await,
        ["FORBIDDEN"]
    );
    // Not even for oneself: the field is the operator's.
    assert_eq!(refused(&bob, json!({ "name": "Three", "owner": { "id": bobs_id } })).await, ["FORBIDDEN"]);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_nobody_create_none() {
    let roster = Roster::start().await;
    let acme = roster.organization(&roster.person("alice"), "Acme").await;
    let key = roster.key(&acme, None, &["organization.update", "projects.create", "members.manage"]).await;
    assert_eq!(refused(&key, json!({ "name": "Other" })).await, ["FORBIDDEN"]);
    assert_eq!(
        refused(&key, json!({ "name": "Other", "owner": { "email": "alice@example.com" } })).await,
        ["FORBIDDEN"]
    );
    let before = roster.content().await;
    let answer = roster.anonymous().post(CREATE, json!({ "input": { "name": "Other" } })).await;
    assert_eq!(answer.body["data"], json!({ "organizationCreate": null }));
    assert_eq!(answer.body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert_eq!(roster.content().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_owns_only_so_many() {
    let roster = Roster::start_with(|app| app.limits.owned_organizations = 2).await;
    let (alice, bob) = (roster.person("alice"), roster.person("bob"));
    let first = roster.organization(&alice, "One").await;
    roster.organization(&alice, "Two").await;
    let before = roster.content().await;
    let payload = alice.payload(CREATE, json!({ "input": { "name": "Three" } })).await;
    assert_eq!(payload["userErrors"], json!([{ "code": "LIMIT_REACHED", "path": null, "limit": 2, "actual": 2 }]));
    assert_eq!(roster.content().await, before);
    let for_alice = json!({ "name": "Three", "owner": { "email": "alice@example.com" } });
    assert_eq!(refused(&roster.operator(), for_alice).await, ["LIMIT_REACHED"]);

    // Belonging to others does not count.
    roster.member(&alice, &first, "bob", "admin").await;
    roster.organization(&bob, "Three").await;
    let last = bob.payload(CREATE, json!({ "input": { "name": "Four" } })).await;
    assert_eq!(codes(&last["userErrors"]), Vec::<String>::new());
    assert_eq!(refused(&bob, json!({ "name": "Five" })).await, ["LIMIT_REACHED"]);
}
