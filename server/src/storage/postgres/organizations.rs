//! Organizations: the founding, and whether one may act.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    PostgresStorage, agents::insert_agent, credential_changes::insert_credential, failure::failed,
    rows::organization, transaction::Transaction,
};
use crate::{
    audit::{NewEvent, SealedEvent},
    clock::Timestamp,
    storage::{
        Dependency, Founding, OrganizationRecord, OrganizationStatus, OrganizationStore, Reach,
        StorageError, StorageResult,
        words::organization_word,
        writer::{Command, UnitOfWork as _},
    },
};

#[async_trait]
impl OrganizationStore for PostgresStorage {
    async fn get(&self, id: Uuid) -> StorageResult<Option<OrganizationRecord>> {
        let mut look = self.look(Reach::Organization(id)).await?;
        sqlx::query("SELECT * FROM organizations WHERE organization_id = $1")
            .bind(id)
            .fetch_optional(&mut *look)
            .await
            .map_err(failed)?
            .map(|row| organization(&row))
            .transpose()
    }

    async fn system(&self) -> StorageResult<Option<OrganizationRecord>> {
        let mut look = self.look(Reach::Everywhere).await?;
        sqlx::query("SELECT * FROM organizations WHERE is_system")
            .fetch_optional(&mut *look)
            .await
            .map_err(failed)?
            .map(|row| organization(&row))
            .transpose()
    }

    async fn next(&self, after: Option<Uuid>) -> StorageResult<Option<Uuid>> {
        let mut look = self.look(Reach::Everywhere).await?;
        sqlx::query_scalar(
            "SELECT organization_id FROM organizations WHERE $1::uuid IS NULL OR organization_id > $1
             ORDER BY organization_id LIMIT 1",
        )
        .bind(after)
        .fetch_optional(&mut *look)
        .await
        .map_err(failed)
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
        let connection = transaction.within(Reach::Everywhere).await?;
        let there: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM organizations WHERE is_system)")
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
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM organizations WHERE slug = $1)")
                .bind(self.record.slug.clone())
                .fetch_one(transaction.within(Reach::Everywhere).await?)
                .await
                .map_err(failed)?;
        if taken {
            return Err(StorageError::Conflict);
        }
        insert_organization(transaction.connection()?, &self.record).await?;
        transaction.staged().add_all(&self.events);
        Ok(())
    }
}

async fn insert_organization(
    connection: &mut PgConnection,
    record: &OrganizationRecord,
) -> StorageResult<()> {
    sqlx::query(
        "INSERT INTO organizations (organization_id, name, slug, status, tier, is_system, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(record.organization_id)
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
        let row = sqlx::query("UPDATE organizations SET status = $1, updated_at = $2 WHERE organization_id = $3 RETURNING *")
            .bind(organization_word(self.status))
            .bind(self.at.ms())
            .bind(self.id)
            .fetch_optional(transaction.within(Reach::Everywhere).await?)
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
