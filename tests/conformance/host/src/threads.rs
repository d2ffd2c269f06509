//! The threads of a runner's process, seen from outside.

use std::{fs, path::Path};

use crate::case::Result;

/// What the core calls the one thread that it starts under a foreign language.
const CORE: &str = "agentidp";

/// Whether the process, or one that it started, has the core's thread must be as `wanted`.
pub fn check(pid: u32, wanted: bool) -> Result<()> {
    let names = names(pid)?;
    if names.iter().any(|name| name == CORE) == wanted {
        return Ok(());
    }
    let not = if wanted { "no" } else { "a" };
    Err(format!(
        "the runner has {not} thread `{CORE}` of the core; its threads: {}",
        names.join(", ")
    ))
}

/// The names of its threads and of those of its children.
fn names(pid: u32) -> Result<Vec<String>> {
    let tasks = Path::new("/proc").join(pid.to_string()).join("task");
    let entries = fs::read_dir(&tasks).map_err(|e| {
        format!(
            "only Linux tells the threads of a process ({}: {e})",
            tasks.display()
        )
    })?;
    let mut names = Vec::new();
    for task in entries.flatten() {
        // A thread may end between the two.
        if let Ok(name) = fs::read_to_string(task.path().join("comm")) {
            names.push(name.trim_end().to_owned());
        }
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|c| c.parse().ok()) {
            names.extend(self::names(child).unwrap_or_default());
        }
    }
    Ok(names)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_seen_by_its_name_and_only_then() {
        let pid = std::process::id();
        check(pid, false).unwrap();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let (begin, begun) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new()
            .name(CORE.into())
            .spawn(move || {
                begin.send(()).unwrap();
                // Ends when the sender is dropped.
                let _ = stopped.recv();
            });
        begun.recv().unwrap();
        check(pid, true).unwrap();
        assert!(check(pid, false).unwrap_err().contains(CORE));
        drop(stop);
        thread.unwrap().join().unwrap();
    }
}
