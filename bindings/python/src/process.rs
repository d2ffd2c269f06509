//! What this module has to know of the process: which interpreter loads it, whether the process
//! was forked since, and whether the interpreter is on its way out.

use std::sync::{
    Once,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use pyo3::{
    exceptions::{PyImportError, PyRuntimeError},
    intern,
    prelude::*,
    sync::PyOnceLock,
    types::PyDict,
};

use crate::logs;

static GENERATION: AtomicU64 = AtomicU64::new(0);
static EXITING: AtomicBool = AtomicBool::new(false);

/// How often this process's line of ancestors forked since the module was loaded. A descriptor
/// that was made in another generation is shared with the parent.
pub fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// As [`generation`], for the package.
#[pyfunction]
pub fn _forks() -> u64 {
    generation()
}

/// Counts forks, those of C code included.
pub fn watch_forks() {
    static ONCE: Once = Once::new();
    #[cfg(unix)]
    ONCE.call_once(|| {
        unsafe extern "C" fn child() {
            GENERATION.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: the handler only increments an atomic, which is async-signal-safe. The module
        // is never unloaded, so the function stays where it is.
        unsafe {
            libc::pthread_atfork(None, None, Some(child));
        }
    });
    #[cfg(not(unix))]
    ONCE.call_once(|| {});
}

/// An error in a sub-interpreter: pyo3's objects would be shared between interpreters.
pub fn require_main_interpreter(py: Python<'_>) -> PyResult<()> {
    if interpreter_id(py) == 0 {
        return Ok(());
    }
    Err(PyImportError::new_err(
        "sentryagent_idp cannot be used in a sub-interpreter; use it in the main interpreter",
    ))
}

fn interpreter_id(_attached: Python<'_>) -> i64 {
    // SAFETY: the interpreter is attached, so there is a current interpreter state.
    unsafe { pyo3::ffi::PyInterpreterState_GetID(pyo3::ffi::PyInterpreterState_Get()) }
}

/// `sys.modules`: which other packages the program has loaded.
pub fn modules(py: Python<'_>) -> PyResult<&Bound<'_, PyDict>> {
    static MODULES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let found = MODULES.get_or_try_init(py, || {
        let modules = py
            .import(intern!(py, "sys"))?
            .getattr(intern!(py, "modules"))?;
        PyResult::Ok(modules.cast_into::<PyDict>()?.unbind())
    })?;
    Ok(found.bind(py))
}

/// Called by `atexit`: later calls fail instead of waiting for an interpreter that is gone.
#[pyfunction]
pub fn shutdown(py: Python<'_>) {
    EXITING.store(true, Ordering::Relaxed);
    logs::end(py);
}

/// An error once the interpreter is on its way out.
pub fn require_running() -> PyResult<()> {
    if EXITING.load(Ordering::Relaxed) {
        return Err(PyRuntimeError::new_err(
            "the interpreter is shutting down: no further AgentIdP calls can be made",
        ));
    }
    Ok(())
}
