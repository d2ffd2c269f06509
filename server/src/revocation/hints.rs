//! What instances tell each other through Redis, so that they need not wait for their next look into the database.
//!
//! A hint says only that there is something new: what it is, is read from the database, as always. A lost hint costs
//! the follower's rhythm, a false one a question.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinHandle, time::sleep};

use super::Revocation;
use crate::{cache::Cache, storage::Changes};

/// The least time between two looks, however much is said.
const PAUSE: Duration = Duration::from_millis(10);

impl Revocation {
    /// From now on tells the other instances of this one's changes, and looks at once when they tell of theirs.
    pub fn share(self: &Arc<Self>, cache: &Arc<Cache>) {
        if self.cache.set(Arc::clone(cache)).is_ok() {
            self.tasks.lock().push(listen(self, cache));
        }
    }

    pub(super) fn tell(&self, changes: &Changes) {
        let Some(cache) = self.cache.get() else {
            return;
        };
        cache.tell_of_a_change();
        for token in &changes.revoked {
            cache.tell_of_a_revoked_token(&token.jti, token.expires_at);
        }
    }
}

fn listen(revocation: &Arc<Revocation>, cache: &Arc<Cache>) -> JoinHandle<()> {
    let revocation = Arc::downgrade(revocation);
    let cache = Arc::clone(cache);
    tokio::spawn(async move {
        loop {
            cache.heard_of_a_change().await;
            let Some(revocation) = revocation.upgrade() else {
                return;
            };
            // The follower reports failures, and tries again.
            let _ = revocation.refresh().await;
            drop(revocation);
            sleep(PAUSE).await;
        }
    })
}

#[cfg(test)]
mod tests {
    use agentidp_services::Redis;
    use tokio::time::Instant;

    use super::*;
    use crate::{
        auth::tests::world::{World, call},
        cache::Address,
        storage::RevokedToken,
    };

    const IN_TIME: Duration = Duration::from_secs(20);

    async fn connected(redis: &Redis) -> Arc<Cache> {
        let address = Address::parse(&redis.url()).unwrap();
        let cache = Cache::start(address, Arc::default()).await;
        until(async || cache.is_connected()).await;
        cache
    }

    async fn until(condition: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + IN_TIME;
        while !condition().await {
            assert!(Instant::now() < deadline, "not in time");
            sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn what_one_instance_ends_the_other_hears_of_without_waiting_for_its_rhythm() {
        let redis = Redis::start().unwrap();
        let one = World::new().await;
        let two = one.another().await;
        // From here on `one` learns from nobody but Redis.
        one.revocation.stop().await;
        one.revocation.share(&connected(&redis).await);
        let cache = connected(&redis).await;
        two.revocation.share(&cache);
        let expires_at = call().received_at.plus(Duration::from_secs(4_000_000_000));
        let token = RevokedToken {
            jti: "t-1".to_owned(),
            expires_at,
        };
        let nothing = super::super::Dependencies(Vec::new());
        let lives = || one.revocation.is_live(&nothing, "t-1", call().received_at);
        assert!(lives());
        two.storage
            .revocations()
            .revoke_token(token, Vec::new())
            .await
            .unwrap();
        until(async || !lives()).await;
        let key = || async {
            let mut ask = redis::cmd("PEXPIRETIME");
            ask.arg("revoked:t-1");
            cache.run::<i64>("pexpiretime", &ask).await
        };
        until(async || key().await == Ok(expires_at.ms())).await;
        // What is revoked while Redis is away is told when it is back.
        redis.kill().unwrap();
        until(async || !cache.is_connected()).await;
        let token = RevokedToken {
            jti: "t-2".to_owned(),
            expires_at,
        };
        two.storage
            .revocations()
            .revoke_token(token, Vec::new())
            .await
            .unwrap();
        redis.restart().unwrap();
        until(async || {
            let mut ask = redis::cmd("EXISTS");
            cache.run("exists", ask.arg("revoked:t-2")).await == Ok(1)
        })
        .await;
        // And `one` looked again when it found Redis again.
        until(async || !one.revocation.is_live(&nothing, "t-2", call().received_at)).await;
    }
}
