//! Usage by day.

use uuid::Uuid;

use super::{Backend, Bench};
use crate::storage::{Day, StorageError, Usage, UsageBatch, UsageOf};

const TODAY: Day = 20_540;

const fn used(calls: i64, tokens: i64) -> Usage {
    Usage { calls, tokens }
}

fn batch<B: Backend>(
    bench: &Bench<B>,
    writer: Uuid,
    number: i64,
    added: &[(Uuid, Day, Usage)],
) -> UsageBatch {
    let added = added.iter().map(|&(organization, day, usage)| UsageOf {
        organization,
        day,
        usage,
    });
    UsageBatch {
        writer,
        number,
        at: bench.now(),
        added: added.collect(),
    }
}

pub async fn counts_of_instances_add_up<B: Backend>(bench: &Bench<B>) {
    let (one, two) = (bench.organization().await, bench.organization().await);
    let other = bench.backend.again().await;
    let stores = [bench.storage().usage(), other.usage()];
    let writers = [Uuid::now_v7(), Uuid::now_v7()];
    assert_eq!(stores[0].get(one, TODAY).await.unwrap(), used(0, 0));
    for number in 1..=10 {
        let added = [
            (one, TODAY, used(3, 1)),
            (two, TODAY, used(0, 2)),
            (one, TODAY + 1, used(1, 0)),
        ];
        let both = [0, 1].map(|i| stores[i].add(batch(bench, writers[i], number, &added)));
        let both = futures_util::future::join_all(both).await;
        let sums: Vec<i64> = both
            .iter()
            .map(|sums| {
                let sums = sums.as_ref().unwrap();
                assert_eq!(sums.len(), 3);
                let of = |sum: &&UsageOf| sum.organization == one && sum.day == TODAY;
                sums.iter().find(of).unwrap().usage.calls
            })
            .collect();
        assert_eq!(
            sums.iter().max(),
            Some(&(number * 6)),
            "the later one sees both"
        );
    }
    for store in stores {
        assert_eq!(store.get(one, TODAY).await.unwrap(), used(60, 20));
        assert_eq!(store.get(one, TODAY + 1).await.unwrap(), used(20, 0));
        assert_eq!(store.get(two, TODAY).await.unwrap(), used(0, 40));
        assert_eq!(store.get(two, TODAY - 1).await.unwrap(), used(0, 0));
    }
}

pub async fn a_repeated_batch_adds_nothing<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let usage = bench.storage().usage();
    let writer = Uuid::now_v7();
    let first = batch(bench, writer, 1, &[(organization, TODAY, used(5, 5))]);
    let sum = UsageOf {
        organization,
        day: TODAY,
        usage: used(5, 5),
    };
    for _ in 0..3 {
        assert_eq!(usage.add(first.clone()).await.unwrap(), [sum]);
    }
    // What did not happen after all is taken off again.
    let second = batch(bench, writer, 2, &[(organization, TODAY, used(1, -1))]);
    for _ in 0..2 {
        let sums = usage.add(second.clone()).await.unwrap();
        assert_eq!(sums[0].usage, used(6, 4));
    }
    // A process that starts anew begins at 1 under another id.
    let next = batch(
        bench,
        Uuid::now_v7(),
        1,
        &[(organization, TODAY, used(1, 0))],
    );
    assert_eq!(usage.add(next).await.unwrap()[0].usage, used(7, 4));
}

pub async fn a_batch_that_cannot_be_written_leaves_nothing<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let usage = bench.storage().usage();
    let writer = Uuid::now_v7();
    let added = [
        (organization, TODAY, used(1, 1)),
        (Uuid::now_v7(), TODAY, used(1, 1)),
    ];
    let outcome = usage.add(batch(bench, writer, 1, &added)).await;
    assert!(
        matches!(outcome, Err(StorageError::Corrupt(_))),
        "{outcome:?}"
    );
    assert_eq!(usage.get(organization, TODAY).await.unwrap(), used(0, 0));
    let sums = usage.add(batch(bench, writer, 1, &added[..1])).await;
    assert_eq!(sums.unwrap()[0].usage, used(1, 1));
}
