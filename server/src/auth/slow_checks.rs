//! Checks of imported hashes, which take tens of milliseconds of a core each.
//!
//! Owns: that they run on threads of their own, a few at a time, with a bounded queue before them;
//! and the work that a failed attempt does when there is nothing to check. Refuses: which secret is
//! usable (`client`), and what becomes of a hash that was right (the authenticator).
//!
//! Equal work: a process that never met an imported hash makes no slow check at all. From the first
//! one on every attempt that fails checks the secret against as many hashes as the client met last
//! has, whether its own client is known or not, and is answered 503 alike when the queue is full.
//! What still shows: a client whose imported hashes are costlier, or more, than those met last; and
//! until the first one is met, that a client has any. Both end when its secret is first used.

use std::sync::Arc;
use std::thread::available_parallelism;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::error::ApiError;
use crate::secrets::ImportedHash;
use crate::wire::Secret;

/// However many cores there are: an argon2 hash may take 256 MiB.
const RUNNING_MAX: usize = 4;
/// Attempts that may run or wait. More are sent away, so that none waits without an end.
const ADMITTED_MAX: usize = 64;

/// See the module.
pub(super) struct SlowChecks {
    admitted: Arc<Semaphore>,
    running: Arc<Semaphore>,
    /// The hashes of the client met last: the work of an attempt that has none of its own.
    met: Mutex<Arc<[ImportedHash]>>,
}

impl SlowChecks {
    /// Uses at most half of the cores.
    pub(super) fn new() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self::of(ADMITTED_MAX, (cores / 2).clamp(1, RUNNING_MAX))
    }

    fn of(admitted: usize, running: usize) -> Self {
        Self {
            admitted: Arc::new(Semaphore::new(admitted)),
            running: Arc::new(Semaphore::new(running)),
            met: Mutex::new(Arc::default()),
        }
    }

    /// Position of the hash that this secret has, if any. All of them are checked.
    pub(super) async fn position(
        &self,
        own: &Arc<[ImportedHash]>,
        presented: &Secret,
    ) -> Result<Option<usize>, ApiError> {
        let hashes = {
            let mut met = self.met.lock();
            if !own.is_empty() {
                *met = Arc::clone(own);
            }
            Arc::clone(&met)
        };
        if hashes.is_empty() {
            return Ok(None);
        }
        let busy = |_| ApiError::unavailable("too many checks of imported hashes");
        let admitted = Arc::clone(&self.admitted);
        let admitted = admitted.try_acquire_owned().map_err(busy)?;
        let running = Arc::clone(&self.running).acquire_owned().await;
        let running = running.map_err(ApiError::internal)?;
        let presented = presented.clone();
        // Held until the work ends, even if nobody waits for it any more.
        let check = move || {
            let _held = (admitted, running);
            let all = hashes.iter().enumerate();
            all.fold(None, |found, (index, hash)| {
                let right = hash.matches(&presented);
                found.or(right.then_some(index))
            })
        };
        let found = tokio::task::spawn_blocking(check).await;
        // Somebody else's hash proves nothing.
        Ok(found
            .map_err(ApiError::internal)?
            .filter(|_| !own.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated::codes::Code;

    const HASH: &str = "$2b$04$kdCh.1xUH2rFiDaMDALdGOv9/HoN024V9dIPFRAKeYdqiocnngL/2";
    const OTHER: &str = "$2b$04$kAnqMAhyMdci/wZhHgR43.gPx/a7gUjX8KjquWG.9L2j37weDrMGu";

    fn hashes(texts: &[&str]) -> Arc<[ImportedHash]> {
        let read = texts.iter().map(|text| ImportedHash::parse(text).unwrap());
        read.collect()
    }

    #[tokio::test]
    async fn the_right_one_is_found_and_nobody_elses() {
        let checks = SlowChecks::of(1, 1);
        let (right, wrong) = (Secret::new("pässwörd"), Secret::new("password"));
        let (none, own) = (hashes(&[]), hashes(&[OTHER, HASH]));
        assert_eq!(checks.position(&none, &right).await.unwrap(), None);
        assert_eq!(checks.position(&own, &right).await.unwrap(), Some(1));
        assert_eq!(checks.position(&own, &wrong).await.unwrap(), None);
        assert_eq!(
            checks.position(&none, &right).await.unwrap(),
            None,
            "the work is done over another's hashes, the outcome is not theirs"
        );
    }

    #[tokio::test]
    async fn a_full_queue_sends_everybody_away_alike() {
        let checks = SlowChecks::of(1, 1);
        let secret = Secret::new("pässwörd");
        let (none, own) = (hashes(&[]), hashes(&[HASH]));
        let place = Arc::clone(&checks.admitted).try_acquire_owned().unwrap();
        for hashes in [&own, &none] {
            let fault = checks.position(hashes, &secret).await.unwrap_err();
            assert_eq!(fault.code(), Code::ServiceUnavailable);
        }
        drop(place);
        assert_eq!(checks.position(&own, &secret).await.unwrap(), Some(0));
    }
}
