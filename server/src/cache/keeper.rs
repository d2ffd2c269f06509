//! The task that keeps the connection: looks for Redis while it is away, notices when it goes, and
//! passes on what the other instances say.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use redis::{PushInfo, PushKind, RedisError, Value};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep},
};

use super::{Cache, CacheError, connect::Fresh};

/// Where instances tell each other that something changed.
pub(super) const CHANGES: &str = "agentidp:changes";
/// How long to wait before the first new attempt; doubled each time.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// No longer than that.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// How often a connection that nobody uses is tried.
const BEAT_INTERVAL: Duration = Duration::from_secs(1);

/// Keeps until it is aborted or nobody holds the cache any more.
pub(super) fn spawn(cache: &Arc<Cache>, first: Result<Fresh, RedisError>) -> JoinHandle<()> {
    let mut keeper = Keeper {
        cache: Arc::downgrade(cache),
        pause: PAUSE_MIN,
        away: false,
    };
    // Whoever started the cache finds it connected.
    let first = keeper.take(first);
    tokio::spawn(keeper.run(first))
}

struct Keeper {
    cache: Weak<Cache>,
    pause: Duration,
    /// Whether the operator was told that Redis is away.
    away: bool,
}

impl Keeper {
    async fn run(mut self, first: Option<Fresh>) {
        let mut fresh = first;
        loop {
            if let Some(fresh) = fresh.take() {
                self.stay(fresh).await;
            }
            sleep(self.pause).await;
            self.pause = (self.pause * 2).min(PAUSE_MAX);
            let Some(cache) = self.cache.upgrade() else {
                return;
            };
            let attempt = cache.connect().await;
            drop(cache);
            fresh = self.take(attempt);
        }
    }

    /// A connection that was made becomes the one that everybody uses.
    fn take(&mut self, attempt: Result<Fresh, RedisError>) -> Option<Fresh> {
        let cache = self.cache.upgrade()?;
        match attempt {
            Ok(fresh) => {
                if self.away {
                    tracing::info!(redis = %cache.address, "Redis is back");
                }
                self.away = false;
                cache.link.store(Some(Arc::clone(&fresh.link)));
                // Something may have been said while nobody listened.
                cache.heard.notify_one();
                cache.outbox.wake.notify_one();
                Some(fresh)
            }
            Err(error) => {
                self.lost(&cache, &error.to_string());
                None
            }
        }
    }

    /// Returns when the connection is of no more use.
    async fn stay(&mut self, fresh: Fresh) {
        let Fresh { link, mut pushes } = fresh;
        let why = tokio::select! {
            why = listen(&self.cache, &mut pushes) => why,
            why = beat(&self.cache, &mut self.pause) => why,
            () = link.broken() => "it did not answer in time".to_owned(),
        };
        if let Some(cache) = self.cache.upgrade() {
            cache.give_up(&link);
            self.lost(&cache, &why);
        }
    }

    /// One line when Redis goes, however long it stays away.
    fn lost(&mut self, cache: &Cache, why: &str) {
        if !self.away {
            tracing::warn!(redis = %cache.address, why, "Redis is away; going on without it");
        }
        self.away = true;
    }
}

/// Passes on what is said, until the connection ends.
async fn listen(cache: &Weak<Cache>, pushes: &mut mpsc::UnboundedReceiver<PushInfo>) -> String {
    while let Some(push) = pushes.recv().await {
        match (push.kind, cache.upgrade()) {
            (PushKind::Message, Some(cache)) if cache.is_of_another(&push.data) => {
                cache.heard.notify_one();
            }
            (PushKind::Disconnection, _) | (_, None) => break,
            _ => {}
        }
    }
    "the connection was closed".to_owned()
}

impl Cache {
    /// Whether a message - channel and text - comes from elsewhere.
    fn is_of_another(&self, message: &[Value]) -> bool {
        let own = self.instance.to_string();
        !matches!(message.last(), Some(Value::BulkString(who)) if *who == own.as_bytes())
    }
}

/// Tries the connection now and then, so that a silent loss is noticed without traffic. One that
/// held a beat is a good one: the next loss is followed by a quick attempt.
async fn beat(cache: &Weak<Cache>, pause: &mut Duration) -> String {
    let mut ticks = interval(BEAT_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let Some(cache) = cache.upgrade() else {
            return "nobody needs it".to_owned();
        };
        match cache.check().await {
            Ok(()) => *pause = PAUSE_MIN,
            // A server that answers with an error is there.
            Err(CacheError::Refused(_)) => {}
            Err(error) => return error.to_string(),
        }
    }
}
