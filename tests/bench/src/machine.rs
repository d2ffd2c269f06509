//! What the kernel tells of the machine and of processes. On another system than Linux some of it
//! is unknown, which the report then says.

use std::{fs, process::Command};

/// Whose CPU time.
#[derive(Clone, Copy)]
pub enum Who {
    /// This process, all threads.
    This,
    /// Children that have ended and were waited for.
    Children,
}

/// User and system time so far, in seconds.
pub fn cpu_seconds(who: Who) -> f64 {
    let who = match who {
        Who::This => libc::RUSAGE_SELF,
        Who::Children => libc::RUSAGE_CHILDREN,
    };
    // SAFETY: all zeroes is a valid `rusage`, and the call writes only into it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(who, &raw mut usage);
        usage
    };
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// CPU time of a process' first thread so far, in seconds.
pub fn first_thread_seconds(pid: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/schedstat")).ok()?;
    let nanoseconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanoseconds / 1e9)
}

/// User and system time of another process so far, all its threads, in seconds; on Linux.
#[cfg(target_os = "linux")]
pub fn cpu_seconds_of(pid: u32) -> Option<f64> {
    let pid = libc::pid_t::try_from(pid).ok()?;
    let mut clock = 0;
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: both calls write only into what they are given, and tell whether they did.
    let told = unsafe {
        libc::clock_getcpuclockid(pid, &raw mut clock) == 0
            && libc::clock_gettime(clock, &raw mut time) == 0
    };
    told.then(|| time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
}

/// Not known here.
#[cfg(not(target_os = "linux"))]
pub fn cpu_seconds_of(_: u32) -> Option<f64> {
    None
}

/// CPU time that all processes of the machine used since it started, in seconds.
pub fn busy_seconds() -> Option<f64> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let ticks: Vec<f64> = text
        .lines()
        .next()?
        .split_whitespace()
        .skip(1)
        .map_while(|t| t.parse().ok())
        .collect();
    // user, nice, system, (idle, iowait,) irq, softirq
    let busy = [0, 1, 2, 5, 6]
        .iter()
        .map_while(|&i| ticks.get(i))
        .sum::<f64>();
    // SAFETY: takes a number and gives a number.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    (per_second > 0).then(|| busy / per_second as f64)
}

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// `AMD EPYC 7763`, when the system tells it.
pub fn cpu_model() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("model name"))
        .and_then(|rest| rest.split_once(':'))
        .map_or_else(|| "unknown CPU".into(), |(_, name)| name.trim().to_owned())
}

/// `linux 6.1.0`, without what a distributor adds, when the system tells it.
pub fn system() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let number = release.split(['-', '+', '\n']).next().unwrap_or_default();
    format!("{} {number}", std::env::consts::OS)
        .trim_end()
        .to_owned()
}

/// The first line that a program prints; empty when it cannot be run.
pub fn first_line(program: &str, args: &[&str]) -> String {
    Command::new(program)
        .args(args)
        .output()
        .ok()
        .filter(|o| o.status.success())
        .and_then(|o| {
            let text = String::from_utf8_lossy(&o.stdout).into_owned();
            text.lines().next().map(str::to_owned)
        })
        .unwrap_or_default()
}
