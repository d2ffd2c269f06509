//! Reading the audit log.
//!
//! Along a chain times never go back, so a span of time is a span of sequences: its ends are found by bisection.

use async_trait::async_trait;
use sqlx::{PgConnection, Postgres, QueryBuilder, postgres::PgRow};
use uuid::Uuid;

use super::{
    PostgresStorage,
    failure::failed,
    rows::{count, event, get, number, time, uuid},
};
use crate::{
    audit::NewEvent,
    clock::Timestamp,
    storage::{
        AuditFilter, AuditPage, AuditQuery, AuditStore, ChainHead, Reach, StorageResult,
        StoredEvent,
    },
};

#[async_trait]
impl AuditStore for PostgresStorage {
    async fn append(&self, event: NewEvent) -> StorageResult<()> {
        let sealed = event.seal(self.randomness.as_ref());
        self.writer.append(sealed).await
    }

    async fn append_later(&self, event: NewEvent) -> StorageResult<()> {
        let sealed = event.seal(self.randomness.as_ref());
        self.writer.append_later(sealed).await
    }

    async fn query(&self, query: AuditQuery) -> StorageResult<AuditPage> {
        let mut look = self.look(query.reach).await?;
        let restriction = Restriction::find(&mut look, query.reach, &query.filter).await?;
        let mut counting = QueryBuilder::new(
            "SELECT count(*) AS total FROM (SELECT 1 FROM audit_events WHERE true",
        );
        restriction.add_to(&mut counting, &query.filter);
        counting
            .push(" LIMIT ")
            .push_bind(number(query.count_max.saturating_add(1)))
            .push(") AS counted");
        let counted = count(
            &counting
                .build()
                .fetch_one(&mut *look)
                .await
                .map_err(failed)?,
            "total",
        )?;
        let mut reading = QueryBuilder::new("SELECT * FROM audit_events WHERE true");
        restriction.add_to(&mut reading, &query.filter);
        if let Some(before) = query.before {
            reading.push(" AND position < ").push_bind(before);
        }
        reading.push(restriction.order());
        // One more than asked for tells whether there is more.
        reading
            .push(" LIMIT ")
            .push_bind(i64::from(query.limit) + 1)
            .push(" OFFSET ")
            .push_bind(number(query.offset));
        let rows = reading
            .build()
            .fetch_all(&mut *look)
            .await
            .map_err(failed)?;
        let mut events: Vec<StoredEvent> = rows.iter().map(event).collect::<StorageResult<_>>()?;
        let more = events.len() > query.limit as usize;
        events.truncate(query.limit as usize);
        let next = events.last().filter(|_| more).map(|last| last.position);
        Ok(AuditPage {
            events,
            total: counted.min(query.count_max),
            total_is_exact: counted <= query.count_max,
            next,
        })
    }

    async fn get(&self, reach: Reach, id: Uuid) -> StorageResult<Option<StoredEvent>> {
        let mut look = self.look(reach).await?;
        let found = sqlx::query("SELECT * FROM audit_events WHERE event_id = $1")
            .bind(id)
            .fetch_optional(&mut *look)
            .await
            .map_err(failed)?
            .map(|row| event(&row))
            .transpose()?;
        Ok(found.filter(|event| reach.covers(event.organization_id)))
    }

    async fn chain(
        &self,
        organization: Uuid,
        from_sequence: i64,
        limit: u32,
    ) -> StorageResult<Vec<StoredEvent>> {
        let mut look = self.look(Reach::Organization(organization)).await?;
        sqlx::query("SELECT * FROM audit_events WHERE organization_id = $1 AND sequence >= $2 ORDER BY sequence LIMIT $3")
            .bind(organization)
            .bind(from_sequence)
            .bind(i64::from(limit))
            .fetch_all(&mut *look)
            .await
            .map_err(failed)?
            .iter()
            .map(event)
            .collect()
    }

    async fn first_sequence_from(
        &self,
        organization: Uuid,
        from: Timestamp,
    ) -> StorageResult<Option<i64>> {
        let mut look = self.look(Reach::Organization(organization)).await?;
        let bounds = bounds(&mut look, organization).await?;
        let sequence = bisect(&mut look, organization, bounds, from).await?;
        Ok(Some(sequence).filter(|sequence| *sequence <= bounds.1))
    }

