use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;

use super::*;
use crate::server::tokens::{DEVELOPMENT_ISSUER, DevelopmentClaims, MAX_TOKEN_BYTES, sign_development};

async fn answer(claims: &Value) -> String {
    reason(verifier(P256.source()).verify(&P256.sign(claims), now()).await)
}

fn refusal(source: Source) -> String {
    Verifier::new(vec![source]).unwrap_err().to_string()
}

#[tokio::test]
async fn every_kind_of_public_key_verifies() {
    for key in [&*RSA, &*P256, &*ED25519] {
        let claims = verifier(key.source()).verify(&key.sign(&good()), now()).await.unwrap();
        assert_eq!((claims.issuer.as_str(), claims.subject.as_str()), (ISSUER, "person-1"));
        assert_eq!(claims.expires_at, now() + TimeDelta::hours(1));
    }
}

#[tokio::test]
async fn profile_claims_are_optional_and_forgiving() {
    let verifier = verifier(P256.source());
    let claims = verifier.verify(&P256.sign(&good()), now()).await.unwrap();
    assert_eq!((claims.email, claims.email_verified, claims.name), (None, false, None));

    let mut body = good();
    body["email"] = json!("Ada@Example.com");
    body["email_verified"] = json!("true");
    body["name"] = json!(" Ada Lovelace ");
    body["given_name"] = json!(7);
    body["family_name"] = json!("Love\u{0}lace");
    body["picture"] = json!("https://example.com/ada.png");
    let claims = verifier.verify(&P256.sign(&body), now()).await.unwrap();
    assert_eq!(claims.email.as_deref(), Some("Ada@Example.com"));
    assert!(claims.email_verified);
    assert_eq!(claims.name.as_deref(), Some("Ada Lovelace"));
    assert_eq!((claims.given_name, claims.family_name), (None, None));
    assert_eq!(claims.picture.as_deref(), Some("https://example.com/ada.png"));

    for (sent, read) in [
        (json!(true), true),
        (json!(false), false),
        (json!("false"), false),
        (json!(1), false),
        (json!("TRUE "), false),
    ] {
        let token = P256.sign(&with("email_verified", sent));
        assert_eq!(verifier.verify(&token, now()).await.unwrap().email_verified, read);
    }
}

#[tokio::test]
async fn required_claims_and_their_values() {
    let later = |seconds| json!(now().timestamp() + seconds);
    let cases = [
        (with("iss", json!("https://evil.example.com/")), "the token's issuer (iss) is not accepted"),
        (with("iss", json!("https://id.example.com")), "the token's issuer (iss) is not accepted"),
        (without("iss"), "the token's issuer (iss) is not accepted"),
        (with("aud", json!("other")), "the token is meant for another audience (aud)"),
        (with("aud", json!(["other", AUDIENCE])), "accepted: person-1"),
        (with("aud", json!([])), "the token is meant for another audience (aud)"),
        (without("aud"), "the token has no audience (aud)"),
        (without("sub"), "the token has no subject (sub)"),
        (with("sub", json!("")), "the token has no subject (sub)"),
        (with("sub", json!(12)), "the token has no subject (sub)"),
        (with("sub", json!("é".repeat(255))), &format!("accepted: {}", "é".repeat(255))),
        (with("sub", json!("a".repeat(256))), "the token's subject (sub) is too long or unprintable"),
        (with("sub", json!("a\u{0}b")), "the token's subject (sub) is too long or unprintable"),
        (without("exp"), "the token has no expiry (exp)"),
        (with("exp", json!("soon")), "a time in the token (exp, nbf, iat) cannot be read"),
        (with("exp", json!(1e300)), "a time in the token (exp, nbf, iat) cannot be read"),
        (with("exp", json!(-1)), "a time in the token (exp, nbf, iat) cannot be read"),
        (with("exp", later(-29)), "accepted: person-1"),
        (with("exp", later(-30)), "the token has expired"),
        (with("nbf", later(30)), "accepted: person-1"),
        (with("nbf", later(31)), "the token is not valid yet (nbf)"),
        (with("iat", later(30)), "accepted: person-1"),
        (with("iat", later(31)), "the token was issued in the future (iat)"),
        (without("iat"), "accepted: person-1"),
    ];
    for (claims, expected) in cases {
        assert_eq!(answer(&claims).await, expected, "{claims}");
    }
    let fraction = with("exp", json!(1_935_896_889.75));
    let claims = verifier(P256.source()).verify(&P256.sign(&fraction), now()).await.unwrap();
    assert_eq!(claims.expires_at.timestamp(), 1_935_896_889);
}

#[tokio::test]
async fn without_an_audience_any_is_accepted() {
    let open = verifier(Source { audience: None, ..P256.source() });
    for claims in [without("aud"), with("aud", json!("other"))] {
        assert_eq!(reason(open.verify(&P256.sign(&claims), now()).await), "accepted: person-1");
    }
}

#[tokio::test]
async fn unsigned_and_damaged_tokens() {
    let verifier = verifier(P256.source());
    let malformed = "the token is malformed or its algorithm is not accepted";
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    for algorithm in ["none", "None", "NONE", "nOnE"] {
        let unsigned = format!("{}.{}.", part(&json!({"alg": algorithm})), part(&good()));
        assert_eq!(reason(verifier.verify(&unsigned, now()).await), malformed);
    }
    for text in ["", ".", "..", "a.b.c", "no token", "\u{1f512}.\u{0}.x"] {
        assert_eq!(reason(verifier.verify(text, now()).await), malformed);
    }

    let good_token = P256.sign(&good());
    let (signed, signature) = good_token.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let swapped = format!("{header}.{}.{signature}", part(&with("sub", json!("somebody else"))));
    assert_eq!(reason(verifier.verify(&swapped, now()).await), "the token's signature is wrong");
    let stripped = format!("{signed}.");
    assert_eq!(reason(verifier.verify(&stripped, now()).await), "the token's signature is wrong");

    let critical = part(&json!({"alg": "ES256", "crit": ["exp"]}));
    let critical = format!("{critical}.{}.{signature}", part(&good()));
    assert_eq!(reason(verifier.verify(&critical, now()).await), "the token demands an extension (crit) unknown here");
}

