//! `Hidden`: a value that may pass through Python frames without showing in them.
//!
//! Whoever prints a traceback with its locals (pytest, sentry, `capture_locals`) prints the locals
//! of this package's frames too. So the package's own functions put a secret into a `Hidden` first
//! and drop their reference to the plain value.

use pyo3::prelude::*;

/// Holds a value and shows nothing of it. Not part of the public surface.
#[pyclass(frozen, module = "sentryagent_idp._native")]
pub struct Hidden {
    value: Py<PyAny>,
}

#[pymethods]
impl Hidden {
    #[new]
    fn new(value: Py<PyAny>) -> Self {
        Self { value }
    }

    #[allow(clippy::unused_self)] // that nothing of it is used is the point
    fn __repr__(&self) -> &'static str {
        "***"
    }
}

impl Hidden {
    /// Hides a value.
    pub fn wrap(py: Python<'_>, value: Py<PyAny>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, Self { value })?.into_any())
    }

    /// What is inside.
    pub fn value<'py>(&self, py: Python<'py>) -> &Bound<'py, PyAny> {
        self.value.bind(py)
    }
}

/// What is inside: for the package's own last step, that hands a result to the caller.
#[pyfunction]
pub fn _reveal(hidden: &Bound<'_, Hidden>) -> Py<PyAny> {
    hidden.get().value.clone_ref(hidden.py())
}
