//! A shell that starts a server, kills it on demand, and - when this process ends, even by SIGKILL -
//! stops the server and removes its folder: it reads its orders from a pipe that then closes.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use crate::{Result, ServiceError};

/// The orders that the shell knows. `$0` is the folder; the arguments are the signal that ends the server, then its
/// command line.
const SCRIPT: &str = r#"
signal=$1; shift; pid=
end() {
    if [ -n "$pid" ]; then kill "-$1" "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; pid=; fi
}
while read -r order; do
    case $order in
        start) "$@" </dev/null >>"$0/log" 2>&1 & pid=$!; echo "$pid" ;;
        kill) end KILL; echo killed ;;
    esac
done
end "$signal"
rm -rf "$0"
"#;

/// A server's folder and the shell that looks after both.
pub(crate) struct Keeper {
    folder: PathBuf,
    shell: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Keeper {
    /// Makes the folder, owned by `user`, and the shell that will run `command` there as `user` and end it by `signal`.
    pub fn new(name: &str, user: User, signal: &str, command: &[String]) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix(&format!("agentidp-{name}-"))
            .tempdir()?
            .keep();
        if let Some((uid, gid)) = user.0 {
            chown(&folder, Some(uid), Some(gid))?;
        }
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg(SCRIPT)
            .arg(&folder)
            .arg(signal)
            .args(command.iter().map(|word| in_folder(word, &folder)))
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C is for the tests; the end of the pipe is for us.
            .process_group(0);
        user.apply(&mut shell);
        let mut shell = shell.spawn()?;
        let (Some(orders), Some(answers)) = (shell.stdin.take(), shell.stdout.take()) else {
            return Err(ServiceError::Failed("the shell has no pipes".into()));
        };
        Ok(Self {
            folder,
            shell,
            orders: Some(orders),
            answers: BufReader::new(answers),
        })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Gives an order and returns the shell's answer.
    pub fn order(&mut self, order: &str) -> Result<String> {
        let gone = || ServiceError::Failed(format!("the shell that should {order} is gone"));
        let orders = self.orders.as_mut().ok_or_else(gone)?;
        writeln!(orders, "{order}").map_err(|_| gone())?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        if answer.is_empty() {
            return Err(gone());
        }
        Ok(answer.trim().to_owned())
    }

    /// What the server wrote, for a failure's sentence.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.orders.take();
        // It ends by itself; its exit code says nothing.
        let _ = self.shell.wait();
    }
}

/// `@` stands for the folder, which does not exist yet when a command line is written.
fn in_folder(word: &str, folder: &Path) -> String {
    word.replace('@', &folder.display().to_string())
}

/// Who runs a server: `None`, whoever runs the tests.
#[derive(Clone, Copy)]
pub(crate) struct User(Option<(u32, u32)>);

impl User {
    /// Ourselves, or the named user when we are root.
    pub fn instead_of_root(name: &str) -> Result<Self> {
        // SAFETY: a plain system call without arguments.
        if unsafe { libc::geteuid() } != 0 {
            return Ok(Self(None));
        }
        let users = fs::read_to_string("/etc/passwd")?;
        let found = users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let named = fields.next() == Some(name);
            let mut ids = fields.skip(1).map_while(|id| id.parse().ok());
            named.then(|| Some((ids.next()?, ids.next()?))).flatten()
        });
        match found {
            Some(ids) => Ok(Self(Some(ids))),
            None => Err(ServiceError::Failed(format!("there is no user {name}"))),
        }
    }

    pub fn ourselves() -> Self {
        Self(None)
    }

    pub fn apply(self, command: &mut Command) {
        if let Some((uid, gid)) = self.0 {
            command.uid(uid).gid(gid);
        }
    }
}

/// A port that nobody listens on just now.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
