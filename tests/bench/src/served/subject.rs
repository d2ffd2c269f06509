//! The server that is measured: the release binary as a process of its own, with nothing of our environment and with
//! limits that are on but never reached.

use std::{
    fs::{self, File},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::http;
use crate::{Result, machine};

/// How long it may take to answer, or to stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is asked whether it answers.
const POLL: Duration = Duration::from_micros(500);
/// Calls a minute that are allowed: more than there will be, so every one is counted and none refused.
const LIMIT: &str = "1000000000";

/// What tokens are asked for.
const SCOPES: &str = "agents:read+agents:write+tokens:read";

/// A running server; killed when dropped, stopped by [`Subject::stop`].
pub struct Subject {
    child: Child,
    pub port: u16,
    /// From the start of the process to its first answer.
    pub started: Duration,
}

impl Subject {
    /// Starts it on a data folder and waits until `/health` answers.
    pub fn start(binary: &Path, data: &Path, environment: &[(&str, &str)]) -> Result<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        fs::create_dir_all(data)?;
        let log = File::create(data.join("server.log"))?;
        let mut command = Command::new(fs::canonicalize(binary)?);
        command
            .arg("serve")
            .current_dir(data)
            .env_clear()
            .env("AGENTIDP_DATA_DIR", data)
            .env("PORT", port.to_string())
            .env("RATE_LIMIT_MAX_REQUESTS", LIMIT)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let began = Instant::now();
        let child = command
            .spawn()
            .map_err(|e| format!("cannot start {}: {e}", binary.display()))?;
        let mut this = Self {
            child,
            port,
            started: Duration::ZERO,
        };
        let health = http::request("GET", "/health", &[], "");
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = this.child.try_wait()?;
            if ended.is_some() || began.elapsed() > PATIENCE {
                let log = fs::read_to_string(data.join("server.log")).unwrap_or_default();
                return Err(format!("the server does not start: {log}").into());
            }
            std::thread::sleep(POLL);
        }
        http::json(port, &health, 200)?;
        this.started = began.elapsed();
        Ok(this)
    }

    /// CPU seconds so far, all its threads.
    pub fn cpu(&self) -> Result<f64> {
        machine::cpu_seconds_of(self.child.id())
            .ok_or_else(|| "this system does not tell a process' CPU time".into())
    }

    /// Resident memory and the most that it ever was, in MiB.
    pub fn memory(&self) -> Result<(f64, f64)> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let of = |name: &str| -> Option<f64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            let kibibytes: f64 = line.trim_end_matches("kB").trim().parse().ok()?;
            Some(kibibytes / 1024.0)
        };
        of("VmRSS:")
            .zip(of("VmHWM:"))
            .ok_or_else(|| "this system does not tell a process' memory".into())
    }

    /// Asks it to stop and waits until it has.
    pub fn stop(mut self) -> Result<()> {
        // SAFETY: a plain system call with the pid of our own child, which has not been waited for.
        unsafe { libc::kill(i32::try_from(self.child.id())?, libc::SIGTERM) };
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("the server ended with {status}").into()),
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
        Err("the server does not stop".into())
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and that is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first admin of a data folder.
pub struct Admin {
    client_id: String,
    client_secret: String,
}

impl Admin {
    pub fn read(data: &Path) -> Result<Self> {
        let file: Value = serde_json::from_slice(&fs::read(data.join("bootstrap.json"))?)?;
        let text = |name: &str| {
            let found = file[name].as_str().map(str::to_owned);
            found.ok_or_else(|| format!("bootstrap.json has no {name}"))
        };
        Ok(Self {
            client_id: text("clientId")?,
            client_secret: text("clientSecret")?,
        })
    }

    /// The request for a token with the scopes that the run needs.
    pub fn asks_token(&self) -> String {
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}&scope={SCOPES}",
            self.client_id, self.client_secret
        );
        let kind = ("content-type", "application/x-www-form-urlencoded");
        http::request("POST", "/api/v1/token", &[kind], &form)
    }

    /// A token.
    pub fn token(&self, port: u16) -> Result<String> {
        let answer = http::json(port, &self.asks_token(), 200)?;
        let token = answer["access_token"].as_str();
        Ok(token.ok_or("a token answer without a token")?.to_owned())
    }
}
