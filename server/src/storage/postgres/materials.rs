//! Small named values.

use async_trait::async_trait;
use sqlx::PgConnection;

use super::{PostgresStorage, failure::failed, transaction::Transaction};
use crate::storage::{MaterialStore, StorageError, StorageResult, writer::Command};

#[async_trait]
impl MaterialStore for PostgresStorage {
    async fn get(&self, name: &str) -> StorageResult<Option<Vec<u8>>> {
        sqlx::query_scalar("SELECT value FROM materials WHERE name = $1")
            .bind(name.to_owned())
            .fetch_optional(&self.readers)
            .await
            .map_err(failed)
    }

    async fn get_or_insert(&self, name: &str, value: &[u8]) -> StorageResult<Vec<u8>> {
        self.writer
            .change(GetOrInsert {
                name: name.to_owned(),
                value: value.to_vec(),
            })
            .await
    }

    async fn replace(
        &self,
        name: &str,
        expected: Option<&[u8]>,
        value: &[u8],
    ) -> StorageResult<()> {
        let expected = expected.map(<[u8]>::to_vec);
        self.writer
            .change(Replace {
                name: name.to_owned(),
                expected,
                value: value.to_vec(),
            })
            .await
    }
}

struct GetOrInsert {
    name: String,
    value: Vec<u8>,
}

impl Command<Transaction> for GetOrInsert {
    type Output = Vec<u8>;

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<Vec<u8>> {
        if let Some(value) = read(transaction.connection()?, &self.name).await? {
            return Ok(value);
        }
        write(transaction.connection()?, &self.name, &self.value).await?;
        Ok(self.value.clone())
    }
}

struct Replace {
    name: String,
    expected: Option<Vec<u8>>,
    value: Vec<u8>,
}

impl Command<Transaction> for Replace {
    type Output = ();

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<()> {
        if read(transaction.connection()?, &self.name).await? != self.expected {
            return Err(StorageError::Conflict);
        }
        write(transaction.connection()?, &self.name, &self.value).await
    }
}

async fn read(connection: &mut PgConnection, name: &str) -> StorageResult<Option<Vec<u8>>> {
    sqlx::query_scalar("SELECT value FROM materials WHERE name = $1")
        .bind(name.to_owned())
        .fetch_optional(connection)
        .await
        .map_err(failed)
}

async fn write(connection: &mut PgConnection, name: &str, value: &[u8]) -> StorageResult<()> {
    sqlx::query("INSERT INTO materials (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
        .bind(name.to_owned())
        .bind(value.to_vec())
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed)
}
