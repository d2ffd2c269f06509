//! Rows into records. A value that this version does not write is corrupt, never guessed at.

use sqlx::{Decode, Row, Sqlite, Type, sqlite::SqliteRow};
use uuid::Uuid;

use super::failure::{corrupt, failed};
use crate::{
    audit::AuditOutcome,
    clock::Timestamp,
    generated::types::{AgentRole, AgentStatus, AgentType, DeploymentEnv},
    storage::{
        AgentRecord, CredentialRecord, OrganizationRecord, SigningKeyRecord, StorageResult,
        StoredEvent,
        words::{self, key_state, organization_status},
    },
};

pub(super) fn get<'r, T: Decode<'r, Sqlite> + Type<Sqlite>>(
    row: &'r SqliteRow,
    column: &str,
) -> StorageResult<T> {
    row.try_get(column).map_err(failed)
}

pub(super) fn uuid(row: &SqliteRow, column: &str) -> StorageResult<Uuid> {
    Uuid::from_slice(get(row, column)?).map_err(|_| corrupt(column))
}

pub(super) fn optional_uuid(row: &SqliteRow, column: &str) -> StorageResult<Option<Uuid>> {
    get::<Option<&[u8]>>(row, column)?
        .map(|bytes| Uuid::from_slice(bytes).map_err(|_| corrupt(column)))
        .transpose()
}

pub(super) fn time(row: &SqliteRow, column: &str) -> StorageResult<Timestamp> {
    get(row, column).map(Timestamp::from_ms)
}

pub(super) fn optional_time(row: &SqliteRow, column: &str) -> StorageResult<Option<Timestamp>> {
    Ok(get::<Option<i64>>(row, column)?.map(Timestamp::from_ms))
}

pub(super) fn word<T>(
    row: &SqliteRow,
    column: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> StorageResult<T> {
    parse(get(row, column)?).ok_or_else(|| corrupt(column))
}

pub(super) fn count(row: &SqliteRow, column: &str) -> StorageResult<u64> {
    u64::try_from(get::<i64>(row, column)?).map_err(|_| corrupt(column))
}

fn texts(text: &str, column: &str) -> StorageResult<Vec<String>> {
    serde_json::from_str(text).map_err(|_| corrupt(column))
}

pub(super) fn scopes(row: &SqliteRow) -> StorageResult<Option<Vec<String>>> {
    get::<Option<&str>>(row, "scopes")?
        .map(|text| texts(text, "scopes"))
        .transpose()
}

/// A list of texts as a JSON column.
pub(super) fn list(texts: &[String]) -> String {
    serde_json::Value::from(texts.to_vec()).to_string()
}

pub(super) fn agent(row: &SqliteRow) -> StorageResult<AgentRecord> {
    Ok(AgentRecord {
        agent_id: uuid(row, "agent_id")?,
        organization_id: uuid(row, "organization_id")?,
        role: word(row, "role", AgentRole::parse)?,
        email: get(row, "email")?,
        agent_type: word(row, "agent_type", AgentType::parse)?,
        version: get(row, "version")?,
        capabilities: texts(get(row, "capabilities")?, "capabilities")?,
        owner: get(row, "owner")?,
        deployment_env: word(row, "deployment_env", DeploymentEnv::parse)?,
        status: word(row, "status", AgentStatus::parse)?,
        is_public: get(row, "is_public")?,
        did: get(row, "did")?,
        did_created_at: optional_time(row, "did_created_at")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}

pub(super) fn organization(row: &SqliteRow) -> StorageResult<OrganizationRecord> {
    Ok(OrganizationRecord {
        organization_id: uuid(row, "organization_id")?,
        name: get(row, "name")?,
        slug: get(row, "slug")?,
        status: word(row, "status", organization_status)?,
        tier: word(row, "tier", words::tier)?,
        is_system: get(row, "is_system")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}

pub(super) fn credential(row: &SqliteRow) -> StorageResult<CredentialRecord> {
    Ok(CredentialRecord {
        credential_id: uuid(row, "credential_id")?,
        agent_id: uuid(row, "agent_id")?,
        organization_id: uuid(row, "organization_id")?,
        scopes: scopes(row)?,
        created_at: time(row, "created_at")?,
        expires_at: optional_time(row, "expires_at")?,
        revoked_at: optional_time(row, "revoked_at")?,
        last_used_at: optional_time(row, "last_used_at")?,
    })
}

pub(super) fn signing_key(row: &SqliteRow) -> StorageResult<SigningKeyRecord> {
    Ok(SigningKeyRecord {
        kid: get(row, "kid")?,
        algorithm: get(row, "algorithm")?,
        state: word(row, "state", key_state)?,
        public_jwk: get(row, "public_jwk")?,
        private_encrypted: get(row, "private_encrypted")?,
        imported: get(row, "imported")?,
        created_at: time(row, "created_at")?,
        published_at: time(row, "published_at")?,
        activated_at: optional_time(row, "activated_at")?,
        retired_at: optional_time(row, "retired_at")?,
        expires_at: optional_time(row, "expires_at")?,
        revoked_at: optional_time(row, "revoked_at")?,
    })
}

pub(super) fn event(row: &SqliteRow) -> StorageResult<StoredEvent> {
    Ok(StoredEvent {
        position: get(row, "position")?,
        event_id: uuid(row, "event_id")?,
        sequence: get(row, "sequence")?,
        organization_id: uuid(row, "organization_id")?,
        agent_id: optional_uuid(row, "agent_id")?,
        action: get(row, "action")?,
        outcome: word(row, "outcome", AuditOutcome::parse)?,
        ip_address: get(row, "ip_address")?,
        user_agent: get(row, "user_agent")?,
        metadata: get(row, "metadata")?,
        timestamp: time(row, "timestamp")?,
        salt: get(row, "salt")?,
        payload_hash: get(row, "payload_hash")?,
        previous_hash: get(row, "previous_hash")?,
        hash: get(row, "hash")?,
    })
}

/// A UUID as it is bound.
pub(super) fn bytes(id: Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}

/// A count as it is bound.
pub(super) fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
