//! Erasing: events by the owner's routine, which alone may change them; the agent's record as any other change.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    PostgresStorage,
    failure::{corrupt, failed},
    transaction::Transaction,
};
use crate::{
    audit::{NewEvent, SealedEvent},
    clock::Timestamp,
    storage::{
        ErasureStore, Reach, StorageError, StorageResult,
        erasure::{ERASED_OWNER, erased_email},
        writer::{Command, UnitOfWork as _},
    },
};

#[async_trait]
impl ErasureStore for PostgresStorage {
    async fn erase_events(
        &self,
        agent: Uuid,
        organization: Uuid,
        first: i64,
        last: i64,
    ) -> StorageResult<u64> {
        self.writer
            .change(EraseEvents {
                agent,
                organization,
                first,
                last,
            })
            .await
    }

    async fn erase_agent(
        &self,
        agent: Uuid,
        at: Timestamp,
        events: Vec<NewEvent>,
    ) -> StorageResult<bool> {
        let events = self.seal(events);
        self.writer.change(EraseAgent { agent, at, events }).await
    }
}

struct EraseEvents {
    agent: Uuid,
    organization: Uuid,
    first: i64,
    last: i64,
}

impl Command<Transaction> for EraseEvents {
    type Output = u64;

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<u64> {
        // What the agent did to others stands in their organizations' chains.
        let connection = transaction.within(Reach::Everywhere).await?;
        check_ended(connection, self.agent).await?;
        let erased: i64 = sqlx::query_scalar("SELECT agentidp_erase_events($1, $2, $3, $4)")
            .bind(self.organization)
            .bind(self.agent)
            .bind(self.first)
            .bind(self.last)
            .fetch_one(connection)
            .await
            .map_err(failed)?;
        u64::try_from(erased).map_err(|_| corrupt("number of rows"))
    }
}

struct EraseAgent {
    agent: Uuid,
    at: Timestamp,
    events: Vec<Arc<SealedEvent>>,
}

impl Command<Transaction> for EraseAgent {
    type Output = bool;

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<bool> {
        let connection = transaction.within(Reach::Everywhere).await?;
        check_ended(connection, self.agent).await?;
        let changed = sqlx::query(
            "UPDATE agents SET email = $1, email_key = $1, owner = $2, updated_at = greatest(updated_at, $3)
             WHERE agent_id = $4 AND (email <> $1 OR owner <> $2)",
        )
        .bind(erased_email(self.agent))
        .bind(ERASED_OWNER)
        .bind(self.at.ms())
        .bind(self.agent)
        .execute(connection)
        .await
        .map_err(failed)?
        .rows_affected()
            > 0;
        if changed {
            transaction.touch_client(self.agent).await?;
            transaction.staged().add_all(&self.events);
        }
        Ok(changed)
    }
}

async fn check_ended(connection: &mut PgConnection, agent: Uuid) -> StorageResult<()> {
    let ended: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM agents WHERE agent_id = $1 AND status = 'decommissioned')",
    )
    .bind(agent)
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    if ended {
        Ok(())
    } else {
        Err(StorageError::NotFound)
    }
}
