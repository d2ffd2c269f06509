//! Reading credentials, and the one read of authentication.

use async_trait::async_trait;
use sqlx::{Postgres, QueryBuilder, postgres::PgRow};
use uuid::Uuid;

use super::{
    PostgresStorage,
    credential_changes::{Add, ReplaceHash, Revoke, Rotate, Touch},
    failure::{corrupt, failed},
    rows::{agent, count, credential, get, number, optional_time, time, uuid, word},
};
use crate::{
    audit::NewEvent,
    clock::Timestamp,
    storage::{
        ClientCredential, ClientRecord, ClientSecretHash, CredentialRecord, CredentialStore,
        LeftInVault, NewCredential, Page, Paging, Reach, RevokeCredential, RotateCredential,
        StorageResult,
        words::{organization_status, tier},
    },
};

/// Everything that authentication reads, in one statement and so in one consistent look: the agent's row, once for each
/// credential that may matter (at least once).
const CLIENT: &str = "
    SELECT agents.*, organizations.is_system, organizations.status AS organization_status,
        organizations.tier AS organization_tier,
        coalesce(ours.generation, 0) AS agent_generation, coalesce(theirs.generation, 0) AS organization_generation,
        (SELECT value FROM revision) AS revision,
        credentials.credential_id, credentials.scopes, credentials.expires_at,
        credentials.secret_hash, credentials.generation, credentials.old_secret_hash, credentials.old_generation,
        credentials.old_stops_at
    FROM agents
    JOIN organizations USING (organization_id)
    LEFT JOIN dependencies AS ours ON ours.kind = 'agent' AND ours.id = agents.agent_id
    LEFT JOIN dependencies AS theirs ON theirs.kind = 'organization' AND theirs.id = agents.organization_id
    LEFT JOIN credentials ON credentials.agent_id = agents.agent_id
        AND (credentials.revoked_at IS NULL OR credentials.ended_with_agent)
    WHERE agents.agent_id = $1
    ORDER BY credentials.position DESC";

/// Its condition is that of an index.
const LEFT_IN_VAULT: &str = "
    SELECT agent_id, credential_id, secret_hash, ended_with_agent FROM credentials
    WHERE revoked_at IS NOT NULL AND substr(secret_hash, 1, 6) = 'vault$'
    ORDER BY position LIMIT $1";

#[async_trait]
impl CredentialStore for PostgresStorage {
    async fn get(
        &self,
        reach: Reach,
        agent: Uuid,
        id: Uuid,
    ) -> StorageResult<Option<CredentialRecord>> {
        let mut look = self.look(reach).await?;
        let found =
            sqlx::query("SELECT * FROM credentials WHERE credential_id = $1 AND agent_id = $2")
                .bind(id)
                .bind(agent)
                .fetch_optional(&mut *look)
                .await
                .map_err(failed)?
                .map(|row| credential(&row))
                .transpose()?;
        Ok(found.filter(|credential| reach.covers(credential.organization_id)))
    }

    async fn list(
        &self,
        reach: Reach,
        agent: Uuid,
        revoked: Option<bool>,
        paging: Paging,
    ) -> StorageResult<Page<CredentialRecord>> {
        let mut look = self.look(reach).await?;
        let mut counting =
            QueryBuilder::new("SELECT count(*) AS total FROM credentials WHERE agent_id = ");
        restrict(&mut counting, reach, agent, revoked);
        let total = count(
            &counting
                .build()
                .fetch_one(&mut *look)
                .await
                .map_err(failed)?,
            "total",
        )?;
        let mut reading = QueryBuilder::new("SELECT * FROM credentials WHERE agent_id = ");
        restrict(&mut reading, reach, agent, revoked);
        reading.push(" ORDER BY position DESC LIMIT ");
        reading.push_bind(i64::from(paging.limit));
        reading.push(" OFFSET ");
        reading.push_bind(number(paging.offset()));
        let rows = reading
            .build()
            .fetch_all(&mut *look)
            .await
            .map_err(failed)?;
        Ok(Page {
            items: rows.iter().map(credential).collect::<StorageResult<_>>()?,
            total,
        })
    }

    async fn insert(
        &self,
        reach: Reach,
        actor: Option<Uuid>,
        new: NewCredential,
        events: Vec<NewEvent>,
    ) -> StorageResult<CredentialRecord> {
        let events = self.seal(events);
        self.writer
            .change(Add {
                reach,
                actor,
                new,
                events,
            })
            .await
    }

