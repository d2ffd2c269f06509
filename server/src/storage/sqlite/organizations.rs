//! Organizations: the founding, and whether one may act.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::{
    SqliteStorage,
    agents::insert_agent,
    credential_changes::insert_credential,
    failure::failed,
    rows::{bytes, organization, uuid},
    transaction::Transaction,
};
use crate::{
    audit::{NewEvent, SealedEvent},
    clock::Timestamp,
    storage::{
        Dependency, Founding, OrganizationRecord, OrganizationStatus, OrganizationStore,
        StorageError, StorageResult,
        words::organization_word,
        writer::{Command, UnitOfWork as _},
    },
};

#[async_trait]
impl OrganizationStore for SqliteStorage {
    async fn get(&self, id: Uuid) -> StorageResult<Option<OrganizationRecord>> {
        sqlx::query("SELECT * FROM organizations WHERE organization_id = ?")
            .bind(bytes(id))
            .fetch_optional(&self.readers)
            .await
            .map_err(failed)?
            .map(|row| organization(&row))
            .transpose()
    }

    async fn system(&self) -> StorageResult<Option<OrganizationRecord>> {
        sqlx::query("SELECT * FROM organizations WHERE is_system = 1")
            .fetch_optional(&self.readers)
            .await
            .map_err(failed)?
            .map(|row| organization(&row))
            .transpose()
    }

    async fn next(&self, after: Option<Uuid>) -> StorageResult<Option<Uuid>> {
        sqlx::query(
            "SELECT organization_id FROM organizations WHERE organization_id > ? ORDER BY organization_id LIMIT 1",
        )
        .bind(after.map_or_else(Vec::new, bytes))
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?
        .map(|row| uuid(&row, "organization_id"))
        .transpose()
    }

    async fn found(&self, mut founding: Founding) -> StorageResult<()> {
        let events = self.seal(std::mem::take(&mut founding.events));
        self.writer.change(Found { founding, events }).await
    }

    async fn insert(&self, record: OrganizationRecord, events: Vec<NewEvent>) -> StorageResult<()> {
        let events = self.seal(events);
        self.writer
            .change(InsertOrganization { record, events })
            .await
    }

    async fn set_status(
        &self,
        id: Uuid,
        status: OrganizationStatus,
        at: Timestamp,
        events: Vec<NewEvent>,
    ) -> StorageResult<OrganizationRecord> {
        let events = self.seal(events);
        self.writer
            .change(SetStatus {
                id,
                status,
                at,
                events,
            })
            .await
    }
}

struct Found {
    founding: Founding,
    events: Vec<Arc<SealedEvent>>,
}

impl Command<Transaction> for Found {
    type Output = ();

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<()> {
        let connection = transaction.connection();
        let there: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM organizations WHERE is_system = 1)")
                .fetch_one(&mut *connection)
                .await
                .map_err(failed)?;
        if there {
            return Err(StorageError::Conflict);
        }
        let Founding {
            organization,
            admin,
            credential,
            ..
        } = &self.founding;
        insert_organization(connection, organization).await?;
        insert_agent(connection, admin).await?;
        insert_credential(connection, credential, admin.organization_id).await?;
        transaction
            .touch_organization(organization.organization_id)
            .await?;
        transaction.touch_client(admin.agent_id).await?;
        transaction.staged().add_all(&self.events);
        Ok(())
    }
}

struct InsertOrganization {
    record: OrganizationRecord,
    events: Vec<Arc<SealedEvent>>,
}

impl Command<Transaction> for InsertOrganization {
    type Output = ();

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<()> {
        let taken: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM organizations WHERE slug = ?)")
                .bind(self.record.slug.clone())
                .fetch_one(transaction.connection())
                .await
                .map_err(failed)?;
        if taken {
            return Err(StorageError::Conflict);
        }
        insert_organization(transaction.connection(), &self.record).await?;
        transaction.staged().add_all(&self.events);
        Ok(())
    }
}

async fn insert_organization(
    connection: &mut SqliteConnection,
    record: &OrganizationRecord,
) -> StorageResult<()> {
    sqlx::query(
        "INSERT INTO organizations (organization_id, name, slug, status, tier, is_system, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(bytes(record.organization_id))
    .bind(record.name.clone())
    .bind(record.slug.clone())
    .bind(organization_word(record.status))
    .bind(record.tier.as_str())
    .bind(record.is_system)
    .bind(record.created_at.ms())
    .bind(record.updated_at.ms())
    .execute(connection)
    .await
    .map(drop)
    .map_err(failed)
}

struct SetStatus {
    id: Uuid,
    status: OrganizationStatus,
    at: Timestamp,
    events: Vec<Arc<SealedEvent>>,
}

impl Command<Transaction> for SetStatus {
    type Output = OrganizationRecord;

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<OrganizationRecord> {
        let row = sqlx::query("UPDATE organizations SET status = ?, updated_at = ? WHERE organization_id = ? RETURNING *")
            .bind(organization_word(self.status))
            .bind(self.at.ms())
            .bind(bytes(self.id))
            .fetch_optional(transaction.connection())
            .await
            .map_err(failed)?
            .ok_or(StorageError::NotFound)?;
        if self.status != OrganizationStatus::Active {
            transaction
                .raise_by_one(Dependency::Organization, self.id)
                .await?;
        }
        transaction.touch_organization(self.id).await?;
        transaction.staged().add_all(&self.events);
        organization(&row)
    }
}
