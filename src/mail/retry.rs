//! When a message that could not be delivered is tried again.

use std::time::Duration;

use chrono::TimeDelta;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
/// Seconds after the first, second, … failed attempt; after the last one the message is given up.
const PAUSES: [u64; 7] = [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR];
/// How much of a pause the jitter may add or take away.
const JITTER: f64 = 0.2;

/// The pause before the next attempt, or `None` when the message is to be given up.
///
/// `attempt` counts the attempts that have failed, from 1. `jitter`, from -1 to 1, shortens or
/// lengthens the pause by up to 20 %, so that messages that failed together do not return together.
pub fn retry_after(attempt: u32, jitter: f64) -> Option<TimeDelta> {
    let index = usize::try_from(attempt.saturating_sub(1)).ok()?;
    let pause = Duration::from_secs(*PAUSES.get(index)?);
    let jitter = if jitter.is_finite() { jitter.clamp(-1.0, 1.0) } else { 0.0 };
    TimeDelta::from_std(pause.mul_f64(1.0 + JITTER * jitter)).ok()
}
