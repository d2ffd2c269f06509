//! What this process knows of today's use, and what it counted and has not written yet.
//!
//! A sum is what the store said last, and what was counted here since. It is *fresh* for a while: what
//! other instances count meanwhile is not in it. Sums only grow, so one that has reached a limit may be
//! relied on however old it is.
//!
//! Refuses: waiting, reading and writing; whoever uses it does that.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use super::limits::Daily;
use crate::storage::{Day, Usage, UsageOf};

/// How old the store's word may be. Sums that are in use are renewed each time they are written.
pub(super) const FRESH_FOR: Duration = Duration::from_secs(2);

/// Whose use, of which day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Account {
    pub organization: Uuid,
    pub day: Day,
}

/// What is known of a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// The store was never asked.
    Nothing,
    /// It was asked, but too long ago.
    Old(i64),
    /// It was asked lately.
    Fresh(i64),
}

/// What became of one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is counted.
    Counted,
    /// It would be more than allowed.
    Refused,
    /// The store has to be asked first.
    Unknown,
}

/// Every account in use.
#[derive(Default)]
pub(super) struct Ledger(Mutex<HashMap<Account, Entry>>);

#[derive(Default)]
struct Entry {
    /// What the store said, and when it was asked.
    stored: Option<(Usage, Instant)>,
    /// In the batch that is being written.
    leaving: Usage,
    /// Counted since that batch was made.
    waiting: Usage,
    /// Whether it was asked for since the last batch.
    in_use: bool,
}

impl Ledger {
    /// What is known of one sum.
    pub fn known(&self, account: Account, what: Daily, now: Instant) -> Known {
        let mut entries = self.0.lock();
        let entry = entries.entry(account).or_default();
        entry.in_use = true;
        entry.known(what, now)
    }

    /// One more, if at most `max` are allowed and that can be told.
    pub fn take(&self, account: Account, what: Daily, max: i64, now: Instant) -> Taken {
        let mut entries = self.0.lock();
        let entry = entries.entry(account).or_default();
        entry.in_use = true;
        match entry.known(what, now) {
            Known::Old(sum) | Known::Fresh(sum) if sum >= max => Taken::Refused,
            Known::Nothing | Known::Old(_) => Taken::Unknown,
            Known::Fresh(_) => {
                entry.waiting = plus(entry.waiting, what.times(1));
                Taken::Counted
            }
        }
    }

    /// One more, if by what is known here at most `max` are allowed.
    pub fn take_unsure(&self, account: Account, what: Daily, max: i64) -> bool {
        let mut entries = self.0.lock();
        let entry = entries.entry(account).or_default();
        entry.in_use = true;
        let room = what.of(entry.sum()) < max;
        if room {
            entry.waiting = plus(entry.waiting, what.times(1));
        }
        room
    }

    /// That much more, whatever is allowed.
    pub fn add(&self, account: Account, used: Usage) {
        let mut entries = self.0.lock();
        let entry = entries.entry(account).or_default();
        entry.in_use = true;
        entry.waiting = plus(entry.waiting, used);
    }

    /// The store was asked at `asked`. What is being written just then may be part of its word or not.
    pub fn learn(&self, account: Account, read: Usage, asked: Instant) {
        let mut entries = self.0.lock();
        let entry = entries.entry(account).or_default();
        let at_least = plus(read, minus(entry.leaving));
        let stored = entry.stored.map_or(at_least, |(before, _)| Usage {
            calls: before.calls.max(at_least.calls),
            tokens: before.tokens.max(at_least.tokens),
        });
        entry.stored = Some((stored, asked));
    }

    /// Everything that is not written yet. The batch before it has to be settled.
    pub fn begin_batch(&self) -> Vec<UsageOf> {
        let mut entries = self.0.lock();
        let mut batch = Vec::new();
        for (account, entry) in entries.iter_mut() {
            if entry.waiting == Usage::default() {
                continue;
            }
            entry.leaving = std::mem::take(&mut entry.waiting);
            batch.push(UsageOf {
                organization: account.organization,
                day: account.day,
                usage: entry.leaving,
            });
        }
        batch
    }

    /// The batch is written and the store answered these sums, or it was given up and there are none.
    /// What nobody asked for lately is forgotten.
    pub fn settle(&self, sums: &[UsageOf], asked: Instant) {
        let mut entries = self.0.lock();
        for sum in sums {
            let account = Account {
                organization: sum.organization,
                day: sum.day,
            };
            entries.entry(account).or_default().stored = Some((sum.usage, asked));
        }
        entries.retain(|_, entry| {
            entry.leaving = Usage::default();
            let keep = entry.in_use || entry.waiting != Usage::default();
            entry.in_use = false;
            keep
        });
    }
}