    async fn head(&self, organization: Uuid) -> StorageResult<Option<ChainHead>> {
        let mut look = self.look(Reach::Organization(organization)).await?;
        sqlx::query("SELECT sequence, hash, timestamp FROM audit_chains WHERE organization_id = $1 AND sequence > 0")
            .bind(organization)
            .fetch_optional(&mut *look)
            .await
            .map_err(failed)?
            .map(|row| head(&row))
            .transpose()
    }

    async fn chains(&self) -> StorageResult<Vec<(Uuid, ChainHead)>> {
        let mut look = self.look(Reach::Everywhere).await?;
        sqlx::query("SELECT * FROM audit_chains WHERE sequence > 0 ORDER BY organization_id")
            .fetch_all(&mut *look)
            .await
            .map_err(failed)?
            .iter()
            .map(|row| Ok((uuid(row, "organization_id")?, head(row)?)))
            .collect()
    }
}

fn head(row: &PgRow) -> StorageResult<ChainHead> {
    Ok(ChainHead {
        sequence: get(row, "sequence")?,
        hash: get(row, "hash")?,
        timestamp: time(row, "timestamp")?,
    })
}

/// The part of a filter that indexes serve.
enum Restriction {
    /// Of one chain, the sequences from the first up to, but without, the second.
    Chain(Uuid, i64, i64),
    /// Of all chains, by time.
    Everywhere,
}

impl Restriction {
    async fn find(
        look: &mut PgConnection,
        reach: Reach,
        filter: &AuditFilter,
    ) -> StorageResult<Self> {
        let Reach::Organization(organization) = reach else {
            return Ok(Self::Everywhere);
        };
        let bounds = bounds(look, organization).await?;
        let from = match filter.from {
            Some(from) => bisect(look, organization, bounds, from).await?,
            None => bounds.0,
        };
        let to = match filter.to {
            Some(to) => bisect(look, organization, bounds, to).await?,
            None => bounds.1 + 1,
        };
        Ok(Self::Chain(organization, from, to))
    }

    fn add_to(&self, query: &mut QueryBuilder<Postgres>, filter: &AuditFilter) {
        match self {
            Self::Chain(organization, from, to) => {
                query
                    .push(" AND organization_id = ")
                    .push_bind(*organization);
                query.push(" AND sequence >= ").push_bind(*from);
                query.push(" AND sequence < ").push_bind(*to);
            }
            Self::Everywhere => {
                if let Some(from) = filter.from {
                    query.push(" AND timestamp >= ").push_bind(from.ms());
                }
                if let Some(to) = filter.to {
                    query.push(" AND timestamp < ").push_bind(to.ms());
                }
            }
        }
        if let Some(agent) = filter.agent {
            query.push(" AND agent_id = ").push_bind(agent);
        }
        if let Some(action) = filter.action {
            query.push(" AND action = ").push_bind(action.as_str());
        }
        if let Some(outcome) = filter.outcome {
            query.push(" AND outcome = ").push_bind(outcome.as_str());
        }
    }

    /// Along a chain the order of sequences is that of positions, and has the index.
    const fn order(&self) -> &'static str {
        match self {
            Self::Chain(..) => " ORDER BY sequence DESC",
            Self::Everywhere => " ORDER BY position DESC",
        }
    }
}

/// The first and the last sequence of a chain; an empty one ends before it begins.
async fn bounds(look: &mut PgConnection, organization: Uuid) -> StorageResult<(i64, i64)> {
    let row = sqlx::query(
        "SELECT (SELECT min(sequence) FROM audit_events WHERE organization_id = $1) AS first,
                (SELECT max(sequence) FROM audit_events WHERE organization_id = $1) AS last",
    )
    .bind(organization)
    .fetch_one(look)
    .await
    .map_err(failed)?;
    Ok((
        get::<Option<i64>>(&row, "first")?.unwrap_or(1),
        get::<Option<i64>>(&row, "last")?.unwrap_or(0),
    ))
}

/// The first sequence within bounds whose event was written at or after `from`; one past the last when there is none.
async fn bisect(
    look: &mut PgConnection,
    organization: Uuid,
    bounds: (i64, i64),
    from: Timestamp,
) -> StorageResult<i64> {
    let (mut low, mut high) = (bounds.0, bounds.1 + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        // A missing event (the chain is broken there) counts like the next one that is there.
        let written: Option<i64> =
            sqlx::query_scalar("SELECT timestamp FROM audit_events WHERE organization_id = $1 AND sequence >= $2 ORDER BY sequence LIMIT 1")
                .bind(organization)
                .bind(middle)
                .fetch_optional(&mut *look)
                .await
                .map_err(failed)?;
        if written.is_some_and(|written| written < from.ms()) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