#[tokio::test]
async fn a_public_key_is_no_shared_secret() {
    let verifier = verifier(RSA.source());
    for secret in [RSA.public_pem.as_str(), RSA.public_pem.trim_end()] {
        let forged =
            jsonwebtoken::encode(&Header::new(Algorithm::HS256), &good(), &EncodingKey::from_secret(secret.as_bytes()));
        assert_eq!(reason(verifier.verify(&forged.unwrap(), now()).await), "the token's algorithm is not accepted");
    }
    let other_algorithm = RSA.sign_as(None, Algorithm::RS384, &good());
    assert_eq!(reason(verifier.verify(&other_algorithm, now()).await), "the token's algorithm is not accepted");
    assert_eq!(reason(verifier.verify(&OTHER_RSA.sign(&good()), now()).await), "the token's signature is wrong");
}

#[tokio::test]
async fn long_tokens_are_not_looked_at() {
    let fill = |bytes: usize| P256.sign(&with("fill", json!("x".repeat(bytes))));
    assert!(fill(5000).len() < MAX_TOKEN_BYTES && fill(6200).len() > MAX_TOKEN_BYTES);
    let verifier = verifier(P256.source());
    assert_eq!(reason(verifier.verify(&fill(5000), now()).await), "accepted: person-1");
    assert_eq!(reason(verifier.verify(&fill(6200), now()).await), "the token is longer than 8 KiB");
}

#[tokio::test]
async fn the_issuer_picks_the_source() {
    let second = Source { issuer: "https://second.example.com".to_owned(), ..RSA.source() };
    let both = Verifier::new(vec![P256.source(), second]).unwrap();
    let from_second = with("iss", json!("https://second.example.com"));
    let cases = [
        (P256.sign(&good()), "accepted: person-1"),
        (RSA.sign(&from_second), "accepted: person-1"),
        (RSA.sign(&good()), "the token's algorithm is not accepted"),
        (P256.sign(&from_second), "the token's algorithm is not accepted"),
    ];
    for (token, expected) in cases {
        assert_eq!(reason(both.verify(&token, now()).await), expected);
    }
    let nobody = Verifier::new(Vec::new()).unwrap();
    assert_eq!(reason(nobody.verify(&P256.sign(&good()), now()).await), "the token's issuer (iss) is not accepted");
}

#[tokio::test]
async fn development_tokens() {
    let secret = SecretString::from(SECRET);
    let person =
        DevelopmentClaims { subject: "ada", audience: None, email: Some("ada@example.com"), name: Some("Ada") };
    let token = sign_development(&secret, person, now(), TimeDelta::hours(8)).unwrap();
    let development = |secret: &str| {
        verifier(Source {
            issuer: DEVELOPMENT_ISSUER.to_owned(),
            audience: None,
            keys: KeySource::Secret(secret.into()),
        })
    };
    let claims = development(SECRET).verify(&token, now()).await.unwrap();
    assert_eq!((claims.subject.as_str(), claims.email_verified), ("ada", true));
    assert_eq!(claims.expires_at, now() + TimeDelta::hours(8));

    let other = development("another secret of at least 32 bytes!!");
    assert_eq!(reason(other.verify(&token, now()).await), "the token's signature is wrong");
}

#[test]
fn unusable_settings_are_explained() {
    let secret = |text: &str| source(KeySource::Secret(text.into()));
    let pem = |text: &str| source(KeySource::Pem { pem: text.to_owned() });
    let jwks = |url: &str| source(KeySource::Jwks { url: url.parse().unwrap() });
    let private = RSA.public_pem.replace("PUBLIC", "PRIVATE");
    let texts = [
        refusal(secret("short")),
        refusal(secret(&RSA.public_pem)),
        refusal(pem("hello")),
        refusal(pem(&private)),
        refusal(pem(&P384.public_pem)),
        refusal(jwks("http://id.example.com/keys")),
        refusal(jwks("ftp://id.example.com/keys")),
        refusal(jwks("https://me:pw@id.example.com/keys")),
        refusal(Source { issuer: " ".to_owned(), ..P256.source() }),
        refusal(Source { audience: Some(String::new()), ..P256.source() }),
        Verifier::new(vec![P256.source(), RSA.source()]).unwrap_err().to_string(),
    ];
    insta::assert_snapshot!(texts.join("\n"), @r#"
    the token secret has 5 bytes; HS256 needs at least 32
    the token secret is a PEM key; configure it as one
    the key is no PEM public key of RSA, P-256 or Ed25519 (-----BEGIN PUBLIC KEY-----)
    this is a private key; give its public key
    the EC key is not on the curve P-256
    the JWKS address must begin with https:// (http:// is for loopback hosts only)
    the JWKS address must begin with https://
    the JWKS address must not hold a password
    the issuer is empty
    the audience is empty
    the issuer "https://id.example.com/" is configured twice
    "#);
    for url in ["http://localhost:1/k", "http://127.0.0.1:1/k", "http://[::1]:1/k", "https://x/k"] {
        verifier(jwks(url));
    }
}