impl Entry {
    /// All of which something is known.
    fn sum(&self) -> Usage {
        let stored = self.stored.map_or_else(Usage::default, |(usage, _)| usage);
        plus(plus(stored, self.leaving), self.waiting)
    }

    fn known(&self, what: Daily, now: Instant) -> Known {
        let Some((_, asked)) = self.stored else {
            return Known::Nothing;
        };
        let sum = what.of(self.sum());
        if now.saturating_duration_since(asked) < FRESH_FOR {
            Known::Fresh(sum)
        } else {
            Known::Old(sum)
        }
    }
}

fn plus(a: Usage, b: Usage) -> Usage {
    Usage {
        calls: a.calls + b.calls,
        tokens: a.tokens + b.tokens,
    }
}

fn minus(usage: Usage) -> Usage {
    Usage {
        calls: -usage.calls,
        tokens: -usage.tokens,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: Account = Account {
        organization: Uuid::from_u128(1),
        day: 20_000,
    };

    fn calls(number: i64) -> Usage {
        Daily::Calls.times(number)
    }

    fn sum(number: i64) -> UsageOf {
        UsageOf {
            organization: ACCOUNT.organization,
            day: ACCOUNT.day,
            usage: calls(number),
        }
    }

    #[test]
    fn counts_up_to_the_limit_on_top_of_what_others_used() {
        let ledger = Ledger::default();
        let now = Instant::now();
        let take = || ledger.take(ACCOUNT, Daily::Calls, 10, now);
        assert_eq!(take(), Taken::Unknown);
        ledger.learn(ACCOUNT, calls(8), now);
        assert_eq!(
            [take(), take(), take()],
            [Taken::Counted, Taken::Counted, Taken::Refused]
        );
        assert_eq!(ledger.begin_batch(), [sum(2)]);
        assert_eq!(take(), Taken::Refused, "what is leaving counts");
        // Others counted one more meanwhile.
        ledger.settle(&[sum(11)], now);
        assert_eq!(take(), Taken::Refused);
        assert_eq!(ledger.begin_batch(), []);
        assert_eq!(
            ledger.take(ACCOUNT, Daily::Tokens, 10, now),
            Taken::Counted,
            "another sum"
        );
    }

    #[test]
    fn an_old_sum_allows_nothing_and_still_refuses() {
        let ledger = Ledger::default();
        let then = Instant::now();
        let now = then + FRESH_FOR;
        ledger.learn(ACCOUNT, calls(8), then);
        assert_eq!(ledger.take(ACCOUNT, Daily::Calls, 10, now), Taken::Unknown);
        assert_eq!(ledger.take(ACCOUNT, Daily::Calls, 8, now), Taken::Refused);
        assert_eq!(ledger.known(ACCOUNT, Daily::Calls, now), Known::Old(8));
        assert_eq!(ledger.known(ACCOUNT, Daily::Calls, then), Known::Fresh(8));
    }

    #[test]
    fn what_is_read_while_a_batch_is_written_is_counted_once() {
        let ledger = Ledger::default();
        let now = Instant::now();
        ledger.add(ACCOUNT, calls(5));
        ledger.begin_batch();
        for read in [5, 0] {
            // Read after the batch was committed, and before.
            ledger.learn(ACCOUNT, calls(read), now);
            assert_eq!(ledger.known(ACCOUNT, Daily::Calls, now), Known::Fresh(5));
        }
        ledger.settle(&[sum(5)], now);
        ledger.learn(ACCOUNT, calls(0), now);
        assert_eq!(ledger.known(ACCOUNT, Daily::Calls, now), Known::Fresh(5));
    }

    #[test]
    fn what_nobody_uses_is_forgotten_and_nothing_uncounted() {
        let ledger = Ledger::default();
        let now = Instant::now();
        ledger.add(ACCOUNT, calls(1));
        ledger.add(ACCOUNT, calls(-1));
        assert_eq!(ledger.begin_batch(), [], "nothing in the end");
        ledger.add(ACCOUNT, calls(1));
        assert_eq!(ledger.begin_batch(), [sum(1)]);
        ledger.add(ACCOUNT, calls(2));
        ledger.settle(&[sum(1)], now);
        assert_eq!(ledger.begin_batch(), [sum(2)]);
        ledger.settle(&[sum(3)], now);
        assert_eq!(ledger.0.lock().len(), 0);
    }
}
