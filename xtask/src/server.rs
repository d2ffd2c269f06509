//! The reference server as a child process: built with the dev profile, started on its embedded
//! default in an empty folder on a free port, stopped by pid.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{sh::Result, workspace};

/// How long a start may take before it counts as failed.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a stop may take: the server itself allows requests in flight 30 s.
const STOP_TIMEOUT: Duration = Duration::from_secs(40);

/// A running server; killed when dropped, stopped properly by [`Server::stop`].
pub struct Server {
    child: Child,
    folder: TempDir,
    /// Where it listens.
    pub base_url: String,
    /// The bootstrap admin's id.
    pub client_id: String,
    /// The bootstrap admin's secret.
    pub client_secret: String,
}

/// Builds the server and gives the path of its binary.
pub fn build() -> Result<PathBuf> {
    workspace::build()?;
    Ok(workspace::program("agentidp"))
}

impl Server {
    /// Starts it with nothing configured but a free port and, because the harness is one single
    /// client with thousands of calls, without a rate limit.
    pub fn start(binary: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let log = folder.path().join("server.log");
        let file = fs::File::create(&log)?;
        let data = folder.path().join("data");
        let child = Command::new(binary)
            .arg("serve")
            .current_dir(folder.path())
            .env("AGENTIDP_DATA_DIR", &data)
            .env("PORT", "0")
            .env("RATE_LIMIT_MAX_REQUESTS", "0")
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .map_err(|e| format!("cannot start {}: {e}", binary.display()))?;
        let mut server = Self {
            child,
            folder,
            base_url: String::new(),
            client_id: String::new(),
            client_secret: String::new(),
        };
        let port = server.wait_for_port(&log)?;
        let bootstrap: Value = serde_json::from_slice(&fs::read(data.join("bootstrap.json"))?)?;
        let text = |key: &str| -> Result<String> {
            Ok(bootstrap[key]
                .as_str()
                .ok_or_else(|| format!("bootstrap.json has no {key}"))?
                .to_owned())
        };
        server.base_url = format!("http://127.0.0.1:{port}");
        server.client_id = text("clientId")?;
        server.client_secret = text("clientSecret")?;
        Ok(server)
    }

    /// Adds what an SDK reads from its environment.
    pub fn configure<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("AGENTIDP_BASE_URL", &self.base_url)
            .env("AGENTIDP_CLIENT_ID", &self.client_id)
            .env("AGENTIDP_CLIENT_SECRET", &self.client_secret)
    }

    /// Asks it to stop and waits until it has; an error when it did not end cleanly.
    pub fn stop(mut self) -> Result<()> {
        let pid = i32::try_from(self.child.id())?;
        // SAFETY: a plain system call with the pid of our own child, which has not been waited for.
        unsafe { libc::kill(pid, libc::SIGTERM) };
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return if status.success() {
                    Ok(())
                } else {
                    Err(format!("the server ended with {status}:\n{}", self.log_tail()).into())
                };
            }
            if since.elapsed() > STOP_TIMEOUT {
                return Err(format!(
                    "the server did not stop within {} s",
                    STOP_TIMEOUT.as_secs()
                )
                .into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn wait_for_port(&mut self, log: &Path) -> Result<u16> {
        const SIGN: &str = "listening on port ";
        let since = Instant::now();
        loop {
            let text = fs::read_to_string(log)?;
            if let Some(at) = text.find(SIGN) {
                let digits: String = text[at + SIGN.len()..]
                    .chars()
                    .take_while(char::is_ascii_digit)
                    .collect();
                return Ok(digits.parse()?);
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!(
                    "the server ended at once with {status}:\n{}",
                    self.log_tail()
                )
                .into());
            }
            if since.elapsed() > START_TIMEOUT {
                return Err(format!(
                    "the server did not listen within {} s:\n{}",
                    START_TIMEOUT.as_secs(),
                    self.log_tail()
                )
                .into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The last lines of its log.
    pub fn log_tail(&self) -> String {
        let text = fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
