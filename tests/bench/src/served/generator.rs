//! The generator of load, as its referee sees it: a child that takes orders.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use super::load::{Order, Taken};
use crate::Result;

/// A running generator; ended when dropped.
pub struct Generator {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// CPU seconds of all its turns.
    pub cpu: f64,
}

impl Generator {
    pub fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("load")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(orders), Some(answers)) => Ok(Self {
                child,
                orders,
                answers: BufReader::new(answers),
                cpu: 0.0,
            }),
            _ => Err("the generator has no pipes".into()),
        }
    }

    /// One turn.
    pub fn take(&mut self, order: &Order) -> Result<Taken> {
        serde_json::to_writer(&mut self.orders, order)?;
        self.orders.write_all(b"\n")?;
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err("the generator ended before its turn was over".into());
        }
        let taken: Taken = serde_json::from_str(&line)?;
        self.cpu += taken.cpu;
        Ok(taken)
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and that is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
