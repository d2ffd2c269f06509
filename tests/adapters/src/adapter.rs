//! One adapter's example as a process.

use std::{collections::BTreeMap, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::Result;

/// Until it listens: a cold JVM on a busy machine is slow.
const START_MAX: Duration = Duration::from_secs(60);
/// Until it has ended after SIGTERM.
const END_MAX: Duration = Duration::from_secs(10);

/// A running example.
pub struct Adapter {
    pub url: String,
    child: Child,
}

impl Adapter {
    /// Starts it and waits until it says where it listens.
    pub async fn start(command: &[String], issuer: &str, audience: &str) -> Result<Self> {
        let (program, arguments) = command.split_first().ok_or("an empty command")?;
        let variables = BTreeMap::from([("ISSUER", issuer), ("AUDIENCE", audience), ("PORT", "0")]);
        let mut child = Command::new(program)
            .args(arguments)
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| format!("cannot run {program}: {e}"))?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        let mut lines = BufReader::new(stdout).lines();
        let first = timeout(START_MAX, lines.next_line())
            .await
            .map_err(|_| "it did not say where it listens")?
            .map_err(|e| e.to_string())?
            .ok_or("it ended before it listened")?;
        let url = first
            .strip_prefix("listening on ")
            .ok_or_else(|| format!("its first line is {first:?}, not `listening on http://…`"))?
            .trim()
            .trim_end_matches('/')
            .to_owned();
        // What else it prints must not fill the pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { url, child })
    }

    /// Asks it to end and waits for that.
    pub async fn stop(mut self) -> Result<()> {
        let id = self.child.id().ok_or("it has ended by itself")?;
        let id = i32::try_from(id).map_err(|e| e.to_string())?;
        // SAFETY: signals the child that this owns and has not yet waited for.
        unsafe { libc::kill(id, libc::SIGTERM) };
        match timeout(END_MAX, self.child.wait()).await {
            Ok(_) => Ok(()),
            Err(_) => Err("it did not end on SIGTERM".to_owned()),
        }
    }
}
