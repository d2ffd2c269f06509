//! What each tier allows. The only list.

use crate::storage::{Tier, Usage};

/// What is counted by the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Daily {
    /// Calls of authenticated callers.
    Calls,
    /// Tokens issued.
    Tokens,
}

impl Daily {
    /// In metrics, messages and keys.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Tokens => "tokens",
        }
    }

    /// That much of it and nothing else.
    pub(super) const fn times(self, number: i64) -> Usage {
        match self {
            Self::Calls => Usage {
                calls: number,
                tokens: 0,
            },
            Self::Tokens => Usage {
                calls: 0,
                tokens: number,
            },
        }
    }

    /// How much of it was used.
    pub(super) const fn of(self, usage: Usage) -> i64 {
        match self {
            Self::Calls => usage.calls,
            Self::Tokens => usage.tokens,
        }
    }
}

/// How many agents an organization may have, those that are decommissioned left out.
pub const fn agents_max(tier: Tier) -> Option<u32> {
    match tier {
        Tier::Free => Some(10),
        Tier::Pro => Some(100),
        Tier::Enterprise => None,
    }
}

/// How much of it an organization may use in a day; today it is the same number for both.
pub const fn daily_max(tier: Tier, _what: Daily) -> Option<i64> {
    match tier {
        Tier::Free => Some(1_000),
        Tier::Pro => Some(50_000),
        Tier::Enterprise => None,
    }
}
