//! Turns between instances, over a real embedded store, with a clock that stands.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use tokio::sync::Notify;
use uuid::Uuid;

use super::{runner::Seat, *};
use crate::{
    audit::{AuditAction, NewEvent},
    auth::tests::world::World,
    clock::Clock,
    config::Source,
    metrics::Metrics,
    storage::{JobRecord, StorageError, sqlite::tests as sqlite},
};

const HOUR: Duration = Duration::from_secs(3600);

/// Counts its runs; each keeps a note, then waits until it may end.
#[derive(Default)]
struct Probe {
    began: Notify,
    may_end: Notify,
    runs: AtomicU32,
    fails: bool,
}

#[async_trait]
impl Job for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn interval(&self) -> Duration {
        HOUR
    }

    async fn run(&self, progress: &Progress) -> Result<Option<Vec<u8>>, JobError> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        let mut note = progress.note().unwrap_or_default().to_vec();
        note.push(b'+');
        progress.keep(note.clone()).await?;
        self.began.notify_one();
        self.may_end.notified().await;
        if self.fails {
            return Err(JobError::Failed("it was told to".to_owned()));
        }
        note.push(b'.');
        Ok(Some(note))
    }
}

fn parts(world: &World) -> Parts {
    Parts {
        storage: Arc::clone(&world.storage),
        clock: Arc::clone(&world.clock) as Arc<dyn Clock>,
        metrics: Arc::default(),
        instance: Uuid::now_v7(),
    }
}

fn seat(world: &World, job: &Arc<Probe>) -> Seat {
    Seat::new(parts(world), Arc::clone(job) as Arc<dyn Job>)
}

async fn known(world: &World) -> JobRecord {
    world.storage.jobs().get("probe").await.unwrap().unwrap()
}

fn runs(job: &Probe) -> u32 {
    job.runs.load(Ordering::SeqCst)
}

#[tokio::test]
async fn one_instance_runs_a_job_that_is_due_for_all() {
    let world = World::new().await;
    let job = Arc::new(Probe::default());
    let seats = [seat(&world, &job), seat(&world, &job), seat(&world, &job)];
    job.may_end.notify_one();
    let all = seats.iter().map(Seat::look);
    for outcome in futures_util::future::join_all(all).await {
        outcome.unwrap();
    }
    assert_eq!(runs(&job), 1);
    world.clock.advance(HOUR - Duration::from_millis(1));
    seats[1].look().await.unwrap();
    assert_eq!(runs(&job), 1, "it is not due yet");
    world.clock.advance(Duration::from_millis(1));
    job.may_end.notify_one();
    seats[2].look().await.unwrap();
    assert_eq!(runs(&job), 2);
    assert_eq!(known(&world).await.note.unwrap(), b"+.+.");
}

#[tokio::test]
async fn a_job_survives_its_holder_and_goes_on_where_it_was() {
    let world = World::new().await;
    let job = Arc::new(Probe::default());
    let (dying, other) = (seat(&world, &job), seat(&world, &job));
    let death = tokio::select! {
        _ = dying.look() => false,
        () = job.began.notified() => true,
    };
    assert!(
        death,
        "dropped where it worked, as a killed process leaves it"
    );
    world.clock.advance(LEASE - Duration::from_millis(1));
    other.look().await.unwrap();
    assert_eq!(runs(&job), 1, "it may live still");
    world.clock.advance(Duration::from_millis(1));
    job.may_end.notify_one();
    other.look().await.unwrap();
    assert_eq!(runs(&job), 2);
    assert_eq!(known(&world).await.note.unwrap(), b"++.");
}

#[tokio::test]
async fn who_comes_back_after_its_lease_writes_nothing_more() {
    let world = World::new().await;
    let (slow, quick) = (Arc::new(Probe::default()), Arc::new(Probe::default()));
    let (one, two) = (seat(&world, &slow), seat(&world, &quick));
    let slow_run = async {
        slow.began.notified().await;
        world.clock.advance(LEASE);
        quick.may_end.notify_one();
        two.look().await.unwrap();
        slow.may_end.notify_one();
    };
    let (lost, ()) = tokio::join!(one.look(), slow_run);
    assert!(matches!(
        lost,
        Err(JobError::Storage(StorageError::Conflict))
    ));
    assert_eq!(known(&world).await.note.unwrap(), b"++.");
}

#[tokio::test]
async fn a_stop_gives_the_turn_to_the_others_at_once() {
    let world = World::new().await;
    let job = Arc::new(Probe::default());
    let jobs = Jobs::start(&parts(&world), vec![Arc::clone(&job) as Arc<dyn Job>]);
    job.began.notified().await;
    jobs.stop().await;
    assert_eq!(known(&world).await.holder, None);
    job.may_end.notify_one();
    seat(&world, &job).look().await.unwrap();
    assert_eq!(runs(&job), 2);
}

