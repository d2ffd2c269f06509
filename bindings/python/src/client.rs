//! `NativeClient`: the core's client as the Python package uses it.

use pyo3::{
    prelude::*,
    types::{PyDict, PyTuple},
};
use sentryagent_idp::bridge::BridgeClient;
use serde_json::Value;

use crate::{
    call::{Call, Wanted, outcome},
    errors, json,
    options::CallOptions,
    process, sync,
};

/// The core's client. Not part of the public surface.
#[pyclass(frozen, module = "sentryagent_idp._native")]
pub struct NativeClient {
    client: BridgeClient,
}

#[pymethods]
impl NativeClient {
    #[new]
    fn new(config: &Bound<'_, PyDict>) -> PyResult<Self> {
        let py = config.py();
        let Value::Object(mut fields) = json::from_py(config, "config")? else {
            return Err(pyo3::exceptions::PyTypeError::new_err(
                "config must be a dict",
            ));
        };
        fields.insert("language".into(), "python".into());
        fields.insert("runtime".into(), runtime(py)?.into());
        let text = Value::Object(fields).to_string();
        let client = BridgeClient::from_json(text.as_bytes())
            .map_err(|error| errors::exception(py, &error))?;
        Ok(Self { client })
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
        let arguments = call.envelope()?;
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
        process::require_running()?;
        let completion = sync::run(py, |channel, id| channel.start_token(&self.client, id))?;
        outcome(py, completion, &Wanted::Token, None)
    }

    /// The cached access token while it may be handed out, else None.
    fn cached_token(&self) -> Option<String> {
        self.client.cached_token()
    }

    fn clear_token_cache(&self) {
        self.client.clear_token_cache();
    }

    fn explain_configuration(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        json::to_py(py, &self.client.explain_configuration())
    }

    fn close(&self) {
        self.client.close();
    }
}

impl NativeClient {
    /// The core's client.
    pub fn inner(&self) -> &BridgeClient {
        &self.client
    }
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
