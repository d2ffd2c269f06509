//! Backups: made while the server answers, refused when anything in them is wrong, and what holds after a restore.

use std::{path::Path, process::Command, sync::Arc};

use agentidp_server::clock::SystemClock;
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use crate::{
    command::agentidp,
    database,
    harness::{self, Harness},
};

/// On SQLite, whatever the rest of the suite runs on.
const SQLITE: [(&str, &str); 3] = [
    ("RATE_LIMIT_MAX_REQUESTS", "0"),
    ("ISSUER", "https://idp.example.com"),
    ("ENCRYPTION_KEY", database::ENCRYPTION_KEY),
];

fn on_sqlite() -> bool {
    !matches!(
        std::env::var("AGENTIDP_TEST_STORAGE").as_deref(),
        Ok("postgres")
    )
}

async fn start(folder: TempDir) -> Harness {
    harness::start_in(folder, &SQLITE, Arc::new(SystemClock)).await
}

/// Changes one event past the triggers.
pub async fn forge(database: &Path) {
    let options = SqliteConnectOptions::new().filename(database);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    for statement in [
        "DROP TRIGGER audit_events_refuse_update",
        "UPDATE audit_events SET user_agent = 'forged' WHERE sequence = 2",
    ] {
        sqlx::query(statement)
            .execute(&mut connection)
            .await
            .unwrap();
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_backup_is_made_while_the_server_runs_and_brings_everything_back() {
    if !on_sqlite() {
        return;
    }
    let key = [("ENCRYPTION_KEY", database::ENCRYPTION_KEY)];
    let running = start(tempfile::tempdir().unwrap()).await;
    let admin = running.admin_token().await;
    let agent = running.register("kept@example.com", &admin).await;
    let agent = running.identity(&agent.text("agentId"), &admin).await;
    let before = running.token(&agent, "agents:read").await;
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("one.backup");
    let name = file.display().to_string();
    let said = agentidp(running.folder.path(), &["backup", &name], &key).await;
    assert!(said.ok().contains("keep a copy of that apart"));
    let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let names = std::fs::read_dir(place.path()).unwrap().count();
    assert_eq!(names, 1, "nothing is left beside it");
    let again = agentidp(running.folder.path(), &["backup", &name], &key).await;
    assert!(again.failed(1).contains("is there already"));

    // What comes after the backup: unknown to it, and a token that a restored server must not take.
    let late = running.token(&agent, "agents:read").await;
    let path = format!("/api/v1/agents/{}", agent.client_id);
    assert_eq!(running.delete(&path, &admin).await.status, 204);
    let folder = running.stop().await;
    let restore = ["restore", &name];
    let refused = agentidp(folder.path(), &restore, &key).await.failed(1);
    assert!(
        refused.contains("agentidp.db is there already"),
        "{refused}"
    );

    std::fs::remove_file(folder.path().join("agentidp.db")).unwrap();
    let refused = agentidp(folder.path(), &restore, &[]).await.failed(1);
    assert!(refused.contains("there is no encryption key"), "{refused}");
    let other = [("ENCRYPTION_KEY", "00".repeat(32))];
    let other = other.each_ref().map(|(n, v)| (*n, v.as_str()));
    let refused = agentidp(folder.path(), &restore, &other).await.failed(1);
    assert!(refused.contains("encryption key is another"), "{refused}");
    assert!(!folder.path().join("agentidp.db").exists());
    agentidp(folder.path(), &restore, &key).await.ok();

    let running = start(folder).await;
    for token in [&admin, &before, &late] {
        let answer = running.get("/api/v1/agents", token).await;
        assert_eq!(answer.status, 401, "issued before the restore");
    }
    let admin = running.admin_token().await;
    let token = running.token(&agent, "agents:read").await;
    assert_eq!(running.get("/api/v1/agents", &token).await.status, 200);
    let kept = running.get(&path, &admin).await;
    assert_eq!(kept.text("email"), "kept@example.com");
    let verified = running.get("/api/v1/audit/verify", &admin).await;
    assert_eq!(verified.member("verified"), true, "{verified:?}");
    running.stop().await;
}

/// A server that ran, stopped, and the backup of it: its folder, the backup.
async fn backed_up() -> (TempDir, std::path::PathBuf) {
    let folder = start(tempfile::tempdir().unwrap()).await.stop().await;
    let file = folder.path().join("one.backup");
    backup(&folder, &file).await;
    (folder, file)
}

async fn backup(folder: &TempDir, file: &Path) {
    let name = file.display().to_string();
    let key = [("ENCRYPTION_KEY", database::ENCRYPTION_KEY)];
    agentidp(folder.path(), &["backup", &name], &key).await.ok();
}

/// Restores it in the place of the folder's database.
async fn restore(folder: &TempDir, file: &Path) {
    std::fs::remove_file(folder.path().join("agentidp.db")).unwrap();
    let name = file.display().to_string();
    let key = [("ENCRYPTION_KEY", database::ENCRYPTION_KEY)];
    let said = agentidp(folder.path(), &["restore", &name], &key).await;
    said.ok();
}

async fn connect(database: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(database);
    SqliteConnection::connect_with(&options).await.unwrap()
}

#[tokio::test]
async fn a_backup_is_not_changed_by_the_one_after_a_killed_one() {
    if !on_sqlite() {
        return;
    }
    let (folder, first) = backed_up().await;
    let second = folder.path().join("two.backup");
    // Killed when the first had its name already, whose place was taken over since.
    std::fs::hard_link(&first, folder.path().join("two.backup.unfinished")).unwrap();
    let before = std::fs::read(&first).unwrap();
    let running = start(folder).await;
    let admin = running.admin_token().await;
    running.register("later@example.com", &admin).await;
    backup(&running.folder, &second).await;
    assert!(std::fs::read(&first).unwrap() == before);
    assert!(std::fs::read(&second).unwrap() != before);
    assert!(!running.folder.path().join("two.backup.unfinished").exists());
    running.stop().await;
}

#[tokio::test]
async fn a_restore_after_a_killed_one_holds_nothing_of_it() {
    if !on_sqlite() {
        return;
    }
    let (folder, file) = backed_up().await;
    let killed = folder.path().join("killed.db");
    std::fs::copy(&file, &killed).unwrap();
    let mut killing = connect(&killed).await;
    for statement in ["PRAGMA journal_mode = WAL", "CREATE TABLE left_over (it)"] {
        sqlx::query(statement).execute(&mut killing).await.unwrap();
    }
    for suffix in ["", "-wal"] {
        let from = format!("{}{suffix}", killed.display());
        let to = format!("agentidp.db.unfinished{suffix}");
        std::fs::copy(from, folder.path().join(to)).unwrap();
    }
    killing.close().await.unwrap();

    restore(&folder, &file).await;
    let mut restored = connect(&folder.path().join("agentidp.db")).await;
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE name = 'left_over'")
            .fetch_one(&mut restored)
            .await
            .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_backup_that_all_may_read_and_nobody_write_becomes_a_database_of_this_user() {
    use std::os::unix::fs::PermissionsExt as _;
    if !on_sqlite() {
        return;
    }
    let (folder, file) = backed_up().await;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o444)).unwrap();
    restore(&folder, &file).await;
    let metadata = folder.path().join("agentidp.db").metadata().unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_damaged_or_forged_database_is_neither_backed_up_nor_restored() {
    if !on_sqlite() {
        return;
    }
    let key = [("ENCRYPTION_KEY", database::ENCRYPTION_KEY)];
    let folder = start(tempfile::tempdir().unwrap()).await.stop().await;
    let database = folder.path().join("agentidp.db");
    let file = folder.path().join("one.backup");
    let name = file.display().to_string();
    agentidp(folder.path(), &["backup", &name], &key).await.ok();

    forge(&database).await;
    let second = folder.path().join("second").display().to_string();
    let refused = agentidp(folder.path(), &["backup", &second], &key).await;
    assert!(refused.failed(1).contains("audit chain of organization"));
    assert!(!Path::new(&second).exists());
    let broken = agentidp(folder.path(), &["audit", "verify"], &key).await;
    assert!(broken.out.contains("BROKEN at event"), "{broken:?}");
    assert!(broken.failed(1).contains("1 of 1 chains are broken"));

    std::fs::rename(&database, folder.path().join("old")).unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    for wrong in [&b"this is no database"[..], &bytes[..bytes.len() / 2]] {
        let cut = folder.path().join("cut.backup");
        std::fs::write(&cut, wrong).unwrap();
        let cut = cut.display().to_string();
        let refused = agentidp(folder.path(), &["restore", &cut], &key).await;
        assert!(refused.failed(1).contains("cut.backup: "));
        assert!(!database.exists());
    }
    // A page in the middle overwritten.
    let middle = bytes.len() / 4096 / 2 * 4096;
    bytes[middle..middle + 4096].fill(0x5a);
    std::fs::write(&file, &bytes).unwrap();
    let refused = agentidp(folder.path(), &["restore", &name], &key).await;
    refused.failed(1);
    assert!(!database.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_named_for_postgresql_back_up_and_restore() {
    let made = database::fresh().await;
    let empty = database::variables(&database::postgres().database().unwrap());
    fn of(variables: &database::Variables) -> Vec<(&str, &str)> {
        variables.iter().map(|(n, v)| (*n, v.as_str())).collect()
    }
    let more = [
        ("RATE_LIMIT_MAX_REQUESTS", "0"),
        ("ISSUER", "https://idp.example.com"),
    ];
    let running = harness::start_with(&[&of(&made)[..], &more].concat()).await;
    let before = running.admin_token().await;
    running.register("kept@example.com", &before).await;
    let dump = running.folder.path().join("one.dump");
    let name = dump.display().to_string();
    let folder = running.stop().await;
    let told = agentidp(folder.path(), &["backup", &name], &of(&made)).await;
    shell(&told.out).await;
    assert!(
        told.failed(1)
            .starts_with("agentidp: nothing was backed up")
    );

    let told = agentidp(folder.path(), &["restore", &name], &of(&empty)).await;
    let commands: Vec<String> = told.out.lines().map(str::to_owned).collect();
    assert!(told.failed(1).starts_with("agentidp: nothing was restored"));
    let [restore, migrate, finish] = &commands[..] else {
        panic!("{commands:?}")
    };
    shell(restore).await;
    for command in [migrate, finish] {
        let words: Vec<&str> = command.split(' ').skip(1).collect();
        agentidp(folder.path(), &words, &of(&empty)).await.ok();
    }
    let clock = Arc::new(SystemClock);
    let running = harness::start_in(folder, &[&of(&empty)[..], &more].concat(), clock).await;
    assert_eq!(running.get("/api/v1/agents", &before).await.status, 401);
    let admin = running.admin_token().await;
    let agents = running.get("/api/v1/agents?q=kept", &admin).await;
    assert_eq!(agents.member("total"), 1, "{agents:?}");
    let verified = running.get("/api/v1/audit/verify", &admin).await;
    assert_eq!(verified.member("verified"), true, "{verified:?}");
    running.stop().await;
}

async fn shell(command: &str) {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]);
    let output = tokio::task::spawn_blocking(move || shell.output().unwrap());
    let output = output.await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command}: {said}");
}
