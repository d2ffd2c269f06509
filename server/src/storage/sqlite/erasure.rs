//! Erasing: inside the transaction that holds the marker, the trigger lets exactly this change of an event pass. What was
//! there is overwritten in the file, not only marked as free.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::{SqliteStorage, failure::failed, rows::bytes, transaction::Transaction};
use crate::{
    audit::{NewEvent, SealedEvent},
    clock::Timestamp,
    storage::{
        ErasureStore, StorageError, StorageResult,
        erasure::{ERASED_OWNER, erased_email},
        writer::{Command, UnitOfWork as _},
    },
};

#[async_trait]
impl ErasureStore for SqliteStorage {
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
        let connection = transaction.connection();
        check_ended(connection, self.agent).await?;
        run(connection, "PRAGMA secure_delete = ON").await?;
        run(connection, "INSERT INTO audit_erasing (one_row) VALUES (1)").await?;
        let erased = sqlx::query(
            "UPDATE audit_events SET agent_id = NULL, ip_address = '', user_agent = '', metadata = '{}', salt = x''
             WHERE organization_id = ? AND sequence BETWEEN ? AND ? AND salt <> x''
             AND (agent_id = ? OR metadata ->> '$.actorId' = ?)",
        )
        .bind(bytes(self.organization))
        .bind(self.first)
        .bind(self.last)
        .bind(bytes(self.agent))
        .bind(self.agent.to_string())
        .execute(&mut *connection)
        .await
        .map_err(failed)?
        .rows_affected();
        run(connection, "DELETE FROM audit_erasing").await?;
        Ok(erased)
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
        let connection = transaction.connection();
        check_ended(connection, self.agent).await?;
        run(connection, "PRAGMA secure_delete = ON").await?;
        let email = erased_email(self.agent);
        let changed = sqlx::query(
            "UPDATE agents SET email = ?1, email_key = ?1, owner = ?2, updated_at = max(updated_at, ?3)
             WHERE agent_id = ?4 AND (email <> ?1 OR owner <> ?2)",
        )
        .bind(email)
        .bind(ERASED_OWNER)
        .bind(self.at.ms())
        .bind(bytes(self.agent))
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

async fn check_ended(connection: &mut SqliteConnection, agent: Uuid) -> StorageResult<()> {
    let ended: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM agents WHERE agent_id = ? AND status = 'decommissioned')",
    )
    .bind(bytes(agent))
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    if ended {
        Ok(())
    } else {
        Err(StorageError::NotFound)
    }
}

async fn run(connection: &mut SqliteConnection, statement: &'static str) -> StorageResult<()> {
    sqlx::raw_sql(statement)
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed)
}
