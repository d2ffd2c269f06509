//! Reading the log: what a query means, what the retention window hides, and what a cursor is.
//!
//! Owns the rules behind `queryAuditLog`, `getAuditEvent` and `verifyAuditChain`. Refuses their wire forms.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use super::{AuditAction, AuditOutcome, Span, Verification, verify_chain};
use crate::{
    clock::{Clock, Timestamp},
    error::ApiError,
    generated::codes::Code,
    storage::{AuditFilter, AuditPage, AuditPosition, AuditQuery, Reach, Storage, StoredEvent},
    wire::DateOrTimestamp,
};

/// How far a total is counted.
const COUNT_MAX: u64 = 10_000;
/// How far pages reach: `page` x `limit`.
const PAGED_MAX: u64 = 10_000;
/// A day.
const DAY: Duration = Duration::from_secs(86_400);

/// What is asked of the log.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// About this agent.
    pub agent: Option<Uuid>,
    /// This action.
    pub action: Option<AuditAction>,
    /// This outcome.
    pub outcome: Option<AuditOutcome>,
    /// From here on.
    pub from: Option<DateOrTimestamp>,
    /// Up to here: a moment is exclusive, a date includes its day.
    pub to: Option<DateOrTimestamp>,
    /// From 1; not together with a cursor.
    pub page: Option<u32>,
    /// Events on a page, 1-100.
    pub limit: u32,
    /// A `next_cursor` of before.
    pub cursor: Option<String>,
}

/// Reads one store's log.
#[derive(Clone)]
pub struct Reading {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    retention: Duration,
}

impl Reading {
    /// Events older than `retention` do not show.
    pub fn new(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>, retention: Duration) -> Self {
        Self {
            storage,
            clock,
            retention,
        }
    }

    /// A page of events, newest first.
    ///
    /// # Errors
    /// `VALIDATION_ERROR`, `RETENTION_WINDOW_EXCEEDED`, or the store being away.
    pub async fn query(&self, reach: Reach, question: Question) -> Result<AuditPage, ApiError> {
        let span = span(question.from, question.to);
        let window = self.window();
        if span.from.is_some_and(|from| from < window) {
            return Err(self.outside_window());
        }
        let (before, offset) = place(&question)?;
        let filter = AuditFilter {
            agent: question.agent,
            action: question.action,
            outcome: question.outcome,
            from: Some(span.from.unwrap_or(window)),
            to: span.to,
        };
        let query = AuditQuery {
            reach,
            filter,
            before,
            offset,
            limit: question.limit,
            count_max: COUNT_MAX,
        };
        Ok(self.storage.audit().query(query).await?)
    }

    /// One event inside the window.
    ///
    /// # Errors
    /// `AUDIT_EVENT_NOT_FOUND`, or the store being away.
    pub async fn get(&self, reach: Reach, event: Uuid) -> Result<StoredEvent, ApiError> {
        let found = self.storage.audit().get(reach, event).await?;
        found
            .filter(|event| event.timestamp >= self.window())
            .ok_or_else(|| ApiError::new(Code::AuditEventNotFound))
    }

    /// Recomputes a chain. The window does not hide what the proof needs.
    ///
    /// # Errors
    /// The store being away; a broken chain is an answer.
    pub async fn verify(
        &self,
        organization: Uuid,
        from: Option<DateOrTimestamp>,
        to: Option<DateOrTimestamp>,
    ) -> Result<Verification, ApiError> {
        Ok(verify_chain(self.storage.audit(), organization, span(from, to)).await?)
    }

    /// Where the retention window begins.
    fn window(&self) -> Timestamp {
        self.clock.now().minus(self.retention)
    }

    fn outside_window(&self) -> ApiError {
        let days = self.retention.as_secs() / DAY.as_secs();
        ApiError::new(Code::RetentionWindowExceeded)
            .message(format!(
                "fromDate is before the retention window of {days} days."
            ))
            .detail("retentionDays", days)
            .detail("earliest", self.window().to_string())
    }
}

/// The cursor that goes on from a position.
pub fn cursor(position: AuditPosition) -> String {
    URL_SAFE_NO_PAD.encode(position.to_be_bytes())
}

fn position(cursor: &str) -> Option<AuditPosition> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    Some(AuditPosition::from_be_bytes(bytes.try_into().ok()?)).filter(|position| *position > 0)
}

/// Where a page begins: before a position, or after so many events.
fn place(question: &Question) -> Result<(Option<AuditPosition>, u64), ApiError> {
    match (&question.cursor, question.page) {
        (Some(_), Some(_)) => Err(ApiError::invalid(
            "cursor",
            "must not be given together with page",
        )),
        (Some(cursor), None) => position(cursor)
            .map(|position| (Some(position), 0))
            .ok_or_else(|| ApiError::invalid("cursor", "is not a cursor of this server")),
        (None, page) => {
            let page = u64::from(page.unwrap_or(1));
            let limit = u64::from(question.limit);
            if page * limit > PAGED_MAX {
                return Err(ApiError::invalid(
                    "page",
                    "times limit must not exceed 10000; go on with cursor",
                ));
            }
            Ok((None, page.saturating_sub(1) * limit))
        }
    }
}

