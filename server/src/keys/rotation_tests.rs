//! What clients see of rotations: whoever fetched the keys at any moment of the last cache time, from any instance, knows
//! the key of every token that lives. Random courses of events with a clock that is moved by hand; each names its seed.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::*;
use crate::auth::tests::world::World;
use crate::clock::{Clock, Timestamp};
use crate::tokens::ACCESS_TOKEN_LIFETIME;

const CACHE: Duration = Duration::from_secs(3600);
/// How long an instance may not have noticed a change.
const LAG_MS: u64 = 400;

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// What one instance showed at one moment.
struct Seen {
    at: Timestamp,
    published: BTreeSet<String>,
    signs: String,
}

/// Two instances on one store.
struct Course {
    world: World,
    other: Keys,
    seen: Vec<Seen>,
    dice: Dice,
}

impl Course {
    async fn new(seed: u64) -> Self {
        let world = World::new().await;
        let settings = KeySettings {
            algorithm: SigningAlgorithm::Es256,
            cache_for: CACHE,
            ..KeySettings::default()
        };
        let clock = Arc::clone(&world.clock) as Arc<dyn Clock>;
        let other = Keys::load(
            settings,
            Arc::clone(&world.storage),
            world.secrets.clone(),
            clock,
        );
        Self {
            other: other.await.unwrap(),
            world,
            seen: Vec::new(),
            dice: Dice(seed),
        }
    }

    fn instance(&self, nth: u64) -> &Keys {
        if nth == 0 {
            &self.world.keys
        } else {
            &self.other
        }
    }

    fn look(&mut self) {
        for nth in 0..2 {
            let keys = self.instance(nth).current();
            let seen = Seen {
                at: self.world.clock.now(),
                published: keys.jwks().into_iter().map(|jwk| jwk.kid.clone()).collect(),
                signs: keys.signing().public().kid().to_owned(),
            };
            drop(keys);
            self.seen.push(seen);
        }
    }

    fn wait(&mut self, time: Duration) {
        self.look();
        self.world.clock.advance(time);
        self.look();
    }

    /// Both instances notice what changed and what expired, one after the other, each in its time.
    async fn notice(&mut self) {
        let first = self.dice.below(2);
        let mut left = LAG_MS;
        for nth in [first, 1 - first] {
            let lag = self.dice.below(left + 1);
            left -= lag;
            self.wait(Duration::from_millis(lag));
            self.instance(nth).reload().await.unwrap();
        }
        self.look();
    }

    /// Some time passes; the job runs on one instance; now and then an operator asks for a rotation.
    async fn step(&mut self) {
        let waits = [
            Duration::from_millis(1),
            Duration::from_secs(60),
            CACHE / 2,
            CACHE,
            CACHE * 2 - Duration::from_secs(1),
            SIGNING_TIME / 2,
        ];
        let wait = waits[self.dice.below(6) as usize];
        self.wait(wait);
        let actor = self.dice.below(2);
        if self.dice.below(8) == 0 {
            self.instance(actor).steward().rotate(false).await.unwrap();
        }
        let other = self.dice.below(2);
        let steward = self.instance(other).steward();
        steward.follow_schedule().await.unwrap();
        self.notice().await;
    }

    /// Pairs of a client's fetch and an issued token that could meet, where the client does not know the token's key.
    fn strangers(&self) -> usize {
        let could_meet = |fetch: &Seen, issue: &Seen| {
            fetch.at.plus(CACHE) >= issue.at && fetch.at <= issue.at.plus(ACCESS_TOKEN_LIFETIME)
        };
        self.seen
            .iter()
            .flat_map(|fetch| self.seen.iter().map(move |issue| (fetch, issue)))
            .filter(|(fetch, issue)| {
                could_meet(fetch, issue) && !fetch.published.contains(&issue.signs)
            })
            .count()
    }

    fn rotations(&self) -> usize {
        let signers: BTreeSet<&String> = self.seen.iter().map(|seen| &seen.signs).collect();
        signers.len() - 1
    }
}

#[tokio::test]
async fn no_client_meets_a_key_that_it_does_not_know() {
    let mut rotations = 0;
    for seed in 0..12 {
        let mut course = Course::new(seed).await;
        for _ in 0..40 {
            course.step().await;
        }
        assert_eq!(course.strangers(), 0, "seed {seed}");
        rotations += course.rotations();
    }
    assert!(rotations >= 24, "there was nothing to see: {rotations}");
}

#[tokio::test]
async fn a_rotation_that_does_not_wait_would_be_noticed() {
    let mut course = Course::new(7).await;
    course.wait(CACHE);
    let steward = course.world.keys.steward();
    steward.rotate(true).await.unwrap();
    course.notice().await;
    assert!(course.strangers() > 0);
}
