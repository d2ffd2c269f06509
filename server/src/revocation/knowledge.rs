//! The knowledge itself: which generations still live, and which single tokens do not.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::RwLock;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::storage::{Changes, Dependency, Raise};

/// What a token depends on: each thing with the generation it had when the token was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependencies(pub Vec<(Dependency, Uuid, i64)>);

/// The generations of one thing.
#[derive(Clone, Copy, Default)]
struct Generations {
    /// The lowest that lives.
    holds: i64,
    /// The lowest that will live from a moment on: the end of a rotated secret's grace period.
    later: Option<(i64, Timestamp)>,
}

impl Generations {
    fn lowest_living(self, now: Timestamp) -> i64 {
        match self.later {
            Some((generation, from)) if from <= now => generation.max(self.holds),
            _ => self.holds,
        }
    }

    fn raise(&mut self, raise: &Raise) {
        match raise.effective_at {
            None => self.holds = self.holds.max(raise.generation),
            Some(from) => {
                if self
                    .later
                    .is_none_or(|(generation, _)| raise.generation >= generation)
                {
                    self.later = Some((raise.generation, from));
                }
            }
        }
        if self
            .later
            .is_some_and(|(generation, _)| generation <= self.holds)
        {
            self.later = None;
        }
    }
}

/// Shared by all workers; reading takes two uncontended read locks.
pub(super) struct Knowledge {
    generations: RwLock<HashMap<(Dependency, Uuid), Generations>>,
    revoked: RwLock<HashMap<Box<str>, Timestamp>>,
    /// No grace period ends before this moment, in milliseconds: saves looking at all of them.
    next_due_ms: AtomicI64,
}

impl Default for Knowledge {
    fn default() -> Self {
        Self {
            generations: RwLock::default(),
            revoked: RwLock::default(),
            next_due_ms: AtomicI64::new(i64::MAX),
        }
    }
}

impl Knowledge {
    pub(super) fn merge(&self, changes: &Changes) {
        if !changes.raises.is_empty() {
            let mut generations = self.generations.write();
            for raise in &changes.raises {
                generations
                    .entry((raise.dependency, raise.id))
                    .or_default()
                    .raise(raise);
                if let Some(from) = raise.effective_at {
                    self.next_due_ms.fetch_min(from.ms(), Ordering::Relaxed);
                }
            }
        }
        if !changes.revoked.is_empty() {
            let mut revoked = self.revoked.write();
            for token in &changes.revoked {
                revoked.insert(token.jti.as_str().into(), token.expires_at);
            }
        }
    }

    pub(super) fn is_live(&self, dependencies: &Dependencies, jti: &str, now: Timestamp) -> bool {
        let generations = self.generations.read();
        let current = dependencies.0.iter().all(|(dependency, id, generation)| {
            generations
                .get(&(*dependency, *id))
                .is_none_or(|known| *generation >= known.lowest_living(now))
        });
        drop(generations);
        current && !self.revoked.read().contains_key(jti)
    }

    /// Whether a later generation has begun to hold and the store should be told to make it final.
    pub(super) fn has_due(&self, now: Timestamp) -> bool {
        if now.ms() < self.next_due_ms.load(Ordering::Relaxed) {
            return false;
        }
        // Under the write lock, so that no raise is merged between looking and noting.
        let generations = self.generations.write();
        let ends = generations.values().filter_map(|known| known.later);
        let next = ends.map(|(_, from)| from.ms()).min().unwrap_or(i64::MAX);
        self.next_due_ms.store(next, Ordering::Relaxed);
        next <= now.ms()
    }

    /// Forgets tokens that expired by themselves.
    pub(super) fn forget_expired(&self, now: Timestamp) {
        self.revoked.write().retain(|_, expires| *expires > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::RevokedToken;

    const ID: Uuid = Uuid::from_u128(7);

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    fn raise(generation: i64, effective_at: Option<i64>) -> Changes {
        Changes {
            raises: vec![Raise {
                dependency: Dependency::Credential,
                id: ID,
                generation,
                effective_at: effective_at.map(at),
            }],
            ..Changes::default()
        }
    }

    fn lives(knowledge: &Knowledge, generation: i64, now: i64) -> bool {
        let dependencies = Dependencies(vec![
            (Dependency::Agent, ID, 0),
            (Dependency::Credential, ID, generation),
        ]);
        knowledge.is_live(&dependencies, "t", at(now))
    }

    #[test]
    fn what_nobody_raised_lives() {
        assert!(lives(&Knowledge::default(), 0, 0));
    }

    #[test]
    fn a_raised_generation_ends_what_is_below_and_nothing_else() {
        let knowledge = Knowledge::default();
        knowledge.merge(&raise(2, None));
        assert!(!lives(&knowledge, 1, 0));
        assert!(lives(&knowledge, 2, 0));
        let other = Dependencies(vec![(Dependency::Agent, ID, 0)]);
        assert!(knowledge.is_live(&other, "t", at(0)));
    }

    #[test]
    fn a_grace_period_ends_by_itself() {
        let knowledge = Knowledge::default();
        knowledge.merge(&raise(1, Some(100)));
        assert!(lives(&knowledge, 0, 99));
        assert!(!knowledge.has_due(at(99)));
        assert!(!lives(&knowledge, 0, 100));
        assert!(knowledge.has_due(at(100)));
        knowledge.merge(&raise(1, None));
        assert!(!lives(&knowledge, 0, 0), "settled, whatever the clock says");
        assert!(!knowledge.has_due(at(100)));
    }

    #[test]
    fn changes_may_come_in_any_order_and_twice() {
        let changes = [
            raise(3, None),
            raise(1, None),
            raise(4, Some(50)),
            raise(3, None),
        ];
        let forward = Knowledge::default();
        changes.iter().for_each(|c| forward.merge(c));
        let backward = Knowledge::default();
        changes.iter().rev().for_each(|c| backward.merge(c));
        for knowledge in [&forward, &backward] {
            assert!(!lives(knowledge, 2, 0));
            assert!(lives(knowledge, 3, 49));
            assert!(!lives(knowledge, 3, 50));
            assert!(lives(knowledge, 4, 50));
        }
    }

    #[test]
    fn a_revoked_token_is_dead_until_it_is_forgotten() {
        let knowledge = Knowledge::default();
        knowledge.merge(&Changes {
            revoked: vec![RevokedToken {
                jti: "t".to_owned(),
                expires_at: at(100),
            }],
            ..Changes::default()
        });
        assert!(!lives(&knowledge, 0, 0));
        knowledge.forget_expired(at(99));
        assert!(!lives(&knowledge, 0, 99));
        knowledge.forget_expired(at(100));
        assert!(lives(&knowledge, 0, 100));
    }
}
