//! Reading whole tables out of a file that nobody else has open.

use std::{path::Path, time::Duration};

use serde_json::{Map, Value};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteLockingMode, SqliteRow},
};

use super::{
    failure::{corrupt, failed},
    rows::{get, optional_uuid},
};
use crate::{
    audit::to_hex,
    storage::{Revision, StorageError, StorageResult, Table, tables::Kind},
};

/// How many rows are read at once.
const PAGE: usize = 1000;

/// A database that belongs to this process alone until it is closed.
pub struct Source {
    connection: SqliteConnection,
}

impl Source {
    /// Takes the file for itself; `None` when somebody else has it open.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn open(path: &Path) -> StorageResult<Option<Self>> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .busy_timeout(Duration::from_millis(200))
            .locking_mode(SqliteLockingMode::Exclusive)
            .disable_statement_logging();
        let taken = async {
            let mut connection = options.connect().await?;
            // In this mode it succeeds only when no other process so much as reads.
            sqlx::raw_sql("BEGIN IMMEDIATE")
                .execute(&mut connection)
                .await?;
            Ok(connection)
        };
        match taken.await {
            Ok(connection) => Ok(Some(Self { connection })),
            Err(sqlx::Error::Database(error)) if error.message().contains("locked") => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// The rows of a table from a place on, and the place where the next ones begin, when there may be more.
    ///
    /// # Errors
    /// When the file cannot be read, or holds what this version does not write.
    pub async fn page(
        &mut self,
        table: &Table,
        after: i64,
    ) -> StorageResult<(Vec<Value>, Option<i64>)> {
        let (columns, only) = (table.columns(), table.only);
        let name = table.name;
        let sql = if table.ordered {
            format!(
                "SELECT position, {columns} FROM {name} WHERE {only} AND position > {after} ORDER BY position LIMIT {PAGE}"
            )
        } else {
            format!("SELECT {columns} FROM {name} WHERE {only}")
        };
        let rows = sqlx::query(AssertSqlSafe(sql))
            .fetch_all(&mut self.connection)
            .await
            .map_err(failed)?;
        let next = match rows.last() {
            Some(last) if table.ordered && rows.len() == PAGE => Some(get(last, "position")?),
            _ => None,
        };
        let rows = rows.iter().map(|row| object(table, row));
        Ok((rows.collect::<StorageResult<_>>()?, next))
    }

    /// How many rows of a table do not go along.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn left_behind(&mut self, table: &Table) -> StorageResult<i64> {
        let sql = format!(
            "SELECT count(*) FROM {} WHERE NOT ({})",
            table.name, table.only
        );
        sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut self.connection)
            .await
            .map_err(failed)
    }

    /// The revision that the copy goes on from.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn revision(&mut self) -> StorageResult<Revision> {
        sqlx::query_scalar("SELECT value FROM revision")
            .fetch_one(&mut self.connection)
            .await
            .map_err(failed)
    }

    /// Lets others have it again.
    pub async fn close(self) {
        // It was only read: nothing can be lost.
        let _ = self.connection.close().await;
    }
}

fn object(table: &Table, row: &SqliteRow) -> StorageResult<Value> {
    let mut object = Map::new();
    for (name, kind) in table.columns {
        object.insert((*name).to_owned(), value(row, name, *kind)?);
    }
    Ok(Value::Object(object))
}

fn value(row: &SqliteRow, name: &str, kind: Kind) -> Result<Value, StorageError> {
    Ok(match kind {
        Kind::Id => optional_uuid(row, name)?.map(|id| id.to_string()).into(),
        Kind::Number => get::<Option<i64>>(row, name)?.into(),
        Kind::Flag => get::<Option<bool>>(row, name)?.into(),
        Kind::Text => get::<Option<String>>(row, name)?.into(),
        Kind::Bytes => get::<Option<&[u8]>>(row, name)?
            .map(|bytes| format!("\\x{}", to_hex(bytes)))
            .into(),
        Kind::Texts => match get::<Option<&str>>(row, name)? {
            Some(text) => serde_json::from_str(text).map_err(|_| corrupt(name))?,
            None => Value::Null,
        },
    })
}
