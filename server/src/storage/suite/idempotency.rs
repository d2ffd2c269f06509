//! Kept answers.

use super::{Backend, Bench};
use uuid::Uuid;

use crate::{
    generated::types::AgentRole,
    storage::{
        AgentRecord, Claim, NewAgent, Reach, Slot, StorageError, StorageResult, keeping_answer,
        noting_changes,
    },
};

const KEY: Slot = slot(1);
const FINGERPRINT: [u8; 32] = [2; 32];

const fn slot(key: u8) -> Slot {
    Slot {
        organization: Uuid::from_u128(7),
        key: [key; 32],
        claimant: Uuid::from_u128(1),
    }
}

/// The same key, claimed by somebody else.
const fn anothers(slot: Slot) -> Slot {
    Slot {
        claimant: Uuid::from_u128(2),
        ..slot
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

pub async fn a_claim_is_renewed_by_its_claimant_alone<B: Backend>(bench: &Bench<B>) {
    let records = bench.storage().idempotency();
    let claim = async |slot, now| {
        let claimed = records.claim(slot, FINGERPRINT, bench.later(now), bench.later(now + 30));
        claimed.await.unwrap()
    };
    let renew = async |slot, until| records.renew(slot, bench.later(until)).await.unwrap();
    let in_flight = Claim::InFlight {
        fingerprint: FINGERPRINT,
    };
    let other = anothers(KEY);
    assert!(!renew(KEY, 60).await, "nothing is claimed");
    assert_eq!(claim(KEY, 0).await, Claim::Claimed);
    assert!(renew(KEY, 60).await);
    assert!(!renew(other, 90).await);
    records.release(other).await.unwrap();
    assert_eq!(claim(other, 59).await, in_flight);
    assert_eq!(claim(other, 60).await, Claim::Claimed);

    assert!(!renew(KEY, 90).await);
    records.release(KEY).await.unwrap();
    let late = records.complete(KEY, b"late", bench.later(100)).await;
    assert_eq!(late, Err(StorageError::NotFound));
    assert_eq!(claim(KEY, 89).await, in_flight);
    records
        .complete(other, b"answer", bench.later(200))
        .await
        .unwrap();
    assert!(!renew(other, 300).await, "it is answered");
}

pub async fn a_change_whose_claim_was_lost_is_refused<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let slow = Slot {
        organization,
        ..KEY
    };
    let quick = anothers(slow);
    let records = bench.storage().idempotency();
    let claim = async |slot, now| {
        let claimed = records.claim(slot, FINGERPRINT, bench.later(now), bench.later(now + 30));
        claimed.await.unwrap()
    };
    let insert = async |slot, new: &NewAgent| {
        let inserted = bench
            .storage()
            .agents()
            .insert(new.clone(), |_| None, Vec::new());
        let kept = keeping_answer(email, inserted);
        noting_changes(slot, bench.later(3600), kept).await
    };
    let [lost, made] = [(); 2].map(|()| bench.new_agent(organization, AgentRole::Member));
    assert_eq!(claim(slow, 0).await, Claim::Claimed);
    assert_eq!(claim(quick, 30).await, Claim::Claimed);
    let refused = insert(slow, &lost).await;
    assert_eq!(refused, (Err(StorageError::ClaimLost), false));
    let (inserted, kept) = insert(quick, &made).await;
    assert!(inserted.is_ok() && kept);
    let refused = insert(slow, &lost).await;
    assert_eq!(refused, (Err(StorageError::ClaimLost), false));

    let agents = bench.storage().agents();
    let found = async |id| agents.get(Reach::Everywhere, id).await.unwrap().is_some();
    assert_eq!(
        (found(lost.agent_id).await, found(made.agent_id).await),
        (false, true)
    );
    let done = Claim::Done {
        fingerprint: FINGERPRINT,
        answer: made.email.as_bytes().to_vec(),
    };
    assert_eq!(claim(slow, 61).await, done);
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

pub async fn a_change_notes_the_claim_it_belongs_to<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let slot = Slot {
        organization,
        ..KEY
    };
    let records = bench.storage().idempotency();
    let claim = || async {
        let claimed = records.claim(slot, FINGERPRINT, bench.now(), bench.later(30));
        claimed.await.unwrap()
    };
    let insert = async |new: NewAgent| {
        let inserted = bench.storage().agents().insert(new, |_| None, Vec::new());
        noting_changes(slot, bench.later(3600), inserted).await.0
    };
    let (made, in_flight) = (
        Claim::Made {
            fingerprint: FINGERPRINT,
        },
        Claim::InFlight {
            fingerprint: FINGERPRINT,
        },
    );
    assert_eq!(claim().await, Claim::Claimed);
    let new = bench.new_agent(organization, AgentRole::Member);
    let twin = NewAgent {
        agent_id: Uuid::now_v7(),
        ..new.clone()
    };
    bench.agent(organization, AgentRole::Member).await;
    assert_eq!(claim().await, in_flight, "another's change");
    insert(new).await.unwrap();
    assert_eq!(claim().await, made);
    records.release(slot).await.unwrap();
    bench.clock.set(bench.later(3599));
    assert_eq!(claim().await, made, "for as long as answers are kept");
    let answer = records.complete(slot, b"answer", bench.later(60)).await;
    answer.unwrap();
    assert!(matches!(claim().await, Claim::Done { .. }));
    bench.clock.set(bench.later(60));

    assert_eq!(claim().await, Claim::Claimed);
    let refused = insert(twin).await.unwrap_err();
    assert_eq!(refused, StorageError::EmailTaken);
    assert_eq!(claim().await, in_flight, "a refused change was not made");
    records.release(slot).await.unwrap();
    assert_eq!(claim().await, Claim::Claimed);
}

fn email(agent: &AgentRecord) -> Option<Vec<u8>> {
    Some(agent.email.as_bytes().to_vec())
}

pub async fn a_change_keeps_its_answer_in_its_transaction<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let slot = Slot {
        organization,
        ..KEY
    };
    let records = bench.storage().idempotency();
    let claim = || async {
        let claimed = records.claim(slot, FINGERPRINT, bench.now(), bench.later(30));
        claimed.await.unwrap()
    };
    let insert = |new: &NewAgent| {
        let agents = bench.storage().agents();
        agents.insert(new.clone(), |_| None, Vec::new())
    };
    let done = |answer: &str| Claim::Done {
        fingerprint: FINGERPRINT,
        answer: answer.as_bytes().to_vec(),
    };
    assert_eq!(claim().await, Claim::Claimed);
    // A change before the one that makes the answer does not know it, and one after it does not touch it.
    let [first, second, third] = [(); 3].map(|()| bench.new_agent(organization, AgentRole::Member));
    let request = async {
        insert(&first).await?;
        let made = Claim::Made {
            fingerprint: FINGERPRINT,
        };
        assert_eq!(claim().await, made);
        keeping_answer(email, insert(&second)).await?;
        assert_eq!(claim().await, done(&second.email));
        insert(&third).await
    };
    let (outcome, kept): (StorageResult<AgentRecord>, bool) =
        noting_changes(slot, bench.later(3600), request).await;
    outcome.unwrap();
    assert!(kept);
    let late = records.complete(slot, b"other", bench.later(60)).await;
    assert_eq!(late, Err(StorageError::NotFound));
    records.release(slot).await.unwrap();
    bench.clock.set(bench.later(3599));
    assert_eq!(claim().await, done(&second.email));
    bench.clock.set(bench.later(1));
    assert_eq!(claim().await, Claim::Claimed, "for as long as it was to be");
}