/// A date without a time means the whole UTC day, at either end.
fn span(from: Option<DateOrTimestamp>, to: Option<DateOrTimestamp>) -> Span {
    Span {
        from: from.map(|from| match from {
            DateOrTimestamp::Date(at) | DateOrTimestamp::Moment(at) => at,
        }),
        to: to.map(|to| match to {
            DateOrTimestamp::Date(midnight) => midnight.plus(DAY),
            DateOrTimestamp::Moment(at) => at,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audit::{NewEvent, SystemRandomness},
        clock::ManualClock,
        storage::{
            OrganizationRecord, OrganizationStatus, Tier,
            sqlite::{Options, SqliteStorage},
        },
    };

    const MIDNIGHT: Timestamp = Timestamp::from_ms(1_774_656_000_000);

    struct Bench {
        reading: Reading,
        storage: Arc<dyn Storage>,
        clock: Arc<ManualClock>,
        organization: Uuid,
        _directory: tempfile::TempDir,
    }

    impl Bench {
        /// A store whose log is kept for ten days.
        async fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let clock = Arc::new(ManualClock::at(MIDNIGHT));
            let options = Options {
                path: directory.path().join("agentidp.db"),
                auto_migrate: true,
                clock: clock.clone(),
                randomness: Arc::new(SystemRandomness),
            };
            let storage: Arc<dyn Storage> = Arc::new(SqliteStorage::open(options).await.unwrap());
            let organization = Uuid::now_v7();
            let record = OrganizationRecord {
                organization_id: organization,
                name: "An organization".to_owned(),
                slug: "an-organization".to_owned(),
                status: OrganizationStatus::Active,
                tier: Tier::Free,
                is_system: false,
                created_at: MIDNIGHT,
                updated_at: MIDNIGHT,
            };
            storage
                .organizations()
                .insert(record, Vec::new())
                .await
                .unwrap();
            let reading = Reading::new(storage.clone(), clock.clone(), 10 * DAY);
            Self {
                reading,
                storage,
                clock,
                organization,
                _directory: directory,
            }
        }

        async fn append(&self) {
            let event = NewEvent::of_server(self.organization, None, AuditAction::TokenIssued);
            self.storage.audit().append(event).await.unwrap();
        }

        async fn sequences(&self, question: Question) -> Result<Vec<i64>, Code> {
            let reach = Reach::Organization(self.organization);
            match self.reading.query(reach, question).await {
                Ok(page) => Ok(page.events.iter().map(|event| event.sequence).collect()),
                Err(error) => Err(error.code()),
            }
        }
    }

    fn question() -> Question {
        Question {
            limit: 20,
            ..Question::default()
        }
    }

    #[tokio::test]
    async fn a_date_means_its_whole_day_at_either_end() {
        let bench = Bench::new().await;
        for _ in 0..3 {
            bench.append().await;
            bench.clock.advance(DAY);
        }
        let day = |days: u32| Some(DateOrTimestamp::Date(MIDNIGHT.plus(DAY * days)));
        let moment = |days: u32| Some(DateOrTimestamp::Moment(MIDNIGHT.plus(DAY * days)));
        for (from, to, expected) in [
            (day(1), day(1), vec![2]),
            (day(1), moment(1), vec![]),
            (moment(1), moment(2), vec![2]),
            (None, day(0), vec![1]),
            (day(1), None, vec![3, 2]),
        ] {
            let asked = Question {
                from,
                to,
                ..question()
            };
            assert_eq!(bench.sequences(asked).await, Ok(expected));
            assert!(
                bench
                    .reading
                    .verify(bench.organization, from, to)
                    .await
                    .unwrap()
                    .verified
            );
        }
    }

    #[tokio::test]
    async fn what_is_older_than_the_window_does_not_show_and_may_not_be_asked_for() {
        let bench = Bench::new().await;
        bench.append().await;
        let old = bench
            .storage
            .audit()
            .chain(bench.organization, 1, 1)
            .await
            .unwrap()
            .remove(0);
        let reach = Reach::Organization(bench.organization);
        bench.clock.advance(10 * DAY);
        assert!(bench.reading.get(reach, old.event_id).await.is_ok());
        bench.clock.advance(Duration::from_secs(1));
        bench.append().await;
        assert_eq!(bench.sequences(question()).await, Ok(vec![2]));
        let error = bench.reading.get(reach, old.event_id).await.unwrap_err();
        assert_eq!(error.code(), Code::AuditEventNotFound);
        let asked = Question {
            from: Some(DateOrTimestamp::Date(MIDNIGHT)),
            ..question()
        };
        assert_eq!(
            bench.sequences(asked).await,
            Err(Code::RetentionWindowExceeded)
        );
        let whole = bench
            .reading
            .verify(bench.organization, None, None)
            .await
            .unwrap();
        assert_eq!((whole.verified, whole.checked_count), (true, 2));
    }

    #[tokio::test]
    async fn pages_end_and_cursors_go_on() {
        let bench = Bench::new().await;
        for _ in 0..3 {
            bench.append().await;
        }
        let reach = Reach::Organization(bench.organization);
        let first = bench
            .reading
            .query(
                reach,
                Question {
                    limit: 2,
                    ..question()
                },
            )
            .await
            .unwrap();
        let next = first.next.map(cursor);
        let asked = Question {
            cursor: next.clone(),
            ..question()
        };
        assert_eq!(bench.sequences(asked).await, Ok(vec![1]));
        for wrong in [
            Question {
                cursor: next,
                page: Some(1),
                ..question()
            },
            Question {
                cursor: Some("nonsense".to_owned()),
                ..question()
            },
            Question {
                cursor: Some(cursor(-1)),
                ..question()
            },
            Question {
                page: Some(101),
                limit: 100,
                ..question()
            },
            Question {
                page: Some(u32::MAX),
                limit: 100,
                ..question()
            },
        ] {
            assert_eq!(
                bench.sequences(wrong.clone()).await,
                Err(Code::ValidationError),
                "{wrong:?}"
            );
        }
        let last = Question {
            page: Some(100),
            limit: 100,
            ..question()
        };
        assert_eq!(bench.sequences(last).await, Ok(vec![]));
    }
}
