//! Turns at jobs.

use std::time::Duration;

use uuid::Uuid;

use super::{Backend, Bench};
use crate::storage::{JobRecord, JobStore, StorageError, StorageResult, TakeTurn, Turn};

const JOB: &str = "sweep";
const ONE: Uuid = Uuid::from_u128(1);
const TWO: Uuid = Uuid::from_u128(2);

async fn take<B: Backend>(bench: &Bench<B>, holder: Uuid, known_fence: i64) -> StorageResult<Turn> {
    let take = TakeTurn {
        job: JOB,
        holder,
        known_fence,
        now: bench.now(),
        lease_until: bench.later(30),
        lease_max: bench.later(90),
    };
    bench.storage().jobs().take(take).await
}

async fn known(jobs: &dyn JobStore) -> JobRecord {
    jobs.get(JOB).await.unwrap().unwrap()
}

pub async fn a_turn_is_taken_once<B: Backend>(bench: &Bench<B>) {
    let jobs = bench.storage().jobs();
    assert_eq!(jobs.get(JOB).await.unwrap(), None);
    let (one, two) = tokio::join!(take(bench, ONE, 0), take(bench, TWO, 0));
    assert_ne!(one.is_ok(), two.is_ok());
    assert!(one == Err(StorageError::Conflict) || two == Err(StorageError::Conflict));
    let turn = one.or(two).unwrap();
    assert_eq!(
        take(bench, TWO, turn.fence).await,
        Err(StorageError::Conflict)
    );
    jobs.finish(&turn, Some(bench.now()), None).await.unwrap();
    assert_eq!(
        take(bench, TWO, 0).await,
        Err(StorageError::Conflict),
        "who did not see the last turn may not take the next"
    );
    let next = take(bench, TWO, turn.fence).await.unwrap();
    assert_eq!(next.fence, turn.fence + 1);
}

pub async fn a_turn_that_nobody_renews_ends<B: Backend>(bench: &Bench<B>) {
    let jobs = bench.storage().jobs();
    let first = take(bench, ONE, 0).await.unwrap();
    bench.clock.set(bench.later(29));
    assert_eq!(take(bench, TWO, 1).await, Err(StorageError::Conflict));
    jobs.keep(&first, bench.later(30), None).await.unwrap();
    bench.clock.set(bench.later(29));
    assert_eq!(take(bench, TWO, 1).await, Err(StorageError::Conflict));
    bench.clock.set(bench.later(1));
    assert_eq!(take(bench, TWO, 1).await.unwrap().fence, 2);
    assert_eq!(known(jobs).await.holder, Some(TWO));
}

pub async fn a_turn_of_a_wrong_clock_does_not_last<B: Backend>(bench: &Bench<B>) {
    let right = bench.now();
    bench.clock.set(bench.later(60));
    take(bench, ONE, 0).await.unwrap();
    bench.clock.set(right);
    assert_eq!(take(bench, TWO, 1).await, Err(StorageError::Conflict));
    bench.clock.set(right.minus(Duration::from_secs(1)));
    assert_eq!(take(bench, TWO, 1).await.unwrap().fence, 2);
}

pub async fn what_is_kept_reads_back<B: Backend>(bench: &Bench<B>) {
    let jobs = bench.storage().jobs();
    let turn = take(bench, ONE, 0).await.unwrap();
    let half = Some(b"half".to_vec());
    jobs.keep(&turn, bench.later(40), half.clone())
        .await
        .unwrap();
    jobs.keep(&turn, bench.later(50), None).await.unwrap();
    let mut expected = JobRecord {
        name: JOB.to_owned(),
        holder: Some(ONE),
        lease_until: Some(bench.later(50)),
        fence: 1,
        ran_at: None,
        note: half.clone(),
    };
    assert_eq!(known(jobs).await, expected);
    jobs.finish(&turn, None, None).await.unwrap();
    (expected.holder, expected.lease_until) = (None, None);
    assert_eq!(known(jobs).await, expected, "given back, not run");
    let turn = take(bench, TWO, 1).await.unwrap();
    let whole = Some(b"whole".to_vec());
    jobs.finish(&turn, Some(bench.later(3)), whole.clone())
        .await
        .unwrap();
    expected = JobRecord {
        fence: 2,
        ran_at: Some(bench.later(3)),
        note: whole,
        ..expected
    };
    assert_eq!(known(jobs).await, expected);
}

pub async fn a_lost_turn_writes_nothing<B: Backend>(bench: &Bench<B>) {
    let jobs = bench.storage().jobs();
    let lost = take(bench, ONE, 0).await.unwrap();
    bench.clock.set(bench.later(31));
    let present = take(bench, TWO, 1).await.unwrap();
    let note = || Some(b"late".to_vec());
    let refused = [
        jobs.keep(&lost, bench.later(99), note()).await,
        jobs.finish(&lost, Some(bench.now()), note()).await,
    ];
    assert_eq!(refused, [const { Err(StorageError::Conflict) }; 2]);
    assert_eq!(known(jobs).await.note, None);
    jobs.finish(&present, Some(bench.now()), None)
        .await
        .unwrap();
    let over = jobs.finish(&present, Some(bench.now()), None).await;
    assert_eq!(over, Err(StorageError::Conflict));
}
