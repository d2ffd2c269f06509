//! Resident memory, as the kernel counts it.

use conformance_host::case::Result;

/// Bytes that the process and its children have in memory.
pub fn resident(pid: u32) -> Result<u64> {
    let mut total = one(pid)?;
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    for child in children.unwrap_or_default().split_whitespace() {
        // A child that has just ended has no memory.
        total += child.parse().map(|pid| one(pid).unwrap_or(0)).unwrap_or(0);
    }
    Ok(total)
}

fn one(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))?;
    kilobytes(&status)
        .map(|kb| kb * 1024)
        .ok_or_else(|| format!("{path} has no VmRSS"))
}

fn kilobytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_in_kilobytes() {
        assert_eq!(kilobytes("Name:\tx\nVmRSS:\t   12345 kB\n"), Some(12345));
        assert_eq!(kilobytes("Name:\tx\n"), None);
    }

    #[test]
    fn memory_that_is_used_is_counted() {
        let before = resident(std::process::id()).unwrap();
        let block = std::hint::black_box(vec![1u8; 64 * 1024 * 1024]);
        let after = resident(std::process::id()).unwrap();
        assert!(after > before + 32 * 1024 * 1024, "{before} {after}");
        drop(block);
    }
}
