//! Documents and requests that are made to hurt.
//!
//! Families of them, each grown to many sizes by a generator that always makes the same ones. The process lives (what
//! overflows its stack would end the whole run), each request costs little, and none is answered at length.

mod families;

use std::{collections::BTreeMap, time::Duration};

use axum::http::header;
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};

use self::families::{Random, families};
use crate::support::{Roster, http::send};

/// Requests of each family.
const OF_EACH: usize = 160;
/// Most processor time of one request, on the one thread that everything runs on.
const MAX_CPU: Duration = Duration::from_millis(50);
/// Largest answer, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

fn cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
    let time = |time: nix::sys::time::TimeVal| {
        Duration::new(time.tv_sec().unsigned_abs(), 0) + Duration::from_micros(time.tv_usec().unsigned_abs())
    };
    time(usage.user_time()) + time(usage.system_time())
}

/// Everything runs on this thread, so that what it spends is what the requests cost.
#[tokio::test]
async fn no_request_costs_much_or_is_answered_at_length() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    for n in 0..3 {
        roster.project(&alice, &acme, &format!("Project {n}")).await;
    }
    roster.crowd("acme", 300, "'Name ' || n").await;
    let authorization: header::HeaderValue = alice.authorization().unwrap().parse().unwrap();
    let families = families();
    assert!(families.len() >= 40 && families.len() * OF_EACH >= 10_000);

    let mut random = Random(0x005e_ed0f);
    let mut worst: BTreeMap<&str, (Duration, usize)> = BTreeMap::new();
    let (mut dear, mut long, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for (family, make) in families {
        for n in 0..OF_EACH {
            let mut request = make(&mut random);
            let shown = format!("{family} {n}");
            if n % 2 == 0 {
                request.headers_mut().entry(header::AUTHORIZATION).or_insert(authorization.clone());
            }
            let method = request.method().clone();
            let before = cpu();
            let sent = send(&roster, request).await;
            let cost = cpu().saturating_sub(before);
            let entry = worst.entry(family).or_default();
            *entry = (entry.0.max(cost), entry.1.max(sent.body.len()));
            if cost > MAX_CPU {
                dear.push(format!("{shown}: {cost:?}"));
            }
            if sent.body.len() > MAX_ANSWER {
                long.push(format!("{shown}: {} bytes", sent.body.len()));
            }
            // Events are for those who take nothing else, and of some methods there is no body.
            let is_other = sent.header(header::CONTENT_TYPE) == "text/event-stream"
                || ["HEAD", "OPTIONS"].contains(&method.as_str());
            let is_json = is_other || serde_json::from_str::<Value>(&sent.body).is_ok();
            if sent.status.is_server_error() || !is_json || sent.body.contains("INTERNAL_SERVER_ERROR") {
                failed.push(format!("{shown}: {} {}", sent.status, sent.body));
            }
        }
    }
    if std::env::var_os("SHOW").is_some() {
        for (family, (cost, answer)) in &worst {
            println!("{cost:>12?} {answer:>7} bytes  {family}");
        }
    }
    assert_eq!((&dear[..], &long[..], &failed[..]), (&[][..], &[][..], &[][..]) as (&[String], &[String], &[String]));
    // And it lives.
    let members = "{ organization(by: {slug: \"acme\"}) { members { totalCount } } }";
    assert_eq!(alice.data(members, json!({})).await["organization"]["members"]["totalCount"], 301);
}
