//! Looks for escalation on the real server, from outside: random organizations, in which a person and an
//! accomplice try random sequences of mutations, with keys and with other tokens of theirs, while others demote,
//! remove, invite and change roles, and time passes.
//!
//! After every step both are asked what they hold, and so is every key whose secret they know, in the
//! organization and in each project it began with:
//!
//! 1. no key holds what neither of them holds;
//! 2. no step of theirs, no sign-in and no time that passes lets them hold more together than before; what
//!    an invitation of others gives is theirs once they accept it, as long as the address is theirs;
//! 3. what others give to somebody else does not reach them.
//!
//! Every case is made from its number, and says it when something is wrong:
//!
//! * `cargo test --test api escalation` tries so many that it takes about a minute;
//! * `ESCALATION_CASES=1000000 cargo test --test api escalation -- --nocapture` searches for hours;
//! * `ESCALATION_SEED=17 cargo test --test api escalation -- --nocapture` tries one case again, tells all of it
//!   and then, if something is wrong, the shortest sequence that was found to do it.
//!
//! `moves.rs` has a generator for each mutation, `case.rs` says who does what and how often, `stage.rs` takes
//! the steps and judges, `shorten.rs` leaves out what a violation does without.

mod case;
mod holding;
mod moves;
mod random;
mod schema;
mod shorten;
mod stage;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use case::{Outcome, play};
use moves::MOVES;
use schema::Schema;

use crate::support::Roster;

/// Cases of a usual run.
const CASES: u64 = 250;
/// Cases that run at the same time, each on a server of its own, as each has its own time.
const AT_ONCE: usize = 4;
/// Cases of one server and its database.
const CASES_OF_A_SERVER: u64 = 100;
/// Violations of one kind that are made short and told.
const TOLD_OF_A_KIND: usize = 1;

#[derive(Default)]
struct Tally {
    cases: u64,
    calls: BTreeMap<String, (usize, usize)>,
    violations: usize,
    /// How often each kind was found.
    kinds: BTreeMap<(&'static str, String), usize>,
    told: Vec<String>,
}

/// No mutation is left out.
#[tokio::test]
async fn every_mutation_has_a_generator() {
    let known: BTreeSet<&str> = MOVES.iter().map(|of| of.mutation).collect();
    let schema = Schema::load().await;
    let without: Vec<&str> = schema.mutations().filter(|mutation| !known.contains(mutation)).collect();
    assert!(without.is_empty(), "add to moves.rs, or the search is blind to it: {without:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_brings_about_what_they_could_not_do() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    let schema = Arc::new(Schema::load().await);
    if let Some(seed) = number("ESCALATION_SEED") {
        let roster = server().await;
        let outcome = Box::pin(play(&roster, &schema, seed, seed.to_string())).await;
        println!("{}", outcome.log.join("\n"));
        assert!(outcome.violation.is_none(), "{}", Box::pin(report(&roster, &schema, seed, outcome)).await);
        return;
    }
    let asked = number("ESCALATION_CASES");
    let cases = asked.unwrap_or(CASES);
    let (next, tally) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(Tally::default())));
    let search = |_| tokio::spawn(search(schema.clone(), next.clone(), cases, tally.clone()));
    for task in (0..AT_ONCE).map(search).collect::<Vec<_>>() {
        task.await.unwrap();
    }
    tell(&schema, &tally.lock().unwrap(), asked.is_none());
}

async fn server() -> Roster {
    // Plans are off: inviting is always in them.
    Roster::start_with(|app| app.trial_days = None).await
}

/// Takes one case after the other until all are taken.
async fn search(schema: Arc<Schema>, next: Arc<AtomicU64>, cases: u64, tally: Arc<Mutex<Tally>>) {
    let mut roster = server().await;
    for of_server in 1_u64.. {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= cases {
            return;
        }
        if of_server % CASES_OF_A_SERVER == 0 {
            roster = server().await;
        }
        let outcome = Box::pin(play(&roster, &schema, seed, seed.to_string())).await;
        let is_told = {
            let mut tally = tally.lock().unwrap();
            tally.cases += 1;
            for (mutation, (sent, accepted)) in &outcome.calls {
                let (all, all_accepted) = tally.calls.entry(mutation.clone()).or_default();
                *all += sent;
                *all_accepted += accepted;
            }
            outcome.violation.as_ref().is_some_and(|violation| {
                tally.violations += 1;
                let of_kind = tally.kinds.entry(violation.kind()).or_default();
                *of_kind += 1;
                *of_kind <= TOLD_OF_A_KIND
            })
        };
        if is_told {
            let report = Box::pin(report(&roster, &schema, seed, outcome)).await;
            println!("{report}");
            tally.lock().unwrap().told.push(report);
        }
    }
}

/// The shortest sequence that was found to do it.
async fn report(roster: &Roster, schema: &Schema, seed: u64, outcome: Outcome) -> String {
    let short = Box::pin(shorten::shorten(roster, schema, seed, outcome)).await;
    let violation = short.violation.as_ref().unwrap();
    format!(
        "\nESCALATION_SEED={seed}: {}, by {}\n{}\n     => {}\n",
        violation.rule,
        violation.by,
        short.log.join("\n"),
        violation.found
    )
}

fn tell(schema: &Schema, tally: &Tally, is_usual: bool) {
    let sent: usize = tally.calls.values().map(|(sent, _)| sent).sum();
    let accepted: usize = tally.calls.values().map(|(_, accepted)| accepted).sum();
    println!(
        "escalation search: {} organizations, {sent} mutations ({accepted} accepted), {} violations",
        tally.cases, tally.violations
    );
    for ((rule, by), count) in &tally.kinds {
        println!("  {count} x {rule}, by {by}");
    }
    let mut wrong = tally.told.clone();
    if accepted * 100 < sent * 40 {
        wrong.push(format!("of {sent} mutations only {accepted} were accepted: the search tries too little"));
    }
    if is_usual {
        if sent < 2_000 {
            wrong.push(format!("only {sent} mutations were tried"));
        }
        let accepted = |mutation: &&str| tally.calls.get(*mutation).is_some_and(|(_, accepted)| *accepted > 0);
        let never: Vec<&str> = schema.mutations().filter(|mutation| !accepted(mutation)).collect();
        if !never.is_empty() {
            wrong.push(format!("never accepted: {never:?}"));
        }
    }
    assert!(tally.violations == 0 && wrong.is_empty(), "{} violations:\n{}", tally.violations, wrong.join("\n"));
}
