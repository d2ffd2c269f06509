//! The real server as a process: started on a free port, killed on demand and whenever a test ends.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

/// Variables that all servers on one store have in common; none for SQLite.
pub type Shared = [(&'static str, String)];

/// Another command on the same store, not begun yet.
pub fn command(directory: &Path, arguments: &[&str], shared: &Shared) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agentidp"));
    command
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .env("AGENTIDP_DATA_DIR", directory)
        .envs(shared.iter().map(|(name, value)| (name, value)));
    command
}

/// A server that is killed when it is dropped, whatever a test does.
pub struct Server {
    process: Child,
    pub base_url: String,
}

impl Server {
    pub fn start(directory: &Path, shared: &Shared) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_agentidp"))
            .arg("serve")
            .current_dir(directory)
            .env_clear()
            .env("AGENTIDP_DATA_DIR", directory)
            .env("PORT", "0")
            // The port differs at each start; whom tokens are from must not.
            .env("ISSUER", "http://idp.example")
            .env("JWT_SIGNING_ALG", "ES256")
            .env("RATE_LIMIT_MAX_REQUESTS", "0")
            .env("LOG_FORMAT", "json")
            .envs(shared.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| port(&line))
            .expect("the server said its port");
        // Somebody has to read on, or a full pipe would stop the server.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            process,
            base_url: format!("http://127.0.0.1:{port}"),
        }
    }

    /// Asks it to stop, as an operator does, and waits until it has.
    pub fn terminate(mut self) {
        let id = self.process.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(asked.success());
        let ended = self.process.wait().unwrap();
        assert_eq!(ended.code(), Some(0), "{ended}");
    }

    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be dead already, which is what is wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn port(line: &str) -> Option<u16> {
    let message = serde_json::from_str::<Value>(line).ok()?["message"]
        .as_str()?
        .to_owned();
    message.rsplit_once("listening on port ")?.1.parse().ok()
}
