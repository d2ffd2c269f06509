//! `NativeClient`: the core's client as the Python package uses it.

use pyo3::{
    PyTraverseError, PyVisit,
    exceptions::PyTypeError,
    prelude::*,
    types::{PyDict, PyTuple},
};
use sentryagent_idp::bridge::BridgeClient;
use serde_json::Value;

use crate::{
    call::{Call, Wanted, outcome},
    clock::NativeClock,
    errors,
    hidden::Hidden,
    json, logs,
    options::CallOptions,
    sync,
};

/// The core's client. Not part of the public surface.
#[pyclass(frozen, module = "sentryagent_idp._native")]
pub struct NativeClient {
    client: BridgeClient,
    traceparent: Option<Py<PyAny>>,
}

#[pymethods]
impl NativeClient {
    #[new]
    fn new(
        config: &Bound<'_, PyDict>,
        hidden: &Bound<'_, Hidden>,
        traceparent: Option<Bound<'_, PyAny>>,
        clock: Option<&Bound<'_, NativeClock>>,
    ) -> PyResult<Self> {
        let py = config.py();
        if traceparent.as_ref().is_some_and(|f| !f.is_callable()) {
            return Err(PyTypeError::new_err("traceparent must be callable"));
        }
        logs::refresh(py)?;
        let text = configuration(config, hidden)?;
        let clock = clock.map(|c| c.get().inner());
        let client = BridgeClient::from_json_with(text.as_bytes(), clock)
            .map_err(|error| errors::exception(py, &error))?;
        Ok(Self {
            client,
            traceparent: traceparent.map(Bound::unbind),
        })
    }

    /// Calls an operation and waits for its outcome with the GIL released.
    #[pyo3(signature = (operation, path, query=None, body=None, options=None))]
    fn call(
        &self,
        py: Python<'_>,
        operation: u32,
        path: &Bound<'_, PyTuple>,
        query: Option<&Bound<'_, PyAny>>,
        body: Option<&Bound<'_, PyAny>>,
        options: Option<&Bound<'_, CallOptions>>,
    ) -> PyResult<Py<PyAny>> {
        let call = Call {
            operation,
            path,
            query,
            body,
            options,
        };
        let arguments = call.envelope(py, self.traceparent.as_ref())?;
        let completion = sync::run(py, |channel, id| {
            channel.start(&self.client, id, operation, &arguments);
        })?;
        let on_response = call.on_response(py);
        outcome(
            py,
            completion,
            &Wanted::Result(operation),
            on_response.as_ref(),
        )
    }

    /// The access token: the cached one at once, or a new one.
    fn token(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let completion = sync::run(py, |channel, id| channel.start_token(&self.client, id))?;
        outcome(py, completion, &Wanted::Token, None)
    }

    /// The cached access token while it may be handed out, else None.
    fn cached_token(&self, py: Python<'_>) -> PyResult<Option<String>> {
        logs::refresh(py)?; // the read may start a renewal
        let token = self.client.cached_token();
        logs::deliver(py);
        Ok(token)
    }

    fn clear_token_cache(&self, py: Python<'_>) {
        self.client.clear_token_cache();
        logs::deliver(py);
    }

    /// The number by which log records name the client.
    #[getter]
    fn id(&self) -> u64 {
        self.client.id()
    }

    fn explain_configuration(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        logs::deliver(py);
        json::to_py(py, &self.client.explain_configuration())
    }

    fn close(&self, py: Python<'_>) {
        self.client.close();
        logs::deliver(py);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.traceparent)
    }
}

impl NativeClient {
    /// The core's client.
    pub fn inner(&self) -> &BridgeClient {
        &self.client
    }

    /// Asks the program for the trace of a call.
    pub fn traceparent(&self) -> Option<&Py<PyAny>> {
        self.traceparent.as_ref()
    }
}

/// Settings as the core reads them: those that may show, those that may not, and who we are.
pub fn configuration(config: &Bound<'_, PyDict>, hidden: &Bound<'_, Hidden>) -> PyResult<String> {
    let py = config.py();
    let secret = hidden.get().value(py);
    let (Value::Object(mut fields), Value::Object(secret)) = (
        json::from_py(config, "config")?,
        json::from_py(secret, "config")?,
    ) else {
        return Err(PyTypeError::new_err("config must be a dict"));
    };
    fields.extend(secret);
    fields.insert("language".into(), "python".into());
    fields.insert("runtime".into(), runtime(py)?.into());
    Ok(Value::Object(fields).to_string())
}

/// `CPython 3.11.7`
fn runtime(py: Python<'_>) -> PyResult<String> {
    let implementation = py.import("sys")?.getattr("implementation")?;
    let name: String = implementation.getattr("name")?.extract()?;
    let name = match name.as_str() {
        "cpython" => "CPython".to_owned(),
        "pypy" => "PyPy".to_owned(),
        _ => name,
    };
    let version = py.version_info();
    Ok(format!(
        "{name} {}.{}.{}",
        version.major, version.minor, version.patch
    ))
}
