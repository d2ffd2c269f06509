//! The program `agentidp mock` as a child process.
//!
//! Owns: finding it, its first line, its end. It ends when its standard input closes, so also when
//! this process dies.

use std::{
    ffi::OsString,
    io::{BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use serde::Deserialize;

use crate::{Error, Secret};

const NAME: &str = "agentidp";
/// How long a server that was told to end may take before it is killed.
const END_TIME_MAX: Duration = Duration::from_secs(10);
const END_LOOK_EVERY: Duration = Duration::from_millis(5);
/// So much of what the server complained about is repeated.
const COMPLAINT_BYTES_MAX: usize = 2000;

/// The server's first line.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ready {
    pub base_url: String,
    pub client_id: String,
    pub client_secret: Secret,
}

/// The running program.
pub(super) struct Program {
    pub ready: Ready,
    child: Child,
    /// Closing it is the order to end.
    input: Option<ChildStdin>,
}

/// The program that was asked for, else what `PATH` has.
pub(super) fn find(asked: Option<OsString>) -> Result<PathBuf, Error> {
    let hint = "get it with `cargo install agentidp-server` or from the releases, then put it on PATH \
                or set AGENTIDP_BIN to it";
    if let Some(path) = asked.filter(|path| !path.is_empty()).map(PathBuf::from) {
        if path.is_file() {
            return Ok(path);
        }
        let message = format!("there is no program {}: {hint}", path.display());
        return Err(Error::configuration(message));
    }
    let file = format!("{NAME}{}", std::env::consts::EXE_SUFFIX);
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders)
        .map(|folder| folder.join(&file))
        .find(|path| path.is_file());
    found.ok_or_else(|| Error::configuration(format!("there is no program {NAME}: {hint}")))
}

impl Program {
    /// Starts it and waits for its first line.
    pub fn start(path: &Path) -> Result<Self, Error> {
        let failed = |what: String| {
            Error::configuration(format!("{} does not start: {what}", path.display()))
        };
        let mut child = Command::new(path)
            .args(["mock", "--json", "--port", "0"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| failed(e.to_string()))?;
        let complaint = child.stderr.take().map(keep_tail);
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            let mut output = BufReader::new(output);
            output
                .read_line(&mut line)
                .map_err(|e| failed(e.to_string()))?;
            // Whatever it may say later: a full pipe would stop it.
            thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        }
        match serde_json::from_str(&line) {
            Ok(ready) => Ok(Self {
                ready,
                input: child.stdin.take(),
                child,
            }),
            Err(_) => {
                end(&mut child);
                let said = complaint.map(Tail::wait).unwrap_or_default();
                Err(failed(said))
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.input.take());
        let patience = Instant::now();
        while patience.elapsed() < END_TIME_MAX {
            match self.child.try_wait() {
                Ok(None) => thread::sleep(END_LOOK_EVERY),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    // Gone already is as good.
    let _ = child.kill();
    let _ = child.wait();
}

/// The end of what a stream says.
struct Tail {
    kept: Arc<Mutex<Vec<u8>>>,
    reader: thread::JoinHandle<()>,
}

impl Tail {
    /// Once the stream has ended.
    fn wait(self) -> String {
        let _ = self.reader.join();
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).trim().to_owned()
    }
}

fn keep_tail(mut stream: impl Read + Send + 'static) -> Tail {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keeper = kept.clone();
    let reader = thread::spawn(move || {
        let mut chunk = [0; 1024];
        while let Ok(count @ 1..) = stream.read(&mut chunk) {
            let mut kept = keeper.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(&chunk[..count]);
            let surplus = kept.len().saturating_sub(COMPLAINT_BYTES_MAX);
            kept.drain(..surplus);
        }
    });
    Tail { kept, reader }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_named_with_a_way_to_get_it() {
        let missing = find(Some("/nowhere/agentidp".into())).expect_err("not there");
        assert!(missing.is_configuration());
        assert!(missing.message().contains("/nowhere/agentidp"));
        assert!(missing.message().contains("AGENTIDP_BIN"));
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_is_no_server_is_repeated() {
        let error = Program::start(Path::new("/bin/sh"))
            .err()
            .expect("no server");
        assert!(error.message().contains("mock"), "{}", error.message());
    }
}