#[tokio::test]
async fn a_failed_run_is_counted_and_tried_again_after_a_while() {
    let world = World::new().await;
    let failing = Arc::new(Probe {
        fails: true,
        ..Probe::default()
    });
    failing.may_end.notify_one();
    let with_metrics = parts(&world);
    let metrics = Arc::clone(&with_metrics.metrics);
    let seat = Seat::new(with_metrics, Arc::clone(&failing) as Arc<dyn Job>);
    seat.look().await.unwrap_err();
    let line = "agentidp_job_runs_total{job=\"probe\",outcome=\"failure\"} 1";
    assert!(metrics.encode().contains(line));
    seat.look().await.unwrap();
    assert_eq!(runs(&failing), 1, "not at once");
    world.clock.advance(LEASE);
    failing.may_end.notify_one();
    seat.look().await.unwrap_err();
    assert_eq!(runs(&failing), 2);
}

#[tokio::test]
async fn a_clock_that_was_put_back_does_not_stop_a_job() {
    let world = World::new().await;
    let job = Arc::new(Probe::default());
    let seat = seat(&world, &job);
    let right = world.clock.now();
    world.clock.advance(HOUR * 24 * 365);
    job.may_end.notify_one();
    seat.look().await.unwrap();
    world.clock.set(right);
    job.may_end.notify_one();
    seat.look().await.unwrap();
    assert_eq!(runs(&job), 2);
}

#[tokio::test]
async fn a_turn_of_a_clock_that_was_put_back_does_not_stop_a_job() {
    let world = World::new().await;
    let failing = Arc::new(Probe {
        fails: true,
        ..Probe::default()
    });
    let right = world.clock.now();
    world.clock.advance(HOUR * 24 * 365);
    failing.may_end.notify_one();
    seat(&world, &failing).look().await.unwrap_err();
    world.clock.set(right);
    assert!(known(&world).await.holder.is_some(), "it keeps its lease");

    let job = Arc::new(Probe::default());
    job.may_end.notify_one();
    seat(&world, &job).look().await.unwrap();
    assert_eq!(runs(&job), 1);
}

fn shows(metrics: &Metrics, line: &str) -> bool {
    metrics.encode().lines().any(|have| have == line)
}

#[tokio::test]
async fn a_broken_chain_shows_on_every_instance_until_a_whole_sweep_holds() {
    let world = World::new().await;
    let (one, two) = (parts(&world), parts(&world));
    let of = |parts: &Parts| {
        let job = ChainVerification {
            storage: Arc::clone(&parts.storage),
            metrics: Arc::clone(&parts.metrics),
            interval: HOUR,
        };
        Seat::new(parts.clone(), Arc::new(job))
    };
    let seats = [of(&one), of(&two)];
    // More than a slice, so that a sweep has to go on where it was.
    for organization in [world.admin.organization, world.outsider.organization] {
        let events = (0..501).map(|_| {
            let event = NewEvent::of_server(organization, None, AuditAction::TokenIssued);
            world.storage.audit().append(event)
        });
        for outcome in futures_util::future::join_all(events).await {
            outcome.unwrap();
        }
    }
    let whole = "agentidp_audit_chain_integrity 1";
    seats[0].look().await.unwrap();
    seats[1].look().await.unwrap();
    assert!(shows(&one.metrics, whole) && shows(&two.metrics, whole));

    let forged = world.outsider.organization;
    crate::storage::sqlite::tests::forge_an_event(&world.database(), forged).await;
    world.clock.advance(HOUR);
    seats[1].look().await.unwrap();
    seats[0].look().await.unwrap();
    assert!(!shows(&one.metrics, whole), "the other one found it");
    assert!(!shows(&two.metrics, whole));
    let ran = "agentidp_job_runs_total{job=\"audit-chain-verification\",outcome=\"success\"} 1";
    assert!(shows(&one.metrics, ran) && shows(&two.metrics, ran));
}

#[tokio::test]
async fn kept_answers_are_forgotten_when_their_time_is_over() {
    let world = World::new().await;
    let database = world.database();
    for seconds in [0, 1] {
        let until = world.clock.now().plus(Duration::from_secs(seconds));
        sqlite::keep_an_answer(&database, until).await;
    }
    let parts = parts(&world);
    let config = Config::load(&Source::of(&[])).unwrap();
    let jobs = all(&parts, &world.keys, &config);
    let job = jobs.into_iter().find(|job| job.name() == "kept-answers");
    Seat::new(parts, job.unwrap()).look().await.unwrap();
    assert_eq!(sqlite::kept_answers(&database).await, 1);
}

#[tokio::test]
async fn credentials_that_expire_soon_show_on_every_instance() {
    let world = World::new().await;
    let now = world.clock.now();
    for days in [6, 8] {
        let at = now.plus(HOUR * 24 * days);
        world.credential(&world.member, None, Some(at)).await;
    }
    let (one, two) = (parts(&world), parts(&world));
    for parts in [&one, &two] {
        let job = ExpiringCredentials {
            storage: Arc::clone(&parts.storage),
            clock: Arc::clone(&parts.clock),
            metrics: Arc::clone(&parts.metrics),
            interval: HOUR,
        };
        let seat = Seat::new(parts.clone(), Arc::new(job));
        seat.look().await.unwrap();
        let line = "agentidp_credentials_expiring_soon_total 1";
        assert!(shows(&parts.metrics, line));
    }
}
