//! Makes a sequence short: what is not needed for a violation is left out.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use super::{
    case::{Outcome, replay},
    schema::Schema,
    stage::{Action, Step, Violation},
};
use crate::support::Roster;

static RUNS: AtomicU64 = AtomicU64::new(0);

/// The case without the steps, and the steps without the input, that its violation does without.
pub async fn shorten(roster: &Roster, schema: &Schema, seed: u64, found: Outcome) -> Outcome {
    let mut shortening = Shortening { roster, schema, seed, short: found };
    let mut size = shortening.short.steps.len() / 2;
    while size > 0 {
        Box::pin(shortening.leave_out(size)).await;
        size /= 2;
    }
    // What a step no longer names need not be there.
    Box::pin(shortening.simplify()).await;
    Box::pin(shortening.leave_out(1)).await;
    shortening.short
}

struct Shortening<'a> {
    roster: &'a Roster,
    schema: &'a Schema,
    seed: u64,
    short: Outcome,
}

impl Shortening<'_> {
    /// Leaves out so many steps in a row, from the last to the first.
    async fn leave_out(&mut self, size: usize) {
        let mut end = self.short.steps.len();
        while end > 0 {
            let start = end.saturating_sub(size);
            let without = [&self.short.steps[..start], &self.short.steps[end..]].concat();
            Box::pin(self.again(&without)).await;
            end = start.min(self.short.steps.len());
        }
    }

    /// Leaves out optional fields, and items of lists.
    async fn simplify(&mut self) {
        for index in (0..self.short.steps.len()).rev() {
            let Some(Action::Call { mutation, .. }) = self.short.steps.get(index).map(|step| step.action.clone())
            else {
                continue;
            };
            for field in self.schema.input_of(&mutation) {
                let name = &field.name;
                if !field.is_required {
                    Box::pin(self.change(index, |input| {
                        input.as_object_mut().is_some_and(|fields| fields.remove(name).is_some())
                    }))
                    .await;
                }
                // Which permissions they are matters little, and there are many.
                for item in (0..4).rev().filter(|_| name != "permissions") {
                    Box::pin(self.change(index, |input| match input.get_mut(name) {
                        Some(Value::Array(items)) if items.len() > 1 && item < items.len() => {
                            items.remove(item);
                            true
                        }
                        _ => false,
                    }))
                    .await;
                }
            }
        }
    }

    /// Changes the input of one step, if there is something to change.
    async fn change(&mut self, index: usize, change: impl Fn(&mut Value) -> bool) {
        let mut steps = self.short.steps.clone();
        let Some(Action::Call { input, .. }) = steps.get_mut(index).map(|step| &mut step.action) else { return };
        if change(input) {
            Box::pin(self.again(&steps)).await;
        }
    }

    /// Takes the steps in another organization, and keeps them if the same is wrong.
    async fn again(&mut self, steps: &[Step]) {
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        let tag = format!("{}-{run}", self.seed);
        let outcome = Box::pin(replay(self.roster, self.schema, steps, tag)).await;
        let kind = |outcome: &Outcome| outcome.violation.as_ref().map(Violation::kind);
        if kind(&outcome) == kind(&self.short) {
            self.short = outcome;
        }
    }
}
