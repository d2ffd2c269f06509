//! Days in UTC, by which use is counted.

use std::time::Duration;

use crate::{clock::Timestamp, storage::Day};

const DAY_MS: i64 = 24 * 3600 * 1000;

/// The day of a moment.
pub fn day(at: Timestamp) -> Day {
    at.ms().div_euclid(DAY_MS)
}

/// When a day is over: the first moment that is not part of it.
pub fn end(day: Day) -> Timestamp {
    Timestamp::from_ms((day + 1).saturating_mul(DAY_MS))
}

/// How long until the day of that moment is over; never nothing.
pub fn rest(at: Timestamp) -> Duration {
    let rest = end(day(at)).ms() - at.ms();
    Duration::from_millis(rest.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight_in_utc() {
        for (at, rest_ms) in [
            ("2026-11-22T00:00:00Z", DAY_MS),
            ("2026-11-22T23:59:59.999Z", 1),
            ("2026-11-23T00:30:00+01:00", 30 * 60 * 1000),
            ("1969-12-31T23:00:00Z", 3600 * 1000),
        ] {
            let at: Timestamp = at.parse().unwrap();
            assert_eq!(i64::try_from(rest(at).as_millis()), Ok(rest_ms), "{at}");
            assert_eq!(day(at.plus(rest(at))), day(at) + 1, "{at}");
        }
    }
}
