//! Open enums: the Python classes of `sentryagent_idp.enums`, by wire value. A value that the
//! SDK does not know yet becomes an instance too.

use pyo3::{
    intern,
    prelude::*,
    sync::PyOnceLock,
    types::{PyDict, PyModule},
};

/// One enum class.
pub struct EnumClass {
    name: &'static str,
    found: PyOnceLock<(Py<PyAny>, Py<PyDict>)>,
}

impl EnumClass {
    /// The class of that name in `sentryagent_idp.enums`.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            found: PyOnceLock::new(),
        }
    }

    /// The instance for a wire value; known ones are shared.
    pub fn instance(&self, py: Python<'_>, value: &str) -> PyResult<Py<PyAny>> {
        let (class, members) = self.found.get_or_try_init(py, || {
            let class = PyModule::import(py, "sentryagent_idp.enums")?.getattr(self.name)?;
            let members = class
                .getattr(intern!(py, "_members"))?
                .cast_into::<PyDict>()?;
            PyResult::Ok((class.unbind(), members.unbind()))
        })?;
        match members.bind(py).get_item(value)? {
            Some(member) => Ok(member.unbind()),
            None => class.call1(py, (value,)),
        }
    }
}
