//! The core's errors as Python exceptions. The classes are those of `sentryagent_idp.errors`;
//! which one, its table there says, by kind.

use pyo3::{intern, prelude::*, sync::PyOnceLock};
use sentryagent_idp::Error;
use serde_json::Value;

use crate::json;

/// The exception for an error of the core.
pub fn exception(py: Python<'_>, error: &Error) -> PyErr {
    build(py, &error.to_json()).unwrap_or_else(|failure| failure)
}

fn build(py: Python<'_>, record: &Value) -> PyResult<PyErr> {
    static FACTORY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let factory = FACTORY.get_or_try_init(py, || {
        let module = py.import(intern!(py, "sentryagent_idp.errors"))?;
        PyResult::Ok(module.getattr(intern!(py, "_from_record"))?.unbind())
    })?;
    let object = factory.bind(py).call1((json::to_py(py, record)?,))?;
    Ok(PyErr::from_value(object))
}
