//! Appending events to their chains, inside the writer's transaction: the ends are locked, read and moved.

use std::{collections::HashMap, sync::Arc};

use sqlx::{PgConnection, postgres::PgRow};
use uuid::Uuid;

use super::{
    failure::{corrupt, failed},
    rows::{get, uuid},
};
use crate::{
    audit::SealedEvent,
    clock::Timestamp,
    storage::{
        StorageResult,
        chain::{End, Placed, organizations, place},
    },
};

/// Appends in the given order.
pub(super) async fn append(
    connection: &mut PgConnection,
    events: &[Arc<SealedEvent>],
    now: Timestamp,
) -> StorageResult<()> {
    let mut ends = lock_ends(connection, organizations(events)).await?;
    let placed = place(events, &mut ends, now);
    insert(connection, &placed).await?;
    write_ends(connection, &ends).await
}

/// Locks the ends of these chains, in the order given; a chain that has none yet gets one.
async fn lock_ends(
    connection: &mut PgConnection,
    organizations: Vec<Uuid>,
) -> StorageResult<HashMap<Uuid, End>> {
    let mut rows = read_ends(connection, &organizations).await?;
    if rows.len() < organizations.len() {
        // Somebody else may begin the same chain now: then this waits for them.
        sqlx::query(
            "INSERT INTO audit_chains (organization_id, sequence, hash, timestamp)
             SELECT id, 0, '', 0 FROM unnest($1::uuid[]) AS one (id) ORDER BY id ON CONFLICT DO NOTHING",
        )
        .bind(&organizations)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
        rows = read_ends(connection, &organizations).await?;
    }
    rows.iter()
        .map(|row| Ok((uuid(row, "organization_id")?, end(row)?)))
        .collect()
}

async fn read_ends(
    connection: &mut PgConnection,
    organizations: &[Uuid],
) -> StorageResult<Vec<PgRow>> {
    sqlx::query(
        "SELECT organization_id, sequence, hash, timestamp FROM audit_chains
         WHERE organization_id = ANY($1) ORDER BY organization_id FOR UPDATE",
    )
    .bind(organizations)
    .fetch_all(connection)
    .await
    .map_err(failed)
}

fn end(row: &PgRow) -> StorageResult<End> {
    let sequence: i64 = get(row, "sequence")?;
    let timestamp: i64 = get(row, "timestamp")?;
    Ok(End {
        sequence,
        hash: get(row, "hash")?,
        timestamp: (sequence > 0).then(|| Timestamp::from_ms(timestamp)),
    })
}

async fn write_ends(connection: &mut PgConnection, ends: &HashMap<Uuid, End>) -> StorageResult<()> {
    let (mut ids, mut sequences, mut hashes, mut times) = (vec![], vec![], vec![], vec![]);
    for (organization, end) in ends {
        let timestamp = end
            .timestamp
            .ok_or_else(|| corrupt("end of an audit chain"))?;
        ids.push(*organization);
        sequences.push(end.sequence);
        hashes.push(end.hash.clone());
        times.push(timestamp.ms());
    }
    sqlx::query(
        "UPDATE audit_chains AS chain SET sequence = one.sequence, hash = one.hash, timestamp = one.timestamp
         FROM unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::bigint[]) AS one (id, sequence, hash, timestamp)
         WHERE chain.organization_id = one.id",
    )
    .bind(ids)
    .bind(sequences)
    .bind(hashes)
    .bind(times)
    .execute(connection)
    .await
    .map(drop)
    .map_err(failed)
}

/// All of them in one statement: a column of values each.
async fn insert(connection: &mut PgConnection, placed: &[Placed<'_>]) -> StorageResult<()> {
    fn column<T>(placed: &[Placed<'_>], value: impl Fn(&Placed<'_>) -> T) -> Vec<T> {
        placed.iter().map(value).collect()
    }
    sqlx::query(
        "INSERT INTO audit_events (organization_id, sequence, event_id, agent_id, action, outcome, ip_address, user_agent,
             metadata, timestamp, salt, payload_hash, previous_hash, hash)
         SELECT organization_id, sequence, event_id, agent_id, action, outcome, ip_address, user_agent,
             metadata, timestamp, salt, payload_hash, previous_hash, hash
         FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[],
             $9::text[], $10::bigint[], $11::bytea[], $12::bytea[], $13::bytea[], $14::bytea[]) WITH ORDINALITY
             AS one (organization_id, sequence, event_id, agent_id, action, outcome, ip_address, user_agent,
             metadata, timestamp, salt, payload_hash, previous_hash, hash, nth)
         ORDER BY nth",
    )
    .bind(column(placed, |p| p.event.organization_id))
    .bind(column(placed, |p| p.sequence))
    .bind(column(placed, |p| p.event.event_id))
    .bind(column(placed, |p| p.event.agent_id))
    .bind(column(placed, |p| p.event.action.as_str()))
    .bind(column(placed, |p| p.event.outcome.as_str()))
    .bind(column(placed, |p| p.event.ip_address.clone()))
    .bind(column(placed, |p| p.event.user_agent.clone()))
    .bind(column(placed, |p| p.event.metadata.clone()))
    .bind(column(placed, |p| p.timestamp.ms()))
    .bind(column(placed, |p| p.event.salt.to_vec()))
    .bind(column(placed, |p| p.event.payload_hash.to_vec()))
    .bind(column(placed, |p| p.previous_hash.clone()))
    .bind(column(placed, |p| p.hash.clone()))
    .execute(connection)
    .await
    .map(drop)
    .map_err(failed)
}
