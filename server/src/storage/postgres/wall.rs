//! The wall between tenants, as PostgreSQL holds it: each transaction says for whom it works, and row-level security
//! shows it nothing else - not even to a statement that forgets to ask.

use sqlx::{AssertSqlSafe, PgPool, Postgres};

use super::failure::failed;
use crate::storage::{Reach, StorageResult};

/// A consistent look at what lies within a reach. Dropping it ends it.
pub(super) type Look = sqlx::Transaction<'static, Postgres>;

/// Begins to read: one journey to the database.
pub(super) async fn look(readers: &PgPool, reach: Reach) -> StorageResult<Look> {
    let begin = format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {}",
        statement(reach)
    );
    readers
        .begin_with(AssertSqlSafe(begin))
        .await
        .map_err(failed)
}

/// The statement that says for whom the rest of a transaction works. It holds an id or a star, nothing of a caller's making.
pub(super) fn statement(reach: Reach) -> String {
    match reach {
        Reach::Organization(id) => format!("SET LOCAL agentidp.organization = '{id}'"),
        Reach::Everywhere => "SET LOCAL agentidp.organization = '*'".to_owned(),
    }
}
