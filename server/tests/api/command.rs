//! The binary's other commands, run beside a server of this process or after it.

use std::{path::Path, process::Command};

use crate::database;

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Runs `agentidp` on the store of the server with this data directory; later variables win over those that the store needs.
pub async fn agentidp(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agentidp"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("AGENTIDP_DATA_DIR", folder)
        .envs(database::chosen(folder).await)
        .envs(variables.iter().copied());
    tokio::task::spawn_blocking(move || {
        let output = command.output().unwrap();
        Ended {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    })
    .await
    .unwrap()
}

impl Ended {
    /// It succeeded; what it said.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// It failed with this code and one line.
    #[track_caller]
    pub fn failed(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.err.lines().count(), 1, "{self:?}");
        self.err
    }
}
