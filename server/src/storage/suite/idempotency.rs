//! Kept answers.

use super::{Backend, Bench};
use uuid::Uuid;

use crate::storage::{Claim, Slot, StorageError};

const KEY: Slot = slot(1);
const FINGERPRINT: [u8; 32] = [2; 32];

const fn slot(key: u8) -> Slot {
    Slot {
        organization: Uuid::from_u128(7),
        key: [key; 32],
    }
}

pub async fn a_key_is_claimed_once<B: Backend>(bench: &Bench<B>) {
    let records = bench.storage().idempotency();
    let claim = || records.claim(KEY, FINGERPRINT, bench.now(), bench.later(30));
    let (one, two) = tokio::join!(claim(), claim());
    let mut outcomes = [one.unwrap(), two.unwrap()];
    outcomes.sort_by_key(|outcome| *outcome != Claim::Claimed);
    assert_eq!(
        outcomes,
        [
            Claim::Claimed,
            Claim::InFlight {
                fingerprint: FINGERPRINT
            }
        ]
    );
    assert_eq!(
        records
            .claim(slot(9), FINGERPRINT, bench.now(), bench.later(30))
            .await
            .unwrap(),
        Claim::Claimed
    );
}

pub async fn an_answer_is_kept_until_it_expires<B: Backend>(bench: &Bench<B>) {
    let records = bench.storage().idempotency();
    records
        .claim(KEY, FINGERPRINT, bench.now(), bench.later(30))
        .await
        .unwrap();
    records
        .complete(KEY, b"answer", bench.later(100))
        .await
        .unwrap();
    assert_eq!(
        records.complete(KEY, b"other", bench.later(100)).await,
        Err(StorageError::NotFound)
    );
    records.release(KEY).await.unwrap();
    let done = Claim::Done {
        fingerprint: FINGERPRINT,
        answer: b"answer".to_vec(),
    };
    assert_eq!(
        records
            .claim(KEY, [3; 32], bench.later(99), bench.later(130))
            .await
            .unwrap(),
        done
    );
    assert_eq!(records.forget_expired(bench.later(99)).await.unwrap(), 0);
    assert_eq!(
        records
            .claim(KEY, FINGERPRINT, bench.later(100), bench.later(130))
            .await
            .unwrap(),
        Claim::Claimed
    );
    assert_eq!(records.forget_expired(bench.later(131)).await.unwrap(), 1);
}

pub async fn a_claim_left_behind_is_taken_over<B: Backend>(bench: &Bench<B>) {
    let records = bench.storage().idempotency();
    records
        .claim(KEY, FINGERPRINT, bench.now(), bench.later(30))
        .await
        .unwrap();
    let held = records
        .claim(KEY, [3; 32], bench.later(29), bench.later(60))
        .await
        .unwrap();
    assert_eq!(
        held,
        Claim::InFlight {
            fingerprint: FINGERPRINT
        }
    );
    assert_eq!(
        records
            .claim(KEY, [3; 32], bench.later(30), bench.later(60))
            .await
            .unwrap(),
        Claim::Claimed
    );
}

pub async fn a_released_key_may_be_claimed_again<B: Backend>(bench: &Bench<B>) {
    let records = bench.storage().idempotency();
    records
        .claim(KEY, FINGERPRINT, bench.now(), bench.later(30))
        .await
        .unwrap();
    records.release(KEY).await.unwrap();
    assert_eq!(
        records.complete(KEY, b"late", bench.later(100)).await,
        Err(StorageError::NotFound)
    );
    assert_eq!(
        records
            .claim(KEY, [3; 32], bench.now(), bench.later(30))
            .await
            .unwrap(),
        Claim::Claimed
    );
}
