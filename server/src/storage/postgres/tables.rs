//! Filling an empty database with whole tables, in one transaction that nothing else can change anything beside.

use std::str::FromStr as _;

use futures_util::TryStreamExt as _;
use serde_json::Value;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};

use super::{
    failure::{corrupt, failed},
    wall,
};
use crate::{
    storage::{Content, Reach, Revision, StorageError, StorageResult, TABLES, Table, tables::Kind},
    wire::Secret,
};

/// A database that is being filled. Dropping it without a commit leaves it as empty as it was.
pub struct Target {
    connection: PgConnection,
}

impl Target {
    /// Connects as the server's role and keeps every instance from changing anything.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn open(url: &Secret) -> StorageResult<Self> {
        let options = PgConnectOptions::from_str(url.expose())
            .map_err(|_| StorageError::Unavailable("the URL cannot be read".to_owned()))?;
        let options = options.application_name("agentidp copy");
        let connection = options.disable_statement_logging().connect().await;
        let mut this = Self {
            connection: connection.map_err(failed)?,
        };
        let begin = format!(
            "BEGIN; {}; SELECT value FROM revision FOR UPDATE",
            wall::statement(Reach::Everywhere)
        );
        this.run(begin).await?;
        Ok(this)
    }

    /// The first table that holds something.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn occupied(&mut self) -> StorageResult<Option<&'static str>> {
        for table in &TABLES {
            let sql = format!("SELECT EXISTS (SELECT 1 FROM {})", table.name);
            let holds: bool = sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_one(&mut self.connection)
                .await
                .map_err(failed)?;
            if holds {
                return Ok(Some(table.name));
            }
        }
        Ok(None)
    }

    /// Adds rows, in their order.
    ///
    /// # Errors
    /// When the database is away, or refuses a row.
    pub async fn insert(&mut self, table: &Table, rows: Vec<Value>) -> StorageResult<()> {
        let columns = table.columns();
        let types: Vec<String> = table
            .columns
            .iter()
            .map(|(name, kind)| format!("{name} {}", type_of(*kind)))
            .collect();
        let sql = format!(
            "INSERT INTO {} ({columns}) SELECT {columns}
             FROM ROWS FROM (jsonb_to_recordset($1::text::jsonb) AS ({})) WITH ORDINALITY AS one ({columns}, nth) ORDER BY nth",
            table.name,
            types.join(", ")
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(Value::from(rows).to_string())
            .execute(&mut self.connection)
            .await
            .map(drop)
            .map_err(failed)
    }

    /// What a table holds now.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn content(&mut self, table: &Table) -> StorageResult<Content> {
        let sql = format!(
            "SELECT row_to_json(one)::text FROM (SELECT {} FROM {}) AS one",
            table.columns(),
            table.name
        );
        let mut content = Content::default();
        let mut rows =
            sqlx::query_scalar::<_, String>(AssertSqlSafe(sql)).fetch(&mut self.connection);
        while let Some(text) = rows.try_next().await.map_err(failed)? {
            let row = serde_json::from_str(&text).map_err(|_| corrupt(table.name))?;
            content.add(&row);
        }
        Ok(content)
    }

    /// Goes on from that revision, and keeps all that was added.
    ///
    /// # Errors
    /// When the database is away: then it may hold all or nothing.
    pub async fn commit(mut self, revision: Revision) -> StorageResult<()> {
        sqlx::query("UPDATE revision SET value = $1")
            .bind(revision)
            .execute(&mut self.connection)
            .await
            .map_err(failed)?;
        self.run("COMMIT".to_owned()).await?;
        self.connection.close().await.map_err(failed)
    }

    async fn run(&mut self, statements: String) -> StorageResult<()> {
        sqlx::raw_sql(AssertSqlSafe(statements))
            .execute(&mut self.connection)
            .await
            .map(drop)
            .map_err(failed)
    }
}

const fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Id => "uuid",
        Kind::Number => "bigint",
        Kind::Flag => "boolean",
        Kind::Text => "text",
        Kind::Texts => "text[]",
        Kind::Bytes => "bytea",
    }
}
