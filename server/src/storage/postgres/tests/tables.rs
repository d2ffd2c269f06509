//! Every table and column of the schema goes along with a copy, or is named here.

use sqlx::Row as _;

use super::{OneDatabase, clock};
use crate::storage::{TABLES, suite::Backend as _};

/// What belongs to running servers, or to the schema itself.
const LEFT_BEHIND: [&str; 4] = ["_sqlx_migrations", "jobs", "revision", "usage_writers"];

#[tokio::test]
async fn a_copy_knows_every_table_and_column() {
    let one = OneDatabase::fresh(clock()).await;
    let mut owner = one.as_owner().await;
    let rows = sqlx::query(
        "SELECT table_name::text, column_name::text FROM information_schema.columns
         WHERE table_schema = 'public' AND column_name <> 'position' ORDER BY table_name, ordinal_position",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    let mut there: Vec<(String, String)> = rows
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .filter(|(table, _): &(String, String)| !LEFT_BEHIND.contains(&table.as_str()))
        .collect();
    let mut copied: Vec<(String, String)> = TABLES
        .iter()
        .flat_map(|table| table.columns.iter().map(|(name, _)| (table.name, *name)))
        .map(|(table, column)| (table.to_owned(), column.to_owned()))
        .collect();
    there.sort();
    copied.sort();
    assert_eq!(there, copied);
}
