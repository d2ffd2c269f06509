//! The contract against a public linter, and the running server against the contract.

use crate::{
    counts::Counts,
    server::{self, Server},
    sh::{self, Result},
};

use super::tools;

/// Redocly over the bundle.
pub fn lint() -> Result<()> {
    let folder = sh::root().join("tests/contract");
    tools::npm_ci(&folder)?;
    sh::run(sh::cmd("npm", ["run", "--silent", "lint"]).current_dir(folder))
}

/// Schemathesis against a server of its own; the exemptions are in its configuration.
pub fn schemathesis() -> Result<Counts> {
    let folder = sh::root().join("tests/contract");
    let venv = tools::venv("schemathesis", &folder.join("requirements.txt"))?;
    let binary = server::build()?;
    let server = Server::start(&binary)?;
    let mut command = sh::cmd(&venv.join("bin/python").display().to_string(), ["run.py"]);
    command.current_dir(&folder);
    server.configure(&mut command);
    let printed = sh::tee(&mut command);
    if printed.is_err() {
        eprintln!("the server's log ends with:\n{}", server.log_tail());
    }
    server.stop()?;
    super::counted(printed, "contract: ")
}
