use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
use std::time::Duration;

use axum::{
    Router,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::{net::TcpListener, task::JoinHandle};

use super::*;

/// A provider on a loopback port that counts how often it was asked.
struct Provider {
    url: String,
    asked: Arc<AtomicUsize>,
    stalled: Arc<AtomicBool>,
    answer: Arc<Mutex<(StatusCode, String)>>,
    task: JoinHandle<()>,
}

impl Provider {
    async fn publishing(keys: &[Value]) -> Self {
        let answer = Arc::new(Mutex::new((StatusCode::OK, json!({ "keys": keys }).to_string())));
        let asked = Arc::new(AtomicUsize::new(0));
        let stalled = Arc::new(AtomicBool::new(false));
        let (count, stall, content) = (Arc::clone(&asked), Arc::clone(&stalled), Arc::clone(&answer));
        let router = Router::new().route(
            "/keys",
            get(move || async move {
                count.fetch_add(1, Ordering::SeqCst);
                let pause = if stall.load(Ordering::SeqCst) { 3_600_000 } else { 20 };
                tokio::time::sleep(Duration::from_millis(pause)).await;
                let (status, body) = content.lock().unwrap().clone();
                (status, [(header::LOCATION, "/elsewhere")], body).into_response()
            }),
        );
        let router = router.route("/elsewhere", get(elsewhere));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, asked, stalled, answer, task }
    }

    fn verifier(&self) -> Verifier {
        verifier(source(KeySource::Jwks { url: self.url.parse().unwrap() }))
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn publish(&self, keys: &[Value]) {
        self.answer(StatusCode::OK, json!({ "keys": keys }).to_string());
    }

    fn answer(&self, status: StatusCode, body: String) {
        *self.answer.lock().unwrap() = (status, body);
    }

    async fn stop(&self) {
        self.task.abort();
        while !self.task.is_finished() {
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn elsewhere() -> Response {
    axum::Json(json!({ "keys": [P256.jwk("p256")] })).into_response()
}

fn token(key: &TestKey, kid: &str) -> String {
    key.sign_as(Some(kid), key.algorithm, &good())
}

/// A good token that is looked at `later`, when its claims still count.
fn token_for(later: TimeDelta, key: &TestKey, kid: &str) -> String {
    let expiry = with("exp", json!((now() + later + TimeDelta::hours(1)).timestamp()));
    key.sign_as(Some(kid), key.algorithm, &expiry)
}

#[tokio::test]
async fn every_kind_of_key_is_found_by_its_id() {
    let provider = Provider::publishing(&[RSA.jwk("rsa"), P256.jwk("p256"), P384.jwk("p384"), ED25519.jwk("ed")]).await;
    let verifier = provider.verifier();
    for (key, kid) in [(&*RSA, "rsa"), (&*P256, "p256"), (&*P384, "p384"), (&*ED25519, "ed")] {
        let answer = verifier.verify(&token(key, kid), now()).await;
        assert_eq!(reason(answer), "accepted: person-1", "{kid}");
    }
    let mixed_up = verifier.verify(&token(&RSA, "p256"), now()).await;
    assert_eq!(reason(mixed_up), "the token's algorithm does not fit its key (kid)");
    let forged = verifier.verify(&token(&OTHER_RSA, "rsa"), now()).await;
    assert_eq!(reason(forged), "the token's signature is wrong");
    // The published key says RS256.
    let pss = RSA.sign_as(Some("rsa"), Algorithm::PS256, &good());
    let pss = verifier.verify(&pss, now()).await;
    assert_eq!(reason(pss), "the token's algorithm does not fit its key (kid)");
    assert_eq!(provider.asked(), 1);
}

#[tokio::test]
async fn a_key_without_algorithm_takes_those_of_its_type() {
    let mut jwk = RSA.jwk("rsa");
    jwk.as_object_mut().unwrap().remove("alg");
    let provider = Provider::publishing(&[jwk]).await;
    let verifier = provider.verifier();
    for (algorithm, expected) in [
        (Algorithm::RS256, "accepted: person-1"),
        (Algorithm::PS256, "accepted: person-1"),
        (Algorithm::RS512, "the token's algorithm is not accepted"),
    ] {
        let token = RSA.sign_as(Some("rsa"), algorithm, &good());
        assert_eq!(reason(verifier.verify(&token, now()).await), expected);
    }
}

#[tokio::test]
async fn shared_secrets_and_unfit_keys_in_a_set_are_ignored() {
    let secret = json!({"kty": "oct", "kid": "s", "alg": "HS256", "k": "c2VjcmV0"});
    let mut encrypting = RSA.jwk("enc");
    encrypting["use"] = json!("enc");
    let mut relabelled = P256.jwk("relabelled");
    relabelled["alg"] = json!("RS256");
    let strange = json!({"kty": "AKP", "kid": "pq", "alg": "ML-DSA-44", "pub": "AA"});
    let broken = json!({"kty": "EC", "crv": 7});
    let provider =
        Provider::publishing(&[secret, encrypting, relabelled, strange, broken, json!("no key"), P256.jwk("good")])
            .await;
    let verifier = provider.verifier();

    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("s".to_owned());
    let forged = jsonwebtoken::encode(&header, &good(), &EncodingKey::from_secret(b"secret")).unwrap();
    let forged = verifier.verify(&forged, now()).await;
    assert_eq!(reason(forged), "the token's algorithm is not accepted");
    assert_eq!(provider.asked(), 0);

    let unknown = "the token's key (kid) is not known";
    assert_eq!(reason(verifier.verify(&token(&RSA, "enc"), now()).await), unknown);
    assert_eq!(reason(verifier.verify(&token(&P256, "relabelled"), now()).await), unknown);
    assert_eq!(reason(verifier.verify(&token(&P256, "good"), now()).await), "accepted: person-1");
}

#[tokio::test]
async fn without_a_key_id_the_type_must_leave_one_key() {
    let provider = Provider::publishing(&[RSA.jwk("a"), P256.jwk("b")]).await;
    let verifier = provider.verifier();
    assert_eq!(reason(verifier.verify(&RSA.sign(&good()), now()).await), "accepted: person-1");

    provider.publish(&[RSA.jwk("a"), OTHER_RSA.jwk("c")]);
    let later = now() + TimeDelta::minutes(6);
    let ambiguous = verifier.verify(&RSA.sign(&good()), later).await;
    assert_eq!(reason(ambiguous), "the token does not say which key (kid) it uses");
}

#[tokio::test]
async fn concurrent_tokens_wait_for_one_fetch() {
    let provider = Provider::publishing(&[P256.jwk("k")]).await;
    let verifier = Arc::new(provider.verifier());
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let verifier = Arc::clone(&verifier);
            tokio::spawn(async move { verifier.verify(&token(&P256, "k"), now()).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(reason(task.await.unwrap()), "accepted: person-1");
    }
    assert_eq!(provider.asked(), 1);
}

#[tokio::test]
async fn a_slow_provider_keeps_only_one_waiting() {
    let provider = Provider::publishing(&[P256.jwk("k")]).await;
    let verifier = Arc::new(provider.verifier());
    verifier.verify(&token(&P256, "k"), now()).await.unwrap();

    provider.stalled.store(true, Ordering::SeqCst);
    let later = now() + TimeDelta::minutes(6);
    let asking = Arc::clone(&verifier);
    let asking = tokio::spawn(async move { asking.verify(&token(&P256, "k"), later).await });
    while provider.asked() < 2 {
        tokio::task::yield_now().await;
    }
    for _ in 0..10 {
        assert_eq!(reason(verifier.verify(&token(&P256, "k"), later).await), "accepted: person-1");
    }
    assert!(!asking.is_finished());
    let waited = tokio::time::timeout(Duration::from_secs(8), asking).await.unwrap().unwrap();
    assert_eq!(reason(waited), "accepted: person-1", "with the old keys, after 5 s");
    assert_eq!(provider.asked(), 2);
}

#[tokio::test]
async fn keys_are_fetched_again_after_five_minutes() {
    let provider = Provider::publishing(&[P256.jwk("k")]).await;
    let verifier = provider.verifier();
    for (seconds, asked) in [(0, 1), (299, 1), (300, 2), (599, 2), (600, 3), (10, 4)] {
        let moment = now() + TimeDelta::seconds(seconds);
        assert_eq!(reason(verifier.verify(&token(&P256, "k"), moment).await), "accepted: person-1");
        assert_eq!(provider.asked(), asked, "after {seconds} s");
    }
    provider.publish(&[RSA.jwk("r")]);
    let withdrawn = verifier.verify(&token(&P256, "k"), now() + TimeDelta::seconds(900)).await;
    assert_eq!(reason(withdrawn), "the token's key (kid) is not known");
}

#[tokio::test]
async fn an_unknown_key_id_asks_at_most_every_thirty_seconds() {
    let provider = Provider::publishing(&[P256.jwk("old")]).await;
    let verifier = provider.verifier();
    verifier.verify(&token(&P256, "old"), now()).await.unwrap();

    provider.publish(&[P256.jwk("old"), RSA.jwk("new")]);
    let unknown = "the token's key (kid) is not known";
    for attempt in 0..100 {
        let invented = token(&RSA, &format!("invented-{attempt}"));
        assert_eq!(reason(verifier.verify(&invented, now()).await), unknown);
    }
    assert_eq!(provider.asked(), 1);
    let soon = now() + TimeDelta::seconds(29);
    assert_eq!(reason(verifier.verify(&token(&RSA, "new"), soon).await), unknown);
    let later = now() + TimeDelta::seconds(30);
    assert_eq!(reason(verifier.verify(&token(&RSA, "new"), later).await), "accepted: person-1");
    assert_eq!(reason(verifier.verify(&token(&RSA, "invented"), later).await), unknown);
    assert_eq!(provider.asked(), 2);
}

#[tokio::test]
async fn old_keys_serve_for_a_day_while_the_provider_is_gone() {
    let provider = Provider::publishing(&[P256.jwk("k")]).await;
    let verifier = provider.verifier();
    verifier.verify(&token(&P256, "k"), now()).await.unwrap();
    provider.stop().await;

    for (age, expected) in [
        (TimeDelta::minutes(6), "accepted: person-1"),
        (TimeDelta::hours(23), "accepted: person-1"),
        (TimeDelta::hours(24), "unavailable"),
        (TimeDelta::hours(25), "unavailable"),
    ] {
        let answer = verifier.verify(&token_for(age, &P256, "k"), now() + age).await;
        assert_eq!(reason(answer), expected, "{age}");
    }
    let unknown = verifier.verify(&token(&RSA, "new"), now() + TimeDelta::minutes(10)).await;
    assert_eq!(reason(unknown), "unavailable", "it could be a new key");
}

#[tokio::test]
async fn an_outage_is_not_hammered() {
    let provider = Provider::publishing(&[P256.jwk("k")]).await;
    provider.answer(StatusCode::BAD_GATEWAY, String::new());
    let verifier = provider.verifier();
    for (seconds, asked) in [(0, 1), (4, 1), (5, 2), (9, 2)] {
        let moment = now() + TimeDelta::seconds(seconds);
        assert_eq!(reason(verifier.verify(&token(&P256, "k"), moment).await), "unavailable");
        assert_eq!(provider.asked(), asked, "after {seconds} s");
    }
    provider.publish(&[P256.jwk("k")]);
    let healed = verifier.verify(&token(&P256, "k"), now() + TimeDelta::seconds(10)).await;
    assert_eq!(reason(healed), "accepted: person-1");

    provider.answer(StatusCode::BAD_GATEWAY, String::new());
    for (seconds, asked) in [(400, 4), (429, 4), (430, 5)] {
        let moment = now() + TimeDelta::seconds(seconds);
        assert_eq!(reason(verifier.verify(&token(&P256, "k"), moment).await), "accepted: person-1");
        assert_eq!(provider.asked(), asked, "after {seconds} s");
    }
}

#[tokio::test]
async fn answers_that_are_no_key_set() {
    let provider = Provider::publishing(&[]).await;
    let long = json!({"keys": [P256.jwk("k")], "fill": "x".repeat(1024 * 1024)}).to_string();
    let cases = [
        (StatusCode::OK, json!({"keys": []}).to_string(), "the JWK set has no usable key"),
        (StatusCode::OK, "<html>".to_owned(), "the answer is not a JWK set"),
        (StatusCode::OK, long, "the answer is longer than 1 MiB"),
        (StatusCode::FOUND, String::new(), "the answer has the status 302 Found"),
        (StatusCode::NOT_FOUND, String::new(), "the answer has the status 404 Not Found"),
    ];
    for (status, body, expected) in cases {
        provider.answer(status, body);
        match provider.verifier().verify(&token(&P256, "p256"), now()).await {
            Err(TokenError::Unavailable(text)) => {
                assert_eq!(*text, format!("{}: {expected}", provider.url));
            }
            other => panic!("{other:?}"),
        }
    }
}