pub async fn an_answer_is_not_kept_without_its_change<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let [refused, unmade, unclaimed] = [1, 2, 3].map(|key| Slot {
        organization,
        ..slot(key)
    });
    let records = bench.storage().idempotency();
    let claim = async |slot| {
        let claimed = records.claim(slot, FINGERPRINT, bench.now(), bench.later(30));
        claimed.await.unwrap()
    };
    let insert = |new: &NewAgent| {
        let agents = bench.storage().agents();
        agents.insert(new.clone(), |_| None, Vec::new())
    };
    let [one, two, three] = [(); 3].map(|()| bench.new_agent(organization, AgentRole::Member));
    let until = bench.later(3600);
    for slot in [refused, unmade] {
        assert_eq!(claim(slot).await, Claim::Claimed);
    }

    keeping_answer(email, insert(&one)).await.unwrap();
    let twin = NewAgent {
        agent_id: Uuid::now_v7(),
        ..one
    };
    let again = keeping_answer(email, insert(&twin));
    let (inserted, kept) = noting_changes(refused, until, again).await;
    assert_eq!((inserted, kept), (Err(StorageError::EmailTaken), false));
    let in_flight = Claim::InFlight {
        fingerprint: FINGERPRINT,
    };
    assert_eq!(claim(refused).await, in_flight);

    let (inserted, kept) =
        noting_changes(unmade, until, keeping_answer(|_| None, insert(&two))).await;
    assert!(inserted.is_ok() && !kept);
    let made = Claim::Made {
        fingerprint: FINGERPRINT,
    };
    assert_eq!(
        claim(unmade).await,
        made,
        "the change is noted all the same"
    );

    let nobodys = keeping_answer(email, insert(&three));
    let (inserted, kept) = noting_changes(unclaimed, until, nobodys).await;
    assert_eq!((inserted, kept), (Err(StorageError::ClaimLost), false));
    assert_eq!(claim(unclaimed).await, Claim::Claimed);
}
