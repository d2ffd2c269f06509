//! Reading the audit log: pages, cursors, filters and totals.

use std::time::Duration;

use uuid::Uuid;

use super::{Backend, Bench, audit::append};
use crate::{
    audit::{AuditAction, AuditOutcome, Span, verify_chain},
    storage::{AuditFilter, AuditPage, AuditQuery, Reach},
};

fn query(organization: Uuid) -> AuditQuery {
    AuditQuery {
        reach: Reach::Organization(organization),
        filter: AuditFilter::default(),
        before: None,
        offset: 0,
        limit: 20,
        count_max: 10_000,
    }
}

fn sequences(page: &AuditPage) -> Vec<i64> {
    page.events.iter().map(|event| event.sequence).collect()
}

pub async fn pages_and_cursors_show_the_same<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    append(bench, organization, 5).await;
    append(bench, bench.organization().await, 2).await;
    let audit = bench.storage().audit();
    let first = audit
        .query(AuditQuery {
            limit: 2,
            ..query(organization)
        })
        .await
        .unwrap();
    assert_eq!(
        (sequences(&first), first.total, first.total_is_exact),
        (vec![5, 4], 5, true)
    );
    let by_cursor = audit
        .query(AuditQuery {
            limit: 2,
            before: first.next,
            ..query(organization)
        })
        .await
        .unwrap();
    let by_page = audit
        .query(AuditQuery {
            limit: 2,
            offset: 2,
            ..query(organization)
        })
        .await
        .unwrap();
    assert_eq!(by_cursor, by_page);
    // What comes in meanwhile moves pages, not cursors.
    append(bench, organization, 1).await;
    let last = audit
        .query(AuditQuery {
            limit: 3,
            before: by_cursor.next,
            ..query(organization)
        })
        .await
        .unwrap();
    assert_eq!(
        (sequences(&last), last.next, last.total),
        (vec![1], None, 6)
    );
    let everywhere = audit
        .query(AuditQuery {
            reach: Reach::Everywhere,
            ..query(organization)
        })
        .await
        .unwrap();
    assert_eq!(
        (everywhere.total, sequences(&everywhere)),
        (8, vec![6, 2, 1, 5, 4, 3, 2, 1])
    );
}

pub async fn filters_by_time_are_half_open<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let begin = bench.now();
    for _ in 0..4 {
        append(bench, organization, 2).await;
        bench.clock.advance(Duration::from_secs(10));
    }
    let at = |seconds| Some(begin.plus(Duration::from_secs(seconds)));
    for (from, to, expected) in [
        (None, None, vec![8, 7, 6, 5, 4, 3, 2, 1]),
        (at(10), at(20), vec![4, 3]),
        (at(1), at(21), vec![6, 5, 4, 3]),
        (at(0), at(0), vec![]),
        (at(30), None, vec![8, 7]),
        (at(31), None, vec![]),
        (None, at(10), vec![2, 1]),
        (at(20), at(10), vec![]),
    ] {
        let filter = AuditFilter {
            from,
            to,
            ..AuditFilter::default()
        };
        for reach in [Reach::Organization(organization), Reach::Everywhere] {
            let page = bench
                .storage()
                .audit()
                .query(AuditQuery {
                    reach,
                    filter: filter.clone(),
                    ..query(organization)
                })
                .await
                .unwrap();
            assert_eq!(sequences(&page), expected, "{from:?} {to:?} {reach:?}");
        }
        let span = Span { from, to };
        let verification = verify_chain(bench.storage().audit(), organization, span)
            .await
            .unwrap();
        assert_eq!(
            (verification.verified, verification.checked_count),
            (true, expected.len() as u64),
            "{span:?}"
        );
    }
    assert_eq!(
        bench
            .storage()
            .audit()
            .first_sequence_from(organization, begin.plus(Duration::from_secs(11)))
            .await
            .unwrap(),
        Some(5)
    );
    assert_eq!(
        bench
            .storage()
            .audit()
            .first_sequence_from(organization, begin.plus(Duration::from_secs(31)))
            .await
            .unwrap(),
        None
    );
}

pub async fn totals_stop_counting<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    append(bench, organization, 5).await;
    for (count_max, total, exact) in [(4, 4, false), (5, 5, true), (6, 5, true)] {
        let page = bench
            .storage()
            .audit()
            .query(AuditQuery {
                count_max,
                ..query(organization)
            })
            .await
            .unwrap();
        assert_eq!((page.total, page.total_is_exact), (total, exact));
    }
    let filter = AuditFilter {
        action: Some(AuditAction::TokenRevoked),
        ..AuditFilter::default()
    };
    assert_eq!(
        bench
            .storage()
            .audit()
            .query(AuditQuery {
                filter,
                ..query(organization)
            })
            .await
            .unwrap()
            .total,
        0
    );
    let filter = AuditFilter {
        outcome: Some(AuditOutcome::Success),
        agent: Some(Uuid::now_v7()),
        ..AuditFilter::default()
    };
    assert_eq!(
        bench
            .storage()
            .audit()
            .query(AuditQuery {
                filter,
                ..query(organization)
            })
            .await
            .unwrap()
            .total,
        0
    );
}

pub async fn an_event_of_another_organization_is_unknown<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    append(bench, organization, 1).await;
    let audit = bench.storage().audit();
    let event = audit.chain(organization, 1, 1).await.unwrap().remove(0);
    assert_eq!(
        audit
            .get(
                Reach::Organization(bench.organization().await),
                event.event_id
            )
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        audit.get(Reach::Everywhere, event.event_id).await.unwrap(),
        Some(event)
    );
    assert_eq!(
        audit.get(Reach::Everywhere, Uuid::now_v7()).await.unwrap(),
        None
    );
}
