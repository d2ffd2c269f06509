//! The one runtime of the process: current-thread, on a thread of its own, made at the first call.
//!
//! The thread is never joined: it ends with the process and holds up nothing.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::{Error, process::PerProcess};

static RUNTIME: PerProcess<Home> = PerProcess::new();

/// The runtime and whether its thread runs.
struct Home {
    handle: Handle,
    waiting: Mutex<Option<Runtime>>,
    started: AtomicBool,
}

impl Home {
    fn new() -> Result<Self, Error> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Error::configuration(format!("the runtime cannot be made: {e}")))?;
        Ok(Self {
            handle: runtime.handle().clone(),
            waiting: Mutex::new(Some(runtime)),
            started: AtomicBool::new(false),
        })
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // The one too many, when two threads made one at a time. The caller may be a task of another
        // runtime, where dropping a runtime in the plain way panics.
        let waiting = self
            .waiting
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = waiting.take() {
            runtime.shutdown_background();
        }
    }
}

/// The runtime's handle; the first call in a process starts it.
pub(super) fn handle() -> Result<&'static Handle, Error> {
    let home = RUNTIME.get_or_try_init(Home::new)?;
    if !home.started.swap(true, Ordering::AcqRel)
        && let Err(error) = start(home)
    {
        home.started.store(false, Ordering::Release);
        return Err(Error::configuration(format!(
            "the runtime's thread cannot be started: {error}"
        )));
    }
    Ok(&home.handle)
}

fn start(home: &'static Home) -> std::io::Result<()> {
    // The thread inherits the mask: signals stay with the host's own threads.
    let _masked = Masked::all();
    std::thread::Builder::new()
        .name("agentidp".into())
        .spawn(|| {
            let taken = home
                .waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let Some(runtime) = taken {
                runtime.block_on(std::future::pending::<()>());
            }
        })?;
    Ok(())
}

/// All signals are blocked on this thread until it is dropped.
struct Masked {
    #[cfg(unix)]
    before: libc::sigset_t,
}

impl Masked {
    #[cfg(unix)]
    fn all() -> Self {
        // SAFETY: both sets are plain data that the calls fill in.
        unsafe {
            let mut all: libc::sigset_t = std::mem::zeroed();
            let mut before: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            Self { before }
        }
    }

    #[cfg(not(unix))]
    fn all() -> Self {
        Self {}
    }
}

#[cfg(unix)]
impl Drop for Masked {
    fn drop(&mut self) {
        // SAFETY: gives back the set that `all` received.
        unsafe {
            libc::pthread_sigmask(
                libc::SIG_SETMASK,
                &raw const self.before,
                std::ptr::null_mut(),
            )
        };
    }
}

#[cfg(test)]
mod tests {
    use super::Home;

    #[tokio::test]
    async fn one_too_many_is_dropped_inside_another_runtime() {
        drop(Home::new().expect("a runtime"));
    }
}
