//! Makes a sequence short: what is not needed for a violation is left out.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{
    case::{Outcome, replay},
    schema::Schema,
    stage::{Action, Step},
};
use crate::support::Roster;

static RUNS: AtomicU64 = AtomicU64::new(0);

/// The case without the steps, and the steps without the optional input, that its violation does without.
pub async fn shorten(roster: &Roster, schema: &Schema, seed: u64, found: Outcome) -> Outcome {
    let mut short = found;
    let mut size = short.steps.len() / 2;
    while size > 0 {
        let mut end = short.steps.len();
        while end > 0 {
            let start = end.saturating_sub(size);
            let without = [&short.steps[..start], &short.steps[end..]].concat();
            if let Some(shorter) = Box::pin(again(roster, schema, seed, &without, &short)).await {
                short = shorter;
            }
            end = start.min(short.steps.len());
        }
        // Single steps, until none can be left out.
        size = if size > 1 { size / 2 } else { 0 };
    }
    for index in (0..short.steps.len()).rev() {
        let Some(Action::Call { mutation, input }) = short.steps.get(index).map(|step| step.action.clone()) else {
            continue;
        };
        for field in schema.input_of(&mutation).into_iter().filter(|field| !field.is_required) {
            if input[&field.name].is_null() {
                continue;
            }
            let mut steps: Vec<Step> = short.steps.clone();
            if let Some(Action::Call { input, .. }) = steps.get_mut(index).map(|step| &mut step.action) {
                input.as_object_mut().unwrap().remove(&field.name);
            }
            if let Some(shorter) = Box::pin(again(roster, schema, seed, &steps, &short)).await {
                short = shorter;
            }
        }
    }
    short
}

/// Runs the steps in another organization; what comes of them, if the same is wrong.
async fn again(roster: &Roster, schema: &Schema, seed: u64, steps: &[Step], found: &Outcome) -> Option<Outcome> {
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let outcome = Box::pin(replay(roster, schema, steps, format!("{seed}-{run}"))).await;
    let kind = |outcome: &Outcome| outcome.violation.as_ref().map(super::stage::Violation::kind);
    (kind(&outcome) == kind(found)).then_some(outcome)
}
