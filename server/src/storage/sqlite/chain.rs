//! Appending events to their chains, inside the writer's transaction.
//!
//! The ends of the chains are read once a batch, never kept between batches: another process may have written.

use std::{collections::HashMap, fmt::Write as _, sync::Arc, sync::LazyLock};

use sqlx::{Row, SqliteConnection, sqlite::SqliteArguments};
use uuid::Uuid;

use super::{
    failure::{corrupt, failed},
    rows::uuid,
};
use crate::{
    audit::{SealedEvent, to_hex},
    clock::Timestamp,
    storage::{
        StorageResult,
        chain::{End, Placed, organizations, place},
    },
};

/// Appends in the given order. Times never go back along a chain, whatever the clock does.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    events: &[Arc<SealedEvent>],
    now: Timestamp,
) -> StorageResult<()> {
    if events.is_empty() {
        return Ok(());
    }
    let mut ends = read_ends(connection, events).await?;
    let placed = place(events, &mut ends, now);
    insert(connection, &placed).await?;
    write_ends(connection, &ends).await
}

async fn read_ends(
    connection: &mut SqliteConnection,
    events: &[Arc<SealedEvent>],
) -> StorageResult<HashMap<Uuid, End>> {
    let organizations = organizations(events);
    let mut ends = HashMap::with_capacity(organizations.len());
    let names = organizations
        .iter()
        .map(|id| format!("\"{}\"", id.simple()))
        .collect::<Vec<_>>()
        .join(",");
    let rows = sqlx::query(
        "SELECT organization_id, sequence, hash, timestamp FROM audit_chains
         WHERE organization_id IN (SELECT unhex(value) FROM json_each(?))",
    )
    .bind(format!("[{names}]"))
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    for row in rows {
        let end = End {
            sequence: row.try_get("sequence").map_err(failed)?,
            hash: row.try_get("hash").map_err(failed)?,
            timestamp: Some(Timestamp::from_ms(
                row.try_get("timestamp").map_err(failed)?,
            )),
        };
        ends.insert(uuid(&row, "organization_id")?, end);
    }
    Ok(ends)
}

async fn write_ends(
    connection: &mut SqliteConnection,
    ends: &HashMap<Uuid, End>,
) -> StorageResult<()> {
    let mut text = String::from("[");
    for (organization, end) in ends {
        let timestamp = end
            .timestamp
            .ok_or_else(|| corrupt("end of an audit chain"))?;
        if text.len() > 1 {
            text.push(',');
        }
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "[\"{}\",{},\"{}\",{}]",
            organization.simple(),
            end.sequence,
            to_hex(&end.hash),
            timestamp.ms()
        );
    }
    text.push(']');
    sqlx::query(
        "INSERT INTO audit_chains (organization_id, sequence, hash, timestamp)
         SELECT unhex(value ->> 0), value ->> 1, unhex(value ->> 2), value ->> 3 FROM json_each(?) WHERE true
         ON CONFLICT (organization_id) DO UPDATE
         SET sequence = excluded.sequence, hash = excluded.hash, timestamp = excluded.timestamp",
    )
    .bind(text)
    .execute(connection)
    .await
    .map(drop)
    .map_err(failed)
}

/// Rows a statement inserts at once: few sizes, so that few statements are prepared.
const SIZES: [usize; 4] = [64, 16, 4, 1];

static STATEMENTS: LazyLock<[String; 4]> = LazyLock::new(|| {
    SIZES.map(|rows| {
        let values = vec!["(?,?,?,?,?,?,?,?,?,?,?,?,?,?)"; rows].join(",");
        format!(
            "INSERT INTO audit_events (organization_id, sequence, event_id, agent_id, action, outcome, ip_address, user_agent,
             metadata, timestamp, salt, payload_hash, previous_hash, hash) VALUES {values}"
        )
    })
});

async fn insert(connection: &mut SqliteConnection, placed: &[Placed<'_>]) -> StorageResult<()> {
    let mut rest = placed;
    for (size, statement) in SIZES.iter().zip(STATEMENTS.iter()) {
        while rest.len() >= *size {
            let (chunk, later) = rest.split_at(*size);
            let mut query = sqlx::query(statement.as_str());
            for row in chunk {
                query = bind(query, row);
            }
            query.execute(&mut *connection).await.map_err(failed)?;
            rest = later;
        }
    }
    Ok(())
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, SqliteArguments>;

fn bind<'q>(query: Query<'q>, row: &Placed<'_>) -> Query<'q> {
    let event = row.event;
    query
        .bind(event.organization_id.as_bytes().to_vec())
        .bind(row.sequence)
        .bind(event.event_id.as_bytes().to_vec())
        .bind(event.agent_id.map(|id| id.as_bytes().to_vec()))
        .bind(event.action.as_str())
        .bind(event.outcome.as_str())
        .bind(event.ip_address.clone())
        .bind(event.user_agent.clone())
        .bind(event.metadata.clone())
        .bind(row.timestamp.ms())
        .bind(event.salt.to_vec())
        .bind(event.payload_hash.to_vec())
        .bind(row.previous_hash.clone())
        .bind(row.hash.clone())
}