    async fn rotate(&self, mut rotate: RotateCredential) -> StorageResult<CredentialRecord> {
        let events = self.seal(std::mem::take(&mut rotate.events));
        self.writer.change(Rotate { rotate, events }).await
    }

    async fn revoke(&self, mut revoke: RevokeCredential) -> StorageResult<CredentialRecord> {
        let events = self.seal(std::mem::take(&mut revoke.events));
        self.writer.change(Revoke { revoke, events }).await
    }

    async fn client(&self, client: Uuid) -> StorageResult<Option<ClientRecord>> {
        // Whose client it is shows only now.
        let mut look = self.look(Reach::Everywhere).await?;
        let rows = sqlx::query(CLIENT)
            .bind(client)
            .fetch_all(&mut *look)
            .await
            .map_err(failed)?;
        let Some(first) = rows.first() else {
            return Ok(None);
        };
        Ok(Some(ClientRecord {
            agent: agent(first)?,
            organization_is_system: get(first, "is_system")?,
            organization_status: word(first, "organization_status", organization_status)?,
            organization_tier: word(first, "organization_tier", tier)?,
            agent_generation: get(first, "agent_generation")?,
            organization_generation: get(first, "organization_generation")?,
            credentials: rows
                .iter()
                .filter_map(|row| client_credential(row).transpose())
                .collect::<StorageResult<_>>()?,
            revision: get(first, "revision")?,
        }))
    }

    async fn count_expiring(&self, now: Timestamp, until: Timestamp) -> StorageResult<u64> {
        let mut look = self.look(Reach::Everywhere).await?;
        let row = sqlx::query(
            "SELECT count(*) AS number FROM credentials
             WHERE expires_at IS NOT NULL AND revoked_at IS NULL AND expires_at > $1 AND expires_at <= $2",
        )
        .bind(now.ms())
        .bind(until.ms())
        .fetch_one(&mut *look)
        .await
        .map_err(failed)?;
        count(&row, "number")
    }

    async fn touch(&self, used: &[(Uuid, Timestamp)]) -> StorageResult<()> {
        if used.is_empty() {
            return Ok(());
        }
        self.writer
            .change(Touch {
                used: used.to_vec(),
            })
            .await
    }

    async fn replace_hash(&self, credential: Uuid, old: &str, new: &str) -> StorageResult<()> {
        self.writer
            .change(ReplaceHash {
                credential,
                old: old.to_owned(),
                new: new.to_owned(),
            })
            .await
    }

    async fn left_in_vault(&self, most: u32) -> StorageResult<Vec<LeftInVault>> {
        let rows = sqlx::query(LEFT_IN_VAULT)
            .bind(i64::from(most))
            .fetch_all(&mut *self.look(Reach::Everywhere).await?)
            .await
            .map_err(failed)?;
        rows.iter().map(left_in_vault).collect()
    }
}

fn restrict(query: &mut QueryBuilder<Postgres>, reach: Reach, agent: Uuid, revoked: Option<bool>) {
    query.push_bind(agent);
    if let Reach::Organization(organization) = reach {
        query
            .push(" AND organization_id = ")
            .push_bind(organization);
    }
    match revoked {
        Some(true) => drop(query.push(" AND revoked_at IS NOT NULL")),
        Some(false) => drop(query.push(" AND revoked_at IS NULL")),
        None => {}
    }
}

/// The credential of a row of [`CLIENT`]; `None` for an agent without one.
fn client_credential(row: &PgRow) -> StorageResult<Option<ClientCredential>> {
    if get::<Option<Uuid>>(row, "credential_id")?.is_none() {
        return Ok(None);
    }
    let mut secrets = vec![ClientSecretHash {
        hash: get(row, "secret_hash")?,
        generation: get(row, "generation")?,
        stops_at: None,
    }];
    if let Some(hash) = get(row, "old_secret_hash")? {
        let generation =
            get::<Option<i64>>(row, "old_generation")?.ok_or_else(|| corrupt("old_generation"))?;
        secrets.push(ClientSecretHash {
            hash,
            generation,
            stops_at: Some(time(row, "old_stops_at")?),
        });
    }
    Ok(Some(ClientCredential {
        credential_id: uuid(row, "credential_id")?,
        scopes: get(row, "scopes")?,
        expires_at: optional_time(row, "expires_at")?,
        secrets,
    }))
}

fn left_in_vault(row: &PgRow) -> StorageResult<LeftInVault> {
    Ok(LeftInVault {
        agent_id: uuid(row, "agent_id")?,
        credential_id: uuid(row, "credential_id")?,
        stored: get(row, "secret_hash")?,
        ended_with_agent: get(row, "ended_with_agent")?,
    })
}
