//! What stands in for chance and for the clock: the same numbers, times and ids at every run.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// What a number or an id is drawn for.
#[derive(Clone, Copy)]
pub enum Of {
    Person = 1,
    Organization,
    Role,
    Member,
    Project,
    ProjectMember,
    Invitation,
    Event,
    Name,
}

/// The time up to which everything has happened.
pub fn today() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_767_225_600) // 2026-01-01
}

/// The time at which the first person signed in.
pub fn first_day() -> DateTime<Utc> {
    today() - TimeDelta::days(3 * 365)
}

/// Milliseconds, of which there are too few to overflow.
pub fn milliseconds(count: u64) -> TimeDelta {
    TimeDelta::milliseconds(i64::try_from(count).unwrap_or_default())
}

/// A number for the `index`-th of its kind in an organization.
pub fn number(of: Of, organization: u64, index: u64) -> u64 {
    mix(!key(of, organization, index))
}

/// An id in the layout of version 7. No two are alike: what stands for chance in it is a bijection of the key.
pub fn id(of: Of, organization: u64, index: u64, at: DateTime<Utc>) -> Uuid {
    let time = u128::try_from(at.timestamp_millis()).unwrap_or_default();
    let unique = u128::from(mix(key(of, organization, index)));
    let more = u128::from(number(of, organization, index) & 0x3ff);
    Uuid::from_u128(time << 80 | 7 << 76 | more << 66 | (unique >> 62) << 64 | 2 << 62 | (unique & !(3 << 62)))
}

/// Organizations are counted in 28 bits, what they hold in 32.
fn key(of: Of, organization: u64, index: u64) -> u64 {
    (of as u64) << 60 | organization << 32 | index
}

/// The finalizer of splitmix64, a bijection.
fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// The numbers below `len` in another order.
#[derive(Clone, Copy)]
pub struct Shuffle {
    len: u64,
    /// Half as many bits as the numbers take.
    half: u32,
    seed: u64,
}

impl Shuffle {
    /// The order that follows from `seed`; `len` is at least 1 and fits 32 bits.
    pub fn new(len: u64, seed: u64) -> Self {
        Self { len, half: (u64::BITS - (len - 1).leading_zeros()).div_ceil(2), seed }
    }

    /// The number in this place; places from `len` on repeat.
    pub fn at(self, place: u64) -> u64 {
        let mut number = self.exchanged(place % self.len);
        // Numbers that are too large lead back, sooner or later, to one that is not.
        while number >= self.len {
            number = self.exchanged(number);
        }
        number
    }

    /// How often the places before this one went through all numbers.
    pub fn round(self, place: u64) -> u64 {
        place / self.len
    }

    /// A Feistel network: a bijection whatever it mixes.
    fn exchanged(self, number: u64) -> u64 {
        let low = (1 << self.half) - 1;
        let (mut left, mut right) = (number >> self.half, number & low);
        for round in 0..4 {
            (left, right) = (right, left ^ mix(self.seed ^ round << 60 ^ right) & low);
        }
        left << self.half | right
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_shuffle_gives_each_number_once() {
        for len in [1, 2, 3, 12, 300, 1009] {
            for seed in 0..20 {
                let shuffle = Shuffle::new(len, seed);
                let numbers: HashSet<u64> = (0..len).map(|place| shuffle.at(place)).collect();
                assert_eq!(numbers.len() as u64, len);
                assert!(numbers.iter().all(|number| *number < len));
            }
        }
    }

    #[test]
    fn ids_are_unique_and_of_version_7() {
        let ids: Vec<Uuid> = (0..10_000).map(|index| id(Of::Member, index % 7, index, today())).collect();
        assert!(ids.iter().all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122));
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
        let time = ids[0].get_timestamp().unwrap().to_unix();
        assert_eq!(time, (1_767_225_600, 0));
    }
}
