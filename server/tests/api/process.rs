//! The real binary with JSON log lines, ended when the test is over, however it ends.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use serde_json::Value;

/// How long a line may take to come: a server that hangs must not hang its test.
const LINE_TIME_MAX: Duration = Duration::from_secs(60);

/// A process that serves.
pub struct Process {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
    /// Where it listens; 0 until it has said so.
    pub port: u16,
}

impl Process {
    /// Starts it on that data directory, on a free port, with these variables and nothing else, and waits until it listens.
    pub fn start(data: &Path, variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_agentidp"))
            .arg("serve")
            .current_dir(data)
            .env_clear()
            .env("AGENTIDP_DATA_DIR", data)
            .env("JWT_SIGNING_ALG", "ES256")
            .env("LOG_FORMAT", "json")
            .env("PORT", "0")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (reader, lines) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // Whoever listened may have heard enough.
                let _ = reader.send(line);
            }
        });
        let mut process = Self {
            child,
            lines,
            said: Vec::new(),
            port: 0,
        };
        let line = process.says("listening on port");
        let text = line["message"].as_str().unwrap();
        process.port = text.rsplit(' ').next().unwrap().parse().unwrap();
        process
    }

    /// The next log line with that message; everything before it is skipped.
    pub fn says(&mut self, wanted: &str) -> Value {
        self.finds(|line| {
            line["message"]
                .as_str()
                .is_some_and(|message| message.contains(wanted))
        })
    }

    /// The next log line of which that is true.
    pub fn finds(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        while let Ok(line) = self.lines.recv_timeout(LINE_TIME_MAX) {
            let read = serde_json::from_str::<Value>(&line).ok();
            self.said.push(line);
            if let Some(found) = read.filter(|line| wanted(line)) {
                return found;
            }
        }
        panic!("it did not say that in time, but\n{}", self.said.join("\n"))
    }

    /// The first log line with that message, also of those that were skipped: what a server says beside its start may come
    /// before it listens.
    pub fn has_said(&mut self, wanted: &str) -> Value {
        let of = |line: &String| serde_json::from_str::<Value>(line).ok();
        let is = |line: &Value| {
            let message = line["message"].as_str();
            message.is_some_and(|message| message.contains(wanted))
        };
        match self.said.iter().filter_map(of).find(is) {
            Some(line) => line,
            None => self.finds(is),
        }
    }

    /// Sends a signal: `HUP`, `TERM`.
    pub fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &command]).status();
        assert!(sent.unwrap().success());
    }

    /// Asks it to stop; everything that it ever said, and how it ended.
    pub fn stop(mut self) -> (String, Option<i32>) {
        self.signal("TERM");
        self.said.extend(self.lines.iter());
        let ended = self.child.wait().unwrap();
        (self.said.join("\n"), ended.code())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
