//! A PostgreSQL cluster with the two roles that a deployment has: one that owns and migrates, one
//! that serves and may not look over the wall between tenants.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    Result, ServiceError,
    keeper::{Keeper, User, free_port},
};

/// The role that owns the tables and migrates them.
const OWNER: &str = "agentidp_owner";
/// The role that the server works as.
const SERVER: &str = "agentidp_server";
/// How long a cluster may take to come up on a busy machine.
const START_TIME_MAX: Duration = Duration::from_secs(60);

/// A running PostgreSQL.
pub struct Postgres {
    keeper: Mutex<Keeper>,
    programs: PathBuf,
    port: u16,
    databases: AtomicU32,
}

/// An empty database and how to reach it.
#[derive(Clone, Debug)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// As the role that owns it: `DATABASE_MIGRATION_URL`.
    pub owner_url: String,
    /// As the role that serves: `DATABASE_URL`.
    pub server_url: String,
}

impl Postgres {
    /// Makes a cluster and starts it, without fsync: what a test kills is the server under test, not this.
    ///
    /// # Errors
    /// It is not installed, or it does not start.
    pub fn start() -> Result<Self> {
        Self::start_with(&["fsync=off", "full_page_writes=off"])
    }

    /// Makes a cluster that keeps what it acknowledges, and starts it: for what is measured.
    ///
    /// # Errors
    /// It is not installed, or it does not start.
    pub fn start_durable() -> Result<Self> {
        Self::start_with(&[])
    }

    fn start_with(settings: &[&str]) -> Result<Self> {
        let programs = programs()?;
        let user = User::instead_of_root("postgres")?;
        let port = free_port()?;
        let mut keeper = Keeper::new(
            "postgres",
            user,
            "QUIT",
            &command(&programs, port, settings),
        )?;
        let data = keeper.folder().join("data");
        let mut initdb = Command::new(programs.join("initdb"));
        initdb
            .args(["--username=postgres", "--auth=trust", "--no-sync"])
            .args(["--encoding=UTF8", "--locale=C", "--pgdata"])
            .arg(&data)
            .current_dir("/");
        user.apply(&mut initdb);
        run(&mut initdb)?;
        keeper.order("start")?;
        let this = Self {
            keeper: Mutex::new(keeper),
            programs,
            port,
            databases: AtomicU32::new(0),
        };
        this.wait_until_ready()?;
        this.sql(
            "postgres",
            &format!(
                "CREATE ROLE {OWNER} LOGIN NOSUPERUSER NOBYPASSRLS; \
                 CREATE ROLE {SERVER} LOGIN NOSUPERUSER NOBYPASSRLS"
            ),
        )?;
        Ok(this)
    }

    /// Makes an empty database that the owner role owns.
    ///
    /// # Errors
    /// The server is gone.
    pub fn database(&self) -> Result<Database> {
        let name = self.next_name();
        self.sql("postgres", &format!("CREATE DATABASE {name} OWNER {OWNER}"))?;
        Ok(self.named(name))
    }

    /// Makes a database with everything that `template` holds. Nobody may be connected to that one.
    ///
    /// # Errors
    /// The server is gone, or somebody uses the template.
    pub fn copy_of(&self, template: &Database) -> Result<Database> {
        let name = self.next_name();
        self.sql(
            "postgres",
            &format!(
                "CREATE DATABASE {name} TEMPLATE {} OWNER {OWNER}",
                template.name
            ),
        )?;
        Ok(self.named(name))
    }

    /// Runs statements as the superuser; returns what they answered, one row a line.
    ///
    /// # Errors
    /// What the server says.
    pub fn sql(&self, database: &str, statements: &str) -> Result<String> {
        run(Command::new(self.programs.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"])
            .args(["--set", "ON_ERROR_STOP=1", "--host", "127.0.0.1"])
            .args(["--username", "postgres", "--port", &self.port.to_string()])
            .args(["--dbname", database, "--command", statements]))
    }

    /// Kills it as the power does.
    ///
    /// # Errors
    /// The shell that looks after it is gone.
    pub fn kill(&self) -> Result<()> {
        self.order("kill")
    }

    /// Starts it again where it was.
    ///
    /// # Errors
    /// It does not come up.
    pub fn restart(&self) -> Result<()> {
        self.order("start")?;
        self.wait_until_ready()
    }

    fn order(&self, order: &str) -> Result<()> {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        keeper.order(order).map(drop)
    }

    fn next_name(&self) -> String {
        format!(
            "agentidp_{}",
            self.databases.fetch_add(1, Ordering::Relaxed)
        )
    }

    fn named(&self, name: String) -> Database {
        let url = |role: &str| format!("postgres://{role}@127.0.0.1:{}/{name}", self.port);
        Database {
            owner_url: url(OWNER),
            server_url: url(SERVER),
            name,
        }
    }

    fn wait_until_ready(&self) -> Result<()> {
        let since = Instant::now();
        while let Err(error) = self.sql("postgres", "SELECT 1") {
            if since.elapsed() > START_TIME_MAX {
                let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
                let log = keeper.log();
                return Err(ServiceError::Failed(format!(
                    "PostgreSQL does not come up: {error}; its log: {log}"
                )));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

fn command(programs: &Path, port: u16, settings: &[&str]) -> Vec<String> {
    let program = programs.join("postgres").display().to_string();
    let mut words = vec![program, "-D".into(), "@/data".into()];
    for setting in [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        "unix_socket_directories=".to_owned(),
        "max_connections=300".to_owned(),
        "shared_buffers=64MB".to_owned(),
        "logging_collector=off".to_owned(),
    ]
    .into_iter()
    .chain(settings.iter().map(|&setting| setting.to_owned()))
    {
        words.extend(["-c".to_owned(), setting]);
    }
    words
}

/// Where the server's programs are: Debian keeps them out of the path, a folder for each version.
fn programs() -> Result<PathBuf> {
    let version = |folder: &Path| -> u32 {
        let name = folder.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.parse().ok()).unwrap_or_default()
    };
    let debian = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|folder| folder.join("bin/initdb").exists())
        .max_by_key(|folder| version(folder))
        .map(|folder| folder.join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = || std::env::split_paths(&path).find(|folder| folder.join("initdb").exists());
    debian.or_else(in_path).ok_or(ServiceError::Missing {
        program: "PostgreSQL",
        package: "postgresql",
    })
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned());
    }
    let program = command.get_program().to_string_lossy().into_owned();
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(ServiceError::Failed(format!("{program}: {said}")))
}
